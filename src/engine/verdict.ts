import { withoutSteps } from '../boot/steps.js';
import type { Handover } from '../firmware/handover.js';
import { createLineSplitter, createTranscript } from './console.js';
import type { Engine, Machine } from './engine.js';
import { createWatcher, type Mode } from './kernel-console.js';
import { firstLine, onMiniUart, whyItEnded } from './reasons.js';
import { reportOf, runUntil, type Run, type SeenBeside } from './run-until.js';

/** The outcome of a trial, as `--json` prints it. */
export interface Verdict extends SeenBeside {
  readonly verdict: Mode;
  /** The engine's name. */
  readonly engine: string;
  /** Wall time from the start of the machine to the verdict. */
  readonly seconds: number;
  /** Cores that the kernel brought up, the first one included; null where it did not say. */
  readonly cores: number | null;
  /** What the card's system wrote, up to the verdict; of a very long one the two ends, see `createTranscript`. */
  readonly console: string;
  /** With `NONE`: why, what was seen instead, and why that is not enough. */
  readonly reason?: string;
  /** Whether the run came to where it was to end; only where that was asked for. */
  readonly reached?: boolean;
}

/**
 * Where a run is to end instead of at its verdict: before an instruction at a virtual address, which takes an engine
 * that ends there (`endAt`), or at a console line that contains a text.
 */
export type Until = { readonly address: number } | { readonly text: string };

/** How a trial is run. */
export interface TrialOptions {
  /** When to give up. */
  readonly timeoutSeconds: number;
  /** The verdict does not end such a run. */
  readonly until?: Until | undefined;
  /** Called with the console's text as it comes, up to the verdict. */
  readonly onConsole?: (text: string) => void;
}

/**
 * Runs a machine until its kernel has said in what mode its cores came, or it is clear that it will not.
 * @returns the verdict; `NONE` where the machine stopped, the kernel panicked or time is up before
 * @throws HypberryError what the engine throws: `engine.missing`, `engine.failed`
 */
export async function runTrial(
  engine: Engine,
  machine: Handover & Pick<Machine, 'card'>,
  { timeoutSeconds, until, onConsole }: TrialOptions,
): Promise<Verdict> {
  const watcher = createWatcher(machine.card !== undefined);
  const transcript = createTranscript();
  const text = until && 'text' in until ? until.text : undefined;
  let reached = false;
  const look = (line: string): void => {
    if (text !== undefined && line.includes(text)) reached = true;
  };
  const lines = createLineSplitter((line) => {
    watcher.line(line);
    look(line);
  });
  const run = await runUntil(engine, machine, timeoutSeconds, (piece) => {
    transcript.take(piece);
    lines.take(piece);
    watcher.rest(lines.rest);
    look(lines.rest);
    onConsole?.(piece);
    return until ? reached : watcher.finding !== undefined;
  });
  // A last line may have been cut off by the machine's end.
  watcher.line(lines.rest);
  const { end, seconds } = run;
  reached ||= end.machine?.reachedBy !== undefined;
  const finding = watcher.close(
    reached
      ? 'The run ended where it was to end, before the kernel said its mode.'
      : whyNoMode(run, timeoutSeconds, watcher.isLinux, withoutSteps(transcript.text)),
  );
  return {
    ...finding,
    engine: engine.name,
    seconds,
    cores: watcher.cores,
    console: transcript.text,
    ...(until && { reached }),
    ...reportOf(end, reached),
  };
}

/** Why there is no verdict, what was seen instead, and why that is not enough. */
function whyNoMode(run: Run, timeoutSeconds: number, isLinux: boolean, console: string): string {
  const sentences = [whyItEnded(run, timeoutSeconds, 'before a kernel said its mode')];
  if (isLinux) sentences.push('Linux was seen to begin.');
  else if (console.trim() === '') {
    sentences.push(
      onMiniUart(run.end) ??
        'On the PL011 (serial0) the console stayed empty; a system that is not Linux may well run without a word there.',
    );
  } else {
    sentences.push(
      `What runs writes to the console ("${firstLine(console)}"), but not in the words of Linux, the one system whose mode can be read there.`,
    );
  }
  const mode = run.end.machine?.handover?.find(({ point }) => point === 'mode');
  if (!isLinux && typeof mode?.ok === 'boolean')
    sentences.push(
      mode.ok
        ? 'It was entered in HYP mode, as the handover check saw.'
        : `It was not entered in HYP mode, as the handover check saw (${mode.found}).`,
    );
  return sentences.join(' ');
}
