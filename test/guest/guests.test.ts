import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HypberryError } from '../../src/base/errors.js';
import {
  checkGuest,
  guestsSchema,
  parseGuestsFile,
  writeGuests,
  type Guest,
} from '../../src/guest/guests.js';
import { kernelImage } from '../../src/guest/kernel-image.js';
import { checkInitramfs, placeGuest, shareCores } from '../../src/guest/plan.js';
import { kernelFile, TREE } from '../support/boot-files.js';
import { ARMV7_CODE, concat, text, u32, zImage } from '../support/kernel-files.js';

const MIB = 1 << 20;
const WEB: Guest = { name: 'web', kernel: 'a.kernel', memory: 64, cores: 1, commandLine: 'console=ttyAMA0' };
const code = (it: string): HypberryError => expect.objectContaining({ code: it }) as HypberryError;
/** The beginning of a file system of ext2 to ext4. */
const extImage = (): Uint8Array => {
  const data = new Uint8Array(4096);
  data.set([0x53, 0xef], 0x438);
  return data;
};
const fileOf = (...guests: unknown[]): string => JSON.stringify({ version: 1, guests });

describe('the file of the guests', () => {
  const anyGuest = fc.record({
    name: fc.stringMatching(/^[a-z][a-z0-9-]{0,3}$/),
    kernel: fc.constantFrom('k', 'folder/kernel'),
    memory: fc.integer({ min: 8, max: 448 }).map((it) => 2 * it),
    cores: fc.integer({ min: 1, max: 3 }),
    commandLine: fc.string({ maxLength: 50 }).filter((it) => /^[\x20-\x7e]*$/.test(it)),
  });

  test('what is written is read again', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyGuest, { maxLength: 7, selector: ({ name }) => name }), (guests) => {
        const written = new TextDecoder().decode(writeGuests(guests, 'x.json'));
        expect(parseGuestsFile(written)).toEqual({ $schema: 'x.json', version: 1, guests });
      }),
    );
  });

  test.each([
    ['text', 'guests'],
    ['a list', '[]'],
    ['another version', '{"version": 2, "guests": []}'],
    ['a guest without a kernel', fileOf({ ...WEB, kernel: undefined })],
    ['more than is known', fileOf({ ...WEB, disk: 'x' })],
    ['memory that is odd', fileOf({ ...WEB, memory: 33 })],
    ['a core too many', fileOf({ ...WEB, cores: 4 })],
    ['a name in capitals', fileOf({ ...WEB, name: 'Web' })],
    ["the host's name", fileOf({ ...WEB, name: 'host' })],
    ['the same name twice', fileOf(WEB, WEB)],
    ['eight guests', fileOf(...Array.from({ length: 8 }, (_, i) => ({ ...WEB, name: `g${i}` })))],
  ])('refused: %s', (_, content) => {
    expect(() => parseGuestsFile(content)).toThrow(code('guest.file-damaged'));
  });

  test.each([
    [
      'the place',
      fileOf(WEB, { ...WEB, name: 'db', memory: '64' }),
      'guests[1].memory must be an even number of MiB from 16 to 896',
    ],
    ['what a name is', fileOf({ ...WEB, name: 'Web' }), 'guests[0].name must be 1 to 15 of a to z'],
    ['what is missing', fileOf({ ...WEB, kernel: undefined }), 'guests[0].kernel is missing'],
    ['an empty path', fileOf({ ...WEB, kernel: '' }), "guests[0].kernel must be a path from the partition's"],
    [
      'a misspelt key before what is missing for it',
      fileOf({ ...WEB, commandLine: undefined, comandLine: '' }),
      'guests[0].comandLine is nothing that hypberry knows',
    ],
    ['a guest that is none', fileOf(1), 'guests[0] must be an object in braces'],
    ['a whole that is none', '[]', 'the whole must be an object in braces'],
    ['the line that is no JSON', '{\n  "version": 1,\n  "guests": [],\n}\n', 'it is not JSON (line 4: '],
    ['text that is no JSON, in one line', 'guests\nof mine', 'it is not JSON (Unexpected token'],
  ])('a refusal names %s', (_, content, what) => {
    const parse = (): unknown => parseGuestsFile(content);
    expect(parse).toThrow(code('guest.file-damaged'));
    expect(parse).toThrow(what);
    expect(parse).not.toThrow(/\n/);
  });

  test('the published schema is that of the code', () => {
    const file = join(import.meta.dirname, '../../schema/guests.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(guestsSchema());
  });
});

test.each<[string, Partial<Guest>, string]>([
  ['an empty name', { name: '' }, 'guest.name'],
  ['16 letters', { name: 'a'.repeat(16) }, 'guest.name'],
  ["the hypervisor's name", { name: 'hypberry' }, 'guest.name'],
  ['no memory', { memory: 0 }, 'guest.memory'],
  ['odd memory', { memory: 65 }, 'guest.memory'],
  ['all cores', { cores: 4 }, 'guest.cores'],
  ['a line feed', { commandLine: 'a\nb' }, 'guest.command-line'],
])('a guest is refused: %s', (_, change, expected) => {
  expect(() => checkGuest({ ...WEB, ...change })).toThrow(code(expected));
});

describe('what can be a kernel', () => {
  const ARM64 = concat(new Uint8Array(0x38).fill(1), text('ARM\x64'), new Uint8Array(64));
  test.each([
    ['a 64-bit kernel', ARM64],
    ['an ELF file', concat(text('\x7fELF\x01\x01\x01'), new Uint8Array(60))],
    ['text', text('#!/bin/sh\necho this is no kernel at all\n')],
    ['an empty file', new Uint8Array(0)],
    ['zeros', new Uint8Array(4096)],
    ['half a zImage', zImage({ size: 100_000 })],
    ['a kernel of a Pi 1', kernelFile(1, '6.6.20+rpt-rpi-v6')],
  ])('not %s', (_, data) => {
    expect(() => kernelImage('file', data)).toThrow(code('guest.kernel'));
  });

  // They begin with what would be an instruction, or have U-Boot's text in them.
  test.each([
    ['a device tree', TREE],
    ["hypberry's hypervisor", concat(u32(0xea00_0003, 0x4250_5948), new Uint8Array(64))],
    ['a cpio archive', concat(text('070701'), new Uint8Array(64), text('U-Boot 2024.01 (x)\0'))],
    ['zstd data', concat(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), new Uint8Array(64))],
    ['an ext file system', extImage()],
    ['a picture', concat(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), new Uint8Array(64))],
    ['a text', text('“‘€” is how it begins, and so it goes on\n')],
  ])('not what is known as something else: %s', (what, data) => {
    expect(() => kernelImage('file', data)).toThrow(`it is ${what}`);
  });

  test('a zImage, and any program that begins with an instruction', () => {
    expect(kernelImage('file', zImage())).toMatchObject({ isLinux: true, entry: 0x4000_8000 });
    expect(kernelImage('file', ARMV7_CODE)).toMatchObject({ isLinux: false, entry: 0x4000_8000 });
  });
});

/**
 * What packers make of nothing, and of the first entry of an archive: bzip2 1.0.8, xz 5.4 (of it .lzma too), zstd 1.5.4,
 * `lz4 -l` 1.9.4; lzop's by its own read_header (version 0x1030, deflated by LZO1X_1_15) with a first block's size behind.
 */
const LZOP = '894c5a4f000d0a1a0a1030208009400105000000010000000000000000000000000012345678';
const packedBy = [
  {
    name: 'bzip2',
    none: '425a683917724538509000000000',
    some: '425a683931415926535966b3c1cf000006db0044000000e88000082000200021a6434d08326221cb34da1c35086a78bb9229c28483359e0e78',
  },
  {
    name: 'xz',
    none: 'fd377a585a000004e6d6b446000000001cdf44211fb6f37d010000000004595a',
    some: 'fd377a585a000004e6d6b4460200210116000000742fe5a3e0007100125d00180ddd04639da60d8a879de74516a000000000000008cf7d5b3e8e450800012e7217ac8a951fb6f37d010000000004595a',
  },
  {
    name: 'lzma',
    none: '5d00008000ffffffffffffffff0083fffbffffc0000000',
    some: '5d00008000ffffffffffffffff00180ddd04639da60d8a879de74516ab263ef3fff9be9000',
  },
  {
    name: 'lzma of a size',
    none: '5d000080000000000000000000'.padEnd(80, '0'),
    some: '5d000080007200000000000000'.padEnd(80, '1'),
  },
  { name: 'lzo', none: `${LZOP}00000000`, some: `${LZOP}00000072` },
  { name: 'lz4', none: '02214c18', some: '02214c1809000000' },
  { name: 'zstd', none: '28b52ffd240001000099e9d851', some: '28b52ffd24c8bd0400f2091f1a' },
];
const hexBytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

describe('what can be an initramfs', () => {
  const archive = text('070701' + '0'.repeat(104) + 'init');
  const trailer = text('070701' + '0'.repeat(88) + '0000000b' + '0'.repeat(8) + 'TRAILER!!!\0');

  test.each<[string, Uint8Array]>([
    ['a cpio archive', archive],
    ['with checksums', text('070702' + '0'.repeat(104))],
    ['behind zeros', concat(new Uint8Array(512), archive)],
    ['gzip', gzipSync(archive)],
    ['gzip of an archive behind zeros', gzipSync(concat(new Uint8Array(8192), archive))],
    ...packedBy.map(({ name, some }) => [name, hexBytes(some)] as [string, Uint8Array]),
  ])('%s: nothing to say', (_, data) => {
    expect(checkInitramfs('i', data, true)).toBeUndefined();
  });

  test.each([
    ['text', text('not an archive\n'), /a text/],
    ['text that is about U-Boot', text('U-Boot 2025.01 is what I start\n'), /a text/],
    ['an archive of the old kind', text('070707' + '0'.repeat(70)), /a cpio archive\)/],
    ['a file system', extImage(), /ext file system/],
    ['zeros', new Uint8Array(512), /Linux will not unpack i:/],
    ['an archive at an odd place', concat(new Uint8Array(3), archive), /will not unpack/],
    ['gzip of a text', gzipSync(text('some words')), /\(gzip data, of a text\)/],
    ['gzip of an archive of the old kind', gzipSync(text('070707' + '0'.repeat(70))), /of a cpio archive\)/],
    ['gzip of a program', gzipSync(ARMV7_CODE), /\(gzip data, of no archive\)/],
  ])('%s: a note, for Linux', (_, data, note) => {
    expect(checkInitramfs('i', data, true)).toMatch(note);
    expect(checkInitramfs('i', data, false)).toBeUndefined();
  });

  test.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(0), 'it is empty'],
    ['gzip of nothing', gzipSync(''), 'it is gzip data with nothing in it'],
    ['gzip that is cut in its header', gzipSync(archive).subarray(0, 9), 'gzip data with nothing in it'],
    ...packedBy.map(
      ({ name, none }) =>
        [`${name} of nothing`, hexBytes(none), 'with nothing in it'] as [string, Uint8Array, string],
    ),
    ['an archive of nothing', trailer, 'an archive without a file'],
    ['gzip of an archive of nothing', gzipSync(trailer), 'an archive without a file'],
    ['a kernel', zImage(), 'zImage'],
    ['a device tree', TREE, 'a device tree'],
  ])('%s: refused', (_, data, why) => {
    expect(() => checkInitramfs('i', data, true)).toThrow(why);
  });
});

describe('places in memory', () => {
  const kernel = zImage({ packed: new Uint8Array(2 * MIB).fill(1) });

  test('kernel, initramfs and tree one behind the other, none over another or past the end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 448 }), fc.integer({ min: 0, max: 40 * MIB }), (half, size) => {
        const guest = { ...WEB, memory: 2 * half };
        const initramfs = size > 0 ? new Uint8Array(size + 6) : undefined;
        initramfs?.set(text('070701'));
        let plan;
        try {
          plan = placeGuest(guest, { program: kernel, initramfs }, [3], 2);
        } catch (error) {
          // Only where there is indeed no room: 2 MiB of kernel, the initramfs, and less than 3 MiB for the rest.
          expect(error).toEqual(code('guest.memory'));
          expect(2 * half * MIB).toBeLessThan(size + 6 * MIB);
          return;
        }
        expect(plan.kernel!.offset).toBe(0x8000);
        const pieces = [plan.kernel!, ...(plan.initramfs ? [plan.initramfs] : []), plan.tree];
        pieces.reduce((end, { data, offset }) => {
          expect(offset).toBeGreaterThanOrEqual(end);
          expect(offset % 32).toBe(0);
          return offset + data.length;
        }, 0);
        const end = plan.tree.offset + plan.tree.data.length;
        expect(end).toBeLessThanOrEqual(guest.memory * MIB);
        // In one MiB: NetBSD maps no more of it.
        expect(Math.floor((end - 1) / MIB)).toBe(Math.floor(plan.tree.offset / MIB));
      }),
      { numRuns: 60 },
    );
  });
});

describe('cores', () => {
  const guests = (...cores: number[]): Guest[] =>
    cores.map((it, i) => ({ ...WEB, name: `g${i}`, cores: it }));

  test.each([
    [[], 4, []],
    [[1], 3, [[3]]],
    [[1, 1], 3, [[3], [3]]],
    [[2], 2, [[2, 3]]],
    [[2, 1, 1], 2, [[2, 3], [3], [2]]],
    [[3], 1, [[1, 2, 3]]],
  ])('guests of %j: the host keeps %i', (wanted, hostCores, guestCores) => {
    expect(shareCores(guests(...wanted))).toEqual({ hostCores, guestCores });
  });

  test('each has its number of different cores, none of them the host’s, and nobody is much busier than another', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 7 }), (wanted) => {
        const { hostCores, guestCores } = shareCores(guests(...wanted));
        expect(hostCores).toBe(4 - Math.max(...wanted));
        const load = [0, 0, 0, 0];
        guestCores.forEach((cores, i) => {
          expect(new Set(cores).size).toBe(wanted[i]);
          for (const core of cores) load[core]!++;
        });
        const shared = load.slice(hostCores);
        expect(load.slice(0, hostCores).every((it) => it === 0)).toBe(true);
        expect(Math.max(...shared) - Math.min(...shared)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
