/** Calls that samples/operations.ts makes, of the kernel of the tests or of Linux, and prints the results of. */
import { OPEN_FLAGS as O } from '../../src/translate/linux/constants.js';

/** Names of files, of which some go through others. */
export const NAMES = ['a', 'b', 'd', 'd/c', 'd/e', 'a/x', 'd/c/f', ''];
const NAME_SIZE = 16;
const RECORD = 32;
/** An operation: its number in the sample, three words, an offset. */
export type Operation = readonly [code: number, a: number, b: number, c: number, offset: bigint];
export const CODES = {
  ...{ open: 0, close: 1, read: 2, write: 3, pread: 4, pwrite: 5, ftruncate: 6, unlink: 7, rename: 8 },
  ...{ mkdir: 9, pipe: 10, dup: 11, stat: 12, sync: 13, fsync: 14, flock: 15, fallocate: 16, terminal: 17 },
  ...{ event: 18, poll: 19 },
} as const;

/** An operation by its name. */
export const does = (code: keyof typeof CODES, a = 0, b = 0, c = 0, at = 0n): Operation => [
  CODES[code],
  a,
  b,
  c,
  at,
];
const [A, D, DC, DE, DCF, EMPTY] = ['a', 'd', 'd/c', 'd/e', 'd/c/f', ''].map((it) => NAMES.indexOf(it)) as [
  ...[number, number, number, number, number, number],
];
/** Every operation that can be done, and every error that the kernel of the tests knows from it. */
export const EVERYTHING: Operation[] = [
  ...[does('mkdir', D, 0o755), does('mkdir', D, 0o755), does('mkdir', A, 0o700)],
  ...[does('open', DC, O.O_RDWR | O.O_CREAT | O.O_LARGEFILE, 0o644), does('rename', A, D)],
  ...[does('open', EMPTY), does('open', DCF), does('open', D, O.O_WRONLY)],
  ...[does('pwrite', 3, 300, 7, 0x1_0000_0001n), does('stat', 3), does('pread', 3, 300, 0, 0x1_0000_0000n)],
  ...[does('write', 3, 5, 1), does('read', 3, 5), does('pread', 3, 5), does('sync', 3)],
  ...[does('ftruncate', 3, 0, 0, -1n), does('ftruncate', 3, 0, 0, 3n), does('stat', 3)],
  ...[does('pipe', O.O_NONBLOCK), does('read', 4, 1), does('pread', 4, 1), does('write', 5, 100, 9)],
  ...[does('read', 4, 300), does('dup', 5, 7), does('close', 4), does('write', 7, 1), does('close', 4)],
  ...[does('event', O.O_NONBLOCK, 3), does('poll', 4), does('read', 4, 5), does('read', 4, 100)],
  ...[does('read', 4, 100), does('poll', 4), does('write', 4, 5, 7), does('flock', 3, 2 | 4)],
  ...[does('open', DC, O.O_RDWR | O.O_LARGEFILE), does('flock', 6, 1 | 4), does('flock', 3, 1 | 4)],
  ...[does('flock', 6, 1 | 4), does('flock', 3, 2 | 4), does('flock', 6, 2 | 4), does('flock', 3, 8)],
  ...[does('flock', 3, 5), does('flock', 3, 3), does('fallocate', 3, 3, 100, 1n), does('pread', 3, 300)],
  ...[
    does('fallocate', 3, 3, 0),
    does('fallocate', 3, 2, 1),
    does('fallocate', 5, 3, 5),
    does('fallocate', 4, 3, 5),
  ],
  ...[
    does('terminal', 3),
    does('terminal', 5),
    does('poll', 3),
    does('fsync', 3),
    does('fsync', 5),
    does('close', 6),
  ],
  ...[
    does('rename', DC, DE),
    does('rename', DE, DC),
    does('rename', DC, A),
    does('rename', DC, D),
    does('unlink', DC),
    does('unlink', D),
    does('stat', 5),
  ],
];

/** What the sample reads. */
export function scriptOf(all: readonly Operation[]): Uint8Array {
  const script = new Uint8Array(NAMES.length * NAME_SIZE + all.length * RECORD);
  NAMES.forEach((it, i) => {
    script.set(new TextEncoder().encode(it), i * NAME_SIZE);
  });
  const view = new DataView(script.buffer);
  all.forEach(([code, a, b, c, at], i) => {
    const place = NAMES.length * NAME_SIZE + i * RECORD;
    [code, a, b, c].forEach((word, n) => {
      view.setInt32(place + 4 * n, word, true);
    });
    view.setBigInt64(place + 16, at, true);
  });
  return script;
}

/** What files that were opened without O_LARGEFILE do at 2 GiB: only a Linux of 32 bits knows the difference. */
export const SMALL_FILES: Operation[] = [
  ...[does('open', A, O.O_RDWR | O.O_CREAT, 0o600), does('pwrite', 3, 300, 5, 0x7fff_ff00n), does('stat', 3)],
  ...[does('pwrite', 3, 5, 5, 0x7fff_ffffn), does('pwrite', 3, 0, 5, 0x7fff_ffffn), does('stat', 3)],
  ...[
    does('pread', 3, 300, 0, 0x7fff_ff00n),
    does('open', A, O.O_WRONLY | O.O_APPEND),
    does('write', 4, 5, 1),
  ],
];
