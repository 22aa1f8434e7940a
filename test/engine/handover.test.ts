import { describe, expect, test } from 'vitest';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { bits } from '../../src/isa/bits.js';
import { concatBytes } from '../../src/base/bytes.js';
import { MODE_HYP, MODE_SVC, PSR } from '../../src/isa/program-status.js';
import { r0, r1, r2, r3, r4, r6, r8, r9, r12, pc, lr } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { BLOCK_SIZE, blockItems, buildBootBlock, buildStub, KERNEL_OFFSET } from '../../src/boot/block.js';
import { LOCAL_CONTROL, LOCAL_MAILBOX3_CLR, LOCAL_PRESCALER } from '../../src/board/local-peripherals.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import type { PointResult } from '../../src/engine/handover-check.js';
import { watchHandover } from '../../src/engine/handover-watch.js';
import { emptyFdt, writeFdt } from '../../src/firmware/fdt.js';
import type { Handover, Segment } from '../../src/firmware/handover.js';
import { buildPlainStub } from '../../src/firmware/plain-stub.js';
import { BIG_TREE } from '../support/boot-files.js';
import { handoverOf, words } from '../support/handover.js';
import { releasingKernel } from '../support/payloads.js';
import { armstub7, bootCodeWith, RPI2_HYP_BOOT } from '../support/yardsticks.js';

const TREE_AT = 0x0800_0000;
const TREE = writeFdt(emptyFdt());
/** Where there is another tree that a broken block may hand over. */
const IN_PAGE_TABLES = 0x7000;
/** A word that the kernel of these tests clears, before it starts the other cores. */
const CLEARED = 0x0070_0000;
const PRESCALER_UNKNOWN = 0x1234;
/** Virtual nanoseconds: long enough for all of it, and for two looks. */
const [STEP, STEPS] = [100_000, 10];

const kernel = releasingKernel(KERNEL_OFFSET, { cleared: CLEARED + 8 });
const SECONDARY = `0x${(KERNEL_OFFSET + kernel.secondary).toString(16)}`;
const ELSEWHERE = KERNEL_OFFSET + kernel.elsewhere;

type Pi = Awaited<ReturnType<typeof createBuiltInPi>>;

/** What is unknown at reset and a machine may well have: nothing of it is as it should be. */
function setUnknown({ cpu: { machine: m }, board }: Pi): void {
  [board.local.state.control, board.local.state.prescaler] = [0, PRESCALER_UNKNOWN];
  for (const core of m.cores) {
    core.VTTBR_HIGH = core.index << 16;
    core.CNTVOFF = BigInt(1000 * core.index + 1);
    core.nonSecure.SCTLR |= bits(reg.SCTLR, { C: 1 });
    core.HSCTLR |= bits(reg.HSCTLR, { C: 1 });
    core.secure.CNTP_CTL = core.nonSecure.CNTP_CTL = core.CNTV_CTL = core.CNTHP_CTL = 1;
  }
  m.u32.fill(0xdead_beef, 0, 3);
}

/** The machine as the engine makes it, its counter at rest. */
function asInReset({ board }: Pi): void {
  [board.local.state.control, board.local.state.prescaler] = [0, 0];
}

/** Runs a machine and checks its handover. */
async function check(machine: Handover, prepare = setUnknown): Promise<PointResult[]> {
  const pi = await createBuiltInPi(machine, () => undefined, [watchHandover]);
  prepare(pi);
  for (let step = 1; step <= STEPS; step++) pi.run(step * STEP);
  return [...pi.report().handover!];
}

/** What does not hold, and what was found; or what was not seen, and why. */
const faults = (points: readonly PointResult[], outcome: false | null = false): Record<string, string> =>
  Object.fromEntries(points.filter(({ ok }) => ok === outcome).map(({ point, found }) => [point, found]));

function machineOf(picked: Partial<Handover['picked']['kernel']>, ...pieces: Segment[]): Handover {
  const base = handoverOf();
  return {
    ...base,
    memory: [...pieces].sort((a, b) => a.address - b.address),
    picked: { ...base.picked, kernel: { ...base.picked.kernel, ...picked } },
  };
}

/** The combined file of `kernel_old=1`, with a tree, or something else, at TREE_AT. */
function combined(block: Uint8Array, atTree: Uint8Array = TREE): Handover {
  const file = concatBytes(block, kernel.image);
  return machineOf(
    { address: 0, size: file.length },
    { name: 'kernel', address: 0, data: file },
    { name: 'tree', address: TREE_AT, data: atTree },
    { name: 'tree', address: CLEARED, data: TREE },
  );
}

/** A stub at 0 and the kernel by itself. */
function behindStub(stub: Uint8Array, treeAt = TREE_AT, tree: Uint8Array = TREE): Handover {
  return machineOf(
    { address: KERNEL_OFFSET, size: kernel.image.length },
    { name: 'stub', address: 0, data: stub },
    { name: 'kernel', address: KERNEL_OFFSET, data: kernel.image },
    { name: 'tree', address: treeAt, data: tree },
  );
}

type Write = (a: Assembler) => void;
const nop: Write = (a) => {
  a.nop();
};
const wordOf = (write: Write): number => {
  const a = assembler();
  write(a);
  return new DataView(a.assemble().buffer).getUint32(0, true);
};

/** Our block with one word, of which there must be exactly one, replaced by another. */
function broken(was: number | Write, by: number | Write): Uint8Array {
  const block = buildBootBlock(TREE_AT);
  const view = new DataView(block.buffer);
  const [old, other] = [was, by].map((it) => (typeof it === 'number' ? it : wordOf(it)));
  const places = [...Array(BLOCK_SIZE / 4).keys()].filter((i) => view.getUint32(4 * i, true) === old);
  expect(places).toHaveLength(1);
  view.setUint32(4 * places[0]!, other!, true);
  return block;
}

/** Our block with the instruction replaced that stands so many before or behind a label. */
function brokenAt(label: string, further: number, by: Write): Uint8Array {
  const block = buildBootBlock(TREE_AT);
  const at = blockItems().find(({ labels }) => labels.includes(label))!.address + 4 * further;
  new DataView(block.buffer).setUint32(at, wordOf(by), true);
  return block;
}

/** The block's first instruction. */
const BLOCK_START: Write = (a) => {
  a.mrc(reg.ACTLR, r0);
};
const PSR_GOOD = { A: 1, I: 1, F: 1, M: MODE_HYP };
const SCR_GOOD = { NS: 1, FW: 1, AW: 1, SCD: 1, HCE: 1 };
const STOPPED = 'the prescaler is 0x0';
const each = (found: string): string => `every core: ${found}`;
const others = (found: string): string => `core 1, 2, 3: ${found}`;

/** An instruction that core 0 alone executes, and whose absence no point sees: its place is free for another. */
const SPARE_OF_CORE_0: Write = (a) => {
  a.str(r0, [r9, LOCAL_CONTROL]);
};

interface Broken {
  readonly what: string;
  readonly block: () => Uint8Array;
  /** The points that do not hold then, with what is found. */
  readonly found: Readonly<Record<string, string>>;
  /** Points that cannot be seen then. */
  readonly unseen?: readonly string[];
  /** What r2 points at instead of a tree. */
  readonly instead?: Uint8Array;
}

const breaks: readonly Broken[] = [
  {
    what: 'SPSR says SVC mode',
    block: () => broken(bits(PSR, PSR_GOOD), bits(PSR, { ...PSR_GOOD, M: MODE_SVC })),
    found: { mode: each('mode 0x13') },
  },
  {
    what: 'the cores stay where they were to leave for the kernel',
    block: () =>
      broken(
        (a) => {
          a.bx(r3);
        },
        (a) => {
          const here = a.label('here');
          a.at(here);
          a.b(here);
        },
      ),
    found: {
      cores: '1 of 4 came, not core 1, 2, 3',
    },
    unseen: ['waiting', 'mailbox'],
  },
  {
    what: 'SPSR.E is set on core 0',
    block: () =>
      broken(SPARE_OF_CORE_0, (a) => {
        a.msr('SPSR_x', bits(PSR, { E: 1, A: 1 }));
      }),
    found: { 'instruction set': 'core 0: big-endian' },
  },
  {
    what: 'SCTLR.M is set',
    block: () => broken(0x00c5_0878, 0x00c5_0879),
    found: { mmu: each('SCTLR.M is 1') },
  },
  {
    what: 'HSCTLR.C is set',
    block: () => broken(0x30c5_1878, 0x30c5_187c),
    found: { 'data cache': each('HSCTLR.C is 1') },
  },
  {
    what: 'the Non-secure SCTLR is left as it was',
    block: () =>
      broken((a) => {
        a.mcr(reg.SCTLR, r6);
      }, nop),
    found: { 'data cache': each('SCTLR.C is 1') },
  },
  {
    what: 'SPSR.I is not set',
    block: () => broken(bits(PSR, PSR_GOOD), bits(PSR, { ...PSR_GOOD, I: 0 })),
    found: { masks: each('CPSR.I is 0') },
  },
  {
    what: 'SPSR.A is not set',
    block: () => broken(bits(PSR, PSR_GOOD), bits(PSR, { ...PSR_GOOD, A: 0 })),
    found: { masks: each('CPSR.A is 0') },
  },
  {
    what: 'r0 is not 0',
    block: () =>
      broken(SPARE_OF_CORE_0, (a) => {
        a.mov(r0, 1);
      }),
    found: { r0: '0x1' },
  },
  {
    what: 'r1 is not the machine type, beside ATAGS',
    block: () => broken(3138, 42),
    instead: words(5, 0x5441_0001, 0, 0, 0, 0, 0),
    found: { r1: '0x2a' },
  },
  {
    what: 'r2 is the machine type',
    block: () =>
      broken(
        (a) => {
          a.mov(r2, r12);
        },
        (a) => {
          a.mov(r2, r1);
        },
      ),
    found: { tree: 'neither a tree nor ATAGS at 0xc42' },
  },
  {
    what: "r2 points into the kernel's page tables",
    block: () => {
      const block = broken(TREE_AT, IN_PAGE_TABLES);
      block.set(TREE, IN_PAGE_TABLES);
      return block;
    },
    found: {
      'tree place': `the tree, 0x7000 to 0x${(0x7000 + TREE.length).toString(16)}, lies where the kernel puts its page tables`,
    },
  },
  {
    what: 'r2 points at memory that the kernel clears',
    block: () => broken(TREE_AT, CLEARED),
    found: { 'tree kept': 'overwritten from 0x700008 on' },
  },
  {
    what: 'CNTFRQ is not written',
    block: () =>
      broken((a) => {
        a.mcr(reg.CNTFRQ, r4);
      }, nop),
    found: { CNTFRQ: each('0xffffffff') },
  },
  {
    what: 'the prescaler is not written',
    block: () =>
      broken((a) => {
        a.str(r8, [r9, LOCAL_PRESCALER]);
      }, nop),
    found: { counter: 'the prescaler is 0x1234' },
  },
  {
    what: 'the counter counts another clock',
    block: () =>
      broken(SPARE_OF_CORE_0, (a) => {
        // SCR's value has the bit that is the APB clock's there.
        a.str(r3, [r9, LOCAL_CONTROL]);
      }),
    found: { counter: 'it counts the APB clock' },
  },
  {
    what: 'CNTVOFF is not written',
    block: () =>
      broken((a) => {
        a.mcrr(reg.CNTVOFF, r0, r0);
      }, nop),
    found: { CNTVOFF: 'core 0: 0x1; core 1: 0x3e9; core 2: 0x7d1; core 3: 0xbb9' },
  },
  {
    what: 'VTTBR is not written',
    block: () =>
      broken((a) => {
        a.mcrr(reg.VTTBR, r0, r0);
      }, nop),
    found: { VMID: 'core 0: 0x0; core 1: 0x1; core 2: 0x2; core 3: 0x3' },
  },
  {
    what: 'ACTLR.SMP is not set',
    block: () =>
      broken((a) => {
        a.orr(r0, r0, bits(reg.ACTLR, { SMP: 1 }));
      }, nop),
    found: { SMP: each('ACTLR.SMP is 0') },
  },
  {
    what: 'NSACR.cp10 is not set',
    block: () =>
      broken(
        bits(reg.NSACR, { cp10: 1, cp11: 1, NS_SMP: 1 }),
        bits(reg.NSACR, { cp10: 0, cp11: 1, NS_SMP: 1 }),
      ),
    found: { VFP: each('NSACR.cp10 is 0') },
  },
  {
    what: 'SCR.HCE is not set',
    block: () => broken(bits(reg.SCR, SCR_GOOD), bits(reg.SCR, { ...SCR_GOOD, HCE: 0 })),
    found: { HVC: each('SCR.HCE is 0') },
  },
  {
    what: 'SCR.SCD is not set',
    block: () => broken(bits(reg.SCR, SCR_GOOD), bits(reg.SCR, { ...SCR_GOOD, SCD: 0 })),
    found: { SMC: each('SCR.SCD is 0') },
  },
  {
    what: 'SCR.FIQ is set',
    block: () => broken(bits(reg.SCR, SCR_GOOD), bits(reg.SCR, { ...SCR_GOOD, FIQ: 1 })),
    found: { routing: each('SCR.FIQ is 1') },
  },
  {
    what: 'SCR.AW is not set',
    block: () => broken(bits(reg.SCR, SCR_GOOD), bits(reg.SCR, { ...SCR_GOOD, AW: 0 })),
    found: { routing: each('SCR.AW is 0') },
  },
  {
    what: 'the virtual timer is left on',
    block: () =>
      broken((a) => {
        a.mcr(reg.CNTV_CTL, r0);
      }, nop),
    found: { timers: each('virtual timer on') },
  },
  {
    what: 'the HYP timer is left on',
    block: () =>
      broken((a) => {
        a.mcr(reg.CNTHP_CTL, r0);
      }, nop),
    found: { timers: each('hyp timer on') },
  },
  {
    what: 'cores 1 to 3 go the way of core 0',
    block: () => brokenAt('secondary', -5, nop),
    found: { waiting: others('not released') },
  },
  {
    what: 'cores 1 to 3 run into the kernel instead of waiting',
    block: () =>
      brokenAt('secondary', 1, (a) => {
        a.mov(lr, ELSEWHERE);
      }),
    found: {
      cores: '1 of 4 came, not core 1, 2, 3',
      waiting: [1, 2, 3]
        .map((core) => `core ${core} was at 0x${ELSEWHERE.toString(16)} without having been released`)
        .join('; '),
    },
  },
  {
    what: 'cores 1 to 3 go elsewhere than they are sent',
    block: () =>
      broken(
        (a) => {
          a.bx(r3);
        },
        (a) => {
          a.sub(pc, r3, kernel.secondary - kernel.elsewhere);
        },
      ),
    found: {
      cores: '1 of 4 came, not core 1, 2, 3',
      waiting: [1, 2, 3]
        .map((core) => `core ${core} was sent to ${SECONDARY} and seen at 0x${ELSEWHERE.toString(16)}`)
        .join('; '),
    },
  },
  {
    what: 'mailbox 3 is not cleared',
    block: () =>
      broken((a) => {
        a.str(r3, [r4, LOCAL_MAILBOX3_CLR]);
      }, nop),
    found: { mailbox: others(`holds ${SECONDARY}`) },
  },
];

describe('a handover by our block', () => {
  test('holds in every point as the combined file of kernel_old', async () => {
    expect(faults(await check(combined(buildBootBlock(TREE_AT))))).toEqual({});
  });
  test('holds in every point as armstub', async () => {
    expect(faults(await check(behindStub(buildStub({ tree: TREE_AT, kernel: KERNEL_OFFSET }))))).toEqual({});
  });

  test.each(breaks)('is found out where $what', async ({ block, found, unseen = [], instead }) => {
    const points = await check(combined(block(), instead));
    expect(faults(points)).toEqual(found);
    expect(Object.keys(faults(points, null))).toEqual(unseen);
  });

  test('was broken in every point', async () => {
    const points = await check(combined(buildBootBlock(TREE_AT)));
    const brokenPoints = new Set(breaks.flatMap(({ found }) => Object.keys(found)));
    expect([...brokenPoints].sort()).toEqual(points.map(({ point }) => point).sort());
  });
});

describe('a handover as', () => {
  test('rpi2-hyp-boot of 2015 does it: what is found', async () => {
    const machine = behindStub(bootCodeWith(RPI2_HYP_BOOT, KERNEL_OFFSET), RPI2_HYP_BOOT.tree, BIG_TREE);
    expect(faults(await check(machine, asInReset))).toEqual({
      'data cache': each('SCTLR.C of Secure state is 1'),
      'tree place': `the tree, 0x100 to 0x${(0x100 + BIG_TREE.length).toString(16)}, lies where the kernel puts its page tables`,
      SMC: each('SCR.SCD is 0'),
      timers: each('virtual timer on'),
      counter: STOPPED,
      mailbox: others(`holds ${SECONDARY}`),
    });
  });

  test('armstub7 of today does it: what is found', async () => {
    const machine = behindStub(bootCodeWith(armstub7(TREE_AT), KERNEL_OFFSET));
    expect(faults(await check(machine, asInReset))).toEqual({
      CNTVOFF: each('0xffffffff00000000'),
      counter: STOPPED,
      SMC: each('SCR.SCD is 0'),
      timers: each('virtual timer on'),
    });
  });

  // As try --as-is finds it of that start.elf itself (8 July 2015, notro/rpi-firmware).
  test('the firmware of July 2015 does it: what is found', async () => {
    const machine = behindStub(buildPlainStub(TREE_AT, KERNEL_OFFSET));
    expect(faults(await check(machine, asInReset))).toEqual({
      mode: each('mode 0x13'),
      counter: STOPPED,
      'data cache': each('SCTLR.C of Secure state is 1'),
      SMC: each('SCR.SCD is 0'),
      timers: each('virtual timer on'),
    });
  });
});

describe('the handover check', () => {
  test('sees that no kernel was reached', async () => {
    // The first instruction is a branch to itself.
    const points = await check(combined(broken(BLOCK_START, 0xeaff_fffe)));
    expect(faults(points)).toEqual({ cores: '0 of 4 came, not core 0, 1, 2, 3' });
    expect(Object.values(faults(points, null))).toHaveLength(points.length - 1);
  });

  test('takes a kernel without a block in front for one that is entered in reset state', async () => {
    const { image } = releasingKernel(0);
    const machine = machineOf(
      { address: 0, size: image.length },
      { name: 'kernel', address: 0, data: image },
    );
    expect(Object.keys(faults(await check(machine)))).toEqual(expect.arrayContaining(['mode', 'waiting']));
  });

  test('looks no more once every core has come', async () => {
    const machine = combined(buildBootBlock(TREE_AT));
    const pi = await createBuiltInPi(machine, () => undefined, [watchHandover]);
    const wants = (address: number): boolean => pi.cpu.machine.watch!.wants(address);
    expect([wants(KERNEL_OFFSET), wants(KERNEL_OFFSET + 4)]).toEqual([true, false]);
    pi.run(STEP * STEPS);
    expect(wants(KERNEL_OFFSET)).toBe(false);
  });
});
