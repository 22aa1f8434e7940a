/** `hypberry try`: boots a card in an emulated Pi 2 and says in which mode its cores start. */
import colors from 'picocolors';
import type { Verdict } from '../engine/verdict.js';
import { runTrial } from '../engine/verdict.js';
import type { Picked } from '../firmware/handover.js';
import { prepareHandover } from '../firmware/prepare.js';
import { openCard } from '../node/open-card.js';
import { qemuEngine } from '../node/qemu.js';
import { planInstall, type InstallOptions } from '../setup/install.js';
import { cardAfter } from '../setup/plan.js';
import { hex, say, sayJson } from './output.js';
import { progress } from './progress.js';

export interface TryOptions {
  readonly asIs?: boolean;
  readonly method: InstallOptions['method'];
  readonly force?: boolean;
  readonly timeout: number;
  readonly json?: boolean;
}

/** A serial console from the first line on; every kernel since 3.18 knows it. */
const TRIAL_BOOTARGS = 'earlycon=pl011,0x3f201000 console=ttyAMA0,115200';

/** Runs the trial; the exit status is 0 for HYP, 1 for another mode, 2 where it could not tell. */
export async function tryCard(target: string, options: TryOptions): Promise<void> {
  const card = await openCard(target, { write: false });
  try {
    const plan = options.asIs
      ? undefined
      : await planInstall(card, { method: options.method, force: options.force });
    const machine = await prepareHandover(plan ? cardAfter(card, plan) : card, {
      addBootargs: TRIAL_BOOTARGS,
    });
    if (!options.json) {
      say(plan ? plan.summary : 'The card as it is now.');
      sayPicked(machine.picked);
    }
    // The console itself is the progress where it is shown.
    const line = options.json ? progress('Booting') : undefined;
    let verdict: Verdict;
    try {
      verdict = await runTrial(qemuEngine(), machine, {
        timeoutSeconds: options.timeout,
        ...(options.json ? {} : { onConsole: timedConsole() }),
      });
    } finally {
      line?.stop();
    }
    if (options.json) sayJson({ ...verdict, picked: machine.picked });
    else sayVerdict(verdict);
    process.exitCode = { HYP: 0, SVC: 1, MIXED: 1, NONE: 2 }[verdict.verdict];
  } finally {
    await card.close();
  }
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

/** Writes the guest's console with the seconds since the start in front of each line. */
function timedConsole(): (text: string) => void {
  const begin = performance.now();
  let atLineStart = true;
  return (text) => {
    const stamp = colors.dim(`${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s  `);
    for (const part of text.replaceAll('\r', '').split(/(?<=\n)/)) {
      process.stdout.write((atLineStart ? stamp : '') + part);
      atLineStart = part.endsWith('\n');
    }
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
