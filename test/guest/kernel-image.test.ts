/**
 * What of a guest's kernel stands where in its memory: files of each kind, laid out by the description of its format
 * (System V ABI; U-Boot, include/image.h, with zlib's checksums).
 */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HypberryError } from '../../src/base/errors.js';
import { checkGuest, parseGuestsFile, type Guest } from '../../src/guest/guests.js';
import { firmwareImage, kernelImage, type KernelImage } from '../../src/guest/kernel-image.js';
import { placeGuest } from '../../src/guest/plan.js';
import { useZlib } from '../../src/node/gunzip.js';
import { useGunzip } from '../../src/ports/gunzip.js';
import { ARMV7_CODE, concat, elf, NOPS, text, u32, uImage, zImage } from '../support/kernel-files.js';

beforeAll(useZlib);
afterAll(() => {
  useGunzip(undefined);
});

const RAM = 0x4000_0000;
const MIB = 1 << 20;
const LINUX = text('Linux version 6.1.0 (a@b) (gcc)\0');

/** What a refusal says, and its hint. */
function refusal(of: () => unknown): { code: string; says: string } {
  try {
    of();
  } catch (error) {
    const { code, message, hint } = error as HypberryError;
    return { code, says: `${message} ${hint}` };
  }
  throw new Error('it was not refused');
}

/** The bytes of a guest's memory from an address on. */
const memory = ({ data, address }: KernelImage, from: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => data[from - address + i] ?? 0);

describe('an ELF file', () => {
  const code = concat(ARMV7_CODE, LINUX.slice(0, 0));

  test('goes to its physical addresses, what is between them and behind them is zero', () => {
    const it = kernelImage(
      'k',
      elf(
        [
          { physical: 0x4020_0000, virtual: 0xc020_0000, data: u32(1, 2, 3), memory: 0x1_0000 },
          { physical: 0x4010_0000, virtual: 0xc010_0000, data: code },
        ],
        0xc010_0010,
      ),
    );
    expect(it).toMatchObject({ address: 0x4010_0000, entry: 0x4010_0010, end: 0x4021_0000, isLinux: false });
    expect(memory(it, 0x4010_0000, code.length)).toEqual(code);
    expect(memory(it, 0x4010_0000 + code.length, 16)).toEqual(new Uint8Array(16));
    expect(memory(it, 0x4020_0000, 12)).toEqual(u32(1, 2, 3));
    expect(it.data.length).toBe(0x10_0000 + 12);
  });

  test('is entered in T32 where its entry is odd, and by a physical address where it is one', () => {
    const segment = { physical: 0x4010_0000, virtual: 0x8000, data: code };
    expect(kernelImage('k', elf([segment], 0x8005)).entry).toBe(0x4010_0005);
    expect(kernelImage('k', elf([segment], 0x4010_0004)).entry).toBe(0x4010_0004);
  });

  test('begins with zeros where its address is none to copy to', () => {
    const it = kernelImage('k', elf([{ physical: 0x4010_0014, data: code }], 0x4010_0014));
    expect(it).toMatchObject({ address: 0x4010_0000, entry: 0x4010_0014 });
    expect(memory(it, 0x4010_0000, 0x14)).toEqual(new Uint8Array(0x14));
    expect(memory(it, 0x4010_0014, code.length)).toEqual(code);
  });

  const here = { physical: 0x4010_0000, data: code };
  test.each<[string, Uint8Array, RegExp]>([
    [
      'for memory that is none',
      elf([{ ...here, physical: 0x8000 }], 0x8000),
      /at 0x8000, and a guest's begins at 0x40000000.*readelf/,
    ],
    ['behind all memory', elf([{ ...here, physical: 0xf000_0000 }], 0xf000_0000), /memory at 0xf0000000/],
    [
      'vmlinux',
      elf([{ physical: 0xc010_0000, data: concat(code, LINUX) }], 0xc010_0000),
      /with a Linux kernel in it \(vmlinux\), linked for memory at 0xc0100000.*arch\/arm\/boot\/zImage/,
    ],
    [
      'cut short',
      elf([{ ...here, data: new Uint8Array(4096) }], 0x4010_0000).subarray(0, 4000),
      /cut short or damaged/,
    ],
    [
      'with more in the file than in memory',
      elf([{ ...here, memory: 4 }], 0x4010_0000),
      /cut short or damaged/,
    ],
    [
      'one over the other',
      elf([here, { ...here, physical: 0x4010_0008 }], 0x4010_0000),
      /one over the other/,
    ],
    ['that begins nowhere', elf([here], 0x4000_0000), /begins in none of its segments/],
    [
      'entered where nothing of the file stands',
      elf([{ ...here, memory: 4096 }], 0x4010_0800),
      /entered at 0x40100800, where it has no instruction/,
    ],
    [
      'with nothing but zeros',
      elf([{ ...here, data: new Uint8Array(0), memory: 64 }], 0x4010_0000),
      /0x40100000, where/,
    ],
    ['entered between two instructions', elf([here], 0x4010_0002), /0x40100002, where/],
    ['an object', elf([], 0, 1), /nothing in it is to be loaded/],
    ['big-endian', elf([here], 0x4010_0000, 2, 2), /big-endian/],
    ['a program for Linux', elf([here, { ...here, type: 3 }], 0x4010_0000), /a program for Linux/],
  ])('is refused: %s', (_, file, says) => {
    const told = refusal(() => kernelImage('k', file));
    expect(told.code).toBe('guest.kernel');
    expect(told.says).toMatch(says);
  });
});

describe("U-Boot's image", () => {
  test('goes to its load address and is entered at its entry', () => {
    const it = kernelImage('k', uImage(ARMV7_CODE, { load: 0x4040_0000, entry: 0x4040_0008 }));
    expect(it).toMatchObject({ address: 0x4040_0000, entry: 0x4040_0008, isLinux: false });
    expect(it.data).toEqual(ARMV7_CODE);
  });

  test('of the kind kernel_noload stands behind where its header would, at memory’s beginning', () => {
    const it = kernelImage('k', uImage(ARMV7_CODE, { type: 14, entry: 4 }));
    expect(it).toMatchObject({ address: RAM + 0x40, entry: RAM + 0x44 });
    expect(it.data).toEqual(ARMV7_CODE);
  });

  test('in gzip is unpacked', () => {
    const it = kernelImage(
      'k',
      uImage(gzipSync(ARMV7_CODE), { load: 0x4040_0000, entry: 0x4040_0000, packing: 1 }),
    );
    expect(Uint8Array.from(it.data)).toEqual(Uint8Array.from(ARMV7_CODE));
  });

  test('with a zImage is that zImage, wherever a board wanted it', () => {
    const inner = zImage();
    const it = kernelImage('k', uImage(inner, { load: 0x8000, entry: 0x8000 }));
    expect(it).toMatchObject({ address: RAM + 0x8000, entry: RAM + 0x8000, isLinux: true });
    expect(it.data).toEqual(inner);
  });

  test('with an unpacked Linux is one', () => {
    const linux = concat(ARMV7_CODE, LINUX);
    expect(kernelImage('k', uImage(linux, { load: RAM + 0x8000, entry: RAM + 0x8000 })).isLinux).toBe(true);
  });

  const good = uImage(ARMV7_CODE, { load: RAM, entry: RAM });
  const changed = (at: number): Uint8Array => good.map((byte, i) => (i === at ? byte ^ 1 : byte));
  test.each<[string, Uint8Array, RegExp]>([
    ['cut short', good.subarray(0, -1), /cut short or damaged/],
    ['with another header', changed(0x21), /its checksums are others/],
    ['with other data', changed(0x44), /its checksums are others/],
    ['for memory that is none', uImage(ARMV7_CODE, { load: 0x8000, entry: 0x8000 }), /memory at 0x8000/],
    [
      'entered in front of its bytes',
      uImage(ARMV7_CODE, { load: 0x4040_0000, entry: 0 }),
      /entered at 0x0, where/,
    ],
    [
      'entered behind them',
      uImage(ARMV7_CODE, { load: 0x4040_0000, entry: 0x4040_0000 + ARMV7_CODE.length }),
      /where it has no instruction/,
    ],
    [
      'entered behind them in T32',
      uImage(ARMV7_CODE, { load: 0x4040_0000, entry: 0x4040_0001 + ARMV7_CODE.length }),
      /where it has no instruction/,
    ],
    ['entered behind all addresses', uImage(ARMV7_CODE, { type: 14, entry: 0xffff_fffc }), /no instruction/],
    [
      'with an ELF file in it',
      uImage(elf([], 0), { load: 0x4040_0000, entry: 0x4040_0000 }),
      /entered at 0x40400000, where it has no instruction/,
    ],
    ['in lzma', uImage(ARMV7_CODE, { packing: 3 }), /unpack what is left/],
    ['in gzip that is none', uImage(ARMV7_CODE, { packing: 1 }), /packed data are damaged/],
  ])('is refused: %s', (_, file, says) => {
    const told = refusal(() => kernelImage('k', file));
    expect(told.code).toBe('guest.kernel');
    expect(told.says).toMatch(says);
  });
});

describe('a flat image', () => {
  test('stands at the load address and is entered there', () => {
    expect(kernelImage('k', ARMV7_CODE, 0x4001_0000)).toMatchObject({
      address: 0x4001_0000,
      entry: 0x4001_0000,
    });
    const odd = kernelImage('k', ARMV7_CODE, 0x4001_0004);
    expect(odd).toMatchObject({ address: 0x4001_0000, entry: 0x4001_0004 });
    expect(memory(odd, 0x4001_0004, ARMV7_CODE.length)).toEqual(ARMV7_CODE);
  });

  test('of NetBSD stands behind a boundary of 4 MiB, with room for a header', () => {
    // CPSID if, and its version (NetBSD, armv6_start.S and newvers.sh).
    const netbsd = concat(u32(0xf10c_00c0), NOPS(15), text('NetBSD 10.99.12 (GENERIC) #0\0'));
    expect(kernelImage('netbsd.img', netbsd)).toMatchObject({
      address: RAM + 0x40,
      entry: RAM + 0x40,
      isLinux: false,
    });
    // One that says nothing of NetBSD begins as it does.
    expect(kernelImage('k', concat(u32(0xf10c_00c0), NOPS(15))).entry).toBe(RAM + 0x8000);
  });

  test('an EFI stub’s zImage, which begins with what is no branch, is a zImage', () => {
    // MZ as an instruction that does nothing (Linux, arch/arm/boot/compressed/efi-header.S).
    const stub = zImage();
    stub.set(u32(0x13a0_5a4d ^ 0), 0);
    expect(kernelImage('k', stub)).toMatchObject({ isLinux: true, entry: RAM + 0x8000 });
  });

  test('what says itself where it stands takes no other address', () => {
    const files = [
      elf([{ physical: 0x4010_0000, data: ARMV7_CODE }], 0x4010_0000),
      uImage(ARMV7_CODE, { load: RAM, entry: RAM }),
    ];
    for (const file of files)
      expect(refusal(() => kernelImage('k', file, 0x4001_0000)).code).toBe('guest.load-address');
  });
});

describe('firmware', () => {
  test('is filled up to whole pages, and to what a U-Boot reads of the second flash', () => {
    const small = firmwareImage('f', ARMV7_CODE);
    expect(small.length).toBe(0x4_0000);
    expect(small.subarray(0, ARMV7_CODE.length)).toEqual(ARMV7_CODE);
    expect(firmwareImage('f', concat(NOPS(0x4_0000 / 4 + 1))).length).toBe(0x4_1000);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['more than there is room for', new Uint8Array(2 * MIB + 1), /2097152 are the most. EDK2's/],
    ['a kernel', zImage(), /it is a kernel.*--kernel/],
    ['text', text('words that are no firmware, but go on and on and on'), /it is a text/],
    ['no instruction', u32(0, 0, 0, 1), /does not begin with an instruction/],
  ])('is refused: %s', (_, file, says) => {
    const told = refusal(() => firmwareImage('f', file));
    expect(told.code).toBe('guest.firmware');
    expect(told.says).toMatch(says);
  });
});

describe('a guest', () => {
  const WEB: Guest = { name: 'web', kernel: 'k', memory: 64, cores: 1, commandLine: '' };
  const FIRM: Guest = { ...WEB, kernel: undefined, firmware: 'f' };

  test('with firmware has its tree where memory begins, and no kernel', () => {
    const plan = placeGuest(FIRM, { program: ARMV7_CODE, initramfs: undefined }, [3], 2);
    expect(plan.kernel).toBeUndefined();
    expect(plan.firmware!.length).toBe(0x4_0000);
    expect(plan.tree.offset).toBe(0);
  });

  test('has its other files where a kernel that is loaded high does not reach', () => {
    const guest = { ...WEB, loadAddress: '0x42000000' };
    const initramfs = concat(text('070701'), new Uint8Array(3 * MIB));
    const {
      kernel,
      entry,
      initramfs: placed,
      tree,
    } = placeGuest(guest, { program: ARMV7_CODE, initramfs }, [3], 2);
    expect(kernel!.offset).toBe(32 * MIB);
    expect(entry).toBe(0x4200_0000);
    const end = 32 * MIB + ARMV7_CODE.length;
    expect(placed!.offset).toBeGreaterThanOrEqual(end);
    expect(tree.offset).toBeGreaterThanOrEqual(placed!.offset + initramfs.length);
    const behind = { ...WEB, loadAddress: '0x44000000' };
    expect(
      refusal(() => placeGuest(behind, { program: ARMV7_CODE, initramfs: undefined }, [3], 2)).code,
    ).toBe('guest.memory');
  });

  test.each<[string, RegExp]>([
    ['0x44000000', /Give it more: --memory 132, for example/],
    ['0x70000000', /Give it more: --memory 896, for example/],
    ['0x7ffffffc', /No guest has more than 896 MiB/],
  ])(
    'that reaches past its memory from %s on is told no more memory than there can be',
    (loadAddress, says) => {
      const { code, says: said } = refusal(() =>
        placeGuest({ ...WEB, loadAddress }, { program: ARMV7_CODE, initramfs: undefined }, [3], 2),
      );
      expect(code).toBe('guest.memory');
      expect(said).toMatch(says);
    },
  );

  test.each<[string, Partial<Guest>, string]>([
    ['nothing to begin in', { kernel: undefined }, 'guest.kernel'],
    ['firmware beside a kernel', { firmware: 'f' }, 'guest.firmware'],
    ['firmware and an initramfs', { kernel: undefined, firmware: 'f', initramfs: 'i' }, 'guest.firmware'],
    [
      'firmware and a load address',
      { kernel: undefined, firmware: 'f', loadAddress: '0x40010000' },
      'guest.load-address',
    ],
    ['a load address that is none', { loadAddress: 'here' }, 'guest.load-address'],
    ['a load address below memory', { loadAddress: '0x00008000' }, 'guest.load-address'],
    ['a load address between words', { loadAddress: '0x40010002' }, 'guest.load-address'],
  ])('is refused: %s', (_, change, code) => {
    const wrong = { ...WEB, ...change };
    expect(refusal(() => checkGuest(wrong)).code).toBe(code);
    const file = JSON.stringify({ version: 1, guests: [wrong] });
    expect(refusal(() => parseGuestsFile(file)).code).toBe('guest.file-damaged');
  });
});
