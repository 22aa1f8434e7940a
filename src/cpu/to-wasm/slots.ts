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
  /** Its blocks, the head among them. */
  readonly blocks: ReadonlySet<number>;
  /** Ways within it. */
  readonly ways: number;
}

/** Gives out the table's places. */
export class Slots {
  readonly table: Table = new webAssembly.Table({ element: 'anyfunc', initial: UNITS });
  private readonly free: number[] = [];
  private top = 0;
  private readonly byPage = new Map<number, Set<Taken>>();
  private readonly byHead = new Map<number, Taken>();
  /** How many units a block is a part of. */
  private readonly parts = new Map<number, number>();
  private readonly changes = new Map<number, number>();

  /** Whether units of a page are worth their translation: not where it changes again and again. */
  isSteady(page: number): boolean {
    return (this.changes.get(page) ?? 0) < CHANGES;
  }

  /** Ways within the unit that is entered at a block; undefined where there is none. */
  waysOf(head: number): number | undefined {
    return this.byHead.get(head)?.ways;
  }

  /** Whether a block is a part of a unit. */
  isWithin(block: number): boolean {
    return this.parts.has(block);
  }

  /** A free place, for a unit of some physical pages, instead of the one that its head has; undefined where there is none. */
  take(head: number, { pages, blocks, ways }: Pick<Taken, 'pages' | 'blocks' | 'ways'>): number | undefined {
    this.drop(head);
    const slot = this.free.pop() ?? (this.top < UNITS ? this.top++ : undefined);
    if (slot === undefined) return undefined;
    const taken = { slot, head, pages, blocks, ways };
    this.byHead.set(head, taken);
    for (const block of blocks) this.parts.set(block, (this.parts.get(block) ?? 0) + 1);
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
    this.byPage.delete(page);
    this.changes.set(page, (this.changes.get(page) ?? 0) + 1);
    const heads = [...units].map(({ head }) => head);
    for (const head of heads) this.drop(head);
    return heads;
  }

  private drop(head: number): void {
    const unit = this.byHead.get(head);
    if (!unit) return;
    this.byHead.delete(head);
    this.table.set(unit.slot, null);
    this.free.push(unit.slot);
    for (const page of unit.pages) this.byPage.get(page)?.delete(unit);
    for (const block of unit.blocks) {
      const others = this.parts.get(block)! - 1;
      if (others === 0) this.parts.delete(block);
      else this.parts.set(block, others);
    }
  }

  /** Drops all units. */
  forgetAll(): void {
    for (const page of [...this.byPage.keys()]) this.forgetPage(page);
    this.changes.clear();
  }
}
