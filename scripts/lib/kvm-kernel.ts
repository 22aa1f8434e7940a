/** A Linux for the Pi 2 that has KVM, built from public source: no distribution's 32-bit kernel has it any more. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { KernelInput } from './inputs.js';
import { builtFromSource } from './public-source.js';
import { run } from './run.js';
import { linuxTools } from './tools.js';

/** Linux 4.19.63, of the last version line but a few with KVM on 32-bit Arm, and with the Pi 2's devices. */
const REPOSITORY = 'https://github.com/a6guerre/rasp_linux_repo.git';
const COMMIT = '2daf0f9163a4d52f72467b6ce3bd74980ff14dec';
const VERSION = 'Linux 4.19.63';

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

const TREE = 'bcm2836-rpi-2-b.dtb';

async function build(source: string, built: string, work: string, program: string): Promise<void> {
  const path = (name: string) => join(work, name);
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
  await copyFile(join(source, 'arch/arm/boot/zImage'), join(built, 'vmlinuz'));
  await copyFile(join(source, 'arch/arm/boot/dts', TREE), join(built, TREE));
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
  const folder = await builtFromSource({
    folder: 'linux-kvm',
    name: `${VERSION} with KVM`,
    tools: linuxTools,
    sources: [
      {
        name: VERSION,
        repository: REPOSITORY,
        commit: COMMIT,
        variable: 'HYPBERRY_KVM_LINUX',
        // The largest files, which no build for the Pi needs.
        leftOut: ['drivers/gpu/drm/amd/include'],
      },
    ],
    options: [...SWITCHED_ON, ...MAKE, ...COMPILE, initramfs('init'), await readFile(program, 'utf8')],
    build: ([source], built, work) => build(source!, built, work, program),
  });
  return { vmlinuz: join(folder, 'vmlinuz'), dtb: join(folder, TREE), version: VERSION };
}
