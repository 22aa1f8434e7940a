import type { Cpu } from '../../src/cpu/cpu.js';

/** RAM from address 0, for numbers of any size. */
export function ramView({ memory }: Cpu): DataView {
  const ram = memory.observe();
  return new DataView(ram.buffer, ram.byteOffset, ram.length);
}

/**
 * RAM as words.
 * @param address of the first one, which is index 0
 * @param length words, all there are if undefined
 */
export function ramWords({ memory }: Cpu, address = 0, length?: number): Uint32Array {
  const ram = memory.observe(address, length === undefined ? undefined : 4 * length);
  return new Uint32Array(ram.buffer, ram.byteOffset, ram.length / 4);
}
