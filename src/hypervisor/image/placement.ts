/** Whether the firmware leaves its files where the hypervisor's start can take them from. */
import { HypberryError } from '../../base/errors.js';
import { COPIER_AT, COPIER_END, COPY_STEP as STEP } from '../shared/layout.js';
import { hex } from '../../base/words.js';
import type { HypervisorImage } from './image.js';

/** A range of physical memory. */
export interface Area {
  readonly address: number;
  readonly size: number;
}

/** What the firmware loads beside the hypervisor's file, and where. */
export interface Loaded {
  /** Physical address of the hypervisor's file. The host's kernel is moved there. */
  readonly file: number;
  /** undefined where it gives ATAGS. */
  readonly tree: Area | undefined;
  readonly initramfs?: Area | undefined;
  /** How far the host's kernel reaches from there when it has unpacked itself, in bytes; default: its file. */
  readonly unpacked?: number;
}

const PAGE = 0x1000;

const end = ({ address, size }: Area): number => address + size;
const overlap = (a: Area, b: Area): boolean => a.address < end(b) && b.address < end(a);

function pageBelow(limit: number, size: number): number {
  const room = limit - Math.ceil(size / STEP) * STEP;
  return room - (room % PAGE);
}

/**
 * Where the start brings tree and initramfs, so that both lie in the host's memory (src/hypervisor/body/host/tree.ts does it).
 * @param hostEnd where the host's memory ends
 * @returns the addresses; those below the end stay where they are
 */
export function settled(
  hostEnd: number,
  tree: Area,
  initramfs: Area | undefined,
): { tree: number; initramfs: number | undefined } {
  const moves = initramfs !== undefined && end(initramfs) > hostEnd;
  const to = moves ? pageBelow(hostEnd, initramfs.size) : initramfs?.address;
  const limit = moves ? to! : hostEnd;
  if (end(tree) <= limit) return { tree: tree.address, initramfs: to };
  const place = pageBelow(limit, tree.size);
  const inTheWay = initramfs && !moves && overlap({ address: place, size: tree.size }, initramfs);
  return { tree: inTheWay ? pageBelow(initramfs.address, tree.size) : place, initramfs: to };
}

/**
 * Refuses what the start would destroy, or what would destroy the host's start.
 * @throws HypberryError `hypervisor.tree` where there is none, `hypervisor.placement` where two things would lie over
 * each other
 */
export function checkPlacement(image: HypervisorImage, hostKernel: number, loaded: Loaded): void {
  const { file, tree, initramfs } = loaded;
  if (!tree) {
    throw new HypberryError(
      'hypervisor.tree',
      "The firmware gives the kernel ATAGS, which cannot say that the guests' memory is not the host's.",
      "Put the Pi 2's device tree on the boot partition, and take an empty device_tree= out of config.txt.",
    );
  }
  const from = image.channel.address;
  const copies = { address: from, size: image.end - from };
  const copier = { address: COPIER_AT, size: COPIER_END - COPIER_AT };
  const refuse = (what: string, area: Area | undefined, hint: string): void => {
    const below = [copies, copier].find((it) => area && overlap(area, it));
    if (!area || !below) return;
    throw new HypberryError(
      'hypervisor.placement',
      `The firmware puts ${what} at ${hex(area.address)} to ${hex(end(area))}, over what the hypervisor puts at ${hex(below.address)} to ${hex(end(below))}.`,
      hint,
    );
  };
  refuse(
    "the hypervisor's file",
    { address: file, size: image.file.length },
    'Take kernel_address out of config.txt, or set a smaller gpu_mem.',
  );
  refuse(
    'the device tree',
    tree,
    'Set a smaller gpu_mem, or have config.txt put it elsewhere, such as device_tree_address=0x08000000.',
  );
  refuse(
    'the initramfs',
    initramfs,
    'Set a smaller gpu_mem, or have config.txt put it elsewhere, such as "initramfs FILE 0x09000000".',
  );

  const places = settled(image.hostEnd, tree, initramfs);
  const kernelEnd = file + Math.max(hostKernel, loaded.unpacked ?? 0);
  const lowest = Math.min(
    ...[
      { from: tree.address, to: places.tree },
      { from: initramfs?.address, to: places.initramfs },
    ].flatMap(({ from, to }) => (to === undefined || from === to ? [] : [to])),
  );
  if (lowest < kernelEnd) {
    throw new HypberryError(
      'hypervisor.placement',
      `The host's memory ends at ${hex(image.hostEnd)}: its initramfs and device tree do not fit there above its kernel, which reaches to ${hex(kernelEnd)}.`,
      'Give the guests less memory.',
    );
  }
}
