/**
 * A host with hypberryd and a guest that it serves a disk, a file of the host's ext4 on the card, and a network: as both stand at
 * their shells, from a snapshot that is made once. And what was done to a disk is looked at from outside.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, withLock } from '../../scripts/lib/cache.js';
import { PROGRAM } from '../../scripts/lib/initramfs.js';
import { cardDrivers, guestDrivers, type KernelModule } from '../../scripts/lib/inputs.js';
import { run } from '../../scripts/lib/run.js';
import { HypberryError } from '../../src/base/errors.js';
import { overlayOf } from '../../src/card/disk-overlay.js';
import { createBuiltInPi, type BuiltInPi, type PiState } from '../../src/engine/built-in.js';
import { createConsoleDecoder } from '../../src/engine/console.js';
import type { Machine } from '../../src/engine/engine.js';
import { readSnapshot, writeSnapshot } from '../../src/engine/snapshot.js';
import { hypberrydFile } from '../../src/hypberryd/program.js';
import { openSnapshot, snapshotPlace } from '../../src/node/snapshot-file.js';
import { memoryDisk } from '../support/memory-disk.js';
import { consoleDevice, debianMachine, loadModules, moduleFiles } from './debian-machine.js';
import { replay, takeFile } from './file-systems.js';

const SUITE = 'bookworm';
const GUEST = 'web';
/** What both say when a snapshot may be made of them. */
const STANDS = 'stands at its shell';
/** When they start, by the host's clock: 29 November 2026, 12:00:00 UTC. */
export const STARTED = 1_795_953_600;
/** The disk's file in the host's file system, and sizes of both. */
const DISK = 'web.img';
const [GUEST_MIB, HOST_MIB] = [32, 64];
const SECTOR = 512;
/** Virtual nanoseconds: between two looks, of the longest boot of both, and in which typed bytes are taken. */
const LOOK = 5_000_000;
const BOOT = 120e9;
const TYPING = 100_000;

/** A shell for what is typed, without a prompt: what it says is no terminal. */
const SHELL = `stty -echo
echo "${STANDS}"
sh | cat
`;

/** It stands with its disk mounted; where there is a file `load` on that, it is run beside. */
const guestScript = (modules: readonly KernelModule[]): string => `
dmesg -n 1
${loadModules(modules)}
mount -t sysfs sys /sys
until [ -b /dev/vda -a -e /sys/class/net/eth0 ]; do sleep 0.1; done
mkdir -p /mnt
mount -t ext4 /dev/vda /mnt || echo "not mounted"
[ ! -e /mnt/load ] || sh /mnt/load &
${SHELL}`;

const hostScript = (modules: readonly KernelModule[]): string => `
dmesg -n 1
date -s @${STARTED} >/dev/null
${loadModules(modules)}
while ! [ -b /dev/mmcblk0 ]; do sleep 0.1; done
insmod /bcm2835_wdt.ko
mkdir -p /run /srv
mount -t sysfs sys /sys
mount -t ext4 /dev/mmcblk0 /srv
while :; do /hypberryd run; sleep 0.1; done >/dev/null 2>&1 &
${SHELL}`;

/** A disk as it was made: the host's file system, in which the guest's is a file. */
async function makeDisk(folder: string): Promise<Uint8Array> {
  const host = join(folder, 'host.ext4');
  const files = join(folder, 'files');
  await mkdir(files);
  await run('mke2fs', ['-q', '-t', 'ext4', join(files, DISK), `${GUEST_MIB}M`]);
  await run('mke2fs', ['-q', '-t', 'ext4', '-d', files, host, `${HOST_MIB}M`]);
  return new Uint8Array(await readFile(host));
}

/** The machine without a card. */
async function machineOf(): Promise<Machine> {
  const [card, guest] = [await cardDrivers(SUITE), await guestDrivers(SUITE)];
  const ext4 = card.root.filter(({ name }) => name !== 'bcm2835_wdt');
  const hosts = [...card.sdhost, ...ext4, ...guest.tun];
  const guests = [...guest.virtio, ...ext4];
  return debianMachine({
    ...{ suite: SUITE, cores: 3, isQuick: true, script: hostScript(hosts) },
    more: [...moduleFiles(hosts), { path: 'hypberryd', mode: PROGRAM, data: hypberrydFile() }],
    guests: [
      {
        ...{ name: GUEST, suite: SUITE, cores: [3], disks: [`/srv/${DISK}`], network: 'host' },
        ...{ script: guestScript(guests), more: moduleFiles(guests) },
      },
    ],
  });
}

/** The machine as it runs. */
export interface ServedGuest {
  readonly pi: BuiltInPi;
  /** Runs it for some virtual nanoseconds, or until it ends. */
  readonly go: (time: number) => void;
  /** Runs it until something is so. @throws Error with what was said, where it is not within so many virtual nanoseconds */
  readonly until: (isSo: () => boolean, time: number) => void;
  /** What the host and the guest have said since the last point that was restored. */
  readonly said: Record<'host' | 'guest', string>;
  /** Types lines at the host's shell, or at the guest's. */
  readonly type: (lines: string) => void;
  readonly typeAtGuest: (lines: string) => void;
  /** A point to which it may go back, its card, too. */
  readonly mark: () => () => void;
  /** What is on the card. */
  readonly card: () => Uint8Array;
}

/** Starts the machine from its snapshot, which is made where there is none that is good. */
export async function servedGuest(): Promise<ServedGuest> {
  const machine = await machineOf();
  const hash = createHash('sha256');
  for (const { data } of machine.memory) hash.update(data);
  const base = join(cacheFolder, 'served-guest', hash.digest('hex').slice(0, 16));
  const [image, snapshot] = [`${base}.ext4`, `${base}.snapshot`];
  return withLock('served-guest', async () => {
    if (existsSync(image) && existsSync(snapshot)) {
      const opened = openSnapshot(snapshot);
      try {
        const served = await startServed(machine, new Uint8Array(await readFile(image)));
        readSnapshot(opened).restore(served.pi);
        return served;
      } catch (error) {
        // One that an older engine has made.
        if (!(error instanceof HypberryError)) throw error;
      } finally {
        opened.close();
      }
    }
    const folder = join(cacheFolder, 'served-guest');
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    const disk = await inFolder(makeDisk);
    await writeFile(image, disk);
    const served = await startServed(machine, disk);
    served.until(() => Object.values(served.said).every((it) => it.includes(STANDS)), BOOT);
    snapshotPlace(snapshot, { card: image, inputs: [], overwrite: true }).save(writeSnapshot(served.pi, {}));
    return served;
  });
}

async function startServed(machine: Machine, disk: Uint8Array): Promise<ServedGuest> {
  const overlay = overlayOf(memoryDisk(disk));
  const said = { host: '', guest: '' };
  let decoder = createConsoleDecoder();
  const pi = await createBuiltInPi({ ...machine, card: { disk: overlay } }, (bytes, console) => {
    if (console === undefined || console === GUEST)
      said[console === GUEST ? 'guest' : 'host'] += decoder.take(bytes, console).replaceAll('\r', '');
  });
  const go = (time: number): void => {
    for (const end = pi.cpu.time + time; pi.cpu.time < end && pi.ending === undefined;)
      pi.run(Math.min(end, pi.cpu.time + LOOK));
  };
  const type = (lines: string): void => {
    for (let bytes = Buffer.from(`${lines}\n`); bytes.length > 0 && pi.ending === undefined;) {
      bytes = bytes.subarray(pi.board.uart.receive(bytes));
      pi.run(pi.cpu.time + TYPING);
    }
  };
  return {
    ...{ pi, go, said, type },
    until: (isSo, time) => {
      for (const end = pi.cpu.time + time; !isSo();) {
        if (pi.cpu.time > end || pi.ending !== undefined)
          throw new Error(`It did not come: ${pi.ending ?? ''}\n${said.host}\n${said.guest}`);
        go(LOOK);
      }
    },
    typeAtGuest: (lines) => {
      type(`cat >${consoleDevice(1)} <<'.'\n${lines}\n.`);
    },
    mark: () => {
      const state: PiState = pi.save();
      return () => {
        pi.restore(state);
        [said.host, said.guest, decoder] = ['', '', createConsoleDecoder()];
      };
    },
    card: () => overlay.read(0, disk.length / SECTOR),
  };
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'hypberry-cut-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Looks at a card after the power was cut: both journals are replayed, host's and guest's, then both file systems are clean.
 * @returns the files of the guest's, by name
 * @throws Error what e2fsck says where one is not
 */
export function filesOn(card: Uint8Array): Promise<Map<string, string>> {
  return inFolder(async (folder) => {
    const [host, guest, files] = ['host.ext4', 'guest.ext4', 'files'].map((it) => join(folder, it)) as [
      string,
      string,
      string,
    ];
    await writeFile(host, card);
    await replay(host);
    await takeFile(host, DISK, guest);
    await replay(guest);
    await mkdir(files);
    await run('debugfs', ['-R', `rdump / ${files}`, guest]);
    const names = (await readdir(files)).filter((it) => it !== 'lost+found');
    return new Map(
      await Promise.all(
        names.map(async (name) => [name, await readFile(join(files, name), 'latin1')] as const),
      ),
    );
  });
}
