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

/** Gives out the table's places. */
export class Slots {
  readonly table: Table = new webAssembly.Table({ element: 'anyfunc', initial: UNITS });
  private readonly free: number[] = [];
  private top = 0;
  private readonly byPage = new Map<number, number[]>();
  private readonly changes = new Map<number, number>();

  /** Whether units of a page are worth their translation: not where it changes again and again. */
  isSteady(page: number): boolean {
    return (this.changes.get(page) ?? 0) < CHANGES;
  }

  /** A free place, for a unit of a physical page; undefined where there is none. */
  take(page: number): number | undefined {
    const slot = this.free.pop() ?? (this.top < UNITS ? this.top++ : undefined);
    if (slot === undefined) return undefined;
    const slots = this.byPage.get(page);
    if (slots) slots.push(slot);
    else this.byPage.set(page, [slot]);
    return slot;
  }

  /** Drops the units of a page that was written. */
  forgetPage(page: number): void {
    const slots = this.byPage.get(page);
    if (!slots) return;
    for (const slot of slots) {
      this.table.set(slot, null);
      this.free.push(slot);
    }
    this.byPage.delete(page);
    this.changes.set(page, (this.changes.get(page) ?? 0) + 1);
  }

  /** Drops all units. */
  forgetAll(): void {
    for (const page of [...this.byPage.keys()]) this.forgetPage(page);
    this.changes.clear();
  }
}
