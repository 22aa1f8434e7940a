import type { Table } from '../encoding.js';

/** Branches and calls (A5.5). */
export const branches = {
  B_A1: { section: 'A8.8.18', bits: 'cond:4 1010 imm24:24', syntax: 'B{c} <branch24>' },
  BL_imm_A1: { section: 'A8.8.25', bits: 'cond:4 1011 imm24:24', syntax: 'BL{c} <branch24>' },
  BLX_imm_A2: { section: 'A8.8.25', bits: '1111 101 H imm24:24', syntax: 'BLX <branch24H>' },
  BX_A1: {
    section: 'A8.8.27',
    bits: 'cond:4 00010010 (1111) (1111) (1111) 0001 Rm:4',
    syntax: 'BX{c} <Rm>',
  },
  BXJ_A1: {
    section: 'A8.8.28',
    bits: 'cond:4 00010010 (1111) (1111) (1111) 0010 Rm:4',
    syntax: 'BXJ{c} <Rm>',
    unpredictable: 'Rm == 15',
  },
  BLX_reg_A1: {
    section: 'A8.8.26',
    bits: 'cond:4 00010010 (1111) (1111) (1111) 0011 Rm:4',
    syntax: 'BLX{c} <Rm>',
    unpredictable: 'Rm == 15',
  },
} as const satisfies Table;
