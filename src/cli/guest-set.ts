/** `hypberry guest set`: changes a guest of a card. */
import { HypberryError } from '../base/errors.js';
import { setGuest, type GuestSettings } from '../usecases/guests.js';
import { showChanges } from './changes.js';
import { guestFile, virtioVersion, type GuestOptions } from './guest-add.js';

export interface GuestSetOptions extends GuestOptions {
  /** False where it is the kernel's own again. */
  readonly loadAddress?: string | false;
  /** False where it is taken away. */
  readonly initramfs?: string | false;
  readonly removeDisk?: readonly string[];
  readonly removeForward?: readonly string[];
}

/**
 * Plans, and unless it is a dry run makes, the changes; prints them.
 * @throws HypberryError `usage.missing` where nothing is to be set, and what reading files and the change throw
 */
export async function guestSet(target: string, name: string, options: GuestSetOptions): Promise<void> {
  const { kernel, firmware, loadAddress, initramfs, memory, cores, cmdline } = options;
  const { removeDisk, disk, net, isolated, removeForward, forward, virtio, autostart } = options;
  const given = [
    ...[kernel, firmware, loadAddress, initramfs, memory, cores, cmdline],
    ...[removeDisk, disk, net, isolated, removeForward, forward, virtio, autostart],
  ];
  if (given.every((it) => it === undefined))
    throw new HypberryError(
      'usage.missing',
      '"hypberry guest set" lacks what is to be set.',
      '"hypberry guest set --help" shows how it is used.',
    );
  const settings: GuestSettings = {
    ...(kernel !== undefined && { kernel: guestFile(kernel) }),
    ...(firmware !== undefined && { firmware: guestFile(firmware) }),
    ...(loadAddress !== undefined && { loadAddress: loadAddress === false ? 'none' : loadAddress }),
    ...(initramfs !== undefined && { initramfs: initramfs === false ? 'none' : guestFile(initramfs) }),
    memory,
    cores,
    commandLine: cmdline,
    disksGone: removeDisk,
    disks: disk,
    network: net,
    isolated,
    forwardsGone: removeForward,
    forwards: forward,
    virtio: virtio && virtioVersion(virtio),
    autostart,
  };
  await showChanges(target, options, (ports) => setGuest(ports, name, settings, options));
}
