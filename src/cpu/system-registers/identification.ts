/** Identification of the core and its features (c0); the values are the table's, of DDI 0464 chapter 4. */
import { MODE_HYP } from '../../isa/program-status.js';
import * as R from '../../isa/system-registers.js';
import { resetOf } from '../../isa/bits.js';
import { isSecure, modeOf } from '../current-mode.js';
import type { Machine } from '../state.js';
import type { Accesses, Conditions } from './access.js';
import { bank, fixed, hcr, stored } from './access.js';

/** What Hyp mode gives PL1 to see in place of MIDR and MPIDR is in VPIDR and VMPIDR. */
const seesItself = (m: Machine): boolean => isSecure(m) || modeOf(m) === MODE_HYP;
const midr = resetOf(R.MIDR);

/** Of the data cache (32 KiB), the instruction cache (32 KiB) and the level 2 cache (512 KiB), by CSSELR. */
const CCSIDR_VALUES = [0x700fe01a, 0x203fe009, 0x707fe03a];

const [group1, group2, group3]: readonly Conditions[] & { length: 3 } = [
  { trap: hcr('TID1') },
  { trap: hcr('TID2') },
  { trap: hcr('TID3') },
];

export const identification = {
  MIDR: { read: (m) => (seesItself(m) ? midr : m.core.VPIDR) },
  MPIDR: { read: (m) => (seesItself(m) ? m.core.MPIDR : m.core.VMPIDR) },
  CTR: fixed(R.CTR, group2),
  TCMTR: fixed(R.TCMTR, group1),
  TLBTR: fixed(R.TLBTR, group1),
  REVIDR: fixed(R.REVIDR, group1),
  ID_PFR0: fixed(R.ID_PFR0, group3),
  ID_PFR1: fixed(R.ID_PFR1, group3),
  ID_DFR0: fixed(R.ID_DFR0, group3),
  ID_AFR0: fixed(R.ID_AFR0, group3),
  ID_MMFR0: fixed(R.ID_MMFR0, group3),
  ID_MMFR1: fixed(R.ID_MMFR1, group3),
  ID_MMFR2: fixed(R.ID_MMFR2, group3),
  ID_MMFR3: fixed(R.ID_MMFR3, group3),
  ID_ISAR0: fixed(R.ID_ISAR0, group3),
  ID_ISAR1: fixed(R.ID_ISAR1, group3),
  ID_ISAR2: fixed(R.ID_ISAR2, group3),
  ID_ISAR3: fixed(R.ID_ISAR3, group3),
  ID_ISAR4: fixed(R.ID_ISAR4, group3),
  ID_ISAR5: fixed(R.ID_ISAR5, group3),
  CCSIDR: { read: (m) => CCSIDR_VALUES[bank(m).CSSELR & 7] ?? 0, ...group2 },
  CLIDR: fixed(R.CLIDR, group2),
  AIDR: fixed(R.AIDR, group1),
  CSSELR: stored(R.CSSELR, group2),
  CBAR: fixed(R.CBAR),
} satisfies Partial<Accesses>;

/** The rest of the feature registers' space is reserved and reads as zero; for each CRm of c0, the first opc2 of it. */
export const RESERVED_FEATURES = [
  { CRm: 2, first: 6 },
  ...[3, 4, 5, 6, 7].map((CRm) => ({ CRm, first: 0 })),
] as const;
export const reservedFeature = { read: () => 0, ...group3 };

/** The opc2 that read as MIDR beside its own (B3.17.1). */
export const MIDR_ALIASES = [4, 7] as const;
