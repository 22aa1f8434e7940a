/** The sources of hypberryd that are made: what the rest of the project says in one place. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHANNEL_NODE, consoleNode } from '../../src/guest/host-tree.js';

/** Where Linux shows the device tree that it was started with (Documentation/ABI/testing/sysfs-firmware-ofw). */
const TREE_PATH = '/proc/device-tree';

/** The sources that are made, by their path from the project's root. */
export async function hypberrydSources(): Promise<ReadonlyMap<string, string>> {
  const about = await readFile(join(import.meta.dirname, '../../package.json'), 'utf8');
  const { version } = JSON.parse(about) as { version: string };
  const constant = (name: string, value: string): string => `export const ${name}: string = '${value}';\n`;
  const text = [
    '/** Made by scripts/lib/hypberryd-sources.ts from package.json and src/guest/host-tree.ts. */\n',
    constant('VERSION', version),
    constant('TREE_PATH', TREE_PATH),
    '/** The near end of the first console: there while the hypervisor runs. */\n',
    constant('CONSOLE_PATH', `${TREE_PATH}/${consoleNode(0)}`),
    '/** Of the channel: where it, the doorbell and the bell are. */\n',
    constant('CHANNEL_PATH', `${TREE_PATH}/${CHANNEL_NODE}/reg`),
  ].join('');
  const release = `/** Made by scripts/lib/hypberryd-sources.ts from package.json. */\nexport const RELEASE = '${version}';\n`;
  return new Map([
    ['src/hypberryd/body/generated/about.ts', text],
    ['src/hypberryd/generated/release.ts', release],
  ]);
}
