/** What the console of one of several systems on a Pi says about it: the host's, or a guest's. */
import { createLineSplitter, createTranscript, withoutEscapes } from './console.js';
import { broughtUpCores, haltLine, initLine, panicText, promptText, startedLine } from './kernel-console.js';

/**
 * - `UP`: its kernel has brought up all its cores and begun with user space, or its boot loader or login waits.
 * - `FAILED`: it gave up, or not all its cores came up.
 * - `NONE`: could not tell.
 */
export type SystemState = 'UP' | 'FAILED' | 'NONE';

/** What is known of a system. */
export interface SystemFinding {
  readonly state: SystemState;
  /** Why, one sentence; with UP where there is something to say. */
  readonly reason?: string;
}

/** Follows a system's console. */
export interface SystemWatcher {
  /** Takes text as it comes. */
  take(text: string): void;
  /** Something else than the console has settled it; what was found before stands. */
  settle(finding: SystemFinding): void;
  /** The finding for a system that says nothing more: `finding`, or `NONE` because of `why`, a sentence. */
  close(why: string): SystemFinding;
  readonly finding: SystemFinding | undefined;
  /** Cores brought up, or null where the kernel has not said. */
  readonly cores: number | null;
  readonly console: string;
}

// A kernel with no root file system to go on with (Linux, init/do_mounts.c).
const noRootText =
  /VFS: Unable to mount root fs|Waiting for root device|No working init found|Cannot open root device/;
// A login or a shell waits: a line without an end, and not a kernel's that has only come so far.
const waitingText = /^(?!\[ *\d+\.).*(?:login: ?|[#$] )$/;

/**
 * A watcher that has seen nothing yet.
 * @param cores how many cores the system has
 * @param hasRoot whether a missing root file system is its own fault: the emulated Pi has nothing but its boot partition
 */
export function createSystemWatcher(cores: number, hasRoot: boolean): SystemWatcher {
  const transcript = createTranscript();
  let seen: number | null = null;
  let begun = false;
  let finding: SystemFinding | undefined;

  const up = (reason?: string): SystemFinding =>
    // A kernel for one processor counts none.
    (seen ?? 1) === cores
      ? { state: 'UP', ...(reason !== undefined && { reason }) }
      : { state: 'FAILED', reason: `${seen ?? 1} of its ${cores} cores came up.` };
  const judge = (line: string): SystemFinding | undefined => {
    seen = broughtUpCores(line) ?? seen;
    if (initLine.test(line)) return up();
    begun ||= startedLine.test(line);
    if (!hasRoot && noRootText.test(line))
      return up('It found no root file system: only the boot partition is tried.');
    const panic = panicText(line);
    if (panic !== undefined) return { state: 'FAILED', reason: `${panic}.` };
    if (haltLine.test(line)) return { state: 'FAILED', reason: `${line.trim()}.` };
    return undefined;
  };
  const lines = createLineSplitter((line) => {
    finding ??= judge(line);
  });
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
    close(why) {
      // A last line may have no end.
      finding ??= judge(lines.rest);
      // A kernel older than the line that says its init, which did not panic since.
      return finding ?? (begun ? up() : { state: 'NONE', reason: why });
    },
    get finding() {
      return finding;
    },
    get cores() {
      return seen;
    },
    get console() {
      return transcript.text;
    },
  };
}
