import type { Table } from '../encoding.js';

/** Loads, stores and preloads (A5.2.8, A5.2.9, A5.2.10, A5.3, A5.5, A5.7.1). */
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
    unpredictable: '((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  LDR_lit_A1: {
    section: 'A8.8.64',
    bits: 'cond:4 010 1 U 0 0 1 1111 Rt:4 imm12:12',
    syntax: {
      'LDR{c} <Rt>, [PC{, #<offset12>}]': '',
      'LDR{c} <Rt>, <literal12>': '',
    },
    // A32's PC is a multiple of 4, so the offset alone decides whether the address is.
    unpredictable: 'Rt == 15 && imm12<1:0> != 0',
  },
  LDR_reg_A1: {
    section: 'A8.8.66',
    bits: 'cond:4 011 P U 0 W 1 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4',
    syntax: {
      'LDR{c} <Rt>, [<Rn>, <index>{, <shift>}]': 'P == 1 && W == 0',
      'LDR{c} <Rt>, [<Rn>, <index>{, <shift>}]!': 'P == 1 && W == 1',
      'LDR{c} <Rt>, [<Rn>], <index>{, <shift>}': 'P == 0 && W == 0',
    },
    see: { LDRT_A2: 'P == 0 && W == 1' },
    unpredictable: 'Rm == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  LDRT_A1: {
    section: 'A8.8.92',
    bits: 'cond:4 0100 U 0 1 1 Rn:4 Rt:4 imm12:12',
    syntax: {
      'LDRT{c} <Rt>, [<Rn>], #<offset12>': '',
      'LDRT{c} <Rt>, [<Rn>]': 'U == 1 && imm12 == 0',
    },
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt',
  },
  LDRT_A2: {
    section: 'A8.8.92',
    bits: 'cond:4 0110 U 0 1 1 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4',
    syntax: 'LDRT{c} <Rt>, [<Rn>], <index>{, <shift>}',
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt || Rm == 15',
  },
  LDRB_imm_A1: {
    section: 'A8.8.68',
    bits: 'cond:4 010 P U 1 W 1 Rn:4 Rt:4 imm12:12',
    syntax: {
      'LDRB{c} <Rt>, [<Rn>{, #<offset12>}]': 'P == 1 && W == 0',
      'LDRB{c} <Rt>, [<Rn>, #<offset12>]!': 'P == 1 && W == 1',
      'LDRB{c} <Rt>, [<Rn>], #<offset12>': 'P == 0 && W == 0',
    },
    see: { LDRB_lit_A1: 'Rn == 15 && P == 1 && W == 0', LDRBT_A1: 'P == 0 && W == 1' },
    unpredictable: 'Rt == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  LDRB_lit_A1: {
    section: 'A8.8.69',
    bits: 'cond:4 010 1 U 1 0 1 1111 Rt:4 imm12:12',
    syntax: {
      'LDRB{c} <Rt>, [PC{, #<offset12>}]': '',
      'LDRB{c} <Rt>, <literal12>': '',
    },
    unpredictable: 'Rt == 15',
  },
  LDRB_reg_A1: {
    section: 'A8.8.70',
    bits: 'cond:4 011 P U 1 W 1 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4',
    syntax: {
      'LDRB{c} <Rt>, [<Rn>, <index>{, <shift>}]': 'P == 1 && W == 0',
      'LDRB{c} <Rt>, [<Rn>, <index>{, <shift>}]!': 'P == 1 && W == 1',
      'LDRB{c} <Rt>, [<Rn>], <index>{, <shift>}': 'P == 0 && W == 0',
    },
    see: { LDRBT_A2: 'P == 0 && W == 1' },
    unpredictable: 'Rt == 15 || Rm == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  LDRBT_A1: {
    section: 'A8.8.71',
    bits: 'cond:4 0100 U 1 1 1 Rn:4 Rt:4 imm12:12',
    syntax: {
      'LDRBT{c} <Rt>, [<Rn>], #<offset12>': '',
      'LDRBT{c} <Rt>, [<Rn>]': 'U == 1 && imm12 == 0',
    },
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt',
  },
  LDRBT_A2: {
    section: 'A8.8.71',
    bits: 'cond:4 0110 U 1 1 1 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4',
    syntax: 'LDRBT{c} <Rt>, [<Rn>], <index>{, <shift>}',
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt || Rm == 15',
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
    unpredictable: '((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  STR_reg_A1: {
    section: 'A8.8.205',
    bits: 'cond:4 011 P U 0 W 0 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4',
    syntax: {
      'STR{c} <Rt>, [<Rn>, <index>{, <shift>}]': 'P == 1 && W == 0',
      'STR{c} <Rt>, [<Rn>, <index>{, <shift>}]!': 'P == 1 && W == 1',
      'STR{c} <Rt>, [<Rn>], <index>{, <shift>}': 'P == 0 && W == 0',
    },
    see: { STRT_A2: 'P == 0 && W == 1' },
    unpredictable: 'Rm == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  STRT_A1: {
    section: 'A8.8.220',
    bits: 'cond:4 0100 U 0 1 0 Rn:4 Rt:4 imm12:12',
    syntax: {
      'STRT{c} <Rt>, [<Rn>], #<offset12>': '',
      'STRT{c} <Rt>, [<Rn>]': 'U == 1 && imm12 == 0',
    },
    unpredictable: 'Rn == 15 || Rn == Rt',
  },
  STRT_A2: {
    section: 'A8.8.220',
    bits: 'cond:4 0110 U 0 1 0 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4',
    syntax: 'STRT{c} <Rt>, [<Rn>], <index>{, <shift>}',
    unpredictable: 'Rn == 15 || Rn == Rt || Rm == 15',
  },
  STRB_imm_A1: {
    section: 'A8.8.207',
    bits: 'cond:4 010 P U 1 W 0 Rn:4 Rt:4 imm12:12',
    syntax: {
      'STRB{c} <Rt>, [<Rn>{, #<offset12>}]': 'P == 1 && W == 0',
      'STRB{c} <Rt>, [<Rn>, #<offset12>]!': 'P == 1 && W == 1',
      'STRB{c} <Rt>, [<Rn>], #<offset12>': 'P == 0 && W == 0',
    },
    see: { STRBT_A1: 'P == 0 && W == 1' },
    unpredictable: 'Rt == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  STRB_reg_A1: {
    section: 'A8.8.208',
    bits: 'cond:4 011 P U 1 W 0 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4',
    syntax: {
      'STRB{c} <Rt>, [<Rn>, <index>{, <shift>}]': 'P == 1 && W == 0',
      'STRB{c} <Rt>, [<Rn>, <index>{, <shift>}]!': 'P == 1 && W == 1',
      'STRB{c} <Rt>, [<Rn>], <index>{, <shift>}': 'P == 0 && W == 0',
    },
    see: { STRBT_A2: 'P == 0 && W == 1' },
    unpredictable: 'Rt == 15 || Rm == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  STRBT_A1: {
    section: 'A8.8.209',
    bits: 'cond:4 0100 U 1 1 0 Rn:4 Rt:4 imm12:12',
    syntax: {
      'STRBT{c} <Rt>, [<Rn>], #<offset12>': '',
      'STRBT{c} <Rt>, [<Rn>]': 'U == 1 && imm12 == 0',
    },
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt',
  },
  STRBT_A2: {
    section: 'A8.8.209',
    bits: 'cond:4 0110 U 1 1 0 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4',
    syntax: 'STRBT{c} <Rt>, [<Rn>], <index>{, <shift>}',
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt || Rm == 15',
  },
  LDRH_imm_A1: {
    section: 'A8.8.80',
    bits: 'cond:4 000 P U 1 W 1 Rn:4 Rt:4 imm8:4 1011 imm8:4',
    syntax: {
      'LDRH{c} <Rt>, [<Rn>{, #<offset8>}]': 'P == 1 && W == 0',
      'LDRH{c} <Rt>, [<Rn>, #<offset8>]!': 'P == 1 && W == 1',
      'LDRH{c} <Rt>, [<Rn>], #<offset8>': 'P == 0 && W == 0',
    },
    see: { LDRH_lit_A1: 'Rn == 15 && P == 1 && W == 0', LDRHT_A1: 'P == 0 && W == 1' },
    unpredictable: 'Rt == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  LDRH_lit_A1: {
    section: 'A8.8.81',
    bits: 'cond:4 000 1 U 1 0 1 1111 Rt:4 imm8:4 1011 imm8:4',
    syntax: {
      'LDRH{c} <Rt>, [PC{, #<offset8>}]': '',
      'LDRH{c} <Rt>, <literal8>': '',
    },
    unpredictable: 'Rt == 15',
  },
  LDRH_reg_A1: {
    section: 'A8.8.82',
    bits: 'cond:4 000 P U 0 W 1 Rn:4 Rt:4 (0000) 1011 Rm:4',
    syntax: {
      'LDRH{c} <Rt>, [<Rn>, <index>]': 'P == 1 && W == 0',
      'LDRH{c} <Rt>, [<Rn>, <index>]!': 'P == 1 && W == 1',
      'LDRH{c} <Rt>, [<Rn>], <index>': 'P == 0 && W == 0',
    },
    see: { LDRHT_A2: 'P == 0 && W == 1' },
    unpredictable: 'Rt == 15 || Rm == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  LDRHT_A1: {
    section: 'A8.8.83',
    bits: 'cond:4 0000 U 1 1 1 Rn:4 Rt:4 imm8:4 1011 imm8:4',
    syntax: {
      'LDRHT{c} <Rt>, [<Rn>], #<offset8>': '',
      'LDRHT{c} <Rt>, [<Rn>]': 'U == 1 && imm8 == 0',
    },
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt',
  },
  LDRHT_A2: {
    section: 'A8.8.83',
    bits: 'cond:4 0000 U 0 1 1 Rn:4 Rt:4 (0000) 1011 Rm:4',
    syntax: 'LDRHT{c} <Rt>, [<Rn>], <index>',
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt || Rm == 15',
  },
  LDRSB_imm_A1: {
    section: 'A8.8.84',
    bits: 'cond:4 000 P U 1 W 1 Rn:4 Rt:4 imm8:4 1101 imm8:4',
    syntax: {
      'LDRSB{c} <Rt>, [<Rn>{, #<offset8>}]': 'P == 1 && W == 0',
      'LDRSB{c} <Rt>, [<Rn>, #<offset8>]!': 'P == 1 && W == 1',
      'LDRSB{c} <Rt>, [<Rn>], #<offset8>': 'P == 0 && W == 0',
    },
    see: { LDRSB_lit_A1: 'Rn == 15 && P == 1 && W == 0', LDRSBT_A1: 'P == 0 && W == 1' },
    unpredictable: 'Rt == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  LDRSB_lit_A1: {
    section: 'A8.8.85',
    bits: 'cond:4 000 1 U 1 0 1 1111 Rt:4 imm8:4 1101 imm8:4',
    syntax: {
      'LDRSB{c} <Rt>, [PC{, #<offset8>}]': '',
      'LDRSB{c} <Rt>, <literal8>': '',
    },
    unpredictable: 'Rt == 15',
  },
  LDRSB_reg_A1: {
    section: 'A8.8.86',
    bits: 'cond:4 000 P U 0 W 1 Rn:4 Rt:4 (0000) 1101 Rm:4',
    syntax: {
      'LDRSB{c} <Rt>, [<Rn>, <index>]': 'P == 1 && W == 0',
      'LDRSB{c} <Rt>, [<Rn>, <index>]!': 'P == 1 && W == 1',
      'LDRSB{c} <Rt>, [<Rn>], <index>': 'P == 0 && W == 0',
    },
    see: { LDRSBT_A2: 'P == 0 && W == 1' },
    unpredictable: 'Rt == 15 || Rm == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  LDRSBT_A1: {
    section: 'A8.8.87',
    bits: 'cond:4 0000 U 1 1 1 Rn:4 Rt:4 imm8:4 1101 imm8:4',
    syntax: {
      'LDRSBT{c} <Rt>, [<Rn>], #<offset8>': '',
      'LDRSBT{c} <Rt>, [<Rn>]': 'U == 1 && imm8 == 0',
    },
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt',
  },
  LDRSBT_A2: {
    section: 'A8.8.87',
    bits: 'cond:4 0000 U 0 1 1 Rn:4 Rt:4 (0000) 1101 Rm:4',
    syntax: 'LDRSBT{c} <Rt>, [<Rn>], <index>',
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt || Rm == 15',
  },
  LDRSH_imm_A1: {
    section: 'A8.8.88',
    bits: 'cond:4 000 P U 1 W 1 Rn:4 Rt:4 imm8:4 1111 imm8:4',
    syntax: {
      'LDRSH{c} <Rt>, [<Rn>{, #<offset8>}]': 'P == 1 && W == 0',
      'LDRSH{c} <Rt>, [<Rn>, #<offset8>]!': 'P == 1 && W == 1',
      'LDRSH{c} <Rt>, [<Rn>], #<offset8>': 'P == 0 && W == 0',
    },
    see: { LDRSH_lit_A1: 'Rn == 15 && P == 1 && W == 0', LDRSHT_A1: 'P == 0 && W == 1' },
    unpredictable: 'Rt == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  LDRSH_lit_A1: {
    section: 'A8.8.89',
    bits: 'cond:4 000 1 U 1 0 1 1111 Rt:4 imm8:4 1111 imm8:4',
    syntax: {
      'LDRSH{c} <Rt>, [PC{, #<offset8>}]': '',
      'LDRSH{c} <Rt>, <literal8>': '',
    },
    unpredictable: 'Rt == 15',
  },
  LDRSH_reg_A1: {
    section: 'A8.8.90',
    bits: 'cond:4 000 P U 0 W 1 Rn:4 Rt:4 (0000) 1111 Rm:4',
    syntax: {
      'LDRSH{c} <Rt>, [<Rn>, <index>]': 'P == 1 && W == 0',
      'LDRSH{c} <Rt>, [<Rn>, <index>]!': 'P == 1 && W == 1',
      'LDRSH{c} <Rt>, [<Rn>], <index>': 'P == 0 && W == 0',
    },
    see: { LDRSHT_A2: 'P == 0 && W == 1' },
    unpredictable: 'Rt == 15 || Rm == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  LDRSHT_A1: {
    section: 'A8.8.91',
    bits: 'cond:4 0000 U 1 1 1 Rn:4 Rt:4 imm8:4 1111 imm8:4',
    syntax: {
      'LDRSHT{c} <Rt>, [<Rn>], #<offset8>': '',
      'LDRSHT{c} <Rt>, [<Rn>]': 'U == 1 && imm8 == 0',
    },
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt',
  },
  LDRSHT_A2: {
    section: 'A8.8.91',
    bits: 'cond:4 0000 U 0 1 1 Rn:4 Rt:4 (0000) 1111 Rm:4',
    syntax: 'LDRSHT{c} <Rt>, [<Rn>], <index>',
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt || Rm == 15',
  },
  STRH_imm_A1: {
    section: 'A8.8.217',
    bits: 'cond:4 000 P U 1 W 0 Rn:4 Rt:4 imm8:4 1011 imm8:4',
    syntax: {
      'STRH{c} <Rt>, [<Rn>{, #<offset8>}]': 'P == 1 && W == 0',
      'STRH{c} <Rt>, [<Rn>, #<offset8>]!': 'P == 1 && W == 1',
      'STRH{c} <Rt>, [<Rn>], #<offset8>': 'P == 0 && W == 0',
    },
    see: { STRHT_A1: 'P == 0 && W == 1' },
    unpredictable: 'Rt == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  STRH_reg_A1: {
    section: 'A8.8.218',
    bits: 'cond:4 000 P U 0 W 0 Rn:4 Rt:4 (0000) 1011 Rm:4',
    syntax: {
      'STRH{c} <Rt>, [<Rn>, <index>]': 'P == 1 && W == 0',
      'STRH{c} <Rt>, [<Rn>, <index>]!': 'P == 1 && W == 1',
      'STRH{c} <Rt>, [<Rn>], <index>': 'P == 0 && W == 0',
    },
    see: { STRHT_A2: 'P == 0 && W == 1' },
    unpredictable: 'Rt == 15 || Rm == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt))',
  },
  STRHT_A1: {
    section: 'A8.8.219',
    bits: 'cond:4 0000 U 1 1 0 Rn:4 Rt:4 imm8:4 1011 imm8:4',
    syntax: {
      'STRHT{c} <Rt>, [<Rn>], #<offset8>': '',
      'STRHT{c} <Rt>, [<Rn>]': 'U == 1 && imm8 == 0',
    },
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt',
  },
  STRHT_A2: {
    section: 'A8.8.219',
    bits: 'cond:4 0000 U 0 1 0 Rn:4 Rt:4 (0000) 1011 Rm:4',
    syntax: 'STRHT{c} <Rt>, [<Rn>], <index>',
    unpredictable: 'Rt == 15 || Rn == 15 || Rn == Rt || Rm == 15',
  },
  LDRD_imm_A1: {
    section: 'A8.8.72',
    bits: 'cond:4 000 P U 1 W 0 Rn:4 Rt:4 imm8:4 1101 imm8:4',
    syntax: {
      'LDRD{c} <Rt>, <Rt_next>, [<Rn>{, #<offset8>}]': 'P == 1 && W == 0',
      'LDRD{c} <Rt>, <Rt_next>, [<Rn>, #<offset8>]!': 'P == 1 && W == 1',
      'LDRD{c} <Rt>, <Rt_next>, [<Rn>], #<offset8>': 'P == 0 && W == 0',
    },
    see: { LDRD_lit_A1: 'Rn == 15 && P == 1 && W == 0' },
    unpredictable:
      'Rt<0> == 1 || Rt == 14 || (P == 0 && W == 1) || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt || Rn == Rt + 1))',
  },
  LDRD_lit_A1: {
    section: 'A8.8.73',
    bits: 'cond:4 000 1 U 1 0 0 1111 Rt:4 imm8:4 1101 imm8:4',
    syntax: {
      'LDRD{c} <Rt>, <Rt_next>, [PC{, #<offset8>}]': '',
      'LDRD{c} <Rt>, <Rt_next>, <literal8>': '',
    },
    unpredictable: 'Rt<0> == 1 || Rt == 14',
  },
  LDRD_reg_A1: {
    section: 'A8.8.74',
    bits: 'cond:4 000 P U 0 W 0 Rn:4 Rt:4 (0000) 1101 Rm:4',
    syntax: {
      'LDRD{c} <Rt>, <Rt_next>, [<Rn>, <index>]': 'P == 1 && W == 0',
      'LDRD{c} <Rt>, <Rt_next>, [<Rn>, <index>]!': 'P == 1 && W == 1',
      'LDRD{c} <Rt>, <Rt_next>, [<Rn>], <index>': 'P == 0 && W == 0',
    },
    unpredictable:
      'Rt<0> == 1 || Rt == 14 || (P == 0 && W == 1) || Rm == 15 || Rm == Rt || Rm == Rt + 1 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt || Rn == Rt + 1))',
  },
  STRD_imm_A1: {
    section: 'A8.8.210',
    bits: 'cond:4 000 P U 1 W 0 Rn:4 Rt:4 imm8:4 1111 imm8:4',
    syntax: {
      'STRD{c} <Rt>, <Rt_next>, [<Rn>{, #<offset8>}]': 'P == 1 && W == 0',
      'STRD{c} <Rt>, <Rt_next>, [<Rn>, #<offset8>]!': 'P == 1 && W == 1',
      'STRD{c} <Rt>, <Rt_next>, [<Rn>], #<offset8>': 'P == 0 && W == 0',
    },
    unpredictable:
      'Rt<0> == 1 || Rt == 14 || (P == 0 && W == 1) || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt || Rn == Rt + 1))',
  },
  STRD_reg_A1: {
    section: 'A8.8.211',
    bits: 'cond:4 000 P U 0 W 0 Rn:4 Rt:4 (0000) 1111 Rm:4',
    syntax: {
      'STRD{c} <Rt>, <Rt_next>, [<Rn>, <index>]': 'P == 1 && W == 0',
      'STRD{c} <Rt>, <Rt_next>, [<Rn>, <index>]!': 'P == 1 && W == 1',
      'STRD{c} <Rt>, <Rt_next>, [<Rn>], <index>': 'P == 0 && W == 0',
    },
    unpredictable:
      'Rt<0> == 1 || Rt == 14 || (P == 0 && W == 1) || Rm == 15 || ((P == 0 || W == 1) && (Rn == 15 || Rn == Rt || Rn == Rt + 1))',
  },
  LDREX_A1: {
    section: 'A8.8.75',
    bits: 'cond:4 00011001 Rn:4 Rt:4 (1111) 1001 (1111)',
    syntax: 'LDREX{c} <Rt>, [<Rn>]',
    unpredictable: 'Rt == 15 || Rn == 15',
  },
  STREX_A1: {
    section: 'A8.8.212',
    bits: 'cond:4 00011000 Rn:4 Rd:4 (1111) 1001 Rt:4',
    syntax: 'STREX{c} <Rd>, <Rt>, [<Rn>]',
    unpredictable: 'Rt == 15 || Rd == 15 || Rn == 15 || Rd == Rn || Rd == Rt',
  },
  LDREXD_A1: {
    section: 'A8.8.77',
    bits: 'cond:4 00011011 Rn:4 Rt:4 (1111) 1001 (1111)',
    syntax: 'LDREXD{c} <Rt>, <Rt_next>, [<Rn>]',
    unpredictable: 'Rt<0> == 1 || Rt == 14 || Rn == 15',
  },
  STREXD_A1: {
    section: 'A8.8.214',
    bits: 'cond:4 00011010 Rn:4 Rd:4 (1111) 1001 Rt:4',
    syntax: 'STREXD{c} <Rd>, <Rt>, <Rt_next>, [<Rn>]',
    unpredictable: 'Rt<0> == 1 || Rt == 14 || Rd == 15 || Rn == 15 || Rd == Rn || Rd == Rt || Rd == Rt + 1',
  },
  LDREXB_A1: {
    section: 'A8.8.76',
    bits: 'cond:4 00011101 Rn:4 Rt:4 (1111) 1001 (1111)',
    syntax: 'LDREXB{c} <Rt>, [<Rn>]',
    unpredictable: 'Rt == 15 || Rn == 15',
  },
  STREXB_A1: {
    section: 'A8.8.213',
    bits: 'cond:4 00011100 Rn:4 Rd:4 (1111) 1001 Rt:4',
    syntax: 'STREXB{c} <Rd>, <Rt>, [<Rn>]',
    unpredictable: 'Rt == 15 || Rd == 15 || Rn == 15 || Rd == Rn || Rd == Rt',
  },
  LDREXH_A1: {
    section: 'A8.8.78',
    bits: 'cond:4 00011111 Rn:4 Rt:4 (1111) 1001 (1111)',
    syntax: 'LDREXH{c} <Rt>, [<Rn>]',
    unpredictable: 'Rt == 15 || Rn == 15',
  },
  STREXH_A1: {
    section: 'A8.8.215',
    bits: 'cond:4 00011110 Rn:4 Rd:4 (1111) 1001 Rt:4',
    syntax: 'STREXH{c} <Rd>, <Rt>, [<Rn>]',
    unpredictable: 'Rt == 15 || Rd == 15 || Rn == 15 || Rd == Rn || Rd == Rt',
  },
  SWP_A1: {
    section: 'A8.8.229',
    bits: 'cond:4 00010 B 00 Rn:4 Rt:4 (0000) 1001 Rt2:4',
    syntax: {
      'SWP{c} <Rt>, <Rt2>, [<Rn>]': 'B == 0',
      'SWPB{c} <Rt>, <Rt2>, [<Rn>]': 'B == 1',
    },
    unpredictable: 'Rt == 15 || Rt2 == 15 || Rn == 15 || Rn == Rt || Rn == Rt2',
  },
  LDM_A1: {
    section: 'A8.8.58',
    bits: 'cond:4 100010 W 1 Rn:4 registers:16',
    syntax: {
      'POP{c} <registers>': 'W == 1 && Rn == 13 && BitCount(registers) > 1',
      'LDM{c} <Rn>, <registers>': 'W == 0',
      'LDM{c} <Rn>!, <registers>': 'W == 1',
    },
    unpredictable: 'Rn == 15 || registers == 0 || (W == 1 && registers<Rn> == 1)',
  },
  STM_A1: {
    section: 'A8.8.199',
    bits: 'cond:4 100010 W 0 Rn:4 registers:16',
    syntax: {
      'STM{c} <Rn>, <registers>': 'W == 0',
      'STM{c} <Rn>!, <registers>': 'W == 1',
    },
    unpredictable: 'Rn == 15 || registers == 0',
  },
  LDMDA_A1: {
    section: 'A8.8.59',
    bits: 'cond:4 100000 W 1 Rn:4 registers:16',
    syntax: {
      'LDMDA{c} <Rn>, <registers>': 'W == 0',
      'LDMDA{c} <Rn>!, <registers>': 'W == 1',
    },
    unpredictable: 'Rn == 15 || registers == 0 || (W == 1 && registers<Rn> == 1)',
  },
  STMDA_A1: {
    section: 'A8.8.200',
    bits: 'cond:4 100000 W 0 Rn:4 registers:16',
    syntax: {
      'STMDA{c} <Rn>, <registers>': 'W == 0',
      'STMDA{c} <Rn>!, <registers>': 'W == 1',
    },
    unpredictable: 'Rn == 15 || registers == 0',
  },
  LDMDB_A1: {
    section: 'A8.8.60',
    bits: 'cond:4 100100 W 1 Rn:4 registers:16',
    syntax: {
      'LDMDB{c} <Rn>, <registers>': 'W == 0',
      'LDMDB{c} <Rn>!, <registers>': 'W == 1',
    },
    unpredictable: 'Rn == 15 || registers == 0 || (W == 1 && registers<Rn> == 1)',
  },
  STMDB_A1: {
    section: 'A8.8.201',
    bits: 'cond:4 100100 W 0 Rn:4 registers:16',
    syntax: {
      'PUSH{c} <registers>': 'W == 1 && Rn == 13 && BitCount(registers) > 1',
      'STMDB{c} <Rn>, <registers>': 'W == 0',
      'STMDB{c} <Rn>!, <registers>': 'W == 1',
    },
    unpredictable: 'Rn == 15 || registers == 0',
  },
  LDMIB_A1: {
    section: 'A8.8.61',
    bits: 'cond:4 100110 W 1 Rn:4 registers:16',
    syntax: {
      'LDMIB{c} <Rn>, <registers>': 'W == 0',
      'LDMIB{c} <Rn>!, <registers>': 'W == 1',
    },
    unpredictable: 'Rn == 15 || registers == 0 || (W == 1 && registers<Rn> == 1)',
  },
  STMIB_A1: {
    section: 'A8.8.202',
    bits: 'cond:4 100110 W 0 Rn:4 registers:16',
    syntax: {
      'STMIB{c} <Rn>, <registers>': 'W == 0',
      'STMIB{c} <Rn>!, <registers>': 'W == 1',
    },
    unpredictable: 'Rn == 15 || registers == 0',
  },
  LDM_user_A1: {
    section: 'B9.3.6',
    bits: 'cond:4 100 P U 1 (0) 1 Rn:4 0 registers:15',
    syntax: {
      'LDM{c} <Rn>, <registers15>^': 'P == 0 && U == 1',
      'LDMDA{c} <Rn>, <registers15>^': 'P == 0 && U == 0',
      'LDMDB{c} <Rn>, <registers15>^': 'P == 1 && U == 0',
      'LDMIB{c} <Rn>, <registers15>^': 'P == 1 && U == 1',
    },
    unpredictable: 'Rn == 15 || registers == 0',
  },
  LDM_exception_A1: {
    section: 'B9.3.5',
    bits: 'cond:4 100 P U 1 W 1 Rn:4 1 registers:15',
    syntax: {
      'LDM{c} <Rn>, <registers_pc>^': 'P == 0 && U == 1 && W == 0',
      'LDM{c} <Rn>!, <registers_pc>^': 'P == 0 && U == 1 && W == 1',
      'LDMDA{c} <Rn>, <registers_pc>^': 'P == 0 && U == 0 && W == 0',
      'LDMDA{c} <Rn>!, <registers_pc>^': 'P == 0 && U == 0 && W == 1',
      'LDMDB{c} <Rn>, <registers_pc>^': 'P == 1 && U == 0 && W == 0',
      'LDMDB{c} <Rn>!, <registers_pc>^': 'P == 1 && U == 0 && W == 1',
      'LDMIB{c} <Rn>, <registers_pc>^': 'P == 1 && U == 1 && W == 0',
      'LDMIB{c} <Rn>!, <registers_pc>^': 'P == 1 && U == 1 && W == 1',
    },
    unpredictable: 'Rn == 15 || (W == 1 && registers<Rn> == 1)',
  },
  STM_user_A1: {
    section: 'B9.3.17',
    bits: 'cond:4 100 P U 1 (0) 0 Rn:4 registers:16',
    syntax: {
      'STM{c} <Rn>, <registers>^': 'P == 0 && U == 1',
      'STMDA{c} <Rn>, <registers>^': 'P == 0 && U == 0',
      'STMDB{c} <Rn>, <registers>^': 'P == 1 && U == 0',
      'STMIB{c} <Rn>, <registers>^': 'P == 1 && U == 1',
    },
    unpredictable: 'Rn == 15 || registers == 0',
  },
  RFE_A1: {
    section: 'B9.3.13',
    bits: '1111 100 P U 0 W 1 Rn:4 (0000101000000000)',
    syntax: {
      'RFEIA <Rn>': 'P == 0 && U == 1 && W == 0',
      'RFEIA <Rn>!': 'P == 0 && U == 1 && W == 1',
      'RFEDA <Rn>': 'P == 0 && U == 0 && W == 0',
      'RFEDA <Rn>!': 'P == 0 && U == 0 && W == 1',
      'RFEDB <Rn>': 'P == 1 && U == 0 && W == 0',
      'RFEDB <Rn>!': 'P == 1 && U == 0 && W == 1',
      'RFEIB <Rn>': 'P == 1 && U == 1 && W == 0',
      'RFEIB <Rn>!': 'P == 1 && U == 1 && W == 1',
    },
    unpredictable: 'Rn == 15',
  },
  SRS_A1: {
    section: 'B9.3.16',
    bits: '1111 100 P U 1 W 0 (110100000101000) mode:5',
    syntax: {
      'SRSIA SP, #<mode>': 'P == 0 && U == 1 && W == 0',
      'SRSIA SP!, #<mode>': 'P == 0 && U == 1 && W == 1',
      'SRSDA SP, #<mode>': 'P == 0 && U == 0 && W == 0',
      'SRSDA SP!, #<mode>': 'P == 0 && U == 0 && W == 1',
      'SRSDB SP, #<mode>': 'P == 1 && U == 0 && W == 0',
      'SRSDB SP!, #<mode>': 'P == 1 && U == 0 && W == 1',
      'SRSIB SP, #<mode>': 'P == 1 && U == 1 && W == 0',
      'SRSIB SP!, #<mode>': 'P == 1 && U == 1 && W == 1',
    },
  },
  PLD_imm_A1: {
    section: 'A8.8.126',
    bits: '1111 0101 U R 01 Rn:4 (1111) imm12:12',
    syntax: {
      'PLD [<Rn>{, #<offset12>}]': 'R == 1',
      'PLDW [<Rn>{, #<offset12>}]': 'R == 0',
    },
    see: { PLD_lit_A1: 'Rn == 15' },
  },
  PLD_lit_A1: {
    section: 'A8.8.127',
    bits: '1111 0101 U (1) 01 1111 (1111) imm12:12',
    syntax: {
      'PLD [PC{, #<offset12>}]': '',
      'PLD <literal12>': '',
    },
  },
  PLD_reg_A1: {
    section: 'A8.8.128',
    bits: '1111 0111 U R 01 Rn:4 (1111) imm5:5 type:2 0 Rm:4',
    syntax: {
      'PLD [<Rn>, <index>{, <shift>}]': 'R == 1',
      'PLDW [<Rn>, <index>{, <shift>}]': 'R == 0',
    },
    unpredictable: 'Rm == 15 || (Rn == 15 && R == 0)',
  },
  PLI_imm_A1: {
    section: 'A8.8.129',
    bits: '1111 0100 U 1 01 Rn:4 (1111) imm12:12',
    syntax: 'PLI [<Rn>{, #<offset12>}]',
    see: { PLI_lit_A1: 'Rn == 15' },
  },
  PLI_lit_A1: {
    section: 'A8.8.129',
    bits: '1111 0100 U 1 01 1111 (1111) imm12:12',
    syntax: {
      'PLI [PC{, #<offset12>}]': '',
      'PLI <literal12>': '',
    },
  },
  PLI_reg_A1: {
    section: 'A8.8.130',
    bits: '1111 0110 U 1 01 Rn:4 (1111) imm5:5 type:2 0 Rm:4',
    syntax: 'PLI [<Rn>, <index>{, <shift>}]',
    unpredictable: 'Rm == 15',
  },
  /** Memory hints without a meaning: they do nothing. UAL has no syntax for them. */
  HINT_memory_imm_A1: {
    section: 'A5.7.1',
    bits: '1111 0100 U 0 01 Rn:4 (1111) imm12:12',
    syntax: {},
  },
  HINT_memory_reg_A1: {
    section: 'A5.7.1',
    bits: '1111 0110 U 0 01 Rn:4 (1111) imm5:5 type:2 0 Rm:4',
    syntax: {},
  },
} as const satisfies Table;
