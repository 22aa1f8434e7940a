/**
 * A guest with Debian's kernel and busybox' DHCP client, on a host with Debian's kernel and its nft: it has an address and names
 * by asking, reaches by the host what stands for the outside, a namespace of its own, and is reached from there by a forward.
 */
import { programWithLibraries } from '../../scripts/lib/debian-program.js';
import { expect, it } from 'vitest';
import { PROGRAM } from '../../scripts/lib/initramfs.js';
import { guestDrivers, natDrivers } from '../../scripts/lib/inputs.js';
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

const SECONDS = 600;
const TIMEOUT = (SECONDS + 600) * 1000;
const [GUEST, OUTSIDE, HOST_OUTSIDE] = ['192.168.77.11', '203.0.113.9', '203.0.113.1'];

// busybox' ip calls a peer veth0, whatever it is told.
const file = (path: string, text: string) => ({ path, mode: PROGRAM, data: Buffer.from(text) });
/** What busybox' udhcpc runs; of it what comes is in variables (udhcpc --help). */
const LEASE = `#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/24 dev $interface
ip route add default via $router
echo "bound: $ip $mask $router $dns $hostname $domain $lease ."
`;
const guestScript = (modules: string): string => `
stty -echo
${modules}
mkdir -p /srv /run
mount -t tmpfs srv /srv
echo "a page of the guest" >/srv/page
httpd -h /srv
until [ -e /sys/class/net/eth0 ]; do mount -t sysfs sys /sys 2>/dev/null; sleep 0.1; done
ip link set eth0 up
fetch() { echo "page: $(printf 'GET /page HTTP/1.0\\r\\n\\r\\n' | nc -w 20 $1 80 | tail -n 1)"; }
lookup() { echo "$1: $(nslookup -type=a $1 192.168.77.1 | tail -n +3 | tr -s '\\n\\t ' '   ')."; }
udhcpc -q -n -t 20 -T 1 -i eth0 -O hostname -O domain -s /lease
echo ready
${OBEY}
`;

const hostScript = (modules: string): string => `
dmesg -n 5
mount -t sysfs sys /sys
insmod /tun.ko
insmod /veth.ko
${modules}
mkdir -p /run /srv /etc
mount -t tmpfs run /run
mount -t tmpfs srv /srv
echo "127.0.0.1 localhost" >/etc/hosts
ip link set lo up
mkfifo /run/gate
unshare -n sh -c 'echo $$ >/run/other; read -r go </run/gate; ip addr add ${OUTSIDE}/24 dev veth0; ip link set veth0 up; mkdir -p /srv/out; echo "a page outside" >/srv/out/page; exec httpd -f -h /srv/out' &
until [ -s /run/other ]; do sleep 0.1; done
ip link add out0 type veth peer name veth0
ip link set veth0 netns $(cat /run/other)
ip addr add ${HOST_OUTSIDE}/24 dev out0
ip link set out0 up
echo go >/run/gate
outside() { nsenter -t $(cat /run/other) -n "$@"; }
fetch() { printf 'GET /page HTTP/1.0\\r\\n\\r\\n' | nc -w 20 $1 8080 | tail -n 1; }
(while :; do /hypberryd run; sleep 1; done) &
${listenTo(1, 'web', { 'ready*': 'touch /run/ready', ...HEAR_DONE })}
until [ -e /run/ready ]; do sleep 0.1; done
echo "host: hosts: $(grep hypberry /etc/hosts | tail -n 2 | head -n 1)."
echo "host: forwarding: $(cat /proc/sys/net/ipv4/ip_forward)"
${tell(0, 'lookup web')}
${tell(0, 'lookup host.hypberry')}
${tell(0, `fetch ${OUTSIDE}`)}
echo "outside: $(printf 'GET /page HTTP/1.0\\r\\n\\r\\n' | outside nc -w 20 ${HOST_OUTSIDE} 8080 | tail -n 1)"
echo "host: by its own address: $(fetch ${HOST_OUTSIDE})"
kill $(pidof hypberryd)
until [ -z "$(pidof hypberryd)" ]; do sleep 0.1; done
until [ -n "$(pidof hypberryd)" ]; do sleep 0.1; done
sleep 2
${tell(0, `fetch ${OUTSIDE}`)}
echo "host: rules: $(nft list table ip hypberry | grep -c 'dnat to ${GUEST}:80') $(nft list ruleset | grep -c masquerade)"
echo "host: all done"
`;

it.runIf(everything)(
  'a guest gets an address and names, reaches the outside, and is reached from there',
  async () => {
    const { virtio, tun, veth } = await guestDrivers('bookworm');
    const { nat } = await natDrivers('bookworm');
    const machine = await debianMachine({
      ...{ suite: 'bookworm', cores: 3, isQuick: true, script: hostScript(loadModules(nat)) },
      more: [
        { path: 'hypberryd', mode: PROGRAM, data: hypberrydFile() },
        ...moduleFiles([...tun, ...veth, ...nat]),
        ...(await programWithLibraries('nftables', 'usr/sbin/nft')),
        { path: 'sbin', mode: 0o120777, data: Buffer.from('usr/sbin') },
      ],
      guests: [
        {
          ...{ name: 'web', suite: 'bookworm', cores: [3], network: 'host', forwards: ['8080:80'] },
          ...{
            script: guestScript(loadModules(virtio)),
            more: [...moduleFiles(virtio), file('lease', LEASE)],
          },
        },
      ],
    });
    const { said } = await runToEnd('built-in', machine, SECONDS, /^host: all done$/m);
    const fetched = said.match(/^web: page: a page outside$/gm);
    expect(said).toContain(`web: bound: ${GUEST} 24 192.168.77.1 192.168.77.1 web hypberry 86400 .\n`);
    expect(said).toContain(`host: hosts: ${GUEST} web web.hypberry.\n`);
    expect(said).toContain('host: forwarding: 1\n');
    expect(said).toMatch(new RegExp(`^web: web: .*Address: ${GUEST} `, 'm'));
    expect(said).toMatch(/^web: host\.hypberry: .*Address: 192\.168\.77\.1 /m);
    // Once more behind a restart of hypberryd, whose rules are there once.
    expect(fetched).toHaveLength(2);
    expect(said).toContain('outside: a page of the guest\n');
    expect(said).toContain('host: by its own address: a page of the guest\n');
    expect(said).toContain('host: rules: 1 1\n');
  },
  TIMEOUT,
);
