import { concatBytes, readU32LE } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { RAM_SIZE } from '../board/bcm2836.js';
import { CONTRACT, DEFAULT_TREE_ADDRESS, KERNEL_OFFSET } from '../boot/block.js';
import type { CardReader } from '../card/card.js';
import { hex, hexDigits } from '../base/words.js';
import { buildAtags } from './atags.js';
import { splitMemory } from './bootcode.js';
import { readCommandLine } from './command-line.js';
import { describeNote, numberSetting, PI2, textSetting, type BoardState, type Config } from './config.js';
import {
  ensureNode,
  fdtCells,
  fdtFromCells,
  fdtFromText,
  fdtText,
  findNode,
  readFdt,
  writeFdt,
  type Fdt,
} from './fdt.js';
import type { Handover, Picked, Segment } from './handover.js';
import {
  bareKernel,
  describeKernel,
  FIRST_PAGE_TABLES,
  firstPageTable,
  readKernel,
  unpackVersion,
  type KernelFile,
} from './kernel.js';
import { layOut } from './memory.js';
import { applyTreeSettings } from './tree-settings.js';
import { buildPlainStub } from './plain-stub.js';
import { firstThere, isOldBootcode, readFirmware, readIfThere } from './readers.js';
import type { StartElf } from './start-elf.js';
import { patchStub, STUB_SIZE } from './stub.js';

export interface PrepareOptions {
  /** Put behind the kernel's command line: a console for a trial. */
  readonly addBootargs?: string;
  /** Default: a Pi 2 with nothing connected. */
  readonly board?: BoardState;
}

/** A Pi 2 Model B v1.1: the revision code of the first of them. */
const REVISION = 0x00a0_1041;

/** Where tree and initramfs end, at the latest: below it lies what every 32-bit kernel maps directly. */
const LOW_MEMORY_END = 0x2f00_0000;
const TREE_ALIGNMENT = 0x100;
const INITRAMFS_ALIGNMENT = 0x1000;

const MIB = 1 << 20;

/** First bytes of the MAC addresses that Raspberry Pi gives; the rest is the serial number's end. */
const MAC_START = [0xb8, 0x27, 0xeb] as const;

/** The tree's names: Raspberry Pi's kernels, then mainline. */
const DOWNSTREAM_TREE = 'bcm2709-rpi-2-b.dtb';
const UPSTREAM_TREE = 'bcm2836-rpi-2-b.dtb';

/**
 * Does what the VideoCore would do with the card in a Pi 2 v1.1, up to the moment it lets the ARM cores go. What is
 * not known of a firmware's ways is done as it is documented, and noted in `picked.notes`.
 *
 * Throws `firmware.no-kernel`, `firmware.arm64-kernel`, `firmware.not-a-kernel`, `firmware.no-file` (named in
 * config.txt, not on the card), `firmware.not-start-elf`, `firmware.no-stub`, `firmware.overlap`, `firmware.no-room`,
 * and what the card throws.
 */
export async function prepareHandover(card: CardReader, options: PrepareOptions = {}): Promise<Handover> {
  const notes: string[] = [];
  const unsure: string[] = [];
  const { bootcode, config, bootConfig, firmware, firmwareFile } = await readFirmware(
    card,
    options.board ?? PI2,
    notes,
  );
  const kernelOld = numberSetting(config, 'kernel_old', 0) !== 0 && (firmware?.knowsKernelOld ?? true);
  const prefix = await osPrefix(card, config, firmware, notes);

  const kernel = await readKernelFile(card, config, prefix, notes);
  const kernelAddress = kernelOld ? 0 : physical(numberSetting(config, 'kernel_address', KERNEL_OFFSET));
  const armMemory = splitMemory(bootConfig, isOldBootcode(bootcode, firmware)).arm * MIB;

  const treeFile = await findTree(card, config, firmware, kernel.facts, prefix, notes, unsure);
  if (treeFile) treeFile.fdt = await applyTreeSettings(card, config, treeFile.fdt, prefix, notes);
  const ramdisk = await readInitramfs(card, config, firmware, kernel.file, prefix, notes);
  const top = Math.min(LOW_MEMORY_END, armMemory);
  const placesHigh = firmware?.placesHigh ?? true;
  const initramfs = ramdisk && {
    ...ramdisk,
    address:
      ramdisk.address !== 'followkernel'
        ? physical(ramdisk.address)
        : placesHigh
          ? alignDown(top - ramdisk.data.length, INITRAMFS_ALIGNMENT)
          : kernelAddress + kernel.data.length,
  };

  const line = await readCommandLine(card, config, firmware, options.board ?? PI2, prefix, notes);
  const commandLine = joinCommandLine(line, config, treeFile?.fdt, options);
  const facts: TreeFacts = {
    armMemory,
    commandLine,
    serial: (options.board ?? PI2).serial,
    initramfs: initramfs && { address: initramfs.address, size: initramfs.data.length },
  };

  const pinned = numberSetting(config, 'device_tree_address', undefined);
  let tree: { file: string; address: number; data: Uint8Array } | undefined;
  if (treeFile) {
    editTree(treeFile.fdt, facts);
    const data = writeFdt(treeFile.fdt);
    const chosen = placesHigh ? placeTree(data.length, top, initramfs) : DEFAULT_TREE_ADDRESS;
    tree = { file: treeFile.file, address: pinned === undefined ? chosen : physical(pinned), data };
    await noteTree(tree, kernel, notes);
  }
  const atags =
    tree || disablesTags(config)
      ? undefined
      : buildAtags({ ...facts, memory: armMemory, revision: REVISION });
  const passed = tree?.address ?? DEFAULT_TREE_ADDRESS;

  const stub = kernelOld
    ? undefined
    : await chooseStub(card, config, { firmware, firmwareFile, tree: passed, kernel: kernelAddress }, notes);
  if (kernelOld) noteKernelOld(kernel, passed, config, notes);

  const pieces: Segment[] = [];
  if (stub) pieces.push({ name: 'stub', address: 0, data: stub.data });
  pieces.push({ name: 'kernel', address: kernelAddress, data: kernel.data });
  if (initramfs) pieces.push({ name: 'initramfs', address: initramfs.address, data: initramfs.data });
  if (tree) pieces.push({ name: 'device tree', address: tree.address, data: tree.data });
  if (atags) pieces.push({ name: 'ATAGS', address: DEFAULT_TREE_ADDRESS, data: atags });

  return {
    memory: layOut(pieces, armMemory),
    armMemory,
    picked: {
      kernel: { file: kernel.file, address: kernelAddress, size: kernel.data.length },
      stub: stub?.picked ?? { from: 'kernel' },
      tree: tree && { file: tree.file, address: tree.address, size: tree.data.length },
      initramfs: initramfs && {
        file: initramfs.file,
        address: initramfs.address,
        size: initramfs.data.length,
      },
      osPrefix: prefix,
      commandLine,
      notes: [...config.notes.map(describeNote), ...notes],
      unsure: [...config.notes.filter((note) => note.unsure === true).map(describeNote), ...unsure],
    },
  };
}

/** `os_prefix` where the kernel and a tree are there under it, else nothing (documentation of `os_prefix`). */
async function osPrefix(
  card: CardReader,
  config: Config,
  firmware: StartElf | undefined,
  notes: string[],
): Promise<string> {
  const upstream = wantsUpstream(config, firmware) ? 'upstream/' : '';
  const prefix = textSetting(config, 'os_prefix') ?? upstream;
  if (prefix === '' || firmware?.knowsOsPrefix === false) return '';
  const kernels = kernelNames(config).map((name) => withPrefix(prefix, name));
  const named = textSetting(config, 'device_tree');
  const trees = (named ? [named] : [DOWNSTREAM_TREE, UPSTREAM_TREE]).map((name) => withPrefix(prefix, name));
  if ((await firstThere(card, kernels)) !== undefined && (await firstThere(card, trees)) !== undefined)
    return prefix;
  notes.push(`os_prefix=${prefix} is ignored: there is no kernel or no device tree under it.`);
  return '';
}

/** A name from the boot partition's root where it begins with a slash, else behind the prefix. */
function withPrefix(prefix: string, name: string): string {
  return name.startsWith('/') ? name.replace(/^\/+/, '') : prefix + name;
}

function kernelNames(config: Config): string[] {
  const named = textSetting(config, 'kernel');
  return named ? [named] : ['kernel7.img', 'kernel.img'];
}

interface LoadedKernel {
  readonly file: string;
  readonly data: Uint8Array;
  readonly facts: KernelFile;
}

async function readKernelFile(
  card: CardReader,
  config: Config,
  prefix: string,
  notes: string[],
): Promise<LoadedKernel> {
  const names = kernelNames(config).map((name) => withPrefix(prefix, name));
  const file = await firstThere(card, names);
  if (file === undefined) {
    if (textSetting(config, 'kernel')) throw noFile(names[0]!, 'the kernel');
    throw new HypberryError(
      'firmware.no-kernel',
      'There is no kernel for a Pi 2 on the card: neither kernel7.img nor kernel.img.',
      'Copy a kernel to the boot partition, or name it with kernel= in config.txt.',
    );
  }
  if (numberSetting(config, 'arm_64bit', 0) !== 0) {
    notes.push('arm_64bit is taken to be ignored: the BCM2836 has no 64-bit cores.');
  }
  const data = await card.read(file);
  const facts = readKernel(data);
  const inner = bareKernel(facts);
  if (inner.kind === 'arm64') {
    throw new HypberryError(
      'firmware.arm64-kernel',
      `${file} is a 64-bit kernel, which the Pi 2's Cortex-A7 cannot run.`,
      'Use a 32-bit kernel (kernel7.img).',
    );
  }
  if (
    ['ELF', 'uImage', 'gzip', 'empty'].includes(inner.kind) ||
    (inner.kind === 'unknown' && inner.looksLike !== undefined)
  ) {
    throw new HypberryError(
      'firmware.not-a-kernel',
      `${file} is no kernel that the firmware can start: ${describeKernel(inner)}.`,
      'Name a zImage or another flat image with kernel= in config.txt.',
    );
  }
  if (inner.kind === 'zImage' && inner.truncated)
    notes.push(`${file} is cut short: ${describeKernel(inner)}.`);
  if ((inner.kind === 'zImage' || inner.kind === 'Image') && inner.architecture === 'ARMv6') {
    notes.push(`${file} is a kernel for ARMv6, the first Raspberry Pi; it does not start on a Pi 2.`);
  }
  return { file, data, facts };
}

function disablesTags(config: Config): boolean {
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
): Promise<{ file: string; fdt: Fdt } | undefined> {
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
  const names = named
    ? [named]
    : wantsUpstream(config, firmware) || tagged
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
    return { file, fdt: readFdt(await card.read(file)) };
  } catch (error) {
    if (!(error instanceof HypberryError) || !error.code.startsWith('tree.')) throw error;
    // By the documentation it goes on without one; whether it sees every damage is not known.
    const text = `The device tree ${file} is damaged: ${error.message} The kernel is taken to get ${insteadOfTree(config)}.`;
    notes.push(text);
    unsure.push(text);
    return undefined;
  }
}

function wantsUpstream(config: Config, firmware: StartElf | undefined): boolean {
  return firmware?.knowsUpstreamKernel !== false && numberSetting(config, 'upstream_kernel', 0) !== 0;
}

async function noteUpstreamTree(card: CardReader, prefix: string, notes: string[]): Promise<void> {
  const file = withPrefix(prefix, UPSTREAM_TREE);
  if ((await firstThere(card, [file])) === undefined) return;
  notes.push(`This firmware does not look for ${file} by itself: name it with device_tree= in config.txt.`);
}

interface Ramdisk {
  readonly file: string;
  readonly data: Uint8Array;
  readonly address: number | 'followkernel';
}

async function readInitramfs(
  card: CardReader,
  config: Config,
  firmware: StartElf | undefined,
  kernelFile: string,
  prefix: string,
  notes: string[],
): Promise<Ramdisk | undefined> {
  let names: readonly string[];
  let address: number | 'followkernel' = 'followkernel';
  if (config.initramfs) {
    ({ names, address } = config.initramfs);
  } else if (numberSetting(config, 'auto_initramfs', 0) !== 0 && firmware?.knowsAutoInitramfs !== false) {
    // Beside kernel7.img it looks for initramfs7; what it does beside other names is not known.
    const variant = /^kernel(.*)\.img$/.exec(kernelFile.slice(prefix.length))?.[1];
    if (variant === undefined) return undefined;
    const name = `initramfs${variant}`;
    if ((await firstThere(card, [prefix + name])) === undefined) return undefined;
    names = [name];
  } else return undefined;

  const parts: Uint8Array[] = [];
  for (const name of names) {
    const part = await readIfThere(card, withPrefix(prefix, name));
    if (part === undefined) {
      notes.push(`The initramfs ${name} is not on the card; the firmware goes on without one.`);
      return undefined;
    }
    parts.push(part);
  }
  return { file: names.join(','), data: concatBytes(...parts), address };
}

/** The tree's own arguments, the firmware's, then the line of cmdline.txt: the order seen on real boards. */
function joinCommandLine(
  line: string,
  config: Config,
  tree: Fdt | undefined,
  options: PrepareOptions,
): string {
  const own = tree && findNode(tree, '/chosen')?.properties.get('bootargs');
  const serial = (options.board ?? PI2).serial;
  const fromFirmware = disablesTags(config)
    ? ''
    : [
        `bcm2709.boardrev=${hex(REVISION)}`,
        `bcm2709.serial=${hex(serial)}`,
        `smsc95xx.macaddr=${macAddress(serial).map(hexByte).join(':')}`,
      ].join(' ');
  return [own && fdtText(own), fromFirmware, primaryUart(line), options.addBootargs]
    .map((part) => part?.trim())
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
}

/** The firmware puts the names of the Pi 2's UARTs in: serial0 is the PL011. */
function primaryUart(line: string): string {
  return line.replace(/(^|\s)(console|kgdboc|earlycon)=serial([01])(?=[\s,]|$)/g, (_, before, name, uart) => {
    return `${String(before)}${String(name)}=${uart === '0' ? 'ttyAMA0' : 'ttyS0'}`;
  });
}

interface TreeFacts {
  readonly armMemory: number;
  readonly commandLine: string;
  readonly serial: number;
  readonly initramfs: { readonly address: number; readonly size: number } | undefined;
}

/** As high as it fits below `top`, and below the initramfs where that is in the way. */
function placeTree(
  size: number,
  top: number,
  initramfs: { readonly address: number; readonly data: Uint8Array } | undefined,
): number {
  const address = alignDown(top - size, TREE_ALIGNMENT);
  if (!initramfs || initramfs.address >= top) return address;
  // Not into the rest of the initramfs' last page either: the firmware goes downwards.
  const end = alignDown(
    initramfs.address + initramfs.data.length + INITRAMFS_ALIGNMENT - 1,
    INITRAMFS_ALIGNMENT,
  );
  return end <= address ? address : alignDown(initramfs.address - size, TREE_ALIGNMENT);
}

/** What the firmware writes into every tree. */
function editTree(fdt: Fdt, facts: TreeFacts): void {
  const cells = (name: string): number =>
    fdtCells(fdt.root.properties.get(name) ?? new Uint8Array(0))[0] ?? 1;
  const number = (value: number, width: number): number[] => [...Array<number>(width - 1).fill(0), value];
  const memory = findNode(fdt, '/memory') ?? ensureNode(fdt, '/memory@0');
  memory.properties.set('device_type', fdtFromText('memory'));
  memory.properties.set(
    'reg',
    fdtFromCells(...number(0, cells('#address-cells')), ...number(facts.armMemory, cells('#size-cells'))),
  );

  const chosen = ensureNode(fdt, '/chosen');
  chosen.properties.set('bootargs', fdtFromText(facts.commandLine));
  if (facts.initramfs) {
    const { address, size } = facts.initramfs;
    chosen.properties.set('linux,initrd-start', fdtFromCells(address));
    chosen.properties.set('linux,initrd-end', fdtFromCells(address + size));
  }

  const system = ensureNode(fdt, '/system');
  system.properties.set('linux,revision', fdtFromCells(REVISION));
  system.properties.set('linux,serial', fdtFromCells(0, facts.serial));
  fdt.root.properties.set('serial-number', fdtFromText(hexDigits(facts.serial, 16)));

  // Mainline names the alias ethernet0, Raspberry Pi's trees ethernet.
  const ethernet = findNode(fdt, 'ethernet0') ?? findNode(fdt, 'ethernet');
  ethernet?.properties.set('local-mac-address', Uint8Array.from(macAddress(facts.serial)));
}

function macAddress(serial: number): number[] {
  return [...MAC_START, (serial >>> 16) & 0xff, (serial >>> 8) & 0xff, serial & 0xff];
}

async function noteTree(
  tree: { address: number; data: Uint8Array },
  { data, facts }: LoadedKernel,
  notes: string[],
): Promise<void> {
  const end = tree.address + tree.data.length;
  const { lpae, end: tablesEnd } = FIRST_PAGE_TABLES;
  if (facts.kind === 'unknown' || facts.kind === 'u-boot') return;
  if (tree.address >= tablesEnd || end <= lpae) return;
  const first = firstPageTable(await unpackVersion(data, facts));
  if (end <= first) return;
  notes.push(
    `The device tree reaches to ${hex(end)}, into ${hex(first)} to ${hex(tablesEnd - 1)}, ` +
      'where the kernel puts its first page tables; it is destroyed there.',
  );
}

function noteKernelOld(kernel: LoadedKernel, passed: number, config: Config, notes: string[]): void {
  if (kernel.facts.kind === 'zImage' || kernel.facts.kind === 'Image') {
    notes.push(`kernel_old=1 loads ${kernel.file} at 0, but it has no boot block in front.`);
  }
  if (textSetting(config, 'armstub')) notes.push('armstub is not used under kernel_old=1.');
  if (textSetting(config, 'kernel_address'))
    notes.push('kernel_address is taken to be ignored under kernel_old=1.');
  // The block hands over the address written into it; nobody knows that a firmware writes another one there.
  const { data } = kernel;
  const contract = data.length >= STUB_SIZE && readU32LE(data, CONTRACT.MAGIC_AT) === CONTRACT.MAGIC;
  const given = contract ? readU32LE(data, CONTRACT.TREE_AT) : passed;
  if (given !== passed) {
    notes.push(
      `The boot block hands the kernel ${hex(given)} as the tree's address, but the tree lies at ${hex(passed)}.`,
    );
  }
}

/** What goes to address 0 in front of a kernel at 0x8000. */
async function chooseStub(
  card: CardReader,
  config: Config,
  loaded: { firmware: StartElf | undefined; firmwareFile: string; tree: number; kernel: number },
  notes: string[],
): Promise<{ data: Uint8Array; picked: Picked['stub'] }> {
  const { firmware, firmwareFile, tree, kernel } = loaded;
  const named = textSetting(config, 'armstub');
  let file: string | undefined;
  if (named) {
    if (firmware?.knowsArmstub === false)
      notes.push('This firmware does not know armstub; it uses its own stub.');
    else {
      file = named.replace(/^\/+/, '');
      if ((await firstThere(card, [file])) === undefined) throw noFile(file, 'the stub');
    }
  } else if (firmware?.knowsArmstub7File !== false) {
    file = await firstThere(card, ['armstub7.bin']);
  }
  if (file !== undefined) {
    const data = await card.read(file);
    const hasContract = data.length >= STUB_SIZE && readU32LE(data, CONTRACT.MAGIC_AT) === CONTRACT.MAGIC;
    if (!hasContract) {
      notes.push(`${file} does not have 5afe570b at 0xf0, so the firmware writes no addresses into it.`);
    }
    const patched = hasContract
      ? patchStub(data, { hasContract, tree: undefined, kernel: undefined }, tree, kernel)
      : data;
    return { data: patched, picked: { from: 'file', file } };
  }
  if (!firmware) return { data: buildPlainStub(tree, kernel), picked: { from: 'none' } };

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
  if (stub.kernel?.from === 'code' && stub.kernel.address !== kernel) {
    notes.push(`The firmware's stub jumps to ${hex(stub.kernel.address)}, whatever kernel_address says.`);
  }
  if (stub.tree?.from !== 'word')
    notes.push('Where the stub takes the address of the device tree from is not known.');
  const bytes = await card.read(firmwareFile, stub.offset, stub.length);
  return {
    data: patchStub(bytes, stub, tree, kernel),
    picked: { from: 'start.elf', file: firmwareFile, offset: stub.offset },
  };
}

/** Addresses in config.txt may be the VideoCore's, whose two highest bits choose its caches. */
function physical(address: number): number {
  return (address & (RAM_SIZE - 1)) >>> 0;
}

function alignDown(address: number, to: number): number {
  return Math.floor(address / to) * to;
}

function hexByte(byte: number): string {
  return hexDigits(byte, 2).toUpperCase();
}

function noFile(file: string, what: string): HypberryError {
  return new HypberryError(
    'firmware.no-file',
    `config.txt names ${file} as ${what}, but it is not on the card.`,
    'Copy the file to the boot partition, or correct the name in config.txt.',
  );
}
