import { PeripheralBus } from '../../src/board/bus.js';
import { Clock } from '../../src/board/clock.js';
import type { Device, Line } from '../../src/board/device.js';
import { type CardSource, createPi2 } from '../../src/board/pi2.js';
import type { BoardIdentity } from '../../src/board/property.js';
import { DATA_BUFFER_BYTES } from '../../src/ports/data-buffer.js';
import { memoryDisk } from '../support/memory-disk.js';

/** A line that remembers its level. */
export function probe(): Line & { level: boolean } {
  const line = (level: boolean): void => {
    line.level = level;
  };
  line.level = false;
  return line;
}

/** Virtual time that a test moves by hand. */
export class TestTime {
  private time = 0;
  readonly clock = new Clock(() => this.time);

  /** Goes on by `nanoseconds`, stopping at every event on the way as an engine does. */
  advance(nanoseconds: number): void {
    const end = this.time + nanoseconds;
    while (this.clock.nextEvent() <= end) {
      this.time = this.clock.nextEvent();
      this.clock.runEvents();
    }
    this.time = end;
    this.clock.runEvents();
  }

  /** Goes on without running events, as a processor does within a slice. */
  pass(nanoseconds: number): void {
    this.time += nanoseconds;
  }
}

/** One device alone on a bus at address 0, driven in 32-bit words. */
export function alone(device: Device): {
  read: (offset: number) => number;
  write: (offset: number, value: number) => void;
  bus: PeripheralBus;
  log: string[];
} {
  const log: string[] = [];
  const bus = new PeripheralBus([{ base: 0, size: 0x1_0000, device }], [], (sentence) => log.push(sentence));
  return {
    bus,
    log,
    read: (offset) => bus.read(0, offset, 4),
    write: (offset, value) => {
      bus.write(0, offset, 4, value);
    },
  };
}

/** Bytes of RAM that test boards have; the ARM's share ends before the VideoCore's. */
export const RAM_SIZE = 0x40_0000;
export const ARM_MEMORY = 0x20_0000;

/** Bytes of the card that test boards have, unless they get another one or none. */
const CARD_SIZE = 0x10_0000;

/** A whole board with a small RAM, everything it tells its surroundings written down. */
export function testBoard(
  identity: Partial<BoardIdentity> = {},
  card: CardSource | 'none' | 'small' = 'small',
) {
  const contents = new Uint8Array(CARD_SIZE);
  const time = new TestTime();
  const ram = new Uint8Array(RAM_SIZE);
  const view = new DataView(ram.buffer);
  const told = {
    irq: [false, false, false, false],
    fiq: [false, false, false, false],
    written: [] as [number, number][],
    console: '',
    auxConsole: '',
    ended: [] as string[],
    log: [] as string[],
  };
  const board = createPi2({
    memory: {
      size: RAM_SIZE,
      read32: (address) => view.getUint32(address, true),
      write32: (address, value) => {
        view.setUint32(address, value, true);
        told.written.push([address, 4]);
      },
      read: (address, length) => ram.slice(address, address + length),
      write: (address, bytes) => {
        ram.set(bytes, address);
        told.written.push([address, bytes.length]);
      },
    },
    dataBuffer: () => ({ way: 'none', length: 0, at: 0, bytes: new Uint8Array(DATA_BUFFER_BYTES) }),
    clock: time.clock,
    card: card === 'none' ? undefined : card === 'small' ? { disk: memoryDisk(contents) } : card,
    identity: {
      revision: 0xa01041,
      serial: 0x1234_5678_9abc_def0n,
      firmwareRevision: 0x5600_0000,
      commandLine: 'console=ttyAMA0 root=/dev/mmcblk0p2',
      armMemory: ARM_MEMORY,
      ramSize: RAM_SIZE,
      ...identity,
    },
    seed: 1,
    irq: (core, level) => (told.irq[core] = level),
    fiq: (core, level) => (told.fiq[core] = level),
    coreTimerSet: () => undefined,
    console: (byte) => (told.console += String.fromCharCode(byte)),
    auxConsole: (byte) => (told.auxConsole += String.fromCharCode(byte)),
    ended: (how) => told.ended.push(how),
    log: (sentence) => told.log.push(sentence),
  });
  return {
    board,
    time,
    ram,
    /** What is on the small card. */
    contents,
    told,
    read: (address: number): number => board.bus.read(0, address, 4),
    write: (address: number, value: number): void => {
      board.bus.write(0, address, 4, value);
    },
    word: (address: number): number => view.getUint32(address, true),
    setWords: (address: number, ...words: number[]): void => {
      words.forEach((word, i) => {
        view.setUint32(address + 4 * i, word, true);
      });
    },
  };
}

/** Numbers from a seed, each below what is given: SplitMix32. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x9e37_79b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85eb_ca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % below;
  };
}
