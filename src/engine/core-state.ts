/** Where the cores are. */
import type { CoreView } from '../cpu/core-view.js';
import { bitsOf } from '../isa/bits.js';
import {
  MODE_ABT,
  MODE_FIQ,
  MODE_HYP,
  MODE_IRQ,
  MODE_MON,
  MODE_SVC,
  MODE_SYS,
  MODE_UND,
  MODE_USR,
  PSR,
} from '../isa/program-status.js';
import { hex } from '../base/words.js';
import type { CoreState, ModeName } from './machine-report.js';

const modeNames = new Map<number, ModeName>([
  [MODE_USR, 'usr'],
  [MODE_FIQ, 'fiq'],
  [MODE_IRQ, 'irq'],
  [MODE_SVC, 'svc'],
  [MODE_MON, 'mon'],
  [MODE_ABT, 'abt'],
  [MODE_HYP, 'hyp'],
  [MODE_UND, 'und'],
  [MODE_SYS, 'sys'],
]);

/** The name of the mode that a CPSR or SPSR holds. */
export function modeName(psr: number): ModeName {
  const name = modeNames.get(bitsOf(PSR, 'M', psr));
  if (name === undefined) throw new Error(`no mode has the number ${hex(bitsOf(PSR, 'M', psr))}`);
  return name;
}

const REGISTERS = 16;

/** Where a core is. Not while it is within a block. */
export function coreState(core: CoreView): CoreState {
  const { index, CPSR, secure, thumb, waiting, executed } = core;
  const registers = Array.from({ length: REGISTERS }, (_, n) => core.register(n));
  const mode = modeName(CPSR);
  return { core: index, pc: registers[15]!, mode, secure, thumb, waiting, registers, CPSR, executed };
}
