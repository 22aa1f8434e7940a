import { PeripheralBus } from '../../src/board/bus.js';
import { Clock } from '../../src/board/clock.js';
import type { Device, Line } from '../../src/board/device.js';

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
