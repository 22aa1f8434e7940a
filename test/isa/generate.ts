/** Words for every form of every encoding, made from generated operands. */
import type { Encoding, Form } from '../../src/isa/encoding.js';
import { accepts, coderOf, isUnpredictable } from '../../src/isa/encoding.js';
import type { Site } from '../../src/isa/operands.js';
import type { Fields } from '../../src/isa/pattern.js';
import { readFields, writeFields } from '../../src/isa/pattern.js';
import { ALWAYS, conditions, coreRegisters } from '../../src/isa/registers.js';
import type { Place } from '../../src/isa/syntax.js';

/** The seed of a run: the same every time, unless ARM_SEED says another, as `npm run test:long` does. Every test prints it. */
export const seed = Number(process.env['ARM_SEED'] ?? 2015);

/** One generated instruction. */
export interface Sample {
  readonly encoding: Encoding;
  readonly form: Form;
  readonly fields: Fields;
  readonly word: number;
}

/** An endless row of 32-bit numbers out of the seed: a counter, mixed as MurmurHash3 ends. */
export function randomWords(salt: number): () => number {
  let counter = Math.imul(seed, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b);
  return () => {
    counter = (counter + 0x9e3779b9) | 0;
    let word = Math.imul(counter ^ (counter >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return (word ^ (word >>> 16)) >>> 0;
  };
}

/** Field values that find more than even ones do: often an edge, half of all instructions unconditional. */
function randomField(name: string, width: number, random: () => number): number {
  const most = 2 ** width - 1;
  if (name === 'cond') return random() % 2 ? ALWAYS : random() % 15;
  const edge = random() % 16;
  if (edge === 0) return 0;
  if (edge === 1) return most;
  return random() % (most + 1);
}

/** Tries after which a form that gave nothing is given up. */
const RARE = 50_000;

/**
 * Up to `count` instructions of each form that are defined and predictable. A form that gives none of them in many
 * tries is not in the result: the caller must look.
 */
export function samples(encodings: readonly Encoding[], count: number, salt: number): Sample[] {
  const random = randomWords(salt);
  const result: Sample[] = [];
  for (const encoding of encodings) {
    for (const form of encoding.forms) {
      for (let tries = 0, found = 0; found < count && tries < (found === 0 ? RARE : count * 60); tries++) {
        const drawn: Record<string, number> = {};
        for (const [name, { width }] of encoding.pattern.fields)
          drawn[name] = form.when.demands.get(name) ?? randomField(name, width, random);
        const word = writeFields(encoding.pattern, drawn);
        // A field in pieces may have bits that no piece holds.
        const fields = readFields(encoding.pattern, word);
        if (!form.when.test(fields) || !accepts(encoding, fields) || isUnpredictable(encoding, word, fields))
          continue;
        result.push({ encoding, form, fields, word });
        found++;
      }
    }
  }
  return result;
}

function operandsOf(places: readonly Place[], fields: Fields, site: Site): unknown[] {
  return places.map((place) => {
    if (place.kind === 'memory') return operandsOf(place.places, fields, site);
    if (place.kind === 'operand') return coderOf(place.name).decode(fields, site);
    const named = { sp: coreRegisters[13], lr: coreRegisters[14], pc: coreRegisters[15] }[place.text];
    return named ?? place.text;
  });
}

/** How the builder would be called for a sample: the method's name and its operands. */
export function call({ form, fields }: Sample, site: Site): { name: string; operands: unknown[] } {
  const { base, setsFlags, conditional, type } = form.mnemonic;
  const cond = fields['cond'] ?? ALWAYS;
  const suffix = conditional && cond !== ALWAYS ? conditions[cond]! : '';
  return {
    name:
      base + (setsFlags === 'outside IT' || (setsFlags === 'S' && fields['S']) ? 's' : '') + suffix + type,
    operands: operandsOf(form.places, fields, site),
  };
}

/** The names of forms that no sample reached. */
export function unreached(encodings: readonly Encoding[], reached: readonly Sample[]): string[] {
  const forms = new Set(reached.map(({ form }) => form));
  return encodings.flatMap(({ name, forms: all }) =>
    all
      .filter((form) => !forms.has(form))
      .map((form) => `${name} ${form.mnemonic.base} when ${form.when.text}`),
  );
}
