import '../support/seed.js';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inputs } from '../../scripts/lib/inputs.js';
import { belongsTogether } from '../../src/firmware/fixup.js';
import { fixupFor } from '../support/fixups.js';

test('a fixup file tells how long its start.elf is', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 500, max: 4_000_000 }),
      fc.integer({ min: 1, max: 2000 }),
      (half, other) => {
        const size = 2 * half;
        expect(belongsTogether(fixupFor(size), size)).toBe(true);
        expect(belongsTogether(fixupFor(size), size + 2 * other)).toBe(false);
        expect(belongsTogether(fixupFor(size + 2 * other), size)).toBe(false);
      },
    ),
  );
});

test('other files belong to none', () => {
  expect(belongsTogether(new Uint8Array(0), 1000)).toBe(false);
  expect(belongsTogether(new Uint8Array(3000), 1000)).toBe(false);
  expect(belongsTogether(new TextEncoder().encode('<!DOCTYPE html>'), 1000)).toBe(false);
  expect(belongsTogether(fixupFor(1000).subarray(0, 8), 1000), 'cut off').toBe(false);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (file) => {
      expect(typeof belongsTogether(file, 2_981_056)).toBe('boolean');
    }),
  );
});

test(
  "Raspberry Pi's of today belongs to its start.elf, and to no other length",
  { timeout: 300_000 },
  async () => {
    const { firmware } = await inputs();
    const [fixup, { length }] = [await readFile(firmware.fixup), await readFile(firmware.startElf)];
    expect(belongsTogether(fixup, length)).toBe(true);
    for (const other of [-4096, -4, -2, 2, 4, 4096])
      expect(belongsTogether(fixup, length + other)).toBe(false);
  },
);
