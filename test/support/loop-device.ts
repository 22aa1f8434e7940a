/** Loop devices: the block devices that a test can make, where it may. */
import { spawnSync } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { run } from '../card/images.js';

/** Why a test with a device is skipped. */
export const NO_LOOP = 'losetup gives no loop device here (it needs root): block devices not tried';

/**
 * A device that shows an image until the test ends, and with `partitions` devices of its partitions; undefined where the
 * system gives none.
 */
export function loopDevice(
  image: string,
  options: { partitions?: boolean; readOnly?: boolean } = {},
): string | undefined {
  const flags = options.readOnly === true ? ['-r'] : [];
  const { status, stdout } = spawnSync('losetup', ['-f', '--show', ...flags, image], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const device = stdout.trim();
  onTestFinished(() => {
    run('losetup', '-d', device);
  });
  // Not by losetup -P: that leaves it to the kernel to read the table, and not every kernel can.
  if (options.partitions === true) {
    run('partx', '-a', device);
    onTestFinished(() => {
      run('partx', '-d', device);
    });
  }
  return device;
}

/** Mounts a device until the test ends. */
export function mountDevice(device: string, at: string): void {
  run('mount', device, at);
  onTestFinished(() => {
    run('umount', at);
  });
}
