import { HypberryError } from '../base/errors.js';
import type { CardReader } from '../card/card.js';

/** Where a line stands. */
export interface Place {
  /** The file's path on the boot partition. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** A `name=value` line that applies. */
export interface Setting extends Place {
  /** As written: names are matched with regard to case. */
  readonly name: string;
  readonly value: string;
}

/** The ramdisk asked for by `initramfs`, or by `ramfsfile` and `ramfsaddr`. */
export interface InitramfsSetting extends Place {
  /** Names of the files, to be put one behind the other. */
  readonly names: readonly string[];
  readonly address: number | 'followkernel';
}

/** Something in the file that does not do what it seems to. */
export interface ConfigNote extends Place {
  /** One sentence. */
  readonly text: string;
  /**
   * What the firmware makes of the line is not known, and it could change what the Pi starts: a command that writes
   * must not go on with a guess.
   */
  readonly unsure?: boolean;
}

/** A config.txt, as the firmware of one board reads it. */
export interface Config {
  /** The last line that applies for each name. */
  readonly settings: ReadonlyMap<string, Setting>;
  readonly initramfs: InitramfsSetting | undefined;
  /** `dtoverlay`, `dtparam` and their older names: these add up, in this order. */
  readonly deviceTree: readonly Setting[];
  readonly notes: readonly ConfigNote[];
  /** Paths of the files read, without those missing. */
  readonly files: readonly string[];
}

/** What filters ask about a board. */
export interface BoardState {
  /** Model names that `[…]` filters know the board by, in lower case. */
  readonly models: readonly string[];
  /** The type field of the revision code, for `[board-type=…]`. */
  readonly boardType: number;
  /** The lower 32 bits of the serial number, for `[0x…]`. */
  readonly serial: number;
  /** EDID names of the monitors connected, for `[EDID=…]`. */
  readonly monitors: readonly string[];
  /** Levels of GPIO pins, for `[gpioN=…]`. */
  readonly gpio: (pin: number) => 0 | 1;
  /** The `tryboot` reboot flag. */
  readonly tryboot: boolean;
}

/** Pins that the SoC pulls up from reset; others are pulled down or float (BCM2835 ARM Peripherals, table 6-31). */
const PULLED_UP = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 34, 35, 36, 46, 47, 48, 49, 50, 51, 52, 53]);

/** A Pi 2 Model B with nothing connected, started in the ordinary way. */
export const PI2: BoardState = {
  models: ['pi2'],
  boardType: 0x04,
  serial: 0,
  monitors: [],
  gpio: (pin) => (PULLED_UP.has(pin) ? 1 : 0),
  tryboot: false,
};

export interface ConfigOptions {
  /** Default {@link PI2}. */
  readonly board?: BoardState;
  /**
   * Words for filters that the reader knows (`filterWords`); default every one that there is. One that knows none reads a
   * section line as nothing, and every line applies.
   */
  readonly filters?: readonly string[];
  /** False for bootcode.bin, which reads config.txt alone (raspberrypi/firmware, issues 1641 and 1810). Default true. */
  readonly includes?: boolean;
  /** Characters of a line that count: 98, or 78 for firmware before about 2019. */
  readonly lineLimit?: number;
  /** Default `config.txt`. */
  readonly file?: string;
}

/** Where reading begins. */
export const CONFIG = 'config.txt';

/** Longest line of today's firmware (Raspberry Pi documentation, "What is config.txt?"). */
export const LINE_LIMIT = 98;
/** The same of earlier firmware. */
export const OLD_LINE_LIMIT = 78;

/** Files within files, and files in all, at which `include` is given up. The firmware's own limits are not known. */
const INCLUDE_DEPTH = 8;
const INCLUDE_FILES = 64;
/** Bytes that a file of settings may have; real ones have a few thousand. */
const SIZE_LIMIT = 256 << 10;

/** Lines whose effects add up instead of the last one winning. */
const ADDING_UP = new Set(['dtoverlay', 'dtparam', 'device_tree_overlay', 'device_tree_param']);

/** Kinds of filters: one replaces another of its kind, and all of them must hold (documentation, "Conditional filters"). */
type FilterKind = 'model' | 'none' | 'edid' | 'serial' | 'gpio' | 'hdmi' | 'tryboot' | 'board-type';

/**
 * Reads config.txt and what it includes, as the firmware does for one board. A missing config.txt is an empty one.
 * Throws `firmware.config-size` for files over 256 KiB. Files are ASCII or UTF-8, with LF or CR LF, with or without an end to the last line.
 * @param card the boot partition
 */
export async function readConfig(card: CardReader, options: ConfigOptions = {}): Promise<Config> {
  const board = options.board ?? PI2;
  const lineLimit = options.lineLimit ?? LINE_LIMIT;
  const settings = new Map<string, Setting>();
  const deviceTree: Setting[] = [];
  const notes: ConfigNote[] = [];
  const files: string[] = [];
  const filters = new Map<FilterKind, boolean>();
  let initramfs: InitramfsSetting | undefined;

  const note = (place: Place, text: string): void => {
    notes.push({ file: place.file, line: place.line, text });
  };

  const applySection = (name: string, place: Place): void => {
    if (name.toLowerCase() === 'all') {
      filters.clear();
      return;
    }
    const result = evaluateFilter(name, board);
    if (result === undefined)
      note(place, `The filter [${name}] is not known; the lines under it are taken not to apply.`);
    const [kind, holds] = result ?? ['model', false];
    if (filters.has('none') && kind !== 'none') {
      note(
        place,
        `[${name}] comes after [none] without [all] between; the lines under it are taken not to apply.`,
      );
    }
    filters.set(kind, holds);
  };

  const applySetting = (setting: Setting): void => {
    settings.set(setting.name, setting);
    const { name, value, file, line } = setting;
    if (ADDING_UP.has(name)) deviceTree.push(setting);
    if (name === 'ramfsfile') {
      initramfs = { names: value.split(','), address: initramfs?.address ?? 'followkernel', file, line };
    } else if (name === 'ramfsaddr') {
      initramfs = { names: initramfs?.names ?? [], address: ramdiskAddress(value), file, line };
    }
    if (name !== name.trimEnd())
      note(setting, `The blank before "=" is part of the name, so "${name.trim()}" is not set.`);
    else if (value !== value.trimStart())
      note(setting, `The blank after "=" is part of the value of "${name}".`);
  };

  const applyInitramfs = (text: string, place: Place): void => {
    const match = /^initramfs\s+(\S{1,64})\s+(followkernel|0x[0-9a-f]+|\d+)\s*$/i.exec(text);
    if (!match) {
      // Only these two forms are parsed (raspberrypi/firmware, issue 450).
      note(
        place,
        'This line is ignored: the form is "initramfs NAME followkernel" or "initramfs NAME ADDRESS".',
      );
      return;
    }
    initramfs = { names: match[1]!.split(','), address: ramdiskAddress(match[2]!), ...place };
  };

  const readFile = async (file: string, outer: readonly string[], from: Place | undefined): Promise<void> => {
    const bytes = await readIfThere(card, file);
    if (bytes === undefined) {
      if (from) note(from, `The file to include, ${file}, is not there.`);
      return;
    }
    files.push(file);
    const text = new TextDecoder().decode(bytes);
    for (const [index, raw] of text.split('\n').entries()) {
      const place = { file, line: index + 1 };
      const whole = raw.replace(/\r+$/, '').trimStart();
      if (whole === '' || whole.startsWith('#')) continue;
      if (whole.length > lineLimit) note(place, `Only the first ${lineLimit} characters of this line count.`);
      const line = whole.slice(0, lineLimit).trimEnd();

      if (line.startsWith('[')) {
        if (options.filters?.length === 0)
          note(place, 'This firmware is older than filters: the lines below apply to every board.');
        else applySection(line.slice(1).split(']')[0]!.trim(), place);
        continue;
      }
      if ([...filters.values()].includes(false)) continue;
      const include = /^include\s+(\S{1,64})/.exec(line);
      if (include) {
        if (options.includes === false) continue;
        const inner = include[1]!.replace(/^\/+/, '');
        const chain = [...outer, file];
        if (chain.some((path) => path.toLowerCase() === inner.toLowerCase())) {
          note(place, `${inner} includes itself; this line is ignored.`);
        } else if (chain.length > INCLUDE_DEPTH || files.length >= INCLUDE_FILES) {
          note(place, 'Too many files include each other; this line is ignored.');
        } else {
          await readFile(inner, chain, place);
        }
      } else if (/^initramfs\s/.test(line)) {
        applyInitramfs(line, place);
      } else {
        const equals = line.indexOf('=');
        if (equals <= 0) note(place, 'This line is neither a setting nor anything else that is known.');
        else applySetting({ name: line.slice(0, equals), value: line.slice(equals + 1), ...place });
      }
    }
  };

  await readFile(options.file ?? CONFIG, [], undefined);
  return {
    settings,
    initramfs: namesAFile(initramfs) ? initramfs : undefined,
    deviceTree,
    notes,
    files,
  };
}

/** A note for people, with its place in front. */
export function describeNote({ file, line, text }: ConfigNote): string {
  return `${file}, line ${line}: ${text}`;
}

/** A setting's text, or undefined where no line that applies sets it. */
export function textSetting(config: Config, name: string): string | undefined {
  return config.settings.get(name)?.value;
}

/**
 * A setting's number: decimal, or hexadecimal after `0x`, as far as it goes (so `1 # yes` is 1); 0 where the value is
 * no number. `fallback` where no line that applies sets it.
 */
export function numberSetting<T extends number | undefined>(
  config: Config,
  name: string,
  fallback: T,
): number | T {
  const value = config.settings.get(name)?.value;
  return value === undefined ? fallback : parseNumber(value);
}

function parseNumber(text: string): number {
  const match = /^\s*([+-]?)(0x[0-9a-f]+|\d+)/i.exec(text);
  return match ? Number(match[2]) * (match[1] === '-' ? -1 : 1) : 0;
}

/** 0 and -1 stand for "where it fits" (documentation of `initramfs`; `ramfsaddr=-1` is the older way to say it). */
function ramdiskAddress(text: string): number | 'followkernel' {
  const address = parseNumber(text);
  return text.toLowerCase() === 'followkernel' || address <= 0 ? 'followkernel' : address;
}

function namesAFile(initramfs: InitramfsSetting | undefined): boolean {
  return initramfs !== undefined && initramfs.names.some((name) => name !== '');
}

/** The kind of a filter and whether it holds; undefined where its name is not known. */
function evaluateFilter(name: string, board: BoardState): readonly [FilterKind, boolean] | undefined {
  const filter = name.toLowerCase();
  if (filter === 'none') return ['none', false];
  if (filter === 'tryboot') return ['tryboot', board.tryboot];
  if (/^(pi[0-9]\w*\+?|cm[0-9]\w*)$/.test(filter)) return ['model', board.models.includes(filter)];
  if (/^0x[0-9a-f]+$/.test(filter))
    return ['serial', Number(BigInt.asUintN(32, BigInt(filter))) === board.serial];
  const [left, right] = filter.split('=', 2) as [string, string | undefined];
  if (left === 'edid' && right !== undefined) {
    return ['edid', board.monitors.some((monitor) => monitor.toLowerCase() === right)];
  }
  if (left === 'board-type' && right !== undefined)
    return ['board-type', parseNumber(right) === board.boardType];
  const gpio = /^gpio(\d+)$/.exec(left);
  if (gpio && right !== undefined) return ['gpio', board.gpio(Number(gpio[1])) === parseNumber(right)];
  // Only says which of a Pi 4's connectors hdmi_ lines are about.
  if (/^hdmi:\d$/.test(filter)) return ['hdmi', filter === 'hdmi:0'];
  return undefined;
}

async function readIfThere(card: CardReader, path: string): Promise<Uint8Array | undefined> {
  const entry = await card.stat(path);
  if (entry === undefined || entry.isFolder) return undefined;
  if (entry.size > SIZE_LIMIT) {
    throw new HypberryError(
      'firmware.config-size',
      `${path} has ${entry.size} bytes; that is no file of settings.`,
      'Put a config.txt of your own in its place.',
    );
  }
  try {
    return await card.read(path);
  } catch (error) {
    if (error instanceof HypberryError && error.code === 'card.no-file') return undefined;
    throw error;
  }
}
