/** What a file is by its first bytes: of those that are taken for a kernel or an initramfs by mistake. */
import { readU16LE, readU32BE } from '../base/bytes.js';
import { begins, beginsWithText, PACKED } from './packed.js';
import { isFdt } from '../firmware/fdt.js';
import { isHypervisorFile } from '../hypervisor/image/description.js';

/** s_magic of ext2 to ext4, in the superblock 1 KiB behind the start (Linux, Documentation/filesystems/ext4). */
const EXT_MAGIC = { AT: 0x438, VALUE: 0xef53 } as const;
/** "ustar" in a header of tar (POSIX, pax). */
const USTAR_AT = 257;
/** So much of a file tells whether it is text. */
const TEXT_TO_SEE = 4096;

function isText(file: Uint8Array): boolean {
  const begin = file.subarray(0, TEXT_TO_SEE);
  // Every program has zeros or other bytes that no text has.
  const control = /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/;
  try {
    // As a stream: the last letter may be cut.
    return !control.test(new TextDecoder('utf-8', { fatal: true }).decode(begin, { stream: true }));
  } catch {
    return false;
  }
}

/** Whether a file begins as a cpio archive of the kind newc, with or without checksums. */
export const isNewc = (file: Uint8Array): boolean =>
  /^07070[12]$/.test(String.fromCharCode(...file.subarray(0, 6)));

const FORMATS: readonly (readonly [string, (file: Uint8Array) => boolean])[] = [
  ['a device tree', isFdt],
  ["hypberry's hypervisor", isHypervisorFile],
  ['a cpio archive, as an initramfs is', isNewc],
  ['a cpio archive', (file) => beginsWithText('070707')(file) || begins(0xc7, 0x71)(file)],
  ...PACKED.map(({ name, is }) => [name, is] as const),
  ['lz4 data of a kind that Linux does not unpack', begins(0x04, 0x22, 0x4d, 0x18)],
  ['a zip archive', begins(0x50, 0x4b, 0x03, 0x04)],
  ['a tar archive', (file) => beginsWithText('ustar')(file.subarray(USTAR_AT))],
  ['a squashfs image', beginsWithText('hsqs')],
  [
    'an ext file system',
    (file) =>
      file.length >= EXT_MAGIC.AT + 2 &&
      readU16LE(file, EXT_MAGIC.AT) === EXT_MAGIC.VALUE &&
      readU32BE(file, 0) === 0,
  ],
  ['a picture', begins(0xff, 0xd8, 0xff)],
  ['a text', isText],
];

/** What a file is that is no program, for a sentence; undefined where it may be one. */
export function formatOf(file: Uint8Array): string | undefined {
  return FORMATS.find(([, is]) => is(file))?.[0];
}
