import type { Table } from '../encoding.js';
import { doubled16to64, oddQd, oddQdm, oddQdnm, sizes8to16, sizes8to32 } from './conditions.js';

/** Two registers, miscellaneous (A7.4.5), and VEXT, VTBL, VDUP (A7.4). */
export const neonMiscellaneous = {
  VEXT_A1: {
    section: 'A8.8.316',
    bits: '1111 001 0 1 D 11 Vn:4 Vd:4 imm4:4 N Q M 0 Vm:4',
    syntax: 'VEXT.8 <Vd>, <Vn>, <Vm>, #<imm4>',
    undefined: `Q == 0 && imm4<3> == 1 || ${oddQdnm}`,
  },
  VTBL_A1: {
    section: 'A8.8.419',
    bits: '1111 001 1 1 D 11 Vn:4 Vd:4 10 len:2 N op M 0 Vm:4',
    syntax: {
      'VTBL.8 <Dd>, <table>, <Dm>': 'op == 0',
      'VTBX.8 <Dd>, <table>, <Dm>': 'op == 1',
    },
    unpredictable: 'N * 16 + Vn + len > 31',
  },
  VDUP_scalar_A1: {
    section: 'A8.8.313',
    bits: '1111 001 1 1 D 11 imm4:4 Vd:4 11000 Q M 0 Vm:4',
    syntax: {
      'VDUP.8 <Vd>, <Dm_dup8>': 'imm4<0> == 1',
      'VDUP.16 <Vd>, <Dm_dup16>': 'imm4<1:0> == 2',
      'VDUP.32 <Vd>, <Dm_dup32>': 'imm4<2:0> == 4',
    },
    undefined: `imm4<2:0> == 0 || ${oddQd}`,
  },

  /** op is 0 for VREV64, 1 for VREV32, 2 for VREV16. */
  VREV_A1: {
    section: 'A8.8.386',
    bits: '1111 001 1 1 D 11 size:2 00 Vd:4 000 op:2 Q M 0 Vm:4',
    syntax: {
      'VREV64.<n> <Vd>, <Vm>': 'op == 0',
      'VREV32.8 <Vd>, <Vm>': 'op == 1 && size == 0',
      'VREV32.16 <Vd>, <Vm>': 'op == 1 && size == 1',
      'VREV16.8 <Vd>, <Vm>': 'op == 2 && size == 0',
    },
    sizes: sizes8to32,
    undefined: `op + size > 2 || ${oddQdm}`,
  },
  VPADDL_A1: {
    section: 'A8.8.364',
    bits: '1111 001 1 1 D 11 size:2 00 Vd:4 0010 op Q M 0 Vm:4',
    syntax: { 'VPADDL.S<n> <Vd>, <Vm>': 'op == 0', 'VPADDL.U<n> <Vd>, <Vm>': 'op == 1' },
    sizes: sizes8to32,
    undefined: `size == 3 || ${oddQdm}`,
  },
  VCLS_A1: {
    section: 'A8.8.299',
    bits: '1111 001 1 1 D 11 size:2 00 Vd:4 01000 Q M 0 Vm:4',
    syntax: 'VCLS.S<n> <Vd>, <Vm>',
    sizes: sizes8to32,
    undefined: `size == 3 || ${oddQdm}`,
  },
  VCLZ_A1: {
    section: 'A8.8.302',
    bits: '1111 001 1 1 D 11 size:2 00 Vd:4 01001 Q M 0 Vm:4',
    syntax: 'VCLZ.I<n> <Vd>, <Vm>',
    sizes: sizes8to32,
    undefined: `size == 3 || ${oddQdm}`,
  },
  VCNT_A1: {
    section: 'A8.8.304',
    bits: '1111 001 1 1 D 11 00 00 Vd:4 01010 Q M 0 Vm:4',
    syntax: 'VCNT.8 <Vd>, <Vm>',
    undefined: oddQdm,
  },
  VMVN_reg_A1: {
    section: 'A8.8.354',
    bits: '1111 001 1 1 D 11 00 00 Vd:4 01011 Q M 0 Vm:4',
    syntax: 'VMVN <Vd>, <Vm>',
    undefined: oddQdm,
  },
  VPADAL_A1: {
    section: 'A8.8.361',
    bits: '1111 001 1 1 D 11 size:2 00 Vd:4 0110 op Q M 0 Vm:4',
    syntax: { 'VPADAL.S<n> <Vd>, <Vm>': 'op == 0', 'VPADAL.U<n> <Vd>, <Vm>': 'op == 1' },
    sizes: sizes8to32,
    undefined: `size == 3 || ${oddQdm}`,
  },
  VQABS_A1: {
    section: 'A8.8.369',
    bits: '1111 001 1 1 D 11 size:2 00 Vd:4 01110 Q M 0 Vm:4',
    syntax: 'VQABS.S<n> <Vd>, <Vm>',
    sizes: sizes8to32,
    undefined: `size == 3 || ${oddQdm}`,
  },
  VQNEG_A1: {
    section: 'A8.8.375',
    bits: '1111 001 1 1 D 11 size:2 00 Vd:4 01111 Q M 0 Vm:4',
    syntax: 'VQNEG.S<n> <Vd>, <Vm>',
    sizes: sizes8to32,
    undefined: `size == 3 || ${oddQdm}`,
  },
  /** F is 1 for floating-point. */
  VCGT_zero_A1: {
    section: 'A8.8.296',
    bits: '1111 001 1 1 D 11 size:2 01 Vd:4 0 F 000 Q M 0 Vm:4',
    syntax: {
      'VCGT.S<n> <Vd>, <Vm>, #<zero>': 'F == 0',
      'VCGT.F32 <Vd>, <Vm>, #<zero>': 'F == 1 && size == 2',
    },
    sizes: sizes8to32,
    undefined: `size == 3 || F == 1 && size != 2 || ${oddQdm}`,
  },
  VCGE_zero_A1: {
    section: 'A8.8.294',
    bits: '1111 001 1 1 D 11 size:2 01 Vd:4 0 F 001 Q M 0 Vm:4',
    syntax: {
      'VCGE.S<n> <Vd>, <Vm>, #<zero>': 'F == 0',
      'VCGE.F32 <Vd>, <Vm>, #<zero>': 'F == 1 && size == 2',
    },
    sizes: sizes8to32,
    undefined: `size == 3 || F == 1 && size != 2 || ${oddQdm}`,
  },
  VCEQ_zero_A1: {
    section: 'A8.8.292',
    bits: '1111 001 1 1 D 11 size:2 01 Vd:4 0 F 010 Q M 0 Vm:4',
    syntax: {
      'VCEQ.I<n> <Vd>, <Vm>, #<zero>': 'F == 0',
      'VCEQ.F32 <Vd>, <Vm>, #<zero>': 'F == 1 && size == 2',
    },
    sizes: sizes8to32,
    undefined: `size == 3 || F == 1 && size != 2 || ${oddQdm}`,
  },
  VCLE_zero_A1: {
    section: 'A8.8.298',
    bits: '1111 001 1 1 D 11 size:2 01 Vd:4 0 F 011 Q M 0 Vm:4',
    syntax: {
      'VCLE.S<n> <Vd>, <Vm>, #<zero>': 'F == 0',
      'VCLE.F32 <Vd>, <Vm>, #<zero>': 'F == 1 && size == 2',
    },
    sizes: sizes8to32,
    undefined: `size == 3 || F == 1 && size != 2 || ${oddQdm}`,
  },
  VCLT_zero_A1: {
    section: 'A8.8.301',
    bits: '1111 001 1 1 D 11 size:2 01 Vd:4 0 F 100 Q M 0 Vm:4',
    syntax: {
      'VCLT.S<n> <Vd>, <Vm>, #<zero>': 'F == 0',
      'VCLT.F32 <Vd>, <Vm>, #<zero>': 'F == 1 && size == 2',
    },
    sizes: sizes8to32,
    undefined: `size == 3 || F == 1 && size != 2 || ${oddQdm}`,
  },
  VABS_A1: {
    section: 'A8.8.280',
    bits: '1111 001 1 1 D 11 size:2 01 Vd:4 0 F 110 Q M 0 Vm:4',
    syntax: { 'VABS.S<n> <Vd>, <Vm>': 'F == 0', 'VABS.F32 <Vd>, <Vm>': 'F == 1 && size == 2' },
    sizes: sizes8to32,
    undefined: `size == 3 || F == 1 && size != 2 || ${oddQdm}`,
  },
  VNEG_A1: {
    section: 'A8.8.355',
    bits: '1111 001 1 1 D 11 size:2 01 Vd:4 0 F 111 Q M 0 Vm:4',
    syntax: { 'VNEG.S<n> <Vd>, <Vm>': 'F == 0', 'VNEG.F32 <Vd>, <Vm>': 'F == 1 && size == 2' },
    sizes: sizes8to32,
    undefined: `size == 3 || F == 1 && size != 2 || ${oddQdm}`,
  },
  VSWP_A1: {
    section: 'A8.8.418',
    bits: '1111 001 1 1 D 11 00 10 Vd:4 00000 Q M 0 Vm:4',
    syntax: 'VSWP <Vd>, <Vm>',
    undefined: oddQdm,
  },
  VTRN_A1: {
    section: 'A8.8.420',
    bits: '1111 001 1 1 D 11 size:2 10 Vd:4 00001 Q M 0 Vm:4',
    syntax: 'VTRN.<n> <Vd>, <Vm>',
    sizes: sizes8to32,
    undefined: `size == 3 || ${oddQdm}`,
  },
  VUZP_A1: {
    section: 'A8.8.422',
    bits: '1111 001 1 1 D 11 size:2 10 Vd:4 00010 Q M 0 Vm:4',
    syntax: { 'VUZP.<n> <Vd>, <Vm>': '', 'VUZP.32 <Qd>, <Qm>': 'size == 2 && Q == 1' },
    sizes: sizes8to16,
    undefined: `size == 3 || Q == 0 && size == 2 || ${oddQdm}`,
  },
  VZIP_A1: {
    section: 'A8.8.423',
    bits: '1111 001 1 1 D 11 size:2 10 Vd:4 00011 Q M 0 Vm:4',
    syntax: { 'VZIP.<n> <Vd>, <Vm>': '', 'VZIP.32 <Qd>, <Qm>': 'size == 2 && Q == 1' },
    sizes: sizes8to16,
    undefined: `size == 3 || Q == 0 && size == 2 || ${oddQdm}`,
  },
  VMOVN_A1: {
    section: 'A8.8.347',
    bits: '1111 001 1 1 D 11 size:2 10 Vd:4 00100 0 M 0 Vm:4',
    syntax: 'VMOVN.I<n> <Dd>, <Qm>',
    sizes: doubled16to64,
    undefined: 'size == 3 || Vm<0> == 1',
  },
  /** op is 1 for VQMOVUN, 2 for signed, 3 for unsigned. */
  VQMOVN_A1: {
    section: 'A8.8.374',
    bits: '1111 001 1 1 D 11 size:2 10 Vd:4 0010 op:2 M 0 Vm:4',
    syntax: {
      'VQMOVUN.S<n> <Dd>, <Qm>': 'op == 1',
      'VQMOVN.S<n> <Dd>, <Qm>': 'op == 2',
      'VQMOVN.U<n> <Dd>, <Qm>': 'op == 3',
    },
    sizes: doubled16to64,
    see: { VMOVN_A1: 'op == 0' },
    undefined: 'size == 3 || Vm<0> == 1',
  },
  /** VSHLL by the size of the elements. */
  VSHLL_whole_A2: {
    section: 'A8.8.397',
    bits: '1111 001 1 1 D 11 size:2 10 Vd:4 00110 0 M 0 Vm:4',
    syntax: 'VSHLL.I<n> <Qd>, <Dm>, #<whole<n>>',
    sizes: sizes8to32,
    undefined: 'size == 3 || Vd<0> == 1',
  },
  VCVT_half_A1: {
    section: 'A8.8.310',
    bits: '1111 001 1 1 D 11 01 10 Vd:4 011 op 00 M 0 Vm:4',
    syntax: { 'VCVT.F16.F32 <Dd>, <Qm>': 'op == 0', 'VCVT.F32.F16 <Qd>, <Dm>': 'op == 1' },
    undefined: 'op == 1 && Vd<0> == 1 || op == 0 && Vm<0> == 1',
  },
  VRECPE_A1: {
    section: 'A8.8.384',
    bits: '1111 001 1 1 D 11 10 11 Vd:4 010 F 0 Q M 0 Vm:4',
    syntax: { 'VRECPE.U32 <Vd>, <Vm>': 'F == 0', 'VRECPE.F32 <Vd>, <Vm>': 'F == 1' },
    undefined: oddQdm,
  },
  VRSQRTE_A1: {
    section: 'A8.8.391',
    bits: '1111 001 1 1 D 11 10 11 Vd:4 010 F 1 Q M 0 Vm:4',
    syntax: { 'VRSQRTE.U32 <Vd>, <Vm>': 'F == 0', 'VRSQRTE.F32 <Vd>, <Vm>': 'F == 1' },
    undefined: oddQdm,
  },
  /** op is 0 from signed, 1 from unsigned, 2 to signed, 3 to unsigned. */
  VCVT_int_A1: {
    section: 'A8.8.305',
    bits: '1111 001 1 1 D 11 10 11 Vd:4 011 op:2 Q M 0 Vm:4',
    syntax: {
      'VCVT.F32.S32 <Vd>, <Vm>': 'op == 0',
      'VCVT.F32.U32 <Vd>, <Vm>': 'op == 1',
      'VCVT.S32.F32 <Vd>, <Vm>': 'op == 2',
      'VCVT.U32.F32 <Vd>, <Vm>': 'op == 3',
    },
    undefined: oddQdm,
  },
} as const satisfies Table;
