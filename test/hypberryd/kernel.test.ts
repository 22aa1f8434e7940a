/** Whether the kernel of the tests does as Linux does: random calls, to it from Node and to Linux under qemu-arm. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import { ERRORS, OPEN_FLAGS as O } from '../../src/translate/linux/constants.js';
import { runInNode } from './kernel.js';
import { CODES, EVERYTHING, NAMES, type Operation, scriptOf } from './operations.js';
import { compileSample, inFolder, runUnderQemu, SAMPLES_END, textOf } from './programs.js';

/** How many times as long it goes on. */
const FUZZ = Number(process.env['HYPBERRY_FUZZ'] ?? 1);

const name = fc.nat(NAMES.length - 1);
// Few, so that operations meet; one that is never open.
const file = fc.oneof({ weight: 12, arbitrary: fc.integer({ min: 3, max: 7 }) }, fc.constantFrom(-1, 99));
const count = fc.constantFrom(0, 1, 5, 100, 300);
const offset = fc.oneof(
  fc.constantFrom(0n, 1n, 4095n, 4096n, 0x7fff_ffffn, 0x8000_0000n, 0x1_0000_0000n, 0x1_0000_0003n, -1n),
  fc.bigInt(0n, 8192n),
);
const flags = fc
  .tuple(
    fc.constantFrom(O.O_RDONLY, O.O_WRONLY, O.O_RDWR),
    fc.constantFrom(
      0,
      O.O_CREAT,
      O.O_CREAT,
      O.O_CREAT | O.O_EXCL,
      O.O_DIRECTORY,
      O.O_TRUNC,
      O.O_APPEND | O.O_CREAT,
    ),
    fc.constantFrom(0, O.O_CLOEXEC, O.O_NONBLOCK),
  )
  // qemu-arm's Linux, of 64 bits, never asks for O_LARGEFILE.
  .map((all) => all.reduce<number>((a, b) => a | b, O.O_LARGEFILE));
const operation = (
  code: keyof typeof CODES,
  ...parts: readonly fc.Arbitrary<number | bigint>[]
): fc.Arbitrary<Operation> =>
  fc.tuple(...parts).map((all) => {
    const numbers = all.filter((it) => typeof it === 'number');
    const at = all.find((it) => typeof it === 'bigint') ?? 0n;
    return [CODES[code], numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0, at];
  });
const byte = fc.nat(255);
const operations = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: operation('open', name, flags, fc.constantFrom(0o644, 0o600)) },
    operation('close', file),
    { weight: 2, arbitrary: operation('read', file, count) },
    { weight: 2, arbitrary: operation('write', file, count, byte) },
    { weight: 2, arbitrary: operation('pread', file, count, offset) },
    { weight: 2, arbitrary: operation('pwrite', file, count, byte, offset) },
    operation('ftruncate', file, offset),
    operation('unlink', name),
    operation('rename', name, name),
    operation('mkdir', name, fc.constantFrom(0o755, 0o700)),
    operation('pipe', fc.constantFrom(O.O_NONBLOCK, O.O_NONBLOCK | O.O_CLOEXEC)),
    operation('dup', file, file, fc.constantFrom(0, O.O_CLOEXEC, 1)),
    operation('stat', file),
    operation('sync', file),
    operation('fsync', file),
    { weight: 2, arbitrary: operation('flock', file, fc.constantFrom(1 | 4, 2 | 4, 8, 8 | 4)) },
    operation('fallocate', file, fc.constantFrom(1 | 2, 1 | 2, 2), count, offset),
    operation('terminal', file),
    operation('poll', file),
  ),
  { minLength: 10, maxLength: 60 },
);

describe('the kernel of the tests', () => {
  let sample: Awaited<ReturnType<typeof compileSample>>;
  beforeAll(async () => {
    await ensureTools(['qemu-user']);
    sample = await compileSample('test/translate/samples/operations.ts');
  }, 300_000);

  test(
    'answers random calls as Linux does',
    () => {
      const seen = new Set<string>();
      const answered = new Set<number>();
      fc.assert(
        fc.property(operations, (all) => {
          const stdin = scriptOf(all);
          const here = runInNode(sample.wasm, { args: ['operations'], stdin, end: SAMPLES_END });
          const there = inFolder((cwd) => runUnderQemu(sample.file, [], { stdin, cwd }));
          const lines = textOf(here.stdout).trimEnd().split('\n');
          expect(lines).toHaveLength(all.length);
          expect(lines.map((it, i) => `${all[i]!.join()}:${it}`)).toEqual(
            textOf(there.stdout)
              .trimEnd()
              .split('\n')
              .map((it, i) => `${all[i]?.join() ?? ''}:${it}`),
          );
          expect(here.status).toBe(there.status);
          lines.forEach((it, i) => {
            const result = / = (-?\d+)$/.exec(it)![1]!;
            if (result.startsWith('-')) seen.add(result);
            else answered.add(all[i]![0]);
          });
        }),
        { numRuns: FUZZ * 40, examples: [[EVERYTHING]] },
      );
      const { ENOENT, EBADF, EAGAIN, EEXIST, ENOTDIR, EISDIR, EINVAL, ESPIPE, EPIPE, ENOTEMPTY } = ERRORS;
      const { ENOTTY, EOPNOTSUPP, ENODEV } = ERRORS;
      const errors = [
        ENOENT,
        EBADF,
        EAGAIN,
        EEXIST,
        ENOTDIR,
        EISDIR,
        EINVAL,
        ESPIPE,
        EPIPE,
        ENOTEMPTY,
        ENOTTY,
        EOPNOTSUPP,
        ENODEV,
      ];
      expect([...seen].sort()).toEqual(errors.map((it) => `-${it}`).sort());
      // No file here is a terminal.
      const answering = Object.values(CODES).filter((it) => it !== CODES.terminal);
      expect([...answered].sort((a, b) => a - b)).toEqual(answering);
    },
    FUZZ * 30_000,
  );
});
