// Advanced SIMD micro-ops on integers and bits.
import { KEEP, Op, ROUNDED } from '../micro-ops';
import { vn } from './extension-registers';
import {
  addLong,
  addShort,
  addUnsigned,
  amountOf,
  choose,
  difference,
  doubled,
  doubledHigh16,
  doubledHigh32,
  extracted,
  halvingAdd,
  halvingSubtract,
  insertLeft,
  insertRight,
  lookedUp,
  multiplyBytes,
  multiplyPolynomials,
  narrowed,
  neighbourSums,
  reversed,
  roundedShift,
  roundingHalvingAdd,
  saturatedMagnitude,
  saturatingShift,
  saturatingShiftToUnsigned,
  saturatingShiftUnsigned,
  subtractLong,
  subtractShort,
  subtractUnsigned,
  unlikeSign,
  zeros16,
  zeros32,
  zeros8,
} from './vector-lanes';

/** What the vector at `d` becomes. */
export function ofIntegers(rec: usize, d: usize, how: u32, n: v128, m: v128): v128 {
  switch (<u32>load<u16>(rec)) {
    case Op.VAND:
      return v128.and(n, m);
    case Op.VBIC:
      return v128.andnot(n, m);
    case Op.VORR:
      return v128.or(n, m);
    case Op.VORN:
      return v128.or(n, v128.not(m));
    case Op.VEOR:
      return v128.xor(n, m);
    case Op.VBSL:
      return choose(n, m, v128.load(d));
    case Op.VBIT:
      return choose(n, v128.load(d), m);
    case Op.VBIF:
      return choose(v128.load(d), n, m);
    case Op.VADD_8:
      return v128.add<i8>(n, m);
    case Op.VADD_16:
      return v128.add<i16>(n, m);
    case Op.VADD_32:
      return v128.add<i32>(n, m);
    case Op.VADD_64:
      return v128.add<i64>(n, m);
    case Op.VSUB_8:
      return v128.sub<i8>(n, m);
    case Op.VSUB_16:
      return v128.sub<i16>(n, m);
    case Op.VSUB_32:
      return v128.sub<i32>(n, m);
    case Op.VSUB_64:
      return v128.sub<i64>(n, m);
    case Op.VMUL_8:
      return multiplyBytes(n, m);
    case Op.VMUL_16:
      return v128.mul<i16>(n, m);
    case Op.VMUL_32:
      return v128.mul<i32>(n, m);
    case Op.VMUL_64:
      return v128.mul<i64>(n, m);
    case Op.VMLA_8:
      return v128.add<i8>(v128.load(d), multiplyBytes(n, m));
    case Op.VMLA_16:
      return v128.add<i16>(v128.load(d), v128.mul<i16>(n, m));
    case Op.VMLA_32:
      return v128.add<i32>(v128.load(d), v128.mul<i32>(n, m));
    case Op.VMLA_64:
      return v128.add<i64>(v128.load(d), v128.mul<i64>(n, m));
    case Op.VMLS_8:
      return v128.sub<i8>(v128.load(d), multiplyBytes(n, m));
    case Op.VMLS_16:
      return v128.sub<i16>(v128.load(d), v128.mul<i16>(n, m));
    case Op.VMLS_32:
      return v128.sub<i32>(v128.load(d), v128.mul<i32>(n, m));
    case Op.VMLS_64:
      return v128.sub<i64>(v128.load(d), v128.mul<i64>(n, m));
    case Op.VMUL_P8:
      return multiplyPolynomials<u8>(n, m);
    case Op.VMULL_P8:
      return multiplyPolynomials<u16>(n, m);
    case Op.VCEQ_8:
      return v128.eq<i8>(n, m);
    case Op.VCEQ_16:
      return v128.eq<i16>(n, m);
    case Op.VCEQ_32:
      return v128.eq<i32>(n, m);
    case Op.VTST_8:
      return v128.ne<i8>(v128.and(n, m), v128.splat<i8>(0));
    case Op.VTST_16:
      return v128.ne<i16>(v128.and(n, m), v128.splat<i8>(0));
    case Op.VTST_32:
      return v128.ne<i32>(v128.and(n, m), v128.splat<i8>(0));
    case Op.VCGT_S8:
      return v128.gt<i8>(n, m);
    case Op.VCGT_S16:
      return v128.gt<i16>(n, m);
    case Op.VCGT_S32:
      return v128.gt<i32>(n, m);
    case Op.VCGT_U8:
      return v128.gt<u8>(n, m);
    case Op.VCGT_U16:
      return v128.gt<u16>(n, m);
    case Op.VCGT_U32:
      return v128.gt<u32>(n, m);
    case Op.VCGE_S8:
      return v128.ge<i8>(n, m);
    case Op.VCGE_S16:
      return v128.ge<i16>(n, m);
    case Op.VCGE_S32:
      return v128.ge<i32>(n, m);
    case Op.VCGE_U8:
      return v128.ge<u8>(n, m);
    case Op.VCGE_U16:
      return v128.ge<u16>(n, m);
    case Op.VCGE_U32:
      return v128.ge<u32>(n, m);
    case Op.VMAX_S8:
      return v128.max<i8>(n, m);
    case Op.VMAX_S16:
      return v128.max<i16>(n, m);
    case Op.VMAX_S32:
      return v128.max<i32>(n, m);
    case Op.VMAX_U8:
      return v128.max<u8>(n, m);
    case Op.VMAX_U16:
      return v128.max<u16>(n, m);
    case Op.VMAX_U32:
      return v128.max<u32>(n, m);
    case Op.VMIN_S8:
      return v128.min<i8>(n, m);
    case Op.VMIN_S16:
      return v128.min<i16>(n, m);
    case Op.VMIN_S32:
      return v128.min<i32>(n, m);
    case Op.VMIN_U8:
      return v128.min<u8>(n, m);
    case Op.VMIN_U16:
      return v128.min<u16>(n, m);
    case Op.VMIN_U32:
      return v128.min<u32>(n, m);
    case Op.VABD_S8:
      return difference<i8>(n, m);
    case Op.VABD_S16:
      return difference<i16>(n, m);
    case Op.VABD_S32:
      return difference<i32>(n, m);
    case Op.VABD_S64:
      return v128.abs<i64>(v128.sub<i64>(n, m));
    case Op.VABD_U8:
      return difference<u8>(n, m);
    case Op.VABD_U16:
      return difference<u16>(n, m);
    case Op.VABD_U32:
      return difference<u32>(n, m);
    case Op.VABA_S8:
      return v128.add<i8>(v128.load(d), difference<i8>(n, m));
    case Op.VABA_S16:
      return v128.add<i16>(v128.load(d), difference<i16>(n, m));
    case Op.VABA_S32:
      return v128.add<i32>(v128.load(d), difference<i32>(n, m));
    case Op.VABA_S64:
      return v128.add<i64>(v128.load(d), v128.abs<i64>(v128.sub<i64>(n, m)));
    case Op.VABA_U8:
      return v128.add<u8>(v128.load(d), difference<u8>(n, m));
    case Op.VABA_U16:
      return v128.add<u16>(v128.load(d), difference<u16>(n, m));
    case Op.VABA_U32:
      return v128.add<u32>(v128.load(d), difference<u32>(n, m));
    case Op.VHADD_S8:
      return halvingAdd<i8>(n, m);
    case Op.VHADD_S16:
      return halvingAdd<i16>(n, m);
    case Op.VHADD_S32:
      return halvingAdd<i32>(n, m);
    case Op.VHADD_U8:
      return halvingAdd<u8>(n, m);
    case Op.VHADD_U16:
      return halvingAdd<u16>(n, m);
    case Op.VHADD_U32:
      return halvingAdd<u32>(n, m);
    case Op.VHSUB_S8:
      return halvingSubtract<i8>(n, m);
    case Op.VHSUB_S16:
      return halvingSubtract<i16>(n, m);
    case Op.VHSUB_S32:
      return halvingSubtract<i32>(n, m);
    case Op.VHSUB_U8:
      return halvingSubtract<u8>(n, m);
    case Op.VHSUB_U16:
      return halvingSubtract<u16>(n, m);
    case Op.VHSUB_U32:
      return halvingSubtract<u32>(n, m);
    case Op.VRHADD_S8:
      return roundingHalvingAdd<i8>(n, m);
    case Op.VRHADD_S16:
      return roundingHalvingAdd<i16>(n, m);
    case Op.VRHADD_S32:
      return roundingHalvingAdd<i32>(n, m);
    case Op.VRHADD_U8:
      return v128.avgr<u8>(n, m);
    case Op.VRHADD_U16:
      return v128.avgr<u16>(n, m);
    case Op.VRHADD_U32:
      return roundingHalvingAdd<u32>(n, m);
    case Op.VQADD_S8:
      return addShort<i8>(how, n, m);
    case Op.VQADD_S16:
      return addShort<i16>(how, n, m);
    case Op.VQADD_S32:
      return addLong<i32>(how, n, m);
    case Op.VQADD_S64:
      return addLong<i64>(how, n, m);
    case Op.VQADD_U8:
      return addShort<u8>(how, n, m);
    case Op.VQADD_U16:
      return addShort<u16>(how, n, m);
    case Op.VQADD_U32:
      return addUnsigned<i32>(how, n, m);
    case Op.VQADD_U64:
      return addUnsigned<i64>(how, n, m);
    case Op.VQSUB_S8:
      return subtractShort<i8>(how, n, m);
    case Op.VQSUB_S16:
      return subtractShort<i16>(how, n, m);
    case Op.VQSUB_S32:
      return subtractLong<i32>(how, n, m);
    case Op.VQSUB_S64:
      return subtractLong<i64>(how, n, m);
    case Op.VQSUB_U8:
      return subtractShort<u8>(how, n, m);
    case Op.VQSUB_U16:
      return subtractShort<u16>(how, n, m);
    case Op.VQSUB_U32:
      return subtractUnsigned<i32>(how, n, m);
    case Op.VQSUB_U64:
      return subtractUnsigned<i64>(how, n, m);
    case Op.VQDMULH_16:
      return doubledHigh16(how, n, m);
    case Op.VQDMULH_32:
      return doubledHigh32(how, n, m);
    case Op.VQRDMULH_16:
      return doubledHigh16(how | ROUNDED, n, m);
    case Op.VQRDMULH_32:
      return doubledHigh32(how | ROUNDED, n, m);
    case Op.VQDMULL_32:
      return doubled<i32>(how, n, m);
    case Op.VQDMULL_64:
      return doubled<i64>(how, n, m);
    case Op.VQDMLAL_32:
      return addLong<i32>(how, v128.load(d), doubled<i32>(how, n, m));
    case Op.VQDMLAL_64:
      return addLong<i64>(how, v128.load(d), doubled<i64>(how, n, m));
    case Op.VQDMLSL_32:
      return subtractLong<i32>(how, v128.load(d), doubled<i32>(how, n, m));
    case Op.VQDMLSL_64:
      return subtractLong<i64>(how, v128.load(d), doubled<i64>(how, n, m));
    case Op.VABS_8:
      return v128.abs<i8>(m);
    case Op.VABS_16:
      return v128.abs<i16>(m);
    case Op.VABS_32:
      return v128.abs<i32>(m);
    case Op.VQABS_8:
      return saturatedMagnitude<i8>(how, m);
    case Op.VQABS_16:
      return saturatedMagnitude<i16>(how, m);
    case Op.VQABS_32:
      return saturatedMagnitude<i32>(how, m);
    case Op.VCLZ_8:
      return zeros8(m);
    case Op.VCLZ_16:
      return zeros16(m);
    case Op.VCLZ_32:
      return zeros32(m);
    case Op.VCLS_8:
      return zeros8(unlikeSign<i8>(m));
    case Op.VCLS_16:
      return zeros16(unlikeSign<i16>(m));
    case Op.VCLS_32:
      return zeros32(unlikeSign<i32>(m));
    case Op.VCNT:
      return v128.popcnt<i8>(m);
    case Op.VPADDL_S8:
      return v128.extadd_pairwise<i8>(m);
    case Op.VPADDL_S16:
      return v128.extadd_pairwise<i16>(m);
    case Op.VPADDL_S32:
      return neighbourSums<i64>(m);
    case Op.VPADDL_U8:
      return v128.extadd_pairwise<u8>(m);
    case Op.VPADDL_U16:
      return v128.extadd_pairwise<u16>(m);
    case Op.VPADDL_U32:
      return neighbourSums<u64>(m);
    case Op.VPADAL_S8:
      return v128.add<i16>(v128.load(d), v128.extadd_pairwise<i8>(m));
    case Op.VPADAL_S16:
      return v128.add<i32>(v128.load(d), v128.extadd_pairwise<i16>(m));
    case Op.VPADAL_S32:
      return v128.add<i64>(v128.load(d), neighbourSums<i64>(m));
    case Op.VPADAL_U8:
      return v128.add<i16>(v128.load(d), v128.extadd_pairwise<u8>(m));
    case Op.VPADAL_U16:
      return v128.add<i32>(v128.load(d), v128.extadd_pairwise<u16>(m));
    case Op.VPADAL_U32:
      return v128.add<i64>(v128.load(d), neighbourSums<u64>(m));
    case Op.VSHL_8:
      return v128.shl<i8>(m, amountOf(how));
    case Op.VSHL_16:
      return v128.shl<i16>(m, amountOf(how));
    case Op.VSHL_32:
      return v128.shl<i32>(m, amountOf(how));
    case Op.VSHL_64:
      return v128.shl<i64>(m, amountOf(how));
    case Op.VSHR_S8:
      return v128.shr<i8>(m, amountOf(how));
    case Op.VSHR_S16:
      return v128.shr<i16>(m, amountOf(how));
    case Op.VSHR_S32:
      return v128.shr<i32>(m, amountOf(how));
    case Op.VSHR_S64:
      return v128.shr<i64>(m, amountOf(how));
    case Op.VSHR_U8:
      return v128.shr<u8>(m, amountOf(how));
    case Op.VSHR_U16:
      return v128.shr<u16>(m, amountOf(how));
    case Op.VSHR_U32:
      return v128.shr<u32>(m, amountOf(how));
    case Op.VSHR_U64:
      return v128.shr<u64>(m, amountOf(how));
    case Op.VSRA_S8:
      return v128.add<i8>(v128.load(d), v128.shr<i8>(m, amountOf(how)));
    case Op.VSRA_S16:
      return v128.add<i16>(v128.load(d), v128.shr<i16>(m, amountOf(how)));
    case Op.VSRA_S32:
      return v128.add<i32>(v128.load(d), v128.shr<i32>(m, amountOf(how)));
    case Op.VSRA_S64:
      return v128.add<i64>(v128.load(d), v128.shr<i64>(m, amountOf(how)));
    case Op.VSRA_U8:
      return v128.add<u8>(v128.load(d), v128.shr<u8>(m, amountOf(how)));
    case Op.VSRA_U16:
      return v128.add<u16>(v128.load(d), v128.shr<u16>(m, amountOf(how)));
    case Op.VSRA_U32:
      return v128.add<u32>(v128.load(d), v128.shr<u32>(m, amountOf(how)));
    case Op.VSRA_U64:
      return v128.add<u64>(v128.load(d), v128.shr<u64>(m, amountOf(how)));
    case Op.VRSHR_S8:
      return roundedShift<i8>(m, amountOf(how));
    case Op.VRSHR_S16:
      return roundedShift<i16>(m, amountOf(how));
    case Op.VRSHR_S32:
      return roundedShift<i32>(m, amountOf(how));
    case Op.VRSHR_S64:
      return roundedShift<i64>(m, amountOf(how));
    case Op.VRSHR_U8:
      return roundedShift<u8>(m, amountOf(how));
    case Op.VRSHR_U16:
      return roundedShift<u16>(m, amountOf(how));
    case Op.VRSHR_U32:
      return roundedShift<u32>(m, amountOf(how));
    case Op.VRSHR_U64:
      return roundedShift<u64>(m, amountOf(how));
    case Op.VRSRA_S8:
      return v128.add<i8>(v128.load(d), roundedShift<i8>(m, amountOf(how)));
    case Op.VRSRA_S16:
      return v128.add<i16>(v128.load(d), roundedShift<i16>(m, amountOf(how)));
    case Op.VRSRA_S32:
      return v128.add<i32>(v128.load(d), roundedShift<i32>(m, amountOf(how)));
    case Op.VRSRA_S64:
      return v128.add<i64>(v128.load(d), roundedShift<i64>(m, amountOf(how)));
    case Op.VRSRA_U8:
      return v128.add<u8>(v128.load(d), roundedShift<u8>(m, amountOf(how)));
    case Op.VRSRA_U16:
      return v128.add<u16>(v128.load(d), roundedShift<u16>(m, amountOf(how)));
    case Op.VRSRA_U32:
      return v128.add<u32>(v128.load(d), roundedShift<u32>(m, amountOf(how)));
    case Op.VRSRA_U64:
      return v128.add<u64>(v128.load(d), roundedShift<u64>(m, amountOf(how)));
    case Op.VSRI_8:
      return insertRight<u8>(v128.load(d), m, amountOf(how));
    case Op.VSRI_16:
      return insertRight<u16>(v128.load(d), m, amountOf(how));
    case Op.VSRI_32:
      return insertRight<u32>(v128.load(d), m, amountOf(how));
    case Op.VSRI_64:
      return insertRight<u64>(v128.load(d), m, amountOf(how));
    case Op.VSLI_8:
      return insertLeft<u8>(v128.load(d), m, amountOf(how));
    case Op.VSLI_16:
      return insertLeft<u16>(v128.load(d), m, amountOf(how));
    case Op.VSLI_32:
      return insertLeft<u32>(v128.load(d), m, amountOf(how));
    case Op.VSLI_64:
      return insertLeft<u64>(v128.load(d), m, amountOf(how));
    case Op.VQSHL_S8:
      return saturatingShift<i8>(how, m);
    case Op.VQSHL_S16:
      return saturatingShift<i16>(how, m);
    case Op.VQSHL_S32:
      return saturatingShift<i32>(how, m);
    case Op.VQSHL_S64:
      return saturatingShift<i64>(how, m);
    case Op.VQSHL_U8:
      return saturatingShiftUnsigned<i8, u8>(how, m);
    case Op.VQSHL_U16:
      return saturatingShiftUnsigned<i16, u16>(how, m);
    case Op.VQSHL_U32:
      return saturatingShiftUnsigned<i32, u32>(how, m);
    case Op.VQSHL_U64:
      return saturatingShiftUnsigned<i64, u64>(how, m);
    case Op.VQSHLU_8:
      return saturatingShiftToUnsigned<i8, u8>(how, m);
    case Op.VQSHLU_16:
      return saturatingShiftToUnsigned<i16, u16>(how, m);
    case Op.VQSHLU_32:
      return saturatingShiftToUnsigned<i32, u32>(how, m);
    case Op.VQSHLU_64:
      return saturatingShiftToUnsigned<i64, u64>(how, m);
    case Op.VSHRN_16:
      return narrowed<i16, u16>(how, m);
    case Op.VSHRN_32:
      return narrowed<i32, u32>(how, m);
    case Op.VSHRN_64:
      return narrowed<i64, u64>(how, m);
    case Op.VEXT:
      return extracted(how, n, m);
    case Op.VREV:
      return reversed(how, m);
    case Op.VTBL:
      return lookedUp(vn(rec), amountOf(how) << 3, m, how & KEEP ? v128.load(d) : v128.splat<i8>(0));
    default:
      return n;
  }
}
