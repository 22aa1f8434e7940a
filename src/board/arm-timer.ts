import { SECOND, type Clock, type Timer } from './clock.js';
import type { Device, Line } from './device.js';
import { bit, bits, fieldOf, register } from './register.js';

/** BCM2835 ARM Peripherals, section 14.2; offsets from 0x3f00b400. */
export const ARM_TIMER_REGISTERS = {
  LOAD: register(0x00, 'Load: sets the counter'),
  VALUE: register(0x04, 'Value'),
  CONTROL: register(0x08, 'Control', {
    WIDTH_32: bit(1),
    PRESCALE: bits(3, 2),
    INTERRUPT_ENABLE: bit(5),
    ENABLE: bit(7),
    HALT_IN_DEBUG: bit(8),
    FREE_ENABLE: bit(9),
    FREE_PRESCALE: bits(23, 16),
  }),
  IRQ_CLEAR: register(0x0c, 'Interrupt clear'),
  RAW_IRQ: register(0x10, 'Raw interrupt', { IRQ: bit(0) }),
  MASKED_IRQ: register(0x14, 'Masked interrupt', { IRQ: bit(0) }),
  RELOAD: register(0x18, 'Reload: what the counter starts from next'),
  PREDIVIDER: register(0x1c, 'Predivider: the APB clock is divided by one more', { PREDIVIDER: bits(9, 0) }),
  FREE: register(0x20, 'Free-running counter'),
} as const;

const REGISTERS = ARM_TIMER_REGISTERS;
const { CONTROL } = REGISTERS;

/** The APB clock, which is the core clock, Hz. */
const APB_HZ = 250_000_000;

/** Dividers by CONTROL.PRESCALE. */
const PRESCALES = [1, 16, 256, 1];

const CONTROL_RESET = 0x003e_0020;
const PREDIVIDER_RESET = 0x7d;

/** The ARM side's timer, near to an SP804: counts down, interrupts at zero and starts again. */
export class ArmTimer implements Device {
  readonly name = 'ARM timer';
  readonly registers = REGISTERS;
  readonly state = {
    control: CONTROL_RESET,
    reload: 0,
    predivider: PREDIVIDER_RESET,
    raw: false,
    /** When the counter reaches zero while it runs; else what it stands at. */
    zeroAt: 0,
    stopped: 0,
    /** The free-running counter stood at `freeBase` at the time `freeSince`. */
    freeBase: 0,
    freeSince: 0,
  };

  private readonly timer: Timer;

  constructor(
    private readonly clock: Clock,
    private readonly irq: Line,
  ) {
    this.timer = clock.timer(this.name, (due) => {
      this.state.raw = true;
      this.update();
      const period = (this.wrapped(this.state.reload) + 1) * this.tick();
      const passed = Math.floor((this.clock.now() - due) / period) + 1;
      this.state.zeroAt = due + passed * period;
      this.timer.set(this.state.zeroAt);
    });
  }

  read(offset: number): number {
    switch (offset) {
      case REGISTERS.LOAD.offset:
      case REGISTERS.RELOAD.offset:
        return this.state.reload;
      case REGISTERS.VALUE.offset:
        return this.value();
      case CONTROL.offset:
        return this.state.control;
      case REGISTERS.RAW_IRQ.offset:
        return Number(this.state.raw);
      case REGISTERS.MASKED_IRQ.offset:
        return Number(this.state.raw && (this.state.control & CONTROL.bits.INTERRUPT_ENABLE) !== 0);
      case REGISTERS.PREDIVIDER.offset:
        return this.state.predivider;
      case REGISTERS.FREE.offset:
        return this.free() % 2 ** 32;
      default:
        return 0;
    }
  }

  write(offset: number, value: number): void {
    const counted = this.value();
    this.state.freeBase = this.free();
    this.state.freeSince = this.clock.now();
    switch (offset) {
      case REGISTERS.LOAD.offset:
        this.state.reload = value;
        this.run(this.wrapped(value));
        break;
      case REGISTERS.RELOAD.offset:
        this.state.reload = value;
        break;
      case CONTROL.offset:
        this.state.control = value & 0x00ff_03ae;
        this.run(this.wrapped(counted));
        break;
      case REGISTERS.IRQ_CLEAR.offset:
        this.state.raw = false;
        break;
      case REGISTERS.PREDIVIDER.offset:
        this.state.predivider = value & REGISTERS.PREDIVIDER.bits.PREDIVIDER;
        this.run(counted);
        break;
    }
    this.update();
  }

  /** Nanoseconds of one count. */
  private tick(): number {
    const prescale = PRESCALES[fieldOf(this.state.control, CONTROL.bits.PRESCALE)]!;
    return ((this.state.predivider + 1) * prescale * SECOND) / APB_HZ;
  }

  /** A count cut to the counter's width. */
  private wrapped(count: number): number {
    return this.state.control & CONTROL.bits.WIDTH_32 ? count : count & 0xffff;
  }

  private value(): number {
    if (!(this.state.control & CONTROL.bits.ENABLE)) return this.state.stopped;
    return Math.max(0, Math.ceil((this.state.zeroAt - this.clock.now()) / this.tick()));
  }

  private run(from: number): void {
    this.state.stopped = from;
    if (this.state.control & CONTROL.bits.ENABLE) {
      this.state.zeroAt = this.clock.now() + from * this.tick();
      this.timer.set(this.state.zeroAt);
    } else {
      this.timer.clear();
    }
  }

  private free(): number {
    if (!(this.state.control & CONTROL.bits.FREE_ENABLE)) return this.state.freeBase;
    const hz = APB_HZ / (fieldOf(this.state.control, CONTROL.bits.FREE_PRESCALE) + 1);
    return this.state.freeBase + Math.floor(((this.clock.now() - this.state.freeSince) * hz) / SECOND);
  }

  private update(): void {
    this.irq(this.state.raw && (this.state.control & CONTROL.bits.INTERRUPT_ENABLE) !== 0);
  }
}
