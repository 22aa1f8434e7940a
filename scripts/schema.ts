/** Writes schema/guests.json, the published schema of the file that keeps a card's guests. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { guestsSchema } from '../src/guest/guests.js';

writeFileSync(
  join(import.meta.dirname, '../schema/guests.json'),
  `${JSON.stringify(guestsSchema(), undefined, 2)}\n`,
);
