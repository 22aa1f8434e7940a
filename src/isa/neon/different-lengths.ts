import type { Table } from '../encoding.js';
import { doubled16to64, oddQdn, sizes16to32, sizes8to32 } from './conditions.js';

/** Three registers of different lengths, and two registers with a scalar (A7.4.2, A7.4.3). */
export const neonDifferentLengths = {
  VADDL_A1: {
    section: 'A8.8.285',
    bits: '1111 001 U 1 D size:2 Vn:4 Vd:4 000 op N 0 M 0 Vm:4',
    syntax: {
      'VADDL.S<n> <Qd>, <Dn>, <Dm>': 'op == 0 && U == 0',
      'VADDL.U<n> <Qd>, <Dn>, <Dm>': 'op == 0 && U == 1',
      'VADDW.S<n> <Qd>, <Qn>, <Dm>': 'op == 1 && U == 0',
      'VADDW.U<n> <Qd>, <Qn>, <Dm>': 'op == 1 && U == 1',
    },
    sizes: sizes8to32,
    undefined: 'size == 3 || Vd<0> == 1 || op == 1 && Vn<0> == 1',
  },
  VSUBL_A1: {
    section: 'A8.8.417',
    bits: '1111 001 U 1 D size:2 Vn:4 Vd:4 001 op N 0 M 0 Vm:4',
    syntax: {
      'VSUBL.S<n> <Qd>, <Dn>, <Dm>': 'op == 0 && U == 0',
      'VSUBL.U<n> <Qd>, <Dn>, <Dm>': 'op == 0 && U == 1',
      'VSUBW.S<n> <Qd>, <Qn>, <Dm>': 'op == 1 && U == 0',
      'VSUBW.U<n> <Qd>, <Qn>, <Dm>': 'op == 1 && U == 1',
    },
    sizes: sizes8to32,
    undefined: 'size == 3 || Vd<0> == 1 || op == 1 && Vn<0> == 1',
  },
  VADDHN_A1: {
    section: 'A8.8.284',
    bits: '1111 001 0 1 D size:2 Vn:4 Vd:4 0100 N 0 M 0 Vm:4',
    syntax: 'VADDHN.I<n> <Dd>, <Qn>, <Qm>',
    sizes: doubled16to64,
    undefined: 'size == 3 || Vn<0> == 1 || Vm<0> == 1',
  },
  VRADDHN_A1: {
    section: 'A8.8.383',
    bits: '1111 001 1 1 D size:2 Vn:4 Vd:4 0100 N 0 M 0 Vm:4',
    syntax: 'VRADDHN.I<n> <Dd>, <Qn>, <Qm>',
    sizes: doubled16to64,
    undefined: 'size == 3 || Vn<0> == 1 || Vm<0> == 1',
  },
  VABAL_A2: {
    section: 'A8.8.277',
    bits: '1111 001 U 1 D size:2 Vn:4 Vd:4 0101 N 0 M 0 Vm:4',
    syntax: { 'VABAL.S<n> <Qd>, <Dn>, <Dm>': 'U == 0', 'VABAL.U<n> <Qd>, <Dn>, <Dm>': 'U == 1' },
    sizes: sizes8to32,
    undefined: 'size == 3 || Vd<0> == 1',
  },
  VSUBHN_A1: {
    section: 'A8.8.416',
    bits: '1111 001 0 1 D size:2 Vn:4 Vd:4 0110 N 0 M 0 Vm:4',
    syntax: 'VSUBHN.I<n> <Dd>, <Qn>, <Qm>',
    sizes: doubled16to64,
    undefined: 'size == 3 || Vn<0> == 1 || Vm<0> == 1',
  },
  VRSUBHN_A1: {
    section: 'A8.8.394',
    bits: '1111 001 1 1 D size:2 Vn:4 Vd:4 0110 N 0 M 0 Vm:4',
    syntax: 'VRSUBHN.I<n> <Dd>, <Qn>, <Qm>',
    sizes: doubled16to64,
    undefined: 'size == 3 || Vn<0> == 1 || Vm<0> == 1',
  },
  VABDL_A2: {
    section: 'A8.8.278',
    bits: '1111 001 U 1 D size:2 Vn:4 Vd:4 0111 N 0 M 0 Vm:4',
    syntax: { 'VABDL.S<n> <Qd>, <Dn>, <Dm>': 'U == 0', 'VABDL.U<n> <Qd>, <Dn>, <Dm>': 'U == 1' },
    sizes: sizes8to32,
    undefined: 'size == 3 || Vd<0> == 1',
  },
  VMLAL_A2: {
    section: 'A8.8.336',
    bits: '1111 001 U 1 D size:2 Vn:4 Vd:4 10 op 0 N 0 M 0 Vm:4',
    syntax: {
      'VMLAL.S<n> <Qd>, <Dn>, <Dm>': 'op == 0 && U == 0',
      'VMLAL.U<n> <Qd>, <Dn>, <Dm>': 'op == 0 && U == 1',
      'VMLSL.S<n> <Qd>, <Dn>, <Dm>': 'op == 1 && U == 0',
      'VMLSL.U<n> <Qd>, <Dn>, <Dm>': 'op == 1 && U == 1',
    },
    sizes: sizes8to32,
    undefined: 'size == 3 || Vd<0> == 1',
  },
  VQDMLAL_A1: {
    section: 'A8.8.371',
    bits: '1111 001 0 1 D size:2 Vn:4 Vd:4 10 op 1 N 0 M 0 Vm:4',
    syntax: { 'VQDMLAL.S<n> <Qd>, <Dn>, <Dm>': 'op == 0', 'VQDMLSL.S<n> <Qd>, <Dn>, <Dm>': 'op == 1' },
    sizes: sizes16to32,
    undefined: 'size == 0 || size == 3 || Vd<0> == 1',
  },
  /** op is 1 for polynomials over {0, 1}. */
  VMULL_int_A2: {
    section: 'A8.8.350',
    bits: '1111 001 U 1 D size:2 Vn:4 Vd:4 11 op 0 N 0 M 0 Vm:4',
    syntax: {
      'VMULL.S<n> <Qd>, <Dn>, <Dm>': 'op == 0 && U == 0',
      'VMULL.U<n> <Qd>, <Dn>, <Dm>': 'op == 0 && U == 1',
      'VMULL.P8 <Qd>, <Dn>, <Dm>': 'op == 1 && U == 0 && size == 0',
    },
    sizes: sizes8to32,
    undefined: 'size == 3 || op == 1 && (U != 0 || size != 0) || Vd<0> == 1',
  },
  VQDMULL_A1: {
    section: 'A8.8.373',
    bits: '1111 001 0 1 D size:2 Vn:4 Vd:4 1101 N 0 M 0 Vm:4',
    syntax: 'VQDMULL.S<n> <Qd>, <Dn>, <Dm>',
    sizes: sizes16to32,
    undefined: 'size == 0 || size == 3 || Vd<0> == 1',
  },

  /** F is 1 for floating-point. */
  VMLA_scalar_A1: {
    section: 'A8.8.338',
    bits: '1111 001 Q 1 D size:2 Vn:4 Vd:4 0 op 0 F N 1 M 0 Vm:4',
    syntax: {
      'VMLA.I<n> <Vd>, <Vn>, <Dm_by<n>>': 'op == 0 && F == 0',
      'VMLA.F32 <Vd>, <Vn>, <Dm_by32>': 'op == 0 && F == 1 && size == 2',
      'VMLS.I<n> <Vd>, <Vn>, <Dm_by<n>>': 'op == 1 && F == 0',
      'VMLS.F32 <Vd>, <Vn>, <Dm_by32>': 'op == 1 && F == 1 && size == 2',
    },
    sizes: sizes16to32,
    undefined: `size == 0 || size == 3 || F == 1 && size == 1 || ${oddQdn}`,
  },
  VMLAL_scalar_A2: {
    section: 'A8.8.338',
    bits: '1111 001 U 1 D size:2 Vn:4 Vd:4 0 op 10 N 1 M 0 Vm:4',
    syntax: {
      'VMLAL.S<n> <Qd>, <Dn>, <Dm_by<n>>': 'op == 0 && U == 0',
      'VMLAL.U<n> <Qd>, <Dn>, <Dm_by<n>>': 'op == 0 && U == 1',
      'VMLSL.S<n> <Qd>, <Dn>, <Dm_by<n>>': 'op == 1 && U == 0',
      'VMLSL.U<n> <Qd>, <Dn>, <Dm_by<n>>': 'op == 1 && U == 1',
    },
    sizes: sizes16to32,
    undefined: 'size == 0 || size == 3 || Vd<0> == 1',
  },
  VMUL_scalar_A1: {
    section: 'A8.8.352',
    bits: '1111 001 Q 1 D size:2 Vn:4 Vd:4 100 F N 1 M 0 Vm:4',
    syntax: {
      'VMUL.I<n> <Vd>, <Vn>, <Dm_by<n>>': 'F == 0',
      'VMUL.F32 <Vd>, <Vn>, <Dm_by32>': 'F == 1 && size == 2',
    },
    sizes: sizes16to32,
    undefined: `size == 0 || size == 3 || F == 1 && size == 1 || ${oddQdn}`,
  },
  VMULL_scalar_A2: {
    section: 'A8.8.352',
    bits: '1111 001 U 1 D size:2 Vn:4 Vd:4 1010 N 1 M 0 Vm:4',
    syntax: { 'VMULL.S<n> <Qd>, <Dn>, <Dm_by<n>>': 'U == 0', 'VMULL.U<n> <Qd>, <Dn>, <Dm_by<n>>': 'U == 1' },
    sizes: sizes16to32,
    undefined: 'size == 0 || size == 3 || Vd<0> == 1',
  },
  VQDMLAL_scalar_A2: {
    section: 'A8.8.371',
    bits: '1111 001 0 1 D size:2 Vn:4 Vd:4 0 op 11 N 1 M 0 Vm:4',
    syntax: {
      'VQDMLAL.S<n> <Qd>, <Dn>, <Dm_by<n>>': 'op == 0',
      'VQDMLSL.S<n> <Qd>, <Dn>, <Dm_by<n>>': 'op == 1',
    },
    sizes: sizes16to32,
    undefined: 'size == 0 || size == 3 || Vd<0> == 1',
  },
  VQDMULL_scalar_A2: {
    section: 'A8.8.373',
    bits: '1111 001 0 1 D size:2 Vn:4 Vd:4 1011 N 1 M 0 Vm:4',
    syntax: 'VQDMULL.S<n> <Qd>, <Dn>, <Dm_by<n>>',
    sizes: sizes16to32,
    undefined: 'size == 0 || size == 3 || Vd<0> == 1',
  },
  VQDMULH_scalar_A2: {
    section: 'A8.8.372',
    bits: '1111 001 Q 1 D size:2 Vn:4 Vd:4 1100 N 1 M 0 Vm:4',
    syntax: 'VQDMULH.S<n> <Vd>, <Vn>, <Dm_by<n>>',
    sizes: sizes16to32,
    undefined: `size == 0 || size == 3 || ${oddQdn}`,
  },
  VQRDMULH_scalar_A2: {
    section: 'A8.8.376',
    bits: '1111 001 Q 1 D size:2 Vn:4 Vd:4 1101 N 1 M 0 Vm:4',
    syntax: 'VQRDMULH.S<n> <Vd>, <Vn>, <Dm_by<n>>',
    sizes: sizes16to32,
    undefined: `size == 0 || size == 3 || ${oddQdn}`,
  },
} as const satisfies Table;
