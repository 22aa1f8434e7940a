/**
 * What the VideoCore does with its share of RAM while the ARM runs: it writes over it. In every piece of 16 KiB there is
 * a word that it keeps for itself, so that whoever was put above the split loses something soon.
 */
import { hashOf } from '../base/random.js';
import type { DeviceMemory } from '../ports/memory.js';

const PIECE = 0x4000;
/** Nanoseconds between two rounds, and pieces that are written to in one. */
const PERIOD = 1_000_000;
const PIECES = 64;

/** A part of memory: from its first byte up to `end`. */
export interface MemoryPart {
  readonly start: number;
  readonly end: number;
}

export class VideoCoreMemory {
  readonly state = { rounds: 0, due: PERIOD };

  /**
   * @param share the VideoCore's part of memory
   * @param lent what of it the ARM may write to: the framebuffer
   * @param seed from which it follows where it writes, and what
   */
  constructor(
    private readonly memory: DeviceMemory,
    private readonly share: MemoryPart,
    private readonly lent: () => MemoryPart,
    private readonly seed: number,
  ) {}

  /** When it writes next, nanoseconds; Infinity where it has no memory within the ARM's reach. */
  get due(): number {
    return this.pieces === 0 ? Infinity : this.state.due;
  }

  /** Writes what is due at a time. */
  run(now: number): void {
    const { state, pieces, seed } = this;
    if (pieces === 0 || now < state.due) return;
    state.due = now - (now % PERIOD) + PERIOD;
    const round = state.rounds++;
    const lent = this.lent();
    for (let i = 0; i < PIECES; i++) {
      const piece = (round * PIECES + i) % pieces;
      const at = this.share.start + piece * PIECE + (hashOf(seed, piece) & (PIECE - 4));
      if (at >= lent.start && at < lent.end) continue;
      this.memory.write32(at, hashOf(seed, piece, round));
    }
  }

  private get pieces(): number {
    const end = Math.min(this.share.end, this.memory.size);
    return Math.max(0, Math.floor((end - this.share.start) / PIECE));
  }
}
