/** Static ELF executables for Arm's Linux (Tool Interface Standard, ELF 1.2; ELF for the Arm Architecture, IHI 0044). */

/** Who may do what with a segment's pages; added up. */
export const ELF_FLAGS = { EXECUTE: 1, WRITE: 2, READ: 4 } as const;

/** A part of the program that the kernel loads. */
export interface ElfSegment {
  /** Where it is loaded. */
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Bytes of memory that it takes, zeros behind its own; default: as many as it has. */
  readonly memorySize?: number;
  readonly flags: number;
}

/** What a program says of itself, for who looks at the file (ELF 1.2, 2-4): the kernel passes over what it does not know. */
export interface ElfNote {
  /** Whose it is, and its type, which the owner gives a meaning. */
  readonly owner: string;
  readonly type: number;
  readonly text: string;
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
const NOTE = 4;
/** Its flags are those of the stack: without it the kernel makes all that can be read executable. */
const GNU_STACK = 0x6474_e551;

/** Where headers have what a reader wants: of the file's, where the programs' are and how many; of one, type and place. */
const [PROGRAM_HEADERS_AT, PROGRAM_HEADERS] = [28, 44];
const [HEADER_TYPE, HEADER_OFFSET, HEADER_FILE_SIZE] = [0, 4, 16];
/** A note: bytes of its owner and its text, each with a 0 behind it, and its type; then both, at multiples of 4. */
const NOTE_HEADER_SIZE = 12;

export const wordAfter = (n: number): number => Math.ceil(n / 4) * 4;

/** Bytes of headers and note that a file with so many segments begins with. */
export const headersSize = (segments: number, note?: ElfNote): number =>
  HEADER_SIZE + PROGRAM_HEADER_SIZE * (segments + (note ? 2 : 1)) + (note ? noteBytes(note).length : 0);

/** The first offset in a file, behind so many bytes, from which an address can be loaded: it is as far into its page as that. */
export const placeBehind = (bytes: number, address: number): number =>
  bytes + ((((address - bytes) % PAGE) + PAGE) % PAGE);

/** The same of addresses: the first one from a page's beginning on that can be loaded from an offset. */
export const loadableFrom = (page: number, offset: number): number => page + (offset % PAGE);

function noteBytes({ owner, type, text }: ElfNote): Uint8Array {
  const [of, says] = [owner, text].map((it) => new TextEncoder().encode(`${it}\0`)) as [
    Uint8Array,
    Uint8Array,
  ];
  const bytes = new Uint8Array(NOTE_HEADER_SIZE + wordAfter(of.length) + wordAfter(says.length));
  const view = new DataView(bytes.buffer);
  [of.length, says.length, type].forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  bytes.set(of, NOTE_HEADER_SIZE);
  bytes.set(says, NOTE_HEADER_SIZE + wordAfter(of.length));
  return bytes;
}

/**
 * The text of a note in a program that {@link staticElf} made.
 * @param begin the file's first bytes, as far as the note or further
 * @returns undefined where the file is none, or has no such note
 */
export function readNote(begin: Uint8Array, { owner, type }: Omit<ElfNote, 'text'>): string | undefined {
  if (begin.length < HEADER_SIZE || IDENTIFICATION.some((byte, i) => begin[i] !== byte)) return undefined;
  const view = new DataView(begin.buffer, begin.byteOffset, begin.length);
  const isThere = (at: number, size: number): boolean => at + size <= begin.length;
  const headers = view.getUint32(PROGRAM_HEADERS_AT, true);
  for (let i = 0; i < view.getUint16(PROGRAM_HEADERS, true); i++) {
    const header = headers + PROGRAM_HEADER_SIZE * i;
    if (!isThere(header, PROGRAM_HEADER_SIZE)) return undefined;
    if (view.getUint32(header + HEADER_TYPE, true) !== NOTE) continue;
    const at = view.getUint32(header + HEADER_OFFSET, true);
    const size = view.getUint32(header + HEADER_FILE_SIZE, true);
    if (!isThere(at, size) || size < NOTE_HEADER_SIZE) continue;
    const [of, says, kind] = [0, 4, 8].map((word) => view.getUint32(at + word, true)) as [
      number,
      number,
      number,
    ];
    const text = NOTE_HEADER_SIZE + wordAfter(of);
    if (kind !== type || says === 0 || text + says > size) continue;
    const textOf = (from: number, bytes: number): string =>
      new TextDecoder().decode(begin.subarray(at + from, at + from + bytes - 1));
    if (textOf(NOTE_HEADER_SIZE, of) === owner) return textOf(text, says);
  }
  return undefined;
}

/**
 * Makes an executable; its stack is not one to run code on.
 * @param entry address of the first instruction, A32
 * @param segments by ascending addresses; in the file the last one is the first
 * @param note stands behind the headers
 * @returns the file's bytes
 */
export function staticElf(entry: number, segments: readonly ElfSegment[], note?: ElfNote): Uint8Array {
  const says = note ? noteBytes(note) : new Uint8Array();
  const programHeaders = segments.length + (note ? 2 : 1);
  const headers = HEADER_SIZE + PROGRAM_HEADER_SIZE * programHeaders;
  let end = headersSize(segments.length, note);
  const placed = segments.toReversed().map((segment) => {
    const offset = placeBehind(end, segment.address);
    end = offset + segment.bytes.length;
    return { ...segment, offset };
  });
  placed.reverse();
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
  words(40, HEADER_SIZE | (PROGRAM_HEADER_SIZE << 16), programHeaders);
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
  if (note) {
    words(
      HEADER_SIZE + PROGRAM_HEADER_SIZE * (segments.length + 1),
      ...[NOTE, headers, 0, 0, says.length, 0, ELF_FLAGS.READ, 4],
    );
    file.set(says, headers);
  }
  return file;
}
