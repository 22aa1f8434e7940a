/** What a running Pi is, which mode it started in, and what to do next. */
import { HypberryError } from '../base/errors.js';
import { diagnose, type Diagnosis, type PiFacts } from '../setup/doctor.js';
import { inspectCard, type Report } from '../setup/inspect.js';
import { piReport, type HypervisorSays, type PiDetails } from '../setup/pi-report.js';
import { upgradeAdvice, type StartedKernel } from '../setup/upgrade.js';
import { withCard, type OpenCard } from './open-card.js';

export interface DoctorPorts {
  /** What the machine that runs us says of itself. */
  readonly readPi: () => PiFacts;
  /** A way to open its boot folder. */
  readonly openFolder: (folder: string) => OpenCard;
  /** Our hooks that its system has. */
  readonly hooks: () => readonly string[];
}

export interface Examined extends Diagnosis {
  readonly pi: PiFacts;
  /** What is in its boot folder; undefined where that was not found, or this user may not read it. */
  readonly report: Report | undefined;
  /** The kernel that the folder starts, where that can be told. */
  readonly kernel: StartedKernel | undefined;
  /** What a kernel upgrade has to do with it, as rows of a report. */
  readonly upgradeRows: readonly (readonly [string, string])[];
}

/**
 * Examines the machine that runs us.
 * @throws HypberryError what opening and reading its boot folder throw
 */
export async function doctor({ readPi, openFolder, hooks }: DoctorPorts): Promise<Examined> {
  const pi = readPi();
  const folder = pi.bootFolder;
  const report = folder === undefined ? undefined : await reportOn(openFolder(folder));
  const kernel = report?.kernel;
  const found = diagnose(pi, report && { starts: report.start.mode, refusal: report.refusal });
  const upgrade =
    kernel && folder !== undefined ? upgradeAdvice(pi.kernel, folder, kernel, hooks()) : undefined;
  return {
    ...found,
    advice: upgrade?.advice ?? found.advice,
    pi,
    report,
    kernel,
    upgradeRows: upgrade?.rows ?? [],
  };
}

export interface ReportPorts {
  /** Hypberry's own version. */
  readonly version: string;
  readonly readDetails: () => PiDetails;
  /** Asks the hypervisor; undefined where the system has no port of it. */
  readonly askHypervisor: (() => Promise<HypervisorSays>) | undefined;
}

/** A text about the machine that runs us, to be sent to others: nothing in it is its user's. */
export async function reportPi(
  { pi, report, ...diagnosis }: Examined,
  { version, readDetails, askHypervisor }: ReportPorts,
): Promise<string> {
  return piReport({
    ...{ version, pi, diagnosis, details: readDetails(), card: report?.overview },
    says: askHypervisor ? await askHypervisor() : { missing: 'none: the system has no port of it' },
  });
}

async function reportOn(openCard: OpenCard): Promise<Report | undefined> {
  try {
    return await withCard(openCard, { write: false }, inspectCard);
  } catch (error) {
    if (error instanceof HypberryError && error.code === 'card.permission') return undefined;
    throw error;
  }
}
