/** What two engines may write differently on a kernel's console, each thing with its reason. */

/** One thing that may differ. */
interface Difference {
  /** What it is. */
  readonly what: string;
  /** Why engines, or runs of one engine, differ there. */
  readonly why: string;
  readonly pattern: RegExp;
  /** What the line is compared as; undefined where it is left out, as it does not come in every run. */
  readonly compareAs: string | undefined;
}

/** All that is not compared. Everything else on the console is, in its order. */
const differences: readonly Difference[] = [
  {
    what: 'the time in front of a line',
    why: "QEMU's time is the host's, and counts 62.5 MHz where the kernel reads 19.2 from CNTFRQ; ours is virtual.",
    pattern: /^\[ *\d+\.\d{6}\] /,
    compareAs: '',
  },
  {
    what: 'the time in an audit record',
    why: 'As above.',
    pattern: /audit\(\d+\.\d{3}:(\d+)\)/,
    compareAs: 'audit(time:$1)',
  },
  {
    what: 'a timer interrupt that came late',
    why: "The host's other work holds QEMU up for milliseconds; virtual time cannot be held up.",
    pattern: /^(hrtimer: interrupt took \d+ ns|sched: DL replenish lagged too much)$/,
    compareAs: undefined,
  },
  {
    what: 'free memory, since 6.12',
    why: 'It is counted after other cores have begun to take pages: it differs from one run in QEMU to the next.',
    pattern: /^Memory: \d+K\/(\d+K available)/,
    compareAs: 'Memory: some of $1',
  },
  {
    what: 'the core that runs a process',
    why: 'A matter of who was idle when it woke.',
    pattern: /^CPU: [0-3] (UID: 0 )?PID: 1 /,
    compareAs: 'CPU: any $1PID: 1 ',
  },
  {
    what: "the firmware's date",
    why: 'QEMU answers with a number that is no date (346337), the built-in Pi 2 with 0.',
    pattern: /Attached to firmware from 1970-01-0[15]T00:\d\d:\d\d$/,
    compareAs: 'Attached to firmware from some day',
  },
  {
    what: 'the bridges of the power domains',
    why:
      'QEMU has none, and its registers read as zero; on the chip the ID register reads "brdg" (Linux, ' +
      'drivers/pmdomain/bcm/bcm2835-power.c), and the driver comes up. The built-in Pi 2 is compared as that.',
    pattern: /^bcm2835-power bcm2835-power: ASB register ID returned 0x00000000$/,
    compareAs: 'bcm2835-power bcm2835-power: Broadcom BCM2835 power domains driver',
  },
];

/** The line that says why there is nothing more to come: no root file system was given. */
export const PANIC = /Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block\(0,0\)/;

/** Begins a report of what another core was doing when the panic stopped it: whatever it was, so not compared. */
const STOPPING = /^CPU[0-3]: stopping$/;
const END_OF_PANIC = /^---\[ end Kernel panic/;

/** A kernel's console up to a panic, in comparable lines. */
export interface ConsoleLines {
  /** Up to the end of the stack of the process that the panic came from. */
  readonly lines: readonly string[];
  /** Cores that said that they stop. */
  readonly stopped: number;
}

/**
 * Makes consoles comparable.
 * @param console what a kernel wrote, up to the end of its panic
 */
export function consoleLines(console: string): ConsoleLines {
  const lines: string[] = [];
  for (const raw of console.split(/\r?\n/)) {
    let line: string | undefined = raw;
    for (const { pattern, compareAs } of differences) {
      if (line === undefined || !pattern.test(line)) continue;
      line = compareAs === undefined ? undefined : line.replace(pattern, compareAs);
    }
    if (line !== undefined) lines.push(line);
  }
  const end = lines.findIndex((line) => STOPPING.test(line) || END_OF_PANIC.test(line));
  return {
    lines: end < 0 ? lines : lines.slice(0, end),
    stopped: lines.filter((line) => STOPPING.test(line)).length,
  };
}
