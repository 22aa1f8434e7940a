/** Changes to a card, made up first and written after, in an order in which any of them may be the last. */
import { HypberryError } from '../base/errors.js';
import type { Card, CardReader } from '../card/card.js';
import { overlayCard } from '../card/overlay.js';

/** One change. */
export type Change =
  | { readonly kind: 'create' | 'replace'; readonly path: string; readonly data: Uint8Array }
  | { readonly kind: 'remove'; readonly path: string };

/** What would be done to a card, and why. */
export interface Plan {
  /** How the block is started when the changes are made; undefined where no block is. */
  readonly method: 'kernel_old' | 'armstub' | undefined;
  /** What is so, and what the changes are for, one sentence. */
  readonly summary: string;
  /** In the order in which they are made; empty where nothing is to be done. */
  readonly changes: readonly Change[];
}

/** Bytes of the directory and allocation table that new files may take beside their data. */
const OVERHEAD = 64 * 1024;

/** The card as it would be with a plan's changes made. */
export function cardAfter(card: CardReader, plan: Plan): CardReader {
  const write = new Map<string, Uint8Array>();
  const remove = new Set<string>();
  for (const change of plan.changes) {
    if (change.kind === 'remove') remove.add(change.path);
    else write.set(change.path, change.data);
  }
  return overlayCard(card, { write, remove });
}

/**
 * Refuses a plan that a card has no room for.
 * @throws HypberryError `card.no-room`
 */
export async function checkRoom(card: Card, plan: Plan): Promise<void> {
  const needed = plan.changes.reduce(
    (sum, change) => sum + (change.kind === 'remove' ? 0 : change.data.length),
    0,
  );
  const free = await card.freeBytes();
  if (needed === 0 || needed + OVERHEAD <= free) return;
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  throw new HypberryError(
    'card.no-room',
    `The boot partition has ${mib(free)} free, and ${mib(needed + OVERHEAD)} are needed.`,
    'Remove files you do not need from the boot partition (kernels of other boards, for example), or use --method armstub.',
  );
}

/**
 * Makes a plan's changes, one after the other. Whatever interrupts it, the card starts, the old way or the new.
 * @param onChange called before each change
 * @throws HypberryError what the card throws
 */
export async function applyPlan(card: Card, plan: Plan, onChange: (change: Change) => void): Promise<void> {
  for (const change of plan.changes) {
    onChange(change);
    if (change.kind === 'create') await card.create(change.path, change.data);
    else if (change.kind === 'replace') await card.replace(change.path, change.data);
    else await card.remove(change.path);
  }
}
