import { describe, expect, test } from 'vitest';
import { buildBootBlock } from '../../src/boot/block.js';
import { kernelExtent, leastUnpacked, placeOfLinux, unpackedExtent } from '../../src/firmware/extents.js';
import { readKernel } from '../../src/firmware/kernel.js';
import { concat, oldZImage, sizedZImage, u32, zImage } from '../support/kernel-files.js';

describe('what a zImage unpacks itself to', () => {
  test('is the kernel and the unpacker behind it, where the file gives the sizes', () => {
    const image = sizedZImage([6, 0x5a53_4c4b, 0xff0, 0x400, 0x20_8000, 0x1_0000]);
    // Size, then the file's 0x1000 bytes, its stack of 4 KiB and its heap of 64 KiB.
    expect(unpackedExtent(image)).toEqual({ start: 0x20_8000, end: 0x20_8000 + 0x0123_0000 + 0x1_2000 });
  });

  test('is the kernel and its BSS where that is the larger', () => {
    const image = sizedZImage([6, 0x5a53_4c4b, 0xff0, 0x10_0000, 0x8000, 0x1_0000]);
    expect(unpackedExtent(image)).toEqual({ start: 0x8000, end: 0x8000 + 0x0123_0000 + 0x10_0000 });
  });

  test.each([
    ['no table', zImage()],
    ['a shorter one', sizedZImage([4, 0x5a53_4c4b, 0xff0, 0x400])],
    ['another one', sizedZImage([6, 0x1234_5678, 0xff0, 0x400, 0x8000, 0])],
    ['a size outside the file', sizedZImage([6, 0x5a53_4c4b, 0xffff_fff0, 0x400, 0x8000, 0])],
    ['nothing', new Uint8Array(0)],
  ])('is not known with %s', (_, image) => {
    expect(unpackedExtent(image)).toBeUndefined();
  });
});

test('where Linux runs: where its file says, with a block in front, too; else at 0x8000', () => {
  const image = sizedZImage([6, 0x5a53_4c4b, 0xff0, 0x400, 0x20_8000, 0x1_0000]);
  const block = concat(buildBootBlock(), new Uint8Array(0x8000 - buildBootBlock().length));
  for (const file of [image, concat(block, image)])
    expect(placeOfLinux({ data: file, facts: readKernel(file) })).toMatchObject({
      start: 0x20_8000,
      unpacked: { start: 0x20_8000, end: 0x20_8000 + 0x0123_0000 + 0x1_2000 },
    });
  expect(placeOfLinux({ data: zImage(), facts: readKernel(zImage()) })).toEqual({
    start: 0x8000,
    unpacked: undefined,
  });
});

describe('what a zImage without a table overwrites at least', () => {
  const least = (data: Uint8Array): unknown => leastUnpacked({ data, facts: readKernel(data) });

  test('is itself unpacked, at 0x8000', () => {
    const block = concat(buildBootBlock(), new Uint8Array(0x8000 - buildBootBlock().length));
    const image = oldZImage(0x84_0a64);
    for (const file of [image, concat(block, image), oldZImage(0x84_0a64, 0x1f8)])
      expect(least(file)).toEqual({ start: 0x8000, end: 0x84_8a64 });
  });

  test.each([
    ['a table', sizedZImage([6, 0x5a53_4c4b, 0xff0, 0x400, 0x20_8000, 0x1_0000])],
    ['no such words', zImage()],
    ['nothing behind its header', zImage().subarray(0, 0x30)],
    ['a size outside the file', oldZImage(0x84_0a64).subarray(0, 0xff4)],
    ['no magic', new Uint8Array(0x1000)],
  ])('is not known with %s', (_, file) => {
    expect(least(file)).toBeUndefined();
  });
});

describe('the kernel in memory', () => {
  const extentOf = (file: Uint8Array): unknown =>
    kernelExtent(file, { file: 'kernel7.img', address: 0, size: file.length });
  const kernel = zImage();

  test('stands behind a block of ours, whatever it is', () => {
    expect(extentOf(concat(buildBootBlock(), u32(1)))).toEqual({ start: 0x8000, end: 0x8004 });
  });
  test('stands behind another block where it is a zImage', () => {
    const end = 0x8000 + kernel.length;
    expect(extentOf(concat(u32(1), new Uint8Array(0x7ffc), kernel))).toEqual({ start: 0x8000, end });
  });
  test('else is the file', () => {
    expect(extentOf(kernel)).toEqual({ start: 0, end: kernel.length });
    expect(extentOf(u32(1))).toEqual({ start: 0, end: 4 });
  });
});
