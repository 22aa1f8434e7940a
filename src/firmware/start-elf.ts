import { ascii, findBytes, readText, readU16LE, readU32LE } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { onceForBytes } from '../base/memo.js';
import { decodeA32 } from '../isa/decoder.js';
import { ALWAYS } from '../isa/registers.js';
import { MPIDR } from '../isa/system-registers.js';
import { isBuiltBy } from './builds.js';
import { filterWords } from './filters.js';
import { LINES_2015, LINES_2021, LINES_TODAY, type LineReading } from './lines.js';
import { elfExtent, looksLike } from './looks-like.js';
import { readStub, STUB_SIZE, type StubBehaviour } from './stub.js';

/** A stub inside start.elf. */
export interface BuiltInStub extends StubBehaviour {
  /** Offset in the file, bytes. */
  readonly offset: number;
  /** Bytes; always 256. */
  readonly length: number;
}

/** What the VideoCore's firmware file tells about itself. */
export interface StartElf {
  readonly size: number;
  /** As the build wrote it: `Nov 25 2015`. Undefined where no build line was found. */
  readonly buildDate: string | undefined;
  /** `17:48:48`. */
  readonly buildTime: string | undefined;
  /** The hash of the sources. */
  readonly version: string | undefined;
  /** The setting `armstub` is known. */
  readonly knowsArmstub: boolean;
  /** A file `armstub7.bin` on the card is taken without being named. */
  readonly knowsArmstub7File: boolean;
  readonly knowsKernelOld: boolean;
  readonly knowsDeviceTreeAddress: boolean;
  /**
   * The filters known by name, `all` first; empty where sections in config.txt are not read. Firmware before 12 February
   * 2015 does not know `pi2`, and that of 2012 no model at all. Undefined where `pi2` stands in the file, but not where
   * that of known firmware does: then all are taken to be known. {@link knowsFilter} asks it.
   */
  readonly filters: readonly string[] | undefined;
  /** `dtoverlay` and its like count in included files, too; in July 2015 `include` is known to the reader of settings alone. */
  readonly overlaysInIncludes: boolean;
  /** It is late enough for filters such as `[boot_partition=2]`; whether it has them is not known. */
  readonly mayCompareStart: boolean;
  /** A comma in the value of `initramfs` stands between names of files; before January 2020 it is a part of one name. */
  readonly splitsInitramfs: boolean;
  /** How it takes a file of settings into lines. */
  readonly lines: LineReading;
  /** Settings that decide what is started and that it does not know: those that came with later firmware. */
  readonly unknown: readonly string[];
  /** The tag 283x in a kernel's trailer counts: it asks for the tree with the upstream name. */
  readonly readsUpstreamTag: boolean;
  /**
   * A tree with the upstream name alone is found, though nothing asks for it: seen of firmware after that of 31 March 2022
   * (raspberrypi/firmware, issue 1765), and not before (issue 1261).
   */
  readonly findsUpstreamTree: boolean;
  /** To a tree with the downstream name it applies the overlay `upstream` by itself, where the upstream one is asked for. */
  readonly appliesUpstream: boolean;
  /** The kernel's command line where cmdline.txt gives none; undefined where it was not found. */
  readonly commandLine: string | undefined;
  /**
   * What a kernel file needs to be given a device tree: `trailer`, one that says so (else it is given ATAGS);
   * `nothing`, every kernel is given the tree.
   */
  readonly treeNeeds: 'trailer' | 'nothing';
  /** Tree and initramfs go to the top of low memory; else to 0x100 and behind the kernel. */
  readonly placesHigh: boolean;
  /** It gives the kernel a seed for its random numbers in /chosen/rng-seed (raspberrypi/firmware, issue 1595). */
  readonly givesSeed: boolean;
  /** Every stub with a way to non-secure state, in the order of the file. */
  readonly stubs: readonly BuiltInStub[];
  /** The one that a BCM2836 gets; undefined where none fits. */
  readonly stub: BuiltInStub | undefined;
}

const ELF_MAGIC = 0x464c_457f;
const ELF_MAGIC_SIZE = 4;
/** e_machine of VideoCore III, which VideoCore IV files keep. */
const EM_VIDEOCORE3 = 137;
const E_MACHINE_AT = 0x12;

/** The format with which it takes a section line apart; the words that it knows stand around it. */
const SECTION_FORMAT = '\0[%60c]\0';

/**
 * Settings that decide what is started, and do not stand in every start.elf. Seen: `armstub` and `overlay_prefix` not yet on
 * 6 April 2016, but on 13 May; `upstream_kernel` in May 2018, `os_prefix` in April 2020, `auto_initramfs` in February 2024.
 */
const NOT_IN_ALL = [
  'armstub',
  'kernel_old',
  'device_tree_address',
  'overlay_prefix',
  'upstream_kernel',
  'os_prefix',
  'auto_initramfs',
] as const;

/** What it logs of a tree that it puts where it likes. */
const TREE_LOADED = 'Device tree loaded to 0x';

const LAST_WITHOUT_UPSTREAM_NAMES = [2022, 3, 31] as const;
/** They came to a Pi 5's bootloader in those days (raspberrypi/documentation 4037, raspberrypi/rpi-eeprom 676). */
const LAST_WITHOUT_START_FILTERS = [2025, 2, 24] as const;
/** Several names were proposed on 14 January 2020 (raspberrypi/firmware, issue 1318). */
const LAST_WITH_ONE_INITRAMFS = [2020, 1, 13] as const;
/** When the rest of a long line was reported to be read; when that ended is not known (raspberrypi/firmware, issue 1669). */
const LAST_SEEN_READING_RESTS = [2021, 12, 17] as const;

/** `smc #0` in both instruction sets, as the bytes lie in memory (ARM ARM, B9.3.14). */
const A32_SMC = Uint8Array.of(0x70, 0x00, 0x60, 0xe1);
const T32_SMC = Uint8Array.of(0xf0, 0xf7, 0x00, 0x80);

/**
 * Reads what start.elf tells: when it was built, which settings it knows (by their names in it), and the stubs.
 * Throws `firmware.not-start-elf` where the file is no whole VideoCore ELF file.
 * @param file the whole file
 * @param name what it is called on the card
 */
export function readStartElf(file: Uint8Array, name = 'start.elf'): StartElf {
  const fault = notStartElf(file);
  if (fault === undefined) return tellStartElf(file);
  throw new HypberryError(
    'firmware.not-start-elf',
    `${name} is not the VideoCore's firmware: it is ${fault}.`,
    `Copy ${name} and the fixup file that belongs to it from one firmware release to the boot partition again.`,
  );
}

/** What a file is that bootcode.bin does not start; undefined where it looks like start.elf. */
function notStartElf(file: Uint8Array): string | undefined {
  if (file.length < ELF_MAGIC_SIZE || readU32LE(file, 0) !== ELF_MAGIC)
    return looksLike(file) ?? 'no ELF file for VideoCore';
  const size = elfExtent(file);
  if (size === undefined || size > file.length) {
    return `cut short: it has ${file.length} bytes${size === undefined ? '' : `, and its header says ${size}`}`;
  }
  return readU16LE(file, E_MACHINE_AT) === EM_VIDEOCORE3 ? undefined : 'an ELF file for another processor';
}

const tellStartElf = onceForBytes((file: Uint8Array): StartElf => {
  const has = (text: string): boolean => findBytes(file, ascii(text)) >= 0;
  const build = readBuild(file);
  const stubs = findStubs(file);
  const words = filterWords(file, SECTION_FORMAT);
  const knowsArmstub = has('\0armstub\0');
  // What it does with trees is told by what it logs. start_cd.elf logs nothing since November 2015; there armstub tells: of
  // 32 files that log, of 2015 to 2024, those know it that do as today, the first of 13 May 2016, and none of the others.
  const logs = has('assuming not DT-capable') || has('assuming DT-capable') || has(TREE_LOADED);
  const takesAnyKernel = logs ? has('assuming DT-capable') : knowsArmstub;
  const placesHigh = logs ? has(TREE_LOADED) : knowsArmstub;
  return {
    size: file.length,
    ...build,
    knowsArmstub,
    knowsArmstub7File: has('\0armstub7.bin\0'),
    knowsKernelOld: has('\0kernel_old\0'),
    knowsDeviceTreeAddress: has('\0device_tree_address\0'),
    // Of the words around, nothing but the [all] that every reader of sections knows. Every file has a spi2, too.
    filters: words.length === 1 && has('\0pi2\0') ? undefined : words,
    overlaysInIncludes: !has('\0ramfsaddr\0\0\0include %64s '),
    mayCompareStart: build.buildDate !== undefined && !isBuiltBy(build.buildDate, LAST_WITHOUT_START_FILTERS),
    splitsInitramfs: !isBuiltBy(build.buildDate, LAST_WITH_ONE_INITRAMFS),
    lines: !placesHigh
      ? LINES_2015
      : isBuiltBy(build.buildDate, LAST_SEEN_READING_RESTS)
        ? LINES_2021
        : LINES_TODAY,
    unknown: NOT_IN_ALL.filter((name) => !has(`\0${name}\0`)),
    readsUpstreamTag: has('283x'),
    findsUpstreamTree: !isBuiltBy(build.buildDate, LAST_WITHOUT_UPSTREAM_NAMES),
    appliesUpstream: has('\0upstream\0'),
    commandLine: readCommandLine(file),
    treeNeeds: has('RPTL\0') && !takesAnyKernel ? 'trailer' : 'nothing',
    placesHigh,
    givesSeed: has('\0/chosen/rng-seed\0'),
    stubs,
    stub: chooseStub(stubs),
  };
});

/** Whether firmware reads sections of config.txt as filters; taken to be so where it is not known. */
export function readsSections(firmware: Pick<StartElf, 'filters'> | undefined): boolean {
  return firmware?.filters?.length !== 0;
}

/** Whether firmware knows a filter by its name, such as `pi2`; taken to be so where it is not known. */
export function knowsFilter(firmware: Pick<StartElf, 'filters'> | undefined, name: string): boolean {
  return firmware?.filters?.includes(name) ?? true;
}

/** The BCM2836's among them: not for a newer core, and with a place where cores 1 to 3 wait if there are several. */
function chooseStub(stubs: readonly BuiltInStub[]): BuiltInStub | undefined {
  const fitting = stubs.filter((stub) => !stub.forNewerCore);
  return fitting.find((stub) => stub.waitsOnMailbox) ?? (fitting.length === 1 ? fitting[0] : undefined);
}

/** One line for people: when it was built, and how it starts the kernel on a Pi 2. */
export function describeStartElf(firmware: StartElf): string {
  const built =
    firmware.buildDate === undefined ? 'firmware without a build date' : `firmware of ${firmware.buildDate}`;
  const { stub } = firmware;
  if (!stub) return `${built}; no stub for the Pi 2 was found in it`;
  if (stub.mode === 'unknown') return `${built}; how its stub starts the kernel could not be told`;
  const mailbox = stub.clearsMailbox ? '' : ', without clearing the mailboxes of cores 1 to 3';
  return `${built}; its stub starts the kernel in ${stub.mode} mode${mailbox}`;
}

/** The firmware's own command line, which names the PL011 first and ends in `rootwait`. */
function readCommandLine(file: Uint8Array): string | undefined {
  const at = findBytes(file, ascii('\0console=ttyAMA0,115200 '));
  const line = at < 0 ? '' : readText(file, at + 1);
  return line.endsWith(' rootwait') ? line : undefined;
}

/** The build lines: `VC_BUILD_ID_TIME: ` with the time and with the date, `VC_BUILD_ID_VERSION: ` with a hash. */
function readBuild(file: Uint8Array): Pick<StartElf, 'buildDate' | 'buildTime' | 'version'> {
  const values = (name: string): string[] => {
    const label = ascii(`VC_BUILD_ID_${name}: `);
    const found: string[] = [];
    for (let at = findBytes(file, label); at >= 0; at = findBytes(file, label, at + 1)) {
      found.push(readText(file, at + label.length, 80));
    }
    return found;
  };
  const times = values('TIME');
  return {
    buildDate: times.find((text) => /^[A-Z][a-z]{2} [ \d]\d \d{4}$/.test(text)),
    buildTime: times.find((text) => /^\d\d:\d\d:\d\d$/.test(text)),
    version: /^[0-9a-f]{40}/.exec(values('VERSION')[0] ?? '')?.[0],
  };
}

/** Finds stubs by their SMC instruction: looks for the beginning in the 256 bytes before it. */
function findStubs(file: Uint8Array): BuiltInStub[] {
  const found = new Map<number, BuiltInStub>();
  for (const smc of [A32_SMC, T32_SMC]) {
    for (let at = findBytes(file, smc); at >= 0; at = findBytes(file, smc, at + 1)) {
      const stub = findBeginning(file, at);
      if (stub) found.set(stub.offset, stub);
    }
  }
  return [...found.values()].sort((a, b) => a.offset - b.offset);
}

/** A stub begins with a branch, or reads MPIDR and goes to Thumb-2 code with BLX. */
function beginsLikeStub(file: Uint8Array, offset: number): boolean {
  const first = decodeA32(readU32LE(file, offset));
  if (first?.name === 'B_A1') return first.fields.cond === ALWAYS;
  if (first?.name !== 'MRC_A1') return false;
  const { coproc, opc1, CRn, CRm, opc2 } = first.fields;
  const readsMpidr =
    coproc === MPIDR.coproc &&
    opc1 === MPIDR.opc1 &&
    CRn === MPIDR.CRn &&
    CRm === MPIDR.CRm &&
    opc2 === MPIDR.opc2;
  return readsMpidr && decodeA32(readU32LE(file, offset + 4))?.name === 'BLX_imm_A2';
}

function findBeginning(file: Uint8Array, smc: number): BuiltInStub | undefined {
  // The nearest beginning wins, and stubs lie at multiples of 4 in the file.
  for (let offset = smc & ~3; offset >= Math.max(0, smc - STUB_SIZE); offset -= 4) {
    if (offset + STUB_SIZE > file.length) continue;
    if (!beginsLikeStub(file, offset)) continue;
    const behaviour = readStub(file.subarray(offset, offset + STUB_SIZE));
    // A branch inside a stub looks like a beginning as well; only the real one has a way back from Monitor mode.
    if (behaviour && behaviour.mode !== 'unknown') return { ...behaviour, offset, length: STUB_SIZE };
  }
  return undefined;
}
