/** What the firmware reads of a card to start its kernel, up to the point where it has to find places in memory. */
import { concatBytes, readU32LE } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { hex } from '../base/words.js';
import { RAM_SIZE } from '../board/bcm2836.js';
import { CONTRACT, isBootBlock, KERNEL_OFFSET } from '../boot/block.js';
import type { CardReader } from '../card/card.js';
import { foldCase } from '../card/path.js';
import { BOOTCODE, splitMemory } from './bootcode.js';
import { readCommandLine } from './command-line.js';
import { numberSetting, PI2, textSetting, type BoardState, type Config } from './config.js';
import { doubtKernelOld } from './builds.js';
import { readFdt, type Fdt } from './fdt.js';
import { readSized, readSizedTogether } from './file-size.js';
import type { Picked } from './handover.js';
import { bareKernel, describeKernel, readKernel, type KernelFile } from './kernel.js';
import {
  firstThere,
  isOldBootcode,
  plainPath,
  readFirmware,
  withPrefix,
  type CardFirmware,
} from './readers.js';
import type { StartElf } from './start-elf.js';
import { readStub, STUB_SIZE, type StubBehaviour } from './stub.js';
import { applyTreeSettings } from './tree-settings.js';

const MIB = 1 << 20;

/** The code where a card has a stub and no kernel: it may start all the same. */
export const STUB_ALONE = 'firmware.stub-alone';

/** The codes where a file that config.txt names, or a kernel, is not there, and where the kernel is something else. */
export const NO_FILE = 'firmware.no-file';
export const NO_KERNEL = 'firmware.no-kernel';
export const NOT_A_KERNEL = 'firmware.not-a-kernel';
export const ARM64_KERNEL = 'firmware.arm64-kernel';

/** The tree's names: Raspberry Pi's kernels, then mainline. */
const DOWNSTREAM_TREE = 'bcm2709-rpi-2-b.dtb';
const UPSTREAM_TREE = 'bcm2836-rpi-2-b.dtb';
/** What makes of the first what kernels that count on the second want. */
const UPSTREAM_OVERLAY = 'upstream';
/** The `os_prefix` that `upstream_kernel` stands for (documentation, "upstream_kernel"). */
export const UPSTREAM_PREFIX = 'upstream/';

/** The initramfs that `auto_initramfs` takes on a Pi 2. */
const INITRAMFS_OF_PI2 = 'initramfs7';

/** A kernel file. */
export interface LoadedKernel {
  readonly file: string;
  readonly data: Uint8Array;
  /** What it is, as far as `readKernel` tells. */
  readonly facts: KernelFile;
  /** Where the firmware puts it. */
  readonly address: number;
}

/** The initramfs, of one file or several. */
export interface LoadedRamdisk {
  /** Names, with commas between them. */
  readonly file: string;
  readonly data: Uint8Array;
  readonly address: number | 'followkernel';
}

/** The device tree. */
export interface LoadedTree {
  readonly file: string;
  /** The file's bytes. */
  readonly data: Uint8Array;
  /** With what config.txt has done to it, and nothing of the firmware's own. */
  readonly fdt: Fdt;
  /** The overlay that upstream_kernel, or the kernel's trailer, has the firmware apply to it before those of config.txt. */
  readonly overlay: string | undefined;
}

/** What goes to address 0. */
export interface LoadedStub {
  readonly picked: Exclude<Picked['stub'], { readonly from: 'kernel' }>;
  /** Its bytes as they are in the file; undefined where there is none, and a plain one is made. */
  readonly data: Uint8Array | undefined;
  /** Where it keeps the addresses that the firmware writes; undefined where it writes none. */
  readonly addresses: Pick<StubBehaviour, 'tree' | 'kernel' | 'hasContract'> | undefined;
  readonly notes: readonly string[];
}

/** All that the firmware reads of a card to start its kernel. */
export interface Loaded {
  readonly firmware: CardFirmware;
  /** Bytes of RAM that the ARM gets. */
  readonly armMemory: number;
  readonly kernel: LoadedKernel;
  /** Undefined under `kernel_old`, where the kernel file itself is at address 0. */
  readonly stub: LoadedStub | undefined;
  readonly tree: LoadedTree | undefined;
  readonly ramdisk: LoadedRamdisk | undefined;
  /** Of cmdline.txt. */
  readonly commandLine: string;
  /** `os_prefix` as far as it is in effect. */
  readonly prefix: string;
  /** The serial number of the board. */
  readonly serial: number;
  /** As {@link Picked} has them, without those of config.txt. */
  readonly notes: readonly string[];
  readonly unsure: readonly string[];
}

/**
 * Reads bootcode.bin, config.txt and start.elf, and by them what a card's firmware starts.
 * @param board what filters ask about; a Pi 2 with nothing connected unless told otherwise
 * @throws HypberryError what `readFirmware` and {@link loadFiles} throw
 */
export async function loadCard(card: CardReader, board: BoardState = PI2): Promise<Loaded> {
  const notes: string[] = [];
  return loadFiles(card, await readFirmware(card, board, notes), board, notes);
}

/**
 * Reads what a card's firmware starts.
 * @param firmware what `readFirmware` found on the card
 * @param notes those of `readFirmware`
 * @throws HypberryError `firmware.no-kernel`, {@link STUB_ALONE}, `firmware.arm64-kernel`, `firmware.not-a-kernel`, `firmware.no-file`
 *   (named in config.txt, not on the card), `firmware.no-stub`, `firmware.file-size`, and what the card throws
 */
export async function loadFiles(
  card: CardReader,
  firmware: CardFirmware,
  board: BoardState,
  notes: readonly string[],
): Promise<Loaded> {
  const all = [...notes];
  const unsure: string[] = [];
  const { bootcode, config, bootConfig, firmware: startElf } = firmware;
  const kernelOld = numberSetting(config, 'kernel_old', 0) !== 0;
  const prefix = await osPrefix(card, config, startElf, all, unsure);
  const kernel = await readKernelFile(card, config, prefix, kernelOld, all);
  const tree = await findTree(card, config, startElf, kernel.facts, prefix, all, unsure);
  if (tree) await applyTreeSettings(card, config, tree.fdt, prefix, all, tree.overlay);
  const ramdisk = await readInitramfs(card, config, kernel.file, prefix, all, unsure);
  const commandLine = await readCommandLine(card, config, startElf, board, prefix, all);
  const doubt = kernelOld ? doubtKernelOld(startElf?.buildDate, kernel.data.length) : undefined;
  if (doubt !== undefined) {
    all.push(doubt);
    unsure.push(doubt);
  }
  const stub = kernelOld ? undefined : await readStubFile(card, firmware, kernel.address, unsure);
  const stubFile = stub && 'file' in stub.picked ? [stub.picked.file] : [];
  const read = [BOOTCODE, ...config.files, firmware.firmwareFile, ...stubFile, kernel.file];
  for (const file of tree ? [...read, tree.file] : read) unsure.push(...(await twinsOf(card, file)));
  const ramdisks = ramdisk?.file.split(',').map((name) => withPrefix(prefix, name)) ?? [];
  unsure.push(...behindLabel(card, [kernel.file, ...(tree ? [tree.file] : []), ...ramdisks]));
  unsure.push(...beyondAscii([...read, ...(tree ? [tree.file] : []), ...ramdisks]));
  return {
    firmware,
    armMemory: splitMemory(bootConfig, isOldBootcode(bootcode, startElf)).arm * MIB,
    kernel,
    stub,
    tree,
    ramdisk,
    commandLine,
    prefix,
    serial: board.serial,
    notes: all,
    unsure,
  };
}

/** A sentence where one of the files is in a folder that has the name of the volume. */
function behindLabel(card: CardReader, paths: readonly string[]): string[] {
  const { label } = card;
  const file = paths.find((path) => {
    const slash = path.indexOf('/');
    return label !== undefined && slash > 0 && foldCase(path.slice(0, slash)) === foldCase(label);
  });
  if (file === undefined) return [];
  return [
    `${file} is in a folder that has the name of the volume (its label), in which firmware was seen to find nothing (raspberrypi/firmware, issue 1529).`,
  ];
}

/** A sentence where a name has other characters: config.txt is bytes, and FAT's long names are UTF-16. */
function beyondAscii(paths: readonly string[]): string[] {
  const path = paths.find((it) => /[^ -~]/.test(it));
  return path === undefined
    ? []
    : [`Whether the firmware finds ${path} is not known: the name has characters beyond ASCII.`];
}

/** A sentence where a file of that name stands in a folder more than once, in other case: on FAT only one of them can. */
async function twinsOf(card: CardReader, path: string): Promise<string[]> {
  const slash = path.lastIndexOf('/');
  const folder = path.slice(0, Math.max(0, slash));
  if ((await card.stat(path)) === undefined) return [];
  const wanted = foldCase(path.slice(slash + 1));
  const twins = (await card.list(folder)).filter(({ name }) => foldCase(name) === wanted);
  if (twins.length < 2) return [];
  return [
    `${twins.map(({ name }) => name).join(' and ')} are one name on a FAT file system, so which one the firmware reads is not known.`,
  ];
}

/**
 * `os_prefix`, or `upstream/` by `upstream_kernel`, where the kernel and a tree are there under it, else nothing (documentation
 * of both). Of a card without a tree that is not known: PiTubeDirect's has a prefix for a kernel alone.
 */
async function osPrefix(
  card: CardReader,
  config: Config,
  firmware: StartElf | undefined,
  notes: string[],
  unsure: string[],
): Promise<string> {
  const set = textSetting(config, 'os_prefix');
  // upstream_kernel is older (raspberrypi/linux, issue 3237).
  const knowsPrefix = firmware?.unknown.includes('os_prefix') !== true;
  const written = set ?? (wantsUpstream(config) && knowsPrefix ? UPSTREAM_PREFIX : '');
  const by = set === undefined ? `the prefix ${written} of upstream_kernel` : `os_prefix=${written}`;
  const prefix = plainPath(written);
  if (prefix === '') return '';
  const kernels = kernelNames(config);
  const named = textSetting(config, 'device_tree');
  const trees = named ? [named] : [DOWNSTREAM_TREE, UPSTREAM_TREE];
  const isThere = async (names: readonly string[], under: string): Promise<boolean> =>
    (await firstThere(
      card,
      names.map((name) => withPrefix(under, name)),
    )) !== undefined;
  if (await isThere(kernels, prefix)) {
    if (await isThere(trees, prefix)) return prefix;
    if (!(await isThere(trees, ''))) {
      const text = `Whether ${by} is ignored is not known: there is a kernel under it, and no device tree on the card.`;
      notes.push(text);
      unsure.push(text);
      // Without it there would be no kernel to look at.
      return (await isThere(kernels, '')) ? '' : prefix;
    }
  }
  // Without a folder of that name, which few cards have, upstream_kernel asks for the tree alone.
  if (set !== undefined) notes.push(`${by} is ignored: there is no kernel or no device tree under it.`);
  return '';
}

function kernelNames(config: Config): string[] {
  const named = textSetting(config, 'kernel');
  return named ? [named] : ['kernel7.img', 'kernel.img'];
}

/** The bit of `arm_control` that asked for 64 bits before `arm_64bit` did (raspberrypi/firmware, issue 579). */
const ARM_CONTROL_64BIT = 0x200;

/** What of config.txt asks for 64 bits, in words. */
function asksFor64Bit(config: Config): string | undefined {
  if (numberSetting(config, 'arm_64bit', 0) !== 0) return 'arm_64bit';
  const isAsked = (numberSetting(config, 'arm_control', 0) & ARM_CONTROL_64BIT) !== 0;
  return isAsked ? `arm_control=${textSetting(config, 'arm_control')}` : undefined;
}

async function readKernelFile(
  card: CardReader,
  config: Config,
  prefix: string,
  kernelOld: boolean,
  notes: string[],
): Promise<LoadedKernel> {
  const names = kernelNames(config).map((name) => withPrefix(prefix, name));
  const file = await firstThere(card, names);
  if (file === undefined) {
    if (!kernelOld) await refuseStubAlone(card, config, names);
    if (textSetting(config, 'kernel')) throw noFile(names[0]!, 'the kernel');
    throw new HypberryError(
      NO_KERNEL,
      'There is no kernel for a Pi 2 on the card: neither kernel7.img nor kernel.img.',
      'Copy a kernel to the boot partition, or name it with kernel= in config.txt.',
    );
  }
  const asks64 = asksFor64Bit(config);
  if (asks64 !== undefined) notes.push(`${asks64} is taken to be ignored: the BCM2836 has no 64-bit cores.`);
  const data = await readSized(card, file, 'kernel');
  const facts = readKernel(data);
  const inner = bareKernel(facts);
  if (inner.kind === 'arm64') {
    throw new HypberryError(
      ARM64_KERNEL,
      `${file} is a 64-bit kernel, which the Pi 2's Cortex-A7 cannot run.`,
      'Use a 32-bit kernel (kernel7.img).',
    );
  }
  if (
    ['ELF', 'uImage', 'gzip', 'empty'].includes(inner.kind) ||
    (inner.kind === 'unknown' && inner.looksLike !== undefined)
  ) {
    throw new HypberryError(
      NOT_A_KERNEL,
      `${file} is no kernel that the firmware can start: ${describeKernel(inner)}.`,
      'Name a zImage or another flat image with kernel= in config.txt.',
    );
  }
  if (inner.kind === 'zImage' && inner.truncated)
    notes.push(`${file} is cut short: ${describeKernel(inner)}.`);
  if ((inner.kind === 'zImage' || inner.kind === 'Image') && inner.architecture === 'ARMv6') {
    notes.push(`${file} is a kernel for ARMv6, the first Raspberry Pi; it does not start on a Pi 2.`);
  }
  const address = kernelOld ? 0 : physical(numberSetting(config, 'kernel_address', KERNEL_OFFSET));
  return { file, data, facts, address };
}

/**
 * A stub may be a whole program, such as UEFI's, and cards start by it that have no kernel (pftf/RPi3, its Readme.md). One that
 * only starts a kernel does not.
 */
async function refuseStubAlone(card: CardReader, config: Config, kernels: readonly string[]): Promise<void> {
  const file = stubName(config);
  if (file === undefined || (await firstThere(card, [file])) === undefined) return;
  const stub = await readSized(card, file, 'stub');
  if (isBootBlock(stub) || readStub(stub)) return;
  throw new HypberryError(
    STUB_ALONE,
    `There is no kernel on the card (${kernels.join(', ')}), and a stub, ${file}. What it starts by itself is not known.`,
    'If the card is to start a kernel, copy that to the boot partition, or name it with kernel= in config.txt.',
  );
}

/** The file that `armstub` names. */
function stubName(config: Config): string | undefined {
  return textSetting(config, 'armstub')?.replace(/^\/+/, '') || undefined;
}

/** Whether config.txt has the firmware give no ATAGS and nothing of its own on the command line. */
export function disablesTags(config: Config): boolean {
  return numberSetting(config, 'disable_commandline_tags', 0) !== 0;
}

/** What a kernel without a device tree gets, behind "the kernel gets". */
export function insteadOfTree(config: Config | undefined): string {
  return config && disablesTags(config) ? 'no ATAGS either (disable_commandline_tags)' : 'ATAGS';
}

/** The tree that the kernel gets; undefined where it gets ATAGS, or nothing. */
async function findTree(
  card: CardReader,
  config: Config,
  firmware: StartElf | undefined,
  kernel: KernelFile,
  prefix: string,
  notes: string[],
  unsure: string[],
): Promise<LoadedTree | undefined> {
  const named = textSetting(config, 'device_tree');
  if (named === '') {
    notes.push(`device_tree= is empty, so the kernel gets ${insteadOfTree(config)}.`);
    return undefined;
  }
  if (firmware?.treeNeeds === 'trailer' && kernel.trailer?.deviceTreeOk !== true) {
    const text = `This firmware gives a device tree only to kernels whose trailer says that they take one (DTOK); this kernel gets ${insteadOfTree(config)}.`;
    notes.push(text);
    // FreeBSD's cards of 2015 counted on the tree that they name (raspberrypi/linux 16; firmware 553 has it otherwise).
    if (named !== undefined)
      unsure.push(`Whether device_tree=${named} changes that is not known: sources disagree. ${text}`);
    return undefined;
  }
  const tagged = firmware?.readsUpstreamTag !== false && kernel.trailer?.upstream === true;
  const wanted = wantsUpstream(config) || tagged;
  const names = named
    ? [named]
    : wanted
      ? [UPSTREAM_TREE, DOWNSTREAM_TREE]
      : firmware?.findsUpstreamTree === false
        ? [DOWNSTREAM_TREE]
        : [DOWNSTREAM_TREE, UPSTREAM_TREE];
  const file = await firstThere(
    card,
    names.map((name) => withPrefix(prefix, name)),
  );
  if (file === undefined) {
    notes.push(
      named
        ? `The device tree that config.txt names, ${withPrefix(prefix, named)}, is not on the card; the kernel gets ${insteadOfTree(config)}.`
        : `There is no device tree for the Pi 2 on the card (${names.join(', ')}); the kernel gets ${insteadOfTree(config)}.`,
    );
    if (!named && !names.includes(UPSTREAM_TREE)) await noteUpstreamTree(card, prefix, notes);
    return undefined;
  }
  try {
    const data = await readSized(card, file, 'device tree');
    const fdt = readFdt(data);
    // Documentation of upstream_kernel; raspberrypi/firmware, issue 976, for a kernel that has the tag.
    const adapts = wanted && file === withPrefix(prefix, DOWNSTREAM_TREE) && !named;
    if (!adapts || firmware?.appliesUpstream === false) return { file, data, fdt, overlay: undefined };
    notes.push(
      `${file} is not the upstream tree, so the firmware applies the overlay ${UPSTREAM_OVERLAY} to it.`,
    );
    return { file, data, fdt, overlay: UPSTREAM_OVERLAY };
  } catch (error) {
    if (!(error instanceof HypberryError) || !error.code.startsWith('tree.')) throw error;
    // By the documentation it goes on without one; whether it sees every damage is not known.
    const text = `${file}: ${error.message} The kernel is taken to get ${insteadOfTree(config)}.`;
    notes.push(text);
    unsure.push(text);
    return undefined;
  }
}

/** Whether `upstream_kernel` is on. */
export function wantsUpstream(config: Config): boolean {
  return numberSetting(config, 'upstream_kernel', 0) !== 0;
}

async function noteUpstreamTree(card: CardReader, prefix: string, notes: string[]): Promise<void> {
  const file = withPrefix(prefix, UPSTREAM_TREE);
  if ((await firstThere(card, [file])) === undefined) return;
  notes.push(`This firmware does not look for ${file} by itself: name it with device_tree= in config.txt.`);
}

async function readInitramfs(
  card: CardReader,
  config: Config,
  kernelFile: string,
  prefix: string,
  notes: string[],
  unsure: string[],
): Promise<LoadedRamdisk | undefined> {
  let names: readonly string[];
  let address: number | 'followkernel' = 'followkernel';
  if (config.initramfs) {
    ({ names, address } = config.initramfs);
  } else if (numberSetting(config, 'auto_initramfs', 0) !== 0) {
    const found = await findInitramfs(card, kernelFile.slice(prefix.length), prefix, unsure);
    if (found === undefined) return undefined;
    names = [found];
  } else return undefined;

  const nameOf = new Map(names.map((name) => [withPrefix(prefix, name), name]));
  const parts = await readSizedTogether(card, [...nameOf.keys()], 'initramfs', (path) => {
    notes.push(`The initramfs ${nameOf.get(path)!} is not on the card; the firmware goes on without one.`);
  });
  if (parts === undefined) return undefined;
  return { file: names.join(','), data: concatBytes(...parts), address };
}

/**
 * The initramfs of `auto_initramfs`: beside kernel7.img it is initramfs7. Beside a kernel of another name it was one for the
 * board until April 2025 and then one for that name (raspberrypi/firmware, issue 1965; of a Pi 5).
 */
async function findInitramfs(
  card: CardReader,
  kernelName: string,
  prefix: string,
  unsure: string[],
): Promise<string | undefined> {
  const suffix = /^kernel(.*)\.img$/.exec(kernelName)?.[1];
  const ofName = suffix === undefined ? undefined : `initramfs${suffix}`;
  const isThere = async (name: string | undefined): Promise<boolean> =>
    name !== undefined && (await firstThere(card, [prefix + name])) !== undefined;
  const found = (await isThere(ofName)) ? ofName : undefined;
  const onCard = found ?? ((await isThere(INITRAMFS_OF_PI2)) ? INITRAMFS_OF_PI2 : undefined);
  if (onCard !== undefined && ofName !== INITRAMFS_OF_PI2)
    unsure.push(`Whether auto_initramfs takes ${onCard} beside ${kernelName} is not known.`);
  return found;
}

/** What goes to address 0 in front of a kernel at 0x8000. */
async function readStubFile(
  card: CardReader,
  { config, firmware, firmwareFile }: CardFirmware,
  kernelAddress: number,
  unsure: string[],
): Promise<LoadedStub> {
  const notes: string[] = [];
  let file = stubName(config);
  if (file !== undefined) {
    if ((await firstThere(card, [file])) === undefined) throw noFile(file, 'the stub');
  } else if (firmware?.knowsArmstub7File !== false) {
    file = await firstThere(card, ['armstub7.bin']);
  }
  if (file !== undefined) {
    const data = await readSized(card, file, 'stub');
    const hasContract = data.length >= STUB_SIZE && readU32LE(data, CONTRACT.MAGIC_AT) === CONTRACT.MAGIC;
    if (!hasContract) {
      notes.push(`${file} does not have 5afe570b at 0xf0, so the firmware writes no addresses into it.`);
    }
    const addresses = hasContract ? { hasContract, tree: undefined, kernel: undefined } : undefined;
    return { picked: { from: 'file', file }, data, addresses, notes };
  }
  if (!firmware) return { picked: { from: 'none' }, data: undefined, addresses: undefined, notes };

  const { stub } = firmware;
  if (!stub) {
    throw new HypberryError(
      'firmware.no-stub',
      `No stub for a Pi 2 was found in ${firmwareFile}: firmware from before that board has none.`,
      firmware.knowsArmstub
        ? 'Name a stub with armstub= in config.txt, or copy the firmware of another release to the card.'
        : 'Copy bootcode.bin, start.elf and fixup.dat of a release of February 2015 or later to the card.',
    );
  }
  if (stub.kernel?.from === 'code' && stub.kernel.address !== kernelAddress) {
    const text = `The firmware's stub jumps to ${hex(stub.kernel.address)}, and kernel_address has the kernel loaded to ${hex(kernelAddress)}.`;
    notes.push(text);
    // Whether the firmware changes the jump could not be seen.
    unsure.push(text);
  }
  if (stub.tree?.from !== 'word')
    notes.push('Where the stub takes the address of the device tree from is not known.');
  return {
    picked: { from: 'start.elf', file: firmwareFile, offset: stub.offset },
    data: await card.read(firmwareFile, stub.offset, stub.length),
    addresses: stub,
    notes,
  };
}

/** Addresses in config.txt may be the VideoCore's, whose two highest bits choose its caches. */
export function physical(address: number): number {
  return (address & (RAM_SIZE - 1)) >>> 0;
}

function noFile(file: string, what: string): HypberryError {
  return new HypberryError(
    NO_FILE,
    `config.txt names ${file} as ${what}, but it is not on the card.`,
    'Copy the file to the boot partition, or correct the name in config.txt.',
  );
}
