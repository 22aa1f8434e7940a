/**
 * A host with hypberryd and a guest on it that writes to an ext4 file system of its own, on a file of the host's ext4 on the
 * card: as it is in the middle of that, from a snapshot that is made once. And what was done to a disk is looked at from outside.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, withLock } from '../../scripts/lib/cache.js';
import { PROGRAM, type ArchiveFile } from '../../scripts/lib/initramfs.js';
import { cardDrivers, guestDrivers, type KernelModule } from '../../scripts/lib/inputs.js';
import { run } from '../../scripts/lib/run.js';
import { HypberryError } from '../../src/base/errors.js';
import { overlayOf } from '../../src/card/disk-overlay.js';
import { createBuiltInPi, type BuiltInPi, type PiState } from '../../src/engine/built-in.js';
import { createConsoleDecoder } from '../../src/engine/console.js';
import type { Machine } from '../../src/engine/engine.js';
import { readSnapshot, writeSnapshot } from '../../src/engine/snapshot.js';
import { buildHypberryd } from '../../src/hypberryd/program.js';
import { openSnapshot, snapshotPlace } from '../../src/node/snapshot-file.js';
import { memoryDisk } from '../support/memory-disk.js';
import { debianMachine } from './debian-machine.js';
import { replay, takeFile } from './file-systems.js';

const SUITE = 'bookworm';
const GUEST = 'web';
/** What the guest says when it begins, and when a number's file is on its disk: an acknowledged write. */
const BEGINS = 'the load begins';
export const ACKNOWLEDGED = /^acknowledged (\d+)\r?$/gm;
/** Acknowledged writes before the snapshot. */
const WARM = 5;
/** Lines of the file of a number, which begin with it: a few blocks. */
const LINES = 1500;
/** What stands in that file. */
export const contentOf = (n: number): string =>
  Array.from({ length: LINES }, (_, i) => `${n + i}\n`).join('');
/** The disk's file in the host's file system, and sizes of both. */
const DISK = 'web.img';
const [GUEST_MIB, HOST_MIB] = [32, 64];
const SECTOR = 512;
/** Virtual nanoseconds: between two looks, of the longest boot of both, and in which typed bytes are taken. */
const LOOK = 5_000_000;
const BOOT = 120e9;
const TYPING = 100_000;

const load = (modules: readonly KernelModule[]): string =>
  modules.map(({ name }) => `insmod /${name}.ko`).join('\n');
const filesOf = (modules: readonly KernelModule[]): ArchiveFile[] =>
  modules.map(({ name, data }) => ({ path: `${name}.ko`, mode: PROGRAM, data }));

/** Writes files, each synced, and overwrites one with the last number; beside it, what nobody waits for. */
const guestScript = (modules: readonly KernelModule[]): string => `
dmesg -n 1
${load(modules)}
while ! [ -b /dev/vda ]; do sleep 0.1; done
mkdir -p /mnt
mount -t ext4 /dev/vda /mnt || echo "not mounted"
{ while read -r line; do [ "$line" = die ] && echo b >/proc/sysrq-trigger; done; } </dev/console &
n=$(cat /mnt/last 2>/dev/null || echo 0)
echo "${BEGINS} behind $n"
while :; do
  seq 1 20000 >/mnt/busy; cat /mnt/busy /mnt/busy >/mnt/busier; mv /mnt/busier /mnt/busy; sleep 0.05
done &
while :; do
  n=$((n + 1))
  seq $n $((n + ${LINES - 1})) | dd of=/mnt/$n bs=4k conv=fsync 2>/dev/null
  echo $n | dd of=/mnt/last conv=notrunc,fsync 2>/dev/null
  echo "acknowledged $n"
done
`;

const hostScript = (modules: readonly KernelModule[]): string => `
dmesg -n 1
${load(modules)}
while ! [ -b /dev/mmcblk0 ]; do sleep 0.1; done
insmod /bcm2835_wdt.ko
mkdir -p /run /srv
mount -t sysfs sys /sys
mount -t ext4 /dev/mmcblk0 /srv
while :; do /hypberryd run; sleep 0.1; done >/dev/null 2>&1 &
`;

/** What is typed at the host's shell. */
export const KILLS = {
  'the guest': 'echo die >/dev/ttyAMA3',
  hypberryd: 'kill -9 $(pidof hypberryd)',
  'a process of hypberryd’s': 'set -- $(pidof hypberryd); kill -9 $1',
  'the host': 'echo b >/proc/sysrq-trigger',
} as const;

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
  const virtio = guest.virtio.filter(({ name }) => /^virtio_(mmio|blk)$/.test(name));
  const hosts = [...card.sdhost, ...ext4];
  return debianMachine({
    ...{ suite: SUITE, cores: 3, isQuick: true, script: hostScript(hosts) },
    more: [...filesOf(hosts), { path: 'hypberryd', mode: PROGRAM, data: buildHypberryd() }],
    guests: [
      {
        ...{ name: GUEST, suite: SUITE, cores: [3], disks: [`/srv/${DISK}`] },
        ...{ script: guestScript([...virtio, ...ext4]), more: filesOf([...virtio, ...ext4]) },
      },
    ],
  });
}

/** The machine under load; each restored one goes on from the same point. */
export interface LoadedMachine {
  readonly pi: BuiltInPi;
  /** What the guest has said since the snapshot. */
  readonly said: () => string;
  /** Puts it to the snapshot, its card, too. */
  readonly restore: () => void;
  /** Types a line at the host's shell. */
  readonly type: (line: string) => void;
  /** What is on the card. */
  readonly card: () => Uint8Array;
}

/** Starts the machine, and restores it from its snapshot, which is made where there is none that is good. */
export async function loadedMachine(): Promise<LoadedMachine> {
  const machine = await machineOf();
  const hash = createHash('sha256');
  for (const { data } of machine.memory) hash.update(data);
  const base = join(cacheFolder, 'power-cut', hash.digest('hex').slice(0, 16));
  const [image, snapshot] = [`${base}.ext4`, `${base}.snapshot`];
  return withLock('power-cut', async () => {
    if (existsSync(image) && existsSync(snapshot)) {
      const opened = openSnapshot(snapshot);
      try {
        return await startLoaded(machine, new Uint8Array(await readFile(image)), (pi) => {
          readSnapshot(opened).restore(pi);
        });
      } catch (error) {
        // One that an older engine has made.
        if (!(error instanceof HypberryError)) throw error;
      } finally {
        opened.close();
      }
    }
    const folder = join(cacheFolder, 'power-cut');
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    const disk = await inFolder(makeDisk);
    await writeFile(image, disk);
    return startLoaded(machine, disk, (pi, said) => {
      for (let count = 0; count < WARM; count = [...said().matchAll(ACKNOWLEDGED)].length) {
        if (pi.cpu.time > BOOT || pi.ending !== undefined)
          throw new Error(`The guest does not write: ${pi.ending ?? ''}\n${said()}`);
        pi.run(pi.cpu.time + LOOK);
      }
      snapshotPlace(snapshot, { card: image, inputs: [], overwrite: true }).save(writeSnapshot(pi, {}));
    });
  });
}

async function startLoaded(
  machine: Machine,
  disk: Uint8Array,
  begin: (pi: BuiltInPi, said: () => string) => void,
): Promise<LoadedMachine> {
  const overlay = overlayOf(memoryDisk(disk));
  let said = '';
  let decoder = createConsoleDecoder();
  const pi = await createBuiltInPi({ ...machine, card: { disk: overlay } }, (bytes, console) => {
    if (console === GUEST) said += decoder.take(bytes, console);
  });
  begin(pi, () => said);
  const state: PiState = pi.save();
  return {
    pi,
    said: () => said,
    restore: () => {
      pi.restore(state);
      [said, decoder] = ['', createConsoleDecoder()];
    },
    type: (line) => {
      for (let bytes = Buffer.from(`${line}\n`); bytes.length > 0 && pi.ending === undefined;) {
        bytes = bytes.subarray(pi.board.uart.receive(bytes));
        pi.run(pi.cpu.time + TYPING);
      }
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
