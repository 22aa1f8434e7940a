/** A trial of a card with guests: whether the host and each guest come up. */
import type { Engine, Machine } from './engine.js';
import { createLineSplitter, createTranscript } from './console.js';
import type { MachineReport } from './machine-report.js';
import { reportOf, runUntil } from './run-until.js';
import { createSystemWatcher, type SystemState, type SystemWatcher } from './system-console.js';
import type { Until } from './verdict.js';

/** A system that is to come up. */
export interface System {
  /** A guest's name, that of its console; the host's is {@link HOST}. */
  readonly name: string;
  readonly cores: number;
}

/** Name of the host and its console, in what is printed. */
export const HOST = 'host';

/** What became of a system. */
export interface SystemVerdict {
  readonly name: string;
  readonly state: SystemState;
  /** Why, one sentence. */
  readonly reason?: string;
  /** Cores that its kernel brought up; null where it did not say. */
  readonly cores: number | null;
  /** Seconds of wall time from the start of the machine to this state; null with `NONE`. */
  readonly seconds: number | null;
  /** What it wrote; of a very long one the two ends. */
  readonly console: string;
}

/** The outcome, as `--json` prints it. */
export interface SystemsVerdict {
  /** `UP` where all are up, `FAILED` where one failed, else `NONE`. */
  readonly verdict: SystemState;
  readonly engine: string;
  readonly seconds: number;
  /** The host, then the guests in their order. */
  readonly systems: readonly SystemVerdict[];
  /** What the hypervisor said. */
  readonly hypervisor: string;
  /** Whether the run came to where it was to end; only where that was asked for. */
  readonly reached?: boolean;
  readonly machine?: MachineReport;
}

/** How such a trial is run. */
export interface SystemsOptions {
  /** The host, then the guests. */
  readonly systems: readonly System[];
  /** Name of the console with the hypervisor's own messages. */
  readonly hypervisor: string;
  readonly timeoutSeconds: number;
  /** The states do not end such a run. */
  readonly until?: Until | undefined;
  /** The one console whose lines are searched for a text to end at; undefined for all. */
  readonly console?: string | undefined;
  /** Called with the consoles' text as it comes. */
  readonly onConsole?: (text: string, console: string) => void;
}

/**
 * What the hypervisor says of a guest that has ended or of itself. Its lines begin with its name
 * (src/hypervisor/body/devices/own-console.ts).
 * @returns whom it settles, and why
 */
function settledBy(line: string): { name: string | undefined; reason: string } | undefined {
  const [, what] = /^hypberry: (.*)$/.exec(line) ?? [];
  if (what === undefined) return undefined;
  if (what.startsWith('fault in the hypervisor')) return { name: undefined, reason: `${what}.` };
  const [, name, happened] = /^([a-z0-9-]+): ((?:crashed|powered off).*)$/.exec(what) ?? [];
  return name === undefined ? undefined : { name, reason: `The guest ${happened!}.` };
}

/** Looks for a text in the lines of consoles, of one or of all. */
function searchLines(
  text: string | undefined,
  only: string | undefined,
): { readonly take: (piece: string, console: string) => void; readonly found: boolean } {
  let found = false;
  const look = (line: string): void => {
    if (text !== undefined && line.includes(text)) found = true;
  };
  const splitters = new Map<string, ReturnType<typeof createLineSplitter>>();
  return {
    take(piece, console) {
      if (only !== undefined && console !== only) return;
      const lines = splitters.get(console) ?? createLineSplitter(look);
      splitters.set(console, lines);
      lines.take(piece);
      look(lines.rest);
    },
    get found() {
      return found;
    },
  };
}

/**
 * Runs a machine until the host and each guest have come up or failed.
 * @throws HypberryError what the engine throws: `engine.missing`, `engine.failed`
 */
export async function runSystems(
  engine: Engine,
  machine: Machine,
  options: SystemsOptions,
): Promise<SystemsVerdict> {
  const { systems, hypervisor, timeoutSeconds, until, onConsole } = options;
  const begin = performance.now();
  const watchers = new Map<string, SystemWatcher>(
    systems.map(({ name, cores }) => [name, createSystemWatcher(cores, name !== HOST)]),
  );
  const settledAt = new Map<string, number>();
  const own = createTranscript();
  const told: ReturnType<typeof settledBy>[] = [];
  const ownLines = createLineSplitter((line) => told.push(settledBy(line)));
  const settle = (): void => {
    for (const settled of told.splice(0))
      for (const [name, watcher] of watchers)
        if (settled && name === (settled.name ?? name))
          watcher.settle({ state: 'FAILED', reason: settled.reason });
  };
  /** Notes who is settled, and tells whether that ends the run. */
  const allSettled = (): boolean => {
    for (const [name, { finding }] of watchers)
      if (finding && !settledAt.has(name)) settledAt.set(name, (performance.now() - begin) / 1000);
    return !until && settledAt.size === watchers.size;
  };
  const search = searchLines(until && 'text' in until ? until.text : undefined, options.console);

  const { end, seconds, stopped } = await runUntil(
    engine,
    machine,
    timeoutSeconds,
    (text, console = HOST, enough) => {
      onConsole?.(text, console);
      if (console === hypervisor) {
        own.take(text);
        ownLines.take(text);
        // An engine looks at one console after the other: a guest's last words may come behind these.
        queueMicrotask(() => {
          settle();
          if (allSettled()) enough();
        });
      } else watchers.get(console)?.take(text);
      search.take(text, console);
      return allSettled() || search.found;
    },
  );

  const reached = search.found || end.machine?.reachedBy !== undefined;
  const silence = (console: string): string =>
    console.trim() === '' ? ', and its console stayed empty' : '';
  const verdicts = [...watchers].map(([name, watcher]): SystemVerdict => {
    const { console } = watcher;
    const why = reached
      ? 'The run ended where it was to end, before it was up.'
      : stopped
        ? `Time is up after ${timeoutSeconds} s${silence(console)}.`
        : `The machine ended before it was up: ${end.why}${silence(console)}.`;
    const finding = watcher.close(why);
    return {
      name,
      ...finding,
      cores: watcher.cores,
      seconds: settledAt.get(name) ?? (finding.state === 'NONE' ? null : seconds),
      console,
    };
  });
  const has = (state: SystemState): boolean => verdicts.some((it) => it.state === state);
  return {
    verdict: has('FAILED') ? 'FAILED' : has('NONE') ? 'NONE' : 'UP',
    engine: engine.name,
    seconds,
    systems: verdicts,
    hypervisor: own.text,
    ...(until && { reached }),
    ...reportOf(end, reached),
  };
}
