import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { HypberryError } from '../../src/base/errors.js';
import { cacheFolder, inWorkFolder, withLock } from './cache.js';
import { type DebianClient, hasDebianClient, openDebianClient } from './debian.js';

/** A Debian release whose kernel is booted. */
export type Suite = 'bookworm' | 'trixie';

/** Paths of a kernel and of the device tree that came with it. */
export interface KernelInput {
  readonly vmlinuz: string;
  readonly dtb: string;
  /** The package it came from, with its version; empty where the files were put there by hand. */
  readonly version: string;
}

/** Paths of the real files that tests, benches and the demonstration run on. */
export interface Inputs {
  readonly bookworm: KernelInput;
  readonly trixie: KernelInput;
  /** The board's watchdog's driver for bookworm's kernel, a module: without it Linux cannot restart the board. */
  readonly watchdog: string;
  /** What the VideoCore runs: the package raspi-firmware. */
  readonly firmware: { readonly startElf: string; readonly bootcode: string; readonly fixup: string };
  /** A static armhf busybox, for an initramfs. */
  readonly busybox: string;
  /** U-Boot for the Pi 2, as the firmware loads it in place of a kernel. */
  readonly uboot: string;
  /** U-Boot for QEMU's virt, 32 bit. */
  readonly ubootQemu: string;
}

/** One package, and the files wanted of it. The folder appears in one step, so it is whole when it is there. */
interface Group {
  readonly folder: string;
  readonly suite: Suite;
  readonly package: string;
  /** Where `package` only depends on the one with the files: that one's name. */
  readonly holder?: RegExp;
  /** Path inside the package, `*` for anything, and the file's name in the folder. */
  readonly files: ReadonlyMap<string, string>;
}

const kernelFiles = new Map([
  ['boot/vmlinuz-*', 'vmlinuz'],
  ['usr/lib/linux-image-*/bcm2836-rpi-2-b.dtb', 'bcm2836-rpi-2-b.dtb'],
]);

function kernelGroup(suite: Suite, flavour: string, folder: string, files = kernelFiles): Group {
  return { folder, suite, package: `linux-image-${flavour}`, holder: /^linux-image-\d/, files };
}

const groups: readonly Group[] = [
  kernelGroup(
    'bookworm',
    'armmp',
    'bookworm',
    new Map([...kernelFiles, ['lib/modules/*/kernel/drivers/watchdog/bcm2835_wdt.ko', 'bcm2835_wdt.ko']]),
  ),
  kernelGroup('trixie', 'armmp', 'trixie'),
  {
    folder: 'firmware',
    suite: 'trixie',
    package: 'raspi-firmware',
    files: new Map(
      ['start.elf', 'bootcode.bin', 'fixup.dat'].map((name) => [`usr/lib/raspi-firmware/${name}`, name]),
    ),
  },
  {
    folder: 'busybox',
    suite: 'bookworm',
    package: 'busybox-static',
    files: new Map([['bin/busybox', 'busybox']]),
  },
  {
    folder: 'u-boot',
    suite: 'trixie',
    package: 'u-boot-rpi',
    files: new Map([['usr/lib/u-boot/rpi_2/u-boot.bin', 'u-boot.bin']]),
  },
  {
    folder: 'u-boot-qemu',
    suite: 'trixie',
    package: 'u-boot-qemu',
    files: new Map([['usr/lib/u-boot/qemu_arm/u-boot.bin', 'u-boot.bin']]),
  },
];

const lpaeGroups: readonly Group[] = [
  kernelGroup('bookworm', 'armmp-lpae', 'bookworm-lpae'),
  kernelGroup('trixie', 'armmp-lpae', 'trixie-lpae'),
];

/**
 * Linux' drivers in the order in which they are loaded, by their paths among the modules; the rest is in the kernels: of
 * the card's two controllers, and of a system that has its root there.
 */
const CARD_DRIVERS = {
  sdhost: ['drivers/mmc/host/bcm2835'],
  emmc: ['sdhci', 'sdhci-pltfm', 'sdhci-iproc'].map((name) => `drivers/mmc/host/${name}`),
  root: [
    ...['lib/crc16', 'fs/mbcache', 'fs/jbd2/jbd2', 'crypto/crc32c_generic', 'fs/ext4/ext4'],
    'drivers/watchdog/bcm2835_wdt',
  ],
} as const satisfies Record<string, readonly string[]>;

/** The same: of a guest's devices, and of the host for its end of their network, and for one within itself. */
const GUEST_DRIVERS = {
  virtio: [
    ...['drivers/virtio/virtio_mmio', 'drivers/char/hw_random/virtio-rng', 'drivers/block/virtio_blk'],
    ...['net/core/failover', 'drivers/net/net_failover', 'drivers/net/virtio_net'],
  ],
  tun: ['drivers/net/tun'],
  veth: ['drivers/net/veth'],
} as const satisfies Record<string, readonly string[]>;

/** The same: by which nft's rules forward and translate addresses, in the order in which they are loaded. */
const NAT_DRIVERS = {
  nat: [
    ...[
      'crypto/crc32c_generic',
      'lib/libcrc32c',
      'net/netfilter/nfnetlink',
      'net/ipv4/netfilter/nf_defrag_ipv4',
    ],
    ...['net/ipv6/netfilter/nf_defrag_ipv6', 'net/netfilter/nf_conntrack', 'net/netfilter/nf_nat'],
    ...['net/netfilter/nf_tables', 'net/netfilter/nft_ct', 'net/netfilter/nft_nat', 'net/netfilter/nft_masq'],
    ...['net/netfilter/nft_chain_nat', 'net/netfilter/nft_fib', 'net/ipv4/netfilter/nft_fib_ipv4'],
  ],
} as const satisfies Record<string, readonly string[]>;

/** The same: of the boot partition's file system. */
const FAT_DRIVERS = {
  fat: ['fs/fat/fat', 'fs/fat/vfat', 'fs/nls/nls_cp437', 'fs/nls/nls_ascii'],
} as const satisfies Record<string, readonly string[]>;

/** Where a suite's kernel has its modules, and how they are packed. */
const MODULES = {
  bookworm: { folder: 'lib/modules', ending: '.ko' },
  trixie: { folder: 'usr/lib/modules', ending: '.ko.xz' },
} as const satisfies Record<Suite, unknown>;

/** Where inputs are kept. */
export const inputsFolder = join(cacheFolder, 'inputs');

/** A program of Debian's that runs in a Linux under test. */
export type DebianProgram =
  'gdb-minimal' | 'linux-perf' | 'nftables' | 'openssl' | 'python3-minimal' | 'stress-ng';

/** Where a group's package and version stand. */
const versionFile = 'package.txt';

function missing(wanted: readonly Group[]): readonly Group[] {
  return wanted.filter((group) =>
    [...group.files.values()].some((name) => !existsSync(join(inputsFolder, group.folder, name))),
  );
}

/** Has packages of some suites be fetched in a folder that is gone afterwards. */
async function fetching(
  suites: readonly Suite[],
  fetch: (client: DebianClient, work: string) => Promise<void>,
): Promise<void> {
  const work = join(inputsFolder, '.fetching');
  try {
    await inWorkFolder(work, async () => {
      await fetch(await openDebianClient(work, 'armhf', [...new Set(suites)]), work);
    });
  } catch (error) {
    throw new HypberryError(
      'inputs.failed',
      `Debian's packages could not be fetched: ${error instanceof Error ? error.message : String(error)}.`,
      'See whether the archive can be reached from here, then run this again.',
      { cause: error },
    );
  }
}

function fetchGroups(wanted: readonly Group[]): Promise<void> {
  return fetching(
    wanted.map((group) => group.suite),
    async (client, work) => {
      for (const group of wanted) {
        const folder = join(work, group.folder);
        const name = group.holder
          ? await client.dependency(group.suite, group.package, group.holder)
          : group.package;
        process.stderr.write(`fetching ${name} of Debian ${group.suite}\n`);
        const version = await client.unpack(group.suite, name, group.files, folder);
        await writeFile(join(folder, versionFile), `${version}\n`);
        await rm(join(inputsFolder, group.folder), { recursive: true, force: true });
        await rename(folder, join(inputsFolder, group.folder));
      }
    },
  );
}

function byHand(wanted: readonly Group[]): HypberryError {
  const places = wanted.map(
    (group) =>
      `${[...group.files.values()].join(', ')} of package ${group.package} in ${join(inputsFolder, group.folder)}`,
  );
  return new HypberryError(
    'inputs.missing',
    'The kernels and firmware to run on are not here, and this system has no Debian package client to fetch them.',
    `Take them from Debian's armhf packages (https://packages.debian.org) and put ${places.join('; ')}.`,
  );
}

async function need(wanted: readonly Group[]): Promise<void> {
  if (missing(wanted).length === 0) return;
  if (!(await hasDebianClient())) throw byHand(missing(wanted));
  await withLock('inputs', async () => {
    const left = missing(wanted);
    if (left.length > 0) await fetchGroups(left);
  });
}

async function kernel(folder: string): Promise<KernelInput> {
  const path = (name: string) => join(inputsFolder, folder, name);
  return {
    vmlinuz: path('vmlinuz'),
    dtb: path('bcm2836-rpi-2-b.dtb'),
    version: (await readFile(path(versionFile), 'utf8').catch(() => '')).trim(),
  };
}

/**
 * The real inputs, fetched on first use; later calls find them in the cache at once.
 *
 * Safe to call from several processes at once: one fetches, the others wait.
 * @throws HypberryError `inputs.missing` where they are not there and cannot be fetched; its hint says what to
 * put where; `inputs.failed` where the archive cannot be reached.
 */
export async function inputs(): Promise<Inputs> {
  await need(groups);
  const path = (...names: string[]) => join(inputsFolder, ...names);
  return {
    bookworm: await kernel('bookworm'),
    trixie: await kernel('trixie'),
    watchdog: path('bookworm', 'bcm2835_wdt.ko'),
    firmware: {
      startElf: path('firmware', 'start.elf'),
      bootcode: path('firmware', 'bootcode.bin'),
      fixup: path('firmware', 'fixup.dat'),
    },
    busybox: path('busybox', 'busybox'),
    uboot: path('u-boot', 'u-boot.bin'),
    ubootQemu: path('u-boot-qemu', 'u-boot.bin'),
  };
}

/**
 * The same kernels built with LPAE, whose page tables are the long ones. Fetched only when asked for.
 * @throws HypberryError as {@link inputs}
 */
export async function lpaeKernels(): Promise<Record<Suite, KernelInput>> {
  await need(lpaeGroups);
  return { bookworm: await kernel('bookworm-lpae'), trixie: await kernel('trixie-lpae') };
}

/** A module of a kernel. */
export interface KernelModule {
  readonly name: string;
  readonly data: Uint8Array;
}

/** The drivers of each use, fetched into a folder of its own where they are not there. */
async function driversFor<Use extends string>(
  suite: Suite,
  name: string,
  uses: Readonly<Record<Use, readonly string[]>>,
): Promise<Record<Use, readonly KernelModule[]>> {
  const { folder, ending } = MODULES[suite];
  const paths = Object.values<readonly string[]>(uses).flat();
  const files = paths.map(
    (path) => [`${folder}/*/kernel/${path}${ending}`, `${basename(path)}${ending}`] as const,
  );
  const group = kernelGroup(suite, 'armmp', `${suite}-${name}`, new Map(files));
  await need([group]);
  const load = async (path: string): Promise<KernelModule> => {
    const packed = await readFile(join(inputsFolder, group.folder, `${basename(path)}${ending}`));
    return { name: basename(path), data: ending === '.ko' ? packed : unpackXz(packed) };
  };
  const all = {} as Record<Use, readonly KernelModule[]>;
  for (const use of Object.keys(uses) as Use[]) all[use] = await Promise.all(uses[use].map(load));
  return all;
}

/**
 * The drivers of the SD card's controllers, and of a root file system on it, for a kernel of {@link inputs}, in the order in
 * which they are loaded. Fetched only when asked for.
 * @throws HypberryError as {@link inputs}
 */
export const cardDrivers = (
  suite: Suite,
): Promise<Record<keyof typeof CARD_DRIVERS, readonly KernelModule[]>> =>
  driversFor(suite, 'card-drivers', CARD_DRIVERS);

/**
 * The same: those of a guest's virtio devices, and what the host has for its end of their network.
 * @throws HypberryError as {@link inputs}
 */
export const guestDrivers = (
  suite: Suite,
): Promise<Record<keyof typeof GUEST_DRIVERS, readonly KernelModule[]>> =>
  driversFor(suite, 'guest-drivers', GUEST_DRIVERS);

/**
 * The same: those by which a host mounts its boot partition. Fetched only when asked for.
 * @throws HypberryError as {@link inputs}
 */
export const fatDrivers = (suite: Suite): Promise<Record<'fat', readonly KernelModule[]>> =>
  driversFor(suite, 'fat-drivers', FAT_DRIVERS);

/**
 * The same: those by which a host is a way out for its guests. Fetched only when asked for.
 * @throws HypberryError as {@link inputs}
 */
export const natDrivers = (suite: Suite): Promise<Record<'nat', readonly KernelModule[]>> =>
  driversFor(suite, 'nat-drivers', NAT_DRIVERS);

/** The number that the installer's package has in its name. */
const RELEASE = { bookworm: 12, trixie: 13 } as const satisfies Record<Suite, number>;

/**
 * The initramfs of Debian's installer for a boot over the network, packed by gzip. Fetched only when asked for.
 * @throws HypberryError as {@link inputs}
 */
export async function installerInitramfs(suite: Suite): Promise<Uint8Array> {
  const release = RELEASE[suite];
  const inside = `usr/lib/debian-installer/images/${release}/armhf/text/debian-installer/armhf/initrd.gz`;
  const folder = `${suite}-installer`;
  const name = 'initrd.gz';
  await need([
    {
      ...{ folder, suite, package: `debian-installer-${release}-netboot-armhf` },
      files: new Map([[inside, name]]),
    },
  ]);
  return readFile(join(inputsFolder, folder, name));
}

/** Unpacks by xz, which busybox' insmod does not. */
function unpackXz(packed: Uint8Array): Uint8Array {
  const { stdout, status, error } = spawnSync('xz', ['-dc'], { input: packed, maxBuffer: 2 ** 26 });
  if (error ?? status !== 0) throw new Error('A module could not be unpacked by xz.', { cause: error });
  return stdout;
}

/** Has a folder be made by Debian's package client, where it is not there. */
async function once(
  folder: string,
  what: string,
  suite: Suite,
  unpack: (client: DebianClient, target: string) => Promise<unknown>,
): Promise<void> {
  if (existsSync(folder)) return;
  if (!(await hasDebianClient())) {
    throw new HypberryError(
      'inputs.missing',
      `${what} is not here, and this system has no Debian package client to fetch it.`,
      `Unpack it from Debian ${suite} (https://packages.debian.org) into ${folder}.`,
    );
  }
  await withLock('inputs', async () => {
    if (existsSync(folder)) return;
    await fetching([suite], async (client, work) => {
      process.stderr.write(`fetching ${what} of Debian ${suite}\n`);
      await unpack(client, join(work, 'root'));
      await rename(join(work, 'root'), folder);
    });
  });
}

/**
 * A program of Debian's for armhf with all that it depends on, as it would be installed. Fetched only when asked for.
 * @returns the folder that stands for /
 * @throws HypberryError as {@link inputs}
 */
export async function debianProgram(name: DebianProgram, suite: Suite = 'bookworm'): Promise<string> {
  const folder = join(inputsFolder, `${name}-${suite}`);
  await once(folder, `${name} with what it depends on`, suite, (client, target) =>
    client.unpackAll(suite, name, target),
  );
  return folder;
}

/**
 * Files of a Debian source package, as its upstream has them. Fetched only when asked for.
 * @param wanted paths in its archive, in which `*` stands for anything
 * @returns the folder that the package has at the top
 * @throws HypberryError as {@link inputs}
 */
export async function debianSource(name: string, suite: Suite, wanted: readonly string[]): Promise<string> {
  const folder = join(inputsFolder, `${name}-source-${suite}`);
  await once(folder, `the source of ${name}`, suite, (client, target) =>
    client.unpackSource(suite, name, wanted, target),
  );
  return folder;
}

/**
 * Packages of Debian's for armhf with all that they depend on, as files. Fetched only when asked for.
 * @param label what they are for, as the folder's name
 * @returns the files' paths
 * @throws HypberryError as {@link inputs}
 */
export async function debianPackages(
  label: string,
  suite: Suite,
  names: readonly string[],
): Promise<readonly string[]> {
  const folder = join(inputsFolder, `${label}-packages-${suite}`);
  await once(folder, `the packages of ${label}`, suite, async (client, target) => {
    await mkdir(target);
    for (const file of await client.downloadAll(suite, names))
      await rename(file, join(target, basename(file)));
  });
  return (await readdir(folder)).map((name) => join(folder, name));
}
