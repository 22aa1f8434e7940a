/** Translated code does what the interpreter does, to the same instruction: calls, returns, and functions that change. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { contextsChanged } from '../../src/cpu/tlb.js';
import { assembler, encodeT32, type Assembler } from '../../src/isa/assembler.js';
import {
  r0,
  r1,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  r10,
  r11,
  r12,
  lr,
  pc,
  sp,
  type Label,
} from '../../src/isa/registers.js';
import { d } from '../../src/isa/extension-registers.js';
import { TLBIALL } from '../../src/isa/system-registers.js';
import '../support/seed.js';
import { ramWords } from '../support/ram.js';
import { bareCpu, constant } from './machines.js';
import { acts, stateOf } from './to-wasm-acts.js';

const MIB = 0x10_0000;
const RAM_SIZE = 17 * MIB;
const TABLE = 0x4000;
const CODE = 0x8000;
/** A function that programs change. */
const PATCHED = 0x9100;
const DATA = 0x2_0000;
const STACK = 0x3_0000;
/** Normal memory, read and written by all, domain 0. */
const SECTION = 0xc0e;
/** Two pieces of memory that are at one virtual address in turns. */
const [HERE, THERE] = [MIB, 2 * MIB];
/** A MiB whose pages have the same places in the TLB as those of the first. */
const ALIAS = 16 * MIB;
/** Where functions are, one after the other: beside the main program, in the page behind it, and farther. */
const PLACES = [0x8800, 0x9200, 0x9e00, HERE + 0x8000, HERE + 0xa000, ALIAS + 0x8000] as const;
/** After an exception it goes on behind the instruction: see to-wasm.test.ts. */
const VECTORS = Uint8Array.from(
  new Uint8Array(Uint32Array.of(0, 0xe1b0f00e, 0xe1b0f00e, 0xe25ef004, 0xe25ef004).buffer),
);

const registers = [r0, r1, r2, r3, r4, r5, r6, r7] as const;
const act = fc.record({ kind: fc.nat(999), n: fc.nat(255), d: fc.nat(999), s: fc.nat(999) });
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;
const call = fc.record({
  how: fc.constantFrom('bl', 'bl', 'bleq', 'blx', 'either', 'mov', 'switch', 'none' as const),
  to: fc.nat(PLACES.length - 1),
  /** Another function, that is called instead where r0 is odd. */
  or: fc.nat(PLACES.length - 1),
  bit: fc.nat(7),
});
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;
const callee = fc.record({
  acts: fc.array(act, { maxLength: 3 }),
  times: fc.constantFrom(0, 1, 3),
  calls: fc.array(call, { maxLength: 2 }),
  /** How it returns. */
  back: fc.constantFrom('bx', 'mov', 'eq', 'pop', 'pop', 'ldr', 'tail' as const),
  /** Whether it returns behind another instruction now and then. */
  wrong: fc.boolean(),
  isThumb: fc.constantFrom(false, false, false, true),
});
type Callee = typeof callee extends fc.Arbitrary<infer T> ? T : never;
const step = fc.record({ acts: fc.array(act, { maxLength: 2 }), call });
const programs = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  callees: fc.array(callee, { minLength: PLACES.length, maxLength: PLACES.length }),
});

function writeActs(a: Assembler, them: readonly Act[]): void {
  for (const { kind, n, d, s } of them)
    acts[kind % acts.length]!(a, n, registers[d % registers.length]!, registers[s % registers.length]!);
}

function setTo(a: Assembler, n: number, value: number): void {
  a.word(...constant(n, value));
}

/** What is behind a call, so that there is something to be passed over. */
function writeCall(
  a: Assembler,
  { how, to, or, bit }: Call,
  addresses: readonly number[],
  first: number,
): void {
  const most = addresses.length;
  if (first >= most) return;
  const [one, other] = [to, or].map((it) => addresses[first + (it % (most - first))]!) as [number, number];
  const isFar = one % 2 === 1;
  if ((how === 'bl' || how === 'bleq') && !isFar) {
    a.tst(r0, 1 << bit);
    branchTo(a, how, one);
  } else if (how === 'either') {
    setTo(a, 12, one);
    a.tst(r0, 1);
    const over = a.label(`${String(a.here)} over`);
    a.beq(over);
    setTo(a, 12, other);
    a.at(over);
    a.blx(r12);
  } else if (how === 'mov' && !isFar) {
    setTo(a, 12, one);
    a.mov(lr, pc);
    a.mov(pc, r12);
  } else if (how === 'switch') {
    setTo(a, 6, TABLE + 4);
    a.ldr(r7, [r6]);
    a.eor(r7, r7, HERE ^ THERE);
    a.str(r7, [r6]);
    a.mcr(TLBIALL, r7);
    a.isb();
  } else if (how !== 'none') {
    setTo(a, 12, one);
    a.blx(r12);
  }
  a.add(r10, r10, 1);
  a.add(r10, r10, r10);
}

/** BL to an address. */
function branchTo(a: Assembler, how: 'bl' | 'bleq', address: number): void {
  const distance = (address - a.here - 8) >> 2;
  a.word(((how === 'bl' ? 0xeb00_0000 : 0x0b00_0000) | (distance & 0xff_ffff)) >>> 0);
}

/** A function, and the copy of it that adds something else. */
function functionAt(
  at: number,
  it: Callee,
  addresses: readonly number[],
  n: number,
  more: number,
): Uint8Array {
  const address = at & ~1;
  if (at & 1) return thumbFunction(address, it, addresses, n);
  const a = assembler(address);
  const isLeaf = it.calls.length === 0 && !['pop', 'ldr', 'tail'].includes(it.back);
  if (!isLeaf) a.push([r11, lr]);
  a.add(r10, r10, more);
  if (it.times) {
    const again = a.label('again');
    if (!isLeaf) a.mov(r11, it.times);
    else a.mov(r12, it.times);
    a.at(again);
    writeActs(a, it.acts);
    if (!isLeaf) for (const them of it.calls) writeCall(a, them, addresses, n + 1);
    a.subs(isLeaf ? r12 : r11, isLeaf ? r12 : r11, 1);
    a.bne(again);
  } else {
    writeActs(a, it.acts);
    if (!isLeaf) for (const them of it.calls) writeCall(a, them, addresses, n + 1);
  }
  if (it.wrong) {
    // Behind the next instruction.
    if (!isLeaf) a.ldr(lr, [sp, 4]);
    a.tst(r10, 4);
    a.addne(lr, lr, 4);
    if (!isLeaf) a.str(lr, [sp, 4]);
  }
  if (it.back === 'eq' && isLeaf) {
    a.tst(r1, 1);
    a.bxeq(lr);
    a.add(r10, r10, 3);
  }
  if (isLeaf) {
    if (it.back === 'mov') a.mov(pc, lr);
    else a.bx(lr);
  } else if (it.back === 'ldr') {
    a.ldr(r11, [sp], 4);
    a.ldr(pc, [sp], 4);
  } else if (it.back === 'tail' && n + 1 < addresses.length && addresses[n + 1]! % 2 === 0) {
    a.pop([r11, lr]);
    a.word((0xea00_0000 | (((addresses[n + 1]! - a.here - 8) >> 2) & 0xff_ffff)) >>> 0);
  } else a.pop([r11, pc]);
  return a.assemble();
}

/** The same in T32: R10 is no low register, so it counts in r5. */
function thumbFunction(address: number, it: Callee, addresses: readonly number[], n: number): Uint8Array {
  const bytes: number[] = [];
  const put = (name: string, ...operands: unknown[]): void => {
    const here = address + bytes.length;
    const { word, width } = encodeT32(name, operands, { address: here } as never);
    const halves = width === 16 ? [word] : [word >>> 16, word & 0xffff];
    for (const half of halves) bytes.push(half & 0xff, half >>> 8);
  };
  const next = addresses.slice(n + 1).find((to) => to % 2 === 1);
  put('push', [r4, lr]);
  put('mov', r4, 1 + it.times);
  const again = bytes.length;
  put('add', r5, r5, 1 + n);
  put('eor', r6, r6, r5);
  if (next !== undefined) {
    // BL, T1 (A8.8.25).
    const distance = (next & ~1) - (address + bytes.length + 4);
    const [sign, i1, i2] = [(distance >> 24) & 1, (distance >> 23) & 1, (distance >> 22) & 1];
    const halves = [
      0xf000 | (sign << 10) | ((distance >> 12) & 0x3ff),
      0xd000 | ((1 ^ i1 ^ sign) << 13) | ((1 ^ i2 ^ sign) << 11) | ((distance >> 1) & 0x7ff),
    ];
    for (const half of halves) bytes.push(half & 0xff, half >>> 8);
  }
  put('sub', r4, r4, 1);
  put('cmp', r4, 0);
  // BNE, T1.
  bytes.push(((again - (bytes.length + 4)) >> 1) & 0xff, 0xd1);
  if (it.back === 'pop') put('pop', [r4, pc]);
  else {
    put('ldr', lr, [sp, 4]);
    put('ldr', r4, [sp], 8);
    put('bx', lr);
  }
  return Uint8Array.from(bytes);
}

interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Pieces of memory by their physical addresses. */
function piecesOf({ steps, callees }: typeof programs extends fc.Arbitrary<infer T> ? T : never): Piece[] {
  const addresses = PLACES.map((at, i) => at + (callees[i]!.isThumb ? 1 : 0));
  const pieces: Piece[] = callees.flatMap((it, i) => {
    const at = addresses[i]!;
    const bytes = functionAt(at, it, addresses, i, 1);
    const address = at & ~1;
    if (address < HERE || address >= ALIAS) return [{ at: address, bytes }];
    const other = functionAt(at, it, addresses, i, 5);
    return [
      { at: address, bytes },
      { at: address - HERE + THERE, bytes: other },
    ];
  });
  const patched = assembler(PATCHED);
  for (let i = 0; i < 4; i++) patched.add(r5, r5, 1 + i);
  patched.bx(lr);
  pieces.push({ at: PATCHED, bytes: patched.assemble() });
  const a = assembler(CODE);
  for (const [n, value] of [
    [8, DATA],
    [9, PATCHED],
    [13, STACK],
  ] as const)
    setTo(a, n, value);
  const again: Label = a.label('again');
  a.at(again);
  for (const { acts: them, call: it } of steps) {
    writeActs(a, them);
    writeCall(a, it, [...addresses, PATCHED], 0);
  }
  a.b(again);
  pieces.push({ at: CODE, bytes: a.assemble() });
  return pieces;
}

async function machineWith(pieces: readonly Piece[], translates: number | 'never'): Promise<Cpu> {
  const cpu = await bareCpu({ ramSize: RAM_SIZE });
  cpu.translates = translates;
  cpu.memory.load(0, VECTORS);
  const table = ramWords(cpu, TABLE, 32);
  for (let i = 0; i < RAM_SIZE / MIB; i++) table[i] = i * MIB + SECTION;
  for (const { at, bytes } of pieces) cpu.memory.load(at, bytes);
  const { machine: m } = cpu;
  const bank = m.core.secure;
  bank.TTBR0 = TABLE;
  bank.DACR = 1;
  bank.SCTLR |= 1;
  m.core.CPACR = 0x00f0_0000;
  m.u32[L.FPEXC / 4] = 1 << 30;
  m.u32[L.PC / 4] = CODE;
  contextsChanged(m);
  return cpu;
}

const STRETCHES = [997, 4999, 5000, 1, 20_011, 3, 30_000, 7];

test('programs of calls and returns, in pages that change, end each stretch in the same state', async () => {
  await fc.assert(
    fc.asyncProperty(programs, fc.constantFrom(2, 3, 5, 20), async (program, comings) => {
      const pieces = piecesOf(program);
      const [translated, interpreted] = [
        await machineWith(pieces, comings),
        await machineWith(pieces, 'never'),
      ];
      const after = (cpu: Cpu, stretch: number): object => {
        cpu.run(cpu.time + stretch);
        return stateOf(cpu, ramWords(cpu, 0, STACK / 4));
      };
      for (const stretch of STRETCHES) {
        const state = after(interpreted, stretch);
        expect(after(translated, stretch)).toEqual(state);
      }
    }),
    { numRuns: Number(process.env['CPU_PROGRAMS'] ?? 60), endOnFailure: true },
  );
}, 120_000);

test('a page that a called one has put out of the TLB is looked for again', async () => {
  const [inner, outer] = [ALIAS + 0x8000, 0x9000];
  const make = (at: number, write: (a: Assembler) => void): Piece => {
    const a = assembler(at);
    write(a);
    return { at, bytes: a.assemble() };
  };
  const pieces = [
    make(inner, (a) => {
      a.add(r10, r10, 1);
      a.bx(lr);
    }),
    make(outer, (a) => {
      const again = a.label('again');
      a.push([r11, lr]);
      a.mov(r11, 3);
      // So that the first call, which misses, is in the block of the others.
      a.b(again);
      a.at(again);
      branchTo(a, 'bl', inner);
      a.subs(r11, r11, 1);
      a.bne(again);
      a.pop([r11, pc]);
    }),
    // In the place of the inner function's page.
    make(CODE, (a) => {
      const again = a.label('again');
      setTo(a, 13, STACK);
      a.at(again);
      branchTo(a, 'bl', outer);
      a.b(again);
    }),
  ];
  const [translated, interpreted] = [await machineWith(pieces, 3), await machineWith(pieces, 'never')];
  for (let stretch = 0; stretch < 80; stretch++) {
    for (const cpu of [translated, interpreted]) cpu.run(cpu.time + 97);
    expect(stateOf(translated, new Uint32Array())).toEqual(stateOf(interpreted, new Uint32Array()));
  }
});

test('elements beyond the end of a page are from where the next one stands', async () => {
  const BORDER = 4 * MIB;
  const ELSEWHERE = 6 * MIB;
  const a = assembler(CODE);
  const again = a.label('again');
  setTo(a, 8, BORDER - 16);
  a.at(again);
  a['vld1.32']([d(0), d(1), d(2), d(3)], [r8]);
  a['vadd.i32'](d(4), d(4), d(3));
  a['vst1.32']([d(4), d(5), d(6)], [r8]);
  a.b(again);
  const make = async (translates: number | 'never'): Promise<Cpu> => {
    const cpu = await machineWith([{ at: CODE, bytes: a.assemble() }], translates);
    ramWords(cpu, TABLE, 32)[BORDER / MIB] = ELSEWHERE + SECTION;
    for (const [i, at] of [BORDER - 16, BORDER, ELSEWHERE].entries()) ramWords(cpu, at, 4).fill(1 + i);
    cpu.run(cpu.time + 9_999);
    return cpu;
  };
  const [translated, interpreted] = [await make(2), await make('never')];
  const words = (cpu: Cpu): number[] => [...ramWords(cpu, ELSEWHERE, 4), ...ramWords(cpu, BORDER, 4)];
  expect(words(interpreted).slice(4)).toEqual([2, 2, 2, 2]);
  expect(words(translated)).toEqual(words(interpreted));
  expect(stateOf(translated, new Uint32Array())).toEqual(stateOf(interpreted, new Uint32Array()));
});
