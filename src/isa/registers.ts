/** A core register, R0 to R15. */
export interface Register<N extends number = number> {
  readonly core: N;
}

/** A coprocessor, p0 to p15. */
export interface Coprocessor {
  readonly coprocessor: number;
}

/** A coprocessor register, c0 to c15. */
export interface CoprocessorRegister {
  readonly coprocessorRegister: number;
}

function core<N extends number>(n: N): Register<N> {
  return { core: n };
}

export const r0 = core(0);
export const r1 = core(1);
export const r2 = core(2);
export const r3 = core(3);
export const r4 = core(4);
export const r5 = core(5);
export const r6 = core(6);
export const r7 = core(7);
export const r8 = core(8);
export const r9 = core(9);
export const r10 = core(10);
export const r11 = core(11);
export const r12 = core(12);
export const sp = core(13);
export const lr = core(14);
export const pc = core(15);

/** R0 to R15 in order; 13 to 15 are SP, LR and PC. */
export const coreRegisters: readonly Register[] = [
  r0,
  r1,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  r9,
  r10,
  r11,
  r12,
  sp,
  lr,
  pc,
];

/** The coprocessors with instructions of their own name space: CP14 (debug, trace) and CP15 (system control). */
export const p14: Coprocessor = { coprocessor: 14 };
export const p15: Coprocessor = { coprocessor: 15 };

/** Coprocessor p`n`, 0 to 15. */
export function p(n: number): Coprocessor {
  return { coprocessor: n };
}

/** Coprocessor register c`n`, 0 to 15. */
export function c(n: number): CoprocessorRegister {
  return { coprocessorRegister: n };
}

/** The five kinds of shift, in the order of their `type` field (ROR by 0 encodes RRX). */
export const shiftNames = ['lsl', 'lsr', 'asr', 'ror', 'rrx'] as const;
export type ShiftName = (typeof shiftNames)[number];

/** A shift by a constant amount; RRX has amount 1. */
export interface Shift<Name extends ShiftName = ShiftName> {
  readonly shift: Name;
  readonly by: number;
}

/** A shift by the amount in a register's low byte. */
export interface RegisterShift {
  readonly shift: Exclude<ShiftName, 'rrx'>;
  readonly by: Register;
}

type Shifter<Name extends Exclude<ShiftName, 'rrx'>> = {
  (amount: number): Shift<Name>;
  (amount: Register): RegisterShift;
};

function shifter<Name extends Exclude<ShiftName, 'rrx'>>(shift: Name): Shifter<Name> {
  return ((by: number | Register) => ({ shift, by })) as Shifter<Name>;
}

/** Logical shift left, by 0 to 31 or a register. */
export const lsl = shifter('lsl');
/** Logical shift right, by 1 to 32 or a register. */
export const lsr = shifter('lsr');
/** Arithmetic shift right, by 1 to 32 or a register. */
export const asr = shifter('asr');
/** Rotate right, by 1 to 31 or a register. */
export const ror = shifter('ror');
/** Rotate right by one through the carry. */
export const rrx: Shift<'rrx'> = { shift: 'rrx', by: 1 };

/** A register that a memory operand subtracts: `[r1, -r2]` is `[r1, minus(r2)]`. */
export interface Minus {
  readonly minus: Register;
}

/** The index register of a memory operand, subtracted. */
export function minus(register: Register): Minus {
  return { minus: register };
}

/** The condition codes in the order of their encoding (A8.3); 14 is "always" and has no suffix. */
export const conditions = [
  'eq',
  'ne',
  'cs',
  'cc',
  'mi',
  'pl',
  'vs',
  'vc',
  'hi',
  'ls',
  'ge',
  'lt',
  'gt',
  'le',
] as const;
/** A condition's suffix; HS and LO are other names for CS and CC. */
export type Condition = (typeof conditions)[number] | 'hs' | 'lo';

/** The encoding of "always". */
export const ALWAYS = 14;

/** A place in the code under assembly. */
export interface Label {
  readonly label: string;
}
