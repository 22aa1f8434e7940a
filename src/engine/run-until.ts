import { createConsoleDecoder } from './console.js';
import type { Engine, Machine, RunEnd } from './engine.js';
import { crashOf } from './reasons.js';
import { unfinished } from './handover-check.js';
import type { MachineReport } from './machine-report.js';

/** The longest time that a timer takes, milliseconds. */
const TIMER_LIMIT = 0x7fff_ffff;

/** How a run ended, and when. */
export interface Run {
  readonly end: RunEnd;
  /** Wall time from the start of the machine until it was enough, or its end. */
  readonly seconds: number;
  /** It did not end by itself: time is up, or it was enough. */
  readonly stopped: boolean;
}

/** What was seen beside the consoles, as each verdict has it. */
export interface SeenBeside {
  /** The crash that ended the run, one sentence without a full stop. */
  readonly crash?: string;
  /** What was written to the mini UART; absent where nothing was. */
  readonly miniUart?: string;
  /** What was seen inside the machine, by an engine that can look there. */
  readonly machine?: MachineReport;
}

/**
 * What was seen beside the consoles.
 * @param reached whether the machine came to where its run was to end
 */
export function reportOf(end: RunEnd, reached: boolean): SeenBeside {
  const { machine, miniUart } = end;
  const crash = crashOf(end)?.what;
  return {
    ...(crash !== undefined && { crash }),
    ...(miniUart !== undefined && { miniUart }),
    ...(machine && {
      machine: machine.handover && reached ? { ...machine, handover: unfinished(machine.handover) } : machine,
    }),
  };
}

/**
 * Runs a machine until it is enough, it ends by itself, or time is up.
 * @param take called with the consoles' text as it comes (what is not UTF-8 is U+FFFD); gives true when it is enough, or
 *   calls `enough` later
 * @throws HypberryError what the engine throws: `engine.missing`, `engine.failed`
 */
export async function runUntil(
  engine: Engine,
  machine: Machine,
  timeoutSeconds: number,
  take: (text: string, console: string | undefined, enough: () => void) => boolean,
): Promise<Run> {
  const decoder = createConsoleDecoder();
  const stop = new AbortController();
  const begin = performance.now();
  const elapsed = () => (performance.now() - begin) / 1000;
  let seconds: number | undefined;
  const enough = (): void => {
    if (stop.signal.aborted) return;
    seconds = elapsed();
    stop.abort();
  };
  const timer = setTimeout(
    () => {
      stop.abort();
    },
    Math.min(timeoutSeconds * 1000, TIMER_LIMIT),
  );
  try {
    const end = await engine.run(
      machine,
      (bytes, console) => {
        // When it was enough, what an engine still had in its pipe.
        if (stop.signal.aborted) return;
        if (take(decoder.take(bytes, console), console, enough)) enough();
      },
      stop.signal,
    );
    for (const [console, cut] of decoder.rest()) {
      if (cut !== '' && !stop.signal.aborted && take(cut, console, enough)) enough();
    }
    return { end, seconds: seconds ?? elapsed(), stopped: stop.signal.aborted };
  } finally {
    clearTimeout(timer);
  }
}
