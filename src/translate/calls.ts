/** Where arguments and results go between functions: the procedure call standard (AAPCS, IHI 0042, section 6). */
import type { Place } from './ir.js';
import type { ValueType } from '../wasm/module.js';

const ARGUMENT_REGISTERS = 4;

/** The words of a type. */
export const wordsOf = (type: ValueType): number => (type === 'i64' ? 2 : 1);

/**
 * The places of a function's arguments, a word each, low words first: R0 to R3, then the stack. A 64-bit argument
 * begins at an even register or at a multiple of 8, and is never split between the two (AAPCS 6.5, rules C.3 to C.8).
 */
export function argumentPlaces(types: readonly ValueType[]): Place[] {
  const places: Place[] = [];
  let [register, stack] = [0, 0];
  for (const type of types) {
    const words = wordsOf(type);
    if (words === 2) register = Math.ceil(register / 2) * 2;
    if (register + words <= ARGUMENT_REGISTERS) {
      for (let i = 0; i < words; i++) places.push({ register: register++ });
      continue;
    }
    register = ARGUMENT_REGISTERS;
    if (words === 2) stack = Math.ceil(stack / 8) * 8;
    for (let i = 0; i < words; i++, stack += 4) places.push({ stack });
  }
  return places;
}

/** Bytes of stack that arguments at these places take, a multiple of 8 as SP must be. */
export function stackBytes(places: readonly Place[]): number {
  const ends = places.map((place) => ('stack' in place ? place.stack + 4 : 0));
  return Math.ceil(Math.max(0, ...ends) / 8) * 8;
}
