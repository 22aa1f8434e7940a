/** Where the cores are. */
import { readU16LE, readU32LE } from '../base/bytes.js';
import type { Cpu } from '../cpu/cpu.js';
import * as L from '../cpu/layout.js';
import { PSR_M } from '../cpu/current-mode.js';
import { PSR_T, readCpsr } from '../cpu/modes.js';
import { type Core, type Machine, word } from '../cpu/state.js';
import { lookupCode } from '../cpu/tlb.js';
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
  const name = modeNames.get(psr & PSR_M);
  if (name === undefined) throw new Error(`no mode has the number ${hex(psr & PSR_M)}`);
  return name;
}

/** Where a core's words stand: the running one's at the fixed addresses, the others' where they are kept. */
const placeOf = (m: Machine, core: Core): number =>
  core === m.core ? 0 : L.CORES + core.index * L.CORE_SIZE;

/** The A32 word, or the T32 halfword, at a core's PC; undefined where its translation is not at hand. */
export function nextWord(cpu: Cpu, { core, pc, thumb }: CoreState): number | undefined {
  const { machine: m } = cpu;
  const context = word(m, placeOf(m, m.cores[core]!) + L.CONTEXT) >>> 2;
  const physical = lookupCode(m, pc, context);
  if (physical < 0) return undefined;
  return thumb
    ? readU16LE(cpu.memory.observe(physical, 2), 0)
    : readU32LE(cpu.memory.observe(physical, 4), 0);
}

/** Where every core is. Not while one is within a block. */
export function coreStates({ machine: m }: Cpu): CoreState[] {
  return m.cores.map((core) => {
    const at = placeOf(m, core);
    const CPSR = readCpsr(m, at);
    const registers = Array.from(m.u32.subarray(at >>> 2, (at >>> 2) + 16));
    const mode = modeName(CPSR);
    return {
      core: core.index,
      pc: registers[15]!,
      mode,
      secure: mode === 'mon' || (core.SCR & 1) === 0,
      thumb: (CPSR & PSR_T) !== 0,
      waiting: core.waiting,
      registers,
      CPSR,
      executed: core.executed,
    };
  });
}
