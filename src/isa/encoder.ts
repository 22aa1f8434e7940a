/** From a mnemonic and its operands to a word, by the forms of an encodings table. */
import { HypberryError } from '../base/errors.js';
import type { Encoding, Form } from './encoding.js';
import { coderOf, seeInstead } from './encoding.js';
import type { Site } from './operands.js';
import { show } from './operands.js';
import type { Fields } from './pattern.js';
import { writeFields } from './pattern.js';
import { ALWAYS, conditions } from './registers.js';
import type { Place } from './syntax.js';

/** An encoded instruction. */
export interface Encoded {
  readonly word: number;
  /** 16 or 32 bits. */
  readonly width: number;
}

/** Encodes the instructions of one table. */
export interface Encoder {
  /** Whether a name is a mnemonic, suffixes included. */
  knows(name: string): boolean;
  /**
   * Encodes one instruction by its method's name and operands, as the builder has them. Throws HypberryError:
   * `asm.range`, `asm.immediate`, `asm.shift`, `asm.registers`, `asm.reach` where an operand cannot be encoded,
   * `asm.unpredictable` where the manual leaves the result open, `asm.operands` where no form takes such operands.
   */
  encode(name: string, operands: readonly unknown[], site: Site): Encoded;
}

/** An encoding's form, with the condition and S that the method's name said. */
interface Candidate {
  readonly encoding: Encoding;
  readonly form: Form;
  readonly fields: Readonly<Record<string, number>>;
  /** Whether it must, or must not, be in an IT block. */
  readonly inIT: boolean | undefined;
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
      const { base, type } = form.mnemonic;
      // .W may be left out.
      for (const key of type === '.w' ? [base, base + type] : [base + type])
        map.set(key, [...(map.get(key) ?? []), { encoding, form }]);
    }
  }
  return map;
}

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
  const inIT = site.inIT !== undefined;
  if (!pairs || (candidate.inIT !== undefined && candidate.inIT !== inIT)) return undefined;
  if (
    (encoding.entry.inIT === 'never' && inIT) ||
    (encoding.entry.inIT === 'last' && site.inIT === 'inside')
  ) {
    throw new HypberryError(
      'asm.unpredictable',
      `${encoding.name} is UNPREDICTABLE ${encoding.entry.inIT === 'never' ? 'in' : 'but as the last of'} an IT block`,
      `See section ${encoding.entry.section} of the ARM ARM.`,
    );
  }
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

/** Makes the encoder of a table's encodings; of those that can hold the operands, the first is taken. */
export function encoder(encodings: readonly Encoding[]): Encoder {
  const forms = formsByBase(encodings);
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
        for (const { encoding, form } of forms.get((S ? base.slice(0, -1) : base) + type) ?? []) {
          const { setsFlags, conditional } = form.mnemonic;
          if ((S === 1 && setsFlags === undefined) || (suffix !== '' && !conditional)) continue;
          const fields = {
            ...(setsFlags === 'S' ? { S } : {}),
            ...(conditional && encoding.pattern.fields.has('cond') ? { cond } : {}),
          };
          // Without a condition field, it is the IT block that gives the condition.
          const byIT = conditional && !encoding.pattern.fields.has('cond');
          if (setsFlags === 'outside IT' && S === 1 && suffix !== '') continue;
          const inIT = byIT ? suffix !== '' : undefined;
          if (setsFlags === 'outside IT' && S === 0 && inIT !== true) continue;
          found.push({ encoding, form, fields, inIT });
        }
      }
    }
    known.set(name, found);
    return found;
  }

  function encode(name: string, operands: readonly unknown[], site: Site): Encoded {
    let refusal: unknown;
    for (const candidate of candidates(name)) {
      try {
        const word = encodeCandidate(candidate, operands, site);
        if (word !== undefined) return { word, width: candidate.encoding.pattern.width };
      } catch (error) {
        if (!(error instanceof HypberryError)) throw error;
        refusal ??= error;
      }
    }
    if (refusal instanceof HypberryError)
      throw new HypberryError(refusal.code, `${name}: ${refusal.message}`, refusal.hint, { cause: refusal });
    throw new HypberryError(
      'asm.operands',
      candidates(name).length > 0 ? `${name} takes no such operands` : `${name} is no instruction`,
      'See the syntax templates in the encodings table.',
    );
  }

  return { knows: (name) => candidates(name).length > 0, encode };
}
