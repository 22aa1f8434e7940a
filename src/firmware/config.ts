import type { CardReader } from '../card/card.js';
import { applyingLines, type Reading } from './applying-lines.js';
import { PI2, type BoardState } from './filters.js';
import { LINES_TODAY, type LineReading } from './lines.js';
import { parseNumber } from './numbers.js';
import { decides, optionGroup, similarOption, tells } from './options.js';

export { PI2, type BoardState };

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

export interface ConfigOptions {
  /** Default {@link PI2}. */
  readonly board?: BoardState;
  /**
   * Words for filters that the reader knows (`filterWords`); default every one that there is. One that knows none reads a
   * section line as nothing, and every line applies.
   */
  readonly filters?: readonly string[];
  /**
   * Default start.elf. bootcode.bin reads config.txt alone, without what it includes (raspberrypi/firmware, issues 1641 and
   * 1810); of each, notes on lines that are the other's alone are never unsure.
   */
  readonly reader?: 'bootcode' | 'start';
  /** False for firmware that looks for overlays and parameters in config.txt alone. Default true. */
  readonly overlaysInIncludes?: boolean;
  /** True for firmware of which it is not known whether it has filters such as `[boot_partition=2]`. Default false. */
  readonly mayCompareStart?: boolean;
  /** False for firmware that takes a comma in the value of `initramfs` for a part of the name. Default true. */
  readonly splitsInitramfs?: boolean;
  /** Settings that the reader does not know: their lines do nothing. Default none. */
  readonly unknown?: readonly string[];
  /** Default {@link LINES_TODAY}. */
  readonly lines?: LineReading;
  /** Default `config.txt`. */
  readonly file?: string;
}

/** Where reading begins. */
export const CONFIG = 'config.txt';

/** By the code of start.elf such a value is 0; a report has lines of these that were as if they were not there. */
const ADDRESSES: ReadonlySet<string> = new Set(['kernel_address', 'device_tree_address']);

/** Lines whose effects add up instead of the last one winning. */
const ADDING_UP = new Set([
  'dtoverlay',
  'dtparam',
  'dtparams',
  'device_tree_overlay',
  'device_tree_param',
  'device_tree_params',
]);

/**
 * Reads config.txt and what it includes, as the firmware does for one board. A missing config.txt is an empty one.
 * Throws `firmware.config-size` for files over 256 KiB.
 * @param card the boot partition
 */
export async function readConfig(card: CardReader, options: ConfigOptions = {}): Promise<Config> {
  const reader = options.reader ?? 'start';
  const settings = new Map<string, Setting>();
  const deviceTree: Setting[] = [];
  const notes: ConfigNote[] = [];
  const files: string[] = [];
  let initramfs: InitramfsSetting | undefined;

  const note = (place: Place, text: string, unsure = false): void => {
    notes.push({ file: place.file, line: place.line, text, ...(unsure && { unsure }) });
  };

  const noteNothing = (place: Place, isRest: boolean): void => {
    if (!isRest) note(place, 'This line is neither a setting nor anything else that is known.');
  };

  const ramdiskNames = (value: string, place: Place): readonly string[] => {
    if (options.splitsInitramfs !== false) {
      const names = value.split(',');
      const named = names.filter((name) => name !== '');
      if (named.length < names.length && names.length > 1)
        note(place, 'A comma without a name on both its sides is taken to do nothing.');
      return named;
    }
    if (value.includes(','))
      note(place, 'This firmware takes all of it for one name; several work since January 2020.');
    return [value];
  };

  const applySetting = (setting: Setting, separator: string, isRest: boolean): void => {
    const { name, value, file, line } = setting;
    if (options.unknown?.includes(name)) {
      note(setting, `This firmware does not know ${name}: the line does nothing.`);
      return;
    }
    const option = name.replace(/:\d$/, '');
    if (!optionGroup(option)) {
      const meant = similarOption(option);
      if (separator !== '=') noteNothing(setting, isRest);
      else if (meant?.toLowerCase() === option.toLowerCase())
        note(setting, `This line does nothing: names count with regard to case, and this one is ${meant}.`);
      else if (meant) note(setting, `${name} is not a setting that hypberry knows; ${meant} is one.`);
      if (separator !== '=') return;
    } else if (!ADDING_UP.has(name) && secondSetting(value) !== undefined) {
      note(setting, `A line is one setting: ${secondSetting(value)!} behind the value of ${name} is none.`);
    } else if (value.startsWith('=')) {
      const what = `The value of ${name} begins with "=": a blank in front of it ends the name already`;
      if (ADDRESSES.has(name))
        note(
          setting,
          `${what}. Whether the address is 0 then, or as without the line, is not known.`,
          reader === 'start',
        );
      else note(setting, `${what}.`);
    }
    settings.set(name, setting);
    if (ADDING_UP.has(name)) {
      if (options.overlaysInIncludes !== false || file === (options.file ?? CONFIG)) deviceTree.push(setting);
      else note(setting, `This firmware looks for ${name} in ${CONFIG} alone, so this line does nothing.`);
    }
    if (name === 'ramfsfile') {
      initramfs = {
        names: ramdiskNames(value, setting),
        address: initramfs?.address ?? 'followkernel',
        file,
        line,
      };
    } else if (name === 'ramfsaddr') {
      initramfs = { names: initramfs?.names ?? [], address: ramdiskAddress(value), file, line };
    }
  };

  const applyInitramfs = (text: string, place: Place): void => {
    // As sscanf reads it with the two forms that stand in start.elf, `initramfs %64s %i` and `initramfs %64s followkernel`:
    // what comes behind the name and is no number changes nothing (volumio/Build, issue 368).
    const [, name = '', address] = /^initramfs\s*(\S{1,64})\s*([+-]?\d\S*)?/.exec(text) ?? [];
    initramfs = { names: ramdiskNames(name, place), address: ramdiskAddress(address ?? ''), ...place };
    if (!name.startsWith('=')) return;
    // It is the name of a file that is not there.
    initramfs = undefined;
    note(place, 'This line does nothing: the form is "initramfs NAME followkernel", without an equals sign.');
  };

  const reading: Reading = {
    board: options.board ?? PI2,
    ...(options.filters && { filters: options.filters }),
    mayCompareStart: options.mayCompareStart ?? false,
    includes: reader === 'start',
    lines: options.lines ?? LINES_TODAY,
    decides: (line) => decides(line, reader),
    tells: (line) => tells(line, reader),
  };
  for await (const { text, place, isRest } of applyingLines(
    card,
    options.file ?? CONFIG,
    reading,
    note,
    files,
  )) {
    if (/^initramfs[\s=]/.test(text)) {
      applyInitramfs(text, place);
      continue;
    }
    // The name ends at the first of these; blanks behind it are passed over.
    const end = text.search(/[= \t]/);
    if (end <= 0) noteNothing(place, isRest);
    else {
      const name = text.slice(0, end);
      const rest = text.slice(end + 1);
      // The reader of these is another one, and does not pass over blanks.
      const value = ADDING_UP.has(name) ? rest : rest.replace(/^[ \t]+/, '');
      applySetting({ name, value, ...place }, text.charAt(end), isRest);
    }
  }
  return {
    settings,
    initramfs: namesAFile(initramfs) ? initramfs : undefined,
    deviceTree,
    notes,
    files,
  };
}

/** The name of a known setting that stands in the value of another, as `kernel` in `1 kernel=u-boot.bin`. */
function secondSetting(value: string): string | undefined {
  const names = [...value.matchAll(/[ \t](\w+)=/g)].map(([, name = '']) => name);
  return names.find((name) => optionGroup(name) !== undefined);
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
 * A setting's number, as `parseNumber` reads it. `fallback` where no line that applies sets it.
 */
export function numberSetting<T extends number | undefined>(
  config: Config,
  name: string,
  fallback: T,
): number | T {
  const value = config.settings.get(name)?.value;
  return value === undefined ? fallback : parseNumber(value);
}

/** 0 and -1 stand for "where it fits" (documentation of `initramfs`; `ramfsaddr=-1` is the older way to say it). */
function ramdiskAddress(text: string): number | 'followkernel' {
  const address = parseNumber(text);
  return address <= 0 ? 'followkernel' : address;
}

function namesAFile(initramfs: InitramfsSetting | undefined): boolean {
  return initramfs !== undefined && initramfs.names.some((name) => name !== '');
}
