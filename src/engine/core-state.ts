/** Where the cores are. */
import type { Cpu } from '../arm/cpu/cpu.js';
import * as L from '../arm/cpu/layout.js';
import { PSR_M, PSR_T, readCpsr } from '../arm/cpu/modes.js';
import type { Core, Machine } from '../arm/cpu/state.js';
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
} from '../arm/program-status.js';
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
  if (name === undefined) throw new Error(`no mode has the number 0x${(psr & PSR_M).toString(16)}`);
  return name;
}

/** Where a core's words stand: the running one's at the fixed addresses, the others' where they are kept. */
const placeOf = (m: Machine, core: Core): number =>
  core === m.core ? 0 : L.CORES + core.index * L.CORE_SIZE;

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
