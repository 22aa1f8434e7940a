/** Debian's installer on a card: it comes to its first dialog, and with the driver of the card it sees the disk. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootFiles, makeCardImage } from '../../scripts/lib/card-image.js';
import { gzipKernel } from '../../scripts/lib/gzip-kernel.js';
import { archive, PROGRAM } from '../../scripts/lib/initramfs.js';
import { cardDrivers, inputs, installerInitramfs, type Suite } from '../../scripts/lib/inputs.js';
import { cardTools, ensureTools } from '../../scripts/lib/tools.js';
import { hypberry } from '../cli/run.js';
import { everything } from './real-card.js';

const SECONDS = 3600;

/** What the installer runs first: its own packages bring no driver of the card's controller. */
const LOAD_DRIVER = `#!/bin/sh
insmod /bcm2835.ko
for i in 1 2 3 4 5 6 7 8 9; do
  [ -b /dev/mmcblk0p2 ] && break
  sleep 1
done
echo "it sees:" $(sed -n 's/.* //; /mmcblk/p' /proc/partitions)
`;

let folder: string;
beforeAll(async () => {
  await ensureTools([...cardTools, 'xz-utils']);
  folder = await mkdtemp(join(tmpdir(), 'hypberry-installer-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.runIf(everything).each<Suite>(['bookworm', 'trixie'])('the installer of Debian %s', (suite) => {
  it(
    'comes to its first dialog, and sees the card',
    async () => {
      const found = await inputs();
      const [driver] = (await cardDrivers(suite)).sdhost;
      const more = archive([
        { path: 'bcm2835.ko', mode: PROGRAM, data: driver!.data },
        { path: 'lib/debian-installer-startup.d/S05card', mode: PROGRAM, data: Buffer.from(LOAD_DRIVER) },
      ]);
      // The kernel unpacks one archive behind the other, each from a multiple of 4 on.
      const initramfs = await installerInitramfs(suite);
      const padding = Buffer.alloc(-initramfs.length & 3);
      const card = join(folder, `${suite}.img`);
      const files = await bootFiles(await gzipKernel(found[suite]), found.firmware, {
        config: 'auto_initramfs=1\n',
        commandLine: 'console=ttyAMA0,115200 quiet cryptomgr.notests',
        more: new Map([['initramfs7', Buffer.concat([initramfs, padding, more])]]),
      });
      await makeCardImage(card, files);
      const script = join(folder, 'script.txt');
      await writeFile(
        script,
        'timeout 600\nexpect it sees: mmcblk0 mmcblk0p1 mmcblk0p2\nexpect Select a language\n',
      );
      const { stdout, stderr, status } = await hypberry([
        'run',
        '--json',
        '--fast',
        '--script',
        script,
        card,
      ]);
      expect([stderr, status]).toEqual(['', 0]);
      expect(JSON.parse(stdout)).toMatchObject({ script: { done: true } });
    },
    SECONDS * 1000,
  );
});
