/** SDHOST and the EMMC controller with a card, driven as Linux' drivers do: bcm2835.c, bcm2835-mmc.c, sdhci.c. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Disk } from '../../src/ports/disk.js';
import { memoryDisk } from '../support/memory-disk.js';
import { randomFrom, testBoard } from './rig.js';

type Rig = ReturnType<typeof testBoard>;

const SDHOST = 0x3f20_2000;
const EMMC = 0x3f30_0000;
const GPIO = 0x3f20_0000;
const DMA = 0x3f00_7500;
const INTERRUPTS = 0x3f00_b200;
/** GPU interrupts: their bits in the second pending register. */
const SDHOST_LINE = 1 << (56 - 32);
const EMMC_LINE = 1 << (62 - 32);
const SECTOR = 512;
const BUFFER = 0x1_0000;
const MS = 1_000_000;

/** What a card's command takes: an index, an argument, and what kind of answer or data it has. */
interface Command {
  readonly index: number;
  readonly argument?: number;
  readonly answer?: 'none' | 'long' | 'busy';
  readonly data?: 'read' | 'write';
  readonly size?: number;
  readonly blocks?: number;
}

/** One of the two controllers, as its driver has it. */
interface Driver {
  readonly name: string;
  readonly alt: number;
  readonly line: number;
  readonly port: number;
  readonly dreq: number;
  setUp(rig: Rig): void;
  /** Sends a command; gives the answer's words, lowest first, or why there is none. */
  send(rig: Rig, command: Command): number[] | 'timeout' | 'crc';
  wide(rig: Rig): void;
  /** Waits until data is in the buffer or it takes some; whether the data lines failed, and how. */
  failed(rig: Rig): string;
  canRead(rig: Rig): boolean;
  canWrite(rig: Rig): boolean;
  /** What its driver does before it sends a CMD12 behind a write. */
  beforeStop(rig: Rig): void;
}

const sdhost: Driver = {
  name: 'SDHOST',
  alt: 4,
  line: SDHOST_LINE,
  port: 0x7e20_2040,
  dreq: 13,
  setUp: ({ write }) => {
    write(SDHOST + 0x38, 0x40a); // BUSY_IRPT_EN, SLOW_CARD, WIDE_INT_BUS
    write(SDHOST + 0x0c, 3); // 50 MHz
    write(SDHOST + 0x08, 25_000_000);
  },
  send: ({ read, write, time }, { index, argument = 0, answer, data, size = SECTOR, blocks = 1 }) => {
    write(SDHOST + 0x20, 0x7f8);
    if (data) {
      write(SDHOST + 0x3c, size);
      write(SDHOST + 0x50, blocks);
    }
    write(SDHOST + 0x04, argument);
    const kind = answer === 'none' ? 0x400 : answer === 'long' ? 0x200 : answer === 'busy' ? 0x800 : 0;
    const direction = data === 'read' ? 0x40 : data === 'write' ? 0x80 : 0;
    write(SDHOST, 0x8000 | kind | direction | index);
    expect(read(SDHOST) & 0x8000).toBe(0x8000);
    for (let i = 0; i < 1000 && read(SDHOST) & 0x8000; i++) time.advance(10_000);
    expect(read(SDHOST) & 0x8000).toBe(0);
    if (answer === 'busy') write(SDHOST + 0x20, 0x400);
    if (read(SDHOST) & 0x4000) return read(SDHOST + 0x20) & 0x40 ? 'timeout' : 'crc';
    return [0, 4, 8, 12].map((at) => read(SDHOST + 0x10 + at));
  },
  wide: ({ read, write }) => {
    write(SDHOST + 0x38, read(SDHOST + 0x38) | 4);
  },
  failed: ({ read }) => {
    const status = read(SDHOST + 0x20);
    return status & 0x80 ? 'timeout' : status & 0x20 ? 'crc' : '';
  },
  canRead: ({ read }) => (read(SDHOST + 0x34) & 0xf) === 4,
  canWrite: ({ read }) => (read(SDHOST + 0x34) & 0xf) === 0xa,
  // Sent while the last block is on its way, which goes to its end before.
  beforeStop: () => undefined,
};

/** 50 MHz: internal clock, the card's, divided by 6 (250 MHz base); the longest timeout. */
const CLOCKED = 0x000e_0305;

const emmc: Driver = {
  name: 'EMMC',
  alt: 7,
  line: EMMC_LINE,
  port: 0x7e30_0020,
  dreq: 11,
  setUp: ({ write, read }) => {
    write(EMMC + 0x2c, 0x0100_0000);
    write(EMMC + 0x34, 0x037f_01fb);
    write(EMMC + 0x38, 0x037f_01fb);
    write(EMMC + 0x2c, CLOCKED);
    expect(read(EMMC + 0x2c)).toBe(CLOCKED | 2);
  },
  send: ({ read, write, time }, { index, argument = 0, answer, data, size = SECTOR, blocks = 1 }) => {
    write(EMMC + 0x30, 0xffff_ffff);
    if (data) write(EMMC + 0x04, (blocks << 16) | size);
    write(EMMC + 0x08, argument);
    const type = answer === 'none' ? 0 : answer === 'long' ? 1 : answer === 'busy' ? 3 : 2;
    const mode = data ? 0x20_0000 | (data === 'read' ? 0x10 : 0) | (blocks > 1 ? 0x22 : 0) : 0;
    write(EMMC + 0x0c, (index << 24) | (type << 16) | mode);
    expect(read(EMMC + 0x24) & 1).toBe(1);
    for (let i = 0; i < 100 && read(EMMC + 0x24) & 1; i++) time.advance(10_000);
    const interrupts = read(EMMC + 0x30);
    if (interrupts & 0x8000) return interrupts & 0x1_0000 ? 'timeout' : 'crc';
    expect(interrupts & 1).toBe(1);
    if (answer === 'busy') {
      for (let i = 0; i < 1000 && !(read(EMMC + 0x30) & 2); i++) time.advance(10_000);
      expect(read(EMMC + 0x30) & 2).toBe(2);
    }
    return [0, 4, 8, 12].map((at) => read(EMMC + 0x10 + at));
  },
  wide: ({ write }) => {
    write(EMMC + 0x28, 2);
  },
  failed: ({ read }) => {
    const interrupts = read(EMMC + 0x30);
    return interrupts & 0x10_0000 ? 'timeout' : interrupts & 0x20_0000 ? 'crc' : '';
  },
  canRead: ({ read }) => (read(EMMC + 0x24) & 0x800) !== 0,
  canWrite: ({ read }) => (read(EMMC + 0x24) & 0x400) !== 0,
  beforeStop: (rig) => {
    expect(until(rig, () => (rig.read(EMMC + 0x30) & 2) !== 0)).toBe(true);
  },
};

/** Gives the card's pins to a controller. */
function mux({ write }: Rig, alt: number): void {
  write(GPIO + 0x10, (alt << 24) | (alt << 27));
  write(GPIO + 0x14, alt | (alt << 3) | (alt << 6) | (alt << 9));
}

/** Waits until something holds, for some seconds. */
function until({ time }: Rig, holds: () => boolean): boolean {
  for (let i = 0; i < 5000 && !holds(); i++) time.advance(i < 1000 ? 10_000 : MS);
  return holds();
}

/** Sends a command; gives the first word of its answer. */
type Word = (index: number, argument?: number, more?: Partial<Command>) => number;

/** Has a card that was reset get ready and say who it is; gives the address that it takes (RCA). */
function addressed(rig: Rig, word: Word): number {
  let ready = false;
  for (let ms = 0; ms < 2000 && !ready; ms++) {
    rig.time.advance(MS);
    word(55);
    ready = word(41, 0x40ff_8000) >>> 31 === 1;
  }
  expect(ready).toBe(true);
  word(2, 0, { answer: 'long' });
  return word(3) & 0xffff_0000;
}

describe.each([sdhost, emmc])('$name', (driver) => {
  let rig: Rig;
  let rca: number;
  const send = (index: number, argument = 0, more: Partial<Command> = {}) =>
    driver.send(rig, { index, argument, ...more });
  const word = (index: number, argument = 0, more: Partial<Command> = {}): number =>
    (send(index, argument, more) as number[])[0]!;

  function identify(): void {
    send(0, 0, { answer: 'none' });
    expect(word(8, 0x1aa)).toBe(0x1aa);
    rca = addressed(rig, word);
  }
  function start(options?: Parameters<typeof testBoard>[1]): void {
    rig = testBoard({}, options);
    const random = randomFrom(7);
    rig.contents.forEach((_, i, all) => (all[i] = random(256)));
    rig.write(INTERRUPTS + 0x14, driver.line >>> 0);
    mux(rig, driver.alt);
    driver.setUp(rig);
  }
  function select(): void {
    identify();
    expect(word(7, rca, { answer: 'busy' }) & 0x1e00).toBe(3 << 9);
    word(55, rca);
    word(6, 2);
    driver.wide(rig);
  }
  beforeEach(() => {
    start();
  });
  const readWords = (count: number): Uint8Array => {
    const words = new Uint32Array(count);
    for (let i = 0; i < count; i++) words[i] = rig.read(driver.port - 0x7e00_0000 + 0x3f00_0000);
    return new Uint8Array(words.buffer);
  };
  const writeWords = (bytes: Uint8Array): void => {
    const words = new Uint32Array(bytes.slice().buffer);
    for (const it of words) rig.write(driver.port - 0x7e00_0000 + 0x3f00_0000, it);
  };
  const sectors = (from: number, count: number): Uint8Array =>
    rig.contents.slice(from * SECTOR, (from + count) * SECTOR);

  test('identifies the card: CID and CSD come as its driver wants them', () => {
    identify();
    const long = send(9, rca, { answer: 'long' }) as number[];
    // 1 MiB: 2048 sectors are 512 × 4 blocks. Version 1.0, C_SIZE 511, C_SIZE_MULT 0, READ_BL_LEN 9.
    const shifted = driver === emmc ? long.map((it, i) => (it << 8) | (i ? long[i - 1]! >>> 24 : 0)) : long;
    const [low, second, third, high] = shifted.map((it) => it >>> 0) as [number, number, number, number];
    expect(high >>> 30).toBe(0);
    expect((third >>> 16) & 0xf).toBe(9);
    expect(((third & 0x3ff) << 2) | (second >>> 30)).toBe(511);
    expect((second >>> 15) & 7).toBe(0);
    // The CRC is there with SDHOST, and cut off with the other one.
    expect(low & 0xff).toBe(driver === emmc ? 0 : low & 0xff);
    if (driver === sdhost) expect(low & 1).toBe(1);
    // A short answer where a long one is waited for, and the other way round.
    expect(send(13, rca, { answer: 'long' })).toBe('crc');
    expect(send(9, rca)).toBe('crc');
  });

  test('reads and writes by its buffer, a block and several', () => {
    select();
    word(17, 5 * SECTOR, { data: 'read' });
    expect(until(rig, () => driver.canRead(rig))).toBe(true);
    expect(readWords(128)).toEqual(sectors(5, 1));
    word(18, 7 * SECTOR, { data: 'read', blocks: 3 });
    for (let i = 0; i < 3; i++) {
      expect(until(rig, () => driver.canRead(rig))).toBe(true);
      expect(readWords(128)).toEqual(sectors(7 + i, 1));
    }
    word(12, 0, { answer: 'busy' });
    const block = sectors(100, 1).reverse();
    word(24, 9 * SECTOR, { data: 'write' });
    expect(until(rig, () => driver.canWrite(rig))).toBe(true);
    writeWords(block);
    expect(sectors(9, 1)).not.toEqual(block);
    rig.time.advance(MS);
    expect(sectors(9, 1)).toEqual(block);
    word(25, 20 * SECTOR, { data: 'write', blocks: 2 });
    for (let i = 0; i < 2; i++) {
      expect(until(rig, () => driver.canWrite(rig))).toBe(true);
      writeWords(block);
    }
    driver.beforeStop(rig);
    word(12, 0, { answer: 'busy' });
    expect(sectors(20, 2)).toEqual(Uint8Array.of(...block, ...block));
    expect(driver.failed(rig)).toBe('');
  });

  test('reads and writes by DMA, which waits for its data requests', () => {
    select();
    const { write, setWords, time, ram } = rig;
    const READ = 1 | (1 << 3) | (1 << 4) | (1 << 10) | (driver.dreq << 16);
    const WRITE = 1 | (1 << 3) | (1 << 6) | (1 << 8) | (driver.dreq << 16);
    const run = (information: number, from: number, to: number, length: number): void => {
      // Two control blocks, as a scattered buffer has.
      const first = length - 600;
      const step = information === READ ? [0, first] : [first, 0];
      setWords(0x3000, information & ~1, from, to, first, 0, 0x3020, 0, 0);
      setWords(0x3020, information, from + step[0]!, to + step[1]!, 600, 0, 0, 0, 0);
      write(DMA + 4, 0x3000);
      write(DMA, 1);
    };
    word(18, 0, { data: 'read', blocks: 8 });
    run(READ, driver.port, BUFFER, 8 * SECTOR);
    expect(rig.read(DMA) & 7).toBe(1);
    expect(until(rig, () => (rig.read(DMA) & 4) !== 0)).toBe(true);
    expect(ram.slice(BUFFER, BUFFER + 8 * SECTOR)).toEqual(sectors(0, 8));
    expect(rig.read(DMA) & 3).toBe(2);
    word(12, 0, { answer: 'busy' });
    write(DMA, 6);
    const data = sectors(50, 8).reverse();
    ram.set(data, BUFFER);
    // Started before the command, as drivers do: it waits.
    run(WRITE, BUFFER, driver.port, 8 * SECTOR);
    time.advance(MS);
    expect(rig.read(DMA) & 7).toBe(1);
    word(25, 200 * SECTOR, { data: 'write', blocks: 8 });
    expect(until(rig, () => (rig.read(DMA) & 4) !== 0)).toBe(true);
    driver.beforeStop(rig);
    word(12, 0, { answer: 'busy' });
    expect(sectors(200, 8)).toEqual(data);
  });

  test('takes the time that its clock and lines take', () => {
    select();
    const from = rig.time.clock.now();
    word(18, 0, { data: 'read', blocks: 64 });
    for (let i = 0; i < 64; i++) {
      until(rig, () => driver.canRead(rig));
      readWords(128);
    }
    const MBs = (64 * SECTOR) / ((rig.time.clock.now() - from) / 1000);
    // 50 MHz by four lines are 25 MB/s, less CRCs, the command and the time to the first block.
    expect(MBs).toBeGreaterThan(12);
    expect(MBs).toBeLessThan(25);
  });

  test('an interrupt comes when the card is not busy any more', () => {
    select();
    word(24, 9 * SECTOR, { data: 'write' });
    until(rig, () => driver.canWrite(rig));
    const at = rig.time.clock.now();
    if (driver === sdhost) rig.write(SDHOST + 0x38, rig.read(SDHOST + 0x38) | 0x100);
    else rig.write(EMMC + 0x30, 0xffff_ffff);
    expect(rig.told.irq[0]).toBe(false);
    writeWords(new Uint8Array(SECTOR));
    expect(until(rig, () => rig.told.irq[0]!)).toBe(true);
    expect(rig.time.clock.now() - at).toBeGreaterThan(200_000);
  });

  test('lines that the card does not use are a CRC error', () => {
    identify();
    word(7, rca, { answer: 'busy' });
    driver.wide(rig);
    word(17, 0, { data: 'read' });
    rig.time.advance(MS);
    expect([driver.failed(rig), driver.canRead(rig)]).toEqual(['crc', false]);
  });

  test('a block that the card does not send, and one that it does not take, end with a timeout', () => {
    select();
    // Behind its end.
    word(18, 2047 * SECTOR, { data: 'read', blocks: 2 });
    until(rig, () => driver.canRead(rig));
    readWords(128);
    expect(until(rig, () => driver.failed(rig) === 'timeout')).toBe(true);
    expect(word(12, 0, { answer: 'busy' }) >>> 31).toBe(1);
    word(25, 2047 * SECTOR, { data: 'write', blocks: 3 });
    for (let i = 0; i < 3; i++) {
      until(rig, () => driver.canWrite(rig));
      writeWords(new Uint8Array(SECTOR));
    }
    expect(until(rig, () => driver.failed(rig) === 'timeout')).toBe(true);
    expect(word(12, 0, { answer: 'busy' }) >>> 31).toBe(1);
  });

  test('has no card where the pins are not its own, the slot is empty, or the card was taken out', () => {
    identify();
    mux(rig, driver.alt === 4 ? 7 : 4);
    expect(send(13, rca)).toBe('timeout');
    mux(rig, driver.alt);
    expect(word(13, rca) & 0x1e00).toBe(3 << 9);
    rig.board.insertCard(false);
    expect(send(13, rca)).toBe('timeout');
    rig.board.insertCard(true);
    // It was without power: it has no address.
    expect(send(13, rca)).toBe('timeout');
    identify();
    start('none');
    send(0, 0, { answer: 'none' });
    expect(send(8, 0x1aa)).toBe('timeout');
  });

  test('a card taken out under a read ends it with a timeout', () => {
    select();
    word(18, 0, { data: 'read', blocks: 100 });
    until(rig, () => driver.canRead(rig));
    rig.board.insertCard(false);
    readWords(128);
    expect(until(rig, () => driver.failed(rig) === 'timeout')).toBe(true);
  });
});

test('SDHOST reads 1024 blocks with one command, as its driver asks for at most', () => {
  const image = new Uint8Array(2 * 1024 * SECTOR);
  const disk: Disk = memoryDisk(image);
  const rig = testBoard({}, { disk });
  mux(rig, sdhost.alt);
  sdhost.setUp(rig);
  const send = (index: number, argument = 0, more: Partial<Command> = {}) =>
    (sdhost.send(rig, { index, argument, ...more }) as number[])[0]!;
  send(0, 0, { answer: 'none' });
  const rca = addressed(rig, send);
  send(7, rca, { answer: 'busy' });
  send(18, 0, { data: 'read', blocks: 1024 });
  let blocks = 0;
  while (until(rig, () => sdhost.canRead(rig))) {
    for (let i = 0; i < 128; i++) rig.read(SDHOST + 0x40);
    blocks++;
  }
  expect(blocks).toBe(1024);
});

test('SDHOST counts no blocks where the driver has written none (that of 2015, without DMA)', () => {
  const image = Uint8Array.from({ length: 64 * SECTOR }, (_, i) => i >> 9);
  const rig = testBoard({}, { disk: memoryDisk(image) });
  const { read, write, time } = rig;
  mux(rig, sdhost.alt);
  sdhost.setUp(rig);
  const send = (index: number, argument = 0, more: Partial<Command> = {}) =>
    (sdhost.send(rig, { index, argument, blocks: 0, ...more }) as number[])[0]!;
  send(0, 0, { answer: 'none' });
  const rca = addressed(rig, send);
  send(7, rca, { answer: 'busy' });
  const fsm = (): number => read(SDHOST + 0x34) & 0xf;
  const block = (): number[] => Array.from({ length: 128 }, () => read(SDHOST + 0x40));
  const words = (byte: number): number[] => new Array<number>(128).fill(byte * 0x0101_0101);

  // One block: READ_WAIT goes on, without an error, until the driver forces data mode.
  send(17, 5 * SECTOR, { data: 'read' });
  expect(until(rig, () => sdhost.canRead(rig))).toBe(true);
  expect(block()).toEqual(words(5));
  time.advance(5000 * MS);
  expect([fsm(), read(SDHOST + 0x20), sdhost.failed(rig)]).toEqual([4, 0, '']);
  write(SDHOST + 0x34, 1 << 19);
  expect(fsm()).toBe(1);

  // Many, until CMD12.
  send(18, 7 * SECTOR, { data: 'read' });
  for (let n = 7; n < 20; n++) {
    expect(until(rig, () => sdhost.canRead(rig))).toBe(true);
    expect(block()).toEqual(words(n));
  }
  send(12, 0, { answer: 'busy' });
  expect([fsm(), send(13, rca) & 0x1e00]).toEqual([1, 4 << 9]);

  // One to the card: room for another is what the driver ends with.
  send(24, 9 * SECTOR, { data: 'write' });
  expect(until(rig, () => sdhost.canWrite(rig))).toBe(true);
  for (let i = 0; i < 128; i++) write(SDHOST + 0x40, 0x3333_3333);
  time.advance(1000 * MS);
  expect([fsm(), sdhost.failed(rig)]).toEqual([0xa, '']);
  write(SDHOST + 0x34, 1 << 19);
  expect([fsm(), send(13, rca) & 0x1e00]).toEqual([1, 4 << 9]);
  expect(image.subarray(9 * SECTOR, 10 * SECTOR).every((it) => it === 0x33)).toBe(true);
});

test('the firmware sets the clock of SDHOST (its property 0x00038042)', () => {
  const { read, write, setWords, word } = testBoard();
  setWords(0x1000, 0x24, 0, 0x0003_8042, 12, 0, 50_000_000, 0, 0, 0);
  write(0x3f00_b8a0, 0x1000 + 8);
  expect([word(0x1018), read(SDHOST + 0x0c)]).toEqual([50_000_000, 3]);
});

test('EMMC sends CMD23 before and CMD12 behind by itself, and says what it cannot', () => {
  const rig = testBoard();
  rig.contents.forEach((_, i, all) => (all[i] = i >> 9));
  mux(rig, emmc.alt);
  emmc.setUp(rig);
  const send = (index: number, argument = 0, more: Partial<Command> = {}) =>
    (emmc.send(rig, { index, argument, ...more }) as number[])[0]!;
  send(0, 0, { answer: 'none' });
  const rca = addressed(rig, send);
  send(7, rca, { answer: 'busy' });
  const { read, write, time } = rig;
  const readBlocks = (mode: number): number[] => {
    write(EMMC + 0x30, 0xffff_ffff);
    write(EMMC, 2);
    write(EMMC + 0x04, (2 << 16) | SECTOR);
    write(EMMC + 0x08, 3 * SECTOR);
    write(EMMC + 0x0c, (18 << 24) | 0x22_0032 | mode);
    const seen: number[] = [];
    while (until(rig, () => emmc.canRead(rig)) && seen.length < 10) {
      for (let i = 0; i < 128; i++)
        if (i === 0) seen.push(read(EMMC + 0x20) & 0xff);
        else read(EMMC + 0x20);
      if (seen.length === 2) break;
    }
    time.advance(MS);
    expect(read(EMMC + 0x30) & 2).toBe(2);
    expect(read(EMMC + 0x04) >>> 16).toBe(0);
    return seen;
  };
  for (const mode of [8, 4]) {
    expect(readBlocks(mode)).toEqual([3, 4]);
    // Either way the card is in its transfer state again, and the command that was sent beside has its answer.
    expect(read(EMMC + 0x1c) & 0x1e00).toBe(mode === 8 ? 4 << 9 : 5 << 9);
    expect(send(13, rca) & 0x1e00).toBe(4 << 9);
  }
  expect(rig.told.log.filter((it) => it.includes('EMMC'))).toEqual([]);
  readBlocks(8 | 1);
  expect(rig.told.log).toContain(
    'EMMC (SDHCI): CMDTM is kept and does nothing: this controller has no DMA of its own',
  );
});

test("the pins are the EMMC controller's until software says otherwise, which trees of 2015 do not", () => {
  const rig = testBoard();
  emmc.setUp(rig);
  const answer = (driver: Driver): unknown => {
    driver.send(rig, { index: 0, answer: 'none' });
    return driver.send(rig, { index: 8, argument: 0x1aa });
  };
  expect(answer(emmc)).toEqual([0x1aa, 0, 0, 0]);
  sdhost.setUp(rig);
  expect(answer(sdhost)).toBe('timeout');
});

test('EMMC stands still without a clock, and is freed by a reset', () => {
  const rig = testBoard();
  const { read, write, time } = rig;
  mux(rig, emmc.alt);
  emmc.setUp(rig);
  write(EMMC + 0x2c, CLOCKED & ~4);
  write(EMMC + 0x0c, 8 << 24);
  time.advance(10 * MS);
  expect(read(EMMC + 0x24) & 1).toBe(1);
  write(EMMC + 0x2c, 0x0200_0000);
  expect(read(EMMC + 0x24) & 1).toBe(0);
});
