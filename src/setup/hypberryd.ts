/** hypberryd on the boot partition, from where the Pi's system installs it: the host's end of its guests. */
import { HypberryError } from '../base/errors.js';
import { listed } from '../base/words.js';
import type { CardReader } from '../card/card.js';
import { bareKernel } from '../firmware/kernel.js';
import { needsHypberryd } from '../guest/devices.js';
import type { Guest } from '../guest/guests.js';
import { hypberrydFile, HYPBERRYD_BEGIN, HYPBERRYD_FILE, hypberrydRelease } from '../hypberryd/program.js';
import { isOurHypberryd } from './ours.js';
import type { CardSystem } from './survey.js';

/** What is to be on the card for the host's end of guests. */
export interface HypberrydFiles {
  readonly files: readonly { readonly path: string; readonly data: Uint8Array }[];
  /** What is to be done with it on the Pi, a sentence. */
  readonly notes: readonly string[];
}

/**
 * hypberryd for a card with guests; no file else.
 * @throws HypberryError `setup.hypberryd-file` where a file of somebody else's has its name, and what the card throws
 */
export async function hypberrydFor(
  card: CardReader,
  system: CardSystem,
  guests: readonly Guest[],
): Promise<HypberrydFiles> {
  if (guests.length === 0) return { files: [], notes: [] };
  const there = await card.stat(HYPBERRYD_FILE);
  if (there && (there.isFolder || !(await isOurHypberryd(card)))) {
    throw new HypberryError(
      'setup.hypberryd-file',
      `The boot partition has a ${there.isFolder ? 'folder' : 'file'} ${HYPBERRYD_FILE} that is not hypberry's, and the program by which the Pi sees and serves its guests has that name.`,
      'Give it another name, or move it somewhere else.',
    );
  }
  const data = hypberrydFile();
  const before = await releaseOnCard(card);
  const isOther = before !== undefined && before !== hypberrydRelease(data);
  const served = guests.filter(needsHypberryd);
  const does =
    served.length === 0
      ? 'by that program you list the guests, start them, stop them and see their consoles'
      : `that program serves the disks and network of ${listed(served.map(({ name }) => name))}`;
  const waiting = served.filter(({ disks }) => disks && disks.length > 0).map(({ name }) => name);
  const waits =
    waiting.length === 0 ? '' : `, and ${listed(waiting)} ${waiting.length === 1 ? 'waits' : 'wait'} for it`;
  return {
    files: [{ path: HYPBERRYD_FILE, data }],
    notes: [
      `On the Pi, ${isOther ? `once more, as it had release ${before}` : 'once'}, ${installText(system)}: ${does}${waits}.`,
    ],
  };
}

/** What is to be said where it goes from the card, a sentence. */
export const HYPBERRYD_GOES = `${HYPBERRYD_FILE} goes from the boot partition; what the Pi's system has of it, "sudo ${HYPBERRYD_FILE} uninstall" takes away there.`;

/** How hypberryd is installed on the Pi, the end of a sentence. */
function installText(system: CardSystem): string {
  const folder = bootFolder(system);
  return folder === undefined
    ? `where its system mounts the boot partition (/boot/firmware or /boot): "sudo ./${HYPBERRYD_FILE} install"`
    : `"sudo ${folder}/${HYPBERRYD_FILE} install"`;
}

/** Kernels of systems that mount the boot partition at /boot/firmware: Debian's, Ubuntu's, Raspberry Pi OS' since 2023. */
const AT_BOOT_FIRMWARE = /^Linux version \S+(?:-armmp|-raspi|-rpi-v7l?)(?:-lpae)?\s/;
/** Those of systems that mount it at /boot: Raspberry Pi OS up to 2023 (6.1 and before), OSMC. */
const AT_BOOT = /^Linux version (?:[345]\.\d+|6\.[01])\.\S*(?:-v7l?\+?|-2709\+?|-osmc)\s/;
/** LibreELEC and its like are told where their disks are, and mount the first at /flash. */
const AT_FLASH = /(?:^|\s)boot=\S+.*\sdisk=\S/;

/** Where the card's system mounts its boot partition; undefined where nothing tells. */
function bootFolder({ kernel, picked }: CardSystem): string | undefined {
  if (AT_FLASH.test(picked.commandLine)) return '/flash';
  const version = `${bareKernel(kernel.facts).version ?? ''} `;
  if (AT_BOOT_FIRMWARE.test(version)) return '/boot/firmware';
  return AT_BOOT.test(version) ? '/boot' : undefined;
}

/**
 * The release of the hypberryd on a card; undefined where there is none, or no more than its name.
 * @throws HypberryError what the card throws
 */
export async function releaseOnCard(card: CardReader): Promise<string | undefined> {
  const there = await card.stat(HYPBERRYD_FILE);
  if (!there || there.isFolder) return undefined;
  return hypberrydRelease(await card.read(HYPBERRYD_FILE, 0, HYPBERRYD_BEGIN));
}
