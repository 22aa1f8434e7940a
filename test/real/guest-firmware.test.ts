/** Guests that begin in U-Boot for QEMU's virt, as Debian has it: it comes up, and boots Debian's kernel off a guest's disk. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { makeCardImage } from '../../scripts/lib/card-image.js';
import { busyboxArchive, PROGRAM } from '../../scripts/lib/initramfs.js';
import { inputs } from '../../scripts/lib/inputs.js';
import { useTools } from '../../scripts/lib/tools.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { placeGuest } from '../../src/guest/plan.js';
import { hypberrydFile } from '../../src/hypberryd/program.js';
import { buildHypervisor } from '../../src/hypervisor/image/image.js';
import { consoleText, handoverOf, quietHost } from '../hypervisor/payloads.js';
import { APPLETS, debianMachine, listenTo, runToEnd } from './debian-machine.js';
import { everything } from './real-card.js';

useTools();

const ARM_MEMORY = 0x1000_0000;
/** MiB. */
const MEMORY = 128;
/** Virtual time in which it has come up, and pieces of it, nanoseconds. */
const LONGEST = 4e9;
const BREATH = 20e6;

it('U-Boot for QEMU comes up as a guest’s firmware', async () => {
  const { ubootQemu } = await inputs();
  const guest = { name: 'web', firmware: 'u-boot.bin', memory: MEMORY, cores: 1, commandLine: '' };
  const plan = placeGuest(guest, { program: await readFile(ubootQemu), initramfs: undefined }, [3], 2);
  const image = buildHypervisor({
    ...{ armMemory: ARM_MEMORY, hostCores: 3, hostKernel: quietHost },
    guests: [plan],
  });
  const pi = await createBuiltInPi({ ...handoverOf(image), armMemory: ARM_MEMORY }, () => undefined);
  let said = '';
  while (!/Hit any key/.test(said) && pi.cpu.time < LONGEST) {
    pi.run(pi.cpu.time + BREATH);
    said = consoleText(image, pi.cpu.memory.observe(0, ARM_MEMORY), 0);
  }
  expect(said).toMatch(/U-Boot 20\d\d\.\d\d[^]*Hit any key to stop autoboot/);
  // What the tree says of it, which it has found.
  expect(said).toContain(`DRAM:  ${MEMORY} MiB`);
}, 600_000);

const SECONDS = 1800;
const DISK = '/srv/web.img';
const MENU = `DEFAULT debian
LABEL debian
  LINUX /vmlinuz
  INITRD /initrd
  APPEND console=ttyAMA0 panic=10 hypberry=by-extlinux
`;
const HOST = `
mkdir -p /srv /run
mount -t sysfs sys /sys
mount -t tmpfs srv /srv
gzip -dc /disk.gz >${DISK}
while :; do /hypberryd run; sleep 1; done &
${listenTo(0, 'hypervisor', {})}
${listenTo(1, 'guest', { 'up:*': 'echo "over"' })}
`;
const GUEST = 'echo "up: $(uname -r), $(cat /proc/cmdline)"';

/** A disk's image with a partition of FAT that has a kernel, an initramfs and the menu of extlinux. */
async function diskImage(): Promise<Uint8Array> {
  const found = await inputs();
  const folder = await mkdtemp(join(tmpdir(), 'hypberry-firmware-'));
  try {
    const image = join(folder, 'disk.img');
    const files = new Map([
      ['vmlinuz', await readFile(found.bookworm.vmlinuz)],
      ['initrd', busyboxArchive(await readFile(found.busybox), GUEST, APPLETS, [])],
      ['extlinux/extlinux.conf', Buffer.from(MENU)],
    ]);
    await makeCardImage(image, files, { fat: 16, megabytes: 32 });
    return await readFile(image);
  } finally {
    await rm(folder, { recursive: true });
  }
}

it.runIf(everything)(
  'U-Boot boots Debian’s kernel off the guest’s disk, which hypberryd serves',
  async () => {
    const { ubootQemu } = await inputs();
    const machine = await debianMachine({
      ...{ suite: 'bookworm', cores: 3, isQuick: true, script: HOST },
      more: [
        { path: 'hypberryd', mode: PROGRAM, data: hypberrydFile() },
        { path: 'disk.gz', mode: PROGRAM, data: gzipSync(await diskImage()) },
      ],
      guests: [
        {
          ...{ name: 'web', suite: 'bookworm', cores: [3], script: '', disks: [DISK] },
          firmware: await readFile(ubootQemu),
        },
      ],
    });
    const { said } = await runToEnd('built-in', machine, SECONDS, /^over$/m);
    expect(said).toMatch(/^guest: up: 6\.1\.\S+, .*hypberry=by-extlinux/m);
  },
  (SECONDS + 600) * 1000,
);
