/** `hypberry guest rename`: gives a guest of a card another name. */
import type { Named } from '../setup/boot-partition.js';
import { renameGuest } from '../usecases/guests.js';
import { showChanges } from './changes.js';

export interface GuestRenameOptions extends Named {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Plans, and unless it is a dry run makes, the changes; prints them. */
export async function guestRename(
  target: string,
  name: string,
  newName: string,
  options: GuestRenameOptions,
): Promise<void> {
  await showChanges(target, options, (ports) => renameGuest(ports, name, newName, options));
}
