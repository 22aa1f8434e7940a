/** A Debian system for a card's second partition: its packages unpacked here, and configured in the built-in Pi 2. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { openContents } from '../../src/node/card-contents.js';
import { openCard } from '../../src/node/open-card.js';
import { readPartitionTable } from '../../src/card/mbr.js';
import { readMedium } from '../../src/card/medium.js';
import { openDiskFile } from '../../src/node/disk-file.js';
import { SECTOR_SIZE } from '../../src/ports/disk.js';
import { openBootPartition } from '../../src/setup/boot-partition.js';
import { runCard } from '../../src/usecases/run.js';
import { bootFiles, makeCardImage } from './card-image.js';
import { gzipKernel } from './gzip-kernel.js';
import { busyboxArchive, PROGRAM } from './initramfs.js';
import { cacheFolder, inWorkFolder, withLock } from './cache.js';
import { type CardPath, treeFor } from './card-tree.js';
import { cardDrivers, debianPackages, inputs, type KernelModule, type Suite } from './inputs.js';
import { run } from './run.js';
import { cardTools, ensureTools } from './tools.js';

/** The release whose system it is. */
const SUITE: Suite = 'bookworm';

/**
 * What Debian calls essential (Policy 3.8; the packages with "Essential: yes" in bookworm), and what makes a system of it that
 * one logs in to. `usr-is-merged` takes the place of `usrmerge`, which brings Perl.
 */
const PACKAGES = [
  ...[
    'base-files',
    'base-passwd',
    'bash',
    'bsdutils',
    'coreutils',
    'dash',
    'debianutils',
    'diffutils',
    'dpkg',
  ],
  ...['findutils', 'grep', 'gzip', 'hostname', 'init-system-helpers', 'libc-bin', 'login', 'ncurses-base'],
  ...['ncurses-bin', 'perl-base', 'sed', 'sysvinit-utils', 'tar', 'util-linux'],
  ...['e2fsprogs', 'kmod', 'mount', 'passwd', 'systemd-sysv', 'udev', 'usr-is-merged'],
];

/** A small package with a script that runs behind its installation; its file lies in /root. */
export const MORE_PACKAGE = 'less';

/** Who logs in. */
export const LOGIN = { user: 'root', password: 'raspberry' } as const;

/** Its password as crypt(3) has it: SHA-512, of which a login takes no second. */
const PASSWORD_HASH =
  '$6$hypberry$i25DmYAqRNW9filfDcb1udl1a7pfkl6ihwGo2X0RmeYiQ1yJeU3gbG3Unge2lbTlboZj9eCIdIAxhguhjUr8X.';

/** MiB of the root file system, and of the boot partition before it: with the 4 MiB before that less than 512. */
const ROOT_MIB = 440;
const BOOT_MIB = 64;
/** The same where it has guests: their files, and what install makes of them. */
const HOST_BOOT_MIB = 128;

/** Programs of the initramfs. */
const APPLETS = ['chroot', 'insmod', 'mkdir', 'poweroff', 'sleep', 'switch_root', 'sync', 'umount'];

/**
 * Unpacks packages as dpkg does before it configures them, and writes down for dpkg that it has.
 * Runs under fakeroot, to its end in the file system's image, as only fakeroot knows whose the files are.
 */
const UNPACK = String.raw`
set -e
root=$1 image=$2 size=$3 extra=$4; shift 4
info=$root/var/lib/dpkg/info
mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$info" "$root/var/lib/dpkg/updates"
for it in bin sbin lib; do ln -s "usr/$it" "$root/$it"; done
echo 1 >"$info/format"
for deb; do
  dpkg-deb --fsys-tarfile "$deb" | tar -x -p --keep-directory-symlink -C "$root"
  name=$(dpkg-deb -f "$deb" Package)
  [ "$(dpkg-deb -f "$deb" Multi-Arch)" = same ] && name=$name:$(dpkg-deb -f "$deb" Architecture)
  mkdir "$root/control"
  dpkg-deb -e "$deb" "$root/control"
  {
    sed '/^$/d' "$root/control/control"
    echo 'Status: install ok unpacked'
    if [ -f "$root/control/conffiles" ]; then
      echo Conffiles:
      sed -n 's/^\/.*/ & newconffile/p' "$root/control/conffiles"
    fi
    echo
  } >>"$root/var/lib/dpkg/status"
  rm "$root/control/control"
  for file in "$root/control"/*; do
    [ -e "$file" ] && mv "$file" "$info/$name.$(basename "$file")"
  done
  rmdir "$root/control"
  dpkg-deb --fsys-tarfile "$deb" | tar -t | sed 's/^\.//; s/\/$//; s/^$/\/./' >"$info/$name.list"
done
touch "$root/var/lib/dpkg/available" "$root/var/lib/dpkg/diversions" "$root/var/lib/dpkg/statoverride"
cp -r "$extra"/. "$root"
chmod 0700 "$root/root"
chown -R 0:0 "$root/root" "$root/etc/fstab" "$root/etc/hostname" "$root/second-stage"
rm -f "$image"
mke2fs -q -t ext4 -d "$root" -L root -U 68797062-6572-7279-0000-000000000001 "$image" "$size"
`;

/** What configures them, as /second-stage of that system. Nothing is there yet that could be asked, or started. */
const SECOND_STAGE = `#!/bin/sh
set -e
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
date -s @NOW
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
cp /usr/share/base-passwd/passwd.master /etc/passwd
cp /usr/share/base-passwd/group.master /etc/group
ln -sf mawk /usr/bin/awk
ldconfig
dpkg --force-unsafe-io --force-depends --configure base-passwd base-files
dpkg --force-unsafe-io --force-confold --configure -a
usermod -p '${PASSWORD_HASH}' root
rm /usr/sbin/policy-rc.d /second-stage
dpkg --audit
echo "the second stage" "is done"
`;

const DONE = 'the second stage is done';

/** What the initramfs does before it gives the root file system, mounted at /root, to others. */
const MOUNT = [
  'while ! [ -b /dev/mmcblk0p2 ]; do sleep 0.1; done',
  'mkdir -p /root',
  'mount -t ext4 /dev/mmcblk0p2 /root',
];
const RUN_SECOND_STAGE = `
mount -o bind /dev /root/dev
mount -o bind /proc /root/proc
chroot /root /second-stage
umount /root/proc /root/dev /root
poweroff -f`;
const RUN_SYSTEM = 'umount /proc /dev\nexec switch_root /root /sbin/init';

/**
 * The boot partition of a card with such a system: Debian's kernel, and an initramfs that ends in a shell's script.
 * @param more drivers that are loaded, too
 */
async function bootPartition(
  suite: Suite,
  path: CardPath,
  script: string,
  more: readonly KernelModule[] = [],
): Promise<Map<string, Uint8Array>> {
  const found = await inputs();
  const kernel = await gzipKernel(found[suite]);
  const all = await cardDrivers(suite);
  const drivers = [...all[path === 'emmc' ? 'emmc' : 'sdhost'], ...all.root, ...more];
  const initramfs = busyboxArchive(
    await readFile(found.busybox),
    [...drivers.map(({ name }) => `insmod /${name}.ko`), ...MOUNT, script].join('\n'),
    APPLETS,
    drivers.map(({ name, data }) => ({ path: `${name}.ko`, mode: PROGRAM, data })),
  );
  return bootFiles(kernel, found.firmware, {
    config: 'auto_initramfs=1\n',
    commandLine: 'console=ttyAMA0,115200 root=/dev/mmcblk0p2 rw quiet cryptomgr.notests',
    more: new Map([
      ['initramfs7', initramfs],
      ['bcm2709-rpi-2-b.dtb', treeFor(await readFile(kernel.dtb), path)],
    ]),
  });
}

/** Runs a card until it powers off, and keeps what it writes. */
async function configure(card: string): Promise<string> {
  let said = '';
  const { ended, why } = await runCard(
    {
      openCard: (options) => openCard(card, options),
      openContents: () => openContents(card, { write: true }),
      openCardOn: (contents) => openBootPartition(readMedium(contents, 'image', card), {}, false),
      onConsole: (text) => {
        said += text.replaceAll('\r', '');
      },
    },
    { method: 'auto', asIs: true, fast: true, reboot: false },
  );
  if (ended !== 'power-off' || !said.includes(`\n${DONE}\n`))
    throw new Error(`${why}:\n${said.slice(-4000)}`);
  return said;
}

/** Where the second partition of a card begins, sectors of 512 bytes. */
async function rootStart(card: string): Promise<number> {
  const disk = openDiskFile(card, { write: false });
  try {
    return readPartitionTable(disk)!.partitions[1]!.start;
  } finally {
    disk.close();
  }
}

/** Copies a card's second partition out of it. */
export async function takeRoot(card: string, image: string): Promise<void> {
  const from = ['iflag=skip_bytes', `skip=${(await rootStart(card)) * SECTOR_SIZE}`, 'bs=64K', 'conv=sparse'];
  await run('dd', [`if=${card}`, `of=${image}`, ...from, 'status=none']);
}

/** Where what is made here is kept; made by other means it is kept elsewhere. */
const madeFolder = join(
  cacheFolder,
  `debian-root-${createHash('sha256')
    .update(JSON.stringify([SUITE, PACKAGES, UNPACK, SECOND_STAGE, ROOT_MIB, BOOT_MIB, MOUNT, RUN_SYSTEM]))
    .digest('hex')
    .slice(0, 8)}`,
);

/**
 * Has a file be made once. Another process that wants it waits.
 * @param make writes it, or throws
 */
async function madeOnce(name: string, make: (file: string, work: string) => Promise<void>): Promise<string> {
  const file = join(madeFolder, name);
  if (existsSync(file)) return file;
  await mkdir(madeFolder, { recursive: true });
  await withLock(`debian-${name}`, async () => {
    if (existsSync(file)) return;
    process.stderr.write(`making ${name} of a Debian system, once\n`);
    const work = join(madeFolder, `.making-${name}`);
    await inWorkFolder(work, async () => {
      await make(join(work, name), work);
      await rename(join(work, name), file);
    });
  });
  return file;
}

/**
 * The image of a Debian system's root file system: its packages are configured, and nothing of it was started yet. Made on
 * first use, which takes minutes.
 * @throws HypberryError as `inputs`; Error where a package does not configure itself
 */
function debianRoot(): Promise<string> {
  return madeOnce('root.ext4', async (made, work) => {
    await ensureTools([...cardTools, 'e2fsprogs', 'fakeroot', 'xz-utils']);
    const packages = await debianPackages('root', SUITE, [...PACKAGES, MORE_PACKAGE]);
    const isMore = (file: string): boolean => basename(file).startsWith(`${MORE_PACKAGE}_`);
    const path = (name: string): string => join(work, name);
    const extra = new Map<string, string | Uint8Array>([
      ['etc/fstab', '/dev/mmcblk0p2 / ext4 defaults 0 1\n'],
      ['etc/hostname', 'card\n'],
      // The board has no clock: e2fsck takes what is deleted in 1970 for what waits to be.
      ['second-stage', SECOND_STAGE.replace('@NOW', `@${Math.floor(Date.now() / 1000)}`)],
      [`root/${MORE_PACKAGE}.deb`, await readFile(packages.find(isMore)!)],
    ]);
    for (const [name, data] of extra) {
      await mkdir(dirname(path(`extra/${name}`)), { recursive: true });
      await writeFile(path(`extra/${name}`), data, { mode: 0o755 });
    }
    await mkdir(path('root'));
    const system = packages.filter((it) => !isMore(it));
    const image = path('unpacked.ext4');
    const unpack = [path('root'), image, `${ROOT_MIB}M`, path('extra'), ...system];
    await run('fakeroot', ['sh', '-c', UNPACK, 'sh', ...unpack]);
    const files = await bootPartition(SUITE, 'sdhost', RUN_SECOND_STAGE);
    await makeCardImage(path('card.img'), files, { megabytes: BOOT_MIB, root: image });
    await configure(path('card.img'));
    await takeRoot(path('card.img'), made);
    await run('e2fsck', ['-fn', made]);
  });
}

/**
 * The image of a card with that system, and a kernel of Debian's: it comes to a login on its serial console. It is a cache's, to be read and copied.
 * @throws HypberryError and Error as when it is made
 */
export async function debianCard(suite: Suite, path: CardPath): Promise<string> {
  const root = await debianRoot();
  return madeOnce(`card-${suite}-${path}.img`, async (image) => {
    await ensureTools(cardTools);
    await makeCardImage(image, await bootPartition(suite, path, RUN_SYSTEM), { megabytes: BOOT_MIB, root });
    // QEMU wants a power of two.
    await truncate(image, 512 << 20);
  });
}

/** A name for a file beside the cards. */
export const besideCards = (name: string): string => join(madeFolder, name);

/**
 * The image of a card with that system as a host: drivers for its boot partition and for its end of guests' network are
 * loaded, and a file is at a place of its root file system. It is a cache's, to be copied.
 * @param disk an image, holes kept
 * @throws HypberryError and Error as when it is made
 */
export async function hostCard(
  suite: Suite,
  drivers: readonly KernelModule[],
  disk: { readonly image: string; readonly path: string },
): Promise<string> {
  const root = await debianRoot();
  return madeOnce(`host-${suite}-${basename(disk.image)}`, async (image, work) => {
    await ensureTools([...cardTools, 'e2fsprogs']);
    const copy = join(work, 'root.ext4');
    await copyFile(root, copy);
    await run('debugfs', ['-w', '-R', `write ${disk.image} ${disk.path}`, copy]);
    await run('e2fsck', ['-fn', copy]);
    const files = await bootPartition(suite, 'sdhost', RUN_SYSTEM, drivers);
    await makeCardImage(image, files, { megabytes: HOST_BOOT_MIB, root: copy });
    // QEMU wants a power of two.
    await truncate(image, 1024 << 20);
  });
}
