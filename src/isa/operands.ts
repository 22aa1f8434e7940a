/**
 * The operand coders: how each `<operand>` of a syntax template stands in the fields of an encoding. Written once,
 * used by the assembler (encode), the disassembler (decode, print) and whoever reads operands of decoded words.
 */
import { HypberryError } from '../base/errors.js';
import { hex } from '../base/words.js';
import type { Fields } from './pattern.js';
import type {
  Coprocessor,
  CoprocessorRegister,
  Label,
  Minus,
  Register,
  RegisterShift,
  Shift,
} from './registers.js';
import { asr, c, coreRegisters, lsl, lsr, minus, p, pc, ror, rrx, shiftNames } from './registers.js';
import type { Access, SystemRegister, SystemRegister64 } from './system-registers.js';

/** Where an instruction stands, and where labels do. */
export interface Site {
  /** Address of the instruction's first byte. */
  readonly address: number;
  /** What reading PC gives is the address plus this: 8 in A32, 4 in T32. */
  readonly pcAhead: number;
  /** Where in an IT block the instruction is, if it is in one. */
  readonly inIT?: 'inside' | 'last';
  /** The address of a label. */
  locate(label: Label): number;
}

export interface Coder<T> {
  /** What it takes, for messages: "a register". */
  readonly what: string;
  /** Whether a value has the shape of this operand; whether it can be encoded is for `encode` to say. */
  is(value: unknown): boolean;
  /** The fields that hold the value. Throws `asm.*` where none do. */
  encode(value: T, known: Fields, site: Site): Record<string, number>;
  decode(fields: Fields, site: Site): T;
  print(value: T): string;
  /** The value meant where an optional operand is left out. */
  readonly omitted?: T;
  /** Whether decoded values are addresses. */
  readonly address?: true;
}

export const coder = <T>(it: Coder<T>): Coder<T> => it;
export const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value);
export const has =
  (key: string) =>
  (value: unknown): boolean =>
    typeof value === 'object' && value !== null && key in value;

/** A number for people: decimal while small, else hexadecimal. */
export function show(value: number): string {
  const digits = Math.abs(value) < 10 ? String(Math.abs(value)) : hex(Math.abs(value));
  return value < 0 || Object.is(value, -0) ? `-${digits}` : digits;
}

/** The name of a core register as objdump prints it. */
export function registerName(n: number): string {
  return ['sl', 'fp', 'ip', 'sp', 'lr', 'pc'][n - 10] ?? `r${n}`;
}

export const register = (field: string): Coder<Register> => ({
  what: 'a register',
  is: has('core'),
  encode: (value) => ({ [field]: value.core }),
  decode: (fields) => coreRegisters[fields[field]!]!,
  print: (value) => registerName(value.core),
});

function refuseRange(value: number, low: number, high: number, step = 1): never {
  throw new HypberryError(
    'asm.range',
    step !== 1 && value >= low && value <= high
      ? `${show(value)} is not a multiple of ${step}`
      : `${show(value)} is outside ${show(low)} to ${show(high)}`,
    step === 1
      ? 'Give a value in that range.'
      : `Give a multiple of ${step} from ${show(low)} to ${show(high)}.`,
  );
}

export function checkRange(value: number, low: number, high: number, step = 1): void {
  if (value < low || value > high || value % step !== 0) refuseRange(value, low, high, step);
}

/** An unsigned number in a field of its own, holding `(value - bias) / step`. */
export const unsigned = (field: string, width: number, { bias = 0, step = 1 } = {}): Coder<number> => ({
  what: 'a number',
  is: isNumber,
  encode: (value) => {
    checkRange(value - bias, 0, (2 ** width - 1) * step, step);
    return { [field]: (value - bias) / step };
  },
  decode: (fields) => fields[field]! * step + bias,
  print: String,
});

/** A magnitude in one field and its sign in U; -0 is the encoding that subtracts 0. */
const signed = (field: string, width: number, step = 1): Coder<number> => ({
  what: 'a number',
  is: isNumber,
  omitted: 0,
  encode: (value) => {
    const [most, size] = [(2 ** width - 1) * step, Math.abs(value)];
    if (size > most || size % step !== 0) refuseRange(value, -most, most, step);
    return { [field]: size / step, U: value < 0 || Object.is(value, -0) ? 0 : 1 };
  },
  decode: (fields) => (fields['U'] ? fields[field]! * step : -fields[field]! * step),
  print: (value) => (Object.is(value, -0) ? '-0' : String(value)),
});

/** A number of 8 bits and an explicit rotation, for modified immediates that are not the shortest. */
export interface Rotated {
  readonly imm8: number;
  readonly rotation: number;
}

/** A modified immediate with its rotation said: `imm8` rotated right by `rotation`, even, 0 to 30. */
export function rotated(imm8: number, rotation: number): Rotated {
  return { imm8, rotation };
}

const rotateLeft = (value: number, by: number): number =>
  ((value << by) | (by ? value >>> (32 - by) : 0)) >>> 0;

/** A32 modified immediate constants (A5.2.4): 8 bits rotated right by twice 4 bits. */
const modifiedImmediate: Coder<number | Rotated> = {
  what: 'a constant',
  is: (value) => isNumber(value) || has('imm8')(value),
  encode: (value) => {
    if (typeof value === 'object') {
      checkRange(value.imm8, 0, 255);
      checkRange(value.rotation, 0, 30, 2);
      return { imm12: ((value.rotation / 2) << 8) | value.imm8 };
    }
    for (let rotation = 0; rotation < 32 && value >= -0x80000000 && value <= 0xffffffff; rotation += 2) {
      const imm8 = rotateLeft(value, rotation);
      if (imm8 < 256) return { imm12: ((rotation / 2) << 8) | imm8 };
    }
    throw new HypberryError(
      'asm.immediate',
      `${show(value)} cannot be a modified immediate: no rotation of 8 bits gives it`,
      'Use movw and movt, compose it from two instructions, or load it from memory.',
    );
  },
  decode: ({ imm12 }) => {
    const [imm8, rotation] = [imm12! & 0xff, (imm12! >> 8) * 2];
    const value = rotateLeft(imm8, (32 - rotation) % 32);
    for (let shorter = 0; shorter < rotation; shorter += 2)
      if (rotateLeft(value, shorter) < 256) return rotated(imm8, rotation);
    return value;
  },
  print: (value) => (typeof value === 'object' ? `${value.imm8}, ${value.rotation}` : String(value | 0)),
};

/** Shift kind and amount out of type and imm5 (DecodeImmShift, A8.4.3). */
export function decodeShift(type: number, imm5: number): Shift {
  if (type === 3 && imm5 === 0) return rrx;
  return { shift: shiftNames[type]!, by: imm5 === 0 && type !== 0 ? 32 : imm5 };
}

function encodeShift({ shift, by }: Shift): { type: number; imm5: number } {
  if (shift === 'rrx') return { type: 3, imm5: 0 };
  if (shift === 'lsl') checkRange(by, 0, 31);
  else checkRange(by, 1, shift === 'ror' ? 31 : 32);
  return { type: shiftNames.indexOf(shift), imm5: by % 32 };
}

const isShift = (value: unknown): boolean => has('shift')(value) && typeof (value as Shift).by === 'number';
const printShift = ({ shift, by }: Shift): string => (shift === 'rrx' ? 'rrx' : `${shift} #${by}`);

/** A shift of one kind, its amount in imm5 (32 as 0). */
const onlyShift = <Name extends 'lsl' | 'asr'>(
  shift: Name,
  low: number,
  high: number,
): Coder<Shift<Name>> => ({
  what: `a shift, ${shift} by a constant`,
  is: (value) => isShift(value) && (value as Shift).shift === shift,
  ...(low === 0 ? { omitted: { shift, by: 0 } } : {}),
  encode: ({ by }) => {
    checkRange(by, low, high);
    return { imm5: by % 32 };
  },
  decode: ({ imm5 }) => ({ shift, by: low === 1 ? imm5! || 32 : imm5! }),
  print: printShift,
});

/** An address reached relative to PC. `encode` gets the distance from PC. */
export function relative(
  align: number,
  encode: (distance: number) => Record<string, number> | undefined,
  decode: (fields: Fields) => number,
  reach: string,
): Coder<Label | number> {
  // PC as the instruction sees it, aligned where the manual says Align(PC, 4).
  const base = (site: Site): number => Math.floor((site.address + site.pcAhead) / align) * align;
  return {
    what: 'a label or an address',
    address: true,
    is: (value) => isNumber(value) || has('label')(value),
    encode: (value, _known, site) => {
      const target = typeof value === 'number' ? value : site.locate(value);
      // Addresses wrap at 4 GiB.
      const fields = encode((target - base(site)) | 0);
      if (fields) return fields;
      throw new HypberryError(
        'asm.reach',
        `${show(target)} cannot be reached from ${show(site.address)}: ${reach}`,
        'Move the two nearer to each other, or go through a register.',
      );
    },
    decode: (fields, site) => (base(site) + decode(fields)) >>> 0,
    print: (value) => (typeof value === 'number' ? hex(value) : value.label),
  };
}

const signExtend = (value: number, width: number): number => (value << (32 - width)) >> (32 - width);
const within = (value: number, bits: number): boolean =>
  value >= -(2 ** (bits - 1)) && value < 2 ** (bits - 1);

/** A PC-relative place whose distance has its sign in U. */
export const literal = (field: string, width: number, step = 1): Coder<Label | number> =>
  relative(
    4,
    (distance) =>
      Math.abs(distance) < 2 ** width * step && distance % step === 0
        ? { [field]: Math.abs(distance) / step, U: distance < 0 ? 0 : 1 }
        : undefined,
    (fields) => (fields['U'] ? 1 : -1) * fields[field]! * step,
    `a literal must be within ${2 ** width * step - step} bytes of PC`,
  );

/** ADR's distance, a modified immediate added to PC (`sign` 1) or taken from it (-1). */
const adr = (sign: 1 | -1): Coder<Label | number> =>
  relative(
    4,
    (distance) => {
      try {
        return modifiedImmediate.encode((sign * distance) >>> 0, {}, nowhere);
      } catch {
        return undefined;
      }
    },
    (fields) => {
      const value = modifiedImmediate.decode(fields, nowhere);
      return sign * (typeof value === 'number' ? value : rotateLeft(value.imm8, (32 - value.rotation) % 32));
    },
    'its distance from PC must be a modified immediate',
  );

/** For coders that do not look at where the instruction stands. */
const nowhere: Site = {
  address: 0,
  pcAhead: 8,
  locate: () => {
    throw new Error('no labels here');
  },
};

/** A set of core registers, one bit each. */
const registerList = (field: string, width: number): Coder<readonly Register[]> => ({
  what: 'a list of registers',
  is: (value) => Array.isArray(value) && value.length > 0 && value.every(has('core')),
  encode: (value) => {
    let list = 0;
    for (const { core } of value) {
      if (core >= width || (list >> core) & 1) {
        throw new HypberryError(
          'asm.registers',
          core >= width
            ? `${registerName(core)} cannot be in this register list`
            : `${registerName(core)} stands twice in a register list`,
          'List each register once.',
        );
      }
      list |= 1 << core;
    }
    return { [field]: list };
  },
  decode: (fields) => coreRegisters.filter((_, n) => (fields[field]! >> n) & 1),
  print: (value) => `{${value.map(({ core }) => registerName(core)).join(', ')}}`,
});

const allRegisters = registerList('registers', 15);

/** One of a list of words, the field being its place in the list; where the word is empty, the number itself. */
export const word = <const W extends string>(
  field: string,
  words: readonly W[],
  omitted?: W,
): Coder<Exclude<W, ''> | ('' extends W ? number : never)> => ({
  what: `one of ${words.filter((it) => it !== '').join(', ')}`,
  is: (value) =>
    typeof value === 'number' ? words[value] === '' : words.some((it) => it === value && it !== ''),
  encode: (value) => ({ [field]: typeof value === 'number' ? value : words.indexOf(value) }),
  decode: (fields) => (words[fields[field]!] || fields[field]!) as Exclude<W, ''>,
  print: (value) => (typeof value === 'number' ? `#${value}` : value.toLowerCase()),
  ...(omitted === undefined ? {} : { omitted: omitted as Exclude<W, ''> }),
});

type PsrMask = 'c' | 'x' | 'xc' | 's' | 'sc' | 'sx' | 'sxc';
/** The parts of a program status register that MSR writes: control, extension, status, flags. */
export type StatusField = `${'CPSR' | 'SPSR'}_${PsrMask | 'f' | `f${PsrMask}`}`;
const maskLetters = ['c', 'x', 's', 'f'];
const printStatus = (value: string): string => value;

/** `<spec_reg>` of MSR: which register in R, which bytes in mask. */
const statusField = coder<StatusField>({
  what: 'a status register with fields, as SPSR_fsxc',
  is: (value) => typeof value === 'string' && /^[CS]PSR_f?s?x?c?$/.test(value) && !value.endsWith('_'),
  encode: (value) => ({
    R: value.startsWith('S') ? 1 : 0,
    mask: maskLetters.reduce((mask, letter, i) => mask | (value.slice(5).includes(letter) ? 1 << i : 0), 0),
  }),
  decode: ({ R, mask }) =>
    `${R ? 'SPSR' : 'CPSR'}_${maskLetters
      .filter((_, i) => (mask! >> i) & 1)
      .reverse()
      .join('')}` as StatusField,
  print: printStatus,
});

/** A register by its definition. The types leave out what cannot be read, or written. */
type Encoded32<A extends Access> = Pick<SystemRegister, 'coproc' | 'opc1' | 'CRn' | 'CRm' | 'opc2'> & {
  readonly access: A;
};
type Encoded64<A extends Access> = Pick<SystemRegister64, 'coproc' | 'opc1' | 'CRm'> & { readonly access: A };

const systemRegister = <A extends Access>(access: A): Coder<Encoded32<A | 'RW'>> => ({
  what: 'a 32-bit system register',
  is: (value) => has('CRn')(value),
  encode: ({ coproc, opc1, CRn, CRm, opc2 }) => ({ coproc, opc1, CRn, CRm, opc2 }),
  decode: ({ coproc, opc1, CRn, CRm, opc2 }) => ({
    access,
    coproc: coproc!,
    opc1: opc1!,
    CRn: CRn!,
    CRm: CRm!,
    opc2: opc2!,
  }),
  print: ({ coproc, opc1, CRn, CRm, opc2 }) => `p${coproc}_${opc1}_c${CRn}_c${CRm}_${opc2}`,
});

const systemRegister64 = <A extends Access>(access: A): Coder<Encoded64<A | 'RW'>> => ({
  what: 'a 64-bit system register',
  is: (value) => has('CRm')(value) && !has('CRn')(value),
  encode: ({ coproc, opc1, CRm }) => ({ coproc, opc1, CRm }),
  decode: ({ coproc, opc1, CRm }) => ({ access, coproc: coproc!, opc1: opc1!, CRm: CRm! }),
  print: ({ coproc, opc1, CRm }) => `p${coproc}_${opc1}_c${CRm}`,
});

const coprocessorRegister = (field: string): Coder<CoprocessorRegister> => ({
  what: 'a coprocessor register',
  is: has('coprocessorRegister'),
  encode: (value) => ({ [field]: value.coprocessorRegister }),
  decode: (fields) => c(fields[field]!),
  print: (value) => `c${value.coprocessorRegister}`,
});

/** Barrier domains and types by their option field (A8.8.43); the other values are reserved. */
const barrierOptions = [
  ...['', '', 'OSHST', 'OSH', '', '', 'NSHST', 'NSH'],
  ...['', '', 'ISHST', 'ISH', '', '', 'ST', 'SY'],
] as ('' | BarrierOption)[];
export type BarrierOption = 'OSHST' | 'OSH' | 'NSHST' | 'NSH' | 'ISHST' | 'ISH' | 'ST' | 'SY';

/** A number for the coprocessor in LDC and STC, written `{5}`. */
export interface CoprocessorOption {
  readonly option: number;
}

/** LDC's and STC's number for the coprocessor, 0 to 255. */
export function option(number: number): CoprocessorOption {
  return { option: number };
}

/** SYSm and R of MRS and MSR (banked register), tables B9-1 and B9-2: SYSm is M:M1. */
export const bankedRegisters = {
  R8_usr: { R: 0, M: 0, M1: 0 },
  R9_usr: { R: 0, M: 0, M1: 1 },
  R10_usr: { R: 0, M: 0, M1: 2 },
  R11_usr: { R: 0, M: 0, M1: 3 },
  R12_usr: { R: 0, M: 0, M1: 4 },
  SP_usr: { R: 0, M: 0, M1: 5 },
  LR_usr: { R: 0, M: 0, M1: 6 },
  R8_fiq: { R: 0, M: 0, M1: 8 },
  R9_fiq: { R: 0, M: 0, M1: 9 },
  R10_fiq: { R: 0, M: 0, M1: 10 },
  R11_fiq: { R: 0, M: 0, M1: 11 },
  R12_fiq: { R: 0, M: 0, M1: 12 },
  SP_fiq: { R: 0, M: 0, M1: 13 },
  LR_fiq: { R: 0, M: 0, M1: 14 },
  LR_irq: { R: 0, M: 1, M1: 0 },
  SP_irq: { R: 0, M: 1, M1: 1 },
  LR_svc: { R: 0, M: 1, M1: 2 },
  SP_svc: { R: 0, M: 1, M1: 3 },
  LR_abt: { R: 0, M: 1, M1: 4 },
  SP_abt: { R: 0, M: 1, M1: 5 },
  LR_und: { R: 0, M: 1, M1: 6 },
  SP_und: { R: 0, M: 1, M1: 7 },
  LR_mon: { R: 0, M: 1, M1: 12 },
  SP_mon: { R: 0, M: 1, M1: 13 },
  ELR_hyp: { R: 0, M: 1, M1: 14 },
  SP_hyp: { R: 0, M: 1, M1: 15 },
  SPSR_fiq: { R: 1, M: 0, M1: 14 },
  SPSR_irq: { R: 1, M: 1, M1: 0 },
  SPSR_svc: { R: 1, M: 1, M1: 2 },
  SPSR_abt: { R: 1, M: 1, M1: 4 },
  SPSR_und: { R: 1, M: 1, M1: 6 },
  SPSR_mon: { R: 1, M: 1, M1: 12 },
  SPSR_hyp: { R: 1, M: 1, M1: 14 },
} as const;
export type BankedRegister = keyof typeof bankedRegisters;

/** Every coder under the name that syntax templates use. */
export const coders = {
  Rd: register('Rd'),
  Rn: register('Rn'),
  Rm: register('Rm'),
  Ra: register('Ra'),
  Rs: register('Rs'),
  Rt: register('Rt'),
  Rt2: register('Rt2'),
  RdLo: register('RdLo'),
  RdHi: register('RdHi'),

  const: modifiedImmediate,
  imm3: unsigned('imm3', 3),
  imm4: unsigned('imm4', 4),
  imm5: unsigned('imm5', 5),
  imm16: unsigned('imm16', 16),
  imm24: unsigned('imm24', 24),
  offset12: signed('imm12', 12),
  offset8: signed('imm8', 8),
  offset8x4: signed('imm8', 8, 4),

  /** Shift of a register operand by a constant; left out means LSL #0. */
  shift: coder<Shift>({
    what: 'a shift by a constant',
    is: isShift,
    omitted: lsl(0),
    encode: encodeShift,
    decode: ({ type, imm5 }) => decodeShift(type!, imm5!),
    print: printShift,
  }),
  /** Shift of a register operand by a register. */
  shiftRs: coder<RegisterShift>({
    what: 'a shift by a register',
    is: (value) => has('shift')(value) && has('core')((value as RegisterShift).by),
    encode: ({ shift, by }) => ({ type: shiftNames.indexOf(shift), Rs: by.core }),
    decode: ({ type, Rs }) => [lsl, lsr, asr, ror][type!]!(coreRegisters[Rs!]!),
    print: ({ shift, by }) => `${shift} ${registerName(by.core)}`,
  }),
  /** An amount from 1 to 32, 32 written as 0. */
  imm5to32: coder<number>({
    what: 'a shift amount',
    is: isNumber,
    encode: (value) => {
      checkRange(value, 1, 32);
      return { imm5: value % 32 };
    },
    decode: ({ imm5 }) => imm5! || 32,
    print: String,
  }),

  /** PKHBT's shift, LSL alone, and PKHTB's, ASR alone. */
  lsl5: onlyShift('lsl', 0, 31),
  asr5: onlyShift('asr', 1, 32),
  /** The shift before saturation: LSL, or ASR where sh is 1. */
  satshift: coder<Shift<'lsl' | 'asr'>>({
    what: 'a shift, LSL or ASR by a constant',
    is: (value) => isShift(value) && ['lsl', 'asr'].includes((value as Shift).shift),
    omitted: lsl(0),
    encode: ({ shift, by }) => {
      if (shift === 'lsl') checkRange(by, 0, 31);
      else checkRange(by, 1, 32);
      return { sh: shift === 'asr' ? 1 : 0, imm5: by % 32 };
    },
    decode: ({ sh, imm5 }) => (sh ? asr(imm5! || 32) : lsl(imm5!)),
    print: printShift,
  }),
  /** Rotation by whole bytes. */
  rotation: coder<Shift<'ror'>>({
    what: 'a rotation, ror(8), ror(16) or ror(24)',
    is: (value) => isShift(value) && (value as Shift).shift === 'ror',
    omitted: ror(0),
    encode: ({ by }) => {
      checkRange(by, 0, 24, 8);
      return { rotate: by / 8 };
    },
    decode: ({ rotate }) => ror(rotate! * 8),
    print: printShift,
  }),
  sat_imm: unsigned('sat_imm', 5),
  sat_imm_less1: unsigned('sat_imm', 5, { bias: 1 }),
  lsb: unsigned('lsb', 5),
  /** A bit field's width, held as width less one. */
  width_m1: unsigned('widthm1', 5, { bias: 1 }),
  /** A bit field's width, held as the field's highest bit. */
  width_msb: coder<number>({
    what: 'a width in bits',
    is: isNumber,
    encode: (value, { lsb }) => {
      checkRange(value, 1, 32 - lsb!);
      return { msb: lsb! + value - 1 };
    },
    decode: ({ lsb, msb }) => msb! - lsb! + 1,
    print: String,
  }),

  /** An index register, added or subtracted. */
  index: coder<Register | Minus>({
    what: 'an index register',
    is: (value) => has('core')(value) || has('minus')(value),
    encode: (value) => ('minus' in value ? { Rm: value.minus.core, U: 0 } : { Rm: value.core, U: 1 }),
    decode: ({ Rm, U }) => (U ? coreRegisters[Rm!]! : minus(coreRegisters[Rm!]!)),
    print: (value) => ('minus' in value ? `-${registerName(value.minus.core)}` : registerName(value.core)),
  }),

  registers: registerList('registers', 16),
  registers15: registerList('registers', 15),
  /** A list that ends in PC, whose bit the pattern holds. */
  registers_pc: coder<readonly Register[]>({
    what: 'a list of registers with pc',
    is: (value) => Array.isArray(value) && value.every(has('core')) && value.includes(pc),
    encode: (value, known, site) =>
      allRegisters.encode(
        value.filter((it) => it.core !== 15),
        known,
        site,
      ),
    decode: (fields, site) => [...allRegisters.decode(fields, site), pc],
    print: (value) => allRegisters.print(value),
  }),
  /** The second register of a pair, always the next one. */
  Rt_next: coder<Register>({
    what: 'a register',
    is: has('core'),
    encode: ({ core }, { Rt }) => {
      if (core === Rt! + 1) return {};
      throw new HypberryError(
        'asm.registers',
        `${registerName(core)} does not follow ${registerName(Rt!)}`,
        'A pair is an even register and the next one.',
      );
    },
    decode: ({ Rt }) => coreRegisters[(Rt! + 1) % 16]!,
    print: ({ core }) => registerName(core),
  }),
  /** A list of one register, as PUSH and POP encode it. */
  Rt_list: coder<readonly [Register]>({
    what: 'a list of one register',
    is: (value) => Array.isArray(value) && value.length === 1 && has('core')(value[0]),
    encode: ([{ core }]) => ({ Rt: core }),
    decode: ({ Rt }) => [coreRegisters[Rt!]!],
    print: ([{ core }]) => `{${registerName(core)}}`,
  }),
  /** MRC's destination, where 15 is the flags. */
  Rt_or_APSR: coder<Register>({
    what: 'a register',
    is: has('core'),
    encode: ({ core }) => ({ Rt: core }),
    decode: ({ Rt }) => coreRegisters[Rt!]!,
    print: ({ core }) => (core === 15 ? 'APSR_nzcv' : registerName(core)),
  }),

  branch24: relative(
    1,
    (distance) =>
      distance % 4 === 0 && within(distance, 26) ? { imm24: (distance >> 2) & 0xffffff } : undefined,
    ({ imm24 }) => signExtend(imm24!, 24) * 4,
    'a branch goes 32 MiB either way, in steps of 4 bytes',
  ),
  branch24H: relative(
    1,
    (distance) =>
      distance % 2 === 0 && within(distance, 26)
        ? { imm24: (distance >> 2) & 0xffffff, H: (distance >> 1) & 1 }
        : undefined,
    ({ imm24, H }) => signExtend(imm24!, 24) * 4 + H! * 2,
    'a branch goes 32 MiB either way, in steps of 2 bytes',
  ),
  adrAdd: adr(1),
  adrSub: adr(-1),
  literal12: literal('imm12', 12),
  literal8: literal('imm8', 8),
  literal8x4: literal('imm8', 8, 4),

  coproc: coder<Coprocessor>({
    what: 'a coprocessor',
    is: has('coprocessor'),
    encode: (value) => ({ coproc: value.coprocessor }),
    decode: ({ coproc }) => p(coproc!),
    print: (value) => `p${value.coprocessor}`,
  }),
  CRd: coprocessorRegister('CRd'),
  CRn: coprocessorRegister('CRn'),
  CRm: coprocessorRegister('CRm'),
  opc1: unsigned('opc1', 4),
  opc2: unsigned('opc2', 3),
  readable: systemRegister('RO'),
  writable: systemRegister('WO'),
  readable64: systemRegister64('RO'),
  writable64: systemRegister64('WO'),

  option8: coder<CoprocessorOption>({
    what: 'an option for the coprocessor',
    is: has('option'),
    encode: (value) => {
      checkRange(value.option, 0, 255);
      return { imm8: value.option };
    },
    decode: ({ imm8 }) => option(imm8!),
    print: (value) => `{${value.option}}`,
  }),
  hint: { ...unsigned('hint', 8), print: (value: number) => `{${value}}` },
  /** A register of another mode (B9.2.3). */
  banked_reg: coder<BankedRegister>({
    what: 'a banked register, as SPSR_hyp or R8_usr',
    is: (value) => typeof value === 'string' && value in bankedRegisters,
    encode: (value) => bankedRegisters[value],
    decode: ({ R, M, M1 }) =>
      (Object.entries(bankedRegisters).find(([, it]) => it.R === R && it.M === M && it.M1 === M1)?.[0] ??
        `(UNDEF: ${M! * 16 + M1!})`) as BankedRegister,
    print: String,
  }),
  spec_reg: { ...word('R', ['CPSR', 'SPSR']), print: String },
  spec_reg_fields: statusField,
  mode: unsigned('mode', 5),
  /** The masks that CPSIE and CPSID change. */
  iflags: word('AIF', ['', 'f', 'i', 'if', 'a', 'af', 'ai', 'aif']),
  isb_option: word('option', [...Array<''>(15).fill(''), 'SY'], 'SY'),
  barrier: word('option', barrierOptions, 'SY'),
  endian: word('E', ['LE', 'BE']),
} as const;

/** The builder's type of every operand. */
export type Operands = { readonly [Name in keyof typeof coders]: ValueOf<(typeof coders)[Name]> };
type ValueOf<C> = C extends Coder<infer T> ? T : never;
