import { PERIPHERAL_BASE } from './bcm2836.js';
import { mix32 } from '../base/random.js';
import type { Device } from './device.js';
import { bit, bits, register } from './register.js';

export const RNG_BASE = PERIPHERAL_BASE + 0x10_4000;

/** Linux, drivers/char/hw_random/bcm2835-rng.c. */
export const RNG_REGISTERS = {
  CTRL: register(0x00, 'Control', { RBGEN: bit(0), RBG2X: bit(1) }),
  STATUS: register(0x04, 'Status', { WARMUP: bits(19, 0), AVAILABLE: bits(31, 24) }),
  DATA: register(0x08, 'A random word'),
  FF_THRESHOLD: register(0x0c, 'FIFO threshold'),
  INT_MASK: register(0x10, 'Interrupt mask', { OFF: bit(0) }),
} as const;

const { CTRL, STATUS, DATA, FF_THRESHOLD, INT_MASK } = RNG_REGISTERS;

/** Words that wait in the FIFO, always. */
const AVAILABLE = 4;

/**
 * The random number generator. Its numbers follow from the seed, so that the same card gives the same run: they are
 * good for nothing that must stay secret.
 */
export class Rng implements Device {
  readonly name = 'random number generator';
  readonly registers = RNG_REGISTERS;
  readonly state;

  constructor(seed: number) {
    this.state = { control: 0, warmup: 0, threshold: 0, interruptMask: 0, sequence: seed };
  }

  read(offset: number): number {
    const on = (this.state.control & CTRL.bits.RBGEN) !== 0;
    switch (offset) {
      case CTRL.offset:
        return this.state.control;
      case STATUS.offset:
        return this.state.warmup | (on ? AVAILABLE << 24 : 0);
      case DATA.offset:
        return on ? this.next() : 0;
      case FF_THRESHOLD.offset:
        return this.state.threshold;
      default:
        return this.state.interruptMask;
    }
  }

  write(offset: number, value: number): void {
    switch (offset) {
      case CTRL.offset:
        this.state.control = value & (CTRL.bits.RBGEN | CTRL.bits.RBG2X);
        break;
      case STATUS.offset:
        this.state.warmup = value & STATUS.bits.WARMUP;
        break;
      case FF_THRESHOLD.offset:
        this.state.threshold = value;
        break;
      case INT_MASK.offset:
        this.state.interruptMask = value;
        break;
    }
  }

  /** SplitMix32 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", with 32-bit constants). */
  private next(): number {
    this.state.sequence = (this.state.sequence + 0x9e37_79b9) | 0;
    return mix32(this.state.sequence);
  }
}
