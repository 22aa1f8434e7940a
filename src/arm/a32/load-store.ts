import type { Table } from '../encoding.js';

/** Loads and stores (A5.3, A5.5): single registers first, then multiple ones. */
export const loadStore = {
  LDR_imm_A1: {
    section: 'A8.8.63',
    bits: 'cond:4 010 P U 0 W 1 Rn:4 Rt:4 imm12:12',
    syntax: {
      'POP{c} <Rt_list>': 'P == 0 && U == 1 && W == 0 && Rn == 13 && imm12 == 4',
      'LDR{c} <Rt>, [<Rn>{, #<offset12>}]': 'P == 1 && W == 0',
      'LDR{c} <Rt>, [<Rn>, #<offset12>]!': 'P == 1 && W == 1',
      'LDR{c} <Rt>, [<Rn>], #<offset12>': 'P == 0 && W == 0',
    },
    see: { LDR_lit_A1: 'Rn == 15 && P == 1 && W == 0', LDRT_A1: 'P == 0 && W == 1' },
    unpredictable: '(P == 0 || W == 1) && (Rn == 15 || Rn == Rt)',
  },
  LDR_lit_A1: {
    section: 'A8.8.64',
    bits: 'cond:4 010 1 U 0 0 1 1111 Rt:4 imm12:12',
    syntax: { 'LDR{c} <Rt>, [PC, #<offset12>]': '', 'LDR{c} <Rt>, <literal12>': '' },
  },
  STR_imm_A1: {
    section: 'A8.8.204',
    bits: 'cond:4 010 P U 0 W 0 Rn:4 Rt:4 imm12:12',
    syntax: {
      'PUSH{c} <Rt_list>': 'P == 1 && U == 0 && W == 1 && Rn == 13 && imm12 == 4',
      'STR{c} <Rt>, [<Rn>{, #<offset12>}]': 'P == 1 && W == 0',
      'STR{c} <Rt>, [<Rn>, #<offset12>]!': 'P == 1 && W == 1',
      'STR{c} <Rt>, [<Rn>], #<offset12>': 'P == 0 && W == 0',
    },
    see: { STRT_A1: 'P == 0 && W == 1' },
    unpredictable: '(P == 0 || W == 1) && (Rn == 15 || Rn == Rt)',
  },

  LDM_A1: {
    section: 'A8.8.58',
    bits: 'cond:4 100010 W 1 Rn:4 registers:16',
    syntax: {
      'POP{c} <registers>': 'W == 1 && Rn == 13',
      'LDM{c} <Rn>, <registers>': 'W == 0',
      'LDM{c} <Rn>!, <registers>': 'W == 1',
    },
    unpredictable: 'Rn == 15 || registers == 0',
  },
  STM_A1: {
    section: 'A8.8.199',
    bits: 'cond:4 100010 W 0 Rn:4 registers:16',
    syntax: { 'STM{c} <Rn>, <registers>': 'W == 0', 'STM{c} <Rn>!, <registers>': 'W == 1' },
    unpredictable: 'Rn == 15 || registers == 0',
  },
  STMDB_A1: {
    section: 'A8.8.201',
    bits: 'cond:4 100100 W 0 Rn:4 registers:16',
    syntax: {
      'PUSH{c} <registers>': 'W == 1 && Rn == 13',
      'STMDB{c} <Rn>, <registers>': 'W == 0',
      'STMDB{c} <Rn>!, <registers>': 'W == 1',
    },
    unpredictable: 'Rn == 15 || registers == 0',
  },
} as const satisfies Table;
