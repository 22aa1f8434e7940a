/** Compiles a folder of AssemblyScript into a module that Node and browsers can load, with the binary as text. */
import { readdir, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { compileAssemblyScript } from './assemblyscript.js';
import { written } from './cache.js';

const root = join(import.meta.dirname, '../..');

/** What is made of what; paths are from the project's root. */
export interface WasmModule {
  /** Folder of the sources, with all that is in it; `index.ts` in it is the entry. */
  readonly folder: string;
  /** Sources from elsewhere. */
  readonly others: readonly string[];
  readonly output: string;
  /** Name of the constant that the module exports. */
  readonly constant: string;
  /** Absolute path of the script that asks for it. */
  readonly script: string;
  /** Pages of 64 KiB that the memory has at least; default: all that there can be. */
  readonly initialPages?: number;
  /** Where static data begin; default: at 0. */
  readonly memoryBase?: number;
  /** Whether vectors of 128 bits may be used; default: no. */
  readonly simd?: boolean;
  /** Whether few bytes matter more than few instructions; default: no. */
  readonly isSmall?: boolean;
  /** Whether the module imports its table of functions; default: no. */
  readonly importTable?: boolean;
  /** Whether its texts are packed; default: no. */
  readonly hasTexts?: boolean;
}

/**
 * Whether a file was written after all that it is made from.
 * @param sources files, and folders for all TypeScript in them; paths are from the project's root
 */
export async function isNewer(output: string, sources: readonly string[]): Promise<boolean> {
  const filesOf = async (source: string): Promise<string[]> =>
    source.endsWith('.ts')
      ? [source]
      : (await readdir(join(root, source), { recursive: true }))
          .filter((name) => name.endsWith('.ts'))
          .map((name) => join(source, name));
  const files = (await Promise.all(sources.map(filesOf))).flat();
  const newest = Math.max(...(await Promise.all(files.map((path) => written(join(root, path))))));
  return (await written(join(root, output))) > newest;
}

/**
 * Writes the module unless it is newer than everything it is made from.
 * @throws HypberryError `assemblyscript.compile` with the compiler's messages
 */
export async function buildWasmModule({
  folder,
  others,
  output,
  constant,
  script,
  initialPages,
  memoryBase,
  simd = false,
  isSmall = false,
  importTable = false,
  hasTexts = false,
}: WasmModule): Promise<void> {
  const tools = ['assemblyscript.ts', 'packed-texts.ts', 'wasm-module.ts'].map((name) =>
    join('scripts/lib', name),
  );
  if (await isNewer(output, [folder, ...others, ...tools, relative(root, script)])) return;
  const binary = await compileAssemblyScript({
    entry: `${folder}/index.ts`,
    baseDir: root,
    simd,
    isSmall,
    importTable,
    hasTexts,
    ...(initialPages !== undefined && { initialPages }),
    ...(memoryBase !== undefined && { memoryBase }),
  });
  await writeModule(output, script, { [constant]: `'${Buffer.from(binary).toString('base64')}'` });
}

/** Writes a module of constants, each given as what stands behind its `=`. */
export async function writeModule(
  output: string,
  script: string,
  constants: Readonly<Record<string, string>>,
): Promise<void> {
  const lines = Object.entries(constants).map(([name, value]) => `export const ${name} =\n  ${value};\n`);
  await writeFile(join(root, output), [`// Made by scripts/${basename(script)}.\n`, ...lines].join(''));
}
