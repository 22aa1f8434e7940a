/** What is UNPREDICTABLE by what registers hold, not by the encoding alone, is told as it is executed. */
import { describe, expect, test } from 'vitest';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { readCpsr, setCpsr } from '../../src/cpu/modes.js';
import { contextsChanged } from '../../src/cpu/tlb.js';
import { MODE_HYP, MODE_MON, MODE_SVC, MODE_SYS, MODE_USR } from '../../src/isa/program-status.js';
import { ramView, ramWords } from '../support/ram.js';
import { bareCpu } from './machines.js';

const CODE = 0x8000;
const TARGET = 0x9000;
const T32_TARGET = 0x9100;
const DATA = 0xa000;
/** A branch to itself, and two of T32. */
const [STAY, T32_STAY] = [0xeafffffe, 0xe7fee7fe];
const [PSR_T, NON_SECURE] = [0x20, 0x101];

interface Start {
  readonly mode?: number;
  readonly thumb?: boolean;
  readonly nonSecure?: boolean;
  /** R1; R0 is the address of two words, of which the first is this too. */
  readonly value?: number;
}

/** Executes words from CODE on, halfwords of T32 in pairs, and gives those that were told of. */
async function told(words: readonly number[], start: Start = {}): Promise<{ cpu: Cpu; told: number[][] }> {
  const { mode = MODE_SVC, thumb = false, nonSecure = false, value = 0 } = start;
  const cpu = await bareCpu();
  const { machine: m } = cpu;
  const all: number[][] = [];
  cpu.listen({
    unpredictable: ({ address, word }) => {
      all.push([address - CODE, word]);
    },
  });
  const ram = ramWords(cpu);
  ram.fill(STAY, 0, 8);
  ram.fill(STAY, TARGET / 4, TARGET / 4 + 4);
  ram[T32_TARGET / 4] = T32_STAY;
  words.forEach((word, i) => (ram[CODE / 4 + i] = word));
  ram[CODE / 4 + words.length] = thumb ? T32_STAY : STAY;
  ramView(cpu).setUint32(DATA, value, true);
  ramView(cpu).setUint32(DATA + 4, MODE_SVC, true);
  m.core.SCR = nonSecure ? NON_SECURE : 0;
  setCpsr(m, mode | 0x1c0 | (thumb ? PSR_T : 0));
  contextsChanged(m);
  [m.u32[0], m.u32[1], m.u32[L.PC >>> 2]] = [DATA, value, CODE];
  m.u32[L.SPSR >>> 2] = 0x1c0 | mode;
  cpu.run(500);
  return { cpu, told: all };
}
const pc = (cpu: Cpu): number => cpu.machine.u32[L.PC >>> 2]!;

describe('a branch that may change the instruction set, to an address whose bits 1:0 are 10 (A2.3.1)', () => {
  const branches: readonly [string, number, Start][] = [
    ['BX', 0xe12fff11, {}],
    ['BLX', 0xe12fff31, {}],
    ['MOV PC, R1', 0xe1a0f001, {}],
    ['LDR PC, [R0]', 0xe590f000, {}],
    ['LDM R0, {PC}', 0xe8908000, {}],
    ['LDMDA R0, {PC}, which is not for the fast path', 0xe8108000, {}],
    ['BX of T32', 0xbf004708, { thumb: true }],
    ['LDR.W PC, [R0] of T32', 0xf000f8d0, { thumb: true }],
  ];
  test.each(branches)('%s', async (_, word, start) => {
    const found = await told([word], { ...start, value: TARGET + 2 });
    const wide = start.thumb ? (word >>> 16 === 0xbf00 ? word & 0xffff : 0xf8d0f000) : word;
    expect(found.told).toEqual([[0, wide]]);
    // It goes on at the word.
    expect([pc(found.cpu), readCpsr(found.cpu.machine) & PSR_T]).toEqual([TARGET, 0]);
  });

  test.each(branches)('%s to a word, or to T32, is nothing to tell', async (_, word, start) => {
    for (const value of [TARGET, T32_TARGET + 1]) {
      const found = await told([word], { ...start, value });
      expect([found.told, readCpsr(found.cpu.machine) & PSR_T]).toEqual([[], value & 1 ? PSR_T : 0]);
    }
  });

  test('each time it is executed, and with the end of a slice behind it', async () => {
    // To itself: what is the same as before is not executed for ever.
    const { cpu, told: all } = await told([0xe12fff11], { value: CODE + 2 });
    expect(all.length).toBeGreaterThan(1);
    expect(pc(cpu)).toBe(CODE);
  });
});

describe('by the mode that the core is in (B9.3)', () => {
  test.each<[string, number, Start]>([
    ['MSR CPSR_c, R1 to a mode that is none', 0xe121f001, { value: 0x1c5 }],
    ['MSR CPSR_c, R1 to Monitor mode from Non-secure state', 0xe121f001, { value: 0x1d6, nonSecure: true }],
    ['MSR CPSR_c, R1 to Hyp mode', 0xe121f001, { value: 0x1da, nonSecure: true }],
    ['MOVS PC, LR in System mode', 0xe1b0f00e, { mode: MODE_SYS }],
    ['MRS R2, SPSR in User mode', 0xe14f2000, { mode: MODE_USR }],
    ['MSR SPSR_c, R1 in System mode', 0xe161f001, { mode: MODE_SYS }],
    ['LDM R0, {R2}^ in System mode', 0xe8d00004, { mode: MODE_SYS }],
    ['STM R0, {R2}^ in User mode', 0xe8c00004, { mode: MODE_USR }],
    ['LDM R0, {PC}^ in User mode', 0xe8d08000, { mode: MODE_USR }],
    ['RFEIA R0 in User mode', 0xf8900a00, { mode: MODE_USR }],
    ['SRSIA SP, #SVC in System mode', 0xf8cd0513, { mode: MODE_SYS }],
    ['SRSIA SP, #HYP in Supervisor mode', 0xf8cd051a, {}],
    ['ERET in System mode', 0xe160006e, { mode: MODE_SYS }],
    ['LDRT R2, [R0] in Hyp mode', 0xe4b02000, { mode: MODE_HYP, nonSecure: true }],
  ])('%s', async (_, word, start) => {
    expect((await told([word], start)).told).toEqual([[0, word]]);
  });

  test('a return from an exception to a mode that is none', async () => {
    const { cpu, told: all } = await told([0xf8900a00], { value: TARGET });
    expect([all, pc(cpu)]).toEqual([[], TARGET]);
    const bad = await told([0xe1a00000, 0xe3a02005, 0xe5802004, 0xf8900a00], { value: TARGET });
    expect(bad.told).toEqual([[12, 0xf8900a00]]);
  });

  test.each<[string, number, Start]>([
    ['MSR CPSR_c, R1 to System mode', 0xe121f001, { value: 0x1df }],
    ['MSR CPSR_c, R1 to Monitor mode in Secure state', 0xe121f001, { value: 0x1c0 | MODE_MON }],
    ['MSR CPSR_c, R1 in User mode, which changes nothing', 0xe121f001, { value: 0x1c5, mode: MODE_USR }],
    ['LDM R0, {R2}^ in Supervisor mode', 0xe8d00004, {}],
    ['SRSIA SP, #SVC in Supervisor mode', 0xf8cd0513, {}],
    // UNDEFINED, which is something else.
    ['RFEIA R0 in Hyp mode', 0xf8900a00, { mode: MODE_HYP, nonSecure: true }],
  ])('%s is nothing to tell', async (_, word, start) => {
    expect((await told([word], start)).told).toEqual([]);
  });
});

describe('by the place in an IT block (A8.8.54)', () => {
  // it al; ite's second: itt al
  const [IT, ITT] = [0xbfe8, 0xbfe4];
  test.each<[string, readonly number[], readonly number[][]]>([
    ['BX that is not the last', [(0x4708 << 16) | ITT], [[2, 0x4708]]],
    ['BX that is', [(0x4708 << 16) | IT], []],
    ['CPSID in one', [(0xb672 << 16) | IT], [[2, 0xb672]]],
  ])('%s', async (_, words, expected) => {
    const { told: all } = await told(words, { thumb: true, value: TARGET });
    expect(all).toEqual(expected);
  });
});
