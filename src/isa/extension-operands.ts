/** The operand coders of floating-point and Advanced SIMD instructions; see operands.ts. */
import { HypberryError } from '../base/errors.js';
import { hex } from '../base/words.js';
import type {
  Aligned,
  AllLanes,
  DoubleRegister,
  Lane,
  QuadRegister,
  SingleRegister,
} from './extension-registers.js';
import { aligned, allLanes, d, lane, q, s } from './extension-registers.js';
import type { Coder } from './operands.js';
import { checkRange, coder, has, isNumber, registerName, unsigned, word } from './operands.js';
import type { Fields } from './pattern.js';
import type { Register } from './registers.js';
import { coreRegisters } from './registers.js';

const single = (field: string, bit: string): Coder<SingleRegister> => ({
  what: 'an S register',
  is: has('single'),
  encode: ({ single }) => {
    checkRange(single, 0, 31);
    return { [field]: single >> 1, [bit]: single & 1 };
  },
  decode: (fields) => s(fields[field]! * 2 + fields[bit]!),
  print: (value) => `s${value.single}`,
});

const doubleFields = (field: string, bit: string, n: number): Record<string, number> => {
  checkRange(n, 0, 31);
  return { [field]: n & 15, [bit]: n >> 4 };
};
const doubleOf = (fields: Fields, field: string, bit: string): number => fields[bit]! * 16 + fields[field]!;

const double = (field: string, bit: string): Coder<DoubleRegister> => ({
  what: 'a D register',
  is: has('double'),
  encode: ({ double }) => doubleFields(field, bit, double),
  decode: (fields) => d(doubleOf(fields, field, bit)),
  print: (value) => `d${value.double}`,
});

const quad = (field: string, bit: string): Coder<QuadRegister> => ({
  what: 'a Q register',
  is: has('quad'),
  encode: ({ quad }) => doubleFields(field, bit, quad * 2),
  decode: (fields) => q(doubleOf(fields, field, bit) >> 1),
  print: (value) => `q${value.quad}`,
});

function refuseRegisters(problem: string, hint: string): never {
  throw new HypberryError('asm.registers', problem, hint);
}

/** An operand that must be the one before it once more, as in VCVT.F32.S16 S0, S0, #8. */
const again = <T>(inner: Coder<T>): Coder<T> => ({
  ...inner,
  encode: (value, known, site) => {
    const fields = inner.encode(value, known, site);
    if (Object.entries(fields).some(([field, number]) => known[field] !== number))
      refuseRegisters('the destination must be the source', 'Give the same register twice.');
    return {};
  },
});

/** The register after another, for pairs of S registers. */
const following = (field: string, bit: string): Coder<SingleRegister> => {
  const inner = single(field, bit);
  return {
    ...inner,
    encode: ({ single }, known) => {
      if (single !== known[field]! * 2 + known[bit]! + 1)
        refuseRegisters(`s${single} is not the next register`, 'Give two S registers in a row.');
      return {};
    },
    decode: (fields) => s((fields[field]! * 2 + fields[bit]! + 1) % 32),
  };
};

/** Whether numbers go up by `step` each time. */
const inSteps = (numbers: readonly number[], step: number): boolean =>
  numbers.every((n, i) => n === numbers[0]! + i * step);

/** A list of registers in a row, as VLDM has it: the first one's fields and their number in `regs`. */
const transferList = <T extends SingleRegister | DoubleRegister>(
  first: Coder<T>,
  letter: 's' | 'd',
  number: (register: T) => number,
  make: (n: number) => T,
): Coder<readonly T[]> => ({
  what: `a list of ${letter} registers in a row`,
  is: (value) => Array.isArray(value) && value.length > 0 && value.every((it) => first.is(it)),
  encode: (list, known, site) => {
    if (!inSteps(list.map(number), 1))
      refuseRegisters('the registers of a list must follow one another', 'Use two instructions.');
    return { ...first.encode(list[0]!, known, site), regs: list.length };
  },
  decode: (fields, site) => {
    const low = number(first.decode(fields, site));
    return Array.from({ length: fields['regs']! }, (_, i) => make(low + i));
  },
  print: (list) =>
    list.length === 1
      ? `{${letter}${number(list[0]!)}}`
      : `{${letter}${number(list[0]!)}-${letter}${number(list[list.length - 1]!)}}`,
});

/** A scalar of VMOV between core and extension registers: its index stands in opc, with what tells the size. */
const movedLane = (field: string, bit: string, size: 8 | 16 | 32): Coder<Lane> => ({
  what: 'an element of a D register',
  is: (value) => has('lane')(value) && isNumber((value as Lane).lane),
  encode: (value) => {
    checkRange(value.lane, 0, 64 / size - 1);
    const opc = { 8: 8 + value.lane, 16: value.lane * 2 + 1, 32: value.lane * 4 }[size];
    return { ...doubleFields(field, bit, value.of.double), opc };
  },
  decode: (fields) => {
    const opc = fields['opc']! & 7;
    return lane(d(doubleOf(fields, field, bit)), { 8: opc, 16: opc >> 1, 32: opc >> 2 }[size]);
  },
  print: printLane,
});

function printLane(value: Lane): string {
  return `d${value.of.double}[${value.lane}]`;
}

/** The scalar of an instruction of two registers and a scalar: 16 bits of D0 to D7, or 32 of D0 to D15. */
const multipliedLane = (size: 16 | 32): Coder<Lane> => ({
  what: 'an element of a D register',
  is: (value) => has('lane')(value) && isNumber((value as Lane).lane),
  encode: ({ of: { double }, lane }) => {
    checkRange(double, 0, size === 16 ? 7 : 15);
    checkRange(lane, 0, 64 / size - 1);
    return size === 16 ? { Vm: double | ((lane & 1) << 3), M: lane >> 1 } : { Vm: double, M: lane };
  },
  decode: (fields) => {
    const [Vm, M] = [fields['Vm']!, fields['M']!];
    return size === 16 ? lane(d(Vm & 7), M * 2 + (Vm >> 3)) : lane(d(Vm), M);
  },
  print: printLane,
});

/** The scalar of VDUP: its index and size stand in imm4. */
const duplicatedLane = (size: 8 | 16 | 32): Coder<Lane> => ({
  what: 'an element of a D register',
  is: (value) => has('lane')(value) && isNumber((value as Lane).lane),
  encode: ({ of, lane }) => {
    checkRange(lane, 0, 64 / size - 1);
    return { ...doubleFields('Vm', 'M', of.double), imm4: (lane * size) / 4 + size / 8 };
  },
  decode: (fields) => lane(d(doubleOf(fields, 'Vm', 'M')), Math.floor(fields['imm4']! / (size / 4))),
  print: printLane,
});

/** The number an 8-bit floating-point immediate stands for (A7.5.1): a sign, a fraction of 4 bits, 2^-3 to 2^4. */
export function expandFloat(imm8: number): number {
  const exponent = ((imm8 >> 4) & 7) ^ 4;
  return (imm8 & 0x80 ? -1 : 1) * (1 + (imm8 & 15) / 16) * 2 ** (exponent - 3);
}

const floatImmediate = coder<number>({
  what: 'a floating-point constant',
  is: (value) => typeof value === 'number',
  encode: (value) => {
    for (let imm8 = 0; imm8 < 256; imm8++) if (expandFloat(imm8) === value) return { imm8 };
    throw new HypberryError(
      'asm.immediate',
      `${value} cannot be a floating-point immediate`,
      'They are 1.0 to 1.9375 in sixteenths, times 2^-3 to 2^4, of either sign; load others from memory.',
    );
  },
  decode: ({ imm8 }) => expandFloat(imm8!),
  print: (value) => (Number.isInteger(value) ? `${value}.0` : String(value)),
});

/** What an Advanced SIMD modified immediate is in one element of its type (A7.4.6, AdvSIMDExpandImm). */
export function expandElement(cmode: number, imm8: number): number {
  switch (cmode >> 1) {
    case 0:
    case 1:
    case 2:
    case 3:
      return (imm8 << (8 * (cmode >> 1))) >>> 0;
    case 4:
      return imm8;
    case 5:
      return imm8 << 8;
    case 6:
      return cmode & 1 ? (imm8 << 16) | 0xffff : (imm8 << 8) | 0xff;
    default:
      return imm8;
  }
}

/** A modified immediate whose kind is one of several cmodes; `value` below 0 means its two's complement. */
const vectorImmediate = (size: 8 | 16 | 32, cmodes: readonly number[]): Coder<number> => ({
  what: 'a constant',
  is: isNumber,
  encode: (value) => {
    checkRange(value, -(2 ** (size - 1)), 2 ** size - 1);
    const wanted = value < 0 ? value + 2 ** size : value;
    for (const cmode of cmodes) {
      for (let imm8 = 0; imm8 < 256; imm8++)
        if (expandElement(cmode, imm8) === wanted) return { cmode, imm8 };
    }
    throw new HypberryError(
      'asm.immediate',
      `${value} cannot be an Advanced SIMD immediate of ${size} bits`,
      'One byte of it may be free; the others are zeros, or ones below it.',
    );
  },
  decode: ({ cmode, imm8 }) => expandElement(cmode!, imm8!),
  print: (value) => String(size === 32 ? value | 0 : value),
});

/** The 64-bit element whose bytes are 0 or 255 by the bits of imm8. */
export function expandBytes(imm8: number): bigint {
  let value = 0n;
  for (let i = 0; i < 8; i++) if ((imm8 >> i) & 1) value |= 0xffn << BigInt(8 * i);
  return value;
}

/** A shift to the right by 1 to `size`: L:imm6 is twice the size less the shift, L being 1 for 64 bits only. */
const shiftRight = (size: number): Coder<number> => ({
  what: 'a shift amount',
  is: isNumber,
  encode: (value) => {
    checkRange(value, 1, size);
    return { imm6: (2 * size - value) % 64 };
  },
  decode: ({ imm6 }) => (size === 64 ? 64 : 2 * size) - imm6!,
  print: String,
});

/** A shift to the left by 0 to `size` - 1: L:imm6 is the size plus the shift. */
const shiftLeft = (size: number): Coder<number> => ({
  what: 'a shift amount',
  is: isNumber,
  encode: (value) => {
    checkRange(value, 0, size - 1);
    return { imm6: (size + value) % 64 };
  },
  decode: ({ imm6 }) => imm6! - (size % 64),
  print: String,
});

/** A list of D registers in steps; where they stand and what else is said of the list is for `shape` to tell. */
const vectorList = (
  shapes: readonly { count: number; step: number; fields: Readonly<Record<string, number>> }[],
): Coder<readonly DoubleRegister[]> => ({
  what: `a list of ${shapes.map(({ count }) => count).join(' or ')} D registers`,
  is: (value) => Array.isArray(value) && value.every(has('double')),
  encode: (list) => {
    const numbers = list.map(({ double }) => double);
    const shape = shapes.find(({ count, step }) => count === list.length && inSteps(numbers, step));
    if (!shape) refuseRegisters(`{${numbers.map((n) => `d${n}`).join(', ')}} is no list this takes`, steps);
    return { ...doubleFields('Vd', 'D', numbers[0]!), ...shape.fields };
  },
  decode: (fields) => {
    const { count, step } = shapes.find(({ fields: told }) =>
      Object.entries(told).every(([field, value]) => fields[field] === value),
    )!;
    const first = doubleOf(fields, 'Vd', 'D');
    return Array.from({ length: count }, (_, i) => d(first + i * step));
  },
  print: (list) => printList(list.map(({ double }) => double)),
});
const steps = 'The registers go up in steps of one, or of two where there are two or more.';

function printList(numbers: readonly number[]): string {
  const names = numbers.map((n) => `d${n}`);
  return names.length > 1 && inSteps(numbers, 1)
    ? `{${names[0]!}-${names[names.length - 1]!}}`
    : `{${names.join(',')}}`;
}

/** A list of `count` lanes of `size` bits, all of one index; index and step stand in index_align. */
const laneList = (count: number, size: 8 | 16 | 32): Coder<readonly Lane[]> => {
  const indexBit = { 8: 1, 16: 2, 32: 3 }[size];
  // Lists of several registers may go in steps of two, but for bytes.
  const stepBit = size === 8 || count === 1 ? undefined : indexBit - 1;
  return {
    what: `a list of ${count} elements`,
    is: (value) =>
      Array.isArray(value) &&
      value.length === count &&
      value.every((it) => has('lane')(it) && isNumber((it as Lane).lane)),
    encode: (list) => {
      const [{ of, lane: index }, second] = list as readonly [Lane, Lane | undefined];
      checkRange(index, 0, 64 / size - 1);
      const numbers = list.map((it) => it.of.double);
      const step = second ? second.of.double - of.double : 1;
      if (
        list.some((it) => it.lane !== index) ||
        !inSteps(numbers, step) ||
        ![1, stepBit && 2].includes(step)
      )
        refuseRegisters(`${list.map(printLane).join(', ')} is no list this takes`, steps);
      const index_align = (index << indexBit) | (step === 2 ? 1 << stepBit! : 0);
      return { ...doubleFields('Vd', 'D', of.double), index_align };
    },
    decode: (fields) => {
      const value = fields['index_align']!;
      const step = stepBit !== undefined && (value >> stepBit) & 1 ? 2 : 1;
      const first = doubleOf(fields, 'Vd', 'D');
      return Array.from({ length: count }, (_, i) => lane(d(first + i * step), value >> indexBit));
    },
    print: (list) => `{${list.map(printLane).join(',')}}`,
  };
};

/** A list of registers loaded in all lanes: T says one or two registers for VLD1, or the step. */
const allLanesList = (
  counts: readonly number[],
  shape: (count: number, step: number) => number,
  of: (T: number) => { count: number; step: number },
): Coder<readonly AllLanes[]> => ({
  what: `a list of ${counts.join(' or ')} registers with []`,
  is: (value) =>
    Array.isArray(value) &&
    counts.includes(value.length) &&
    value.every((it) => has('lane')(it) && (it as Lane | AllLanes).lane === 'all'),
  encode: (list) => {
    const numbers = list.map((it) => it.of.double);
    const step = numbers.length > 1 ? numbers[1]! - numbers[0]! : 1;
    if (!inSteps(numbers, step) || ![1, 2].includes(step) || of(shape(list.length, step)).step !== step)
      refuseRegisters(`${numbers.map((n) => `d${n}[]`).join(', ')} is no list this takes`, steps);
    return { ...doubleFields('Vd', 'D', numbers[0]!), T: shape(list.length, step) };
  },
  decode: (fields) => {
    const { count, step } = of(fields['T']!);
    const first = doubleOf(fields, 'Vd', 'D');
    return Array.from({ length: count }, (_, i) => allLanes(d(first + i * step)));
  },
  print: (list) => `{${list.map((it) => `d${it.of.double}[]`).join(',')}}`,
});
const oneOrTwo = allLanesList(
  [1, 2],
  (count) => count - 1,
  (T) => ({ count: T + 1, step: 1 }),
);
const stepped = (count: number): Coder<readonly AllLanes[]> =>
  allLanesList(
    [count],
    (_, step) => step - 1,
    (T) => ({ count, step: T + 1 }),
  );

/** A base register with the alignments it may have, each with what it sets in a field, 0 for none. */
const base = (field: string, aligns: Readonly<Record<number, number>>): Coder<Register | Aligned> => ({
  what: 'a base register, aligned or not',
  is: (value) => has('core')(value) || has('align')(value),
  encode: (value, known) => {
    const before = known[field] ?? 0;
    if ('core' in value) return { Rn: value.core, [field]: before };
    const bits = aligns[value.align];
    if (bits === undefined) {
      throw new HypberryError(
        'asm.range',
        `:${value.align} is no alignment this takes`,
        `It takes ${Object.keys(aligns)
          .map((it) => `:${it}`)
          .join(', ')} or none.`,
      );
    }
    return { Rn: value.base.core, [field]: before | bits };
  },
  decode: (fields) => {
    const register = coreRegisters[fields['Rn']!]!;
    const mask = Object.values(aligns).reduce((all, it) => all | it, 0);
    const found = Object.entries(aligns).find(([, bits]) => bits === (fields[field]! & mask));
    return found ? aligned(register, Number(found[0])) : register;
  },
  print: (value) =>
    'core' in value ? registerName(value.core) : `${registerName(value.base.core)} :${value.align}`,
});
const plainBase = coder<Register>({
  what: 'a base register',
  is: has('core'),
  encode: (value) => ({ Rn: value.core }),
  decode: ({ Rn }) => coreRegisters[Rn!]!,
  print: (value) => registerName(value.core),
});

const shapes = {
  VLD1: [
    { count: 1, step: 1, fields: { type: 7 } },
    { count: 2, step: 1, fields: { type: 10 } },
    { count: 3, step: 1, fields: { type: 6 } },
    { count: 4, step: 1, fields: { type: 2 } },
  ],
  VLD2: [
    { count: 2, step: 1, fields: { type: 8 } },
    { count: 2, step: 2, fields: { type: 9 } },
    { count: 4, step: 1, fields: { type: 3 } },
  ],
  VLD3: [
    { count: 3, step: 1, fields: { inc: 0 } },
    { count: 3, step: 2, fields: { inc: 1 } },
  ],
  VLD4: [
    { count: 4, step: 1, fields: { inc: 0 } },
    { count: 4, step: 2, fields: { inc: 1 } },
  ],
} as const;

/** A number of fraction bits: what is left of the size stands in imm4:i. */
const fractionBits = (size: 16 | 32): Coder<number> => ({
  what: 'a number of fraction bits',
  is: isNumber,
  encode: (value) => {
    checkRange(value, size === 16 ? 0 : 1, size);
    return { imm4: (size - value) >> 1, i: (size - value) & 1 };
  },
  decode: (fields) => size - (fields['imm4']! * 2 + fields['i']!),
  print: String,
});

const movedTypes = [0, 2, 4, 6, 12, 13];

/** Every coder under the name that syntax templates use. */
export const extensionCoders = {
  Sd: single('Vd', 'D'),
  Sn: single('Vn', 'N'),
  Sm: single('Vm', 'M'),
  Sm_next: following('Vm', 'M'),
  Sd_again: again(single('Vd', 'D')),
  Dd: double('Vd', 'D'),
  Dn: double('Vn', 'N'),
  Dm: double('Vm', 'M'),
  Dd_again: again(double('Vd', 'D')),
  Qd: quad('Vd', 'D'),
  Qn: quad('Vn', 'N'),
  Qm: quad('Vm', 'M'),
  /** The one register of VMOV, which VORR has twice. */
  Dm_twice: coder<DoubleRegister>({
    ...double('Vm', 'M'),
    encode: ({ double }) => ({ ...doubleFields('Vm', 'M', double), ...doubleFields('Vn', 'N', double) }),
  }),
  Qm_twice: coder<QuadRegister>({
    ...quad('Vm', 'M'),
    encode: ({ quad }) => ({ ...doubleFields('Vm', 'M', quad * 2), ...doubleFields('Vn', 'N', quad * 2) }),
  }),

  Slist: transferList(single('Vd', 'D'), 's', (it) => it.single, s),
  Dlist: transferList(double('Vd', 'D'), 'd', (it) => it.double, d),

  Dd_lane8: movedLane('Vd', 'D', 8),
  Dd_lane16: movedLane('Vd', 'D', 16),
  Dd_lane32: movedLane('Vd', 'D', 32),
  Dn_lane8: movedLane('Vn', 'N', 8),
  Dn_lane16: movedLane('Vn', 'N', 16),
  Dn_lane32: movedLane('Vn', 'N', 32),
  Dm_by16: multipliedLane(16),
  Dm_by32: multipliedLane(32),
  Dm_dup8: duplicatedLane(8),
  Dm_dup16: duplicatedLane(16),
  Dm_dup32: duplicatedLane(32),

  float8: floatImmediate,
  imm_I8: vectorImmediate(8, [14]),
  imm_I16: vectorImmediate(16, [8, 10]),
  imm_I32: vectorImmediate(32, movedTypes),
  imm_I64: coder<bigint>({
    what: 'a 64-bit constant, a bigint',
    is: (value) => typeof value === 'bigint',
    encode: (value) => {
      for (let imm8 = 0; imm8 < 256; imm8++)
        if (expandBytes(imm8) === BigInt.asUintN(64, value)) return { imm8 };
      throw new HypberryError(
        'asm.immediate',
        `${hex(value)} cannot be an Advanced SIMD immediate`,
        'Each of its bytes must be 0 or 255.',
      );
    },
    decode: ({ imm8 }) => expandBytes(imm8!),
    print: (value) => hex(value, 16),
  }),
  /** Immediates of VORR and VBIC, which have odd cmodes. */
  imm_logic16: vectorImmediate(16, [9, 11]),
  imm_logic32: vectorImmediate(32, [1, 3, 5, 7]),

  zero: coder<0>({
    what: 'the number 0',
    is: (value) => value === 0,
    encode: () => ({}),
    decode: () => 0,
    print: String,
  }),
  zero_float: coder<0>({
    what: 'the number 0',
    is: (value) => value === 0,
    encode: () => ({}),
    decode: () => 0,
    print: () => '0.0',
  }),

  right8: shiftRight(8),
  right16: shiftRight(16),
  right32: shiftRight(32),
  right64: shiftRight(64),
  left8: shiftLeft(8),
  left16: shiftLeft(16),
  left32: shiftLeft(32),
  left64: shiftLeft(64),
  /** The shift of VSHLL by the whole size. */
  whole8: wholeShift(8),
  whole16: wholeShift(16),
  whole32: wholeShift(32),
  /** VEXT's first byte, which counts elements of the size. */
  ext8: unsigned('imm4', 4),
  fbits16: fractionBits(16),
  fbits32: fractionBits(32),

  vfp_system: word('reg', [
    ...(['FPSID', 'FPSCR', '', '', '', '', 'MVFR1', 'MVFR0', 'FPEXC', 'FPINST', 'FPINST2'] as const),
    ...(['', '', '', '', ''] as const),
  ]),

  list1: vectorList(shapes.VLD1),
  list2: vectorList(shapes.VLD2),
  list3: vectorList(shapes.VLD3),
  list4: vectorList(shapes.VLD4),
  lanes1x8: laneList(1, 8),
  lanes1x16: laneList(1, 16),
  lanes1x32: laneList(1, 32),
  lanes2x8: laneList(2, 8),
  lanes2x16: laneList(2, 16),
  lanes2x32: laneList(2, 32),
  lanes3x8: laneList(3, 8),
  lanes3x16: laneList(3, 16),
  lanes3x32: laneList(3, 32),
  lanes4x8: laneList(4, 8),
  lanes4x16: laneList(4, 16),
  lanes4x32: laneList(4, 32),
  all1: oneOrTwo,
  all2: stepped(2),
  all3: stepped(3),
  all4: stepped(4),
  /** The table of VTBL: one to four registers. */
  table: coder<readonly DoubleRegister[]>({
    what: 'a list of one to four D registers',
    is: (value) => Array.isArray(value) && value.length > 0 && value.every(has('double')),
    encode: (list) => {
      checkRange(list.length, 1, 4);
      const numbers = list.map(({ double }) => double);
      if (!inSteps(numbers, 1))
        refuseRegisters('the registers of a table must follow one another', 'Move them together.');
      return { ...doubleFields('Vn', 'N', numbers[0]!), len: list.length - 1 };
    },
    decode: (fields) =>
      Array.from({ length: fields['len']! + 1 }, (_, i) => d(doubleOf(fields, 'Vn', 'N') + i)),
    print: (list) => printList(list.map(({ double }) => double)),
  }),

  base64to256: base('align', { 64: 1, 128: 2, 256: 3 }),
  base64: base('align', { 64: 1 }),
  base_plain: plainBase,
  base_lanes1x8: plainBase,
  base_lanes1x16: base('index_align', { 16: 1 }),
  base_lanes1x32: base('index_align', { 32: 3 }),
  base_lanes2x8: base('index_align', { 16: 1 }),
  base_lanes2x16: base('index_align', { 32: 1 }),
  base_lanes2x32: base('index_align', { 64: 1 }),
  base_lanes4x8: base('index_align', { 32: 1 }),
  base_lanes4x16: base('index_align', { 64: 1 }),
  base_lanes4x32: base('index_align', { 64: 1, 128: 2 }),
  base_all8: base('a', {}),
  base_all16: base('a', { 16: 1 }),
  base_all32: base('a', { 32: 1 }),
  base_all64: base('a', { 64: 1 }),
  base_all128: base('a', { 128: 1 }),
} as const;

function wholeShift(size: number): Coder<number> {
  return {
    what: `the number ${size}`,
    is: (value) => value === size,
    encode: () => ({}),
    decode: () => size,
    print: String,
  };
}

/** The builder's type of every operand. */
export type ExtensionOperands = {
  readonly [Name in keyof typeof extensionCoders]: (typeof extensionCoders)[Name] extends Coder<infer T>
    ? T
    : never;
};
