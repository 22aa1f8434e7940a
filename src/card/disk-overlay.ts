/** A disk over a disk: what is written is kept beside, and the one below stays as it is. */
import { HypberryError } from '../base/errors.js';
import { type Disk, SECTOR_SIZE, type WrittenRun } from '../ports/disk.js';
import { readAheadOf } from './read-ahead.js';

/** Room outside memory, such as a temporary file: nobody else sees it, and closing it takes it away. */
export interface Scratch {
  /** Bytes that were written before. */
  read(offset: number, length: number): Uint8Array;
  /** @throws HypberryError where there is no room */
  write(offset: number, bytes: Uint8Array): void;
  close(): void;
}

/** How much an overlay keeps, and where. */
export interface OverlayOptions {
  /** Sectors that it has; those that the disk below has not are zero. As many as that one unless told otherwise. */
  readonly sectors?: number;
  /** Bytes that it keeps in memory; 64 MiB unless told otherwise. */
  readonly memory?: number;
  /** Opens room for what is more; without it there is none. */
  readonly scratch?: (() => Scratch) | undefined;
  /** Bytes that it keeps at most, in memory and beside; 8 GiB unless told otherwise. */
  readonly most?: number;
}

/** A disk whose writes are kept beside the one below. */
export interface Overlay extends Disk {
  readonly below: Disk;
  erase(sector: number, count: number): void;
  written(): Iterable<WrittenRun>;
  restore(written: Iterable<WrittenRun>): void;
  /** Bytes that it keeps. */
  kept(): number;
}

/** What is kept together: 4 KiB, as file systems write. */
const PIECE_SECTORS = 8;
const PIECE = PIECE_SECTORS * SECTOR_SIZE;
/** Pieces whose places stand in one table. */
const REGION_PIECES = 1024;
/** Pieces that memory is taken for at once. */
const BLOCK_PIECES = 256;
/** Pieces of the longest run that is given at once: 1 MiB. */
const RUN_PIECES = 256;

const MIB = 2 ** 20;
const DEFAULT = { memory: 64 * MIB, most: 8 * 1024 * MIB } as const;

/** Places of a piece: below; nowhere, as it was erased; else its slot and 1. */
const BELOW = 0;
const ERASED = -1;

/** Pieces one after the other, the last one before `to`, and where they are kept; undefined: all of them are erased. */
interface ChangedPieces {
  readonly from: number;
  to: number;
  readonly slots: number[] | undefined;
}

/** Where pieces are kept: slots, first in memory, then in a scratch. */
interface Slots {
  count(): number;
  /** What is kept in some, one behind the other. */
  read(slots: readonly number[]): Uint8Array;
  /** Takes a free slot. */
  take(): number;
  write(slot: number, offset: number, bytes: Uint8Array): void;
  free(slot: number): void;
  clear(): void;
}

function makeSlots({ memory = DEFAULT.memory, most = DEFAULT.most, scratch }: OverlayOptions): Slots {
  const inMemory = Math.floor(memory / PIECE);
  // Without room beside, no more than memory holds.
  const limit = scratch ? Math.floor(most / PIECE) : Math.min(inMemory, Math.floor(most / PIECE));
  let blocks: Uint8Array[] = [];
  let free: number[] = [];
  let used = 0;
  let beside: Scratch | undefined;
  const place = (slot: number): Uint8Array => {
    const block = (blocks[Math.floor(slot / BLOCK_PIECES)] ??= new Uint8Array(BLOCK_PIECES * PIECE));
    return block.subarray((slot % BLOCK_PIECES) * PIECE, ((slot % BLOCK_PIECES) + 1) * PIECE);
  };
  const offsetOf = (slot: number): number => (slot - inMemory) * PIECE;
  return {
    count: () => used - free.length,
    read: (slots) => {
      const bytes = new Uint8Array(slots.length * PIECE);
      for (let i = 0; i < slots.length;) {
        const slot = slots[i]!;
        let count = 1;
        // Those beside are read at once as far as they stand in a row.
        while (slot >= inMemory && slots[i + count] === slot + count) count++;
        bytes.set(slot < inMemory ? place(slot) : beside!.read(offsetOf(slot), count * PIECE), i * PIECE);
        i += count;
      }
      return bytes;
    },
    take: () => {
      const again = free.pop();
      if (again !== undefined) return again;
      if (used >= limit)
        throw new HypberryError(
          'card.overlay-full',
          `More was written to the card than is kept of it (${Math.floor((limit * PIECE) / MIB)} MiB).`,
          'Run it again with less to write, or on a copy of the image that may be written.',
        );
      if (used >= inMemory) beside ??= scratch!();
      return used++;
    },
    write: (slot, offset, bytes) => {
      if (slot < inMemory) place(slot).set(bytes, offset);
      else beside!.write(offsetOf(slot) + offset, bytes);
    },
    free: (slot) => free.push(slot),
    clear: () => {
      beside?.close();
      beside = undefined;
      blocks = [];
      free = [];
      used = 0;
    },
  };
}

/**
 * A disk that reads as `disk` does until it is written; `disk` stays as it is, and open.
 * Its writes throw `card.overlay-full`, and what the scratch throws.
 */
export function overlayOf(disk: Disk, options: OverlayOptions = {}): Overlay {
  const sectors = options.sectors ?? disk.sectors;
  const slots = makeSlots(options);
  /** Places of the pieces of each region that is not as it is below. */
  const regions = new Map<number, Int32Array>();
  const lower = readAheadOf(disk);

  const placeOf = (piece: number): number =>
    regions.get(Math.floor(piece / REGION_PIECES))?.[piece % REGION_PIECES] ?? BELOW;
  const placesFor = (piece: number): Int32Array => {
    const region = Math.floor(piece / REGION_PIECES);
    const places = regions.get(region) ?? new Int32Array(REGION_PIECES);
    regions.set(region, places);
    return places;
  };

  /** Sectors of the disk below, zeros behind its end. */
  function below(sector: number, count: number): Uint8Array {
    const there = Math.max(0, Math.min(count, disk.sectors - sector));
    if (there === count) return lower.read(sector, count);
    const bytes = new Uint8Array(count * SECTOR_SIZE);
    if (there > 0) bytes.set(lower.read(sector, there));
    return bytes;
  }

  /** A whole piece as it reads now, as bytes that may be changed. */
  function pieceNow(piece: number): Uint8Array {
    const place = placeOf(piece);
    if (place > 0) return slots.read([place - 1]);
    return place === ERASED ? new Uint8Array(PIECE) : below(piece * PIECE_SECTORS, PIECE_SECTORS);
  }

  function writePiece(piece: number, offset: number, bytes: Uint8Array): void {
    const place = placeOf(piece);
    if (place > 0) {
      slots.write(place - 1, offset, bytes);
      return;
    }
    let whole = bytes;
    if (bytes.length < PIECE) {
      whole = pieceNow(piece);
      whole.set(bytes, offset);
    }
    const slot = slots.take();
    try {
      slots.write(slot, 0, whole);
    } catch (error) {
      // What was not kept is as it was.
      slots.free(slot);
      throw error;
    }
    placesFor(piece)[piece % REGION_PIECES] = slot + 1;
  }

  function erasePiece(piece: number): void {
    const place = placeOf(piece);
    if (place > 0) slots.free(place - 1);
    placesFor(piece)[piece % REGION_PIECES] = ERASED;
  }

  /** Calls with each part of a range that lies in one piece. */
  function byPiece(
    sector: number,
    count: number,
    each: (piece: number, first: number, count: number) => void,
  ) {
    if (sector < 0 || count < 0 || sector + count > sectors)
      throw new RangeError(`Sectors ${sector}..${sector + count - 1} are outside a disk of ${sectors}.`);
    for (let at = sector; at < sector + count;) {
      const first = at % PIECE_SECTORS;
      const length = Math.min(PIECE_SECTORS - first, sector + count - at);
      each(Math.floor(at / PIECE_SECTORS), first, length);
      at += length;
    }
  }

  /** Whether all of a range is as it is below. */
  function untouched(sector: number, count: number): boolean {
    let all = true;
    byPiece(sector, count, (piece) => {
      if (placeOf(piece) !== BELOW) all = false;
    });
    return all;
  }

  function write(sector: number, bytes: Uint8Array): void {
    byPiece(sector, bytes.length / SECTOR_SIZE, (piece, first, length) => {
      const at = (piece * PIECE_SECTORS + first - sector) * SECTOR_SIZE;
      writePiece(piece, first * SECTOR_SIZE, bytes.subarray(at, at + length * SECTOR_SIZE));
    });
  }

  function erase(sector: number, count: number): void {
    byPiece(sector, count, (piece, first, length) => {
      if (length === PIECE_SECTORS) erasePiece(piece);
      else if (placeOf(piece) !== ERASED)
        writePiece(piece, first * SECTOR_SIZE, new Uint8Array(length * SECTOR_SIZE));
    });
  }

  /** Pieces that are not as they are below, one after the other: all erased, or none, and then no more than a run has. */
  function* changed(): Generator<ChangedPieces> {
    let run: ChangedPieces | undefined;
    for (const region of [...regions.keys()].sort((a, b) => a - b))
      for (const [i, place] of regions.get(region)!.entries()) {
        if (place === BELOW) continue;
        const piece = region * REGION_PIECES + i;
        const goesOn =
          run?.to === piece &&
          (place === ERASED ? !run.slots : run.slots !== undefined && run.slots.length < RUN_PIECES);
        if (run && !goesOn) yield run;
        if (!run || !goesOn) run = { from: piece, slots: place === ERASED ? undefined : [], to: piece };
        run.slots?.push(place - 1);
        run.to = piece + 1;
      }
    if (run) yield run;
  }

  function* written(): Generator<WrittenRun> {
    for (const { from, to, slots: of } of changed()) {
      const sector = from * PIECE_SECTORS;
      // The last piece of a disk may be longer than that is.
      const count = Math.min(to * PIECE_SECTORS, sectors) - sector;
      if (!of) {
        yield { sector, count };
        continue;
      }
      yield { sector, count, bytes: slots.read(of).subarray(0, count * SECTOR_SIZE) };
    }
  }

  return {
    sectorSize: SECTOR_SIZE,
    sectors,
    writable: true,
    below: disk,
    read: (sector, count) => {
      if (untouched(sector, count)) return below(sector, count);
      const bytes = new Uint8Array(count * SECTOR_SIZE);
      byPiece(sector, count, (piece, first, length) => {
        const part = pieceNow(piece).subarray(first * SECTOR_SIZE, (first + length) * SECTOR_SIZE);
        bytes.set(part, (piece * PIECE_SECTORS + first - sector) * SECTOR_SIZE);
      });
      return bytes;
    },
    write,
    erase,
    sync: () => undefined,
    close: () => {
      slots.clear();
      regions.clear();
    },
    kept: () => slots.count() * PIECE,
    written,
    restore: (runs) => {
      slots.clear();
      regions.clear();
      for (const { sector, count, bytes } of runs)
        if (bytes) write(sector, bytes);
        else erase(sector, count);
    },
  };
}
