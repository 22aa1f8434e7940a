import { describe, expect, test } from 'vitest';
import { buildBootBlock } from '../../src/boot/block.js';
import { kernelExtent, unpackedExtent } from '../../src/firmware/extents.js';
import { concat, u32, zImage } from '../support/kernel-files.js';

/** A zImage of 0x1000 bytes with a table of sizes at 0x80, its unpacked size at 0xff0. */
function sized(table: readonly number[]): Uint8Array {
  const image = new Uint8Array(0x1000);
  image.set(zImage());
  const view = new DataView(image.buffer);
  const set = (at: number, ...words: readonly number[]): void => {
    words.forEach((word, i) => {
      view.setUint32(at + 4 * i, word, true);
    });
  };
  set(0x34, 0x4545_4545, 0x80);
  set(0x80, ...table);
  set(0xff0, 0x0123_0000);
  return image;
}

describe('what a zImage unpacks itself to', () => {
  test('is the kernel and the unpacker behind it, where the file gives the sizes', () => {
    const image = sized([6, 0x5a53_4c4b, 0xff0, 0x400, 0x20_8000, 0x1_0000]);
    // Size, then the file's 0x1000 bytes, its stack of 4 KiB and its heap of 64 KiB.
    expect(unpackedExtent(image)).toEqual({ start: 0x20_8000, end: 0x20_8000 + 0x0123_0000 + 0x1_2000 });
  });

  test('is the kernel and its BSS where that is the larger', () => {
    const image = sized([6, 0x5a53_4c4b, 0xff0, 0x10_0000, 0x8000, 0x1_0000]);
    expect(unpackedExtent(image)).toEqual({ start: 0x8000, end: 0x8000 + 0x0123_0000 + 0x10_0000 });
  });

  test.each([
    ['no table', zImage()],
    ['a shorter one', sized([4, 0x5a53_4c4b, 0xff0, 0x400])],
    ['another one', sized([6, 0x1234_5678, 0xff0, 0x400, 0x8000, 0])],
    ['a size outside the file', sized([6, 0x5a53_4c4b, 0xffff_fff0, 0x400, 0x8000, 0])],
    ['nothing', new Uint8Array(0)],
  ])('is not known with %s', (_, image) => {
    expect(unpackedExtent(image)).toBeUndefined();
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
