/** `hypberry try`: boots a card in an emulated Pi 2 and says in which mode its cores start. */
import { constants } from 'node:os';
import type { Engine } from '../engine/engine.js';
import type { Verdict } from '../engine/verdict.js';
import { runTrial } from '../engine/verdict.js';
import type { Picked } from '../firmware/handover.js';
import { prepareHandover } from '../firmware/prepare.js';
import { openCard } from '../node/open-card.js';
import { qemuEngine } from '../node/qemu.js';
import { planInstall, type InstallOptions } from '../setup/install.js';
import { cardAfter, type Plan } from '../setup/plan.js';
import { colors, hex, say, sayJson } from './output.js';
import { progress } from './progress.js';

export interface TryOptions {
  readonly engine: 'qemu' | 'built-in';
  readonly asIs?: boolean;
  readonly method: InstallOptions['method'];
  readonly force?: boolean;
  readonly timeout: number;
  readonly json?: boolean;
}

/** The built-in machine is loaded only when it is asked for: it brings a memory of 1 GiB. */
async function engineNamed(name: TryOptions['engine']): Promise<Engine> {
  return name === 'qemu' ? qemuEngine() : (await import('../engine/built-in.js')).builtInEngine();
}

/** A serial console from the first line on; every kernel since 3.18 knows it. */
const TRIAL_BOOTARGS = 'earlycon=pl011,0x3f201000 console=ttyAMA0,115200';

/** Runs the trial; the exit status is 0 for HYP, 1 for another mode, 2 where it could not tell. */
export async function tryCard(target: string, options: TryOptions): Promise<void> {
  // Until it can: whatever ends us before.
  process.exitCode = 2;
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
    // The console itself is the progress where it is shown.
    const line = options.json ? await progress('Booting') : undefined;
    const shown = options.json ? undefined : timedConsole();
    let verdict: Verdict;
    try {
      verdict = await runTrial(await engineNamed(options.engine), machine, {
        timeoutSeconds: options.timeout,
        ...(shown && { onConsole: shown.take }),
      });
    } finally {
      line?.stop();
    }
    shown?.end(verdict.verdict === 'NONE');
    if (options.json) sayJson({ ...verdict, picked: machine.picked });
    else sayVerdict(verdict);
    process.exitCode = { HYP: 0, SVC: 1, MIXED: 1, NONE: 2 }[verdict.verdict];
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
