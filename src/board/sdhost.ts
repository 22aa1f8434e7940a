import type { Device } from './device.js';
import { bit, bits, indexIn, register, registers } from './register.js';

/** Linux, drivers/mmc/host/bcm2835.c; offsets from 0x3f202000. */
export const SDHOST_REGISTERS = {
  CMD: register(0x00, 'Command', {
    INDEX: bits(5, 0),
    READ: bit(6),
    WRITE: bit(7),
    LONG_RESPONSE: bit(9),
    NO_RESPONSE: bit(10),
    BUSYWAIT: bit(11),
    FAIL: bit(14),
    NEW: bit(15),
  }),
  ARG: register(0x04, 'Argument'),
  TOUT: register(0x08, 'Timeout'),
  CDIV: register(0x0c, 'Clock divider', { DIVIDER: bits(10, 0) }),
  RSP: registers(0x10, 4, 'Response'),
  HSTS: register(0x20, 'Host status, cleared by writing ones', {
    DATA: bit(0),
    FIFO_ERROR: bit(3),
    CRC7_ERROR: bit(4),
    CRC16_ERROR: bit(5),
    CMD_TIME_OUT: bit(6),
    REW_TIME_OUT: bit(7),
    SDIO_IRPT: bit(8),
    BLOCK_IRPT: bit(9),
    BUSY_IRPT: bit(10),
  }),
  VDD: register(0x30, 'Card power', { ON: bit(0) }),
  EDM: register(0x34, 'Debug: state machine and FIFO', {
    FSM: bits(3, 0),
    FIFO_LEVEL: bits(8, 4),
    WRITE_THRESHOLD: bits(13, 9),
    READ_THRESHOLD: bits(18, 14),
    FORCE_DATA_MODE: bit(19),
    CLOCK_PULSE: bit(20),
    BYPASS: bit(21),
  }),
  HCFG: register(0x38, 'Host configuration'),
  HBCT: register(0x3c, 'Bytes in a block'),
  DATA: register(0x40, 'Data'),
  HBLC: register(0x50, 'Blocks', { COUNT: bits(8, 0) }),
} as const;

const REGISTERS = SDHOST_REGISTERS;
const { CMD, HSTS, EDM } = REGISTERS;

/** EDM.FSM: waiting for a command. */
const FSM_DATA_MODE = 1;

/** The SD host with an empty slot: every command that wants an answer times out. */
export class SdHost implements Device {
  readonly name = 'SDHOST';
  readonly registers = REGISTERS;
  readonly state = {
    values: new Map<number, number>(),
    command: 0,
    status: 0,
  };

  read(offset: number): number {
    switch (offset) {
      case CMD.offset:
        return this.state.command;
      case HSTS.offset:
        return this.state.status;
      case EDM.offset:
        return ((this.state.values.get(offset) ?? 0) & ~(EDM.bits.FSM | EDM.bits.FIFO_LEVEL)) | FSM_DATA_MODE;
      case REGISTERS.DATA.offset:
        return 0;
      default:
        return indexIn(REGISTERS.RSP, offset) >= 0 ? 0 : (this.state.values.get(offset) ?? 0);
    }
  }

  write(offset: number, value: number): void {
    switch (offset) {
      case CMD.offset:
        this.state.command = value & 0xffff & ~CMD.bits.NEW;
        if (value & CMD.bits.NEW && !(value & CMD.bits.NO_RESPONSE)) {
          this.state.command |= CMD.bits.FAIL;
          this.state.status |= HSTS.bits.CMD_TIME_OUT;
        }
        break;
      case HSTS.offset:
        this.state.status &= ~value;
        break;
      default:
        this.state.values.set(offset, value);
    }
  }
}
