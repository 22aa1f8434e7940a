import type { Table } from '../encoding.js';

/** Exceptions, status registers, barriers and hints (A5.2.11, A5.2.12, A5.7, B9.3). */
export const system = {
  SVC_A1: { section: 'A8.8.228', bits: 'cond:4 1111 imm24:24', syntax: 'SVC{c} #<imm24>' },
  SMC_A1: {
    section: 'B9.3.14',
    bits: 'cond:4 00010110 (000000000000) 0111 imm4:4',
    syntax: 'SMC{c} #<imm4>',
  },
  HVC_A1: {
    section: 'B9.3.4',
    bits: 'cond:4 00010100 imm16:12 0111 imm16:4',
    syntax: { 'HVC #<imm16>': 'cond == 14' },
    unpredictable: 'cond != 14',
  },
  BKPT_A1: {
    section: 'A8.8.24',
    bits: 'cond:4 00010010 imm16:12 0111 imm16:4',
    syntax: { 'BKPT #<imm16>': 'cond == 14' },
    unpredictable: 'cond != 14',
  },
  ERET_A1: { section: 'B9.3.3', bits: 'cond:4 00010110 (000000000000) 0110 (1110)', syntax: 'ERET{c}' },
  UDF_A1: { section: 'A8.8.247', bits: '1110 01111111 imm16:12 1111 imm16:4', syntax: 'UDF #<imm16>' },

  MRS_A1: {
    section: 'B9.3.8',
    bits: 'cond:4 00010 R 00 (1111) Rd:4 (00) 0 (0) 0000 (0000)',
    syntax: 'MRS{c} <Rd>, <spec_reg>',
    unpredictable: 'Rd == 15',
  },
  MSR_reg_A1: {
    section: 'B9.3.12',
    bits: 'cond:4 00010 R 10 mask:4 (1111) (00) 0 (0) 0000 Rn:4',
    syntax: 'MSR{c} <spec_reg_fields>, <Rn>',
    unpredictable: 'mask == 0 || Rn == 15',
  },
  MSR_imm_A1: {
    section: 'B9.3.11',
    bits: 'cond:4 00110 R 10 mask:4 (1111) imm12:12',
    syntax: 'MSR{c} <spec_reg_fields>, #<const>',
    see: { HINT_A1: 'mask == 0 && R == 0' },
    unpredictable: 'mask == 0',
  },
  CPS_A1: {
    section: 'B9.3.2',
    bits: '1111 00010000 imod:2 M 0 (0000000) AIF:3 0 mode:5',
    syntax: {
      'CPSIE <iflags>': 'imod == 2 && M == 0 && mode == 0',
      'CPSID <iflags>': 'imod == 3 && M == 0 && mode == 0',
      'CPSIE <iflags>, #<mode>': 'imod == 2 && M == 1',
      'CPSID <iflags>, #<mode>': 'imod == 3 && M == 1',
      'CPS #<mode>': 'imod == 0 && M == 1 && AIF == 0',
    },
    unpredictable:
      '(mode != 0 && M == 0) || (imod >= 2 && AIF == 0) || (imod < 2 && AIF != 0) || (imod == 0 && M == 0) || imod == 1',
  },

  NOP_A1: { section: 'A8.8.119', bits: 'cond:4 00110010 0000 (1111) (0000) 00000000', syntax: 'NOP{c}' },
  YIELD_A1: { section: 'A8.8.426', bits: 'cond:4 00110010 0000 (1111) (0000) 00000001', syntax: 'YIELD{c}' },
  WFE_A1: { section: 'A8.8.424', bits: 'cond:4 00110010 0000 (1111) (0000) 00000010', syntax: 'WFE{c}' },
  WFI_A1: { section: 'A8.8.425', bits: 'cond:4 00110010 0000 (1111) (0000) 00000011', syntax: 'WFI{c}' },
  SEV_A1: { section: 'A8.8.168', bits: 'cond:4 00110010 0000 (1111) (0000) 00000100', syntax: 'SEV{c}' },
  DBG_A1: {
    section: 'A8.8.42',
    bits: 'cond:4 00110010 0000 (1111) (0000) 1111 imm4:4',
    syntax: 'DBG{c} #<imm4>',
  },

  CLREX_A1: { section: 'A8.8.32', bits: '1111 01010111 (1111) (1111) (0000) 0001 (1111)', syntax: 'CLREX' },
  DSB_A1: {
    section: 'A8.8.44',
    bits: '1111 01010111 (1111) (1111) (0000) 0100 option:4',
    syntax: { 'DSB <barrier>': '', DSB: 'option == 15' },
  },
  DMB_A1: {
    section: 'A8.8.43',
    bits: '1111 01010111 (1111) (1111) (0000) 0101 option:4',
    syntax: { 'DMB <barrier>': '', DMB: 'option == 15' },
  },
  ISB_A1: {
    section: 'A8.8.53',
    bits: '1111 01010111 (1111) (1111) (0000) 0110 option:4',
    syntax: { 'ISB <isb_option>': '', ISB: 'option == 15' },
  },

  SETEND_A1: {
    section: 'A8.8.167',
    bits: '1111 00010000 (000) 1 (000000) E (0) 0000 (0000)',
    syntax: 'SETEND <endian>',
  },
  MRS_banked_A1: {
    section: 'B9.3.9',
    bits: 'cond:4 00010 R 00 M1:4 Rd:4 (00) 1 M 0000 (0000)',
    syntax: 'MRS{c} <Rd>, <banked_reg>',
    // Reserved values of SYSm, M:M1, in tables B9-1 and B9-2.
    unpredictable:
      'Rd == 15 || (R == 0 && M == 0 && M1<2:0> == 7) || (R == 0 && M == 1 && M1<3:2> == 2) || (R == 1 && M == 0 && M1 != 14) || (R == 1 && M == 1 && (M1<0> == 1 || M1 == 8 || M1 == 10))',
  },
  MSR_banked_A1: {
    section: 'B9.3.10',
    bits: 'cond:4 00010 R 10 M1:4 (1111) (00) 1 M 0000 Rn:4',
    syntax: 'MSR{c} <banked_reg>, <Rn>',
    unpredictable:
      'Rn == 15 || (R == 0 && M == 0 && M1<2:0> == 7) || (R == 0 && M == 1 && M1<3:2> == 2) || (R == 1 && M == 0 && M1 != 14) || (R == 1 && M == 1 && (M1<0> == 1 || M1 == 8 || M1 == 10))',
  },
  /** Hints without a meaning of their own: they do nothing (A5.2.11). */
  HINT_A1: {
    section: 'A5.2.11',
    bits: 'cond:4 00110010 0000 (1111) (0000) hint:8',
    syntax: 'NOP{c} <hint>',
    see: {
      NOP_A1: 'hint == 0',
      YIELD_A1: 'hint == 1',
      WFE_A1: 'hint == 2',
      WFI_A1: 'hint == 3',
      SEV_A1: 'hint == 4',
      DBG_A1: 'hint<7:4> == 15',
    },
  },
} as const satisfies Table;
