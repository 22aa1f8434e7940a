/** Every instruction that is run in TypeScript, by the operation's name in the tables. */
import { coprocessor } from '../coprocessor.js';
import { undefinedInstruction } from '../exceptions.js';
import { extensionInstructions } from '../extension-access.js';
import type { Fields } from '../../isa/pattern.js';
import type { Execute, Executes } from '../instruction.js';
import { media } from './media.js';
import { system } from './system.js';
import { transfers } from './transfers.js';

/** Lowered but for R15 and the like where that is UNPREDICTABLE: here it is UNDEFINED. */
const unpredictable = {
  BFC: undefinedInstruction,
  BFI: undefinedInstruction,
  CLZ: undefinedInstruction,
  LDRD_imm: undefinedInstruction,
  LDRD_lit: undefinedInstruction,
  LDRD_reg: undefinedInstruction,
  MLA: undefinedInstruction,
  MLS: undefinedInstruction,
  MOVT: undefinedInstruction,
  MUL: undefinedInstruction,
  RBIT: undefinedInstruction,
  REV: undefinedInstruction,
  REV16: undefinedInstruction,
  REVSH: undefinedInstruction,
  SBFX: undefinedInstruction,
  SDIV: undefinedInstruction,
  SMLAL: undefinedInstruction,
  SMULL: undefinedInstruction,
  STRD_imm: undefinedInstruction,
  STRD_reg: undefinedInstruction,
  SXTAB: undefinedInstruction,
  SXTAH: undefinedInstruction,
  SXTB: undefinedInstruction,
  SXTH: undefinedInstruction,
  UBFX: undefinedInstruction,
  UDIV: undefinedInstruction,
  UMAAL: undefinedInstruction,
  UMLAL: undefinedInstruction,
  UMULL: undefinedInstruction,
  UXTAB: undefinedInstruction,
  UXTAH: undefinedInstruction,
  UXTB: undefinedInstruction,
  UXTH: undefinedInstruction,
} satisfies Partial<Executes>;

export const slowInstructions = {
  ...unpredictable,
  ...media,
  ...transfers,
  ...system,
  ...coprocessor,
  ...extensionInstructions,
};

const byName = slowInstructions as unknown as Readonly<Record<string, Execute<Fields> | undefined>>;

/** What runs an operation in TypeScript, with the fields of one of its encodings; undefined where it is always lowered. */
export function slowInstruction(operation: string): Execute<Fields> | undefined {
  return byName[operation];
}
