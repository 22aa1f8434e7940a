import type { Cpu } from '../../src/cpu/cpu.js';

/** RAM from address 0, for numbers of any size. It may be written there. */
export function ramView(cpu: Cpu): DataView {
  const ram = writable(cpu);
  return new DataView(ram.buffer, ram.byteOffset, ram.length);
}

/**
 * RAM as words, which may be written.
 * @param address of the first one, which is index 0
 * @param length words, all there are if undefined
 */
export function ramWords(cpu: Cpu, address = 0, length?: number): Uint32Array {
  const ram = writable(cpu, address, length === undefined ? undefined : 4 * length);
  return new Uint32Array(ram.buffer, ram.byteOffset, ram.length / 4);
}

/** The processor is to know that it may be anything but zeros. */
function writable({ memory, machine }: Cpu, address = 0, length = memory.size - address): Uint8Array {
  machine.written.fill(1, address >>> 12, (address + length + 0xfff) >>> 12);
  return memory.observe(address, length);
}

/** Addresses of pages that are not all zeros, and that the processor holds for such as nothing was written to. */
export function pagesMissed({ memory, machine }: Cpu): number[] {
  const ram = memory.observe();
  const words = new BigUint64Array(ram.buffer, ram.byteOffset, ram.length / 8);
  return Array.from(machine.written.keys())
    .filter(
      (page) =>
        !machine.written[page] && words.subarray(page * 512, (page + 1) * 512).some((it) => it !== 0n),
    )
    .map((page) => page * 4096);
}
