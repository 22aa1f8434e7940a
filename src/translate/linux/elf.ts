/** Static ELF executables for Arm's Linux (Tool Interface Standard, ELF 1.2; ELF for the Arm Architecture, IHI 0044). */

/** Who may do what with a segment's pages; added up. */
export const ELF_FLAGS = { EXECUTE: 1, WRITE: 2, READ: 4 } as const;

/** A part of the program that the kernel loads. */
export interface ElfSegment {
  /** Where it is loaded; a multiple of 4096. */
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Bytes of memory that it takes, zeros behind its own; default: as many as it has. */
  readonly memorySize?: number;
  readonly flags: number;
}

const HEADER_SIZE = 52;
const PROGRAM_HEADER_SIZE = 32;
const PAGE = 4096;

const IDENTIFICATION = [0x7f, 0x45, 0x4c, 0x46];
/** Of the identification: words of 32 bits, little-endian, version 1. */
const [CLASS32, DATA_LITTLE, VERSION] = [1, 1, 1];
const TYPE_EXECUTABLE = 2;
const MACHINE_ARM = 40;
/** Version 5 of the EABI. */
const EABI_5 = 0x0500_0000;
const LOAD = 1;
/** Its flags are those of the stack: without it the kernel makes all that can be read executable. */
const GNU_STACK = 0x6474_e551;

const pageAfter = (n: number): number => Math.ceil(n / PAGE) * PAGE;

/**
 * Makes an executable; its stack is not one to run code on.
 * @param entry address of the first instruction, A32
 * @returns the file's bytes
 */
export function staticElf(entry: number, segments: readonly ElfSegment[]): Uint8Array {
  const headers = HEADER_SIZE + PROGRAM_HEADER_SIZE * (segments.length + 1);
  // A segment's offset is a multiple of the page's size as its address is.
  let end = headers;
  const placed = segments.map((segment) => {
    const offset = pageAfter(end);
    end = offset + segment.bytes.length;
    return { ...segment, offset };
  });
  const file = new Uint8Array(end);
  const view = new DataView(file.buffer);
  const words = (at: number, ...values: readonly number[]): void => {
    values.forEach((value, i) => {
      view.setUint32(at + 4 * i, value, true);
    });
  };
  file.set([...IDENTIFICATION, CLASS32, DATA_LITTLE, VERSION]);
  // Version, entry, where the program headers are, no sections; sizes and numbers of headers in halfwords.
  words(16, TYPE_EXECUTABLE | (MACHINE_ARM << 16), VERSION, entry, HEADER_SIZE, 0, EABI_5);
  words(40, HEADER_SIZE | (PROGRAM_HEADER_SIZE << 16), segments.length + 1);
  placed.forEach(({ address, bytes, memorySize = bytes.length, flags, offset }, i) => {
    // Type, offset, address twice, sizes in file and memory, flags, alignment.
    words(
      HEADER_SIZE + PROGRAM_HEADER_SIZE * i,
      ...[LOAD, offset, address, address, bytes.length, memorySize, flags, PAGE],
    );
    file.set(bytes, offset);
  });
  words(
    HEADER_SIZE + PROGRAM_HEADER_SIZE * segments.length,
    ...[GNU_STACK, 0, 0, 0, 0, 0, ELF_FLAGS.READ | ELF_FLAGS.WRITE, 16],
  );
  return file;
}
