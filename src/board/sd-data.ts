/** The data lines of a controller: blocks to and from the card in the time that the bus takes, a block at a time. */
import type { DataBuffer } from '../ports/data-buffer.js';
import type { Clock, Timer } from './clock.js';
import type { CardAt } from './sd-slot.js';

/** Clocks of a block beside its bits: start, CRC of 16, end, and two before the next. */
const BLOCK_OVERHEAD = 20;
/** Clocks of a CRC status and the end bit before the card says that it is busy. */
const CRC_STATUS = 8;
/** Bytes of a word. */
const WORD = 4;

/**
 * What the data lines do: nothing; a block is coming; it is to be read from the buffer; the buffer is to be filled; a
 * block is going; the card is busy with it; nothing more came or nobody wanted it, until the time is over; without a
 * count nothing more came, which may be the end.
 */
export type DataPhase =
  'idle' | 'coming' | 'readable' | 'writable' | 'going' | 'busy' | 'stalled' | 'waiting';

/** What a controller is told of, and asked for. */
export interface DataSide {
  readonly card: CardAt;
  /** Nanoseconds of a clock of the card, lines that it uses, and clocks after which it gives up. */
  clockTime(): number;
  width(): 1 | 4;
  timeout(): number;
  /** Without a count of blocks it waits for more with no end. */
  readonly waitsUncounted?: boolean;
  /** The buffer can be read or filled. */
  ready(): void;
  /** A block has gone through: it is in the buffer, or written and the card is not busy any more. */
  blockDone(): void;
  /** The last one has, and the buffer is empty. */
  ended(): void;
  /** It went wrong, and is over. */
  failed(how: 'crc' | 'timeout'): void;
}

/** What the data lines have: the block stands in the buffer that the processor reads and fills, too. */
function stateIn(buffer: DataBuffer) {
  let phase: DataPhase = 'idle';
  return {
    get phase() {
      return phase;
    },
    set phase(value) {
      phase = value;
      buffer.way = value === 'readable' ? 'read' : value === 'writable' ? 'write' : 'none';
    },
    /** The block in the buffer, its length, and how many of its bytes were read or filled in. */
    block: buffer.bytes,
    get length() {
      return buffer.length;
    },
    set length(value) {
      buffer.length = value;
    },
    get at() {
      return buffer.at;
    },
    set at(value) {
      buffer.at = value;
    },
    /** Bytes of a block; blocks that are to go through, the present one among them. */
    size: 0,
    left: 0,
  };
}

/** The data lines of one controller. */
export class SdData {
  readonly state;
  private readonly timer: Timer;

  constructor(
    name: string,
    private readonly clock: Clock,
    buffer: DataBuffer,
    private readonly side: DataSide,
  ) {
    this.state = stateIn(buffer);
    this.timer = clock.timer(`${name}, data`, () => {
      this.go();
    });
  }

  /** Has blocks of `size` bytes come, fewer than 4096; Infinity where they are not counted. */
  read(size: number, blocks: number): void {
    if (!this.begin(size, blocks)) return;
    this.come(this.side.card()?.accessTime ?? 0);
  }

  /** Has blocks of `size` bytes, fewer than 4096, be taken from the buffer. */
  write(size: number, blocks: number): void {
    if (!this.begin(size, blocks)) return;
    this.wantBlock();
  }

  /** Ends it as it is. */
  stop(): void {
    this.timer.clear();
    Object.assign(this.state, { phase: 'idle', length: 0, at: 0, left: 0 });
  }

  /** Bytes that can be read from the buffer, or filled into it. */
  readable(): number {
    return this.state.phase === 'readable' ? this.state.length - this.state.at : 0;
  }
  writable(): number {
    return this.state.phase === 'writable' ? this.state.length - this.state.at : 0;
  }

  /** A word out of the buffer; 0 where it has none. */
  readWord(): number {
    const { state } = this;
    if (state.phase !== 'readable') return 0;
    let word = 0;
    for (let i = 0; i < WORD && state.at + i < state.length; i++)
      word |= state.block[state.at + i]! << (8 * i);
    this.passed(WORD);
    return word >>> 0;
  }

  /** A word into the buffer; nothing where it takes none. */
  writeWord(word: number): void {
    const { state } = this;
    if (state.phase !== 'writable') return;
    for (let i = 0; i < WORD && state.at + i < state.length; i++)
      state.block[state.at + i] = word >>> (8 * i);
    this.passed(WORD);
  }

  /** `count` bytes out of the buffer, at most as many as are readable. */
  take(count: number): Uint8Array {
    const bytes = this.state.block.slice(this.state.at, this.state.at + count);
    this.passed(count);
    return bytes;
  }

  /** Bytes into the buffer, at most as many as are writable. */
  give(bytes: Uint8Array): void {
    this.state.block.set(bytes, this.state.at);
    this.passed(bytes.length);
  }

  private begin(size: number, blocks: number): boolean {
    this.stop();
    Object.assign(this.state, { size, left: blocks });
    return size > 0 && blocks > 0;
  }

  /** So many bytes more have passed the buffer. */
  private passed(count: number): void {
    const { state } = this;
    state.at += count;
    if (state.at < state.length) return;
    if (state.phase === 'writable') {
      state.phase = 'going';
      this.after(this.blockTime() + CRC_STATUS * this.side.clockTime());
    } else if (this.oneLess()) this.come(0);
  }

  /** A block less; false where it was the last one. */
  private oneLess(): boolean {
    this.state.left--;
    if (this.state.left > 0) return true;
    this.stop();
    this.side.ended();
    return false;
  }

  private come(more: number): void {
    this.state.phase = 'coming';
    this.after(more + this.blockTime());
  }

  private wantBlock(): void {
    this.state.block.fill(0, 0, this.state.size);
    Object.assign(this.state, { phase: 'writable', length: this.state.size, at: 0 });
    this.side.ready();
  }

  /** Nanoseconds of a block on the bus. */
  private blockTime(): number {
    return ((this.state.size * 8) / this.side.width() + BLOCK_OVERHEAD) * this.side.clockTime();
  }

  private after(nanoseconds: number): void {
    this.timer.set(this.clock.now() + nanoseconds);
  }

  /** The time of the present phase is over. */
  private go(): void {
    switch (this.state.phase) {
      case 'coming':
        this.arrive();
        break;
      case 'going':
        this.arriveAtCard();
        break;
      case 'busy':
        this.side.blockDone();
        if (this.oneLess()) this.wantBlock();
        break;
      default:
        this.fail('timeout');
    }
  }

  private arrive(): void {
    const { state, side } = this;
    const card = side.card();
    const block = card?.send();
    if (!card || !block) {
      this.stall();
      return;
    }
    // Lines that one of them does not use, or an end that comes elsewhere, are no right CRC.
    if (card.width() !== side.width() || block.length !== state.size) {
      this.fail('crc');
      return;
    }
    state.block.set(block);
    Object.assign(state, { phase: 'readable', length: block.length, at: 0 });
    side.blockDone();
    side.ready();
  }

  private arriveAtCard(): void {
    const { state, side } = this;
    const card = side.card();
    if (card && card.width() !== side.width()) this.fail('crc');
    else if (!card?.take(state.block.slice(0, state.length))) this.stall();
    else {
      state.phase = 'busy';
      this.timer.set(Math.max(card.busyUntil(), this.clock.now()));
    }
  }

  private stall(): void {
    if (this.side.waitsUncounted && this.state.left === Infinity) {
      this.state.phase = 'waiting';
      return;
    }
    this.state.phase = 'stalled';
    this.after(this.side.timeout() * this.side.clockTime());
  }

  private fail(how: 'crc' | 'timeout'): void {
    this.stop();
    this.side.failed(how);
  }
}
