import { expect, test } from 'vitest';
import { maskOf } from '../../src/isa/bits.js';
import * as masks from '../../src/isa/psr-masks.js';
import { PSR } from '../../src/isa/program-status.js';

test('the masks of the program status registers are those of their bits', () => {
  for (const name of ['N', 'Z', 'C', 'V', 'Q', 'J', 'GE', 'E', 'A', 'I', 'F', 'T', 'M'] as const)
    expect([name, masks[`PSR_${name}`]]).toEqual([name, maskOf(PSR, name)]);
  expect(masks.PSR_IT).toBe((maskOf(PSR, 'IT_1_0') | maskOf(PSR, 'IT_7_2')) >>> 0);
});
