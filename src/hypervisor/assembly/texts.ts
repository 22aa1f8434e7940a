/** The hypervisor's texts in its image. */
import type { Assembler } from '../../isa/assembler.js';
import type { Label } from '../../isa/registers.js';
import { COMMANDS, TEXTS } from '../shared/messages.js';

/** Writes the texts, each with a NUL behind it, at the labels `text.NAME` and `command.NAME`. */
export function writeTexts(a: Assembler, labelOf: (symbol: string) => Label): void {
  for (const [kind, texts] of Object.entries({ text: TEXTS, command: COMMANDS })) {
    for (const [name, text] of Object.entries(texts)) {
      a.at(labelOf(`${kind}.${name}`));
      a.bytes(new TextEncoder().encode(`${text}\0`));
    }
  }
  a.org(Math.ceil(a.here / 4) * 4);
}
