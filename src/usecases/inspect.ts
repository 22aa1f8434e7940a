/** Looks at a card. */
import { inspectCard, type Report } from '../setup/inspect.js';
import { withCard, type OpenCard } from './open-card.js';

/**
 * What is on a card.
 * @throws HypberryError what opening and reading it throw (`card.…`)
 */
export function inspect(openCard: OpenCard): Promise<Report> {
  return withCard(openCard, { write: false }, inspectCard);
}
