/** The operand coders that only T32 has; see operands.ts. */
import { HypberryError } from '../base/errors.js';
import type { Coder } from './operands.js';
import {
  checkRange,
  coder,
  has,
  isNumber,
  register,
  registerName,
  relative,
  show,
  unsigned,
} from './operands.js';
import type { Condition, Label, Register, Shift } from './registers.js';
import { conditions, coreRegisters, lsl } from './registers.js';

/** An operand that must name the same register as the field already does. */
const same = (field: string): Coder<Register> => ({
  ...register(field),
  encode: ({ core }, known) => {
    if (core === known[field]) return {};
    throw new HypberryError(
      'asm.registers',
      `${registerName(core)} is not ${registerName(known[field]!)}, which the encoding wants here again`,
      'Use that register twice.',
    );
  },
});

/** The constant of a T32 modified immediate's 12 bits (ThumbExpandImm, A6.3.2). */
export function expandThumbImmediate(imm12: number): number {
  const imm8 = imm12 & 0xff;
  if (imm12 >> 10 === 0) return imm8 * [1, 0x10001, 0x1000100, 0x1010101][imm12 >> 8]!;
  const [value, rotation] = [0x80 | (imm12 & 0x7f), imm12 >> 7];
  return ((value >>> rotation) | (value << (32 - rotation))) >>> 0;
}

/** T32 modified immediates by their value. Of two encodings of a value the shorter rotation is taken. */
const thumbImmediates = new Map(
  Array.from({ length: 0x1000 }, (_, i) => 0xfff - i).map(
    (imm12) => [expandThumbImmediate(imm12), imm12] as const,
  ),
);

const modifiedImmediate = coder<number>({
  what: 'a constant',
  is: isNumber,
  encode: (value) => {
    const imm12 = value >= -0x80000000 ? thumbImmediates.get(value >>> 0) : undefined;
    if (imm12 !== undefined && value <= 0xffffffff) return { imm12 };
    throw new HypberryError(
      'asm.immediate',
      `${show(value)} cannot be a modified immediate: no shift of 8 bits gives it, and no repetition of them`,
      'Use movw and movt, compose it from two instructions, or load it from memory.',
    );
  },
  decode: ({ imm12 }) => expandThumbImmediate(imm12!),
  print: (value) => String(value | 0),
});

const signExtend = (value: number, width: number): number => (value << (32 - width)) >> (32 - width);

/** A branch by a signed number of halfwords in one field. */
const branch = (field: string, width: number): Coder<Label | number> =>
  relative(
    1,
    (distance) =>
      distance % 2 === 0 && distance >= -(2 ** width) && distance < 2 ** width
        ? { [field]: (distance >> 1) & (2 ** width - 1) }
        : undefined,
    (fields) => signExtend(fields[field]!, width) * 2,
    `this branch goes ${2 ** width} bytes either way`,
  );

/** The fields of a long branch: S, J1, J2, imm10, imm11. In B and BL, J1 and J2 hold NOT(I1 EOR S), NOT(I2 EOR S). */
const longBranch = (align: number): Coder<Label | number> =>
  relative(
    align,
    (distance) => {
      if (distance % align !== 0 || distance % 2 !== 0 || distance < -(2 ** 24) || distance >= 2 ** 24)
        return undefined;
      const S = distance < 0 ? 1 : 0;
      const bit = (n: number): number => (distance >> n) & 1;
      return {
        S,
        J1: 1 ^ bit(23) ^ S,
        J2: 1 ^ bit(22) ^ S,
        imm10: (distance >> 12) & 0x3ff,
        imm11: (distance >> 1) & 0x7ff,
      };
    },
    ({ S, J1, J2, imm10, imm11 }) => {
      const [I1, I2] = [1 ^ J1! ^ S!, 1 ^ J2! ^ S!];
      return signExtend((S! << 24) | (I1 << 23) | (I2 << 22) | (imm10! << 12) | (imm11! << 1), 25);
    },
    'this branch goes 16 MiB either way',
  );

/** A place after PC, by a number in a field. */
const forward = (field: string, width: number, step: number, align: number, sign: 1 | -1 = 1) =>
  relative(
    align,
    (distance) =>
      sign * distance >= 0 && sign * distance < 2 ** width * step && distance % step === 0
        ? { [field]: (sign * distance) / step }
        : undefined,
    (fields) => sign * fields[field]! * step,
    `the place must be within ${2 ** width * step - step} bytes ${sign === 1 ? 'after' : 'before'} PC`,
  );

/** The condition of IT, where the letters after IT say which of the next instructions have it and which its inverse. */
const firstCondition = (letters: string): Coder<Condition> => ({
  what: 'a condition',
  is: (value) => conditionNumber(value) !== undefined,
  encode: (value) => {
    const firstcond = conditionNumber(value)!;
    const low = firstcond & 1;
    const bits = letters.split('').map((letter) => (letter === 't' ? low : 1 - low));
    return { firstcond, mask: parseInt([...bits, 1].join('').padEnd(4, '0'), 2) };
  },
  decode: ({ firstcond }) => (conditions[firstcond!] ?? 'al') as Condition,
  print: String,
});

function conditionNumber(value: unknown): number | undefined {
  const names: readonly unknown[] = [...conditions, 'al'];
  const at = value === 'hs' ? 2 : value === 'lo' ? 3 : names.indexOf(value);
  return at < 0 ? undefined : at;
}

/** An index register's shift, LSL by 0 to 3. */
const shortShift = coder<Shift<'lsl'>>({
  what: 'a shift, LSL by 0 to 3',
  is: (value) => has('shift')(value) && (value as Shift).shift === 'lsl' && isNumber((value as Shift).by),
  omitted: lsl(0),
  encode: ({ by }) => {
    checkRange(by, 0, 3);
    return { imm2: by };
  },
  decode: ({ imm2 }) => lsl(imm2!),
  print: ({ by }) => `lsl #${by}`,
});

/** A number that may be left out where it is 0. */
const offset = (field: string, width: number, step = 1): Coder<number> => ({
  ...unsigned(field, width, { step }),
  omitted: 0,
});

/** Every coder under the name that syntax templates use. */
export const thumbCoders = {
  Rdn: register('Rdn'),
  Rdn_same: same('Rdn'),
  Rdm: register('Rdm'),
  Rdm_same: same('Rdm'),
  /** A register that stands in two fields (REV, CLZ, …), which must be alike. */
  RmTwice: coder<Register>({
    what: 'a register',
    is: has('core'),
    encode: ({ core }) => ({ Rm: core, Rm2: core }),
    decode: ({ Rm }) => coreRegisters[Rm!]!,
    print: ({ core }) => registerName(core),
  }),
  /** The number that RSB (immediate) subtracts from. */
  zero: coder<0>({
    what: '0',
    is: (value) => value === 0,
    encode: () => ({}),
    decode: () => 0,
    print: String,
  }),
  constT: modifiedImmediate,
  imm5x1: offset('imm5', 5),
  imm5x2: offset('imm5', 5, 2),
  imm5x4: offset('imm5', 5, 4),
  imm7x4: unsigned('imm7', 7, { step: 4 }),
  imm8: offset('imm8', 8),
  imm8x4: offset('imm8', 8, 4),
  imm12: offset('imm12', 12),
  minus_imm8: coder<number>({
    what: 'a number, 0 or below',
    is: isNumber,
    encode: (value) => {
      checkRange(value, -255, 0);
      return { imm8: -value };
    },
    decode: ({ imm8 }) => -imm8!,
    print: (value) => (value === 0 ? '-0' : String(value)),
  }),
  lsl2: shortShift,
  /** TBH's shift of its index. */
  lsl_one: coder<Shift<'lsl'>>({
    what: 'lsl(1)',
    is: (value) => has('shift')(value) && (value as Shift).shift === 'lsl' && (value as Shift).by === 1,
    encode: () => ({}),
    decode: () => lsl(1),
    print: () => 'lsl #1',
  }),
  branch8: branch('imm8', 8),
  branch11: branch('imm11', 11),
  /** B with a condition in 32 bits: S:J2:J1:imm6:imm11 halfwords. */
  branch20: relative(
    1,
    (distance) =>
      distance % 2 === 0 && distance >= -(2 ** 20) && distance < 2 ** 20
        ? {
            S: distance < 0 ? 1 : 0,
            J2: (distance >> 19) & 1,
            J1: (distance >> 18) & 1,
            imm6: (distance >> 12) & 0x3f,
            imm11: (distance >> 1) & 0x7ff,
          }
        : undefined,
    ({ S, J1, J2, imm6, imm11 }) =>
      signExtend((S! << 20) | (J2! << 19) | (J1! << 18) | (imm6! << 12) | (imm11! << 1), 21),
    'this branch goes 1 MiB either way',
  ),
  branch24T: longBranch(1),
  branch24TX: longBranch(4),
  cbz: forward('imm6', 6, 2, 1),
  literal8u: forward('imm8', 8, 4, 4),
  adrw_add: forward('imm12', 12, 1, 4),
  adrw_sub: forward('imm12', 12, 1, 4, -1),
  firstcond: firstCondition(''),
  firstcond_t: firstCondition('t'),
  firstcond_e: firstCondition('e'),
  firstcond_tt: firstCondition('tt'),
  firstcond_te: firstCondition('te'),
  firstcond_et: firstCondition('et'),
  firstcond_ee: firstCondition('ee'),
  firstcond_ttt: firstCondition('ttt'),
  firstcond_tte: firstCondition('tte'),
  firstcond_tet: firstCondition('tet'),
  firstcond_tee: firstCondition('tee'),
  firstcond_ett: firstCondition('ett'),
  firstcond_ete: firstCondition('ete'),
  firstcond_eet: firstCondition('eet'),
  firstcond_eee: firstCondition('eee'),
} as const;

/** The builder's type of every operand. */
export type ThumbOperands = {
  readonly [Name in keyof typeof thumbCoders]: ValueOf<(typeof thumbCoders)[Name]>;
};
type ValueOf<C> = C extends Coder<infer T> ? T : never;
