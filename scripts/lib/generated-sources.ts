/** Sources that the build makes from tables, and that are not kept in git. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Writes those that are not as they would be made; paths are from the project's root. */
export async function writeSources(sources: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of sources) {
    const file = join(root, path);
    const before = await readFile(file, 'utf8').catch(() => undefined);
    if (before === text) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
