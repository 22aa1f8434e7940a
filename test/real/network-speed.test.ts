/**
 * How fast frames go from a guest to the host, in the same machine's time as between two of the host's own network namespaces;
 * and how long a guest takes to answer while two others send as fast as they can. Beside it, what such a guest reaches in QEMU's
 * virt with the virtio that is there.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { busyboxArchive, PROGRAM } from '../../scripts/lib/initramfs.js';
import { guestDrivers, inputs, type KernelModule } from '../../scripts/lib/inputs.js';
import { hypberrydFile } from '../../src/hypberryd/program.js';
import {
  APPLETS,
  debianMachine,
  HEAR_DONE,
  listenTo,
  loadModules,
  moduleFiles,
  OBEY,
  runToEnd,
} from './debian-machine.js';
import { everything } from './real-card.js';

const SECONDS = 1800;
const TIMEOUT = (SECONDS + 600) * 1000;
/** What is fetched, MiB, and how often, behind a first time. */
const MEBIBYTES = 32;
const TIMES = 8;
const GUESTS = ['web', 'db', 'quiet'];
const addressOf = (n: number): string => `192.168.77.${n + 2}`;
const HOST = '192.168.77.1';
/** The other end of the host's own two. */
const OWN = '10.0.0.2';
/** The part of what the host reaches by itself that guest to host has at least. */
const LEAST = 0.3;
const PINGS = 30;
/**
 * Milliseconds that an answer takes at most. All three guests are on one core: one that wakes has to wait for the slices of two
 * others, 5 ms each, where its own share is used up; hypberryd takes one ring's worth of each card in its turn (256 KiB, and 64
 * frames), and the hypervisor 64 KiB at once.
 */
const LONGEST = 20;

/** What all serve. */
const SERVE = `dmesg -n 5
mkdir -p /srv /run
mount -t tmpfs srv /srv
dd if=/dev/zero of=/srv/page bs=1M count=${MEBIBYTES} 2>/dev/null`;

const guestScript = (n: number, modules: readonly KernelModule[]): string => `
stty -echo
mount -t sysfs sys /sys
${loadModules(modules)}
${SERVE}
httpd -h /srv
until [ -e /sys/class/net/eth0 ]; do sleep 0.1; done
ip addr add ${addressOf(n)}/24 dev eth0
ip link set eth0 up
until ping -c 1 -W 1 ${HOST} >/dev/null; do sleep 0.1; done
echo ready
${OBEY}
`;

const hostScript = `
mount -t sysfs sys /sys
insmod /tun.ko
insmod /veth.ko
${SERVE}
fetch() { wget -q -O /dev/null http://$1/page; }
uptime() { read -r all idle </proc/uptime; echo $all | tr -d .; }
timed() {
  fetch $1
  from=$(uptime)
  for i in $(seq ${TIMES}); do fetch $1; done
  echo "host: $1 took $(($(uptime) - from)) ."
}
answers() { ping -c ${PINGS} -i 0.05 ${addressOf(2)} >/run/pings; echo "host: $1 $(tail -n 1 /run/pings)"; }
mkfifo /run/gate
unshare -n sh -c 'echo $$ >/run/other; read -r go </run/gate; ip addr add ${OWN}/24 dev veth0; ip link set veth0 up; ip link set lo up; exec httpd -f -h /srv' &
until [ -s /run/other ]; do sleep 0.1; done
ip link add own type veth
ip link set veth0 netns $(cat /run/other)
ip addr add 10.0.0.1/24 dev own
ip link set own up
echo go >/run/gate
until ping -c 1 -W 1 ${OWN} >/dev/null; do sleep 0.1; done
while :; do /hypberryd run; sleep 1; done &
${GUESTS.map((name, n) => listenTo(n + 1, name, { 'ready*': `touch /run/${name}`, ...HEAR_DONE })).join('')}
${GUESTS.map((name) => `until [ -e /run/${name} ]; do sleep 0.1; done`).join('\n')}
timed ${OWN}
timed ${addressOf(0)}
answers alone
busy() { while [ ! -e /run/over ]; do fetch $1; echo "host: $1 sent"; done; }
busy ${addressOf(0)} & busy ${addressOf(1)} &
sleep 0.3
answers loaded
touch /run/over
echo "host: all done"
`;

/** Serves the page, and its own clock, by QEMU's user network. */
const virtScript = (modules: readonly KernelModule[]): string => `
${loadModules(modules)}
${SERVE}
mkdir /srv/cgi-bin
printf '#!/bin/sh\\nprintf "Content-Type: text/plain\\\\r\\\\n\\\\r\\\\n"; cat /proc/uptime\\n' >/srv/cgi-bin/uptime
chmod +x /srv/cgi-bin/uptime
until [ -e /proc/sys/net/ipv4/conf/eth0 ]; do sleep 0.1; done
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
httpd -h /srv
`;

/** A port of this machine that nobody has. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * How long QEMU's virt takes to send all that to this machine, hundredths of a second of its own, in which an instruction is a
 * nanosecond, as in the built-in machine; while it waits, of the wall's.
 */
async function virtTakes(modules: readonly KernelModule[]): Promise<number> {
  const found = await inputs();
  const folder = await mkdtemp(join(tmpdir(), 'hypberry-virt-'));
  const initramfs = join(folder, 'initramfs');
  const busybox = await readFile(found.busybox);
  await writeFile(
    initramfs,
    busyboxArchive(busybox, virtScript(modules), [...APPLETS, 'chmod'], moduleFiles(modules)),
  );
  const port = await freePort();
  const args = [
    ...['-M', 'virt', '-cpu', 'cortex-a7', '-m', '256', '-icount', 'shift=0', '-display', 'none'],
    ...['-monitor', 'none', '-serial', 'none', '-kernel', found.bookworm.vmlinuz, '-initrd', initramfs],
    ...['-netdev', `user,id=net,hostfwd=tcp:127.0.0.1:${port}-:80`],
    ...['-device', 'virtio-net-device,netdev=net'],
  ];
  const qemu = spawn('qemu-system-arm', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const get = async (path: string): Promise<Buffer> =>
    Buffer.from(await (await fetch(`http://127.0.0.1:${port}/${path}`)).arrayBuffer());
  const uptime = async (): Promise<number> =>
    Number((await get('cgi-bin/uptime')).toString('latin1').split(' ')[0]) * 100;
  try {
    for (const end = Date.now() + SECONDS * 1000; ;) {
      const page = await get('page').catch(() => undefined);
      if (page?.length === MEBIBYTES << 20) break;
      if (Date.now() > end || qemu.exitCode !== null) throw new Error('no page came from QEMU');
      await setTimeout(500);
    }
    const from = await uptime();
    for (let i = 0; i < TIMES; i++) expect((await get('page')).length).toBe(MEBIBYTES << 20);
    return (await uptime()) - from;
  } finally {
    qemu.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

it.runIf(everything)(
  'a guest sends at 0.3 of what the host reaches by itself, and another answers meanwhile',
  async () => {
    const { virtio, tun, veth } = await guestDrivers('bookworm');
    const machine = await debianMachine({
      ...{ suite: 'bookworm', cores: 3, isQuick: true, script: hostScript },
      more: [
        { path: 'hypberryd', mode: PROGRAM, data: hypberrydFile() },
        ...moduleFiles(tun),
        ...moduleFiles(veth),
      ],
      guests: GUESTS.map((name, n) => ({
        ...{ name, suite: 'bookworm' as const, cores: [3], network: 'host' as const },
        ...{ script: guestScript(n, virtio), more: moduleFiles(virtio) },
      })),
    });
    const { said } = await runToEnd('built-in', machine, SECONDS, /^host: all done$/m);
    const took = (address: string): number =>
      Number(new RegExp(`^host: ${address.replaceAll('.', '\\.')} took (\\d+) \\.$`, 'm').exec(said)?.[1]);
    const [own, guest] = [took(OWN), took(addressOf(0))];
    const rate = (hundredths: number): string =>
      `${Math.round((MEBIBYTES * TIMES * 100) / hundredths)} MiB/s`;
    const longest = (when: string): number =>
      Number(new RegExp(`^host: ${when} .* = [\\d.]+/[\\d.]+/([\\d.]+) ms$`, 'm').exec(said)?.[1]);
    const virt = await virtTakes(virtio);
    const sent = said.split(/^host: [\d.]+ sent$/m).length - 1;
    process.stdout.write(
      `the host by itself ${rate(own)}, guest to host ${rate(guest)}: ${(own / guest).toFixed(2)}; ` +
        `QEMU's virt to its host ${rate(virt)}; ` +
        `answers take ${longest('alone')} ms at most, beside two that send (${sent} pages) ${longest('loaded')} ms\n`,
    );
    expect(own / guest).toBeGreaterThanOrEqual(LEAST);
    expect(sent).toBeGreaterThan(GUESTS.length);
    expect(longest('alone')).toBeLessThan(LONGEST);
    expect(longest('loaded')).toBeLessThan(LONGEST);
  },
  TIMEOUT,
);
