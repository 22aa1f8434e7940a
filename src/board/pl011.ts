import { SECOND, type Clock, type Timer } from './clock.js';
import type { Device, Line } from './device.js';
import { bit, bits, indexIn, register, registers } from './register.js';

/** The interrupts of UARTIMSC, UARTRIS, UARTMIS and UARTICR, which share one layout. */
const INTERRUPTS = {
  RIM: bit(0),
  CTSM: bit(1),
  DCDM: bit(2),
  DSRM: bit(3),
  RX: bit(4),
  TX: bit(5),
  RT: bit(6),
  FE: bit(7),
  PE: bit(8),
  BE: bit(9),
  OE: bit(10),
} as const;

/** "PrimeCell UART (PL011)", Arm DDI 0183, table 3-1; BCM2835 ARM Peripherals, section 13.4. */
export const PL011_REGISTERS = {
  DR: register(0x00, 'Data', { DATA: bits(7, 0), FE: bit(8), PE: bit(9), BE: bit(10), OE: bit(11) }),
  RSR: register(0x04, 'Receive status, error clear', { FE: bit(0), PE: bit(1), BE: bit(2), OE: bit(3) }),
  FR: register(0x18, 'Flags', {
    CTS: bit(0),
    DSR: bit(1),
    DCD: bit(2),
    BUSY: bit(3),
    RXFE: bit(4),
    TXFF: bit(5),
    RXFF: bit(6),
    TXFE: bit(7),
    RI: bit(8),
  }),
  ILPR: register(0x20, 'IrDA low-power counter', { ILPDVSR: bits(7, 0) }),
  IBRD: register(0x24, 'Integer baud rate divisor', { DIVINT: bits(15, 0) }),
  FBRD: register(0x28, 'Fractional baud rate divisor', { DIVFRAC: bits(5, 0) }),
  LCRH: register(0x2c, 'Line control', {
    BRK: bit(0),
    PEN: bit(1),
    EPS: bit(2),
    STP2: bit(3),
    FEN: bit(4),
    WLEN: bits(6, 5),
    SPS: bit(7),
  }),
  CR: register(0x30, 'Control', {
    UARTEN: bit(0),
    SIREN: bit(1),
    SIRLP: bit(2),
    LBE: bit(7),
    TXE: bit(8),
    RXE: bit(9),
    DTR: bit(10),
    RTS: bit(11),
    OUT1: bit(12),
    OUT2: bit(13),
    RTSEN: bit(14),
    CTSEN: bit(15),
  }),
  IFLS: register(0x34, 'Interrupt FIFO level select', { TXIFLSEL: bits(2, 0), RXIFLSEL: bits(5, 3) }),
  IMSC: register(0x38, 'Interrupt mask set/clear', INTERRUPTS),
  RIS: register(0x3c, 'Raw interrupt status', INTERRUPTS),
  MIS: register(0x40, 'Masked interrupt status', INTERRUPTS),
  ICR: register(0x44, 'Interrupt clear', INTERRUPTS),
  DMACR: register(
    0x48,
    'DMA control',
    { RXDMAE: bit(0), TXDMAE: bit(1), DMAONERR: bit(2) },
    { bits: bits(1, 0), words: 'the DMA controller waits for no request' },
  ),
  ID: registers(0xfe0, 8, 'Peripheral and PrimeCell identification, a byte each'),
} as const;

const { DR, RSR, FR, ILPR, IBRD, FBRD, LCRH, CR, IFLS, IMSC, RIS, MIS, ICR, DMACR, ID } = PL011_REGISTERS;

/** The identification bytes: 0x00241011 as Linux' device tree gives it for this board, then the PrimeCell's own. */
const ID_BYTES = [0x11, 0x10, 0x24, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

/** The receive FIFO's depth; 1 with FIFOs off. */
const FIFO_DEPTH = 16;

/** Fill at which the receive interrupt comes, by UARTIFLS.RXIFLSEL (values above 4 are reserved). */
const RX_TRIGGER = [2, 4, 8, 12, 14, 14, 14, 14];

/** UARTCLK as the firmware sets it (init_uart_clock), Hz. */
export const UART_CLOCK_HZ = 48_000_000;

/** The receive timeout, in bit times (DDI 0183, 2.8.3). */
const RECEIVE_TIMEOUT_BITS = 32;

/** How far UARTRSR's errors stand from those of UARTDR. */
const RSR_SHIFT = 8;

/** Input that waits for room in the FIFO; what comes beyond is refused. */
const BACKLOG_LIMIT = 0x1_0000;
const FORGOTTEN_AT_ONCE = 0x1000;

/**
 * The PL011 UART: the console of every Pi 2. Characters leave at once, so the transmit FIFO is always empty.
 * It starts as the firmware leaves it: enabled, 8N1, 115200 baud, FIFOs on.
 */
export class Pl011 implements Device {
  readonly name = 'PL011 UART0';
  readonly registers = PL011_REGISTERS;
  readonly state = {
    fifo: [] as number[],
    backlog: [] as number[],
    /** How many of those have come already. */
    arrived: 0,
    receiveStatus: 0,
    irda: 0,
    integerDivisor: 26,
    fractionalDivisor: 3,
    lineControl: inFifoMode8N1(),
    control: CR.bits.UARTEN | CR.bits.TXE | CR.bits.RXE,
    fifoLevels: 0x12,
    mask: 0,
    raw: 0,
    dmaControl: 0,
  };

  private readonly receiveTimeout: Timer;

  /**
   * @param clock for the receive timeout
   * @param irq the combined interrupt
   * @param output called with every character that leaves
   */
  constructor(
    private readonly clock: Clock,
    private readonly irq: Line,
    private readonly output: (byte: number) => void,
  ) {
    this.receiveTimeout = clock.timer(`${this.name} receive timeout`, () => {
      if (this.state.fifo.length > 0) this.raise(INTERRUPTS.RT);
    });
  }

  /**
   * Characters that arrive on the line. They wait until the guest takes them.
   * @returns how many were taken; fewer than given when the guest has left too many unread
   */
  receive(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.room());
    for (let i = 0; i < taken; i++) this.state.backlog.push(bytes[i]!);
    this.fill();
    return taken;
  }

  /**
   * The line is held low for longer than a character (DDI 0183, 2.4.3): a character of 0 with its errors.
   * @returns whether it was taken, as of {@link receive}
   */
  receiveBreak(): boolean {
    if (this.room() === 0) return false;
    this.state.backlog.push(DR.bits.BE | DR.bits.FE);
    this.fill();
    return true;
  }

  read(offset: number): number {
    switch (offset) {
      case DR.offset:
        return this.take();
      case RSR.offset:
        return this.state.receiveStatus;
      case FR.offset:
        return this.flags();
      case ILPR.offset:
        return this.state.irda;
      case IBRD.offset:
        return this.state.integerDivisor;
      case FBRD.offset:
        return this.state.fractionalDivisor;
      case LCRH.offset:
        return this.state.lineControl;
      case CR.offset:
        return this.state.control;
      case IFLS.offset:
        return this.state.fifoLevels;
      case IMSC.offset:
        return this.state.mask;
      case RIS.offset:
        return this.state.raw;
      case MIS.offset:
        return this.state.raw & this.state.mask;
      case DMACR.offset:
        return this.state.dmaControl;
      default:
        return ID_BYTES[indexIn(ID, offset)] ?? 0;
    }
  }

  steadyUntil(offset: number): number {
    return offset === DR.offset ? -Infinity : Infinity;
  }

  write(offset: number, value: number): void {
    switch (offset) {
      case DR.offset:
        this.send(value & DR.bits.DATA);
        break;
      case RSR.offset:
        this.state.receiveStatus = 0;
        break;
      case ILPR.offset:
        this.state.irda = value & ILPR.bits.ILPDVSR;
        break;
      case IBRD.offset:
        this.state.integerDivisor = value & IBRD.bits.DIVINT;
        break;
      case FBRD.offset:
        this.state.fractionalDivisor = value & FBRD.bits.DIVFRAC;
        break;
      case LCRH.offset:
        // Turning the FIFOs on or off empties them.
        if ((value ^ this.state.lineControl) & LCRH.bits.FEN) this.state.fifo.length = 0;
        this.state.lineControl = value & 0xff;
        this.fill();
        break;
      case CR.offset:
        this.state.control = value & 0xff87;
        this.fill();
        break;
      case IFLS.offset:
        this.state.fifoLevels = value & 0x3f;
        this.receiveLevel();
        break;
      case IMSC.offset:
        this.state.mask = value & 0x7ff;
        break;
      case ICR.offset:
        this.state.raw &= ~value;
        break;
      case DMACR.offset:
        this.state.dmaControl = value & 0x7;
        break;
    }
    this.irq((this.state.raw & this.state.mask) !== 0);
  }

  private get depth(): number {
    return this.state.lineControl & LCRH.bits.FEN ? FIFO_DEPTH : 1;
  }

  private flags(): number {
    const full = this.state.fifo.length >= this.depth;
    const { RXFE, RXFF, TXFE, CTS, DSR, DCD, RI } = FR.bits;
    let modem = 0;
    if (this.state.control & CR.bits.LBE) {
      // Loopback ties the modem outputs to the inputs.
      if (this.state.control & CR.bits.RTS) modem |= CTS;
      if (this.state.control & CR.bits.DTR) modem |= DSR;
      if (this.state.control & CR.bits.OUT1) modem |= DCD;
      if (this.state.control & CR.bits.OUT2) modem |= RI;
    }
    return TXFE | (this.state.fifo.length === 0 ? RXFE : 0) | (full ? RXFF : 0) | modem;
  }

  private send(byte: number): void {
    const needed = CR.bits.UARTEN | CR.bits.TXE;
    if ((this.state.control & needed) !== needed) return;
    if (this.state.control & CR.bits.LBE) {
      if (this.state.fifo.length < this.depth) this.arrive(byte);
      else this.raise(INTERRUPTS.OE);
    } else {
      this.output(byte);
    }
    // The FIFO has fallen through its level again.
    this.raise(INTERRUPTS.TX);
  }

  private take(): number {
    const character = this.state.fifo.shift() ?? 0;
    // UARTRSR has the errors of the character that was read last (3.3.2).
    this.state.receiveStatus = character >>> RSR_SHIFT;
    this.receiveLevel();
    this.fill();
    if (this.state.fifo.length === 0) {
      this.state.raw &= ~INTERRUPTS.RT;
      this.receiveTimeout.clear();
    }
    this.irq((this.state.raw & this.state.mask) !== 0);
    return character;
  }

  /** Moves input from the line into the FIFO as far as there is room. */
  private fill(): void {
    const needed = CR.bits.UARTEN | CR.bits.RXE;
    if ((this.state.control & needed) !== needed || this.state.control & CR.bits.LBE) return;
    const { backlog } = this.state;
    while (this.state.fifo.length < this.depth && this.state.arrived < backlog.length)
      this.arrive(backlog[this.state.arrived++]!);
    // Cut now and then, not with each character: a cut moves all that stay.
    if (this.state.arrived < Math.min(backlog.length, FORGOTTEN_AT_ONCE)) return;
    backlog.splice(0, this.state.arrived);
    this.state.arrived = 0;
  }

  /** How many characters more may wait. */
  private room(): number {
    return BACKLOG_LIMIT - (this.state.backlog.length - this.state.arrived);
  }

  /** @param character with its errors, as UARTDR has them */
  private arrive(character: number): void {
    this.state.fifo.push(character);
    if (character & DR.bits.BE) this.raise(INTERRUPTS.BE | INTERRUPTS.FE);
    this.receiveTimeout.set(this.clock.now() + RECEIVE_TIMEOUT_BITS * this.bitTime());
    this.receiveLevel();
  }

  private receiveLevel(): void {
    const trigger = this.state.lineControl & LCRH.bits.FEN ? RX_TRIGGER[this.state.fifoLevels >>> 3]! : 1;
    if (this.state.fifo.length >= trigger) this.raise(INTERRUPTS.RX);
    else this.state.raw &= ~INTERRUPTS.RX;
  }

  private raise(interrupt: number): void {
    this.state.raw |= interrupt;
    this.irq((this.state.raw & this.state.mask) !== 0);
  }

  /** Nanoseconds a bit takes on the line. */
  private bitTime(): number {
    const divisor = Math.max(1, this.state.integerDivisor + this.state.fractionalDivisor / 64);
    return (16 * divisor * SECOND) / UART_CLOCK_HZ;
  }
}

/** UARTLCR_H for 8 data bits, no parity, one stop bit, FIFOs on. */
function inFifoMode8N1(): number {
  return LCRH.bits.WLEN | LCRH.bits.FEN;
}
