/** `hypberry doctor`: what the Pi that runs us is, which mode it started in, and what to do next. */
import { ourHooks } from '../node/hook.js';
import { openCard } from '../node/open-card.js';
import { readPi } from '../node/pi.js';
import { diagnose } from '../setup/doctor.js';
import { inspectCard } from '../setup/inspect.js';
import { startedKernel, upgradeAdvice } from '../setup/upgrade.js';
import { columns, say, sayJson } from './output.js';

export interface DoctorOptions {
  readonly json?: boolean;
}

/** Prints the diagnosis; the exit status is 0 where the running kernel reports HYP mode, 1 for another, 2 unknown. */
export async function doctor(options: DoctorOptions): Promise<void> {
  const pi = readPi();
  const looked = pi.bootFolder === undefined ? undefined : await inspectFolder(pi.bootFolder);
  const { report, kernel } = looked ?? {};
  const {
    soc,
    mode,
    advice: ofMode,
  } = diagnose(pi, report && { starts: report.start.mode, refusal: report.refusal });
  const upgrade = kernel && upgradeAdvice(pi.kernel, pi.bootFolder!, kernel, ourHooks());
  const advice = upgrade?.advice ?? ofMode;
  process.exitCode = { HYP: 0, SVC: 1, MIXED: 1, unknown: 2 }[mode];
  if (options.json) {
    sayJson({
      model: pi.model ?? null,
      revision: pi.revision ?? null,
      soc: soc ?? null,
      kernel: pi.kernel ?? null,
      mode,
      bootFolder: pi.bootFolder ?? null,
      card: report?.facts ?? null,
      cardKernel: kernel ?? null,
      advice,
    });
    return;
  }
  const rows: (readonly [string, string])[] = [
    ['board', pi.model ?? 'not a Raspberry Pi, as far as can be told'],
    ['revision', pi.revision === undefined ? 'unknown' : pi.revision.toString(16).padStart(4, '0')],
    ['SoC', soc ?? 'unknown'],
    ['kernel', pi.kernel ?? 'unknown'],
    [
      'mode it reports',
      mode === 'unknown' ? 'unknown: not in the kernel log, or the log cannot be read' : mode,
    ],
    ['boot folder', pi.bootFolder ?? 'not found'],
    ...(report ? ([['what is there', report.conclusion]] as const) : []),
    ...(upgrade?.rows ?? []),
  ];
  for (const line of columns(rows)) say(line);
  say();
  say(advice);
}

async function inspectFolder(folder: string) {
  const card = await openCard(folder, { write: false });
  try {
    return { report: await inspectCard(card), kernel: await startedKernel(card) };
  } finally {
    await card.close();
  }
}
