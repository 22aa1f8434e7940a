/** From a word to its encoding, by a decision tree that grows out of the table as words are decoded. */
import { a32Encodings } from './a32/index.js';
import type { a32 } from './a32/index.js';
import { t32Encodings } from './t32/index.js';
import type { t32 } from './t32/index.js';
import type { Encoding, Table } from './encoding.js';
import { accepts } from './encoding.js';
import type { FieldNames, Fields } from './pattern.js';
import { readFields } from './pattern.js';

/** The fields of a table's entry, by its name. */
export type FieldsOf<T extends Table, Name extends keyof T> = Fields<FieldNames<T[Name]['bits']>>;

/** A decoded word; `name` tells which fields there are. */
export type Decoded<T extends Table> = {
  [Name in keyof T]: { readonly name: Name; readonly encoding: Encoding; readonly fields: FieldsOf<T, Name> };
}[keyof T];

/** A step that looks at more bits of the word. */
interface Branch {
  readonly low: number;
  readonly mask: number;
  /** What each value of those bits leads to; found when a word first has that value. */
  readonly children: (Node | undefined)[];
  /** The encodings that are left here, and the bits that have been looked at with this step. */
  readonly encodings: readonly Encoding[];
  readonly decided: number;
}

/** A step, or, with nothing more to look at, the encodings to choose from. */
type Node = Branch | readonly Encoding[];

/** The widest run of bits that the next step looks at. */
const WIDEST = 8;

/** The run of undecided bits that tells the most encodings apart. */
function bestRun(
  encodings: readonly Encoding[],
  decided: number,
): { low: number; width: number } | undefined {
  // How many encodings a bit decides: only bits most encodings fix are worth a look.
  const fixed = Array.from({ length: 32 }, (_, bit) =>
    (decided >>> bit) & 1 ? 0 : encodings.filter(({ pattern }) => (pattern.mask >>> bit) & 1).length,
  );
  const most = Math.max(...fixed);
  if (most === 0) return undefined;
  let best = { low: 0, width: 0 };
  for (let low = 0; low < 32; low++) {
    let width = 0;
    while (width < WIDEST && fixed[low + width] === most) width++;
    if (width > best.width) best = { low, width };
  }
  return best;
}

function grow(encodings: readonly Encoding[], decided: number): Node {
  const run = encodings.length > 1 ? bestRun(encodings, decided) : undefined;
  if (!run) return encodings;
  const mask = 2 ** run.width - 1;
  return {
    low: run.low,
    mask,
    children: Array<Node | undefined>(mask + 1).fill(undefined),
    encodings,
    decided: (decided | (mask << run.low)) >>> 0,
  };
}

function growChild({ low, mask, encodings, decided }: Branch, value: number): Node {
  const fitting = encodings.filter(({ pattern }) => {
    const care = (pattern.mask >>> low) & mask;
    return ((pattern.value >>> low) & care) === (value & care);
  });
  return grow(fitting, decided);
}

function candidates(root: Node, word: number): readonly Encoding[] {
  let node = root;
  while ('children' in node) {
    const value = (word >>> node.low) & node.mask;
    node = node.children[value] ??= growChild(node, value);
  }
  return node;
}

/**
 * Makes a decoder for a table's encodings, which are asked for with the first word. `decode` gives a word's encoding and fields, or undefined where the word
 * is UNDEFINED; `all` gives every encoding that claims the word, for tests that there is never more than one.
 */
export function decoder<T extends Table>(
  encodings: () => readonly Encoding[],
): {
  decode: (word: number) => Decoded<T> | undefined;
  all: (word: number) => readonly Encoding[];
} {
  let root: Node | undefined;
  const choices = (word: number) => candidates((root ??= grow(encodings(), 0)), word);
  const claim = (encoding: Encoding, word: number): Fields | undefined => {
    if ((word & encoding.pattern.mask) >>> 0 !== encoding.pattern.value) return undefined;
    const fields = readFields(encoding.pattern, word);
    return accepts(encoding, fields) ? fields : undefined;
  };
  return {
    decode: (word) => {
      for (const encoding of choices(word)) {
        const fields = claim(encoding, word);
        if (fields) return { name: encoding.name, encoding, fields };
      }
      return undefined;
    },
    all: (word) => choices(word).filter((encoding) => claim(encoding, word) !== undefined),
  };
}

const t32Narrow = decoder<typeof t32>(() => t32Encodings.filter(({ pattern }) => pattern.width === 16));
const t32Wide = decoder<typeof t32>(() => t32Encodings.filter(({ pattern }) => pattern.width === 32));

/** Whether a T32 instruction that starts with this halfword has a second one (A6.1). */
export function isWideT32(halfword: number): boolean {
  return halfword >>> 11 >= 0b11101;
}

/**
 * Decodes a T32 instruction, or gives undefined where it is UNDEFINED. `word` is the halfword of a 16-bit instruction,
 * or both of a 32-bit one, the first on top.
 */
export function decodeT32(word: number): Decoded<typeof t32> | undefined {
  return (word >>> 16 === 0 ? t32Narrow : t32Wide).decode(word);
}

/** Every T32 encoding that claims an instruction; more than one is a fault of the table. */
export function claimsOfT32(word: number): readonly Encoding[] {
  return (word >>> 16 === 0 ? t32Narrow : t32Wide).all(word);
}

const a32Decoder = decoder<typeof a32>(() => a32Encodings);

/** Decodes an A32 word, or gives undefined where it is UNDEFINED. */
export const decodeA32 = a32Decoder.decode;

/** Every A32 encoding that claims a word; more than one is a fault of the table. */
export const claimsOfA32 = a32Decoder.all;
