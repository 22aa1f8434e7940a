/** `hypberry try`: boots a card in an emulated Pi 2 and says in which mode its cores start. */
import { constants } from 'node:os';
import { HypberryError } from '../base/errors.js';
import { counted, listed } from '../base/words.js';
import type { CardReader } from '../card/card.js';
import { runWithLess, type Attempted, type Retried } from '../engine/attempts.js';
import type { Engine, Machine } from '../engine/engine.js';
import { summarizeHandover } from '../engine/handover-check.js';
import type { SystemState } from '../engine/system-console.js';
import { HOST, runSystems, type System, type SystemsVerdict } from '../engine/systems.js';
import { runTrial, type Until, type Verdict } from '../engine/verdict.js';
import type { Picked } from '../firmware/handover.js';
import { readKernel, unpackVersion } from '../firmware/kernel.js';
import { prepareHandover } from '../firmware/prepare.js';
import { trialArguments } from '../firmware/trial-arguments.js';
import { OWN_CONSOLE, type HypervisorDescription } from '../hypervisor/image/description.js';
import { openCard } from '../node/open-card.js';
import { qemuEngine } from '../node/qemu.js';
import { createTextFile } from '../node/text-file.js';
import { sayPlace } from './place.js';
import { placeFacts, refuseProblem, type Named } from '../setup/boot-partition.js';
import { planInstall, type InstallOptions } from '../setup/install.js';
import { findHypervisor, hostKernelIn } from '../setup/hypervisor.js';
import { cardAfter, type Plan } from '../setup/plan.js';
import { showAll, showOne, type Shown } from './consoles.js';
import { sayHandover } from './handover.js';
import { sayMachine } from './machine.js';
import { bytesText, colors, columns, hex, say, sayError, sayJson } from './output.js';
import { progress } from './progress.js';

export interface TryOptions extends Named {
  readonly engine: 'qemu' | 'built-in';
  readonly asIs?: boolean;
  readonly method: InstallOptions['method'];
  readonly force?: boolean;
  readonly timeout?: number;
  readonly trace?: string;
  readonly overwrite?: boolean;
  readonly until?: Until;
  readonly console?: string;
  readonly json?: boolean;
}

/** Seconds until a trial is given up. */
const TIMEOUT = 120;
const TIMEOUT_WITH_GUESTS = 300;

/** How often a growing trace is spoken of, in bytes. */
const TRACE_NOTE = 256 << 20;

/** The engine, told where to look. What is built in is loaded only when it is asked for. */
async function engineFor(
  options: TryOptions,
  several: boolean,
  write: (text: string) => void,
): Promise<Engine> {
  // Several systems would wait for each other's turns.
  if (options.engine === 'qemu') return qemuEngine(several ? { threadPerCore: true } : {});
  const [{ builtInEngine }, { recordTimeline }, { endAtCrash }, { noteOddities }, { watchHandover }] =
    await Promise.all([
      import('../engine/built-in.js'),
      import('../engine/timeline.js'),
      import('../engine/crash.js'),
      import('../engine/notes.js'),
      import('../engine/handover-watch.js'),
    ]);
  const observers = [recordTimeline, endAtCrash, noteOddities, watchHandover];
  if (options.until && 'address' in options.until)
    observers.push((await import('../engine/until.js')).endAt(options.until.address));
  if (options.trace !== undefined) observers.push((await import('../engine/trace.js')).traceTo(write));
  return builtInEngine(observers);
}

/** Refuses what only an engine that looks into the machine can do. */
function refuseBlindness({ engine, trace, until }: TryOptions): void {
  if (engine !== 'qemu' || (trace === undefined && (until === undefined || 'text' in until))) return;
  throw new HypberryError(
    'engine.no-look-inside',
    'QEMU does not show hypberry what its cores execute.',
    'Use --trace and --until with an address without --engine qemu.',
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
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupted);
  const card = await openCard(target, { ...options, write: false });
  try {
    refuseProblem(card);
    const plan = options.asIs
      ? undefined
      : await planInstall(card, { method: options.method, force: options.force });
    const tried = plan ? cardAfter(card, plan) : card;
    const { picked } = await prepareHandover(tried);
    const hypervisor = await findHypervisor(tried, picked);
    const additions = await additionsFor(tried, picked, hypervisor);
    const names = [HOST, ...(hypervisor?.consoles.map(({ name }) => name) ?? [])];
    refuseConsole(options.console, names);
    const machines = new Map<string, Machine>();
    for (const added of additions) machines.set(added, await prepareHandover(tried, { addBootargs: added }));
    // All of it is read: others may write to it while this runs.
    await card.close();
    const trace =
      options.trace === undefined
        ? undefined
        : createTextFile(options.trace, { card: target, overwrite: options.overwrite === true });
    if (!options.json) {
      sayPlace(card.place);
      say(whatIsTried(plan));
      sayPicked(picked, additions[0]!);
    }
    // The consoles themselves are the progress where they are shown.
    const line = options.json ? await progress('Booting') : undefined;
    const [only = options.console] = names.length === 1 ? names : [];
    const shown = options.json ? undefined : only === undefined ? showAll(names) : showOne(only);
    let told = 0;
    const write = (text: string): void => {
      trace?.write(text);
      const size = trace?.size ?? 0;
      if (size < told + TRACE_NOTE) return;
      told = size;
      line?.say(`Booting; ${bytesText(size)} of trace`);
      shown?.note(`${bytesText(size)} of trace`);
    };
    const runWith = async (added: string): Promise<Verdict | SystemsVerdict> => {
      const machine = machines.get(added)!;
      const engine = await engineFor(options, hypervisor !== undefined, write);
      return hypervisor
        ? trySystems(engine, machine, hypervisor, options, shown)
        : tryOne(engine, machine, options, shown);
    };
    let attempted: Attempted<Verdict | SystemsVerdict>;
    try {
      attempted = await runWithLess(additions, runWith, (retried, added) => {
        const sentence = whyAgain(retried, added);
        line?.say(sentence);
        shown?.note(sentence);
        trace?.write(`${sentence}\n`);
      });
    } catch (error) {
      // Panes would be drawn for ever.
      shown?.end(true);
      throw error;
    } finally {
      line?.stop();
      trace?.close();
    }
    const { outcome: verdict, added, retried } = attempted;
    shown?.end(verdict.verdict === 'NONE');
    if (options.json) {
      const { picked: booted } = machines.get(added)!;
      sayJson({ ...verdict, added, retried, picked: booted, bootPartition: placeFacts(card.place) });
    } else {
      if (verdict.machine) sayMachine(verdict.machine, verdict.reached !== undefined);
      if (verdict.machine?.handover) sayHandover(verdict.machine.handover);
      if (trace) {
        say();
        say(`${bytesText(trace.size)} of trace in ${options.trace ?? ''}`);
      }
      if ('systems' in verdict) saySystems(verdict);
      else sayVerdict(verdict);
      sayReached(verdict);
      if (verdict.machine?.handover) say(`Handover: ${summarizeHandover(verdict.machine.handover)}.`);
    }
    const { reached } = verdict;
    process.exitCode = reached === undefined ? EXIT_STATUS[verdict.verdict] : reached ? 0 : 2;
  } finally {
    await card.close();
  }
}

const EXIT_STATUS = { HYP: 0, UP: 0, SVC: 1, MIXED: 1, FAILED: 1, NONE: 2 } as const;

/** Runs a card that starts one kernel. */
function tryOne(
  engine: Engine,
  machine: Machine,
  { timeout, until }: TryOptions,
  shown: Shown | undefined,
): Promise<Verdict> {
  return runTrial(engine, machine, {
    timeoutSeconds: timeout ?? TIMEOUT,
    until,
    ...(shown && {
      onConsole: (text) => {
        shown.take(text, HOST);
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
  shown: Shown | undefined,
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
      ...(shown && { onConsole: shown.take }),
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

/** Ends the program by a signal; what the engine started and wrote goes at its end. */
function interrupted(signal: NodeJS.Signals): void {
  sayError();
  sayError('Stopped before there was a verdict; the card is unchanged.');
  process.exit(128 + constants.signals[signal]);
}

function whatIsTried(plan: Plan | undefined): string {
  if (!plan) return 'The card as it is now:';
  return plan.changes.length === 0
    ? `${plan.summary} It is booted as it is:`
    : `After install: ${plan.summary}`;
}

/** What to add to the kernel's command line, the most first. */
async function additionsFor(
  card: CardReader,
  { kernel }: Picked,
  hypervisor: HypervisorDescription | undefined,
): Promise<readonly string[]> {
  const bytes = hostKernelIn(await card.read(kernel.file), hypervisor);
  return trialArguments(bytes && (await unpackVersion(bytes, readKernel(bytes))));
}

/** Why it is run once more, one sentence. */
function whyAgain({ added, crash }: Retried, now: string): string {
  const left = added
    .split(' ')
    .filter((word) => !now.split(' ').includes(word))
    .join(' ');
  return `It crashed (${crash}), for which what was added may be to blame; once more without ${left}.`;
}

function sayPicked(picked: Picked, added: string): void {
  const { kernel, tree, initramfs, stub } = picked;
  const at0 = {
    kernel: 'the kernel file itself (kernel_old=1)',
    file: `the stub ${stub.from === 'file' ? stub.file : ''}`,
    'start.elf': `the stub built into ${stub.from === 'start.elf' ? stub.file : ''}`,
    none: 'a plain stub, for want of a start.elf',
  }[stub.from];
  say(`  at 0x00000000  ${at0}`);
  if (kernel.address !== 0) say(`  at ${hex(kernel.address)}  kernel ${kernel.file}`);
  if (tree) say(`  at ${hex(tree.address)}  device tree ${tree.file}`);
  if (initramfs) say(`  at ${hex(initramfs.address)}  initramfs ${initramfs.file}`);
  if (added !== '') say(`  added to the kernel's command line, to see it start: ${added}`);
  for (const note of new Set(picked.notes)) say(`  note: ${note}`);
  say();
}

/** What became of a run that was to end somewhere. */
function sayReached({ reached, seconds }: Verdict | SystemsVerdict): void {
  if (reached === undefined) return;
  const [word, came] = reached
    ? [colors.green('REACHED'), 'came']
    : [colors.yellow('NOT REACHED'), 'did not come'];
  say();
  say(`${word}: the run ${came} to where it was to end (after ${seconds.toFixed(1)} s).`);
}

function sayVerdict({ verdict, cores, seconds, reason, reached }: Verdict): void {
  const time = `after ${seconds.toFixed(1)} s`;
  // It was not to go on to one.
  if (reached && verdict === 'NONE') return;
  say();
  switch (verdict) {
    case 'HYP':
      say(`${colors.green('HYP')}: all ${String(cores)} cores started in HYP mode (${time}).`);
      break;
    case 'SVC':
      say(`${colors.red('SVC')}: the cores started in SVC mode; nothing can use virtualization (${time}).`);
      break;
    case 'MIXED':
      say(`${colors.red('MIXED')}: the cores started in different modes (${time}).`);
      break;
    case 'NONE':
      say(`${colors.yellow('NONE')}: no verdict (${time}). ${reason ?? ''}`);
  }
}

function saySystems({ systems, hypervisor, seconds, verdict, reached }: SystemsVerdict): void {
  say();
  for (const line of hypervisor.split(/[\r\n]+/)) if (line !== '') say(line);
  const paint = { UP: colors.green, FAILED: colors.red, RUNS: colors.yellow, NONE: colors.yellow };
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
  for (const line of columns(rows)) say(line);
  if (reached && verdict === 'NONE') return;
  const named = (...states: readonly SystemState[]): string =>
    listed(systems.filter(({ state }) => states.includes(state)).map(({ name }) => name));
  const summary = {
    UP: 'The host and its guests are up',
    FAILED: `${named('FAILED')} did not come up`,
    NONE: `It is not known whether ${named('RUNS', 'NONE')} came up`,
  }[verdict];
  say(`${paint[verdict](verdict)}: ${summary} (after ${seconds.toFixed(1)} s).`);
}
