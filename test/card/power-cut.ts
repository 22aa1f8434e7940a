import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Disk, SECTOR_SIZE } from '../../src/ports/disk.js';
import { memoryDisk } from '../support/memory-disk.js';

// A disk on which the power can be cut: it remembers each sector written, and each sync between them.

type Sectors = Map<number, Uint8Array>;
/** One sector written. */
interface Write {
  readonly sector: number;
  readonly bytes: Uint8Array;
}

/** Looks at one state of the disk; may write to `disk`. `file` is an image of that state, for other programs. */
export type CutCheck = (disk: Disk, n: number, file: string) => Promise<void>;

/**
 * Runs `action` once, then cuts the power after every single sector it wrote, in the order it wrote them, from
 * none to all, and calls `check` on each state. Returns how many sectors were written.
 * @param stride of those within a stretch of the disk that is written in its order, as a file's bytes are, only one in so
 *   many is cut behind, and the first and the last two
 */
export async function everyCut(
  base: Uint8Array | string,
  action: (disk: Disk) => Promise<void>,
  check: CutCheck,
  stride = 1,
): Promise<number> {
  const image = imageOf(base);
  const writes = (await recordWrites(image, action)).flat();
  const follows = (i: number): boolean => writes[i]?.sector === (writes[i - 1]?.sector ?? NaN) + 1;
  await onStates(image, async ({ apply, look }) => {
    await look(check, 0);
    for (const [i, write] of writes.entries()) {
      apply([write]);
      const isWithin = [i - 1, i, i + 1, i + 2].every(follows);
      if (!isWithin || i % stride === 0) await look(check, i + 1);
    }
  });
  return writes.length;
}

/** Spans of at most this many sectors are tried with every choice of those that arrived. */
const TRY_ALL = 5;
const PICKS = 12;

/**
 * Like `everyCut`, for a disk that writes in any order between two syncs: of the writes since the last sync,
 * any may have arrived. Every choice of them is tried where they are few, some choices where they are many.
 */
export async function anyOrderCuts(
  base: Uint8Array | string,
  action: (disk: Disk) => Promise<void>,
  check: CutCheck,
): Promise<void> {
  const image = imageOf(base);
  const spans = await recordWrites(image, action);
  const random = randomNumbers(1);
  await onStates(image, async ({ apply, reset, look }) => {
    let n = 0;
    for (const [i, span] of spans.entries()) {
      const all = span.length <= TRY_ALL;
      for (let pick = 0; pick < (all ? 2 ** span.length : PICKS); pick++) {
        const share = random();
        reset();
        apply(spans.slice(0, i).flat());
        apply(span.filter((_, j) => (all ? ((pick >> j) & 1) === 1 : random() < share)));
        await look(check, n++);
      }
    }
  });
}

/** The same numbers from 0 up to 1 in every run (Marsaglia's xorshift32). */
function randomNumbers(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

/** The sectors that `action` writes, in order, in spans that end at a sync. */
async function recordWrites(image: Uint8Array, action: (disk: Disk) => Promise<void>): Promise<Write[][]> {
  const spans: Write[][] = [[]];
  const disk = layered(image, new Map(), (write) => spans.at(-1)!.push(write));
  await action({
    ...disk,
    sync: () => {
      if (spans.at(-1)!.length > 0) spans.push([]);
    },
  });
  return spans;
}

/** The image with `over` in front of it; what is written goes into `over`. */
function layered(image: Uint8Array, over: Sectors, onWrite?: (write: Write) => void): Disk {
  const base = memoryDisk(image);
  return {
    ...base,
    read: (sector, count) => {
      const bytes = base.read(sector, count);
      for (let i = 0; i < count; i++) {
        const own = over.get(sector + i);
        if (own !== undefined) bytes.set(own, i * SECTOR_SIZE);
      }
      return bytes;
    },
    write: (sector, bytes) => {
      for (let at = 0; at < bytes.length; at += SECTOR_SIZE) {
        const write = { sector: sector + at / SECTOR_SIZE, bytes: bytes.slice(at, at + SECTOR_SIZE) };
        over.set(write.sector, write.bytes);
        onWrite?.(write);
      }
    },
  };
}

interface States {
  /** Lets these writes arrive. */
  apply: (writes: readonly Write[]) => void;
  /** Goes back to the state before any write. */
  reset: () => void;
  look: (check: CutCheck, n: number) => Promise<void>;
}

async function onStates(image: Uint8Array, run: (states: States) => Promise<void>): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'power-cut-'));
  const file = path.join(folder, 'image');
  fs.writeFileSync(file, image);
  const fd = fs.openSync(file, 'r+');
  const put = (sector: number, bytes: Uint8Array): void => {
    fs.writeSync(fd, bytes, 0, bytes.length, sector * SECTOR_SIZE);
  };
  const arrived: Sectors = new Map();
  try {
    await run({
      apply: (writes) => {
        for (const { sector, bytes } of writes) {
          arrived.set(sector, bytes);
          put(sector, bytes);
        }
      },
      reset: () => {
        for (const sector of arrived.keys()) {
          put(sector, image.subarray(sector * SECTOR_SIZE, (sector + 1) * SECTOR_SIZE));
        }
        arrived.clear();
      },
      look: (check, n) => check(layered(image, new Map(arrived)), n, file),
    });
  } finally {
    fs.closeSync(fd);
    fs.rmSync(folder, { recursive: true });
  }
}

function imageOf(base: Uint8Array | string): Uint8Array {
  // A copy also makes a plain array of a Buffer, whose slices would share its bytes.
  return new Uint8Array(typeof base === 'string' ? fs.readFileSync(base) : base);
}
