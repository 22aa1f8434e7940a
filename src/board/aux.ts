import type { Device, Line } from './device.js';
import { bit, bits, indexIn, register, registers } from './register.js';

const BLOCKS = { MINI_UART: bit(0), SPI1: bit(1), SPI2: bit(2) } as const;

/** BCM2835 ARM Peripherals, section 2.1, with the errata of elinux.org; offsets from 0x3f215000. */
export const AUX_REGISTERS = {
  IRQ: register(0x00, 'Pending interrupts', BLOCKS),
  ENABLES: register(0x04, 'Enables', BLOCKS),
  MU_IO: register(0x40, "Mini UART: data, or the baud rate's low byte", { DATA: bits(7, 0) }),
  MU_IER: register(0x44, "Mini UART: interrupt enable, or the baud rate's high byte", {
    RX: bit(0),
    TX: bit(1),
  }),
  MU_IIR: register(0x48, 'Mini UART: interrupt identity, FIFO clear', {
    NOT_PENDING: bit(0),
    ID: bits(2, 1),
    FIFOS: bits(7, 6),
  }),
  MU_LCR: register(0x4c, 'Mini UART: line control', { EIGHT_BITS: bits(1, 0), BREAK: bit(6), DLAB: bit(7) }),
  MU_MCR: register(0x50, 'Mini UART: modem control', { RTS: bit(1) }),
  MU_LSR: register(0x54, 'Mini UART: line status', {
    DATA_READY: bit(0),
    OVERRUN: bit(1),
    TX_EMPTY: bit(5),
    TX_IDLE: bit(6),
  }),
  MU_MSR: register(0x58, 'Mini UART: modem status', { CTS: bit(4) }),
  MU_SCRATCH: register(0x5c, 'Mini UART: scratch', { SCRATCH: bits(7, 0) }),
  MU_CNTL: register(0x60, 'Mini UART: extra control', {
    RX_ENABLE: bit(0),
    TX_ENABLE: bit(1),
    FLOW: bits(7, 2),
  }),
  MU_STAT: register(0x64, 'Mini UART: extra status', {
    SYMBOL: bit(0),
    SPACE: bit(1),
    RX_IDLE: bit(2),
    TX_IDLE: bit(3),
    RX_OVERRUN: bit(4),
    TX_FULL: bit(5),
    TX_EMPTY: bit(8),
    TX_DONE: bit(9),
    RX_LEVEL: bits(19, 16),
    TX_LEVEL: bits(27, 24),
  }),
  MU_BAUD: register(0x68, 'Mini UART: baud rate', { BAUD: bits(15, 0) }),
  SPI1: registers(0x80, 5, 'SPI1: controls, status, data'),
  SPI2: registers(0xc0, 5, 'SPI2: controls, status, data'),
} as const;

const REGISTERS = AUX_REGISTERS;

const FIFO_DEPTH = 8;
const BACKLOG_LIMIT = 0x1_0000;

/** MU_IIR.ID: what interrupts. */
const ID = { NONE: 0, TRANSMIT: 1, RECEIVE: 2 } as const;

/** SPI status, the third word: the FIFOs are empty. */
const SPI_EMPTY = bit(7) | bit(8);

/**
 * The auxiliary block: the mini UART, and two SPI masters with nothing connected.
 * The UART starts as the firmware leaves it, off; characters leave at once.
 */
export class Aux implements Device {
  readonly name = 'AUX';
  readonly registers = REGISTERS;
  readonly state = {
    enables: 0,
    interruptEnable: 0,
    lineControl: 0,
    modemControl: 0,
    scratch: 0,
    control: REGISTERS.MU_CNTL.bits.RX_ENABLE | REGISTERS.MU_CNTL.bits.TX_ENABLE,
    baud: 0,
    input: [] as number[],
    spi: [new Uint32Array(5), new Uint32Array(5)],
  };

  /**
   * @param irq the AUX interrupt
   * @param output called with every character that the mini UART sends
   */
  constructor(
    private readonly irq: Line,
    private readonly output: (byte: number) => void,
  ) {}

  /** Characters that arrive at the mini UART; returns how many were taken. */
  receive(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, BACKLOG_LIMIT - this.state.input.length);
    for (let i = 0; i < taken; i++) this.state.input.push(bytes[i]!);
    this.update();
    return taken;
  }

  read(offset: number): number {
    const { DATA_READY, TX_EMPTY, TX_IDLE } = REGISTERS.MU_LSR.bits;
    switch (offset) {
      case REGISTERS.IRQ.offset:
        return this.interruptId() === ID.NONE ? 0 : BLOCKS.MINI_UART;
      case REGISTERS.ENABLES.offset:
        return this.state.enables;
      case REGISTERS.MU_IO.offset:
        return this.dlab ? this.state.baud & 0xff : this.take();
      case REGISTERS.MU_IER.offset:
        return this.dlab ? this.state.baud >>> 8 : this.state.interruptEnable;
      case REGISTERS.MU_IIR.offset: {
        const id = this.interruptId();
        return (
          REGISTERS.MU_IIR.bits.FIFOS | (id << 1) | (id === ID.NONE ? REGISTERS.MU_IIR.bits.NOT_PENDING : 0)
        );
      }
      case REGISTERS.MU_LCR.offset:
        return this.state.lineControl;
      case REGISTERS.MU_MCR.offset:
        return this.state.modemControl;
      case REGISTERS.MU_LSR.offset:
        return TX_EMPTY | TX_IDLE | (this.received() > 0 ? DATA_READY : 0);
      case REGISTERS.MU_SCRATCH.offset:
        return this.state.scratch;
      case REGISTERS.MU_CNTL.offset:
        return this.state.control;
      case REGISTERS.MU_STAT.offset:
        return this.extraStatus();
      case REGISTERS.MU_BAUD.offset:
        return this.state.baud;
      default:
        return this.readSpi(offset);
    }
  }

  write(offset: number, value: number): void {
    switch (offset) {
      case REGISTERS.ENABLES.offset:
        this.state.enables = value & (BLOCKS.MINI_UART | BLOCKS.SPI1 | BLOCKS.SPI2);
        break;
      case REGISTERS.MU_IO.offset:
        if (this.dlab) this.state.baud = (this.state.baud & 0xff00) | (value & 0xff);
        else if (this.isOn && this.state.control & REGISTERS.MU_CNTL.bits.TX_ENABLE)
          this.output(value & 0xff);
        break;
      case REGISTERS.MU_IER.offset:
        if (this.dlab) this.state.baud = (this.state.baud & 0xff) | ((value & 0xff) << 8);
        else this.state.interruptEnable = value & (REGISTERS.MU_IER.bits.RX | REGISTERS.MU_IER.bits.TX);
        break;
      case REGISTERS.MU_IIR.offset:
        // Bit 1 clears the receive FIFO; the transmit FIFO is empty anyway.
        if (value & bit(1)) this.state.input = this.state.input.slice(this.received());
        break;
      case REGISTERS.MU_LCR.offset:
        this.state.lineControl = value & 0xff;
        break;
      case REGISTERS.MU_MCR.offset:
        this.state.modemControl = value & REGISTERS.MU_MCR.bits.RTS;
        break;
      case REGISTERS.MU_SCRATCH.offset:
        this.state.scratch = value & REGISTERS.MU_SCRATCH.bits.SCRATCH;
        break;
      case REGISTERS.MU_CNTL.offset:
        this.state.control = value & 0xff;
        break;
      case REGISTERS.MU_BAUD.offset:
        this.state.baud = value & REGISTERS.MU_BAUD.bits.BAUD;
        break;
      default:
        this.writeSpi(offset, value);
    }
    this.update();
  }

  private get dlab(): boolean {
    return (this.state.lineControl & REGISTERS.MU_LCR.bits.DLAB) !== 0;
  }

  private get isOn(): boolean {
    return (this.state.enables & BLOCKS.MINI_UART) !== 0;
  }

  /** Characters in the receive FIFO; what is beyond waits on the line. */
  private received(): number {
    const receives = this.isOn && (this.state.control & REGISTERS.MU_CNTL.bits.RX_ENABLE) !== 0;
    return receives ? Math.min(this.state.input.length, FIFO_DEPTH) : 0;
  }

  private take(): number {
    const byte = this.received() > 0 ? this.state.input.shift()! : 0;
    this.update();
    return byte;
  }

  private interruptId(): number {
    if (!this.isOn) return ID.NONE;
    if (this.state.interruptEnable & REGISTERS.MU_IER.bits.RX && this.received() > 0) return ID.RECEIVE;
    return this.state.interruptEnable & REGISTERS.MU_IER.bits.TX ? ID.TRANSMIT : ID.NONE;
  }

  private extraStatus(): number {
    const { SYMBOL, SPACE, RX_IDLE, TX_IDLE, TX_EMPTY, TX_DONE } = REGISTERS.MU_STAT.bits;
    const level = this.received();
    return SPACE | RX_IDLE | TX_IDLE | TX_EMPTY | TX_DONE | (level > 0 ? SYMBOL : 0) | (level << 16);
  }

  private readSpi(offset: number): number {
    const [one, two] = [indexIn(REGISTERS.SPI1, offset), indexIn(REGISTERS.SPI2, offset)];
    if (one === 2 || two === 2) return SPI_EMPTY;
    return this.state.spi[0]![one] ?? this.state.spi[1]![two] ?? 0;
  }

  /** Only the two control words keep what is written: nothing answers on the bus. */
  private writeSpi(offset: number, value: number): void {
    const [one, two] = [indexIn(REGISTERS.SPI1, offset), indexIn(REGISTERS.SPI2, offset)];
    if (one === 0 || one === 1) this.state.spi[0]![one] = value;
    if (two === 0 || two === 1) this.state.spi[1]![two] = value;
  }

  private update(): void {
    this.irq(this.interruptId() !== ID.NONE);
  }
}
