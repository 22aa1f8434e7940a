import type { TimerName } from '../ports/bus.js';
import { CORES, CRYSTAL_HZ } from './bcm2836.js';
import { SECOND, type Clock, type Timer } from './clock.js';
import { systemCounter } from './core-timer.js';
import type { Device, Line } from './device.js';
import { LOCAL_REGISTERS, LOCAL_SOURCE } from './local-peripherals.js';
import { fieldOf, indexIn } from './register.js';

const REGISTERS = LOCAL_REGISTERS;
const { CONTROL, GPU_ROUTING, LOCAL_INT_ROUTING, LOCAL_TIMER, LOCAL_TIMER_CLR } = REGISTERS;

/** The four timers of a core in the order of their bits in the routing and source registers. */
export const CORE_TIMERS: readonly TimerName[] = ['secure-physical', 'physical', 'hyp', 'virtual'];

/** The local timer counts both edges of the crystal (QA7, 4.11). */
const LOCAL_TIMER_HZ = 2 * CRYSTAL_HZ;

/** Clock of the peripheral bus that CONTROL.APB_CLOCK chooses: half the ARM's (QA7, 4.2), which is 900 MHz. */
const APB_HZ = 450_000_000;

const UPPER_SHIFT = 32n;

/** The routing nibbles for FIQ lie this many bits above those for IRQ. */
const FIQ_SHIFT = 4;

/** Where the mailboxes' four bits start in the source registers. */
const MAILBOX_SHIFT = 4;

/** Of four levels those that a routing register sends to IRQ, and those that it sends to FIQ, which goes before. */
const fiqsOf = (levels: number, routing: number): number => levels & (routing >>> FIQ_SHIFT);
const irqsOf = (levels: number, routing: number): number => levels & routing & ~(routing >>> FIQ_SHIFT) & 0xf;

/** Routes timers, mailboxes, PMU, the local timer and the GPU's two lines to the four cores. */
export class LocalController implements Device {
  readonly name = 'ARM-local peripherals';
  readonly registers = REGISTERS;
  readonly state = {
    control: 0,
    prescaler: 0,
    gpuRouting: 0,
    pmuRouting: 0,
    localRouting: 0,
    localTimer: 0,
    axiIrq: 0,
    /** Bits of the four timers' lines, for each core. */
    timerLevels: new Uint8Array(CORES),
    timersRouting: new Uint8Array(CORES),
    mailboxesRouting: new Uint8Array(CORES),
    mailboxes: new Uint32Array(4 * CORES),
    irqSource: new Uint32Array(CORES),
    fiqSource: new Uint32Array(CORES),
    pmuLevels: 0,
    gpuIrqLevel: false,
    gpuFiqLevel: false,
    /** The core timer was `base` at the time `since`. Its prescaler is 0 after reset: it stands still (QA7, 3.1.1, 4.3). */
    base: 0n,
    since: 0,
    heldUpper: 0,
    lowerToWrite: 0,
  };

  /** Told, where someone listens, when a mailbox was written: whose, which of its four, and what it holds now. */
  mailboxSet: ((core: number, mailbox: number, value: number) => void) | undefined;

  /** The core timer, as the cores' generic timers see it. */
  readonly coreTimer = systemCounter(() => {
    const { base, since, control, prescaler } = this.state;
    const step = control & CONTROL.bits.STEP_BY_2 ? 2 : 1;
    const hertz = control & CONTROL.bits.APB_CLOCK ? APB_HZ : CRYSTAL_HZ;
    return { base, since, step, hertz, prescaler };
  });

  private readonly localTimerEvent: Timer;

  /**
   * @param irqs the cores' IRQ inputs
   * @param fiqs the cores' FIQ inputs
   * @param coreTimerSet called when the core timer was set, or counts at another rate
   */
  constructor(
    private readonly clock: Clock,
    private readonly irqs: readonly Line[],
    private readonly fiqs: readonly Line[],
    private readonly coreTimerSet: () => void,
  ) {
    this.localTimerEvent = clock.timer(this.name, (due) => {
      this.state.localTimer |= LOCAL_TIMER.bits.INTERRUPT;
      this.update();
      const period = this.localTimerPeriod();
      // Periods that went by meanwhile have set the same flag.
      const passed = Math.floor((this.clock.now() - due) / period) + 1;
      this.localTimerEvent.set(due + passed * period);
    });
  }

  /** Sets the line of one of a core's timers. */
  timerLine(core: number, timer: TimerName, level: boolean): void {
    const mask = 1 << CORE_TIMERS.indexOf(timer);
    this.state.timerLevels[core] = level
      ? this.state.timerLevels[core]! | mask
      : this.state.timerLevels[core]! & ~mask;
    this.update();
  }

  /** Sets the line of a core's performance monitor. */
  pmuLine(core: number, level: boolean): void {
    this.state.pmuLevels = level ? this.state.pmuLevels | (1 << core) : this.state.pmuLevels & ~(1 << core);
    this.update();
  }

  /** The GPU interrupt controller's IRQ. */
  readonly gpuIrq: Line = (level) => {
    if (this.state.gpuIrqLevel === level) return;
    this.state.gpuIrqLevel = level;
    this.update();
  };

  /** The GPU interrupt controller's FIQ. */
  readonly gpuFiq: Line = (level) => {
    if (this.state.gpuFiqLevel === level) return;
    this.state.gpuFiqLevel = level;
    this.update();
  };

  read(offset: number): number {
    switch (offset) {
      case CONTROL.offset:
        return this.state.control;
      case REGISTERS.PRESCALER.offset:
        return this.state.prescaler;
      case GPU_ROUTING.offset:
        return this.state.gpuRouting;
      case REGISTERS.PMU_ROUTING_SET.offset:
        return this.state.pmuRouting;
      case REGISTERS.CORE_TIMER_LS.offset: {
        const count = this.coreTimer.countAt(this.clock.now());
        this.state.heldUpper = Number(count >> UPPER_SHIFT);
        return Number(BigInt.asUintN(32, count));
      }
      case REGISTERS.CORE_TIMER_MS.offset:
        return this.state.heldUpper;
      case LOCAL_INT_ROUTING.offset:
        return this.state.localRouting;
      case REGISTERS.AXI_IRQ.offset:
        return this.state.axiIrq;
      case LOCAL_TIMER.offset:
        return this.state.localTimer;
      default:
        return this.readRepeated(offset);
    }
  }

  steadyUntil(offset: number): number {
    // The core timer counts, and reading its lower half holds the upper one.
    const counts = offset === REGISTERS.CORE_TIMER_LS.offset || offset === REGISTERS.CORE_TIMER_MS.offset;
    return counts ? -Infinity : Infinity;
  }

  write(offset: number, value: number): void {
    switch (offset) {
      case CONTROL.offset:
        this.setCoreTimer();
        this.state.control = value & (CONTROL.bits.APB_CLOCK | CONTROL.bits.STEP_BY_2);
        this.coreTimerSet();
        break;
      case REGISTERS.PRESCALER.offset:
        this.setCoreTimer();
        this.state.prescaler = value;
        this.coreTimerSet();
        break;
      case GPU_ROUTING.offset:
        this.state.gpuRouting = value & (GPU_ROUTING.bits.IRQ | GPU_ROUTING.bits.FIQ);
        break;
      case REGISTERS.PMU_ROUTING_SET.offset:
        this.state.pmuRouting |= value & 0xff;
        break;
      case REGISTERS.PMU_ROUTING_CLR.offset:
        this.state.pmuRouting &= ~value;
        break;
      case REGISTERS.CORE_TIMER_LS.offset:
        this.state.lowerToWrite = value;
        break;
      case REGISTERS.CORE_TIMER_MS.offset:
        this.setCoreTimer((BigInt(value) << UPPER_SHIFT) | BigInt(this.state.lowerToWrite));
        this.coreTimerSet();
        break;
      case LOCAL_INT_ROUTING.offset:
        this.state.localRouting = value & (LOCAL_INT_ROUTING.bits.CORE | LOCAL_INT_ROUTING.bits.FIQ);
        break;
      case REGISTERS.AXI_IRQ.offset:
        this.state.axiIrq = value;
        break;
      case LOCAL_TIMER.offset:
        this.setLocalTimer(value);
        break;
      case LOCAL_TIMER_CLR.offset:
        if (value & LOCAL_TIMER_CLR.bits.CLEAR) this.state.localTimer &= ~LOCAL_TIMER.bits.INTERRUPT;
        if (value & LOCAL_TIMER_CLR.bits.RELOAD) this.restartLocalTimer();
        break;
      default:
        this.writeRepeated(offset, value);
    }
    this.update();
  }

  private readRepeated(offset: number): number {
    return (
      this.state.timersRouting[indexIn(REGISTERS.TIMERS_ROUTING, offset)] ??
      this.state.mailboxesRouting[indexIn(REGISTERS.MAILBOXES_ROUTING, offset)] ??
      this.state.irqSource[indexIn(REGISTERS.IRQ_SOURCE, offset)] ??
      this.state.fiqSource[indexIn(REGISTERS.FIQ_SOURCE, offset)] ??
      this.state.mailboxes[indexIn(REGISTERS.MAILBOX_CLR, offset)] ??
      0
    );
  }

  private writeRepeated(offset: number, value: number): void {
    const timers = indexIn(REGISTERS.TIMERS_ROUTING, offset);
    const mailboxes = indexIn(REGISTERS.MAILBOXES_ROUTING, offset);
    const set = indexIn(REGISTERS.MAILBOX_SET, offset);
    const clear = indexIn(REGISTERS.MAILBOX_CLR, offset);
    if (timers >= 0) this.state.timersRouting[timers] = value;
    else if (mailboxes >= 0) this.state.mailboxesRouting[mailboxes] = value;
    else if (set >= 0) {
      this.state.mailboxes[set]! |= value;
      this.mailboxSet?.(set >>> 2, set & 3, this.state.mailboxes[set]!);
    } else if (clear >= 0) this.state.mailboxes[clear]! &= ~value;
  }

  private setLocalTimer(value: number): void {
    const kept = this.state.localTimer & LOCAL_TIMER.bits.INTERRUPT;
    const { RELOAD, ENABLE, INTERRUPT_ENABLE } = LOCAL_TIMER.bits;
    this.state.localTimer = (value & (RELOAD | ENABLE | INTERRUPT_ENABLE)) | kept;
    this.localTimerEvent.clear();
    this.restartLocalTimer();
  }

  private restartLocalTimer(): void {
    if (this.state.localTimer & LOCAL_TIMER.bits.ENABLE) {
      this.localTimerEvent.set(this.clock.now() + this.localTimerPeriod());
    }
  }

  private localTimerPeriod(): number {
    const reload = Math.max(1, fieldOf(this.state.localTimer, LOCAL_TIMER.bits.RELOAD));
    return (reload * SECOND) / LOCAL_TIMER_HZ;
  }

  /** Has the core timer count on from a value, or from what it reads now. */
  private setCoreTimer(base?: bigint): void {
    const now = this.clock.now();
    this.state.base = base ?? this.coreTimer.countAt(now);
    this.state.since = now;
  }

  private update(): void {
    for (let core = 0; core < CORES; core++) {
      const timers = this.state.timerLevels[core]!;
      const toTimers = this.state.timersRouting[core]!;
      const mailboxes = this.fullMailboxes(core);
      const toMailboxes = this.state.mailboxesRouting[core]!;
      let irq = irqsOf(timers, toTimers) | (irqsOf(mailboxes, toMailboxes) << MAILBOX_SHIFT);
      let fiq = fiqsOf(timers, toTimers) | (fiqsOf(mailboxes, toMailboxes) << MAILBOX_SHIFT);

      if (this.state.gpuIrqLevel && fieldOf(this.state.gpuRouting, GPU_ROUTING.bits.IRQ) === core)
        irq |= LOCAL_SOURCE.GPU;
      if (this.state.gpuFiqLevel && fieldOf(this.state.gpuRouting, GPU_ROUTING.bits.FIQ) === core)
        fiq |= LOCAL_SOURCE.GPU;

      if ((this.state.pmuLevels >>> core) & 1) {
        if ((this.state.pmuRouting >>> (core + FIQ_SHIFT)) & 1) fiq |= LOCAL_SOURCE.PMU;
        else if ((this.state.pmuRouting >>> core) & 1) irq |= LOCAL_SOURCE.PMU;
      }

      const { INTERRUPT, INTERRUPT_ENABLE } = LOCAL_TIMER.bits;
      const localTimerFires =
        (this.state.localTimer & INTERRUPT) !== 0 && (this.state.localTimer & INTERRUPT_ENABLE) !== 0;
      if (localTimerFires && (this.state.localRouting & LOCAL_INT_ROUTING.bits.CORE) === core) {
        if (this.state.localRouting & LOCAL_INT_ROUTING.bits.FIQ) fiq |= LOCAL_SOURCE.LOCAL_TIMER;
        else irq |= LOCAL_SOURCE.LOCAL_TIMER;
      }

      this.state.irqSource[core] = irq;
      this.state.fiqSource[core] = fiq;
      this.irqs[core]!(irq !== 0);
      this.fiqs[core]!(fiq !== 0);
    }
  }

  /** A bit for each of a core's mailboxes that holds something. */
  private fullMailboxes(core: number): number {
    let full = 0;
    for (let i = 0; i < 4; i++) if (this.state.mailboxes[core * 4 + i] !== 0) full |= 1 << i;
    return full;
  }
}
