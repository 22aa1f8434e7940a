import { HypberryError } from '../base/errors.js';
import type { a32 } from './a32/index.js';
import { a32Encodings } from './a32/index.js';
import type { Encoded } from './encoder.js';
import { encoder } from './encoder.js';
import { t32Encodings } from './t32/index.js';
import type { Table } from './encoding.js';
import type { Site } from './operands.js';
import { show } from './operands.js';
import type { Label } from './registers.js';
import type { Arguments, Names, Templates } from './syntax.js';

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

type FormsOf<T extends Table> = { [Name in keyof T]: Templates<T[Name]> }[keyof T];

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

const a32Encoder = encoder(a32Encodings);

/** Encodes one A32 instruction to a word; see Encoder. */
export function encodeA32(name: string, operands: readonly unknown[], site: Site): number {
  return a32Encoder.encode(name, operands, site).word;
}

const t32Encoder = encoder(t32Encodings);

/** Encodes one T32 instruction: 16 bits where that will do. See Encoder. */
export function encodeT32(name: string, operands: readonly unknown[], site: Site): Encoded {
  return t32Encoder.encode(name, operands, site);
}

const isLabel = (value: unknown): value is Label =>
  typeof value === 'object' && value !== null && 'label' in value;

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
      if (typeof name !== 'string' || name in target || !a32Encoder.knows(name))
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
