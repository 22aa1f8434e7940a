/** `hypberry run`: boots a card in the built-in Pi 2, whose console is the terminal. */
import { HypberryError } from '../base/errors.js';
import { harmless } from '../base/terminal-text.js';
import { bytesText, counted, listed } from '../base/words.js';
import { createTranscript } from '../engine/console.js';
import { HOST } from '../engine/systems.js';
import { readSnapshot } from '../engine/snapshot.js';
import { readRecord, RECORD_HEADER, recordLine } from '../engine/typed-record.js';
import { whenReaderGoes } from '../node/reader.js';
import { openContents } from '../node/card-contents.js';
import { fileExists, isOnePlace } from '../node/outputs.js';
import { openSnapshot, snapshotPlace } from '../node/snapshot-file.js';
import { openKeyboard, type Keyboard } from '../node/terminal.js';
import { checkTextFile, createTextFile, type TextFile } from '../node/text-file.js';
import { readUserFile } from '../node/user-file.js';
import { openBootPartition, type Named } from '../setup/boot-partition.js';
import { readMedium } from '../card/medium.js';
import type { InstallOptions } from '../setup/install.js';
import { runCard, type Ran, type RunPorts, type SavedRun, type Start } from '../usecases/run.js';
import { endBySignal } from './by-signal.js';
import { cardAt, cardErrorText } from './card.js';
import { showConsoles, type ConsoleScreen } from './console-screen.js';
import { openDebuggers, waitsForDebugger } from './debuggers.js';
import { createEscapeKey, ESCAPE_NAME, ORDERS, type Order } from './escape-key.js';
import {
  colors,
  columns,
  endWithoutReader,
  isQuiet,
  say,
  sayAside,
  sayError,
  sayJson,
  sayResult,
  screen,
  WELL,
} from './output.js';
import { sayPicked, whatStarts } from './picked.js';
import { sayPlace } from './place.js';

export interface RunOptions extends Named {
  readonly afterInstall?: boolean;
  readonly method: InstallOptions['method'];
  readonly force?: boolean;
  readonly fast?: boolean;
  readonly reboot?: boolean;
  readonly write?: boolean;
  readonly script?: string;
  readonly record?: string;
  readonly repeat?: string;
  readonly until?: string;
  readonly save?: string;
  readonly from?: string;
  readonly gdb?: number;
  readonly overwrite?: boolean;
  readonly seed?: number;
  readonly json?: boolean;
}

/** Bytes of the longest script, and of the longest record, that is read. */
const LONGEST_TEXT = 64 << 20;
/** Bytes that wait for a system that does not take them: of a pipe, which is held back then, and of a terminal's keys. */
const HELD_BACK = 0x1_0000;
const MOST_UNTAKEN = 0x10_0000;
/** Milliseconds in which a terminal answers, also one at the other end of the world. */
const ANSWER_TIME = 1000;
const LEFT = 'it was left';
const stopped = (writes: boolean) => ({
  code: 'run.stopped',
  what: `The run was stopped; ${writes ? 'what its system has written is on the card, as if that had been pulled' : 'the card is unchanged'}.`,
  hint: 'Run it again to see more.',
});

/**
 * Runs the card. The exit status is 0 where the system powered off, or the script came to its end; 1 where the system reset
 * the board (without `reboot`), or a text of the script did not come; 2 where the run was left.
 */
export async function run(target: string, options: RunOptions): Promise<void> {
  // Until it can: whatever ends us before.
  process.exitCode = 2;
  const texts = {
    script: options.script === undefined ? undefined : textOf(options.script),
    repeat: options.repeat === undefined ? undefined : readRecord(textOf(options.repeat)),
  };
  const outputs = {
    card: target,
    inputs: [options.script, options.repeat, options.from].filter((it) => it !== undefined),
    overwrite: options.overwrite === true,
  };
  if (options.record !== undefined) checkTextFile(options.record, outputs);
  const place = options.save === undefined ? undefined : snapshotPlace(options.save, outputs);
  if (options.record !== undefined && options.save !== undefined && isOnePlace(options.record, options.save))
    throw fileExists(options.save, 'would be both record and snapshot', 'Name two files.');
  const save = place && ((pieces: Iterable<Uint8Array>) => saved(options.save!, place.save(pieces)));
  const snapshot = options.from === undefined ? undefined : openSnapshot(options.from);
  const from = snapshot && readSnapshot<SavedRun>(snapshot);
  let record: TextFile | undefined;
  /** Said once; the run, which is all that there is of somebody's work, goes on without. */
  let recordEnded = false;
  let start: Start | undefined;
  let shown: ConsoleScreen | undefined;
  let keyboard: Keyboard | undefined;
  const transcripts = new Map<string, ReturnType<typeof createTranscript>>();

  /** What is said of the snapshot at the end. */
  let ends: string | undefined;

  const act = (order: Order | undefined): void => {
    switch (order) {
      case 'q':
        start?.session.leave(LEFT);
        break;
      case 'b':
        start?.session.type('break');
        break;
      case 'n':
        shown?.next();
        break;
      case 's':
        if (save === undefined || !start) {
          shown?.note('A snapshot has its place by --save FILE, when the run starts.');
          break;
        }
        // Between two stretches, when the machine stands still.
        start.session.between(() => {
          try {
            shown?.note(save(start!.snapshot()));
          } catch (error) {
            // The run is all that there is of somebody's work.
            if (!(error instanceof HypberryError)) throw error;
            shown?.note(`No snapshot: ${error.message}`);
          }
        });
        break;
      case 'w':
        if (screen.rows > 0)
          start?.session.type(new TextEncoder().encode(`stty rows ${screen.rows} cols ${screen.columns}\r`));
        break;
      default:
        for (const line of columns(Object.entries(ORDERS))) shown?.note(`${ESCAPE_NAME} ${line}`);
        shown?.note(`${ESCAPE_NAME} ${ESCAPE_NAME}  ${ESCAPE_NAME} itself`);
    }
  };
  const escapeKey = createEscapeKey(act);
  const onKeys = (bytes: Uint8Array): void => {
    const typed = keyboard?.isTerminal === false ? bytes : escapeKey.take(bytes);
    if (typed.length === 0) return;
    if (shown && shown.name !== HOST)
      shown.note(`What is typed goes to the host: ${ESCAPE_NAME} n shows it.`);
    else if (start && start.session.untaken < MOST_UNTAKEN) start.session.type(typed);
    holdKeyboard();
  };
  /** A system that takes nothing is not to fill our memory. */
  const holdKeyboard = (): void => {
    keyboard?.hold((start?.session.untaken ?? 0) >= HELD_BACK);
  };
  /** Gives the terminal back, and takes in what it still answers to the system: else a shell would get that. */
  const giveBack = async (): Promise<void> => {
    shown?.end();
    if (shown?.asked && keyboard?.isTerminal) {
      screen.askStatus();
      await keyboard.passOver(WELL, ANSWER_TIME);
    }
    keyboard?.close();
  };
  let isEnding = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    // After a hang-up there is no terminal that could answer, and who signals again does not want to wait.
    if (signal === 'SIGHUP' || isEnding) endBySignal(signal, stopped(options.write === true));
    isEnding = true;
    void giveBack().finally(() => {
      endBySignal(signal, stopped(options.write === true));
    });
  };
  const sayAmid = (sentence: string): void => {
    shown?.breakLine();
    sayError(sentence);
  };
  const ports: RunPorts = {
    openCard: cardAt(target, options),
    openContents: () => openContents(target, { write: options.write, say: sayAside, onTrouble: sayAmid }),
    openCardOn: (contents) => openBootPartition(readMedium(contents, 'image', target), options, false),
    onCardError: (error) => {
      sayAmid(cardErrorText(error));
    },
    onStart: async (started) => {
      start = started;
      await debuggers?.next(started);
      start.session.join({ due: Infinity, look: holdKeyboard });
      if (options.record !== undefined && !record && !recordEnded) {
        record = createTextFile(options.record, outputs);
        record.write(RECORD_HEADER);
      }
      if (start.resets > (from?.facts.resets ?? 0)) {
        shown?.note(`The system reset the board; it starts again (${counted(start.resets, 'reset')}).`);
        return;
      }
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
      if (!options.json && !isQuiet()) sayStart(started, options);
      // Not before: while a card is read, Ctrl-C just ends us.
      if (process.stdin.isTTY || (texts.repeat === undefined && texts.script === undefined))
        keyboard = openKeyboard(onKeys);
      if (!options.json) shown = showConsoles(start.consoles);
    },
    onConsole: (text, console) => {
      shown?.take(text, console);
      if (!options.json) return;
      const transcript = transcripts.get(console) ?? createTranscript();
      transcripts.set(console, transcript);
      transcript.take(text);
    },
    onReached: (pieces) => {
      if (save) ends = save(pieces());
    },
    onTyped: (typed) => {
      try {
        record?.write(recordLine(typed));
      } catch (error) {
        if (!(error instanceof HypberryError)) throw error;
        record?.close();
        record = undefined;
        recordEnded = true;
        sayAmid(
          `${error.message} The record ends before what was typed last; the run goes on, and nothing more of it is recorded.`,
        );
      }
    },
  };
  const debuggers = options.gdb === undefined ? undefined : await openDebuggers(options.gdb);
  // What is silent for long would run on for nobody.
  const stopLooking = await whenReaderGoes(endWithoutReader);
  let ran: Ran;
  try {
    ran = await runCard(ports, {
      ...options,
      asIs: !options.afterInstall,
      fast: options.fast ?? false,
      reboot: options.reboot ?? false,
      ...texts,
      from,
    });
  } finally {
    stopLooking();
    await giveBack();
    record?.close();
    snapshot?.close();
    debuggers?.close();
  }
  if (options.json) {
    const consoles = Object.fromEntries([...transcripts].map(([name, { text }]) => [name, text]));
    sayJson({ ...ran, consoles });
  } else {
    sayRan(ran);
    if (ends !== undefined) say(ends);
  }
  process.exitCode = exitStatus(ran);
}

function exitStatus({ ended, script, reached }: Ran): number {
  const done = reached ?? script?.done;
  if (done !== undefined) return done ? 0 : ended === 'left' && !script ? 2 : 1;
  return { 'power-off': 0, reset: 1, left: 2 }[ended];
}

const saved = (path: string, size: number): string => `snapshot saved: ${harmless(path)}, ${bytesText(size)}`;

const textOf = (path: string): string => new TextDecoder().decode(readUserFile(path, LONGEST_TEXT));

/** Says what starts, and how to get away from it. */
function sayStart({ place, plan, machine, added, consoles }: Start, { gdb, write }: RunOptions): void {
  sayPlace(place);
  say(whatStarts(plan));
  sayPicked(machine.picked, added);
  if (write) say('What its system writes stays on the card.');
  if (consoles.length > 1) say(`Consoles: ${listed(consoles)}.`);
  if (gdb !== undefined) say(waitsForDebugger(gdb));
  if (process.stdin.isTTY)
    say(
      `The keyboard is the Pi's now; ${ESCAPE_NAME} is not: ${ESCAPE_NAME} q leaves, ${ESCAPE_NAME} ? helps.`,
    );
  say();
}

/** Says how it ended. */
function sayRan({ why, ended, seconds, resets, script, reached }: Ran): void {
  const after = `after ${seconds.toFixed(1)} s of the machine's time${resets > 0 ? ` and ${counted(resets, 'reset')}` : ''}`;
  say();
  if (reached !== undefined) {
    const [word, came] = reached
      ? [colors.green('REACHED'), 'came']
      : [colors.yellow('NOT REACHED'), 'did not come'];
    sayResult(`${word}: the text that the run was to end at ${came} (${reached ? '' : `${why}, `}${after}).`);
  } else if (script?.done === false) {
    sayResult(
      `${colors.red('NOT DONE')}: line ${script.line} of the script waits for "${script.expected}": ${script.why} (${after}).`,
    );
  } else if (script) {
    sayResult(`${colors.green('DONE')}: the script came to its end (${after}).`);
  } else {
    const word = {
      'power-off': colors.green('OFF'),
      reset: colors.yellow('RESET'),
      left: colors.yellow('LEFT'),
    }[ended];
    const hint = ended === 'reset' ? '; --reboot goes on' : '';
    sayResult(`${word}: ${why} (${after})${hint}.`);
  }
}
