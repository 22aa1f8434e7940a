import { describe, expect, test } from 'vitest';
import {
  checkHandover,
  summarizeHandover,
  type CoreAtEntry,
  type HandoverSeen,
} from '../../src/engine/handover-check.js';
import { emptyFdt, writeFdt } from '../../src/firmware/fdt.js';

const TREE = 0x0100_0000;

/** A core as booting.rst wants it. The numbers are written out: they are the protocol, not the program's. */
const goodCore = (core: number): CoreAtEntry => ({
  core,
  pc: core === 0 ? 0x8000 : 0x30_0000,
  r0: 0,
  r1: 3138,
  r2: TREE,
  CPSR: 0x1da,
  SCR: 0x1b1,
  SCTLR: 0x00c5_0878,
  secureSCTLR: 0x00c5_0878,
  HSCTLR: 0x30c5_1878,
  ACTLR: 0x6040,
  NSACR: 0x4_0c00,
  HCPTR: 0x33ff,
  CNTFRQ: 19_200_000,
  CNTVOFF: 0n,
  VTTBR: 0n,
  timers: { secure: 0, physical: 0, virtual: 0, hyp: 0 },
  mailbox3: 0,
  releasedTo: core === 0 ? undefined : 0x30_0000,
});

const good = (): HandoverSeen => ({
  cores: [0, 1, 2, 3].map(goodCore),
  strayed: [],
  timerSource: { control: 0, prescaler: 0x8000_0000 },
  released: [1, 2, 3],
  atR2: writeFdt(emptyFdt()),
  atR2Later: writeFdt(emptyFdt()),
  kernel: { start: 0x8000, end: 0x60_0000 },
  unpacked: { start: 0x80_0000, end: 0x90_0000 },
});

/** The handover with something changed on one core, the last unless told otherwise. */
const onCore = (change: Partial<CoreAtEntry>, core = 3): HandoverSeen => ({
  ...good(),
  cores: [0, 1, 2, 3].map((n) => (n === core ? { ...goodCore(n), ...change } : goodCore(n))),
});

/** The tree elsewhere. */
const treeAt = (r2: number): HandoverSeen => onCore({ r2 }, 0);

/** The same handover with `value` in the tree's word at `at`, seen later or from the beginning. */
function withWord(which: 'atR2' | 'atR2Later', at: number, value: number): HandoverSeen {
  const seen = good();
  new DataView(seen[which].buffer).setUint32(at, value);
  return seen;
}

const failed = (seen: HandoverSeen): string[] =>
  checkHandover(seen)
    .filter(({ ok }) => ok === false)
    .map(({ point }) => point);

describe('the handover check', () => {
  test('finds nothing wrong with a machine that is as the protocol wants it', () => {
    expect(failed(good())).toEqual([]);
  });

  test.each<[string, HandoverSeen]>([
    ['mode', onCore({ CPSR: 0x1d3 })],
    ['mode', onCore({ SCR: 0x1b0 })],
    ['cores', { ...good(), cores: [0, 1, 2].map(goodCore) }],
    ['instruction set', onCore({ CPSR: 0x1fa }, 0)],
    ['instruction set', onCore({ CPSR: 0x3da })],
    ['mmu', onCore({ HSCTLR: 0x30c5_1879 })],
    ['mmu', onCore({ SCTLR: 0x00c5_0879 })],
    ['mmu', onCore({ secureSCTLR: 0x00c5_0879 })],
    ['data cache', onCore({ HSCTLR: 0x30c5_187c })],
    ['data cache', onCore({ SCTLR: 0x00c5_087c })],
    ['data cache', onCore({ secureSCTLR: 0x00c5_087c })],
    ['masks', onCore({ CPSR: 0x15a })],
    ['masks', onCore({ CPSR: 0x19a })],
    ['masks', onCore({ CPSR: 0x0da })],
    ['r0', onCore({ r0: 1 }, 0)],
    ['tree', { ...good(), atR2: new Uint8Array(0) }],
    ['tree', { ...good(), atR2: new Uint8Array(64) }],
    ['tree', treeAt(TREE + 0x1004)],
    ['tree place', treeAt(0x4_0000)],
    ['tree place', treeAt(0x7f_b000)],
    ['tree place', { ...treeAt(0x3000), unpacked: undefined }],
    ['tree place', treeAt(0x8f_fff8)],
    ['tree kept', withWord('atR2Later', 8, 0)],
    ['CNTFRQ', onCore({ CNTFRQ: 0 })],
    ['CNTVOFF', onCore({ CNTVOFF: 1n << 40n })],
    ['VMID', onCore({ VTTBR: 5n << 48n })],
    ['SMP', onCore({ ACTLR: 0x6000 })],
    ['VFP', onCore({ NSACR: 0x4_0800 })],
    ['VFP', onCore({ NSACR: 0x4_8c00 })],
    ['VFP', onCore({ HCPTR: 0x3fff })],
    ['HVC', onCore({ SCR: 0x0b1 })],
    ['SMC', onCore({ SCR: 0x131 })],
    ['routing', onCore({ SCR: 0x1b3 })],
    ['routing', onCore({ SCR: 0x1a1 })],
    ['timers', onCore({ timers: { secure: 0, physical: 0, virtual: 1, hyp: 0 } })],
    ['timers', onCore({ timers: { secure: 3, physical: 0, virtual: 0, hyp: 0 } })],
    ['counter', { ...good(), timerSource: { control: 0x100, prescaler: 0x8000_0000 } }],
    ['counter', { ...good(), timerSource: { control: 0x200, prescaler: 0x8000_0000 } }],
    ['counter', { ...good(), timerSource: { control: 0, prescaler: 0x4000_0000 } }],
    ['waiting', { ...good(), strayed: [{ core: 2, at: 0x8100, releasedTo: undefined }] }],
    ['waiting', { ...good(), strayed: [{ core: 2, at: 0x8100, releasedTo: 0x30_0000 }] }],
    ['waiting', onCore({ releasedTo: undefined })],
    ['waiting', onCore({ pc: 0x40_0000 })],
    ['mailbox', onCore({ mailbox3: 0x30_0000 })],
  ])('reports %s and nothing else for a fault in it (%#)', (point, seen) => {
    expect(failed(seen)).toEqual([point]);
  });

  test('a damaged tree is named with its fault', () => {
    const seen = good();
    seen.atR2.fill(0xff, 8, 40);
    const tree = checkHandover(seen).find(({ point }) => point === 'tree')!;
    expect(tree.ok).toBe(false);
    expect(tree.found).toMatch(/tree\./);
  });

  test('ATAGS and the machine type do instead of a tree', () => {
    const atags = new Uint8Array(64);
    new DataView(atags.buffer).setUint32(4, 0x5441_0001, true);
    const seen = { ...onCore({ r2: 0x100 }, 0), atR2: atags, atR2Later: atags };
    expect(failed(seen)).toEqual([]);
    expect(failed({ ...seen, cores: seen.cores.map((core) => ({ ...core, r1: 42 })) })).toEqual(['r1']);
  });

  test('a core may go on in Thumb code where the address says so', () => {
    expect(failed(onCore({ releasedTo: 0x30_0001 }))).toEqual([]);
  });

  test('a kernel may take a seed out of its tree, as Linux does', () => {
    expect(failed(withWord('atR2Later', 0x38, 4))).toEqual([]);
  });

  test('what was not seen is not called right', () => {
    const outcomes = (seen: HandoverSeen): Record<string, boolean | null> =>
      Object.fromEntries(checkHandover(seen).map(({ point, ok }) => [point, ok]));
    const nobody = outcomes({ ...good(), cores: [] });
    expect(nobody).toEqual({
      ...Object.fromEntries(Object.keys(nobody).map((point) => [point, null])),
      cores: false,
    });
    expect(outcomes({ ...good(), cores: [goodCore(0)] })).toMatchObject({
      ...{ mode: true, cores: false, r0: true, waiting: null, mailbox: null },
    });
  });

  test('cores that the kernel leaves where they are were not seen to be lost', () => {
    const coresOf = (seen: HandoverSeen) => checkHandover(seen).find(({ point }) => point === 'cores');
    const alone = { ...good(), cores: [goodCore(0)], released: [] };
    expect(coresOf(alone)).toMatchObject({ ok: null, found: 'the kernel did not call core 1, 2, 3' });
    const two = { ...good(), cores: [goodCore(0), goodCore(2)], released: [2] };
    expect(coresOf(two)).toMatchObject({ ok: null, found: 'the kernel did not call core 1, 3' });
    expect(coresOf({ ...alone, released: [2] })).toMatchObject({ ok: false });
    const stray = { core: 3, at: 0x8000, releasedTo: undefined };
    expect(coresOf({ ...alone, strayed: [stray] })).toMatchObject({ ok: false });
  });

  test('says in one sentence what holds', () => {
    const count = checkHandover(good()).length;
    expect(summarizeHandover(checkHandover(good()))).toBe(`${count} of ${count} points hold`);
    const seen = { ...onCore({ r0: 1 }, 0), cores: [{ ...goodCore(0), r0: 1 }] };
    expect(summarizeHandover(checkHandover(seen))).toBe(
      `${count - 4} of ${count} points hold; these do not: cores, r0; not seen: waiting, mailbox`,
    );
  });
});
