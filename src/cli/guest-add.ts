/** `hypberry guest add`: adds a guest to a card. */
import { basename } from 'node:path';
import { HypberryError } from '../base/errors.js';
import { readUserFile } from '../node/user-file.js';
import type { Named } from '../setup/boot-partition.js';
import { addGuest, LARGEST_GUEST_FILE } from '../usecases/guests.js';
import { showChanges } from './changes.js';

/** Options that `guest add` and `guest set` have in common. */
export interface GuestOptions extends Named {
  readonly kernel?: string;
  readonly firmware?: string;
  readonly memory?: number;
  readonly cores?: number;
  readonly cmdline?: string;
  readonly disk?: readonly string[];
  readonly net?: 'host' | 'none';
  readonly isolated?: boolean;
  readonly forward?: readonly string[];
  readonly virtio?: '1' | '2' | 'auto';
  readonly autostart?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export interface GuestAddOptions extends GuestOptions {
  readonly name: string;
  readonly loadAddress?: string;
  readonly initramfs?: string;
  readonly memory: number;
  readonly cores: number;
}

/**
 * A file for a guest, and its name.
 * @throws HypberryError what {@link readUserFile} throws
 */
export const guestFile = (path: string): { name: string; data: Uint8Array } => ({
  name: basename(path),
  data: readUserFile(path, LARGEST_GUEST_FILE),
});

/** The version of virtio's registers that was asked for. */
export const virtioVersion = (asked: '1' | '2' | 'auto'): 1 | 2 | 'auto' =>
  asked === 'auto' ? 'auto' : asked === '1' ? 1 : 2;

/**
 * Plans, and unless it is a dry run makes, the changes; prints them.
 * @throws HypberryError `usage.missing` where there is nothing to start, and what reading files and the change throw
 */
export async function guestAdd(target: string, options: GuestAddOptions): Promise<void> {
  const { name, kernel, firmware, loadAddress, initramfs, memory, cores } = options;
  const { cmdline, disk, net, isolated, forward, virtio = 'auto', autostart } = options;
  if (kernel === undefined && firmware === undefined)
    throw new HypberryError(
      'usage.missing',
      '"hypberry guest add" lacks --kernel <file> or --firmware <file>.',
      '"hypberry guest add --help" shows how it is used.',
    );
  const version = virtioVersion(virtio);
  const guest = {
    name,
    kernel: kernel === undefined ? undefined : guestFile(kernel),
    firmware: firmware === undefined ? undefined : guestFile(firmware),
    loadAddress,
    ...(initramfs !== undefined && { initramfs: guestFile(initramfs) }),
    memory,
    cores,
    commandLine: cmdline,
    disks: disk,
    network: net,
    isolated,
    forwards: forward,
    virtio: version === 'auto' ? undefined : version,
    autostart,
  };
  await showChanges(target, options, (ports) => addGuest(ports, guest, options));
}
