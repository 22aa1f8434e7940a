import { decodeA32, decodeT32 } from '../isa/decoder.js';
import { readU16LE, readU32LE } from '../base/bytes.js';
import { CRYSTAL_HZ } from '../board/bcm2836.js';
import { STUB_SIZE } from '../firmware/stub.js';
import { hex } from '../base/words.js';
import type { Machine } from './engine.js';

/** A file whose bytes stand in the machine's memory when it starts. */
export interface LoadedFile {
  readonly path: string;
  /** Physical address of its first byte. */
  readonly address: number;
}

/**
 * The command line that makes QEMU a handed-over Raspberry Pi 2: `files` in memory, all four cores at address 0
 * in Secure SVC mode, the PL011 on standard output.
 *
 * The generic loader leaves the start of the cores alone, where `-kernel` would put QEMU's own boot code in front
 * (QEMU manual, "Generic Loader"; `raspi2b` is the name since QEMU 5.1).
 *
 * QEMU's generic timers count at 62.5 MHz whatever CNTFRQ says, unless the processor is told another frequency
 * (target/arm/cpu.c, `cntfrq`, since QEMU 5.0): the crystal's, which boot codes write into CNTFRQ.
 * @param more further arguments, in QEMU's own words
 */
export function qemuArguments(files: readonly LoadedFile[], more: readonly string[] = []): string[] {
  const loaders = files.flatMap(({ path, address }) => [
    '-device',
    // In QEMU's lists of options a comma that belongs to a value is doubled.
    `loader,file=${path.replaceAll(',', ',,')},addr=${hex(address)},force-raw=on`,
  ]);
  return [
    ...['-machine', 'raspi2b', '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
    ...['-global', `cortex-a7-arm-cpu.cntfrq=${CRYSTAL_HZ}`],
    ...loaders,
    ...more,
  ];
}

/**
 * Whether the code that all cores start with has a WFE, in either instruction set. Cores that look at their mailboxes
 * without one, as with the stubs of 2015 and 2016, never pass their turn on where one thread of QEMU takes turns: each
 * broadcast TLB operation of the kernel waits for the ends of all theirs, and a boot that takes a second takes minutes.
 */
export function sleepsAtStart({ memory }: Pick<Machine, 'memory'>): boolean {
  const first = memory.findLast(({ address, data }) => address === 0 && data.length > 0);
  const code = first?.data.subarray(0, STUB_SIZE) ?? new Uint8Array();
  for (let at = 0; at + 4 <= code.length; at += 4) {
    if (decodeA32(readU32LE(code, at))?.encoding.operation === 'WFE') return true;
    for (const half of [at, at + 2])
      if (decodeT32(readU16LE(code, half))?.encoding.operation === 'WFE') return true;
  }
  return false;
}
