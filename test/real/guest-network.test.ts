/**
 * Guests with Debian's kernel and its own driver, whose network's other end is hypberryd, a program of the host's: pages come
 * whole over it both ways, whatever was killed meanwhile. With every kernel guests see each other, too, but for an isolated
 * one. The host has set its clock before hypberryd runs, and sets it again: the guests' clocks show that. With fewer kernels
 * host and guest are those of a snapshot.
 */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { PROGRAM } from '../../scripts/lib/initramfs.js';
import { guestDrivers, type KernelModule, type Suite } from '../../scripts/lib/inputs.js';
import { hypberrydFile } from '../../src/hypberryd/program.js';
import {
  debianMachine,
  HEAR_DONE,
  listenTo,
  loadModules,
  moduleFiles,
  OBEY,
  runToEnd,
  tell,
} from './debian-machine.js';
import { everything } from './real-card.js';
import { servedGuest, STARTED } from './served-guest.js';

const SECONDS = everything ? 1800 : 600;
const TIMEOUT = (SECONDS + 600) * 1000;
/** The page that all serve, lines of numbers. */
const LINES = 200_000;
const PAGE = createHash('sha256')
  .update(Array.from({ length: LINES }, (_, i) => `${i + 1}\n`).join(''))
  .digest('hex');
/** Blocks of 4 KiB of it that have come when hypberryd is killed. */
const BLOCKS = 100;
/** Bytes of the largest frame that is no row of segments. */
const PLAIN_FRAME = 1514;
/** The day after the machine has started. */
const TOMORROW = STARTED + 86_400;
/** Seconds of the machine's in which all of this is over. */
const WHOLE = 300;

interface NetworkGuest {
  readonly name: string;
  readonly suite: Suite;
  readonly isolated: boolean;
}
const GUESTS: readonly NetworkGuest[] = [
  { name: 'web', suite: 'bookworm', isolated: false } as const,
  ...(everything
    ? ([
        { name: 'db', suite: 'trixie', isolated: false },
        { name: 'alone', suite: 'bookworm', isolated: true },
      ] as const)
    : []),
];
const addressOf = (n: number): string => `192.168.77.${n + 2}`;
const HOST = '192.168.77.1';

/** Shell code of both. */
const BEGIN = `dmesg -n 5
mount -t sysfs sys /sys`;
const SERVE = `mkdir -p /run /www
mount -t tmpfs www /www
seq ${LINES} >/www/page
httpd -h /www
reaches() { ping -c 2 -W 2 $1 >/dev/null && echo "reaches $1" || echo "does not reach $1"; }
fetch() { echo "page of $1: $(wget -q -O - http://$1/page | sha256sum)"; }`;

/** What guest n does. */
const guestPart = (n: number): string => `${SERVE}
until [ -e /sys/class/net/eth0 ]; do sleep 0.1; done
ip addr add ${addressOf(n)}/24 dev eth0
ip link set eth0 up
count() { cd /sys/class/net/eth0/statistics; echo "$1 $2: $(cat $2_packets) $(cat $2_bytes) ."; cd /; }
clock() { echo "clock: $(cat /sys/class/rtc/rtc0/since_epoch) ."; }
until ping -c 1 -W 1 ${HOST} >/dev/null; do :; done
echo ready
${OBEY}
`;

const guestScript = (n: number, modules: readonly KernelModule[]): string => `
stty -echo
${BEGIN}
${loadModules(modules)}
${guestPart(n)}`;

const everyPair = GUESTS.flatMap((_, n) =>
  [HOST, ...[...GUESTS.keys()].filter((it) => it !== n).map(addressOf)].map((it) => tell(n, `reaches ${it}`)),
);

/** What the host does while hypberryd runs. */
const HOST_PART = `${SERVE}
${GUESTS.map(({ name }, n) => listenTo(n + 1, name, { 'ready*': `touch /run/${name}`, ...HEAR_DONE })).join('')}
${GUESTS.map(({ name }) => `until [ -e /run/${name} ]; do sleep 0.1; done`).join('\n')}
${GUESTS.map((_, n) => `echo "host: $(reaches ${addressOf(n)})"`).join('\n')}
${tell(0, 'clock')}
${tell(0, 'count before tx')}
echo "host: $(fetch ${addressOf(0)})"
${tell(0, 'count behind tx')}
${tell(0, 'count before rx')}
${tell(0, `fetch ${HOST}`)}
${tell(0, 'count behind rx')}
date -s @${TOMORROW} >/dev/null
sleep 0.2
${tell(0, 'clock')}
wget -q -O - http://${addressOf(0)}/page |
  { dd bs=4k count=${BLOCKS} 2>/dev/null; kill -9 $(pidof hypberryd); cat; } | sha256sum >/run/sum
echo "host: killed, page: $(cat /run/sum)"
${everything ? [...everyPair, tell(0, `fetch ${addressOf(1)}`), tell(1, `fetch ${addressOf(0)}`), tell(2, `fetch ${HOST}`)].join('\n') : ''}
echo "host: all done"
`;
const DONE = /^host: all done$/m;

const HOST_SCRIPT = `
date -s @${STARTED} >/dev/null
${BEGIN}
insmod /tun.ko
while :; do /hypberryd run; sleep 1; done &
${HOST_PART}`;

/** Bytes a frame that the first guest has sent or received between its two counts. */
function frameSize(said: string, which: 'tx' | 'rx'): number {
  const [before, behind] = ['before', 'behind'].map((when) => {
    const [, frames, bytes] = new RegExp(`^web: ${when} ${which}: (\\d+) (\\d+) \\.$`, 'm').exec(said) ?? [];
    return { frames: Number(frames), bytes: Number(bytes) };
  }) as [{ frames: number; bytes: number }, { frames: number; bytes: number }];
  return (behind.bytes - before.bytes) / (behind.frames - before.frames);
}

/** What the host has said in the end, with all of the guests. */
async function ofAll(): Promise<string> {
  const { tun } = await guestDrivers('bookworm');
  const machine = await debianMachine({
    ...{ suite: 'bookworm', cores: 3, isQuick: true, script: HOST_SCRIPT },
    more: [{ path: 'hypberryd', mode: PROGRAM, data: hypberrydFile() }, ...moduleFiles(tun)],
    guests: await Promise.all(
      GUESTS.map(async ({ name, suite, isolated }, n) => {
        const { virtio } = await guestDrivers(suite);
        return {
          ...{ name, suite, isolated, cores: [3], network: 'host' as const },
          ...{ script: guestScript(n, virtio), more: moduleFiles(virtio) },
        };
      }),
    ),
  });
  return (await runToEnd('built-in', machine, SECONDS, DONE)).said;
}

/** The same with the first alone. */
async function ofOne(): Promise<string> {
  const { said, type, typeAtGuest, until } = await servedGuest();
  typeAtGuest(guestPart(0));
  // At once: what runs meanwhile must not read the rest.
  type(`eval "$(cat <<'.'\n${HOST_PART}\n.\n)"`);
  until(() => DONE.test(said.host), WHOLE * 1e9);
  return said.host;
}

it(
  'guests with a network fetch pages and are fetched from, and show the host’s time',
  async () => {
    const said = await (everything ? ofAll() : ofOne());
    GUESTS.forEach((_, n) => {
      expect(said).toContain(`host: reaches ${addressOf(n)}\n`);
    });
    expect(said).toContain(`host: page of ${addressOf(0)}: ${PAGE}  -\n`);
    expect(said).toContain(`web: page of ${HOST}: ${PAGE}  -\n`);
    expect(said).toContain(`host: killed, page: ${PAGE}  -\n`);
    // Rows of segments go both ways as they are.
    expect(frameSize(said, 'tx')).toBeGreaterThan(PLAIN_FRAME);
    expect(frameSize(said, 'rx')).toBeGreaterThan(PLAIN_FRAME);
    const clocks = [...said.matchAll(/^web: clock: (\d+) \.$/gm)].map(([, it]) => Number(it));
    expect(clocks).toHaveLength(2);
    [STARTED, TOMORROW].forEach((since, i) => {
      expect(clocks[i]! - since).toBeGreaterThanOrEqual(0);
      expect(clocks[i]! - since).toBeLessThan(WHOLE);
    });
    if (!everything) return;
    for (const [from, to] of [
      [0, 1],
      [1, 0],
    ] as const) {
      expect(said).toContain(`${GUESTS[from]!.name}: reaches ${addressOf(to)}\n`);
      expect(said).toContain(`${GUESTS[from]!.name}: page of ${addressOf(to)}: ${PAGE}  -\n`);
    }
    expect(said).toContain(`alone: page of ${HOST}: ${PAGE}  -\n`);
    for (const [name, to] of [
      ['web', 2],
      ['db', 2],
      ['alone', 0],
      ['alone', 1],
    ] as const)
      expect(said).toContain(`${name}: does not reach ${addressOf(to)}\n`);
  },
  TIMEOUT,
);
