/** `hypberry inspect`: what is on a card. */
import { openCard } from '../node/open-card.js';
import { inspectCard } from '../setup/inspect.js';
import { columns, say, sayJson } from './output.js';

export interface InspectOptions {
  readonly json?: boolean;
}

/** Prints the report, for people or as JSON. */
export async function inspect(target: string, options: InspectOptions): Promise<void> {
  const card = await openCard(target, { write: false });
  try {
    const report = await inspectCard(card);
    if (options.json) {
      sayJson(report.facts);
      return;
    }
    for (const section of report.sections) {
      say(section.title);
      for (const line of columns(section.rows)) say(`  ${line}`);
      say();
    }
    say(report.conclusion);
  } finally {
    await card.close();
  }
}
