/** The system registers of the Cortex-A7, by encoding: the table of src/isa, and what each does here. */
import type { Restriction, SystemRegister, SystemRegister64 } from '../../isa/system-registers.js';
import * as R from '../../isa/system-registers.js';
import { type Accesses, type SystemAccess, tellingOfInert } from './access.js';
import { addressTranslation } from './address-translation.js';
import { caches, OLD_WFI, oldWfi } from './caches.js';
import { context } from './context.js';
import { control } from './control.js';
import { debugPoints, debugRegisters } from './debug.js';
import { faults } from './faults.js';
import { genericTimer } from './generic-timer.js';
import { identification, MIDR_ALIASES, RESERVED_FEATURES, reservedFeature } from './identification.js';
import { performanceMonitors } from './performance-monitors.js';
import { thumbeeAndJazelle } from './thumbee-jazelle.js';
import { tlbMaintenance } from './tlb-maintenance.js';
import { translation } from './translation.js';
import { vectors } from './vectors.js';
import { virtualization } from './virtualization.js';

/** A register of the table without an access, or with one that it does not have, is a fault of types. */
const accesses = {
  ...identification,
  ...control,
  ...virtualization,
  ...translation,
  ...faults,
  ...caches,
  ...addressTranslation,
  ...tlbMaintenance,
  ...performanceMonitors,
  ...vectors,
  ...context,
  ...genericTimer,
  ...debugRegisters,
  ...thumbeeAndJazelle,
} satisfies Accesses;

/** How a register is reached, and who is refused. */
export interface Reached<Value extends number | bigint = number> extends SystemAccess<Value> {
  readonly restricted: Restriction | undefined;
}

/** Where MCR and MRC name a register. */
export type Place = Pick<SystemRegister, 'coproc' | 'opc1' | 'CRn' | 'CRm' | 'opc2'>;
type Place64 = Pick<SystemRegister64, 'coproc' | 'opc1' | 'CRm'>;

const registers32 = new Map<number, Reached>();
const registers64 = new Map<number, Reached<bigint>>();

const key = ({ coproc, opc1, CRn, CRm, opc2 }: Place): number =>
  (coproc << 14) | (opc1 << 11) | (CRn << 7) | (CRm << 3) | opc2;
const key64 = ({ coproc, opc1, CRm }: Place64): number => (coproc << 8) | (opc1 << 4) | CRm;

for (const name of Object.keys(R) as (keyof typeof R)[]) {
  const register: SystemRegister | SystemRegister64 = R[name];
  const reached = { ...accesses[name], restricted: register.restricted };
  if (register.size === 64) registers64.set(key64(register), reached as Reached<bigint>);
  else registers32.set(key(register), telling(register, reached as Reached));
}

/** The same, where a register has fields that do nothing: writes tell of them. */
function telling(register: SystemRegister, reached: Reached): Reached {
  const { write } = reached;
  if (!write || Object.keys(register.inert).length === 0) return reached;
  const tell = tellingOfInert(register);
  return {
    ...reached,
    write: (m, value) => {
      tell(m, value);
      write(m, value);
    },
  };
}

// Places that the manual gives no name of their own.
const place = (at: Place, access: SystemAccess): void => {
  registers32.set(key(at), { ...access, restricted: undefined });
};
for (const opc2 of MIDR_ALIASES) place({ ...R.MIDR, opc2 }, accesses.MIDR);
for (const { CRm, first } of RESERVED_FEATURES)
  for (let opc2 = first; opc2 < 8; opc2++) place({ ...R.ID_ISAR5, CRm, opc2 }, reservedFeature);
place({ ...R.CP15ISB, ...OLD_WFI }, oldWfi);
for (const { access, ...at } of debugPoints) place({ ...R.DBGDIDR, ...at }, access);

/** The 32-bit register at a place, or undefined where there is none. */
export function systemRegister(at: Place): Reached | undefined {
  return registers32.get(key(at));
}

/** The 64-bit register at a place, or undefined where there is none. */
export function systemRegister64(at: Place64): Reached<bigint> | undefined {
  return registers64.get(key64(at));
}
