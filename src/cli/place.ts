/** Which part of a medium a command works on, for people. */
import type { Place } from '../card/card.js';
import { say } from './output.js';

/** Prints it where somebody may have expected another part, or should know more. */
export function sayPlace(place: Place | undefined): void {
  if (!place) return;
  if (place.notable) say(place.reason);
  for (const note of [...(place.other === undefined ? [] : [place.other]), ...place.notes])
    say(`  note: ${note}`);
}
