/**
 * Rules of address translation by the manual (ARM ARM, DDI 0406C) for which QEMU cannot be asked, since it does
 * otherwise: see translation-exemptions.ts.
 */
import { walk } from '../../src/cpu/mmu.js';
import { ramView } from '../support/ram.js';
import { bareCpu } from './machines.js';
import { expect, test } from 'vitest';
import { encodeA32 } from '../../src/isa/assembler.js';
import { coreRegisters, r1, r2 } from '../../src/isa/registers.js';
import { MODE_HYP, MODE_MON, MODE_SVC } from '../../src/isa/program-status.js';
import * as R from '../../src/isa/system-registers.js';
import { landing } from './translation-compare.js';
import { DATA, plainSetup, type Result, runHere, type Setup } from './translation-harness.js';
import {
  type LongLeaf,
  LongTables,
  NOWHERE,
  type ShortLeaf,
  ShortTables,
  TableMemory,
} from './translation-tables.js';

const VA = 0x20000000;
const [M, WXN, UWXN, AFE] = [1, 1 << 19, 1 << 20, 1 << 29];
const [NS_HCE, EA, SIF] = [0x101, 8, 0x200];
const THUMB = 0x20;
const MASKED = 0x1c0;
const CLIENT_15 = 1 << 30;
const CLIENTS = 0x55555555;

const page: ShortLeaf = {
  ...{ kind: 'small', ap: 3, xn: false, pxn: false, memory: 0b00111, domain: 1, notGlobal: false, ns: false },
};
const block: LongLeaf = {
  ...{ level: 3, memory: 0, ap: 1, accessFlag: true, xn: false, pxn: false, notGlobal: false, ns: false },
  ...{ contiguous: false, table: 0 },
};

interface Scene {
  readonly setup: Setup;
  readonly memory: TableMemory;
  readonly short: ShortTables;
}

/** Short descriptors in Secure state; `leaf` describes the page at VA. */
function shortScene(leaf: Partial<ShortLeaf>, flags = 0, dacr = CLIENTS): Scene {
  const memory = new TableMemory();
  const short = new ShortTables(memory, false);
  const setup = plainSetup();
  setup.secure.SCTLR |= M | flags | (1 << 10);
  setup.secure.TTBR0 = [short.ttbr0, 0];
  setup.secure.DACR = (dacr | CLIENT_15) >>> 0;
  short.map(VA, DATA, 0, { ...page, ...leaf }, 0);
  return { setup, memory, short };
}

/** Runs one snippet of A32 instructions, R1 given; then an SMC. */
async function run(
  { setup, memory }: Pick<Scene, 'setup' | 'memory'>,
  code: readonly (readonly [string, ...unknown[]])[],
  address = VA,
  { mode = MODE_SVC, pokes = [] as (readonly [number, number])[] } = {},
): Promise<Result> {
  const site = { address: 0, pcAhead: 8, locate: () => 0 };
  const words = [...code, ['smc', 0] as const].map(([name, ...operands]) => encodeA32(name, operands, site));
  const registers = Array.from({ length: 11 }, (_, n) => (n === 1 ? address : 0));
  const [result] = await runHere(
    [
      {
        ...{ name: 'rule', setup, pokes, flush: true, cpsr: mode | MASKED, alias: 0, registers },
        ...{ snippet: new Uint8Array(Uint32Array.from(words).buffer), probes: [DATA, DATA] },
      },
    ],
    memory.words,
  );
  return result!;
}
const load = [['ldr', r2, [r1]]] as const;
const jump = [['bx', r1]] as const;
const SMC = 0xe1600070;

test('a missing second-level descriptor is a translation fault whatever the domain (B3.12.1)', async () => {
  const result = await run(shortScene({ kind: 'fault2' }, 0, CLIENTS & ~(3 << 2)), load);
  expect([landing(result).vector, result.DFSR_s]).toEqual([16, (1 << 4) | 0b0111]);
});

test('the access flag is looked at before XN, and in a manager’s domain too (B3.12.1)', async () => {
  const manager = await run(shortScene({ ap: 2 }, AFE, CLIENTS | (3 << 2)), load);
  expect([landing(manager).vector, manager.DFSR_s & 0x40f]).toEqual([16, 0b0110]);
  const never = await run(shortScene({ ap: 2, xn: true }, AFE), jump);
  expect([landing(never).vector, never.IFSR_s & 0x40f, never.IFAR_s]).toEqual([12, 0b0110, VA]);
});

test('what may be written is not executed with WXN, nor by PL1 with UWXN (B3.7.2)', async () => {
  const pokes = [[DATA, SMC]] as const;
  const without = await run(shortScene({}), jump, VA, { pokes: [...pokes] });
  expect(landing(without).vector).toBe(-1);
  for (const flag of [WXN, UWXN]) {
    const refused = await run(shortScene({}, flag), jump, VA, { pokes: [...pokes] });
    expect([landing(refused).vector, refused.IFSR_s]).toEqual([12, 0b1111]);
  }
  // PL1 only: UWXN does not matter.
  const own = await run(shortScene({ ap: 1 }, UWXN), jump, VA, { pokes: [...pokes] });
  expect(landing(own).vector).toBe(-1);
});

test('Secure state executes nothing of Non-secure memory with SCR.SIF (B3.7.2)', async () => {
  for (const ns of [false, true]) {
    const scene = shortScene({ kind: 'section', ns });
    scene.setup.SCR = SIF;
    const result = await run(scene, jump, VA, { pokes: [[DATA, SMC]] });
    expect(landing(result).vector).toBe(ns ? 12 : -1);
  }
});

test('SWP reads first: its fault is that of a read (A8.8.229)', async () => {
  const scene = shortScene({ ap: 0 });
  const result = await run(scene, [['swp', r2, coreRegisters[5]!, [r1]]]);
  expect([landing(result).vector, result.DFSR_s]).toEqual([16, (1 << 4) | 0b1111]);
});

test('an external abort of a table walk goes to Monitor mode with SCR.EA (B1.8.7)', async () => {
  const scene = shortScene({ kind: 'walk' });
  const plain = await run(scene, load);
  expect([landing(plain).vector, plain.DFSR_s, plain.DFAR_s]).toEqual([16, (1 << 4) | 0b1110, VA]);
  scene.setup.SCR = EA;
  const routed = await run(scene, load);
  expect([routed.monitorVector, routed.DFSR_s, routed.DFAR_s]).toEqual([16, (1 << 4) | 0b1110, VA]);
});

test('a fault of Hyp mode’s own stage 1 has no syndrome of the access (B3.13.6)', async () => {
  const memory = new TableMemory();
  const hyp = new LongTables(memory, false, 'hyp');
  const setup = plainSetup();
  setup.SCR = NS_HCE;
  setup.HSCTLR |= M;
  setup.HTTBR = [hyp.level1, 0];
  setup.HMAIR0 = 0xff;
  hyp.map(VA, DATA, { ...block, fault: 'invalid' }, 0);
  const result = await run({ setup, memory }, load, VA, { mode: MODE_HYP });
  expect([landing(result).vector, result.HSR, result.HDFAR]).toEqual([
    16,
    ((0x25 << 26) | 0b000111) >>> 0,
    VA,
  ]);
});

/** A guest with stage 1's page at VA, and stage 2 in 4 GiB from level 1. */
function guest(leaf: Partial<ShortLeaf>, dacr = CLIENTS): Scene & { stage2: LongTables } {
  const scene = shortScene(leaf, 0, dacr);
  const { setup, memory } = scene;
  const stage2 = new LongTables(memory, false, 'stage2');
  setup.nonSecure = { ...setup.secure };
  setup.secure = plainSetup().secure;
  setup.SCR = NS_HCE;
  setup.HCR = 1;
  setup.VTCR = 1 << 6;
  setup.VTTBR = [stage2.level1, 0];
  stage2.map(DATA, DATA, { ...block, memory: 0xf, ap: 3 }, 0);
  return { ...scene, stage2 };
}

test('stage 2’s level is reported for its fault on stage 1’s table walk (B3.13.3)', async () => {
  const scene = guest({ kind: 'walk' });
  // The first level of stage 2 has nothing for the table's gibibyte.
  scene.stage2.map(NOWHERE, DATA, { ...block, level: 1, fault: 'invalid' }, 0);
  const result = await run(scene, load);
  // S1PTW, translation fault, level 1.
  expect([landing(result).vector, result.HSR]).toEqual([20, ((0x24 << 26) | (1 << 7) | 0b000101) >>> 0]);
  expect([result.HDFAR, result.HPFAR]).toEqual([VA, NOWHERE / 0x100]);
});

test('a domain fault in the 64-bit PAR (B4.1.112)', async () => {
  const scene = guest({}, CLIENTS & ~(3 << 2));
  const result = await run(scene, [['mcr', R.ATS12NSOPR, r1], ['isb']], VA, { mode: MODE_HYP });
  // F, FST, LPAE.
  expect(result.PAR_ns & 0x87f).toBe(1 | (0b111110 << 1) | (1 << 11));
});

test('Monitor mode has the Non-secure tables translate with SCR.NS clear too (B3.12)', async () => {
  const scene = guest({});
  scene.setup.SCR = NS_HCE & ~1;
  const result = await run(scene, [['mcr', R.ATS12NSOPR, r1], ['isb']], VA, { mode: MODE_MON });
  expect(result.PAR_s & 0xfffff801).toBe(DATA | (1 << 11));
});

test('of a T32 instruction on two pages, the half that cannot be read is in IFAR, the instruction in LR', async () => {
  const AT = VA + 0xffe;
  // NOP.W across the pages, then SMC.
  const pokes = [
    [DATA + 0xffc, 0xf3af0000],
    [DATA + 0x1000, 0xf7f08000],
    [DATA + 0x1004, 0x8000],
  ] as const;
  for (const [first, second, far] of [
    [false, false, undefined],
    [false, true, AT + 2],
    [true, false, AT],
    [true, true, AT],
  ] as const) {
    const scene = shortScene({ xn: first });
    scene.short.map(VA + 0x1000, DATA + 0x1000, 0, { ...page, xn: second }, 0);
    const result = await run(scene, jump, AT + 1, { pokes: [...pokes] });
    if (far === undefined) {
      expect([landing(result).vector, result.lr]).toEqual([-1, AT + 8]);
      continue;
    }
    expect([landing(result).vector, result.IFSR_s, result.IFAR_s]).toEqual([12, 0b1111, far]);
    expect([result.LR_abt, result.SPSR_abt & THUMB]).toEqual([AT + 4, THUMB]);
  }
});

// UNPREDICTABLE (DDI 0406C, VTCR): here the first level has one entry, and nothing else is read.
test('stage 2 that begins at a level which its addresses are too short for', async () => {
  const cpu = await bareCpu();
  const { machine: m } = cpu;
  const TABLE = 0x10_0000;
  // A block of 1 GiB: Normal memory, read and written, accessed.
  ramView(cpu).setUint32(TABLE, 0x4000_04fd, true);
  // SL0 is level 1, T0SZ has 25 bits.
  Object.assign(m.core, { SCR: NS_HCE, HCR: 1, VTCR: (1 << 6) | 7, VTTBR: TABLE, VTTBR_HIGH: 0 });
  const found = walk(m, 'non-secure', 0x1234, true);
  expect([found.fault, found.physical]).toEqual([0, 0x4000_1234]);
});
