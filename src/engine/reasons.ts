/** Sentences about a run that ended without what it was for. */
import { withoutEscapes } from './console.js';
import type { RunEnd } from './engine.js';
import type { Crash } from './machine-report.js';

/** The crash that ended a run. */
export function crashOf({ machine, crash }: RunEnd): Crash | undefined {
  return machine?.crash ?? crash;
}

/** Characters of a line that a sentence repeats. */
const QUOTED = 60;

/** The first line of a text that says something, for a sentence: printable characters only. */
export function firstLine(text: string): string {
  const line = text.split(/[\r\n]/).find((it) => it.trim() !== '') ?? '';
  const plain = withoutEscapes(line)
    .replace(/[^\x20-\x7e]/g, '?')
    .trim();
  return plain.length > QUOTED ? `${plain.slice(0, QUOTED)}…` : plain;
}

/**
 * Why a run ended without what it was for, as far as the machine tells, one sentence.
 * @param before what had not come: `before a kernel said its mode`
 */
export function whyItEnded(
  { end, stopped }: { readonly end: RunEnd; readonly stopped: boolean },
  timeoutSeconds: number,
  before: string,
): string {
  const crash = crashOf(end);
  if (stopped) return `Time was up (${timeoutSeconds} s) ${before}.`;
  if (!crash) return `The machine ended ${before}: ${end.why}.`;
  return crash.core === null
    ? `The machine came to rest ${before}; ${crash.what}.`
    : `The card's system crashed ${before}: ${crash.what}.`;
}

/** What to say of the mini UART, a sentence, where nothing came on the console that is looked at. */
export function onMiniUart({ miniUart }: RunEnd): string | undefined {
  if (miniUart === undefined) return undefined;
  return `It wrote to the mini UART (serial1), where hypberry does not look for a verdict: "${firstLine(miniUart)}".`;
}
