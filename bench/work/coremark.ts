/** EEMBC's CoreMark, built from public source, to be called by the work. */
import { join } from 'node:path';
import { builtFromSource } from '../../scripts/lib/public-source.js';
import { run } from '../../scripts/lib/run.js';

const SOURCES = [
  'core_list_join',
  'core_main',
  'core_matrix',
  'core_state',
  'core_util',
  'posix/core_portme',
];

/**
 * Builds it on first use. Its main() is called `coremark_main`.
 * @param options of the compiler
 * @returns an object file
 * @throws HypberryError as {@link builtFromSource}
 */
export async function coremark(options: readonly string[]): Promise<string> {
  const all = [
    ...options,
    ...['-I.', '-Iposix', '-Dmain=coremark_main', '-DPERFORMANCE_RUN=1', '-DFLAGS_STR=""'],
  ];
  const folder = await builtFromSource({
    folder: 'coremark',
    name: 'CoreMark',
    tools: ['gcc-arm-linux-gnueabihf', 'libc6-dev-armhf-cross'],
    sources: [
      {
        name: 'CoreMark',
        repository: 'https://github.com/eembc/coremark.git',
        commit: 'd5fad6bd094899101a4e5fd53af7298160ced6ab',
        variable: 'HYPBERRY_COREMARK',
      },
    ],
    options: all,
    build: async ([source], built) => {
      const files = SOURCES.map((name) => `${name}.c`);
      const linked = ['-r', '-o', join(built, 'coremark.o')];
      await run('arm-linux-gnueabihf-gcc', [...all, ...files, ...linked], { cwd: source! });
    },
  });
  return join(folder, 'coremark.o');
}
