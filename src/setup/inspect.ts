/** A report of what is on a card, for people and for scripts. */
import type { Card, CardReader, Place } from '../card/card.js';
import { remember } from '../card/remember.js';
import { BOOTCODE } from '../firmware/bootcode.js';
import { textSetting, type Config, type Setting } from '../firmware/config.js';
import type { Picked } from '../firmware/handover.js';
import { attempt, HypberryError } from '../base/errors.js';
import { counted, hex } from '../base/words.js';
import { fdtText, readFdt } from '../firmware/fdt.js';
import { insteadOfTree } from '../firmware/load.js';
import {
  bareKernel,
  describeKernel,
  readKernel,
  unpackVersion,
  type KernelFile,
} from '../firmware/kernel.js';
import { optionGroup, similarOption } from '../firmware/options.js';
import { describeStartElf, knowsFilter } from '../firmware/start-elf.js';
import { readGuests, type Guest } from '../guest/guests.js';
import type { HypervisorDescription } from '../hypervisor/image/description.js';
import { placeFacts, refuseProblem } from './boot-partition.js';
import { splitConfig } from './config-block.js';
import { unusedGuestFiles } from './guests.js';
import { hypervisorIn } from './hypervisor.js';
import { planInstallOn } from './install.js';
import { cardEntries, ourFiles, unfinishedFiles } from './ours.js';
import { checkPlan, type Method } from './plan.js';
import { surveyCard, type Start, type Survey } from './survey.js';
import { oldCopyText, startedKernel, type StartedKernel } from './upgrade.js';
import { readUsersCard, type UsersCard } from './users-card.js';

/** A heading and rows of two columns. */
export interface Section {
  readonly title: string;
  readonly rows: readonly (readonly [string, string])[];
}

export interface Report {
  readonly sections: readonly Section[];
  /** What it comes to, and what to do, one or two sentences. */
  readonly conclusion: string;
  readonly start: Start;
  /** Why install refuses the card as it is. */
  readonly refusal: HypberryError | undefined;
  /** The kernel that it starts, and its system's own; undefined where it starts none. */
  readonly kernel: StartedKernel | undefined;
  /** All of it as plain data. */
  readonly facts: unknown;
}

/** Names that kernels have on boot partitions. */
const KERNEL_NAME = /^(?:kernel.*\.img|vmlinuz.*|zImage.*|u-boot.*\.bin|hypberry-.*\.img)$/i;
/** The trees that a Pi 2 can get, by Raspberry Pi's names and mainline's. */
const TREE_NAME = /^bcm2(?:709|836).*\.dtb$/i;

/** A kernel file is read whole; larger files than any kernel are not read. */
const LARGEST_KERNEL = 256 << 20;

/**
 * Looks at a card without changing it.
 * @throws HypberryError only where the card itself cannot be read (`card.…`)
 */
export async function inspectCard(medium: CardReader): Promise<Report> {
  const card = remember(medium);
  const users = await attempt(() => readUsersCard(card));
  // Without lines of ours it is as its user made it.
  const survey = users instanceof HypberryError || users.lines ? await surveyCard(card) : users.survey;
  const files = (await cardEntries(card)).filter((entry) => !entry.isFolder);
  const kernels: Kernel[] = [];
  for (const { name, size } of files) {
    if (KERNEL_NAME.test(name) && size <= LARGEST_KERNEL) kernels.push(await readWhole(card, name));
  }
  const started = survey.system?.kernel.file;
  if (started !== undefined && !kernels.some(({ file }) => file.toLowerCase() === started.toLowerCase()))
    kernels.push(await readWhole(card, started));
  const trees: { file: string; description: string }[] = [];
  for (const { name } of files) {
    if (TREE_NAME.test(name)) trees.push({ file: name, description: describeTree(await card.read(name)) });
  }
  const installed = await findInstalled(card);
  const guests = await findGuests(card);
  const kernel = users instanceof HypberryError ? undefined : await startedKernel(users);
  const oldCopy = kernel && oldCopyText(kernel);
  const hypervisor = kernels.find(({ file }) => file === started)?.hypervisor;
  const next = await askInstall(medium, users);
  const problems = survey.problems.map((one) => mendable(one, next));

  const { place } = card;
  const ofGuests = guests.names !== '' || guests.damaged;
  const refused = refusalRows(next, [...survey.problems, installed.damaged, place?.problem]);
  const sections = [
    { title: 'Boot partition', rows: placeRows(place) },
    { title: 'Firmware', rows: await firmwareRows(card, survey) },
    { title: 'Kernels', rows: kernels.map((it) => [it.file, describe(it)] as const) },
    { title: 'Device trees', rows: trees.map(({ file, description }) => [file, description] as const) },
    { title: 'Guests', rows: [...guests.rows, ...(ofGuests ? refused : [])] },
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
      : conclusionOf(survey, installed.lines !== undefined, hypervisor, guests.names, next),
    start: survey.start,
    refusal: next.refusal,
    kernel,
    facts: {
      bootPartition: placeFacts(place),
      start: survey.start,
      installed: installed.lines ?? null,
      ourFiles: installed.files,
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
        needed: next.changes,
        method: next.method ?? null,
        refusal: next.refusal ? plain(next.refusal) : null,
      },
    },
  };
}

const plain = ({ code, message, hint }: HypberryError): unknown => ({ code, message, hint });

/** What install says to a card: that there is something for it to do, or not, or why it refuses. */
interface Next {
  readonly changes: boolean;
  readonly method: Method | undefined;
  readonly refusal?: HypberryError;
}

/**
 * Asks install, so that the report and it cannot disagree.
 * @param medium the card itself, which may know how much room it has
 * @param users it as its user made it, or why it is not known
 */
async function askInstall(medium: CardReader, users: UsersCard | HypberryError): Promise<Next> {
  try {
    refuseProblem(medium);
    if (users instanceof HypberryError) throw users;
    const plan = await planInstallOn(users, { method: 'auto' });
    if ('freeBytes' in medium) await checkPlan(medium as Card, plan);
    return { changes: plan.changes.length > 0, method: plan.method };
  } catch (error) {
    if (!(error instanceof HypberryError)) throw error;
    return { changes: true, method: undefined, refusal: error };
  }
}

/** Why a card does not start, with another hint where it is a file of ours that is gone. */
function mendable(problem: HypberryError, next: Next): HypberryError {
  if (next.refusal) return problem;
  return new HypberryError(problem.code, problem.message, '"hypberry install" mends that.');
}

/** Which part of the medium it is; nothing where that is plain. */
function placeRows(place: Place | undefined): Section['rows'] {
  if (!place) return [];
  const rows: [string, string][] = [
    ...(place.other === undefined ? [] : [['also', place.other] as [string, string]]),
    ...place.notes.map((note): [string, string] => ['note', note]),
  ];
  const problem = place.problem ? problemRows(place.problem) : [];
  if (place.partition === undefined && rows.length + problem.length === 0) return [];
  return [['this is', place.reason], ...rows, ...problem];
}

/** A refusal, as rows of a report. */
function problemRows({ message, code, hint }: HypberryError): (readonly [string, string])[] {
  return [
    ['problem', `${message} (${code})`],
    ['hint', hint],
  ];
}

/** @param told what the report says elsewhere */
function refusalRows({ refusal }: Next, told: readonly (HypberryError | undefined)[]): Section['rows'] {
  if (!refusal || told.some((it) => it?.code === refusal.code)) return [];
  return problemRows(refusal);
}

/** What install left on the card; a damaged block in config.txt is told as a row of the report. */
async function findInstalled(card: CardReader): Promise<{
  lines: readonly string[] | undefined;
  damaged?: HypberryError;
  files: string[];
  rows: Section['rows'];
}> {
  const config = (await card.stat('config.txt')) ? await card.read('config.txt') : undefined;
  const files = await ourFiles(card);
  try {
    const { lines } = splitConfig(config);
    return {
      lines,
      files,
      rows: [
        ...files.map((file) => ['from hypberry', file] as const),
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
    if (!(error instanceof HypberryError)) throw error;
    return { lines: undefined, damaged: error, files, rows: problemRows(error) };
  }
}

/** Every line that applies, each once: those that add up after the others. */
function settingsOf(config: Config): Setting[] {
  const addUp = new Set(config.deviceTree.map(({ name }) => name));
  return [...[...config.settings.values()].filter(({ name }) => !addUp.has(name)), ...config.deviceTree];
}

/** A kernel file, or our hypervisor with one in it. */
interface Kernel {
  readonly file: string;
  readonly facts: KernelFile;
  readonly hypervisor?: HypervisorDescription;
}

/** What a kernel file is, unpacked as far as its version. */
async function readWhole(card: CardReader, file: string): Promise<Kernel> {
  const bytes = await card.read(file);
  const hypervisor = hypervisorIn(bytes);
  return { file, facts: await unpackVersion(bytes, readKernel(bytes)), ...(hypervisor && { hypervisor }) };
}

function describe({ facts, hypervisor }: Kernel): string {
  if (!hypervisor) return describeKernel(facts);
  return `hypberry's hypervisor, with the host's kernel and ${namesOf(hypervisor.guests)}, ${(facts.size / 1e6).toFixed(1)} MB`;
}

function namesOf(guests: readonly { readonly name: string }[]): string {
  return `${guests.length === 1 ? 'guest' : 'guests'} ${guests.map(({ name }) => name).join(', ')}`;
}

/** The guests that the card keeps: none where their file is damaged, which install says. */
async function findGuests(
  card: CardReader,
): Promise<{ guests: readonly Guest[]; names: string; damaged: boolean; rows: Section['rows'] }> {
  try {
    const guests = await readGuests(card);
    const rows = guests.map(({ name, memory, cores, kernel }): [string, string] => [
      name,
      `${memory} MiB, ${counted(cores, 'core')}, ${kernel}`,
    ]);
    for (const file of await unusedGuestFiles(card, guests))
      rows.push(['note', `${file} is of no guest: "hypberry guest add" and "guest remove" take it away.`]);
    return { guests, names: guests.length > 0 ? namesOf(guests) : '', damaged: false, rows };
  } catch (error) {
    if (!(error instanceof HypberryError)) throw error;
    return { guests: [], names: '', damaged: true, rows: [] };
  }
}

/** One line for people: which board a tree is for, or what is wrong with it. */
function describeTree(bytes: Uint8Array): string {
  try {
    const model = readFdt(bytes).root.properties.get('model');
    return `${model ? fdtText(model) : 'a tree without a model'}, ${bytes.length} bytes`;
  } catch (error) {
    if (error instanceof HypberryError) return `damaged: ${error.message}`;
    throw error;
  }
}

async function firmwareRows(card: CardReader, survey: Survey): Promise<(readonly [string, string])[]> {
  const { bootcode, firmware, fixup } = survey;
  const first = bootcode
    ? `${bootcode.size} bytes; filters such as [pi2] ${knowsFilter(bootcode, 'pi2') ? 'yes' : 'no'}`
    : (await card.stat(BOOTCODE))
      ? 'not what its name says'
      : 'not there: a Pi 2 does not start from a card without it';
  return [
    [BOOTCODE, first],
    ...(firmware ? startElfRows(firmware) : await missingRows(card)),
    ...(fixup ? [[fixup.file, fixup.fault ?? `belongs to ${firmware?.file ?? 'start.elf'}`] as const] : []),
  ];
}

/** Where there is no firmware that could be read, the problem has the reason. */
async function missingRows(card: CardReader): Promise<(readonly [string, string])[]> {
  if (await card.stat('start.elf')) return [];
  return [['start.elf', 'not there: a Raspberry Pi does not start without it']];
}

function startElfRows({ facts, file }: NonNullable<Survey['firmware']>): (readonly [string, string])[] {
  const knows = (
    [
      ['armstub', facts.knowsArmstub],
      ['kernel_old', facts.knowsKernelOld],
      ['device_tree_address', facts.knowsDeviceTreeAddress],
      ['filters such as [pi2]', knowsFilter(facts, 'pi2')],
    ] as const
  ).map(([name, known]) => `${name} ${known ? 'yes' : 'no'}`);
  const stubs = facts.stubs.map(
    (stub) =>
      `${hex(stub.offset)} ${stub.mode}${stub.waitsOnMailbox ? '' : ', one core'}${stub.forNewerCore ? ', for a newer SoC' : ''}${stub === facts.stub ? ' (a Pi 2 gets this one)' : ''}`,
  );
  return [
    [file, describeStartElf(facts)],
    ['knows', knows.join(', ')],
    ['stubs in it', stubs.length === 0 ? 'none found' : stubs.join('; ')],
  ];
}

function configRows({ config }: Survey): (readonly [string, string])[] {
  if (!config) return [];
  const settings = settingsOf(config);
  const { initramfs } = config;
  // Where ramfsfile and ramfsaddr asked for it, those lines stand above.
  const isLine = settings.every(({ file, line }) => file !== initramfs?.file || line !== initramfs.line);
  // Programs on the Pi keep settings of their own there; a name that is near a known one has a note in its line.
  const unknown = settings
    .map(({ name }) => name.replace(/:\d$/, ''))
    .filter((it) => !optionGroup(it) && !similarOption(it));
  return [
    ...settings.map(({ name, value, file, line }) => [`${name}=${value}`, `${file}, line ${line}`] as const),
    ...(initramfs && isLine
      ? [[`initramfs ${initramfs.names.join(',')}`, `${initramfs.file}, line ${initramfs.line}`] as const]
      : []),
    ...config.notes.map(({ text, file, line }) => [`note: ${file}, line ${line}`, text] as const),
    ...(unknown.length > 0
      ? [['note', `not known to hypberry as the firmware's: ${[...new Set(unknown)].join(', ')}`] as const]
      : []),
  ];
}

async function startRows(card: CardReader, survey: Survey): Promise<Section['rows']> {
  const { system, start, unsure } = survey;
  if (!system) return [];
  const { picked } = system;
  const at = (address: number): string => `at ${hex(address)}`;
  return [
    ['kernel', `${picked.kernel.file} ${at(picked.kernel.address)}`],
    [
      'device tree',
      picked.tree
        ? `${picked.tree.file} ${at(picked.tree.address)}`
        : `none, the kernel gets ${insteadOfTree(survey.config)}`,
    ],
    ...(picked.initramfs
      ? [['initramfs', `${picked.initramfs.file} ${at(picked.initramfs.address)}`] as const]
      : []),
    ...(await commandLineRows(card, survey, picked)),
    ['mode', `${start.mode}: ${start.because}`],
    ...unsure.map((text) => ['not known', text] as const),
    ...picked.notes.filter((note) => !unsure.includes(note)).map((note) => ['note', note] as const),
  ];
}

/** What the kernel is told, and where its own part of that comes from. */
async function commandLineRows(
  card: CardReader,
  { config }: Survey,
  { commandLine, osPrefix }: Picked,
): Promise<(readonly [string, string])[]> {
  const file = osPrefix + ((config && textSetting(config, 'cmdline')) ?? 'cmdline.txt');
  const there = await card.stat(file);
  const root = /(?:^|\s)root=(\S+)/.exec(commandLine)?.[1];
  return [
    ['command line', commandLine],
    ['from', there ? `${file} and the firmware` : `the firmware: ${file} is not there`],
    ...(root === undefined ? [] : [['root file system', root] as const]),
  ];
}

/** What the card starts, in a word: a kernel without Linux's marks may be any system. */
function systemOf({ system }: Survey): string {
  const kind = system && bareKernel(system.kernel.facts).kind;
  if (kind === 'u-boot') return 'U-Boot';
  return kind === 'unknown' ? 'its kernel' : 'Linux';
}

/**
 * What it comes to. What install would do is install's own word.
 * @param started the hypervisor that it starts, where it does
 * @param guests those that the card keeps, for a sentence; empty where it keeps none
 */
function conclusionOf(
  survey: Survey,
  installed: boolean,
  started: HypervisorDescription | undefined,
  guests: string,
  next: Next,
): string {
  const refused = next.refusal && ` "hypberry install" refuses it as it is: ${next.refusal.message}`;
  const stale = next.changes ? ' It is out of date: "hypberry install" brings it up to date.' : '';
  const [problem] = survey.problems;
  if (problem) {
    const mends = ' "hypberry install" mends that.';
    const same = next.refusal?.message === problem.message;
    return `This card does not start a Pi 2 as it is. ${problem.message}${same ? '' : (refused ?? mends)}`;
  }
  if (started) {
    const theirs = namesOf(started.guests);
    const others = ` It keeps ${guests || 'no guests'} now; "hypberry install" makes it so.`;
    return `This card starts hypberry's hypervisor in HYP mode, with ${theirs}.${refused ?? (theirs === guests ? stale : others)}`;
  }
  if (guests !== '') {
    return `This card keeps ${guests}${refused === undefined ? ', which "hypberry install" has it start.' : `.${refused}`}`;
  }
  const system = systemOf(survey);
  switch (survey.start.mode) {
    case 'HYP':
      return installed
        ? `This card starts ${system} in HYP mode, by the block that hypberry installed.${refused ?? stale}`
        : `This card starts ${system} in HYP mode as it is: the boot block is not needed.${refused ?? ''}`;
    case 'SVC':
      return `This card starts ${system} in SVC mode, so nothing on it can use virtualization.${refused ?? ' "hypberry install" changes that.'}`;
    case 'unknown':
    case 'none':
      return `Which mode this card starts ${system} in cannot be told from its files. "hypberry try --as-is" runs it and tells.${refused ?? ' "hypberry install" has it start in HYP mode.'}`;
  }
}
