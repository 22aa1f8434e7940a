import { describe, expect, test } from 'vitest';
import { samplesOf } from '../../src/card/samples.js';
import { SECTOR_SIZE } from '../../src/ports/disk.js';
import { memoryDisk } from '../support/memory-disk.js';

const SECTORS = 8192;
/** Where its second partition begins: at no place that is looked at anyway. */
const SECOND = 4001;

/** An image with two partitions in its table. */
function image(): Uint8Array {
  const bytes = new Uint8Array(SECTORS * SECTOR_SIZE).fill(0x5a);
  bytes.fill(0, 0, SECTOR_SIZE);
  const view = new DataView(bytes.buffer);
  for (const [i, [type, start, count]] of [
    [0x0c, 8, 3000],
    [0x83, SECOND, 4000],
  ].entries()) {
    const at = 0x1be + i * 16;
    bytes[at + 4] = type!;
    view.setUint32(at + 8, start!, true);
    view.setUint32(at + 12, count!, true);
  }
  view.setUint16(510, 0xaa55, true);
  return bytes;
}
const ofImage = samplesOf(memoryDisk(image()));

test('the same disk has the same samples, one that is longer has others', () => {
  expect(samplesOf(memoryDisk(image()))).toEqual(ofImage);
  const longer = new Uint8Array((SECTORS + 1) * SECTOR_SIZE);
  longer.set(image());
  expect(samplesOf(memoryDisk(longer))).not.toEqual(ofImage);
});

describe('a byte that is another is seen', () => {
  test.each([
    ['in the partition table', 0x1be + 12],
    // The superblock of ext4 lies 1 KiB behind; each mount writes it.
    ["in a file system's superblock", SECOND * SECTOR_SIZE + 1024 + 0x30],
    ['in the middle', (SECTORS / 2) * SECTOR_SIZE],
  ])('%s', (_, at) => {
    const other = image();
    other[at]! ^= 1;
    expect(samplesOf(memoryDisk(other))).not.toEqual(ofImage);
  });
});

test('a disk smaller than a sample has some', () => {
  const small = new Uint8Array(3 * SECTOR_SIZE);
  const before = samplesOf(memoryDisk(small));
  small[2 * SECTOR_SIZE] = 1;
  expect(samplesOf(memoryDisk(small))).not.toEqual(before);
});
