import asc from 'assemblyscript/asc';
import { HypberryError } from '../../src/base/errors.js';

/** What a program for the bare machine is compiled with: nothing but its code, its imports and its data. */
const BARE = [
  ...['--runtime', 'stub', '-O3', '--converge', '--noAssert', '--uncheckedBehavior', 'always'],
  ...['--use', 'abort=', '--importMemory', '--noExportMemory', '--zeroFilledMemory'],
  // Names of functions, for refusals and listings; no code comes of it.
  '--debug',
];

/** Pages of 64 KiB that the compiler believes in: all that physical addresses reach. */
const PAGES = '65536';

export interface CompileOptions {
  /** Path of the entry file from `baseDir`; what it exports can be called from outside. */
  readonly entry: string;
  readonly baseDir: string;
  /** Where constant data begins, a physical address. */
  readonly memoryBase?: number;
}

/**
 * Compiles AssemblyScript for the translator.
 * @throws HypberryError `assemblyscript.compile` with the compiler's messages
 */
export async function compileAssemblyScript({
  entry,
  baseDir,
  memoryBase = 0,
}: CompileOptions): Promise<Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let messages = '';
  const { error } = await asc.main(
    [
      ...[entry, '--baseDir', baseDir, '--outFile', 'program.wasm', ...BARE],
      ...['--initialMemory', PAGES, '--maximumMemory', PAGES],
      // In decimal: a number with 0x is taken as 0, without a word.
      ...(memoryBase > 0 ? ['--memoryBase', String(memoryBase)] : []),
    ],
    {
      stderr: {
        write: (text) => {
          messages += String(text);
        },
      },
      writeFile: (name, contents) => {
        files.set(name, typeof contents === 'string' ? new TextEncoder().encode(contents) : contents);
      },
    },
  );
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
