/** What all commands that change a card have in common: showing a plan and making its changes. */
import { bytesText, counted } from '../base/words.js';
import type { Change } from '../card/card.js';
import { placeFacts, type Named } from '../setup/boot-partition.js';
import { splitConfig } from '../setup/config-block.js';
import { CONFIG } from '../firmware/config.js';
import type { Changed, ChangePorts } from '../usecases/change.js';
import { cardAt } from './card.js';
import { noteWriting, say, sayDetail, sayJson, sayResult } from './output.js';
import { sayPlace } from './place.js';
import { progress, type Progress } from './progress.js';

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
 * Lets a use case change a card, and prints what was or would be done.
 * @param run is given where the use case tells what it does, and how the card is opened
 * @throws HypberryError what the use case throws
 */
export async function showChanges(
  target: string,
  options: Named & { readonly json?: boolean },
  run: (ports: ChangePorts) => Promise<Changed>,
): Promise<void> {
  let line: Progress | undefined;
  try {
    await run({
      openCard: cardAt(target, options),
      onWriting: () => {
        noteWriting();
        line = progress('Writing');
      },
      onChange: (change) => line?.say(`Writing ${change.path}`),
      onChanged: (changed) => {
        line?.stop();
        sayChanged(changed, options);
      },
    });
  } finally {
    line?.stop();
  }
}

function sayChanged({ plan, place, written }: Changed, { json }: { readonly json?: boolean }): void {
  if (plan.method) sayDetail(`decided: method ${plan.method}`);
  sayDetail(`decided: ${counted(plan.changes.length, 'change')}`);
  if (json) {
    sayJson({
      method: plan.method ?? null,
      bootPartition: placeFacts(place),
      summary: plan.summary,
      notes: plan.notes,
      changed: written && plan.changes.length > 0,
      changes: plan.changes.map((change) => ({
        kind: change.kind,
        path: change.path,
        ...(change.kind === 'remove' ? {} : { size: change.data.length }),
      })),
    });
    return;
  }
  sayPlace(place);
  sayResult(plan.summary);
  for (const change of plan.changes) {
    say(`  ${changeText(change)}`);
    for (const line of ourLines(change)) say(`    + ${line}`);
  }
  for (const note of plan.notes) say(`  note: ${note}`);
  if (!written && plan.changes.length > 0) say('A dry run: nothing was written.');
}
