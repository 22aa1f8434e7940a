/** The block with diagnostics: what it says of each step and each failure, and that what it starts is as with the plain block. */
import { beforeAll, describe, expect, test } from 'vitest';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { lr, pc, r0, r1 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { MODE_HYP, MODE_MON, MODE_SVC, MODE_SYS } from '../../src/isa/program-status.js';
import { ensureTools } from '../../scripts/lib/tools.js';
import { readU32LE, writeU32LE } from '../../src/base/bytes.js';
import { buildStub, isBootBlock, KERNEL_OFFSET } from '../../src/boot/block.js';
import { buildDiagnosticBlock, buildDiagnosticStub } from '../../src/boot/diagnostics.js';
import { BLOCK_STEPS } from '../../src/boot/steps.js';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import { watchHandover } from '../../src/engine/handover-watch.js';
import { buildAtags } from '../../src/firmware/atags.js';
import { handoverOf } from '../support/handover.js';
import {
  KERNEL,
  KERNEL_AT,
  listen,
  listenInQemu,
  replaced,
  talkingBlock,
  talkingMachine,
  withoutCore3,
} from '../support/talking.js';

beforeAll(() => ensureTools(['qemu-system-arm']), 300_000);

const FIRST = 'hypberry: boot block (the letters: README, Diagnostics)';
const SECONDARIES = [1, 2, 3].map((n) => `${n} abcdefgi in HYP mode, waits for the kernel`);
const FIRST_WORD = readU32LE(KERNEL, 0).toString(16);
const LAST = `0 jkl tree at 0x08000000, kernel at 0x00008000, its first word 0x${FIRST_WORD}`;
const ALL = ['', FIRST, '0 abcdefghi in HYP mode', ...SECONDARIES, LAST, 'kernel'];

const lines = (said: string): string[] => said.split('\r\n');
/** Whether the last that was said is the kernel's. */
const isKernel = (said: string): boolean => /\r\nk[a-z]*$/.test(said);
/** UDF #0 (ARM ARM A8.8.247). */
const UDF = 0xe7f0_00f0;

/** With less patience: of 4 and 20 seconds, in microseconds, the lower 16 bits. The upper ones come by MOVT R1 (A8.8.106). */
function hasty(block: Uint8Array): Uint8Array {
  for (let at = 0; at < block.length; at += 4) {
    const word = readU32LE(block, at);
    for (const patience of [4_000_000, 20_000_000]) {
      const upper = patience >>> 16;
      const movt = (0xe340_1000 | ((upper >>> 12) << 16) | (upper & 0xfff)) >>> 0;
      if (word === movt) writeU32LE(block, at, 0xe340_1000);
    }
  }
  return block;
}

/** To a mode in Non-secure state, all masked. */
const nonSecure =
  (mode: number) =>
  (a: Assembler): void => {
    const on = a.label('on');
    a.cps(MODE_MON);
    // HCE, NS.
    a.mov(r0, 0x101);
    a.mcr(reg.SCR, r0);
    a.isb();
    a.mov(r0, 0x1c0 | mode);
    a.msr('SPSR_fsxc', r0);
    a.adr(lr, on);
    a.movs(pc, lr);
    a.at(on);
  };

describe('the block with diagnostics', () => {
  test('says each step on each core, in turn, and the kernel finds all as from the plain block', async () => {
    const { said, pi } = await listen(talkingMachine(talkingBlock()), { observe: [watchHandover] });
    expect(lines(said)).toEqual(ALL);
    const points = pi.report().handover!;
    expect(points).toHaveLength(23);
    expect(points.filter(({ ok }) => ok !== true)).toEqual([]);
  });

  test.each([1, 2, 3])('and so on a board of another make, %i', async (seed) => {
    expect(lines((await listen(talkingMachine(talkingBlock()), { seed })).said)).toEqual(ALL);
  });

  test.each([
    ['a thread for all cores', false],
    ['a thread for each', true],
  ])('QEMU says the same, %s', async (_, threadPerCore) => {
    const said = await listenInQemu(talkingMachine(talkingBlock()), 'kernel', threadPerCore);
    expect(lines(said)).toEqual(ALL);
  });

  test('its letters are those of the table, in its order', () => {
    const steps = Object.values(BLOCK_STEPS);
    expect(steps.map(({ letter }) => letter).join('')).toBe('abcdefghijkl');
    const others = steps.filter(({ core }) => core === 'each').map(({ letter }) => letter);
    expect(SECONDARIES[0]).toContain(` ${others.join('')} `);
  });

  test('stands in 32 KiB, where a tree from 0x100 to the page tables changes none of it', async () => {
    const block = buildDiagnosticBlock(0x100);
    expect(block).toHaveLength(KERNEL_OFFSET);
    expect(block.subarray(0x100, 0x7000).every((byte) => byte === 0)).toBe(true);
    expect(isBootBlock(block)).toBe(true);
    // Tag, constants and the firmware's words, at their places.
    expect(block.subarray(0xb8, 0x100)).toEqual(buildStub({ tree: 0x100 }).subarray(0xb8));
    const tree = new Uint8Array(0x3f00).fill(0xee);
    tree.set([0xd0, 0x0d, 0xfe, 0xed]);
    block.set(tree, 0x100);
    const { said } = await listen(talkingMachine(block));
    expect(lines(said).at(-2)).toMatch(/^0 jkl tree at 0x00000100, /);
  });

  test('what the kernel overwrites below 0x8000, other cores do not need when it runs', async () => {
    const { said, pi } = await listen(talkingMachine(talkingBlock()), {
      onByte: ({ cpu }, said) => {
        if (isKernel(said)) cpu.memory.observe(0x100, 0x7f00).fill(0xff);
      },
      observe: [watchHandover],
    });
    expect(said).toContain('kernel');
    expect(pi.report().handover!.find(({ point }) => point === 'cores')?.ok).toBe(true);
  });
});

describe('the serial port', () => {
  const uartOf = ({ board }: BuiltInPi) => ({ ...board.uart.state });

  test.each([
    // UARTCLK / (16 × 115200), in 64ths (DDI 0183 3.3.6).
    [48_000_000, 26, 3],
    [3_000_000, 1, 40],
  ])('is set to 115200 baud by a clock of %i Hz', async (rate, integer, fraction) => {
    const seen = new Set<string>();
    const { said } = await listen(talkingMachine(talkingBlock()), {
      before: ({ board }) => {
        const saved = board.save();
        const firmware = Object.values(saved.parts).find((it) => 'clocks' in it) as {
          clocks: Map<number, { rate: number }>;
        };
        firmware.clocks.get(2)!.rate = rate;
        board.restore(saved);
      },
      onByte: (pi, said) => {
        const { integerDivisor, fractionalDivisor, lineControl, control } = uartOf(pi);
        if (!isKernel(said)) seen.add([integerDivisor, fractionalDivisor, lineControl, control].join());
      },
    });
    expect(lines(said)).toEqual(ALL);
    // WLEN 8 and FEN; UARTEN, TXE and RXE.
    expect([...seen]).toEqual([[integer, fraction, 0x70, 0x301].join()]);
  });

  test('is put back as the firmware left it: 9600 baud, or the pins at the mini UART', async () => {
    const found = {
      integerDivisor: 312,
      fractionalDivisor: 32,
      lineControl: 0x60,
      control: 0x101,
      mask: 0x10,
    };
    const [ALT5, PINS] = [2, [14, 15]];
    const { said, pi } = await listen(talkingMachine(talkingBlock()), {
      before: ({ board }) => {
        Object.assign(board.uart.state, found);
        for (const pin of PINS) board.gpio.state.functions[pin] = ALT5;
      },
      onByte: ({ board }, said) => {
        expect(PINS.map((pin) => board.gpio.state.functions[pin])).toEqual(
          isKernel(said) ? [ALT5, ALT5] : [4, 4],
        );
      },
    });
    expect(lines(said)).toEqual(ALL);
    expect(uartOf(pi)).toMatchObject(found);
  });

  test('that takes nothing, as its clock is off, does not keep the kernel from starting', async () => {
    const { said, pi } = await listen(talkingMachine(talkingBlock()), {
      ms: 1000,
      before: ({ board }) => {
        // TXFF and BUSY.
        const { uart } = board;
        const read = uart.read.bind(uart);
        uart.read = (offset) => (offset === 0x18 ? 0x28 : read(offset));
      },
      observe: [watchHandover],
    });
    expect(said).toBe('kernel');
    expect(pi.report().handover!.filter(({ ok }) => ok !== true)).toEqual([]);
  });
});

describe('a failure is said', () => {
  const firstOf = (said: string): string[] => lines(said).slice(2, 6);
  const onAll = (words: string): string[] => [0, 1, 2, 3].map((n) => `${n} ${words}`);

  test.each([
    ['HYP mode already', nonSecure(MODE_HYP), 'a <-- in HYP mode already'],
    ['Non-secure SVC mode', nonSecure(MODE_SVC), 'ab <-- not in Secure state'],
    [
      'another mode',
      (a: Assembler) => {
        a.cps(MODE_SYS);
      },
      'a <-- not in SVC mode, CPSR 0x000001df',
    ],
  ])('%s', async (_, before, words) => {
    const { said } = await listen(talkingMachine(talkingBlock(before)));
    expect(firstOf(said)).toEqual(onAll(words));
    expect(said).not.toContain('kernel at');
  });

  test('the block is no stub but a kernel, at 0x8000, as where kernel_old was passed over', async () => {
    const toKernel = assembler(0);
    const at = toKernel.label('kernel');
    toKernel.ldr(pc, at);
    toKernel.at(at);
    toKernel.word(KERNEL_AT);
    const { said } = await listen(handoverOf([0, toKernel.assemble()], [KERNEL_AT, talkingBlock()]));
    expect(firstOf(said)).toEqual(onAll('a <-- not at address 0'));
  });

  test.each([
    ['neither a tree nor ATAGS', new Uint8Array(16), 'j <-- neither a device tree nor ATAGS'],
    [
      'ATAGS',
      buildAtags({ commandLine: '', memory: 1 << 29, revision: 0, serial: 0, initramfs: undefined }),
      '',
    ],
  ])('%s', async (_, tree, words) => {
    const { said } = await listen(talkingMachine(talkingBlock(), tree));
    const last = lines(said).slice(6);
    expect(last).toEqual(
      words === '' ? [LAST, 'kernel'] : [`0 ${words}`, LAST.replace('jkl', 'l'), 'kernel'],
    );
  });

  test('a counter that stands still', async () => {
    const block = talkingBlock();
    // The prescaler's constant.
    writeU32LE(block, 0xe8, 0);
    const { said } = await listen(talkingMachine(block));
    expect(lines(said).slice(6, 8)).toEqual(['0  <-- the counter stands still', LAST.replace('jkl', 'kl')]);
  });

  test('an exception, before HYP mode', async () => {
    // MCR NSACR, R2 (ARM ARM B4.1).
    const { block, at } = replaced(talkingBlock(), 0xee01_2f51, UDF);
    const { said } = await listen(talkingMachine(block));
    const words = (core: number): string =>
      `${core} abcde <-- exception: Undefined Instruction, core ${core}, pc 0x0000${at.toString(16)}, SPSR 0x`;
    for (const core of [0, 1, 2, 3]) {
      const line = firstOf(said)[core]!;
      expect(line.startsWith(words(core)), line).toBe(true);
      // Monitor mode, all masked.
      expect(parseInt(line.slice(-8), 16) & 0x1ff).toBe(0x1d6);
    }
  });

  test('an exception in HYP mode, with its reason', async () => {
    const block = talkingBlock();
    // The kernel, where there is nothing.
    writeU32LE(block, 0xfc, 0x5000_0000);
    const { said } = await listen(talkingMachine(block));
    const words = /^ <-- exception: Prefetch Abort, core 0, pc 0x50000000, SPSR 0x(\w{8}), HSR 0x(\w{8})$/;
    const [, spsr, hsr] = words.exec(lines(said)[7]!)!;
    expect(parseInt(spsr!, 16) & 0x1ff).toBe(0x1da);
    // EC: a Prefetch Abort from HYP mode itself; IFSC: a synchronous external one (ARM ARM B3.13.6).
    expect(parseInt(hsr!, 16) >>> 26).toBe(0b100001);
    expect(parseInt(hsr!, 16) & 0x3f).toBe(0b010000);
  });

  test('one core fails: the others go on, and so does the kernel', async () => {
    const only2 = (a: Assembler): void => {
      const others = a.label('others');
      a.mrc(reg.MPIDR, r1);
      a.and(r1, r1, 3);
      a.cmp(r1, 2);
      a.bne(others);
      nonSecure(MODE_SVC)(a);
      a.at(others);
    };
    const { said } = await listen(talkingMachine(talkingBlock(only2)));
    expect(lines(said)).toEqual(
      ALL.map((line) => (line.startsWith('2 ') ? '2 ab <-- not in Secure state' : line)),
    );
  });

  test('a core that does not come', async () => {
    const { said } = await listen(talkingMachine(hasty(talkingBlock(withoutCore3))));
    expect(lines(said)).toEqual(ALL.map((line) => (line.startsWith('3 ') ? '3 does not come' : line)));
  });

  test('core 0 does not come', async () => {
    const { said } = await listen(
      talkingMachine(
        hasty(
          talkingBlock((a) => {
            const [others, sleep] = [a.label('others'), a.label('sleep')];
            a.mrc(reg.MPIDR, r1);
            a.tst(r1, 3);
            a.bne(others);
            a.at(sleep);
            a.wfi();
            a.b(sleep);
            a.at(others);
          }),
        ),
      ),
    );
    expect(lines(said)).toEqual(['', 'core 0 is silent', SECONDARIES[0], SECONDARIES[1], SECONDARIES[2], '']);
  });
});

test('the stub and what stands in front of a kernel are one', () => {
  expect(buildDiagnosticBlock(0x100).subarray(0, 0x7f00)).toEqual(buildDiagnosticStub());
});
