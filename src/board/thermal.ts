import type { Device } from './device.js';
import { bit, bits, register } from './register.js';

/** Linux, drivers/thermal/broadcom/bcm2835_thermal.c. */
export const THERMAL_REGISTERS = {
  CTL: register(
    0x00,
    'Control',
    {
      POWER_DOWN: bit(0),
      RSTB: bit(1),
      CTRL: bits(4, 2),
      INTERRUPT_ENABLE: bit(5),
      DIRECT: bit(6),
      INTERRUPT_CLEAR: bit(7),
      HOLD: bits(17, 8),
      RESET_DELAY: bits(25, 18),
      REGULATOR: bit(26),
    },
    { bits: bit(5), words: 'no interrupt comes' },
  ),
  STAT: register(0x04, 'Status', { DATA: bits(9, 0), VALID: bit(10), INTERRUPT: bit(11) }),
} as const;

const { CTL, STAT } = THERMAL_REGISTERS;

/** The BCM2836's sensor: 407 °C less 0.538 °C for each count. */
const COUNTS_AT_25_DEGREES = Math.round((407_000 - 25_000) / 538);

/** The thermal sensor of a board that stays at 25 °C. */
export class ThermalSensor implements Device {
  readonly name = 'thermal sensor';
  readonly registers = THERMAL_REGISTERS;
  readonly state = {
    control: 0,
  };

  read(offset: number): number {
    return offset === CTL.offset ? this.state.control : STAT.bits.VALID | COUNTS_AT_25_DEGREES;
  }

  write(offset: number, value: number): void {
    if (offset === CTL.offset) this.state.control = value & ~CTL.bits.INTERRUPT_CLEAR;
  }
}
