/** `hypberry doctor`: what the Pi that runs us is, which mode it started in, and what to do next. */
import { ourHooks } from '../node/hook.js';
import { askHypervisor, hypervisorPort } from '../node/hypervisor-port.js';
import { openCard } from '../node/open-card.js';
import { readPi, readPiDetails } from '../node/pi.js';
import { createTextFile } from '../node/text-file.js';
import { doctor as examine, reportPi, type Examined } from '../usecases/doctor.js';
import about from '../../package.json' with { type: 'json' };
import { hexDigits } from '../base/words.js';
import { columns, say, sayAside, sayJson, sayResult } from './output.js';

export interface DoctorOptions {
  readonly json?: boolean;
  readonly report?: string;
  readonly overwrite?: boolean;
}

/** Prints the diagnosis; the exit status is 0 where the running kernel reports HYP mode or has the hypervisor below it, 1 for another mode or without its guests, 2 unknown. */
export async function doctor(options: DoctorOptions): Promise<void> {
  const examined = await examine({
    readPi,
    openFolder: (folder) => (access) => openCard(folder, { ...access, say: sayAside }),
    hooks: ourHooks,
  });
  const { pi, soc, mode, underHypervisor, startedAlone, hasChannel, advice, report, kernel, upgradeRows } =
    examined;
  if (options.report !== undefined) await writeReport(options.report, options.overwrite === true, examined);
  process.exitCode = startedAlone ? 1 : underHypervisor ? 0 : { HYP: 0, SVC: 1, MIXED: 1, unknown: 2 }[mode];
  if (options.json) {
    sayJson({
      model: pi.model ?? null,
      revision: pi.revision ?? null,
      soc: soc ?? null,
      kernel: pi.kernel ?? null,
      mode,
      underHypervisor,
      startedAlone,
      hasChannel,
      bootFolder: pi.bootFolder ?? null,
      card: report?.facts ?? null,
      cardKernel: kernel ?? null,
      advice,
    });
    return;
  }
  const rows: (readonly [string, string])[] = [
    ['board', pi.model || 'not a Raspberry Pi, as far as can be told'],
    ['revision', pi.revision === undefined ? 'unknown' : hexDigits(pi.revision, 4)],
    ['SoC', soc ?? 'unknown'],
    ['kernel', pi.kernel ?? 'unknown'],
    [
      'mode it reports',
      mode === 'unknown' ? 'unknown: not in the kernel log, or the log cannot be read' : mode,
    ],
    ...(underHypervisor ? ([['HYP mode', "hypberry's hypervisor has it"]] as const) : []),
    ...(hasChannel
      ? ([['guests', 'hypberryd serves and directs them: "sudo hypberryd list" says how they are']] as const)
      : []),
    ...(startedAlone ? ([['guests', 'not started: this system runs alone']] as const) : []),
    [
      'boot folder',
      pi.bootFolder ?? (pi.closedFolder === undefined ? 'not found' : `${pi.closedFolder}, perhaps`),
    ],
    ...(pi.closedFolder !== undefined || (pi.bootFolder !== undefined && !report)
      ? ([['what is there', 'may not be read by you']] as const)
      : []),
    ...(report ? ([['what is there', report.conclusion]] as const) : []),
    ...upgradeRows,
  ];
  for (const line of columns(rows)) say(line);
  say();
  if (options.report !== undefined) say(`Written to ${options.report}: look at it before you send it.`);
  sayResult(advice);
}

async function writeReport(path: string, overwrite: boolean, examined: Examined): Promise<void> {
  // Before the hypervisor is asked: what it has said is read once only.
  const file = createTextFile(path, { card: examined.pi.bootFolder, overwrite });
  try {
    const port = hypervisorPort();
    const ask = port === undefined ? undefined : () => askHypervisor(port);
    file.write(
      await reportPi(examined, { version: about.version, readDetails: readPiDetails, askHypervisor: ask }),
    );
  } finally {
    file.close();
  }
}
