/** A core's registers, all of them, for whoever looks on or debugs: nothing outside this folder knows where they stand. */
import type { BankedRegister } from '../isa/operands.js';
import { bankedRegisters } from '../isa/operands.js';
import { MODE_MON, PSR_M } from '../isa/program-status.js';
import type { SystemRegister, SystemRegister64 } from '../isa/system-registers.js';
import { SCR_NS } from './control-bits.js';
import { isPrivileged, isSecure, modeOf } from './current-mode.js';
import { extensionRegisters } from './float/registers.js';
import * as L from './layout.js';
import { currentRegime, currentVmid, faultOf, hasStage2, READ, type Regime, walk } from './mmu.js';
import { bankedPlace, bankedRegister, readCpsr, readItState, setBankedRegister, setCpsr } from './modes.js';
import { tellMode } from './mode-log.js';
import { settle } from './performance-monitors.js';
import { fetchHalfword, fetchWord } from './physical-memory.js';
import {
  bringIn,
  type Core,
  extensionsUnknown,
  type Machine,
  setRegister,
  setWord,
  type TakenException,
  thumb,
  word,
} from './state.js';
import { codeAt } from './syndrome.js';
import { systemRegister, systemRegister64 } from './system-registers/index.js';
import { contextsChanged } from './tlb.js';
import {
  EXTENSION_REGISTERS,
  type ExtensionRegister,
  readExtensionRegister,
  writeExtensionRegister,
} from './vfp/system-registers.js';

/** Which copy of a banked system register is meant. */
export type Copy = 'secure' | 'non-secure';

/** What a register of the table holds: 64-bit ones are bigints. All values are unsigned. */
export type ValueOf<Register> = Register extends { readonly size: 64 } ? bigint : number;
/** A system register as the table has it. */
export type AnyRegister = SystemRegister | SystemRegister64;
export type Readable = AnyRegister & { readonly access: 'RW' | 'RO' };
export type Writable = AnyRegister & { readonly access: 'RW' };

/** What decides how a machine's PL1 and PL0 translate, whether or not a core has it in its registers: each as MRC and MRRC read it. */
export interface MachineTranslation {
  readonly SCTLR: number;
  readonly TTBCR: number;
  readonly TTBR0: bigint;
  readonly TTBR1: bigint;
  readonly DACR: number;
  readonly HCR: number;
  readonly VTTBR: bigint;
}

/**
 * One core. Reading changes nothing and may be done at any time, of any core; the running one's R15 is valid in a watch
 * and in a listener, too. Writing is for between runs, and in a watch for R0 to R14 and SPSRs.
 */
export class CoreView {
  readonly index: number;

  constructor(
    private readonly m: Machine,
    private readonly core: Core,
  ) {
    this.index = core.index;
  }

  /** R0 to R14 as its mode sees them; R15 is the address of the instruction that comes next. */
  register(n: number): number {
    return this.with((m) => m.u32[n]!);
  }

  setRegister(n: number, value: number): void {
    this.with((m) => {
      setRegister(m, n, value);
    });
  }

  /** A register of whichever mode, by its name in MRS and MSR: `R8_usr`, `SPSR_irq`, `ELR_hyp`. */
  banked(name: BankedRegister): number {
    const { mode, n } = placeOf(name);
    return this.with((m) => bankedRegister(m, mode, n));
  }

  setBanked(name: BankedRegister, value: number): void {
    const { mode, n } = placeOf(name);
    this.with((m) => {
      setBankedRegister(m, mode, n, value);
    });
  }

  /** The SPSR of its mode; of User and System mode, which have none, nothing that means anything. */
  get SPSR(): number {
    return this.with((m) => word(m, L.SPSR));
  }

  set SPSR(value: number) {
    this.with((m) => {
      setWord(m, L.SPSR, value);
    });
  }

  /** CPSR with its execution state bits. To set another mode exchanges the registers, as an exception does. */
  get CPSR(): number {
    return this.with(readCpsr);
  }

  set CPSR(value: number) {
    this.with((m) => {
      setCpsr(m, value);
    });
  }

  /** The number of its mode. */
  get mode(): number {
    return this.with(modeOf);
  }

  get secure(): boolean {
    return this.with(isSecure);
  }

  /** The VMID of the machine that it executes; undefined where it is in Hyp mode, in Secure state or without a second stage. */
  get vmid(): number | undefined {
    return this.with((m) => {
      const { core } = m;
      return currentRegime(m) === 'non-secure' && hasStage2(core) ? currentVmid(core) : undefined;
    });
  }

  /** Whether it executes T32. */
  get thumb(): boolean {
    return this.with(thumb);
  }

  get itState(): number {
    return this.with(readItState);
  }

  /** Whether WFI or WFE holds it. */
  get waiting(): 'no' | 'interrupt' | 'event' {
    return this.core.waiting;
  }

  /** How many synchronous exceptions it took since it last returned from one or wrote CPSR's lowest byte. */
  get exceptions(): number {
    return this.with((m) => word(m, L.EXCEPTIONS));
  }

  /** The first of those, with R0 to R14 as they were at its vector. It means something where there is one. */
  get firstException(): TakenException & { readonly registers: Uint32Array } {
    return this.with((m) => ({
      vector: word(m, L.FIRST_VECTOR),
      at: word(m, L.FIRST_AT),
      address: word(m, L.FIRST_ADDRESS),
      psr: word(m, L.FIRST_PSR),
      takenIn: word(m, L.FIRST_MODE),
      syndrome: word(m, L.FIRST_SYNDROME),
      faultAddress: word(m, L.FIRST_FAULT_ADDRESS),
      registers: m.u32.slice(L.FIRST_REGISTERS >>> 2, (L.FIRST_REGISTERS >>> 2) + 15),
    }));
  }

  /** Instructions executed since reset, as of the end of its last turn. */
  get executed(): number {
    return this.core.executed;
  }

  /** The A32 word, or the T32 halfword, at R15; undefined where there is none in RAM to be executed. */
  nextWord(): number | undefined {
    return this.with((m) => {
      const physical = codeAt(m, word(m, L.PC));
      if (physical < 0) return undefined;
      return thumb(m) ? fetchHalfword(m, physical) : fetchWord(m, physical);
    });
  }

  /**
   * Where a virtual address is in physical memory; undefined where it may not be read.
   * @param privileged by PL1, or User mode; unless given, as it is in its mode
   */
  physical(address: number, privileged?: boolean): number | undefined {
    return this.with((m) => readableAt(m, currentRegime(m), address, privileged ?? isPrivileged(m)));
  }

  /** The same for Hyp mode, whichever mode it is in. */
  physicalInHyp(address: number): number | undefined {
    return this.with((m) => readableAt(m, 'hyp', address, true));
  }

  /** The same for PL1 of a machine that need not be the one whose registers it holds. */
  physicalIn(machine: MachineTranslation, address: number): number | undefined {
    return this.with((m) => {
      const { core } = m;
      const { nonSecure: bank } = core;
      const { SCTLR, TTBCR, DACR, HCR } = machine;
      const [TTBR0, TTBR0_HIGH] = halves(machine.TTBR0);
      const [TTBR1, TTBR1_HIGH] = halves(machine.TTBR1);
      const [VTTBR, VTTBR_HIGH] = halves(machine.VTTBR);
      const stage1 = { SCTLR, TTBCR, TTBR0, TTBR0_HIGH, TTBR1, TTBR1_HIGH, DACR };
      const stage2 = { HCR, VTTBR, VTTBR_HIGH };
      const kept1 = valuesOf(bank, stage1);
      const kept2 = valuesOf(core, stage2);
      Object.assign(bank, stage1);
      Object.assign(core, stage2);
      try {
        return readableAt(m, 'non-secure', address, true);
      } finally {
        Object.assign(bank, kept1);
        Object.assign(core, kept2);
      }
    });
  }

  /** D0 to D31. */
  doubleword(n: number): bigint {
    return this.with((m) => extensionRegisters(m).u64[n]!);
  }

  setDoubleword(n: number, value: bigint): void {
    this.with((m) => {
      extensionRegisters(m).u64[n] = value;
    });
  }

  /** FPSCR, FPEXC and the registers that say what floating-point there is. */
  extension(name: ExtensionRegister): number {
    return this.with((m) => readExtensionRegister(m, EXTENSION_REGISTERS[name])!);
  }

  /** Writes what VMSR can write of it: nothing of the others. */
  setExtension(name: ExtensionRegister, value: number): void {
    this.with((m) => {
      writeExtensionRegister(m, EXTENSION_REGISTERS[name], value);
    });
  }

  /**
   * What Monitor mode would read of a system register by MRC or MRRC, whatever mode the core is in.
   * @param copy of a banked one; undefined for the one that SCR.NS chooses
   */
  system<Register extends Readable>(register: Register, copy?: Copy): ValueOf<Register> {
    return this.with((m) =>
      inMonitorMode(m, register, copy, () =>
        register.size === 64
          ? systemRegister64(register)!.read!(m)
          : systemRegister(register)!.read!(m) >>> 0,
      ),
    ) as ValueOf<Register>;
  }

  /** Writes what Monitor mode would by MCR or MCRR, with all that follows from it: timers, translations, interrupts. */
  setSystem<Register extends Writable>(register: Register, value: ValueOf<Register>, copy?: Copy): void {
    this.with((m) => {
      const { listener } = m;
      // It is in its own mode for whoever is told.
      m.listener = undefined;
      inMonitorMode(m, register, copy, () => {
        if (register.size === 64) systemRegister64(register)!.write!(m, value as bigint);
        else systemRegister(register)!.write!(m, value as number);
      });
      m.listener = listener;
      extensionsUnknown(m);
      contextsChanged(m);
      if (m.core.counting !== 0) settle(m);
      tellMode(m);
    });
  }

  /** Has its registers stand where the running core's do meanwhile. */
  private with<T>(use: (m: Machine) => T): T {
    const { m, core } = this;
    const running = m.core;
    if (core === running) return use(m);
    const { i32 } = m;
    const at = L.BUDGET >>> 2;
    // What is left of the slice tells the time, and interrupts end it: it is the running core's meanwhile, too.
    const left = i32[at]!;
    bringIn(m, core);
    const own = i32[at]!;
    i32[at] = left;
    try {
      return use(m);
    } finally {
      const leftNow = i32[at];
      i32[at] = own;
      bringIn(m, running);
      i32[at] = leftNow;
    }
  }
}

/** Where an address is in physical memory, as a regime may read there. */
function readableAt(m: Machine, regime: Regime, address: number, privileged: boolean): number | undefined {
  const found = walk(m, regime, address, privileged);
  return faultOf(found, READ) || found.physical >= 2 ** 32 ? undefined : found.physical;
}

const halves = (value: bigint): [low: number, high: number] => [
  Number(BigInt.asUintN(32, value)),
  Number(BigInt.asUintN(32, value >> 32n)),
];

/** What an object has under the names that another has. */
function valuesOf<T extends object>(it: T, names: Partial<T>): Partial<T> {
  const keys = Object.keys(names) as (keyof T)[];
  return Object.fromEntries(keys.map((name) => [name, it[name]])) as Partial<T>;
}

function placeOf(name: BankedRegister): { mode: number; n: number } {
  const { R, M, M1 } = bankedRegisters[name];
  return bankedPlace(R, (M << 4) | M1)!;
}

/** Has the running core be in Monitor mode, and SCR.NS choose a copy, while a register is read or written. */
function inMonitorMode<T>(m: Machine, { banked }: AnyRegister, copy: Copy | undefined, use: () => T): T {
  const { core } = m;
  const mode = modeOf(m);
  const kept = core.SCR & SCR_NS;
  const chosen = banked && copy !== undefined;
  setWord(m, L.CPSR, (word(m, L.CPSR) & ~PSR_M) | MODE_MON);
  if (chosen) core.SCR = (core.SCR & ~SCR_NS) | (copy === 'non-secure' ? SCR_NS : 0);
  try {
    return use();
  } finally {
    setWord(m, L.CPSR, (word(m, L.CPSR) & ~PSR_M) | mode);
    if (chosen) core.SCR = (core.SCR & ~SCR_NS) | kept;
  }
}
