/** What the files of this folder say about a register: what reading and writing it do, and what traps it. */
import { maskOf } from '../../isa/bits.js';
import type { SystemRegister } from '../../isa/system-registers.js';
import * as R from '../../isa/system-registers.js';
import { MODE_USR } from '../../isa/program-status.js';
import { SCR_NS } from '../control-bits.js';
import { modeOf } from '../current-mode.js';
import type { Core, Machine, SystemBank } from '../state.js';
import { contextsChanged } from '../tlb.js';

/** How a register is reached. Whether it is banked and who is refused stands in the table of src/isa. */
export interface SystemAccess<Value extends number | bigint = number> {
  readonly read?: (m: Machine) => Value;
  readonly write?: (m: Machine, value: Value) => void;
  /** Whether User mode may; never if there is none. */
  readonly user?: (m: Machine, write: boolean) => boolean;
  /** Whether an access from Non-secure PL1 or PL0 goes to Hyp mode, beside HSTR. */
  readonly trap?: (m: Machine, write: boolean) => boolean;
}

/** Who else may, and what traps, for whatever is read and written. */
export type Conditions = Pick<SystemAccess, 'user' | 'trap'>;

type Directions<Value extends number | bigint, A> = A extends 'RO'
  ? { readonly read: (m: Machine) => Value; readonly write?: never }
  : A extends 'WO'
    ? { readonly read?: never; readonly write: (m: Machine, value: Value) => void }
    : { readonly read: (m: Machine) => Value; readonly write: (m: Machine, value: Value) => void };

/** The access that an entry of the table wants: read and write as it says. */
export type AccessTo<Register> = Register extends { readonly size: 64; readonly access: infer A }
  ? SystemAccess<bigint> & Directions<bigint, A>
  : Register extends { readonly size: 32; readonly access: infer A }
    ? SystemAccess & Directions<number, A>
    : never;

/** For every name in the table, how the register is reached; a file has those of its subject. */
export type Accesses = { readonly [Key in keyof typeof R]: AccessTo<(typeof R)[Key]> };

/** The copy that SCR.NS chooses, in Monitor mode too (B1.5.1, B3.15.3); Hyp mode sees the Non-secure one. */
export function bank(m: Machine): SystemBank {
  return m.core.SCR & SCR_NS ? m.core.nonSecure : m.core.secure;
}

/** The running core. */
export const core = (m: Machine): Core => m.core;

/** Names of fields that hold numbers. */
export type Numbers<T> = { [K in keyof T]: T[K] extends number ? K : never }[keyof T];
/** Names of fields that hold bigints. */
export type Bigints<T> = { [K in keyof T]: T[K] extends bigint ? K : never }[keyof T];

/** A register that the state has a field for by its name, in each copy if it is banked. */
type Kept<Banked extends boolean> = SystemRegister & {
  readonly banked: Banked;
  readonly name: Banked extends true ? Numbers<SystemBank> : Numbers<Core>;
};

/** Keeps what is written, as far as the table lets it be. */
export function stored<Banked extends boolean>(
  { name, writable, readable, banked }: Kept<Banked>,
  conditions: Conditions = {},
): Required<Pick<SystemAccess, 'read' | 'write'>> & Conditions {
  const owner = (banked ? bank : core) as unknown as (m: Machine) => Record<string, number>;
  const kept = writable & readable;
  return {
    read: (m) => owner(m)[name]!,
    write: (m, value) => {
      const it = owner(m);
      it[name] = ((it[name]! & ~kept) | (value & kept)) >>> 0;
    },
    ...conditions,
  };
}

/** The same for one that decides translations. */
export function storedContext<Banked extends boolean>(
  register: Kept<Banked>,
  conditions: Conditions = {},
): ReturnType<typeof stored> {
  const { read, write } = stored(register, {});
  return {
    read,
    write: (m, value) => {
      write(m, value);
      contextsChanged(m);
    },
    ...conditions,
  };
}

/** Reads as it is reset, and ignores writes. Throws a plain Error where the table says otherwise: its fault. */
export function ignored(
  { name, reset, writable }: SystemRegister & { readonly access: 'RW' },
  conditions: Conditions = {},
): Required<Pick<SystemAccess, 'read' | 'write'>> & Conditions {
  if (reset === undefined || writable !== 0) throw new Error(`${name} does not ignore writes`);
  return { read: () => reset, write: nothing, ...conditions };
}

/** What the table says it holds, always. Throws a plain Error where the table does not say: its fault. */
export function fixed(
  { name, reset }: SystemRegister & { readonly access: 'RO' },
  conditions: Conditions = {},
): { readonly read: (m: Machine) => number } & Conditions {
  if (reset === undefined) throw new Error(`the table has no value for ${name}`);
  return { read: () => reset, ...conditions };
}

/** An operation without effect here. */
export const nothing = (): undefined => undefined;

const ALL = 0xffffffff;
/** The 32 bits of a word, of a doubleword's lower half. */
export const MASK32 = 0xffffffffn;

/** Two words as a 64-bit register; the 32-bit view, if there is one, is the low word. Writes decide translations. */
export function wide<Owner>(
  owner: (m: Machine) => Owner,
  low: Numbers<Owner>,
  high: Numbers<Owner>,
  conditions: Conditions = {},
): Required<Pick<SystemAccess<bigint>, 'read' | 'write'>> & Conditions {
  type Words = Record<Numbers<Owner>, number>;
  return {
    read: (m) => {
      const it = owner(m) as Words;
      return (BigInt(it[high]) << 32n) | BigInt(it[low]);
    },
    write: (m, value) => {
      const it = owner(m) as Words;
      it[low] = Number(value & MASK32);
      it[high] = Number(value >> 32n);
      contextsChanged(m);
    },
    ...conditions,
  };
}

// Traps of HCR, HDCR and HSTR (B1.14).

const set = (word: number, bit: number): boolean => ((word >>> bit) & 1) === 1;

/** Whether a bit of HCR traps an access from PL1. */
export const hcr =
  (
    bit: keyof {
      [Name in keyof typeof R.HCR.bits as (typeof R.HCR.bits)[Name] extends number ? Name : never]: 1;
    },
  ) =>
  (m: Machine): boolean =>
    set(m.core.HCR, R.HCR.bits[bit]) && modeOf(m) !== MODE_USR;

/** HCR.TVM traps writes of the registers of virtual memory control. */
export const virtualMemory: Conditions = { trap: (m, write) => write && hcr('TVM')(m) };

/** Whether a bit of HDCR traps debug registers; TDE traps all of them. */
export const hdcr =
  (bit: 'TDRA' | 'TDOSA' | 'TDA') =>
  (m: Machine): boolean =>
    set(m.core.HDCR, R.HDCR.bits[bit]) || set(m.core.HDCR, R.HDCR.bits.TDE);

/** Whether a bit of HSTR traps ThumbEE or Jazelle registers. */
export const hstr =
  (bit: 'TTEE' | 'TJDBX') =>
  (m: Machine): boolean =>
    set(m.core.HSTR, R.HSTR.bits[bit]);

/**
 * What writes to a register tell of, once each time: its inert fields, where what is written is another than what they
 * are reset to.
 */
export function tellingOfInert({
  name,
  bits,
  inert,
  reset = 0,
}: SystemRegister): (m: Machine, value: number) => void {
  const fields = Object.entries(inert).map(([field, words]) => ({
    mask: field === '*' ? ALL : maskOf({ name, bits }, field),
    sentence: `${field === '*' ? name : `${name}.${field}`} is kept and does nothing: ${words}`,
  }));
  return ({ listener }, value) => {
    for (const { mask, sentence } of fields) if ((value ^ reset) & mask) listener?.withoutEffect?.(sentence);
  };
}
