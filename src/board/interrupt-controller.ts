import { PERIPHERAL_BASE } from './bcm2836.js';
import type { Device, Line } from './device.js';
import { bit, bits, register } from './register.js';

/** The ARM side's own interrupts (BCM2835 ARM Peripherals, section 7.5, "Basic pending"). */
export const ARM_INTERRUPT = { TIMER: 0, MAILBOX: 1, DOORBELL0: 2, DOORBELL1: 3 } as const;

const BASIC = {
  ARM_TIMER: bit(0),
  ARM_MAILBOX: bit(1),
  ARM_DOORBELL0: bit(2),
  ARM_DOORBELL1: bit(3),
  GPU0_HALTED: bit(4),
  GPU1_HALTED: bit(5),
  ILLEGAL_ACCESS1: bit(6),
  ILLEGAL_ACCESS0: bit(7),
} as const;

/** Physical address of its first register (BCM2835 ARM Peripherals, section 7.5). */
export const INTERRUPT_CONTROLLER_BASE = PERIPHERAL_BASE + 0xb200;

/** BCM2835 ARM Peripherals, section 7.5. */
export const INTERRUPT_CONTROLLER_REGISTERS = {
  BASIC_PENDING: register(0x00, 'IRQ basic pending', {
    ...BASIC,
    PENDING1: bit(8),
    PENDING2: bit(9),
    SHORTCUTS: bits(20, 10),
  }),
  PENDING1: register(0x04, 'IRQ pending, GPU interrupts 0 to 31'),
  PENDING2: register(0x08, 'IRQ pending, GPU interrupts 32 to 63'),
  FIQ_CONTROL: register(0x0c, 'FIQ control', { SOURCE: bits(6, 0), ENABLE: bit(7) }),
  ENABLE1: register(0x10, 'Enable IRQs 0 to 31'),
  ENABLE2: register(0x14, 'Enable IRQs 32 to 63'),
  ENABLE_BASIC: register(0x18, 'Enable basic IRQs', BASIC),
  DISABLE1: register(0x1c, 'Disable IRQs 0 to 31'),
  DISABLE2: register(0x20, 'Disable IRQs 32 to 63'),
  DISABLE_BASIC: register(0x24, 'Disable basic IRQs', BASIC),
} as const;

const REGISTERS = INTERRUPT_CONTROLLER_REGISTERS;

/** The GPU interrupts that have a bit of their own in the basic pending register, from bit 10 up. */
const SHORTCUTS = [7, 9, 10, 18, 19, 53, 54, 55, 56, 57, 62];

/** Those of {@link SHORTCUTS} in each half: they do not set the half's "more pending" bit. */
const SHORTCUT_MASKS = [0, 1].map((half) =>
  SHORTCUTS.filter((n) => n >> 5 === half).reduce((mask, n) => mask | bit(n & 31), 0),
);

/** FIQ sources from here on are the basic ones. */
const FIQ_BASIC = 64;

/** Gathers the 64 interrupts of the VideoCore side and the ARM's own into one IRQ and one FIQ. */
export class InterruptController implements Device {
  readonly name = 'BCM2835 interrupt controller';
  readonly registers = REGISTERS;
  readonly state = {
    /** Lines as they come in: GPU interrupts 0 to 31, 32 to 63, basic ones. */
    level: [0, 0, 0],
    /** Enable bits in the same order. */
    enabled: [0, 0, 0],
    fiqControl: 0,
  };

  /**
   * @param irq to the local controller's GPU IRQ
   * @param fiq to the local controller's GPU FIQ
   */
  constructor(
    private readonly irq: Line,
    private readonly fiq: Line,
  ) {}

  /** The line of GPU interrupt `n`, 0 to 63. */
  gpu(n: number): Line {
    return this.input(n >> 5, n & 31);
  }

  /** The line of one of {@link ARM_INTERRUPT}. */
  arm(n: number): Line {
    return this.input(2, n);
  }

  read(offset: number): number {
    switch (offset) {
      case REGISTERS.BASIC_PENDING.offset:
        return this.basicPending();
      case REGISTERS.PENDING1.offset:
        return this.pending(0);
      case REGISTERS.PENDING2.offset:
        return this.pending(1);
      case REGISTERS.FIQ_CONTROL.offset:
        return this.state.fiqControl;
      case REGISTERS.ENABLE1.offset:
        return this.state.enabled[0]!;
      case REGISTERS.ENABLE2.offset:
        return this.state.enabled[1]!;
      case REGISTERS.ENABLE_BASIC.offset:
        return this.state.enabled[2]!;
      case REGISTERS.DISABLE1.offset:
        return ~this.state.enabled[0]!;
      case REGISTERS.DISABLE2.offset:
        return ~this.state.enabled[1]!;
      default:
        return ~this.state.enabled[2]! & 0xff;
    }
  }

  steadyUntil(): number {
    return Infinity;
  }

  write(offset: number, value: number): void {
    switch (offset) {
      case REGISTERS.FIQ_CONTROL.offset:
        this.state.fiqControl =
          value & (REGISTERS.FIQ_CONTROL.bits.SOURCE | REGISTERS.FIQ_CONTROL.bits.ENABLE);
        break;
      case REGISTERS.ENABLE1.offset:
        this.state.enabled[0]! |= value;
        break;
      case REGISTERS.ENABLE2.offset:
        this.state.enabled[1]! |= value;
        break;
      case REGISTERS.ENABLE_BASIC.offset:
        this.state.enabled[2]! |= value & 0xff;
        break;
      case REGISTERS.DISABLE1.offset:
        this.state.enabled[0]! &= ~value;
        break;
      case REGISTERS.DISABLE2.offset:
        this.state.enabled[1]! &= ~value;
        break;
      case REGISTERS.DISABLE_BASIC.offset:
        this.state.enabled[2]! &= ~value;
        break;
    }
    this.update();
  }

  private input(group: number, n: number): Line {
    return (level) => {
      if (level) this.state.level[group]! |= bit(n);
      else this.state.level[group]! &= ~bit(n);
      this.update();
    };
  }

  private pending(group: number): number {
    return this.state.level[group]! & this.state.enabled[group]!;
  }

  private basicPending(): number {
    const { PENDING1, PENDING2 } = REGISTERS.BASIC_PENDING.bits;
    let value = this.pending(2);
    if (this.pending(0) & ~SHORTCUT_MASKS[0]!) value |= PENDING1;
    if (this.pending(1) & ~SHORTCUT_MASKS[1]!) value |= PENDING2;
    SHORTCUTS.forEach((n, index) => {
      if (this.pending(n >> 5) & bit(n & 31)) value |= bit(10 + index);
    });
    return value;
  }

  private update(): void {
    this.irq((this.pending(0) | this.pending(1) | this.pending(2)) !== 0);
    const { SOURCE, ENABLE } = REGISTERS.FIQ_CONTROL.bits;
    const source = this.state.fiqControl & SOURCE;
    const group = source >= FIQ_BASIC ? 2 : source >> 5;
    // Sources above the eight basic ones do not exist.
    const exists = source < FIQ_BASIC + 8;
    this.fiq(
      (this.state.fiqControl & ENABLE) !== 0 && exists && (this.state.level[group]! & bit(source & 31)) !== 0,
    );
  }
}
