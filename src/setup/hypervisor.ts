/** The hypervisor for a card: its file with the host's kernel and the guests in it, and the host's device tree. */
import { attempt, HypberryError } from '../base/errors.js';
import { counted, cores as coresText, hex, listed } from '../base/words.js';
import { zip } from '../base/zip.js';
import { isBootBlock, KERNEL_OFFSET } from '../boot/block.js';
import type { CardReader } from '../card/card.js';
import { unpackedExtent } from '../firmware/extents.js';
import { readFdt, writeFdt } from '../firmware/fdt.js';
import { bareKernel, bareKernelData } from '../firmware/kernel.js';
import { numbersAsFound } from '../firmware/kernel-text.js';
import type { Picked } from '../firmware/handover.js';
import { placeGuest, readGuestFiles, shareCores, virtioOf } from '../guest/plan.js';
import { changeHostTree } from '../guest/host-tree.js';
import { GUESTS_FILE, LEAST_MEMORY, MEMORY_STEP, MOST_CORES_TOGETHER, type Guest } from '../guest/guests.js';
import {
  OWN_CONSOLE,
  readHypervisorFile,
  type HypervisorDescription,
} from '../hypervisor/image/description.js';
import { planChannel } from '../channel/ports.js';
import {
  buildHypervisor,
  bytesOfFiles,
  CMA_SIZE,
  divideMemory,
  type GuestPlan,
} from '../hypervisor/image/image.js';
import { checkPlacement } from '../hypervisor/image/placement.js';
import { NEAR_UARTS } from '../hypervisor/shared/layout.js';
import type { HostSystem } from './conclusion.js';
import type { CardSystem } from './survey.js';

const MIB = 1 << 20;
/** What a host of today takes at the least, beside its kernel and initramfs. */
const LEAST_HOST_MEMORY = 128 * MIB;

/** What install puts on a card that has guests. */
export interface HypervisorFiles {
  /** What the firmware is to start as kernel, in HYP mode. */
  readonly kernel: Uint8Array;
  /** The host's device tree. */
  readonly tree: Uint8Array;
  /** What is started, for a sentence. */
  readonly what: string;
  /** Who finds what where, one sentence each. */
  readonly notes: readonly string[];
  /**
   * Refuses what the firmware would put in the way of it.
   * @param picked what it loads, and where
   * @throws HypberryError `hypervisor.placement`, `hypervisor.tree`
   */
  readonly checkPlacement: (picked: Picked) => void;
}

/**
 * Every guest with its cores and its files in their places.
 * @param card the card that holds the guests' files
 * @throws HypberryError `guest.cores`, `guest.no-file`, `guest.memory`, what {@link placeGuest} and the card throw
 */
export async function planGuests(
  card: CardReader,
  guests: readonly Guest[],
): Promise<{ hostCores: number; plans: GuestPlan[] }> {
  const { hostCores, attempts } = await attemptGuests(card, guests);
  const plans = attempts.map(({ plan }) => {
    if (plan instanceof HypberryError) throw plan;
    return plan;
  });
  return { hostCores, plans };
}

/**
 * The same, with what is wrong with a guest in the place of its plan.
 * @throws HypberryError `guest.cores`, and what the card throws
 */
export async function attemptGuests(
  card: CardReader,
  guests: readonly Guest[],
): Promise<{ hostCores: number; attempts: { cores: readonly number[]; plan: GuestPlan | HypberryError }[] }> {
  const together = guests.reduce((sum, { cores }) => sum + cores, 0);
  if (together > MOST_CORES_TOGETHER) {
    throw new HypberryError(
      'guest.cores',
      `The guests have ${together} cores together, and ${MOST_CORES_TOGETHER} are as many as there can be.`,
      'Give them fewer (--cores), or have fewer of them.',
    );
  }
  const { hostCores, guestCores } = shareCores(guests);
  const attempts: { cores: readonly number[]; plan: GuestPlan | HypberryError }[] = [];
  for (const [guest, cores] of zip(guests, guestCores)) {
    const plan = await attempt(async () => {
      const files = await readGuestFiles(card, guest);
      return placeGuest(guest, files, cores, await virtioOf(guest, files.program));
    });
    if (plan instanceof HypberryError && !plan.code.startsWith('guest.')) throw plan;
    attempts.push({ cores, plan });
  }
  return { hostCores, attempts };
}

/**
 * Refuses guests that leave the host too little memory.
 * @param armMemory bytes that the ARM has
 * @param host bytes of the host's kernel and initramfs
 * @param added the one of them that is about to be added: the hint says how much it can have
 * @throws HypberryError `guest.memory`
 */
export function refuseMemory(
  armMemory: number,
  host: number,
  plans: readonly GuestPlan[],
  added?: GuestPlan,
): void {
  const channel = planChannel(plans).size;
  const theirs = plans.reduce((sum, it) => sum + it.memory + bytesOfFiles(it), channel);
  const left = armMemory - theirs;
  if (left >= host + LEAST_HOST_MEMORY) return;
  const mib = (bytes: number): string => `${Math.ceil(bytes / MIB)} MiB`;
  const room = ((added?.memory ?? 0) + left - host - LEAST_HOST_MEMORY) / MIB;
  const most = Math.floor(room / MEMORY_STEP) * MEMORY_STEP;
  const others = 'have fewer guests, or set a smaller gpu_mem in config.txt.';
  throw new HypberryError(
    'guest.memory',
    `The guests take ${mib(theirs)}, with the ${mib(channel)} by which they reach the host, of the ${mib(armMemory)} that the ARM has, and the host needs ${mib(host + LEAST_HOST_MEMORY)}.`,
    !added
      ? `Give the guests less ("memory" in ${GUESTS_FILE}), ${others}`
      : most < LEAST_MEMORY
        ? `There is none left for this one: give the others less ("memory" in ${GUESTS_FILE}), ${others}`
        : `Give this one at most --memory ${most}, ${others}`,
  );
}

/** A memory of Linux's own: its size, and where it begins, which is 0 unless told (Linux, arch/arm/kernel/setup.c, early_mem). */
const MEMORY_OPTION =
  /(?:^|\s)mem=(0[xX][0-9a-fA-F]+|\d+)([kKmMgG]?)(?:@(0[xX][0-9a-fA-F]+|\d+)([kKmMgG]?))?(?=\s|$)/g;

/**
 * Refuses a command line by which Linux takes more memory than the host's device tree has: what it says there is all that counts.
 * @param hostEnd where the host's memory ends
 * @throws HypberryError `hypervisor.host-memory`
 */
function refuseMemoryOption(commandLine: string, hostEnd: number): void {
  for (const [option, size = '', unit = '', start = '0', startUnit = ''] of commandLine.matchAll(
    MEMORY_OPTION,
  )) {
    if (bytesOf(start, startUnit) + bytesOf(size, unit) <= hostEnd) continue;
    throw new HypberryError(
      'hypervisor.host-memory',
      `The command line has ${option.trim()}: Linux takes that memory, whatever the device tree says, and beside the guests the host has ${Math.floor(hostEnd / MIB)} MiB.`,
      `Take ${option.trim()} out of cmdline.txt, or make it at most mem=${Math.floor(hostEnd / MIB)}M.`,
    );
  }
}

/** A number with a unit, as Linux reads it: K, M or G. */
const bytesOf = (number: string, unit: string): number =>
  Number(number) * 1024 ** ' kmg'.indexOf(unit.toLowerCase() || ' ');

/**
 * What memory the host keeps beside these guests, and where the rest is, a sentence.
 * @param armMemory bytes that the ARM has
 */
export function hostMemoryText(armMemory: number, plans: readonly GuestPlan[]): string {
  const { end, copies, channel, guestMemory, hostEnd } = divideMemory(armMemory, plans);
  const mib = (bytes: number): string => `${Math.floor(bytes / MIB)} MiB`;
  const guestsEnd = channel.address;
  const lowest = Math.min(guestsEnd, ...guestMemory);
  const unused = lowest - hostEnd;
  const rest = [
    `the guests have ${mib(guestsEnd - lowest)}`,
    `their consoles${channel.ports.length > 0 ? ', disks and network' : ''} take ${mib(channel.size)}`,
    `copies of their files and the hypervisor ${mib(end - copies)}`,
    ...(unused > 0
      ? [
          `${mib(unused)} stay unused because Linux could not place its area for contiguous allocations (CMA) of ${mib(CMA_SIZE)} if the host's memory ended there`,
        ]
      : []),
  ];
  return `The host keeps ${mib(hostEnd)} of ${mib(armMemory)}: ${listed(rest)}.`;
}

/**
 * Builds what a card with guests starts.
 * @param card the card that holds the guests' files
 * @param system what the card starts without our lines in config.txt
 * @param diagnostics it says on the serial port how far it came
 * @throws HypberryError what {@link planGuests}, {@link refuseMemory}, {@link refuseMemoryOption}, {@link buildHypervisor}
 *   and {@link changeHostTree} throw, and what the card throws
 */
export async function hypervisorFor(
  card: CardReader,
  { kernel, loaded, picked, armMemory }: HostSystem,
  guests: readonly Guest[],
  diagnostics: boolean,
): Promise<HypervisorFiles> {
  const { hostCores, plans } = await planGuests(card, guests);
  const hostKernel = bareKernelData(kernel);
  refuseMemory(armMemory, hostKernel.length + (picked.initramfs?.size ?? 0), plans);
  const image = buildHypervisor({ armMemory, hostCores, hostKernel, guests: plans, diagnostics });
  const { file, hostEnd } = image;
  refuseMemoryOption(picked.commandLine, hostEnd);
  const fdt = readFdt(loaded.tree.data);
  const names = [OWN_CONSOLE, ...guests.map(({ name }) => name)];
  const consoles = zip(names, changeHostTree(fdt, hostCores, names.length, image.channel));
  return {
    kernel: file,
    tree: writeFdt(fdt),
    what: `its hypervisor, ${picked.kernel.file} on ${counted(hostCores, 'core')} with ${Math.floor(hostEnd / MIB)} MiB, and ${counted(guests.length, 'guest')},`,
    notes: [
      ...zip(plans, consoles.slice(1)).map(
        ([{ name, cores, memory }, [, port]]) =>
          `${name}: ${coresText(cores)}, ${memory / MIB} MiB; its console is ${device(port)} on the Pi.`,
      ),
      hostMemoryText(armMemory, plans),
      ...consoles
        .slice(0, 1)
        .map(([name, port]) => `${name}: what the hypervisor has to say is on ${device(port)} on the Pi.`),
      ...[consolesNote(kernel)].filter((it) => it !== undefined),
    ],
    checkPlacement: ({ kernel, stub, tree, initramfs }) => {
      const at = kernel.address + (stub.from === 'kernel' ? KERNEL_OFFSET : 0);
      const unpacked = unpackedExtent(hostKernel);
      checkPlacement(image, hostKernel.length, {
        file: at,
        tree,
        initramfs,
        ...(unpacked && { unpacked: unpacked.end - at }),
      });
    },
  };
}

/**
 * The devices on the Pi that are the guests' consoles, as {@link hypervisorFor} makes them.
 * @param tree the file of the host's device tree
 * @throws HypberryError what `readFdt` and {@link changeHostTree} throw
 */
export function consolesOf(tree: Uint8Array, guests: number): string[] {
  return changeHostTree(readFdt(tree), 1, 1 + guests)
    .slice(1)
    .map(device);
}

function countsAsFound({ facts }: CardSystem['kernel']): boolean {
  const { version } = bareKernel(facts);
  return version !== undefined && numbersAsFound(version);
}

/** A sentence where the host's kernel may give the consoles other names than {@link consolesOf}; undefined where it does not. */
export function consolesNote(kernel: CardSystem['kernel']): string | undefined {
  const { file } = kernel;
  if (!countsAsFound(kernel)) return undefined;
  return (
    `The numbers of the consoles may be others: Raspberry Pi's kernels before 6.1.26, as ${file} is one, number their serial ports as they find them. ` +
    `"dmesg | grep ttyAMA" on the Pi tells: the hypervisor's is the one at ${hex(NEAR_UARTS)}, the guests' follow in their order.`
  );
}

/** What the hypervisor in a kernel file, perhaps with our block in front, says of itself; undefined in any other. */
export function hypervisorIn(file: Uint8Array): HypervisorDescription | undefined {
  return readHypervisorFile(isBootBlock(file) ? file.subarray(KERNEL_OFFSET) : file);
}

/**
 * The kernel that becomes the card's own system, for who wants to know what it is.
 * @param file what the firmware loads as kernel
 * @param hypervisor the one in it
 * @returns undefined where the file does not tell where it is
 */
export function hostKernelIn(
  file: Uint8Array,
  hypervisor: HypervisorDescription | undefined,
): Uint8Array | undefined {
  if (!hypervisor) return file;
  const { hostKernel } = hypervisor;
  return hostKernel === undefined ? undefined : file.subarray(file.length - hostKernel);
}

/** The device of an alias: `serial2` is /dev/ttyAMA2. */
function device(alias: string): string {
  return alias.replace('serial', '/dev/ttyAMA');
}
