import type { Table } from '../encoding.js';

/** Exceptions, status registers, barriers, hints and coprocessors (A5.6, A5.7, B9.3). */
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
    syntax: { 'ISB <barrier>': '', ISB: 'option == 15' },
  },

  MCR_A1: {
    section: 'A8.8.98',
    bits: 'cond:4 1110 opc1:3 0 CRn:4 Rt:4 coproc:4 opc2:3 1 CRm:4',
    syntax: {
      'MCR{c} <coproc>, <opc1>, <Rt>, <CRn>, <CRm>, <opc2>': '',
      'MCR{c} <writable>, <Rt>': '',
    },
    see: { VFP: 'coproc == 10 || coproc == 11' },
    unpredictable: 'Rt == 15',
  },
  MRC_A1: {
    section: 'A8.8.107',
    bits: 'cond:4 1110 opc1:3 1 CRn:4 Rt:4 coproc:4 opc2:3 1 CRm:4',
    syntax: {
      'MRC{c} <coproc>, <opc1>, <Rt_or_APSR>, <CRn>, <CRm>, <opc2>': '',
      'MRC{c} <readable>, <Rt>': '',
    },
    see: { VFP: 'coproc == 10 || coproc == 11' },
  },
  MCRR_A1: {
    section: 'A8.8.99',
    bits: 'cond:4 11000100 Rt2:4 Rt:4 coproc:4 opc1:4 CRm:4',
    syntax: { 'MCRR{c} <coproc>, <opc1>, <Rt>, <Rt2>, <CRm>': '', 'MCRR{c} <writable64>, <Rt>, <Rt2>': '' },
    see: { VFP: 'coproc == 10 || coproc == 11' },
    unpredictable: 'Rt == 15 || Rt2 == 15',
  },
  MRRC_A1: {
    section: 'A8.8.108',
    bits: 'cond:4 11000101 Rt2:4 Rt:4 coproc:4 opc1:4 CRm:4',
    syntax: { 'MRRC{c} <coproc>, <opc1>, <Rt>, <Rt2>, <CRm>': '', 'MRRC{c} <readable64>, <Rt>, <Rt2>': '' },
    see: { VFP: 'coproc == 10 || coproc == 11' },
    unpredictable: 'Rt == 15 || Rt2 == 15 || Rt == Rt2',
  },
} as const satisfies Table;
