import { describe, expect, test } from 'vitest';
import { useTools } from '../../scripts/lib/tools.js';
import { buildStub } from '../../src/boot/block.js';
import { qemuArguments, sleepsAtStart } from '../../src/engine/qemu-arguments.js';
import { handoverOf } from '../support/handover.js';
import { HYP_STUB, stubOf2015, stubWithContract } from '../support/stub-sources.js';

useTools();

test('the timers count at the crystal rate, which boot codes write into CNTFRQ', () => {
  const all = qemuArguments([]);
  expect(all[all.indexOf('-global') + 1]).toBe('cortex-a7-arm-cpu.cntfrq=19200000');
});

describe('whether the code that the cores start with sleeps', () => {
  test.each([
    ['a stub of July 2015', stubOf2015({ ...HYP_STUB, hyp: false, polls: true }), false],
    ['a stub of November 2015', stubOf2015({ ...HYP_STUB, polls: true }), false],
    ['the same with WFE', stubOf2015(HYP_STUB), true],
    ['T32 without WFE', stubWithContract({ ...HYP_STUB, polls: true }), false],
    ['T32 with WFE', stubWithContract(HYP_STUB), true],
    ['the block of this project', buildStub(), true],
    ['nothing', new Uint8Array(), false],
  ])('%s', (_, code, sleeps) => {
    expect(sleepsAtStart(handoverOf([0x8000, stubOf2015(HYP_STUB)], [0, code]))).toBe(sleeps);
  });

  test('what lies behind 256 bytes is a kernel', () => {
    const code = new Uint8Array(0x200);
    code.set([0x02, 0xf0, 0x20, 0xe3], 0x100);
    expect(sleepsAtStart(handoverOf([0, code]))).toBe(false);
    code.set([0x02, 0xf0, 0x20, 0xe3], 0xfc);
    expect(sleepsAtStart(handoverOf([0, code]))).toBe(true);
  });
});
