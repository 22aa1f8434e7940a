/** A core's registers as GDB knows them: its own description of Arm's (GDB manual, appendix G.5.3), and ours behind. */
import type { CoreView, Copy } from '../cpu/core-view.js';
import { bankedRegisters, type BankedRegister } from '../isa/operands.js';
import * as table from '../isa/system-registers.js';

/** A register; its number is its place in the list. */
export interface GdbRegister {
  readonly name: string;
  /** Bytes. */
  readonly size: 4 | 8;
  /** GDB's type, where that is not an integer. */
  readonly type?: 'data_ptr' | 'code_ptr' | 'ieee_double';
  read(core: CoreView): bigint;
  /** Undefined for what cannot be written. */
  readonly write?: ((core: CoreView, value: bigint) => void) | undefined;
}

/** Registers of one of GDB's features. */
export interface Feature {
  readonly name: string;
  readonly registers: readonly GdbRegister[];
}

const word = (
  name: string,
  read: (core: CoreView) => number,
  write?: (core: CoreView, value: number) => void,
  type?: GdbRegister['type'],
): GdbRegister => ({
  name,
  size: 4,
  ...(type && { type }),
  read: (core) => BigInt(read(core) >>> 0),
  write:
    write &&
    ((core, value) => {
      write(core, Number(BigInt.asUintN(32, value)));
    }),
});

const general = (name: string, n: number, type?: GdbRegister['type']): GdbRegister =>
  word(
    name,
    (core) => core.register(n),
    (core, value) => {
      core.setRegister(n, value);
    },
    type,
  );

const CORE: Feature = {
  name: 'org.gnu.gdb.arm.core',
  registers: [
    ...Array.from({ length: 13 }, (_, n) => general(`r${n}`, n)),
    general('sp', 13, 'data_ptr'),
    general('lr', 14),
    general('pc', 15, 'code_ptr'),
    word(
      'cpsr',
      (core) => core.CPSR,
      (core, value) => {
        core.CPSR = value;
      },
    ),
  ],
};

const VFP: Feature = {
  name: 'org.gnu.gdb.arm.vfp',
  registers: [
    ...Array.from({ length: 32 }, (_, n): GdbRegister => ({
      name: `d${n}`,
      size: 8,
      type: 'ieee_double',
      read: (core) => core.doubleword(n),
      write: (core, value) => {
        core.setDoubleword(n, BigInt.asUintN(64, value));
      },
    })),
    word(
      'fpscr',
      (core) => core.extension('FPSCR'),
      (core, value) => {
        core.setExtension('FPSCR', value);
      },
    ),
  ],
};

const BANKED: Feature = {
  name: 'org.hypberry.banked',
  registers: (Object.keys(bankedRegisters) as BankedRegister[]).map((name) =>
    word(
      name,
      (core) => core.banked(name),
      (core, value) => {
        core.setBanked(name, value);
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
    read: (core) => BigInt(core.system(readable, copy)),
    write: writable
      ? (core, value) => {
          if (readable.size === 64) core.setSystem(readable, BigInt.asUintN(64, value), copy);
          else core.setSystem(readable, Number(BigInt.asUintN(32, value)), copy);
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
