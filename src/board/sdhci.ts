import type { DataBuffer } from '../ports/data-buffer.js';
import type { Clock, Timer } from './clock.js';
import type { Device, Line } from './device.js';
import type { DataPort } from './dma.js';
import { bit, bits, fieldOf, indexIn, inField, register, registers } from './register.js';
import type { CardAnswer, SdCard } from './sd-card.js';
import { commandClocks, INDEX } from './sd-commands.js';
import { SdData } from './sd-data.js';
import type { CardAt } from './sd-slot.js';

const INTERRUPTS = {
  CMD_DONE: bit(0),
  DATA_DONE: bit(1),
  WRITE_RDY: bit(4),
  READ_RDY: bit(5),
  INSERTED: bit(6),
  REMOVED: bit(7),
  CARD: bit(8),
  ERR: bit(15),
  CTO_ERR: bit(16),
  CCRC_ERR: bit(17),
  CEND_ERR: bit(18),
  CBAD_ERR: bit(19),
  DTO_ERR: bit(20),
  DCRC_ERR: bit(21),
  ACMD_ERR: bit(24),
} as const;

/** BCM2835 ARM Peripherals, section 5.1; SD Host Controller Simplified Specification 3.0. Offsets from 0x3f300000. */
export const SDHCI_REGISTERS = {
  ARG2: register(0x00, 'Argument of CMD23 that is sent before a command'),
  BLKSIZECNT: register(0x04, 'Block size and count', { SIZE: bits(11, 0), COUNT: bits(31, 16) }),
  ARG1: register(0x08, 'Argument'),
  CMDTM: register(
    0x0c,
    'Command and transfer mode',
    {
      DMA: bit(0),
      BLKCNT_EN: bit(1),
      AUTO_CMD12: bit(2),
      AUTO_CMD23: bit(3),
      DAT_DIR: bit(4),
      MULTI_BLOCK: bit(5),
      RSPNS_TYPE: bits(17, 16),
      CRCCHK_EN: bit(19),
      IXCHK_EN: bit(20),
      ISDATA: bit(21),
      INDEX: bits(29, 24),
    },
    { bits: bit(0), words: 'this controller has no DMA of its own' },
  ),
  RESP: registers(0x10, 4, 'Response'),
  DATA: register(0x20, 'Data'),
  STATUS: register(0x24, 'Status', {
    CMD_INHIBIT: bit(0),
    DAT_INHIBIT: bit(1),
    DAT_ACTIVE: bit(2),
    WRITE_TRANSFER: bit(8),
    READ_TRANSFER: bit(9),
    WRITE_ENABLE: bit(10),
    READ_ENABLE: bit(11),
    INSERTED: bit(16),
    STABLE: bit(17),
    DETECT: bit(18),
    NOT_PROTECTED: bit(19),
    DAT_LEVEL: bits(23, 20),
    DAT0_LEVEL: bit(20),
    CMD_LEVEL: bit(24),
  }),
  CONTROL0: register(0x28, 'Host configuration', { HCTL_DWIDTH: bit(1) }),
  CONTROL1: register(0x2c, 'Clock, timeout and reset', {
    CLK_INTLEN: bit(0),
    CLK_STABLE: bit(1),
    CLK_EN: bit(2),
    CLK_FREQ_MS2: bits(7, 6),
    CLK_FREQ8: bits(15, 8),
    DATA_TOUNIT: bits(19, 16),
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
const { BLKSIZECNT, CMDTM, CONTROL0, CONTROL1, STATUS } = REGISTERS;

/** Specification 3.0 (2), Arasan's version 9.9. */
const VERSION = 0x9902_0000;

/** CMDTM.RSPNS_TYPE. */
const RESPONSE = { NONE: 0, LONG: 1, SHORT_BUSY: 3 } as const;

/** The base clock, Hz, as the firmware starts it. */
const BASE_CLOCK_HZ = 250e6;
/** DATA_TOUNIT n is 2^(n + 13) clocks. */
const TIMEOUT_BITS = 13;

/** The last response register, where that of a command goes that the controller sends by itself (specification, 2.2.7). */
const AUTO_RESPONSE = 3;

/** Bus address of DATA, where DMA reaches it. */
const DATA_ADDRESS = 0x7e30_0020;

/** What the command line does: nothing, sends CMD23 before, sends the command, waits until the card is not busy. */
type CommandPhase = 'idle' | 'counting' | 'sending' | 'busy';

/** The EMMC controller: an SD host controller of the standard kind (SDHCI), by Arasan. */
export class Sdhci implements Device {
  readonly name = 'EMMC (SDHCI)';
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
    request: () => void,
  ) {
    this.data = new SdData(this.name, clock, buffer, {
      card,
      clockTime: () => this.clockTime(),
      width: () => (this.value(CONTROL0) & CONTROL0.bits.HCTL_DWIDTH ? 4 : 1),
      timeout: () => 2 ** (fieldOf(this.value(CONTROL1), CONTROL1.bits.DATA_TOUNIT) + TIMEOUT_BITS),
      ready: () => {
        this.raise(this.data.readable() > 0 ? INTERRUPTS.READ_RDY : INTERRUPTS.WRITE_RDY);
        request();
      },
      blockDone: () => {
        this.countDown();
      },
      ended: () => {
        this.endData();
      },
      failed: (how) => {
        this.raise(how === 'crc' ? INTERRUPTS.DCRC_ERR : INTERRUPTS.DTO_ERR);
      },
    });
    this.state = {
      values: new Map<number, number>(),
      response: new Uint32Array(REGISTERS.RESP.count),
      interrupts: 0,
      recorded: 0,
      enabled: 0,
      phase: 'idle' as CommandPhase,
      /** The interrupt is up. */
      raised: false,
      data: this.data.state,
    };
    this.commandTimer = clock.timer(`${this.name}, command`, () => {
      this.go();
    });
    this.port = {
      address: DATA_ADDRESS,
      readable: () => this.data.readable(),
      writable: () => this.data.writable(),
      take: (count) => this.data.take(count),
      give: (bytes) => {
        this.data.give(bytes);
      },
    };
  }

  /** The card went in or out. */
  cardChanged(inserted: boolean): void {
    this.raise(inserted ? INTERRUPTS.INSERTED : INTERRUPTS.REMOVED);
  }

  read(offset: number): number {
    switch (offset) {
      case STATUS.offset:
        return this.status();
      case REGISTERS.DATA.offset:
        return this.data.readWord();
      case REGISTERS.INTERRUPT.offset:
        return this.state.interrupts;
      case REGISTERS.IRPT_MASK.offset:
        return this.state.recorded;
      case REGISTERS.IRPT_EN.offset:
        return this.state.enabled;
      case REGISTERS.SLOTISR_VER.offset:
        return VERSION | (this.line() ? 1 : 0);
      default:
        return this.state.response[indexIn(REGISTERS.RESP, offset)] ?? this.state.values.get(offset) ?? 0;
    }
  }

  write(offset: number, value: number): void {
    switch (offset) {
      case CMDTM.offset:
        this.command(value);
        break;
      case REGISTERS.DATA.offset:
        this.data.writeWord(value);
        break;
      case CONTROL1.offset:
        this.writeControl1(value);
        break;
      case REGISTERS.INTERRUPT.offset:
        this.state.interrupts &= ~value;
        this.summarise();
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
    this.update();
  }

  /** DATA changes by being read, and STATUS when the card is not busy any more; all else by what is written and timers. */
  steadyUntil(offset: number): number {
    if (offset === REGISTERS.DATA.offset) return -Infinity;
    const busy = this.card()?.busyUntil() ?? 0;
    return offset === STATUS.offset && busy > this.clock.now() ? busy : Infinity;
  }

  private value({ offset }: { readonly offset: number }): number {
    return this.state.values.get(offset) ?? 0;
  }

  private clockTime(): number {
    const control = this.value(CONTROL1);
    const half =
      fieldOf(control, CONTROL1.bits.CLK_FREQ8) | (fieldOf(control, CONTROL1.bits.CLK_FREQ_MS2) << 8);
    return (1e9 * Math.max(1, 2 * half)) / BASE_CLOCK_HZ;
  }

  private status(): number {
    const { phase } = this.data.state;
    const card = this.card();
    const reads = phase === 'coming' || phase === 'readable';
    const moves = phase !== 'idle';
    const busy = card !== undefined && card.busyUntil() > this.clock.now();
    const { bits: set } = STATUS;
    return (
      set.STABLE |
      set.NOT_PROTECTED |
      set.CMD_LEVEL |
      (set.DAT_LEVEL & ~(busy ? set.DAT0_LEVEL : 0)) |
      (card ? set.INSERTED | set.DETECT : 0) |
      (this.state.phase === 'counting' || this.state.phase === 'sending' ? set.CMD_INHIBIT : 0) |
      (moves || this.state.phase === 'busy' ? set.DAT_INHIBIT | set.DAT_ACTIVE : 0) |
      (moves ? (reads ? set.READ_TRANSFER : set.WRITE_TRANSFER) : 0) |
      (phase === 'writable' ? set.WRITE_ENABLE : 0) |
      (phase === 'readable' ? set.READ_ENABLE : 0)
    );
  }

  private command(value: number): void {
    if (this.state.phase === 'counting' || this.state.phase === 'sending') return;
    this.state.values.set(CMDTM.offset, value);
    // Without a clock nothing goes, and nothing ends: software resets the command line.
    this.state.phase = value & CMDTM.bits.ISDATA && value & CMDTM.bits.AUTO_CMD23 ? 'counting' : 'sending';
    if (this.value(CONTROL1) & CONTROL1.bits.CLK_EN) this.send();
  }

  /** Sends a command, of 48 bits or, when it is the guest's own, as it says. */
  private send(): void {
    const type = fieldOf(this.value(CMDTM), CMDTM.bits.RSPNS_TYPE);
    const own = this.state.phase === 'sending' ? type : RESPONSE.SHORT_BUSY;
    const response = own === RESPONSE.NONE ? 'none' : own === RESPONSE.LONG ? 'long' : 'short';
    this.commandTimer.set(this.clock.now() + commandClocks(response) * this.clockTime());
  }

  private go(): void {
    switch (this.state.phase) {
      case 'counting': {
        const answer = this.card()?.command(INDEX.SET_BLOCK_COUNT, this.value(REGISTERS.ARG2));
        this.state.response[AUTO_RESPONSE] = answer?.word ?? 0;
        if (answer) {
          this.state.phase = 'sending';
          this.send();
        } else this.endCommand(INTERRUPTS.ACMD_ERR);
        break;
      }
      case 'sending':
        this.complete();
        break;
      case 'busy':
        this.endCommand(INTERRUPTS.DATA_DONE);
    }
  }

  /** The command has reached the card, and its answer is here or does not come. */
  private complete(): void {
    const mode = this.value(CMDTM);
    const index = fieldOf(mode, CMDTM.bits.INDEX);
    const type = fieldOf(mode, CMDTM.bits.RSPNS_TYPE);
    const card = this.card();
    const answer = card?.command(index, this.value(REGISTERS.ARG1));
    if (index === INDEX.STOP_TRANSMISSION) this.data.stop();
    if (type === RESPONSE.NONE) {
      this.endCommand(INTERRUPTS.CMD_DONE);
      return;
    }
    if (!card || !answer || (answer.long !== undefined) !== (type === RESPONSE.LONG)) {
      this.endCommand(answer ? INTERRUPTS.CCRC_ERR | INTERRUPTS.CEND_ERR : INTERRUPTS.CTO_ERR);
      return;
    }
    this.keep(answer);
    if (mode & CMDTM.bits.ISDATA) this.startData(mode);
    if (type === RESPONSE.SHORT_BUSY && !(mode & CMDTM.bits.ISDATA)) this.waitForCard(card);
    else this.state.phase = 'idle';
    this.raise(INTERRUPTS.CMD_DONE);
  }

  /** Bits 127 to 8 of a long response, or the 32 in the middle of a short one (specification, 2.2.7). */
  private keep(answer: CardAnswer): void {
    if (!answer.long) {
      this.state.response[0] = answer.word;
      return;
    }
    const { long } = answer;
    for (let i = 0; i < this.state.response.length; i++) {
      const at = long.length - 1 - 4 * i;
      this.state.response[i] =
        long[at - 1]! | (long[at - 2]! << 8) | (long[at - 3]! << 16) | ((long[at - 4] ?? 0) << 24);
    }
  }

  private waitForCard(card: SdCard): void {
    this.state.phase = 'busy';
    this.commandTimer.set(Math.max(card.busyUntil(), this.clock.now()));
  }

  private startData(mode: number): void {
    const size = fieldOf(this.value(BLKSIZECNT), BLKSIZECNT.bits.SIZE);
    const counted =
      mode & CMDTM.bits.BLKCNT_EN ? fieldOf(this.value(BLKSIZECNT), BLKSIZECNT.bits.COUNT) : Infinity;
    const blocks = mode & CMDTM.bits.MULTI_BLOCK ? counted : 1;
    if (mode & CMDTM.bits.DAT_DIR) this.data.read(size, blocks);
    else this.data.write(size, blocks);
  }

  private countDown(): void {
    const mode = this.value(CMDTM);
    if (!(mode & CMDTM.bits.BLKCNT_EN && mode & CMDTM.bits.MULTI_BLOCK)) return;
    const value = this.value(BLKSIZECNT);
    const count = Math.max(0, fieldOf(value, BLKSIZECNT.bits.COUNT) - 1);
    this.state.values.set(
      BLKSIZECNT.offset,
      ((value & BLKSIZECNT.bits.SIZE) | inField(count, BLKSIZECNT.bits.COUNT)) >>> 0,
    );
  }

  /** The last block has gone through: the card is stopped where that was asked for, and is waited for. */
  private endData(): void {
    const card = this.card();
    if (!card || !(this.value(CMDTM) & CMDTM.bits.AUTO_CMD12)) {
      this.raise(INTERRUPTS.DATA_DONE);
      return;
    }
    const answer = card.command(INDEX.STOP_TRANSMISSION, 0);
    this.state.response[AUTO_RESPONSE] = answer?.word ?? 0;
    if (answer) this.waitForCard(card);
    else this.raise(INTERRUPTS.ACMD_ERR);
  }

  private endCommand(interrupts: number): void {
    this.state.phase = 'idle';
    this.raise(interrupts);
  }

  private writeControl1(value: number): void {
    const { CLK_INTLEN, CLK_STABLE, CLK_EN, SRST_HC, SRST_CMD, SRST_DATA } = CONTROL1.bits;
    if (value & (SRST_HC | SRST_CMD)) this.resetCommand();
    if (value & (SRST_HC | SRST_DATA)) this.resetData();
    if (value & SRST_HC) {
      this.state.values.clear();
      this.state.response.fill(0);
      this.state.interrupts = this.state.recorded = this.state.enabled = 0;
      return;
    }
    const kept = value & ~(SRST_CMD | SRST_DATA | CLK_STABLE);
    const hadClock = this.value(CONTROL1) & CLK_EN;
    this.state.values.set(CONTROL1.offset, kept | (kept & CLK_INTLEN ? CLK_STABLE : 0));
    const waits = this.state.phase === 'counting' || this.state.phase === 'sending';
    if (!hadClock && kept & CLK_EN && waits) this.send();
  }

  private resetCommand(): void {
    if (this.state.phase === 'busy') return;
    this.commandTimer.clear();
    this.state.phase = 'idle';
  }

  private resetData(): void {
    this.data.stop();
    if (this.state.phase !== 'busy') return;
    this.commandTimer.clear();
    this.state.phase = 'idle';
  }

  private raise(interrupts: number): void {
    this.state.interrupts |= interrupts & this.state.recorded;
    this.summarise();
    this.update();
  }

  /** Any error among the upper half shows in the lower one. */
  private summarise(): void {
    if (this.state.interrupts >>> 16) this.state.interrupts |= INTERRUPTS.ERR;
    else this.state.interrupts &= ~INTERRUPTS.ERR;
  }

  private line(): boolean {
    return (this.state.interrupts & this.state.enabled) !== 0;
  }

  private update(): void {
    if (this.line() === this.state.raised) return;
    this.state.raised = this.line();
    this.irq(this.state.raised);
  }
}
