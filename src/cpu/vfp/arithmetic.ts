/** Floating-point arithmetic on S and D registers. */
import { undefinedInstruction } from '../exceptions.js';
import type { Binary } from '../float/arithmetic.js';
import {
  absolute,
  add,
  divide,
  multiply,
  multiplyAdd,
  negate,
  squareRoot,
  subtract,
} from '../float/arithmetic.js';
import type { Environment } from '../float/environment.js';
import { LEN_STRIDE } from '../../isa/fpscr-masks.js';
import { environmentOf, raise } from '../float/environment.js';
import type { Format } from '../float/format.js';
import { double, single } from '../float/format.js';
import { extensionRegisters } from '../float/registers.js';
import type { Execute, Executes } from '../instruction.js';
import * as L from '../layout.js';
import type { Needs } from '../operation-fields.js';
import type { Machine } from '../state.js';
import { word } from '../state.js';
import { expandFloat } from '../../isa/extension-operands.js';

/** The number of an S or D register, by the field of four bits and the one of a single bit. */
export const sNumber = (field = 0, bit = 0): number => field * 2 + bit;
export const dNumber = (field = 0, bit = 0): number => bit * 16 + field;

/** Vectors of FPSCR's length and stride are not there on this processor: what would use them is UNDEFINED. */
function requireScalars(m: Machine): void {
  if (word(m, L.FPSCR) & LEN_STRIDE) undefinedInstruction(m);
}

/** The fields of arithmetic; what takes one operand has no Vn. */
type Arithmetic = Needs<'Vd' | 'D' | 'sz', 'Vn' | 'N' | 'Vm' | 'M'>;

/** The numbers of Vd, Vn and Vm as sz says. */
function numbers(f: Arithmetic): readonly [d: number, n: number, m: number] {
  const number = f.sz ? dNumber : sNumber;
  return [number(f.Vd, f.D), number(f.Vn, f.N), number(f.Vm, f.M)];
}

/** Does one operation on registers, as exact and as slow as it is. */
function exactly(
  m: Machine,
  f: Arithmetic,
  operation: (format: Format, d: bigint, n: bigint, m: bigint, env: Environment) => bigint,
): void {
  const { u32, u64 } = extensionRegisters(m);
  const env = environmentOf(m);
  const [vd, vn, vm] = numbers(f);
  if (f.sz) u64[vd] = operation(double, u64[vd]!, u64[vn]!, u64[vm]!, env);
  else u32[vd] = Number(operation(single, BigInt(u32[vd]!), BigInt(u32[vn]!), BigInt(u32[vm]!), env));
  raise(m, env.flags);
}

/** An operation on two numbers. */
function binary(operation: Binary): Execute<Arithmetic> {
  return (m, f) => {
    requireScalars(m);
    exactly(m, f, (format, _d, n, vm, env) => operation(format, n, vm, env));
  };
}

/** A product and a sum, each rounded; either may be negated before the sum. */
function multiplyThenAdd(
  negateProduct: (op: number) => boolean,
  negateAddend: boolean,
): Execute<Arithmetic & Needs<'op'>> {
  return (m, f) => {
    requireScalars(m);
    const minusProduct = negateProduct(f.op);
    exactly(m, f, (format, d, n, vm, env) => {
      const product = multiply(format, n, vm, env);
      return add(
        format,
        negateAddend ? negate(format, d) : d,
        minusProduct ? negate(format, product) : product,
        env,
      );
    });
  };
}

/** Product and sum rounded once; the product's first factor or the addend may be negated before. */
function fused(negateAddend: boolean): Execute<Arithmetic & Needs<'op'>> {
  return (m, f) => {
    requireScalars(m);
    exactly(m, f, (format, d, n, vm, env) =>
      multiplyAdd(format, negateAddend ? negate(format, d) : d, f.op ? negate(format, n) : n, vm, env),
    );
  };
}

/** An operation on one number that raises nothing. */
function unary(operation: (format: Format, a: bigint) => bigint): Execute<Arithmetic> {
  return (m, f) => {
    requireScalars(m);
    exactly(m, f, (format, _d, _n, vm) => operation(format, vm));
  };
}

export const vfpArithmetic = {
  VADD_vfp: binary(add),
  VSUB_vfp: binary(subtract),
  VMUL_vfp: binary(multiply),
  VNMUL: binary((format, a, b, env) => negate(format, multiply(format, a, b, env))),
  VDIV: binary(divide),
  VMLA_vfp: multiplyThenAdd((op) => op === 1, false),
  VNMLA: multiplyThenAdd((op) => op === 1, true),
  VFMA_vfp: fused(false),
  VFNMA: fused(true),
  VABS_vfp: unary(absolute),
  VNEG_vfp: unary(negate),
  VMOV_reg_vfp: unary((_, a) => a),
  VSQRT: (m, f) => {
    requireScalars(m);
    exactly(m, f, (format, _d, _n, vm, env) => squareRoot(format, vm, env));
  },
  VMOV_imm_vfp: (m, f) => {
    requireScalars(m);
    const { f32, f64 } = extensionRegisters(m);
    const [vd] = numbers(f);
    if (f.sz) f64[vd] = expandFloat(f.imm8);
    else f32[vd] = expandFloat(f.imm8);
  },
} satisfies Partial<Executes>;
