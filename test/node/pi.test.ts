import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { piOfBootFolder, readPi } from '../../src/node/pi.js';
import { temporary } from '../card/images.js';

/** A root folder with these files in it. */
function root(files: Record<string, string | Uint8Array>): string {
  const at = temporary('root');
  for (const [name, data] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(at, name)), { recursive: true });
    fs.writeFileSync(path.join(at, name), data);
  }
  fs.mkdirSync(at, { recursive: true });
  return at;
}

const PI2 = {
  'proc/device-tree/model': 'Raspberry Pi 2 Model B Rev 1.1\0',
  'proc/device-tree/compatible': 'raspberrypi,2-model-b\0brcm,bcm2836\0',
  'proc/device-tree/system/linux,revision': Uint8Array.of(0, 0xa0, 0x10, 0x41),
  'proc/sys/kernel/osrelease': '6.1.21-v7+\n',
};

describe('what the system says', () => {
  test('of a Pi 2', () => {
    const at = root({ ...PI2, 'boot/firmware/config.txt': '', 'boot/config.txt': '' });
    expect(readPi(at, () => 'a log')).toEqual({
      model: 'Raspberry Pi 2 Model B Rev 1.1',
      revision: 0x00a0_1041,
      compatible: ['raspberrypi,2-model-b', 'brcm,bcm2836'],
      kernel: '6.1.21-v7+',
      kernelLog: 'a log',
      bootFolder: path.join(at, 'boot/firmware'),
    });
  });

  test('of a Pi 2 under a kernel of 2015, which has the revision in /proc/cpuinfo only', () => {
    const at = root({
      'proc/cpuinfo':
        'processor\t: 0\n\nHardware\t: BCM2709\nRevision\t: 1a01041\nSerial\t: 00000000abcdef01\n',
      'boot/start.elf': '',
    });
    expect(readPi(at, () => undefined)).toMatchObject({
      model: undefined,
      revision: 0x01a0_1041,
      bootFolder: path.join(at, 'boot'),
    });
  });

  test('of a PC', () => {
    const at = root({ 'proc/cpuinfo': 'model name\t: Some CPU\n', 'boot/vmlinuz': '' });
    expect(readPi(at, () => undefined)).toEqual({
      model: undefined,
      revision: undefined,
      compatible: [],
      kernel: undefined,
      kernelLog: undefined,
      bootFolder: undefined,
    });
  });
});

describe('the Pi is known as the one a target is of', () => {
  test('where the target is its own boot folder, by any name', () => {
    const at = root({ ...PI2, 'boot/firmware/config.txt': '' });
    const link = temporary('link');
    fs.symlinkSync(path.join(at, 'boot/firmware'), link);
    expect(piOfBootFolder(link, at)?.revision).toBe(0x00a0_1041);
  });

  test('and not where it is another card', () => {
    const at = root({ ...PI2, 'boot/firmware/config.txt': '', 'media/card/config.txt': '' });
    expect(piOfBootFolder(path.join(at, 'media/card'), at)).toBeUndefined();
    expect(piOfBootFolder('/no/such/folder', at)).toBeUndefined();
  });
});
