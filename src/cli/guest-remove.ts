/** `hypberry guest remove`: takes a guest off a card. */
import type { Named } from '../setup/boot-partition.js';
import { removeGuest } from '../usecases/guests.js';
import { showChanges } from './changes.js';

export interface GuestRemoveOptions extends Named {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Plans, and unless it is a dry run makes, the changes; prints them. */
export async function guestRemove(target: string, name: string, options: GuestRemoveOptions): Promise<void> {
  await showChanges(target, options, (ports) => removeGuest(ports, name, options));
}
