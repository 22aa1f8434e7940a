import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { readKernel, type KernelFile } from '../../src/firmware/kernel.js';
import { gunzip, useZlib } from '../../src/node/gunzip.js';
import { useGunzip } from '../../src/ports/gunzip.js';
import { randomFrom } from '../board/rig.js';
import { concat, text, u32, zImage } from '../support/kernel-files.js';

const MOST = 64 << 20;
const random = randomFrom(1);
/** What packing makes half as long, by Huffman codes. */
const filler = (length: number): Uint8Array => new Uint8Array(length).map(() => random(16));
const LINUX = concat(
  filler(100_000),
  text('Linux version 4.1.13-v7+ (a@b) #1\n\0ARMv7 Processor\0section translation fault\0'),
  text('Hyp mode initialized successfully\0'),
  filler(100_000),
);
const packed = new Uint8Array(gzipSync(LINUX));

afterEach(() => {
  useGunzip(undefined);
});

/** The same packed data behind a header with these flags and these fields. */
const withHeader = (flags: number, ...fields: readonly Uint8Array[]): Uint8Array =>
  concat(packed.subarray(0, 3), Uint8Array.of(flags), packed.subarray(4, 10), ...fields, packed.subarray(10));

describe('gzip data at once', () => {
  test.each<[string, Uint8Array]>([
    ['as it is', packed],
    ['with other bytes behind', concat(packed, text('and what the linker puts there'))],
    ['with what begins like more of it behind', concat(packed, Uint8Array.of(0x1f, 0x8b, 8, 0, 1, 2, 3, 4))],
    ['with an extra field', withHeader(4, Uint8Array.of(5, 0), text('extra'))],
    ['with a name and a comment', withHeader(8 | 16, text('vmlinux\0'), text('a comment\0'))],
    ['with a sum of its header', withHeader(2, Uint8Array.of(1, 2))],
  ])('%s', (_, data) => {
    expect(Buffer.from(gunzip(data, MOST)!).equals(LINUX)).toBe(true);
  });

  test.each<[string, Uint8Array]>([
    ['damaged', packed.slice().fill(0xff, 6000, 6400)],
    ['cut short', packed.subarray(0, -500)],
    ['a header alone', packed.subarray(0, 10)],
    ['a name without an end', concat(packed.subarray(0, 3), Uint8Array.of(8), new Uint8Array(99).fill(65))],
    ['an extra field beyond its end', withHeader(4, Uint8Array.of(0xff, 0xff)).subarray(0, 1000)],
    ['reserved flags', withHeader(0x20)],
    ['something else', text('no gzip data at all')],
    ['nothing', new Uint8Array(0)],
  ])('none of what is %s', (_, data) => {
    expect(gunzip(data, MOST)).toBeUndefined();
  });

  test('a bomb: nothing, and not for long', () => {
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(400 << 20), { level: 9 }));
    const before = process.cpuUsage();
    expect(gunzip(bomb, MOST)).toBeUndefined();
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  });
});

test('a kernel is the same by it as without it, damaged or not', () => {
  const kernels = [packed, packed.subarray(0, -500), packed.slice().fill(0xff, 6000, 6400)].map((data) =>
    zImage({ packed: data, behind: u32(LINUX.length) }),
  );
  const read = (): KernelFile[] => kernels.map((kernel) => readKernel(kernel.slice()));
  const without = read();
  useZlib();
  expect(read()).toEqual(without);
  expect(without[0]).toMatchObject({
    version: 'Linux version 4.1.13-v7+ (a@b) #1',
    hypervisor: 'KVM',
    lpae: false,
  });
});
