/** Boots a card in the built-in Pi 2 for somebody who works on it. */
import type { CardReader } from '../card/card.js';
import { createBuiltInPi, ENDINGS } from '../engine/built-in.js';
import { readScript, startScript, type ScriptEnd } from '../engine/script.js';
import { createSession, repeatTyped, type Session } from '../engine/session.js';
import { HOST } from '../engine/systems.js';
import type { TypedInRun } from '../engine/typed-record.js';
import type { Handover } from '../firmware/handover.js';
import { placeFiles } from '../firmware/prepare.js';
import { trialArgumentsOf } from '../firmware/trial-arguments.js';
import { hostKernelIn } from '../setup/hypervisor.js';
import { loadAs, type LoadedAs, type RunAs } from './load-as.js';
import { withCard, type OpenCard } from './open-card.js';

export interface RunOptions extends RunAs {
  /** Skips the time in which the machine is idle. */
  readonly fast: boolean;
  /** Goes on where the system resets the board; else that ends the run. */
  readonly reboot: boolean;
  /** See `createBuiltInPi`. */
  readonly seed?: number | undefined;
  /** The text of a script that talks to the console, see `readScript`. */
  readonly script?: string | undefined;
  /** What another run was given, to be given again. */
  readonly repeat?: readonly TypedInRun[] | undefined;
}

/** What a run needs, and whom it tells. */
export interface RunPorts {
  readonly openCard: OpenCard;
  /** Called before each start of the machine, the first and those after resets. */
  readonly onStart?: (start: Start) => Promise<void> | void;
  /** Called with a console's text as it comes. */
  readonly onConsole?: (text: string, console: string) => void;
  /** Called with all that is typed, when it comes to the machine. */
  readonly onTyped?: (typed: TypedInRun) => void;
}

/** A machine that is about to start. */
export interface Start extends Pick<LoadedAs, 'place' | 'plan' | 'consoles'> {
  /** How many resets there were before. */
  readonly resets: number;
  readonly machine: Handover;
  /** What was added to the kernel's command line. */
  readonly added: string;
  /** To type, and to leave. */
  readonly session: Session;
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
}

/** The PL011 as the system's console. */
const CONSOLE = 'console=ttyAMA0,115200';

/**
 * Boots a card, which is not changed, and runs it until its system ends or it is left.
 * @throws HypberryError `script.invalid`, what {@link loadAs} and {@link placeFiles} throw, and what the ports throw
 */
export async function runCard(ports: RunPorts, options: RunOptions): Promise<Ran> {
  const steps = options.script === undefined ? undefined : readScript(options.script);
  const script = steps && startScript(steps);
  for (let resets = 0; ; resets++) {
    const { loadedAs, machine, added } = await withCard(ports.openCard, { write: false }, (card) =>
      prepare(card, options),
    );
    const decoders = new Map<string, InstanceType<typeof TextDecoder>>();
    const pi = await createBuiltInPi(
      { ...machine, consoles: loadedAs.hypervisor?.consoles ?? [] },
      (bytes, console = HOST) => {
        const decoder = decoders.get(console) ?? new TextDecoder('utf-8', { ignoreBOM: true });
        decoders.set(console, decoder);
        const text = decoder.decode(bytes, { stream: true });
        if (console === HOST) script?.take(text);
        ports.onConsole?.(text, console);
      },
      [],
      options.seed,
    );
    const session = createSession(pi, {
      fast: options.fast,
      onTyped: (typed) => ports.onTyped?.({ ...typed, resets }),
    });
    if (options.repeat) session.join(repeatTyped(options.repeat.filter((it) => it.resets === resets)));
    if (script) session.join(script);
    const { place, plan, consoles } = loadedAs;
    await ports.onStart?.({ place, plan, consoles, resets, machine, added, session });
    const why = await session.run();
    const ended = why === ENDINGS['power-off'] ? 'power-off' : why === ENDINGS.reset ? 'reset' : 'left';
    if (ended === 'reset' && options.reboot) continue;
    const seconds = session.now / 1e9;
    return { ended, why, seconds, resets, ...(script && { script: script.end(why) }) };
  }
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
