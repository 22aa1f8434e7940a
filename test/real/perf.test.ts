/** Debian's perf in a Linux on the built-in Pi 2: counts of a program whose counts are known, and where it was. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { bootFiles } from '../../scripts/lib/card-image.js';
import { busyboxArchive, PROGRAM, treeOf } from '../../scripts/lib/initramfs.js';
import { debianProgram, inputs } from '../../scripts/lib/inputs.js';
import { assembler } from '../../src/isa/assembler.js';
import { r0, r1, r2, r7 } from '../../src/isa/registers.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { memoryCard } from '../support/memory-card.js';
import { staticElf } from '../support/static-elf.js';
import { runToEnd } from './debian-machine.js';
import { everything, quick } from './real-card.js';

const SECONDS = 1800;
const LOAD = 0x10000;
const DATA = LOAD + 0x800;
const ROUNDS = 1_000_000;
/** Cycles between two samples. */
const PERIOD = 100_003;

/** A program of three instructions, rounds of five with a load and a store, and three to its end. */
function program(): Uint8Array {
  const a = assembler(LOAD);
  const again = a.label('again');
  a.movw(r1, DATA & 0xffff);
  a.movt(r1, DATA >>> 16);
  a.movw(r0, ROUNDS & 0xffff);
  a.movt(r0, ROUNDS >>> 16);
  a.at(again);
  a.ldr(r2, [r1]);
  a.add(r2, r2, 1);
  a.str(r2, [r1]);
  a.subs(r0, r0, 1);
  a.bne(again);
  a.mov(r7, 1);
  a.svc(0);
  a.org(DATA);
  a.word(0);
  return a.assemble();
}

/** Only what perf needs at run time. */
const LIBRARIES = [
  ...['ld-linux-armhf', 'libaudit', 'libbabeltrace', 'libbabeltrace-ctf', 'libbz2', 'libc', 'libcap-ng'],
  ...['libcap', 'libcrypt', 'libdw', 'libelf', 'libexpat', 'libgcc_s', 'libglib-2', 'liblzma', 'libm'],
  ...['libnuma', 'libopencsd', 'libopencsd_c_api', 'libpcre2-8', 'libperl', 'libpython3', 'libslang'],
  ...['libstdc\\+\\+', 'libunwind', 'libunwind-arm', 'libuuid', 'libz', 'libzstd'],
];
const RUNS = new RegExp(
  String.raw`^(lib|usr|usr/(lib|bin)|usr/bin/perf|(usr/)?lib/(ld-linux[^/]*|arm-linux-gnueabihf(/(${LIBRARIES.join('|')})[.-][^/]*)?))$`,
);

/** What counts, with how often the program does it. */
const COUNTED: Readonly<Record<string, number>> = {
  'instructions:u': 4 + 5 * ROUNDS + 2,
  'branches:u': ROUNDS - 1,
  'r06:u': ROUNDS,
  'r07:u': ROUNDS,
};

it.runIf(everything)(
  'perf stat counts what a program does, perf record finds it where it is',
  async () => {
    const found = await inputs();
    const root = await debianProgram('linux-perf');
    const events = [...Object.keys(COUNTED), 'cycles:u'].join(',');
    const script = [
      'mount -t sysfs sys /sys',
      'mkdir -p /tmp',
      `perf stat -x, -e ${events} /counts`,
      'perf stat -x, -e instructions,cycles,page-faults /counts',
      `perf record -q -e cycles -c ${PERIOD} -o /tmp/data /counts`,
      'perf report -q --stdio -i /tmp/data --sort comm,dso',
      'perf script -i /tmp/data -F ip | sort | uniq -c',
      'echo perf has ended',
    ];
    const initramfs = busyboxArchive(
      await readFile(found.busybox),
      script.join('\n'),
      ['mkdir', 'sort', 'uniq'],
      [
        ...(await treeOf(root, (path) => RUNS.test(path))).filter(({ path }) => path !== 'bin'),
        { path: 'counts', mode: PROGRAM, data: staticElf(program(), LOAD) },
      ],
    );
    const files = await bootFiles(await quick(found.bookworm), found.firmware, {
      config: 'auto_initramfs=1\n',
      commandLine: 'console=ttyAMA0,115200 quiet',
      more: new Map([['initramfs7', initramfs]]),
    });
    const machine = await prepareHandover(memoryCard(Object.fromEntries(files)));
    const { said } = await runToEnd('built-in', machine, SECONDS, /^perf has ended$/m);
    for (const [event, expected] of Object.entries(COUNTED)) {
      const counted = new RegExp(`^(\\d+),,${event},`, 'm').exec(said);
      expect([event, Number(counted?.[1]), said]).toEqual([event, expected, said]);
    }
    // One more cycle than instructions in User mode: a page that was not there yet.
    const inUser = Number(/^(\d+),,cycles:u,/m.exec(said)?.[1]);
    expect(inUser - COUNTED['instructions:u']!).toBeGreaterThanOrEqual(0);
    expect(inUser - COUNTED['instructions:u']!).toBeLessThan(10);
    const [instructions, cycles] = ['instructions', 'cycles'].map((it) =>
      Number(new RegExp(`^(\\d+),,${it},`, 'm').exec(said)?.[1]),
    ) as [number, number];
    // The kernel's part is there, and small; each instruction takes a cycle.
    expect(instructions).toBeGreaterThan(inUser);
    expect(instructions).toBeLessThan(1.1 * inUser);
    expect(Math.abs(cycles - instructions)).toBeLessThan(100);
    // A sample each 100003 cycles, nearly all of them in the loop.
    expect(said).toMatch(/^\W.* (100\.00|9\d\.\d\d)%\S* +counts +counts *$/m);
    const samples = [...said.matchAll(/^ +(\d+) +([0-9a-f]+)$/gm)].map(([, n, ip]) => [
      Number(n),
      parseInt(ip!, 16),
    ]);
    const inLoop = samples.filter(([, ip]) => ip! >= LOAD + 4 * 4 && ip! < LOAD + 4 * 9);
    const sum = (of: typeof samples): number => of.reduce((all, [n]) => all + n!, 0);
    expect(Math.abs(sum(samples) - cycles / PERIOD)).toBeLessThan(3);
    expect(sum(inLoop) / sum(samples)).toBeGreaterThan(0.9);
  },
  (SECONDS + 300) * 1000,
);
