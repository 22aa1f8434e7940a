import { describe, expect, test } from 'vitest';
import { RAM_SIZE, testBoard } from './rig.js';

// BCM2835 ARM Peripherals, section 4.2.
const channel = (n: number): number => 0x3f00_7000 + 0x100 * n;
const CS = 0x00;
const CONBLK_AD = 0x04;
const DEBUG = 0x20;
const ACTIVE = 1;
const END = 2;
const INT = 4;
const INTEN = 1;
const TDMODE = 2;
const DEST_INC = 0x10;
const SRC_INC = 0x100;
const SRC_IGNORE = 0x800;
const UNCACHED = 0xc000_0000;

const BLOCK = 0x1000;
const SOURCE = 0x2_0000;
const DESTINATION = 0x4_0000;

function rigWithPattern() {
  const rig = testBoard();
  for (let i = 0; i < 0x2_0000; i++) rig.ram[SOURCE + i] = (i * 7 + (i >> 8)) & 0xff;
  const start = (n: number, block: number): void => {
    rig.write(channel(n) + CONBLK_AD, UNCACHED + block);
    rig.write(channel(n) + CS, ACTIVE);
  };
  return { ...rig, start };
}

const control = (
  information: number,
  source: number,
  destination: number,
  length: number,
  stride = 0,
  next = 0,
) => [information, source, destination, length, stride, next, 0, 0] as const;

describe('DMA', () => {
  test('copies memory, takes its time, and interrupts at the end', () => {
    const rig = rigWithPattern();
    rig.write(0x3f00_b210, 1 << 18); // enable the interrupt of channel 2
    rig.setWords(
      BLOCK,
      ...control(INTEN | SRC_INC | DEST_INC, UNCACHED + SOURCE, UNCACHED + DESTINATION, 10_001),
    );
    rig.start(2, BLOCK);
    expect(rig.read(channel(2) + CS) & ACTIVE).toBe(ACTIVE);
    expect(rig.ram[DESTINATION + 1]).toBe(0);
    rig.time.advance(20_000);
    expect(rig.ram.subarray(DESTINATION, DESTINATION + 10_001)).toEqual(
      rig.ram.subarray(SOURCE, SOURCE + 10_001),
    );
    expect(rig.ram[DESTINATION + 10_001]).toBe(0);
    expect(rig.read(channel(2) + CS) & (ACTIVE | END | INT)).toBe(END | INT);
    expect(rig.read(channel(2) + CONBLK_AD)).toBe(0);
    expect(rig.read(0x3f00_7fe0)).toBe(1 << 2);
    expect(rig.told.irq[0]).toBe(true);
    rig.write(channel(2) + CS, INT | END | ACTIVE);
    expect(rig.read(channel(2) + CS) & (ACTIVE | END | INT)).toBe(0);
    expect(rig.told.irq[0]).toBe(false);
    expect(rig.told.written).toContainEqual([DESTINATION, 10_001]);
  });

  test('follows a chain of control blocks', () => {
    const rig = rigWithPattern();
    rig.setWords(BLOCK, ...control(SRC_INC | DEST_INC, SOURCE, DESTINATION, 16, 0, BLOCK + 0x40));
    rig.setWords(BLOCK + 0x40, ...control(SRC_INC | DEST_INC, SOURCE + 100, DESTINATION + 16, 16));
    rig.start(0, BLOCK);
    rig.time.advance(10_000);
    expect([...rig.ram.subarray(DESTINATION, DESTINATION + 32)]).toEqual([
      ...rig.ram.subarray(SOURCE, SOURCE + 16),
      ...rig.ram.subarray(SOURCE + 100, SOURCE + 116),
    ]);
  });

  test('copies rectangles: YLENGTH is the rows after the first, strides are signed', () => {
    const rig = rigWithPattern();
    const rows = 3;
    const width = 8;
    const stride = (((100 - width) << 16) | ((-2 * width) & 0xffff)) >>> 0;
    rig.setWords(
      BLOCK,
      ...control(TDMODE | SRC_INC | DEST_INC, SOURCE + 64, DESTINATION, ((rows - 1) << 16) | width, stride),
    );
    rig.start(1, BLOCK);
    rig.time.advance(10_000);
    for (let row = 0; row < rows; row++) {
      const from = SOURCE + 64 - row * width;
      const to = DESTINATION + row * 100;
      expect(rig.ram.subarray(to, to + width)).toEqual(rig.ram.subarray(from, from + width));
    }
    expect(rig.ram[DESTINATION + rows * 100]).toBe(0);
  });

  test('fills from one word, and with zeros when the source is ignored', () => {
    const rig = rigWithPattern();
    rig.setWords(SOURCE, 0xdead_beef);
    rig.setWords(BLOCK, ...control(DEST_INC, SOURCE, DESTINATION, 64));
    rig.start(0, BLOCK);
    rig.time.advance(10_000);
    expect(rig.word(DESTINATION + 60)).toBe(0xdead_beef);
    rig.setWords(BLOCK, ...control(DEST_INC | SRC_IGNORE, SOURCE, DESTINATION + 4, 8));
    rig.start(0, BLOCK);
    rig.time.advance(10_000);
    expect([0, 4, 8, 12].map((at) => rig.word(DESTINATION + at))).toEqual([0xdead_beef, 0, 0, 0xdead_beef]);
  });

  test('reaches peripherals at their bus addresses', () => {
    const rig = rigWithPattern();
    rig.setWords(SOURCE, 0x48, 0x69);
    rig.setWords(BLOCK, ...control(SRC_INC, UNCACHED + SOURCE, 0x7e20_1000, 8));
    rig.start(5, BLOCK);
    rig.time.advance(10_000);
    expect(rig.told.console).toBe('Hi');
  });

  test('overlapping forward copies repeat the pattern, as words copied in order do', () => {
    const rig = rigWithPattern();
    rig.setWords(DESTINATION, 1, 0, 0, 0);
    rig.setWords(BLOCK, ...control(SRC_INC | DEST_INC, DESTINATION, DESTINATION + 4, 12));
    rig.start(0, BLOCK);
    rig.time.advance(10_000);
    expect([4, 8, 12].map((at) => rig.word(DESTINATION + at))).toEqual([1, 1, 1]);
  });

  test('a control block outside RAM is a read error and stops the channel', () => {
    const rig = rigWithPattern();
    rig.start(0, RAM_SIZE);
    rig.time.advance(10_000);
    expect(rig.read(channel(0) + CS) & (ACTIVE | 0x100)).toBe(0x100);
    expect(rig.read(channel(0) + DEBUG) & 4).toBe(4);
    rig.write(channel(0) + DEBUG, 7);
    expect(rig.read(channel(0) + CS) & 0x100).toBe(0);
  });

  test('a disabled channel waits until it is enabled', () => {
    const rig = rigWithPattern();
    rig.write(0x3f00_7ff0, 0);
    rig.setWords(BLOCK, ...control(SRC_INC | DEST_INC, SOURCE, DESTINATION, 16));
    rig.start(0, BLOCK);
    rig.time.advance(10_000);
    expect(rig.ram[DESTINATION + 1]).toBe(0);
    rig.write(0x3f00_7ff0, 1);
    rig.time.advance(10_000);
    expect(rig.ram[DESTINATION + 1]).toBe(rig.ram[SOURCE + 1]);
  });

  test('reset and abort stop what is under way', () => {
    const rig = rigWithPattern();
    rig.setWords(BLOCK, ...control(SRC_INC | DEST_INC, SOURCE, DESTINATION, 0x2_0000));
    rig.start(0, BLOCK);
    rig.write(channel(0) + CS, 0x8000_0000);
    rig.time.advance(1_000_000);
    expect([rig.ram[DESTINATION + 1], rig.read(channel(0) + CONBLK_AD)]).toEqual([0, 0]);
  });

  test('a chain that bites its tail neither stops the board nor floods it', () => {
    const rig = rigWithPattern();
    rig.setWords(BLOCK, ...control(INTEN | SRC_INC | DEST_INC, SOURCE, DESTINATION, 4, 0, BLOCK));
    for (let n = 0; n < 15; n++) rig.start(n, BLOCK);
    const before = process.cpuUsage().user;
    rig.time.advance(200_000);
    expect(process.cpuUsage().user - before).toBeLessThan(5_000_000);
    expect(rig.read(channel(3) + CS) & (ACTIVE | INT)).toBe(ACTIVE | INT);
    rig.write(channel(3) + CS, 0x8000_0000);
    expect(rig.read(channel(3) + CS) & ACTIVE).toBe(0);
  });

  test('channels 11 to 14 share a line', () => {
    const rig = rigWithPattern();
    rig.write(0x3f00_b210, 1 << 27);
    rig.setWords(BLOCK, ...control(INTEN | SRC_INC | DEST_INC, SOURCE, DESTINATION, 4));
    rig.start(11, BLOCK);
    rig.start(13, BLOCK);
    rig.time.advance(10_000);
    expect(rig.told.irq[0]).toBe(true);
    rig.write(channel(11) + CS, INT);
    expect(rig.told.irq[0]).toBe(true);
    rig.write(channel(13) + CS, INT);
    expect(rig.told.irq[0]).toBe(false);
  });
});
