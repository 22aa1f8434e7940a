/**
 * What a debugger tells apart: HYP mode, the host and each guest have address spaces of their own, in which the same
 * address is another place. Each is an inferior, whose threads are its processors.
 */
import type { CoreView } from '../cpu/core-view.js';
import type { BuiltInPi } from '../engine/built-in.js';
import { HOST } from '../engine/systems.js';
import type { HypervisorDescription, VcpusDescription } from '../hypervisor/image/description.js';
import { MODE_HYP, PSR_A, PSR_F, PSR_I } from '../isa/program-status.js';
import * as reg from '../isa/system-registers.js';
import { coreRegisters, type CpuRegisters } from './registers.js';
import { vcpu } from './vcpu.js';

/** A processor of an inferior's. */
export interface Thread {
  /** The inferior's number, and its own there: both from 1. */
  readonly process: number;
  readonly number: number;
  readonly name: string;
  /** The core that it is, or that it runs on. */
  readonly core: number;
  /** What it does, in a few words. */
  readonly doing: () => string;
  /** Where its core goes over to it, by address; and whether it does, when it comes there. */
  readonly entries: readonly number[];
  readonly enters: () => boolean;
  readonly registers: CpuRegisters;
  /** Where a virtual address is in physical memory, as PL1 or HYP mode may read there; undefined where they may not. */
  readonly physical: (address: number) => number | undefined;
}

export interface Inferiors {
  /** By their numbers, from 1; each has a thread at least. */
  readonly all: readonly (readonly Thread[])[];
  /** Whom a core executes right now. */
  readonly running: (core: CoreView) => Thread;
}

/** All in one: four cores, whatever they execute. */
export function oneInferior({ cpu }: BuiltInPi): Inferiors {
  const threads = cpu.cores.map((core) => coreThread(core, () => undefined));
  return { all: [threads], running: ({ index }) => threads[index]! };
}

/** VMPIDR: the number of a CPU in its machine. */
const AFF0 = 0xff;
const [SP, PC] = [13, 15];
/** In HYP mode's table. */
const VECTORS = 8;
/** As HYP mode's CPSR is here but for the flags. */
const HYP_MASKED = MODE_HYP | PSR_A | PSR_I | PSR_F;

/** Number 1 is all that is of no machine: HYP mode, and what is before it; then come the host and the guests, in their order. */
export function inferiorsOf(
  { cpu }: BuiltInPi,
  { guests, hostCores }: HypervisorDescription,
  vcpus: VcpusDescription,
): Inferiors {
  const running = (core: CoreView): Thread => {
    const own = hyp[core.index]!;
    const { index, vmid } = core;
    if (vmid === undefined) return own;
    // The hypervisor stays, once it is there.
    isThere[index] ||= core.system(reg.HVBAR) === vcpus.vectors;
    if (!isThere[index]) return own;
    const threads = machines[vmid] ?? [];
    return (threads.length > 1 ? threads[core.system(reg.VMPIDR) & AFF0] : threads[0]) ?? own;
  };
  const isThere: boolean[] = [];
  const hyp = cpu.cores.map((core) => {
    const other = (): Thread | undefined => {
      const thread = running(core);
      return thread.process === 1 ? undefined : thread;
    };
    return coreThread(core, other, vcpus);
  });
  const hostsCores = Array.from({ length: hostCores }, (_, core) => core);
  let next = 0;
  const machines = [{ name: HOST, cores: hostsCores }, ...guests].map(({ name, cores }, machine) => {
    const first = next;
    // The host has one a core of the board.
    next += machine === 0 ? cpu.cores.length : cores.length;
    return cores.map((on, n): Thread => {
      const core = cpu.cores[on]!;
      const runs = (): boolean => running(core) === thread;
      const it = vcpu(cpu.memory, core, first + n, vcpus, runs, machine === 0);
      const { registers, doing, physical } = it;
      const thread: Thread = {
        ...{ process: machine + 2, number: n + 1, name: `${name}, CPU ${n}`, core: on },
        ...{ doing: () => `${doing()}, core ${on}`, registers, physical },
        ...{ entries: [vcpus.left], enters: () => it.where() === 'trapped' },
      };
      return thread;
    });
  });
  return { all: [hyp, ...machines], running };
}

/**
 * A core, but for when it executes somebody else. Then it stands at the instruction by which HYP mode was left.
 */
function coreThread(core: CoreView, other: () => Thread | undefined, vcpus?: VcpusDescription): Thread {
  const own = coreRegisters(core);
  return {
    ...{ process: 1, number: core.index + 1, name: `core ${core.index}`, core: core.index },
    doing: () => {
      const it = other();
      if (it) return `runs ${it.name}`;
      if (core.waiting !== 'no') return 'sleeps';
      return core.mode === MODE_HYP ? 'in HYP mode' : core.secure ? 'in Secure state' : 'runs';
    },
    entries: vcpus ? Array.from({ length: VECTORS }, (_, n) => vcpus.vectors + 4 * n) : [],
    enters: () => core.mode === MODE_HYP,
    registers: {
      ...own,
      register: (n) => {
        if (!other()) return core.register(n);
        return n === SP ? core.banked('SP_hyp') : n === PC ? vcpus!.left : undefined;
      },
      setRegister: (n, value) => {
        if (other()) core.setBanked('SP_hyp', value);
        else core.setRegister(n, value);
      },
      get CPSR() {
        return other() ? HYP_MASKED : core.CPSR;
      },
      set CPSR(value) {
        own.CPSR = value;
      },
      get goesOn() {
        return !other();
      },
      get FPSCR() {
        return own.FPSCR;
      },
      set FPSCR(value) {
        own.FPSCR = value;
      },
    },
    physical: (address) => (other() ? core.physicalInHyp(address) : core.physical(address, true)),
  };
}
