/**
 * Compiles the interpreter (src/arm/cpu/interpreter, AssemblyScript) to WebAssembly, and that into a module that
 * Node and browsers can load: src/arm/cpu/interpreter-binary.ts. Run by `npm run build` and before the tests.
 */
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileAssemblyScript } from './lib/assemblyscript.js';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'src/arm/cpu');
const output = join(folder, 'interpreter-binary.ts');

/** When a file was last written; 0 where there is none. */
async function written(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

/** Writes the binary's module unless it is newer than everything it is made from. */
export default async function buildInterpreter(): Promise<void> {
  const sources = (await readdir(join(folder, 'interpreter'))).map((name) =>
    join(folder, 'interpreter', name),
  );
  sources.push(
    ...['layout.ts', 'micro-ops.ts'].map((name) => join(folder, name)),
    join(import.meta.dirname, 'lib/assemblyscript.ts'),
    import.meta.filename,
  );
  const newest = Math.max(...(await Promise.all(sources.map(written))));
  if ((await written(output)) > newest) return;

  // The memory is made by src/arm/cpu, as large as the machine needs.
  const binary = await compileAssemblyScript({
    entry: 'src/arm/cpu/interpreter/index.ts',
    baseDir: root,
    initialPages: 1,
  });
  await writeFile(
    output,
    `// Made by scripts/build-interpreter.ts.\nexport const interpreterBase64 =\n  '${Buffer.from(binary).toString('base64')}';\n`,
  );
}

if (process.argv[1] === import.meta.filename) await buildInterpreter();
