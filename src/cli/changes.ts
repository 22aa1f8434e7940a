/** What all commands that change a card have in common: showing a plan and making its changes. */
import type { Card, Change } from '../card/card.js';
import { placeFacts } from '../setup/boot-partition.js';
import { splitConfig } from '../setup/config-block.js';
import { CONFIG } from '../setup/install.js';
import { withoutUnfinished } from '../setup/ours.js';
import { applyPlan, checkPlan, type Plan } from '../setup/plan.js';
import { bytesText, say, sayJson } from './output.js';
import { sayPlace } from './place.js';
import { progress } from './progress.js';

/** One change, for people. */
function changeText(change: Change): string {
  switch (change.kind) {
    case 'create':
      return `new file ${change.path}, ${bytesText(change.data.length)}`;
    case 'replace':
      return `${change.path}, now ${bytesText(change.data.length)}`;
    case 'remove':
      return `${change.path} removed`;
  }
}

/** The lines of ours that a changed config.txt holds. */
function ourLines(change: Change): readonly string[] {
  return change.kind === 'replace' && change.path === CONFIG ? (splitConfig(change.data).lines ?? []) : [];
}

/**
 * Makes a plan's changes, or in a dry run none of them, and prints what was or would be done.
 * @throws HypberryError `card.no-room`, and what the card throws
 */
export async function makeChanges(
  card: Card,
  wanted: Plan,
  options: { readonly dryRun?: boolean; readonly json?: boolean },
): Promise<void> {
  const plan = await checkPlan(card, await withoutUnfinished(card, wanted));
  if (!options.dryRun) {
    const line = await progress('Writing');
    try {
      await applyPlan(card, plan, (change) => {
        line.say(`Writing ${change.path}`);
      });
    } finally {
      line.stop();
    }
  }
  if (options.json) {
    sayJson({
      method: plan.method ?? null,
      bootPartition: placeFacts(card.place),
      summary: plan.summary,
      notes: plan.notes,
      changed: !options.dryRun && plan.changes.length > 0,
      changes: plan.changes.map((change) => ({
        kind: change.kind,
        path: change.path,
        ...(change.kind === 'remove' ? {} : { size: change.data.length }),
      })),
    });
    return;
  }
  sayPlace(card.place);
  say(plan.summary);
  for (const change of plan.changes) {
    say(`  ${changeText(change)}`);
    for (const line of ourLines(change)) say(`    + ${line}`);
  }
  for (const note of plan.notes) say(`  note: ${note}`);
  if (options.dryRun && plan.changes.length > 0) say('A dry run: nothing was written.');
}
