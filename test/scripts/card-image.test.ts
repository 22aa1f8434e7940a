import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BOOT_OFFSET, bootFiles, makeCardImage } from '../../scripts/lib/card-image.js';
import { run } from '../../scripts/lib/run.js';
import { useTools } from '../../scripts/lib/tools.js';

useTools();

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hypberry-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

const text = (it: string) => new TextEncoder().encode(it);

describe('a card image', () => {
  for (const [fat, type, megabytes] of [
    [16, 'e', 20],
    [32, 'c', 40],
  ] as const) {
    it(`has a sound FAT${fat} boot partition with the files on it`, async () => {
      const image = join(folder, 'card.img');
      const files = new Map([
        ['config.txt', text('[pi2]\r\n')],
        ['bcm2709-rpi-2-b.dtb', Uint8Array.from({ length: 70_000 }, (_, index) => index % 251)],
        ['overlays/README', text('none')],
      ]);
      await makeCardImage(image, files, { fat, megabytes });

      const table = JSON.parse(await run('sfdisk', ['--json', image])) as {
        partitiontable: { label: string; partitions: { start: number; size: number; type: string }[] };
      };
      expect(table.partitiontable.label).toBe('dos');
      expect(table.partitiontable.partitions.map(({ start, size, type }) => ({ start, size, type }))).toEqual(
        [
          { start: 8192, size: megabytes * 2048, type },
          { start: 8192 + megabytes * 2048, size: 2048, type: '83' },
        ],
      );

      const partition = join(folder, 'boot');
      const bytes = await readFile(image);
      await writeFile(partition, bytes.subarray(BOOT_OFFSET, BOOT_OFFSET + megabytes * 1024 * 1024));
      const report = await run('fsck.fat', ['-n', '-v', partition]);
      expect(report).toMatch(new RegExp(`2 FATs, ${fat} bit entries[^]* 8192 hidden sectors`));

      for (const [path, content] of files) {
        await run('mcopy', ['-i', `${image}@@${BOOT_OFFSET}`, `::${path}`, join(folder, 'out')]);
        expect(await readFile(join(folder, 'out'))).toEqual(Buffer.from(content));
        await rm(join(folder, 'out'));
      }
    });
  }

  it('takes the names that the firmware looks for, and others in their place', async () => {
    const names = ['vmlinuz', 'dtb', 'startElf', 'bootcode', 'fixup'] as const;
    const path = Object.fromEntries(names.map((name) => [name, join(folder, name)])) as Record<
      (typeof names)[number],
      string
    >;
    for (const name of names) await writeFile(path[name], name);
    const kernel = { vmlinuz: path.vmlinuz, dtb: path.dtb, version: '' };
    const files = await bootFiles(kernel, path, {
      config: 'arm_64bit=0\n',
      commandLine: 'quiet',
      more: new Map([['start.elf', text('another')]]),
    });
    expect(
      Object.fromEntries([...files].map(([name, bytes]) => [name, new TextDecoder().decode(bytes)])),
    ).toEqual({
      'bootcode.bin': 'bootcode',
      'start.elf': 'another',
      'fixup.dat': 'fixup',
      'kernel7.img': 'vmlinuz',
      'bcm2709-rpi-2-b.dtb': 'dtb',
      'config.txt': 'arm_64bit=0\n',
      'cmdline.txt': 'quiet\n',
    });
  });
});
