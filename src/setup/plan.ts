/** Changes to a card, made up first and written after, in an order in which any of them may be the last. */
import { HypberryError } from '../base/errors.js';
import type { Card, CardReader } from '../card/card.js';
import { overlayCard } from '../card/overlay.js';

/** One change. */
export type Change =
  | { readonly kind: 'create' | 'replace'; readonly path: string; readonly data: Uint8Array }
  | { readonly kind: 'remove'; readonly path: string };

/** How the firmware is made to run the block. */
export type Method = 'kernel_old' | 'armstub';

/** What would be done to a card, and why. */
export interface Plan {
  /** How the block is started when the changes are made; undefined where no block is. */
  readonly method: Method | undefined;
  /** What is so, and what the changes are for, one sentence. */
  readonly summary: string;
  /** What the user should know beside that, one sentence each. */
  readonly notes: readonly string[];
  /** In the order in which they are made; empty where nothing is to be done. */
  readonly changes: readonly Change[];
  /** What makes room for it, beside removing files: the end of a sentence. */
  readonly room?: string;
}

/** What makes room for guests. */
export const ROOM_FOR_GUESTS =
  "or have fewer guests: each one's files are on it twice, by themselves and in the file that install makes";

/** Bytes that several new files may take beside their data, in their last clusters and in folders. */
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

/** Bytes for people: `5.1 MiB`. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/**
 * Refuses a plan that a card has no room for, before any of it is written.
 * @throws HypberryError `card.no-room`
 */
export async function checkRoom(card: Card, plan: Plan): Promise<void> {
  const sizes = plan.changes.flatMap((change) => (change.kind === 'remove' ? [] : [change.data.length]));
  // A card refuses a single file by itself, with nothing written: what fits just so is no reason to refuse here.
  const needed = sizes.reduce((sum, size) => sum + size, 0) + (sizes.length > 1 ? OVERHEAD : 0);
  const free = await card.freeBytes();
  if (needed <= free) return;
  throw new HypberryError(
    'card.no-room',
    `The boot partition has ${mebibytes(free)} free, and ${mebibytes(needed)} are needed.`,
    `Remove files you do not need from the boot partition (kernels of other boards, for example)${plan.room === undefined ? '' : `, ${plan.room}`}.`,
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
