import type { DataBuffer } from '../ports/data-buffer.js';
import type { Clock, Timer } from './clock.js';
import type { Device, Line } from './device.js';
import type { DataPort } from './dma.js';
import { bit, bits, fieldOf, indexIn, inField, register, registers } from './register.js';
import { commandClocks, INDEX } from './sd-commands.js';
import { SdData } from './sd-data.js';
import type { CardAt } from './sd-slot.js';

const HCFG = {
  REL_CMD_LINE: bit(0),
  WIDE_INT_BUS: bit(1),
  WIDE_EXT_BUS: bit(2),
  SLOW_CARD: bit(3),
  DATA_IRPT_EN: bit(4),
  SDIO_IRPT_EN: bit(5),
  BLOCK_IRPT_EN: bit(8),
  BUSY_IRPT_EN: bit(10),
} as const;

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
  TOUT: register(0x08, 'Timeout, clocks of the card'),
  CDIV: register(0x0c, 'Clock divider less 2', { DIVIDER: bits(10, 0), FAST: bits(2, 0) }),
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
  VDD: register(0x30, "Card power: not the Pi 2's, whose card is always supplied", { ON: bit(0) }),
  EDM: register(0x34, 'Debug: state machine and FIFO', {
    FSM: bits(3, 0),
    FIFO_LEVEL: bits(8, 4),
    WRITE_THRESHOLD: bits(13, 9),
    READ_THRESHOLD: bits(18, 14),
    FORCE_DATA_MODE: bit(19),
    CLOCK_PULSE: bit(20),
    BYPASS: bit(21),
  }),
  HCFG: register(0x38, 'Host configuration', HCFG, {
    bits: HCFG.SDIO_IRPT_EN,
    words: 'no card has SDIO interrupts',
  }),
  HBCT: register(0x3c, 'Bytes in a block', { COUNT: bits(11, 0) }),
  DATA: register(0x40, 'Data'),
  // Linux' table says 9 bits, yet its driver writes up to 1024 here, and all of them come.
  HBLC: register(0x50, 'Blocks', { COUNT: bits(15, 0) }),
} as const;

const REGISTERS = SDHOST_REGISTERS;
const { CMD, HSTS, EDM, CDIV } = REGISTERS;

/** EDM.FSM: what the state machine does. */
const FSM = {
  DATA_MODE: 0x1,
  READ_DATA: 0x2,
  WRITE_DATA: 0x3,
  READ_WAIT: 0x4,
  WRITE_WAIT_1: 0x7,
  WRITE_START_1: 0xa,
} as const;

const FSM_OF = {
  idle: FSM.DATA_MODE,
  coming: FSM.READ_DATA,
  readable: FSM.READ_WAIT,
  writable: FSM.WRITE_START_1,
  going: FSM.WRITE_DATA,
  busy: FSM.WRITE_WAIT_1,
  stalled: FSM.READ_DATA,
  waiting: FSM.READ_WAIT,
} as const;

/** Words of the FIFO. */
const FIFO_WORDS = 16;
/** CDIV after reset (Linux, the same file). */
const RESET_DIVIDER = 507;
/** What CDIV is less than the divider. */
const DIVIDER_BIAS = 2;
/** The core clock, Hz, which a Pi 2 starts with. */
const CORE_CLOCK_HZ = 250e6;
/** GO_IDLE_STATE and GO_INACTIVE_STATE bring the slow clock back. */
const SLOW_AGAIN = [0, 15];

/** Bus address of DATA, where DMA reaches it. */
const DATA_ADDRESS = 0x7e20_2040;

/** The SD host, the Pi 2's own controller of the card slot. */
export class SdHost implements Device {
  readonly name = 'SDHOST';
  readonly registers = REGISTERS;
  readonly state;
  /** Its data register, for DMA. */
  readonly port: DataPort;

  private readonly data: SdData;
  private readonly commandTimer: Timer;

  /**
   * @param card what is on its pins
   * @param buffer what its data register moves
   * @param irq its interrupt
   * @param request its data request changed
   */
  constructor(
    private readonly clock: Clock,
    private readonly card: CardAt,
    buffer: DataBuffer,
    private readonly irq: Line,
    private readonly request: () => void,
  ) {
    this.data = new SdData(this.name, clock, buffer, {
      card,
      clockTime: () => this.clockTime(),
      width: () => (this.value(REGISTERS.HCFG) & HCFG.WIDE_EXT_BUS ? 4 : 1),
      timeout: () => this.value(REGISTERS.TOUT),
      waitsUncounted: true,
      ready: () => {
        this.update();
        this.request();
      },
      blockDone: () => {
        this.raise(HSTS.bits.BLOCK_IRPT);
      },
      ended: () => {
        this.goOn();
      },
      failed: (how) => {
        this.raise(HSTS.bits.BLOCK_IRPT | (how === 'crc' ? HSTS.bits.CRC16_ERROR : HSTS.bits.REW_TIME_OUT));
        this.goOn();
      },
    });
    this.state = {
      values: new Map<number, number>([[CDIV.offset, RESET_DIVIDER]]),
      response: new Uint32Array(REGISTERS.RSP.count),
      command: 0,
      status: 0,
      /** The command waits for a block to be written, or has been answered and waits until the card is not busy. */
      waits: false,
      answered: false,
      /** The card was selected: without SLOW_CARD the divider's lower bits count. */
      fast: false,
      /** The interrupt is up. */
      raised: false,
      data: this.data.state,
    };
    this.commandTimer = clock.timer(`${this.name}, command`, () => {
      if (this.state.answered) this.finish(HSTS.bits.BUSY_IRPT);
      else this.complete();
    });
    this.port = {
      address: DATA_ADDRESS,
      readable: () => this.data.readable(),
      writable: () => this.data.writable(),
      take: (count) => {
        const bytes = this.data.take(count);
        this.update();
        return bytes;
      },
      give: (bytes) => {
        this.data.give(bytes);
        this.update();
      },
    };
  }

  read(offset: number): number {
    switch (offset) {
      case CMD.offset:
        return this.state.command;
      case HSTS.offset:
        return this.state.status | (this.hasData() ? HSTS.bits.DATA : 0);
      case EDM.offset:
        return this.value(EDM) | FSM_OF[this.data.state.phase] | inField(this.level(), EDM.bits.FIFO_LEVEL);
      case REGISTERS.DATA.offset: {
        const word = this.data.readWord();
        this.update();
        return word;
      }
      default:
        return this.state.response[indexIn(REGISTERS.RSP, offset)] ?? this.state.values.get(offset) ?? 0;
    }
  }

  write(offset: number, value: number): void {
    switch (offset) {
      case CMD.offset:
        if (!(this.state.command & CMD.bits.NEW)) this.command(value);
        break;
      case HSTS.offset:
        this.state.status &= ~value;
        break;
      case EDM.offset:
        this.state.values.set(offset, value & (EDM.bits.READ_THRESHOLD | EDM.bits.WRITE_THRESHOLD));
        if (value & EDM.bits.FORCE_DATA_MODE) {
          this.data.stop();
          this.goOn();
        }
        break;
      case REGISTERS.DATA.offset:
        this.data.writeWord(value);
        break;
      default:
        if (indexIn(REGISTERS.RSP, offset) < 0) this.state.values.set(offset, value);
    }
    this.update();
  }

  /** Only DATA changes by being read; all else by what is written and by what its timers do. */
  steadyUntil(offset: number): number {
    return offset === REGISTERS.DATA.offset ? -Infinity : Infinity;
  }

  /** Has the firmware set the divider (its property 0x00038042). */
  setDivider(divider: number): void {
    this.state.values.set(CDIV.offset, divider - DIVIDER_BIAS);
  }

  private value({ offset }: { readonly offset: number }): number {
    return this.state.values.get(offset) ?? 0;
  }

  private clockTime(): number {
    const fast = this.state.fast && !(this.value(REGISTERS.HCFG) & HCFG.SLOW_CARD);
    const divider = fieldOf(this.value(CDIV), fast ? CDIV.bits.FAST : CDIV.bits.DIVIDER);
    return (1e9 * (divider + DIVIDER_BIAS)) / CORE_CLOCK_HZ;
  }

  /** There is something in the FIFO, or room for it. */
  private hasData(): boolean {
    return this.data.readable() > 0 || this.data.writable() > 0;
  }

  /** Words in the FIFO. What is written is on its way at once; none goes in while a block does. */
  private level(): number {
    const { phase } = this.data.state;
    if (phase === 'readable') return Math.min(FIFO_WORDS, Math.ceil(this.data.readable() / 4));
    return phase === 'going' || phase === 'busy' ? FIFO_WORDS : 0;
  }

  private command(value: number): void {
    this.state.command = value & 0xffff & ~CMD.bits.FAIL;
    if (!(value & CMD.bits.NEW)) return;
    this.state.answered = false;
    const { phase } = this.data.state;
    // A block that goes to the card goes to its end before.
    this.state.waits = phase === 'going' || phase === 'busy';
    if (!this.state.waits) this.issue();
  }

  private issue(): void {
    this.state.waits = false;
    const { command } = this.state;
    const { NO_RESPONSE, LONG_RESPONSE } = CMD.bits;
    const response = command & NO_RESPONSE ? 'none' : command & LONG_RESPONSE ? 'long' : 'short';
    this.commandTimer.set(this.clock.now() + commandClocks(response) * this.clockTime());
  }

  /** The data lines are free: a command that waited for it goes. */
  private goOn(): void {
    if (this.state.waits) this.issue();
    this.update();
  }

  /** The command has reached the card, and its answer is here or does not come. */
  private complete(): void {
    const { command } = this.state;
    const index = fieldOf(command, CMD.bits.INDEX);
    const card = this.card();
    const answer = card?.command(index, this.value(REGISTERS.ARG));
    // The bus goes on fast.
    if (index === INDEX.SELECT_CARD) this.state.fast = true;
    if (SLOW_AGAIN.includes(index)) this.state.fast = false;
    if (index === INDEX.STOP_TRANSMISSION) this.data.stop();
    if (command & CMD.bits.NO_RESPONSE) {
      this.finish(0);
      return;
    }
    const wantsLong = (command & CMD.bits.LONG_RESPONSE) !== 0;
    const busy = command & CMD.bits.BUSYWAIT;
    if (!card || !answer || (answer.long !== undefined) !== wantsLong) {
      this.state.command |= CMD.bits.FAIL;
      this.finish(
        (answer ? HSTS.bits.CRC7_ERROR : HSTS.bits.CMD_TIME_OUT) | (busy ? HSTS.bits.BUSY_IRPT : 0),
      );
      return;
    }
    if (answer.long) {
      const view = new DataView(answer.long.buffer, answer.long.byteOffset);
      this.state.response.forEach((_, i, all) => (all[i] = view.getUint32(answer.long.length - 4 - 4 * i)));
    } else this.state.response[0] = answer.word;
    const size = fieldOf(this.value(REGISTERS.HBCT), REGISTERS.HBCT.bits.COUNT);
    // Raspberry Pi's driver of 2015 has 0 here for what it moves without DMA, and ends that itself.
    const blocks = fieldOf(this.value(REGISTERS.HBLC), REGISTERS.HBLC.bits.COUNT) || Infinity;
    if (command & CMD.bits.READ) this.data.read(size, blocks);
    else if (command & CMD.bits.WRITE) this.data.write(size, blocks);
    if (busy) {
      this.state.answered = true;
      this.commandTimer.set(Math.max(card.busyUntil(), this.clock.now()));
    } else this.finish(0);
  }

  private finish(status: number): void {
    this.state.answered = false;
    this.state.command &= ~CMD.bits.NEW;
    this.raise(status);
  }

  /** An interrupt that is not enabled leaves no mark: Linux' driver takes each mark for one that it waits for. */
  private raise(status: number): void {
    const enabled = this.value(REGISTERS.HCFG);
    const silent =
      (enabled & HCFG.BLOCK_IRPT_EN ? 0 : HSTS.bits.BLOCK_IRPT) |
      (enabled & HCFG.BUSY_IRPT_EN ? 0 : HSTS.bits.BUSY_IRPT);
    this.state.status |= status & ~silent;
    this.update();
  }

  private update(): void {
    const enabled = this.value(REGISTERS.HCFG);
    const { status } = this.state;
    const raised =
      (status & HSTS.bits.BLOCK_IRPT && enabled & HCFG.BLOCK_IRPT_EN) !== 0 ||
      (status & HSTS.bits.BUSY_IRPT && enabled & HCFG.BUSY_IRPT_EN) !== 0 ||
      (this.hasData() && (enabled & HCFG.DATA_IRPT_EN) !== 0);
    if (raised === this.state.raised) return;
    this.state.raised = raised;
    this.irq(raised);
  }
}
