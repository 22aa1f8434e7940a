/**
 * Registers as data: what a device answers to, what a trace names and what documentation lists come from the same
 * definition. A device's file lists its registers first and reads like the datasheet's table.
 */

/** The named fields of a register, each as the mask of its bits. */
export type Fields = Readonly<Record<string, number>>;

/** One register, or `count` alike ones `stride` bytes apart. All are 32 bits wide. */
export interface Register<F extends Fields = Fields> {
  /** Bytes from the start of the device. */
  readonly offset: number;
  /** What it is, in the datasheet's words. */
  readonly about: string;
  readonly bits: F;
  readonly count: number;
  readonly stride: number;
  /** What of it is kept and does nothing here. */
  readonly inert: Inert | undefined;
}

/** Bits of a register that are kept and do nothing, though software might wait for what they ask for. */
export interface Inert {
  /** Their mask. */
  readonly bits: number;
  /** What does not come of them, without a full stop. */
  readonly words: string;
}

/** A device's registers by the datasheet's names. */
export type Registers = Readonly<Record<string, Register>>;

/** A register `offset` bytes into its device. */
export function register<const F extends Fields>(
  offset: number,
  about: string,
  fields: F = {} as F,
  inert?: Inert,
): Register<F> {
  return { offset, about, bits: fields, count: 1, stride: 4, inert };
}

/** `count` registers of the same kind, the first at `offset`, each `stride` bytes after the last. */
export function registers<const F extends Fields>(
  offset: number,
  count: number,
  about: string,
  fields: F = {} as F,
  stride = 4,
  inert?: Inert,
): Register<F> {
  return { offset, about, bits: fields, count, stride, inert };
}

/** The mask of bit `n`, 0 to 31. */
export function bit(n: number): number {
  return (1 << n) >>> 0;
}

/** The mask of bits `high` down to `low`. */
export function bits(high: number, low: number): number {
  return ((2 ** (high - low + 1) - 1) * 2 ** low) >>> 0;
}

/** The number held in the bits of `mask`, which is one run of ones. */
export function fieldOf(value: number, mask: number): number {
  return (value & mask) >>> shiftOf(mask);
}

/** `number` in the place of `mask`, cut to its width. */
export function inField(number: number, mask: number): number {
  return ((number << shiftOf(mask)) & mask) >>> 0;
}

/** How many zero bits lie below `mask`. */
function shiftOf(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}

/** Which of a repeated register's copies lies at `offset`; -1 where none does. */
export function indexIn(repeated: Register, offset: number): number {
  const distance = offset - repeated.offset;
  const index = distance / repeated.stride;
  return Number.isInteger(index) && index >= 0 && index < repeated.count ? index : -1;
}

/** What of a device's registers does nothing, by offset. */
export function inertByOffset(all: Registers): ReadonlyMap<number, Inert> {
  const found = new Map<number, Inert>();
  for (const { offset, count, stride, inert } of Object.values(all))
    if (inert) for (let i = 0; i < count; i++) found.set(offset + i * stride, inert);
  return found;
}

/** The names of a device's registers by offset; a repeated register's name carries its index. */
export function namesByOffset(all: Registers): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const [name, { offset, count, stride }] of Object.entries(all)) {
    for (let i = 0; i < count; i++) names.set(offset + i * stride, count === 1 ? name : `${name}${i}`);
  }
  return names;
}
