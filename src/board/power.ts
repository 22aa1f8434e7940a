import { SECOND, type Clock, type Timer } from './clock.js';
import type { Device } from './device.js';
import { bit, bits, fieldOf, indexIn, register, registers } from './register.js';

/** Every write carries this in its top byte, or is ignored. */
export const PASSWORD = { bits: bits(31, 24), value: 0x5a00_0000 } as const;

const DOMAIN = {
  POWUP: bit(0),
  POWOK: bit(1),
  ISPOW: bit(2),
  MEMREP: bit(3),
  MRDONE: bit(4),
  ISFUNC: bit(5),
  RSTN: bits(11, 6),
} as const;

/** elinux.org, "BCM2835 registers", PM; Linux, drivers/pmdomain/bcm/bcm2835-power.c. Offsets from 0x3f100000. */
export const POWER_REGISTERS = {
  GNRIC: register(0x00, 'Generic'),
  AUDIO: register(0x04, 'Audio'),
  STATUS: register(0x18, 'Status'),
  RSTC: register(0x1c, 'Reset control', { DRCFG: bits(1, 0), WRCFG: bits(5, 4), SRCFG: bits(9, 8) }),
  RSTS: register(
    0x20,
    'Reset status; Raspberry Pi keeps the partition to boot from in bits 0, 2, 4, 6, 8 and 10',
  ),
  WDOG: register(0x24, 'Watchdog: time left', { TIME: bits(19, 0) }),
  PADS: registers(0x2c, 4, 'Pads'),
  USB: register(0x5c, 'USB'),
  DOMAINS: registers(0x108, 3, 'Power of the image, graphics and processor domains', DOMAIN),
} as const;

const { GNRIC, RSTC, RSTS, WDOG, DOMAINS } = POWER_REGISTERS;

/** RSTC.WRCFG: what the watchdog does when it runs out. */
const WRCFG_FULL_RESET = 2;

/** RSTC after power-on, and RSTS. */
const RSTC_RESET = 0x102;
const RSTS_RESET = 0x1000;

/** Partition 63 in RSTS: the firmware halts instead of booting. */
const PARTITION_BITS = 0x555;

/** The watchdog counts this often in a second. */
const WATCHDOG_HZ = 65_536;

/** How a machine ends by itself. */
export type Ending = 'reset' | 'power-off';

/** Power management: the watchdog, through which a Pi resets and switches itself off, and the power domains. */
export class PowerManager implements Device {
  readonly name = 'power manager';
  readonly registers = POWER_REGISTERS;
  readonly state = {
    values: new Map<number, number>(),
    resetControl: RSTC_RESET,
    resetStatus: RSTS_RESET,
    watchdogTime: 0,
    watchdogSet: 0,
  };

  private readonly watchdog: Timer;

  /** @param ended called when the watchdog has run out */
  constructor(
    private readonly clock: Clock,
    ended: (how: Ending) => void,
  ) {
    this.watchdog = clock.timer(`${this.name} watchdog`, () => {
      ended((this.state.resetStatus & PARTITION_BITS) === PARTITION_BITS ? 'power-off' : 'reset');
    });
  }

  read(offset: number): number {
    switch (offset) {
      case RSTC.offset:
        return this.state.resetControl;
      case RSTS.offset:
        return this.state.resetStatus;
      case WDOG.offset:
        return this.watchdogLeft();
      default:
        return this.state.values.get(offset) ?? 0;
    }
  }

  write(offset: number, value: number): void {
    if ((value & PASSWORD.bits) >>> 0 !== PASSWORD.value) return;
    const plain = value & ~PASSWORD.bits;
    switch (offset) {
      case RSTC.offset:
        this.state.resetControl = plain;
        this.setWatchdog();
        break;
      case RSTS.offset:
        this.state.resetStatus = plain;
        break;
      case WDOG.offset:
        this.state.watchdogTime = plain & WDOG.bits.TIME;
        this.state.watchdogSet = this.clock.now();
        this.setWatchdog();
        break;
      default:
        this.state.values.set(
          offset,
          indexIn(DOMAINS, offset) >= 0 || offset === GNRIC.offset ? settled(plain) : plain,
        );
    }
  }

  private runs(): boolean {
    return fieldOf(this.state.resetControl, RSTC.bits.WRCFG) === WRCFG_FULL_RESET;
  }

  private setWatchdog(): void {
    if (this.runs())
      this.watchdog.set(this.state.watchdogSet + (this.state.watchdogTime * SECOND) / WATCHDOG_HZ);
    else this.watchdog.clear();
  }

  private watchdogLeft(): number {
    if (!this.runs()) return this.state.watchdogTime;
    const passed = Math.floor(((this.clock.now() - this.state.watchdogSet) * WATCHDOG_HZ) / SECOND);
    return Math.max(0, this.state.watchdogTime - passed);
  }
}

/** A domain's register once it has powered up and repaired its memories, which takes no time here. */
function settled(value: number): number {
  const { POWUP, POWOK, MEMREP, MRDONE } = DOMAIN;
  return (value & ~(POWOK | MRDONE)) | (value & POWUP ? POWOK : 0) | (value & MEMREP ? MRDONE : 0);
}
