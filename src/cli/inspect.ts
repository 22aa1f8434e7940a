/** `hypberry inspect`: what is on a card. */
import type { Named } from '../setup/boot-partition.js';
import { inspect as inspectCard } from '../usecases/inspect.js';
import { cardAt } from './card.js';
import { columns, say, sayDetail, sayJson, sayResult } from './output.js';
import { progress, type Progress } from './progress.js';

export interface InspectOptions extends Named {
  readonly json?: boolean;
}

/** Prints the report, for people or as JSON; the exit status is 0 where a Pi 2 starts from the card, and nothing on it is broken, else 1. */
export async function inspect(target: string, options: InspectOptions): Promise<void> {
  let line: Progress | undefined;
  const report = await inspectCard(async (access) => {
    const card = await cardAt(target, options)(access);
    line = progress('Reading the card');
    return card;
  }).finally(() => line?.stop());
  sayDetail(`decided: ${report.start.mode}: ${report.start.because}`);
  if (report.refusal) sayDetail(`decided: install refuses it: ${report.refusal.message}`);
  process.exitCode = report.isWell ? 0 : 1;
  if (options.json) {
    sayJson(report.facts);
    return;
  }
  for (const section of report.sections) {
    say(section.title);
    for (const row of columns(section.rows)) say(`  ${row}`);
    say();
  }
  sayResult(report.conclusion);
}
