/** `hypberry guest list`: shows the guests of a card. */
import { cores } from '../base/words.js';
import type { Named } from '../setup/boot-partition.js';
import { describeGuest, unusedText } from '../setup/guests.js';
import { guestsOf } from '../usecases/guests.js';
import { cardAt } from './card.js';
import { colors, columns, say, sayJson, sayResult } from './output.js';

export interface GuestListOptions extends Named {
  readonly json?: boolean;
}

/** Prints the guests, and which cores stay with the host. */
export async function guestList(target: string, options: GuestListOptions): Promise<void> {
  const listed = await guestsOf(cardAt(target, options));
  if (options.json) {
    sayJson(listed);
    if (listed.guests.some(({ problem }) => problem)) process.exitCode = 1;
    return;
  }
  const unused = listed.unusedFiles.map(unusedText);
  if (listed.guests.length === 0) {
    sayResult('This card has no guests. "hypberry guest add" adds one.');
    for (const note of unused) say(note);
    return;
  }
  for (const line of columns(listed.guests.map((it) => [it.name, describeGuest(it)]))) sayResult(line);
  for (const { name, problem } of listed.guests)
    if (problem) {
      process.exitCode = 1;
      sayResult(`${colors.yellow(`${name} does not start:`)} ${problem.message} (${problem.code})`);
      say(`  ${problem.hint}`);
    }
  say(`The host keeps ${cores(Array.from({ length: listed.hostCores }, (_, core) => core))}.`);
  if (listed.hostMemory !== undefined) say(listed.hostMemory);
  if (listed.consolesNote !== undefined) say(listed.consolesNote);
  for (const note of unused) say(note);
}
