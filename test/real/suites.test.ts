/** Test suites that others wrote, in a Linux on the built-in Pi 2; where they depend on the kernel, in QEMU's too. */
import { createCipheriv, createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bootFiles } from '../../scripts/lib/card-image.js';
import { programWithLibraries } from '../../scripts/lib/debian-program.js';
import { busyboxArchive, PROGRAM, treeOf, type ArchiveFile } from '../../scripts/lib/initramfs.js';
import { inputs } from '../../scripts/lib/inputs.js';
import { libcTests, NEON_OUTPUT, neonTests, qemuTests, testFloat } from '../../scripts/lib/suites.js';
import { useTools } from '../../scripts/lib/tools.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { memoryCard } from '../support/memory-card.js';
import { runToEnd } from './debian-machine.js';
import { everything, quick } from './real-card.js';

const BUILD_MILLISECONDS = 1_800_000;
/** Seconds of real time for a suite, and milliseconds for its test. */
const SECONDS = 7200;
const MILLISECONDS = (SECONDS + BUILD_MILLISECONDS / 1000) * 1000;

const APPLETS = [
  ...['cat', 'cut', 'diff', 'echo', 'ifconfig', 'ls', 'mkdir', 'seq', 'sort', 'timeout', 'tr', 'uniq', 'wc'],
];
const DONE = /^suite: done$/m;

/** Runs a script in Debian's Linux, with files; gives its lines. */
async function linesOf(
  engine: 'built-in' | 'QEMU',
  script: string,
  files: readonly ArchiveFile[],
): Promise<string[]> {
  const found = await inputs();
  const text = `mkdir -p /tmp\ncd /tmp\n${script}\necho suite: done`;
  const initramfs = busyboxArchive(await readFile(found.busybox), text, APPLETS, files);
  const machine = await prepareHandover(
    memoryCard(
      Object.fromEntries(
        await bootFiles(await quick(found.bookworm), found.firmware, {
          config: 'auto_initramfs=1\n',
          commandLine: 'console=ttyAMA0,115200 quiet',
          more: new Map([['initramfs7', initramfs]]),
        }),
      ),
    ),
  );
  const { said, why } = await runToEnd(engine, machine, SECONDS, DONE);
  expect(said, why).toMatch(DONE);
  return said.split('\n').filter((line) => line.startsWith('suite: ') && !DONE.test(line));
}

const program = async (path: string, file: string): Promise<ArchiveFile> => ({
  path,
  mode: PROGRAM,
  data: await readFile(file),
});

/** Operations that the Cortex-A7 does by an instruction; 64-bit integers are converted by the compiler's library. */
const INSTRUCTIONS = ['f32', 'f64'].flatMap((it) => [
  ...['ui32', 'i32'].flatMap((integer) => [`${integer}_to_${it}`, `${it}_to_${integer}_rx_minMag`]),
  it === 'f32' ? 'f32_to_f64' : 'f64_to_f32',
  ...['add', 'sub', 'mul', 'mulAdd', 'div', 'sqrt', 'eq', 'le', 'lt'].map((name) => `${it}_${name}`),
]);

describe.runIf(everything)('suites that others wrote', () => {
  beforeAll(() => {
    useTools();
  });

  it(
    'Berkeley TestFloat, level 1, all rounding modes, NaNs by their bits: no error',
    async () => {
      const files = [await program('testfloat', await testFloat())];
      const lines = await linesOf(
        'built-in',
        // Its counters go by carriage returns. Of several NaNs SoftFloat takes a factor's first, Arm the addend's (DDI 0406C,
        // FPProcessNaNs3), so which one comes of mulAdd is not compared; test/cpu does, with qemu-arm.
        `for f in ${INSTRUCTIONS.join(' ')}; do
          case $f in *mulAdd) nans= ;; *) nans=-checkNaNs ;; esac
          /testfloat $nans $f 2>&1 | tr '\\r' '\\n' | while read -r line; do
            case $line in
              *"no errors"*|*"rrors found"*|*"not supported"*) echo "suite: $line" ;;
            esac
          done
        done`,
        files,
      );
      const right = lines.map((line) => /In (\d+) tests, no errors found in (\w+)/.exec(line));
      expect(lines.filter((_, i) => !right[i])).toEqual([]);
      expect([...new Set(right.map((it) => it![2]))].sort()).toEqual([...INSTRUCTIONS].sort());
      const tests = right.reduce((sum, it) => sum + Number(it![1]), 0);
      console.log(`TestFloat: ${lines.length} complete runs, ${tests} tests, no error`);
    },
    MILLISECONDS,
  );

  it(
    "arm-neon-tests: every line as Arm's compiler and model have it",
    async () => {
      const { program: path, reference } = await neonTests();
      const text = await readFile(reference);
      const lines = await linesOf(
        'built-in',
        `/neon-tests >/dev/null
        wc -l <${NEON_OUTPUT} | while read -r count; do echo "suite: $count lines"; done
        diff /reference ${NEON_OUTPUT} | while read -r line; do echo "suite: $line"; done`,
        [await program('neon-tests', path), { path: 'reference', mode: PROGRAM, data: text }],
      );
      const count = text.toString('latin1').split('\n').length - 1;
      expect(lines).toEqual([`suite: ${count} lines`]);
      console.log(`arm-neon-tests: ${count} lines, no difference`);
    },
    MILLISECONDS,
  );

  it(
    "QEMU's tests of its translator: all that pass in QEMU",
    async () => {
      const folder = await qemuTests();
      const names = (await readdir(folder)).filter((it) => it !== 'recipe.txt').sort();
      const files = await Promise.all(names.map((it) => program(`tests/${it}`, join(folder, it))));
      const programs = names.filter((it) => !it.endsWith('.ref'));
      // One of them talks to itself over the loopback device.
      const script = `ifconfig lo 127.0.0.1 up
        for t in ${programs.join(' ')}; do
          timeout 600 /tests/$t >$t.out 2>$t.err
          echo "suite: $t $?"
          if test -f /tests/$t.ref; then
            diff /tests/$t.ref $t.out | while read -r line; do echo "suite: $t differs: $line"; done
          fi
        done`;
      const more = [{ path: 'tests', mode: 0o040755 }, ...files];
      const ours = await linesOf('built-in', script, more);
      expect(ours.filter((line) => / \d+$/.test(line))).toHaveLength(programs.length);
      const good = programs.filter((it) => ours.includes(`suite: ${it} 0`));
      console.log(`QEMU's tests: ${good.length} of ${programs.length} end with 0; ${ours.join('; ')}`);
      // What QEMU's own machine does not pass may pass here.
      const theirs = await linesOf('QEMU', script, more);
      const passed = theirs.filter((line) => line.endsWith(' 0'));
      expect(passed.length).toBeGreaterThan(15);
      expect(ours).toEqual(expect.arrayContaining(passed));
      expect(ours.filter((line) => !/ \d+$/.test(line))).toEqual(
        theirs.filter((line) => !/ \d+$/.test(line)),
      );
    },
    MILLISECONDS,
  );

  it(
    'libc-test: what fails is what fails in QEMU',
    async () => {
      const folder = await libcTests();
      const files = (await treeOf(folder, () => true)).filter(({ path }) => path !== 'recipe.txt');
      const programs = files.filter((it) => /^(functional|math|regression)\/./.test(it.path));
      expect(programs.length).toBeGreaterThan(200);
      const script = `for kind in functional math regression; do
          for t in /$kind/*; do
            /runtest -t 120 $t >out 2>&1
            echo "suite: $t $?"
            cut -c1-200 out | while read -r line; do echo "suite: $t: $line"; done
          done
        done`;
      const ours = await linesOf('built-in', script, files);
      const good = programs.filter(({ path }) => ours.includes(`suite: /${path} 0`));
      console.log(`libc-test: ${good.length} of ${programs.length} pass`);
      const theirs = await linesOf('QEMU', script, files);
      // What a failure prints may have times and addresses in it.
      const results = (lines: readonly string[]): string[] =>
        lines.filter((line) => /^suite: \S+ \d+$/.test(line));
      expect(results(ours)).toEqual(results(theirs));
      const ulps = (lines: readonly string[]): string[] => lines.filter((line) => line.includes('/math/'));
      expect(ulps(ours)).toEqual(ulps(theirs));
    },
    MILLISECONDS,
  );

  it(
    "OpenSSL's assembler: digests and ciphers as outside",
    async () => {
      const digests = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha3-256', 'blake2b512'];
      const ciphers = ['aes-128-cbc', 'aes-256-ctr', 'chacha20'];
      // Some megabytes that do not repeat themselves.
      const data = Buffer.concat(
        Array.from({ length: 1 << 17 }, (_, i) => createHash('sha256').update(String(i)).digest()),
      );
      const key = (bytes: number): string => 'a7'.repeat(bytes);
      const script = [
        ...digests.map((it) => `echo "suite: ${it} $(openssl dgst -r -${it} /data | cut -d' ' -f1)"`),
        ...ciphers.map((it) => {
          const options = `-${it} -K ${key(it === 'aes-128-cbc' ? 16 : 32)} -iv ${key(16)} -in /data`;
          return `echo "suite: ${it} $(openssl enc ${options} | openssl dgst -r -sha256 | cut -d' ' -f1)"`;
        }),
      ].join('\n');
      const hash = (name: string, it: Uint8Array): string => createHash(name).update(it).digest('hex');
      const expected = [
        ...digests.map((it) => `suite: ${it} ${hash(it, data)}`),
        ...ciphers.map((it) => {
          const bytes = (count: number): Buffer => Buffer.from(key(count), 'hex');
          const cipher = createCipheriv(it, bytes(it === 'aes-128-cbc' ? 16 : 32), bytes(16));
          const text = Buffer.concat([cipher.update(data), cipher.final()]);
          return `suite: ${it} ${hash('sha256', text)}`;
        }),
      ];
      const files = await programWithLibraries('openssl');
      const ours = await linesOf('built-in', script, [...files, { path: 'data', mode: PROGRAM, data }]);
      expect(ours).toEqual(expected);
    },
    MILLISECONDS,
  );

  it(
    'stress-ng --verify: every result is right',
    async () => {
      // By operations: in a time, on processors of 1 GHz, some would do none at all beside others. A round of all ways of
      // `cpu`, `matrix`, `str` and `vm` is less than a hundred.
      const classes = {
        ...{ cpu: 400, matrix: 400, qsort: 4, str: 5000, vecmath: 100 },
        ...{ atomic: 600, mutex: 40_000, vm: 5000 },
      };
      const commands = Object.entries(classes).map(([name, operations]) => {
        const options = [
          `--${name} 2`,
          `--${name}-ops ${operations}`,
          ...(name === 'vm' ? ['--vm-bytes 8M'] : []),
        ];
        return `stress-ng ${options.join(' ')} --verify --metrics-brief >out 2>&1
          echo "suite: ${name} status $?"
          while read -r line; do echo "suite: $line"; done <out`;
      });
      const ours = await linesOf(
        'built-in',
        ['mkdir -p /sys', 'mount -t sysfs sys /sys', ...commands].join('\n'),
        await programWithLibraries('stress-ng'),
      );
      const all = ours.join('\n');
      for (const [name, operations] of Object.entries(classes)) {
        expect(all).toContain(`suite: ${name} status 0\n`);
        const done = new RegExp(`metrc: \\[\\d+\\] ${name} +(\\d+) `).exec(all)?.[1];
        expect(Number(done), all).toBeGreaterThanOrEqual(operations);
      }
      expect(all).not.toMatch(/fail:|error:/);
    },
    MILLISECONDS,
  );
});
