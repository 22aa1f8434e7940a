import { expect, test } from 'vitest';
import { createBuiltInPi, type BuiltInPi } from '../../src/engine/built-in.js';
import { bits } from '../../src/isa/bits.js';
import { r0 } from '../../src/isa/registers.js';
import * as R from '../../src/isa/system-registers.js';
import { bareGuest } from '../support/bare-guest.js';
import { handoverOf } from '../support/handover.js';
import { ramWords } from '../support/ram.js';

const MS = 1e6;
/** Of {@link handoverOf}'s machines. */
const SPLIT = 0x3c00_0000;

const guest = bareGuest((a) => {
  const again = a.label('again');
  a.at(again);
  a.b(again);
});
const make = (seed?: number): Promise<BuiltInPi> =>
  createBuiltInPi(handoverOf([0, guest]), () => undefined, [], seed);

/** Some of what reset leaves UNKNOWN, of each core. */
const unknownOf = ({ cpu }: BuiltInPi): unknown =>
  cpu.cores.map((core) => [
    ...[
      core.register(0),
      core.register(13),
      core.banked('SP_irq'),
      core.banked('SPSR_hyp'),
      core.doubleword(31),
    ],
    ...[core.system(R.CNTVOFF), core.system(R.HCR), core.system(R.HTTBR), core.system(R.DFSR, 'non-secure')],
    ...[core.system(R.TTBCR, 'non-secure'), core.system(R.TTBR0_64, 'secure'), core.system(R.HPFAR)],
  ]);

test('what reset leaves UNKNOWN follows from the seed', async () => {
  const [one, again, two] = await Promise.all([make(1), make(1), make(2)]);
  expect(unknownOf(again)).toEqual(unknownOf(one));
  expect(unknownOf(two)).not.toEqual(unknownOf(one));
  const [first, second] = unknownOf(one) as [unknown[], unknown[]];
  expect(second).not.toEqual(first);
});

test('without a seed it is what hurts: no register that is UNKNOWN is 0, and time is far ahead', async () => {
  const { cpu } = await make();
  for (const core of cpu.cores) {
    expect(core.system(R.CNTVOFF)).toBe(0xffff_ffff_0000_0000n);
    for (const register of [R.VTCR, R.HTCR, R.HVBAR, R.HTPIDR, R.HMAIR0, R.CNTFRQ])
      expect(core.system(register)).not.toBe(0);
    for (let n = 0; n < 15; n++) expect(core.register(n)).not.toBe(0);
  }
});

test.each([undefined, 1, 2, 3])(
  'what reset sets is as the table has it, whatever the seed (%s)',
  async (seed) => {
    const { cpu } = await make(seed);
    for (const core of cpu.cores) {
      // DDI 0464F, table 4-2 and on: SMP is 0, and nothing traps.
      expect(core.system(R.ACTLR)).toBe(0x6000);
      expect([core.system(R.SCR), core.system(R.HCR), core.system(R.HSTR)]).toEqual([0, 0, 0]);
      expect([core.system(R.NSACR), core.system(R.CPACR), core.system(R.HCPTR)]).toEqual([0, 0, 0x33ff]);
      expect([core.system(R.SCTLR, 'secure'), core.system(R.TTBCR, 'secure')]).toEqual([0x00c5_0878, 0]);
      for (const control of [R.CNTV_CTL, R.CNTHP_CTL]) expect(core.system(control)).toBe(0);
      expect(core.system(R.VMPIDR)).toBe(core.system(R.MPIDR));
      // Clear, as cards of 2015 start, whose stub and kernel trust it, and Plan 9's, whose stub and kernel set nothing of it.
      expect(core.system(R.TTBCR, 'non-secure') & bits(R.TTBCR, { PD1: 1, PD0: 1, N: 0b111 })).toBe(0);
      // Alike on all cores, as no stub sets it.
      expect(core.system(R.VTTBR)).toBe(cpu.cores[0]!.system(R.VTTBR));
    }
  },
);

test('who was put above the split is written over while the machine runs, and nobody below it', async () => {
  const size = 0x10_0000;
  const pi = await make();
  const above = ramWords(pi.cpu, SPLIT, size / 4);
  const below = ramWords(pi.cpu, SPLIT - size, size / 4).fill(0x1234_5678);
  above.fill(0x1234_5678);
  pi.run(0.9 * MS);
  expect(above.every((word) => word === 0x1234_5678)).toBe(true);
  // All of its 48 MiB.
  pi.run(60 * MS);
  const pieces = Array.from({ length: size / 0x4000 }, (_, n) =>
    above.subarray(n * 0x1000, (n + 1) * 0x1000),
  );
  for (const piece of pieces) expect(piece.every((word) => word === 0x1234_5678)).toBe(false);
  expect(below.every((word) => word === 0x1234_5678)).toBe(true);
});

test('code above the split does not last', async () => {
  const pi = await createBuiltInPi(
    handoverOf(
      [
        0,
        bareGuest((a) => {
          a.movw(r0, 0);
          a.movt(r0, SPLIT >>> 16);
          a.bx(r0);
        }),
      ],
      [SPLIT, counting()],
    ),
    () => undefined,
  );
  pi.run(60 * MS);
  expect(pi.cpu.memory.observe(SPLIT, counting().length)).not.toEqual(counting());
});

/** 16 KiB of additions, in a circle. */
function counting(): Uint8Array {
  const code = new Uint32Array(0x1000).fill(0xe282_2001);
  code[code.length - 1] = 0xeaff_f000 - 1;
  return new Uint8Array(code.buffer);
}
