/**
 * Test suites that others wrote, built from public source for 32-bit Arm's Linux: Berkeley TestFloat, arm-neon-tests,
 * QEMU's tests of its translator, and libc-test.
 */
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { debianSource } from './inputs.js';
import { builtFromSource, type PublicSource } from './public-source.js';
import { run } from './run.js';
import type { ToolPackage } from './tools.js';

const GCC = 'arm-linux-gnueabihf-gcc';
const AR = 'arm-linux-gnueabihf-ar';
const CORTEX_A7 = ['-mcpu=cortex-a7', '-mfloat-abi=hard', '-mfpu=neon-vfpv4'];
const tools: readonly ToolPackage[] = [
  'git',
  'build-essential',
  'gcc-arm-linux-gnueabihf',
  'binutils-arm-linux-gnueabihf',
  'libc6-dev-armhf-cross',
];

const berkeley = (name: string, commit: string): PublicSource => ({
  name: `Berkeley ${name} 3e`,
  repository: `https://github.com/ucb-bar/berkeley-${name.toLowerCase()}-3.git`,
  commit,
  variable: `HYPBERRY_${name.toUpperCase()}`,
});

/**
 * Berkeley TestFloat, which compares the processor's floating-point with SoftFloat's.
 * @returns path of the program, a static one
 * @throws HypberryError as {@link builtFromSource}
 */
export async function testFloat(): Promise<string> {
  const compile = [GCC, ...CORTEX_A7, '-std=c99', '-frounding-math', '-w', '-c'].join(' ');
  const link = [GCC, ...CORTEX_A7, '-static', '-o', '$@'].join(' ');
  const folder = await builtFromSource({
    folder: 'testfloat',
    name: 'Berkeley TestFloat',
    tools,
    sources: [
      berkeley('SoftFloat', 'f74b1e48110ac3a27dd49b787d164e55e42d81d1'),
      berkeley('TestFloat', '06b20075dd3c1a5d0dd007a93643282832221612'),
    ],
    options: [compile, link],
    build: async ([softFloat, test], built) => {
      const place = (folder: string): string => join(folder, 'build', 'Linux-ARM-VFPv2-GCC');
      const options = (name: string): string =>
        `COMPILE_C=${compile} $(${name}_OPTS) $(C_INCLUDES) -O2 -o $@`;
      await run('make', ['-s', options('SOFTFLOAT')], { cwd: place(softFloat!) });
      const more = [`SOFTFLOAT_DIR=${softFloat!}`, options('TESTFLOAT'), `LINK=${link}`];
      await run('make', ['-s', ...more, 'testfloat'], { cwd: place(test!) });
      await copyFile(join(place(test!), 'testfloat'), join(built, 'testfloat'));
    },
  });
  return join(folder, 'testfloat');
}

/** The program of arm-neon-tests, and what it is to write into a file named {@link NEON_OUTPUT}. */
export interface NeonTests {
  readonly program: string;
  readonly reference: string;
}

/** What arm-neon-tests' program writes. */
export const NEON_OUTPUT = 'stm-arm-neon.gccarm';

/**
 * STMicroelectronics' tests of every NEON intrinsic, with the results of Arm's own compiler and model.
 * @throws HypberryError as {@link builtFromSource}
 */
export async function neonTests(): Promise<NeonTests> {
  const reference = 'ref-rvct-neon-nofp16.txt';
  // Not optimised, since then the compiler does not move an instruction past the reading of FPSCR.QC.
  const options = ['-O0', ...CORTEX_A7, '-fcommon', '-w'];
  const folder = await builtFromSource({
    folder: 'arm-neon-tests',
    name: 'arm-neon-tests',
    tools,
    sources: [
      {
        name: 'arm-neon-tests',
        repository: 'https://github.com/christophe-lyon/arm-neon-tests.git',
        commit: '2d60620d1a570acf2e4f803c1d0ebd0e6ffabe9a',
        variable: 'HYPBERRY_ARM_NEON_TESTS',
        leftOut: ['compute_ref.axf', 'compute_ref.gccarm', 'compute_ref.gccarm-rvct'],
      },
    ],
    options,
    build: async ([source], built) => {
      const variables = [`CC.gccarm=${GCC}`, `CFLAGS.gccarm=${options.join(' ')}`, 'LDFLAGS.gccarm=-static'];
      await run('make', ['-s', '-f', 'Makefile.gcc', ...variables, 'compute_ref.gccarm'], { cwd: source! });
      await copyFile(join(source!, 'compute_ref.gccarm'), join(built, 'neon-tests'));
      await copyFile(join(source!, reference), join(built, 'reference'));
    },
  });
  return { program: join(folder, 'neon-tests'), reference: join(folder, 'reference') };
}

/** Compiles a program from its files. */
const compile = (target: string, options: readonly string[]): Promise<string> =>
  run('nice', [GCC, ...CORTEX_A7, '-w', '-o', target, ...options]);

/** Names, without their ending, of a folder's C files, in order. */
async function cFilesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter((it) => it.endsWith('.c'))
    .map((it) => basename(it, '.c'))
    .sort();
}

/** QEMU's programs that its translator is tested by: a folder with a static program each. */
export async function qemuTests(): Promise<string> {
  // Debian's bookworm has QEMU 7.2.
  const source = await debianSource('qemu', 'bookworm', ['*/tests/tcg/arm/*', '*/tests/tcg/multiarch/*']);
  return builtFromSource({
    folder: 'qemu-tests',
    name: "QEMU's tests",
    tools,
    sources: [],
    // Not optimised but where they say so: a compiler would compute some of it.
    options: [source],
    build: async (_, built) => {
      const [arm, all] = [join(source, 'tests/tcg/arm'), join(source, 'tests/tcg/multiarch')];
      const program = (name: string, file: string, ...options: string[]): Promise<string> =>
        compile(join(built, name), ['-static', '-I', all, ...options, file, '-lm', '-lpthread']);
      const helpers = join(all, 'libs/float_helpers.c');
      for (const name of await cFilesOf(all)) {
        await program(name, join(all, `${name}.c`), ...(name.startsWith('float_') ? [helpers] : []));
      }
      for (const name of await cFilesOf(join(all, 'linux')))
        await program(name, join(all, 'linux', `${name}.c`));
      for (const name of ['commpage', 'fcvt', 'pcalign-a32'])
        await program(name, join(arm, `${name}.c`), '-marm');
      await compile(join(built, 'hello-arm'), [
        ...['-marm', '-ffreestanding', '-nostdlib', '-static'],
        join(arm, 'hello-arm.c'),
      ]);
      await program('sha1-vector', join(all, 'sha1.c'), '-O3');
      await program('sha512-vector', join(all, 'sha512.c'), '-O3');
      for (const name of ['fcvt', 'float_convs', 'float_convd', 'float_madds'])
        await copyFile(join(arm, `${name}.ref`), join(built, `${name}.ref`));
    },
  });
}

/**
 * Of libc-test: what needs a shared object of its own, what needs a function (crypt, strlcpy, pow10) that the libraries
 * with bookworm's cross compiler do not have, and what pushes characters back until that fails, which with glibc is when
 * memory ends.
 */
const NOT_OF_LIBC_TEST =
  /^(dlopen.*|tls_align.*|tls_init.*|tls_get_new-dtv.*|crypt|string|pow10.?|setvbuf-unget)$/;

/** Shared libraries that programs of libc-test use. */
const LIBRARIES = ['ld-linux-armhf.so.3', 'libc.so.6', 'libm.so.6', 'libgcc_s.so.1'];

/**
 * libc-test, musl's tests of a C library, with Debian's glibc.
 * @returns a folder: KIND/NAME is a program, `runtest` runs one with a time limit, lib has what they need
 * @throws HypberryError as {@link builtFromSource}
 */
export function libcTests(): Promise<string> {
  const options = [
    ...['-O1', '-std=c99', '-D_POSIX_C_SOURCE=200809L', '-D_FILE_OFFSET_BITS=64'],
    ...['-fno-builtin', '-frounding-math'],
  ];
  return builtFromSource({
    folder: 'libc-test',
    name: 'libc-test',
    tools,
    sources: [
      {
        name: 'libc-test',
        repository: 'https://github.com/jzh18/libc-test.git',
        commit: '692542b453f20f4c5645114ea448dd59eccebb6c',
        variable: 'HYPBERRY_LIBC_TEST',
      },
    ],
    options: [...options, NOT_OF_LIBC_TEST.source],
    build: async ([source], built, work) => {
      const common = join(source!, 'src/common');
      const objects: string[] = [];
      for (const name of (await cFilesOf(common)).filter((it) => it !== 'runtest')) {
        objects.push(join(work, `${name}.o`));
        await compile(objects.at(-1)!, [...options, '-c', join(common, `${name}.c`)]);
      }
      const library = join(work, 'libtest.a');
      await run(AR, ['rc', library, ...objects]);
      const program = (target: string, file: string): Promise<string> =>
        compile(join(built, target), [...options, '-I', common, file, library, '-lpthread', '-lm', '-lrt']);
      await program('runtest', join(common, 'runtest.c'));
      for (const kind of ['functional', 'math', 'regression']) {
        await mkdir(join(built, kind));
        for (const name of await cFilesOf(join(source!, 'src', kind)))
          if (!NOT_OF_LIBC_TEST.test(name))
            await program(`${kind}/${name}`, join(source!, 'src', kind, `${name}.c`));
      }
      await mkdir(join(built, 'lib'));
      for (const name of LIBRARIES)
        await copyFile((await run(GCC, [`-print-file-name=${name}`])).trim(), join(built, 'lib', name));
    },
  });
}
