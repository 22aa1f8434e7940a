import type { Table } from '../encoding.js';

/** Transfers between core and extension registers (A7.8, A7.9). */
export const vfpTransfers = {
  /** The size stands in opc: 1xxx is 8 bits, 0xx1 is 16, 0x00 is 32, and the rest is the element's index. */
  VMOV_core_to_scalar_A1: {
    section: 'A8.8.341',
    bits: 'cond:4 11100 opc:2 0 Vd:4 Rt:4 1011 D opc:2 1 (0000)',
    syntax: {
      'VMOV{c}.8 <Dd_lane8>, <Rt>': 'opc<3> == 1',
      'VMOV{c}.16 <Dd_lane16>, <Rt>': 'opc<3> == 0 && opc<0> == 1',
      'VMOV{c}.32 <Dd_lane32>, <Rt>': 'opc<3> == 0 && opc<1:0> == 0',
    },
    undefined: 'opc<3> == 0 && opc<1:0> == 2',
    unpredictable: 'Rt == 15',
  },
  VMOV_scalar_to_core_A1: {
    section: 'A8.8.342',
    bits: 'cond:4 1110 U opc:2 1 Vn:4 Rt:4 1011 N opc:2 1 (0000)',
    syntax: {
      'VMOV{c}.S8 <Rt>, <Dn_lane8>': 'U == 0 && opc<3> == 1',
      'VMOV{c}.U8 <Rt>, <Dn_lane8>': 'U == 1 && opc<3> == 1',
      'VMOV{c}.S16 <Rt>, <Dn_lane16>': 'U == 0 && opc<3> == 0 && opc<0> == 1',
      'VMOV{c}.U16 <Rt>, <Dn_lane16>': 'U == 1 && opc<3> == 0 && opc<0> == 1',
      'VMOV{c}.32 <Rt>, <Dn_lane32>': 'U == 0 && opc<3> == 0 && opc<1:0> == 0',
    },
    undefined: 'opc<3> == 0 && (opc<1:0> == 2 || U == 1 && opc<1:0> == 0)',
    unpredictable: 'Rt == 15',
  },
  VMOV_core_single_A1: {
    section: 'A8.8.343',
    bits: 'cond:4 1110000 op Vn:4 Rt:4 1010 N (00) 1 (0000)',
    syntax: { 'VMOV{c} <Sn>, <Rt>': 'op == 0', 'VMOV{c} <Rt>, <Sn>': 'op == 1' },
    unpredictable: 'Rt == 15',
  },
  VMOV_core_singles_A1: {
    section: 'A8.8.344',
    bits: 'cond:4 1100010 op Rt2:4 Rt:4 1010 00 M 1 Vm:4',
    syntax: {
      'VMOV{c} <Sm>, <Sm_next>, <Rt>, <Rt2>': 'op == 0',
      'VMOV{c} <Rt>, <Rt2>, <Sm>, <Sm_next>': 'op == 1',
    },
    unpredictable: 'Rt == 15 || Rt2 == 15 || Vm * 2 + M == 31 || op == 1 && Rt == Rt2',
  },
  VMOV_core_double_A1: {
    section: 'A8.8.345',
    bits: 'cond:4 1100010 op Rt2:4 Rt:4 1011 00 M 1 Vm:4',
    syntax: { 'VMOV{c} <Dm>, <Rt>, <Rt2>': 'op == 0', 'VMOV{c} <Rt>, <Rt2>, <Dm>': 'op == 1' },
    unpredictable: 'Rt == 15 || Rt2 == 15 || op == 1 && Rt == Rt2',
  },
  /** b:e is the size: 00 is 32 bits, 01 is 16, 10 is 8. */
  VDUP_core_A1: {
    section: 'A8.8.314',
    bits: 'cond:4 11101 b Q 0 Vd:4 Rt:4 1011 D 0 e 1 (0000)',
    syntax: {
      'VDUP{c}.8 <Vd>, <Rt>': 'b == 1 && e == 0',
      'VDUP{c}.16 <Vd>, <Rt>': 'b == 0 && e == 1',
      'VDUP{c}.32 <Vd>, <Rt>': 'b == 0 && e == 0',
    },
    undefined: 'Q == 1 && Vd<0> == 1 || b == 1 && e == 1',
    unpredictable: 'Rt == 15',
  },
  VMRS_A1: {
    section: 'B9.3.22',
    bits: 'cond:4 11101111 reg:4 Rt:4 1010 (0) (00) 1 (0000)',
    syntax: 'VMRS{c} <Rt_or_APSR>, <vfp_system>',
    unpredictable: 'reg > 1 && reg < 6 || reg > 8 || Rt == 15 && reg != 1',
  },
  VMSR_A1: {
    section: 'B9.3.23',
    bits: 'cond:4 11101110 reg:4 Rt:4 1010 (0) (00) 1 (0000)',
    syntax: 'VMSR{c} <vfp_system>, <Rt>',
    unpredictable: 'reg > 1 && reg != 8 || Rt == 15',
  },
} as const satisfies Table;
