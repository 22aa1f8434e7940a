import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { HypberryError } from '../../src/base/errors.js';
import { cacheFolder, withLock } from './cache.js';
import { hasProgram, run } from './run.js';

/** Debian packages that tests and benches use, and the programs wanted of each. */
const programsOf = {
  'qemu-system-arm': ['qemu-system-arm'],
  'qemu-user': ['qemu-arm'],
  'binutils-arm-none-eabi': [
    'arm-none-eabi-as',
    'arm-none-eabi-ld',
    'arm-none-eabi-objcopy',
    'arm-none-eabi-objdump',
  ],
  mtools: ['mcopy', 'mdir', 'mtype', 'mdel', 'mmd'],
  dosfstools: ['mkfs.fat', 'fsck.fat'],
  fdisk: ['sfdisk'],
  e2fsprogs: ['mke2fs', 'e2fsck', 'debugfs'],
  fakeroot: ['fakeroot'],
  'device-tree-compiler': ['dtc', 'fdtget'],
  'xz-utils': ['xz'],
  'gdb-multiarch': ['gdb-multiarch'],
  tmux: ['tmux'],
  zsh: ['zsh'],
  fish: ['fish'],
  groff: ['groff'],
  iptables: ['iptables', 'iptables-restore'],
  'chromium-headless-shell': ['chromium-headless-shell'],
  git: ['git'],
  'build-essential': ['gcc', 'make'],
  'gcc-arm-linux-gnueabihf': ['arm-linux-gnueabihf-gcc'],
  'binutils-arm-linux-gnueabihf': ['ar', 'ld', 'nm', 'objcopy', 'objdump', 'strip'].map(
    (it) => `arm-linux-gnueabihf-${it}`,
  ),
  // Libraries alone, see HEADERS.
  'libc6-dev-armhf-cross': [],
  'libfdt-dev': [],
  flex: ['flex'],
  bison: ['bison'],
  bc: ['bc'],
  'ansible-core': ['ansible-playbook'],
} as const;

/** A Debian package whose programs tests use. */
export type ToolPackage = keyof typeof programsOf;

/** A file of each package that has no programs, from the root on. */
const HEADERS: Partial<Record<ToolPackage, string>> = {
  'libc6-dev-armhf-cross': 'usr/arm-linux-gnueabihf/include/stdio.h',
  'libfdt-dev': 'usr/include/libfdt.h',
};

/** What building Linux takes, which `npm run test:long` alone does. */
export const linuxTools: readonly ToolPackage[] = [
  'git',
  'build-essential',
  'gcc-arm-linux-gnueabihf',
  'binutils-arm-linux-gnueabihf',
  'flex',
  'bison',
  'bc',
];

/** What long tests alone take, each for itself. */
const longTools: readonly ToolPackage[] = [...linuxTools, 'ansible-core'];

const everyPackage = (Object.keys(programsOf) as ToolPackage[]).filter(
  (it) => !longTools.includes(it) && !(it in HEADERS),
);

/** What making a card takes. */
export const cardTools: readonly ToolPackage[] = ['mtools', 'dosfstools', 'fdisk'];

const toolsFolder = join(cacheFolder, 'tools');

/**
 * Puts the places where tools may be on this process's PATH: system programs' folders, which not every user has
 * there, and tools unpacked into the cache. Changes nothing on the disk.
 */
export function useTools(): void {
  const places = (process.env['PATH'] ?? '').split(delimiter);
  const more = [join(toolsFolder, 'bin'), '/usr/sbin', '/sbin'].filter((it) => !places.includes(it));
  process.env['PATH'] = [...places, ...more].join(delimiter);
}

async function missing(packages: readonly ToolPackage[]): Promise<ToolPackage[]> {
  const hasHeader = (it: ToolPackage): boolean => {
    const header = HEADERS[it];
    return (
      header === undefined || ['/', join(toolsFolder, 'root')].some((at) => existsSync(join(at, header)))
    );
  };
  const there = await Promise.all(
    packages.map(
      async (it) =>
        hasHeader(it) && (await Promise.all(programsOf[it].map(hasProgram))).every((found) => found),
    ),
  );
  return packages.filter((_, index) => !there[index]);
}

/** Sources other than Debian's may be out of reach; what counts is whether the packages can be had. */
const impatient = ['-o', 'Acquire::http::Timeout=20', '-o', 'Acquire::Retries=1'];

/** Installs packages on the system. `prefix` is what gives the right to: nothing for root, else sudo. */
async function install(packages: readonly string[], prefix: readonly string[]): Promise<void> {
  const aptGet = (...args: string[]) => {
    const [program, ...rest] = [
      ...prefix,
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'apt-get',
      '-q',
      ...args,
    ] as const;
    return run(program!, rest);
  };
  const install = () =>
    aptGet('-o', 'DPkg::Lock::Timeout=300', 'install', '-y', '--no-install-recommends', ...packages);
  await install().catch(async () => {
    await aptGet(...impatient, 'update').catch(() => undefined);
    await install();
  });
}

/** Unpacks packages, and those they need that the system has not, into the cache: what takes no rights. */
async function unpack(packages: readonly ToolPackage[]): Promise<void> {
  const work = join(toolsFolder, 'unpacking');
  await rm(work, { recursive: true, force: true });
  await mkdir(join(work, 'lists/partial'), { recursive: true });
  await mkdir(join(work, 'archives/partial'), { recursive: true });
  const own = [
    ...['-q', '-o', `Dir::State::Lists=${join(work, 'lists')}`, '-o', `Dir::Cache=${work}`],
    ...['-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=root'],
  ];
  await run('apt-get', [...own, ...impatient, 'update']).catch(() => undefined);
  await run('apt-get', [...own, 'install', '-y', '--download-only', '--no-install-recommends', ...packages]);
  const root = join(toolsFolder, 'root');
  for (const file of await readdir(join(work, 'archives'))) {
    if (file.endsWith('.deb')) await run('dpkg-deb', ['-x', join(work, 'archives', file), root]);
  }
  await rm(work, { recursive: true, force: true });

  // bison and flex look for these in the system's folders unless told otherwise.
  const told = [
    ['BISON_PKGDATADIR', join(root, 'usr/share/bison')],
    ['M4', join(root, 'usr/bin/m4')],
  ] as const;
  const there = told.filter(([, it]) => existsSync(it));
  const places = there.map(([name, it]) => `${name}='${it}' `).join('');
  // Only these programs see the unpacked libraries, through a small script each.
  const named = ['(', '-name', '*.so', '-o', '-name', '*.so.*', ')'];
  const libraries = (await run('find', [root, ...named, '-printf', '%h\n'])).trim().split('\n');
  const bin = join(toolsFolder, 'bin');
  await mkdir(bin, { recursive: true });
  for (const program of packages.flatMap((it) => [...programsOf[it]])) {
    // Chromium's own folder goes first: what its package has in usr/bin starts it in the system's root.
    const folders = ['usr/lib/chromium', 'usr/bin', 'usr/sbin', 'sbin', 'bin'];
    const folder = folders.find((it) => existsSync(join(root, it, program)));
    if (folder === undefined) continue;
    const path = [...new Set(libraries)].join(':');
    const start = `${places}LD_LIBRARY_PATH='${path}' exec '${join(root, folder, program)}'`;
    const script = `#!/bin/sh\n${start} "$@"\n`;
    await writeFile(join(bin, `${program}.new`), script);
    await chmod(join(bin, `${program}.new`), 0o755);
    await rename(join(bin, `${program}.new`), join(bin, program));
  }
}

/** What to put before a command to run it as root: nothing, or sudo where that asks for no password. */
async function rootPrefix(): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  const sudo = await run('sudo', ['-n', 'true']).then(
    () => true,
    () => false,
  );
  return sudo ? ['sudo', '-n'] : undefined;
}

function toolsMissing(packages: readonly ToolPackage[], cause?: unknown): HypberryError {
  const list = packages.join(' ');
  return new HypberryError(
    'tools.missing',
    cause instanceof Error
      ? `Programs of these packages are not here, and installing them failed: ${list}. ${cause.message}`
      : `Programs of these packages are not here: ${list}.`,
    `Debian, Raspberry Pi OS: sudo apt-get install ${list}. ` +
      'macOS: brew install qemu mtools dosfstools dtc xz tmux zsh fish groff arm-none-eabi-binutils (sfdisk, qemu-arm and chromium-headless-shell are Linux only). ' +
      'Fedora: sudo dnf install qemu-system-arm qemu-user arm-none-eabi-binutils-cs mtools dosfstools dtc util-linux xz tmux zsh fish groff, and as chromium-headless-shell the chromium-headless that it has.',
    { cause },
  );
}

/**
 * Makes sure that the programs of `packages` can be run by this process, at once where they are there already.
 *
 * On Debian and its kin it installs them, as root or through a sudo that asks no password; without either it
 * unpacks them into the project's cache. Also puts them on this process's PATH, see `useTools`.
 * @throws HypberryError `tools.missing`, whose hint says what to install
 */
export async function ensureTools(packages: readonly ToolPackage[] = everyPackage): Promise<void> {
  useTools();
  if ((await missing(packages)).length === 0) return;
  if (!(await hasProgram('apt-get'))) throw toolsMissing(await missing(packages));
  await withLock('tools', async () => {
    const wanted = await missing(packages);
    if (wanted.length === 0) return;
    process.stderr.write(`installing ${wanted.join(', ')}\n`);
    const prefix = await rootPrefix();
    try {
      await (prefix ? install(wanted, prefix) : unpack(wanted));
    } catch (error) {
      throw toolsMissing(wanted, error);
    }
    const left = await missing(packages);
    if (left.length > 0) throw toolsMissing(left);
  });
}
