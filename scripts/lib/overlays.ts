/** What overlays are compared by: Raspberry Pi's own dtmerge, and the trees and overlays of a real boot partition. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { builtFromSource } from './public-source.js';
import { run } from './run.js';

/**
 * Raspberry Pi's dtmerge, which applies overlays as the firmware does.
 * @returns path of the program
 * @throws HypberryError as {@link builtFromSource}
 */
export async function dtmerge(): Promise<string> {
  const folder = await builtFromSource({
    folder: 'dtmerge',
    name: 'dtmerge',
    tools: ['git', 'build-essential', 'libfdt-dev'],
    sources: [
      {
        name: "Raspberry Pi's utilities",
        repository: 'https://github.com/raspberrypi/utils.git',
        commit: 'a30e7c7b227d9a5e6dbedc1d343077be7ad92959',
        variable: 'HYPBERRY_RPI_UTILS',
      },
    ],
    options: [],
    build: async ([source], built) => {
      const files = ['dtmerge.c', 'dtoverlay.c'].map((name) => join(source!, 'dtmerge', name));
      await run('gcc', ['-O1', '-w', '-o', join(built, 'dtmerge'), ...files, '-lfdt']);
    },
  });
  return join(folder, 'dtmerge');
}

/**
 * The boot partition of a card of 2018, with Raspberry Pi's kernel 4.14.
 * @returns its folder
 * @throws HypberryError as {@link builtFromSource}
 */
export async function realBoot(): Promise<string> {
  return builtFromSource({
    folder: 'real-boot',
    name: 'a boot partition',
    tools: ['git'],
    sources: [
      {
        name: 'EZ-WifiBroadcast, for its boot partition',
        repository: 'https://github.com/yodin2001/EZ-WifiBroadcast.git',
        commit: '4ac9087a37dfa02aabb05dee80554d95e9f01a93',
        variable: 'HYPBERRY_REAL_BOOT',
        leftOut: ['root'],
      },
    ],
    options: [],
    build: async ([source], built) => {
      await cp(join(source!, 'boot'), built, { recursive: true });
    },
  });
}
