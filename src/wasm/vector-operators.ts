/** The operators on vectors that are written here (WebAssembly Core Specification 2.0, section 5.4): what follows their prefix. */

/** The byte before them. */
export const VECTOR_PREFIX = 0xfd;

/** Shapes with integers, and where their comparisons and their arithmetic begin; comparisons of 64 bits are elsewhere. */
const SHAPES = [
  ['i8x16', 0x23, 0x60],
  ['i16x8', 0x2d, 0x80],
  ['i32x4', 0x37, 0xa0],
  ['i64x2', undefined, 0xc0],
] as const;
const COMPARISONS = ['eq', 'ne', 'lt_s', 'lt_u', 'gt_s', 'gt_u', 'le_s', 'le_u', 'ge_s', 'ge_u'];
const ARITHMETIC = {
  abs: 0x00,
  shl: 0x0b,
  shr_s: 0x0c,
  shr_u: 0x0d,
  add: 0x0e,
  sub: 0x11,
  mul: 0x15,
  min_s: 0x16,
  min_u: 0x17,
  max_s: 0x18,
  max_u: 0x19,
  avgr_u: 0x1b,
};

/** By name: those without anything behind them. */
const plain = new Map<string, number>([
  ['i32x4.splat', 0x11],
  ['v128.not', 0x4d],
  ['v128.and', 0x4e],
  ['v128.andnot', 0x4f],
  ['v128.or', 0x50],
  ['v128.xor', 0x51],
  ['v128.bitselect', 0x52],
  ['i8x16.popcnt', 0x62],
  ['i16x8.extadd_pairwise_i8x16_s', 0x7c],
  ['i16x8.extadd_pairwise_i8x16_u', 0x7d],
  ['i32x4.extadd_pairwise_i16x8_s', 0x7e],
  ['i32x4.extadd_pairwise_i16x8_u', 0x7f],
  ['i16x8.extend_low_i8x16_s', 0x87],
  ['i16x8.extend_low_i8x16_u', 0x89],
  ['i32x4.extend_low_i16x8_s', 0xa7],
  ['i32x4.extend_low_i16x8_u', 0xa9],
  ['i64x2.extend_low_i32x4_s', 0xc7],
  ['i64x2.extend_low_i32x4_u', 0xc9],
]);
for (const [shape, comparisons, arithmetic] of SHAPES) {
  for (const [name, number] of Object.entries(ARITHMETIC)) plain.set(`${shape}.${name}`, arithmetic + number);
  if (comparisons === undefined) continue;
  for (const [i, name] of COMPARISONS.entries()) plain.set(`${shape}.${name}`, comparisons + i);
}

/** By name: loads and stores, which have an alignment and an offset behind them, and of a lane its number. */
const accesses = new Map<string, number>([
  ['v128.load', 0x00],
  ['v128.load8_splat', 0x07],
  ['v128.load16_splat', 0x08],
  ['v128.load32_splat', 0x09],
  ['v128.store', 0x0b],
  ['v128.store64_lane', 0x5b],
]);

/** The number of an operator without anything behind it; undefined for a name that is none. */
export const vectorOperator = (name: string): number | undefined => plain.get(name);

/** The number of a load or store. @throws Error for a name that is none */
export function vectorAccess(name: string): number {
  const number = accesses.get(name);
  if (number === undefined) throw new Error(`no access ${name}`);
  return number;
}
