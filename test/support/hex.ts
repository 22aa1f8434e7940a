import { hexDigits } from '../../src/base/words.js';

/** A 32-bit word, signed or unsigned, as eight hexadecimal digits. */
export const hex = (word: number): string => hexDigits(word >>> 0, 8);
