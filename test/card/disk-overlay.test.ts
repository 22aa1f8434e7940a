import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Disk, SECTOR_SIZE } from '../../src/ports/disk.js';
import { overlayOf, type Scratch } from '../../src/card/disk-overlay.js';
import { memoryDisk } from '../support/memory-disk.js';

/** More than a region of pieces. */
const SECTORS = 9000;
const PIECE = 4096;

const image = new Uint8Array(SECTORS * SECTOR_SIZE);
for (let i = 0; i < image.length; i++) image[i] = i * 7 + (i >> 9);

/** A disk whose every byte tells where it is, and that must not be written. */
function below(): Disk {
  return {
    ...memoryDisk(image),
    write: () => {
      throw new Error('written');
    },
  };
}

function scratch(): { readonly open: () => Scratch; readonly log: string[] } {
  const log: string[] = [];
  const bytes = new Uint8Array(SECTORS * SECTOR_SIZE);
  return {
    log,
    open: () => {
      log.push('opened');
      return {
        read: (offset, length) => bytes.slice(offset, offset + length),
        write: (offset, data) => {
          bytes.set(data, offset);
        },
        close: () => log.push('closed'),
      };
    },
  };
}

/** A write or an erase of some sectors, then a read of others. */
const step = fc.record({
  what: fc.constantFrom('write', 'erase', 'read'),
  sector: fc.nat(SECTORS - 1),
  count: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: SECTORS })),
  byte: fc.nat(255),
});

test('reads as the disk below with what was written, in memory or beside; saved and restored it is the same', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(6), (steps, piecesInMemory) => {
      const disk = below();
      const expected = disk.read(0, SECTORS);
      const more = SECTORS + 9;
      const model = new Uint8Array(more * SECTOR_SIZE);
      model.set(expected);
      const make = () =>
        overlayOf(disk, { sectors: more, memory: piecesInMemory * PIECE, scratch: scratch().open });
      const overlay = make();
      for (const { what, sector, count: wanted, byte } of steps) {
        const count = Math.min(wanted, more - sector);
        const [from, end] = [sector * SECTOR_SIZE, (sector + count) * SECTOR_SIZE];
        if (what === 'write') {
          const bytes = new Uint8Array(end - from).fill(byte);
          bytes.set(Uint8Array.of(1, 2, 3, 4));
          overlay.write(sector, bytes);
          model.set(bytes, from);
        } else if (what === 'erase') {
          overlay.erase(sector, count);
          model.fill(0, from, end);
        } else expect(Buffer.compare(overlay.read(sector, count), model.subarray(from, end))).toBe(0);
      }
      // One by one, as a card does, and the last ones before the first.
      for (let sector = 0; sector < more; sector += 1 + (sector % 50)) {
        const one = model.subarray(sector * SECTOR_SIZE, (sector + 1) * SECTOR_SIZE);
        expect(Buffer.compare(overlay.read(sector, 1), one)).toBe(0);
      }
      const other = make();
      other.write(0, new Uint8Array(5 * PIECE).fill(1));
      other.restore(structuredClone([...overlay.written()]));
      expect(Buffer.compare(other.read(0, more), model)).toBe(0);
      expect(Buffer.compare(overlay.read(0, more), model)).toBe(0);
      expect(Buffer.compare(disk.read(0, SECTORS), expected)).toBe(0);
    }),
    { numRuns: 40 },
  );
});

test('what is kept goes into the scratch past its bound, which closes with it', () => {
  const { open, log } = scratch();
  const overlay = overlayOf(below(), { memory: 2 * PIECE, scratch: open });
  overlay.write(0, new Uint8Array(2 * PIECE));
  expect(log).toEqual([]);
  overlay.write(16, new Uint8Array(SECTOR_SIZE));
  expect([log, overlay.kept()]).toEqual([['opened'], 3 * PIECE]);
  // What is written again takes no more; what is erased gives it back.
  overlay.write(0, new Uint8Array(2 * PIECE));
  expect(overlay.kept()).toBe(3 * PIECE);
  overlay.erase(0, 16);
  expect(overlay.kept()).toBe(PIECE);
  overlay.close();
  expect(log).toEqual(['opened', 'closed']);
});

test('it grows to no more than it may, and what was refused is as it was', () => {
  for (const options of [
    { memory: 3 * PIECE },
    { memory: PIECE, most: 3 * PIECE, scratch: scratch().open },
  ]) {
    const disk = below();
    const overlay = overlayOf(disk, options);
    overlay.write(0, new Uint8Array(3 * PIECE));
    expect(() => {
      overlay.write(100, new Uint8Array(SECTOR_SIZE).fill(1));
    }).toThrow(expect.objectContaining({ code: 'card.overlay-full' }) as Error);
    expect(overlay.read(100, 1)).toEqual(disk.read(100, 1));
    overlay.write(3, new Uint8Array(SECTOR_SIZE).fill(2));
    expect(overlay.read(3, 1)[0]).toBe(2);
  }
});

test('a scratch that has no room leaves the sector as it was', () => {
  const disk = below();
  const full = (): Scratch => ({
    read: () => new Uint8Array(0),
    write: () => {
      throw new Error('full');
    },
    close: () => undefined,
  });
  const overlay = overlayOf(disk, { memory: 0, scratch: full });
  expect(() => {
    overlay.write(5, new Uint8Array(SECTOR_SIZE));
  }).toThrow('full');
  expect(overlay.read(5, 1)).toEqual(disk.read(5, 1));
  expect(overlay.kept()).toBe(0);
});

test('a card of 64 GiB is erased whole in no time and little memory', () => {
  const overlay = overlayOf({ ...below(), sectors: 2 ** 27 });
  const before = process.cpuUsage().user;
  overlay.erase(0, 2 ** 27);
  expect((process.cpuUsage().user - before) / 1e6).toBeLessThan(5);
  expect(overlay.kept()).toBe(0);
  expect(overlay.read(2 ** 27 - 1, 1)).toEqual(new Uint8Array(SECTOR_SIZE));
  expect([...overlay.written()]).toEqual([{ sector: 0, count: 2 ** 27 }]);
});
