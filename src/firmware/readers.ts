/**
 * The two programs that read config.txt: bootcode.bin first, which picks start.elf by it, then start.elf, which picks
 * everything else.
 */
import { HypberryError } from '../base/errors.js';
import type { CardReader } from '../card/card.js';
import {
  BOOTCODE,
  BOOTCODE_FILTERS_TODAY,
  BOOTCODE_SETTINGS,
  firmwareFiles,
  readBootcode,
  splitMemory,
  type Bootcode,
  type FirmwareFiles,
} from './bootcode.js';
import {
  CONFIG,
  numberSetting,
  readConfig,
  type BoardState,
  type Config,
  type ConfigNote,
  type ConfigOptions,
} from './config.js';
import { reportOnBuild } from './builds.js';
import { readSizedIfThere } from './file-size.js';
import { LINES_TODAY, type LineReading } from './lines.js';
import { readStartElf, type StartElf } from './start-elf.js';

/** The code where the system is in a file system within a file. */
export const BOOT_RAMDISK = 'firmware.boot-ramdisk';

/**
 * Bytes of config.txt that count for a Pi that loads it over the network; from USB and cards all do (raspberrypi/firmware,
 * issues 1012 and 1575).
 */
export const NETWORK_LIMIT = 4096;

/** How bootcode.bin takes config.txt into lines: in 2015 of any length, today as start.elf. */
const BOOTCODE_LINES_2015: LineReading = { limit: Infinity, rest: 'dropped', nulEnds: 'file' };
const BOOTCODE_LINES_TODAY: LineReading = { ...LINES_TODAY, nulEnds: 'file' };

/** A card's firmware, and config.txt as each part of it reads it. */
export interface CardFirmware {
  /** Undefined where there is no bootcode.bin on the card, or something else of that name. */
  readonly bootcode: Bootcode | undefined;
  /** config.txt as bootcode.bin reads it; where there is none, as today's would. */
  readonly bootConfig: Config;
  /** The files that bootcode.bin loads; they need not be there. */
  readonly files: FirmwareFiles;
  /** config.txt as start.elf reads it, with notes on what only bootcode.bin would have heard. */
  readonly config: Config;
  /** Undefined where there is no start.elf on the card. */
  readonly firmware: StartElf | undefined;
  /** `files.start`. */
  readonly firmwareFile: string;
}

/**
 * Reads bootcode.bin, config.txt as it does, start.elf, and config.txt again as start.elf does.
 * Throws {@link BOOT_RAMDISK}, `firmware.no-file` where another file than start.elf is chosen and is not there,
 * `firmware.not-start-elf`, `firmware.config-size`, `firmware.file-size`, and what the card throws.
 */
export async function readFirmware(
  card: CardReader,
  board: BoardState,
  notes: string[],
): Promise<CardFirmware> {
  const bootcode = await findBootcode(card, notes);
  const bootConfig = await readConfig(card, {
    board,
    ...bootcodeReading(bootcode),
  });
  refuseBootRamdisk(bootcode, bootConfig, notes);
  const files = firmwareFiles(bootConfig, isOldBootcode(bootcode, undefined));
  const firmwareFile = files.start;
  const bytes = await readSizedIfThere(card, firmwareFile, 'start.elf');
  if (bytes === undefined && firmwareFile !== 'start.elf') throw noFirmware(files);
  if (bytes === undefined)
    notes.push(
      bootcode?.triesOthers === true
        ? 'There is no start.elf on the card, so its bootcode.bin goes on to USB and the network.'
        : 'There is no start.elf on the card; a Raspberry Pi does not start without it.',
    );
  const firmware = bytes && readStartElf(bytes, firmwareFile);
  const report = reportOnBuild(firmware?.buildDate);
  if (report !== undefined) notes.push(report);
  if (!bootcode) await noteGuess(card, board, files, notes);
  const doubts = bootConfig.notes.filter(({ unsure }) => unsure === true);
  const config = await readConfig(card, {
    board,
    ...(firmware && {
      ...(firmware.filters && { filters: firmware.filters }),
      lines: firmware.lines,
      mayCompareStart: firmware.mayCompareStart,
      splitsInitramfs: firmware.splitsInitramfs,
      overlaysInIncludes: firmware.overlaysInIncludes,
      unknown: firmware.unknown,
    }),
  });
  if (!bootcode) notes.push(...(await beyondNetwork(card, config.files)));
  return {
    bootcode,
    bootConfig,
    files,
    config: {
      ...config,
      notes: [
        ...joined(config.notes, doubts),
        ...unheard(bootConfig, config).filter((note) => !doubts.some((doubt) => isSamePlace(doubt, note))),
        ...forSmallerBoards(bootConfig, isOldBootcode(bootcode, firmware)),
      ],
    },
    firmware,
    firmwareFile,
  };
}

/**
 * Whether bootcode.bin is one of 2015: it knows no filters by name. Where there is none on the card, it is taken to be as
 * old as start.elf.
 */
export function isOldBootcode(bootcode: Bootcode | undefined, firmware: StartElf | undefined): boolean {
  return bootcode ? bootcode.filters.length === 0 : firmware?.placesHigh === false;
}

/** How bootcode.bin reads its files of settings; one that is not known is taken for one of today's. */
export function bootcodeReading(
  bootcode: Bootcode | undefined,
): Pick<ConfigOptions, 'reader' | 'filters' | 'lines'> {
  return {
    reader: 'bootcode',
    filters: bootcode?.filters ?? BOOTCODE_FILTERS_TODAY,
    lines: isOldBootcode(bootcode, undefined) ? BOOTCODE_LINES_2015 : BOOTCODE_LINES_TODAY,
  };
}

/**
 * What the bootcode.bin says that reads a card's config.txt; undefined where there is none, or something else.
 * @param notes gets a sentence where it is something else
 */
export async function findBootcode(card: CardReader, notes: string[]): Promise<Bootcode | undefined> {
  try {
    const bytes = card.place?.bootcode ?? (await readSizedIfThere(card, BOOTCODE, BOOTCODE));
    return bytes && readBootcode(bytes);
  } catch (error) {
    if (!(error instanceof HypberryError) || error.code.startsWith('card.')) throw error;
    notes.push(error.message);
    return undefined;
  }
}

/** With `boot_ramdisk` all that is read later is in boot.img, a FAT file system (documentation, "boot_ramdisk"). */
function refuseBootRamdisk(bootcode: Bootcode | undefined, config: Config, notes: string[]): void {
  const value = numberSetting(config, 'boot_ramdisk', 0);
  if (value === 0) return;
  if (bootcode?.knowsBootRamdisk === false) {
    notes.push('This bootcode.bin does not know boot_ramdisk: the line does nothing.');
    return;
  }
  throw new HypberryError(
    BOOT_RAMDISK,
    `config.txt sets boot_ramdisk=${value}, with which a Pi starts from what is inside of boot.img, where hypberry does not look.`,
    'Copy what is in boot.img to the boot partition, and take boot_ramdisk out of config.txt.',
  );
}

const isSamePlace = (a: ConfigNote, b: ConfigNote): boolean => a.file === b.file && a.line === b.line;

/** Notes with those that are unsure for the other program: of one that both make, the unsure one. */
function joined(notes: readonly ConfigNote[], doubts: readonly ConfigNote[]): ConfigNote[] {
  const isSame = (a: ConfigNote, b: ConfigNote): boolean => isSamePlace(a, b) && a.text === b.text;
  return [...notes.filter((note) => !doubts.some((doubt) => isSame(doubt, note))), ...doubts];
}

/** Settings of bootcode.bin's that the two programs read differently: what start.elf makes of them has no effect. */
function unheard(boot: Config, start: Config): ConfigNote[] {
  const notes: ConfigNote[] = [];
  for (const name of BOOTCODE_SETTINGS) {
    const heard = boot.settings.get(name);
    const other = start.settings.get(name);
    if (other && (other.file !== CONFIG || !heard)) {
      notes.push({
        file: other.file,
        line: other.line,
        text:
          other.file === CONFIG
            ? `${name} is read by ${BOOTCODE}, for which this line does not apply.`
            : `${name} has no effect here: ${BOOTCODE} reads it, and reads config.txt alone, without what it includes.`,
      });
    }
    if (
      heard &&
      !(other && other.file === heard.file && other.line === heard.line) &&
      other?.value !== heard.value
    ) {
      notes.push({
        file: heard.file,
        line: heard.line,
        text: `This line applies: ${BOOTCODE} reads ${name}, and not the filter above or what is included.`,
      });
    }
  }
  return notes;
}

/** `gpu_mem_512` and `gpu_mem_256` are documented to be for boards with that much; bootcode.bin goes on to them from 1 GiB. */
function forSmallerBoards(boot: Config, old: boolean): ConfigNote[] {
  const { setBy } = splitMemory(boot, old);
  const setting = setBy !== undefined && /^gpu_mem_(?:512|256)$/.test(setBy) && boot.settings.get(setBy);
  if (!setting) return [];
  const text = `${setting.name} counts on a Pi 2 as well, where gpu_mem_1024 is not set.`;
  return [{ file: setting.file, line: setting.line, text }];
}

/** Says where it would make a difference which bootcode.bin is put on a card that has none. */
async function noteGuess(
  card: CardReader,
  board: BoardState,
  files: FirmwareFiles,
  notes: string[],
): Promise<void> {
  const lines = BOOTCODE_LINES_2015;
  const old = firmwareFiles(await readConfig(card, { board, reader: 'bootcode', filters: [], lines }), true);
  if (old.start === files.start) return;
  notes.push(
    `There is no ${BOOTCODE} on the card: one of today would load ${files.start}, one of 2015 ${old.start}.`,
  );
}

/** Says of files of settings that are too long for the network, from which a Pi without bootcode.bin on its card may have them. */
async function beyondNetwork(card: CardReader, files: readonly string[]): Promise<string[]> {
  const notes: string[] = [];
  for (const file of files) {
    const size = (await card.stat(file))?.size ?? 0;
    if (size > NETWORK_LIMIT)
      notes.push(
        `${file} has ${size} bytes, and a Pi that loads it over the network reads the first ${NETWORK_LIMIT} alone.`,
      );
  }
  return notes;
}

function noFirmware({ start, because }: FirmwareFiles): HypberryError {
  return new HypberryError(
    'firmware.no-file',
    `${because} in config.txt makes bootcode.bin load ${start}, but it is not on the card.`,
    `Copy ${start} to the boot partition, of the same release as bootcode.bin, or take the line out of config.txt.`,
  );
}

/** A name from the boot partition's root where it begins with a slash, else behind `os_prefix`; as {@link plainPath} has it. */
export function withPrefix(prefix: string, name: string): string {
  return plainPath(name.startsWith('/') ? name : prefix + name);
}

/**
 * A path in one way of writing it: without slashes that part nothing, and without `.` and `..`, which FAT's folders have among
 * their entries: NetBSD's cards start with `cmdline=../../cmdline.txt` (its distrib/utils/embedded/conf/arm64.conf). The root
 * has no such entries: a path that looks for one there keeps it, and is not found.
 */
export function plainPath(path: string): string {
  const names: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || (part === '.' && names.length > 0)) continue;
    if (part === '.' || (part === '..' && names.length === 0)) return path;
    if (part === '..') names.pop();
    else names.push(part);
  }
  return names.join('/') + (names.length > 0 && path.endsWith('/') ? '/' : '');
}

/** The first of these that is a file on the card. */
export async function firstThere(card: CardReader, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const entry = await card.stat(path);
    if (entry && !entry.isFolder) return path;
  }
  return undefined;
}
