import { beforeAll, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import { a32Encodings } from '../../src/isa/a32/index.js';
import type { Encoding } from '../../src/isa/encoding.js';
import { t32Encodings } from '../../src/isa/t32/index.js';
import { seed } from '../isa/generate.js';
import { hex } from '../support/hex.js';
import { constant, LOAD_ADDRESS, programAt, runHere, runInQemu } from './machines.js';
import { type Case, Cases, FLAGS, isUserLevel, STATE_WORDS, type Word } from './user-cases.js';

beforeAll(() => ensureTools(['qemu-user']), 300_000);

/** Cases for each encoding; CPU_CASES asks for more. */
const COUNT = Number(process.env['CPU_CASES'] ?? 60);
const SCRATCH_BYTES = 16384;

const wide = (...words: number[]): Word[] => words.map((word) => ({ word, size: 4 }));

/** What stands around a case: its state comes from where SP points, and goes there. */
const harness = {
  a32: {
    start: [] as Word[],
    // ldr r0, [sp, #56]; msr APSR_nzcvqg, r0; ldm sp, {r0-r12, lr}
    before: wide(0xe59d0038, 0xe12cf000, 0xe89d5fff),
    // stm sp, {r0-r12, lr}; mrs r0, cpsr; str r0, [sp, #56]; add sp, sp, #60
    after: wide(0xe88d5fff, 0xe10f0000, 0xe58d0038, 0xe28dd03c),
    end: [] as Word[],
  },
  t32: {
    // add r0, pc, #1; bx r0
    start: wide(0xe28f0001, 0xe12fff10),
    before: wide(0xf8dd0038, 0xf3808c00, 0xe89d5fff),
    after: wide(0xe88d5fff, 0xf3ef8000, 0xf8cd0038, 0xf10d0d3c),
    // bx pc, nop: back to A32 at the next word
    end: [
      { word: 0x4778, size: 2 },
      { word: 0xbf00, size: 2 },
    ] as Word[],
  },
};

/** Bytes of instructions; T32 ones of four bytes have their first halfword first. */
function bytesOf(words: readonly Word[], thumb: boolean): number[] {
  return words.flatMap(({ word, size }) => {
    const halves = size === 2 ? [word] : thumb ? [word >>> 16, word] : [word, word >>> 16];
    return halves.flatMap((half) => [half & 0xff, (half >>> 8) & 0xff]);
  });
}

async function compare(set: 'a32' | 't32', encodings: readonly Encoding[]): Promise<void> {
  const thumb = set === 't32';
  const { start, before, after, end } = harness[set];
  const sizeOf = (words: readonly Word[]): number => words.reduce((sum, { size }) => sum + size, 0);
  // The data's place is known before the code's length is: there is room for the longest cases.
  const most = encodings.length * COUNT;
  const dataAt = Math.ceil((most * 44 + 256) / 4096) * 4096;
  const scratchAt = Math.ceil((most * STATE_WORDS * 4) / 4096) * 4096 + 4096;
  const dataAddress = LOAD_ADDRESS + dataAt;
  const maker = new Cases(thumb ? 2 : 1, { start: dataAddress + scratchAt, size: SCRATCH_BYTES }, thumb);

  const code = bytesOf([...wide(...constant(13, dataAddress)), ...start], false);
  const cases: Case[] = [];
  const reached = new Set<string>();
  for (let round = 0; round < COUNT; round++) {
    for (const encoding of encodings) {
      let made: Case | undefined;
      const address = LOAD_ADDRESS + code.length + sizeOf(before);
      for (let tries = 0; tries < 50 && !made; tries++) made = maker.make(encoding, address);
      if (!made) continue;
      reached.add(encoding.name);
      cases.push(made);
      for (const byte of bytesOf([...before, ...made.words, ...after], thumb)) code.push(byte);
    }
  }
  if (end.length) {
    if (code.length % 4) code.push(0x00, 0xbf);
    code.push(...bytesOf(end, thumb));
  }
  expect(encodings.filter(({ name }) => !reached.has(name)).map(({ name }) => name)).toEqual([]);

  const data = new Uint32Array((scratchAt + SCRATCH_BYTES) / 4);
  for (let i = scratchAt / 4; i < data.length; i++) data[i] = Math.imul(i + seed, 0x9e3779b1);
  cases.forEach(({ state }, i) => {
    data.set(state, i * STATE_WORDS);
  });
  const program = programAt(dataAt, Uint8Array.from(code), data);
  const [here, there] = [await runHere(program), runInQemu(program)];

  const names = [...Array.from({ length: 13 }, (_, n) => `r${n}`), 'lr', 'flags'];
  const wrong: string[] = [];
  cases.forEach(({ name, words, state }, i) => {
    const differs: string[] = [];
    for (let r = 0; r < STATE_WORDS; r++) {
      const mask = r === 14 ? FLAGS : 0xffffffff;
      const [a, b] = [here[i * STATE_WORDS + r]! & mask, there[i * STATE_WORDS + r]! & mask];
      if (a !== b) differs.push(`${names[r]!} here ${hex(a >>> 0)}, QEMU ${hex(b >>> 0)}`);
    }
    const text = words.map(({ word }) => hex(word)).join(' ');
    if (differs.length)
      wrong.push(`${name} ${text} from ${[...state].map(hex).join(' ')}: ${differs.join('; ')}`);
  });
  expect(wrong.slice(0, 20)).toEqual([]);
  const memory = data.length - SCRATCH_BYTES / 4;
  expect(here.findIndex((value, i) => i >= memory && value !== there[i])).toBe(-1);
  // The same where each block is translated.
  const translated = await runHere(program, 1);
  expect(translated.findIndex((value, i) => value !== here[i])).toBe(-1);
}

test(`A32 in User mode does what qemu-arm does (seed ${seed})`, async () => {
  await compare('a32', a32Encodings.filter(isUserLevel));
}, 120_000);

test(`T32 in User mode does what qemu-arm does (seed ${seed})`, async () => {
  await compare('t32', t32Encodings.filter(isUserLevel));
}, 120_000);
