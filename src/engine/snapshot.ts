/** A machine in a file: where it stands, so that it goes on there, bit for bit, in another process or on another computer. */
import { latin1, readU32LE, writeU32LE } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { hasShapeOf, stateFromJson, stateToJson } from '../base/state-text.js';
import type { State } from '../base/state.js';
import type { BuiltInPi, PiState } from './built-in.js';

/** First bytes of such a file. */
const MAGIC = 'hypberry snapshot\n\0\0';
/** The form of the file: one that reads otherwise has another number. */
const VERSION = 1;
/** Behind the magic: version, and the header's length and check; then the header. */
const PREFIX = MAGIC.length + 12;
/** In front of each piece of RAM: its address, length and check; one of length 0 is the end. */
const PIECE_PREFIX = 12;
/** Bytes of the longest header, and of the longest piece. */
const LONGEST_HEADER = 256 << 20;
const LONGEST_PIECE = 1 << 20;

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

/** A sum over bytes that tells damage, not intent: 32 bits, little-endian words, and the bytes that are left. */
function checkOf(bytes: Uint8Array): number {
  let sum = bytes.length | 0;
  const mix = (word: number): void => {
    sum = Math.imul(sum ^ word, 0x0100_0193) ^ (sum >>> 15);
  };
  const whole = bytes.byteOffset % 4 === 0 ? bytes.length >>> 2 : 0;
  const words = new Int32Array(bytes.buffer, whole === 0 ? 0 : bytes.byteOffset, whole);
  for (let i = 0; i < whole; i++) mix(words[i]!);
  let i = whole * 4;
  for (; i + 4 <= bytes.length; i += 4) mix(readU32LE(bytes, i) | 0);
  for (; i < bytes.length; i++) mix(bytes[i]!);
  return sum >>> 0;
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
 * @throws HypberryError `snapshot.too-large` where what was written to the card does not fit
 */
export function* writeSnapshot(pi: BuiltInPi, facts: object): Generator<Uint8Array> {
  const { cpu, ...rest } = pi.save(false);
  const { ram, ...cores } = cpu;
  const header = new TextEncoder().encode(stateToJson({ facts, machine: { ...rest, cpu: cores } }));
  if (header.length > LONGEST_HEADER)
    throw new HypberryError(
      'snapshot.too-large',
      'The system has written more to its card than a snapshot holds.',
      'Save it before so much is written.',
    );
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
}

/**
 * Reads a snapshot; RAM only when it is restored. What its facts are is their owner's to check.
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
      const { cpu, ...rest } = machine as { readonly cpu: State };
      const { cpu: own, ...ownRest } = pi.save(false);
      if (!hasShapeOf({ ...cpu, ram: undefined }, own) || !hasShapeOf(rest, ownRest))
        throw new HypberryError(
          'snapshot.other-machine',
          'The snapshot is of a machine that has other parts than this hypberry has.',
          'Use the hypberry that wrote it, or start the card anew and save it again.',
        );
      const ram = pieces(source, PREFIX + length!, pi.cpu.memory.size);
      try {
        pi.restore({ ...rest, cpu: { ...cpu, ram } } as unknown as PiState);
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

/** The pieces of RAM that stand in a snapshot from an offset on. */
function* pieces(
  source: SnapshotSource,
  from: number,
  ramSize: number,
): Generator<{ address: number; data: Uint8Array }> {
  let offset = from;
  for (;;) {
    const prefix = source.read(offset, PIECE_PREFIX);
    if (prefix.length < PIECE_PREFIX) throw damaged();
    const [address, length, check] = [0, 4, 8].map((at) => readU32LE(prefix, at));
    offset += PIECE_PREFIX;
    if (length === 0) break;
    if (length! > LONGEST_PIECE || address! + length! > ramSize) throw damaged();
    const data = source.read(offset, length!);
    if (data.length < length! || checkOf(data) !== check) throw damaged();
    offset += length!;
    yield { address: address!, data };
  }
  if (offset !== source.size) throw damaged();
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
