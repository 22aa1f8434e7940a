/**
 * A guest with Debian's kernel and its own drivers, whose disk is a file of the host's: what it writes is there after it was
 * started again, and hypberryd was killed while it wrote, and is there for the host.
 */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PROGRAM } from '../../scripts/lib/initramfs.js';
import { guestDrivers, type KernelModule, type Suite } from '../../scripts/lib/inputs.js';
import { hypberrydFile } from '../../src/hypberryd/program.js';
import { debianMachine, listenTo, loadModules, moduleFiles, runToEnd } from './debian-machine.js';
import { everything } from './real-card.js';

const SECONDS = 1200;
const TIMEOUT = (SECONDS + 600) * 1000;
/** What is written in each round, lines of numbers. */
const LINES = 200_000;
const ROUNDS = 3;
const text = (round: number): string => Array.from({ length: LINES }, (_, i) => `${i + round}\n`).join('');
const sumOf = (it: string): string => createHash('sha256').update(it).digest('hex');
const DISK = '/srv/web.img';

/** The guest goes on with the round whose number is at the disk's end, and is started again behind each. */
const guestScript = (modules: readonly KernelModule[]): string => `
${loadModules(modules)}
while ! [ -b /dev/vda ]; do sleep 0.1; done
mount -t sysfs sys /sys
round=$(tail -c 512 /dev/vda | tr -d '\\0')
round=\${round:-0}
if [ $round != 0 ]; then
  bytes=$(seq $round $((round + ${LINES - 1})) | wc -c)
  echo "kept: round $round, $(head -c $bytes /dev/vda | sha256sum)"
fi
if [ $round = ${ROUNDS} ]; then echo "all: $(cat /sys/block/vda/size) sectors"; poweroff -f; fi
round=$((round + 1))
echo "writing: round $round"
seq $round $((round + ${LINES - 1})) | dd of=/dev/vda bs=64k conv=notrunc,fsync 2>/dev/null
echo $round | dd of=/dev/vda bs=512 seek=$(($(cat /sys/block/vda/size) - 1)) conv=notrunc,fsync,sync 2>/dev/null
reboot -f
`;

const hostScript = `
mkdir -p /srv /run
mount -t sysfs sys /sys
mount -t tmpfs srv /srv
while :; do /hypberryd run; sleep 1; done &
${listenTo(0, 'hypervisor', {})}
${listenTo(1, 'guest', { 'writing:*': 'kill -9 $(pidof hypberryd)', 'all:*': 'sync; echo "host: $(head -c BYTES /srv/web.img | sha256sum)"' })}
`;

// Each run has the same in power-cut.test.ts, from a booted system.
describe.skipIf(!everything)('a guest with a disk', () => {
  it.each<Suite>(['bookworm', 'trixie'])(
    'of %s finds what it wrote, whatever was killed meanwhile',
    async (suite) => {
      const { virtio } = await guestDrivers(suite);
      const sums = Array.from({ length: ROUNDS }, (_, i) => sumOf(text(i + 1)));
      const machine = await debianMachine({
        suite,
        cores: 3,
        isQuick: true,
        script: hostScript.replace('BYTES', String(text(ROUNDS).length)),
        more: [{ path: 'hypberryd', mode: PROGRAM, data: hypberrydFile() }],
        guests: [
          {
            ...{ name: 'web', suite, cores: [3], disks: [`${DISK},size=64M`] },
            ...{ script: guestScript(virtio), more: moduleFiles(virtio) },
          },
        ],
      });
      const { said } = await runToEnd('built-in', machine, SECONDS, /^host: /m);
      sums.forEach((sum, i) => {
        expect(said).toContain(`guest: kept: round ${i + 1}, ${sum}  -`);
      });
      expect(said).toContain(`guest: all: ${(64 << 20) / 512} sectors`);
      expect(said).toContain(`host: ${sums.at(-1)!}  -`);
    },
    TIMEOUT,
  );
});
