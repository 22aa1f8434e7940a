/** The rows of a report on a card, section by section. */
import { HypberryError } from '../base/errors.js';
import { hex } from '../base/words.js';
import type { CardReader, Place } from '../card/card.js';
import { BOOTCODE } from '../firmware/bootcode.js';
import { findCommandLine } from '../firmware/command-line.js';
import type { Config, InitramfsSetting, Setting } from '../firmware/config.js';
import { fdtText, readFdt } from '../firmware/fdt.js';
import type { Picked } from '../firmware/handover.js';
import { describeKernel, type KernelFile } from '../firmware/kernel.js';
import { isUnread, readSized } from '../firmware/file-size.js';
import { insteadOfTree } from '../firmware/load.js';
import { optionGroup, similarOption } from '../firmware/options.js';
import { withPrefix } from '../firmware/readers.js';
import { describeStartElf, knowsFilter } from '../firmware/start-elf.js';
import type { HypervisorDescription } from '../hypervisor/image/description.js';
import type { Survey } from './survey.js';

/** A heading and rows of two columns. */
export interface Section {
  readonly title: string;
  readonly rows: readonly (readonly [string, string])[];
}

/** Which part of the medium it is; nothing where that is plain. */
export function placeRows(place: Place | undefined): Section['rows'] {
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
export function problemRows({ message, code, hint }: HypberryError): (readonly [string, string])[] {
  return [
    ['problem', `${message} (${code})`],
    ['hint', hint],
  ];
}

/**
 * The rows of what install refuses.
 * @param told what the report says elsewhere
 */
export function refusalRows(
  refusal: HypberryError | undefined,
  told: readonly (HypberryError | undefined)[],
): Section['rows'] {
  if (!refusal || told.some((it) => it?.code === refusal.code)) return [];
  return problemRows(refusal);
}

/** Every line that applies, each once: those that add up after the others. */
export function settingsOf(config: Config): Setting[] {
  const addUp = new Set(config.deviceTree.map(({ name }) => name));
  return [...[...config.settings.values()].filter(({ name }) => !addUp.has(name)), ...config.deviceTree];
}

/** A kernel file, or our hypervisor with one in it. */
export interface CardKernel {
  readonly file: string;
  readonly facts: KernelFile;
  readonly hypervisor?: HypervisorDescription;
}

/** One line for people: what a kernel file is. */
export function describeCardKernel({ facts, hypervisor }: CardKernel): string {
  if (!hypervisor) return describeKernel(facts);
  return `hypberry's hypervisor, with the host's kernel and ${namesOf(hypervisor.guests)}, ${(facts.size / 1e6).toFixed(1)} MB`;
}

/** Guests by their names, for a sentence: `guests web, db`. */
export function namesOf(guests: readonly { readonly name: string }[]): string {
  return `${guests.length === 1 ? 'guest' : 'guests'} ${guests.map(({ name }) => name).join(', ')}`;
}

/** One line for people: which board a tree is for, or what is wrong with it. */
export async function describeTree(card: CardReader, file: string): Promise<string> {
  try {
    const bytes = await readSized(card, file, 'device tree');
    const model = readFdt(bytes).root.properties.get('model');
    return `${model ? fdtText(model) : 'a tree without a model'}, ${bytes.length} bytes`;
  } catch (error) {
    if (error instanceof HypberryError)
      return `${isUnread(error) ? 'not read' : 'damaged'}: ${error.message}`;
    throw error;
  }
}

/**
 * The files of the firmware, and what they know.
 * @throws HypberryError what the card throws
 */
export async function firmwareRows(card: CardReader, survey: Survey): Promise<(readonly [string, string])[]> {
  const { bootcode, firmware, fixup } = survey;
  const first = bootcode
    ? `${bootcode.size} bytes; filters such as [pi2] ${knowsFilter(bootcode, 'pi2') ? 'yes' : 'no'}`
    : (await card.stat(BOOTCODE))
      ? 'not what its name says'
      : 'not there: a Pi 2 does not start from a card without it';
  return [
    [BOOTCODE, first],
    ...(firmware ? startElfRows(firmware) : await missingRows(card, bootcode)),
    ...(fixup ? [[fixup.file, fixup.fault ?? `belongs to ${firmware?.file ?? 'start.elf'}`] as const] : []),
  ];
}

/** Where there is no firmware that could be read, the problem has the reason. */
async function missingRows(
  card: CardReader,
  bootcode: Survey['bootcode'],
): Promise<(readonly [string, string])[]> {
  if (await card.stat('start.elf')) return [];
  const then = bootcode?.triesOthers
    ? `${BOOTCODE} goes on to USB and the network`
    : 'a Raspberry Pi does not start without it';
  return [['start.elf', `not there: ${then}`]];
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

/** The lines of config.txt that apply, and what is to be said of others. */
export function configRows({ config }: Survey): (readonly [string, string])[] {
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
      ? [[initramfsLine(initramfs), `${initramfs.file}, line ${initramfs.line}`] as const]
      : []),
    ...config.notes.map(({ text, file, line }) => [`note: ${file}, line ${line}`, text] as const),
    ...(unknown.length > 0
      ? [['note', `not known to hypberry as the firmware's: ${[...new Set(unknown)].join(', ')}`] as const]
      : []),
  ];
}

/** The line as its form is in the documentation, with what it comes to. */
function initramfsLine({ names, address }: InitramfsSetting): string {
  return `initramfs ${names.join(',')} ${address === 'followkernel' ? address : hex(address)}`;
}

/**
 * What is loaded where, and in which mode it starts; nothing where no kernel is.
 * @throws HypberryError what the card throws
 */
export async function startRows(card: CardReader, survey: Survey): Promise<Section['rows']> {
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
      ? [['initramfs', `${ramdiskPaths(picked)} ${at(picked.initramfs.address)}`] as const]
      : []),
    ...(await commandLineRows(card, survey, picked)),
    ['mode', `${start.mode}: ${start.because}`],
    ...unsure.map((text) => ['not known', text] as const),
    ...picked.notes.filter((note) => !unsure.includes(note)).map((note) => ['note', note] as const),
  ];
}

/** Where on the card its files are. */
function ramdiskPaths({ initramfs, osPrefix }: Picked): string {
  const names = initramfs?.file.split(',') ?? [];
  return names.map((name) => withPrefix(osPrefix, name)).join(',');
}

/** What the kernel is told, and where its own part of that comes from. */
async function commandLineRows(
  card: CardReader,
  { config }: Survey,
  { commandLine, osPrefix }: Picked,
): Promise<(readonly [string, string])[]> {
  const { name, found } = await findCommandLine(card, config, osPrefix);
  const root = /(?:^|\s)root=(\S+)/.exec(commandLine)?.[1];
  return [
    ['command line', commandLine],
    ['from', found === undefined ? `the firmware: ${name} is not there` : `${found} and the firmware`],
    ...(root === undefined ? [] : [['root file system', root] as const]),
  ];
}
