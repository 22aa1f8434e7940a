/** `hypberry try`: boots a card in an emulated Pi 2 and says in which mode its cores start. */
import { constants } from 'node:os';
import { HypberryError } from '../base/errors.js';
import type { Engine } from '../engine/engine.js';
import { summarizeHandover } from '../engine/handover-check.js';
import type { Until, Verdict } from '../engine/verdict.js';
import { runTrial } from '../engine/verdict.js';
import type { Picked } from '../firmware/handover.js';
import { prepareHandover } from '../firmware/prepare.js';
import { openCard } from '../node/open-card.js';
import { qemuEngine } from '../node/qemu.js';
import { createTextFile } from '../node/text-file.js';
import { planInstall, type InstallOptions } from '../setup/install.js';
import { cardAfter, type Plan } from '../setup/plan.js';
import { sayHandover } from './handover.js';
import { sayMachine } from './machine.js';
import { bytesText, colors, hex, say, sayJson } from './output.js';
import { progress } from './progress.js';

export interface TryOptions {
  readonly engine: 'qemu' | 'built-in';
  readonly asIs?: boolean;
  readonly method: InstallOptions['method'];
  readonly force?: boolean;
  readonly timeout: number;
  readonly trace?: string;
  readonly until?: Until;
  readonly json?: boolean;
}

/** How often a growing trace is spoken of, in bytes. */
const TRACE_NOTE = 256 << 20;

/** The engine, told where to look. What is built in is loaded only when it is asked for. */
async function engineFor(options: TryOptions, write: (text: string) => void): Promise<Engine> {
  if (options.engine === 'qemu') return qemuEngine();
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

/** A serial console from the first line on; every kernel since 3.18 knows it. */
const TRIAL_BOOTARGS = 'earlycon=pl011,0x3f201000 console=ttyAMA0,115200';

/**
 * Runs the trial; the exit status is 0 for HYP, 1 for another mode, 2 where it could not tell. With `until` it is 0
 * where the run came there, else 2.
 */
export async function tryCard(target: string, options: TryOptions): Promise<void> {
  // Until it can: whatever ends us before.
  process.exitCode = 2;
  refuseBlindness(options);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupted);
  const card = await openCard(target, { write: false });
  try {
    const plan = options.asIs
      ? undefined
      : await planInstall(card, { method: options.method, force: options.force });
    const machine = await prepareHandover(plan ? cardAfter(card, plan) : card, {
      addBootargs: TRIAL_BOOTARGS,
    });
    if (!options.json) {
      say(whatIsTried(plan));
      sayPicked(machine.picked);
    }
    const trace = options.trace === undefined ? undefined : createTextFile(options.trace);
    // The console itself is the progress where it is shown.
    const line = options.json ? await progress('Booting') : undefined;
    const shown = options.json ? undefined : timedConsole();
    let told = 0;
    const write = (text: string): void => {
      trace?.write(text);
      const size = trace?.size ?? 0;
      if (size < told + TRACE_NOTE) return;
      told = size;
      line?.say(`Booting; ${bytesText(size)} of trace`);
      shown?.note(`${bytesText(size)} of trace`);
    };
    let verdict: Verdict;
    try {
      verdict = await runTrial(await engineFor(options, write), machine, {
        timeoutSeconds: options.timeout,
        until: options.until,
        ...(shown && { onConsole: shown.take }),
      });
    } finally {
      line?.stop();
      trace?.close();
    }
    shown?.end(verdict.verdict === 'NONE');
    if (options.json) sayJson({ ...verdict, picked: machine.picked });
    else {
      if (verdict.machine) sayMachine(verdict.machine, verdict.reached !== undefined);
      if (verdict.machine?.handover) sayHandover(verdict.machine.handover);
      if (trace) say(`\n${bytesText(trace.size)} of trace in ${options.trace ?? ''}`);
      sayVerdict(verdict);
      if (verdict.machine?.handover) say(`Handover: ${summarizeHandover(verdict.machine.handover)}.`);
    }
    const { reached } = verdict;
    process.exitCode =
      reached === undefined ? { HYP: 0, SVC: 1, MIXED: 1, NONE: 2 }[verdict.verdict] : reached ? 0 : 2;
  } finally {
    await card.close();
  }
}

/** Ends the program by a signal; what the engine started and wrote goes at its end. */
function interrupted(signal: NodeJS.Signals): void {
  process.stderr.write('\nStopped before there was a verdict; the card is unchanged.\n');
  process.exit(128 + constants.signals[signal]);
}

function whatIsTried(plan: Plan | undefined): string {
  if (!plan) return 'The card as it is now:';
  return plan.changes.length === 0
    ? `${plan.summary} It is booted as it is:`
    : `After install: ${plan.summary}`;
}

function sayPicked(picked: Picked): void {
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
  for (const note of picked.notes) say(`  note: ${note}`);
  say();
}

/** Writes the guest's console as it comes, with the seconds since the start in front of each line. */
function timedConsole(): {
  readonly take: (text: string) => void;
  /** Says something on a line of its own. */
  readonly note: (text: string) => void;
  /** Ends the last line; without `whole`, a line that has only begun is left out where it was not shown yet. */
  readonly end: (whole: boolean) => void;
} {
  const begin = performance.now();
  let atLineStart = true;
  // The beginning of a line waits for more, so that nothing follows the line that settles the verdict.
  let waiting = '';
  const write = (text: string): void => {
    const stamp = colors.dim(`${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s  `);
    for (const part of text.split(/(?<=\n)/)) {
      process.stdout.write((atLineStart ? stamp : '') + part);
      atLineStart = part.endsWith('\n');
    }
  };
  return {
    take(text) {
      const all = waiting + text.replaceAll('\r', '');
      const shown = all.lastIndexOf('\n') + 1 || all.length;
      waiting = all.slice(shown);
      if (shown > 0) write(all.slice(0, shown));
    },
    note(text) {
      if (!atLineStart) process.stdout.write('\n');
      atLineStart = true;
      write(`[${text}]\n`);
    },
    end(whole) {
      if (whole && waiting !== '') write(waiting);
      if (!atLineStart) process.stdout.write('\n');
    },
  };
}

function sayVerdict({ verdict, cores, seconds, reason }: Verdict): void {
  const time = `after ${seconds.toFixed(1)} s`;
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
