/** A virtual CPU's registers, wherever they are: in its core, beside it while the core is in HYP mode, in memory while others have it. */
import { readU32LE, writeU32LE } from '../base/bytes.js';
import type { Copy, CoreView, MachineTranslation, Readable, ValueOf, Writable } from '../cpu/core-view.js';
import type { PhysicalMemory } from '../cpu/physical-memory.js';
import type { VcpusDescription } from '../hypervisor/image/description.js';
import { bitsOf } from '../isa/bits.js';
import type { BankedRegister } from '../isa/operands.js';
import {
  MODE_ABT,
  MODE_FIQ,
  MODE_HYP,
  MODE_IRQ,
  MODE_SVC,
  MODE_SYS,
  MODE_UND,
  MODE_USR,
  PSR_A,
  PSR_F,
  PSR_I,
  PSR_M,
} from '../isa/program-status.js';
import * as reg from '../isa/system-registers.js';
import type { CpuRegisters } from './registers.js';

/** Where a virtual CPU's registers are; `trapped`: its core is in HYP mode, for it or for nobody yet. */
export type Where = 'core' | 'trapped' | 'memory' | 'nowhere';

/** A virtual CPU as a debugger has it. */
export interface Vcpu {
  readonly registers: CpuRegisters;
  readonly where: () => Where;
  /** What it does, in a few words. */
  readonly doing: () => string;
  /** Where a virtual address of its is in physical memory, as PL1 may read there; undefined where it may not. */
  readonly physical: (address: number) => number | undefined;
}

/** R0 to R12 and LR_usr, as the vectors keep them. */
const FRAME = [
  ...['R0', 'R1', 'R2', 'R3', 'R4', 'R5', 'R6', 'R7'],
  ...['R8_usr', 'R9_usr', 'R10_usr', 'R11_usr', 'R12_usr', 'LR_usr'],
];
/** The ending of the names of a mode's SP and LR. */
const BANKS: ReadonlyMap<number, string> = new Map([
  ...([
    [MODE_USR, 'usr'],
    [MODE_SYS, 'usr'],
    [MODE_SVC, 'svc'],
    [MODE_ABT, 'abt'],
  ] as const),
  ...([
    [MODE_UND, 'und'],
    [MODE_IRQ, 'irq'],
    [MODE_FIQ, 'fiq'],
  ] as const),
]);
const [SP, LR, PC] = [13, 14, 15];
/** As reset leaves it, where one that is off stands (ARM ARM B1.9.1). */
const [RESET_PC, RESET_PSR] = [0, MODE_SVC | PSR_A | PSR_I | PSR_F];
/** Registers of HYP mode and Monitor mode are the core's. */
const OF_CORE = /_(?:hyp|mon)$/;
/** Offset of FPSCR, and of D0, behind FPEXC. */
const [FPSCR, D0] = [4, 8];

/**
 * @param core that it runs on
 * @param n its place among all
 * @param runs whether the core executes it right now
 * @param hasVfp whether it has VFP's registers whenever it is on its core
 */
export function vcpu(
  memory: PhysicalMemory,
  core: CoreView,
  n: number,
  description: VcpusDescription,
  runs: () => boolean,
  hasVfp: boolean,
): Vcpu {
  const { registers: offsets, states } = description;
  const at = description.at + n * description.size;
  const known = description.cores + core.index * description.coreSize;
  const wordAt = (address: number): number => readU32LE(memory.observe(address, 4), 0);
  const setWordAt = (address: number, value: number): void => {
    const bytes = new Uint8Array(4);
    writeU32LE(bytes, 0, value);
    memory.load(address, bytes);
  };
  const doubleAt = (address: number): bigint =>
    (BigInt(wordAt(address + 4)) << 32n) | BigInt(wordAt(address));
  const setDoubleAt = (address: number, value: bigint): void => {
    setWordAt(address, Number(BigInt.asUintN(32, value)));
    setWordAt(address + 4, Number(BigInt.asUintN(32, value >> 32n)));
  };
  const placeOf = (name: string): number | undefined => {
    const offset = offsets[name];
    return offset === undefined ? undefined : at + offset;
  };
  const state = (): number => wordAt(at + description.state);
  const isOff = (): boolean => ![states.runnable, states.waiting].includes(state());

  /** Whether the core, which is in HYP mode, has its registers and not half of another's. */
  const isLoaded = (): boolean => {
    if (wordAt(known + description.loaded) !== at) return false;
    const pc = core.register(PC);
    const [from, to] = description.loading;
    // Between two the core's registers are the next one's before it is said so.
    const isOther =
      core.system(reg.VMPIDR) !== wordAt(placeOf('VMPIDR')!) ||
      core.system(reg.VTTBR) !== doubleAt(placeOf('VTTBR')!);
    return !isOther && !(pc >= from && pc < to);
  };
  const where = (): Where => {
    if (runs()) return 'core';
    if (core.system(reg.HVBAR) !== description.vectors) return 'nowhere';
    if (core.mode === MODE_HYP && isLoaded()) return 'trapped';
    return isOff() || hasVfp ? 'nowhere' : 'memory';
  };

  /** Calls `inCore` or `inMemory` for where a register that the world switch keeps is; undefined for one that it does not. */
  const named = <T>(
    name: string,
    inCore: (name: BankedRegister | number) => T,
    inMemory: (address: number) => T,
  ): T | undefined => {
    const it = where();
    if (it === 'nowhere') return undefined;
    const inFrame = FRAME.indexOf(name);
    if (inFrame >= 0) {
      const isInCore = it === 'trapped' && description.untouched.includes(core.register(PC));
      if (!isInCore) return inMemory(at + 4 * inFrame);
      return inCore(inFrame < LR - 1 ? inFrame : 'LR_usr');
    }
    if (it === 'trapped') return inCore(name as BankedRegister);
    const place = placeOf(name);
    return place === undefined ? undefined : inMemory(place);
  };
  const read = (name: string): number | undefined =>
    named(name, (it) => (typeof it === 'number' ? core.register(it) : core.banked(it)), wordAt);
  const write = (name: string, value: number): void => {
    named(
      name,
      (it) => {
        if (typeof it === 'number') core.setRegister(it, value);
        else core.setBanked(it, value);
        // It may have been saved already.
        const place = placeOf(name);
        if (place !== undefined) setWordAt(place, value);
      },
      (address) => {
        setWordAt(address, value);
      },
    );
  };
  /** What R0 to R15 are called in the mode that it is in. */
  const nameOf = (n: number): string | undefined => {
    if (n === PC) return 'ELR_hyp';
    if (n < 8) return FRAME[n];
    const psr = read('SPSR_hyp');
    const bank = psr === undefined ? undefined : BANKS.get(psr & PSR_M);
    if (bank === undefined) return undefined;
    if (n === SP || n === LR) return `${n === SP ? 'SP' : 'LR'}_${bank}`;
    return `R${n}_${bank === 'fiq' ? 'fiq' : 'usr'}`;
  };

  /** Where VFP's registers are, which stay in the core until another one wants them. */
  const whereVfp = (): 'core' | 'memory' | 'nowhere' => {
    const it = where();
    if (it === 'nowhere' || hasVfp) return it === 'nowhere' ? it : 'core';
    const owner = wordAt(known + description.loadedVfp);
    if (owner !== at) return 'memory';
    const isSwitching = bitsOf(reg.HCPTR, 'TCP10', core.system(reg.HCPTR)) === 0;
    return isSwitching && wordAt(known + description.loaded) !== at ? 'nowhere' : 'core';
  };

  const registers: CpuRegisters = {
    register(n) {
      if (runs()) return core.register(n);
      if (n === PC && where() === 'nowhere') return RESET_PC;
      const name = nameOf(n);
      return name === undefined ? undefined : read(name);
    },
    setRegister(n, value) {
      if (runs()) {
        core.setRegister(n, value);
        return;
      }
      const name = nameOf(n);
      if (name !== undefined) write(name, value);
    },
    get CPSR() {
      return runs() ? core.CPSR : (read('SPSR_hyp') ?? RESET_PSR);
    },
    set CPSR(value) {
      if (runs()) core.CPSR = value!;
      else write('SPSR_hyp', value);
    },
    get goesOn() {
      return where() !== 'nowhere';
    },
    banked(name) {
      if (runs()) return core.banked(name);
      if (!OF_CORE.test(name)) return read(name);
      return where() === 'trapped' ? core.banked(name) : undefined;
    },
    setBanked(name, value) {
      if (runs() || OF_CORE.test(name)) core.setBanked(name, value);
      else write(name, value);
    },
    doubleword(n) {
      const it = whereVfp();
      if (it === 'core') return core.doubleword(n);
      if (it === 'nowhere') return undefined;
      return doubleAt(at + description.vfp + D0 + 8 * n);
    },
    setDoubleword(n, value) {
      if (whereVfp() === 'core') core.setDoubleword(n, value);
      else setDoubleAt(at + description.vfp + D0 + 8 * n, value);
    },
    get FPSCR() {
      const it = whereVfp();
      if (it === 'core') return core.extension('FPSCR');
      return it === 'memory' ? wordAt(at + description.vfp + FPSCR) : undefined;
    },
    set FPSCR(value) {
      if (whereVfp() === 'core') core.setExtension('FPSCR', value!);
      else setWordAt(at + description.vfp + FPSCR, value!);
    },
    system<Register extends Readable>(register: Register, copy?: Copy): ValueOf<Register> | undefined {
      const it = where();
      if (it === 'core' || it === 'trapped') return core.system(register, copy);
      const place = it === 'memory' && copy !== 'secure' ? placeOf(register.name) : undefined;
      if (place === undefined) return undefined;
      return (register.size === 64 ? doubleAt(place) : wordAt(place)) as ValueOf<Register>;
    },
    setSystem<Register extends Writable>(register: Register, value: ValueOf<Register>, copy?: Copy): void {
      const it = where();
      if (it !== 'memory') core.setSystem(register, value, copy);
      const place = copy === 'secure' ? undefined : placeOf(register.name);
      if (it === 'core' || place === undefined) return;
      if (register.size === 64) setDoubleAt(place, BigInt(value));
      else setWordAt(place, Number(value));
    },
  };

  const translation = (): MachineTranslation => {
    const word = (register: Parameters<typeof registers.system>[0]): number =>
      Number(registers.system(register, 'non-secure'));
    const double = (register: Parameters<typeof registers.system>[0]): bigint =>
      BigInt(registers.system(register, 'non-secure')!);
    return {
      ...{ SCTLR: word(reg.SCTLR), TTBCR: word(reg.TTBCR), DACR: word(reg.DACR), HCR: word(reg.HCR) },
      ...{ TTBR0: double(reg.TTBR0_64), TTBR1: double(reg.TTBR1_64), VTTBR: double(reg.VTTBR) },
    };
  };

  return {
    registers,
    where,
    doing: () => {
      const it = where();
      if (it === 'core') return 'runs';
      if (it === 'nowhere') {
        const begins: number[] = [states.paused, states.loading, states.starting];
        const isMade = core.system(reg.HVBAR) === description.vectors;
        return isMade && begins.includes(state()) ? 'begins' : 'is off';
      }
      if (state() === states.waiting) return 'waits for an interrupt';
      return it === 'trapped' ? 'is in HYP mode' : 'waits for its core';
    },
    physical: (address) => {
      const it = where();
      if (it === 'nowhere') return undefined;
      return it === 'core' ? core.physical(address, true) : core.physicalIn(translation(), address);
    },
  };
}
