/** Syndromes that the built-in processor never gives, against ARM ARM DDI 0406C B3.13.6. */
import { beforeEach, expect, test } from 'vitest';
import type { Machine } from './machine.js';
import { createMachine, ENTRY } from './machine.js';

const CORE = 1;
const IL = 1 << 25;
const CV = 1 << 24;
const [MODE_MASK, MODE_SVC, MODE_UND] = [0x1f, 0x13, 0x1b];
const EC = { LDC_CP14: 0x06 << 26 } as const;
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
