/** What a report on a card comes to. */
import type { HypberryError } from '../base/errors.js';
import { BOOTCODE } from '../firmware/bootcode.js';
import { bareKernel } from '../firmware/kernel.js';
import type { HypervisorDescription } from '../hypervisor/image/description.js';
import type { Method } from './plan.js';
import { namesOf } from './report-rows.js';
import type { Survey } from './survey.js';

/** What install says to a card: that there is something for it to do, or not, or why it refuses. */
export interface Next {
  readonly changes: boolean;
  readonly method: Method | undefined;
  readonly refusal?: HypberryError;
  /** The block is in, and what it refuses is done with --force. */
  readonly wantsForce?: boolean;
}

/** What the card starts, in a word: a kernel without Linux's marks may be any system. */
function systemOf({ system }: Survey): string {
  const kind = system && bareKernel(system.kernel.facts).kind;
  if (kind === 'u-boot') return 'U-Boot';
  return kind === 'unknown' ? 'its kernel' : 'Linux';
}

/** What install says to a card that it refuses. */
function refusedText({ changes, wantsForce }: Next, { message }: HypberryError): string {
  if (wantsForce !== true) return `"hypberry install" refuses it as it is: ${message}`;
  return changes
    ? `The block is out of date; "hypberry install" wants --force to renew it: ${message}`
    : `The block is up to date; "hypberry install" wants --force for this card: ${message}`;
}

/**
 * What it comes to. What install would do is install's own word.
 * @param installed lines of ours are in config.txt, or what it runs first is a file of ours
 * @param started the hypervisor that it starts, where it does
 * @param kept the guests that the card keeps
 */
export function conclusionOf(
  survey: Survey,
  installed: boolean,
  started: HypervisorDescription | undefined,
  kept: readonly { readonly name: string }[],
  next: Next,
): string {
  const guests = kept.length === 0 ? '' : namesOf(kept);
  const refused = next.refusal && ` ${refusedText(next, next.refusal)}`;
  const stale = next.changes ? ' It is out of date: "hypberry install" brings it up to date.' : '';
  const [problem] = survey.problems;
  if (problem) {
    const mends = ' "hypberry install" mends that.';
    const same = next.refusal?.message === problem.message;
    const says =
      survey.start.mode === 'none'
        ? 'This card does not start a Pi 2 as it is.'
        : 'Whether this card starts a Pi 2 is not known.';
    return `${says} ${problem.message}${same ? '' : (refused ?? mends)}`;
  }
  const card = survey.bootcode
    ? 'This card'
    : `There is no ${BOOTCODE}: where a Pi loads what is here by another way, this card`;
  if (started) {
    const theirs = namesOf(started.guests);
    const others = ` The card has ${guests || 'no guests'} now; "hypberry install" makes it so.`;
    return `${card} starts hypberry's hypervisor in HYP mode, with ${theirs}.${refused ?? (theirs === guests ? stale : others)}`;
  }
  if (guests !== '') {
    return `This card has ${guests}, not started yet.${refused ?? ` "hypberry install" has the card start ${kept.length === 1 ? 'it' : 'them'}.`}`;
  }
  const system = systemOf(survey);
  switch (survey.start.mode) {
    case 'HYP':
      return installed
        ? `${card} starts ${system} in HYP mode, by the block that hypberry installed.${refused ?? stale}`
        : `This card starts ${system} in HYP mode as it is: the boot block is not needed.${refused ?? ''}`;
    case 'SVC':
      return `This card starts ${system} in SVC mode, so nothing on it can use virtualization.${refused ?? ' "hypberry install" changes that.'}`;
    case 'unknown':
    case 'none':
      // Where install mends what is not known: no trial tells that.
      if (survey.unsure.length > 0 && !refused) return `${survey.start.because}${stale}`;
      return `Which mode this card starts ${system} in cannot be told from its files. "hypberry try --as-is" runs it and tells.${refused ?? ' "hypberry install" has it start in HYP mode.'}`;
  }
}
