/** A machine in a file: where it stands, so that it goes on there, bit for bit, in another process or on another computer. */
import { latin1, readU32LE, writeU32LE } from '../base/bytes.js';
import { checkOf } from '../base/check.js';
import { HypberryError } from '../base/errors.js';
import { hasShapeOf, stateFromJson, stateToJson } from '../base/state-text.js';
import type { State } from '../base/state.js';
import { SECTOR_SIZE, type WrittenRun } from '../ports/disk.js';
import type { BuiltInPi, PiState } from './built-in.js';

/** First bytes of such a file. */
const MAGIC = 'hypberry snapshot\n\0\0';
/** The form of the file: one that reads otherwise has another number. */
const VERSION = 2;
/** Behind the magic: version, and the header's length and check; then the header. */
const PREFIX = MAGIC.length + 12;
/** In front of each piece of RAM: its address, length and check; one of length 0 is the end. */
const PIECE_WORDS = 3;
/**
 * Behind RAM, in front of each run of sectors that were written to the card: the first one, how many, bytes that follow (none
 * where all are zeros) and their check; one of no sectors is the end. Without a card there is only the end.
 */
const RUN_WORDS = 4;
/** Bytes of the longest header, of the longest piece, and of the longest run. */
const LONGEST_HEADER = 64 << 20;
const LONGEST_PIECE = 1 << 20;
/** Sectors of zeros that are told at once: their number is a word. */
const MOST_ZEROS = 2 ** 31;

/** What a snapshot is read from. */
export interface SnapshotSource {
  /** Bytes in it. */
  readonly size: number;
  /** Bytes from `offset` on, fewer than `length` at its end. */
  read(offset: number, length: number): Uint8Array;
}

/** What stands in a snapshot. */
export interface Snapshot<Facts> {
  /** What was kept beside the machine. */
  readonly facts: Facts;
  /** Puts a machine there; after an error it is of no use. */
  restore(pi: BuiltInPi): void;
}

function wordsOf(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  values.forEach((value, i) => {
    writeU32LE(bytes, i * 4, value);
  });
  return bytes;
}

/**
 * The bytes of a snapshot, in pieces; they are good until the machine runs on.
 * @param facts plain data that is kept beside it
 */
export function* writeSnapshot(pi: BuiltInPi, facts: object): Generator<Uint8Array> {
  const { cpu, card, ...rest } = pi.save(false);
  const { ram, ...cores } = cpu;
  const machine = { ...rest, cpu: cores, hasCard: card !== undefined };
  const header = new TextEncoder().encode(stateToJson({ facts, machine }));
  yield new TextEncoder().encode(MAGIC);
  yield wordsOf(VERSION, header.length, checkOf(header));
  yield header;
  for (const { address, data } of ram)
    for (let at = 0; at < data.length; at += LONGEST_PIECE) {
      const piece = data.subarray(at, at + LONGEST_PIECE);
      yield wordsOf(address + at, piece.length, checkOf(piece));
      yield piece;
    }
  yield wordsOf(0, 0, 0);
  for (const run of card ?? []) yield* writeRun(run);
  yield wordsOf(0, 0, 0, 0);
}

function* writeRun({ sector, count, bytes }: WrittenRun): Generator<Uint8Array> {
  const most = bytes ? LONGEST_PIECE / SECTOR_SIZE : MOST_ZEROS;
  for (let at = 0; at < count; at += most) {
    const length = Math.min(most, count - at);
    const part = bytes?.subarray(at * SECTOR_SIZE, (at + length) * SECTOR_SIZE) ?? new Uint8Array(0);
    yield wordsOf(sector + at, length, part.length, checkOf(part));
    yield part;
  }
}

/**
 * Reads a snapshot; RAM and what was written to the card only when it is restored. What its facts are is their owner's to check.
 * @throws HypberryError `snapshot.foreign`, `snapshot.version`, `snapshot.damaged`, the last also from `restore`,
 *   and `snapshot.other-machine` from `restore`
 */
export function readSnapshot<Facts>(source: SnapshotSource): Snapshot<Facts> {
  const prefix = source.read(0, PREFIX);
  if (latin1(prefix.subarray(0, MAGIC.length)) !== MAGIC)
    throw new HypberryError(
      'snapshot.foreign',
      'The file is no snapshot of a machine.',
      'Name one that "hypberry run --save" has written.',
    );
  if (prefix.length < PREFIX) throw damaged();
  const [version, length, check] = [0, 4, 8].map((at) => readU32LE(prefix, MAGIC.length + at));
  if (version !== VERSION)
    throw new HypberryError(
      'snapshot.version',
      `The snapshot has form ${version!}, and this hypberry reads form ${VERSION}.`,
      'Use the hypberry that wrote it, or start the card anew and save it again.',
    );
  if (length! > LONGEST_HEADER) throw damaged();
  const header = source.read(PREFIX, length!);
  if (header.length < length! || checkOf(header) !== check) throw damaged();
  const { facts, machine } = parsed(header);
  if (!isObject(facts) || !isObject(machine)) throw damaged();
  return {
    facts: facts as Facts,
    restore: (pi) => {
      const { cpu, hasCard, ...rest } = machine as { readonly cpu: State; readonly hasCard: unknown };
      const { cpu: own, card, ...ownRest } = pi.save(false);
      const isSame = hasShapeOf({ ...cpu, ram: undefined }, own) && hasShapeOf(rest, ownRest);
      if (!isSame || hasCard !== (card !== undefined))
        throw new HypberryError(
          'snapshot.other-machine',
          'The snapshot is of a machine that has other parts than this hypberry has.',
          'Use the hypberry that wrote it, or start the card anew and save it again.',
        );
      const from = follow(source, PREFIX + length!);
      const ram = pieces(from, pi.cpu.memory.size);
      const runs = writtenRuns(from);
      try {
        pi.restore({ ...rest, cpu: { ...cpu, ram }, card: runs } as unknown as PiState);
        // Without a card there are none.
        if (!runs.next().done) throw damaged();
      } catch (error) {
        // Lists and maps may hold what no machine has.
        throw error instanceof HypberryError ? error : damaged(error);
      }
    },
  };
}

function parsed(header: Uint8Array): { facts?: unknown; machine?: unknown } {
  try {
    return stateFromJson(new TextDecoder().decode(header));
  } catch {
    throw damaged();
  }
}

/** Reads on in a source. */
interface Follower {
  /** As many words. */
  words(count: number): number[];
  /** Bytes, as a check says that they are. */
  bytes(length: number, check: number): Uint8Array;
  isAtEnd(): boolean;
}

/** Throws `snapshot.damaged` where there is no more. */
function follow(source: SnapshotSource, from: number): Follower {
  let offset = from;
  const take = (length: number): Uint8Array => {
    const data = source.read(offset, length);
    if (data.length < length) throw damaged();
    offset += length;
    return data;
  };
  return {
    words: (count) => {
      const data = take(count * 4);
      return Array.from({ length: count }, (_, i) => readU32LE(data, i * 4));
    },
    bytes: (length, check) => {
      if (length > LONGEST_PIECE) throw damaged();
      const data = take(length);
      if (checkOf(data) !== check) throw damaged();
      return data;
    },
    isAtEnd: () => offset === source.size,
  };
}

/** The pieces of RAM that come next. */
function* pieces(from: Follower, ramSize: number): Generator<{ address: number; data: Uint8Array }> {
  for (;;) {
    const [address, length, check] = from.words(PIECE_WORDS) as [number, number, number];
    if (length === 0) return;
    if (address + length > ramSize) throw damaged();
    yield { address, data: from.bytes(length, check) };
  }
}

/** What was written to the card, which comes next and last; whether it has such sectors is its own to say. */
function* writtenRuns(from: Follower): Generator<WrittenRun> {
  for (;;) {
    const [sector, count, length, check] = from.words(RUN_WORDS) as [number, number, number, number];
    if (count === 0) break;
    if (length !== 0 && length !== count * SECTOR_SIZE) throw damaged();
    const bytes = from.bytes(length, check);
    yield { sector, count, bytes: length === 0 ? undefined : bytes };
  }
  if (!from.isAtEnd()) throw damaged();
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** `snapshot.damaged`. */
export const damaged = (cause?: unknown): HypberryError =>
  new HypberryError(
    'snapshot.damaged',
    'The snapshot is cut short or damaged.',
    'Copy it again from where it was saved, or start the card anew and save it again.',
    { cause },
  );
