/** The card that a command is given, opened; what is read of it is told where that is wanted. */
import { bytesText } from '../base/words.js';
import type { HypberryError } from '../base/errors.js';
import type { Card } from '../card/card.js';
import { openCard } from '../node/open-card.js';
import type { Named } from '../setup/boot-partition.js';
import type { OpenCard } from '../usecases/open-card.js';
import { sayAside, sayDetail } from './output.js';

/** A way to open a command's target. */
export function cardAt(target: string, { partition, whole }: Named = {}): OpenCard {
  return async (access) => tellReads(await openCard(target, { partition, whole, say: sayAside, ...access }));
}

/** What is said where the card of a system that runs gives an error. */
export const cardErrorText = ({ message, hint }: HypberryError): string =>
  `The card that runs has an error: ${message} ${hint}`;

/** The same card, which tells what it is, and each file that is read, once. */
function tellReads(card: Card): Card {
  if (card.place) sayDetail(`card: ${card.place.reason}`);
  const told = new Set<string>();
  return {
    ...card,
    async read(path, offset, length) {
      const bytes = await card.read(path, offset, length);
      const part = length === undefined ? '' : ' of it';
      if (!told.has(path)) sayDetail(`read: ${path}, ${bytesText(bytes.length)}${part}`);
      told.add(path);
      return bytes;
    },
  };
}
