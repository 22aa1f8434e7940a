/** The guests' network cards, by their ports. */
import * as A from '../../../channel/addresses.js';
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { portCount, takeRecord } from '../channel/channel.js';

/** The domain that their names are in. */
export const DOMAIN: string = 'hypberry';

@unmanaged
export class Card {
  /** The guest's address, by its number; 0 where the port is no card's. */
  address: u32;
  isIsolated: bool;
  /** Bytes of its name. */
  nameLength: u8;
  /** PORT_GUEST_NAME_SIZE bytes from here on. */
  name: u64;
  nameEnd: u64;
  /** The card's own address, 6 bytes. */
  mac: u64;
}

if (offsetof<Card>() > <usize>L.CARD_SIZE) ERROR('layout of Card');
if (L.CARDS + L.CARD_SIZE * C.MOST_PORTS > L.QUESTIONS) ERROR('layout of cards');

/** The card of a port. */
export function cardOf(port: u32): Card {
  return changetype<Card>(<usize>(L.CARDS + port * L.CARD_SIZE));
}

/** Where its name stands, and its own address. */
export function nameOf(card: Card): usize {
  return changetype<usize>(card) + offsetof<Card>('name');
}
export function macOf(card: Card): usize {
  return changetype<usize>(card) + offsetof<Card>('mac');
}

/** Takes what the channel says of all cards. */
export function takeCards(): void {
  const ports = portCount();
  for (let port: u32 = 0; port < ports; port++) {
    takeRecord(port);
    const record = <usize>L.RECORD;
    if (load<u32>(record + C.PORT_KIND) != C.KIND_NETWORK) continue;
    const card = cardOf(port);
    card.address = <u32>A.GUEST_ADDRESSES + load<u32>(record + C.PORT_GUEST);
    card.isIsolated = (load<u32>(record + C.PORT_FLAGS) & C.FLAG_ISOLATED) != 0;
    memory.copy(nameOf(card), record + C.PORT_GUEST_NAME, C.PORT_GUEST_NAME_SIZE);
    memory.copy(macOf(card), record + C.PORT_MAC, 6);
    let length: u8 = 0;
    while (load<u8>(nameOf(card) + length) != 0) length++;
    card.nameLength = length;
  }
}
