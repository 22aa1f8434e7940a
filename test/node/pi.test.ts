import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { piOfBootFolder, readKernelLog, readPi } from '../../src/node/pi.js';
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
      closedFolder: undefined,
      nodes: ['compatible', 'model', 'system'],
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
      closedFolder: undefined,
      nodes: [],
    });
  });
});

test('a boot folder that this user may not look into is told from none', ({ skip }) => {
  skip(process.getuid?.() !== 0, 'needs root: not tried here');
  const at = root({ ...PI2, 'boot/firmware/config.txt': '' });
  fs.chmodSync(path.join(at, 'boot/firmware'), 0o700);
  process.seteuid!(65534);
  try {
    expect(readPi(at, () => undefined)).toMatchObject({
      bootFolder: undefined,
      closedFolder: path.join(at, 'boot/firmware'),
    });
  } finally {
    process.seteuid!(0);
  }
});

describe('the kernel’s log', () => {
  const HYP_LINE = '[    0.1] CPU: All CPU(s) started in HYP mode.\n';
  const print = (text: string) => ['printf', ['%s', text]] as const;
  const fails = ['false', []] as const;

  test('is the journal’s where the ring buffer has run over, whatever else of a CPU it tells', () => {
    const oops = '[ 9000.1] CPU: 1 PID: 12 Comm: kworker/1:0 Not tainted\n';
    expect(readKernelLog([print(oops), print(HYP_LINE)])).toBe(HYP_LINE);
    expect(readKernelLog([print(oops), fails])).toBe(oops);
  });

  test('may be long', () => {
    const many = [
      'sh',
      ['-c', `printf '%s' '${HYP_LINE}'; yes 'usb 1-1.4: new device' | head -c 2000000`],
    ] as const;
    expect(readKernelLog([many])).toContain(HYP_LINE);
  });

  test('is not known where no program tells anything', () => {
    expect(readKernelLog([fails, ['no-such-program', []], print('\n')])).toBeUndefined();
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
