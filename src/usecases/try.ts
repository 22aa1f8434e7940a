/** Boots a card in an emulated Pi 2 and says in which mode its cores start. */
import { HypberryError } from '../base/errors.js';
import type { CardReader, Place } from '../card/card.js';
import type { Disk } from '../ports/disk.js';
import { runWithLess, type Attempt, type Retried } from '../engine/attempts.js';
import type { Engine, Machine } from '../engine/engine.js';
import { HOST, runSystems, type System, type SystemsVerdict } from '../engine/systems.js';
import { runTrial, type Until, type Verdict } from '../engine/verdict.js';
import type { Handover, Picked } from '../firmware/handover.js';
import { placeFiles } from '../firmware/prepare.js';
import { trialArgumentsOf } from '../firmware/trial-arguments.js';
import { OWN_CONSOLE, type HypervisorDescription } from '../hypervisor/image/description.js';
import { hostKernelIn } from '../setup/hypervisor.js';
import type { Plan } from '../setup/plan.js';
import { loadAs, type RunAs } from './load-as.js';
import { onlyFirst } from './only-first.js';
import { withCard, type OpenCard } from './open-card.js';

export interface TryOptions extends RunAs {
  /** Seconds until it is given up; undefined for 120, with guests 300. */
  readonly timeout?: number | undefined;
  /** Where the run is to end instead of at its verdict. */
  readonly until?: Until | undefined;
  /** The one console that matters; undefined for all. */
  readonly console?: string | undefined;
}

/** What a trial needs, and whom it tells. */
export interface TryPorts {
  readonly openCard: OpenCard;
  /**
   * What runs the machine; asked for before each run.
   * @param hypervisor undefined where one system alone runs in it
   */
  readonly engine: (hypervisor: HypervisorDescription | undefined) => Promise<Engine>;
  /**
   * Opens what is on the card for the system that runs, before each run: what that writes is kept beside, and gone when it
   * is closed. Undefined where there is no whole card: the slot is empty then.
   */
  readonly openContents?: () => Promise<Disk | undefined>;
  /** Called once in each run where what is on the card could not be read, or no more be kept of what is written to it. */
  readonly onCardError?: (error: HypberryError) => void;
  /** Called once, when the card is read and closed, before the first run. */
  readonly onReady?: (ready: Ready) => Promise<void> | void;
  /** Called with a console's text as it comes. */
  readonly onConsole?: (text: string, console: string) => void;
  /** Called before each further run, with the crash of the one before, and what is added to the command line now. */
  readonly onAgain?: (retried: Retried, added: string) => void;
}

/** What is going to be run. */
export interface Ready {
  readonly place: Place | undefined;
  /** What install would do first; undefined where the card is tried as it is. */
  readonly plan: Plan | undefined;
  readonly picked: Picked;
  /** What the first run adds to the kernel's command line. */
  readonly added: string;
  /** Names of the consoles, the host's first. */
  readonly consoles: readonly string[];
}

/** The run that counts, what the firmware loaded for it, and the runs before it. */
export interface Tried {
  readonly outcome: Verdict | SystemsVerdict;
  /** What it added to the kernel's command line. */
  readonly added: string;
  readonly retried: readonly Retried[];
  readonly picked: Picked;
  readonly place: Place | undefined;
}

/** Seconds until a trial is given up. */
const TIMEOUT = 120;
const TIMEOUT_WITH_GUESTS = 300;

/** A card as it is tried, with all of it read. */
interface Trial extends Ready {
  readonly hypervisor: HypervisorDescription | undefined;
  /** The one with the most added first. */
  readonly attempts: readonly [TrialRun, ...TrialRun[]];
}

/** A run of a card. */
interface TrialRun extends Attempt {
  readonly machine: Handover;
}

/**
 * Boots a card; it is not changed.
 * @throws HypberryError what {@link loadAs} and {@link placeFiles} throw,
 *   `engine.no-console`, and what the ports throw
 */
export async function tryCard(ports: TryPorts, options: TryOptions): Promise<Tried> {
  // All of it is read: others may write to it while this runs.
  const trial = await withCard(ports.openCard, { write: false }, (card) => prepareTrial(card, options));
  await ports.onReady?.(trial);
  const { hypervisor, attempts, place } = trial;
  const { outcome, attempt, retried } = await runWithLess(
    attempts,
    async ({ machine }) => {
      const engine = await ports.engine(hypervisor);
      const disk = await ports.openContents?.();
      const withCard = { ...machine, card: disk && { disk, onError: onlyFirst(ports.onCardError) } };
      try {
        return await (hypervisor
          ? trySystems(engine, withCard, hypervisor, options, ports)
          : tryOne(engine, withCard, options, ports));
      } finally {
        disk?.close();
      }
    },
    (crashed, added) => {
      ports.onAgain?.(crashed, added);
    },
  );
  return { outcome, added: attempt.added, retried, picked: attempt.machine.picked, place };
}

/** Reads from a card all that its trial takes. */
async function prepareTrial(card: CardReader, options: TryOptions): Promise<Trial> {
  const { place, plan, loaded, hypervisor, consoles } = await loadAs(card, options);
  const { picked } = await placeFiles(loaded);
  refuseConsole(options.console, consoles);
  const [most, ...less] = await trialArgumentsOf(hostKernelIn(loaded.kernel.data, hypervisor));
  const runWith = async (added: string): Promise<TrialRun> => ({
    added,
    machine: await placeFiles(loaded, added),
  });
  const attempts = [await runWith(most), ...(await Promise.all(less.map(runWith)))] as const;
  return { place, plan, picked, added: most, consoles, hypervisor, attempts };
}

/** Runs a card that starts one kernel. */
function tryOne(
  engine: Engine,
  machine: Machine,
  { timeout, until }: TryOptions,
  { onConsole }: TryPorts,
): Promise<Verdict> {
  return runTrial(engine, machine, {
    timeoutSeconds: timeout ?? TIMEOUT,
    until,
    ...(onConsole && {
      onConsole: (text) => {
        onConsole(text, HOST);
      },
    }),
  });
}

/** Runs a card that starts the hypervisor. */
function trySystems(
  engine: Engine,
  machine: Machine,
  { hostCores, guests, consoles }: HypervisorDescription,
  { timeout, until, console }: TryOptions,
  { onConsole }: TryPorts,
): Promise<SystemsVerdict> {
  const systems: System[] = [
    { name: HOST, cores: hostCores },
    ...guests.map(({ name, cores }) => ({ name, cores: cores.length })),
  ];
  return runSystems(
    engine,
    { ...machine, consoles },
    {
      systems,
      hypervisor: OWN_CONSOLE,
      timeoutSeconds: timeout ?? TIMEOUT_WITH_GUESTS,
      until,
      console,
      ...(onConsole && { onConsole }),
    },
  );
}

/** Refuses a console that the card has not. */
function refuseConsole(wanted: string | undefined, names: readonly string[]): void {
  if (wanted === undefined || names.includes(wanted)) return;
  throw new HypberryError(
    'engine.no-console',
    `There is no console ${wanted} on this card.`,
    `Use one of: ${names.join(', ')}.`,
  );
}
