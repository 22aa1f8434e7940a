/** `hypberry try`: boots a card in an emulated Pi 2 and says in which mode its cores start. */
import { HypberryError } from '../base/errors.js';
import { bytesText, counted, listed } from '../base/words.js';
import type { Retried } from '../engine/attempts.js';
import { summarizeHandover } from '../engine/handover-check.js';
import type { SystemState } from '../engine/system-console.js';
import type { SystemsVerdict } from '../engine/systems.js';
import type { Until, Verdict } from '../engine/verdict.js';
import { openContents } from '../node/card-contents.js';
import { qemuEngine } from '../node/qemu.js';
import { whenReaderGoes } from '../node/reader.js';
import { createTextFile, type TextFile } from '../node/text-file.js';
import { placeFacts, type Named } from '../setup/boot-partition.js';
import type { InstallOptions } from '../setup/install.js';
import { lookInside } from '../usecases/look-inside.js';
import { tryCard as runTry, type Tried, type TryPorts } from '../usecases/try.js';
import { endBySignal } from './by-signal.js';
import { openDebuggers, waitsForDebugger } from './debuggers.js';
import { cardAt, cardErrorText } from './card.js';
import { showAll, showOne, type Shown } from './consoles.js';
import { sayHandover } from './handover.js';
import { sayMachine } from './machine.js';
import {
  colors,
  columns,
  endWithoutReader,
  isQuiet,
  say,
  sayAside,
  sayDetail,
  sayJson,
  sayResult,
} from './output.js';
import { sayPicked, whatStarts } from './picked.js';
import { sayPlace } from './place.js';
import { progress, type Progress } from './progress.js';

export interface TryOptions extends Named {
  readonly engine: 'qemu' | 'built-in';
  readonly asIs?: boolean;
  readonly method: InstallOptions['method'];
  readonly force?: boolean;
  readonly diagnostics?: boolean;
  readonly timeout?: number;
  readonly trace?: string;
  readonly overwrite?: boolean;
  readonly until?: Until;
  readonly console?: string;
  readonly seed?: number;
  readonly gdb?: number;
  readonly json?: boolean;
}

/** How often a growing trace is spoken of, in bytes. */
const TRACE_NOTE = 256 << 20;

/** Refuses what only an engine that looks into the machine can do. */
function refuseBlindness({ engine, trace, until, seed, gdb }: TryOptions): void {
  if (engine === 'qemu' && seed !== undefined)
    throw new HypberryError(
      'engine.no-seed',
      "QEMU's Pi 2 has no seed: what reset leaves unknown is the same there in every run.",
      'Use --seed without --engine qemu.',
    );
  const isInside = trace !== undefined || gdb !== undefined || (until !== undefined && !('text' in until));
  if (engine !== 'qemu' || !isInside) return;
  throw new HypberryError(
    'engine.no-look-inside',
    'QEMU does not show hypberry what its cores execute.',
    'Use --trace, --gdb and --until with an address without --engine qemu.',
  );
}

/**
 * Runs the trial; the exit status is 0 for HYP, 1 for another mode, 2 where it could not tell; of a card with guests
 * 0 where all are up, 1 where one failed, else 2. With `until` it is 0 where the run came there, else 2.
 */
export async function tryCard(target: string, options: TryOptions): Promise<void> {
  // Until it can: whatever ends us before.
  process.exitCode = 2;
  refuseBlindness(options);
  let trace: TextFile | undefined;
  let line: Progress | undefined;
  let shown: Shown | undefined;
  let told = 0;
  const write = (text: string): void => {
    trace?.write(text);
    const size = trace?.size ?? 0;
    if (size < told + TRACE_NOTE) return;
    told = size;
    line?.say(`Booting; ${bytesText(size)} of trace`);
    shown?.note(`${bytesText(size)} of trace`);
  };
  const noteOnCard = (sentence: string): void => {
    line?.say(sentence);
    shown?.note(sentence);
  };
  const ports: TryPorts = {
    openCard: cardAt(target, options),
    engine: async (hypervisor) =>
      options.engine === 'qemu'
        ? // Several systems would wait for each other's turns.
          qemuEngine(hypervisor ? { threadPerCore: true } : {})
        : lookInside({
            ...{ until: options.until, trace: trace && write, seed: options.seed },
            onSession: debuggers && ((at) => debuggers.next({ ...at, hypervisor })),
          }),
    // QEMU's slot is empty.
    openContents: async () =>
      options.engine === 'qemu' ? undefined : openContents(target, { say: sayAside, onTrouble: noteOnCard }),
    onCardError: (error) => {
      noteOnCard(cardErrorText(error));
    },
    onReady: ({ place, plan, picked, added, consoles }) => {
      // Not before: while a card is read, nothing else has its turn, and a signal just ends us.
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupted);
      if (options.trace !== undefined)
        trace = createTextFile(options.trace, { card: target, overwrite: options.overwrite === true });
      sayDetail(`engine: ${options.engine}`);
      if (options.json || isQuiet()) {
        line = progress('Booting');
        return;
      }
      // The consoles themselves are the progress where they are shown.
      sayPlace(place);
      say(whatStarts(plan));
      sayPicked(picked, added);
      if (options.gdb !== undefined) say(waitsForDebugger(options.gdb));
      const [only = options.console] = consoles.length === 1 ? consoles : [];
      shown = only === undefined ? showAll(consoles) : showOne(only);
    },
    onConsole: (text, console) => shown?.take(text, console),
    onAgain: (retried, added) => {
      const sentence = whyAgain(retried, added);
      line?.say(sentence);
      shown?.note(sentence);
      trace?.write(`${sentence}\n`);
    },
  };
  const debuggers = options.gdb === undefined ? undefined : await openDebuggers(options.gdb);
  let tried: Tried;
  // What is silent for long would run on for nobody.
  const stopLooking = await whenReaderGoes(endWithoutReader);
  try {
    // Who debugs takes the time that it takes.
    tried = await runTry(ports, debuggers ? { timeout: Infinity, ...options } : options);
  } catch (error) {
    // Panes would be drawn for ever.
    shown?.end(true);
    throw error;
  } finally {
    stopLooking();
    line?.stop();
    trace?.close();
    debuggers?.close();
  }
  const { outcome } = tried;
  shown?.end(outcome.verdict === 'NONE');
  if (options.json) {
    const { added, retried, picked, place } = tried;
    sayJson({ ...outcome, added, retried, picked, bootPartition: placeFacts(place) });
  } else {
    sayOutcome(outcome, trace && `${bytesText(trace.size)} of trace in ${options.trace ?? ''}`);
  }
  const { reached } = outcome;
  process.exitCode = reached === undefined ? EXIT_STATUS[outcome.verdict] : reached ? 0 : 2;
}

/** What came of it, for people. */
function sayOutcome(outcome: Verdict | SystemsVerdict, ofTrace: string | undefined): void {
  const { machine, reached } = outcome;
  if (machine) sayMachine(machine, reached !== undefined);
  if (machine?.handover) sayHandover(machine.handover);
  if (ofTrace !== undefined) {
    say();
    say(ofTrace);
  }
  if ('systems' in outcome) saySystems(outcome);
  else sayVerdict(outcome);
  sayReached(outcome);
  if (machine?.handover) say(`Handover: ${summarizeHandover(machine.handover)}.`);
}

const EXIT_STATUS = { HYP: 0, UP: 0, SVC: 1, MIXED: 1, FAILED: 1, NONE: 2 } as const;

const STOPPED = {
  code: 'try.stopped',
  what: 'Stopped before there was a verdict; the card is unchanged.',
  hint: 'Run it again to see more.',
} as const;

function interrupted(signal: NodeJS.Signals): void {
  endBySignal(signal, STOPPED);
}

/** Why it is run once more, one sentence. */
function whyAgain({ added, crash }: Retried, now: string): string {
  const left = added
    .split(' ')
    .filter((word) => !now.split(' ').includes(word))
    .join(' ');
  return `It crashed (${crash}), for which what was added may be to blame; once more without ${left}.`;
}

/** What became of a run that was to end somewhere. */
function sayReached({ reached, seconds }: Verdict | SystemsVerdict): void {
  if (reached === undefined) return;
  const [word, came] = reached
    ? [colors.green('REACHED'), 'came']
    : [colors.yellow('NOT REACHED'), 'did not come'];
  say();
  sayResult(`${word}: the run ${came} to where it was to end (after ${seconds.toFixed(1)} s).`);
}

function sayVerdict({ verdict, cores, seconds, reason, reached }: Verdict): void {
  const time = `after ${seconds.toFixed(1)} s`;
  // It was not to go on to one.
  if (reached && verdict === 'NONE') return;
  say();
  switch (verdict) {
    case 'HYP':
      sayResult(`${colors.green('HYP')}: all ${String(cores)} cores started in HYP mode (${time}).`);
      break;
    case 'SVC':
      sayResult(
        `${colors.red('SVC')}: the cores started in SVC mode; nothing can use virtualization (${time}).`,
      );
      break;
    case 'MIXED':
      sayResult(`${colors.red('MIXED')}: the cores started in different modes (${time}).`);
      break;
    case 'NONE':
      sayResult(`${colors.yellow('NONE')}: no verdict (${time}). ${reason ?? ''}`);
  }
}

function saySystems({ systems, hypervisor, seconds, verdict, reached }: SystemsVerdict): void {
  say();
  for (const line of hypervisor.split(/[\r\n]+/)) if (line !== '') say(line);
  const paint = {
    ...{ UP: colors.green, FAILED: colors.red },
    ...{ WAITS: colors.yellow, RUNS: colors.yellow, OFF: colors.green, NONE: colors.yellow },
  };
  const rows = systems.map(({ name, state, cores, seconds: after, reason }): [string, string] => {
    const count = cores === null ? [] : [counted(cores, 'core')];
    const when = after === null ? [] : [`after ${after.toFixed(1)} s`];
    const facts = [...count, ...when].join(', ');
    return [
      name,
      `${paint[state](state)}${facts && ` (${facts})`}${reason === undefined ? '' : `: ${reason}`}`,
    ];
  });
  say();
  for (const line of columns(rows)) sayResult(line);
  if (reached && verdict === 'NONE') return;
  const named = (...states: readonly SystemState[]): string =>
    listed(systems.filter(({ state }) => states.includes(state)).map(({ name }) => name));
  const [unknown, waiting] = [named('RUNS', 'NONE'), named('WAITS')];
  const summary = {
    UP: `The host and its guests are up${systems.some(({ state }) => state === 'OFF') ? ', but for those that do not start with the Pi' : ''}`,
    FAILED: `${named('FAILED')} did not come up`,
    NONE: [
      ...(unknown === '' ? [] : [`It is not known whether ${unknown} came up`]),
      ...(waiting === '' ? [] : [`hypberryd on the host does not serve the disks of ${waiting}`]),
    ].join('; '),
  }[verdict];
  sayResult(`${paint[verdict](verdict)}: ${summary} (after ${seconds.toFixed(1)} s).`);
}
