import { describe, expect, test } from 'vitest';
import { ARM_MEMORY, RAM_SIZE, testBoard } from './rig.js';

// Addresses and bits as Linux' bcm2835-mailbox driver and the Raspberry Pi documentation give them.
const READ = 0x3f00_b880;
const PEEK = 0x3f00_b890;
const STATUS = 0x3f00_b898;
const CONFIG = 0x3f00_b89c;
const WRITE = 0x3f00_b8a0;
const FULL = 0x8000_0000;
const EMPTY = 0x4000_0000;
const SUCCESS = 0x8000_0000;
const ERROR = 0x8000_0001;

const BUFFER = 0x1000;

/** Sends a property buffer through the uncached alias, and takes the answer. */
function property(rig: ReturnType<typeof testBoard>, tags: number[]): { status: number; words: number[] } {
  rig.setWords(BUFFER, 12 + 4 * tags.length, 0, ...tags, 0);
  rig.write(WRITE, 0xc000_0000 + BUFFER + 8);
  expect(rig.read(READ)).toBe(0xc000_0000 + BUFFER + 8);
  return { status: rig.word(BUFFER + 4), words: tags.map((_, i) => rig.word(BUFFER + 8 + 4 * i)) };
}

/** One tag's answer: its third word and its value. */
function ask(tag: number, ...value: number[]): number[] {
  const { status, words } = property(testBoard(), [tag, value.length * 4, 0, ...value]);
  expect(status).toBe(SUCCESS);
  return words.slice(2);
}

describe('mailboxes', () => {
  test('an answer waits in mailbox 0 with its channel, and interrupts only if that is enabled', () => {
    const rig = testBoard();
    expect(rig.read(STATUS)).toBe(EMPTY);
    rig.write(0x3f00_b218, 1 << 1); // enable the ARM's mailbox interrupt
    rig.write(WRITE, BUFFER | 8);
    expect(rig.read(STATUS)).toBe(1);
    expect(rig.told.irq[0]).toBe(false);
    rig.write(CONFIG, 1);
    expect(rig.told.irq[0]).toBe(true);
    expect(rig.read(0x3f00_b200)).toBe(1 << 1);
    expect(rig.read(CONFIG)).toBe(0x11);
    expect(rig.read(PEEK)).toBe(BUFFER | 8);
    expect(rig.read(READ)).toBe(BUFFER | 8);
    expect([rig.told.irq[0], rig.read(STATUS)]).toEqual([false, EMPTY]);
  });

  test('both mailboxes hold eight messages; what comes then is lost and noted', () => {
    const rig = testBoard();
    for (let i = 0; i < 16; i++) rig.write(WRITE, 0x10 * i);
    expect(rig.read(STATUS)).toBe((FULL | 8) >>> 0);
    expect(rig.read(0x3f00_b8b8)).toBe((FULL | 8) >>> 0);
    expect(rig.read(CONFIG) & 0x200).toBe(0);
    rig.write(WRITE, 0x100);
    expect(rig.read(CONFIG) & 0x200).toBe(0x200);
    const got: number[] = [];
    while (!(rig.read(STATUS) & EMPTY)) got.push(rig.read(READ));
    expect(got).toEqual(Array.from({ length: 16 }, (_, i) => 0x10 * i));
  });

  test('a channel on which nobody answers is named in the log', () => {
    const rig = testBoard();
    rig.write(WRITE, 0x15);
    expect(rig.read(STATUS)).toBe(EMPTY);
    expect(rig.told.log).toEqual(['the guest wrote to mailbox channel 5, on which nobody answers']);
  });
});

describe('property channel', () => {
  test("tells the board's facts", () => {
    expect(ask(0x0000_0001, 0)).toEqual([0x8000_0004, 0x5600_0000]);
    expect(ask(0x0001_0002, 0)).toEqual([0x8000_0004, 0xa01041]);
    expect(ask(0x0001_0004, 0, 0)).toEqual([0x8000_0008, 0x9abc_def0, 0x1234_5678]);
    expect(ask(0x0001_0005, 9, 9)).toEqual([0x8000_0008, 0, ARM_MEMORY]);
    expect(ask(0x0001_0006, 9, 9)).toEqual([0x8000_0008, ARM_MEMORY, RAM_SIZE - ARM_MEMORY]);
  });

  test("makes the MAC address of Raspberry Pi's prefix and the serial number's end, six bytes", () => {
    const [length, low, high] = ask(0x0001_0003, 0xffff_ffff, 0xffff_ffff);
    expect(length).toBe(0x8000_0006);
    expect([low, high]).toEqual([0xbceb_27b8, 0xffff_f0de]);
  });

  test('gives the command line with its end, cut to the buffer', () => {
    const rig = testBoard();
    property(rig, [0x0005_0001, 64, 0, ...new Array<number>(16).fill(0)]);
    const text = String.fromCharCode(...rig.ram.subarray(BUFFER + 20, BUFFER + 20 + 36));
    expect(text).toBe('console=ttyAMA0 root=/dev/mmcblk0p2\0');
    const { words } = property(rig, [0x0005_0001, 8, 0, 0, 0, 0x0001_0002, 4, 0, 0]);
    // The whole length is told, the next tag is untouched by it.
    expect(words[2]).toBe(0x8000_0024);
    expect(words.slice(7)).toEqual([0x8000_0004, 0xa01041]);
  });

  test('clocks: rates in their bounds, state, and what does not exist', () => {
    expect(ask(0x0003_0002, 2, 0)).toEqual([0x8000_0008, 2, 48_000_000]);
    expect(ask(0x0003_0004, 3, 0)).toEqual([0x8000_0008, 3, 900_000_000]);
    expect(ask(0x0003_0007, 3, 0)).toEqual([0x8000_0008, 3, 600_000_000]);
    expect(ask(0x0003_0002, 99, 7)).toEqual([0x8000_0008, 99, 0]);
    expect(ask(0x0003_0001, 99, 7)).toEqual([0x8000_0008, 99, 2]);
    const rig = testBoard();
    expect(property(rig, [0x0003_8002, 12, 0, 3, 2_000_000_000, 0]).words.slice(2, 5)).toEqual([
      0x8000_0008, 3, 900_000_000,
    ]);
    expect(property(rig, [0x0003_8002, 12, 0, 3, 700_000_000, 0]).words[4]).toBe(700_000_000);
    expect(property(rig, [0x0003_0002, 8, 0, 3, 0]).words[4]).toBe(700_000_000);
    expect(property(rig, [0x0003_8001, 8, 0, 2, 0]).words.slice(3)).toEqual([2, 0]);
    expect(property(rig, [0x0003_0001, 8, 0, 2, 1]).words.slice(3)).toEqual([2, 0]);
  });

  test("the SD host's clock is the core's, 250 MHz, divided by 2 to 2049; it cannot be stopped", () => {
    const rate = (asked: number): number[] => ask(0x0003_8042, asked, 0xffff_ffff, 0xffff_ffff).slice(1);
    expect(rate(400_000)).toEqual([400_000, 400_000, 400_000]);
    expect(rate(30_000_000)).toEqual([30_000_000, 27_777_777, 27_777_777]);
    expect(rate(200_000_000)).toEqual([200_000_000, 125_000_000, 125_000_000]);
    expect(rate(0)).toEqual([0, 122_010, 122_010]);
  });

  test('the list of clocks ends with what the guest left zero', () => {
    const answer = ask(0x0001_0007, ...new Array<number>(32).fill(0));
    const ids = answer.slice(1).filter((_, i) => i % 2 === 1);
    expect(ids.slice(0, 11)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0]);
  });

  test('power is granted to devices that exist; domains keep their state', () => {
    const rig = testBoard();
    expect(property(rig, [0x0002_8001, 8, 0, 3, 3]).words.slice(3)).toEqual([3, 1]);
    expect(property(rig, [0x0002_0001, 8, 0, 3, 0]).words.slice(3)).toEqual([3, 1]);
    expect(property(rig, [0x0002_8001, 8, 0, 77, 3]).words.slice(3)).toEqual([77, 2]);
    // Linux asks for the ARM's domain with all ones to see whether the call is there.
    expect(property(rig, [0x0003_0030, 8, 0, 23, 0xffff_ffff]).words[4]).not.toBe(0xffff_ffff);
    property(rig, [0x0003_8030, 8, 0, 10, 1]);
    expect(property(rig, [0x0003_0030, 8, 0, 10, 0]).words.slice(3)).toEqual([10, 1]);
  });

  test('temperature and DMA channels', () => {
    expect(ask(0x0003_0006, 0, 0)).toEqual([0x8000_0008, 0, 25_000]);
    expect(ask(0x0003_000a, 0, 0)).toEqual([0x8000_0008, 0, 85_000]);
    // brcm,dma-channel-mask of the Pi 2's device tree.
    expect(ask(0x0006_0001, 0)).toEqual([0x8000_0004, 0x7f35]);
  });

  test('a framebuffer is set up in the memory of the VideoCore', () => {
    const rig = testBoard();
    const { status, words } = property(rig, [
      ...[0x0004_8003, 8, 8, 320, 200],
      ...[0x0004_8004, 8, 8, 320, 400],
      ...[0x0004_8005, 4, 4, 32],
      ...[0x0004_8006, 4, 4, 0],
      ...[0x0004_0001, 8, 4, 16, 0],
      ...[0x0004_0008, 4, 4, 0],
    ]);
    expect(status).toBe(SUCCESS);
    const [address, size, pitch] = [words[21]!, words[22]!, words[26]!];
    expect(pitch).toBe(320 * 4);
    expect(size).toBe(pitch * 400);
    const physical = address & 0x3fff_ffff;
    expect(physical).toBeGreaterThanOrEqual(ARM_MEMORY);
    expect(physical + size).toBeLessThanOrEqual(RAM_SIZE);
  });

  test('the screen stays inside its virtual size', () => {
    const rig = testBoard();
    property(rig, [...[0x0004_8003, 8, 8, 400, 300], ...[0x0004_8004, 8, 8, 500, 350]]);
    // As QEMU answers the same calls.
    expect(property(rig, [0x0004_8009, 8, 8, 150, 20]).words.slice(3)).toEqual([100, 20]);
    expect(property(rig, [0x0004_8009, 8, 8, 50, 120]).words.slice(3)).toEqual([50, 50]);
    property(rig, [0x0004_8004, 8, 8, 200, 200]);
    expect(property(rig, [0x0004_0008, 4, 0, 0]).words[3]).toBe(800);
  });

  test('a screen larger than the memory, or absurd, gets no framebuffer', () => {
    const rig = testBoard();
    property(rig, [0x0004_8003, 8, 8, 0xffff_ffff, 0xffff_ffff]);
    expect(property(rig, [0x0004_0003, 8, 0, 0, 0]).words.slice(3)).toEqual([640, 480]);
    property(rig, [0x0004_8004, 8, 8, 4096, 4096]);
    expect(property(rig, [0x0004_0001, 8, 4, 16, 0]).words.slice(3)).toEqual([0, 0]);
  });

  test('the framebuffer channel of old kernels fills its structure', () => {
    const rig = testBoard();
    rig.setWords(BUFFER, 640, 480, 640, 480, 0, 16, 0, 0, 0, 0);
    rig.write(WRITE, 0x4000_0000 + BUFFER + 1);
    expect(rig.read(READ)).toBe(1);
    expect(rig.word(BUFFER + 16)).toBe(1280);
    expect(rig.word(BUFFER + 36)).toBe(1280 * 480);
    expect(rig.word(BUFFER + 32)).not.toBe(0);
  });

  test('an unknown tag is left as it is, the others are answered, and the whole is an error', () => {
    const rig = testBoard();
    const { status, words } = property(rig, [0x0003_0099, 4, 0, 5, 0x0001_0002, 4, 0, 0]);
    expect(status).toBe(ERROR);
    expect(words).toEqual([0x0003_0099, 4, 0, 5, 0x0001_0002, 4, 0x8000_0004, 0xa01041]);
    expect(rig.told.log).toEqual(['the guest asked for property 0x00030099, which is not known here']);
  });

  test.each([
    ['a buffer longer than any', [0x7fff_ffff, 0, 0x0001_0002, 4, 0, 0, 0]],
    ['a buffer shorter than its header', [4, 0, 0x0001_0002, 4, 0, 0, 0]],
    ['a tag longer than its buffer', [28, 0, 0x0001_0002, 0xffff_fff0, 0, 0, 0]],
  ])('%s is an error and changes nothing else', (_, words) => {
    const rig = testBoard();
    rig.setWords(BUFFER, ...words);
    rig.write(WRITE, BUFFER | 8);
    expect(rig.word(BUFFER + 4)).toBe(ERROR);
    expect(rig.word(BUFFER + 16)).toBe(0);
    expect(rig.word(BUFFER + 20)).toBe(0);
  });

  test('a buffer outside RAM, or among the devices, is answered without harm', () => {
    const rig = testBoard();
    for (const address of [RAM_SIZE, RAM_SIZE - 16, 0x3fff_fff0, 0x7e20_1000, 0xffff_fff0]) {
      rig.write(WRITE, ((address & ~0xf) | 8) >>> 0);
      expect(rig.read(READ)).toBe(((address & ~0xf) | 8) >>> 0);
    }
    expect(rig.told.console).toBe('');
  });

  test('tells of what it writes to RAM', () => {
    const rig = testBoard();
    property(rig, [0x0001_0002, 4, 0, 0]);
    expect(rig.told.written).toContainEqual([BUFFER + 20, 4]);
    expect(rig.told.written).toContainEqual([BUFFER + 4, 4]);
  });
});
