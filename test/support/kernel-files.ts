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

/** An entry of the trailer: data padded to 4 bytes, its size, its tag. */
export function entry(tag: string, data: Uint8Array): Uint8Array {
  return concat(data, new Uint8Array(-data.length & 3), u32(data.length), text(tag));
}

/** Entries with RPTL behind them, which holds the length of all, itself included. */
export function trailer(...entries: readonly Uint8Array[]): Uint8Array {
  const before = concat(new Uint8Array(8), ...entries);
  return concat(before, u32(before.length + 12, 4), text('RPTL'));
}
