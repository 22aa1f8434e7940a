import type { Device } from './device.js';
import { PASSWORD } from './power.js';
import { bit, bits, type Inert, inField, register, type Register } from './register.js';

/**
 * The clock manager: five PLLs on the crystal, their channels, and a mux with a divider for each clock.
 * Sources: BCM2835 ARM Peripherals, section 6.3 (general-purpose clocks); Linux, drivers/clk/bcm/clk-bcm2835.c.
 */

const CLOCK_CTL = {
  SRC: bits(3, 0),
  ENAB: bit(4),
  KILL: bit(5),
  GATE: bit(6),
  BUSY: bit(7),
  BUSYD: bit(8),
  FRAC: bit(9),
} as const;

const CLOCK_DIV = { FRACTION: bits(11, 0), INTEGER: bits(23, 12) } as const;

const PLL_CM = { ANARST: bit(8), HOLD_AND_LOAD: bits(7, 0) } as const;

const PLL_CTRL = { NDIV: bits(9, 0), PDIV: bits(14, 12), PWRDN: bit(16), PRST_DISABLE: bit(17) } as const;

const PLL_FRAC = { FRACTION: bits(19, 0) } as const;

const PLL_CHANNEL = { DIV: bits(7, 0), DISABLE: bit(8) } as const;

/** ANA1: the feedback divider is doubled. */
const FB_PREDIV = bit(14);

const LOCK = { FLOCKA: bit(8), FLOCKB: bit(9), FLOCKC: bit(10), FLOCKD: bit(11), FLOCKH: bit(12) } as const;

/** Offsets of each clock's control register; its divider is the next word. */
const CLOCKS = {
  GNRIC: 0x000,
  VPU: 0x008,
  SYS: 0x010,
  PERIA: 0x018,
  PERII: 0x020,
  H264: 0x028,
  ISP: 0x030,
  V3D: 0x038,
  CAM0: 0x040,
  CAM1: 0x048,
  CCP2: 0x050,
  DSI0E: 0x058,
  DSI0P: 0x060,
  DPI: 0x068,
  GP0: 0x070,
  GP1: 0x078,
  GP2: 0x080,
  HSM: 0x088,
  OTP: 0x090,
  PCM: 0x098,
  PWM: 0x0a0,
  SLIM: 0x0a8,
  SMI: 0x0b0,
  TCNT: 0x0c0,
  TEC: 0x0c8,
  TD0: 0x0d0,
  TD1: 0x0d8,
  TSENS: 0x0e0,
  TIMER: 0x0e8,
  UART: 0x0f0,
  VEC: 0x0f8,
  DSI1E: 0x158,
  DSI1P: 0x160,
  DFT: 0x168,
  PULSE: 0x190,
  SDC: 0x1a8,
  ARM: 0x1b0,
  AVEO: 0x1b8,
  EMMC: 0x1c0,
} as const;

/** Each PLL: its register among the clocks, where its registers start in the analog block, its channels in order. */
const PLLS = {
  PLLA: { cm: 0x104, low: 0x00, lock: LOCK.FLOCKA, channels: ['DSI0', 'CORE', 'PER', 'CCP2'] },
  PLLC: { cm: 0x108, low: 0x20, lock: LOCK.FLOCKC, channels: ['CORE2', 'CORE1', 'PER', 'CORE0'] },
  PLLD: { cm: 0x10c, low: 0x40, lock: LOCK.FLOCKD, channels: ['DSI0', 'CORE', 'PER', 'DSI1'] },
  PLLH: { cm: 0x110, low: 0x60, lock: LOCK.FLOCKH, channels: ['AUX', 'RCAL', 'PIX', 'STS'] },
  PLLB: { cm: 0x170, low: 0xe0, lock: LOCK.FLOCKB, channels: ['ARM', 'SP0', 'SP1', 'SP2'] },
} as const;

type PllName = keyof typeof PLLS;

const CM_LOCK = register(0x114, 'PLLs that have locked', LOCK);
const CM_OSCCOUNT = register(0x100, 'Crystal periods left to measure a clock over');

/** Clocks whose rate would be seen; all other devices take none to do what they do. */
const INERT_CLOCKS: Readonly<Record<string, Inert | undefined>> = {
  ARM: { bits: bits(23, 0), words: 'the cores keep their speed' },
};

/** Offsets from 0x3f101000. */
export const CLOCK_REGISTERS: Readonly<Record<string, Register>> = {
  ...Object.fromEntries(
    Object.entries(CLOCKS).flatMap(([name, offset]): [string, Register][] => [
      [`${name}CTL`, register(offset, `${name} clock: control`, CLOCK_CTL, INERT_CLOCKS[name])],
      [`${name}DIV`, register(offset + 4, `${name} clock: divider`, CLOCK_DIV, INERT_CLOCKS[name])],
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(PLLS).map(([name, { cm }]) => [name, register(cm, `${name}: holds and loads`, PLL_CM)]),
  ),
  OSCCOUNT: CM_OSCCOUNT,
  LOCK: CM_LOCK,
  EVENT: register(0x118, 'Events'),
};

/** Offsets of an analog block's registers, to which a PLL's `low` is added. */
const ANALOG = { ANA0: 0x010, CTRL: 0x100, FRAC: 0x200, CHANNEL0: 0x300 } as const;

/** Bytes from a PLL's channel to its next one. */
const CHANNEL_STRIDE = 0x100;

/** Offsets from 0x3f102000. */
export const ANALOG_REGISTERS: Readonly<Record<string, Register>> = {
  ...Object.fromEntries(
    Object.entries(PLLS).flatMap(([name, { low, channels }]) => [
      ...[0, 1, 2, 3].map((i): [string, Register] => [
        `${name}_ANA${i}`,
        register(ANALOG.ANA0 + low + 4 * i, `${name}: analog settings`),
      ]),
      [`${name}_CTRL`, register(ANALOG.CTRL + low, `${name}: control`, PLL_CTRL)],
      [`${name}_FRAC`, register(ANALOG.FRAC + low, `${name}: fraction of the feedback divider`, PLL_FRAC)],
      ...channels.map((channel, i): [string, Register] => [
        `${name}_${channel}`,
        register(ANALOG.CHANNEL0 + i * CHANNEL_STRIDE + low, `${name}: channel ${channel}`, PLL_CHANNEL),
      ]),
    ]),
  ),
  XOSC_CTRL: register(0x190, 'Crystal oscillator: who gets it'),
};

/** How the firmware leaves the PLLs: feedback dividers on 19.2 MHz, and each channel's divider (others are off). */
const PLL_START: Partial<
  Record<PllName, { ndiv: number; frac: number; prediv: boolean; channels: Record<string, number> }>
> = {
  // 19.2 MHz × 2 × 46.875 = 1.8 GHz; ARM 900 MHz.
  PLLB: { ndiv: 46, frac: 0xe0000, prediv: true, channels: { ARM: 2 } },
  // 19.2 MHz × 52.0833 = 1 GHz; core and peripherals 500 MHz.
  PLLC: { ndiv: 52, frac: 0x15555, prediv: false, channels: { CORE0: 2, PER: 2 } },
  // 19.2 MHz × 2 × 52.0833 = 2 GHz; core and peripherals 500 MHz.
  PLLD: { ndiv: 52, frac: 0x15555, prediv: true, channels: { CORE: 4, PER: 4 } },
};

/** Clock sources (SRC). */
const SOURCE = { OSCILLATOR: 1, PLLC: 5, PLLD: 6 } as const;

/** How the firmware leaves the clocks that run: source and divider. */
const CLOCK_START: Partial<Record<keyof typeof CLOCKS, readonly [source: number, divider: number]>> = {
  VPU: [SOURCE.PLLC, 2],
  H264: [SOURCE.PLLC, 2],
  ISP: [SOURCE.PLLC, 2],
  V3D: [SOURCE.PLLC, 2],
  // 500 MHz / 10.4165: 48 MHz.
  UART: [SOURCE.PLLD, 10 + 0x6aa / 0x1000],
  EMMC: [SOURCE.PLLD, 2],
  // 1.92 MHz, 1 MHz and 4.8 MHz off the crystal.
  TSENS: [SOURCE.OSCILLATOR, 10],
  TIMER: [SOURCE.OSCILLATOR, 19.2],
  OTP: [SOURCE.OSCILLATOR, 4],
};

/** One view of the clock manager: its clocks, or the PLLs' analog part. */
class View implements Device {
  readonly state = {
    values: new Map<number, number>(),
  };

  constructor(
    readonly name: string,
    readonly registers: Readonly<Record<string, Register>>,
    private readonly computed: (offset: number) => number | undefined,
    private readonly settle: (offset: number, value: number) => number,
  ) {}

  read(offset: number): number {
    return this.computed(offset) ?? this.state.values.get(offset) ?? 0;
  }

  write(offset: number, value: number): void {
    if ((value & PASSWORD.bits) >>> 0 !== PASSWORD.value) return;
    this.state.values.set(offset, this.settle(offset, value & ~PASSWORD.bits));
  }
}

/** The clock manager, two devices on the bus. */
export class ClockManager {
  /** Clocks, at 0x3f101000. */
  readonly clocks: Device;
  /** The PLLs' analog part, at 0x3f102000. */
  readonly analog: Device;

  constructor() {
    const controls = new Set<number>(Object.values(CLOCKS));
    const analog = new View(
      'PLLs (A2W)',
      ANALOG_REGISTERS,
      () => undefined,
      (_, value) => value,
    );
    const clocks: View = new View(
      'clock manager (CPRMAN)',
      CLOCK_REGISTERS,
      (offset) => {
        if (offset === CM_LOCK.offset) return lockedPlls(clocks, analog);
        // Measuring takes no time and finds nothing.
        return offset === CM_OSCCOUNT.offset ? 0 : undefined;
      },
      (offset, value) => (controls.has(offset) ? settledControl(value) : value),
    );
    start(clocks, analog);
    this.clocks = clocks;
    this.analog = analog;
  }
}

/** A clock's control register once the clock has followed it: busy while it runs. */
function settledControl(value: number): number {
  const runs = (value & CLOCK_CTL.ENAB) !== 0 && (value & CLOCK_CTL.KILL) === 0;
  return runs ? value | CLOCK_CTL.BUSY : value & ~CLOCK_CTL.BUSY;
}

function lockedPlls(clocks: View, analog: View): number {
  let locked = 0;
  for (const { cm, low, lock } of Object.values(PLLS)) {
    const powered = !((analog.state.values.get(ANALOG.CTRL + low) ?? PLL_CTRL.PWRDN) & PLL_CTRL.PWRDN);
    const inReset = (clocks.state.values.get(cm) ?? PLL_CM.ANARST) & PLL_CM.ANARST;
    if (powered && !inReset) locked |= lock;
  }
  return locked;
}

function start(clocks: View, analog: View): void {
  for (const [name, { cm, low, channels }] of Object.entries(PLLS)) {
    const pll = PLL_START[name as PllName];
    clocks.state.values.set(cm, pll ? 0 : PLL_CM.ANARST);
    analog.state.values.set(
      ANALOG.CTRL + low,
      pll
        ? PLL_CTRL.PRST_DISABLE | inField(1, PLL_CTRL.PDIV) | inField(pll.ndiv, PLL_CTRL.NDIV)
        : PLL_CTRL.PWRDN,
    );
    analog.state.values.set(ANALOG.FRAC + low, pll?.frac ?? 0);
    analog.state.values.set(ANALOG.ANA0 + 4 + low, pll?.prediv ? FB_PREDIV : 0);
    channels.forEach((channel, i) => {
      const divider = pll?.channels[channel];
      analog.state.values.set(ANALOG.CHANNEL0 + i * CHANNEL_STRIDE + low, divider ?? PLL_CHANNEL.DISABLE);
    });
  }
  for (const [name, [source, divider]] of Object.entries(CLOCK_START)) {
    const offset = CLOCKS[name as keyof typeof CLOCKS];
    clocks.state.values.set(offset, settledControl(inField(source, CLOCK_CTL.SRC) | CLOCK_CTL.ENAB));
    clocks.state.values.set(offset + 4, Math.round(divider * 0x1000));
  }
}
