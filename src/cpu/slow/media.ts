/** Saturating, parallel and DSP arithmetic (A4.4.3 to A4.4.7). */
import type { Execute, Executes } from '../instruction.js';
import * as L from '../layout.js';
import type { Needs } from '../operation-fields.js';
import type { Machine } from '../state.js';
import { register, setRegister, setWord, word } from '../state.js';

const signed = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);
const half = (value: number, which: number | undefined): number => signed(value >>> (which ? 16 : 0), 16);

function saturated(m: Machine): void {
  setWord(m, L.Q, 1);
}

/** SignedSat of the manual, with Q. `value` may be any double that holds an integer. */
function signedSaturate(m: Machine, value: number, bits: number): number {
  const most = 2 ** (bits - 1);
  if (value >= most) return (saturated(m), most - 1);
  if (value < -most) return (saturated(m), -most);
  return value;
}

function unsignedSaturate(m: Machine, value: number, bits: number): number {
  if (value >= 2 ** bits) return (saturated(m), 2 ** bits - 1);
  if (value < 0) return (saturated(m), 0);
  return value;
}

const rn = (m: Machine, f: Needs<'Rn'>): number => register(m, f.Rn);
const rm = (m: Machine, f: Needs<'Rm'>): number => register(m, f.Rm);
const ra = (m: Machine, f: Needs<'Ra'>): number => register(m, f.Ra);
const setRd = (m: Machine, f: Needs<'Rd'>, value: number): void => {
  setRegister(m, f.Rd, value);
};

/** Adds to Ra; Q when that overflows 32 bits. The result wraps. */
function accumulate(m: Machine, f: Needs<'Ra' | 'Rd'>, product: number): void {
  const sum = product + (ra(m, f) | 0);
  if (sum !== (sum | 0)) saturated(m);
  setRd(m, f, sum);
}

/** Puts RdHi:RdLo plus a number of up to 53 bits back. */
function accumulateLong(m: Machine, f: Needs<'RdLo' | 'RdHi'>, value: bigint): void {
  const { RdLo, RdHi } = f;
  const sum = (BigInt(register(m, RdHi)) << 32n) + BigInt(register(m, RdLo)) + value;
  setRegister(m, RdLo, Number(BigInt.asUintN(32, sum)));
  setRegister(m, RdHi, Number(BigInt.asUintN(32, sum >> 32n)));
}

type Prefix = 'S' | 'Q' | 'SH' | 'U' | 'UQ' | 'UH';
type Shape = 'ADD16' | 'SUB16' | 'ASX' | 'SAX' | 'ADD8' | 'SUB8';

/** Parallel addition and subtraction: what each prefix does with a lane's result. */
const prefixes: Record<
  Prefix,
  { signed: boolean; finish: (value: number, bits: number) => number; ge: boolean }
> = {
  S: { signed: true, finish: (value) => value, ge: true },
  Q: {
    signed: true,
    finish: (value, bits) => Math.max(-(2 ** (bits - 1)), Math.min(2 ** (bits - 1) - 1, value)),
    ge: false,
  },
  SH: { signed: true, finish: (value) => value >> 1, ge: false },
  U: { signed: false, finish: (value) => value, ge: true },
  UQ: { signed: false, finish: (value, bits) => Math.max(0, Math.min(2 ** bits - 1, value)), ge: false },
  UH: { signed: false, finish: (value) => value >> 1, ge: false },
};

/** Each lane of the result: which lanes it takes from Rn and Rm, and whether it subtracts. */
const shapes: Record<Shape, { bits: 8 | 16; lanes: readonly (readonly [number, number, boolean])[] }> = {
  ADD16: {
    bits: 16,
    lanes: [
      [0, 0, false],
      [1, 1, false],
    ],
  },
  SUB16: {
    bits: 16,
    lanes: [
      [0, 0, true],
      [1, 1, true],
    ],
  },
  ASX: {
    bits: 16,
    lanes: [
      [0, 1, true],
      [1, 0, false],
    ],
  },
  SAX: {
    bits: 16,
    lanes: [
      [0, 1, false],
      [1, 0, true],
    ],
  },
  ADD8: { bits: 8, lanes: [0, 1, 2, 3].map((i) => [i, i, false] as const) },
  SUB8: { bits: 8, lanes: [0, 1, 2, 3].map((i) => [i, i, true] as const) },
};

type Parallel = Execute<Needs<'Rd' | 'Rn' | 'Rm'>>;
const parallel: Record<string, Parallel> = {};
for (const [prefix, how] of Object.entries(prefixes)) {
  for (const [shape, { bits, lanes }] of Object.entries(shapes)) {
    parallel[prefix + shape] = (m, f) => {
      const [n, o] = [rn(m, f), rm(m, f)];
      const lane = (value: number, i: number): number => {
        const raw = (value >>> (i * bits)) & (2 ** bits - 1);
        return how.signed ? signed(raw, bits) : raw;
      };
      let [result, ge] = [0, 0];
      lanes.forEach(([x, y, subtract], i) => {
        const value = subtract ? lane(n, x) - lane(o, y) : lane(n, x) + lane(o, y);
        result |= (how.finish(value, bits) & (2 ** bits - 1)) << (i * bits);
        const reached = how.signed || subtract ? value >= 0 : value >= 2 ** bits;
        if (reached) ge |= bits === 16 ? 3 << (2 * i) : 1 << i;
      });
      setRd(m, f, result);
      if (how.ge) setWord(m, L.GE, ge);
    };
  }
}

function rotated(m: Machine, f: Needs<'Rm' | 'rotate'>): number {
  const by = f.rotate * 8;
  const value = rm(m, f);
  return by === 0 ? value : (value >>> by) | (value << (32 - by));
}

/** The two bytes at 0 and 16, extended and added to the halves of a base if there is one. */
function extendTwo(extend: (byte: number) => number): Execute<Needs<'Rd' | 'Rm' | 'rotate', 'Rn'>> {
  return (m, f) => {
    const value = rotated(m, f);
    const base = f.Rn === undefined ? 0 : register(m, f.Rn);
    const low = (base + extend(value & 0xff)) & 0xffff;
    const high = ((base >>> 16) + extend((value >>> 16) & 0xff)) & 0xffff;
    setRd(m, f, low | (high << 16));
  };
}

/** The two products of halves; M (X) exchanges Rm's. */
function products(m: Machine, f: Needs<'Rn' | 'Rm' | 'M'>): [number, number] {
  const operand = f.M ? (rm(m, f) << 16) | (rm(m, f) >>> 16) : rm(m, f);
  return [half(rn(m, f), 0) * half(operand, 0), half(rn(m, f), 1) * half(operand, 1)];
}

/** The operand of SSAT and USAT: LSL or ASR by a constant; ASR by 0 means 32. */
function saturationOperand(m: Machine, f: Needs<'Rn' | 'sh' | 'imm5'>): number {
  const value = rn(m, f);
  if (f.sh) return (value | 0) >> (f.imm5 === 0 ? 31 : f.imm5);
  return (value << f.imm5) | 0;
}

/** The high word of a product of words plus a word, rounded where R is set. */
function mostSignificant(product: bigint, f: Needs<'R'>): number {
  return Number(BigInt.asUintN(32, (product + (f.R ? 0x80000000n : 0n)) >> 32n));
}
const wide = (m: Machine, f: Needs<'Rn' | 'Rm'>): bigint => BigInt(rn(m, f) | 0) * BigInt(rm(m, f) | 0);

function sumOfDifferences(m: Machine, f: Needs<'Rn' | 'Rm'>): number {
  let sum = 0;
  for (let i = 0; i < 32; i += 8) sum += Math.abs(((rn(m, f) >>> i) & 0xff) - ((rm(m, f) >>> i) & 0xff));
  return sum;
}

export const media = {
  ...(parallel as Record<`${Prefix}${Shape}`, Parallel>),

  QADD: (m, f) => {
    setRd(m, f, signedSaturate(m, (rm(m, f) | 0) + (rn(m, f) | 0), 32));
  },
  QSUB: (m, f) => {
    setRd(m, f, signedSaturate(m, (rm(m, f) | 0) - (rn(m, f) | 0), 32));
  },
  QDADD: (m, f) => {
    const doubled = signedSaturate(m, 2 * (rn(m, f) | 0), 32);
    setRd(m, f, signedSaturate(m, (rm(m, f) | 0) + doubled, 32));
  },
  QDSUB: (m, f) => {
    const doubled = signedSaturate(m, 2 * (rn(m, f) | 0), 32);
    setRd(m, f, signedSaturate(m, (rm(m, f) | 0) - doubled, 32));
  },
  SSAT: (m, f) => {
    setRd(m, f, signedSaturate(m, saturationOperand(m, f), f.sat_imm + 1));
  },
  USAT: (m, f) => {
    setRd(m, f, unsignedSaturate(m, saturationOperand(m, f), f.sat_imm));
  },
  SSAT16: (m, f) => {
    const bits = f.sat_imm + 1;
    const low = signedSaturate(m, half(rn(m, f), 0), bits) & 0xffff;
    setRd(m, f, low | (signedSaturate(m, half(rn(m, f), 1), bits) << 16));
  },
  USAT16: (m, f) => {
    const bits = f.sat_imm;
    const low = unsignedSaturate(m, half(rn(m, f), 0), bits);
    setRd(m, f, low | (unsignedSaturate(m, half(rn(m, f), 1), bits) << 16));
  },

  PKH: (m, f) => {
    const { imm5, tb } = f;
    const [n, o] = [rn(m, f), rm(m, f)];
    if (tb) setRd(m, f, (n & 0xffff0000) | (((o | 0) >> (imm5 === 0 ? 31 : imm5)) & 0xffff));
    else setRd(m, f, (n & 0xffff) | ((o << imm5) & 0xffff0000));
  },
  SEL: (m, f) => {
    const ge = word(m, L.GE);
    let mask = 0;
    for (let i = 0; i < 4; i++) if ((ge >>> i) & 1) mask |= 0xff << (8 * i);
    setRd(m, f, (rn(m, f) & mask) | (rm(m, f) & ~mask));
  },
  SXTB16: extendTwo((byte) => signed(byte, 8)),
  SXTAB16: extendTwo((byte) => signed(byte, 8)),
  UXTB16: extendTwo((byte) => byte),
  UXTAB16: extendTwo((byte) => byte),

  SMLAxy: (m, f) => {
    accumulate(m, f, half(rn(m, f), f.N) * half(rm(m, f), f.M));
  },
  SMULxy: (m, f) => {
    setRd(m, f, half(rn(m, f), f.N) * half(rm(m, f), f.M));
  },
  SMLAWy: (m, f) => {
    accumulate(m, f, Math.floor(((rn(m, f) | 0) * half(rm(m, f), f.M)) / 0x10000));
  },
  SMULWy: (m, f) => {
    setRd(m, f, Math.floor(((rn(m, f) | 0) * half(rm(m, f), f.M)) / 0x10000));
  },
  SMLALxy: (m, f) => {
    accumulateLong(m, f, BigInt(half(rn(m, f), f.N) * half(rm(m, f), f.M)));
  },
  SMLAD: (m, f) => {
    const [low, high] = products(m, f);
    accumulate(m, f, low + high);
  },
  SMUAD: (m, f) => {
    const [low, high] = products(m, f);
    // Only the sum of two products of the most negative halves does not fit.
    if (low + high !== ((low + high) | 0)) saturated(m);
    setRd(m, f, low + high);
  },
  SMLSD: (m, f) => {
    const [low, high] = products(m, f);
    accumulate(m, f, low - high);
  },
  SMUSD: (m, f) => {
    const [low, high] = products(m, f);
    setRd(m, f, low - high);
  },
  SMLALD: (m, f) => {
    const [low, high] = products(m, f);
    accumulateLong(m, f, BigInt(low + high));
  },
  SMLSLD: (m, f) => {
    const [low, high] = products(m, f);
    accumulateLong(m, f, BigInt(low - high));
  },
  SMMLA: (m, f) => {
    setRd(m, f, mostSignificant((BigInt(ra(m, f)) << 32n) + wide(m, f), f));
  },
  SMMUL: (m, f) => {
    setRd(m, f, mostSignificant(wide(m, f), f));
  },
  SMMLS: (m, f) => {
    setRd(m, f, mostSignificant((BigInt(ra(m, f)) << 32n) - wide(m, f), f));
  },
  USAD8: (m, f) => {
    setRd(m, f, sumOfDifferences(m, f));
  },
  USADA8: (m, f) => {
    setRd(m, f, sumOfDifferences(m, f) + ra(m, f));
  },
} satisfies Partial<Executes>;
