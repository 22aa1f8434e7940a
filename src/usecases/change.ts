/** What all use cases that change a card have in common. */
import type { Card, Change, Place } from '../card/card.js';
import { withoutUnfinished } from '../setup/ours.js';
import { applyPlan, checkPlan, type Plan } from '../setup/plan.js';
import type { OpenCard } from './open-card.js';

/** What a change of a card needs, and whom it tells. */
export interface ChangePorts {
  readonly openCard: OpenCard;
  /** Called before the first change; of a dry run not. */
  readonly onWriting?: () => Promise<void> | void;
  /** Called before each change. */
  readonly onChange?: (change: Change) => void;
  /** Called when the card is as wanted, before anything else is done; of a dry run with what would be. */
  readonly onChanged?: (changed: Changed) => void;
}

/** What was done to a card, or in a dry run would be. */
export interface Changed {
  readonly plan: Plan;
  readonly place: Place | undefined;
  /** The changes were made, not only shown. */
  readonly written: boolean;
}

/** A change is made, or in a dry run only planned and checked. */
export interface ChangeOptions {
  readonly dryRun?: boolean | undefined;
}

/** What a card is opened for by a use case that changes it. */
export const accessFor = ({ dryRun }: ChangeOptions): { write: boolean; changes: true } => ({
  write: !dryRun,
  changes: true,
});

/**
 * Makes a plan's changes, or in a dry run none of them.
 * @throws HypberryError `card.no-room`, and what the card throws
 */
export async function change(
  card: Card,
  wanted: Plan,
  { onWriting, onChange, onChanged }: ChangePorts,
  { dryRun }: ChangeOptions,
): Promise<Changed> {
  const plan = await checkPlan(card, await withoutUnfinished(card, wanted));
  if (!dryRun) {
    await onWriting?.();
    await applyPlan(card, plan, (it) => {
      onChange?.(it);
    });
  }
  const changed = { plan, place: card.place, written: !dryRun };
  onChanged?.(changed);
  return changed;
}
