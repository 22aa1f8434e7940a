/** The loads and stores that generated cases are made of. */
import { coreRegisters, minus, r1, r3, r4 } from '../../src/isa/registers.js';

/** An instruction's name and operands, as the assembler takes them. */
export type Instruction = readonly [string, ...unknown[]];
type Register = (typeof coreRegisters)[number];
/** A load or store, or a few that belong together. */
export interface Pattern {
  readonly name: string;
  /** Bytes of one access; strict ones must be aligned to `align`. */
  readonly align: number;
  readonly strict?: boolean;
  /** What R1 is less than the address. */
  readonly offset?: number;
  readonly only?: 't32' | 'a32';
  readonly notInHyp?: boolean;
  readonly write?: boolean;
  readonly code: (rt: Register, thumb: boolean) => readonly Instruction[];
}
const one = (name: string, align: number, more: Partial<Pattern> = {}): Pattern[] => {
  const code = (operands: (rt: Register) => unknown[]) => (rt: Register) => [
    [name, rt, ...operands(rt)] as const,
  ];
  const write = name.startsWith('str');
  return [
    { name, align, write, ...more, code: code(() => [[r1]]) },
    { name: `${name} +`, align, write, ...more, offset: 4, code: code(() => [[r1, 4]]) },
    { name: `${name} -`, align, write, ...more, offset: -8, code: code(() => [[r1, -8]]) },
    { name: `${name} pre`, align, write, ...more, offset: 8, code: code(() => [[r1, 8], '!']) },
    { name: `${name} post`, align, write, ...more, code: code(() => [[r1], 12]) },
    { name: `${name} reg`, align, write, ...more, offset: 0x24, code: code(() => [[r1, r3]]) },
  ];
};
const unprivileged = (name: string, align: number): Pattern[] => [
  {
    ...{ name, align, only: 'a32', notInHyp: true, write: name.startsWith('str') },
    code: (rt) => [[name, rt, [r1], 4]],
  },
  {
    ...{ name, align, only: 't32', offset: 8, notInHyp: true, write: name.startsWith('str') },
    code: (rt) => [[name, rt, [r1, 8]]],
  },
];
const plain = (
  name: string,
  align: number,
  write: boolean,
  code: readonly Instruction[],
  more: Partial<Pattern> = {},
): Pattern => ({
  ...{ name, align, write, strict: true },
  ...more,
  code: () => code,
});
const [r2, r5, r6, r7] = [coreRegisters[2]!, coreRegisters[5]!, coreRegisters[6]!, coreRegisters[7]!];
/** Loads and stores of every kind; R1 is the base, R3 is 0x24. */
export const PATTERNS: readonly Pattern[] = [
  ...['ldr', 'str'].flatMap((name) => one(name, 4)),
  ...['ldrh', 'strh', 'ldrsh'].flatMap((name) => one(name, 2)),
  ...['ldrb', 'strb', 'ldrsb'].flatMap((name) => one(name, 1)),
  ...['ldrt', 'strt'].flatMap((name) => unprivileged(name, 4)),
  ...['ldrht', 'strht', 'ldrsht'].flatMap((name) => unprivileged(name, 2)),
  ...['ldrbt', 'strbt', 'ldrsbt'].flatMap((name) => unprivileged(name, 1)),
  plain('ldr minus', 4, false, [['ldr', r2, [r1, minus(r3)]]], { strict: false, offset: -0x24, only: 'a32' }),
  plain('ldrd', 4, false, [['ldrd', r6, r7, [r1]]]),
  plain('strd', 4, true, [['strd', r6, r7, [r1]]]),
  plain('strd pre', 4, true, [['strd', r6, r7, [r1, 8], '!']], { offset: 8 }),
  plain('ldm', 4, false, [['ldm', r1, [r2, r5, r7]]]),
  plain('ldm !', 4, false, [['ldm', r1, '!', [r2, r5, r7]]]),
  plain('stm', 4, true, [['stm', r1, [r2, r5, r7]]]),
  plain('stm !', 4, true, [['stm', r1, '!', [r2, r5, r7]]]),
  plain('stmdb !', 4, true, [['stmdb', r1, '!', [r2, r5]]], { offset: -8 }),
  plain('ldmdb', 4, false, [['ldmdb', r1, [r2, r5]]], { offset: -8 }),
  plain('ldrex', 4, false, [['ldrex', r2, [r1]]]),
  plain('strex', 4, true, [
    ['ldrex', r2, [r1]],
    ['strex', r4, r5, [r1]],
  ]),
  plain('strexb', 1, true, [
    ['ldrexb', r2, [r1]],
    ['strexb', r4, r5, [r1]],
  ]),
  plain('strexh', 2, true, [
    ['ldrexh', r2, [r1]],
    ['strexh', r4, r5, [r1]],
  ]),
  plain('strexd', 8, true, [
    ['ldrexd', r2, r3, [r1]],
    ['strexd', r4, r6, r7, [r1]],
  ]),
  plain('swp', 4, true, [['swp', r2, r5, [r1]]], { only: 'a32', notInHyp: true }),
  plain('swpb', 1, true, [['swpb', r2, r5, [r1]]], { only: 'a32', notInHyp: true }),
  plain(
    'pld',
    1,
    false,
    [
      ['pld', [r1]],
      ['ldrb', r2, [r1]],
    ],
    { strict: false },
  ),
];
