/** A trial of a card with guests: whether the host and each guest come up. */
import { readMessage, saysAlone } from '../hypervisor/shared/messages.js';
import type { Engine, Machine } from './engine.js';
import { createLineSplitter, createTranscript } from './console.js';
import { onMiniUart, whyItEnded } from './reasons.js';
import { reportOf, runUntil, type SeenBeside } from './run-until.js';
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
  /** Why, one sentence or a few. */
  readonly reason?: string;
  /** Cores that its kernel brought up; null where it did not say. */
  readonly cores: number | null;
  /** Seconds of wall time from the start of the machine to this state; null with `NONE` and `RUNS`. */
  readonly seconds: number | null;
  /** What it wrote; of a very long one the two ends. */
  readonly console: string;
}

/** The outcome, as `--json` prints it. */
export interface SystemsVerdict extends SeenBeside {
  /** `UP` where all are up, `FAILED` where one failed, else `NONE`. */
  readonly verdict: Exclude<SystemState, 'RUNS' | 'WAITS' | 'OFF'>;
  readonly engine: string;
  readonly seconds: number;
  /** The host, then the guests in their order. */
  readonly systems: readonly SystemVerdict[];
  /** What the hypervisor said. */
  readonly hypervisor: string;
  /** Whether the run came to where it was to end; only where that was asked for. */
  readonly reached?: boolean;
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
 * Seconds without a word from the host and the hypervisor, once the host is up, after which guests that wait for the host
 * are not waited for: where its system starts hypberryd, it does so as it boots.
 */
export const PATIENCE_WITH_HOST = 60;

/**
 * Seconds after the first word of a guest that is not Linux, without a fault, after which no more is waited for: nothing
 * that it writes will say that it is up.
 */
export const PATIENCE_WITH_FOREIGN = 20;

const isAsItShouldBe = (state: SystemState): boolean => state === 'UP' || state === 'OFF';

/** Has what a line of the hypervisor's says noted for the guest that it is about, or for all where it is about none. */
function note(line: string, watchers: ReadonlyMap<string, SystemWatcher>): void {
  const message = readMessage(line);
  if (!message) return;
  const { guest, end, waits, text } = message;
  for (const [name, watcher] of watchers) {
    if (end === 'fault' || name === guest) {
      watcher.waitsForHost(waits);
      if (end === 'off') watcher.poweredOff();
      else if (end === 'unstarted')
        watcher.settle({
          state: 'OFF',
          reason: `It does not start with the Pi: "hypberryd start ${name}" starts it there.`,
        });
      else if (end !== undefined)
        watcher.settle({ state: 'FAILED', reason: end === 'fault' ? `${text}.` : `The guest ${text}.` });
    }
  }
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
    systems.map(({ name, cores }) => [
      name,
      createSystemWatcher(cores, name !== HOST ? 'guest' : machine.card ? 'card' : 'nowhere'),
    ]),
  );
  const settledAt = new Map<string, number>();
  const own = createTranscript();
  const told: string[] = [];
  const ownLines = createLineSplitter((line) => {
    told.push(line);
  });
  const settle = (): void => {
    for (const line of told.splice(0)) note(line, watchers);
  };
  /** Notes who is settled, and tells whether that ends the run. */
  const allSettled = (): boolean => {
    for (const [name, { finding }] of watchers)
      if (finding && !settledAt.has(name)) settledAt.set(name, (performance.now() - begin) / 1000);
    return !until && settledAt.size === watchers.size;
  };
  // Where the hypervisor does not begin it says so on the board's own port, before the host does.
  const alone = createLineSplitter((line) => {
    if (!saysAlone(line)) return;
    for (const [name, watcher] of watchers)
      if (name !== HOST)
        watcher.settle({ state: 'FAILED', reason: `The hypervisor started the host alone: "${line}"` });
  });
  const search = searchLines(until && 'text' in until ? until.text : undefined, options.console);

  let stop: (() => void) | undefined;
  let spokenAt = begin;
  /** When a guest's first words came. */
  const speaksSince = new Map<string, number>();
  /** Whether nothing is left to see but guests of which nobody can tell whether they are up, and that they go on is seen. */
  const goOnForLong = (): boolean =>
    [...watchers].every(
      ([name, it]) =>
        it.finding !== undefined ||
        (name !== HOST &&
          it.isForeign &&
          performance.now() - speaksSince.get(name)! > PATIENCE_WITH_FOREIGN * 1000),
    );
  /** Whether there is nothing left to see but guests that wait for a host that does nothing more. */
  const isHostIdle = (): boolean =>
    performance.now() - spokenAt > PATIENCE_WITH_HOST * 1000 &&
    [...watchers].every(([name, it]) => it.finding !== undefined || (name !== HOST && it.isWaiting));
  const looking = setInterval(() => {
    if (until) return;
    if (goOnForLong() || isHostIdle()) stop?.();
  }, 1000);

  const run = await runUntil(engine, machine, timeoutSeconds, (text, console = HOST, enough) => {
    onConsole?.(text, console);
    stop = enough;
    if (!speaksSince.has(console)) speaksSince.set(console, performance.now());
    if (console === hypervisor || console === HOST) spokenAt = performance.now();
    if (console === hypervisor) {
      own.take(text);
      ownLines.take(text);
      // An engine looks at one console after the other: a guest's last words may come behind these.
      queueMicrotask(() => {
        settle();
        if (allSettled()) enough();
      });
    } else {
      if (console === HOST) alone.take(text);
      watchers.get(console)?.take(text);
    }
    search.take(text, console);
    return allSettled() || search.found;
  }).finally(() => {
    clearInterval(looking);
  });

  const { end, seconds, stopped } = run;
  const reached = search.found || end.machine?.reachedBy !== undefined;
  const why = reached
    ? 'The run ended where it was to end, before it was up.'
    : !until && goOnForLong()
      ? `It went on without a fault for ${PATIENCE_WITH_FOREIGN} s.`
      : whyItEnded(run, timeoutSeconds, 'before it had visibly come up');
  const inUserMode = new Set(end.machine?.userMode);
  const verdicts = [...watchers].map(([name, watcher], i): SystemVerdict => {
    const { console } = watcher;
    // The host's VMID is 0, the guests' are their numbers.
    const programs =
      watcher.isForeign && inUserMode.has(i) ? ' Programs of its user space were seen to run.' : '';
    // The mini UART is the host's.
    const aside = name === HOST && console.trim() === '' ? onMiniUart(end) : undefined;
    const seen = [why, ...(aside === undefined ? [] : [aside])].join(' ') + programs;
    const finding = watcher.close(seen, stopped && !reached);
    const known = finding.state === 'UP' || finding.state === 'FAILED';
    return {
      name,
      ...finding,
      cores: watcher.cores,
      seconds: known ? (settledAt.get(name) ?? seconds) : null,
      console,
    };
  });
  const has = (state: SystemState): boolean => verdicts.some((it) => it.state === state);
  return {
    verdict: has('FAILED') ? 'FAILED' : verdicts.every(({ state }) => isAsItShouldBe(state)) ? 'UP' : 'NONE',
    engine: engine.name,
    seconds,
    systems: verdicts,
    hypervisor: own.text,
    ...(until && { reached }),
    ...reportOf(end, reached),
  };
}
