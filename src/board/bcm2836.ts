/**
 * The BCM2836 as the ARM cores see it: what is where, and the fixed numbers of a Raspberry Pi 2.
 * Physical addresses throughout.
 */

/** Cores of the Cortex-A7 cluster. */
export const CORES = 4;

/** RAM of every Pi 2, bytes, ARM's and VideoCore's share together. */
export const RAM_SIZE = 0x4000_0000;

/** Start of the BCM2835 peripherals, which its datasheet numbers from bus address 0x7e000000. */
export const PERIPHERAL_BASE = 0x3f00_0000;

/** Where the VideoCore sees RAM past its caches (BCM2835 ARM Peripherals, section 1.2.3). */
export const UNCACHED_ALIAS = 0xc000_0000;

/** PL011 UART (BCM2835 ARM Peripherals, section 13: bus address 0x7e201000). */
export const UART0_BASE = 0x3f20_1000;

/** Crystal that clocks the core timers, Hz (BCM2836 ARM-local peripherals, section 3.1). */
export const CRYSTAL_HZ = 19_200_000;

/** The machine number of every Raspberry Pi in Linux' list (arch/arm/tools/mach-types: bcm2708), handed over in r1. */
export const MACHINE_TYPE = 3138;

/**
 * Board revision codes of the Pi 2 Model B and the SoC on it
 * (Raspberry Pi documentation, "Raspberry Pi revision codes": bits 12 to 15 name the SoC, 4 to 11 the model).
 */
export const REVISION = {
  /** Bits 12 to 15: 1 is BCM2836, 2 is BCM2837. */
  soc: (revision: number): number => (revision >>> 12) & 0xf,
  /** Bits 4 to 11: 4 is the Pi 2 Model B, whichever SoC. */
  model: (revision: number): number => (revision >>> 4) & 0xff,
  /** Bit 23: the code is of the new style, whose fields mean something. */
  isNewStyle: (revision: number): boolean => ((revision >>> 23) & 1) === 1,
  SOC_BCM2836: 1,
  SOC_BCM2837: 2,
  MODEL_2B: 4,
  /** A Pi 2 v1.1 with 1 GiB, made in the UK. */
  PI2_V11: 0xa0_1041,
} as const;
