/**
 * Floating-point of scalars, where the host's arithmetic gives the same bits and no flag that is not raised already: what
 * interpreter/vfp.ts does in the plain cases. Before all others the unit is left.
 */
import { FZ, IXC, LEN_STRIDE, RMODE } from '../../isa/fpscr-masks.js';
import * as L from '../layout.js';
import { NEGATE_ADDEND, NEGATE_PRODUCT, Op, SIGNED, WITH_ZERO } from '../micro-ops.js';
import { lookUp } from './accesses.js';
import type { Code } from './code.js';
import { optionsOf, vm, wordAt } from './extension-registers.js';
import { localOf, locals } from './locals.js';
import type { MicroOp } from './micro-op.js';
import { leaveUnless, type Write } from './parts.js';
import { pushPlace } from './physical-memory.js';
import type { Writer } from './writer.js';

const { address, place, wide, mayMove, mayCalculate } = locals;
const { N, Z, C, V } = locals.flags;

const FLAG_N = 0x80000000;
const FLAG_Z = 0x40000000;
const FLAG_C = 0x20000000;
const FLAG_V = 0x10000000;
const FLAGS = FLAG_N | FLAG_Z | FLAG_C | FLAG_V;

/** Of singles and doubles: where the exponent is, what it is at most, and the operators that are used. */
interface Format {
  readonly exponentLow: number;
  readonly most: number;
  readonly type: 'f32' | 'f64';
  readonly bits: 'i32' | 'i64';
  /** Holds the bits of a result. */
  readonly local: number;
  readonly bytes: 4 | 8;
}
const SINGLE: Format = { exponentLow: 23, most: 0xff, type: 'f32', bits: 'i32', local: place, bytes: 4 };
const DOUBLE: Format = { exponentLow: 52, most: 0x7ff, type: 'f64', bits: 'i64', local: wide, bytes: 8 };

/** Sets what is asked of before floating-point; in a unit it stays so, but where FPSCR is written. */
export function askFloatingPoint(code: Code): void {
  const fpscr = (mask: number): Code =>
    code.constant(0).access('i32.load', L.FPSCR).constant(mask).op('i32.and');
  code.constant(0).access('i32.load', L.EXTENSION_ACCESS).constant(L.ACCESS_VFP).op('i32.and');
  fpscr(LEN_STRIDE | FZ)
    .op('i32.eqz', 'i32.and')
    .set(mayMove);
  fpscr(RMODE | IXC)
    .constant(IXC)
    .op('i32.eq')
    .get(mayMove)
    .op('i32.and')
    .set(mayCalculate);
}

/** Leaves where the flag in a local is not set. */
function wants(w: Writer, op: MicroOp, local: number): void {
  w.code.get(local);
  leaveUnless(w, op);
}

/** Puts the bits in a format's local as a word behind their exponent on the stack. */
function pushExponent(code: Code, { bits, local, exponentLow, most }: Format): void {
  code.get(local);
  if (bits === 'i64') code.wide(exponentLow).op('i64.shr_u', 'i32.wrap_i64');
  else code.constant(exponentLow).op('i32.shr_u');
  code.constant(most).op('i32.and');
}
/** Leaves unless the bits in the format's local are a normal number that was one before it was rounded, too. */
function wantsSafe(w: Writer, op: MicroOp, format: Format): void {
  pushExponent(w.code, format);
  w.code
    .constant(2)
    .op('i32.sub')
    .constant(format.most - 2)
    .op('i32.lt_u');
  leaveUnless(w, op);
}

const load = (code: Code, { type }: Format, n: number): Code =>
  code.constant(0).access(`${type}.load`, wordAt(n));
/** Stores the bits in a format's local. */
const keep = (code: Code, { bits, local }: Format, n: number): Code =>
  code.constant(0).get(local).access(`${bits}.store`, wordAt(n));
const toBits = (code: Code, { bits, type, local }: Format): Code =>
  code.op(`${bits}.reinterpret_${type}`).set(local);

const sum =
  (format: Format, operator: 'add' | 'sub'): Write =>
  (w, op) => {
    const { code } = w;
    wants(w, op, mayCalculate);
    load(code, format, op.b);
    load(code, format, vm(op)).op(`${format.type}.${operator}`);
    toBits(code, format);
    // A sum that is finite is one of finite numbers.
    pushExponent(code, format);
    code.constant(format.most).op('i32.ne');
    leaveUnless(w, op);
    keep(code, format, op.a);
  };

/** Turns the sign of the bits in a format's local. */
function negate(code: Code, { bits, local }: Format): void {
  code.get(local);
  if (bits === 'i64') code.wide(1).wide(63).op('i64.shl', 'i64.xor');
  else code.constant(FLAG_N).op('i32.xor');
  code.set(local);
}

const product =
  (format: Format): Write =>
  (w, op) => {
    const { code } = w;
    wants(w, op, mayCalculate);
    load(code, format, op.b);
    load(code, format, vm(op)).op(`${format.type}.mul`);
    toBits(code, format);
    wantsSafe(w, op, format);
    if (optionsOf(op) & NEGATE_PRODUCT) negate(code, format);
    keep(code, format, op.a);
  };

const productAndSum =
  (format: Format): Write =>
  (w, op) => {
    const { code } = w;
    const { type, bits, local } = format;
    wants(w, op, mayCalculate);
    load(code, format, op.b);
    load(code, format, vm(op)).op(`${type}.mul`);
    toBits(code, format);
    wantsSafe(w, op, format);
    const how = optionsOf(op);
    // -d + p is p - d, and -d - p is -(d + p): rounding to nearest knows no sign.
    code.get(local).op(`${type}.reinterpret_${bits}`);
    load(code, format, op.a);
    const isDifference = ((how & NEGATE_PRODUCT) !== 0) !== ((how & NEGATE_ADDEND) !== 0);
    code.op(`${type}.${isDifference ? 'sub' : 'add'}`);
    toBits(code, format);
    wantsSafe(w, op, format);
    if (how & NEGATE_PRODUCT) negate(code, format);
    keep(code, format, op.a);
  };

/** [a] = [imm], with its sign as it is, cleared, or turned. */
const move =
  (format: Format, sign: 'as it is' | 'cleared' | 'turned'): Write =>
  (w, op) => {
    const { code } = w;
    const { bits, local } = format;
    wants(w, op, mayMove);
    code
      .constant(0)
      .access(`${bits}.load`, wordAt(vm(op)))
      .set(local);
    if (sign === 'turned') negate(code, format);
    else if (sign === 'cleared' && bits === 'i64')
      code.get(local).wide(1).op('i64.shl').wide(1).op('i64.shr_u').set(local);
    else if (sign === 'cleared') code.get(local).constant(~FLAG_N).op('i32.and').set(local);
    keep(code, format, op.a);
  };

const store = (code: Code, n: number): Code => code.access('i32.store', wordAt(n));

const compare =
  (format: Format): Write =>
  (w, op) => {
    const { code } = w;
    const { type } = format;
    wants(w, op, mayMove);
    const x = (): Code => load(code, format, op.a);
    const y = (): Code =>
      optionsOf(op) & WITH_ZERO
        ? code.constant(0).op(...(type === 'f32' ? ['f32.reinterpret_i32'] : ['f64.convert_i32_s']))
        : load(code, format, vm(op));
    // A NaN is not what it is.
    x();
    x().op(`${type}.eq`);
    y();
    y().op(`${type}.eq`, 'i32.and');
    leaveUnless(w, op);
    code.constant(0);
    code.constant(0).access('i32.load', L.FPSCR).constant(~FLAGS).op('i32.and');
    code.constant(FLAG_Z | FLAG_C);
    code.constant(FLAG_N).constant(FLAG_C);
    x();
    y().op(`${type}.lt`, 'select');
    x();
    y().op(`${type}.eq`, 'select', 'i32.or');
    code.access('i32.store', L.FPSCR);
  };

const transfer =
  ({ bits, bytes }: Format, isLoad: boolean): Write =>
  (w, op) => {
    const { code } = w;
    wants(w, op, mayMove);
    code.get(localOf(op.b)!).constant(op.imm).op('i32.add').set(address);
    lookUp(w, op, isLoad ? L.TLB_READ : L.TLB_WRITE, bytes - 1);
    if (isLoad) {
      code.constant(0);
      pushPlace(w);
      code.access(`${bits}.load`, 0).access(`${bits}.store`, wordAt(op.a));
    } else {
      pushPlace(w);
      code.constant(0).access(`${bits}.load`, wordAt(op.a)).access(`${bits}.store`, 0);
    }
  };

const after =
  (act: (code: Code, op: MicroOp) => void): Write =>
  (w, op) => {
    wants(w, op, mayMove);
    act(w.code, op);
  };

/** [word n] = core */
const fromCore = (code: Code, n: number, core: number): Code =>
  store(code.constant(0).get(localOf(core)!), n);
const toCore = (code: Code, n: number, core: number): Code =>
  code.constant(0).access('i32.load', wordAt(n)).set(localOf(core)!);

/** The micro-ops that are done here. */
export const floatingPoint: readonly (readonly [Op, Write])[] = [
  [Op.VADD_F32, sum(SINGLE, 'add')],
  [Op.VADD_F64, sum(DOUBLE, 'add')],
  [Op.VSUB_F32, sum(SINGLE, 'sub')],
  [Op.VSUB_F64, sum(DOUBLE, 'sub')],
  [Op.VMUL_F32, product(SINGLE)],
  [Op.VMUL_F64, product(DOUBLE)],
  [Op.VMLA_F32, productAndSum(SINGLE)],
  [Op.VMLA_F64, productAndSum(DOUBLE)],
  [Op.VMOV_F32, move(SINGLE, 'as it is')],
  [Op.VMOV_F64, move(DOUBLE, 'as it is')],
  [Op.VABS_F32, move(SINGLE, 'cleared')],
  [Op.VABS_F64, move(DOUBLE, 'cleared')],
  [Op.VNEG_F32, move(SINGLE, 'turned')],
  [Op.VNEG_F64, move(DOUBLE, 'turned')],
  [Op.VMOV_IMM_F32, after((code, { a, imm }) => store(code.constant(0).constant(imm), a))],
  [
    Op.VMOV_IMM_F64,
    after((code, { a, imm }) => {
      store(code.constant(0).constant(0), a);
      store(code.constant(0).constant(imm), a + 1);
    }),
  ],
  [Op.VCMP_F32, compare(SINGLE)],
  [Op.VCMP_F64, compare(DOUBLE)],
  [
    Op.VCVT_F64_INT,
    after((code, op) => {
      code
        .constant(0)
        .constant(0)
        .access('i32.load', wordAt(vm(op)));
      code.op(`f64.convert_i32_${optionsOf(op) & SIGNED ? 's' : 'u'}`).access('f64.store', wordAt(op.a));
    }),
  ],
  [Op.VMOV_FROM_CORE, after((code, { a, b }) => fromCore(code, a, b))],
  [Op.VMOV_TO_CORE, after((code, { a, b }) => toCore(code, a, b))],
  [
    Op.VMOV_FROM_CORES,
    after((code, op) => {
      fromCore(code, op.a, op.b);
      fromCore(code, op.a + 1, vm(op));
    }),
  ],
  [
    Op.VMOV_TO_CORES,
    after((code, op) => {
      toCore(code, op.a, op.b);
      toCore(code, op.a + 1, vm(op));
    }),
  ],
  [
    Op.VMRS_FLAGS,
    (w, op) => {
      const { code } = w;
      wants(w, op, mayMove);
      const bit = (mask: number): Code =>
        code.constant(0).access('i32.load', L.FPSCR).constant(mask).op('i32.and');
      code.constant(0).access('i32.load', L.FPSCR).set(N);
      bit(FLAG_Z).op('i32.eqz').set(Z);
      bit(FLAG_C).op('i32.eqz', 'i32.eqz').set(C);
      bit(FLAG_V).constant(3).op('i32.shl').set(V);
      w.flags = 'words';
    },
  ],
  [Op.VLDR_F32, transfer(SINGLE, true)],
  [Op.VLDR_F64, transfer(DOUBLE, true)],
  [Op.VSTR_F32, transfer(SINGLE, false)],
  [Op.VSTR_F64, transfer(DOUBLE, false)],
];
