/** A card as its user made it, read once for all that ask: inspect, install, try, guests and doctor. */
import type { CardReader } from '../card/card.js';
import { overlayCard } from '../card/overlay.js';
import { remember } from '../card/remember.js';
import { readSettingsFile } from '../firmware/applying-lines.js';
import { CONFIG } from '../firmware/config.js';
import { splitConfig } from './config-block.js';
import { surveyCard, type Survey } from './survey.js';

/** A card without our lines in config.txt. */
export interface WithoutOurs {
  readonly base: CardReader;
  /** config.txt without our lines; undefined where there is none. */
  readonly config: Uint8Array | undefined;
  /** config.txt as it stands on the card; undefined where there is none. */
  readonly written: Uint8Array | undefined;
  /** Our lines; undefined where there are none. */
  readonly lines: readonly string[] | undefined;
}

/** The same, with what is on it. */
export interface UsersCard extends WithoutOurs {
  /** The card as it stands, whose files are read once. */
  readonly card: CardReader;
  /** What is on `base`. */
  readonly survey: Survey;
}

/**
 * Takes our lines out of config.txt.
 * @throws HypberryError `setup.config-damaged`, `firmware.config-size`, and what the card throws
 */
export async function withoutOurs(card: CardReader): Promise<WithoutOurs> {
  const written = await readSettingsFile(card, CONFIG);
  const { without, lines } = splitConfig(written);
  const base = overlayCard(card, {
    write: new Map(without && lines ? [[CONFIG, without]] : []),
    remove: new Set(!without && written ? [CONFIG] : []),
  });
  return { base, config: without, written, lines };
}

/**
 * Reads a card as its user made it.
 * @throws HypberryError `setup.config-damaged`, and what the card throws
 */
export async function readUsersCard(medium: CardReader): Promise<UsersCard> {
  const card = remember(medium);
  const without = await withoutOurs(card);
  return { card, ...without, survey: await surveyCard(without.base) };
}
