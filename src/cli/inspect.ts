/** `hypberry inspect`: what is on a card. */
import { openCard } from '../node/open-card.js';
import type { Named } from '../setup/boot-partition.js';
import { inspectCard } from '../setup/inspect.js';
import { columns, say, sayJson } from './output.js';
import { progress } from './progress.js';

export interface InspectOptions extends Named {
  readonly json?: boolean;
}

/** Prints the report, for people or as JSON. */
export async function inspect(target: string, options: InspectOptions): Promise<void> {
  const card = await openCard(target, { ...options, write: false });
  const line = await progress('Reading the card');
  try {
    const report = await inspectCard(card);
    line.stop();
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
  } finally {
    line.stop();
    await card.close();
  }
}
