import type { Card } from '../card/card.js';

/** What a card is opened for. */
export interface Access {
  /** It can be changed. */
  readonly write: boolean;
  /** It is opened for a change, be it one that is only shown; default as `write`. */
  readonly changes?: boolean;
}

/** Opens the card that a use case works on; the use case closes it. It throws what its medium makes it throw. */
export type OpenCard = (access: Access) => Promise<Card>;

/** Opens a card, uses it, and closes it whatever becomes of that. */
export async function withCard<T>(
  open: OpenCard,
  access: Access,
  use: (card: Card) => Promise<T>,
): Promise<T> {
  const card = await open(access);
  try {
    return await use(card);
  } finally {
    await card.close();
  }
}
