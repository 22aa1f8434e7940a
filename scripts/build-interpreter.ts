/**
 * Compiles the interpreter (src/arm/cpu/interpreter, AssemblyScript) to WebAssembly, and that into a module that
 * Node and browsers can load: src/arm/cpu/interpreter-binary.ts. Run by `npm run build` and before the tests.
 */
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';

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
  sources.push(join(folder, 'layout.ts'), join(folder, 'micro-ops.ts'), import.meta.filename);
  const newest = Math.max(...(await Promise.all(sources.map(written))));
  if ((await written(output)) > newest) return;

  const files = new Map<string, Uint8Array>();
  const { error } = await asc.main(
    [
      ...['src/arm/cpu/interpreter/index.ts', '--outFile', 'interpreter.wasm', '--baseDir', root],
      // Nothing but code and imports: no runtime, no checks, no abort.
      ...[
        '--runtime',
        'stub',
        '-O3',
        '--converge',
        '--noAssert',
        '--uncheckedBehavior',
        'always',
        '--use',
        'abort=',
      ],
      // The memory is made by src/arm/cpu, as large as the machine needs.
      ...['--importMemory', '--noExportMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
    ],
    {
      writeFile: (name, contents) => {
        files.set(name, typeof contents === 'string' ? new TextEncoder().encode(contents) : contents);
      },
    },
  );
  const binary = files.get('interpreter.wasm');
  if (error || !binary) throw error ?? new Error('the interpreter was not compiled');
  await writeFile(
    output,
    `// Made by scripts/build-interpreter.ts.\nexport const interpreterBase64 =\n  '${Buffer.from(binary).toString('base64')}';\n`,
  );
}

if (process.argv[1] === import.meta.filename) await buildInterpreter();
