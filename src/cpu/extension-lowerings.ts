/** Floating-point instructions as micro-ops, little-endian. What they do not do is left to the slow instructions. */
import { expandFloat } from '../isa/extension-operands.js';
import { float32Bits, float64HighWord } from './float/bits.js';
import type { Emitter, ExtensionOp, LowerExtension } from './emitter.js';
import * as L from './layout.js';
import {
  DOWN,
  NEGATE_ADDEND,
  NEGATE_PRODUCT,
  ONE_MORE,
  Op,
  OPTIONS_LOW,
  SIGNED,
  TO_ZERO,
  WITH_ZERO,
  WRITE_BACK,
} from './micro-ops.js';
import type { Needs, Operation, OperationFields } from './operation-fields.js';
import { structures } from './structure-lowerings.js';
import { vectors } from './vector-lowerings.js';
import { dNumber, sNumber } from './vfp/arithmetic.js';
import { isDouble } from './vfp/load-store.js';
import { EXTENSION_REGISTERS } from './vfp/system-registers.js';

/** The number of the first word of a register, by sz or its like. */
const wordOf = (sz: number | undefined, field = 0, bit = 0): number =>
  sz ? dNumber(field, bit) * 2 : sNumber(field, bit);

/** The two micro-ops of an operation: of singles, of doubles. */
type BySize = readonly [single: Op, double: Op];
const bySize = ([single, double]: BySize, sz: number): Op => (sz ? double : single);

type Arithmetic = Needs<'Vd' | 'D' | 'sz', 'Vn' | 'N' | 'Vm' | 'M' | 'op'>;

/** Arithmetic, with options by the field op. */
const arithmetic =
  (ops: BySize, options: (op: number) => number = () => 0): LowerExtension<Arithmetic> =>
  (_, { Vd, D, Vn, N, Vm, M, sz, op = 0 }) => ({
    op: bySize(ops, sz),
    a: wordOf(sz, Vd, D),
    b: wordOf(sz, Vn, N),
    imm: wordOf(sz, Vm, M) | (options(op) << OPTIONS_LOW),
  });

const compare =
  (options: number): LowerExtension<Needs<'Vd' | 'D' | 'sz', 'Vm' | 'M'>> =>
  (_, { Vd, D, Vm, M, sz }) => ({
    op: bySize([Op.VCMP_F32, Op.VCMP_F64], sz),
    a: wordOf(sz, Vd, D),
    imm: wordOf(sz, Vm, M) | (options << OPTIONS_LOW),
  });

/** The base register; PC is that of the instruction, aligned. */
function baseOf(e: Emitter, Rn: number): number {
  if (Rn !== 15) return Rn * 4;
  e.emit(Op.PAGE_ADD, L.TEMP, 0, (e.offset + (e.thumb ? 4 : 8)) & ~3);
  return L.TEMP;
}

const one =
  (ops: BySize): LowerExtension<Needs<'Rn' | 'Vd' | 'D' | 'imm8' | 'U'>> =>
  (e, { Rn, Vd, D, imm8, U }) => {
    if (e.bigEndian) return undefined;
    const sz = isDouble(e.word) ? 1 : 0;
    const offset = (U ? imm8 * 4 : -imm8 * 4) >>> 0;
    return { op: bySize(ops, sz), a: wordOf(sz, Vd, D), b: baseOf(e, Rn), imm: offset };
  };

const many =
  (op: Op): LowerExtension<Needs<'Rn' | 'Vd' | 'D' | 'regs' | 'U' | 'W', 'X'>> =>
  (e, { Rn, Vd, D, regs, U, W, X }) => {
    const sz = isDouble(e.word) ? 1 : 0;
    if (e.bigEndian || (W && Rn === 15)) return undefined;
    const options = (U ? 0 : DOWN) | (W ? WRITE_BACK : 0) | (X ? ONE_MORE : 0);
    return {
      op,
      a: wordOf(sz, Vd, D),
      b: baseOf(e, Rn),
      imm: (sz ? regs * 2 : regs) | (options << OPTIONS_LOW),
    };
  };

/** Two core registers, and two words from `first` on. */
const twoCores = ({ op, Rt, Rt2 }: Needs<'op' | 'Rt' | 'Rt2'>, first: number): ExtensionOp | undefined =>
  Rt === 15 || Rt2 === 15 || first > 62
    ? undefined
    : { op: op ? Op.VMOV_TO_CORES : Op.VMOV_FROM_CORES, a: first, b: Rt * 4, imm: Rt2 * 4 };

const ADD: BySize = [Op.VADD_F32, Op.VADD_F64];
const SUB: BySize = [Op.VSUB_F32, Op.VSUB_F64];
const MUL: BySize = [Op.VMUL_F32, Op.VMUL_F64];
const DIV: BySize = [Op.VDIV_F32, Op.VDIV_F64];
const MLA: BySize = [Op.VMLA_F32, Op.VMLA_F64];
const FMA: BySize = [Op.VFMA_F32, Op.VFMA_F64];
const SQRT: BySize = [Op.VSQRT_F32, Op.VSQRT_F64];
const ABS: BySize = [Op.VABS_F32, Op.VABS_F64];
const NEG: BySize = [Op.VNEG_F32, Op.VNEG_F64];
const MOV: BySize = [Op.VMOV_F32, Op.VMOV_F64];

const productByOp = (op: number): number => (op ? NEGATE_PRODUCT : 0);

/** By the operation's name in the tables. */
export const extensionLowerings = {
  VADD_vfp: arithmetic(ADD),
  VSUB_vfp: arithmetic(SUB),
  VMUL_vfp: arithmetic(MUL),
  VNMUL: arithmetic(MUL, () => NEGATE_PRODUCT),
  VDIV: arithmetic(DIV),
  VMLA_vfp: arithmetic(MLA, productByOp),
  VNMLA: arithmetic(MLA, (op) => productByOp(op) | NEGATE_ADDEND),
  VFMA_vfp: arithmetic(FMA, productByOp),
  VFNMA: arithmetic(FMA, (op) => productByOp(op) | NEGATE_ADDEND),
  VSQRT: arithmetic(SQRT),
  VABS_vfp: arithmetic(ABS),
  VNEG_vfp: arithmetic(NEG),
  VMOV_reg_vfp: arithmetic(MOV),
  VMOV_imm_vfp: (_, { Vd, D, sz, imm8 }) => ({
    op: sz ? Op.VMOV_IMM_F64 : Op.VMOV_IMM_F32,
    a: wordOf(sz, Vd, D),
    imm: (sz ? float64HighWord : float32Bits)(expandFloat(imm8)),
  }),
  VCMP: compare(0),
  VCMP_zero: compare(WITH_ZERO),

  VCVT_precision: (_, { Vd, D, Vm, M, sz }) => ({
    op: sz ? Op.VCVT_F32_F64 : Op.VCVT_F64_F32,
    a: wordOf(sz ? 0 : 1, Vd, D),
    imm: wordOf(sz, Vm, M),
  }),
  VCVT_from_int_vfp: (_, { Vd, D, Vm, M, sz, op }) => ({
    op: sz ? Op.VCVT_F64_INT : Op.VCVT_F32_INT,
    a: wordOf(sz, Vd, D),
    imm: wordOf(0, Vm, M) | ((op ? SIGNED : 0) << OPTIONS_LOW),
  }),
  VCVT_to_int_vfp: (_, { Vd, D, Vm, M, sz, op, signed }) => ({
    op: sz ? Op.VCVT_INT_F64 : Op.VCVT_INT_F32,
    a: wordOf(0, Vd, D),
    imm: wordOf(sz, Vm, M) | (((signed ? SIGNED : 0) | (op ? TO_ZERO : 0)) << OPTIONS_LOW),
  }),

  VMOV_core_single: (_, { op, Vn, N, Rt }) =>
    Rt === 15 ? undefined : { op: op ? Op.VMOV_TO_CORE : Op.VMOV_FROM_CORE, a: wordOf(0, Vn, N), b: Rt * 4 },
  VMOV_core_singles: (_, f) => twoCores(f, wordOf(0, f.Vm, f.M)),
  VMOV_core_double: (_, f) => twoCores(f, wordOf(1, f.Vm, f.M)),
  VMRS: (_, { reg, Rt }) => {
    if (reg !== EXTENSION_REGISTERS.FPSCR) return undefined;
    return Rt === 15 ? { op: Op.VMRS_FLAGS } : { op: Op.VMRS, b: Rt * 4 };
  },
  VMSR: (_, { reg, Rt }) =>
    reg !== EXTENSION_REGISTERS.FPSCR || Rt === 15 ? undefined : { op: Op.VMSR, b: Rt * 4 },

  VLDR: one([Op.VLDR_F32, Op.VLDR_F64]),
  VSTR: one([Op.VSTR_F32, Op.VSTR_F64]),
  VLDM: many(Op.VLDM),
  VSTM: many(Op.VSTM),
  ...structures,
  ...vectors,
} satisfies { readonly [Name in Operation]?: LowerExtension<OperationFields<Name>> };
