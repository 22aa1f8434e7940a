/** Which registers are read later, at the end of each block. */
import type { MachineBlock, MachineFunction } from './machine.js';
import { endUses, machineSuccessors } from './machine.js';

/** A set of small numbers. */
export class BitSet {
  readonly words: Uint32Array;
  constructor(readonly size: number) {
    this.words = new Uint32Array(Math.ceil(size / 32));
  }
  has(n: number): boolean {
    return ((this.words[n >>> 5]! >>> (n & 31)) & 1) !== 0;
  }
  add(n: number): void {
    this.words[n >>> 5]! |= 1 << (n & 31);
  }
  delete(n: number): void {
    this.words[n >>> 5]! &= ~(1 << (n & 31));
  }
  copy(): BitSet {
    const other = new BitSet(this.size);
    other.words.set(this.words);
    return other;
  }
  /** Adds what is in another; says whether that was new. */
  union(other: BitSet): boolean {
    let changed = false;
    for (let i = 0; i < this.words.length; i++) {
      const both = (this.words[i]! | other.words[i]!) >>> 0;
      if (both !== this.words[i]) changed = true;
      this.words[i] = both;
    }
    return changed;
  }
  forEach(visit: (n: number) => void): void {
    for (let i = 0; i < this.words.length; i++) {
      for (let word = this.words[i]!; word !== 0; word &= word - 1)
        visit(32 * i + 31 - Math.clz32(word & -word));
    }
  }
}

/** What is live at the start and at the end of each block; at the end, with the registers that the end reads. */
export interface Liveness {
  readonly atStart: ReadonlyMap<MachineBlock, BitSet>;
  readonly out: ReadonlyMap<MachineBlock, BitSet>;
}

/** Finds what is live in a function. */
export function liveness({ blocks, virtuals }: MachineFunction): Liveness {
  const out = new Map<MachineBlock, BitSet>();
  const atStart = new Map<MachineBlock, BitSet>();
  for (const block of blocks) {
    out.set(block, new BitSet(virtuals));
    atStart.set(block, new BitSet(virtuals));
  }
  for (let changed = true; changed;) {
    changed = false;
    for (const block of blocks.toReversed()) {
      const live = out.get(block)!;
      for (const next of machineSuccessors(block)) live.union(atStart.get(next)!);
      for (const { virtual } of endUses(block.end)) live.add(virtual);
      const start = live.copy();
      for (let i = block.code.length - 1; i >= 0; i--) {
        const { defs, uses } = block.code[i]!;
        for (const { virtual } of defs) start.delete(virtual);
        for (const { virtual } of uses) start.add(virtual);
      }
      if (atStart.get(block)!.union(start)) changed = true;
    }
  }
  return { atStart, out };
}
