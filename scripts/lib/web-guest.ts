/**
 * A guest that is a web server with a database in it: lighttpd, whose pages are made by a shell and SQLite's own program.
 * These are the smallest of Debian's of their kinds that do the whole of it: a server, and a database that says that
 * something is kept when fsync has said so (a MariaDB or a PostgreSQL is 100 MB and more, for the same).
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder, inWorkFolder, withLock } from './cache.js';
import { busyboxArchive, PROGRAM } from './initramfs.js';
import { cardDrivers, debianPackages, guestDrivers, inputs, type Suite } from './inputs.js';
import { run } from './run.js';
import { ensureTools } from './tools.js';

const PACKAGES = ['lighttpd', 'sqlite3', 'busybox-static'];
/** As large as its user may want it: what is in it is a fraction. */
const DISK = '2G';

/** Addresses of the guest's and the host's ends (the latter hypberryd's, src/hypberryd). */
export const GUEST_ADDRESS = '192.168.77.2';

/** What its console says when it can be asked. */
export const WEB_IS_UP = 'the web server is up';

const BUSYBOX = '/usr/bin/busybox';

/** What its disk's /usr/sbin/web-init does as process 1: what a system's own would do, without a minute of services that nobody here looks at. */
const INIT = `#!${BUSYBOX} sh
export PATH=/usr/sbin:/usr/bin
${BUSYBOX} mount -t proc proc /proc
${BUSYBOX} mount -t sysfs sys /sys
${BUSYBOX} mount -t tmpfs run /run
${BUSYBOX} ifconfig lo 127.0.0.1
${BUSYBOX} ifconfig eth0 ${GUEST_ADDRESS}
${BUSYBOX} mkdir -p /var/lib/web /var/tmp
sqlite3 /var/lib/web/visits.db 'CREATE TABLE IF NOT EXISTS visits (word TEXT PRIMARY KEY)' &&
  lighttpd -f /etc/web.conf && echo "${WEB_IS_UP}, $(sqlite3 /var/lib/web/visits.db 'PRAGMA integrity_check; SELECT count(*) FROM visits' | ${BUSYBOX} tr '\\n' ' ')visits"
while :; do ${BUSYBOX} sleep 1000; done
`;

const CONFIGURATION = `server.document-root = "/srv/www"
server.modules = ("mod_cgi")
server.bind = "0.0.0.0"
server.port = 80
index-file.names = ("index.cgi")
cgi.assign = (".cgi" => "")
`;

/**
 * `/visit.cgi?word`: what it has acknowledged is kept, for which SQLite has to sync the folder of its journal, too (EXTRA); `/visits.cgi`: how many there are; `/crash.cgi`: the end, at once. */
const PAGES: Readonly<Record<string, string>> = {
  'visit.cgi': `#!${BUSYBOX} sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
case $QUERY_STRING in '' | *[!a-z0-9]*) echo refused; exit ;; esac
sqlite3 -cmd '.timeout 60000' /var/lib/web/visits.db "PRAGMA synchronous=EXTRA; INSERT OR IGNORE INTO visits VALUES ('$QUERY_STRING')" && echo "kept $QUERY_STRING"
`,
  'index.cgi': `#!${BUSYBOX} sh
printf 'Content-Type: text/html\\r\\n\\r\\n'
visits=$(sqlite3 -cmd '.timeout 60000' /var/lib/web/visits.db 'SELECT count(*) FROM visits')
echo "<h1>A page of the guest's</h1><p>Linux $(${BUSYBOX} uname -r), $visits visits</p>"
`,
  'visits.cgi': `#!${BUSYBOX} sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
sqlite3 -cmd '.timeout 60000' /var/lib/web/visits.db 'PRAGMA integrity_check; SELECT word FROM visits'
`,
  'crash.cgi': `#!${BUSYBOX} sh
echo b >/proc/sysrq-trigger
`,
};

const UNPACK = `
set -e
root=$1 image=$2 size=$3 extra=$4; shift 4
mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib"
for it in bin sbin lib; do ln -s "usr/$it" "$root/$it"; done
for deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x -p --keep-directory-symlink -C "$root"; done
mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/run"
cp -r --remove-destination "$extra"/. "$root"
rm -f "$image"
mke2fs -q -t ext4 -d "$root" -L web -U 68797062-6572-7279-0000-000000000002 "$image" "$size"
`;

/**
 * The image of its disk: an ext4 of 2 GiB with a root file system of Debian's packages. Made on first use, in seconds; it is
 * a cache's, to be read and copied.
 * @throws HypberryError as \`inputs\`
 */
export async function webDisk(suite: Suite): Promise<string> {
  const extra = new Map<string, string>([
    ['usr/sbin/web-init', INIT],
    ['etc/web.conf', CONFIGURATION],
    ...Object.entries(PAGES).map(([name, text]) => [`srv/www/${name}`, text] as const),
  ]);
  const recipe = createHash('sha256').update(JSON.stringify([suite, PACKAGES, DISK, [...extra], UNPACK]));
  const image = join(cacheFolder, `web-${suite}-${recipe.digest('hex').slice(0, 8)}.ext4`);
  if (existsSync(image)) return image;
  await withLock('web-disk', async () => {
    if (existsSync(image)) return;
    await ensureTools(['e2fsprogs', 'fakeroot', 'xz-utils']);
    const packages = await debianPackages('web', suite, PACKAGES);
    await inWorkFolder(`${image}.making`, async () => {
      const path = (name: string): string => join(`${image}.making`, name);
      for (const [name, text] of extra) {
        const file = path(`extra/${name}`);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, text);
        await chmod(file, 0o755);
      }
      await mkdir(path('root'));
      await run('fakeroot', [
        ...['sh', '-c', UNPACK, 'sh', path('root'), path('made'), DISK, path('extra')],
        ...packages,
      ]);
      await rename(path('made'), image);
    });
  });
  return image;
}

/** Its kernel, which is Debian's own to the byte, and its initramfs, which gives the disk to its own init. */
export async function webGuest(suite: Suite): Promise<{ kernel: Uint8Array; initramfs: Uint8Array }> {
  const found = await inputs();
  const drivers = [...(await guestDrivers(suite)).virtio, ...(await cardDrivers(suite)).root].filter(
    ({ name }) => name !== 'bcm2835_wdt',
  );
  const script = [
    ...drivers.map(({ name }) => `insmod /${name}.ko`),
    'while ! [ -b /dev/vda ]; do sleep 0.1; done',
    'mkdir -p /root; mount -t ext4 /dev/vda /root; mount -o move /dev /root/dev; umount /proc',
    'exec switch_root /root /usr/sbin/web-init',
  ];
  return {
    kernel: await readFile(found[suite].vmlinuz),
    initramfs: busyboxArchive(
      await readFile(found.busybox),
      script.join('\n'),
      ['insmod', 'mkdir', 'sleep', 'switch_root', 'umount'],
      drivers.map(({ name, data }) => ({ path: `${name}.ko`, mode: PROGRAM, data })),
    ),
  };
}
