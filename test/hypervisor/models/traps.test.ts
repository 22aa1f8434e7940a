/** Traps and what a vcpu gets for them, also for syndromes that the built-in processor never gives (ARM ARM DDI 0406C B3.13.6). */
import { beforeEach, describe, expect, test } from 'vitest';
import { VCPU_SIZE } from '../../../src/hypervisor/shared/layout.js';
import type { Machine } from './machine.js';
import { createMachine, ENTRY } from './machine.js';

const CORE = 1;
const IL = 1 << 25;
const CV = 1 << 24;
const [MODE_MASK, MODE_SVC, MODE_UND] = [0x1f, 0x13, 0x1b];
const EC = { CP15: 0x03 << 26, LDC_CP14: 0x06 << 26, BXJ: 0x0a << 26, PREFETCH_ABORT: 0x20 << 26 } as const;
const [T, Z] = [1 << 5, 1 << 30];
const WNR = 1 << 11;
const UNDEFINED_VECTOR = 0x04;

let machine: Machine;
const mode = (): number => Number(machine.get(CORE, 'SPSR_hyp')) & MODE_MASK;
beforeEach(() => {
  machine = createMachine([CORE]);
  machine.set(CORE, 'VBAR', 0x4000_0000n);
});

// User mode may name the debug registers so: it stopped the whole machine.
test('LDC and STC of coprocessor 14 are UNDEFINED', () => {
  expect(mode()).toBe(MODE_SVC);
  machine.trap(CORE, EC.LDC_CP14 | IL | CV | (0xe << 20));
  expect(mode()).toBe(MODE_UND);
  expect(machine.pc(CORE)).toBe(0x4000_0000 + UNDEFINED_VECTOR);
  expect(Number(machine.get(CORE, 'LR_und'))).toBe(ENTRY + 4);
});

// In T32 a syndrome may come without the condition (CV is 0): what the IT block says counts.
test.each([
  ['EQ, and is not', 0x0, 0, false],
  ['EQ, and is', 0x0, Z, true],
  ['NE, and is not', 0x1, Z, false],
  ['NE, and is', 0x1, 0, true],
])('an MCR in an IT block that is to be %s', (_, condition, flags, passes) => {
  machine.writeTimer(CORE, 'CTL', 0);
  // ITSTATE is the condition and 1000: its last instruction. Bits 7 to 2 of it are bits 15 to 10 of the status register.
  const it = (condition << 4) | 0x8;
  machine.set(CORE, 'SPSR_hyp', BigInt((MODE_SVC | T | flags | ((it & 0xfc) << 8)) >>> 0));
  machine.memory.setUint32(machine.symbol('vcpus') + machine.running(CORE) * VCPU_SIZE, 1, true);
  const pc = machine.pc(CORE);
  // CNTP_CTL from R0: CRn 14, CRm 2, opc2 1.
  machine.trap(CORE, EC.CP15 | IL | (1 << 17) | (14 << 10) | (2 << 1));
  expect(machine.pc(CORE)).toBe(pc + 4);
  expect(Number(machine.get(CORE, 'SPSR_hyp')) >>> 0).toBe((MODE_SVC | T | flags) >>> 0);
  expect(machine.readTimer(CORE, 'CTL') & 1).toBe(passes ? 1 : 0);
});

test('BXJ is BX, to A32 or T32, where its condition passes (A8.8.28: no Jazelle)', () => {
  const vcpu = machine.symbol('vcpus') + machine.running(CORE) * VCPU_SIZE;
  const bxj = (condition: number, n: number): void => {
    machine.trap(CORE, EC.BXJ | IL | CV | (condition << 20) | n);
  };
  machine.memory.setUint32(vcpu + 4 * 3, 0x4000_1001, true);
  bxj(0xe, 3);
  expect([machine.pc(CORE), mode()]).toEqual([0x4000_1000, MODE_SVC]);
  expect(Number(machine.get(CORE, 'SPSR_hyp')) & T).toBe(T);
  machine.memory.setUint32(vcpu + 4 * 3, 0x4000_2000, true);
  bxj(0xe, 3);
  expect(machine.pc(CORE)).toBe(0x4000_2000);
  expect(Number(machine.get(CORE, 'SPSR_hyp')) & T).toBe(0);
  bxj(0x0, 3);
  expect(machine.pc(CORE)).toBe(0x4000_2004);
  bxj(0xe, 15);
  expect(mode()).toBe(MODE_UND);
});

// It got the word behind the vcpu's frame: an address of the hypervisor's.
test('a trapped write from R15, which is UNPREDICTABLE, tells a guest nothing', () => {
  machine.trap(CORE, EC.CP15 | IL | CV | (0xe << 20) | (14 << 10) | (15 << 5) | (2 << 1));
  expect(machine.readTimer(CORE, 'TVAL')).toBe(0);
});

describe('an abort for a guest (ARM ARM B1.8.3, B3.13.3)', () => {
  const NOWHERE = 0x2000_0000;
  const [A, I, F, E, J] = [1 << 8, 1 << 7, 1 << 6, 1 << 9, 1 << 24];
  const [SCTLR_V, SCTLR_EE, SCTLR_TE] = [1 << 13, 1 << 25, 1 << 30];
  const IT = (1 << 10) | (1 << 25);
  const EAE = 0x8000_0000;
  const status = (): number => Number(machine.get(CORE, 'SPSR_hyp')) >>> 0;
  const word = (name: string): number => Number(machine.get(CORE, name)) >>> 0;

  test.each([
    ['0', 0, 0x4000_0010, 0],
    ['V', SCTLR_V, 0xffff_0010, 0],
    ['TE and EE', SCTLR_TE | SCTLR_EE, 0x4000_0010, T | E],
  ])('SCTLR %s: the vector, the states there, and what is kept', (_, sctlr, vector, states) => {
    const before = (0x10 | T | E | J | IT | Z) >>> 0;
    machine.set(CORE, 'SCTLR', BigInt(sctlr));
    machine.set(CORE, 'SPSR_hyp', BigInt(before));
    machine.store(CORE, NOWHERE, 0);
    expect(machine.pc(CORE)).toBe(vector);
    // Abort mode, no IT block, not Jazelle or ThumbEE; A and I are masked, F is as it was.
    expect(status()).toBe((0x17 | A | I | states | Z) >>> 0);
    expect(status() & F).toBe(0);
    expect([word('SPSR_abt'), word('LR_abt'), word('DFAR')]).toEqual([before, ENTRY + 8, NOWHERE]);
  });

  test.each([
    ['short', 0, 0x008],
    ['long', EAE, 0x210],
  ])('DFSR and IFSR say synchronous external abort in the %s format', (_, ttbcr, fault) => {
    machine.set(CORE, 'TTBCR', BigInt(ttbcr));
    machine.load(CORE, NOWHERE);
    expect(word('DFSR')).toBe(fault);
    machine.set(CORE, 'ELR_hyp', BigInt(ENTRY));
    machine.store(CORE, NOWHERE, 0);
    expect(word('DFSR')).toBe(fault | WNR);
    machine.set(CORE, 'ELR_hyp', BigInt(NOWHERE));
    machine.set(CORE, 'HIFAR', BigInt(NOWHERE));
    machine.trap(CORE, EC.PREFETCH_ABORT | 0x06);
    expect([word('IFSR'), word('IFAR'), word('LR_abt')]).toEqual([fault, NOWHERE, NOWHERE + 4]);
    expect(machine.pc(CORE)).toBe(0x4000_000c);
  });
});
