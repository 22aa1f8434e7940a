/** XZ data, as far as finding text in it needs. Format: "The .xz File Format", version 1.1.0. */
import xz from 'xz-decompress';
import { findBytes, readU32LE, writeU32LE } from '../base/bytes.js';
import { crc32 } from '../base/crc32.js';

const STREAM_HEADER = {
  MAGIC: Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00),
  FLAGS_AT: 6,
  CRC_AT: 8,
  SIZE: 12,
};
const LZMA2_ID = 0x21;
/** Dictionary sizes above 64 MiB are refused by the unpacker; the data of a kernel is smaller than that. */
const LARGEST_DICTIONARY = 28;

/** Offset of the first XZ stream in `bytes`: the magic followed by a stream header that checks; -1 where none is. */
export function findXz(bytes: Uint8Array): number {
  return findBytes(bytes, STREAM_HEADER.MAGIC, 0, (at) => {
    if (at + STREAM_HEADER.SIZE >= bytes.length) return false;
    const flags = bytes.subarray(at + STREAM_HEADER.FLAGS_AT, at + STREAM_HEADER.CRC_AT);
    return readU32LE(bytes, at + STREAM_HEADER.CRC_AT) === crc32(flags);
  });
}

/**
 * Unpacks an XZ stream piece by piece, without the filter that kernels are packed with before LZMA2: it makes branch
 * targets absolute, which the unpacker does not know and text does not notice. Damage ends the pieces quietly.
 * @param stream the data from its stream header on, with anything behind it
 */
export async function* unpackXzText(stream: Uint8Array): AsyncGenerator<Uint8Array> {
  const data = new Uint8Array(stream);
  const header = data.subarray(STREAM_HEADER.SIZE, STREAM_HEADER.SIZE + (data[STREAM_HEADER.SIZE]! + 1) * 4);
  const lzma2 = findBytes(header, Uint8Array.of(LZMA2_ID, 1), 2);
  const dictionary = header[lzma2 + 2];
  if (lzma2 < 0 || dictionary === undefined) return;
  // Block header (section 3.1): size, flags (no sizes, one filter), LZMA2 with its dictionary, padding, CRC.
  header.fill(0, 1);
  header.set([LZMA2_ID, 1, Math.min(dictionary, LARGEST_DICTIONARY)], 2);
  writeU32LE(header, header.length - 4, crc32(header.subarray(0, -4)));
  const reader = new xz.XzReadableStream(
    new ReadableStream({
      start(controller) {
        controller.enqueue(data);
        controller.close();
      },
    }),
  ).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch {
    // What was unpacked before stands.
  } finally {
    // The unpacker serves one stream at a time: the next one waits until this is given up.
    await reader.cancel().catch(() => undefined);
  }
}
