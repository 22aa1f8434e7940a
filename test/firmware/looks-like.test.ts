import { describe, expect, test } from 'vitest';
import { readBootcode } from '../../src/firmware/bootcode.js';
import { describeKernel, readKernel } from '../../src/firmware/kernel.js';
import { elfExtent, looksLike } from '../../src/firmware/looks-like.js';
import { readStartElf } from '../../src/firmware/start-elf.js';
import { bootcodeOf } from '../support/bootcode.js';
import { ARMV7_CODE, concat, NOPS, text, u32 } from '../support/kernel-files.js';
import { startElfOf } from '../support/stub-sources.js';

const LFS = text('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 2687800\n');

describe('what a file looks like', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /^an empty file$/],
    ['zeros', new Uint8Array(1000), /zeros/],
    ['a page', text('\n\n<!DOCTYPE html>\n<html lang="en">'), /^a web page/],
    ['a page without a type', text('<html><head>'), /^a web page/],
    [
      'a page behind a byte order mark',
      concat(Uint8Array.of(0xef, 0xbb, 0xbf), text('<HTML>')),
      /^a web page/,
    ],
    ["a web site's answer", text('<?xml version="1.0"?><Error>'), /^a web page/],
    ['a pointer', LFS, /^a pointer of Git LFS/],
    ['an archive', text('PK\x03\x04....'), /^a zip archive/],
    ['a text', text('404: Not Found'), /^a text$/],
  ])('%s', (_, file, what) => {
    expect(looksLike(file)).toMatch(what);
    expect(() => readStartElf(file)).toThrow(what.source.replace(/[$^]/g, ''));
    expect(() => readBootcode(file)).toThrow(what.source.replace(/[$^]/g, ''));
    if (file.length > 0)
      expect(describeKernel(readKernel(file))).toMatch(new RegExp(what.source.replace('$', '')));
  });

  test('is not said of what may be a program', () => {
    for (const file of [ARMV7_CODE, NOPS(200), bootcodeOf(['start_file'])])
      expect(looksLike(file)).toBeUndefined();
  });
});

describe('start.elf', () => {
  /** With one segment of `size` bytes at 0x100. */
  const withSegment = (size: number): Uint8Array => {
    const file = startElfOf(['armstub'], []);
    const view = new DataView(file.buffer);
    view.setUint32(0x1c, 0x34, true);
    view.setUint16(0x2a, 0x20, true);
    view.setUint16(0x2c, 1, true);
    file.set(u32(1, 0x100, 0, 0, size), 0x34);
    return file;
  };

  test('that ends before what it loads is cut short', () => {
    const whole = withSegment(0x100);
    expect(elfExtent(whole)).toBe(0x200);
    expect(readStartElf(whole).knowsArmstub).toBe(true);
    for (const file of [
      withSegment(0x10000),
      whole.subarray(0, 0x50),
      whole.subarray(0, 0x1ff),
      whole.subarray(0, 20),
    ])
      expect(() => readStartElf(file, 'start_x.elf')).toThrow(
        /^start_x\.elf .*: it is cut short: it has \d+ bytes/,
      );
  });

  test('for another processor is named so', () => {
    const file = startElfOf(['armstub'], []);
    file[0x12] = 40;
    expect(() => readStartElf(file)).toThrow('it is an ELF file for another processor');
  });
});
