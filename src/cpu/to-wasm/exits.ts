/** The ways out of a unit: what was written is put where it stands. */
import * as L from '../layout.js';
import type { Code } from './code.js';
import { bit, FLAGS } from './effects.js';
import { type FlagsKind, makeWords } from './flags.js';
import { locals, WORDS } from './locals.js';

const { budget, next, place } = locals;

export class Exits {
  private readonly rare: { readonly kind: FlagsKind; readonly written: number }[] = [];

  constructor(private readonly code: Code) {}

  /** The number of a way out, by where the flags stand and what was written. */
  number(kind: FlagsKind, written: number): number {
    const known = this.rare.findIndex((it) => it.kind === kind && it.written === written);
    return known >= 0 ? known : this.rare.push({ kind, written }) - 1;
  }

  /** Writes a way out. */
  write(kind: FlagsKind, written: number): void {
    const { code } = this;
    if (written & FLAGS) makeWords(code, locals, kind);
    for (const [i, word] of WORDS.entries())
      if (bit(i) & FLAGS ? written & FLAGS : bit(i) & written)
        code.constant(0).get(i).access('i32.store', word);
    code.constant(0).get(budget).access('i32.store', L.BUDGET);
    code.get(next).op('return');
  }

  /** Writes those that have a number, by `place`. */
  writeRare(): void {
    const { code } = this;
    if (this.rare.length === 0) return;
    const labels = this.rare.map(() => code.open('block')).reverse();
    code.get(place).branchTable(labels);
    for (const { kind, written } of this.rare) {
      code.end();
      this.write(kind, written);
    }
  }
}
