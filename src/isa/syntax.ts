/**
 * UAL syntax templates, as the ARM ARM writes them: `ADC{S}{c} <Rd>, <Rn>, <Rm>{, <shift>}`.
 *
 * `<name>` is an operand, its coder of that name in operands.ts; `{...}` may be left out; `[...]` is a memory
 * operand; `PC`, `LR` and `SP` stand for themselves, and so do `!` (write-back) and `^` (the other mode's).
 * `{S}` and `{s}` stand for the suffix S: given by the field S, or in T32's 16-bit encodings by not being in an IT
 * block. `.W` marks 32-bit encodings that have 16-bit ones beside them; it may be left out. `#` is only printed.
 * In an entry with sizes, `<n>` stands for each of them, in the mnemonic and in the names of operands; where an
 * operand's name begins with V, the template stands for two, with D and with Q registers, told apart by the field Q.
 * The same text gives the builder's types here and, parsed, its behaviour.
 */
import type { Condition, lr, pc, sp } from './registers.js';
import type { ExtensionOperands } from './extension-operands.js';
import type { ThumbOperands } from './thumb-operands.js';
import type { Operands } from './operands.js';

/** The names under which the builder offers a form: `adc`, `adcs`, `adceq`, `adcseq` for `ADC{S}{c} ...`. */
export type Names<Form extends string> = Form extends `${infer Head} ${string}` ? Heads<Head> : Heads<Form>;
type Heads<Head extends string> = Head extends `${infer Base}.W`
  ? Heads<Base> | `${Heads<Base>}.w`
  : Head extends `${infer Base}{S}{c}${infer Type}` | `${infer Base}{s}{c}${infer Type}`
    ? `${Lowercase<Base>}${'' | 's'}${'' | Condition}${Lowercase<Type>}`
    : Head extends `${infer Base}{c}${infer Type}`
      ? `${Lowercase<Base>}${'' | Condition}${Lowercase<Type>}`
      : Lowercase<Head>;

/** The builder's arguments for a form: its operands from left to right, memory operands as arrays. */
export type Arguments<Form extends string> = Form extends `${string} ${infer Rest}` ? List<Parse<Rest>> : [];

type Parse<Text extends string, Done extends readonly unknown[] = []> = Text extends ''
  ? Done
  : Text extends `{${infer Inside}}`
    ? [...Done, ...Partial<List<Parse<Inside>>>]
    : Text extends `${', ' | '#'}${infer Rest}`
      ? Parse<Rest, Done>
      : Text extends `<${infer Name}>${infer Rest}`
        ? Parse<Rest, [...Done, Operand<Name>]>
        : Text extends `[${infer Inside}]${infer Rest}`
          ? Parse<Rest, [...Done, Readonly<Parse<Inside>>]>
          : Text extends `!${infer Rest}`
            ? Parse<Rest, [...Done, '!']>
            : Text extends `^${infer Rest}`
              ? Parse<Rest, [...Done, '^']>
              : Text extends `PC${infer Rest}`
                ? Parse<Rest, [...Done, typeof pc]>
                : Text extends `LR${infer Rest}`
                  ? Parse<Rest, [...Done, typeof lr]>
                  : Text extends `SP${infer Rest}`
                    ? Parse<Rest, [...Done, typeof sp]>
                    : { unreadable: Text };

// Parse always gives a tuple, which the compiler cannot see by itself.
type List<T> = T extends readonly unknown[] ? T : never;

type Operand<Name extends string> = Name extends keyof AllOperands ? AllOperands[Name] : { unknown: Name };
type AllOperands = Operands & ThumbOperands & ExtensionOperands;

/** An entry's templates, with `<n>` and `<V...>` put in. */
export type Templates<Entry> = Entry extends { readonly syntax: infer S }
  ? OfVectors<
      Entry extends { readonly sizes: infer Sizes }
        ? OfSizes<S extends string ? S : keyof S & string, keyof Sizes & number>
        : S extends string
          ? S
          : keyof S & string
    >
  : never;
type OfSizes<Form extends string, N extends number> = N extends number
  ? ReplaceAll<Form, '<n>', `${N}`>
  : never;
type OfVectors<Form extends string> = Form extends `${string}<V${string}`
  ? ReplaceAll<Form, '<V', '<D'> | ReplaceAll<Form, '<V', '<Q'>
  : Form;
type ReplaceAll<
  Text extends string,
  Old extends string,
  New extends string,
> = Text extends `${infer Head}${Old}${infer Rest}` ? `${Head}${New}${ReplaceAll<Rest, Old, New>}` : Text;

/** One operand place of a form. */
export type Place = { readonly optional: boolean } & (
  | { readonly kind: 'operand'; readonly name: string; readonly prefix: string }
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'memory'; readonly places: readonly Place[] }
);

/** A form's mnemonic, taken apart. */
export interface Mnemonic {
  readonly base: string;
  /** Whether there is a suffix S: for the field S, or for being outside of an IT block. */
  readonly setsFlags: 'S' | 'outside IT' | undefined;
  readonly conditional: boolean;
  readonly type: string;
}

/** Where a template's operands begin; its length where it has none. */
function mnemonicEnd(form: string): number {
  const space = form.indexOf(' ');
  return space < 0 ? form.length : space;
}

/** Parses a template's mnemonic. Throws a plain Error where it cannot be read: the table's fault. */
export function parseMnemonic(form: string): Mnemonic {
  const head = form.slice(0, mnemonicEnd(form));
  const [, base, S, c, type] = /^([\w.]+?)(?:\{([Ss])\})?(\{c\})?((?:\.\w+)*)$/.exec(head) ?? [];
  if (base === undefined) throw new Error(`"${form}": no mnemonic`);
  return {
    base: base.toLowerCase(),
    setsFlags: S === undefined ? undefined : S === 'S' ? 'S' : 'outside IT',
    conditional: c !== undefined,
    type: type!.toLowerCase(),
  };
}

/** Parses a template's operands. Throws a plain Error where they cannot be read: the table's fault. */
export function parsePlaces(form: string): readonly Place[] {
  const rest = form.slice(mnemonicEnd(form) + 1);
  let at = 0;
  const parseList = (end: string, optional: boolean): Place[] => {
    const places: Place[] = [];
    let prefix = '';
    while (at < rest.length && rest[at] !== end) {
      const [token, name, literal] = /^(?:, |#|<(\w+)>|(!|\^|PC|LR|SP)|\[|\{)/.exec(rest.slice(at)) ?? [];
      if (token === undefined) throw new Error(`"${form}": cannot read "${rest.slice(at)}"`);
      at += token.length;
      if (token === '#') {
        prefix = '#';
      } else if (name !== undefined) {
        places.push({ kind: 'operand', name, prefix, optional });
        prefix = '';
      } else if (literal !== undefined) {
        places.push({ kind: 'literal', text: literal.toLowerCase(), optional });
      } else if (token === '[') {
        places.push({ kind: 'memory', places: parseList(']', false), optional });
        at++;
      } else if (token === '{') {
        places.push(...parseList('}', true));
        at++;
      }
    }
    return places;
  };
  return parseList('', false);
}
