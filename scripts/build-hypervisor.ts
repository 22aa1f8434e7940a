/**
 * Compiles the hypervisor's body (hypervisor, AssemblyScript) to WebAssembly, and that into a module that Node and
 * browsers can load: src/hypervisor/hypervisor-binary.ts. Run by `npm run build` and before the tests.
 */
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileAssemblyScript } from './lib/assemblyscript.js';

const root = join(import.meta.dirname, '..');
const body = join(root, 'hypervisor');
const folder = join(root, 'src/hypervisor');
const output = join(folder, 'hypervisor-binary.ts');

/** When a file was last written; 0 where there is none. */
async function written(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

/** Writes the binary's module unless it is newer than everything it is made from. */
export default async function buildHypervisor(): Promise<void> {
  const sources = (await readdir(body))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(body, name));
  sources.push(
    join(folder, 'layout.ts'),
    join(import.meta.dirname, 'lib/assemblyscript.ts'),
    import.meta.filename,
  );
  const newest = Math.max(...(await Promise.all(sources.map(written))));
  if ((await written(output)) > newest) return;
  const binary = await compileAssemblyScript({ entry: 'hypervisor/index.ts', baseDir: root });
  const text = Buffer.from(binary).toString('base64');
  await writeFile(
    output,
    `// Made by scripts/build-hypervisor.ts.\nexport const hypervisorBase64 =\n  '${text}';\n`,
  );
}

if (process.argv[1] === import.meta.filename) await buildHypervisor();
