/** Changes to a card, made up first and written after, in an order in which any of them may be the last. */
import { sameBytes } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { comparedBytes } from '../base/words.js';
import type { Card, CardReader, Change } from '../card/card.js';
import { withLost } from '../card/errors.js';
import { overlayCard } from '../card/overlay.js';

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
  /** Changes to the same end that take next to no room, where there are such. */
  readonly changesWithoutRoom?: readonly Change[];
  /** What makes room for it, beside removing files: the end of a sentence. */
  readonly room?: string;
}

/** What the summary of a plan without changes may begin with. */
export const NOTHING_TO_DO = 'Nothing to do';

/** What makes room for guests. */
export const ROOM_FOR_GUESTS =
  "or have fewer guests: each one's files are on it twice, by themselves and in the file that install makes";

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
 * Refuses a plan that a card does not take, before any of it is written.
 * @returns the plan, perhaps with other changes to the same end, that take less room
 * @throws HypberryError `card.no-room`, and what {@link Card.check} throws
 */
export async function checkPlan(card: Card, plan: Plan): Promise<Plan> {
  try {
    await card.check(plan.changes);
    return plan;
  } catch (error) {
    if (!isNoRoom(error)) throw error;
    if (plan.changesWithoutRoom && (await takes(card, plan.changesWithoutRoom)))
      return { ...plan, changes: plan.changesWithoutRoom };
    throw await noRoomFor(card, plan, error);
  }
}

const isNoRoom = (error: unknown): error is HypberryError =>
  error instanceof HypberryError && error.code === 'card.no-room';
const isExists = (error: unknown): boolean => error instanceof HypberryError && error.code === 'card.exists';

async function takes(card: Card, changes: readonly Change[]): Promise<boolean> {
  try {
    await card.check(changes);
    return true;
  } catch (error) {
    if (isNoRoom(error)) return false;
    throw error;
  }
}

/** `card.no-room` of a whole plan; of one file of it where it is not for the sum of bytes. */
async function noRoomFor(card: Card, plan: Plan, error: HypberryError): Promise<HypberryError> {
  const sizes = plan.changes.map((change) => (change.kind === 'remove' ? 0 : change.data.length));
  const needed = sizes.reduce((sum, size) => sum + size, 0);
  const free = await card.freeBytes();
  if (needed <= free) return error;
  const [has, needs] = comparedBytes(free, needed);
  return new HypberryError(
    'card.no-room',
    `The boot partition has ${has} free, and ${needs} are needed.`,
    withLost(
      `Remove files you do not need from the boot partition (kernels of other boards, for example)${plan.room === undefined ? '' : `, ${plan.room}`}.`,
      card.lostBytes,
    ),
    { cause: error },
  );
}

/**
 * Makes a plan's changes, one after the other. Whatever interrupts it, the card starts, the old way or the new. Where the card
 * refuses one before anything that was there is changed, what was new goes again.
 * @param onChange called before each change
 * @throws HypberryError what the card throws
 */
export async function applyPlan(card: Card, plan: Plan, onChange: (change: Change) => void): Promise<void> {
  const created: Change[] = [];
  for (const change of plan.changes) {
    onChange(change);
    try {
      await apply(card, change);
    } catch (error) {
      // It may have come into effect all the same, where what failed was the wait for the medium.
      const mayBeMade = await mayHaveMade(card, change);
      if (change.kind === 'create' && mayBeMade && !isExists(error)) created.push(change);
      if (change.kind === 'create' || !mayBeMade)
        for (const { path } of created) await card.remove(path).catch(() => undefined);
      throw error;
    }
    if (change.kind === 'create') created.push(change);
    // From now on something may need them.
    else created.length = 0;
  }
}

function apply(card: Card, change: Change): Promise<void> {
  if (change.kind === 'create') return card.create(change.path, change.data);
  return change.kind === 'replace' ? card.replace(change.path, change.data) : card.remove(change.path);
}

/** Whether a card has what a change that failed was to leave, or nobody can say. */
async function mayHaveMade(card: Card, change: Change): Promise<boolean> {
  try {
    if (change.kind === 'remove') return (await card.stat(change.path)) === undefined;
    const there = await card.stat(change.path);
    return there?.size === change.data.length && sameBytes(await card.read(change.path), change.data);
  } catch {
    return true;
  }
}
