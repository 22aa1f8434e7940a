import type { CardReader } from '../../src/card/card.js';
import { readMedium } from '../../src/card/medium.js';
import { openBootPartition } from '../../src/setup/boot-partition.js';
import { inspect } from '../../src/usecases/inspect.js';
import { install } from '../../src/usecases/install.js';
import { lookInside } from '../../src/usecases/look-inside.js';
import { withCard, type OpenCard } from '../../src/usecases/open-card.js';
import { tryCard } from '../../src/usecases/try.js';
import { uninstall } from '../../src/usecases/uninstall.js';
import { memoryDisk } from '../support/memory-disk.js';

/** What a walk over a card showed: plain data, the same wherever it is taken. */
export interface Walked {
  /** What `inspect` comes to, of the card as it was and after install. */
  readonly before: string;
  readonly after: string;
  readonly kernels: unknown;
  readonly verdict: string;
  /** What each console showed. */
  readonly consoles: Readonly<Record<string, string>>;
  /** Of the whole run: the bad points of the handover. */
  readonly handover: readonly string[];
  /** The files that install made or changed. */
  readonly changes: readonly string[];
  /** The files after install, and after uninstall: SHA-256 by name. */
  readonly installed: Readonly<Record<string, string>>;
  readonly uninstalled: Readonly<Record<string, string>>;
}

const TIMEOUT_SECONDS = 60;

/**
 * Looks at a card, tries it as it would be after install, installs, looks again, and uninstalls.
 * @param image a card or a FAT volume; it is changed
 */
export async function walk(image: Uint8Array): Promise<Walked> {
  const openCard: OpenCard = ({ write, changes }) =>
    openBootPartition(readMedium(memoryDisk(image), 'image', 'card.img'), {}, changes ?? write);
  const before = await inspect(openCard);
  const consoles: Record<string, string> = {};
  const { outcome } = await tryCard(
    {
      openCard,
      engine: () => lookInside({}),
      onConsole: (text, name) => {
        consoles[name] = (consoles[name] ?? '') + text;
      },
    },
    { method: 'auto', force: true, timeout: TIMEOUT_SECONDS },
  );
  const { plan } = await install({ openCard }, { method: 'auto', force: true });
  const after = await inspect(openCard);
  const installed = await withCard(openCard, { write: false }, sums);
  await uninstall({ openCard }, {});
  const uninstalled = await withCard(openCard, { write: false }, sums);
  return {
    before: before.conclusion,
    after: after.conclusion,
    kernels: (before.facts as { kernels: unknown }).kernels,
    verdict: outcome.verdict,
    consoles,
    handover: (outcome.machine?.handover ?? []).filter(({ ok }) => ok === false).map(({ point }) => point),
    changes: plan.changes.map(({ kind, path }) => `${kind} ${path}`),
    installed,
    uninstalled,
  };
}

async function sums(card: CardReader): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name } of await card.list('')) {
    const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(await card.read(name)));
    found[name] = new Uint8Array(digest).join(' ');
  }
  return found;
}
