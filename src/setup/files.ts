/** The files that install makes, and the lines of config.txt that have the firmware use them. */
import { HypberryError } from '../base/errors.js';
import { buildDiagnosticBlock, buildDiagnosticStub } from '../boot/diagnostics.js';
import { buildBootBlock, buildStub, DEFAULT_TREE_ADDRESS, KERNEL_OFFSET } from '../boot/block.js';
import { numberSetting } from '../firmware/config.js';
import { bareKernelData } from '../firmware/kernel.js';
import { knowsFilter } from '../firmware/start-elf.js';
import { hex } from '../base/words.js';
import type { HypervisorFiles } from './hypervisor.js';
import { nameFor } from './ours.js';
import type { CardSystem } from './survey.js';

/**
 * Where the device tree is pinned under `kernel_old`, and where the firmware's own place is the guests': just above
 * 128 MiB, out of the way of every kernel that unpacks itself from 0x8000 (Linux, Documentation/arch/arm/booting.rst, section 4b).
 */
const PINNED_TREE_ADDRESS = 0x0800_0000;
const MIB = 1 << 20;

/** Files of ours and the lines that name them. */
export interface Made {
  readonly files: readonly { readonly path: string; readonly data: Uint8Array }[];
  readonly lines: readonly string[];
}

/** Whether the card's firmware can be told that lines are for a Pi 2 only: it has known `pi2` since 12 February 2015. */
export function knowsPi2Filter({ firmware }: Pick<CardSystem, 'firmware'>): boolean {
  return knowsFilter(firmware?.facts, 'pi2');
}

/**
 * Lines for a Pi 2, or for every board where the firmware cannot tell. [all] in front too: [pi2] takes the place of another
 * model only, and filters of other kinds would stay in force.
 */
const forPi2 = (system: CardSystem, ...lines: string[]): string[] =>
  knowsPi2Filter(system) ? ['[all]', '[pi2]', ...lines, '[all]'] : ['[all]', ...lines, '[all]'];

const pinned = (address: number): string => `device_tree_address=${hex(address, 8)}`;

/** The host's tree beside the hypervisor, which goes where the firmware looks for trees; no more without one. */
async function treeOf({ picked }: CardSystem, hypervisor: HypervisorFiles | undefined): Promise<Made> {
  if (!hypervisor) return { files: [], lines: [] };
  const name = await nameFor(hypervisor.tree, 'dtb');
  return {
    files: [{ path: picked.osPrefix + name, data: hypervisor.tree }],
    lines: [`device_tree=${name}`],
  };
}

/** Names the kernel, and the initramfs that the firmware finds by the name of the kernel that was there (`auto_initramfs`). */
function kernelLines({ picked, config }: CardSystem, name: string): string[] {
  const initramfs =
    picked.initramfs && !config.initramfs ? [`initramfs ${picked.initramfs.file} followkernel`] : [];
  return [`kernel=${name}`, ...initramfs];
}

/**
 * What has the firmware use our block as its stub; with guests, our hypervisor as the kernel behind it.
 * @param diagnostics the block says on the serial port how far it came
 * @param pinsTree a line of ours says where the device tree goes
 */
export async function armstubFiles(
  system: CardSystem,
  hypervisor: HypervisorFiles | undefined,
  diagnostics: boolean,
  pinsTree: boolean,
): Promise<Made> {
  const data = diagnostics ? buildDiagnosticStub() : buildStub();
  const name = await nameFor(data, 'bin');
  const tree = await treeOf(system, hypervisor);
  const files = [{ path: name, data }, ...tree.files];
  const lines = [`armstub=${name}`, ...(pinsTree ? [pinned(PINNED_TREE_ADDRESS)] : []), ...tree.lines];
  if (hypervisor) {
    const kernel = await nameFor(hypervisor.kernel, 'img');
    files.push({ path: system.picked.osPrefix + kernel, data: hypervisor.kernel });
    lines.unshift(...kernelLines(system, kernel));
  }
  return { files, lines: forPi2(system, ...lines) };
}

/**
 * What has the firmware start our block with a kernel behind it: the card's, or with guests our hypervisor.
 * @param diagnostics the block says on the serial port how far it came
 * @throws HypberryError `setup.kernel-address`, `setup.tree-unpinned`
 */
export async function kernelOldFiles(
  system: CardSystem,
  hypervisor: HypervisorFiles | undefined,
  diagnostics: boolean,
): Promise<Made> {
  const { picked, config } = system;
  const address = numberSetting(config, 'kernel_address', undefined);
  if (address !== undefined && address !== KERNEL_OFFSET) {
    throw new HypberryError(
      'setup.kernel-address',
      `config.txt loads the kernel to ${hex(address)}; under kernel_old it can only start at 0x8000.`,
      'Use --method armstub, or take kernel_address out of config.txt.',
    );
  }
  const kernel = hypervisor?.kernel ?? bareKernelData(system.kernel);
  const place = treeAddress(system);
  if (place.pin) refuseBeyond(system, hypervisor?.tree.length ?? 0);
  const data = new Uint8Array(KERNEL_OFFSET + kernel.length);
  data.set(diagnostics ? buildDiagnosticBlock(place.address) : buildBootBlock(place.address));
  data.set(kernel, KERNEL_OFFSET);
  const name = await nameFor(data, 'img');
  const tree = await treeOf(system, hypervisor);
  return {
    files: [{ path: picked.osPrefix + name, data }, ...tree.files],
    lines: forPi2(
      system,
      ...kernelLines(system, name),
      'kernel_old=1',
      ...(place.pin ? [pinned(place.address)] : []),
      ...tree.lines,
    ),
  };
}

/**
 * Refuses a card whose ARM has too little memory for the place that a line of ours gives the tree.
 * @param least bytes of a tree that takes the place of the card's own; 0 without one
 * @throws HypberryError `setup.tree-unpinned`
 */
function refuseBeyond({ picked, armMemory }: CardSystem, least: number): void {
  const size = Math.max(picked.tree?.size ?? 0, least);
  if (PINNED_TREE_ADDRESS + size <= armMemory) return;
  throw new HypberryError(
    'setup.tree-unpinned',
    `The device tree (${size} bytes) does not fit at ${hex(PINNED_TREE_ADDRESS)}, where install puts it under kernel_old: the ARM's memory ends at ${hex(armMemory)}.`,
    `Use --method armstub, or give the tree a lower place, above the kernel, with a line such as ${pinned(armMemory / 2 - ((armMemory / 2) % MIB))} in config.txt.`,
  );
}

/** Where the kernel finds its tree under `kernel_old`, and whether a line of ours has to say so. */
function treeAddress({ picked, config, firmware: file }: CardSystem): { address: number; pin: boolean } {
  const { tree, initramfs } = picked;
  const firmware = file?.facts;
  // No tree: ATAGS, which always lie there.
  if (!tree) return { address: DEFAULT_TREE_ADDRESS, pin: false };
  const set = numberSetting(config, 'device_tree_address', undefined);
  if (set !== undefined) return { address: tree.address, pin: false };
  if (!initramfs && firmware?.knowsDeviceTreeAddress !== false)
    return { address: PINNED_TREE_ADDRESS, pin: true };
  if (firmware?.placesHigh !== false) {
    throw new HypberryError(
      'setup.tree-unpinned',
      initramfs
        ? 'This card has an initramfs, beside which the device tree cannot be pinned safely, and its firmware puts the tree where it likes.'
        : "The card's firmware does not know device_tree_address, and puts the tree where it likes.",
      'Use --method armstub: there the firmware itself tells the block where the tree is.',
    );
  }
  return { address: DEFAULT_TREE_ADDRESS, pin: false };
}
