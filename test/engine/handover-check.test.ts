import { describe, expect, test } from 'vitest';
import { checkHandover, type CoreAtEntry, type HandoverSeen } from '../../src/engine/handover-check.js';
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

function good(): HandoverSeen {
  const memory = new Uint8Array(TREE + 0x1_0000);
  memory.set(writeFdt(emptyFdt()), TREE);
  return {
    cores: [0, 1, 2, 3].map(goodCore),
    strayed: [],
    memory,
    kernel: { start: 0x8000, end: 0x60_0000 },
  };
}

/** The handover with something changed on one core, the last unless told otherwise. */
const onCore = (change: Partial<CoreAtEntry>, core = 3): HandoverSeen => ({
  ...good(),
  cores: [0, 1, 2, 3].map((n) => (n === core ? { ...goodCore(n), ...change } : goodCore(n))),
});

function withTreeAt(address: number): HandoverSeen {
  const seen = onCore({ r2: address }, 0);
  seen.memory.set(writeFdt(emptyFdt()), address);
  return seen;
}

const failed = (seen: HandoverSeen): string[] =>
  checkHandover(seen)
    .filter(({ ok }) => !ok)
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
    ['data cache', onCore({ HSCTLR: 0x30c5_187c })],
    ['data cache', onCore({ SCTLR: 0x00c5_087c })],
    ['masks', onCore({ CPSR: 0x15a })],
    ['masks', onCore({ CPSR: 0x19a })],
    ['masks', onCore({ CPSR: 0x0da })],
    ['r0', onCore({ r0: 1 }, 0)],
    ['tree', onCore({ r2: 0x0200_0000 }, 0)],
    ['tree', onCore({ r2: 0x0100_8000 }, 0)],
    ['tree', withTreeAt(TREE + 0x1004)],
    ['tree place', withTreeAt(0x4_0000)],
    ['tree place', withTreeAt(0x4000)],
    ['CNTFRQ', onCore({ CNTFRQ: 0 })],
    ['CNTVOFF', onCore({ CNTVOFF: 1n << 40n })],
    ['VMID', onCore({ VTTBR: 5n << 48n })],
    ['SMP', onCore({ ACTLR: 0x6000 })],
    ['VFP', onCore({ NSACR: 0x4_0800 })],
    ['VFP', onCore({ NSACR: 0x4_8c00 })],
    ['VFP', onCore({ HCPTR: 0x3fff })],
    ['HVC', onCore({ SCR: 0x0b1 })],
    ['SMC', onCore({ SCR: 0x131 })],
    ['timers', onCore({ timers: { secure: 0, physical: 0, virtual: 1, hyp: 0 } })],
    ['timers', onCore({ timers: { secure: 3, physical: 0, virtual: 0, hyp: 0 } })],
    ['waiting', { ...good(), strayed: [2] }],
    ['waiting', onCore({ releasedTo: undefined })],
    ['waiting', onCore({ pc: 0x40_0000 })],
    ['mailbox', onCore({ mailbox3: 0x30_0000 })],
  ])('reports %s and nothing else for a fault in it (%#)', (point, seen) => {
    expect(failed(seen)).toEqual([point]);
  });

  test('a damaged tree is named with its fault', () => {
    const seen = good();
    seen.memory.fill(0xff, TREE + 8, TREE + 40);
    const tree = checkHandover(seen).find(({ point }) => point === 'tree')!;
    expect(tree.ok).toBe(false);
    expect(tree.found).toMatch(/tree\./);
  });

  test('ATAGS and the machine type do instead of a tree', () => {
    const seen = onCore({ r2: 0x100 }, 0);
    new DataView(seen.memory.buffer).setUint32(0x104, 0x5441_0001, true);
    expect(failed(seen)).toEqual([]);
    expect(failed({ ...seen, cores: seen.cores.map((core) => ({ ...core, r1: 42 })) })).toEqual(['r1']);
  });

  test('a core may go on in Thumb code where the address says so', () => {
    expect(failed(onCore({ releasedTo: 0x30_0001 }))).toEqual([]);
  });
});
