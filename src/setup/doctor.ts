/** What a running Pi says about itself, and what to do next. */
import type { HypberryError } from '../base/errors.js';
import { REVISION } from '../board/bcm2836.js';
import { CHANNEL_NODE, CONSOLE_CLOCK, consoleNode } from '../guest/host-tree.js';
import type { Start } from './survey.js';

/** Facts of the machine that runs us, as far as they are known. */
export interface PiFacts {
  /** `Raspberry Pi 2 Model B Rev 1.1`, from the device tree. */
  readonly model: string | undefined;
  /** The board's revision code. */
  readonly revision: number | undefined;
  /** The `compatible` strings of the device tree's root, most specific first. */
  readonly compatible: readonly string[];
  /** The kernel's release, as `uname -r`. */
  readonly kernel: string | undefined;
  /** The kernel's log since it started. */
  readonly kernelLog: string | undefined;
  /** Where the boot partition is mounted. */
  readonly bootFolder: string | undefined;
  /** Where it may be, in a folder that this user may not look into; undefined where {@link bootFolder} is known. */
  readonly closedFolder: string | undefined;
  /** Names of the nodes below the root of the device tree. */
  readonly nodes: readonly string[];
}

/** The mode that a kernel reports its cores to have started in. */
export type ReportedMode = 'HYP' | 'SVC' | 'MIXED' | 'unknown';

export interface Diagnosis {
  /** `BCM2836`, `BCM2837`, …, from the revision code, else the device tree; undefined where this is no Raspberry Pi. */
  readonly soc: string | undefined;
  readonly mode: ReportedMode;
  /** Hypberry's hypervisor runs this system, with its guests beside it: it has HYP mode, and gives the system SVC mode. */
  readonly underHypervisor: boolean;
  /** The hypervisor has started this system without its guests, as the ARM has less memory than it was installed for. */
  readonly startedAlone: boolean;
  /** The guests have disks or a network, which hypberryd on this system is to serve. */
  readonly hasChannel: boolean;
  /** What to do next, one sentence. */
  readonly advice: string;
}

/** Bits 12 to 15 of the revision code, in order of their value. */
const SOCS = ['BCM2835', 'BCM2836', 'BCM2837', 'BCM2711', 'BCM2712'];

/** What Raspberry Pi's kernels up to 4.9 call them, by their families. */
const FAMILIES: Readonly<Record<string, string>> = {
  BCM2708: 'BCM2835',
  BCM2709: 'BCM2836',
  BCM2710: 'BCM2837',
};

/** What is in the boot folder, where it was looked at. */
export interface CardFacts {
  /** The mode that it will start the next time. */
  readonly starts: Start['mode'];
  /** Why install refuses it as it is. */
  readonly refusal?: HypberryError | undefined;
}

/**
 * Says what to do next.
 * @param pi the running machine
 * @param card undefined where the boot folder was not looked at, or this user may not read what is there
 */
export function diagnose(pi: PiFacts, card: CardFacts | undefined): Diagnosis {
  const soc = socOf(pi);
  const mode = reportedMode(pi.kernelLog);
  const underHypervisor = pi.nodes.includes(consoleNode(0));
  const startedAlone = !underHypervisor && pi.nodes.includes(CONSOLE_CLOCK);
  const hasChannel = underHypervisor && pi.nodes.includes(CHANNEL_NODE);
  const known = { soc, mode, underHypervisor, startedAlone, hasChannel };
  return { ...known, advice: adviceFor(pi, known, card) };
}

function socOf({ revision, compatible }: PiFacts): string | undefined {
  if (revision !== undefined && REVISION.isNewStyle(revision)) return SOCS[REVISION.soc(revision)];
  const name = /brcm,(bcm2\d+)/.exec(compatible.join(' '))?.[1]?.toUpperCase();
  return name && (FAMILIES[name] ?? name);
}

/** The mode that a kernel's log tells: what Linux prints once all cores are up (arch/arm/kernel/setup.c, `hyp_mode_check`). */
export function reportedMode(log: string | undefined): ReportedMode {
  const mode = /CPU: All CPU\(s\) started in (HYP|SVC) mode/.exec(log ?? '')?.[1];
  if (mode === 'HYP' || mode === 'SVC') return mode;
  return /CPU: WARNING: CPU\(s\) started in wrong\/inconsistent modes/.test(log ?? '') ? 'MIXED' : 'unknown';
}

function adviceFor(
  pi: PiFacts,
  { soc, mode, underHypervisor, startedAlone }: Omit<Diagnosis, 'advice'>,
  card: CardFacts | undefined,
): string {
  const folder = pi.bootFolder ?? 'the boot folder';
  if (soc === undefined) {
    return 'This machine is no Raspberry Pi: run doctor on the Pi itself, or point "hypberry inspect" at its card.';
  }
  if (soc !== 'BCM2836') {
    return soc === 'BCM2835'
      ? 'This board has a BCM2835, whose ARM1176 core has no HYP mode: put the card into a Pi 2 v1.1.'
      : `This board has a ${soc}, not the Pi 2's BCM2836: hypberry's block is not made for it, and its firmware starts HYP mode or EL2 by itself.`;
  }
  if (startedAlone) {
    return `The guests did not start, for the ARM has less memory than when they were installed: set gpu_mem and total_mem in config.txt as they were, or run "sudo hypberry install ${folder}", then restart the Pi.`;
  }
  if (mode === 'HYP' || underHypervisor) {
    const how = underHypervisor
      ? "hypberry's hypervisor has HYP mode on this Pi, and its system runs beside the guests in SVC mode, as it should"
      : 'this Pi started in HYP mode on all cores';
    if (card?.starts === 'SVC') {
      return `The card will start SVC mode the next time, though ${how}: run "sudo hypberry install ${folder}" if that is not wanted.`;
    }
    return `All is well: ${how}, and there is nothing to do.`;
  }
  if (mode === 'unknown' && pi.kernelLog === undefined) {
    return 'The kernel\'s log could not be read: run "sudo hypberry doctor" to learn the mode.';
  }
  if (card?.starts === 'HYP') {
    return 'The card will start HYP mode the next time: restart the Pi, then run "hypberry doctor" again.';
  }
  const closed = pi.bootFolder === undefined ? pi.closedFolder : card ? undefined : pi.bootFolder;
  if (closed !== undefined) {
    return `What is in ${closed} may not be read by you: run "sudo hypberry doctor" to learn what to do.`;
  }
  if (pi.bootFolder === undefined) {
    return 'Mount the boot partition (at /boot/firmware, say), then run "hypberry doctor" again.';
  }
  if (card?.refusal) {
    const { message, hint } = card.refusal;
    return `Mend what is on the card first, as "hypberry install" refuses it: ${message} ${hint}`;
  }
  return `Run "hypberry try ${folder}" to see it work, then "sudo hypberry install ${folder}", and restart.`;
}
