/** The SD card against the Physical Layer Simplified Specification 3.01; sections and tables are named beside. */
import { describe, expect, test } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import { createSdCard } from '../../src/board/sd-card.js';
import { type CardKind, capacityFor, crc7, kindFor } from '../../src/board/sd-registers.js';
import { type Disk, SECTOR_SIZE } from '../../src/ports/disk.js';
import { memoryDisk } from '../support/memory-disk.js';
import { randomFrom } from './rig.js';

/** HYPBERRY_SEED=n draws what is sent at random otherwise. */
const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);

const STANDARD: CardKind = { capacity: 'standard', version: '3.01' };
const HIGH: CardKind = { capacity: 'high', version: '3.01' };
/** 64 MiB. */
const SECTORS = 0x2_0000;
const HCS = 0x4000_0000;
const VOLTAGES = 0x00ff_8000;
const SECOND = 1e9;

/** States by their number in CURRENT_STATE (table 4-35). */
const STATES = ['idle', 'ready', 'ident', 'stby', 'tran', 'data', 'rcv', 'prg', 'dis'];

/** A disk that says it has so many sectors, each of which has its number in its first four bytes. */
function numbered(sectors: number): Disk & { readonly sent: Map<number, Uint8Array> } {
  const sent = new Map<number, Uint8Array>();
  return {
    ...memoryDisk(new Uint8Array(SECTOR_SIZE)),
    sectors,
    sent,
    read: (sector) => {
      const bytes = new Uint8Array(SECTOR_SIZE);
      new DataView(bytes.buffer).setUint32(0, sector);
      return sent.get(sector)?.slice() ?? bytes;
    },
    write: (sector, bytes) => {
      for (let at = 0; at < bytes.length; at += SECTOR_SIZE)
        sent.set(sector + at / SECTOR_SIZE, bytes.slice(at, at + SECTOR_SIZE));
    },
  };
}

/** A card, its time, and a host that knows its address. */
function host(kind: CardKind, disk: Disk = numbered(SECTORS)) {
  const time = { now: 0 };
  const errors: string[] = [];
  const card = createSdCard({
    disk,
    kind,
    now: () => time.now,
    onError: ({ code }) => errors.push(code),
  });
  const command = (index: number, argument = 0): number | undefined => card.command(index, argument)?.word;
  const rca = (): number => card.state.rca * 2 ** 16;
  const app = (index: number, argument = 0): number | undefined => {
    card.command(55, rca());
    return card.command(index, argument)?.word;
  };
  const status = (): number => command(13, rca())!;
  const it = {
    card,
    time,
    errors,
    command,
    app,
    rca,
    status,
    state: () => STATES[(status() >>> 9) & 0xf],
    wait: () => (time.now += SECOND),
    /** To the transfer state, as a host does. */
    identify: () => {
      command(0);
      command(8, 0x1aa);
      app(41, HCS | VOLTAGES);
      it.wait();
      expect(app(41, HCS | VOLTAGES)! >>> 31).toBe(1);
      command(2);
      command(3);
      command(7, rca());
      it.wait();
      return it;
    },
    address: (sector: number) => (kind.capacity === 'high' ? sector : sector * SECTOR_SIZE),
  };
  return it;
}

/** The bytes of what a card sends next, as text in hex. */
const hexOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
const numberIn = (block: Uint8Array | undefined): number | undefined =>
  block && new DataView(block.buffer, block.byteOffset).getUint32(0);

test('CRC7 is as in the examples of section 4.5, and as everybody knows it of CMD8', () => {
  const of = (...bytes: number[]): number => crc7(Uint8Array.from(bytes));
  expect(of(0x40, 0, 0, 0, 0)).toBe(0b1001010);
  expect(of(0x51, 0, 0, 0, 0)).toBe(0b0101010);
  expect(of(0x11, 0, 0, 0x09, 0)).toBe(0b0110011);
  expect(of(0x48, 0, 0, 0x01, 0xaa)).toBe(0x87 >> 1);
});

describe('CSD', () => {
  const csdOf = (sectors: number, kind: CardKind): Uint8Array => {
    const it = host(kind, numbered(sectors));
    it.identify();
    it.command(7, 0);
    return it.card.command(9, it.rca())!.long!;
  };

  test.each([1, 4, 5, 2047, 2048, 4095, 4096, 16383, 16385, SECTORS, 999_999, 2 ** 21, 2 ** 21 + 1, 2 ** 22])(
    'version 1.0 says what section 5.3.2 computes: %d sectors',
    (sectors) => {
      const csd = csdOf(sectors, STANDARD);
      const C_SIZE = ((csd[6]! & 3) << 10) | (csd[7]! << 2) | (csd[8]! >> 6);
      const C_SIZE_MULT = ((csd[9]! & 3) << 1) | (csd[10]! >> 7);
      const READ_BL_LEN = csd[5]! & 0xf;
      const bytes = (C_SIZE + 1) * 2 ** (C_SIZE_MULT + 2) * 2 ** READ_BL_LEN;
      expect(csd[0]! >> 6).toBe(0);
      expect(READ_BL_LEN).toBe(sectors > 2 ** 21 ? 10 : 9);
      expect(bytes / SECTOR_SIZE).toBe(capacityFor(sectors, STANDARD));
      expect(bytes).toBeGreaterThanOrEqual(sectors * SECTOR_SIZE);
      // A sector more than a step is none too many.
      expect(bytes - sectors * SECTOR_SIZE).toBeLessThan(2 ** (C_SIZE_MULT + 2 + READ_BL_LEN));
      expect(csd[15]).toBe((crc7(csd.subarray(0, 15)) << 1) | 1);
    },
  );

  test.each([1, 1024, 1025, SECTORS, 2 ** 22 + 1, 15_523_840, 2 ** 32])(
    'version 2.0 says what section 5.3.3 computes: %d sectors',
    (sectors) => {
      const csd = csdOf(sectors, HIGH);
      const C_SIZE = ((csd[7]! & 0x3f) << 16) | (csd[8]! << 8) | csd[9]!;
      expect(csd[0]! >> 6).toBe(1);
      expect((C_SIZE + 1) * 512 * 1024).toBe(Math.ceil(sectors / 1024) * 1024 * SECTOR_SIZE);
      // Fixed values of table 5-16: TAAC, NSAC, TRAN_SPEED, READ_BL_LEN, and what follows C_SIZE.
      expect(hexOf(csd.subarray(1, 4))).toBe('0e0032');
      expect(csd[5]! & 0xf).toBe(9);
      expect(hexOf(csd.subarray(10, 14))).toBe('7f800a40');
      expect(csd[15]).toBe((crc7(csd.subarray(0, 15)) << 1) | 1);
    },
  );

  test('a card up to 2 GiB is of standard capacity, a larger one of high, none has more than 2 TiB', () => {
    expect(kindFor(2 ** 22).capacity).toBe('standard');
    expect(kindFor(2 ** 22 + 1).capacity).toBe('high');
    expect(() => capacityFor(2 ** 22 + 1, STANDARD)).toThrow(RangeError);
    expect(() => capacityFor(2 ** 32 + 1, HIGH)).toThrow(RangeError);
  });
});

describe('identification (4.2)', () => {
  test.each([STANDARD, HIGH])('goes from idle to transfer: $capacity', (kind) => {
    const { card, command, app, time, state, rca } = host(kind);
    expect(card.command(0, 0)).toBeUndefined();
    // R7: voltage and check pattern come back; another voltage gets no answer.
    expect(command(8, 0x2aa)).toBeUndefined();
    expect(command(8, 0x15a)).toBe(0x15a);
    // Without a voltage ACMD41 only asks.
    expect([app(41), app(41)]).toEqual([VOLTAGES, VOLTAGES]);
    time.now += SECOND;
    expect(app(41, HCS | VOLTAGES)).toBe(VOLTAGES);
    time.now += SECOND;
    expect(app(41, HCS | VOLTAGES)! >>> 0).toBe(
      (0x8000_0000 + VOLTAGES + (kind.capacity === 'high' ? HCS : 0)) >>> 0,
    );
    const cid = card.command(2, 0)!.long!;
    expect(cid[15]).toBe((crc7(cid.subarray(0, 15)) << 1) | 1);
    // R6: the address, and the state it was in (identification).
    const r6 = command(3)!;
    expect(r6 & 0xffff).toBe((2 << 9) | 0x100);
    expect(r6 >>> 16).not.toBe(0);
    expect(state()).toBe('stby');
    expect(card.command(10, rca())!.long).toEqual(cid);
    // Another card's address: no answer, and nothing illegal.
    expect(card.command(9, 0x7777_0000)).toBeUndefined();
    expect(command(7, rca())).toBe((3 << 9) | 0x100);
    expect(state()).toBe('tran');
    expect(command(7, 0)).toBeUndefined();
    expect(state()).toBe('stby');
    // A new address each time.
    expect(command(3)! >>> 16).not.toBe(r6 >>> 16);
  });

  test('a card of high capacity never is ready for a host that does not know such cards', () => {
    const { command, app, time } = host(HIGH);
    command(0);
    command(8, 0x1aa);
    for (let i = 0; i < 3; i++, time.now += SECOND) expect(app(41, VOLTAGES)).toBe(VOLTAGES);
    command(0);
    // Nor without CMD8 before.
    for (let i = 0; i < 3; i++, time.now += SECOND) expect(app(41, HCS | VOLTAGES)).toBe(VOLTAGES);
  });

  test('a voltage that it has not makes it inactive, and only its power wakes it', () => {
    const { card, command, app } = host(STANDARD);
    command(0);
    expect(app(41, 0x80)).toBeUndefined();
    expect([command(0), command(8, 0x1aa), command(55)]).toEqual([undefined, undefined, undefined]);
    card.reset();
    expect(command(8, 0x1aa)).toBe(0x1aa);
  });
});

/**
 * Table 4-33: in which states a command is legal. Those for high capacity have none of 28 to 30; CMD7 is what it is
 * for the card's own address.
 */
const LEGAL: Readonly<Record<string, string>> = {
  2: 'ready',
  3: 'ident stby',
  6: 'tran',
  7: 'stby dis',
  8: 'idle',
  9: 'stby',
  10: 'stby',
  12: 'data rcv',
  13: 'stby tran data rcv prg dis',
  16: 'tran',
  17: 'tran',
  18: 'tran',
  23: 'tran',
  24: 'tran',
  25: 'tran',
  27: 'tran',
  28: 'tran',
  29: 'tran',
  30: 'tran',
  32: 'tran',
  33: 'tran',
  38: 'tran',
  55: 'idle stby tran data rcv prg dis',
  A6: 'tran',
  A13: 'tran',
  A22: 'tran',
  A23: 'tran',
  A41: 'idle',
  A42: 'tran',
  A51: 'tran',
};

/** Brings a card to a state. */
const REACH: Readonly<Record<string, (it: ReturnType<typeof host>) => void>> = {
  idle: ({ command }) => command(0),
  ready: (it) => {
    it.command(0);
    it.command(8, 0x1aa);
    it.app(41, HCS | VOLTAGES);
    it.wait();
    it.app(41, HCS | VOLTAGES);
  },
  ident: (it) => {
    REACH['ready']!(it);
    it.command(2);
  },
  stby: (it) => {
    it.identify();
    it.command(7, 0);
  },
  tran: (it) => it.identify(),
  data: (it) => it.identify().command(18, 0),
  rcv: (it) => it.identify().command(25, 0),
  prg: (it) => {
    REACH['rcv']!(it);
    it.command(12);
  },
  dis: (it) => {
    REACH['prg']!(it);
    it.command(7, 0);
  },
};

test.each(STATES)('in state %s every command is legal that table 4-33 has there, and no other', (state) => {
  for (let index = 0; index < 128; index++) {
    const ofApplication = index >= 64;
    const name = ofApplication ? `A${index - 64}` : String(index);
    // CMD0 and CMD15 have no answer. A number that is no ACMD is the command of that number (4.3.9.1).
    if (['0', '15', 'A0', 'A15'].includes(name)) continue;
    const it = host(STANDARD);
    REACH[state]!(it);
    expect(STATES[it.card.state.code]).toBe(state);
    const before = it.card.state.code;
    const argument = index % 64 === 8 ? 0x1aa : ofApplication || index === 41 ? VOLTAGES : it.rca();
    const legal = (LEGAL[name] ?? LEGAL[String(index % 64)] ?? '').split(' ').includes(state);
    // Where CMD55 itself is illegal nothing behind it is an ACMD.
    if (ofApplication && it.card.command(55, it.rca()) === undefined) continue;
    it.card.state.app = ofApplication;
    const own = [9, 10, 13, 55, 7, 3].includes(index % 64) ? it.rca() : argument;
    const answered = it.card.command(index % 64, own) !== undefined;
    expect([name, answered]).toEqual([name, legal]);
    const illegal = (it.card.state.status & (1 << 22)) !== 0;
    expect([name, illegal]).toEqual([name, !legal]);
    if (!legal) expect(it.card.state.code).toBe(before);
  }
});

test('an illegal command is said once, in the next answer', () => {
  const { command, status } = host(HIGH).identify();
  expect(command(28)).toBeUndefined();
  expect(status() & (1 << 22)).not.toBe(0);
  expect(status() & (1 << 22)).toBe(0);
});

test('APP_CMD is in the answers of CMD55 and of its command, and not after', () => {
  const { command, status, rca } = host(HIGH).identify();
  expect(command(55, rca())! & 0x20).toBe(0x20);
  expect(command(13, rca())! & 0x20).toBe(0x20);
  expect(status() & 0x20).toBe(0);
});

test('a card of version 2.00 has no CMD23', () => {
  const old = host({ capacity: 'high', version: '2.00' }).identify();
  expect(old.command(23, 2)).toBeUndefined();
  old.app(51);
  // SCR: SD_SPEC 2, SD_BUS_WIDTHS 1 and 4; of 3.01 SD_SPEC3 and CMD_SUPPORT, too.
  expect(hexOf(old.card.send())).toBe('0205000000000000');
  const later = host(HIGH).identify();
  later.app(51);
  expect(hexOf(later.card.send())).toBe('0205800200000000');
});

describe.each([STANDARD, HIGH])('reading: $capacity', (kind) => {
  test('one block, several until they are stopped, several by CMD23', () => {
    const { card, command, address, state } = host(kind).identify();
    expect(command(17, address(77))).toBe((4 << 9) | 0x100);
    expect([state(), numberIn(card.send()), state(), card.send()]).toEqual(['data', 77, 'tran', undefined]);
    command(18, address(5));
    expect([5, 6, 7].map(() => numberIn(card.send()))).toEqual([5, 6, 7]);
    expect(command(12)).toBe((5 << 9) | 0x100);
    expect([state(), card.send()]).toEqual(['tran', undefined]);
    command(23, 2);
    command(18, address(9));
    expect([numberIn(card.send()), state(), numberIn(card.send()), state()]).toEqual([9, 'data', 10, 'tran']);
    // The count is for one command.
    command(18, address(9));
    for (let i = 0; i < 5; i++) card.send();
    expect(state()).toBe('data');
  });

  test('the last block is no error, what is behind it is', () => {
    const { card, command, address, status } = host(kind).identify();
    command(18, address(SECTORS - 1));
    expect(numberIn(card.send())).toBe(SECTORS - 1);
    expect(command(12)! >>> 31).toBe(0);
    command(18, address(SECTORS - 1));
    card.send();
    expect(card.send()).toBeUndefined();
    expect(command(12)! >>> 31).toBe(1);
    expect(status() >>> 31).toBe(0);
    expect(command(17, address(SECTORS))! >>> 31).toBe(1);
    expect(card.send()).toBeUndefined();
  });

  test('a disk that cannot be read is an error of the card, and said outside', () => {
    const broken: Disk = {
      ...numbered(SECTORS),
      read: () => {
        throw new HypberryError('card.truncated', 'It ends before.', 'Try again.');
      },
    };
    const { card, command, errors } = host(kind, broken).identify();
    command(18, 0);
    expect(card.send()).toBeUndefined();
    expect(command(12)! & (1 << 21)).not.toBe(0);
    expect(errors).toEqual(['card.truncated']);
  });
});

test('blocks of standard capacity can be parts of a sector, and go over the end of none', () => {
  const { card, command } = host(STANDARD).identify();
  expect(command(16, 513)! & (1 << 29)).not.toBe(0);
  expect(command(16, 16)! & (1 << 29)).toBe(0);
  command(17, 8 * 512 - 512);
  expect(hexOf(card.send())).toBe(`00000007${'00'.repeat(12)}`);
  expect(command(17, 8 * 512 - 8)! & (1 << 30)).not.toBe(0);
  // None is written so.
  expect(command(24, 0)! & (1 << 29)).not.toBe(0);
  const high = host(HIGH).identify();
  high.command(16, 16);
  high.command(17, 3);
  expect(high.card.send()).toHaveLength(512);
});

describe.each([STANDARD, HIGH])('writing: $capacity', (kind) => {
  const block = (byte: number): Uint8Array => new Uint8Array(SECTOR_SIZE).fill(byte);

  test('a block, several; busy while it programs; how many were written', () => {
    const disk = numbered(SECTORS);
    const { card, command, app, address, state, wait, time, status } = host(kind, disk).identify();
    command(24, address(3));
    expect(state()).toBe('rcv');
    expect(card.take(block(1))).toBe(true);
    expect([state(), card.busyUntil() > time.now, status() & 0x100]).toEqual(['prg', true, 0]);
    // Nothing is read meanwhile.
    expect(command(17, 0)).toBeUndefined();
    wait();
    expect([state(), status() & 0x100]).toEqual(['tran', 0x100]);
    app(23, 8);
    command(25, address(10));
    for (const byte of [2, 3, 4]) expect(card.take(block(byte))).toBe(true);
    command(12);
    expect(state()).toBe('prg');
    wait();
    app(22);
    expect(hexOf(card.send())).toBe('00000003');
    command(23, 2);
    command(25, address(20));
    expect([card.take(block(5)), state(), card.take(block(6)), state(), card.take(block(7))]).toEqual([
      true,
      'rcv',
      true,
      'prg',
      false,
    ]);
    expect([...disk.sent].map(([sector, bytes]) => [sector, bytes[0]])).toEqual([
      [3, 1],
      [10, 2],
      [11, 3],
      [12, 4],
      [20, 5],
      [21, 6],
    ]);
  });

  test('behind the end, or on a full disk, it is an error and nothing after it is taken', () => {
    const { card, command, address, wait } = host(kind).identify();
    command(25, address(SECTORS - 1));
    expect([card.take(block(1)), card.take(block(2)), card.take(block(3))]).toEqual([true, true, false]);
    expect(command(12)! >>> 31).toBe(1);
    wait();
    expect(command(24, address(SECTORS))! >>> 31).toBe(1);
    const full: Disk = {
      ...numbered(SECTORS),
      write: () => {
        throw new HypberryError('file.no-room', 'It is full.', 'Make room.');
      },
    };
    const other = host(kind, full).identify();
    other.command(25, 0);
    expect([other.card.take(block(1)), other.card.take(block(2))]).toEqual([true, false]);
    expect(other.command(12)! & (1 << 19)).not.toBe(0);
    expect(other.errors).toEqual(['file.no-room']);
  });

  test('erases from one to another, both of them', () => {
    const disk = numbered(SECTORS);
    const { card, command, address, state, wait, status } = host(kind, disk).identify();
    command(32, address(100));
    status();
    command(33, address(102));
    expect(command(38)).toBe((4 << 9) | 0x100);
    expect(state()).toBe('prg');
    wait();
    command(18, address(99));
    expect([1, 2, 3, 4, 5].map(() => numberIn(card.send()))).toEqual([99, 0, 0, 0, 103]);
    command(12);
    // Out of order, the wrong way round, cut off by another command.
    expect(command(33, address(1))! & (1 << 28)).not.toBe(0);
    expect(command(38)! & (1 << 28)).not.toBe(0);
    command(32, address(9));
    command(33, address(8));
    expect(command(38)! & (1 << 27)).not.toBe(0);
    command(32, address(9));
    expect(command(16, 512)! & (1 << 13)).not.toBe(0);
    command(33, address(9));
    expect(command(38)! & (1 << 28)).not.toBe(0);
  });
});

test('groups of standard capacity are protected, told of, left out of an erase, and freed (4.3.6)', () => {
  const disk = numbered(SECTORS);
  const it = host(STANDARD, disk).identify();
  const { card, command, wait } = it;
  card.state.highSpeed = false;
  // The size of a group is in the CSD: (SECTOR_SIZE + 1) * (WP_GRP_SIZE + 1) blocks.
  command(7, 0);
  const csd = card.command(9, it.rca())!.long!;
  command(7, it.rca());
  const group = ((((csd[10]! & 0x3f) << 1) | (csd[11]! >> 7)) + 1) * ((csd[11]! & 0x7f) + 1);
  command(28, 3 * group * 512 + 5 * 512);
  wait();
  command(30, 512 * group);
  expect(hexOf(card.send())).toBe('00000004');
  expect(command(24, 4 * group * 512 - 512)! & (1 << 26)).not.toBe(0);
  command(25, 3 * group * 512 - 512);
  expect([card.take(new Uint8Array(512)), card.take(new Uint8Array(512))]).toEqual([true, true]);
  expect(command(12)! & (1 << 26)).not.toBe(0);
  wait();
  disk.sent.clear();
  command(32, 3 * group * 512 - 512);
  command(33, 4 * group * 512);
  command(38);
  expect(command(13, it.rca())! & (1 << 15)).not.toBe(0);
  expect([...disk.sent.keys()]).toEqual([3 * group - 1, 4 * group]);
  wait();
  command(29, 3 * group * 512);
  wait();
  expect(command(24, 3 * group * 512)! & (1 << 26)).toBe(0);
});

test.each([STANDARD, HIGH])('the CSD takes a write protection, and nothing else: $capacity', (kind) => {
  const it = host(kind).identify();
  const { card, command, wait } = it;
  const csdNow = (): Uint8Array => {
    command(7, 0);
    const csd = card.command(9, it.rca())!.long!;
    command(7, it.rca());
    return csd;
  };
  const program = (csd: Uint8Array): number => {
    csd[15] = (crc7(csd.subarray(0, 15)) << 1) | 1;
    command(27);
    card.take(csd);
    wait();
    return it.status() & (1 << 16);
  };
  const wrong = csdNow();
  wrong[8]! ^= 1;
  expect(program(wrong)).not.toBe(0);
  const protecting = csdNow();
  protecting[14]! |= 0x10;
  expect(program(protecting)).toBe(0);
  expect(command(24, 0)! & (1 << 26)).not.toBe(0);
  // It outlasts the power, and goes again; one for good does not.
  card.reset();
  it.identify();
  expect(csdNow()[14]! & 0x10).toBe(0x10);
  protecting[14]! &= ~0x10;
  expect(program(protecting)).toBe(0);
  expect(command(24, 0)! & (1 << 26)).toBe(0);
  card.take(new Uint8Array(512));
  wait();
  protecting[14]! |= 0x20;
  expect(program(protecting)).toBe(0);
  protecting[14]! &= ~0x20;
  expect(program(protecting)).not.toBe(0);
});

test('CMD6 asks for high speed, and switches to it (4.3.10)', () => {
  const { card, command, rca } = host(HIGH).identify();
  const functions = (argument: number): string => {
    command(6, argument);
    const status = card.send()!;
    // Support of group 1 in bits 415:400, chosen functions in 399:376; six groups.
    return `${hexOf(status.subarray(12, 14))} ${hexOf(status.subarray(14, 17))}`;
  };
  expect(functions(0x00ff_fff1)).toBe('8003 000001');
  // Only asked.
  expect(functions(0x00ff_ffff)).toBe('8003 000000');
  // A function that it has not: none is switched.
  expect(functions(0x80ff_ff21)).toBe('8003 0000f1');
  expect(functions(0x00ff_ffff)).toBe('8003 000000');
  expect(functions(0x80ff_fff1)).toBe('8003 000001');
  expect(functions(0x00ff_ffff)).toBe('8003 000001');
  command(7, 0);
  expect(card.command(9, rca())!.long![3]).toBe(0x5a);
});

test('four lines are used after ACMD6, and SD status says so (4.10.2)', () => {
  const { card, app } = host(HIGH).identify();
  app(13);
  expect(card.send()![0]! >> 6).toBe(0);
  expect(card.width()).toBe(1);
  app(6, 2);
  app(13);
  const status = card.send()!;
  expect([status.length, status[0]! >> 6, status[8]]).toEqual([64, 2, 4]);
  expect(card.width()).toBe(4);
});

test('a disk that is smaller than a card can be reads as zero behind its end, and takes nothing there', () => {
  const disk = numbered(1000);
  const it = host(HIGH, disk).identify();
  expect(it.card.sectors).toBe(1024);
  it.command(17, 1000);
  expect(numberIn(it.card.send())).toBe(0);
  it.command(24, 1000);
  it.card.take(new Uint8Array(512));
  it.wait();
  expect(it.status() & (1 << 19)).not.toBe(0);
});

test.each([STANDARD, HIGH])(`whatever is sent, it answers or not (seed ${SEED}): $capacity`, (kind) => {
  const random = randomFrom(SEED);
  const disk = numbered(4000);
  const it = host(kind, disk);
  let [answered, sent, taken] = [0, 0, 0];
  for (let i = 0; i < 40_000; i++) {
    if (random(200) === 0) {
      // CMD15, or a voltage, may have made it inactive.
      it.card.reset();
      it.identify();
    }
    const index = random(8) === 0 ? random(64) : [17, 18, 24, 25, 12, 13, 55, 23, 6, 32, 33, 38][random(12)]!;
    const address = [0, 1, 511, 512, it.rca(), 4000 * 512 - 512, 4096, 0xffff_ffff][random(8)]!;
    const argument = random(2) === 0 ? address : random(0x1_0000_0000);
    const said = it.card.command(index, index === 13 || index === 55 ? it.rca() : argument);
    if (said) answered++;
    if (said?.long) expect(said.long).toHaveLength(16);
    for (let blocks = random(4); blocks > 0; blocks--) {
      const block = it.card.send();
      if (block) sent++;
      expect(block?.length ?? 512).toBeLessThanOrEqual(512);
      if (it.card.take(new Uint8Array(random(4) === 0 ? 16 : 512))) taken++;
    }
    if (random(4) === 0) it.time.now += random(2_000_000);
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 15]).toContain(it.card.state.code);
    if (random(5000) === 0) it.card.reset();
  }
  expect(Math.min(answered, sent, taken)).toBeGreaterThan(300);
  for (const sector of disk.sent.keys()) expect(sector).toBeLessThan(4000);
});
