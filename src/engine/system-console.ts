/** What the console of one of several systems on a Pi says about it: the host's, or a guest's. */
import { counted } from '../base/words.js';
import { withoutSteps } from '../boot/steps.js';
import { createLineSplitter, createTranscript, withoutEscapes } from './console.js';
import {
  askedCores,
  broughtUpCores,
  haltLine,
  initLine,
  linuxText,
  panicText,
  promptText,
  saysNoRoot,
  startedLine,
  waitsForRoot,
  whatIsThere,
  type AskedCores,
} from './kernel-console.js';
import { firstLine } from './reasons.js';

/**
 * - `UP`: its kernel has brought up all its cores, or as many as its command line asks for, and begun with user space, or its boot
 *   loader or login waits.
 * - `FAILED`: it gave up, or fewer cores came up.
 * - `WAITS`: the hypervisor does not start it yet, as hypberryd on the host does not serve its disks.
 * - `RUNS`: it writes to its console, but not in words that are known; whether it is up is not known.
 * - `OFF`: it does not start with the Pi, as the card says.
 * - `NONE`: could not tell.
 */
export type SystemState = 'UP' | 'FAILED' | 'WAITS' | 'RUNS' | 'OFF' | 'NONE';

/** What is known of a system. */
export interface SystemFinding {
  readonly state: SystemState;
  /** Why, one sentence or two; with UP where there is something to say. */
  readonly reason?: string;
}

/** Follows a system's console. */
export interface SystemWatcher {
  /** Takes text as it comes. */
  take(text: string): void;
  /** Something else than the console has settled it; what was found before stands. */
  settle(finding: SystemFinding): void;
  /** It has powered itself off, which is no failure. */
  poweredOff(): void;
  /** It waits for the host, or does so no more. */
  waitsForHost(yes: boolean): void;
  /**
   * The finding for a system that says nothing more: `finding`, or what is known without one.
   * @param why why it says nothing more, a sentence
   * @param running whether it ran up to then
   */
  close(why: string, running: boolean): SystemFinding;
  readonly finding: SystemFinding | undefined;
  /** Whether it has written to its console in words that are not known, and nothing has settled it. */
  readonly isForeign: boolean;
  /** Whether it waits for the host, and nothing else has settled it. */
  readonly isWaiting: boolean;
  /** Cores brought up, or null where the kernel has not said. */
  readonly cores: number | null;
  readonly console: string;
}

// A login or a shell waits: a line without an end, and not a kernel's that has only come so far.
const waitingText = /^(?!\[ *\d+\.).*(?:login: ?|[#$] )$/;

const WAITS: SystemFinding = {
  state: 'WAITS',
  reason:
    'It waits for hypberryd on the host, which serves its disks. That is no failure: "sudo hypberryd status" says in the host what is missing; where it was never installed there, the hypberryd on the boot partition does that ("sudo …/hypberryd install").',
};

/**
 * Where a system may have its root file system. That of a guest is in its initramfs or on its disks, so that one that is
 * missing is its own fault. A host may have it on its card, where that is in the slot, and elsewhere on a board.
 */
export type RootPlace = 'guest' | 'card' | 'nowhere';

/**
 * A watcher that has seen nothing yet.
 * @param cores how many cores the system has
 */
export function createSystemWatcher(cores: number, root: RootPlace): SystemWatcher {
  const transcript = createTranscript();
  let seen: number | null = null;
  let asked: AskedCores | undefined;
  let isLinux = false;
  let begun = false;
  /** The line in which it said that it waits for its root file system. */
  let waiting: string | undefined;
  let finding: SystemFinding | undefined;
  let waits = false;

  const up = (reason?: string): SystemFinding => {
    // A kernel for one processor counts none.
    const came = seen ?? 1;
    if (came === cores) return { state: 'UP', ...(reason !== undefined && { reason }) };
    const count = `${came} of its ${cores} cores came up`;
    if (came > cores || came !== asked?.cores) return { state: 'FAILED', reason: `${count}.` };
    const asItAsks = `${count}, as its command line asks (${asked.by}).`;
    return { state: 'UP', reason: reason === undefined ? asItAsks : `${asItAsks} ${reason}` };
  };
  const withoutRoot = (line: string): SystemFinding => {
    const said = firstLine(line.replace(/^\[ *\d+\.\d+\] /, '')).replace(/\.+$/, '');
    return root === 'guest'
      ? {
          state: 'FAILED',
          reason: `It found no root file system ("${said}"): a guest has it in its initramfs (--initramfs), or on a disk of its own (--disk) that root= names.`,
        }
      : up(
          `Its kernel came as far as its root file system, which is not there: ${whatIsThere(root === 'card')}. Of the card this says nothing.`,
        );
  };
  const judge = (line: string): SystemFinding | undefined => {
    isLinux ||= linuxText.test(line);
    seen = broughtUpCores(line) ?? seen;
    asked ??= askedCores(line);
    if (initLine.test(line)) return up();
    begun ||= startedLine.test(line);
    if (root === 'card' && waitsForRoot(line)) waiting = line;
    if (saysNoRoot(line, root === 'card')) return withoutRoot(line);
    const panic = panicText(line);
    if (panic !== undefined) return { state: 'FAILED', reason: `${panic}.` };
    if (haltLine.test(line)) return { state: 'FAILED', reason: `${line.trim()}.` };
    return undefined;
  };
  const lines = createLineSplitter((line) => {
    finding ??= judge(line);
  });
  const isForeign = (): boolean =>
    !isLinux && seen === null && finding === undefined && withoutSteps(transcript.text).trim() !== '';
  const unsettled = (why: string, running: boolean): SystemFinding => {
    const text = withoutSteps(transcript.text);
    const silent = text.trim() === '';
    if (running && isForeign()) {
      return {
        state: 'RUNS',
        reason: `It writes to its console ("${firstLine(text)}"), but not in words that hypberry knows (Linux, U-Boot, a login), so that it is not known whether it is up. ${why}`,
      };
    }
    const saw = silent
      ? 'Its console stayed empty.'
      : seen !== null
        ? `Its kernel had brought up ${counted(seen, 'core')}, but was not seen to begin with user space.`
        : 'Its kernel was not seen to come as far as user space.';
    return { state: 'NONE', reason: `${why} ${saw}` };
  };
  return {
    take(text) {
      transcript.take(text);
      lines.take(text);
      // What waits may have kept its cores to itself, and a boot loader has one.
      const rest = withoutEscapes(lines.rest);
      if (promptText.test(rest) || waitingText.test(rest)) finding ??= seen === null ? { state: 'UP' } : up();
    },
    settle(found) {
      finding ??= found;
    },
    poweredOff() {
      finding ??= judge(lines.rest);
      finding ??= begun
        ? up('It has powered itself off since.')
        : {
            state: 'NONE',
            reason:
              'It powered itself off before it had visibly come up. That is no failure by itself; whether it did what it was to do is not known.',
          };
    },
    waitsForHost(yes) {
      waits = yes;
    },
    close(why, running) {
      // A last line may have no end.
      finding ??= judge(lines.rest);
      if (waiting !== undefined && !begun) finding ??= withoutRoot(waiting);
      // A kernel older than the line that says its init, which did not panic since.
      return finding ?? (begun ? up() : waits ? WAITS : unsettled(why, running));
    },
    get finding() {
      return finding;
    },
    get isForeign() {
      return isForeign();
    },
    get isWaiting() {
      return waits && finding === undefined;
    },
    get cores() {
      return seen;
    },
    get console() {
      return transcript.text;
    },
  };
}
