/**
 * Walks that the interpreter makes by itself leave what TypeScript's leave: TLB, registers, and which pages may be written.
 * Tables are generated (DDI 0406C B3.5, B3.6); each case runs on a processor that makes them, and on one where somebody
 * looks on, so that TypeScript does. What is right of both is compared with QEMU in translation.test.ts.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { setCpsr } from '../../src/cpu/modes.js';
import { BANK_WORDS, placeInBank } from '../../src/cpu/state.js';
import { contextsChanged, flushTlb } from '../../src/cpu/tlb.js';
import { MODE_SVC, MODE_USR, PSR_A, PSR_F, PSR_I } from '../../src/isa/program-status.js';
import { randomFrom } from '../board/rig.js';
import { ramWords } from '../support/ram.js';
import { bareCpu } from './machines.js';

const SEED = Number(process.env['HYPBERRY_SEED'] ?? 2026);
const CASES = 3000;

const MIB = 0x10_0000;
const RAM_MIB = 64;
/** Code and tables lie in the first MiB, which each table maps where it is; stage 1's second-level table in the third. */
const [CODE, VECTORS] = [0x1000, 0x2000];
const [STAGE1, STAGE1_HIGH, SECOND, STAGE2, STAGE2_SECOND, STAGE2_THIRD] = [
  ...[0x1_0000, 0x1_4000, 0x20_8000],
  ...[0x2_0000, 0x2_2000, 0x2_4000],
] as const;
const [LDR, STR, LDM, STM, STAY] = [0xe5910000, 0xe5810000, 0xe8911004, 0xe8811004, 0xeafffffe];
const [SCTLR_M, SCTLR_A, SCTLR_TRE] = [1, 2, 1 << 28];
const [HCR_VM, HCR_PTW, SCR_NS] = [1, 4, 1];
/** A block of stage 2: Normal, write-back, read and written. */
const WHOLE = 0x4fd;
/** Domain 15 is a manager's, the others as they come. */
const MANAGER = 0xc000_0000;

interface Case {
  readonly nonSecure: boolean;
  readonly stage2: boolean;
  readonly user: boolean;
  readonly address: number;
  readonly instruction: number;
  readonly n: number;
  readonly DACR: number;
  readonly SCTLR: number;
  readonly MAIR0: number;
  readonly MAIR1: number;
  readonly first: number;
  readonly second: number;
  readonly stage2Words: readonly (readonly [at: number, low: number, high: number])[];
  /** How stage 2 maps the second-level table. */
  readonly tables: number;
  readonly HCR: number;
  readonly VTCR: number;
  readonly SMP: number;
}

const word = (random: (n: number) => number): number => random(2 ** 32) >>> 0;

function make(random: (n: number) => number): Case {
  const one = <T>(...of: readonly T[]): T => of[random(of.length)]!;
  const user = one(true, false);
  const n = one(0, 0, 0, 1, 2);
  // In the table of TTBR1 too, where there is one.
  const megabyte = one(1 + random(63), 0x400 + random(0x3ff), 0xc00 + random(0x3ff));
  const address = (megabyte * MIB + random(MIB)) & ~one(3, 3, 3, 3, 0);
  const target = one(4 + random(RAM_MIB), 4 + random(RAM_MIB - 4)) * MIB;
  const leaf = word(random) & 0x000f_fffc;
  const isSection = one(true, false);
  const domain = one(0, 1, 1, 1, 2, 15) << 5;
  const first = isSection
    ? (target | (leaf & one(0xbfe1c, 0xffe1c)) | domain | one(2, 2, 3, 0)) >>> 0
    : (SECOND | (random(2) << 2) | domain | one(1, 1, 1, 1, 0)) >>> 0;
  const kind = one(1, 2, 2, 3, 0);
  const second = ((target & ~0xffff) | (word(random) & 0xfffc) | kind) >>> 0;
  // Stage 2: what maps the first two MiB is whole, the rest is anything.
  const stage2 = one(true, false);
  const attributes = (): number => ((random(1 << 10) << 2) | one(0x43c, 0x43c, 0x400, 0)) & ~one(0, 0x300);
  const at = (target >>> 21) * 8;
  const block = one(true, false);
  const level1 = one(true, true, false);
  const lows = block
    ? [[STAGE2_SECOND + at, ((target & ~0x1f_ffff) | (attributes() & 0xffc) | one(1, 1, 1, 0)) >>> 0]]
    : [
        [STAGE2_SECOND + at, STAGE2_THIRD | 3],
        ...Array.from({ length: 512 }, (_, i): [number, number] => [
          STAGE2_THIRD + i * 8,
          ((target & ~0x1f_ffff) | (((i + 1) & 0x1ff) << 12) | (attributes() & 0xffc) | one(3, 3, 3, 1)) >>>
            0,
        ]),
      ];
  return {
    ...{ user, n, address: address >>> 0, first, second, stage2, nonSecure: stage2 || one(true, false) },
    instruction: one(LDR, STR, LDM, STM),
    DACR: (word(random) & 0x3fff_fff3) | one(4, 4, 12, 0, 8) | MANAGER,
    SCTLR: SCTLR_M | SCTLR_TRE | one(0, 0, SCTLR_A),
    // The code's memory has to be Normal.
    MAIR0: (word(random) & ~(3 << 4)) | (2 << 4),
    MAIR1: one(word(random), 0x5555_5555),
    stage2Words: lows.map(([place, low]) => [place!, low!, one(0, 0, 0, 1 << 22, 1)] as const),
    // Whole, then not to be read, Device, Non-cacheable, shareable.
    tables: one(WHOLE, WHOLE, WHOLE, WHOLE & ~0x40, WHOLE & ~0x3c, WHOLE & ~0x28, WHOLE | 0x300),
    HCR: HCR_VM | one(0, HCR_PTW),
    // SL0 and T0SZ: from level 1 or 2 on.
    VTCR: level1 ? 0x40 | one(0, 0, 1) : one(2, 4),
    SMP: one(0x40, 0x40, 0),
  };
}

function prepare(cpu: Cpu, it: Case): void {
  const { machine: m } = cpu;
  const words = (at: number): Uint32Array => ramWords(cpu, at);
  words(STAGE1).fill(0, 0, 0x4000 / 4);
  words(STAGE1_HIGH).fill(0, 0, 0x4000 / 4);
  words(STAGE2).fill(0, 0, 0x6000 / 4);
  const code = (2 | (15 << 5) | (2 << 2) | (3 << 10)) >>> 0;
  words(STAGE1)[0] = code;
  const high = it.n !== 0 && it.address >>> (32 - it.n) !== 0;
  words(high ? STAGE1_HIGH : STAGE1)[it.address >>> 20] = it.first;
  words(SECOND)[(it.address >>> 12) & 0xff] = it.second;
  const isLevel1 = (it.VTCR & 0x40) !== 0;
  // Two levels, or from the second on.
  words(STAGE2).set([STAGE2_SECOND | 3, 0]);
  words(STAGE2_SECOND).set([WHOLE, 0, 0x20_0000 | it.tables, 0]);
  for (const [at, low, upper] of it.stage2Words) words(at).set([low, upper]);
  words(CODE).set([it.instruction, STAY]);
  for (let i = 0; i < 8; i++) words(VECTORS)[i] = STAY;
  Object.assign(m.core, {
    SCR: it.nonSecure ? SCR_NS : 0,
    HCR: it.stage2 ? it.HCR : 0,
    VTCR: it.VTCR,
    VTTBR: isLevel1 ? STAGE2 : STAGE2_SECOND,
    VTTBR_HIGH: 0,
    HVBAR: VECTORS,
    ACTLR: it.SMP,
  });
  const bank = it.nonSecure ? m.core.nonSecure : m.core.secure;
  Object.assign(bank, {
    ...{ TTBR0: STAGE1, TTBR1: STAGE1_HIGH, TTBCR: it.n, DACR: it.DACR, VBAR: VECTORS },
    ...{ SCTLR: it.SCTLR, MAIR0: it.MAIR0 >>> 0, MAIR1: it.MAIR1 },
  });
  setCpsr(m, (it.user ? MODE_USR : MODE_SVC) | PSR_A | PSR_I | PSR_F);
  m.u32.fill(0, 0, 16);
  m.u32[1] = it.address;
  m.u32[L.PC >>> 2] = CODE;
  flushTlb(m);
  m.u8.fill(0, L.WRITTEN, L.WRITTEN + (RAM_MIB * MIB) / 0x1000);
  contextsChanged(m);
}

/** What is compared in words, and what in bytes: the TLB, and the maps of pages. */
function leftBy({ machine: m }: Cpu, { nonSecure }: Case): { words: number[]; bytes: Uint8Array[] } {
  const bank = nonSecure ? m.core.nonSecure : m.core.secure;
  return {
    words: [...m.u32.subarray(0, 16), m.u32[L.CPSR >>> 2]!, ...BANK_WORDS.map((name) => bank[name])],
    bytes: [
      m.u8.subarray(L.TLB, L.TLB + L.TLB_ENTRIES * L.TLB_ENTRY_SIZE),
      m.u8.subarray(L.LARGE, L.LARGE_END),
      m.u8.subarray(L.WRITTEN, L.WRITTEN + (RAM_MIB * MIB) / 0x1000),
    ],
  };
}

test('words of a bank are where the interpreter has them', () => {
  expect(placeInBank('DACR')).toBe(L.BANK_DACR);
  expect(placeInBank('TTBR0')).toBe(L.BANK_TTBR0);
  expect(placeInBank('TTBR1')).toBe(L.BANK_TTBR1);
  expect(placeInBank('TTBCR')).toBe(L.BANK_TTBCR);
});

describe('a walk of the interpreter', () => {
  let own: Cpu;
  let watched: Cpu;
  beforeAll(async () => {
    [own, watched] = [await bareCpu(), await bareCpu()];
    watched.watch({ wants: () => false, instruction: () => false });
  });

  test('leaves what one of TypeScript leaves', () => {
    const random = randomFrom(SEED);
    let [went, walked] = [0, 0];
    for (let i = 0; i < CASES; i++) {
      const it = make(random);
      for (const cpu of [own, watched]) {
        prepare(cpu, it);
        cpu.run(cpu.time + 10_000);
      }
      const [here, there] = [leftBy(own, it), leftBy(watched, it)];
      const shown = `case ${i}: ${JSON.stringify(it)}`;
      expect(here.words, shown).toEqual(there.words);
      for (const [n, bytes] of here.bytes.entries()) {
        if (Buffer.compare(bytes, there.bytes[n]!) === 0) continue;
        const at = bytes.findIndex((byte, place) => byte !== there.bytes[n]![place]);
        expect.fail(`${shown}: ${['TLB', 'LARGE', 'WRITTEN'][n]!} at ${at}`);
      }
      expect(watched.machine.u32[L.WALKS >>> 2]).toBe(0);
      if (here.words[15] === CODE + 4) {
        went++;
        if (own.machine.u32[L.WALKS >>> 2] === (it.stage2 ? 2 : 1)) walked++;
      }
    }
    // Enough of them come to an end, and enough do not.
    expect(walked).toBe(went);
    expect(went).toBeGreaterThan(CASES / 10);
    expect(CASES - went).toBeGreaterThan(CASES / 10);
  });
});
