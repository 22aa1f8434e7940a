/**
 * Whether a machine was handed over to its kernel as the boot protocol wants it, point by point.
 *
 * Sources: Linux' Documentation/arch/arm/booting.rst, the ARM ARM (DDI 0406C), the Cortex-A7 TRM (DDI 0464F), and for
 * what no document says what kernels and hypervisors were seen to need.
 */
import { bitsOf } from '../arm/bits.js';
import { MODE_HYP, PSR } from '../arm/program-status.js';
import { ACTLR, CNTP_CTL, HCPTR, HSCTLR, NSACR, SCR, SCTLR } from '../arm/system-registers.js';
import { HypberryError } from '../base/errors.js';
import { readU32LE } from '../base/bytes.js';
import { CORES, CRYSTAL_HZ, MACHINE_TYPE } from '../board/bcm2836.js';
import { isFdt, readFdt } from '../firmware/fdt.js';
import { FIRST_PAGE_TABLES } from '../firmware/kernel.js';

/** A core's registers when it executes the kernel's first instruction on it. 32-bit ones are unsigned. */
export interface CoreAtEntry {
  readonly core: number;
  readonly pc: number;
  readonly r0: number;
  readonly r1: number;
  readonly r2: number;
  readonly CPSR: number;
  readonly SCR: number;
  /** The Non-secure copy. */
  readonly SCTLR: number;
  readonly HSCTLR: number;
  readonly ACTLR: number;
  readonly NSACR: number;
  readonly HCPTR: number;
  readonly CNTFRQ: number;
  readonly CNTVOFF: bigint;
  readonly VTTBR: bigint;
  /** The control registers of the four timers: Secure, Non-secure, virtual, HYP. */
  readonly timers: {
    readonly secure: number;
    readonly physical: number;
    readonly virtual: number;
    readonly hyp: number;
  };
  /** The core's mailbox 3, and what the kernel wrote there to release it; undefined on core 0. */
  readonly mailbox3: number;
  readonly releasedTo: number | undefined;
}

/** What was seen of a handover. */
export interface HandoverSeen {
  /** The cores that came to the kernel, core 0 first. */
  readonly cores: readonly CoreAtEntry[];
  /** Cores that ran code of the kernel's without having been released. */
  readonly strayed: readonly number[];
  /** Physical memory when core 0 came to the kernel, from address 0. */
  readonly memory: Uint8Array;
  /** What is free for nobody but the kernel: its file in memory, from the first byte on. */
  readonly kernel: { readonly start: number; readonly end: number };
}

/** The outcome of one point. */
export interface PointResult {
  /** Stable name of the point, for scripts. */
  readonly point: string;
  /** What must be so. */
  readonly wanted: string;
  readonly ok: boolean;
  /** What was found where it is not so; empty where it is. */
  readonly found: string;
  /** Where it is said. */
  readonly source: string;
}

interface Point {
  readonly point: string;
  readonly wanted: string;
  readonly source: string;
  /** What is wrong; undefined where nothing is. */
  readonly fault: (seen: HandoverSeen) => string | undefined;
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** A point about each core by itself; `of` gives what is wrong with one, undefined where nothing is. */
const eachCore =
  (of: (core: CoreAtEntry) => string | undefined) =>
  ({ cores }: HandoverSeen): string | undefined => {
    const faults = cores.flatMap((core) => {
      const fault = of(core);
      return fault === undefined ? [] : [`core ${core.core}: ${fault}`];
    });
    return faults.length === 0 ? undefined : faults.join('; ');
  };

/** A point about a value that must be the same on all cores, and right on the first. */
const alike =
  <T extends number | bigint>(value: (core: CoreAtEntry) => T, right: (value: T) => boolean) =>
  ({ cores }: HandoverSeen): string | undefined => {
    const values = cores.map(value);
    if (values.every((other) => other === values[0] && right(other))) return undefined;
    return cores.map(({ core }, i) => `core ${core}: ${hex(values[i]!)}`).join('; ');
  };

const core0 = (of: (core: CoreAtEntry, seen: HandoverSeen) => string | undefined) => (seen: HandoverSeen) =>
  seen.cores[0] ? of(seen.cores[0], seen) : 'core 0 did not come to the kernel';

/** First word behind the size of the first ATAG (booting.rst, section 4a). */
const ATAG_CORE = 0x5441_0001;
/** Trees are aligned to 8 bytes (booting.rst, section 4b; the Devicetree Specification, 5.1). */
const TREE_ALIGNMENT = 8;
/** The first page tables of any kernel: those with LPAE begin lowest. */
const PAGE_TABLES = { start: FIRST_PAGE_TABLES.lpae, end: FIRST_PAGE_TABLES.end };

const isHyp = ({ CPSR }: CoreAtEntry): boolean => bitsOf(PSR, 'M', CPSR) === MODE_HYP;

/** The tree's bytes, undefined where r2 points at none. */
function treeAt(memory: Uint8Array, address: number): Uint8Array | undefined {
  const bytes = memory.subarray(address);
  return address < memory.length && isFdt(bytes) ? bytes : undefined;
}

const TREE_SIZE_AT = 4;
const treeSize = (tree: Uint8Array): number =>
  new DataView(tree.buffer, tree.byteOffset, tree.byteLength).getUint32(TREE_SIZE_AT);

function isAtags(memory: Uint8Array, address: number): boolean {
  return address % 4 === 0 && address + 8 <= memory.length && readU32LE(memory, address + 4) === ATAG_CORE;
}

function treeFault({ r2 }: CoreAtEntry, { memory }: HandoverSeen): string | undefined {
  const tree = treeAt(memory, r2);
  if (!tree) return isAtags(memory, r2) ? undefined : `neither a tree nor ATAGS at ${hex(r2)}`;
  if (r2 % TREE_ALIGNMENT !== 0) return `the tree at ${hex(r2)} is not aligned to ${TREE_ALIGNMENT} bytes`;
  try {
    readFdt(tree.subarray(0, treeSize(tree)));
    return undefined;
  } catch (error) {
    if (error instanceof HypberryError) return `${error.message} (${error.code})`;
    throw error;
  }
}

function placeFault({ r2 }: CoreAtEntry, { memory, kernel }: HandoverSeen): string | undefined {
  const tree = treeAt(memory, r2);
  if (!tree) return undefined;
  const end = r2 + treeSize(tree);
  const inside = (area: { start: number; end: number }): boolean => r2 < area.end && end > area.start;
  if (inside(kernel)) return `the tree, ${hex(r2)} to ${hex(end)}, lies in the kernel`;
  if (inside(PAGE_TABLES))
    return `the tree, ${hex(r2)} to ${hex(end)}, lies where the kernel puts its page tables`;
  return undefined;
}

const isTimerOn = (control: number): boolean => bitsOf(CNTP_CTL, 'ENABLE', control) === 1;

const BOOTING = 'booting.rst';

/** Every point, in the order in which the table shows them. */
const points: readonly Point[] = [
  {
    point: 'mode',
    wanted: 'HYP mode, Non-secure, on every core',
    source: `${BOOTING}, CPU mode; ARM ARM B1.5`,
    fault: eachCore((core) => {
      if (!isHyp(core)) return `mode ${hex(bitsOf(PSR, 'M', core.CPSR))}`;
      return bitsOf(SCR, 'NS', core.SCR) === 1 ? undefined : 'SCR.NS is 0';
    }),
  },
  {
    point: 'cores',
    wanted: 'all four cores come to the kernel',
    source: 'the board',
    fault: ({ cores }) => (cores.length === CORES ? undefined : `${cores.length} of ${CORES} came`),
  },
  {
    point: 'instruction set',
    wanted: 'little-endian; A32 on core 0',
    source: BOOTING,
    fault: eachCore(({ core, CPSR }) => {
      if (bitsOf(PSR, 'E', CPSR) === 1) return 'big-endian';
      return core === 0 && bitsOf(PSR, 'T', CPSR) === 1 ? 'T32' : undefined;
    }),
  },
  {
    point: 'mmu',
    wanted: 'MMU off',
    source: BOOTING,
    fault: eachCore((core) => {
      if (bitsOf(HSCTLR, 'M', core.HSCTLR) === 1) return 'HSCTLR.M is 1';
      return bitsOf(SCTLR, 'M', core.SCTLR) === 1 ? 'SCTLR.M is 1' : undefined;
    }),
  },
  {
    point: 'data cache',
    wanted: 'data cache off',
    source: BOOTING,
    fault: eachCore((core) => {
      if (bitsOf(HSCTLR, 'C', core.HSCTLR) === 1) return 'HSCTLR.C is 1';
      return bitsOf(SCTLR, 'C', core.SCTLR) === 1 ? 'SCTLR.C is 1' : undefined;
    }),
  },
  {
    point: 'masks',
    wanted: 'IRQ, FIQ and asynchronous aborts masked',
    source: BOOTING,
    fault: eachCore(({ CPSR }) => {
      const open = (['A', 'I', 'F'] as const).filter((mask) => bitsOf(PSR, mask, CPSR) === 0);
      return open.length === 0 ? undefined : `CPSR.${open.join(', CPSR.')} is 0`;
    }),
  },
  {
    point: 'r0',
    wanted: 'r0 = 0 on core 0',
    source: BOOTING,
    fault: core0(({ r0 }) => (r0 === 0 ? undefined : hex(r0))),
  },
  {
    point: 'r1',
    wanted: `r1 = ${MACHINE_TYPE} on core 0, or a tree`,
    source: BOOTING,
    fault: core0(({ r1, r2 }, { memory }) =>
      r1 === MACHINE_TYPE || treeAt(memory, r2) ? undefined : hex(r1),
    ),
  },
  {
    point: 'tree',
    wanted: 'r2 points at a valid device tree, or at ATAGS',
    source: `${BOOTING}, 4a and 4b`,
    fault: core0(treeFault),
  },
  {
    point: 'tree place',
    wanted: 'the tree lies outside the kernel and its first page tables',
    source: `${BOOTING}, 4b; head.S`,
    fault: core0(placeFault),
  },
  {
    point: 'CNTFRQ',
    wanted: `CNTFRQ = ${CRYSTAL_HZ} on every core`,
    source: BOOTING,
    fault: alike(
      ({ CNTFRQ }) => CNTFRQ,
      (value) => value === CRYSTAL_HZ,
    ),
  },
  {
    point: 'CNTVOFF',
    wanted: 'CNTVOFF = 0 on every core',
    source: BOOTING,
    fault: alike(
      ({ CNTVOFF }) => CNTVOFF,
      (value) => value === 0n,
    ),
  },
  {
    point: 'VMID',
    wanted: 'VTTBR alike on every core, so that TLB maintenance reaches all',
    source: 'ARM ARM B3.9',
    fault: alike(
      ({ VTTBR }) => VTTBR,
      () => true,
    ),
  },
  {
    point: 'SMP',
    wanted: 'ACTLR.SMP = 1',
    source: 'TRM, ACTLR',
    fault: eachCore(({ ACTLR: value }) => (bitsOf(ACTLR, 'SMP', value) === 1 ? undefined : 'ACTLR.SMP is 0')),
  },
  {
    point: 'VFP',
    wanted: 'VFP and NEON open to Non-secure state',
    source: 'ARM ARM B4.1, NSACR and HCPTR',
    fault: eachCore((core) => {
      const closed = [
        bitsOf(NSACR, 'cp10', core.NSACR) === 0 && 'NSACR.cp10 is 0',
        bitsOf(NSACR, 'cp11', core.NSACR) === 0 && 'NSACR.cp11 is 0',
        bitsOf(NSACR, 'NSASEDIS', core.NSACR) === 1 && 'NSACR.NSASEDIS is 1',
        bitsOf(NSACR, 'NSD32DIS', core.NSACR) === 1 && 'NSACR.NSD32DIS is 1',
        (['TCP10', 'TCP11', 'TASE'] as const).some((bit) => bitsOf(HCPTR, bit, core.HCPTR) === 1) &&
          'HCPTR traps it',
      ].filter((fault) => fault !== false);
      return closed.length === 0 ? undefined : closed.join(', ');
    }),
  },
  {
    point: 'HVC',
    wanted: 'HVC on',
    source: 'ARM ARM B4.1, SCR.HCE',
    fault: eachCore((core) => (bitsOf(SCR, 'HCE', core.SCR) === 1 ? undefined : 'SCR.HCE is 0')),
  },
  {
    point: 'SMC',
    wanted: "SMC is UNDEFINED: the memory of Monitor mode becomes the kernel's",
    source: 'ARM ARM B4.1, SCR.SCD',
    fault: eachCore((core) => (bitsOf(SCR, 'SCD', core.SCR) === 1 ? undefined : 'SCR.SCD is 0')),
  },
  {
    point: 'timers',
    wanted: 'all four timers off',
    source: 'a hypervisor was seen to crash otherwise',
    fault: eachCore(({ timers }) => {
      const on = Object.entries(timers).flatMap(([name, control]) => (isTimerOn(control) ? [name] : []));
      return on.length === 0 ? undefined : `${on.join(', ')} timer on`;
    }),
  },
  {
    point: 'waiting',
    wanted: 'cores 1 to 3 wait until the kernel writes their mailbox 3, and go where it says',
    source: 'the Raspberry Pi kernels',
    fault: (seen) => {
      if (seen.strayed.length > 0) return `not released: core ${seen.strayed.join(', ')}`;
      return eachCore(({ core, pc, releasedTo }) => {
        if (core === 0) return undefined;
        if (releasedTo === undefined) return 'not released';
        return (releasedTo & ~1) === pc ? undefined : `sent to ${hex(releasedTo)}, came to ${hex(pc)}`;
      })(seen);
    },
  },
  {
    point: 'mailbox',
    wanted: 'mailbox 3 cleared before the jump',
    source: 'Raspberry Pi kernels up to 4.4',
    fault: eachCore(({ core, mailbox3 }) =>
      core === 0 || mailbox3 === 0 ? undefined : `holds ${hex(mailbox3)}`,
    ),
  },
];

/** Checks every point of a handover. */
export function checkHandover(seen: HandoverSeen): PointResult[] {
  return points.map(({ point, wanted, source, fault }) => {
    const found = fault(seen);
    return { point, wanted, ok: found === undefined, found: found ?? '', source };
  });
}
