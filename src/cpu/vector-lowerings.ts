/** Advanced SIMD instructions as micro-ops, without loads and stores. */
import type { ExtensionOp } from './emitter.js';
import type { LowerExtension } from './emitter.js';
import * as L from './layout.js';
import {
  AMOUNT_LOW,
  KEEP,
  Op,
  OPTIONS_LOW,
  OPERANDS_LOW,
  PAIRS_32,
  PAIRS_8,
  QUAD,
  ROUNDED,
  SATURATED,
  SCALAR_16,
  SCALAR_16_HIGH,
  SCALAR_32,
  TO_UNSIGNED,
  UNSIGNED,
  WIDEN_BOTH,
  WIDEN_LOW,
  WIDEN_S8,
  ZERO_FIRST,
  ZERO_SECOND,
} from './micro-ops.js';
import { expandImmediate } from './neon/bitwise.js';
import type { Destination, First, Second } from './neon/lanes.js';
import { vd, vm, vn } from './neon/lanes.js';
import { shiftOf } from './neon/shifts.js';
import type { Needs, Operation, OperationFields } from './operation-fields.js';

/** Element sizes that an operation has, and so how far its unsigned micro-ops are from its signed ones. */
const [THREE, FOUR] = [3, 4];

/** A micro-op of vectors: registers by their first word. `from` is [b], where there is one. */
const vector = (op: number, f: Destination & Second, how: number, from = 0): ExtensionOp => ({
  op,
  a: vd(f) * 2,
  b: from * 2,
  imm: (vm(f) * 2) | (how << OPTIONS_LOW),
});
const quad = ({ Q }: Needs<never, 'Q'>): number => (Q ? QUAD : 0);
const operands = (kind: number): number => kind << OPERANDS_LOW;
const amount = (value: number): number => value << AMOUNT_LOW;
/** m widened from elements of `size` (0 for bytes). */
const widen = (size: number, U = 0): number => (WIDEN_S8 + size + THREE * U) << WIDEN_LOW;

type Pair = Destination & First & Second & Needs<'Q', 'size' | 'U' | 'op'>;
type One = Destination & Second & Needs<'Q' | 'size', 'op' | 'U'>;

const bitwise =
  (op: number): LowerExtension<Pair> =>
  (_, f) =>
    vector(op, f, quad(f), vn(f));

/** By the element size; where `unsigned` is given, it says how far those are that U says. */
const pair =
  (ops: (f: Pair) => number, unsigned = 0, options = 0): LowerExtension<Pair> =>
  (_, f) =>
    vector(ops(f) + (f.size ?? 0) + (f.U ? unsigned : 0), f, quad(f) | options, vn(f));
const always = (op: number) => (): number => op;
const byOp =
  (first: number, second: number) =>
  ({ op }: Needs<never, 'op'>): number =>
    op ? second : first;

/** Neighbours of D registers. */
const neighbours =
  (ops: (f: Needs<never, 'op'>) => number, unsigned = 0): LowerExtension<Omit<Pair, 'Q'> & Needs<'size'>> =>
  (_, f) =>
    vector(ops(f) + f.size + (f.U ? unsigned : 0), f, operands(PAIRS_8 + f.size), vn(f));

const neighbouringSingles =
  (ops: (f: Needs<never, 'op'>) => number): LowerExtension<Omit<Pair, 'Q'>> =>
  (_, f) =>
    vector(ops(f), f, operands(PAIRS_32), vn(f));

const one =
  (ops: (f: One) => number, options = 0): LowerExtension<One> =>
  (_, f) =>
    vector(ops(f) + f.size, f, quad(f) | options, vm(f));

/** One vector, of integers or of singles. */
const ofEither =
  (op: number, singles: number, options = 0): LowerExtension<One & Needs<'F'>> =>
  (_, f) =>
    vector(f.F ? singles : op + f.size, f, quad(f) | options, vm(f));
const singles =
  (ops: (f: Needs<never, 'op'>) => number, options = 0): LowerExtension<Pair> =>
  (_, f) =>
    vector(ops(f), f, quad(f) | options, vn(f));

/** To elements of twice the size: the micro-op of those, on operands that are widened. */
const long =
  (
    ops: (f: Needs<'size', 'op'>) => number,
    first: (f: Needs<never, 'op'>) => number = () => WIDEN_BOTH,
    options: (f: Second & Needs<'size'>) => number = () => 0,
  ): LowerExtension<Destination & First & Second & Needs<'size', 'U' | 'op'>> =>
  (_, f) => {
    const how = QUAD | widen(f.size, f.U) | first(f) | options(f);
    const at = vector(ops(f) + f.size + 1, f, how, vn(f));
    return options(f) ? withScalar(at, f) : at;
  };
const firstByOp = ({ op }: Needs<never, 'op'>): number => (op ? 0 : WIDEN_BOTH);

/** The kind of m that a scalar is: 16 bits of D0 to D7, or 32 of D0 to D15. */
const scalarOptions = ({ size, Vm }: Second & Needs<'size'>): number =>
  operands(size === 2 ? SCALAR_32 : Vm >> 3 ? SCALAR_16_HIGH : SCALAR_16);
/** With the scalar's word in the place of the second vector. */
function withScalar(op: ExtensionOp, { size, Vm, M }: Second & Needs<'size'>): ExtensionOp {
  const at = size === 2 ? Vm * 2 + M : (Vm & 7) * 2 + M;
  return { ...op, imm: ((op.imm ?? 0) & ~0xff) | at };
}
type WithScalar = Destination & First & Second & Needs<'size' | 'Q', 'op' | 'F'>;
const byScalar =
  (ops: (f: WithScalar) => number, ofSingles: (f: WithScalar) => number = ops): LowerExtension<WithScalar> =>
  (_, f) =>
    withScalar(vector(f.F ? ofSingles(f) : ops(f) + f.size, f, quad(f) | scalarOptions(f), vn(f)), f);

type Shifted = Destination & Second & Needs<'imm6', 'L' | 'Q' | 'U' | 'op'>;
/** What a shift amount becomes where it is the size: all bits are gone. */
type Gone = (f: Shifted, how: number) => ExtensionOp;
const nothingLeft: Gone = (f) => ({ op: Op.VMOV_WORDS, a: vd(f) * 2, b: quad(f), imm: 0 });
const asBefore: Gone = (f, how) => ({
  op: Op.VORR,
  a: vd(f) * 2,
  b: vd(f) * 2,
  imm: (vd(f) * 2) | (how << OPTIONS_LOW),
});

/** 0 for elements of bytes, as the field size has it. */
const sizeField = (size: number): number => Math.log2(size) - 3;

const shiftRight =
  (
    op: number,
    gone: (f: Shifted, size: number, how: number) => ExtensionOp,
    unsigned = FOUR,
  ): LowerExtension<Shifted> =>
  (_, f) => {
    const { size, imm7 } = shiftOf(f);
    const by = 2 * size - imm7;
    if (by === size) return gone(f, sizeField(size), quad(f));
    return vector(op + sizeField(size) + (f.U ? unsigned : 0), f, quad(f) | amount(by), vm(f));
  };
/** A shift by one less than the size. */
const bySizeLessOne = (op: number, f: Shifted, size: number): ExtensionOp =>
  vector(op + size, f, quad(f) | amount((8 << size) - 1), vm(f));

const shiftLeft =
  (ops: (f: Shifted) => number): LowerExtension<Shifted> =>
  (_, f) => {
    const { size, imm7 } = shiftOf(f);
    return vector(ops(f) + sizeField(size), f, quad(f) | amount(imm7 - size), vm(f));
  };

/** To elements of half the size. */
const narrow =
  (options: (f: Needs<never, 'U' | 'op'>) => number): LowerExtension<Shifted> =>
  (_, f) => {
    const { size, imm7 } = shiftOf(f);
    return vector(Op.VSHRN_16 + sizeField(size), f, options(f) | amount(2 * size - imm7), vm(f));
  };
/** VQSHRUN's operand is signed though U is 1. */
const saturatedByU = ({ U, op }: Needs<never, 'U' | 'op'>): number =>
  SATURATED | (U ? TO_UNSIGNED : 0) | (U && op ? UNSIGNED : 0);

const shiftByRegister = (options: number): LowerExtension<Pair> =>
  pair(always(Op.VSHL_REG_S8), FOUR, options);

/** Addresses of an element: of a D register, by its place in bytes. */
const elementAt = (d: number, bytes: number): number => L.D0 + d * 8 + bytes;

/** The word of a scalar of 32 bits, or the address of a smaller one (opc: 1xxx is 8 bits, 0xx1 is 16). */
const scalarAt = (d: number, opc: number): number => elementAt(d, opc & 8 ? opc & 7 : opc & 6);

type Immediate = Destination & Needs<'Q' | 'cmode' | 'imm8', 'op'>;
const immediate =
  (op: number, inverted = false): LowerExtension<Immediate> =>
  (_, f) => {
    const value = expandImmediate(f);
    const words = Number(BigInt.asUintN(32, inverted ? ~value : value));
    if (BigInt.asUintN(32, value) === value >> 32n) return { op, a: vd(f) * 2, b: quad(f), imm: words };
    return { op: Op.VMOV_BYTES, a: vd(f) * 2, b: quad(f), imm: f.imm8 };
  };

/** By the operation's name in the tables. */
export const vectors = {
  VAND_reg: bitwise(Op.VAND),
  VBIC_reg: bitwise(Op.VBIC),
  VORR_reg: bitwise(Op.VORR),
  VORN_reg: bitwise(Op.VORN),
  VEOR: bitwise(Op.VEOR),
  VBSL: bitwise(Op.VBSL),
  VBIT: bitwise(Op.VBIT),
  VBIF: bitwise(Op.VBIF),
  VMVN_reg: (_, f) => vector(Op.VORN, f, quad(f) | operands(ZERO_FIRST)),
  VMOV_imm: immediate(Op.VMOV_WORDS),
  VMVN_imm: immediate(Op.VMOV_WORDS, true),
  VORR_imm: immediate(Op.VORR_WORDS),
  VBIC_imm: immediate(Op.VBIC_WORDS),
  VSWP: (_, f) => vector(Op.VSWP, f, quad(f)),

  VADD_int: pair(always(Op.VADD_8)),
  VSUB_int: pair(always(Op.VSUB_8)),
  VMUL_int: pair((f) => (f.op ? Op.VMUL_P8 : Op.VMUL_8)),
  VMLA_int: pair(byOp(Op.VMLA_8, Op.VMLS_8)),
  VCEQ_int: pair(always(Op.VCEQ_8)),
  VTST: pair(always(Op.VTST_8)),
  VCGT_int: pair(always(Op.VCGT_S8), THREE),
  VCGE_int: pair(always(Op.VCGE_S8), THREE),
  VMAX_int: pair(byOp(Op.VMAX_S8, Op.VMIN_S8), THREE),
  VABD_int: pair(always(Op.VABD_S8), FOUR),
  VABA: pair(always(Op.VABA_S8), FOUR),
  VHADD: pair(byOp(Op.VHADD_S8, Op.VHSUB_S8), THREE),
  VRHADD: pair(always(Op.VRHADD_S8), THREE),
  VQADD: pair(always(Op.VQADD_S8), FOUR),
  VQSUB: pair(always(Op.VQSUB_S8), FOUR),
  // Of 16 bits the first.
  VQDMULH: pair(always(Op.VQDMULH_16 - 1)),
  VQRDMULH: pair(always(Op.VQRDMULH_16 - 1)),
  VPADD_int: neighbours(always(Op.VADD_8)),
  VPMAX_int: neighbours(byOp(Op.VMAX_S8, Op.VMIN_S8), THREE),

  VCEQ_zero: ofEither(Op.VCEQ_8, Op.VCEQ_VECTOR, operands(ZERO_SECOND)),
  VCGT_zero: ofEither(Op.VCGT_S8, Op.VCGT_VECTOR, operands(ZERO_SECOND)),
  VCGE_zero: ofEither(Op.VCGE_S8, Op.VCGE_VECTOR, operands(ZERO_SECOND)),
  VCLT_zero: ofEither(Op.VCGT_S8, Op.VCGT_VECTOR, operands(ZERO_FIRST)),
  VCLE_zero: ofEither(Op.VCGE_S8, Op.VCGE_VECTOR, operands(ZERO_FIRST)),
  VNEG: ofEither(Op.VSUB_8, Op.VNEG_VECTOR, operands(ZERO_FIRST)),
  VABS: ofEither(Op.VABS_8, Op.VABS_VECTOR),
  VQABS: one(always(Op.VQABS_8)),
  VQNEG: one(always(Op.VQSUB_S8), operands(ZERO_FIRST)),
  VCLZ: one(always(Op.VCLZ_8)),
  VCLS: one(always(Op.VCLS_8)),
  VCNT: (_, f) => vector(Op.VCNT, f, quad(f)),
  VPADDL: one(byOp(Op.VPADDL_S8, Op.VPADDL_U8)),
  VPADAL: one(byOp(Op.VPADAL_S8, Op.VPADAL_U8)),

  VADDL: long(always(Op.VADD_8), firstByOp),
  VSUBL: long(always(Op.VSUB_8), firstByOp),
  VABDL: long(always(Op.VABD_S8)),
  VABAL: long(always(Op.VABA_S8)),
  VMULL_int: (e, f) =>
    f.op
      ? vector(Op.VMULL_P8, f, QUAD | widen(f.size, 1) | WIDEN_BOTH, vn(f))
      : long(always(Op.VMUL_8))(e, f),
  VMLAL: long(byOp(Op.VMLA_8, Op.VMLS_8)),
  // Of 32 bits the first.
  VQDMULL: long(always(Op.VQDMULL_32 - 2)),
  VQDMLAL: long(byOp(Op.VQDMLAL_32 - 2, Op.VQDMLSL_32 - 2)),
  VMULL_scalar: long(always(Op.VMUL_8), undefined, scalarOptions),
  VMLAL_scalar: long(byOp(Op.VMLA_8, Op.VMLS_8), undefined, scalarOptions),
  VQDMULL_scalar: long(always(Op.VQDMULL_32 - 2), undefined, scalarOptions),
  VQDMLAL_scalar: long(byOp(Op.VQDMLAL_32 - 2, Op.VQDMLSL_32 - 2), undefined, scalarOptions),
  VMUL_scalar: byScalar(always(Op.VMUL_8), always(Op.VMUL_VECTOR)),
  VMLA_scalar: byScalar(byOp(Op.VMLA_8, Op.VMLS_8), byOp(Op.VMLA_VECTOR, Op.VMLS_VECTOR)),
  VQDMULH_scalar: byScalar(always(Op.VQDMULH_16 - 1)),
  VQRDMULH_scalar: byScalar(always(Op.VQRDMULH_16 - 1)),

  VSHR: shiftRight(Op.VSHR_S8, (f, size) => (f.U ? nothingLeft(f, 0) : bySizeLessOne(Op.VSHR_S8, f, size))),
  VSRA: shiftRight(Op.VSRA_S8, (f, size, how) =>
    f.U ? asBefore(f, how) : bySizeLessOne(Op.VSRA_S8, f, size),
  ),
  // Rounded, the highest bit of unsigned numbers is left, and a signed one is 0.
  VRSHR: shiftRight(Op.VRSHR_S8, (f, size) => (f.U ? bySizeLessOne(Op.VSHR_U8, f, size) : nothingLeft(f, 0))),
  VRSRA: shiftRight(Op.VRSRA_S8, (f, size, how) =>
    f.U ? bySizeLessOne(Op.VSRA_U8, f, size) : asBefore(f, how),
  ),
  VSRI: shiftRight(Op.VSRI_8, (f, _, how) => asBefore(f, how), 0),
  VSHL_imm: shiftLeft(always(Op.VSHL_8)),
  VSLI: shiftLeft(always(Op.VSLI_8)),
  VQSHL_imm: shiftLeft(({ U, op }) => (op ? (U ? Op.VQSHL_U8 : Op.VQSHL_S8) : Op.VQSHLU_8)),
  VSHL_reg: shiftByRegister(0),
  VRSHL: shiftByRegister(ROUNDED),
  VQSHL_reg: shiftByRegister(SATURATED),
  VQRSHL: shiftByRegister(SATURATED | ROUNDED),
  VSHLL: (_, f) => {
    const { size, imm7 } = shiftOf(f);
    const field = sizeField(size);
    return vector(Op.VSHL_8 + field + 1, f, QUAD | widen(field, f.U) | amount(imm7 - size));
  },
  VSHLL_whole: (_, f) => vector(Op.VSHL_8 + f.size + 1, f, QUAD | widen(f.size) | amount(8 << f.size)),
  VSHRN: narrow(() => 0),
  VRSHRN: narrow(() => ROUNDED),
  VQSHRN: narrow(saturatedByU),
  VQRSHRN: narrow((f) => saturatedByU(f) | ROUNDED),
  VMOVN: (_, f) => vector(Op.VSHRN_16 + f.size, f, 0),
  // op: 1 is signed to unsigned, 2 signed, 3 unsigned.
  VQMOVN: (_, f) =>
    vector(Op.VSHRN_16 + f.size, f, SATURATED | (f.op & 1 ? TO_UNSIGNED : 0) | (f.op === 3 ? UNSIGNED : 0)),

  VEXT: (_, f) => vector(Op.VEXT, f, quad(f) | amount(f.imm4), vn(f)),
  // Groups of 8, 4 or 2 bytes; within an element bytes keep their order.
  VREV: (_, f) => vector(Op.VREV, f, quad(f) | amount((8 >> f.op) - (1 << f.size))),
  VTBL: (_, f) =>
    vn(f) + f.len > 31 ? undefined : vector(Op.VTBL, f, amount(f.len + 1) | (f.op ? KEEP : 0), vn(f)),
  VTRN: one(always(Op.VTRN_8)),
  VUZP: one(always(Op.VUZP_8)),
  VZIP: one(always(Op.VZIP_8)),
  VDUP_scalar: (_, f) => {
    const { imm4 } = f;
    const [op, place] =
      imm4 & 1
        ? [Op.VDUP_8, imm4 >> 1]
        : imm4 & 2
          ? [Op.VDUP_16, (imm4 >> 2) * 2]
          : [Op.VDUP_32, (imm4 >> 3) * 4];
    return { op, a: vd(f) * 2, b: quad(f), imm: elementAt(vm(f), place) };
  },
  VDUP_core: (_, f) => {
    if (f.Rt === 15 || (f.b && f.e)) return undefined;
    const op = f.b ? Op.VDUP_8 : f.e ? Op.VDUP_16 : Op.VDUP_32;
    return { op, a: vd(f) * 2, b: quad(f), imm: L.R0 + f.Rt * 4 };
  },
  // Those of 32 bits are floating-point.
  VMOV_core_to_scalar: (_, { opc, Vd, D, Rt }) => {
    const d = D * 16 + Vd;
    if (Rt === 15) return undefined;
    if (!(opc & 9)) return { op: Op.VMOV_FROM_CORE, a: d * 2 + (opc >> 2), b: Rt * 4 };
    const op = opc & 8 ? Op.VMOV_TO_SCALAR_8 : Op.VMOV_TO_SCALAR_16;
    return { op, b: Rt * 4, imm: scalarAt(d, opc) };
  },
  VMOV_scalar_to_core: (_, { opc, Vn, N, U, Rt }) => {
    const d = N * 16 + Vn;
    if (Rt === 15) return undefined;
    if (!(opc & 9)) return { op: Op.VMOV_TO_CORE, a: d * 2 + (opc >> 2), b: Rt * 4 };
    const signed = opc & 8 ? Op.VMOV_TO_CORE_S8 : Op.VMOV_TO_CORE_S16;
    return { op: signed + (U ? 2 : 0), b: Rt * 4, imm: scalarAt(d, opc) };
  },

  VADD_fp: singles(always(Op.VADD_VECTOR)),
  VSUB_fp: singles(always(Op.VSUB_VECTOR)),
  VMUL_fp: singles(always(Op.VMUL_VECTOR)),
  VMLA_fp: singles(byOp(Op.VMLA_VECTOR, Op.VMLS_VECTOR)),
  VFMA_fp: singles(byOp(Op.VFMA_VECTOR, Op.VFMS_VECTOR)),
  VABD_fp: singles(always(Op.VABD_VECTOR)),
  VMAX_fp: singles(byOp(Op.VMAX_VECTOR, Op.VMIN_VECTOR)),
  VCEQ_fp: singles(always(Op.VCEQ_VECTOR)),
  VCGE_fp: singles(always(Op.VCGE_VECTOR)),
  VCGT_fp: singles(always(Op.VCGT_VECTOR)),
  VACGE: singles(byOp(Op.VACGE_VECTOR, Op.VACGT_VECTOR)),
  VRECPS: singles(always(Op.VRECPS_VECTOR)),
  VRSQRTS: singles(always(Op.VRSQRTS_VECTOR)),
  VPADD_fp: neighbouringSingles(always(Op.VADD_VECTOR)),
  VPMAX_fp: neighbouringSingles(byOp(Op.VMAX_VECTOR, Op.VMIN_VECTOR)),
  // Those of integers are for TypeScript.
  VRECPE: (_, f) => (f.F ? vector(Op.VRECPE_VECTOR, f, quad(f)) : undefined),
  VRSQRTE: (_, f) => (f.F ? vector(Op.VRSQRTE_VECTOR, f, quad(f)) : undefined),
  // op: 0 from signed, 1 from unsigned, 2 to signed, 3 to unsigned.
  VCVT_int: (_, f) => vector(Op.VCVT_VECTOR_S32 + f.op, f, quad(f)),
  VCVT_fixed: (_, f) => vector(Op.VCVT_VECTOR_S32 + 2 * f.op + f.U, f, quad(f) | amount(64 - f.imm6)),
} satisfies { readonly [Name in Operation]?: LowerExtension<OperationFields<Name>> };
