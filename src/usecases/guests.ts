/** Adds, changes, lists and removes the guests of a card. */
import { planGuestAdd, planGuestRemove, type NewGuest } from '../setup/guest-add.js';
import { planGuestRename, planGuestSet, type GuestSettings } from '../setup/guest-set.js';
import { listGuests, namesOfGuests, type GuestList } from '../setup/guests.js';
import { accessFor, change, type Changed, type ChangeOptions, type ChangePorts } from './change.js';
import { withCard, type OpenCard } from './open-card.js';

export { LARGEST_GUEST_FILE } from '../setup/guest-add.js';
export type { GuestSettings } from '../setup/guest-set.js';

/**
 * Puts a guest on a card.
 * @throws HypberryError what {@link planGuestAdd} and the card throw
 */
export function addGuest(ports: ChangePorts, guest: NewGuest, options: ChangeOptions): Promise<Changed> {
  return withCard(ports.openCard, accessFor(options), async (card) =>
    change(card, await planGuestAdd(card, guest), ports, options),
  );
}

/**
 * Changes a guest of a card.
 * @throws HypberryError what {@link planGuestSet} and the card throw
 */
export function setGuest(
  ports: ChangePorts,
  name: string,
  settings: GuestSettings,
  options: ChangeOptions,
): Promise<Changed> {
  return withCard(ports.openCard, accessFor(options), async (card) =>
    change(card, await planGuestSet(card, name, settings), ports, options),
  );
}

/**
 * Gives a guest of a card another name.
 * @throws HypberryError what {@link planGuestRename} and the card throw
 */
export function renameGuest(
  ports: ChangePorts,
  name: string,
  newName: string,
  options: ChangeOptions,
): Promise<Changed> {
  return withCard(ports.openCard, accessFor(options), async (card) =>
    change(card, await planGuestRename(card, name, newName), ports, options),
  );
}

/**
 * Takes a guest off a card.
 * @throws HypberryError what {@link planGuestRemove} and the card throw
 */
export function removeGuest(ports: ChangePorts, name: string, options: ChangeOptions): Promise<Changed> {
  return withCard(ports.openCard, accessFor(options), async (card) =>
    change(card, await planGuestRemove(card, name), ports, options),
  );
}

/**
 * The guests of a card, and what stays with the host.
 * @throws HypberryError what {@link listGuests} and the card throw
 */
export function guestsOf(openCard: OpenCard): Promise<GuestList> {
  return withCard(openCard, { write: false }, listGuests);
}

/**
 * The names of a card's guests.
 * @throws HypberryError `guest.file-damaged`, and what the card throws
 */
export function guestNames(openCard: OpenCard): Promise<string[]> {
  return withCard(openCard, { write: false }, namesOfGuests);
}
