import { HypberryError } from '../base/errors.js';
import type { a32 } from './a32/index.js';
import { a32Encodings } from './a32/index.js';
import type { Encoding, Form, Table } from './encoding.js';
import { coderOf, seeInstead } from './encoding.js';
import type { Site } from './operands.js';
import { show } from './operands.js';
import type { Fields } from './pattern.js';
import { writeFields } from './pattern.js';
import type { Label } from './registers.js';
import { ALWAYS, conditions } from './registers.js';
import type { Arguments, Names, Place } from './syntax.js';

/** One thing that was assembled. */
export interface Item {
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Whether it is an instruction, or data. */
  readonly kind: 'instruction' | 'data' | 'fill';
  /** Labels that stand here. */
  readonly labels: readonly string[];
  /** The note given before it. */
  readonly note: string | undefined;
}

interface Directives {
  /** Address of what comes next. */
  readonly here: number;
  /** Makes a label, to be placed with `at`. */
  label(name: string): Label;
  /** Places labels here. Throws `asm.label` if one is placed already. */
  at(...labels: Label[]): void;
  /** Says why the next item is there; it goes into the listing. */
  note(text: string): void;
  /** A word of data, little-endian: a number, or a label's address. */
  word(...values: (number | Label)[]): void;
  /** Bytes of data. */
  bytes(data: Uint8Array): void;
  /** Fills with zeros up to an address. Throws `asm.org` if that is passed already. */
  org(address: number): void;
  /**
   * Everything assembled, in order of address. Throws `asm.label` where a label was used and never placed, and
   * the errors of instructions that waited for a label.
   */
  items(): readonly Item[];
  /** The bytes of `items`, one after another. */
  assemble(): Uint8Array;
}

type FormsOf<T extends Table> = {
  [Name in keyof T]: T[Name]['syntax'] extends infer S ? (S extends string ? S : keyof S & string) : never;
}[keyof T];

/**
 * The methods that a table gives: one for each mnemonic with its `s` and condition suffixes, taking the operands of
 * any of its forms from left to right. A memory operand is an array; `!` and `^` are arguments of their own:
 *
 *     a.ldr(r0, [r1, 4]);  a.ldr(r0, [r1, 4], '!');  a.ldr(r0, [r1], 4);  a.ldm(sp, '!', [r0, pc]);  a.bne(loop);
 *
 * Throws HypberryError: `asm.range`, `asm.immediate`, `asm.shift`, `asm.registers`, `asm.reach` where an operand
 * cannot be encoded, `asm.unpredictable` where the manual leaves the result open, `asm.operands` where no form
 * takes such operands (which the types refuse already).
 */
export type Instructions<T extends Table> = {
  readonly [Form in FormsOf<T> as Names<Form>]: (...operands: Arguments<Form>) => void;
};

/** The typed A32 assembler. */
export type Assembler = Directives & Instructions<typeof a32>;

/** An encoding's form, with the condition and S that the method's name said. */
interface Candidate {
  readonly encoding: Encoding;
  readonly form: Form;
  readonly fields: Readonly<Record<string, number>>;
}

const conditionSuffixes: readonly (readonly [string, number])[] = [
  ['', ALWAYS],
  ...conditions.map((name, n) => [name, n] as const),
  ['hs', 2],
  ['lo', 3],
];

function formsByBase(encodings: readonly Encoding[]): Map<string, { encoding: Encoding; form: Form }[]> {
  const map = new Map<string, { encoding: Encoding; form: Form }[]>();
  for (const encoding of encodings) {
    for (const form of encoding.forms) {
      const key = form.mnemonic.base + form.mnemonic.type;
      map.set(key, [...(map.get(key) ?? []), { encoding, form }]);
    }
  }
  return map;
}

const a32Forms = formsByBase(a32Encodings);
const known = new Map<string, readonly Candidate[]>();

/** Every form that a method's name can mean: `bls` is B with LS, never BL with S. */
function candidates(name: string): readonly Candidate[] {
  const before = known.get(name);
  if (before) return before;
  const found: Candidate[] = [];
  const [, stem = '', type = ''] = /^(\w*)((?:\.\w+)*)$/.exec(name) ?? [];
  for (const [suffix, cond] of conditionSuffixes) {
    if (!stem.endsWith(suffix)) continue;
    const base = stem.slice(0, stem.length - suffix.length);
    for (const S of [0, 1]) {
      if (S === 1 && !base.endsWith('s')) continue;
      for (const { encoding, form } of a32Forms.get((S ? base.slice(0, -1) : base) + type) ?? []) {
        const { setsFlags, conditional } = form.mnemonic;
        if ((S === 1 && !setsFlags) || (suffix !== '' && !conditional)) continue;
        found.push({
          encoding,
          form,
          fields: { ...(setsFlags ? { S } : {}), ...(conditional ? { cond } : {}) },
        });
      }
    }
  }
  known.set(name, found);
  return found;
}

const isLabel = (value: unknown): value is Label =>
  typeof value === 'object' && value !== null && 'label' in value;

const literals: Readonly<Record<string, number>> = { sp: 13, lr: 14, pc: 15 };

/** Pairs operand places with arguments, or undefined if the arguments have another shape. */
function match(
  places: readonly Place[],
  given: readonly unknown[],
): (readonly [name: string, value: unknown])[] | undefined {
  const pairs: (readonly [string, unknown])[] = [];
  if (given.length > places.length) return undefined;
  for (const [i, place] of places.entries()) {
    if (i >= given.length) {
      if (!place.optional) return undefined;
      if (place.kind === 'operand') pairs.push([place.name, coderOf(place.name).omitted]);
      continue;
    }
    const value = given[i];
    if (place.kind === 'operand') {
      if (!coderOf(place.name).is(value)) return undefined;
      pairs.push([place.name, value]);
    } else if (place.kind === 'memory') {
      const inside = Array.isArray(value) ? match(place.places, value) : undefined;
      if (!inside) return undefined;
      pairs.push(...inside);
    } else {
      const meant = literals[place.text];
      const same =
        meant === undefined ? value === place.text : (value as { core?: number } | null)?.core === meant;
      if (!same) return undefined;
    }
  }
  return pairs;
}

const undefinedText = (encoding: Encoding, fields: Fields): string | undefined =>
  encoding.undefined?.test(fields) ? encoding.undefined.text : undefined;

/** Encodes one candidate to a word. Undefined if the operands have another shape; throws `asm.*` if they don't fit. */
function encodeCandidate(candidate: Candidate, operands: readonly unknown[], site: Site): number | undefined {
  const { encoding, form } = candidate;
  const pairs = match(form.places, operands);
  if (!pairs) return undefined;
  const fields: Record<string, number> = { ...Object.fromEntries(form.when.demands), ...candidate.fields };
  for (const [name, value] of pairs) {
    for (const [field, number] of Object.entries(coderOf(name).encode(value, fields, site))) {
      const width = encoding.pattern.fields.get(field)?.width;
      if (width === undefined)
        throw new Error(`${encoding.name} has no field ${field}, which <${name}> sets`);
      if (number >= 2 ** width) {
        throw new HypberryError(
          'asm.range',
          `${show(number)} does not fit ${field} of ${encoding.name}, which has ${width} bits`,
          `Give a value from 0 to ${2 ** width - 1}.`,
        );
      }
      fields[field] = number;
    }
  }
  for (const field of encoding.pattern.fields.keys())
    if (fields[field] === undefined) throw new Error(`${encoding.name}: nothing sets ${field}`);

  const other = form.when.test(fields)
    ? (seeInstead(encoding, fields) ?? undefinedText(encoding, fields))
    : form.when.text;
  if (other !== undefined) {
    throw new HypberryError(
      'asm.operands',
      `these operands are not ${encoding.name} (${other})`,
      `See section ${encoding.entry.section} of the ARM ARM.`,
    );
  }
  if (encoding.unpredictable?.test(fields)) {
    throw new HypberryError(
      'asm.unpredictable',
      `${encoding.name} is UNPREDICTABLE where ${encoding.unpredictable.text}`,
      `See section ${encoding.entry.section} of the ARM ARM.`,
    );
  }
  return writeFields(encoding.pattern, fields);
}

/**
 * Encodes one instruction by its method's name and operands, as the builder's methods do, to a word.
 * Throws as they do, and `asm.operands` for a name that is no mnemonic.
 */
export function encodeA32(name: string, operands: readonly unknown[], site: Site): number {
  let refusal: unknown;
  for (const candidate of candidates(name)) {
    try {
      const word = encodeCandidate(candidate, operands, site);
      if (word !== undefined) return word;
    } catch (error) {
      if (!(error instanceof HypberryError)) throw error;
      refusal ??= error;
    }
  }
  if (refusal instanceof HypberryError)
    throw new HypberryError(refusal.code, `${name}: ${refusal.message}`, refusal.hint, { cause: refusal });
  throw new HypberryError(
    'asm.operands',
    candidates(name).length > 0 ? `${name} takes no such operands` : `${name} is no A32 instruction`,
    'See the syntax templates in the encodings table.',
  );
}

/** Whether any argument, memory operands included, is a label not in `placed`. */
function waits(operands: readonly unknown[], placed: ReadonlyMap<Label, number>): boolean {
  return operands.some((it) => (Array.isArray(it) ? waits(it, placed) : isLabel(it) && !placed.has(it)));
}

/** Makes an A32 assembler whose first byte stands at `origin` (a multiple of 4). */
export function assembler(origin = 0): Assembler {
  interface Pending {
    address: number;
    size: number;
    kind: Item['kind'];
    labels: string[];
    note: string | undefined;
    bytes: () => Uint8Array;
  }
  const placed = new Map<Label, number>();
  const pending: Pending[] = [];
  let here = origin;
  let nextLabels: string[] = [];
  let nextNote: string | undefined;

  const locate = (label: Label): number => {
    const address = placed.get(label);
    if (address !== undefined) return address;
    throw new HypberryError(
      'asm.label',
      `label ${label.label} is used but was never placed`,
      'Place it with at().',
    );
  };
  const wordBytes = (word: number): Uint8Array => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, word, true);
    return bytes;
  };
  const emit = (kind: Item['kind'], size: number, bytes: () => Uint8Array): void => {
    pending.push({ address: here, size, kind, labels: nextLabels, note: nextNote, bytes });
    nextLabels = [];
    nextNote = undefined;
    here += size;
  };
  const items = (): Item[] =>
    pending.map(({ address, kind, labels, note, bytes }) => ({
      address,
      kind,
      labels,
      note,
      bytes: bytes(),
    }));

  const directives: Directives = {
    get here() {
      return here;
    },
    label: (name) => ({ label: name }),
    at: (...labels) => {
      for (const label of labels) {
        if (placed.has(label)) {
          throw new HypberryError(
            'asm.label',
            `label ${label.label} is placed twice`,
            'Make one label for each place.',
          );
        }
        placed.set(label, here);
        nextLabels.push(label.label);
      }
    },
    note: (text) => {
      nextNote = text;
    },
    word: (...values) => {
      for (const value of values) {
        if (typeof value === 'number' && (value < -0x80000000 || value > 0xffffffff)) {
          throw new HypberryError('asm.range', `${show(value)} is no 32-bit word`, 'Split it in two words.');
        }
        emit('data', 4, () => wordBytes(typeof value === 'number' ? value : locate(value)));
      }
    },
    bytes: (data) => {
      emit('data', data.length, () => data);
    },
    org: (address) => {
      const size = address - here;
      if (size < 0) {
        throw new HypberryError(
          'asm.org',
          `the code is at ${show(here)}, past ${show(address)} already`,
          'Make what comes before it shorter.',
        );
      }
      if (size > 0) emit('fill', size, () => new Uint8Array(size));
    },
    items,
    assemble: () => {
      const image = new Uint8Array(here - origin);
      for (const { address, bytes } of items()) image.set(bytes, address - origin);
      return image;
    },
  };

  return new Proxy(directives, {
    get(target, name, receiver): unknown {
      if (typeof name !== 'string' || name in target || candidates(name).length === 0)
        return Reflect.get(target, name, receiver);
      return (...operands: readonly unknown[]): void => {
        const site: Site = { address: here, pcAhead: 8, locate };
        const encode = (): Uint8Array => wordBytes(encodeA32(name, operands, site));
        if (waits(operands, placed)) {
          emit('instruction', 4, encode);
        } else {
          const bytes = encode();
          emit('instruction', 4, () => bytes);
        }
      };
    },
  }) as Assembler;
}
