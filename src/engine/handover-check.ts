/**
 * Whether a machine was handed over to its kernel as the boot protocol wants it, point by point.
 *
 * Sources: Linux' Documentation/arch/arm/booting.rst, the ARM ARM (DDI 0406C), the Cortex-A7 TRM (DDI 0464F), and for
 * what no document says what kernels and hypervisors were seen to need.
 */
import { bitsOf } from '../isa/bits.js';
import { MODE_HYP, PSR } from '../isa/program-status.js';
import { ACTLR, CNTP_CTL, HCPTR, HSCTLR, NSACR, SCR, SCTLR, VTTBR } from '../isa/system-registers.js';
import { HypberryError } from '../base/errors.js';
import { readU32BE, readU32LE } from '../base/bytes.js';
import { CORES, CRYSTAL_HZ, MACHINE_TYPE } from '../board/bcm2836.js';
import { LOCAL_PRESCALER_BY_1, LOCAL_REGISTERS } from '../board/local-peripherals.js';
import { isFdt, readFdt } from '../firmware/fdt.js';
import { FIRST_PAGE_TABLES, TEXT_OFFSET } from '../firmware/kernel.js';
import { hex } from '../base/words.js';

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
  /** The Secure copy, as the boot code left it. */
  readonly secureSCTLR: number;
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

/** Where a core was seen where it should not have been. */
export interface Strayed {
  readonly core: number;
  /** Address of the instruction that it was at. */
  readonly at: number;
  /** Where the kernel had sent it; undefined where it had not been released. */
  readonly releasedTo: number | undefined;
}

/** A part of memory, from its first byte up to `end`. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** What the core timers count: two registers of the local controller (QA7 4.2). */
export interface TimerSource {
  readonly control: number;
  readonly prescaler: number;
}

/** What was seen of a handover. */
export interface HandoverSeen {
  /** The cores that came to the kernel, core 0 first. */
  readonly cores: readonly CoreAtEntry[];
  /** When core 0 came; undefined where it did not. */
  readonly timerSource: TimerSource | undefined;
  /** Cores that ran other code of the kernel's than they were sent to, or before they were. */
  readonly strayed: readonly Strayed[];
  /** The cores that the kernel released, whether they came or not. */
  readonly released: readonly number[];
  /**
   * What r2 pointed at when core 0 came: a tree whole, of anything else the first bytes; empty where there is no
   * memory.
   */
  readonly atR2: Uint8Array;
  /** The same bytes when the kernel released the first of the other cores, or at the end where it released none. */
  readonly atR2Later: Uint8Array;
  /** What lies in memory as the kernel, from its first instruction on. */
  readonly kernel: Extent;
  /** What the kernel overwrites while it unpacks itself, where its file says that. */
  readonly unpacked: Extent | undefined;
}

/** The outcome of one point. */
export interface PointResult {
  /** Stable name of the point, for scripts. */
  readonly point: string;
  /** What must be so. */
  readonly wanted: string;
  /** Null where it could not be seen. */
  readonly ok: boolean | null;
  /** What was found where it is not so, or why it could not be seen; empty where it is so. */
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
  /** What must have come for the point to be seen at all: any core unless said. */
  readonly needs?: 'core 0' | 'another core' | 'all called';
}

/** The one point that cannot hold before the kernel has released the other cores. */
const ALL_CORES = 'cores';

const notCome = (cores: readonly CoreAtEntry[]): number[] =>
  [...Array(CORES).keys()].filter((n) => !cores.some(({ core }) => core === n));

/** A point about each core by itself; `of` gives what is wrong with one, undefined where nothing is. */
const eachCore =
  (of: (core: CoreAtEntry) => string | undefined) =>
  ({ cores }: HandoverSeen): string | undefined => {
    const faults = new Map<string, number[]>();
    for (const core of cores) {
      const fault = of(core);
      if (fault !== undefined) faults.set(fault, [...(faults.get(fault) ?? []), core.core]);
    }
    if (faults.size === 0) return undefined;
    return [...faults]
      .map(([fault, on]) =>
        on.length === CORES ? `every core: ${fault}` : `core ${on.join(', ')}: ${fault}`,
      )
      .join('; ');
  };

/** A point about a value that must be the same on all cores, and right on the first. */
const alike =
  <T extends number | bigint>(value: (core: CoreAtEntry) => T, right: (value: T) => boolean) =>
  ({ cores }: HandoverSeen): string | undefined => {
    const values = cores.map(value);
    if (values.every((other) => other === values[0] && right(other))) return undefined;
    if (values.every((other) => other === values[0])) return `every core: ${hex(values[0]!)}`;
    return cores.map(({ core }, i) => `core ${core}: ${hex(values[i]!)}`).join('; ');
  };

const core0 =
  (of: (core: CoreAtEntry, seen: HandoverSeen) => string | undefined) =>
  (seen: HandoverSeen): string | undefined => {
    const first = seen.cores.find(({ core }) => core === 0);
    return first && of(first, seen);
  };

/** First word behind the size of the first ATAG (booting.rst, section 4a). */
const ATAG_CORE = 0x5441_0001;
/** Trees are aligned to 8 bytes (booting.rst, section 4b; the Devicetree Specification, 5.1). */
const TREE_ALIGNMENT = 8;
/** The first page tables of a kernel, below where it runs: those with LPAE begin lowest. */
function pageTables(unpacked: Extent | undefined): Extent {
  const end = unpacked?.start ?? TEXT_OFFSET;
  return { start: end - FIRST_PAGE_TABLES.lpae, end };
}

const isHyp = ({ CPSR }: CoreAtEntry): boolean => bitsOf(PSR, 'M', CPSR) === MODE_HYP;

const isAtags = (bytes: Uint8Array, address: number): boolean =>
  address % 4 === 0 && bytes.length >= 8 && readU32LE(bytes, 4) === ATAG_CORE;

function treeFault({ r2 }: CoreAtEntry, { atR2 }: HandoverSeen): string | undefined {
  if (!isFdt(atR2)) return isAtags(atR2, r2) ? undefined : `neither a tree nor ATAGS at ${hex(r2)}`;
  if (r2 % TREE_ALIGNMENT !== 0) return `the tree at ${hex(r2)} is not aligned to ${TREE_ALIGNMENT} bytes`;
  try {
    readFdt(atR2);
    return undefined;
  } catch (error) {
    if (error instanceof HypberryError) return `${error.message} (${error.code})`;
    throw error;
  }
}

function placeFault({ r2 }: CoreAtEntry, { atR2, kernel, unpacked }: HandoverSeen): string | undefined {
  if (!isFdt(atR2)) return undefined;
  const end = r2 + atR2.length;
  const reaches = (extent: Extent | undefined): boolean =>
    extent !== undefined && r2 < extent.end && end > extent.start;
  const where = reaches(kernel)
    ? 'in the kernel'
    : reaches(pageTables(unpacked))
      ? 'where the kernel puts its page tables'
      : reaches(unpacked)
        ? 'where the kernel unpacks itself'
        : undefined;
  return where && `the tree, ${hex(r2)} to ${hex(end)}, lies ${where}`;
}

const FDT_NOP = 4;

/** The kernel itself takes a seed out of its tree: with a token that is passed over. */
function keptFault({ r2 }: CoreAtEntry, { atR2, atR2Later }: HandoverSeen): string | undefined {
  if (!isFdt(atR2)) return undefined;
  for (let at = 0; at + 4 <= atR2.length; at += 4) {
    const now = readU32BE(atR2Later, at);
    if (now !== readU32BE(atR2, at) && now !== FDT_NOP) return `overwritten from ${hex(r2 + at)} on`;
  }
  return undefined;
}

function strayFault({ core, at, releasedTo }: Strayed): string {
  return releasedTo === undefined
    ? `core ${core} was at ${hex(at)} without having been released`
    : `core ${core} was sent to ${hex(releasedTo)} and seen at ${hex(at)}`;
}

/** Which copies of the system control register have a bit set. */
function onIn(bit: 'M' | 'C', core: CoreAtEntry): string | undefined {
  const on = [
    bitsOf(HSCTLR, bit, core.HSCTLR) === 1 && `HSCTLR.${bit} is 1`,
    bitsOf(SCTLR, bit, core.SCTLR) === 1 && `SCTLR.${bit} is 1`,
    bitsOf(SCTLR, bit, core.secureSCTLR) === 1 && `SCTLR.${bit} of Secure state is 1`,
  ].filter((fault) => fault !== false);
  return on.length === 0 ? undefined : on.join(', ');
}

/** What keeps the counter from its rate. */
function counterFault({ control, prescaler }: TimerSource): string | undefined {
  const { APB_CLOCK, STEP_BY_2 } = LOCAL_REGISTERS.CONTROL.bits;
  const faults = [
    (control & APB_CLOCK) !== 0 && 'it counts the APB clock',
    (control & STEP_BY_2) !== 0 && 'it counts by 2',
    prescaler !== LOCAL_PRESCALER_BY_1 && `the prescaler is ${hex(prescaler)}`,
  ].filter((fault) => fault !== false);
  return faults.length === 0 ? undefined : faults.join(', ');
}

const isTimerOn = (control: number): boolean => bitsOf(CNTP_CTL, 'ENABLE', control) === 1;

const [VMID_HIGH, VMID_LOW] = VTTBR.bits.VMID;
const vmidOf = (vttbr: bigint): number =>
  Number(BigInt.asUintN(VMID_HIGH - VMID_LOW + 1, vttbr >> BigInt(VMID_LOW)));

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
    point: ALL_CORES,
    wanted: 'all four cores come to the kernel',
    source: 'the board',
    fault: ({ cores }) => {
      const missing = notCome(cores);
      if (missing.length === 0) return undefined;
      return `${cores.length} of ${CORES} came, not core ${missing.join(', ')}`;
    },
    needs: 'all called',
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
    fault: eachCore((core) => onIn('M', core)),
  },
  {
    point: 'data cache',
    wanted: 'data cache off',
    source: BOOTING,
    fault: eachCore((core) => onIn('C', core)),
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
    needs: 'core 0',
  },
  {
    point: 'r1',
    wanted: `r1 = ${MACHINE_TYPE} on core 0, or a tree`,
    source: BOOTING,
    fault: core0(({ r1 }, { atR2 }) => (r1 === MACHINE_TYPE || isFdt(atR2) ? undefined : hex(r1))),
    needs: 'core 0',
  },
  {
    point: 'tree',
    wanted: 'r2 points at a valid device tree, or at ATAGS',
    source: `${BOOTING}, 4a and 4b`,
    fault: core0(treeFault),
    needs: 'core 0',
  },
  {
    point: 'tree place',
    wanted: 'the tree lies outside the kernel, its page tables, what it unpacks to',
    source: `${BOOTING}, 4b; head.S`,
    fault: core0(placeFault),
    needs: 'core 0',
  },
  {
    point: 'tree kept',
    wanted: 'the tree stays whole until the kernel has read it',
    source: `${BOOTING}, 4b`,
    fault: core0(keptFault),
    needs: 'core 0',
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
    point: 'counter',
    wanted: 'the core timers count the crystal, undivided: at CNTFRQ',
    source: 'QA7 3.1, 4.2; irq-bcm2836.c',
    fault: ({ timerSource }) => timerSource && counterFault(timerSource),
    needs: 'core 0',
  },
  {
    point: 'CNTVOFF',
    wanted: 'CNTVOFF = 0 on every core (unknown at reset)',
    source: `${BOOTING} (arm64); ARM ARM B8.1`,
    fault: alike(
      ({ CNTVOFF }) => CNTVOFF,
      (value) => value === 0n,
    ),
  },
  {
    point: 'VMID',
    wanted: 'the same VMID on every core: TLB maintenance reaches all',
    source: 'ARM ARM B3.9',
    fault: alike(
      ({ VTTBR: value }) => vmidOf(value),
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
    wanted: "SMC is UNDEFINED: Monitor mode's memory becomes the kernel's",
    source: 'ARM ARM B4.1, SCR.SCD',
    fault: eachCore((core) => (bitsOf(SCR, 'SCD', core.SCR) === 1 ? undefined : 'SCR.SCD is 0')),
  },
  {
    point: 'routing',
    wanted: 'IRQ, FIQ and aborts go to the kernel, which may mask them',
    source: 'ARM ARM B4.1, SCR',
    fault: eachCore((core) => {
      const wrong = [
        ...(['IRQ', 'FIQ', 'EA'] as const).filter((bit) => bitsOf(SCR, bit, core.SCR) === 1),
        ...(['FW', 'AW'] as const).filter((bit) => bitsOf(SCR, bit, core.SCR) === 0),
      ].map((bit) => `SCR.${bit} is ${bitsOf(SCR, bit, core.SCR)}`);
      return wrong.length === 0 ? undefined : wrong.join(', ');
    }),
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
    wanted: 'cores 1 to 3 wait for their mailbox 3, and go where it says',
    source: 'the Raspberry Pi kernels',
    fault: (seen) => {
      if (seen.strayed.length > 0) return seen.strayed.map(strayFault).join('; ');
      return eachCore(({ core, pc, releasedTo }) => {
        if (core === 0) return undefined;
        if (releasedTo === undefined) return 'not released';
        return (releasedTo & ~1) === pc ? undefined : `sent to ${hex(releasedTo)}, came to ${hex(pc)}`;
      })(seen);
    },
    needs: 'another core',
  },
  {
    point: 'mailbox',
    wanted: 'mailbox 3 cleared before the jump',
    source: 'Raspberry Pi kernels up to 4.4',
    fault: eachCore(({ core, mailbox3 }) =>
      core === 0 || mailbox3 === 0 ? undefined : `holds ${hex(mailbox3)}`,
    ),
    needs: 'another core',
  },
];

const NOT_SEEN = {
  'any core': 'no core came to the kernel',
  'core 0': 'core 0 did not come to the kernel',
  'another core': 'no other core came to the kernel',
} as const;

/** What is missing for a point to be seen; undefined where nothing is. */
function missingFor(needs: Point['needs'], { cores, strayed, released }: HandoverSeen): string | undefined {
  if (needs === 'all called') {
    // Many a program leaves the other cores where they are; one that is lost without having been called is a fault.
    const uncalled = notCome(cores);
    const isSeen = strayed.length > 0 || uncalled.some((core) => core === 0 || released.includes(core));
    return isSeen || uncalled.length === 0
      ? undefined
      : `the kernel did not call core ${uncalled.join(', ')}`;
  }
  const came = {
    'any core': cores.length > 0,
    'core 0': cores.some(({ core }) => core === 0),
    'another core': cores.some(({ core }) => core !== 0) || strayed.length > 0,
  };
  const needed = needs ?? 'any core';
  return came[needed] ? undefined : NOT_SEEN[needed];
}

/** Checks every point of a handover. */
export function checkHandover(seen: HandoverSeen): PointResult[] {
  return points.map(({ point, wanted, source, fault, needs }) => {
    const missing = missingFor(needs, seen);
    if (missing !== undefined) return { point, wanted, ok: null, found: missing, source };
    const found = fault(seen);
    return { point, wanted, ok: found === undefined, found: found ?? '', source };
  });
}

/** The same of a run that was ended before it was over: cores that had not come to the kernel yet are no fault. */
export function unfinished(results: readonly PointResult[]): PointResult[] {
  return results.map((result) =>
    result.point === ALL_CORES && result.ok === false ? { ...result, ok: null } : result,
  );
}

/** The outcome in one sentence: how many points hold, and the names of those that do not or were not seen. */
export function summarizeHandover(results: readonly PointResult[]): string {
  const named = (ok: boolean | null): string[] =>
    results.filter((result) => result.ok === ok).map(({ point }) => point);
  const [failed, unseen] = [named(false), named(null)];
  return [
    `${named(true).length} of ${results.length} points hold`,
    ...(failed.length > 0 ? [`these do not: ${failed.join(', ')}`] : []),
    ...(unseen.length > 0 ? [`not seen: ${unseen.join(', ')}`] : []),
  ].join('; ');
}
