/** Exclusives that work in the built-in Pi 2, and on a board perhaps not, are named once. */
import { expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { bits } from '../../src/isa/bits.js';
import { r0, r1, r2, r3, r4 } from '../../src/isa/registers.js';
import * as R from '../../src/isa/system-registers.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { noteOddities } from '../../src/engine/notes.js';
import { bareGuest } from '../support/bare-guest.js';
import { handoverOf } from '../support/handover.js';

const TABLE = 0x4000;
const WORD = 0x0010_0000;
/** Short descriptors of sections: domain 0, read and written by all (B3.5.1). */
const SECTION = {
  DEVICE: 0x0c06,
  WRITE_BACK: 0x1c0e,
  WRITE_THROUGH: 0x0c0a,
  NON_CACHEABLE: 0x1c02,
  S: 0x1_0000,
} as const;

/** What is told of exclusives of core 0 in a section of a kind; `mmu` off where there is none. */
async function told(
  section: number | undefined,
  smp: boolean,
  body = exclusives,
): Promise<readonly string[]> {
  const guest = bareGuest((a) => {
    if (smp) {
      a.mov(r0, bits(R.ACTLR, { SMP: 1 }));
      a.mcr(R.ACTLR, r0);
    }
    if (section !== undefined) {
      a.mov(r0, TABLE);
      a.mcr(R.TTBR0, r0);
      a.mov(r0, 1);
      a.mcr(R.DACR, r0);
      a.mrc(R.SCTLR, r0);
      a.orr(r0, r0, 1);
      a.mcr(R.SCTLR, r0);
      a.isb();
    }
    a.mov(r1, WORD);
    for (let i = 0; i < 3; i++) body(a);
    a.mov(r4, 0x55);
  });
  const table = Uint32Array.from({ length: 4096 }, (_, n) => (n << 20) | (section ?? 0));
  const pi = await createBuiltInPi(
    handoverOf([0, guest], [TABLE, new Uint8Array(table.buffer)]),
    () => undefined,
    [noteOddities],
  );
  pi.run(20_000);
  // They do what they are to do all the same.
  expect([pi.cpu.cores[0]!.register(4), pi.cpu.cores[0]!.register(3)]).toEqual([0x55, 0]);
  return pi.report().byChance!;
}

const exclusives = (a: Assembler): void => {
  a.ldrex(r2, [r1]);
  a.strex(r3, r2, [r1]);
};

test('with SMP set, and on memory that is Normal, Write-Back and Shareable, nothing is said', async () => {
  expect(await told(SECTION.WRITE_BACK | SECTION.S, true)).toEqual([]);
});

test('where ACTLR.SMP is 0 it is said once', async () => {
  const [sentence, ...others] = await told(SECTION.WRITE_BACK | SECTION.S, false);
  expect(sentence).toMatch(/^core 0 at 0x[0-9a-f]+ executes exclusives, and ACTLR\.SMP is 0 there/);
  expect(others).toEqual([]);
});

test.each([
  ['not shareable', SECTION.WRITE_BACK],
  ['Write-Through', SECTION.WRITE_THROUGH | SECTION.S],
  ['Non-cacheable', SECTION.NON_CACHEABLE | SECTION.S],
  ['Device memory', SECTION.DEVICE],
  ['Strongly-ordered, as the MMU is off', undefined],
])('on memory that is %s it is said once', async (_, section) => {
  const [sentence, ...others] = await told(section, true);
  expect(sentence).toMatch(/^core 0 at 0x[0-9a-f]+ executes exclusives, to memory that is not Write-Back/);
  expect(others).toEqual([]);
});

test.each([
  [
    'bytes',
    (a: Assembler): void => {
      a.ldrexb(r2, [r1]);
      a.strexb(r3, r2, [r1]);
    },
  ],
  [
    'doublewords',
    (a: Assembler): void => {
      a.ldrexd(r2, r3, [r1]);
      a.strexd(r0, r2, r3, [r1]);
      a.mov(r3, 0);
    },
  ],
])('those of %s are seen, too', async (_, body) => {
  expect(await told(SECTION.WRITE_BACK, true, body)).toHaveLength(1);
  expect(await told(SECTION.WRITE_BACK | SECTION.S, true, body)).toEqual([]);
});

test('a core that leaves SMP again is told of anew', async () => {
  const sentences = await told(SECTION.WRITE_BACK | SECTION.S, true, (a) => {
    exclusives(a);
    a.mov(r0, 0);
    a.mcr(R.ACTLR, r0);
    exclusives(a);
  });
  expect(sentences).toHaveLength(1);
});
