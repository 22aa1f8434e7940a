import { HypberryError } from '../base/errors.js';
import type { BitNames, BitPlace, BitPlaces, SystemRegister, SystemRegister64 } from './system-registers.js';

/** Values for some of a register's named bits. */
export type BitValues<Bits extends BitPlaces, Value extends number | bigint = number> = {
  readonly [Name in keyof Bits]?: Value;
};

/** A field's lowest bit and its width in bits. */
export function bitPlace(place: BitPlace): { low: number; width: number } {
  return typeof place === 'number'
    ? { low: place, width: 1 }
    : { low: place[1], width: place[0] - place[1] + 1 };
}

/**
 * Composes a register's value from named bits; those not named are 0. Gives an unsigned 32-bit number, or a
 * bigint for a 64-bit register. Throws `asm.range` where a value does not fit its field.
 */
export function bits<Bits extends BitPlaces>(
  register: SystemRegister64<Bits>,
  values: BitValues<Bits, number | bigint>,
): bigint;
export function bits<Bits extends BitPlaces>(register: BitNames<Bits>, values: BitValues<Bits>): number;
export function bits(register: BitNames & { size?: number }, values: BitValues<BitPlaces, number | bigint>) {
  let result = 0n;
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const { low, width } = bitPlace(register.bits[name]!);
    if (value < 0 || BigInt(value) >> BigInt(width) !== 0n) {
      throw new HypberryError(
        'asm.range',
        `${register.name}.${name} has ${width} bits, too few for ${value}`,
        `Give a value from 0 to ${(1n << BigInt(width)) - 1n}.`,
      );
    }
    result |= BigInt(value) << BigInt(low);
  }
  return register.size === 64 ? result : Number(result);
}

/** Takes one named field out of a 32-bit register's value. */
export function bitsOf<Bits extends BitPlaces>(
  register: BitNames<Bits>,
  name: keyof Bits & string,
  value: number,
): number {
  const { low, width } = bitPlace(register.bits[name]!);
  return Math.floor((value >>> 0) / 2 ** low) % 2 ** width;
}

/** How many bits of an unsigned value are 1. */
export function bitCount(value: number): number {
  let count = 0;
  for (let rest = value >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}

/**
 * What a register holds after reset.
 * @returns 0 where that is UNKNOWN or the core's own
 */
export function resetOf({ reset }: SystemRegister): number {
  return reset ?? 0;
}

/** The mask of some of a 32-bit register's named bits, unsigned. */
export function maskOf<Bits extends BitPlaces>(
  register: BitNames<Bits>,
  ...names: readonly (keyof Bits & string)[]
): number {
  return names.reduce((mask, name) => {
    const { low, width } = bitPlace(register.bits[name]!);
    return (mask | (((2 ** width - 1) * 2 ** low) >>> 0)) >>> 0;
  }, 0);
}
