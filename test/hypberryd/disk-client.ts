/**
 * The hypervisor's side of a disk's port, as CHANNEL.md has it, that asks at random and checks every answer against a disk of
 * its own. It looks for answers only when it is rung, and it rings only where a bell is wanted.
 */
import * as C from '../../src/channel/layout.js';

export interface DiskClient {
  /** What the disk holds when all that was asked for has been done. */
  readonly disk: Uint8Array;
  /** How many requests are under way, and how many have been answered. */
  readonly underWay: number;
  readonly answered: number;
  /** How often each type was answered. */
  readonly byType: readonly number[];
  readonly offered: boolean;
  /** Asks for something, where there is room; gives whether the bell is to be rung. */
  ask(): boolean;
  /** It was rung. */
  takeAnswers(): void;
}

interface Request {
  readonly type: number;
  readonly place: number;
  readonly length: number;
  /** What reading gives. */
  readonly wanted: Uint8Array | undefined;
  readonly status: number;
}

/** The channel, as the hypervisor reaches it: offsets in it, words and bytes. */
export interface ChannelMemory {
  readonly word: (at: number) => number;
  readonly setWord: (at: number, value: number) => void;
  readonly bytes: (at: number, length: number) => Uint8Array;
  readonly setBytes: (at: number, bytes: Uint8Array) => void;
}

interface Options {
  readonly memory: ChannelMemory;
  readonly port: number;
  /** Where its data begin, and how large they are. */
  readonly data: { readonly at: number; readonly size: number };
  /** Gives an integer below its argument. */
  readonly random: (below: number) => number;
  /** What the disk holds at the beginning. */
  readonly disk: Uint8Array;
}

/** The most sectors of a random request. */
const MOST_SECTORS = 24;

export function createDiskClient({ memory, port, data, random, disk }: Options): DiskClient {
  const ours = C.CONTROL + port * C.CONTROL_SIZE;
  const theirs = ours + C.HOST_CONTROL;
  const { at: base, size } = data;
  const { word, setWord: write } = memory;
  const sectors = disk.length / C.SECTOR_SIZE;
  const requests = new Map<number, Request>();
  const byType = [0, 0, 0, 0, 0, 0, 0];
  let [put, taken, head] = [0, 0, 0];
  write(ours + C.GENERATION, 1);

  /** A piece of the ring for data; undefined where there is none that is free. */
  const pieceOf = (length: number): number | undefined => {
    const under = [...requests.values()].filter((it) => it.length > 0);
    const place = head % size;
    const start = place + length > size ? head + size - place : head;
    // The oldest one that is there bounds the ring.
    const oldest = under[0];
    if (oldest) {
      const behind = start - oldest.place;
      if (behind + length > size) return undefined;
    }
    return start;
  };

  function takeUntil(done: number): void {
    if (done - taken > put - taken) throw new Error('what was not asked for was answered');
    for (; taken < done; taken++) {
      const { type, place, length, wanted, status } = requests.get(taken)!;
      const slot = taken % C.SLOTS;
      const said = word(theirs + C.STATUSES + 4 * slot);
      if (said !== status) throw new Error(`request ${taken}, type ${type}: ${said} instead of ${status}`);
      const at = base + (place % size);
      if (wanted && Buffer.compare(memory.bytes(at, length), wanted) !== 0)
        throw new Error(`request ${taken} read other bytes`);
      requests.delete(taken);
      byType[type]!++;
      // Whoever looks at it again sees something else.
      memory.setBytes(at, new Uint8Array(length).fill(0xee));
      const request = ours + C.REQUESTS + slot * C.REQUEST_SIZE;
      memory.setBytes(request, new Uint8Array(C.REQUEST_SIZE).fill(0xff));
    }
  }

  const client: DiskClient = {
    disk,
    get underWay() {
      return put - taken;
    },
    get answered() {
      return taken;
    },
    byType,
    get offered() {
      return word(theirs + C.OFFERED) === 1;
    },
    ask() {
      if (put - taken >= C.SLOTS) return false;
      // Every type, one that is none, and now and then what lies beyond the end.
      const type = [0, 0, 0, 1, 1, 1, 2, 3, 4, 5][random(10)]!;
      const count = type === C.TYPE_FLUSH ? 0 : random(40) === 0 ? 512 : random(MOST_SECTORS);
      const first = random(12) === 0 ? sectors - random(4) : random(sectors - count);
      const isBeyond = first + count > sectors;
      const length = type <= C.TYPE_WRITE ? count * C.SECTOR_SIZE : 0;
      const start = length > 0 ? pieceOf(length) : head;
      if (start === undefined) return false;
      if (length > 0) head = start + length;
      const from = first * C.SECTOR_SIZE;
      const to = from + count * C.SECTOR_SIZE;
      const unknown = type > C.TYPE_WRITE_ZEROES;
      if (type === C.TYPE_WRITE) {
        const written = new Uint8Array(length).map(() => random(256));
        memory.setBytes(base + (start % size), written);
        if (!isBeyond) disk.set(written, from);
      }
      // A file with room for holes reads as zeros where it was discarded.
      if (!isBeyond && (type === C.TYPE_DISCARD || type === C.TYPE_WRITE_ZEROES)) disk.fill(0, from, to);
      requests.set(put, {
        ...{ type, place: start, length },
        wanted: type === C.TYPE_READ && !isBeyond ? disk.slice(from, to) : undefined,
        status: unknown
          ? C.STATUS_UNSUPPORTED
          : isBeyond && type !== C.TYPE_FLUSH
            ? C.STATUS_ERROR
            : C.STATUS_OK,
      });
      const slot = ours + C.REQUESTS + (put % C.SLOTS) * C.REQUEST_SIZE;
      write(slot + C.REQUEST_TYPE, type);
      write(slot + C.REQUEST_SECTOR, first);
      write(slot + C.REQUEST_SECTOR + 4, 0);
      write(slot + C.REQUEST_SECTORS, count);
      write(slot + C.REQUEST_DATA, start % size);
      write(slot + C.REQUEST_GENERATION, 1);
      put++;
      write(ours + C.PUT, put);
      return word(theirs + C.BELL_AT) === put - 1;
    },
    takeAnswers() {
      let done: number;
      do {
        done = word(theirs + C.TAKEN);
        takeUntil(done);
        write(ours + C.BELL_AT, done);
        // What was done before it was seen that a bell is wanted has rung none.
      } while (word(theirs + C.TAKEN) !== done);
    },
  };
  return client;
}
