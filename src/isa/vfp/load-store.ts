import type { Table } from '../encoding.js';

/** Loads and stores of extension registers (A7.6). */
export const vfpLoadStore = {
  VLDR_A1: {
    section: 'A8.8.333',
    bits: 'cond:4 1101 U D 01 Rn:4 Vd:4 1011 imm8:8',
    syntax: {
      'VLDR{c} <Dd>, [<Rn>{, #<offset8x4>}]': '',
      'VLDR{c} <Dd>, <literal8x4>': 'Rn == 15',
    },
  },
  VLDR_A2: {
    section: 'A8.8.333',
    bits: 'cond:4 1101 U D 01 Rn:4 Vd:4 1010 imm8:8',
    syntax: {
      'VLDR{c} <Sd>, [<Rn>{, #<offset8x4>}]': '',
      'VLDR{c} <Sd>, <literal8x4>': 'Rn == 15',
    },
  },
  VSTR_A1: {
    section: 'A8.8.413',
    bits: 'cond:4 1101 U D 00 Rn:4 Vd:4 1011 imm8:8',
    syntax: 'VSTR{c} <Dd>, [<Rn>{, #<offset8x4>}]',
  },
  VSTR_A2: {
    section: 'A8.8.413',
    bits: 'cond:4 1101 U D 00 Rn:4 Vd:4 1010 imm8:8',
    syntax: 'VSTR{c} <Sd>, [<Rn>{, #<offset8x4>}]',
  },
  /** X is 1 in FLDMX (A8.8.50), which transfers as VLDM does and steps over one more word. */
  VLDM_A1: {
    section: 'A8.8.332',
    bits: 'cond:4 110 P U D W 1 Rn:4 Vd:4 1011 regs:7 X',
    syntax: {
      'VPOP{c} <Dlist>': 'P == 0 && U == 1 && W == 1 && Rn == 13 && X == 0',
      'VLDMIA{c} <Rn>, <Dlist>': 'P == 0 && U == 1 && W == 0 && X == 0',
      'VLDMIA{c} <Rn>!, <Dlist>': 'P == 0 && U == 1 && W == 1 && X == 0',
      'VLDMDB{c} <Rn>!, <Dlist>': 'P == 1 && U == 0 && W == 1 && X == 0',
      'FLDMIAX{c} <Rn>, <Dlist>': 'P == 0 && U == 1 && W == 0 && X == 1',
      'FLDMIAX{c} <Rn>!, <Dlist>': 'P == 0 && U == 1 && W == 1 && X == 1',
      'FLDMDBX{c} <Rn>!, <Dlist>': 'P == 1 && U == 0 && W == 1 && X == 1',
    },
    see: { VLDR_A1: 'P == 1 && W == 0', VMOV_core_double_A1: 'P == 0 && U == 0 && D == 1 && W == 0' },
    undefined: 'P == U && W == 1 || P == 0 && U == 0 && W == 0',
    unpredictable: 'Rn == 15 && W == 1 || regs == 0 || regs > 16 || D * 16 + Vd + regs > 32',
  },
  VLDM_A2: {
    section: 'A8.8.332',
    bits: 'cond:4 110 P U D W 1 Rn:4 Vd:4 1010 regs:8',
    syntax: {
      'VPOP{c} <Slist>': 'P == 0 && U == 1 && W == 1 && Rn == 13',
      'VLDMIA{c} <Rn>, <Slist>': 'P == 0 && U == 1 && W == 0',
      'VLDMIA{c} <Rn>!, <Slist>': 'P == 0 && U == 1 && W == 1',
      'VLDMDB{c} <Rn>!, <Slist>': 'P == 1 && U == 0 && W == 1',
    },
    see: { VLDR_A2: 'P == 1 && W == 0', VMOV_core_singles_A1: 'P == 0 && U == 0 && D == 1 && W == 0' },
    undefined: 'P == U && W == 1 || P == 0 && U == 0 && W == 0',
    unpredictable: 'Rn == 15 && W == 1 || regs == 0 || Vd * 2 + D + regs > 32',
  },
  VSTM_A1: {
    section: 'A8.8.412',
    bits: 'cond:4 110 P U D W 0 Rn:4 Vd:4 1011 regs:7 X',
    syntax: {
      'VPUSH{c} <Dlist>': 'P == 1 && U == 0 && W == 1 && Rn == 13 && X == 0',
      'VSTMIA{c} <Rn>, <Dlist>': 'P == 0 && U == 1 && W == 0 && X == 0',
      'VSTMIA{c} <Rn>!, <Dlist>': 'P == 0 && U == 1 && W == 1 && X == 0',
      'VSTMDB{c} <Rn>!, <Dlist>': 'P == 1 && U == 0 && W == 1 && X == 0',
      'FSTMIAX{c} <Rn>, <Dlist>': 'P == 0 && U == 1 && W == 0 && X == 1',
      'FSTMIAX{c} <Rn>!, <Dlist>': 'P == 0 && U == 1 && W == 1 && X == 1',
      'FSTMDBX{c} <Rn>!, <Dlist>': 'P == 1 && U == 0 && W == 1 && X == 1',
    },
    see: { VSTR_A1: 'P == 1 && W == 0', VMOV_core_double_A1: 'P == 0 && U == 0 && D == 1 && W == 0' },
    undefined: 'P == U && W == 1 || P == 0 && U == 0 && W == 0',
    unpredictable: 'Rn == 15 && W == 1 || regs == 0 || regs > 16 || D * 16 + Vd + regs > 32',
  },
  VSTM_A2: {
    section: 'A8.8.412',
    bits: 'cond:4 110 P U D W 0 Rn:4 Vd:4 1010 regs:8',
    syntax: {
      'VPUSH{c} <Slist>': 'P == 1 && U == 0 && W == 1 && Rn == 13',
      'VSTMIA{c} <Rn>, <Slist>': 'P == 0 && U == 1 && W == 0',
      'VSTMIA{c} <Rn>!, <Slist>': 'P == 0 && U == 1 && W == 1',
      'VSTMDB{c} <Rn>!, <Slist>': 'P == 1 && U == 0 && W == 1',
    },
    see: { VSTR_A2: 'P == 1 && W == 0', VMOV_core_singles_A1: 'P == 0 && U == 0 && D == 1 && W == 0' },
    undefined: 'P == U && W == 1 || P == 0 && U == 0 && W == 0',
    unpredictable: 'Rn == 15 && W == 1 || regs == 0 || Vd * 2 + D + regs > 32',
  },
} as const satisfies Table;
