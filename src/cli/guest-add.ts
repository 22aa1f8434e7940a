/** `hypberry guest add`: adds a guest to a card. */
import { basename } from 'node:path';
import { readUserFile } from '../node/user-file.js';
import type { Named } from '../setup/boot-partition.js';
import { addGuest, LARGEST_GUEST_FILE } from '../usecases/guests.js';
import { showChanges } from './changes.js';

export interface GuestAddOptions extends Named {
  readonly name: string;
  readonly kernel: string;
  readonly initramfs?: string;
  readonly memory: number;
  readonly cores: number;
  readonly cmdline?: string;
  readonly disk?: readonly string[];
  readonly net?: 'host' | 'none';
  readonly isolated?: boolean;
  readonly virtio?: '1' | '2';
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Plans, and unless it is a dry run makes, the changes; prints them. */
export async function guestAdd(target: string, options: GuestAddOptions): Promise<void> {
  const file = (path: string): { name: string; data: Uint8Array } => ({
    name: basename(path),
    data: readUserFile(path, LARGEST_GUEST_FILE),
  });
  const { name, kernel, initramfs, memory, cores, cmdline, disk, net, isolated, virtio } = options;
  const guest = {
    name,
    kernel: file(kernel),
    ...(initramfs !== undefined && { initramfs: file(initramfs) }),
    memory,
    cores,
    commandLine: cmdline,
    disks: disk,
    network: net,
    isolated,
    ...(virtio !== undefined && { virtio: virtio === '1' ? (1 as const) : (2 as const) }),
  };
  await showChanges(target, options, (ports) => addGuest(ports, guest, options));
}
