/** Debug (CP14, chapter C11): what is written is kept; nothing halts or breaks. */
import * as R from '../../isa/system-registers.js';
import type { Accesses, SystemAccess } from './access.js';
import { fixed, hdcr, stored } from './access.js';

const user = (): boolean => true;
const debug = { trap: hdcr('TDA') };
const rom = { trap: hdcr('TDRA'), user };
const osRelated = { trap: hdcr('TDOSA') };

/** What DBGOSLAR takes for a key, and bits of DBGOSLSR: the lock is there, and is set (C11.11.29, C11.11.30). */
const OS_LOCK_KEY = 0xc5acce55;
const [OSLM1, OSLK] = [1 << 3, 1 << 1];

const dscr = stored({ ...R.DBGDSCRext, name: 'DBGDSCR' as const });

export const debugRegisters = {
  DBGDIDR: fixed(R.DBGDIDR, { ...debug, user }),
  DBGDRAR: fixed(R.DBGDRAR, rom),
  DBGDSAR: fixed(R.DBGDSAR, rom),
  DBGDRAR_64: { read: () => 0n, ...rom },
  DBGDSAR_64: { read: () => 0n, ...rom },
  DBGDSCR: { read: dscr.read, ...debug, user },
  DBGDSCRext: { ...dscr, ...debug },
  DBGVCR: stored(R.DBGVCR, debug),
  DBGPRCR: stored(R.DBGPRCR, osRelated),
  DBGPRSR: fixed(R.DBGPRSR, osRelated),
  DBGOSLAR: {
    write: (m, value) => {
      m.core.osLock = value === OS_LOCK_KEY;
    },
    ...osRelated,
  },
  DBGOSLSR: { read: (m) => OSLM1 | (m.core.osLock ? OSLK : 0), ...osRelated },
  DBGOSDLR: stored(R.DBGOSDLR, osRelated),
} satisfies Partial<Accesses>;

/** How many CRm of c0 have breakpoints and watchpoints, in opc2 4 to 7: values and controls of either. */
export const DEBUG_POINTS = 16;
export const FIRST_POINT = 4;

/** A breakpoint's or watchpoint's value or control, by CRm and opc2: it is kept, and never hit. */
export function debugPoint(CRm: number, opc2: number): SystemAccess {
  const slot = CRm * 4 + opc2 - FIRST_POINT;
  return {
    read: (m) => m.core.DBGPOINTS[slot]!,
    write: (m, value) => {
      m.core.DBGPOINTS[slot] = value;
    },
    ...debug,
  };
}
