import { PERIPHERAL_BASE } from './bcm2836.js';
import type { Clock, Timer } from './clock.js';
import type { Device, Line } from './device.js';
import { bits, indexIn, register, registers } from './register.js';

/** BCM2835 ARM Peripherals, section 12.1: bus address 0x7e003000. */
export const SYSTEM_TIMER_BASE = PERIPHERAL_BASE + 0x3000;

/** BCM2835 ARM Peripherals, section 12.1. */
export const SYSTEM_TIMER_REGISTERS = {
  CS: register(0x00, 'Control and status: a match bit for each compare, cleared by writing it', {
    M: bits(3, 0),
  }),
  CLO: register(0x04, 'Counter, lower 32 bits'),
  CHI: register(0x08, 'Counter, higher 32 bits'),
  C: registers(0x0c, 4, 'Compare'),
} as const;

const { CS, CLO, CHI, C } = SYSTEM_TIMER_REGISTERS;

/** One count, nanoseconds: the counter runs at 1 MHz. */
const COUNT = 1000;

const WRAP = 2 ** 32;

/** The free-running 64-bit counter with four compares against its lower half, each with a line of its own. */
export class SystemTimer implements Device {
  readonly name = 'system timer';
  readonly registers = SYSTEM_TIMER_REGISTERS;
  readonly state = {
    matched: 0,
    compare: [0, 0, 0, 0],
  };

  private readonly timers: readonly Timer[];

  /** @param irqs the lines of compares 0 to 3; the VideoCore uses 0 and 2 on a real board */
  constructor(
    private readonly clock: Clock,
    private readonly irqs: readonly Line[],
  ) {
    this.timers = this.state.compare.map((_, index) =>
      clock.timer(`${this.name} compare ${index}`, () => {
        this.state.matched |= 1 << index;
        this.irqs[index]!(true);
        this.arm(index, 1);
      }),
    );
  }

  read(offset: number): number {
    const count = this.count();
    switch (offset) {
      case CS.offset:
        return this.state.matched;
      case CLO.offset:
        return count >>> 0;
      case CHI.offset:
        return Math.floor(count / WRAP);
      default:
        return this.state.compare[indexIn(C, offset)] ?? 0;
    }
  }

  steadyUntil(offset: number): number {
    return offset === CLO.offset || offset === CHI.offset ? (this.count() + 1) * COUNT : Infinity;
  }

  write(offset: number, value: number): void {
    if (offset === CS.offset) {
      this.state.matched &= ~value;
      this.irqs.forEach((irq, index) => {
        irq((this.state.matched & (1 << index)) !== 0);
      });
      return;
    }
    const index = indexIn(C, offset);
    if (index < 0) return;
    this.state.compare[index] = value;
    this.arm(index, 0);
  }

  /** Sets the timer of a compare for when the counter's lower half comes to it, at least `least` counts from now. */
  private arm(index: number, least: number): void {
    const count = this.count();
    const ahead = ((this.state.compare[index]! - (count % WRAP) - least + 2 * WRAP) % WRAP) + least;
    this.timers[index]!.set((count + ahead) * COUNT);
  }

  private count(): number {
    return Math.floor(this.clock.now() / COUNT);
  }
}
