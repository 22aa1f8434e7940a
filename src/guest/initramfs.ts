/** What can be an initramfs of Linux: cpio archives of the kind newc, plain or packed (Linux, init/initramfs.c). */
import { readText } from '../base/bytes.js';
import { gunzipHead } from '../firmware/gzip.js';
import { formatOf, isNewc } from './formats.js';
import { PACKED } from './packed.js';

/** Where the name stands in an entry of newc, and the name that ends an archive (Linux, driver-api/early-userspace). */
const NEWC = { NAME_AT: 110, END: 'TRAILER!!!' } as const;
/** So much of what gzip packed is looked at. */
const HEAD = 4096;

/** What is known of a file as an initramfs. */
export type Archive =
  | { readonly is: 'archive' }
  /** It surely gives no file; why, for a sentence. */
  | { readonly is: 'empty'; readonly why: string }
  /** Linux will not unpack it; what it is instead, where that is known. */
  | { readonly is: 'foreign'; readonly what: string | undefined };

/** What a file is as an initramfs, as far as its first bytes tell. */
export function readInitramfs(file: Uint8Array): Archive {
  if (file.length === 0) return { is: 'empty', why: 'it is empty' };
  const begin = firstByte(file);
  // An archive is looked for at multiples of four only; packed data wherever zeros end.
  if (begin % 4 === 0 && isNewc(file.subarray(begin))) return ofArchive(file.subarray(begin));
  const data = file.subarray(begin);
  const packed = PACKED.find(({ is }) => is(data));
  if (!packed) return { is: 'foreign', what: formatOf(file) };
  if (packed.isEmpty(data)) return { is: 'empty', why: `it is ${packed.name} with nothing in it` };
  if (packed.name !== 'gzip data') return { is: 'archive' };
  const head = gunzipHead(data, HEAD);
  const inner = firstByte(head);
  // Zeros may go on for long before an archive.
  if (inner === head.length) return { is: 'archive' };
  if (isNewc(head.subarray(inner))) return ofArchive(head.subarray(inner));
  return { is: 'foreign', what: `${packed.name}, of ${formatOf(head) ?? 'no archive'}` };
}

function firstByte(file: Uint8Array): number {
  let first = 0;
  while (file[first] === 0) first++;
  return first;
}

const ofArchive = (archive: Uint8Array): Archive =>
  readText(archive, NEWC.NAME_AT, NEWC.END.length + 1) === NEWC.END
    ? { is: 'empty', why: 'it is an archive without a file' }
    : { is: 'archive' };
