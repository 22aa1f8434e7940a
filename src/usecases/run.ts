/** Boots a card in the built-in Pi 2 for somebody who works on it. */
import { HypberryError } from '../base/errors.js';
import { stateToJson } from '../base/state-text.js';
import type { Card, CardReader } from '../card/card.js';
import { samplesOf, type Samples } from '../card/samples.js';
import { MOST_SECTORS, SECTOR_SIZE, type Disk } from '../ports/disk.js';
import { refuseProblem } from '../setup/boot-partition.js';
import { planInstall } from '../setup/install.js';
import { applyPlan, checkPlan, type Plan } from '../setup/plan.js';
import type { Machine } from '../engine/engine.js';
import { createConsoleDecoder } from '../engine/console.js';
import { createBuiltInPi, ENDINGS, type BuiltInPi } from '../engine/built-in.js';
import {
  readScript,
  SCRIPT_DONE,
  startScript,
  type RunningScript,
  type ScriptEnd,
} from '../engine/script.js';
import { createSession, repeatTyped, type Session } from '../engine/session.js';
import { damaged, writeSnapshot, type Snapshot } from '../engine/snapshot.js';
import { HOST } from '../engine/systems.js';
import type { TypedInRun } from '../engine/typed-record.js';
import type { Handover, Picked } from '../firmware/handover.js';
import { placeFiles } from '../firmware/prepare.js';
import { trialArgumentsOf } from '../firmware/trial-arguments.js';
import { hostKernelIn } from '../setup/hypervisor.js';
import { loadAs, type LoadedAs, type RunAs } from './load-as.js';
import { withCard, type OpenCard } from './open-card.js';
import { onlyFirst } from './only-first.js';

export interface RunOptions extends RunAs {
  /** Skips the time in which the machine is idle. */
  readonly fast: boolean;
  /** Goes on where the system resets the board; else that ends the run. */
  readonly reboot: boolean;
  /** See `createBuiltInPi`. */
  readonly seed?: number | undefined;
  /** The text of a script that talks to the console, see `readScript`. */
  readonly script?: string | undefined;
  /** Ends the run when this text stands in a line of the host's console. */
  readonly until?: string | undefined;
  /** Goes on where a snapshot was made; as what the card is run, the seed and what was added are the snapshot's. */
  readonly from?: Snapshot<SavedRun> | undefined;
  /** What another run was given, to be given again. */
  readonly repeat?: readonly TypedInRun[] | undefined;
}

/** What a run needs, and whom it tells. */
export interface RunPorts {
  readonly openCard: OpenCard;
  /**
   * Opens what is on the card for the system that runs: what becomes of that system's writes is this one's matter.
   * Undefined where there is no whole card: the slot is empty then, and the firmware reads the card each time as it is.
   */
  readonly openContents?: () => Promise<Disk | undefined>;
  /** Opens the card of such contents, as they are now. */
  readonly openCardOn?: (contents: Disk) => Promise<Card>;
  /** Called once where what is on the card could not be read, or what is written to it not be kept. */
  readonly onCardError?: (error: HypberryError) => void;
  /** Called before each start of the machine, the first and those after resets. */
  readonly onStart?: (start: Start) => Promise<void> | void;
  /** Called with a console's text as it comes. */
  readonly onConsole?: (text: string, console: string) => void;
  /** Called once at the end where a text or a script's end was wanted and came, with the bytes of a snapshot. */
  readonly onReached?: (snapshot: () => Iterable<Uint8Array>) => void;
  /** Called with all that is typed, when it comes to the machine. */
  readonly onTyped?: (typed: TypedInRun) => void;
}

/** What is kept of a run beside its machine. */
export interface SavedRun extends RunAs {
  readonly picked: Picked;
  /** Of the whole card; undefined where there was none. */
  readonly samples: Samples | undefined;
  readonly added: string;
  readonly seed: number | undefined;
  readonly resets: number;
}

/** A machine that is about to start. */
export interface Start extends Pick<LoadedAs, 'place' | 'plan' | 'consoles' | 'hypervisor'> {
  /** How many resets there were before. */
  readonly resets: number;
  readonly machine: Handover;
  /** What was added to the kernel's command line. */
  readonly added: string;
  /** For who looks into it. */
  readonly pi: BuiltInPi;
  /** To type, and to leave. */
  readonly session: Session;
  /** The bytes of a snapshot, in pieces: between two stretches of the session. */
  readonly snapshot: () => Iterable<Uint8Array>;
}

/** What became of a run. */
export interface Ran {
  /** `power-off` and `reset` by the card's system; `left` from outside, or by the script. */
  readonly ended: 'power-off' | 'reset' | 'left';
  /** Why, one sentence without a full stop. */
  readonly why: string;
  /** Seconds of the machine's time since its last start. */
  readonly seconds: number;
  readonly resets: number;
  /** Where there was a script. */
  readonly script?: ScriptEnd;
  /** Whether the text of `until` came; only where there was one. */
  readonly reached?: boolean;
}

/** Characters of a line that are searched for a text. */
const LONGEST_LINE = 4096;
/** The PL011 as the system's console. */
const CONSOLE = 'console=ttyAMA0,115200';

const REACHED = 'the text came that the run was to end at';

/**
 * Boots a card, which is changed only as its contents' port does, and runs it until its system ends or it is left.
 * @throws HypberryError `script.invalid`, `snapshot.other-card`, what {@link loadAs}, {@link placeFiles} and the snapshot
 *   throw, and what the ports throw
 */
export async function runCard(ports: RunPorts, options: RunOptions): Promise<Ran> {
  const steps = options.script === undefined ? undefined : readScript(options.script);
  if (options.from && !isSavedRun(options.from.facts)) throw damaged();
  const runAs = runAsOf(options.from?.facts ?? options);
  const contents = ports.openCardOn && (await ports.openContents?.());
  try {
    const slot = await slotWith(contents, ports, runAs);
    return await runFrom(slot, ports, options, steps && startScript(steps));
  } finally {
    contents?.close();
  }
}

/** Where the card of a run is read from. */
interface Slot extends RunAs {
  readonly openCard: OpenCard;
  /** What the system finds in the slot. */
  readonly card: Machine['card'];
  /** What was installed on that; undefined where nothing was. */
  readonly installed: Plan | undefined;
}

/** The slot of a run: with contents the firmware reads them too, and what install would do is done to them. */
async function slotWith(contents: Disk | undefined, ports: RunPorts, runAs: RunAs): Promise<Slot> {
  const { openCardOn, onCardError } = ports;
  if (!contents || !openCardOn)
    return { ...runAs, openCard: ports.openCard, card: undefined, installed: undefined };
  const openCard = (): Promise<Card> => openCardOn(contents);
  const installed = runAs.asIs
    ? undefined
    : await withCard(openCard, { write: true }, (it) => installOn(it, runAs));
  const card = { disk: contents, onError: onlyFirst(onCardError) };
  return { ...runAs, asIs: true, openCard, card, installed };
}

/** Does what install would do. */
async function installOn(card: Card, { method, force, diagnostics }: RunAs): Promise<Plan> {
  refuseProblem(card);
  const plan = await checkPlan(card, await planInstall(card, { method, force, diagnostics }));
  await applyPlan(card, plan, () => undefined);
  return plan;
}

/** As what a card is run, and nothing else of what was asked for. */
const runAsOf = ({ asIs, method, force, diagnostics }: RunAs): RunAs => ({
  asIs,
  method,
  force,
  diagnostics,
});

/** Runs the card of a slot. */
async function runFrom(
  slot: Slot,
  ports: RunPorts,
  options: RunOptions,
  script: RunningScript | undefined,
): Promise<Ran> {
  const { from } = options;
  const seed = from ? from.facts.seed : options.seed;
  for (let resets = from?.facts.resets ?? 0, saved = from; ; resets++, saved = undefined) {
    const { loadedAs, machine, added } = await withCard(slot.openCard, { write: false }, (card) =>
      prepare(card, slot),
    );
    const disk = slot.card?.disk;
    const image = disk?.below ?? disk;
    if (saved) refuseOtherCard(saved.facts, { picked: machine.picked, samples: image && samplesOf(image) });
    const decoder = createConsoleDecoder();
    let unfinished = '';
    const pi = await createBuiltInPi(
      { ...machine, consoles: loadedAs.hypervisor?.consoles ?? [], card: slot.card },
      (bytes, console = HOST) => {
        const text = decoder.take(bytes, console);
        if (console === HOST) {
          script?.take(text);
          unfinished += text;
          if (options.until !== undefined && unfinished.includes(options.until)) session.leave(REACHED);
          unfinished = unfinished.slice(unfinished.lastIndexOf('\n') + 1).slice(-LONGEST_LINE);
        }
        ports.onConsole?.(text, console);
      },
      [],
      seed,
    );
    saved?.restore(pi);
    const session = createSession(pi, {
      fast: options.fast,
      onTyped: (typed) => ports.onTyped?.({ ...typed, resets }),
    });
    if (options.repeat) session.join(repeatTyped(options.repeat.filter((it) => it.resets === resets)));
    if (script) session.join(script);
    const { place, consoles, hypervisor } = loadedAs;
    const plan = loadedAs.plan ?? slot.installed;
    const runAs = runAsOf(from?.facts ?? options);
    const snapshot = (): Iterable<Uint8Array> => {
      const samples = image && samplesOf(image);
      const facts: SavedRun = { ...runAs, picked: machine.picked, samples, added, seed, resets };
      return writeSnapshot(pi, facts);
    };
    await ports.onStart?.({
      ...{ place, plan, consoles, hypervisor, resets, machine, added, pi, session, snapshot },
    });
    const why = await session.run();
    const ended = why === ENDINGS['power-off'] ? 'power-off' : why === ENDINGS.reset ? 'reset' : 'left';
    if (ended === 'reset' && options.reboot) continue;
    const end = script?.end(why);
    if (why === REACHED || why === SCRIPT_DONE) ports.onReached?.(snapshot);
    return {
      ended,
      why,
      seconds: session.now / 1e9,
      resets,
      ...(end && { script: end }),
      ...(options.until !== undefined && { reached: why === REACHED }),
    };
  }
}

const LARGEST_WORD = 0xffff_ffff;
const SECTORS_OF_MIB = 2 ** 20 / SECTOR_SIZE;

/** What tells one card from another. */
type OfCard = Pick<SavedRun, 'picked' | 'samples'>;

/** Whether facts of a snapshot are what {@link runCard} keeps in one. */
function isSavedRun(facts: object): boolean {
  const { asIs, method, force, diagnostics, picked, samples, added, seed, resets } = facts as Record<
    keyof SavedRun,
    unknown
  >;
  const { kernel, commandLine } = (picked ?? {}) as Record<string, unknown>;
  const { file, size } = (kernel ?? {}) as Record<string, unknown>;
  const { sectors, check } = (samples ?? { sectors: 0, check: 0 }) as Record<string, unknown>;
  const isFlag = (value: unknown): boolean => value === undefined || typeof value === 'boolean';
  const isCount = (value: unknown, most = LARGEST_WORD): boolean =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
  return (
    [asIs, force, diagnostics].every(isFlag) &&
    [method, commandLine, file, added].every((it) => typeof it === 'string') &&
    [size, resets, seed ?? 0, check].every((it) => isCount(it)) &&
    isCount(sectors, MOST_SECTORS)
  );
}

/**
 * Refuses a card that is not the one of a snapshot, by samples of all of it; where there is no whole card, by what the
 * firmware picks.
 */
function refuseOtherCard(saved: OfCard, found: OfCard): void {
  const words = ({ picked: { kernel, tree, initramfs, commandLine }, samples }: OfCard): string =>
    stateToJson(samples ?? [kernel, tree, initramfs, commandLine]);
  if (words(saved) === words(found)) return;
  const { kernel, commandLine } = saved.picked;
  const mebibytes = saved.samples && saved.samples.sectors / SECTORS_OF_MIB;
  throw new HypberryError(
    'snapshot.other-card',
    `The snapshot was made with another card, or this one was changed: it ` +
      (mebibytes === undefined ? 'was a folder' : `had ${mebibytes.toFixed(1)} MiB`) +
      ` and started ${kernel.file} (${kernel.size} bytes) with "${commandLine}".`,
    'Give the card that it was made with, as it was then.',
  );
}

/** Reads from a card all that its run takes. */
async function prepare(
  card: CardReader,
  options: RunAs,
): Promise<{ loadedAs: LoadedAs; machine: Handover; added: string }> {
  const loadedAs = await loadAs(card, options);
  const machine = await placeFiles(loadedAs.loaded);
  const [most] = await trialArgumentsOf(hostKernelIn(loadedAs.loaded.kernel.data, loadedAs.hypervisor));
  // Where the system has its console elsewhere alone, nobody could see it, or log in. Of another than Linux nothing is known.
  const isShown = most === '' || /(?:^| )console=ttyAMA0\b/.test(machine.picked.commandLine);
  const added = isShown ? '' : CONSOLE;
  return { loadedAs, machine: added === '' ? machine : await placeFiles(loadedAs.loaded, added), added };
}
