import type { Clock, Timer } from './clock.js';
import type { Device, Line } from './device.js';
import { bit, bits, fieldOf, register, registers } from './register.js';
import type { VideoCoreBus } from './videocore-bus.js';

const CS = {
  ACTIVE: bit(0),
  END: bit(1),
  INT: bit(2),
  DREQ: bit(3),
  PAUSED: bit(4),
  DREQ_STOPS_DMA: bit(5),
  WAITING_FOR_WRITES: bit(6),
  ERROR: bit(8),
  PRIORITY: bits(19, 16),
  PANIC_PRIORITY: bits(23, 20),
  WAIT_FOR_WRITES: bit(28),
  DISDEBUG: bit(29),
  ABORT: bit(30),
  RESET: bit(31),
} as const;

const TI = {
  INTEN: bit(0),
  TDMODE: bit(1),
  WAIT_RESP: bit(3),
  DEST_INC: bit(4),
  DEST_WIDTH: bit(5),
  DEST_DREQ: bit(6),
  DEST_IGNORE: bit(7),
  SRC_INC: bit(8),
  SRC_WIDTH: bit(9),
  SRC_DREQ: bit(10),
  SRC_IGNORE: bit(11),
  BURST_LENGTH: bits(15, 12),
  PERMAP: bits(20, 16),
  WAITS: bits(25, 21),
  NO_WIDE_BURSTS: bit(26),
} as const;

const LENGTH = { XLENGTH: bits(15, 0), YLENGTH: bits(29, 16), LINEAR: bits(29, 0) } as const;

const DEBUG = {
  READ_LAST_NOT_SET_ERROR: bit(0),
  FIFO_ERROR: bit(1),
  READ_ERROR: bit(2),
  DMA_ID: bits(15, 8),
  VERSION: bits(27, 25),
  LITE: bit(28),
} as const;

/** Bytes from one channel's registers to the next one's. */
const CHANNEL_SIZE = 0x100;

/** Channels in the main block; channel 15 has a place of its own. */
const MAIN_CHANNELS = 15;

/** The first channel of the reduced kind, without 2D mode and with 16-bit lengths (section 4.5). */
const FIRST_LITE = 7;

/** BCM2835 ARM Peripherals, section 4.2; offsets from 0x3f007000. */
export const DMA_REGISTERS = {
  CS: registers(0x00, MAIN_CHANNELS, 'Control and status', CS, CHANNEL_SIZE),
  CONBLK_AD: registers(0x04, MAIN_CHANNELS, 'Control block address', {}, CHANNEL_SIZE),
  TI: registers(0x08, MAIN_CHANNELS, 'Transfer information', TI, CHANNEL_SIZE),
  SOURCE_AD: registers(0x0c, MAIN_CHANNELS, 'Source address', {}, CHANNEL_SIZE),
  DEST_AD: registers(0x10, MAIN_CHANNELS, 'Destination address', {}, CHANNEL_SIZE),
  TXFR_LEN: registers(0x14, MAIN_CHANNELS, 'Transfer length', LENGTH, CHANNEL_SIZE),
  STRIDE: registers(
    0x18,
    MAIN_CHANNELS,
    '2D strides, signed',
    { S: bits(15, 0), D: bits(31, 16) },
    CHANNEL_SIZE,
  ),
  NEXTCONBK: registers(0x1c, MAIN_CHANNELS, 'Next control block address', {}, CHANNEL_SIZE),
  DEBUG: registers(0x20, MAIN_CHANNELS, 'Debug', DEBUG, CHANNEL_SIZE),
  INT_STATUS: register(0xfe0, 'Interrupt of each channel'),
  ENABLE: register(0xff0, 'Global enable of each channel'),
} as const;

const REGISTERS = DMA_REGISTERS;

/** The registers of channel 15 alone. */
export const DMA15_REGISTERS = Object.fromEntries(
  Object.entries(REGISTERS)
    .filter(([, { count }]) => count > 1)
    .map(([name, { offset, about, bits: fields }]) => [name, register(offset, about, fields)]),
);

/** CS bits that keep what is written. */
const CS_KEPT = CS.PRIORITY | CS.PANIC_PRIORITY | CS.WAIT_FOR_WRITES | CS.DISDEBUG;

/** A control block is 32 bytes and starts on such a boundary. */
const CONTROL_BLOCK_ALIGNMENT = 0x1f;

/** What a channel does before others get their turn: bytes of RAM that it moves, and control blocks it takes up. */
const STEP = { cost: 0x1_0000, blocks: 8 } as const;

/** A byte to or from a peripheral counts as this many of RAM. */
const PERIPHERAL_COST = 16;

/** The shortest time a step takes, and the time each byte takes, nanoseconds. */
const LEAST_STEP_TIME = 1000;
const BYTE_TIME = 1;

/**
 * A peripheral's data register with its data request (DREQ): a channel waits until there is something to move, and who
 * has the register says when that is ({@link DmaController.request}).
 */
export interface DataPort {
  /** Its bus address. */
  readonly address: number;
  /** Bytes that can be moved now: out of it, into it. */
  readable(): number;
  writable(): number;
  /** Moves that many, at most. */
  take(count: number): Uint8Array;
  give(bytes: Uint8Array): void;
}

/** Data ports by the number that TI.PERMAP has for their request. */
export type DataPorts = ReadonlyMap<number, DataPort>;

/** One transfer that is under way. */
interface Transfer {
  /** Bytes of a row, and what is left of the present one. */
  row: number;
  left: number;
  /** Rows after this one. */
  rows: number;
}

class Channel {
  readonly state = {
    status: 0,
    block: 0,
    information: 0,
    source: 0,
    destination: 0,
    length: 0,
    stride: 0,
    next: 0,
    errors: 0,
    transfer: undefined as Transfer | undefined,
    /** It waits for a data request. */
    waits: false,
  };
  private readonly timer: Timer;

  constructor(
    private readonly number: number,
    private readonly clock: Clock,
    private readonly memory: VideoCoreBus,
    private readonly ports: DataPorts,
    private readonly isEnabled: () => boolean,
    private readonly changed: () => void,
  ) {
    this.timer = clock.timer(`DMA channel ${number}`, () => {
      this.step();
    });
  }

  private get isLite(): boolean {
    return this.number >= FIRST_LITE && this.number < MAIN_CHANNELS;
  }

  read(offset: number): number {
    switch (offset) {
      case REGISTERS.CS.offset:
        return (
          this.state.status |
          (this.state.status & CS.ACTIVE ? 0 : CS.PAUSED) |
          (this.state.errors ? CS.ERROR : 0)
        );
      case REGISTERS.CONBLK_AD.offset:
        return this.state.block;
      case REGISTERS.TI.offset:
        return this.state.information;
      case REGISTERS.SOURCE_AD.offset:
        return this.state.source;
      case REGISTERS.DEST_AD.offset:
        return this.state.destination;
      case REGISTERS.TXFR_LEN.offset:
        return this.state.transfer
          ? (this.state.transfer.rows << 16) | this.state.transfer.left
          : this.state.length;
      case REGISTERS.STRIDE.offset:
        return this.state.stride;
      case REGISTERS.NEXTCONBK.offset:
        return this.state.next;
      default:
        return this.state.errors | (this.isLite ? DEBUG.LITE : 0) | (this.number << 8);
    }
  }

  write(offset: number, value: number): void {
    switch (offset) {
      case REGISTERS.CS.offset:
        this.control(value);
        break;
      case REGISTERS.CONBLK_AD.offset:
        if (!(this.state.status & CS.ACTIVE)) this.state.block = (value & ~CONTROL_BLOCK_ALIGNMENT) >>> 0;
        break;
      case REGISTERS.NEXTCONBK.offset:
        this.state.next = (value & ~CONTROL_BLOCK_ALIGNMENT) >>> 0;
        break;
      case REGISTERS.DEBUG.offset:
        this.state.errors &= ~value;
        break;
    }
    this.changed();
  }

  /** Goes on if it is active and enabled. */
  kick(): void {
    if (this.state.status & CS.ACTIVE && this.isEnabled()) this.timer.set(this.clock.now() + LEAST_STEP_TIME);
  }

  /** A data request of that number has come up. */
  request(permap: number): void {
    if (this.state.waits && fieldOf(this.state.information, TI.PERMAP) === permap) this.step();
  }

  private control(value: number): void {
    this.state.waits = false;
    if (value & CS.RESET) {
      this.state.status = 0;
      this.state.block = 0;
      this.state.transfer = undefined;
      this.timer.clear();
      return;
    }
    const wasActive = this.state.status & CS.ACTIVE;
    this.state.status =
      (this.state.status & (CS.END | CS.INT) & ~value) | (value & CS_KEPT) | (value & CS.ACTIVE);
    if (value & CS.ABORT) this.finishBlock();
    // Without a control block there is nothing to be active about.
    if (this.state.block === 0) this.state.status &= ~CS.ACTIVE;
    if (!(this.state.status & CS.ACTIVE)) this.timer.clear();
    else if (!wasActive) this.kick();
  }

  private step(): void {
    this.state.waits = false;
    if (!this.isEnabled() || !(this.state.status & CS.ACTIVE)) return;
    let cost = 0;
    for (let blocks = 0; blocks < STEP.blocks && cost < STEP.cost && this.state.status & CS.ACTIVE;) {
      if (!this.state.transfer) {
        blocks++;
        this.load();
      }
      if (!this.state.transfer) continue;
      const port = this.port();
      // Moving may bring the next data request at once, which must find that nobody waits yet.
      if (port && this.movable(port) === 0 && this.state.transfer.left > 0) {
        this.state.waits = true;
        break;
      }
      cost += port
        ? this.moveByPort(this.state.transfer, port)
        : this.move(this.state.transfer, STEP.cost - cost);
    }
    if (this.state.status & CS.ACTIVE && !this.state.waits)
      this.timer.set(this.clock.now() + Math.max(LEAST_STEP_TIME, cost * BYTE_TIME));
    this.changed();
  }

  private load(): void {
    if (!this.memory.isRam(this.state.block, CONTROL_BLOCK_ALIGNMENT + 1)) {
      this.state.errors |= DEBUG.READ_ERROR;
      this.state.status &= ~CS.ACTIVE;
      return;
    }
    const word = (index: number): number => this.memory.read32(this.state.block + 4 * index);
    this.state.information = word(0);
    this.state.source = word(1);
    this.state.destination = word(2);
    this.state.length = word(3);
    this.state.stride = word(4);
    this.state.next = (word(5) & ~CONTROL_BLOCK_ALIGNMENT) >>> 0;
    const row = fieldOf(this.state.length, LENGTH.XLENGTH);
    if (this.isLite) this.state.transfer = { row, left: row, rows: 0 };
    // YLENGTH counts the rows after the first (Raspberry Pi's framebuffer driver writes the height less one).
    else if (this.state.information & TI.TDMODE) {
      this.state.transfer = { row, left: row, rows: fieldOf(this.state.length, LENGTH.YLENGTH) };
    } else this.state.transfer = { row: 0, left: fieldOf(this.state.length, LENGTH.LINEAR), rows: 0 };
  }

  /** The data port whose request the transfer waits for; undefined where it waits for none. */
  private port(): DataPort | undefined {
    const { information, source, destination } = this.state;
    const port = this.ports.get(fieldOf(information, TI.PERMAP));
    if (!port) return undefined;
    const reads = information & TI.SRC_DREQ && source === port.address;
    const writes = information & TI.DEST_DREQ && destination === port.address;
    return reads || writes ? port : undefined;
  }

  private movable(port: DataPort): number {
    return this.state.information & TI.SRC_DREQ ? port.readable() : port.writable();
  }

  /** Moves between RAM and a port what it has or takes, at most the present row; returns the cost. */
  private moveByPort(transfer: Transfer, port: DataPort): number {
    const { information } = this.state;
    const bytes = Math.min(transfer.left, this.movable(port));
    if (information & TI.SRC_DREQ) {
      const moved = port.take(bytes);
      if (!(information & TI.DEST_IGNORE)) this.memory.writeBytes(this.state.destination, moved);
    } else {
      const read = information & TI.SRC_IGNORE ? undefined : this.memory.readBytes(this.state.source, bytes);
      port.give(read ?? new Uint8Array(bytes));
    }
    this.pass(transfer, bytes);
    // The bus of the card takes longer than this.
    return 1;
  }

  /** Moves a part of the present row that costs no more than `limit`; returns the cost, at least 1. */
  private move(transfer: Transfer, limit: number): number {
    const inRam = this.memory.isRam(this.state.source, 4) && this.memory.isRam(this.state.destination, 4);
    const byteCost = inRam ? 1 : PERIPHERAL_COST;
    const bytes = Math.min(transfer.left, Math.max(4, (limit / byteCost) & ~3));
    if (bytes > 0) this.copy(bytes);
    this.pass(transfer, bytes);
    return Math.max(1, bytes * byteCost);
  }

  /** So many bytes of the present row are moved: goes on in it, to the next row or to the next control block. */
  private pass(transfer: Transfer, bytes: number): void {
    if (this.state.information & TI.SRC_INC) this.state.source = (this.state.source + bytes) >>> 0;
    if (this.state.information & TI.DEST_INC) this.state.destination = (this.state.destination + bytes) >>> 0;
    transfer.left -= bytes;
    if (transfer.left > 0) return;
    if (transfer.rows > 0) {
      transfer.rows--;
      transfer.left = transfer.row;
      this.state.source = (this.state.source + ((this.state.stride << 16) >> 16)) >>> 0;
      this.state.destination = (this.state.destination + (this.state.stride >> 16)) >>> 0;
    } else {
      this.state.status |= CS.END;
      if (this.state.information & TI.INTEN) this.state.status |= CS.INT;
      this.finishBlock();
    }
  }

  private finishBlock(): void {
    this.state.transfer = undefined;
    this.state.length = 0;
    this.state.block = this.state.next;
    this.state.next = 0;
    if (this.state.block === 0) this.state.status &= ~CS.ACTIVE;
  }

  /** Data requests (DREQ) of peripherals that have no {@link DataPort} are not waited for. */
  private copy(bytes: number): void {
    const { information, source, destination } = this.state;
    const { memory } = this;
    const fromRam = (information & TI.SRC_INC) !== 0 && memory.isRam(source, bytes);
    const toRam = (information & TI.DEST_INC) !== 0 && memory.isRam(destination, bytes);
    const overlaps = Math.abs(source - destination) < bytes;
    if (toRam && !(information & TI.DEST_IGNORE)) {
      if (information & TI.SRC_IGNORE) {
        memory.writeBytes(destination, new Uint8Array(bytes));
        return;
      }
      if (fromRam && !overlaps) {
        memory.writeBytes(destination, memory.readBytes(source, bytes)!);
        return;
      }
    }
    for (let at = 0; at < bytes; at += 4) {
      const from = (source + (information & TI.SRC_INC ? at : 0)) >>> 0;
      const to = (destination + (information & TI.DEST_INC ? at : 0)) >>> 0;
      const word = information & TI.SRC_IGNORE ? 0 : memory.read32(from);
      if (information & TI.DEST_IGNORE) continue;
      if (bytes - at >= 4 || !memory.isRam(to, bytes - at)) memory.write32(to, word);
      else memory.writeBytes(to, new Uint8Array(Uint32Array.of(word).buffer, 0, bytes - at));
    }
  }
}

/**
 * The 16 DMA channels. A channel takes time: it moves a byte in a nanosecond, in steps, so that a guest's endless chain
 * of control blocks takes no more of the host than any other device.
 */
export class DmaController implements Device {
  readonly name = 'DMA controller';
  readonly registers = REGISTERS;
  readonly state;
  /** Channel 15, which has its own place in the address space. */
  readonly channel15: Device;

  private readonly channels: readonly Channel[];

  /**
   * @param irqs the interrupt of each channel, 0 to 14
   * @param ports data ports whose requests are waited for
   */
  constructor(
    clock: Clock,
    memory: VideoCoreBus,
    private readonly irqs: readonly Line[],
    ports: DataPorts = new Map(),
  ) {
    this.channels = Array.from(
      { length: MAIN_CHANNELS + 1 },
      (_, n) =>
        new Channel(
          n,
          clock,
          memory,
          ports,
          () => n === MAIN_CHANNELS || ((this.state.enabled >>> n) & 1) === 1,
          () => {
            this.update();
          },
        ),
    );
    this.state = { enabled: 0x7fff, raised: 0, channels: this.channels.map(({ state }) => state) };
    const last = this.channels[MAIN_CHANNELS]!;
    this.channel15 = {
      name: 'DMA channel 15',
      registers: DMA15_REGISTERS,
      // Kept with the other channels'.
      state: {},
      read: (offset) => last.read(offset),
      write: (offset, value) => {
        last.write(offset, value);
      },
    };
  }

  read(offset: number): number {
    if (offset === REGISTERS.INT_STATUS.offset) return this.interrupts();
    if (offset === REGISTERS.ENABLE.offset) return this.state.enabled;
    return this.channels[Math.floor(offset / CHANNEL_SIZE)]!.read(offset % CHANNEL_SIZE);
  }

  write(offset: number, value: number): void {
    if (offset === REGISTERS.ENABLE.offset) {
      this.state.enabled = value & 0x7fff;
      for (const channel of this.channels) channel.kick();
    } else if (offset !== REGISTERS.INT_STATUS.offset) {
      this.channels[Math.floor(offset / CHANNEL_SIZE)]!.write(offset % CHANNEL_SIZE, value);
    }
  }

  /** The data request of that number has come up. */
  request(permap: number): void {
    for (const channel of this.channels) channel.request(permap);
  }

  private interrupts(): number {
    return this.channels.reduce((all, { state }, n) => all | (state.status & CS.INT ? 1 << n : 0), 0);
  }

  private update(): void {
    const interrupts = this.interrupts();
    // A channel's step changes them seldom.
    if (interrupts === this.state.raised) return;
    this.state.raised = interrupts;
    this.irqs.forEach((irq, n) => {
      irq(((interrupts >>> n) & 1) === 1);
    });
  }
}
