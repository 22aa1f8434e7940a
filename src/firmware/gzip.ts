/** Gzip data (RFC 1952), unpacked as far as somebody wants to see. */
import { Gunzip } from 'fflate';
import { concatBytes } from '../base/bytes.js';

export { gunzipAtOnce } from '../ports/gunzip.js';

/** Bytes of packed data that are unpacked at a time. */
const CHUNK = 8 << 10;
/** So many that give nothing are no packed data: the unpacker would begin anew with each piece. */
const LONGEST_SILENCE = 1 << 20;

/** The first `length` unpacked bytes of gzip data, or fewer. */
export function gunzipHead(data: Uint8Array, length: number): Uint8Array {
  let head = new Uint8Array(0);
  gunzip(data, (chunk) => {
    head = concatBytes(head, chunk);
    return head.length < length;
  });
  return head;
}

/** Unpacks gzip data piece by piece while `take` wants more. Damage, or other bytes behind the data, end it quietly. */
export function gunzip(data: Uint8Array, take: (chunk: Uint8Array) => boolean): void {
  const state = { wanted: true, silent: 0 };
  const stream = new Gunzip((chunk) => {
    if (chunk.length > 0) state.silent = 0;
    state.wanted &&= take(chunk);
  });
  try {
    for (let at = 0; at < data.length && state.wanted && state.silent < LONGEST_SILENCE; at += CHUNK) {
      state.silent += CHUNK;
      stream.push(data.subarray(at, at + CHUNK), at + CHUNK >= data.length);
    }
  } catch {
    // What was unpacked before stands.
  }
}
