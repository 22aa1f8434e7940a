/** The hypervisor's code as the build makes it, to be linked for any place at the top of memory. */
import { readU32LE } from '../../base/bytes.js';
import { HypberryError } from '../../base/errors.js';
import { hex } from '../../base/words.js';
import type { Translation } from '../../translate/translate.js';

/** Code that was linked for an address, and what of it depends on that. */
export interface Relocatable {
  /** The code up to the areas that are zeros, base64. */
  readonly image: string;
  readonly origin: number;
  /** Offsets of all symbols from the code's first byte. */
  readonly symbols: Readonly<Record<string, number>>;
  /** Offsets of instructions MOVT, whose immediate is the upper half of an address in it. */
  readonly halves: readonly number[];
  /** Offsets of words that are addresses in it. */
  readonly words: readonly number[];
}

/** Code that is linked for an address. */
export interface HypervisorCode {
  /** Its bytes, from its address up to the areas that are zeros. */
  readonly image: Uint8Array<ArrayBuffer>;
  /** Addresses. */
  readonly symbols: ReadonlyMap<string, number>;
}

/** What addresses it is linked for differ by is a multiple of this: their lower halves are the same wherever it is. */
const ALIGNMENT = 0x1_0000;
/** Two such addresses that share no digit of their upper halves, so that none looks like what it is not. */
const ORIGINS = [0x1230_0000, 0x2540_0000] as const;

/** MOVT (DDI 0406C A8.8.106): cond 0011 0100 imm4 Rd imm12. */
const MOVT = { mask: 0x0ff0_0000, bits: 0x0340_0000, immediate: 0x000f_0fff } as const;
const isMovt = (word: number): boolean => (word & MOVT.mask) === MOVT.bits;
const immediateOf = (word: number): number => ((word >>> 4) & 0xf000) | (word & 0xfff);
const withImmediate = (word: number, value: number): number =>
  ((word & ~MOVT.immediate) | ((value & 0xf000) << 4) | (value & 0xfff)) >>> 0;

/**
 * Finds what depends on the address, by linking for two.
 * @param translateFor code that is linked for an address
 * @throws HypberryError `hypervisor.relocation` where something depends on it in another way than those
 */
export function makeRelocatable(translateFor: (origin: number) => Translation): Relocatable {
  const [from, to] = ORIGINS.map(translateFor) as [Translation, Translation];
  const [origin, other] = ORIGINS;
  const difference = other - origin;
  const refuse = (what: string): never => {
    throw new HypberryError(
      'hypervisor.relocation',
      `Linked for another address the hypervisor differs by more than that: ${what}.`,
      'Have what depends on its address be a word, or MOVW and MOVT.',
    );
  };
  const symbols = Object.fromEntries([...from.symbols].map(([name, address]) => [name, address - origin]));
  for (const [name, address] of to.symbols) if (symbols[name] !== address - other) refuse(`where ${name} is`);
  const length = symbols['zeroFrom']!;
  const halves: number[] = [];
  const words: number[] = [];
  for (let at = 0; at < length; at += 4) {
    const [before, after] = [readU32LE(from.image, at), readU32LE(to.image, at)];
    if (before === after) continue;
    if (isMovt(before) && withImmediate(before, immediateOf(before) + (difference >>> 16)) === after)
      halves.push(at);
    else if (before + difference === after) words.push(at);
    else refuse(`${hex(before)} at ${hex(at)} is ${hex(after)}`);
  }
  const image = btoa(String.fromCharCode(...from.image.subarray(0, length)));
  return { image, origin, symbols, halves, words };
}

/**
 * Links it for an address.
 * @param origin a multiple of 64 KiB
 */
export function relocate(
  { image: text, origin: from, symbols, halves, words }: Relocatable,
  origin: number,
): HypervisorCode {
  if (origin % ALIGNMENT !== 0) throw new RangeError(`${hex(origin)} is no multiple of ${hex(ALIGNMENT)}`);
  const image = Uint8Array.from(atob(text), (it) => it.charCodeAt(0));
  const view = new DataView(image.buffer);
  const difference = origin - from;
  for (const at of words) view.setUint32(at, view.getUint32(at, true) + difference, true);
  for (const at of halves) {
    const word = view.getUint32(at, true);
    view.setUint32(at, withImmediate(word, immediateOf(word) + (difference >> 16)), true);
  }
  return {
    image,
    symbols: new Map(Object.entries(symbols).map(([name, offset]) => [name, origin + offset])),
  };
}
