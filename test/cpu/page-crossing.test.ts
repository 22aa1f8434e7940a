/** T32 instructions that begin in one page and end in the next: blocks with them are kept, and what is behind may change. */
import { describe, expect, test } from 'vitest';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { setCpsr } from '../../src/cpu/modes.js';
import { contextsChanged, flushTlb } from '../../src/cpu/tlb.js';
import { MODE_SVC, PSR_A, PSR_F, PSR_I, PSR_T } from '../../src/isa/program-status.js';
import { ramWords } from '../support/ram.js';
import { bareCpu } from './machines.js';

const PAGE = 0x1000;
/** Physical pages: one with the beginning, two with an end each. */
const [FIRST, SECOND, OTHER] = [0x20_0000, 0x30_0000, 0x40_0000];
/** Virtual ones: each followed by the one that is to be behind it. */
const [HERE, THERE] = [0x8000_0000, 0x8001_0000];
const [LEVEL_1, LEVEL_2] = [0x1_0000, 0x1_4000];
/** Small page, Normal memory, read and written by PL1 (DDI 0406C B3.5.1). */
const SMALL = 0x01e;
const TABLE = 1;

const [ADDS_R0_1, ADDS_R5_R1, SUBS_R2_1, NOP, STAY] = [0x3001, 0x186d, 0x3a01, 0xbf00, 0xe7fe];
/** MOVW R1, #n for n below 256 (A8.8.102, T3). */
const MOVW = (n: number): [number, number] => [0xf240, 0x0100 | n];
/** B<c> (A8.8.18, T1) and B (T2), from one place in the code to another. */
const BNE = (from: number, to: number): number => 0xd100 | (((to - from - 4) >> 1) & 0xff);
const B = (from: number, to: number): number => 0xe000 | (((to - from - 4) >> 1) & 0x7ff);

const halfwords = (...words: readonly number[]): Uint8Array => new Uint8Array(Uint16Array.from(words).buffer);

/** R0 counts times, R5 sums what MOVW across the pages gives, R2 is how often. */
const LOOP = PAGE - 6;
const [beginning, end] = MOVW(0);
const head = [ADDS_R0_1, NOP, beginning];
const tail = (n: number): number[] => [end | n, ADDS_R5_R1, SUBS_R2_1, BNE(PAGE + 6, LOOP), STAY];

function map(cpu: Cpu, virtual: number, physical: number): void {
  ramWords(cpu, LEVEL_2)[(virtual >>> 12) & 0xff] = physical | SMALL;
}

async function start(translates: 'never' | 'hot' | number): Promise<Cpu> {
  const cpu = await bareCpu();
  cpu.translates = translates;
  ramWords(cpu, LEVEL_1)[HERE >>> 20] = LEVEL_2 | TABLE;
  for (const [virtual, physical] of [
    [HERE, FIRST],
    [HERE + PAGE, SECOND],
    [THERE, FIRST],
    [THERE + PAGE, OTHER],
  ] as const)
    map(cpu, virtual, physical);
  cpu.memory.load(FIRST + LOOP, halfwords(...head));
  cpu.memory.load(SECOND, halfwords(...tail(3)));
  cpu.memory.load(OTHER, halfwords(...tail(5)));
  const { machine: m } = cpu;
  Object.assign(m.core.secure, { TTBR0: LEVEL_1, DACR: 1, SCTLR: m.core.secure.SCTLR | 1 });
  setCpsr(m, MODE_SVC | PSR_A | PSR_I | PSR_F | PSR_T);
  contextsChanged(m);
  return cpu;
}

/** Runs the loop so often from an address; gives what was summed. */
function sum(cpu: Cpu, address: number, times: number): number {
  const { u32 } = cpu.machine;
  u32[0] = u32[5] = 0;
  u32[2] = times;
  u32[L.PC >>> 2] = address;
  cpu.run(cpu.time + 10 * times + 1000);
  expect([u32[0], u32[2]]).toEqual([times, 0]);
  return u32[5];
}

const MANY = 5000;

describe.each(['never', 'hot', 1, 3] as const)('translated: %s', (translates) => {
  test('it is executed as often as it is come to', async () => {
    const cpu = await start(translates);
    expect(sum(cpu, HERE + LOOP, MANY)).toBe(3 * MANY);
    // Its end is written.
    cpu.memory.load(SECOND, halfwords(end | 7));
    expect(sum(cpu, HERE + LOOP, MANY)).toBe(7 * MANY);
    // Its beginning: NOP twice, then ADDS R0, #0 as its end.
    cpu.memory.load(FIRST + PAGE - 2, halfwords(NOP));
    cpu.memory.load(SECOND, halfwords(NOP));
    expect(sum(cpu, HERE + LOOP, MANY)).toBe(7 * MANY);
  });

  test('where the same page has another one behind it, it ends there', async () => {
    const cpu = await start(translates);
    for (let n = 1; n < 5; n++) {
      expect(sum(cpu, HERE + LOOP, n)).toBe(3 * n);
      expect(sum(cpu, THERE + LOOP, n)).toBe(5 * n);
    }
    expect(sum(cpu, HERE + LOOP, MANY)).toBe(3 * MANY);
    expect(sum(cpu, THERE + LOOP, MANY)).toBe(5 * MANY);
    // Translations that are changed hold from the invalidation on.
    map(cpu, HERE + PAGE, OTHER);
    expect(sum(cpu, HERE + LOOP, MANY)).toBe(3 * MANY);
    flushTlb(cpu.machine);
    contextsChanged(cpu.machine);
    expect(sum(cpu, HERE + LOOP, MANY)).toBe(5 * MANY);
  });

  test('a loop writes its end as it goes', async () => {
    const cpu = await start(translates);
    // R3 = R0 & 31 | 0x100 to [R4], which is the end.
    const [AND, ADDS, STRH] = [[0xf000, 0x031f], 0x199b, 0x8023];
    const from = PAGE - 12;
    cpu.memory.load(FIRST + from, halfwords(ADDS_R0_1, ...AND, ADDS, STRH, beginning));
    cpu.memory.load(SECOND, halfwords(end, ADDS_R5_R1, SUBS_R2_1, BNE(PAGE + 6, from), STAY));
    const { u32 } = cpu.machine;
    u32[4] = HERE + PAGE;
    u32[6] = 0x100;
    const times = 320;
    // Each of 0 to 31 ten times.
    expect(sum(cpu, HERE + from, times)).toBe((10 * 31 * 32) / 2);
  });

  test('a branch in its page leads to it', async () => {
    const cpu = await start(translates);
    const from = PAGE - 0x100;
    cpu.memory.load(FIRST + from, halfwords(ADDS_R0_1, B(from + 2, PAGE - 2)));
    cpu.memory.load(SECOND, halfwords(end | 9, ADDS_R5_R1, SUBS_R2_1, BNE(PAGE + 6, PAGE - 0x80), STAY));
    cpu.memory.load(FIRST + PAGE - 0x80, halfwords(B(PAGE - 0x80, from)));
    expect(sum(cpu, HERE + from, MANY)).toBe(9 * MANY);
  });
});

test('code with it is kept, and translated', async () => {
  const cpu = await start('hot');
  const { machine: m } = cpu;
  // Hot blocks wait some milliseconds for others.
  sum(cpu, HERE + LOOP, 300 * MANY);
  const { codeTop } = m;
  sum(cpu, HERE + LOOP, 300 * MANY);
  expect(m.codeTop).toBe(codeTop);
  const units = Array.from({ length: 8 }, (_, i) => m.slots.table.get(i)).filter((it) => it !== null);
  expect(units.length).toBeGreaterThan(0);
});
