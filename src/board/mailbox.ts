import { PERIPHERAL_BASE } from './bcm2836.js';
import type { Device, Line, Log } from './device.js';
import { bit, bits, indexIn, register, registers } from './register.js';

const STATUS = { LEVEL: bits(7, 0), EMPTY: bit(30), FULL: bit(31) } as const;

const CONFIG = {
  DATA_IRQ_ENABLE: bit(0),
  SPACE_IRQ_ENABLE: bit(1),
  EMPTY_IRQ_ENABLE: bit(2),
  CLEAR: bit(3),
  DATA_IRQ_PENDING: bit(4),
  SPACE_IRQ_PENDING: bit(5),
  EMPTY_IRQ_PENDING: bit(6),
  NOT_OWNER: bit(8),
  OVERFLOW: bit(9),
  UNDERFLOW: bit(10),
} as const;

/** Physical address of the mailboxes' registers. */
export const MAILBOX_BASE = PERIPHERAL_BASE + 0xb880;

/** Raspberry Pi documentation, "Accessing mailboxes"; offsets from 0x3f00b880. Each data register is seen four times. */
export const MAILBOX_REGISTERS = {
  MAIL0_READ: registers(0x00, 4, 'Mailbox 0, VideoCore to ARM: takes a message'),
  MAIL0_PEEK: register(0x10, 'Mailbox 0: the next message, not taken'),
  MAIL0_SENDER: register(0x14, 'Mailbox 0: sender'),
  MAIL0_STATUS: register(0x18, 'Mailbox 0: status', STATUS),
  MAIL0_CONFIG: register(0x1c, 'Mailbox 0: configuration', CONFIG),
  MAIL1_WRITE: registers(0x20, 4, 'Mailbox 1, ARM to VideoCore: sends a message'),
  MAIL1_PEEK: register(0x30, 'Mailbox 1: the next message'),
  MAIL1_SENDER: register(0x34, 'Mailbox 1: sender'),
  MAIL1_STATUS: register(0x38, 'Mailbox 1: status', STATUS),
  MAIL1_CONFIG: register(0x3c, 'Mailbox 1: configuration', CONFIG),
} as const;

const REGISTERS = MAILBOX_REGISTERS;

/** Channels of the mailboxes (Raspberry Pi documentation, "Mailboxes"). */
export const CHANNEL = { POWER: 0, FRAMEBUFFER: 1, VCHIQ: 3, PROPERTY: 8 } as const;

/** A message is data in its upper 28 bits and a channel in the lower four. */
const CHANNEL_MASK = 0xf;

/** Messages that a mailbox holds. */
const DEPTH = 8;

/** What reading an empty mailbox gives: a channel that nobody uses. */
const NOTHING = 0xf;

/** Takes a message's data (its lower four bits zero) and gives the data of the answer, or undefined for none. */
export type ChannelHandler = (data: number) => number | undefined;

/** Mailboxes 0 and 1, through which the ARM asks the VideoCore. Answers come at once. */
export class Mailboxes implements Device {
  readonly name = 'mailboxes';
  readonly registers = REGISTERS;
  readonly state = {
    toArm: [] as number[],
    toVideoCore: [] as number[],
    interruptEnable: 0,
    errors: 0,
  };

  /**
   * @param irq the ARM's mailbox interrupt
   * @param handlers who answers on which channel
   */
  constructor(
    private readonly irq: Line,
    private readonly handlers: ReadonlyMap<number, ChannelHandler>,
    private readonly log: Log,
  ) {}

  read(offset: number): number {
    if (indexIn(REGISTERS.MAIL0_READ, offset) >= 0) return this.take();
    switch (offset) {
      case REGISTERS.MAIL0_PEEK.offset:
        return this.state.toArm[0] ?? NOTHING;
      case REGISTERS.MAIL0_STATUS.offset:
        return statusOf(this.state.toArm);
      case REGISTERS.MAIL0_CONFIG.offset: {
        const pending = this.state.toArm.length > 0 ? CONFIG.DATA_IRQ_PENDING : 0;
        return this.state.interruptEnable | pending | this.state.errors;
      }
      case REGISTERS.MAIL1_STATUS.offset:
        return statusOf(this.state.toVideoCore);
      default:
        return 0;
    }
  }

  steadyUntil(offset: number): number {
    return indexIn(REGISTERS.MAIL0_READ, offset) >= 0 ? -Infinity : Infinity;
  }

  write(offset: number, value: number): void {
    if (indexIn(REGISTERS.MAIL1_WRITE, offset) >= 0) {
      if (this.state.toVideoCore.length < DEPTH) this.state.toVideoCore.push(value);
      else this.state.errors |= CONFIG.OVERFLOW;
      this.answer();
    } else if (offset === REGISTERS.MAIL0_CONFIG.offset) {
      this.state.interruptEnable = value & CONFIG.DATA_IRQ_ENABLE;
      // Any write clears the error bits.
      this.state.errors = 0;
      if (value & CONFIG.CLEAR) this.state.toArm.length = 0;
      this.answer();
    }
  }

  private take(): number {
    const message = this.state.toArm.shift();
    if (message === undefined) this.state.errors |= CONFIG.UNDERFLOW;
    this.answer();
    return message ?? NOTHING;
  }

  /** Has the VideoCore answer as long as there is room for answers. */
  private answer(): void {
    while (this.state.toVideoCore.length > 0 && this.state.toArm.length < DEPTH) {
      const message = this.state.toVideoCore.shift()!;
      const channel = message & CHANNEL_MASK;
      const handler = this.handlers.get(channel);
      if (!handler) {
        this.log(`the guest wrote to mailbox channel ${channel}, on which nobody answers`);
        continue;
      }
      const data = handler((message & ~CHANNEL_MASK) >>> 0);
      if (data !== undefined) this.state.toArm.push(((data & ~CHANNEL_MASK) | channel) >>> 0);
    }
    this.irq(this.state.interruptEnable !== 0 && this.state.toArm.length > 0);
  }
}

function statusOf(box: readonly number[]): number {
  return box.length | (box.length === 0 ? STATUS.EMPTY : 0) | (box.length >= DEPTH ? STATUS.FULL : 0);
}
