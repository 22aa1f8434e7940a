/** bootcode.bin: the program that the SoC's ROM loads, and which loads start.elf. It reads config.txt first. */
import { ascii, findBytes } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { numberSetting, textSetting, type Config } from './config.js';
import { filterWords } from './filters.js';

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
  /** It loads recovery.elf in place of start.elf where there is one, as NOOBS wants it. */
  readonly knowsRecovery: boolean;
}

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
      `${BOOTCODE} is not the program that starts a Raspberry Pi: it knows none of its settings.`,
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
    knowsRecovery: has('recovery.elf\0', 'recoveryelf\0', 'RECOVERYELF\0'),
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

/** The file that tells start.elf's kinds apart, and their fixups (documentation, "Boot folder contents"). */
const KINDS = {
  plain: { start: 'start.elf', fixup: 'fixup.dat' },
  extended: { start: 'start_x.elf', fixup: 'fixup_x.dat' },
  debug: { start: 'start_db.elf', fixup: 'fixup_db.dat' },
  cutDown: { start: 'start_cd.elf', fixup: 'fixup_cd.dat' },
} as const;

/** MiB for the VideoCore below which it gets the cut-down firmware (raspberrypi/linux, issues 212 and 503). */
const CUT_DOWN_BELOW = 32;

/** `gpu_mem` for a board with 1 GiB, as it is written, MiB; undefined where no line that applies sets it. */
export function gpuMemory(config: Config): number | undefined {
  return numberSetting(config, 'gpu_mem_1024', undefined) ?? numberSetting(config, 'gpu_mem', undefined);
}

/**
 * The files that bootcode.bin loads: those named by `start_file` and `fixup_file`, else what `start_debug`, `start_x`
 * (`startx`, its older name), or a small `gpu_mem` imply. The extended firmware goes before the cut-down one
 * (raspberrypi/linux, issue 503).
 * @param config config.txt as bootcode.bin reads it: see `readFirmware`
 */
export function firmwareFiles(config: Config): FirmwareFiles {
  const chosen = chooseKind(config);
  const start = textSetting(config, 'start_file');
  const fixup = textSetting(config, 'fixup_file');
  return {
    start: start ? start : chosen.start,
    fixup: fixup ? fixup : chosen.fixup,
    because: start ? `start_file=${start}` : chosen.because,
  };
}

function chooseKind(config: Config): FirmwareFiles {
  for (const [name, kind] of [
    ['start_debug', KINDS.debug],
    ['start_x', KINDS.extended],
    ['startx', KINDS.extended],
  ] as const) {
    const value = numberSetting(config, name, 0);
    if (value !== 0) return { ...kind, because: `${name}=${value}` };
  }
  const gpu = gpuMemory(config);
  // Where it is 0, nothing is asked for.
  if (gpu !== undefined && gpu !== 0 && gpu < CUT_DOWN_BELOW) {
    const name = config.settings.has('gpu_mem_1024') ? 'gpu_mem_1024' : 'gpu_mem';
    return { ...KINDS.cutDown, because: `${name}=${gpu}` };
  }
  return { ...KINDS.plain, because: undefined };
}
