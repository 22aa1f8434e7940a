/** Does what the VideoCore would do with a card: reads it, and puts what it read into memory. */
import { readU32LE } from '../base/bytes.js';
import { hashOf } from '../base/random.js';
import { REVISION } from '../board/bcm2836.js';
import { hex, hexDigits } from '../base/words.js';
import { CONTRACT, DEFAULT_TREE_ADDRESS } from '../boot/block.js';
import type { CardReader } from '../card/card.js';
import { buildAtags } from './atags.js';
import { noteLongLine } from './command-line.js';
import { describeNote, numberSetting, textSetting, type BoardState, type Config } from './config.js';
import {
  copyFdt,
  ensureNode,
  fdtCells,
  fdtFromCells,
  fdtFromText,
  fdtText,
  findNode,
  writeFdt,
  type Fdt,
} from './fdt.js';
import type { Handover, Segment } from './handover.js';
import { leastUnpacked, placeOfLinux } from './extents.js';
import { bareKernel, FIRST_PAGE_TABLES, firstPageTables, needsTree, unpackVersion } from './kernel.js';
import {
  disablesTags,
  insteadOfTree,
  loadCard,
  physical,
  type Loaded,
  type LoadedKernel,
  type LoadedStub,
} from './load.js';
import { layOut } from './memory.js';
import { buildPlainStub } from './plain-stub.js';
import { patchStub, STUB_SIZE } from './stub.js';

export interface PrepareOptions {
  /** Put behind the kernel's command line: a console for a trial. */
  readonly addBootargs?: string;
  /** Default: a Pi 2 with nothing connected. */
  readonly board?: BoardState;
}

/** Where tree and initramfs end, at the latest: below it lies what every 32-bit kernel maps directly. */
const LOW_MEMORY_END = 0x2f00_0000;
const TREE_ALIGNMENT = 0x100;
const INITRAMFS_ALIGNMENT = 0x1000;
/** More than the BSS of a kernel, its unpacker and the packed kernel take behind it. */
const ROOM_TO_UNPACK = 0x100_0000;

/** The seed for random numbers, in words of 32 bits: as many as were asked for (raspberrypi/firmware, issue 1595). */
const SEED_WORDS = 16;

/** First bytes of the MAC addresses that Raspberry Pi gives; the rest is the serial number's end. */
const MAC_START = [0xb8, 0x27, 0xeb] as const;

/**
 * Does what the VideoCore would do with the card in a Pi 2 v1.1, up to the moment it lets the ARM cores go. What is
 * not known of a firmware's ways is done as it is documented, and noted in `picked.notes`.
 *
 * @throws HypberryError what {@link loadCard} and {@link placeFiles} throw
 */
export async function prepareHandover(card: CardReader, options: PrepareOptions = {}): Promise<Handover> {
  return placeFiles(await loadCard(card, options.board), options.addBootargs);
}

/**
 * Puts what was read into memory.
 * @param addBootargs put behind the kernel's command line
 * @throws HypberryError `firmware.overlap`, `firmware.no-room`
 */
export async function placeFiles(loaded: Loaded, addBootargs = ''): Promise<Handover> {
  const { armMemory, kernel, ramdisk, stub, serial } = loaded;
  const { config, firmware } = loaded.firmware;
  const notes = [...loaded.notes];
  const unsure = [...loaded.unsure];
  const top = Math.min(LOW_MEMORY_END, armMemory);
  const placesHigh = firmware?.placesHigh ?? true;
  const initramfs = ramdisk && {
    ...ramdisk,
    address:
      ramdisk.address !== 'followkernel'
        ? physical(ramdisk.address)
        : placesHigh
          ? alignDown(top - ramdisk.data.length, INITRAMFS_ALIGNMENT)
          : kernel.address + kernel.data.length,
  };

  const commandLine = joinCommandLine(loaded, addBootargs);
  if (['zImage', 'Image'].includes(bareKernel(kernel.facts).kind)) noteLongLine(commandLine, notes);
  const facts: TreeFacts = {
    armMemory,
    commandLine,
    serial,
    initramfs: initramfs && { address: initramfs.address, size: initramfs.data.length },
    seed: firmware?.givesSeed ?? false,
  };

  const pinned = numberSetting(config, 'device_tree_address', undefined);
  let tree: { file: string; address: number; data: Uint8Array } | undefined;
  let treeLost: string | undefined;
  let treeLostByFirmware: string | undefined;
  if (loaded.tree) {
    const fdt = copyFdt(loaded.tree.fdt);
    editTree(fdt, facts);
    const data = writeFdt(fdt);
    const chosen = placesHigh ? placeTree(data.length, top, initramfs) : DEFAULT_TREE_ADDRESS;
    tree = { file: loaded.tree.file, address: pinned === undefined ? chosen : physical(pinned), data };
    const beyond = beyondTreeEnd(tree, config);
    if (beyond === undefined) {
      const lost = await lostTree(tree, kernel);
      if (lost !== undefined) notes.push(lost);
      // Instead of the firmware's choice install may make another.
      if (pinned === undefined) treeLostByFirmware = lost;
      else treeLost = lost;
    } else {
      unsure.push(`${beyond} The kernel is taken to get ${insteadOfTree(config)}.`);
      tree = undefined;
    }
  }
  const isTreeless = !tree || treeLostByFirmware !== undefined;
  const needs = isTreeless && needsTree({ ...kernel, facts: await unpackVersion(kernel.data, kernel.facts) });
  if (tree) noteTreeUnpackedOver(tree, kernel, notes);
  if (initramfs) noteLostInitramfs(initramfs, kernel, ramdisk.address, placesHigh, notes);
  const atags =
    tree || disablesTags(config)
      ? undefined
      : buildAtags({ ...facts, memory: armMemory, revision: REVISION.PI2_V11 });
  const overwritten = stub || !atags ? undefined : overwrittenAt(kernel, atags);
  if (overwritten !== undefined) unsure.push(overwritten);
  const passed = tree?.address ?? DEFAULT_TREE_ADDRESS;
  if (stub) notes.push(...stub.notes);
  else noteKernelOld(loaded, passed, notes);

  const pieces: Segment[] = [];
  if (stub) pieces.push({ name: 'stub', address: 0, data: stubFor(stub, passed, kernel.address) });
  pieces.push({ name: 'kernel', address: kernel.address, data: kernel.data });
  if (initramfs) pieces.push({ name: 'initramfs', address: initramfs.address, data: initramfs.data });
  if (tree) pieces.push({ name: 'device tree', address: tree.address, data: tree.data });
  if (atags && overwritten === undefined)
    pieces.push({ name: 'ATAGS', address: DEFAULT_TREE_ADDRESS, data: atags });

  return {
    memory: layOut(pieces, armMemory),
    armMemory,
    picked: {
      kernel: { file: kernel.file, address: kernel.address, size: kernel.data.length },
      stub: stub?.picked ?? { from: 'kernel' },
      tree: tree && { file: tree.file, address: tree.address, size: tree.data.length },
      initramfs: initramfs && {
        file: initramfs.file,
        address: initramfs.address,
        size: initramfs.data.length,
      },
      treeLost,
      treeLostByFirmware,
      needsTree: needs,
      osPrefix: loaded.prefix,
      commandLine,
      notes: [...config.notes.map(describeNote), ...notes],
      unsure: [...config.notes.filter((note) => note.unsure === true).map(describeNote), ...unsure],
    },
  };
}

/** The stub as it goes to address 0. */
function stubFor({ data, addresses }: LoadedStub, tree: number, kernel: number): Uint8Array {
  if (!data) return buildPlainStub(tree, kernel);
  return addresses ? patchStub(data, addresses, tree, kernel) : data;
}

/** The tree's own arguments, the firmware's, then the line of cmdline.txt: the order seen on real boards. */
function joinCommandLine({ commandLine, firmware, tree, serial }: Loaded, added: string): string {
  const own = tree && findNode(tree.fdt, '/chosen')?.properties.get('bootargs');
  const fromFirmware = disablesTags(firmware.config)
    ? ''
    : [
        `bcm2709.boardrev=${hex(REVISION.PI2_V11)}`,
        `bcm2709.serial=${hex(serial)}`,
        `smsc95xx.macaddr=${macAddress(serial).map(hexByte).join(':')}`,
      ].join(' ');
  return [own && fdtText(own), fromFirmware, primaryUart(commandLine), added]
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
  /** The kernel gets a seed for its random numbers. */
  readonly seed: boolean;
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

/** A sentence where a tree reaches beyond `device_tree_end`; undefined where it does not, or none is set. */
function beyondTreeEnd(
  { file, address, data }: { readonly file: string; readonly address: number; readonly data: Uint8Array },
  config: Config,
): string | undefined {
  const set = numberSetting(config, 'device_tree_end', undefined);
  if (set === undefined || address + data.length <= physical(set)) return undefined;
  return `The device tree ${file} would reach from ${hex(address)} to ${hex(address + data.length)}, beyond device_tree_end (${hex(physical(set))}), and what the firmware does then is not known.`;
}

/**
 * A sentence where ATAGS and a kernel at 0 have one place: cards start that have such a kernel (Windows 10 IoT Core's), so one of
 * them gives way, or the kernel does without those bytes. Undefined where the kernel has only zeros there.
 */
function overwrittenAt({ file, data }: LoadedKernel, atags: Uint8Array): string | undefined {
  const end = DEFAULT_TREE_ADDRESS + atags.length;
  if (data.subarray(DEFAULT_TREE_ADDRESS, end).every((byte) => byte === 0)) return undefined;
  return `kernel_old=1 loads ${file} at 0, where the firmware's ATAGS would be too, from ${hex(DEFAULT_TREE_ADDRESS)} to ${hex(end)}, and which of them stays is not known; disable_commandline_tags=1 keeps them out.`;
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
  if (facts.seed) chosen.properties.set('rng-seed', rngSeed(facts.serial));

  const system = ensureNode(fdt, '/system');
  system.properties.set('linux,revision', fdtFromCells(REVISION.PI2_V11));
  system.properties.set('linux,serial', fdtFromCells(0, facts.serial));
  fdt.root.properties.set('serial-number', fdtFromText(hexDigits(facts.serial, 16)));

  // Mainline names the alias ethernet0, Raspberry Pi's trees ethernet.
  const ethernet = findNode(fdt, 'ethernet0') ?? findNode(fdt, 'ethernet');
  ethernet?.properties.set('local-mac-address', Uint8Array.from(macAddress(facts.serial)));
}

/** Where the firmware takes chance, these are the same bytes every time: so is the run that begins with them. */
function rngSeed(serial: number): Uint8Array {
  return fdtFromCells(...Array.from({ length: SEED_WORDS }, (_, i) => hashOf(serial, i)));
}

function macAddress(serial: number): number[] {
  return [...MAC_START, (serial >>> 16) & 0xff, (serial >>> 8) & 0xff, serial & 0xff];
}

/** A sentence where Linux destroys the tree before it reads it. */
async function lostTree(tree: Placed, kernel: LoadedKernel): Promise<string | undefined> {
  const end = tree.address + tree.data.length;
  const { data, facts } = kernel;
  if (facts.kind === 'unknown' || facts.kind === 'u-boot') return undefined;
  const where = whereUnpacked(tree, kernel);
  if (where !== undefined) return `The device tree, ${where}; it is destroyed there.`;
  const { start } = placeOfLinux(kernel);
  if (tree.address >= start || end <= start - FIRST_PAGE_TABLES.lpae) return undefined;
  const first = start - firstPageTables(await unpackVersion(data, facts));
  if (end <= first) return undefined;
  return (
    `The device tree reaches to ${hex(end)}, into ${hex(first)} to ${hex(start - 1)}, ` +
    'where the kernel puts its first page tables; it is destroyed there.'
  );
}

/** Notes a tree that a kernel without a table of sizes unpacks itself over: install leaves such a card as it is. */
function noteTreeUnpackedOver(tree: Placed, kernel: LoadedKernel, notes: string[]): void {
  const where = whereIn(tree, leastUnpacked(kernel));
  if (where !== undefined) notes.push(`The device tree, ${where}; it is destroyed there.`);
}

/** Notes an initramfs that Linux unpacks itself over: it goes on without (Linux, arch/arm/mm/init.c, arm_initrd_init). */
function noteLostInitramfs(
  initramfs: Placed & { readonly file: string },
  kernel: LoadedKernel,
  asked: number | 'followkernel',
  placesHigh: boolean,
  notes: string[],
): void {
  const extent = placeOfLinux(kernel).unpacked ?? leastUnpacked(kernel);
  const where = whereIn(initramfs, extent);
  if (where === undefined) return;
  const hint = placesHigh
    ? 'followkernel instead of the address has the firmware find a place.'
    : `An address further up in config.txt, ${hex(beyond(extent!.end))} say, keeps it.`;
  // It was lost to the user of 413, and is moved as one who works on the firmware has it in 869.
  const moved =
    asked === 'followkernel'
      ? ', unless the firmware moves it further up afterwards, on which sources disagree (raspberrypi/firmware, issues 413 and 869)'
      : '';
  notes.push(`The initramfs ${initramfs.file}, ${where}: Linux starts without it${moved}. ${hint}`);
}

/** An address behind all that a kernel of usual size overwrites. */
function beyond(end: number): number {
  return alignDown(end, ROOM_TO_UNPACK) + 2 * ROOM_TO_UNPACK;
}

/** Something in memory. */
interface Placed {
  readonly address: number;
  readonly data: Uint8Array;
}

/** Words for where something is that a kernel unpacks itself over; undefined where it does not, or does not say so. */
function whereUnpacked(what: Placed, kernel: LoadedKernel): string | undefined {
  return whereIn(what, placeOfLinux(kernel).unpacked);
}

/** @param unpacked what the kernel overwrites; undefined where that is not known */
function whereIn(
  { address, data }: Placed,
  unpacked: { readonly start: number; readonly end: number } | undefined,
): string | undefined {
  const end = address + data.length;
  if (!unpacked || address >= unpacked.end || end <= unpacked.start) return undefined;
  return `from ${hex(address)} to ${hex(end)}, lies where the kernel unpacks itself, ${hex(unpacked.start)} to ${hex(unpacked.end - 1)}`;
}

function noteKernelOld({ kernel, firmware: { config } }: Loaded, passed: number, notes: string[]): void {
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

function alignDown(address: number, to: number): number {
  return Math.floor(address / to) * to;
}

function hexByte(byte: number): string {
  return hexDigits(byte, 2).toUpperCase();
}
