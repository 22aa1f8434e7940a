import type { Device } from './device.js';
import { bit, bits, register, type Registers } from './register.js';

/**
 * Buses and signals with nothing connected: I2C (BSC), SPI, PWM, PCM. Registers keep what is written; status says that
 * the controller is idle, or that nobody acknowledged.
 */

/** BCM2835 ARM Peripherals, section 3.2. */
export const BSC_REGISTERS = {
  C: register(
    0x00,
    'Control',
    {
      READ: bit(0),
      CLEAR: bits(5, 4),
      ST: bit(7),
      INTD: bit(8),
      INTT: bit(9),
      INTR: bit(10),
      I2CEN: bit(15),
    },
    { bits: bits(10, 8), words: 'no interrupt comes' },
  ),
  S: register(0x04, 'Status, cleared by writing ones', {
    TA: bit(0),
    DONE: bit(1),
    TXW: bit(2),
    RXR: bit(3),
    TXD: bit(4),
    RXD: bit(5),
    TXE: bit(6),
    RXF: bit(7),
    ERR: bit(8),
    CLKT: bit(9),
  }),
  DLEN: register(0x08, 'Data length', { DLEN: bits(15, 0) }),
  A: register(0x0c, 'Slave address', { ADDR: bits(6, 0) }),
  FIFO: register(0x10, 'Data FIFO'),
  DIV: register(0x14, 'Clock divider', { CDIV: bits(15, 0) }),
  DEL: register(0x18, 'Data delay'),
  CLKT: register(0x1c, 'Clock stretch timeout'),
} as const;

/** BCM2835 ARM Peripherals, section 10.5. */
export const SPI_REGISTERS = {
  CS: register(
    0x00,
    'Control and status',
    {
      CLEAR: bits(5, 4),
      TA: bit(7),
      DMAEN: bit(8),
      INTD: bit(9),
      INTR: bit(10),
      DONE: bit(16),
      RXD: bit(17),
      TXD: bit(18),
      RXR: bit(19),
      RXF: bit(20),
    },
    { bits: bits(10, 8), words: 'no interrupt comes, and the DMA controller waits for no request' },
  ),
  FIFO: register(0x04, 'Data FIFO'),
  CLK: register(0x08, 'Clock divider', { CDIV: bits(15, 0) }),
  DLEN: register(0x0c, 'Data length'),
  LTOH: register(0x10, 'LoSSI mode hold delay'),
  DC: register(0x14, 'DMA request controls'),
} as const;

/** BCM2835 ARM Peripherals, section 9.6. */
export const PWM_REGISTERS = {
  CTL: register(0x00, 'Control'),
  STA: register(0x04, 'Status', { FULL1: bit(0), EMPT1: bit(1), ERRORS: bits(8, 2), STA: bits(12, 9) }),
  DMAC: register(
    0x08,
    'DMA configuration',
    { ENAB: bit(31) },
    { bits: bit(31), words: 'the DMA controller waits for no request' },
  ),
  RNG1: register(0x10, 'Channel 1 range'),
  DAT1: register(0x14, 'Channel 1 data'),
  FIF1: register(0x18, 'FIFO input'),
  RNG2: register(0x20, 'Channel 2 range'),
  DAT2: register(0x24, 'Channel 2 data'),
} as const;

/** BCM2835 ARM Peripherals, section 8.8. */
export const PCM_REGISTERS = {
  CS_A: register(0x00, 'Control and status', {
    EN: bit(0),
    TXD: bit(19),
    RXD: bit(20),
    TXE: bit(21),
    SYNC: bit(24),
  }),
  FIFO_A: register(0x04, 'Data FIFO'),
  MODE_A: register(0x08, 'Mode'),
  RXC_A: register(0x0c, 'Receive configuration'),
  TXC_A: register(0x10, 'Transmit configuration'),
  DREQ_A: register(0x14, 'DMA request levels'),
  INTEN_A: register(0x18, 'Interrupt enables', {}, { bits: bits(3, 0), words: 'no interrupt comes' }),
  INTSTC_A: register(0x1c, 'Interrupts'),
  GRAY: register(0x20, 'Gray mode'),
} as const;

/** A device whose registers keep what is written, but for those that `special` answers. */
class RegisterFile implements Device {
  readonly state = {
    values: new Map<number, number>(),
  };

  constructor(
    readonly name: string,
    readonly registers: Registers,
    private readonly special: (offset: number, kept: number) => number,
  ) {}

  read(offset: number): number {
    return this.special(offset, this.state.values.get(offset) ?? 0);
  }

  write(offset: number, value: number): void {
    this.state.values.set(offset, value);
  }
}

/** An I2C controller on a bus with no slaves: each transfer ends at once without an acknowledgement. */
export class I2c extends RegisterFile {
  constructor(name: string) {
    super(name, BSC_REGISTERS, (_, kept) => kept);
    this.state.values.set(BSC_REGISTERS.DIV.offset, 0x5dc);
    this.state.values.set(BSC_REGISTERS.DEL.offset, 0x30_0030);
    this.state.values.set(BSC_REGISTERS.CLKT.offset, 0x40);
  }

  override read(offset: number): number {
    const { TXD, TXE } = BSC_REGISTERS.S.bits;
    if (offset === BSC_REGISTERS.S.offset) return super.read(offset) | TXD | TXE;
    return offset === BSC_REGISTERS.FIFO.offset ? 0 : super.read(offset);
  }

  override write(offset: number, value: number): void {
    const { DONE, ERR, CLKT } = BSC_REGISTERS.S.bits;
    const { ST, I2CEN, CLEAR } = BSC_REGISTERS.C.bits;
    if (offset === BSC_REGISTERS.S.offset) {
      super.write(offset, super.read(offset) & ~(value & (DONE | ERR | CLKT)));
    } else if (offset === BSC_REGISTERS.C.offset) {
      const { S } = BSC_REGISTERS;
      if ((value & (ST | I2CEN)) === (ST | I2CEN)) super.write(S.offset, super.read(S.offset) | DONE | ERR);
      super.write(offset, value & ~(ST | CLEAR));
    } else if (offset !== BSC_REGISTERS.FIFO.offset) {
      super.write(offset, value);
    }
  }
}

/** The SPI master: words go out at once, and zeros come back. */
export function createSpi(): Device {
  const { CLEAR, TA, DONE, TXD } = SPI_REGISTERS.CS.bits;
  const { CS, FIFO } = SPI_REGISTERS;
  return new RegisterFile('SPI0', SPI_REGISTERS, (offset, kept) => {
    if (offset === FIFO.offset) return 0;
    if (offset !== CS.offset) return kept;
    // As nothing is kept in the FIFO, what is read back is no data either: a transfer is over when it is asked about.
    return (kept & 0x01e0_3fff & ~CLEAR) | TXD | (kept & TA ? DONE : 0);
  });
}

/** The PWM: its FIFO is always empty. */
export function createPwm(): Device {
  const { STA, FIF1 } = PWM_REGISTERS;
  return new RegisterFile('PWM', PWM_REGISTERS, (offset, kept) => {
    if (offset === STA.offset) return STA.bits.EMPT1;
    return offset === FIF1.offset ? 0 : kept;
  });
}

/** The PCM audio interface: takes everything, gives nothing. */
export function createPcm(): Device {
  const { CS_A, FIFO_A, INTSTC_A } = PCM_REGISTERS;
  const { TXD, RXD, TXE } = CS_A.bits;
  return new RegisterFile('PCM', PCM_REGISTERS, (offset, kept) => {
    if (offset === CS_A.offset) return (kept & ~RXD) | TXD | TXE;
    return offset === FIFO_A.offset || offset === INTSTC_A.offset ? 0 : kept;
  });
}
