/** The hypervisor's texts in its image. */
import type { Assembler } from '../../isa/assembler.js';
import type { Label } from '../../isa/registers.js';
import { TEXTS } from '../shared/messages.js';

/** Writes the texts, each with a NUL behind it, at the labels `text.NAME`. */
export function writeTexts(a: Assembler, labelOf: (symbol: string) => Label): void {
  for (const [name, text] of Object.entries(TEXTS)) {
    a.at(labelOf(`text.${name}`));
    a.bytes(new TextEncoder().encode(`${text}\0`));
  }
  a.org(Math.ceil(a.here / 4) * 4);
}
