/**
 * Whether who reads standard output still does. A pipe tells that only to whoever writes or polls (pipe(7), poll(2)), and
 * Node polls no pipe that it only writes to: its WASI has the call, `poll_oneoff`.
 */
import fs from 'node:fs';
import { readU16LE, readU32LE, writeU32LE } from '../base/bytes.js';
import { webAssembly } from '../wasm/webassembly.js';

/** Milliseconds between two looks. */
const EVERY = 200;

const STDOUT = 1;

/** WASI preview 1, witx/typenames.witx: sizes, fields and values of `subscription` and `event`. */
const SUBSCRIPTION = { SIZE: 48, TAG: 8, FD: 16, CLOCK_ID: 16, TIMEOUT: 24 } as const;
const EVENT = { SIZE: 32, ERRNO: 8, TYPE: 10, FLAGS: 24 } as const;
const TYPE = { CLOCK: 0, FD_READ: 1 } as const;
const MONOTONIC = 1;
const HANGUP = 1;
/** Nanoseconds: with 0 the clock would be through before the pipe is looked at. */
const PATIENCE = 1_000_000;

/** Places in the memory that the call reads and writes. */
const AT = { subscriptions: 0, events: 256, count: 512 } as const;

/**
 * Calls `act` once, when the pipe or socket that is standard output has no reader any more. It keeps no process alive, and does
 * nothing where standard output is something else, or where the system does not tell.
 * @returns a function that ends it
 */
export async function whenReaderGoes(act: () => void): Promise<() => void> {
  const look = hasReader() ? await looker().catch(() => undefined) : undefined;
  if (!look) return () => undefined;
  const timer = setInterval(() => {
    if (!look()) return;
    clearInterval(timer);
    act();
  }, EVERY);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

function hasReader(): boolean {
  try {
    const stat = fs.fstatSync(STDOUT);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    // Closed.
    return false;
  }
}

/** What says whether the reader is gone. */
async function looker(): Promise<() => boolean> {
  const memory = new webAssembly.Memory({ initial: 1, maximum: 1 });
  const wasi = new (await quietWasi()).WASI({ version: 'preview1' });
  wasi.initialize({ exports: { memory } });
  const poll = wasi.wasiImport['poll_oneoff'] as (
    from: number,
    to: number,
    n: number,
    count: number,
  ) => number;
  const bytes = new Uint8Array(memory.buffer);
  const [pipe, clock] = [AT.subscriptions, AT.subscriptions + SUBSCRIPTION.SIZE];
  bytes[pipe + SUBSCRIPTION.TAG] = TYPE.FD_READ;
  writeU32LE(bytes, pipe + SUBSCRIPTION.FD, STDOUT);
  bytes[clock + SUBSCRIPTION.TAG] = TYPE.CLOCK;
  writeU32LE(bytes, clock + SUBSCRIPTION.CLOCK_ID, MONOTONIC);
  writeU32LE(bytes, clock + SUBSCRIPTION.TIMEOUT, PATIENCE);
  return () => {
    if (poll(AT.subscriptions, AT.events, 2, AT.count) !== 0) return false;
    const events = Array.from({ length: readU32LE(bytes, AT.count) }, (_, i) => AT.events + i * EVENT.SIZE);
    // A pipe without a reader is in error, a socket has hung up.
    return events.some(
      (at) =>
        bytes[at + EVENT.TYPE] === TYPE.FD_READ &&
        (readU16LE(bytes, at + EVENT.ERRNO) !== 0 || (readU16LE(bytes, at + EVENT.FLAGS) & HANGUP) !== 0),
    );
  };
}

/** Node's WASI, without the warning that it is experimental: no program runs in it. */
async function quietWasi(): Promise<typeof import('node:wasi')> {
  const warn = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return await import('node:wasi');
  } finally {
    process.emitWarning = warn;
  }
}
