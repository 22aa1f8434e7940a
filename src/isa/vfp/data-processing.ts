import type { Table } from '../encoding.js';

/**
 * Floating-point data processing (A7.5). Where the manual has one instruction for this and for Advanced SIMD, the
 * operation's name ends in `vfp` here, and the encoding is its A2.
 */
export const vfpDataProcessing = {
  VMLA_vfp_A2: {
    section: 'A8.8.337',
    bits: 'cond:4 11100 D 00 Vn:4 Vd:4 101 sz N op M 0 Vm:4',
    syntax: {
      'VMLA{c}.F32 <Sd>, <Sn>, <Sm>': 'sz == 0 && op == 0',
      'VMLA{c}.F64 <Dd>, <Dn>, <Dm>': 'sz == 1 && op == 0',
      'VMLS{c}.F32 <Sd>, <Sn>, <Sm>': 'sz == 0 && op == 1',
      'VMLS{c}.F64 <Dd>, <Dn>, <Dm>': 'sz == 1 && op == 1',
    },
  },
  VNMLA_A1: {
    section: 'A8.8.356',
    bits: 'cond:4 11100 D 01 Vn:4 Vd:4 101 sz N op M 0 Vm:4',
    syntax: {
      'VNMLS{c}.F32 <Sd>, <Sn>, <Sm>': 'sz == 0 && op == 0',
      'VNMLS{c}.F64 <Dd>, <Dn>, <Dm>': 'sz == 1 && op == 0',
      'VNMLA{c}.F32 <Sd>, <Sn>, <Sm>': 'sz == 0 && op == 1',
      'VNMLA{c}.F64 <Dd>, <Dn>, <Dm>': 'sz == 1 && op == 1',
    },
  },
  VMUL_vfp_A2: {
    section: 'A8.8.351',
    bits: 'cond:4 11100 D 10 Vn:4 Vd:4 101 sz N 0 M 0 Vm:4',
    syntax: {
      'VMUL{c}.F32 <Sd>, <Sn>, <Sm>': 'sz == 0',
      'VMUL{c}.F64 <Dd>, <Dn>, <Dm>': 'sz == 1',
    },
  },
  VNMUL_A2: {
    section: 'A8.8.356',
    bits: 'cond:4 11100 D 10 Vn:4 Vd:4 101 sz N 1 M 0 Vm:4',
    syntax: {
      'VNMUL{c}.F32 <Sd>, <Sn>, <Sm>': 'sz == 0',
      'VNMUL{c}.F64 <Dd>, <Dn>, <Dm>': 'sz == 1',
    },
  },
  VADD_vfp_A2: {
    section: 'A8.8.283',
    bits: 'cond:4 11100 D 11 Vn:4 Vd:4 101 sz N 0 M 0 Vm:4',
    syntax: {
      'VADD{c}.F32 <Sd>, <Sn>, <Sm>': 'sz == 0',
      'VADD{c}.F64 <Dd>, <Dn>, <Dm>': 'sz == 1',
    },
  },
  VSUB_vfp_A2: {
    section: 'A8.8.415',
    bits: 'cond:4 11100 D 11 Vn:4 Vd:4 101 sz N 1 M 0 Vm:4',
    syntax: {
      'VSUB{c}.F32 <Sd>, <Sn>, <Sm>': 'sz == 0',
      'VSUB{c}.F64 <Dd>, <Dn>, <Dm>': 'sz == 1',
    },
  },
  VDIV_A1: {
    section: 'A8.8.312',
    bits: 'cond:4 11101 D 00 Vn:4 Vd:4 101 sz N 0 M 0 Vm:4',
    syntax: {
      'VDIV{c}.F32 <Sd>, <Sn>, <Sm>': 'sz == 0',
      'VDIV{c}.F64 <Dd>, <Dn>, <Dm>': 'sz == 1',
    },
  },
  VFNMA_A1: {
    section: 'A8.8.318',
    bits: 'cond:4 11101 D 01 Vn:4 Vd:4 101 sz N op M 0 Vm:4',
    syntax: {
      'VFNMS{c}.F32 <Sd>, <Sn>, <Sm>': 'sz == 0 && op == 0',
      'VFNMS{c}.F64 <Dd>, <Dn>, <Dm>': 'sz == 1 && op == 0',
      'VFNMA{c}.F32 <Sd>, <Sn>, <Sm>': 'sz == 0 && op == 1',
      'VFNMA{c}.F64 <Dd>, <Dn>, <Dm>': 'sz == 1 && op == 1',
    },
  },
  VFMA_vfp_A2: {
    section: 'A8.8.317',
    bits: 'cond:4 11101 D 10 Vn:4 Vd:4 101 sz N op M 0 Vm:4',
    syntax: {
      'VFMA{c}.F32 <Sd>, <Sn>, <Sm>': 'sz == 0 && op == 0',
      'VFMA{c}.F64 <Dd>, <Dn>, <Dm>': 'sz == 1 && op == 0',
      'VFMS{c}.F32 <Sd>, <Sn>, <Sm>': 'sz == 0 && op == 1',
      'VFMS{c}.F64 <Dd>, <Dn>, <Dm>': 'sz == 1 && op == 1',
    },
  },
  VMOV_imm_vfp_A2: {
    section: 'A8.8.339',
    bits: 'cond:4 11101 D 11 imm8:4 Vd:4 101 sz (0) 0 (0) 0 imm8:4',
    syntax: {
      'VMOV{c}.F32 <Sd>, #<float8>': 'sz == 0',
      'VMOV{c}.F64 <Dd>, #<float8>': 'sz == 1',
    },
  },
  VMOV_reg_vfp_A2: {
    section: 'A8.8.340',
    bits: 'cond:4 11101 D 11 0000 Vd:4 101 sz 0 1 M 0 Vm:4',
    syntax: {
      'VMOV{c}.F32 <Sd>, <Sm>': 'sz == 0',
      'VMOV{c}.F64 <Dd>, <Dm>': 'sz == 1',
    },
  },
  VABS_vfp_A2: {
    section: 'A8.8.280',
    bits: 'cond:4 11101 D 11 0000 Vd:4 101 sz 1 1 M 0 Vm:4',
    syntax: {
      'VABS{c}.F32 <Sd>, <Sm>': 'sz == 0',
      'VABS{c}.F64 <Dd>, <Dm>': 'sz == 1',
    },
  },
  VNEG_vfp_A2: {
    section: 'A8.8.355',
    bits: 'cond:4 11101 D 11 0001 Vd:4 101 sz 0 1 M 0 Vm:4',
    syntax: {
      'VNEG{c}.F32 <Sd>, <Sm>': 'sz == 0',
      'VNEG{c}.F64 <Dd>, <Dm>': 'sz == 1',
    },
  },
  VSQRT_A1: {
    section: 'A8.8.401',
    bits: 'cond:4 11101 D 11 0001 Vd:4 101 sz 1 1 M 0 Vm:4',
    syntax: {
      'VSQRT{c}.F32 <Sd>, <Sm>': 'sz == 0',
      'VSQRT{c}.F64 <Dd>, <Dm>': 'sz == 1',
    },
  },
  VCVTB_A1: {
    section: 'A8.8.311',
    bits: 'cond:4 11101 D 11 001 op Vd:4 101 (0) T 1 M 0 Vm:4',
    syntax: {
      'VCVTB{c}.F32.F16 <Sd>, <Sm>': 'op == 0 && T == 0',
      'VCVTT{c}.F32.F16 <Sd>, <Sm>': 'op == 0 && T == 1',
      'VCVTB{c}.F16.F32 <Sd>, <Sm>': 'op == 1 && T == 0',
      'VCVTT{c}.F16.F32 <Sd>, <Sm>': 'op == 1 && T == 1',
    },
  },
  VCMP_A1: {
    section: 'A8.8.303',
    bits: 'cond:4 11101 D 11 0100 Vd:4 101 sz E 1 M 0 Vm:4',
    syntax: {
      'VCMP{c}.F32 <Sd>, <Sm>': 'sz == 0 && E == 0',
      'VCMP{c}.F64 <Dd>, <Dm>': 'sz == 1 && E == 0',
      'VCMPE{c}.F32 <Sd>, <Sm>': 'sz == 0 && E == 1',
      'VCMPE{c}.F64 <Dd>, <Dm>': 'sz == 1 && E == 1',
    },
  },
  VCMP_zero_A2: {
    section: 'A8.8.303',
    bits: 'cond:4 11101 D 11 0101 Vd:4 101 sz E 1 (0) 0 (0000)',
    syntax: {
      'VCMP{c}.F32 <Sd>, #<zero_float>': 'sz == 0 && E == 0',
      'VCMP{c}.F64 <Dd>, #<zero_float>': 'sz == 1 && E == 0',
      'VCMPE{c}.F32 <Sd>, #<zero_float>': 'sz == 0 && E == 1',
      'VCMPE{c}.F64 <Dd>, #<zero_float>': 'sz == 1 && E == 1',
    },
  },
  VCVT_precision_A1: {
    section: 'A8.8.309',
    bits: 'cond:4 11101 D 11 0111 Vd:4 101 sz 1 1 M 0 Vm:4',
    syntax: {
      'VCVT{c}.F64.F32 <Dd>, <Sm>': 'sz == 0',
      'VCVT{c}.F32.F64 <Sd>, <Dm>': 'sz == 1',
    },
  },
  /** To floating-point; op is 1 for a signed integer. */
  VCVT_from_int_vfp_A1: {
    section: 'A8.8.306',
    bits: 'cond:4 11101 D 11 1000 Vd:4 101 sz op 1 M 0 Vm:4',
    syntax: {
      'VCVT{c}.F32.U32 <Sd>, <Sm>': 'sz == 0 && op == 0',
      'VCVT{c}.F32.S32 <Sd>, <Sm>': 'sz == 0 && op == 1',
      'VCVT{c}.F64.U32 <Dd>, <Sm>': 'sz == 1 && op == 0',
      'VCVT{c}.F64.S32 <Dd>, <Sm>': 'sz == 1 && op == 1',
    },
  },
  /** To an integer, signed where `signed` is 1; op is 1 for rounding towards zero, 0 for the mode in FPSCR. */
  VCVT_to_int_vfp_A1: {
    section: 'A8.8.306',
    bits: 'cond:4 11101 D 11 110 signed Vd:4 101 sz op 1 M 0 Vm:4',
    syntax: {
      'VCVTR{c}.U32.F32 <Sd>, <Sm>': 'sz == 0 && op == 0 && signed == 0',
      'VCVTR{c}.S32.F32 <Sd>, <Sm>': 'sz == 0 && op == 0 && signed == 1',
      'VCVTR{c}.U32.F64 <Sd>, <Dm>': 'sz == 1 && op == 0 && signed == 0',
      'VCVTR{c}.S32.F64 <Sd>, <Dm>': 'sz == 1 && op == 0 && signed == 1',
      'VCVT{c}.U32.F32 <Sd>, <Sm>': 'sz == 0 && op == 1 && signed == 0',
      'VCVT{c}.S32.F32 <Sd>, <Sm>': 'sz == 0 && op == 1 && signed == 1',
      'VCVT{c}.U32.F64 <Sd>, <Dm>': 'sz == 1 && op == 1 && signed == 0',
      'VCVT{c}.S32.F64 <Sd>, <Dm>': 'sz == 1 && op == 1 && signed == 1',
    },
  },
  /** op is 1 for a result in fixed-point, sx for 32 bits of it. */
  VCVT_fixed_vfp_A1: {
    section: 'A8.8.308',
    bits: 'cond:4 11101 D 11 1 op 1 U Vd:4 101 sf sx 1 i 0 imm4:4',
    syntax: {
      'VCVT{c}.F32.S16 <Sd>, <Sd_again>, #<fbits16>': 'op == 0 && sf == 0 && sx == 0 && U == 0',
      'VCVT{c}.F32.U16 <Sd>, <Sd_again>, #<fbits16>': 'op == 0 && sf == 0 && sx == 0 && U == 1',
      'VCVT{c}.F32.S32 <Sd>, <Sd_again>, #<fbits32>': 'op == 0 && sf == 0 && sx == 1 && U == 0',
      'VCVT{c}.F32.U32 <Sd>, <Sd_again>, #<fbits32>': 'op == 0 && sf == 0 && sx == 1 && U == 1',
      'VCVT{c}.F64.S16 <Dd>, <Dd_again>, #<fbits16>': 'op == 0 && sf == 1 && sx == 0 && U == 0',
      'VCVT{c}.F64.U16 <Dd>, <Dd_again>, #<fbits16>': 'op == 0 && sf == 1 && sx == 0 && U == 1',
      'VCVT{c}.F64.S32 <Dd>, <Dd_again>, #<fbits32>': 'op == 0 && sf == 1 && sx == 1 && U == 0',
      'VCVT{c}.F64.U32 <Dd>, <Dd_again>, #<fbits32>': 'op == 0 && sf == 1 && sx == 1 && U == 1',
      'VCVT{c}.S16.F32 <Sd>, <Sd_again>, #<fbits16>': 'op == 1 && sf == 0 && sx == 0 && U == 0',
      'VCVT{c}.U16.F32 <Sd>, <Sd_again>, #<fbits16>': 'op == 1 && sf == 0 && sx == 0 && U == 1',
      'VCVT{c}.S32.F32 <Sd>, <Sd_again>, #<fbits32>': 'op == 1 && sf == 0 && sx == 1 && U == 0',
      'VCVT{c}.U32.F32 <Sd>, <Sd_again>, #<fbits32>': 'op == 1 && sf == 0 && sx == 1 && U == 1',
      'VCVT{c}.S16.F64 <Dd>, <Dd_again>, #<fbits16>': 'op == 1 && sf == 1 && sx == 0 && U == 0',
      'VCVT{c}.U16.F64 <Dd>, <Dd_again>, #<fbits16>': 'op == 1 && sf == 1 && sx == 0 && U == 1',
      'VCVT{c}.S32.F64 <Dd>, <Dd_again>, #<fbits32>': 'op == 1 && sf == 1 && sx == 1 && U == 0',
      'VCVT{c}.U32.F64 <Dd>, <Dd_again>, #<fbits32>': 'op == 1 && sf == 1 && sx == 1 && U == 1',
    },
    unpredictable: 'sx == 0 && imm4 * 2 + i > 16',
  },
} as const satisfies Table;
