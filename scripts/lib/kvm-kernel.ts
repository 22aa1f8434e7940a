/** A Linux for the Pi 2 that has KVM, built from public source: no distribution's 32-bit kernel has it any more. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { HypberryError } from '../../src/base/errors.js';
import { cacheFolder, withLock } from './cache.js';
import type { KernelInput } from './inputs.js';
import { run } from './run.js';
import { ensureTools, linuxTools } from './tools.js';

/** Linux 4.19.63, of the last version line but a few with KVM on 32-bit Arm, and with the Pi 2's devices. */
const REPOSITORY = 'https://github.com/a6guerre/rasp_linux_repo.git';
const COMMIT = '2daf0f9163a4d52f72467b6ce3bd74980ff14dec';
const VERSION = 'Linux 4.19.63';

/** Names a Git repository on this machine that has the commit, where the public one is not to be asked. */
const SOURCE_VARIABLE = 'HYPBERRY_KVM_LINUX';

/** What is not unpacked: the largest files, which no build for the Pi needs, so that a copy without them will do. */
const LEFT_OUT = 'drivers/gpu/drm/amd/include';

/** What is switched on; everything else that can be is off. */
const SWITCHED_ON = [
  ...['MMU', 'ARCH_MULTIPLATFORM', 'ARCH_MULTI_V7', 'ARCH_BCM', 'ARCH_BCM2835', 'SMP'],
  ...['ARM_LPAE', 'ARM_THUMB', 'AEABI', 'VFP', 'HIGH_RES_TIMERS', 'PRINTK', 'BUG', 'BLK_DEV_INITRD'],
  ...['BINFMT_ELF', 'TTY', 'SERIAL_AMBA_PL011', 'SERIAL_AMBA_PL011_CONSOLE', 'KERNEL_GZIP'],
  ...['VIRTUALIZATION', 'KVM'],
];

/** Later compilers than the source: GCC 10 shares no common symbols, GCC 12 wants the FPU named (`-march`). */
const MAKE = [
  'ARCH=arm',
  'CROSS_COMPILE=arm-linux-gnueabihf-',
  'HOSTCFLAGS=-fcommon',
  'arch-y=-D__LINUX_ARM_ARCH__=7 -march=armv7-a+fp',
];

/** For a program without a C library; the kernel is built without NEON. */
const COMPILE = [
  ...['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-O2', '-marm', '-mcpu=cortex-a7', '-mgeneral-regs-only'],
  ...['-ffreestanding', '-nostdlib', '-static'],
];

/** The initramfs, as usr/gen_init_cpio takes it: the numbers of devices are those of Linux' devices.txt. */
const initramfs = (program: string): string => `dir /dev 755 0 0
nod /dev/console 600 0 0 c 5 1
nod /dev/kvm 600 0 0 c 10 232
file /init ${program} 755 0 0
`;

const folder = join(cacheFolder, 'inputs', 'linux-kvm');
const TREE = 'bcm2836-rpi-2-b.dtb';
/** What a kernel was made of, beside it. */
const RECIPE = 'recipe.txt';

/** Unpacks the source into a folder. */
async function unpackSource(repository: string, target: string): Promise<void> {
  const unpack = 'git --git-dir="$1" archive "$2" -- . ":(exclude)$4" | tar -x -C "$3"';
  await run('sh', ['-c', unpack, 'sh', repository, COMMIT, target, LEFT_OUT]);
  if (!existsSync(join(target, 'arch/arm/kvm')))
    throw new Error(`${repository} does not have the commit ${COMMIT}`);
}

async function fetchSource(work: string, target: string): Promise<void> {
  const given = process.env[SOURCE_VARIABLE];
  if (given !== undefined && given !== '') return unpackSource(given, target);
  const repository = join(work, 'repository');
  process.stderr.write(`fetching ${VERSION} of ${REPOSITORY}\n`);
  await run('git', ['init', '--quiet', '--bare', repository]);
  await run('git', ['--git-dir', repository, 'fetch', '--quiet', '--depth', '1', REPOSITORY, COMMIT]);
  await unpackSource(repository, target);
}

async function build(work: string, program: string): Promise<void> {
  const source = join(work, 'source');
  const path = (name: string) => join(work, name);
  await mkdir(source, { recursive: true });
  await fetchSource(work, source);

  process.stderr.write(`building ${VERSION} with KVM\n`);
  const make = (...args: string[]) =>
    run('nice', ['make', `-j${availableParallelism()}`, ...MAKE, ...args], { cwd: source });
  const options = [
    ...SWITCHED_ON.map((it) => `CONFIG_${it}=y`),
    'CONFIG_NR_CPUS=4',
    `CONFIG_INITRAMFS_SOURCE="${path('initramfs.txt')}"`,
  ];
  await writeFile(path('config'), `${options.join('\n')}\n`);
  await writeFile(path('initramfs.txt'), initramfs(path('init')));
  await make('mrproper');
  await make(`KCONFIG_ALLCONFIG=${path('config')}`, 'allnoconfig');
  const config = (await readFile(join(source, '.config'), 'utf8')).split('\n');
  const lost = options.filter((it) => !config.includes(it));
  if (lost.length > 0) throw new Error(`its configuration does not take ${lost.join(', ')}`);
  await make('headers_install');
  const headers = join(source, 'usr/include');
  await run('arm-linux-gnueabihf-gcc', [...COMPILE, '-isystem', headers, '-o', path('init'), program]);
  await make('zImage', TREE);
  await mkdir(path('built'));
  await copyFile(join(source, 'arch/arm/boot/zImage'), path('built/vmlinuz'));
  await copyFile(join(source, 'arch/arm/boot/dts', TREE), path(`built/${TREE}`));
}

/**
 * A kernel for the Pi 2 with LPAE and KVM, which holds its initramfs: /dev/console, /dev/kvm and a program as /init.
 *
 * Built on first use, in some minutes, in a folder of the cache; later calls find it there, as long as neither the
 * program nor this recipe has changed.
 * @param program path of the C source of /init, which is compiled without a C library, with this kernel's headers
 * @throws HypberryError `tools.missing`; `inputs.failed` where the source cannot be had or does not build
 */
export async function kvmKernel(program: string): Promise<KernelInput> {
  const recipe = [
    COMMIT,
    ...SWITCHED_ON,
    ...MAKE,
    ...COMPILE,
    initramfs('init'),
    await readFile(program, 'utf8'),
  ].join('\n');
  await withLock('linux-kvm', async () => {
    if ((await readFile(join(folder, RECIPE), 'utf8').catch(() => '')) === recipe) return;
    await ensureTools(linuxTools);
    // Under the lock, so one that is already there was left by a process that was killed.
    const work = join(cacheFolder, 'inputs', '.building-linux');
    await rm(work, { recursive: true, force: true });
    await mkdir(work, { recursive: true });
    try {
      await build(work, program);
      await writeFile(join(work, 'built', RECIPE), recipe);
      await rm(folder, { recursive: true, force: true });
      await rename(join(work, 'built'), folder);
    } catch (error) {
      // A compiler says a lot: all of it is in the cause.
      const [first] = (error instanceof Error ? error.message : String(error)).split('\n');
      throw new HypberryError(
        'inputs.failed',
        `${VERSION} with KVM could not be made: ${first}.`,
        `Where ${REPOSITORY} cannot be reached, let ${SOURCE_VARIABLE} name a Git repository that has its commit ${COMMIT}.`,
        { cause: error },
      );
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
  return { vmlinuz: join(folder, 'vmlinuz'), dtb: join(folder, TREE), version: VERSION };
}
