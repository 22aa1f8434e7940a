/** The table of functions that the interpreter calls for units, and which page each is of. */
import { UNITS } from '../layout.js';
import { type Table, webAssembly } from '../../wasm/webassembly.js';

/** A hot block as it was found. */
export interface Hot {
  readonly block: number;
  readonly variant: number;
  /** The machine's codeForgotten at that time. */
  readonly codeForgotten: number;
  /** Virtual time, in nanoseconds. */
  readonly time: number;
}

/** Times that a page with units may be written before it is left to the interpreter. */
const CHANGES = 8;

/** A unit that has a place. */
interface Taken {
  readonly slot: number;
  /** The block that it is entered at. */
  readonly head: number;
  readonly pages: Iterable<number>;
}

/** Gives out the table's places. */
export class Slots {
  readonly table: Table = new webAssembly.Table({ element: 'anyfunc', initial: UNITS });
  private readonly free: number[] = [];
  private top = 0;
  private readonly byPage = new Map<number, Set<Taken>>();
  private readonly changes = new Map<number, number>();

  /** Whether units of a page are worth their translation: not where it changes again and again. */
  isSteady(page: number): boolean {
    return (this.changes.get(page) ?? 0) < CHANGES;
  }

  /** A free place, for a unit of some physical pages; undefined where there is none. */
  take(head: number, pages: Iterable<number>): number | undefined {
    const slot = this.free.pop() ?? (this.top < UNITS ? this.top++ : undefined);
    if (slot === undefined) return undefined;
    const taken = { slot, head, pages };
    for (const page of pages) {
      const units = this.byPage.get(page);
      if (units) units.add(taken);
      else this.byPage.set(page, new Set([taken]));
    }
    return slot;
  }

  /** Drops the units of a page that was written. @returns the blocks that they were entered at */
  forgetPage(page: number): number[] {
    const units = this.byPage.get(page);
    if (!units) return [];
    for (const unit of units) {
      this.table.set(unit.slot, null);
      this.free.push(unit.slot);
      for (const other of unit.pages) if (other !== page) this.byPage.get(other)?.delete(unit);
    }
    this.byPage.delete(page);
    this.changes.set(page, (this.changes.get(page) ?? 0) + 1);
    return [...units].map(({ head }) => head);
  }

  /** Drops all units. */
  forgetAll(): void {
    for (const page of [...this.byPage.keys()]) this.forgetPage(page);
    this.changes.clear();
  }
}
