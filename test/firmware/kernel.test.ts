import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inputs } from '../../scripts/lib/inputs.js';
import { BLOCK_SIZE, buildBootBlock, KERNEL_OFFSET } from '../../src/boot/block.js';
import { describeKernel, readKernel, readTrailer, unpackVersion } from '../../src/firmware/kernel.js';
import { kernelTextReader, readKernelText } from '../../src/firmware/kernel-text.js';
import { ARMV7_CODE, concat, entry, NOPS, text, trailer, u32, zImage } from '../support/kernel-files.js';

const BANNER = 'Linux version 4.2.5-v9 (me@here) (gcc) #1 SMP\n';
const FORMAT = 'Linux version %s (%s)\0';

describe('a zImage', () => {
  test('tells its size and that it is whole', () => {
    const file = zImage({ start: 0x100 });
    expect(readKernel(file)).toMatchObject({
      kind: 'zImage',
      size: file.length,
      start: 0x100,
      imageSize: file.length,
      truncated: false,
      bigEndian: false,
      packing: 'none',
    });
  });

  test('that is cut short says so', () => {
    const kernel = readKernel(zImage({ size: 5_000_000 }));
    expect(kernel).toMatchObject({ kind: 'zImage', truncated: true });
    expect(describeKernel(kernel)).toContain('cut short');
  });

  test('may have big-endian words', () => {
    const file = zImage();
    for (let at = 0x24; at < 0x34; at += 4) file.subarray(at, at + 4).reverse();
    expect(readKernel(file)).toMatchObject({ kind: 'zImage', bigEndian: true, imageSize: file.length });
  });

  const filler = (size: number): Uint8Array =>
    Uint8Array.from({ length: size }, (_, i) => (i * 2654435761) >>> 24);
  test.each([0, 70_000, 64 * 1024 - 20, 3_000_000])(
    'packed with gzip tells its version, %i bytes in',
    (depth) => {
      const packed = gzipSync(concat(filler(depth), text(FORMAT), text(BANNER), filler(1000)));
      const kernel = readKernel(zImage({ packed, behind: filler(500) }));
      expect(kernel).toMatchObject({ packing: 'gzip', version: BANNER.trimEnd() });
    },
  );

  test('packed with damaged gzip data is still a zImage', () => {
    const packed = gzipSync(concat(filler(100_000), text(BANNER))).subarray(0, 120);
    expect(readKernel(zImage({ packed }))).toMatchObject({
      kind: 'zImage',
      packing: 'gzip',
      version: undefined,
    });
  });

  test.each([
    ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
    ['lzma', [0x5d, 0, 0, 0, 4, 255, 255, 255, 255, 255, 255, 255, 255]],
    ['lzo', [0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a]],
    ['lz4', [0x02, 0x21, 0x4c, 0x18]],
  ])('packed with %s is named so', (packing, magic) => {
    const kernel = readKernel(zImage({ packed: Uint8Array.from([...magic, 1, 2, 3, 4]) }));
    expect(kernel).toMatchObject({ packing, version: undefined });
    expect(describeKernel(kernel)).toContain(`packed with ${packing}`);
  });

  test('is for ARMv7 by its instructions; without them it may be for both', () => {
    expect(readKernel(zImage())).toMatchObject({ architecture: 'ARMv7', architectureFrom: 'instructions' });
    for (const words of [10, 4000]) {
      expect(readKernel(zImage({ code: NOPS(words) }))).toMatchObject({
        architecture: 'unknown',
        architectureFrom: 'nothing',
      });
    }
  });

  // The names that Raspberry Pi's and Debian's kernels had and have.
  test.each([
    ['4.2.5-2709+', 'ARMv7'],
    ['4.1.13-v7+', 'ARMv7'],
    ['5.10.103-v7l+', 'ARMv7'],
    ['6.6.20+rpt-rpi-v7', 'ARMv7'],
    ['6.1.0-50-armmp', 'ARMv7'],
    ['6.1.0-50-armmp-lpae', 'ARMv7'],
    ['4.2.5-2708+', 'ARMv6'],
    ['6.6.20+rpt-rpi-v6', 'ARMv6'],
    ['6.1.0-50-rpi', 'ARMv6'],
  ])('Linux %s is for %s by its name', (release, architecture) => {
    const version = `Linux version ${release} (x@y) #1`;
    const code = architecture === 'ARMv7' ? NOPS(4000) : ARMV7_CODE;
    const file = zImage({ code, behind: trailer(entry('KVer', text(`${version}\0`))) });
    expect(readKernel(file)).toMatchObject({ version, architecture, architectureFrom: 'version' });
  });

  test("that is packed as nobody can look into is for ARMv6 by the plain name of Raspberry Pi's own, and by no other's", () => {
    const version = 'Linux version 4.0.7+ (pi@pi) #1';
    const packed = Uint8Array.of(0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a);
    const theirs = zImage({
      code: NOPS(4000),
      packed,
      behind: trailer(entry('KVer', text(`${version}\0`))),
    });
    expect(readKernel(theirs)).toMatchObject({ architecture: 'ARMv6', architectureFrom: 'version' });
    const own = concat(NOPS(4), text(`${version}\0`), NOPS(4000));
    expect(readKernel(own)).toMatchObject({ kind: 'Image', version, architecture: 'unknown' });
  });
});

describe('the text in a kernel', () => {
  const [V6, V7] = ['ARMv6-compatible processor', 'ARMv7 Processor'];
  const SHORT = 'section translation fault\0';
  const LONG = 'level 1 translation fault\0';
  const KVM = 'Hyp mode initialized successfully\n\0';
  const linux = (release: string, ...more: string[]): Uint8Array =>
    text(`${more.join('\0')}\0Linux version ${release} (a@b) #1\n\0${'.'.repeat(2000)}`);
  /** As a zImage, whose code says nothing, and plain; each with what stands in its text. */
  const both = (release: string, ...more: string[]): Uint8Array[] => [
    zImage({ code: NOPS(4000), packed: gzipSync(linux(release, ...more)) }),
    concat(NOPS(4), linux(release, ...more)),
  ];

  test.each([
    ['4.0.7+', [V6], 'ARMv6'],
    ['4.2.5-2708+', [V6], 'ARMv6'],
    ['4.0.7-v7+', [V7], 'ARMv7'],
    // Mainline's for both, whose names say nothing.
    ['5.10.0+', [V6, V7], 'ARMv7'],
    ['6.6.0-rc1', [V7, V6], 'ARMv7'],
    // A name is a word of its maker's, and what is in it decides.
    ['4.4.0-v6+', [V6, V7], 'ARMv7'],
    ['4.4.0-v7-like', [V6], 'ARMv6'],
  ])('of Linux %s with %j is for %s', (release, names, architecture) => {
    for (const file of both(release, ...names))
      expect(readKernel(file)).toMatchObject({ architecture, architectureFrom: 'processors' });
  });

  test('tells LPAE by the names of its faults, or by its version', () => {
    const lpaeOf = (...more: string[]): unknown[] =>
      both('4.9.0', V7, ...more).map((file) => (readKernel(file) as { lpae?: boolean }).lpae);
    expect(lpaeOf(SHORT)).toEqual([false, false]);
    expect(lpaeOf(LONG)).toEqual([true, true]);
    expect(lpaeOf()).toEqual([undefined, undefined]);
    for (const release of ['6.1.0-50-armmp-lpae', '5.10.103-v7l+'])
      for (const file of both(release)) expect(readKernel(file)).toMatchObject({ lpae: true });
  });

  test('tells KVM and Xvisor, behind a block, too', () => {
    for (const file of both('4.9.0', V7, LONG, KVM)) {
      expect(readKernel(file)).toMatchObject({ hypervisor: 'KVM' });
      expect(readKernel(concat(buildBootBlock(), file))).toMatchObject({ hypervisor: 'KVM' });
    }
    for (const file of both('4.9.0', V7, LONG)) expect(readKernel(file).hypervisor).toBeUndefined();
    const xvisor = readKernel(concat(NOPS(100), text('\0Xvisor\0%s v%d.%d.%d (%s %s)\n\0')));
    expect(xvisor).toMatchObject({ kind: 'unknown', hypervisor: 'Xvisor' });
    expect(describeKernel(xvisor)).toContain('Xvisor');
    expect(readKernel(concat(NOPS(100), text('no Xvisor in it'))).hypervisor).toBeUndefined();
  });

  test('is found wherever the pieces that it comes in end', () => {
    const bytes = linux('4.9.0', 'x'.repeat(700), V7, 'y'.repeat(700), LONG, KVM);
    const whole = readKernelText(bytes);
    expect(whole).toEqual({
      version: 'Linux version 4.9.0 (a@b) #1',
      processors: ['ARMv7'],
      lpae: true,
      hypervisor: 'KVM',
    });
    for (const size of [1, 7, 64, 513, 700, 1400]) {
      const reader = kernelTextReader();
      for (let at = 0; at < bytes.length; at += size) reader.take(bytes.subarray(at, at + size));
      expect(reader.found()).toEqual(whole);
    }
  });
});

describe('the trailer', () => {
  test('tells what it holds, in the order of the file', () => {
    const file = concat(
      NOPS(20),
      trailer(
        entry('283x', u32(0)),
        entry('DDTK', u32(1)),
        entry('DTOK', u32(1)),
        entry('KVer', text('Linux version 4.1.13-v7+ (a)\0')),
      ),
    );
    expect(readTrailer(file)).toEqual({
      upstream: false,
      dynamicDeviceTree: true,
      deviceTreeOk: true,
      version: 'Linux version 4.1.13-v7+ (a)',
      tags: ['283x', 'DDTK', 'DTOK', 'KVer', 'RPTL'],
    });
  });

  test('survives a block in front, and says no where it says no', () => {
    const kernel = zImage({ behind: trailer(entry('DTOK', u32(0))) });
    const blocked = concat(buildBootBlock(), kernel);
    expect(readTrailer(blocked)).toEqual(readTrailer(kernel));
    expect(readTrailer(blocked)).toMatchObject({ deviceTreeOk: false, dynamicDeviceTree: undefined });
  });

  test('keeps what stands behind garbage', () => {
    const before = concat(text('garbage!'), u32(0xffff_fff0), text('\0\x01\x02\x03'));
    const good = concat(entry('DTOK', u32(1)), u32(9999, 4), text('RPTL'));
    expect(readTrailer(concat(before, good))).toMatchObject({ deviceTreeOk: true, tags: ['DTOK', 'RPTL'] });
  });

  test('is not seen where there is none', () => {
    expect(readTrailer(text('RPTL'))).toBeUndefined();
    expect(readTrailer(concat(NOPS(4), text('RPTL')))).toBeUndefined();
    expect(readTrailer(concat(trailer(entry('DTOK', u32(1))), u32(0)))).toBeUndefined();
  });
});

describe('other files', () => {
  const arm64 = concat(NOPS(14), text('ARM\x64'), NOPS(100));
  const elf = (bits: number, machine: number): Uint8Array => {
    const file = new Uint8Array(64);
    file.set([0x7f, 0x45, 0x4c, 0x46, bits === 64 ? 2 : 1, 1, 1]);
    file[0x12] = machine;
    return file;
  };
  const uImage = new Uint8Array(200);
  new DataView(uImage.buffer).setUint32(0, 0x2705_1956);
  new DataView(uImage.buffer).setUint32(0x10, 0x8000);
  new DataView(uImage.buffer).setUint32(0x14, 0x8040);
  uImage.set(text('Linux-4.2.5'), 0x20);

  test.each<[string, Uint8Array, object, RegExp]>([
    ['an arm64 Image', arm64, { kind: 'arm64', packing: 'none' }, /64-bit/],
    ['a packed arm64 Image', gzipSync(arm64), { kind: 'arm64', packing: 'gzip' }, /64-bit.*gzip/],
    ['a 32-bit ELF file', elf(32, 40), { kind: 'ELF', bits: 32, machine: 40 }, /32-bit ELF/],
    ['a 64-bit ELF file', elf(64, 183), { kind: 'ELF', bits: 64, machine: 183 }, /64-bit ELF/],
    ['other gzip data', gzipSync(text('hello')), { kind: 'gzip' }, /gzip/],
    ['a gzip header only', gzipSync(text('hello')).subarray(0, 9), { kind: 'gzip' }, /gzip/],
    [
      'a uImage',
      uImage,
      { kind: 'uImage', name: 'Linux-4.2.5', loadAddress: 0x8000, entry: 0x8040 },
      /U-Boot image "Linux-4.2.5"/,
    ],
    [
      'U-Boot',
      concat(NOPS(50), text('U-Boot 2024.01 (Jan 01 2024)\0')),
      { kind: 'u-boot', version: 'U-Boot 2024.01 (Jan 01 2024)' },
      /^U-Boot 2024.01/,
    ],
    ['a text that tells of U-Boot', text('Here U-Boot 2025.01 starts.\n'), { kind: 'unknown' }, /^a text/],
    [
      'a raw kernel',
      concat(ARMV7_CODE, text(BANNER)),
      { kind: 'Image', architecture: 'ARMv7', version: BANNER.trimEnd() },
      /unpacked 32-bit kernel for ARMv7, Linux 4.2.5-v9/,
    ],
    ['nothing', new Uint8Array(0), { kind: 'empty' }, /empty/],
    ['zeros', new Uint8Array(5000), { kind: 'empty' }, /zeros/],
    [
      'text',
      text('Not a kernel at all, but more than forty-eight characters.'),
      { kind: 'unknown' },
      /^a text, /,
    ],
    [
      'packed data with nothing around',
      deflateRawSync(new Uint8Array(999)),
      { kind: 'unknown' },
      /not a known/,
    ],
  ])('%s is named', (_, file, expected, line) => {
    const kernel = readKernel(file);
    expect(kernel).toMatchObject({ ...expected, size: file.length });
    expect(describeKernel(kernel)).toMatch(line);
  });

  test('a file with our block in front is known, with what is behind', () => {
    const kernel = zImage({ behind: trailer(entry('DTOK', u32(1))) });
    const read = readKernel(concat(buildBootBlock(0x100), kernel));
    expect(read).toMatchObject({
      kind: 'boot-block',
      kernel: { kind: 'zImage', size: kernel.length },
      trailer: { deviceTreeOk: true },
    });
    expect(describeKernel(read)).toMatch(/hypberry's boot block.*zImage/);
  });

  test("a file with someone else's block in front, too", () => {
    const block = concat(NOPS(60), new Uint8Array(0x8000 - 240));
    expect(readKernel(concat(block, zImage()))).toMatchObject({
      kind: 'foreign-block',
      kernel: { kind: 'zImage' },
    });
  });

  const MEGABYTES = 16 << 20;
  const full = (of: Uint8Array): Uint8Array => new Uint8Array(Buffer.alloc(MEGABYTES, of));
  /** A zImage with this behind its header. */
  const packed = (data: Uint8Array): Uint8Array => concat(zImage(), data);
  const bomb = (): Uint8Array => new Uint8Array(gzipSync(Buffer.alloc(400 << 20), { level: 9 }));
  const xzBomb = (): Uint8Array =>
    new Uint8Array(
      execFileSync('sh', ['-c', 'head -c 400000000 /dev/zero | xz -0 --check=crc32 --arm --lzma2=preset=0']),
    );
  test.each<[string, () => Uint8Array]>([
    ['the beginning of U-Boot', () => full(text('U-Boot 2'))],
    ["the beginning of Linux's version", () => full(text('Linux version '))],
    ["a processor's first letter", () => full(text('A'))],
    ['headers of gzip', () => packed(full(Uint8Array.of(0x1f, 0x8b, 8)))],
    ['headers of gzip with reserved flags', () => packed(full(Uint8Array.of(0x1f, 0x8b, 8, 0xff)))],
    ['headers of lzma', () => packed(full(Uint8Array.of(0x5d, 0, 0)))],
    ['headers of xz', () => packed(full(Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)))],
    ['a bomb of gzip', bomb],
    ['a zImage with a bomb of gzip', () => packed(bomb())],
    ['a zImage with a bomb of xz', () => packed(xzBomb())],
    ['blocks', () => full(concat(buildBootBlock(), new Uint8Array(KERNEL_OFFSET - BLOCK_SIZE)))],
  ])('full of %s is told in seconds', { timeout: 120_000 }, async (_what, make) => {
    const file = make();
    const begin = process.cpuUsage();
    const kernel = await unpackVersion(file, readKernel(file));
    expect(describeKernel(kernel)).not.toBe('');
    expect(process.cpuUsage(begin).user).toBeLessThan(5_000_000);
  });

  test('any bytes are read without a fault', () => {
    const seeds = [
      zImage({ packed: gzipSync(text(BANNER)), behind: trailer(entry('DTOK', u32(1))) }),
      arm64,
      uImage,
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.nat(400),
        fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 12 }),
        (seed, length, changes) => {
          const file = seed.slice(0, length);
          for (const [at, byte] of changes) if (at < file.length) file[at] = byte;
          expect(describeKernel(readKernel(file))).not.toBe('');
        },
      ),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (file) => {
        expect(describeKernel(readKernel(file))).not.toBe('');
      }),
    );
  });
});

describe("Debian's", () => {
  test('kernels are zImages for ARMv7, packed with xz', { timeout: 300_000 }, async () => {
    const { bookworm, trixie, uboot, busybox } = await inputs();
    for (const { vmlinuz } of [bookworm, trixie]) {
      const file = await readFile(vmlinuz);
      expect(readKernel(file)).toMatchObject({
        kind: 'zImage',
        imageSize: file.length,
        truncated: false,
        packing: 'xz',
        architecture: 'ARMv7',
      });
    }
    expect(readKernel(await readFile(uboot))).toMatchObject({
      kind: 'u-boot',
      version: expect.stringMatching(/^U-Boot 20/) as string,
    });
    expect(readKernel(await readFile(busybox))).toMatchObject({ kind: 'ELF', bits: 32, machine: 40 });
  });
});
