/**
 * Breakpoints and watchpoints of the debug architecture: how many a Cortex-A7 has, where CP14 has them, and what their
 * control registers hold. Sources: DDI 0406C sections C11.11.2 to C11.11.4 and C11.11.44 to C11.11.45; DDI 0464, chapter 10.
 */
import { bitsOf, resetOf } from './bits.js';
import type { BitNames } from './system-registers.js';
import { DBGDIDR } from './system-registers.js';

const counted = (field: 'BRPs' | 'CTX_CMPs' | 'WRPs'): number => bitsOf(DBGDIDR, field, resetOf(DBGDIDR)) + 1;

export const BREAKPOINTS = counted('BRPs');
/** The last breakpoints can compare contexts too: from this one on. */
export const FIRST_CONTEXT_BREAKPOINT = BREAKPOINTS - counted('CTX_CMPs');
export const WATCHPOINTS = counted('WRPs');

/** opc2 of the registers in c0, whose CRm is the number of the breakpoint or watchpoint; and of DBGBXVR in c1. */
export const OPC2 = { DBGBVR: 4, DBGBCR: 5, DBGWVR: 6, DBGWCR: 7, DBGBXVR: 1 } as const;

/** A breakpoint's control. A Cortex-A7 has no address mask there (DBGDEVID.BPAddrMask). */
export const DBGBCR = {
  name: 'DBGBCR',
  bits: { BT: [23, 20], LBN: [19, 16], SSC: [15, 14], HMC: 13, BAS: [8, 5], PMC: [2, 1], E: 0 },
} as const satisfies BitNames;

/** A watchpoint's control. */
export const DBGWCR = {
  name: 'DBGWCR',
  bits: {
    MASK: [28, 24],
    WT: 20,
    LBN: [19, 16],
    SSC: [15, 14],
    HMC: 13,
    BAS: [12, 5],
    LSC: [4, 3],
    PAC: [2, 1],
    E: 0,
  },
} as const satisfies BitNames;

/** DBGBCR.BT: what a breakpoint compares (table C11-7). A linked one that compares contexts serves another. */
export const BT = {
  ADDRESS: 0b0000,
  LINKED_ADDRESS: 0b0001,
  CONTEXT: 0b0010,
  LINKED_CONTEXT: 0b0011,
  MISMATCH: 0b0100,
  LINKED_MISMATCH: 0b0101,
  VMID: 0b1000,
  LINKED_VMID: 0b1001,
  VMID_AND_CONTEXT: 0b1010,
  LINKED_VMID_AND_CONTEXT: 0b1011,
} as const;

/** DBGDSCR.MOE: what a debug exception was taken for (table C11-20). */
export const MOE = { BREAKPOINT: 0b0001, BKPT: 0b0011, VECTOR_CATCH: 0b0101, WATCHPOINT: 0b1010 } as const;
