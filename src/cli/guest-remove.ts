/** `hypberry guest remove`: takes a guest off a card. */
import { openCard } from '../node/open-card.js';
import type { Named } from '../setup/boot-partition.js';
import { planGuestRemove } from '../setup/guests.js';
import { makeChanges } from './changes.js';

export interface GuestRemoveOptions extends Named {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Plans, and unless it is a dry run makes, the changes; prints them. */
export async function guestRemove(target: string, name: string, options: GuestRemoveOptions): Promise<void> {
  const card = await openCard(target, { ...options, write: !options.dryRun, changes: true });
  try {
    await makeChanges(card, await planGuestRemove(card, name), options);
  } finally {
    await card.close();
  }
}
