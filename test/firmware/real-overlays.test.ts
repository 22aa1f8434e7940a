/**
 * The overlays of a real boot partition, each by itself and with each of its parameters: the tree is, property by property, the
 * one that Raspberry Pi's own dtmerge makes of them, and what that refuses is refused here.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { dtmerge, realBoot } from '../../scripts/lib/overlays.js';
import { readConfig } from '../../src/firmware/config.js';
import { findNode, readFdt, writeFdt } from '../../src/firmware/fdt.js';
import { applyTreeSettings } from '../../src/firmware/tree-settings.js';
import { everything } from '../real/real-card.js';
import { withoutLabels } from '../support/device-trees.js';
import { memoryCard } from '../support/memory-card.js';

const BOARD = 'bcm2709-rpi-2-b.dtb';
const ENDING = '.dtbo';
/** What parameters are set to, each to all of it: what is a number, a text, a flag or a status to some. */
const VALUES = ['', 'on', 'off', '7', '0x12345678', '-2', 'hello', 'b8:27:eb:01:02:03'];

const runs = promisify(execFile);

/** A tree with what a line of a card's config.txt says of it. */
async function settled(
  tree: Uint8Array,
  line: string,
  files: Readonly<Record<string, Uint8Array>> = {},
): Promise<{ dtb: Uint8Array; notes: string[] }> {
  const card = memoryCard({ ...files, 'config.txt': `${line}\n` });
  const [fdt, notes] = [readFdt(tree), [] as string[]];
  await applyTreeSettings(card, await readConfig(card), fdt, '', notes);
  return { dtb: writeFdt(fdt), notes };
}

it.skipIf(!everything)(
  'are applied as dtmerge does it',
  async () => {
    const [program, boot] = [await dtmerge(), await realBoot()];
    const names = (await readdir(join(boot, 'overlays'))).filter((name) => name.endsWith(ENDING));
    const folder = await mkdtemp(join(tmpdir(), 'hypberry-overlays-'));
    // As the firmware has it: dtmerge takes a tree without "i2c" for that of a board of 2012, whose buses are the other way.
    const base = join(folder, BOARD);
    const named = await settled(new Uint8Array(await readFile(join(boot, BOARD))), 'dtoverlay=');
    await writeFile(base, named.dtb);
    const tree = new Uint8Array(await readFile(base));
    const differ: string[] = [];
    let [applied, refused] = [0, 0];
    const compare = async (overlay: string, data: Uint8Array, parameter: string): Promise<void> => {
      const what = `dtoverlay=${overlay}${parameter === '' ? '' : `,${parameter}`}`;
      const { dtb, notes } = await settled(tree, what, { [`overlays/${overlay}${ENDING}`]: data });
      const made = join(folder, 'made.dtb');
      const theirs = await runs(program, [
        base,
        made,
        join(boot, 'overlays', `${overlay}${ENDING}`),
        ...(parameter === '' ? [] : [parameter]),
      ]).then(
        () => readFile(made),
        () => undefined,
      );
      if (theirs) applied++;
      else refused++;
      if ((theirs === undefined) !== notes.length > 0)
        differ.push(`${what}: ${theirs ? 'applied' : 'refused'} by dtmerge, here: ${notes.join(' ')}`);
      else if (theirs && withoutLabels(new Uint8Array(theirs)) !== withoutLabels(dtb)) differ.push(what);
    };
    try {
      for (const name of names) {
        const overlay = name.slice(0, -ENDING.length);
        const data = new Uint8Array(await readFile(join(boot, 'overlays', name)));
        await compare(overlay, data, '');
        const parameters = findNode(readFdt(data), '/__overrides__')?.properties.keys() ?? [];
        for (const parameter of parameters)
          for (const value of VALUES) await compare(overlay, data, `${parameter}=${value}`);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
    console.log(`${names.length} overlays: ${applied} times applied, ${refused} times refused`);
    expect(differ).toEqual([]);
    expect(applied).toBeGreaterThan(names.length);
    expect(refused).toBeGreaterThan(0);
  },
  1800_000,
);
