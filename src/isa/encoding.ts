/** Entries of the encodings tables, and what they are compiled to for use. */
import { extensionCoders } from './extension-operands.js';
import { thumbCoders } from './thumb-operands.js';
import type { Coder } from './operands.js';
import { coders } from './operands.js';
import type { Fields, Pattern } from './pattern.js';
import { parsePattern } from './pattern.js';
import type { Predicate } from './predicate.js';
import { parsePredicate } from './predicate.js';
import type { Mnemonic, Place } from './syntax.js';
import { parseMnemonic, parsePlaces } from './syntax.js';

/**
 * One encoding, as the ARM ARM (DDI 0406C) gives it. Its key in the table is its name there: `ADC_imm_A1` is
 * encoding A1 of ADC (immediate); what stands before the encoding names the operation, for decoders to go by.
 */
export interface Entry {
  /** Section of the ARM ARM. */
  readonly section: string;
  /** The diagram; see pattern.ts. A field named `cond` is the condition, and never 1111. */
  readonly bits: string;
  /**
   * The syntax template (see syntax.ts), or several with the condition on fields under which each is meant.
   * The disassembler prints the first that holds; the assembler takes any.
   */
  readonly syntax: string | Readonly<Record<string, string>>;
  /** The element sizes that `<n>` in the syntax stands for, each with the condition on fields under which it does. */
  readonly sizes?: Readonly<Record<number, string>>;
  /** Words that match the diagram but are another encoding: its name, and when. */
  readonly see?: Readonly<Record<string, string>>;
  /** When words that match are UNDEFINED all the same. */
  readonly undefined?: string;
  /** Where T32 allows it in an IT block: not at all, or only last; else anywhere. */
  readonly inIT?: 'never' | 'last';
  /** When the instruction is UNPREDICTABLE; the assembler refuses it. */
  readonly unpredictable?: string;
}

export type Table = Readonly<Record<string, Entry>>;

/** One way to write an encoding. */
export interface Form {
  readonly mnemonic: Mnemonic;
  readonly places: readonly Place[];
  readonly when: Predicate;
}

/** A compiled entry. */
export interface Encoding {
  /** Key in the table: `ADC_imm_A1`. */
  readonly name: string;
  /** The operation: `ADC_imm`. */
  readonly operation: string;
  readonly entry: Entry;
  readonly pattern: Pattern;
  readonly forms: readonly Form[];
  readonly see: readonly { readonly name: string; readonly when: Predicate }[];
  readonly undefined: Predicate | undefined;
  readonly unpredictable: Predicate | undefined;
}

const allCoders = { ...coders, ...thumbCoders, ...extensionCoders } as Readonly<
  Record<string, Coder<unknown>>
>;

/** The coder of an operand. Throws a plain Error if there is none: the table's fault. */
export function coderOf(name: string): Coder<unknown> {
  const coder = allCoders[name];
  if (!coder) throw new Error(`no coder for <${name}>`);
  return coder;
}

/** The conditions, joined. */
function both(a: string, b: string): string {
  return [a, b]
    .filter((it) => it !== '')
    .map((it) => (it.includes('||') ? `(${it})` : it))
    .join(' && ');
}

/** An entry's templates with their conditions, `<n>` and `<V...>` (see syntax.ts) put in. */
function templates({ syntax, sizes }: Entry): (readonly [syntax: string, when: string])[] {
  return Object.entries(typeof syntax === 'string' ? { [syntax]: '' } : syntax)
    .flatMap(([template, when]) =>
      sizes === undefined || !template.includes('<n>')
        ? [[template, when] as const]
        : Object.entries(sizes).map(([n, is]) => [template.replaceAll('<n>', n), both(when, is)] as const),
    )
    .flatMap(([template, when]) =>
      template.includes('<V')
        ? ['D', 'Q'].map((it, Q) => [template.replaceAll('<V', `<${it}`), both(when, `Q == ${Q}`)] as const)
        : [[template, when] as const],
    );
}

/** A value that is made when it is first asked for. */
function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function compileEntry(name: string, entry: Entry): Encoding {
  const optional = (text: string | undefined) => (text === undefined ? undefined : parsePredicate(text));
  const pattern = lazy(() => parsePattern(entry.bits));
  const forms = lazy(() =>
    templates(entry).map(([syntax, when]) => {
      const places = lazy(() => parsePlaces(syntax));
      const predicate = lazy(() => parsePredicate(when));
      return {
        mnemonic: parseMnemonic(syntax),
        get places() {
          return places();
        },
        get when() {
          return predicate();
        },
      };
    }),
  );
  const see = lazy(() =>
    Object.entries(entry.see ?? {}).map(([other, when]) => ({ name: other, when: parsePredicate(when) })),
  );
  const undefinedWhen = lazy(() => optional(entry.undefined));
  const unpredictable = lazy(() => optional(entry.unpredictable));
  return {
    name,
    operation: name.replace(/_[AT]\d$/, ''),
    entry,
    get pattern() {
      return pattern();
    },
    get forms() {
      return forms();
    },
    get see() {
      return see();
    },
    get undefined() {
      return undefinedWhen();
    },
    get unpredictable() {
      return unpredictable();
    },
  };
}

/**
 * Compiles a table. A program that handles a few instructions should not wait for hundreds of entries, so each part of
 * an entry is read when it is first asked for; that throws a plain Error where it cannot be read.
 */
export function compile(table: Table): readonly Encoding[] {
  return Object.entries(table).map(([name, entry]) => compileEntry(name, entry));
}

/** The encoding that a SEE clause sends these fields to, if any. */
export function seeInstead(encoding: Encoding, fields: Fields): string | undefined {
  return encoding.see.find(({ when }) => when.test(fields))?.name;
}

/** Whether the fields of a word that matches the pattern are this encoding's: conditional, not another's, defined. */
export function accepts(encoding: Encoding, fields: Fields): boolean {
  return (
    fields['cond'] !== 15 && seeInstead(encoding, fields) === undefined && !encoding.undefined?.test(fields)
  );
}

/** Whether the manual leaves open what this word does. */
export function isUnpredictable(encoding: Encoding, word: number, fields: Fields): boolean {
  const { shouldMask, shouldValue } = encoding.pattern;
  return ((word ^ shouldValue) & shouldMask) !== 0 || (encoding.unpredictable?.test(fields) ?? false);
}
