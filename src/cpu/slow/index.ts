/** Every instruction that is run in TypeScript, by the operation's name in the tables. */
import { coprocessor } from '../coprocessor.js';
import { extensionInstructions } from '../extension-access.js';
import type { Execute } from '../instruction.js';
import { media } from './media.js';
import { system } from './system.js';
import { transfers } from './transfers.js';

export const slowInstructions: Readonly<Record<string, Execute>> = {
  ...media,
  ...transfers,
  ...system,
  ...coprocessor,
  ...extensionInstructions,
};
