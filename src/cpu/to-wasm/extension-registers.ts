/** The extension registers as micro-ops name them, by the number of their first word, and the options beside them. */
import * as L from '../layout.js';
import { OPTIONS_LOW } from '../micro-ops.js';
import type { MicroOp } from './micro-op.js';

/** Address of the word with a number. */
export const wordAt = (n: number): number => L.D0 + n * 4;
/** What imm has in its lowest byte: a register, of the extension or of the core. */
export const vm = ({ imm }: Pick<MicroOp, 'imm'>): number => imm & 0xff;
/** What imm has above. */
export const optionsOf = ({ imm }: Pick<MicroOp, 'imm'>): number => imm >>> OPTIONS_LOW;
