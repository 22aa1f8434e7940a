import { PERIPHERAL_BASE } from './bcm2836.js';
import type { Device, Line } from './device.js';
import { bit, bits, indexIn, register, registers } from './register.js';

/** Physical address of the GPIO's registers. */
export const GPIO_BASE = PERIPHERAL_BASE + 0x20_0000;

/** BCM2835 ARM Peripherals, section 6.1. Registers that come twice hold GPIO 0 to 31 and 32 to 53. */
export const GPIO_REGISTERS = {
  GPFSEL: registers(0x00, 6, 'Function select, three bits for each of ten pins'),
  GPSET: registers(0x1c, 2, 'Sets outputs'),
  GPCLR: registers(0x28, 2, 'Clears outputs'),
  GPLEV: registers(0x34, 2, 'Levels'),
  GPEDS: registers(0x40, 2, 'Detected events, cleared by writing ones'),
  GPREN: registers(0x4c, 2, 'Detect rising edges'),
  GPFEN: registers(0x58, 2, 'Detect falling edges'),
  GPHEN: registers(0x64, 2, 'Detect high levels'),
  GPLEN: registers(0x70, 2, 'Detect low levels'),
  GPAREN: registers(0x7c, 2, 'Detect rising edges, asynchronously'),
  GPAFEN: registers(0x88, 2, 'Detect falling edges, asynchronously'),
  GPPUD: register(0x94, 'Pull-up or pull-down to apply', { PUD: bits(1, 0) }),
  GPPUDCLK: registers(0x98, 2, 'Pins that take it'),
} as const;

const REGISTERS = GPIO_REGISTERS;
const { GPFSEL, GPSET, GPCLR, GPLEV, GPEDS, GPREN, GPFEN, GPHEN, GPLEN, GPAREN, GPAFEN } = REGISTERS;

/** Functions of a pin, as GPFSEL has them (table 6-2). */
export const PIN_FUNCTION = { INPUT: 0, OUTPUT: 1, ALT0: 4, ALT3: 7 } as const;

export const GPIO_PINS = 54;

/** The card's: CLK, CMD and DAT0 to DAT3 (table 6-31; Linux, bcm283x.dtsi). ALT0 is SDHOST, ALT3 the EMMC controller. */
export const CARD_PINS = [48, 49, 50, 51, 52, 53] as const;

/** Bits of each half that are pins. */
const PIN_BITS = [0xffff_ffff, 0x003f_ffff];

/**
 * Pins that the firmware has given a function: the UART's two, and the card's six, which the EMMC controller has: the trees of
 * July 2015 give them none, and their driver is that one's (QEMU, hw/gpio/bcm2835_gpio.c, has them so after reset, too).
 */
const FIRMWARE_FUNCTIONS = [
  ...[14, 15].map((pin) => [pin, PIN_FUNCTION.ALT0] as const),
  ...CARD_PINS.map((pin) => [pin, PIN_FUNCTION.ALT3] as const),
];

/** Which pins each of the first three interrupts is for; the fourth is for all (section 6, Linux' pinctrl driver). */
const BANKS = [
  [bits(27, 0), 0],
  [bits(31, 28), bits(13, 0)],
  [0, bits(21, 14)],
] as const;

/** Registers that only hold what is written: the detection enables, by name of the register. */
const ENABLES = [GPREN, GPFEN, GPHEN, GPLEN, GPAREN, GPAFEN];

/** The 54 general-purpose pins. Nothing is connected to them unless {@link setInput} says so. */
export class Gpio implements Device {
  readonly name = 'GPIO';
  readonly registers = REGISTERS;
  readonly state = {
    functions: new Uint8Array(GPIO_PINS),
    outputs: new Uint32Array(2),
    inputs: new Uint32Array(2),
    levels: new Uint32Array(2),
    events: new Uint32Array(2),
    enables: new Map(ENABLES.map((enable) => [enable.offset, new Uint32Array(2)])),
    pull: 0,
  };

  /** @param irqs GPIO interrupts 0 to 3 */
  constructor(private readonly irqs: readonly Line[]) {
    for (const [pin, its] of FIRMWARE_FUNCTIONS) this.state.functions[pin] = its;
  }

  /** Drives a pin from outside; it counts while the pin is no output. */
  setInput(pin: number, level: boolean): void {
    const half = pin >> 5;
    if (level) this.state.inputs[half]! |= bit(pin & 31);
    else this.state.inputs[half]! &= ~bit(pin & 31);
    this.update();
  }

  read(offset: number): number {
    const select = indexIn(GPFSEL, offset);
    if (select >= 0) return this.functionSelect(select);
    for (const [start, values] of this.state.enables) {
      if (offset === start || offset === start + 4) return values[(offset - start) / 4]!;
    }
    if (offset === REGISTERS.GPPUD.offset) return this.state.pull;
    return this.state.levels[indexIn(GPLEV, offset)] ?? this.state.events[indexIn(GPEDS, offset)] ?? 0;
  }

  write(offset: number, value: number): void {
    const select = indexIn(GPFSEL, offset);
    if (select >= 0) this.setFunctions(select, value);
    for (const [start, values] of this.state.enables) {
      const half = (offset - start) / 4;
      if (half === 0 || half === 1) values[half] = value & PIN_BITS[half]!;
    }
    const set = indexIn(GPSET, offset);
    const clear = indexIn(GPCLR, offset);
    const events = indexIn(GPEDS, offset);
    if (set >= 0) this.state.outputs[set]! |= value & PIN_BITS[set]!;
    if (clear >= 0) this.state.outputs[clear]! &= ~value;
    if (events >= 0) this.state.events[events]! &= ~value;
    if (offset === REGISTERS.GPPUD.offset) this.state.pull = value & REGISTERS.GPPUD.bits.PUD;
    this.update();
  }

  private functionSelect(index: number): number {
    let value = 0;
    for (let i = 0; i < 10; i++) value |= (this.state.functions[index * 10 + i] ?? 0) << (3 * i);
    return value;
  }

  private setFunctions(index: number, value: number): void {
    for (let i = 0; i < 10 && index * 10 + i < GPIO_PINS; i++) {
      this.state.functions[index * 10 + i] = (value >>> (3 * i)) & 7;
    }
  }

  /** Works out levels, then events, then the interrupts. */
  private update(): void {
    const enabled = (register: { offset: number }, half: number): number =>
      this.state.enables.get(register.offset)![half]!;
    for (const half of [0, 1]) {
      const driven = this.outputMask(half);
      const before = this.state.levels[half]!;
      const now = (this.state.outputs[half]! & driven) | (this.state.inputs[half]! & ~driven);
      this.state.levels[half] = now;
      const rising = now & ~before & (enabled(GPREN, half) | enabled(GPAREN, half));
      const falling = before & ~now & (enabled(GPFEN, half) | enabled(GPAFEN, half));
      const held = (now & enabled(GPHEN, half)) | (~now & enabled(GPLEN, half));
      this.state.events[half]! |= (rising | falling | held) & PIN_BITS[half]!;
    }
    BANKS.forEach(([low, high], bank) => {
      this.irqs[bank]!((this.state.events[0]! & low) !== 0 || (this.state.events[1]! & high) !== 0);
    });
    this.irqs[3]!((this.state.events[0]! | this.state.events[1]!) !== 0);
  }

  /** The pins of a half that are outputs. */
  private outputMask(half: number): number {
    let mask = 0;
    for (let i = 0; i < 32 && half * 32 + i < GPIO_PINS; i++) {
      if (this.state.functions[half * 32 + i] === PIN_FUNCTION.OUTPUT) mask |= bit(i);
    }
    return mask;
  }
}
