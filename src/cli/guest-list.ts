/** `hypberry guest list`: shows the guests of a card. */
import { cores } from '../base/words.js';
import { openCard } from '../node/open-card.js';
import type { Named } from '../setup/boot-partition.js';
import { describeGuest } from '../setup/guests.js';
import { guestsOf } from '../usecases/guests.js';
import { columns, say, sayJson } from './output.js';

export interface GuestListOptions extends Named {
  readonly json?: boolean;
}

/** Prints the guests, and which cores stay with the host. */
export async function guestList(target: string, options: GuestListOptions): Promise<void> {
  const listed = await guestsOf((access) => openCard(target, { ...options, ...access }));
  if (options.json) {
    sayJson(listed);
    return;
  }
  if (listed.guests.length === 0) {
    say('This card has no guests. "hypberry guest add" adds one.');
    return;
  }
  for (const line of columns(listed.guests.map((it) => [it.name, describeGuest(it)]))) say(line);
  say(`The host keeps ${cores(Array.from({ length: listed.hostCores }, (_, core) => core))}.`);
}
