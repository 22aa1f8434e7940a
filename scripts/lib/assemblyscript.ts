import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HypberryError } from '../../src/base/errors.js';
import { packTexts } from './packed-texts.js';

/** The compiler's own types would change those of Array for the whole project, so it is loaded without them. */
const COMPILER = 'assemblyscript/asc';
interface Compiler {
  main(
    options: readonly string[],
    api: {
      stderr: { write: (text: string) => void };
      readFile: (name: string, baseDir: string) => Promise<string | null>;
      writeFile: (name: string, contents: string | Uint8Array) => void;
    },
  ): Promise<{ error: Error | null }>;
}

/** What a program for the bare machine is compiled with: nothing but its code, its imports and its data. */
const BARE = [
  ...['--runtime', 'stub', '--converge', '--noAssert', '--uncheckedBehavior', 'always'],
  ...['--use', 'abort=', '--importMemory', '--noExportMemory', '--zeroFilledMemory'],
  // Names of functions, for refusals and listings; no code comes of it.
  '--debug',
];

/** Pages of 64 KiB that the compiler believes in: all that physical addresses reach. */
const PAGES = 65536;

/** A decorator of a function, which only AssemblyScript has: for all other tools it is a comment. */
const DECORATOR = /^( *)\/\/ (@(?:inline|external)\b)/gm;
/** AssemblyScript's imports name files without what stands behind the dot. */
const IMPORT = /(\bfrom '\.[^']*)\.js';/g;

/**
 * A source as the compiler wants it, of one that TypeScript, ESLint and Prettier read, too: `// @inline` above a
 * function is its decorator, and `from './file.js'` means `file.ts`. Lines stay as they are.
 */
export function forCompiler(source: string): string {
  return source.replace(DECORATOR, '$1$2').replace(IMPORT, "$1';");
}

/** What is compiled, and for how much memory. */
export interface CompileOptions {
  /** Path of the entry file from `baseDir`; what it exports can be called from outside. */
  readonly entry: string;
  readonly baseDir: string;
  /** Pages of 64 KiB that the memory has at least; default: all of them. */
  readonly initialPages?: number;
  /** Sources that stand in the place of files, or beside them, by their path from `baseDir`. */
  readonly sources?: ReadonlyMap<string, string>;
  /** Where constants and other static data begin; default: at 0. */
  readonly memoryBase?: number;
  /** Whether the compiler may use vectors of 128 bits; default: no. */
  readonly simd?: boolean;
  /** Whether few bytes matter more than few instructions; default: no. */
  readonly isSmall?: boolean;
  /** Whether it imports its table of functions, as `env.table`; default: no. */
  readonly importTable?: boolean;
  /** Whether its texts are packed ({@link packTexts}); default: no. */
  readonly hasTexts?: boolean;
}

/**
 * Compiles AssemblyScript to WebAssembly that has no runtime and imports its memory.
 * @throws HypberryError `assemblyscript.compile` with the compiler's messages, `assemblyscript.text` as packTexts
 */
export async function compileAssemblyScript({
  entry,
  baseDir,
  initialPages = PAGES,
  sources,
  memoryBase,
  simd = false,
  isSmall = false,
  importTable = false,
  hasTexts = false,
}: CompileOptions): Promise<Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let messages = '';
  let refused: HypberryError | undefined;
  const asc = (await import(COMPILER)) as Compiler;
  const { error } = await asc.main(
    [
      ...[entry, '--baseDir', baseDir, '--outFile', 'program.wasm', ...BARE, isSmall ? '-Oz' : '-O3'],
      ...(simd ? ['--enable', 'simd'] : []),
      ...(importTable ? ['--importTable'] : []),
      // In decimal: it takes no notice of others.
      ...(memoryBase === undefined ? [] : ['--memoryBase', String(memoryBase)]),
      ...['--initialMemory', String(initialPages), '--maximumMemory', String(PAGES)],
    ],
    {
      stderr: {
        write: (text) => {
          messages += text;
        },
      },
      readFile: async (name, from) => {
        try {
          const text = sources?.get(name) ?? (await readFile(resolve(from, name), 'utf8'));
          return forCompiler(
            hasTexts && name.endsWith('.ts') ? packTexts(name, text, memoryBase ?? 0) : text,
          );
        } catch (error) {
          // The compiler tries several names.
          if (error instanceof HypberryError) refused ??= error;
          return null;
        }
      },
      writeFile: (name, contents) => {
        files.set(name, typeof contents === 'string' ? new TextEncoder().encode(contents) : contents);
      },
    },
  );
  if (refused) throw refused;
  const binary = files.get('program.wasm');
  if (error || !binary) {
    throw new HypberryError(
      'assemblyscript.compile',
      `${entry} was not compiled: ${messages.trim()}`,
      'Mend what the compiler says.',
      { cause: error },
    );
  }
  return binary;
}
