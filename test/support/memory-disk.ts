import { type Disk, SECTOR_SIZE } from '../../src/ports/disk.js';

/** An image in memory as a disk; writing changes `image`, which must not be a Buffer. */
export function memoryDisk(image: Uint8Array): Disk {
  return {
    sectorSize: SECTOR_SIZE,
    sectors: image.length / SECTOR_SIZE,
    writable: true,
    read: (sector, count) => image.slice(sector * SECTOR_SIZE, (sector + count) * SECTOR_SIZE),
    write: (sector, bytes) => {
      image.set(bytes, sector * SECTOR_SIZE);
    },
    sync: () => undefined,
    close: () => undefined,
  };
}
