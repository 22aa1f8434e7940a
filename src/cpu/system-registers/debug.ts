/** Debug (CP14, chapter C11). What debug events come of it: debug-events.ts. */
import { maskOf } from '../../isa/bits.js';
import {
  BREAKPOINTS,
  DBGBCR,
  DBGWCR,
  FIRST_CONTEXT_BREAKPOINT,
  OPC2,
  WATCHPOINTS,
} from '../../isa/debug-points.js';
import type { BitNames, BitPlaces } from '../../isa/system-registers.js';
import * as R from '../../isa/system-registers.js';
import { breakAtOffsets } from '../code-cache.js';
import { lookForDebugPoints } from '../debug-events.js';
import type { Machine } from '../state.js';
import { contextsChanged } from '../tlb.js';
import type { Accesses, Conditions, SystemAccess } from './access.js';
import { fixed, hdcr, stored } from './access.js';

const UDCCDIS = maskOf(R.DBGDSCR, 'UDCCdis');

/** To be called when a register was written that debug events depend on. */
export function debugRegisterWritten(m: Machine): void {
  const { core } = m;
  const { watched } = core;
  lookForDebugPoints(core);
  breakAtOffsets(m, core.breakOffsets);
  // Pages with watchpoints are no longer for the interpreter to access by itself.
  if (core.watched !== watched) contextsChanged(m);
}

/** A register that debug events depend on. */
function deciding(register: Parameters<typeof stored>[0], conditions: Conditions): ReturnType<typeof stored> {
  const { read, write } = stored(register);
  return {
    read,
    write: (m, value) => {
      write(m, value);
      debugRegisterWritten(m);
    },
    ...conditions,
  };
}

const user = (m: Machine): boolean => (m.core.DBGDSCR & UDCCDIS) === 0;
const debug = { trap: hdcr('TDA') };
const rom = { trap: hdcr('TDRA'), user };
const osRelated = { trap: hdcr('TDOSA') };

/** What DBGOSLAR takes for a key, and bits of DBGOSLSR: the lock is there, and is set (C11.11.29, C11.11.30). */
const OS_LOCK_KEY = 0xc5acce55;
const [OSLM1, OSLK] = [1 << 3, 1 << 1];

const dscr = deciding({ ...R.DBGDSCRext, name: 'DBGDSCR' as const }, debug);

export const debugRegisters = {
  DBGDIDR: fixed(R.DBGDIDR, { ...debug, user }),
  DBGDRAR: fixed(R.DBGDRAR, rom),
  DBGDSAR: fixed(R.DBGDSAR, rom),
  DBGDRAR_64: { read: () => 0n, ...rom },
  DBGDSAR_64: { read: () => 0n, ...rom },
  DBGDSCR: { read: dscr.read, ...debug, user },
  DBGDSCRext: dscr,
  DBGVCR: deciding(R.DBGVCR, debug),
  DBGPRCR: deciding(R.DBGPRCR, osRelated),
  DBGPRSR: fixed(R.DBGPRSR, osRelated),
  DBGOSLAR: {
    write: (m, value) => {
      m.core.osLock = value === OS_LOCK_KEY;
      debugRegisterWritten(m);
    },
    ...osRelated,
  },
  DBGOSLSR: { read: (m) => OSLM1 | (m.core.osLock ? OSLK : 0), ...osRelated },
  DBGOSDLR: deciding(R.DBGOSDLR, osRelated),
} satisfies Partial<Accesses>;

type Values = 'DBGBVR' | 'DBGBCR' | 'DBGBXVR' | 'DBGWVR' | 'DBGWCR';

/** Where CP14 has the value, control or context of a breakpoint or watchpoint. */
export interface DebugPoint {
  readonly CRn: 0 | 1;
  readonly CRm: number;
  readonly opc2: number;
  readonly access: SystemAccess;
}

/** What of them can be written: an address is a word's, but for breakpoints that compare contexts. */
const ADDRESS = 0xfffffffc;
const CONTROL = { DBGBCR: maskOf(DBGBCR, ...names(DBGBCR)), DBGWCR: maskOf(DBGWCR, ...names(DBGWCR)) };
const VMID = 0xff;

function names<Bits extends BitPlaces>({ bits }: BitNames<Bits>): (keyof Bits & string)[] {
  return Object.keys(bits);
}

function debugPoint(name: Values, n: number, writable: number): DebugPoint {
  const access: SystemAccess = {
    read: (m) => m.core[name][n]!,
    write: (m, value) => {
      m.core[name][n] = value & writable;
      debugRegisterWritten(m);
    },
    ...debug,
  };
  return { CRn: name === 'DBGBXVR' ? 1 : 0, CRm: n, opc2: OPC2[name], access };
}

const each = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Every breakpoint's and watchpoint's registers (C11.11.2 to C11.11.4, C11.11.44, C11.11.45). */
export const debugPoints: readonly DebugPoint[] = [
  ...each(BREAKPOINTS).flatMap((n) => {
    const context = n >= FIRST_CONTEXT_BREAKPOINT;
    return [
      debugPoint('DBGBVR', n, context ? 0xffffffff : ADDRESS),
      debugPoint('DBGBCR', n, CONTROL.DBGBCR),
      ...(context ? [debugPoint('DBGBXVR', n, VMID)] : []),
    ];
  }),
  ...each(WATCHPOINTS).flatMap((n) => [
    debugPoint('DBGWVR', n, ADDRESS),
    debugPoint('DBGWCR', n, CONTROL.DBGWCR),
  ]),
];
