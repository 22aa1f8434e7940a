import { hex } from '../base/words.js';
import { decodeA32, decodeT32 } from './decoder.js';
import type { Encoding, Form } from './encoding.js';
import { coderOf, isUnpredictable } from './encoding.js';
import type { Site } from './operands.js';
import type { Fields } from './pattern.js';
import { ALWAYS, conditions } from './registers.js';
import type { Place } from './syntax.js';
import * as systemRegisters from './system-registers.js';

/** A word as text. */
export interface Disassembly {
  readonly mnemonic: string;
  /** The operands, in UAL, or nothing. */
  readonly operands: string;
  /** What a reader may want to know besides: a system register's name, the address of a literal. */
  readonly comment: string | undefined;
  /** Whether the manual leaves open what it does. */
  readonly unpredictable: boolean;
}

/** How to show things that depend on where the word stands. */
export interface DisassemblyOptions {
  /** Address of the word; 0 if not said. */
  readonly address?: number;
  /** The name of what stands at an address, if it has one, for targets of branches. */
  readonly symbol?: (address: number) => string | undefined;
}

function printPlaces(places: readonly Place[], fields: Fields, site: Site, symbol: Symbolizer): string {
  let text = '';
  for (const place of places) {
    const separator = text === '' ? '' : ', ';
    if (place.kind === 'memory') {
      text += `${separator}[${printPlaces(place.places, fields, site, symbol)}]`;
    } else if (place.kind === 'literal') {
      text += /\w/.test(place.text) ? separator + place.text : place.text;
    } else {
      const coder = coderOf(place.name);
      const value = coder.decode(fields, site);
      const printed = coder.print(value);
      const named = coder.address === true ? symbol(value as number) : undefined;
      if (!place.optional || coder.omitted === undefined || printed !== coder.print(coder.omitted))
        text += separator + place.prefix + (named ?? printed);
    }
  }
  return text;
}

type Symbolizer = (address: number) => string | undefined;

const everySystemRegister = Object.values(systemRegisters).filter((it) => typeof it === 'object');

/** Names the CP15 or CP14 register that MCR, MRC, MCRR or MRRC moves. */
function systemRegisterName(operation: string, fields: Fields): string | undefined {
  const size = { MCR: 32, MRC: 32, MCRR: 64, MRRC: 64 }[operation];
  return everySystemRegister.find(
    (it) =>
      it.size === size &&
      it.coproc === fields['coproc'] &&
      it.opc1 === fields['opc1'] &&
      it.CRm === fields['CRm'] &&
      (it.size === 64 || (it.CRn === fields['CRn'] && it.opc2 === fields['opc2'])) &&
      it.access !== (operation.startsWith('MC') ? 'RO' : 'WO'),
  )?.name;
}

/** The address that a form of the encoding names relative to PC, though the printed form does not. */
function literalAddress(encoding: Encoding, printed: Form, fields: Fields, site: Site): string | undefined {
  for (const form of encoding.forms) {
    for (const place of form === printed ? [] : form.places) {
      if (place.kind === 'operand' && coderOf(place.name).address === true)
        return coderOf(place.name).print(coderOf(place.name).decode(fields, site));
    }
  }
  return undefined;
}

/** What disassembly of one instruction set needs besides the word. */
interface Setting extends Required<DisassemblyOptions> {
  readonly pcAhead: number;
  /** The condition that an IT block gives. */
  readonly condition: number | undefined;
}

function disassemble(
  { encoding, fields }: { readonly encoding: Encoding; readonly fields: Fields },
  word: number,
  { address, symbol, pcAhead, condition }: Setting,
): Disassembly {
  const form = encoding.forms.find(({ when }) => when.test(fields));
  const unpredictable = isUnpredictable(encoding, word, fields);
  // Words that are UNPREDICTABLE may have no syntax, and hints without a meaning have none.
  if (!form) {
    const digits = encoding.pattern.width / 4;
    const mnemonic = digits === 8 ? '.inst' : '.inst.n';
    const operands = hex(word, digits);
    return { mnemonic, operands, comment: encoding.name, unpredictable };
  }
  const { base, setsFlags, conditional, type } = form.mnemonic;
  const site: Site = {
    address,
    pcAhead,
    locate: () => {
      throw new Error('a word has no labels');
    },
  };
  const cond = fields['cond'] ?? condition ?? ALWAYS;
  const suffix = conditional && cond !== ALWAYS ? conditions[cond]! : '';
  const S = setsFlags === 'S' ? fields['S'] === 1 : setsFlags === 'outside IT' && condition === undefined;
  return {
    mnemonic: base + (S ? 's' : '') + suffix + type,
    operands: printPlaces(form.places, fields, site, symbol),
    comment: systemRegisterName(encoding.operation, fields) ?? literalAddress(encoding, form, fields, site),
    unpredictable,
  };
}

/** Disassembles an A32 word, or gives undefined where it is UNDEFINED. */
export function disassembleA32(word: number, options: DisassemblyOptions = {}): Disassembly | undefined {
  const decoded = decodeA32(word);
  const { address = 0, symbol = () => undefined } = options;
  return decoded && disassemble(decoded, word, { address, symbol, pcAhead: 8, condition: undefined });
}

/**
 * Disassembles a T32 instruction, given as to `decodeT32`, or gives undefined where it is UNDEFINED. `condition` is
 * the condition that an IT block gives it, if it is in one.
 */
export function disassembleT32(
  word: number,
  options: DisassemblyOptions & { readonly condition?: number | undefined } = {},
): Disassembly | undefined {
  const decoded = decodeT32(word);
  const { address = 0, symbol = () => undefined, condition } = options;
  return decoded && disassemble(decoded, word, { address, symbol, pcAhead: 4, condition });
}
