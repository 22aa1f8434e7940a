import { CORES } from '../board/bcm2836.js';

/**
 * What the kernel said about the mode its cores came in.
 *
 * - `HYP`: every core came up, and all in HYP mode.
 * - `SVC`: all that came up came in SVC mode.
 * - `MIXED`: the cores came in different modes, or in modes that no kernel expects.
 * - `NONE`: could not tell. So it is, too, when the kernel says HYP but not every core came up (one that never
 *   started, or `maxcpus` on the command line): of the others nothing is known.
 */
export type Mode = 'HYP' | 'SVC' | 'MIXED' | 'NONE';

/** What a console settles; `reason` stands beside `NONE`, one sentence. */
export interface Finding {
  readonly verdict: Mode;
  readonly reason?: string;
}

/** Reads a kernel's console for what settles the verdict. A finding does not change any more. */
export interface Watcher {
  /** Sees a whole line, without its end. */
  line(line: string): void;
  /** Sees what stands after the last line's end so far. */
  rest(text: string): void;
  /** The finding for a machine that says nothing more: `finding`, or `NONE` because of `why`, a sentence. */
  close(why: string): Finding;
  /** Cores brought up, the first one included, or null where the kernel has not said. */
  readonly cores: number | null;
  /** Whether a kernel of Linux, or its unpacker, was seen to be there. */
  readonly isLinux: boolean;
  readonly finding: Finding | undefined;
}

/** A kernel's message stands at the start of a line, or after its time stamp. */
const message = (pattern: string): RegExp => new RegExp(`(?:^|\\] ?)${pattern}`);

// The mode: `hyp_mode_check` in Linux' arch/arm/kernel/setup.c, the same words from 3.18 to 6.12.
const modeLine = message('CPU: All CPU\\(s\\) started in (HYP|SVC) mode');
const mixedLine = message('CPU: WARNING: CPU\\(s\\) started in wrong/inconsistent modes');

// The number of cores, printed before the mode. `smp_init` in kernel/smp.c: "Brought up 4 CPUs", later
// "smp: Brought up 1 node, 4 CPUs"; `smp_cpus_done` in arch/arm/kernel/smp.c: "SMP: Total of 4 processors activated".
const broughtUpLine = message('(?:smp: )?Brought up (?:\\d+ nodes?, )?(\\d+) CPUs?\\b');
const totalLine = message('SMP: Total of (\\d+) processors? activated');

const panicLine = message('(Kernel panic - not syncing.*)');

/** User space begins: the line of kernels from 4.20 on. */
export const initLine = message('Run \\S+ as init process');
/** User space begins, in any kernel's words: all that it has to say about the start of its cores has been said. */
export const startedLine = message(
  '(?:Freeing (?:unused kernel|init) (?:image )?(?:\\(\\w+\\) )?memory|Run \\S+ as init process)',
);

/** Linux, or the unpacker in front of it, is there. Time stamps have six digits behind the point; NetBSD's have seven. */
export const linuxText =
  /^(?:\[ *\d+\.\d{6}\] |Linux version \d|Booting Linux on )|Uncompressing Linux|booting the kernel/;

/** A kernel with no root file system to go on with (Linux, init/do_mounts.c), before it panics. */
const noRootText = /VFS: Unable to mount root fs|No working init found|Cannot open root device/;
/** One that waits for it: for ever, or until the card's driver has found the card (the same file, `rootwait`). */
const waitsForRootText = /Waiting for root device/;

/**
 * Whether a line says that a kernel has no root file system to go on with.
 * @param hasCard whether the card is in the slot: what it waits for may come then
 */
export const saysNoRoot = (line: string, hasCard: boolean): boolean =>
  noRootText.test(line) || (!hasCard && waitsForRootText.test(line));

/** Whether it says that the kernel waits for it. */
export const waitsForRoot = (line: string): boolean => waitsForRootText.test(line);

/** The unpacker in front of the kernel, the kernel before it has a console, or U-Boot gave up and stopped the core. */
export const haltLine =
  /-- System halted|### ERROR ### Please RESET the board ###|^Error: (?:unrecognized\/unsupported|invalid dtb)/;

/** U-Boot's prompt, which is a line without an end. */
export const promptText = /^(?:U-Boot>|=>) ?$/;

/** Why a kernel misses what stands elsewhere. */
export const whatIsThere = (hasCard: boolean): string =>
  hasCard
    ? 'its card is there, and no USB or network'
    : 'only the boot partition is tried, and no SD card, USB or network is there';
/** Why Linux may come so far without a word of its mode. */
const SILENT_ABOUT_MODE =
  'It did not say its mode before: it was built without CONFIG_ARM_VIRT_EXT, or its command line keeps messages from the console.';

/** The number of cores brought up, in the line that says it. */
export function broughtUpCores(line: string): number | undefined {
  const count = broughtUpLine.exec(line) ?? totalLine.exec(line);
  return count ? Number(count[1]) : undefined;
}

// Printed before any core but the first one comes (Linux, init/main.c).
const commandLineLine = message('Kernel command line: (.*)');
/** What lets fewer cores come than there are (Linux, kernel/smp.c); `maxcpus=0` is as `nosmp`. */
const fewerCores = /^(?!nr_cpus=0+$)(?:nosmp|(?:maxcpus|nr_cpus)=(0x[\da-fA-F]+|\d+))$/;

/** How many cores a kernel's command line lets come, and the words that say so. */
export interface AskedCores {
  readonly cores: number;
  readonly by: string;
}

/** The least that the kernel's command line lets come, in the line that repeats it; undefined where it says nothing of that. */
export function askedCores(line: string): AskedCores | undefined {
  const asked = (commandLineLine.exec(line)?.[1] ?? '').split(/\s+/).flatMap((word): AskedCores[] => {
    const said = fewerCores.exec(word);
    return said ? [{ cores: Math.max(1, Number(said[1] ?? 0)), by: word }] : [];
  });
  return asked.sort((a, b) => a.cores - b.cores)[0];
}

/** What a panic says, in its line. */
export function panicText(line: string): string | undefined {
  return panicLine.exec(line)?.[1];
}

/**
 * A watcher that has seen nothing yet.
 * @param hasCard whether the card is in the slot
 */
export function createWatcher(hasCard: boolean): Watcher {
  let cores: number | null = null;
  let asked: AskedCores | undefined;
  let saysHyp = false;
  let finding: Finding | undefined;

  let isLinux = false;
  const none = (why: string): Finding => ({
    verdict: 'NONE',
    reason: saysHyp ? 'The kernel says HYP mode, but not how many cores came up.' : why,
  });
  const judge = (line: string): Finding | undefined => {
    isLinux ||= linuxText.test(line);
    cores = broughtUpCores(line) ?? cores;
    asked ??= askedCores(line);
    const mode = modeLine.exec(line)?.[1];
    if (mode === 'SVC') return { verdict: 'SVC' };
    if (mixedLine.test(line)) return { verdict: 'MIXED' };
    saysHyp ||= mode === 'HYP';
    if (saysHyp && cores !== null) {
      if (cores === CORES) return { verdict: 'HYP' };
      const reason =
        cores === asked?.cores
          ? `The kernel says HYP mode, and brought up ${cores} of ${CORES} cores, as its command line asks (${asked.by}): of the others nothing is known.`
          : `The kernel says HYP mode, but ${cores} of ${CORES} cores came up.`;
      return { verdict: 'NONE', reason };
    }
    if (saysNoRoot(line, hasCard))
      return none(
        `The kernel came as far as its root file system, which the emulated Pi has not: ${whatIsThere(hasCard)}. ${SILENT_ABOUT_MODE}`,
      );
    const panic = panicText(line);
    if (panic !== undefined) return none(`The kernel gave up without having said its mode: ${panic}.`);
    if (haltLine.test(line)) return none(`The boot stopped before the kernel said its mode: ${line.trim()}.`);
    if (startedLine.test(line)) {
      return none(`The kernel started user space. ${SILENT_ABOUT_MODE}`);
    }
    return undefined;
  };

  return {
    line(line) {
      finding ??= judge(line);
    },
    rest(text) {
      if (promptText.test(text))
        finding ??= none(
          `U-Boot waits at its prompt and has started no kernel, so that there is no mode to tell: ${whatIsThere(hasCard)}.`,
        );
    },
    close(why) {
      return finding ?? none(why);
    },
    get cores() {
      return cores;
    },
    get isLinux() {
      return isLinux;
    },
    get finding() {
      return finding;
    },
  };
}
