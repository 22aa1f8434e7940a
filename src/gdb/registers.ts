/** A core's registers as GDB knows them: its own description of Arm's (GDB manual, appendix G.5.3), and ours behind. */
import type { Copy, CoreView, Readable, ValueOf, Writable } from '../cpu/core-view.js';
import { bankedRegisters, type BankedRegister } from '../isa/operands.js';
import * as table from '../isa/system-registers.js';

/**
 * A processor's registers, as it sees them that they are of; undefined where they are nowhere at the time, and then they
 * cannot be written either. What the functions take and give is as {@link CoreView} has it. PC and CPSR are always there,
 * as a debugger cannot do without: they may only say where the processor stands, and cannot be written then.
 */
export interface CpuRegisters {
  register(n: number): number | undefined;
  setRegister(n: number, value: number): void;
  CPSR: number | undefined;
  /** Whether PC and CPSR are what it goes on with. */
  readonly goesOn: boolean;
  banked(name: BankedRegister): number | undefined;
  setBanked(name: BankedRegister, value: number): void;
  doubleword(n: number): bigint | undefined;
  setDoubleword(n: number, value: bigint): void;
  FPSCR: number | undefined;
  system<Register extends Readable>(register: Register, copy?: Copy): ValueOf<Register> | undefined;
  setSystem<Register extends Writable>(register: Register, value: ValueOf<Register>, copy?: Copy): void;
}

/** Those of a core, whatever it executes. */
export function coreRegisters(core: CoreView): CpuRegisters {
  return {
    register: (n) => core.register(n),
    setRegister: (n, value) => {
      core.setRegister(n, value);
    },
    get CPSR() {
      return core.CPSR;
    },
    set CPSR(value) {
      core.CPSR = value!;
    },
    goesOn: true,
    banked: (name) => core.banked(name),
    setBanked: (name, value) => {
      core.setBanked(name, value);
    },
    doubleword: (n) => core.doubleword(n),
    setDoubleword: (n, value) => {
      core.setDoubleword(n, value);
    },
    get FPSCR() {
      return core.extension('FPSCR');
    },
    set FPSCR(value) {
      core.setExtension('FPSCR', value);
    },
    system: (register, copy) => core.system(register, copy),
    setSystem: (register, value, copy) => {
      core.setSystem(register, value, copy);
    },
  };
}

/** A register; its number is its place in the list. */
export interface GdbRegister {
  readonly name: string;
  /** Bytes. */
  readonly size: 4 | 8;
  /** It says where the processor stands. */
  readonly position?: true;
  /** GDB's type, where that is not an integer. */
  readonly type?: 'data_ptr' | 'code_ptr' | 'ieee_double';
  read(cpu: CpuRegisters): bigint | undefined;
  /** Undefined for what cannot be written. */
  readonly write?: ((cpu: CpuRegisters, value: bigint) => void) | undefined;
}

/** Registers of one of GDB's features. */
export interface Feature {
  readonly name: string;
  readonly registers: readonly GdbRegister[];
}

const word = (
  name: string,
  read: (cpu: CpuRegisters) => number | undefined,
  write?: (cpu: CpuRegisters, value: number) => void,
  type?: GdbRegister['type'],
): GdbRegister => ({
  name,
  size: 4,
  ...(type && { type }),
  read: (cpu) => {
    const value = read(cpu);
    return value === undefined ? undefined : BigInt(value >>> 0);
  },
  write:
    write &&
    ((cpu, value) => {
      write(cpu, Number(BigInt.asUintN(32, value)));
    }),
});

const general = (name: string, n: number, type?: GdbRegister['type']): GdbRegister =>
  word(
    name,
    (cpu) => cpu.register(n),
    (cpu, value) => {
      cpu.setRegister(n, value);
    },
    type,
  );

const CORE: Feature = {
  name: 'org.gnu.gdb.arm.core',
  registers: [
    ...Array.from({ length: 13 }, (_, n) => general(`r${n}`, n)),
    general('sp', 13, 'data_ptr'),
    general('lr', 14),
    { ...general('pc', 15, 'code_ptr'), position: true },
    {
      ...word(
        'cpsr',
        (cpu) => cpu.CPSR,
        (cpu, value) => {
          cpu.CPSR = value;
        },
      ),
      position: true,
    },
  ],
};

const VFP: Feature = {
  name: 'org.gnu.gdb.arm.vfp',
  registers: [
    ...Array.from({ length: 32 }, (_, n): GdbRegister => ({
      name: `d${n}`,
      size: 8,
      type: 'ieee_double',
      read: (cpu) => cpu.doubleword(n),
      write: (cpu, value) => {
        cpu.setDoubleword(n, BigInt.asUintN(64, value));
      },
    })),
    word(
      'fpscr',
      (cpu) => cpu.FPSCR,
      (cpu, value) => {
        cpu.FPSCR = value;
      },
    ),
  ],
};

const BANKED: Feature = {
  name: 'org.hypberry.banked',
  registers: (Object.keys(bankedRegisters) as BankedRegister[]).map((name) =>
    word(
      name,
      (cpu) => cpu.banked(name),
      (cpu, value) => {
        cpu.setBanked(name, value);
      },
    ),
  ),
};

type Listed = table.SystemRegister | table.SystemRegister64;
const isRegister = (it: unknown): it is Listed =>
  typeof it === 'object' && it !== null && 'size' in it && 'access' in it && 'coproc' in it;

/** Of a banked one the Secure copy has _S behind its name, and the other one _NS. */
function system(name: string, register: Listed, copy?: Copy): GdbRegister | undefined {
  if (register.access !== 'RW' && register.access !== 'RO') return undefined;
  const readable = register as Listed & { readonly access: 'RW' };
  const writable = register.access === 'RW';
  return {
    name: copy === undefined ? name : `${name}_${copy === 'secure' ? 'S' : 'NS'}`,
    size: register.size === 64 ? 8 : 4,
    read: (cpu) => {
      const value = cpu.system(readable, copy);
      return value === undefined ? undefined : BigInt(value);
    },
    write: writable
      ? (cpu, value) => {
          if (readable.size === 64) cpu.setSystem(readable, BigInt.asUintN(64, value), copy);
          else cpu.setSystem(readable, Number(BigInt.asUintN(32, value)), copy);
        }
      : undefined,
  };
}

const SYSTEM: Feature = {
  name: 'org.hypberry.system',
  registers: Object.entries(table)
    .flatMap(([name, it]) =>
      !isRegister(it)
        ? []
        : it.banked
          ? [system(name, it, 'secure'), system(name, it, 'non-secure')]
          : [system(name, it)],
    )
    .filter((it) => it !== undefined),
};

export const FEATURES: readonly Feature[] = [CORE, VFP, BANKED, SYSTEM];

/** All of them: a register's number is its place. */
export const REGISTERS: readonly GdbRegister[] = FEATURES.flatMap(({ registers }) => registers);
/** How many of them `g` gives: those that GDB's own features have. */
export const GENERAL = CORE.registers.length + VFP.registers.length;

/** Whether a register can be written, as a processor is. */
export const isWritable = (register: GdbRegister, cpu: CpuRegisters): boolean =>
  register.write !== undefined &&
  register.read(cpu) !== undefined &&
  (register.position === undefined || cpu.goesOn);

/** The target description (GDB manual, appendix G). */
export function targetDescription(): string {
  let number = 0;
  const features = FEATURES.map(({ name, registers }) => {
    const lines = registers.map(
      (it) =>
        `<reg name="${it.name}" bitsize="${it.size * 8}" regnum="${number++}" type="${it.type ?? `uint${it.size * 8}`}"` +
        `${number > GENERAL ? ' save-restore="no" group="system"' : ''}/>`,
    );
    return `<feature name="${name}">${lines.join('')}</feature>`;
  });
  return `<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0"><architecture>arm</architecture>${features.join('')}</target>`;
}
