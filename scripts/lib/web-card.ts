/** A card whose host is Debian, with a guest that is a web server with a database in it, on a disk in a file of the host's. */
import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hypberrydFile } from '../../src/hypberryd/program.js';
import { buildHypervisor } from '../../src/hypervisor/image/image.js';
import { cacheFolder, inWorkFolder, withLock } from './cache.js';
import { hostCard } from './debian-root.js';
import { command, LOGIN_LINES, POWEROFF } from './debian-session.js';
import { fatDrivers, guestDrivers, type Suite } from './inputs.js';
import { run } from './run.js';
import { GUEST_ADDRESS, WEB_IS_UP, webDisk, webGuest } from './web-guest.js';

const program = fileURLToPath(new URL('../../bin/hypberry.js', import.meta.url));

/** Runs the built command in a folder, and gives what it prints. Throws where it fails. */
const hypberry = (cwd: string, ...args: readonly string[]): Promise<string> =>
  run(process.execPath, [program, ...args], { cwd });

const SUITE: Suite = 'bookworm';
/** Where its disk is on the host, from the root of its file system. */
export const DISK = 'srv/web.img';
/** MiB: its kernel, unpacked, and a web server. */
const MEMORY = 128;
const COMMAND_LINE = 'console=ttyAMA0 panic=10 quiet cryptomgr.notests';

/** The guest's console, as the host sees it: behind the board's own two and the hypervisor's. */
const CONSOLE = '/dev/ttyAMA3';

/** What is typed to have the guest's console be shown, each line behind `guest: `; what it has said already comes at once. */
export const SHOW_GUEST = [`send stty -F ${CONSOLE} raw -echo; (sed -u 's/^/guest: /' <${CONSOLE} &)`];

/** What is typed so that `get PAGE` fetches a page by the host's shell, which gives up after a time, as its guest may be gone. */
export const HAVE_GET = command(
  `printf '%s\\\\n' 'exec 3<>/dev/tcp/${GUEST_ADDRESS}/80 && printf "GET %s HTTP/1.0\\\\r\\\\n\\\\r\\\\n" "$1" >&3 && cat <&3' >/run/get; get() { timeout 60 bash /run/get "$1"; }`,
);

/** What the guest's console says when its pages can be fetched. */
export const UP = `guest: ${WEB_IS_UP}`;

/** The first session on such a card: hypberryd becomes a service of the host's. */
const FIRST_SESSION = [
  ...LOGIN_LINES,
  ...command(
    'mkdir -p /boot/firmware; mount /dev/mmcblk0p1 /boot/firmware; /boot/firmware/hypberryd install; umount /boot/firmware',
    'runs as a service',
  ),
  ...POWEROFF,
];

/**
 * Makes such a card as its user would: guest add, install, and on the Pi `hypberryd install`.
 * @param folder a folder of the caller's, in which it becomes card.img
 */
export async function makeWebCard(folder: string): Promise<void> {
  const disk = await webDisk(SUITE);
  const drivers = [...(await fatDrivers(SUITE)).fat, ...(await guestDrivers(SUITE)).tun];
  const { kernel, initramfs } = await webGuest(SUITE);
  const card = join(folder, 'card.img');
  // Holes stay holes where the file system can share them, and are some seconds of zeros elsewhere.
  await copyFile(
    await hostCard(SUITE, drivers, { image: disk, path: DISK }),
    card,
    constants.COPYFILE_FICLONE,
  );
  await writeFile(join(folder, 'vmlinuz'), kernel);
  await writeFile(join(folder, 'web.cpio'), initramfs);
  await writeFile(join(folder, 'first.txt'), FIRST_SESSION.join('\n'));
  const files = ['--kernel', 'vmlinuz', '--initramfs', 'web.cpio', '--memory', String(MEMORY)];
  const devices = ['--disk', `/${DISK}`, '--net', 'host'];
  await hypberry(
    folder,
    ...['guest', 'add', '--name', 'web', ...files, '--cmdline', COMMAND_LINE, ...devices, 'card.img'],
  );
  await hypberry(folder, 'install', 'card.img');
  await hypberry(folder, 'run', '--fast', '--write', '--script', 'first.txt', 'card.img');
}

/** To the point where the guest's pages can be fetched. */
const TO_PAGES = [...LOGIN_LINES, ...HAVE_GET, ...SHOW_GUEST, `expect ${UP}`];

/** A hypervisor without guests, at whatever place: it tells one from another. */
const hypervisorAlone = (): Uint8Array =>
  buildHypervisor({ armMemory: 0x3b40_0000, hostCores: 3, hostKernel: new Uint8Array(), guests: [] }).file;

/**
 * Such a card, and a snapshot of it where the host's shell can fetch pages. Made on first use and when the hypervisor, hypberryd
 * or what else is on the card is another, which takes minutes.
 * @returns the folder with card.img and up.snapshot; a cache's, to be read
 */
export async function webSnapshot(): Promise<string> {
  const key = createHash('sha256')
    .update(hypberrydFile())
    .update(hypervisorAlone())
    .update(JSON.stringify([await webDisk(SUITE), FIRST_SESSION, TO_PAGES, COMMAND_LINE, MEMORY]));
  const folder = join(cacheFolder, `web-card-${key.digest('hex').slice(0, 8)}`);
  if (existsSync(folder)) return folder;
  await withLock('web-card', async () => {
    if (existsSync(folder)) return;
    process.stderr.write('making a card with a web server in a guest, once\n');
    const work = `${folder}.making`;
    await inWorkFolder(work, async () => {
      const made = join(work, 'made');
      await mkdir(made);
      await makeWebCard(made);
      await writeFile(join(made, 'up.txt'), TO_PAGES.join('\n'));
      await hypberry(made, 'run', '--fast', '--script', 'up.txt', '--save', 'up.snapshot', 'card.img');
      await rename(made, folder);
    });
  });
  return folder;
}
