import { beforeAll, expect, test } from 'vitest';
import { ensureTools } from '../../../scripts/lib/tools.js';
import { a32Encodings } from '../../../src/arm/a32/index.js';
import { decodeA32 } from '../../../src/arm/decoder.js';
import { isUnpredictable } from '../../../src/arm/encoding.js';
import { seed } from '../generate.js';
import { LOAD_ADDRESS, constant, program, runHere, runInQemu } from './machines.js';
import { type Case, Cases, FLAGS, isUserLevel, STATE_WORDS } from './user-cases.js';

beforeAll(() => ensureTools(['qemu-user']), 300_000);

/** Cases for each encoding; CPU_CASES asks for more. */
const COUNT = Number(process.env['CPU_CASES'] ?? 60);

const hex = (value: number): string => value.toString(16).padStart(8, '0');

/** Makes a program that runs each case from its state and keeps the state after it. */
function assemble(cases: readonly Case[], dataAddress: number, scratchWords: Uint32Array) {
  const code: number[] = [...constant(13, dataAddress)];
  for (const { words } of cases) {
    code.push(0xe59d0038); // ldr r0, [sp, #56]
    code.push(0xe12cf000); // msr APSR_nzcvqg, r0
    code.push(0xe89d5fff); // ldm sp, {r0-r12, lr}
    code.push(...words);
    code.push(0xe88d5fff); // stm sp, {r0-r12, lr}
    code.push(0xe10f0000); // mrs r0, cpsr
    code.push(0xe58d0038); // str r0, [sp, #56]
    code.push(0xe28dd03c); // add sp, sp, #60
  }
  const data = new Uint32Array(cases.length * STATE_WORDS + scratchWords.length);
  cases.forEach(({ state }, i) => {
    data.set(state, i * STATE_WORDS);
  });
  data.set(scratchWords, cases.length * STATE_WORDS);
  return program(code, data);
}

const HARNESS_WORDS = 7;
const SCRATCH_BYTES = 16384;

test(`A32 in User mode does what qemu-arm does (seed ${seed})`, async () => {
  const encodings = a32Encodings.filter(isUserLevel);
  const rounds = COUNT;
  // Sizes first: the data's address decides the scratch's, which the cases need.
  const most = encodings.length * rounds;
  const dataAt = Math.ceil(((2 + most * (HARNESS_WORDS + 4) + 16) * 4) / 4096) * 4096;
  const scratch = { start: LOAD_ADDRESS + dataAt + most * STATE_WORDS * 4 + 4096, size: SCRATCH_BYTES };
  const maker = new Cases(1, scratch);
  const cases: Case[] = [];
  const reached = new Map<string, number>();
  let address = LOAD_ADDRESS + 8 + 12;
  for (let round = 0; round < rounds; round++) {
    for (const encoding of encodings) {
      let made: Case | undefined;
      for (let tries = 0; tries < 50 && !made; tries++) made = maker.make(encoding, address);
      if (!made) continue;
      reached.set(encoding.name, (reached.get(encoding.name) ?? 0) + 1);
      cases.push(made);
      address += (made.words.length + HARNESS_WORDS) * 4;
    }
  }
  expect(encodings.filter(({ name }) => !reached.has(name)).map(({ name }) => name)).toEqual([]);

  // Fill up so that the data is where the cases were told.
  const scratchWords = new Uint32Array(
    (scratch.start - LOAD_ADDRESS - dataAt) / 4 - cases.length * STATE_WORDS + SCRATCH_BYTES / 4,
  );
  scratchWords.forEach((_, i) => {
    scratchWords[i] = Math.imul(i + seed, 0x9e3779b1);
  });
  const built = assemble(cases, LOAD_ADDRESS + dataAt, scratchWords);
  const image = new Uint8Array(dataAt + built.image.length - built.data);
  image.set(built.image.subarray(0, built.data));
  image.set(built.image.subarray(built.data), dataAt);
  // Its end names where the data is.
  const moved = { image, data: dataAt };
  const words = new Uint32Array(image.buffer);
  const end = 2 + cases.reduce((sum, { words: it }) => sum + it.length + HARNESS_WORDS, 0);
  words.set(constant(1, LOAD_ADDRESS + dataAt), end + 1);

  const [here, there] = [await runHere(moved), runInQemu(moved)];
  const wrong: string[] = [];
  const names = [
    'r0',
    'r1',
    'r2',
    'r3',
    'r4',
    'r5',
    'r6',
    'r7',
    'r8',
    'r9',
    'r10',
    'r11',
    'r12',
    'lr',
    'flags',
  ];
  cases.forEach(({ name, words: code, state }, i) => {
    const differs: string[] = [];
    for (let r = 0; r < STATE_WORDS; r++) {
      const mask = r === 14 ? FLAGS : 0xffffffff;
      const [a, b] = [here[i * STATE_WORDS + r]! & mask, there[i * STATE_WORDS + r]! & mask];
      if (a !== b) differs.push(`${names[r]!} here ${hex(a >>> 0)}, QEMU ${hex(b >>> 0)}`);
    }
    if (differs.length)
      wrong.push(
        `${name} ${code.map(hex).join(' ')} from ${[...state].map(hex).join(' ')}: ${differs.join('; ')}`,
      );
  });
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(wrong.length).toBe(0);
  const scratchAt = cases.length * STATE_WORDS;
  const firstWrong = here.subarray(scratchAt).findIndex((value, i) => value !== there[scratchAt + i]);
  expect(firstWrong).toBe(-1);
  // Every case was what it says.
  for (const { name, words: code } of cases.slice(0, 1000)) {
    const decoded = decodeA32(code.length === 2 && name.startsWith('STREX') ? code[1]! : code[0]!);
    expect(decoded?.encoding.name).toBe(name);
    expect(isUnpredictable(decoded!.encoding, code[0]!, decoded!.fields)).toBe(false);
  }
}, 120_000);
