import type { Bus } from '../ports/bus.js';
import type { DeviceMemory } from '../ports/memory.js';
import { PERIPHERAL_BASE } from './bcm2836.js';

/**
 * The address space that the VideoCore and the DMA engine see (BCM2835 ARM Peripherals, section 1.2.4): RAM four times,
 * once for each cache behaviour (0x00000000, 0x40000000, 0x80000000, 0xc0000000), and the peripherals at 0x7e000000.
 */

/** Bits of a bus address that name a byte of RAM. */
const RAM_ADDRESS = 0x3fff_ffff;

const PERIPHERALS = { base: 0x7e00_0000, size: 0x0100_0000 } as const;

/** Accesses to RAM and devices by bus address. Nothing outside them is touched: reads give 0, writes go nowhere. */
export class VideoCoreBus {
  /** @param peripherals gives the ARM's bus, on which the devices lie */
  constructor(
    private readonly memory: DeviceMemory,
    private readonly peripherals: () => Bus,
  ) {}

  /** Whether all of `length` bytes at a bus address are RAM. */
  isRam(address: number, length: number): boolean {
    return !isPeripheral(address) && (address & RAM_ADDRESS) + length <= this.memory.size;
  }

  /** The 32-bit word at a bus address; 0 where there is nothing. */
  read32(address: number): number {
    if (isPeripheral(address)) return this.peripherals().read(0, toPhysical(address), 4);
    const at = address & RAM_ADDRESS;
    return at + 4 <= this.memory.size ? this.memory.read32(at) : 0;
  }

  /** Writes the 32-bit word at a bus address. */
  write32(address: number, value: number): void {
    if (isPeripheral(address)) {
      this.peripherals().write(0, toPhysical(address), 4, value >>> 0);
      return;
    }
    const at = address & RAM_ADDRESS;
    if (at + 4 <= this.memory.size) this.memory.write32(at, value);
  }

  /** A copy of `length` bytes of RAM at a bus address; undefined when they are not all RAM. */
  readBytes(address: number, length: number): Uint8Array | undefined {
    const at = address & RAM_ADDRESS;
    return this.isRam(address, length) ? this.memory.read(at, length) : undefined;
  }

  /** Writes bytes to RAM at a bus address; nothing at all when they are not all RAM. */
  writeBytes(address: number, bytes: Uint8Array): void {
    if (this.isRam(address, bytes.length)) this.memory.write(address & RAM_ADDRESS, bytes);
  }
}

function isPeripheral(address: number): boolean {
  return address >= PERIPHERALS.base && address < PERIPHERALS.base + PERIPHERALS.size;
}

function toPhysical(address: number): number {
  return address - PERIPHERALS.base + PERIPHERAL_BASE;
}
