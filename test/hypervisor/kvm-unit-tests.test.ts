/** kvm-unit-tests for 32-bit Arm as guests: what passes on QEMU's machine "virt" passes here, and takes not much longer. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { kvmUnitTests } from '../../scripts/lib/kvm-unit-tests.js';
import { useTools } from '../../scripts/lib/tools.js';
import { assembler } from '../../src/isa/assembler.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { guestTree } from '../../src/guest/guest-tree.js';
import type { HypervisorImage } from '../../src/hypervisor/image/image.js';
import { qemuEngine } from '../../src/node/qemu.js';
import {
  consoleText,
  guest,
  GUEST_KERNEL,
  GUEST_RAM,
  handoverOf,
  interruptedHost,
  quietHost,
  smallImage,
} from './payloads.js';

const everything = process.env['HYPBERRY_KERNELS'] === 'all';

/** Where the programs are linked for. */
const PROGRAM = 0x4001_0000;
const MEMORY = 0x200_0000;
const TREE = 0x180_0000;
const MIB = 0x10_0000;
/** What a program says at its end. */
const END = /EXIT: STATUS=\d+/;
/** Virtual milliseconds after which the longest has come to its end. */
const LONGEST_MS = 30_000;
const NS_PER_MS = 1_000_000;
/** Times the processor time of virt, beyond that of the shortest program here: it is the host's start. */
const MOST_TIMES = 3;

/** Programs with their arguments, and the cores of the guest. */
const programs: readonly (readonly [string, string, readonly number[]])[] = [
  ['selftest', `setup smp=2 mem=${MEMORY / MIB}`, [2, 3]],
  ['selftest', 'vectors-kernel', [3]],
  ['selftest', 'vectors-user', [3]],
  ['selftest', 'smp', [1, 2, 3]],
  ['gic', 'ipi', [2, 3]],
  ['gic', 'mmio', [2, 3]],
  ['gic', 'mmio', [3]],
  ['gic', 'active', [2, 3]],
  ['psci', '', [2, 3]],
  ['spinlock-test', '', [2, 3]],
];

function imageOf(
  host: Uint8Array,
  flat: Uint8Array,
  args: string,
  cores: readonly number[],
): HypervisorImage {
  const start = assembler(GUEST_RAM + GUEST_KERNEL);
  const program = start.label('program');
  start.b(program);
  start.org(PROGRAM);
  start.at(program);
  const kernel = new Uint8Array(PROGRAM - GUEST_RAM - GUEST_KERNEL + flat.length);
  kernel.set(start.assemble());
  kernel.set(flat, kernel.length - flat.length);
  const tree = guestTree({ memory: MEMORY, cores: cores.length, commandLine: args });
  return smallImage(host, [
    guest(kernel, { memory: MEMORY, cores: [...cores], tree: { data: tree, offset: TREE } }),
  ]);
}

/** Seconds of processor time that this process took for something. */
async function timed<T>(what: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const before = process.cpuUsage();
  const result = await what();
  const { user, system } = process.cpuUsage(before);
  return { result, seconds: (user + system) / 1e6 };
}

async function builtIn(image: HypervisorImage): Promise<string> {
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  const said = (): string => consoleText(image, pi.cpu.memory.observe(), 0);
  for (let ms = 10; ms < LONGEST_MS && !END.test(said()); ms += 10) {
    pi.run(ms * NS_PER_MS);
    await Promise.resolve();
  }
  return said();
}

async function inQemu(image: HypervisorImage): Promise<string> {
  let said = '';
  const stop = new AbortController();
  const timer = setTimeout(() => {
    stop.abort();
  }, 120_000);
  const hear = (bytes: Uint8Array): void => {
    said += new TextDecoder().decode(bytes);
    if (END.test(said)) stop.abort();
  };
  await qemuEngine().run(handoverOf(image), hear, stop.signal);
  clearTimeout(timer);
  return said;
}

/** The same on virt, with the processor time that the shell says of it. */
async function onVirt(flat: string, args: string, cpus: number): Promise<{ said: string; seconds: number }> {
  const qemu = ['qemu-system-arm', '-M', 'virt', '-cpu', 'cortex-a15', '-m', `${MEMORY / MIB}`];
  const options = ['-smp', `${cpus}`, '-nodefaults', '-display', 'none', '-serial', 'stdio'];
  const child = spawn(
    'bash',
    ['-c', '"$@" < /dev/null; times', 'bash', ...qemu, ...options, '-kernel', flat, '-append', args],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const times = said.trim().split('\n').at(-1)!;
  const seconds = [...times.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, m, s]) => sum + 60 * Number(m) + Number(s),
    0,
  );
  return { said, seconds };
}

const linesOf = (said: string, word: string): string[] =>
  said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith(word))
    // What was counted or measured is another time another.
    .map((line) => line.replace(/\d+/g, 'n'));

describe.runIf(everything)('kvm-unit-tests', { timeout: 600_000 }, () => {
  let folder = '';
  let start = 0;
  const read = async (name: string): Promise<Uint8Array> => readFile(join(folder, `${name}.flat`));

  beforeAll(async () => {
    useTools();
    folder = await kvmUnitTests();
    const image = imageOf(quietHost, await read('selftest'), 'vectors-kernel', [3]);
    ({ seconds: start } = await timed(() => builtIn(image)));
  }, 1_800_000);

  test.each(programs)('%s %s on cores %j', async (name, args, cores) => {
    const flat = await read(name);
    const virt = await onVirt(join(folder, `${name}.flat`), args, cores.length);
    const image = imageOf(quietHost, flat, args, cores);
    const { result: said, seconds } = await timed(() => builtIn(image));
    // Asleep between bytes: QEMU's one thread gives a host that polls a turn of 100 ms for each of them.
    const listened = await inQemu(imageOf(interruptedHost(1), flat, args, cores));
    const times = (all: number): string => `${all.toFixed(2)} s`;
    console.log(`${name} ${args}: virt ${times(virt.seconds)}, built-in ${times(seconds)}`);
    const passed = linesOf(virt.said, 'PASS');
    expect(passed).not.toEqual([]);
    for (const it of [said, listened]) {
      expect(it).toMatch(END);
      expect(linesOf(it, 'PASS')).toEqual(expect.arrayContaining(passed));
      expect(linesOf(it, 'FAIL').filter((line) => !linesOf(virt.said, 'FAIL').includes(line))).toEqual([]);
    }
    expect(seconds).toBeLessThan(start + MOST_TIMES * virt.seconds);
  });
});
