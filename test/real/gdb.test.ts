/** Debian's gdb in a Linux on the built-in Pi 2: `hbreak` and `watch`, by the processor's breakpoints and watchpoints. */
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
const EXIT = 42;

/** A program that counts in memory to three, and ends with a status; and where it stores what it counted to. */
function program(): { image: Uint8Array; loop: number } {
  const a = assembler(LOAD);
  const again = a.label('again');
  a.movw(r1, DATA & 0xffff);
  a.movt(r1, DATA >>> 16);
  a.mov(r0, 0);
  a.at(again);
  const loop = a.here;
  a.add(r0, r0, 1);
  a.str(r0, [r1]);
  a.ldr(r2, [r1]);
  a.cmp(r0, 3);
  a.bne(again);
  a.mov(r0, EXIT);
  a.mov(r7, 1);
  a.svc(0);
  a.org(DATA);
  a.word(0);
  return { image: a.assemble(), loop };
}

/** Only what a program needs at run time. */
const RUNS =
  /^(lib|usr|usr\/(lib|bin)|(usr\/)?lib\/(ld-[^/]*|arm-linux-gnueabihf)(\/[^/]*\.so[^/]*)?|usr\/bin\/gdb)$/;

it.runIf(everything)(
  'gdb stops at hbreak and at watch, each time with the right values',
  async () => {
    const found = await inputs();
    const { image, loop } = program();
    const hex = (value: number): string => `0x${value.toString(16)}`;
    const commands = [
      'set width 0',
      'starti',
      `hbreak *${hex(loop)}`,
      'continue',
      'info registers pc',
      'delete',
      `watch *(int *)${hex(DATA)}`,
      ...['continue', 'continue'],
      'delete',
      `rwatch *(int *)${hex(DATA)}`,
      'continue',
      'delete',
      'continue',
    ];
    const root = await debianProgram('gdb-minimal');
    const initramfs = busyboxArchive(
      await readFile(found.busybox),
      'gdb -nx -batch -x /commands /counts; echo gdb has ended',
      [],
      [
        ...(await treeOf(root, (path) => RUNS.test(path))).filter(({ path }) => path !== 'bin'),
        { path: 'counts', mode: PROGRAM, data: staticElf(image, LOAD) },
        { path: 'commands', mode: PROGRAM, data: Buffer.from(`${commands.join('\n')}\n`) },
      ],
    );
    const files = await bootFiles(await quick(found.bookworm), found.firmware, {
      config: 'auto_initramfs=1\n',
      commandLine: 'console=ttyAMA0,115200 quiet',
      more: new Map([['initramfs7', initramfs]]),
    });
    const machine = await prepareHandover(memoryCard(Object.fromEntries(files)));
    const { said } = await runToEnd('built-in', machine, SECONDS, /^gdb has ended$/m);
    const address = hex(DATA);
    const place = loop.toString(16).padStart(8, '0');
    const lines = said.split('\n').filter((line) => line.trim() !== '');
    const after = (line: RegExp, count: number): string[] => {
      const at = lines.findIndex((it) => line.test(it));
      expect(at, `${String(line)} in\n${said}`).toBeGreaterThanOrEqual(0);
      return lines.slice(at, at + count).map((it) => it.replace(/\s+/g, ' ').trim());
    };
    expect(after(/^Hardware assisted breakpoint 1/, 4)).toEqual([
      `Hardware assisted breakpoint 1 at ${hex(loop)}`,
      expect.stringMatching(`^Breakpoint 1, 0x${place} in `),
      expect.stringMatching(`^pc ${hex(loop)} `),
      `Hardware watchpoint 2: *(int *)${address}`,
    ]);
    expect(lines.filter((it) => /^(Old|New) value/.test(it))).toEqual([
      ...['Old value = 0', 'New value = 1'],
      ...['Old value = 1', 'New value = 2'],
    ]);
    expect(after(/^Value = /, 1)).toEqual(['Value = 2']);
    expect(said).toContain(`Hardware read watchpoint 3: *(int *)${address}`);
    expect(said).toMatch(/\[Inferior 1 \(process \d+\) exited with code 052\]/);
  },
  (SECONDS + 300) * 1000,
);
