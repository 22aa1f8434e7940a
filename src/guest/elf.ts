/** Kernels as ELF files (System V ABI, chapters 4 and 5): their segments go to their physical addresses. */
import { readU16LE, readU32LE } from '../base/bytes.js';
import { hex } from '../base/words.js';
import type { KernelFile } from '../firmware/kernel.js';
import { GUEST_RAM } from '../hypervisor/shared/layout.js';
import { USE_ARMHF, USE_FLAT, type Foreign, type Placed } from './foreign.js';

/** e_machine, by the System V ABI's registry. */
const MACHINES: Readonly<Record<number, string>> = {
  3: 'x86',
  8: 'MIPS',
  20: 'PowerPC',
  21: '64-bit PowerPC',
  40: '32-bit Arm',
  62: '64-bit x86',
  183: '64-bit Arm',
  243: 'RISC-V',
  258: 'LoongArch',
};
const ARM = 40;

/** Offsets in the header: byte order (EI_DATA), kind (e_type), e_entry, program headers; and its size. */
const HEADER = {
  DATA: 0x05,
  TYPE: 0x10,
  ENTRY: 0x18,
  PHOFF: 0x1c,
  PHENTSIZE: 0x2a,
  PHNUM: 0x2c,
  SIZE: 0x34,
} as const;
const [DATA_LITTLE_ENDIAN, TYPE_EXECUTABLE, TYPE_SHARED] = [1, 2, 3];
/** Offsets in a program header; and its size. */
const PROGRAM = {
  TYPE: 0,
  OFFSET: 4,
  VADDR: 8,
  PADDR: 12,
  FILESZ: 16,
  MEMSZ: 20,
  SIZE: 32,
} as const;
const [PT_LOAD, PT_INTERP] = [1, 3];

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly virtual: number;
  readonly physical: number;
  readonly fileSize: number;
  readonly memorySize: number;
}

/** The program headers that are there. */
function segmentsOf(file: Uint8Array): Segment[] {
  if (file.length < HEADER.SIZE) return [];
  const [from, size, count] = [
    readU32LE(file, HEADER.PHOFF),
    readU16LE(file, HEADER.PHENTSIZE),
    readU16LE(file, HEADER.PHNUM),
  ];
  if (size < PROGRAM.SIZE) return [];
  const segments: Segment[] = [];
  for (let i = 0; i < count && from + (i + 1) * size <= file.length; i++) {
    const field = (at: number): number => readU32LE(file, from + i * size + at);
    segments.push({
      type: field(PROGRAM.TYPE),
      offset: field(PROGRAM.OFFSET),
      virtual: field(PROGRAM.VADDR),
      physical: field(PROGRAM.PADDR),
      fileSize: field(PROGRAM.FILESZ),
      memorySize: field(PROGRAM.MEMSZ),
    });
  }
  return segments;
}

/**
 * An ELF file as a guest's kernel. One for 32-bit Arm is taken whose segments are all in a guest's memory by their physical
 * addresses; it is entered where its entry's segment stands, which its virtual address says.
 * @param largest bytes that its segments may reach over
 */
export function placeElf(
  file: Uint8Array,
  { bits, machine, version }: KernelFile & { kind: 'ELF' },
  largest: number,
): Foreign | Placed {
  const name = MACHINES[machine] ?? `a machine of the number ${machine}`;
  const linux = version === undefined ? '' : ' with a Linux kernel in it (vmlinux)';
  if (machine !== ARM || bits !== 32)
    return { what: `an ELF file for ${name}${linux}`, hint: `It is for another processor. ${USE_ARMHF}` };
  const what = `an ELF file for 32-bit Arm${linux}`;
  if (file[HEADER.DATA] !== DATA_LITTLE_ENDIAN) return { what: `${what}, big-endian`, hint: USE_FLAT };
  const all = segmentsOf(file);
  if (all.some(({ type }) => type === PT_INTERP))
    return { what: 'a program for Linux, which itself needs a kernel', hint: USE_FLAT };
  const segments = all
    .filter(({ type, memorySize }) => type === PT_LOAD && memorySize > 0)
    .sort((a, b) => a.physical - b.physical);
  const kind = file.length < HEADER.SIZE ? 0 : readU16LE(file, HEADER.TYPE);
  if ((kind !== TYPE_EXECUTABLE && kind !== TYPE_SHARED) || segments.length === 0)
    return { what: `${what}, and no program: nothing in it is to be loaded`, hint: USE_FLAT };
  if (
    segments.some(
      ({ offset, fileSize, memorySize }) => offset + fileSize > file.length || fileSize > memorySize,
    )
  )
    return { what: `${what}, cut short or damaged`, hint: 'Copy it again, whole.' };
  const outside = segments.find(({ physical }) => physical < GUEST_RAM);
  if (outside ?? segments.some(({ physical, memorySize }) => physical + memorySize - GUEST_RAM > largest)) {
    const { physical } = outside ?? segments.at(-1)!;
    return {
      what: `${what}, linked for memory at ${hex(physical)}, and a guest's begins at ${hex(GUEST_RAM)}`,
      hint:
        version === undefined
          ? `Link it for physical addresses from ${hex(GUEST_RAM)} on (readelf -l FILE shows them), or make a flat image of it, linked for 0x40008000: arm-none-eabi-objcopy -O binary FILE IMAGE.`
          : 'Use arch/arm/boot/zImage of the same build.',
    };
  }
  const overlap = segments.some(
    ({ physical }, i) => i > 0 && physical < segments[i - 1]!.physical + segments[i - 1]!.memorySize,
  );
  if (overlap) return { what: `${what}, with segments one over the other`, hint: 'Copy it again, whole.' };

  const entry = physicalEntry(readU32LE(file, HEADER.ENTRY), segments);
  if (entry === undefined)
    return {
      what: `${what}, which begins in none of its segments`,
      hint: 'Link it with an entry in its code.',
    };
  const address = segments[0]!.physical;
  const filled = segments.filter(({ fileSize }) => fileSize > 0);
  const data = new Uint8Array(Math.max(0, ...filled.map((it) => it.physical + it.fileSize - address)));
  for (const { offset, physical, fileSize } of filled)
    data.set(file.subarray(offset, offset + fileSize), physical - address);
  const last = segments.at(-1)!;
  return { data, address, entry, end: last.physical + last.memorySize };
}

/** Where the entry is in memory; some linkers say it as a physical address at once. */
function physicalEntry(entry: number, segments: readonly Segment[]): number | undefined {
  const within = (from: number, { memorySize }: Segment): boolean =>
    entry >= from && entry < from + memorySize;
  const segment = segments.find((it) => within(it.virtual, it));
  if (segment) return entry - segment.virtual + segment.physical;
  return segments.some((it) => within(it.physical, it)) ? entry : undefined;
}
