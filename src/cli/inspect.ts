/** `hypberry inspect`: what is on a card. */
import { openCard } from '../node/open-card.js';
import type { Named } from '../setup/boot-partition.js';
import { inspect as inspectCard } from '../usecases/inspect.js';
import { columns, say, sayJson } from './output.js';
import { progress, type Progress } from './progress.js';

export interface InspectOptions extends Named {
  readonly json?: boolean;
}

/** Prints the report, for people or as JSON. */
export async function inspect(target: string, options: InspectOptions): Promise<void> {
  let line: Progress | undefined;
  const report = await inspectCard(async (access) => {
    const card = await openCard(target, { ...options, ...access });
    line = progress('Reading the card');
    return card;
  }).finally(() => line?.stop());
  if (options.json) {
    sayJson(report.facts);
    return;
  }
  for (const section of report.sections) {
    say(section.title);
    for (const row of columns(section.rows)) say(`  ${row}`);
    say();
  }
  say(report.conclusion);
}
