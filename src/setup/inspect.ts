/** A report of what is on a card, for people and for scripts. */
import { attempt, HypberryError, isRefusal } from '../base/errors.js';
import { counted } from '../base/words.js';
import type { Card, CardReader } from '../card/card.js';
import { remember } from '../card/remember.js';
import { readKernel, unpackVersion } from '../firmware/kernel.js';
import { readSettingsFile } from '../firmware/applying-lines.js';
import { deviceWords } from '../guest/devices.js';
import { readGuests, type Guest } from '../guest/guests.js';
import { placeFacts, refuseProblem } from './boot-partition.js';
import { hasDiagnostics, splitConfig } from './config-block.js';
import { programWords, unusedGuestFiles, unusedText } from './guests.js';
import { releaseOnCard } from './hypberryd.js';
import { hypervisorIn } from './hypervisor.js';
import { planInstallOn } from './install.js';
import { cardEntries, OUR_NAME, ourFiles, unfinishedFiles } from './ours.js';
import type { CardOverview } from './pi-report.js';
import { checkPlan } from './plan.js';
import { conclusionOf, type Next } from './report-conclusion.js';
import {
  configRows,
  describeCardKernel,
  describeTree,
  firmwareRows,
  placeRows,
  problemRows,
  refusalRows,
  settingsOf,
  startRows,
  type CardKernel,
  type Section,
} from './report-rows.js';
import { surveyCard, type Start, type Survey } from './survey.js';
import { oldCopyText, startedKernel, type StartedKernel } from './upgrade.js';
import { readUsersCard, type UsersCard } from './users-card.js';

export interface Report {
  readonly sections: readonly Section[];
  /** What it comes to, and what to do, one or two sentences. */
  readonly conclusion: string;
  readonly start: Start;
  /** A Pi 2 starts from it, and nothing on it is broken: not our lines in config.txt, nor its guests. */
  readonly isWell: boolean;
  /** Why install refuses the card as it is. */
  readonly refusal: HypberryError | undefined;
  /** The kernel that it starts, and its system's own; undefined where it starts none. */
  readonly kernel: StartedKernel | undefined;
  /** What a report of a Pi may look at. */
  readonly overview: CardOverview;
  /** All of it as plain data. */
  readonly facts: unknown;
}

/** Names that kernels have on boot partitions. */
const KERNEL_NAME = /^(?:kernel.*\.img|vmlinuz.*|zImage.*|u-boot.*\.bin|hypberry-.*\.img)$/i;
/** The trees that a Pi 2 can get, by Raspberry Pi's names and mainline's. */
const TREE_NAME = /^bcm2(?:709|836).*\.dtb$/i;

const DIAGNOSTICS_ROW = [
  'diagnostics',
  'on: block and hypervisor say on the serial port how far each core came ("hypberry install --no-diagnostics" ends that)',
] as const;

/** A kernel file is read whole; larger files than any kernel are not read. */
const LARGEST_KERNEL = 256 << 20;

/**
 * Looks at a card without changing it.
 * @throws HypberryError only where the card itself cannot be read (`card.…`)
 */
export async function inspectCard(medium: CardReader): Promise<Report> {
  const card = remember(medium);
  const users = await attempt(() => readUsersCard(card));
  const next = await askInstall(medium, users);
  // Without lines of ours it is as its user made it. What --force has taken already is no problem.
  const survey =
    users instanceof HypberryError || users.lines
      ? await surveyCard(card, next.wantsForce === true)
      : users.survey;
  const files = (await cardEntries(card)).filter((entry) => !entry.isFolder);
  const kernels: CardKernel[] = [];
  for (const { name, size } of files) {
    if (KERNEL_NAME.test(name) && size <= LARGEST_KERNEL) kernels.push(await readWhole(card, name));
  }
  const started = survey.system?.kernel.file;
  if (started !== undefined && !kernels.some(({ file }) => file.toLowerCase() === started.toLowerCase()))
    kernels.push(await readWhole(card, started));
  const trees: { file: string; description: string }[] = [];
  for (const { name } of files) {
    if (TREE_NAME.test(name)) trees.push({ file: name, description: await describeTree(card, name) });
  }
  const installed = await findInstalled(card);
  const guests = await findGuests(card);
  const hypberryd = await releaseOnCard(card);
  const kernel = users instanceof HypberryError ? undefined : await startedKernel(users);
  const oldCopy = kernel && oldCopyText(kernel);
  const hypervisor = kernels.find(({ file }) => file === started)?.hypervisor;
  const built = survey.firmware?.facts;
  const problems = survey.problems.map((one) => mendable(one, next));

  const { place } = card;
  const ofGuests = guests.guests.length > 0 || guests.damaged;
  // What --force has taken already is no problem.
  const refusal = next.wantsForce === true ? undefined : next.refusal;
  const refused = refusalRows(refusal, [...survey.problems, installed.damaged, place?.problem]);
  const sections = [
    { title: 'Boot partition', rows: placeRows(place) },
    { title: 'Firmware', rows: await firmwareRows(card, survey) },
    { title: 'Kernels', rows: kernels.map((it) => [it.file, describeCardKernel(it)] as const) },
    { title: 'Device trees', rows: trees.map(({ file, description }) => [file, description] as const) },
    {
      title: 'Guests',
      rows: [...guests.rows, ...hypberrydRows(guests.guests, hypberryd), ...(ofGuests ? refused : [])],
    },
    { title: 'config.txt, as this firmware reads it on a Pi 2', rows: configRows(survey) },
    {
      title: 'What a Pi 2 does with this card',
      rows: [
        ...problems.flatMap(problemRows),
        ...(await startRows(card, survey)),
        ...installed.rows,
        ...(oldCopy === undefined ? [] : [['note', `${oldCopy}.`] as const]),
        ...(ofGuests ? [] : refused),
      ],
    },
  ].filter(({ rows }) => rows.length > 0);
  return {
    sections,
    conclusion: place?.problem
      ? `${place.problem.message} ${place.problem.hint}`
      : conclusionOf(
          survey,
          installed.lines !== undefined || startsOurs(survey),
          hypervisor,
          guests.guests,
          next,
        ),
    start: survey.start,
    isWell:
      survey.problems.length === 0 &&
      !place?.problem &&
      !installed.damaged &&
      !guests.damaged &&
      next.refusal?.code.startsWith('guest.') !== true,
    refusal: next.refusal,
    kernel,
    overview: {
      firmwareBuilt: built && [built.buildDate, built.buildTime].filter((it) => it !== undefined).join(' '),
      installed: installed.lines ?? [],
      settings: survey.config ? settingsOf(survey.config) : [],
      hypervisor,
    },
    facts: {
      bootPartition: placeFacts(place),
      start: survey.start,
      installed: installed.lines ?? null,
      diagnostics: hasDiagnostics(installed.lines),
      ourFiles: installed.files,
      hypberryd: hypberryd ?? null,
      upgrade: kernel?.old ? kernel : null,
      firmware: survey.firmware ?? null,
      kernels,
      guests: guests.guests,
      trees,
      config: survey.config
        ? {
            settings: settingsOf(survey.config),
            initramfs: survey.config.initramfs ?? null,
            notes: survey.config.notes,
            files: survey.config.files,
          }
        : null,
      picked: survey.system?.picked ?? null,
      problem: problems[0] ? plain(problems[0]) : null,
      problems: problems.map(plain),
      install: {
        needed: next.changes || next.refusal !== undefined,
        method: next.method ?? null,
        refusal: next.refusal ? plain(next.refusal) : null,
      },
    },
  };
}

/** Whether what the firmware runs first is a file of ours: so it is where the marks of our lines are damaged, too. */
function startsOurs({ system }: Survey): boolean {
  if (!system) return false;
  const { stub, kernel } = system.picked;
  return OUR_NAME.test('file' in stub ? stub.file : kernel.file);
}

const plain = ({ code, message, hint }: HypberryError): unknown => ({ code, message, hint });

/**
 * Asks install, so that the report and it cannot disagree.
 * @param medium the card itself, which may know how much room it has
 * @param users it as its user made it, or why it is not known
 */
async function askInstall(medium: CardReader, users: UsersCard | HypberryError): Promise<Next> {
  try {
    if (users instanceof HypberryError) throw users;
    return await askFor(medium, users, false);
  } catch (error) {
    if (!(error instanceof HypberryError)) throw error;
    const refusal = error;
    const refused: Next = { changes: true, method: undefined, refusal };
    // Only what is installed, and starts, was once taken with --force.
    if (users instanceof HypberryError || !users.lines) return refused;
    const forced = await attempt(() => askFor(medium, users, true));
    if (forced instanceof HypberryError) return refused;
    return { changes: forced.changes, method: undefined, refusal, wantsForce: true };
  }
}

/** What install does with a card that is not refused. */
async function askFor(medium: CardReader, users: UsersCard, force: boolean): Promise<Next> {
  refuseProblem(medium);
  const plan = await planInstallOn(users, { method: 'auto', force });
  if ('freeBytes' in medium) await checkPlan(medium as Card, plan);
  return { changes: plan.changes.length > 0, method: plan.method };
}

/** Why a card does not start, with another hint where it is a file of ours that is gone. */
function mendable(problem: HypberryError, next: Next): HypberryError {
  if (next.refusal) return problem;
  return new HypberryError(problem.code, problem.message, '"hypberry install" mends that.');
}

/** What install left on the card; a damaged block in config.txt is told as a row of the report. */
async function findInstalled(card: CardReader): Promise<{
  lines: readonly string[] | undefined;
  damaged?: HypberryError;
  files: string[];
  rows: Section['rows'];
}> {
  let files: string[] = [];
  try {
    const config = await readSettingsFile(card, 'config.txt');
    files = await ourFiles(card);
    const { lines } = splitConfig(config);
    return {
      lines,
      files,
      rows: [
        ...files.map((file) => ['from hypberry', file] as const),
        ...(hasDiagnostics(lines) ? [DIAGNOSTICS_ROW] : []),
        ...(await unfinishedFiles(card)).map(
          (file) =>
            [
              'left over',
              `${file}, of a hypberry that was interrupted: the next one that writes takes it away`,
            ] as const,
        ),
      ],
    };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { lines: undefined, damaged: error, files, rows: problemRows(error) };
  }
}

/** What a kernel file is, unpacked as far as its version. */
async function readWhole(card: CardReader, file: string): Promise<CardKernel> {
  const bytes = await card.read(file);
  const hypervisor = hypervisorIn(bytes);
  return { file, facts: await unpackVersion(bytes, readKernel(bytes)), ...(hypervisor && { hypervisor }) };
}

/**
 * The program by which the Pi sees and serves its guests, where the card has guests, or it is there.
 * @param release the one that is on the card
 */
function hypberrydRows(guests: readonly Guest[], release: string | undefined): Section['rows'] {
  if (release !== undefined) return [['hypberryd', `release ${release}, for the guests on the Pi`]];
  return guests.length > 0
    ? [['hypberryd', 'not there: "hypberry install" puts it on the boot partition, for the guests on the Pi']]
    : [];
}

/** The guests that the card keeps: none where their file is damaged, which install says. */
async function findGuests(
  card: CardReader,
): Promise<{ guests: readonly Guest[]; damaged: boolean; rows: Section['rows'] }> {
  try {
    const guests = await readGuests(card);
    const rows = guests.map((guest): [string, string] => [
      guest.name,
      [
        `${guest.memory} MiB`,
        counted(guest.cores, 'core'),
        ...programWords(guest),
        ...deviceWords(guest),
      ].join(', '),
    ]);
    for (const file of await unusedGuestFiles(card, guests)) rows.push(['note', unusedText(file)]);
    return { guests, damaged: false, rows };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { guests: [], damaged: true, rows: [] };
  }
}
