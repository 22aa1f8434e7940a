import { crc32 } from 'node:zlib';

/** The bytes of a text. */
export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** One behind the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** 32-bit words, little-endian. */
export function u32(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  values.forEach((value, i) => {
    new DataView(bytes.buffer).setUint32(4 * i, value, true);
  });
  return bytes;
}

/** MOVW r0, #0x1234 and MOVT r0, #0x5678 (ARM ARM, A8.8.102 and A8.8.106), as compilers for ARMv7 make all the time. */
const MOVW_MOVT = u32(0xe301_0234, 0xe345_0678);
/** MOV r0, r0: says nothing of the architecture. */
export const NOPS = (words: number): Uint8Array => u32(...Array<number>(words).fill(0xe1a0_0000));
/** Enough of that to be no chance. */
export const ARMV7_CODE = concat(...Array<Uint8Array>(8).fill(MOVW_MOVT));

interface Shape {
  readonly code?: Uint8Array;
  readonly packed?: Uint8Array;
  readonly start?: number;
  /** Bytes that the header claims; default what is there. */
  readonly size?: number;
  readonly behind?: Uint8Array;
}

/** A zImage: eight NOPs, a branch, magic, start, end, byte-order mark, then code and packed data. */
export function zImage({
  code = ARMV7_CODE,
  packed = new Uint8Array(0),
  start = 0,
  size,
  behind,
}: Shape = {}): Uint8Array {
  const body = concat(u32(0x0403_0201), code, packed);
  const end = start + (size ?? 0x30 + body.length);
  const header = concat(NOPS(8), u32(0xea00_0003, 0x016f_2818, start, end));
  return concat(header, body, behind ?? new Uint8Array(0));
}

/** A zImage of 0x1000 bytes with a table of sizes at 0x80 (Linux, arch/arm/boot/compressed/vmlinux.lds.S), its unpacked size at 0xff0. */
export function sizedZImage(table: readonly number[], size = 0x0123_0000): Uint8Array {
  const image = new Uint8Array(0x1000);
  image.set(zImage({ size: 0xfd0 }));
  const view = new DataView(image.buffer);
  const set = (at: number, ...words: readonly number[]): void => {
    words.forEach((word, i) => {
      view.setUint32(at + 4 * i, word, true);
    });
  };
  set(0x34, 0x4545_4545, 0x80);
  set(0x80, ...table);
  set(0xff0, size);
  return image;
}

/**
 * A zImage of Linux before 4.15, without a table: its code keeps words of which the fifth leads to the unpacked size
 * (Linux 4.0, arch/arm/boot/compressed/head.S, LC0).
 * @param at offset of the words
 */
export function oldZImage(size: number, at = 0x240): Uint8Array {
  const image = new Uint8Array(0x1001);
  image.set(zImage({ size: 0x1001 }));
  image.set(u32(at, 0x1001, 0x101c, 0x1001, 0xff1, 0xff8), at);
  image.set(u32(size), 0xff1);
  return image;
}

/** An entry of the trailer: data padded to 4 bytes, its size, its tag. */
export function entry(tag: string, data: Uint8Array): Uint8Array {
  return concat(data, new Uint8Array(-data.length & 3), u32(data.length), text(tag));
}

/** Entries with RPTL behind them, which holds the length of all, itself included. */
export function trailer(...entries: readonly Uint8Array[]): Uint8Array {
  const before = concat(new Uint8Array(8), ...entries);
  return concat(before, u32(before.length + 12, 4), text('RPTL'));
}

interface Segment {
  readonly physical: number;
  readonly virtual?: number;
  readonly data: Uint8Array;
  readonly memory?: number;
  readonly type?: number;
}

/** An ELF file (System V ABI): header, program headers, then what they load. */
export function elf(segments: readonly Segment[], entry: number, kind = 2, order = 1): Uint8Array {
  let offset = 52 + 32 * segments.length;
  const headers = segments.map(({ type = 1, physical, virtual = physical, data, memory = data.length }) => {
    const header = u32(type, offset, virtual, physical, data.length, memory, 7, 4);
    offset += data.length;
    return header;
  });
  return concat(
    Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 1, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, kind, 0, 40, 0),
    u32(1, entry, 52, 0, 0),
    Uint8Array.of(52, 0, 32, 0, segments.length, 0, 0, 0, 0, 0, 0, 0),
    ...headers,
    ...segments.map(({ data }) => data),
  );
}

/** U-Boot's image (its include/image.h), with zlib's checksums. */
export function uImage(
  data: Uint8Array,
  { load = 0, entry = 0, type = 2, packing = 0, name = 'test' } = {},
): Uint8Array {
  const header = new Uint8Array(64);
  const view = new DataView(header.buffer);
  [0x2705_1956, 0, 0, data.length, load, entry, crc32(data)].forEach((it, i) => {
    view.setUint32(4 * i, it);
  });
  header.set([5, 2, type, packing], 0x1c);
  header.set(text(name), 0x20);
  view.setUint32(4, crc32(header));
  return concat(header, data);
}
