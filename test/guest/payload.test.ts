/** What `guest add` says of files that cannot start, each made by the description of its format. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HypberryError } from '../../src/base/errors.js';
import { kernelImage } from '../../src/guest/kernel-image.js';
import { useZlib } from '../../src/node/gunzip.js';
import { useGunzip } from '../../src/ports/gunzip.js';
import { ARMV7_CODE, concat, text, u32, zImage } from '../support/kernel-files.js';

beforeAll(useZlib);
afterAll(() => {
  useGunzip(undefined);
});

/** A file of zeros with bytes at some places. */
function file(size: number, ...parts: readonly (readonly [at: number, bytes: Uint8Array])[]): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const [at, part] of parts) bytes.set(part, at);
  return bytes;
}

const elf = (bits: 1 | 2, machine: number, ...more: readonly Uint8Array[]): Uint8Array =>
  concat(
    text('\x7fELF'),
    Uint8Array.of(bits, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, machine, 0),
    // Program headers behind this header of 52 bytes, one of 32.
    u32(1, 0x8000, 0x34, 0, 0),
    Uint8Array.of(0x34, 0, 0x20, 0, 1, 0, 0, 0, 0, 0, 0, 0),
    ...more,
    new Uint8Array(64),
  );
const LINUX = text('Linux version 6.1.0 (a@b) (gcc)\0');
/** Type (2 kernel, 3 RAM disk), and architecture (2 Arm, 22 arm64, 5 MIPS) of U-Boot's image.h. */
const uImage = (architecture: number, type = 2): Uint8Array =>
  file(128, [0, Uint8Array.of(0x27, 0x05, 0x19, 0x56)], [0x1c, Uint8Array.of(5, architecture, type, 0)]);
/** U-Boot's vectors: a branch, LDR PC, [PC, #0x14] seven times, then addresses in itself. */
const uBoot = (base: number): Uint8Array =>
  concat(
    u32(0xea00_00b8, ...Array<number>(7).fill(0xe59f_f014)),
    u32(...[0x60, 0xc0, 0x120, 0x180, 0x1e0, 0x240, 0x2a0].map((at) => base + at)),
    text('U-Boot 2023.01+dfsg-2 (Jan 1 2023)\0'),
  );
const pe = (machine: number, more: readonly (readonly [number, Uint8Array])[] = []): Uint8Array =>
  file(
    256,
    [0, text('MZ')],
    [0x3c, u32(0x80)],
    [0x80, text('PE')],
    [0x84, Uint8Array.of(machine & 0xff, machine >> 8)],
    ...more,
  );
const bzImage = file(1024, [0x1fe, Uint8Array.of(0x55, 0xaa)], [0x202, text('HdrS')]);
const diskImage = file(2048, [0, Uint8Array.of(0xeb, 0x63, 0x90)], [0x1fe, Uint8Array.of(0x55, 0xaa)]);

test.each<[string, Uint8Array, RegExp, RegExp]>([
  [
    'U-Boot for QEMU',
    uBoot(0),
    /it is U-Boot 2023\.01\S*, linked to run at 0x0, .* entered at 0x40008000\./,
    /--firmware/,
  ],
  ['U-Boot for the Pi 2', uBoot(0x8000), /linked to run at 0x8000,/, /kernel itself/],

  ['vmlinux of arm64', elf(2, 183, LINUX), /for 64-bit Arm with a Linux kernel in it \(vmlinux\)/, /armhf/],
  ['a program of x86', elf(2, 62), /an ELF file for 64-bit x86/, /another processor/],
  ['a program of a machine of another number', elf(1, 99), /a machine of the number 99/, /another/],
  ['a program for Linux', elf(1, 40, u32(3, 0, 0, 0, 0, 0, 0, 0)), /a program for Linux/, /zImage/],
  ['a 64-bit Linux', file(256, [0x38, text('ARMd')]), /64-bit Arm, and the Cortex-A7 has no/, /armhf/],
  ['the same in gzip', gzipSync(file(256, [0x38, text('ARMd')])), /64-bit Arm, packed with gzip/, /armhf/],
  ['bzImage', bzImage, /Linux kernel for x86 \(bzImage\)/, /armhf/],
  ['Linux for RISC-V', file(256, [0x38, text('RSC\x05')]), /Linux kernel for RISC-V/, /armhf/],
  ['an EFI program', pe(0x8664), /an EFI program for 64-bit x86/, /Nothing .* starts EFI/],
  [
    'a zboot image',
    pe(0xaa64, [[4, text('zimg')]]),
    /packed Linux kernel as an EFI program for 64-bit/,
    /armhf/,
  ],
  ['U-Boot’s image of arm64', uImage(22), /a U-Boot image of a kernel for 64-bit Arm/, /armhf/],
  ['U-Boot’s image of MIPS', uImage(5), /for MIPS/, /another processor/],
  ['U-Boot’s image of an initramfs', uImage(2, 3), /a U-Boot image of a RAM disk/, /zImage/],
  ['a zImage in gzip', gzipSync(zImage()), /gzip data, with a 32-bit kernel in it/, /gunzip/],
  ['something in gzip', gzipSync(text('words')), /it is gzip data\./, /gunzip/],
  ['nothing in gzip', gzipSync(''), /gzip data with nothing in it/, /zImage/],
  ['zstd', file(64, [0, Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)]), /zstd data/, /unzstd/],
  [
    'an image of Android',
    concat(text('ANDROID!'), new Uint8Array(64)),
    /boot image of Android/,
    /unpack_bootimg/,
  ],
  ['a disk image', diskImage, /a disk image/, /--disk/],
  ['qcow2', concat(text('QFI'), Uint8Array.of(0xfb), new Uint8Array(64)), /qcow2/, /--disk/],
  ['an image of a CD', file(0x8100, [0x8001, text('CD001')]), /an image of a CD/, /--disk/],
])('%s', (_, data, says, hint) => {
  let error: HypberryError | undefined;
  try {
    kernelImage('file', data);
  } catch (it) {
    error = it as HypberryError;
  }
  expect(error).toMatchObject({ code: 'guest.kernel', message: expect.stringMatching(says) as string });
  expect(error?.hint).toMatch(hint);
});

test('programs that may start are taken: linked for the place, and those that do not say', () => {
  for (const data of [uBoot(0x4000_8000), concat(ARMV7_CODE, text('U-Boot 2023.01 (Jan 1 2023)\0'))])
    expect(kernelImage('file', data)).toMatchObject({ isLinux: false });
  // The signature of a boot sector by chance.
  const chance = concat(ARMV7_CODE, new Uint8Array(1024));
  chance.set([0x55, 0xaa], 0x1fe);
  expect(kernelImage('file', chance)).toMatchObject({ isLinux: false });
});
