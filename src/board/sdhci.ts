import type { Device, Line } from './device.js';
import { bit, bits, indexIn, register, registers } from './register.js';

const INTERRUPTS = {
  CMD_DONE: bit(0),
  DATA_DONE: bit(1),
  CARD: bit(8),
  ERR: bit(15),
  CTO_ERR: bit(16),
  CCRC_ERR: bit(17),
  CEND_ERR: bit(18),
  CBAD_ERR: bit(19),
  DTO_ERR: bit(20),
} as const;

/** BCM2835 ARM Peripherals, section 5.1; SD Host Controller Simplified Specification 3.0. Offsets from 0x3f300000. */
export const SDHCI_REGISTERS = {
  ARG2: register(0x00, 'Argument for ACMD23'),
  BLKSIZECNT: register(0x04, 'Block size and count', { SIZE: bits(9, 0), COUNT: bits(31, 16) }),
  ARG1: register(0x08, 'Argument'),
  CMDTM: register(0x0c, 'Command and transfer mode', {
    RSPNS_TYPE: bits(17, 16),
    ISDATA: bit(21),
    INDEX: bits(29, 24),
  }),
  RESP: registers(0x10, 4, 'Response'),
  DATA: register(0x20, 'Data'),
  STATUS: register(0x24, 'Status', {
    CMD_INHIBIT: bit(0),
    DAT_INHIBIT: bit(1),
    INSERTED: bit(16),
    STABLE: bit(17),
    DETECT: bit(18),
    NOT_PROTECTED: bit(19),
    DAT_LEVEL: bits(23, 20),
    CMD_LEVEL: bit(24),
  }),
  CONTROL0: register(0x28, 'Host configuration'),
  CONTROL1: register(0x2c, 'Clock, timeout and reset', {
    CLK_INTLEN: bit(0),
    CLK_STABLE: bit(1),
    CLK_EN: bit(2),
    SRST_HC: bit(24),
    SRST_CMD: bit(25),
    SRST_DATA: bit(26),
  }),
  INTERRUPT: register(0x30, 'Interrupts, cleared by writing ones', INTERRUPTS),
  IRPT_MASK: register(0x34, 'Interrupts that are recorded', INTERRUPTS),
  IRPT_EN: register(0x38, 'Interrupts that reach the line', INTERRUPTS),
  CONTROL2: register(0x3c, 'Host configuration 2'),
  CAPABILITIES: registers(0x40, 2, 'Capabilities: zero on this chip; drivers bring their own'),
  MAX_CURRENT: register(0x48, 'Maximum current'),
  FORCE_IRPT: register(0x50, 'Force interrupts', INTERRUPTS),
  BOOT_TIMEOUT: register(0x70, 'Boot timeout'),
  DBG_SEL: register(0x74, 'Debug bus'),
  EXRDFIFO: registers(0x80, 2, 'Extension FIFO'),
  TUNE: registers(0x88, 3, 'Tuning steps'),
  SPI_INT_SPT: register(0xf0, 'SPI interrupt support'),
  SLOTISR_VER: register(0xfc, 'Slot interrupts and version', {
    SDVERSION: bits(23, 16),
    VENDOR: bits(31, 24),
  }),
} as const;

const REGISTERS = SDHCI_REGISTERS;
const { CMDTM, CONTROL1, STATUS } = REGISTERS;

/** Specification 3.0 (2), Arasan's version 9.9. */
const VERSION = 0x9902_0000;

/** The slot is empty and settled: no card, lines pulled up. */
const EMPTY_SLOT =
  STATUS.bits.STABLE | STATUS.bits.NOT_PROTECTED | STATUS.bits.DAT_LEVEL | STATUS.bits.CMD_LEVEL;

/** The SDHCI controller (EMMC) with an empty slot: every command that wants an answer times out. */
export class Sdhci implements Device {
  readonly name = 'EMMC (SDHCI)';
  readonly registers = REGISTERS;
  readonly state = {
    values: new Map<number, number>(),
    interrupts: 0,
    recorded: 0,
    enabled: 0,
  };

  constructor(private readonly irq: Line) {}

  read(offset: number): number {
    switch (offset) {
      case STATUS.offset:
        return EMPTY_SLOT;
      case REGISTERS.INTERRUPT.offset:
        return this.state.interrupts;
      case REGISTERS.IRPT_MASK.offset:
        return this.state.recorded;
      case REGISTERS.IRPT_EN.offset:
        return this.state.enabled;
      case REGISTERS.SLOTISR_VER.offset:
        return VERSION | (this.line() ? 1 : 0);
      default:
        return this.state.values.get(offset) ?? 0;
    }
  }

  write(offset: number, value: number): void {
    switch (offset) {
      case CMDTM.offset:
        this.state.values.set(offset, value);
        this.raise(value & CMDTM.bits.RSPNS_TYPE ? INTERRUPTS.CTO_ERR : INTERRUPTS.CMD_DONE);
        break;
      case CONTROL1.offset:
        this.writeControl1(value);
        break;
      case REGISTERS.INTERRUPT.offset:
        this.state.interrupts &= ~value;
        break;
      case REGISTERS.IRPT_MASK.offset:
        this.state.recorded = value;
        this.state.interrupts &= value;
        break;
      case REGISTERS.IRPT_EN.offset:
        this.state.enabled = value;
        break;
      case REGISTERS.FORCE_IRPT.offset:
        this.raise(value);
        break;
      default:
        if (indexIn(REGISTERS.RESP, offset) < 0 && indexIn(REGISTERS.CAPABILITIES, offset) < 0) {
          this.state.values.set(offset, value);
        }
    }
    this.irq(this.line());
  }

  private writeControl1(value: number): void {
    const { CLK_INTLEN, CLK_STABLE, SRST_HC, SRST_CMD, SRST_DATA } = CONTROL1.bits;
    if (value & SRST_HC) {
      this.state.values.clear();
      this.state.interrupts = this.state.recorded = this.state.enabled = 0;
      return;
    }
    const kept = value & ~(SRST_CMD | SRST_DATA | CLK_STABLE);
    this.state.values.set(CONTROL1.offset, kept | (kept & CLK_INTLEN ? CLK_STABLE : 0));
  }

  private raise(interrupts: number): void {
    this.state.interrupts |= interrupts & this.state.recorded;
    // Any error among the upper half shows in the lower one.
    if (this.state.interrupts >>> 16) this.state.interrupts |= INTERRUPTS.ERR;
    else this.state.interrupts &= ~INTERRUPTS.ERR;
  }

  private line(): boolean {
    return (this.state.interrupts & this.state.enabled) !== 0;
  }
}
