/** bootcode.bin: the program that the SoC's ROM loads, and which loads start.elf. It reads config.txt first. */
import { ascii, findBytes } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { RAM_SIZE } from '../board/bcm2836.js';
import { numberSetting, textSetting, type Config } from './config.js';
import { filterWords } from './filters.js';
import { looksLike } from './looks-like.js';

/** Its name on every card; the ROM looks for no other. */
export const BOOTCODE = 'bootcode.bin';

/** What bootcode.bin tells about itself. It has no date: it is told by the strings in it. */
export interface Bootcode {
  readonly size: number;
  /**
   * The filters that it knows by name; empty where it knows none, and reads every line of config.txt but those for a
   * serial number (raspberrypi/firmware, issues 716 and 1076).
   */
  readonly filters: readonly string[];
  /** It looks for autoboot.txt on the first partition. */
  readonly knowsAutoboot: boolean;
  /** It reads tryboot.txt in place of config.txt when it was asked to by a reboot. */
  readonly knowsTryboot: boolean;
  /** It knows `tryboot_a_b` in autoboot.txt. */
  readonly knowsTrybootAB: boolean;
  /** It knows `boot_partition` in config.txt. */
  readonly knowsBootPartition: boolean;
  /** It knows `boot_ramdisk`: since September 2025 (raspberrypi/usbboot, pull request 336). */
  readonly knowsBootRamdisk: boolean;
  /** It loads recovery.elf in place of start.elf where there is one, as NOOBS wants it. */
  readonly knowsRecovery: boolean;
  /**
   * Where the card has no start.elf, it goes on to USB and the network (documentation, "Special bootcode.bin-only boot mode");
   * it says so on its UART.
   */
  readonly triesOthers: boolean;
}

/** The filters that today's knows by name (that of April 2024): none on monitors. */
export const BOOTCODE_FILTERS_TODAY: readonly string[] =
  'all pi0 pi1 pi2 pi3 pi4 cm4 pi5 cm5 pi0w pi02 pi3+ cm4s none gpio pi400 pi500 gpio= tryboot board-type'.split(
    ' ',
  );

/** The settings that bootcode.bin reads, and start.elf does not (raspberrypi/firmware, issue 1076). */
export const BOOTCODE_SETTINGS = [
  'gpu_mem',
  'gpu_mem_256',
  'gpu_mem_512',
  'gpu_mem_1024',
  'total_mem',
  'require_total_mem',
  'startx',
  'start_x',
  'start_debug',
  'start_file',
  'fixup_file',
  'boot_partition',
  'boot_ramdisk',
  'legacy_mapping',
  'bootcode_delay',
  'force_pvt',
  'uart_2ndstage',
] as const;

/** Settings of which every bootcode.bin since 2012 knows at least one by name. */
const ITS_OWN = ['gpu_mem', 'start_file', 'total_mem'];

/**
 * Reads what bootcode.bin tells by its strings. In that of 2015 file names are written as FAT's short ones, 8 + 3
 * characters with blanks between (`autoboottxt`).
 * Throws `firmware.not-bootcode` where the file is something else.
 * @param file the whole file
 */
export function readBootcode(file: Uint8Array): Bootcode {
  const has = (...texts: readonly string[]): boolean =>
    texts.some((text) => findBytes(file, ascii(text)) >= 0);
  if (!has(...ITS_OWN.map((name) => `${name}\0`))) {
    throw new HypberryError(
      'firmware.not-bootcode',
      `${BOOTCODE} is not the program that starts a Raspberry Pi: it is ${looksLike(file) ?? 'something that knows none of its settings'}.`,
      'Copy bootcode.bin, start.elf and fixup.dat from the same firmware release to the boot partition again.',
    );
  }
  return {
    size: file.length,
    filters: filterWords(file, '\0pi2\0'),
    knowsAutoboot: has('autoboot.txt\0', 'autoboottxt\0', 'AUTOBOOTTXT\0'),
    knowsTryboot: has('tryboot.txt\0'),
    knowsTrybootAB: has('tryboot_a_b\0'),
    knowsBootPartition: has('boot_partition\0'),
    knowsBootRamdisk: has('boot_ramdisk\0'),
    knowsRecovery: has('recovery.elf\0', 'recoveryelf\0', 'RECOVERYELF\0'),
    triesOthers: has('Trying USB', 'Trying booting from Ethernet device'),
  };
}

/** The two files that make up the firmware, and why these. */
export interface FirmwareFiles {
  readonly start: string;
  /** What fits the memory to the one loaded: the two are of one release and one kind. */
  readonly fixup: string;
  /** The line of config.txt that chooses them, as `gpu_mem=16`; undefined where nothing does. */
  readonly because: string | undefined;
}

/** start.elf's kinds, and the fixup that belongs to each (documentation, "Boot folder contents"). */
const KINDS = {
  plain: { start: 'start.elf', fixup: 'fixup.dat' },
  extended: { start: 'start_x.elf', fixup: 'fixup_x.dat' },
  debug: { start: 'start_db.elf', fixup: 'fixup_db.dat' },
  cutDown: { start: 'start_cd.elf', fixup: 'fixup_cd.dat' },
} as const;

/** A Pi 2's memory, MiB. */
const INSTALLED = RAM_SIZE >>> 20;
/** Above this, a Pi's memory is behind its peripherals: bootcode.bin of 2015 leaves it out (0x3f000000). */
const BELOW_PERIPHERALS = 1008;
/** What today's leaves the cut-down firmware. */
const MOST_FOR_CUT_DOWN = 1014;
const LEAST_TOTAL = 128;
const LEGACY_TOTAL = 512;
/** MiB for the VideoCore where nothing is said: boards with 1 GiB, today; others, and all in 2015. */
const GPU_MEM = 76;
const SMALL_GPU_MEM = 64;
/** What is left to the ARM at the least. */
const LEAST_ARM = 64;
/** MiB for the VideoCore below which it gets the cut-down firmware (raspberrypi/linux, issues 212 and 503), with this. */
const CUT_DOWN_BELOW = 32;
const CUT_DOWN = 16;

/** How the memory is split, MiB. */
export interface MemorySplit {
  readonly arm: number;
  readonly gpu: number;
  /** The setting that says how much the VideoCore gets; undefined where none does. */
  readonly setBy: string | undefined;
  /** What asks for so little that the VideoCore gets the cut-down firmware, as `gpu_mem=16`. */
  readonly cutDown: string | undefined;
}

/**
 * How bootcode.bin splits a Pi 2's memory: `gpu_mem_1024` goes before `gpu_mem_512`, that before `gpu_mem_256` and
 * `gpu_mem`, where they are set and not 0: those for smaller boards count on this one as well. As its code of 2015 and 2024
 * does it; a Pi 2 of February 2015 logged 944 MiB with `gpu_mem=64` (notro/fbtft, issue 243).
 * @param config config.txt as bootcode.bin reads it: see `readFirmware`
 * @param old whether it is one of 2015
 */
export function splitMemory(config: Config, old: boolean): MemorySplit {
  const legacy = (numberSetting(config, 'legacy_mapping', 0) & 1) !== 0;
  const set = numberSetting(config, 'total_mem', 0);
  const most = legacy ? LEGACY_TOTAL : INSTALLED;
  const total = Math.min(most, set === 0 ? most : Math.max(set, LEAST_TOTAL));
  const names = [
    ...(total >= (old ? INSTALLED : BELOW_PERIPHERALS) ? ['gpu_mem_1024'] : []),
    ...(total >= 512 ? ['gpu_mem_512'] : []),
    ...(total >= 256 ? ['gpu_mem_256'] : []),
    'gpu_mem',
  ];
  const name = names.find((it) => numberSetting(config, it, 0) !== 0);
  const asked = name
    ? numberSetting(config, name, 0)
    : !old && total > BELOW_PERIPHERALS
      ? GPU_MEM
      : SMALL_GPU_MEM;
  const gpu = Math.min(total - LEAST_ARM, asked);
  if (gpu >= CUT_DOWN_BELOW) {
    return {
      arm: (old ? Math.min(total, BELOW_PERIPHERALS) : total) - gpu,
      gpu,
      setBy: name,
      cutDown: undefined,
    };
  }
  const limit = old ? BELOW_PERIPHERALS : MOST_FOR_CUT_DOWN;
  return { arm: Math.min(total, limit) - CUT_DOWN, gpu: CUT_DOWN, setBy: name, cutDown: `${name}=${asked}` };
}

/** Characters of `start_file` and `fixup_file` that count: of the name in 2015, when it was FAT's short one, or in all. */
const SHORT_NAME = 8;
const LONGEST_NAME = 12;

/**
 * The files that bootcode.bin loads. `start_debug` goes before `start_x` (`startx`, its older name), those before
 * `start_file` and `fixup_file`, and these before what a small `gpu_mem` implies: the order of its code of 2015 and 2024.
 * @param config config.txt as bootcode.bin reads it: see `readFirmware`
 * @param old whether it is one of 2015
 */
export function firmwareFiles(config: Config, old: boolean): FirmwareFiles {
  for (const [name, kind] of [
    ['start_debug', KINDS.debug],
    ['start_x', KINDS.extended],
    ['startx', KINDS.extended],
  ] as const) {
    const value = numberSetting(config, name, 0);
    if (value !== 0) return { ...kind, because: `${name}=${value}` };
  }
  const { cutDown } = splitMemory(config, old);
  const kind = cutDown === undefined ? KINDS.plain : KINDS.cutDown;
  const start = textSetting(config, 'start_file');
  const fixup = textSetting(config, 'fixup_file');
  return {
    start: start ? readableName(start, 'elf', old) : kind.start,
    fixup: fixup ? readableName(fixup, 'dat', old) : kind.fixup,
    because: start ? `start_file=${start}` : cutDown,
  };
}

/** A name as bootcode.bin looks for it: in 2015 it keeps eight characters in front of the dot, and its own ending. */
function readableName(name: string, ending: string, old: boolean): string {
  return old ? `${name.split('.')[0]!.slice(0, SHORT_NAME)}.${ending}` : name.slice(0, LONGEST_NAME);
}
