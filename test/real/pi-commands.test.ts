/** What one does with guests on the running Pi: hypberryd's commands in a Linux of Debian's, above the hypervisor. */
import { expect, it } from 'vitest';
import { PROGRAM } from '../../scripts/lib/initramfs.js';
import { hypberrydFile } from '../../src/hypberryd/program.js';
import { debianMachine, runToEnd } from './debian-machine.js';
import { everything } from './real-card.js';

const SECONDS = 600;
const TIMEOUT = (SECONDS + 300) * 1000;

/** Answers each line that it is told; it knows of no power key. */
const ECHO = 'echo ready; while read -r line; do echo "heard <$line>"; done';

const HOST = `
dmesg -n 1
mount -t sysfs sys /sys
mkdir -p /run
h=/hypberryd
state() { $h info $1 --json | grep -o '"state": "[^"]*"'; }
until_log() { until $h log $1 | grep -q "$2"; do sleep 0.2; done; }
$h list; echo "alone: $?"
$h run &
until [ -e /run/hypberryd.sock ]; do sleep 0.1; done
until_log web ready
until_log db ready
echo "begin list"; $h list; echo "ended with $?"
echo "names: "$($h list --names)
echo "json: $($h list --json)"
(sleep 1; echo "ping pong"; sleep 2) | $h console web >/run/seen
echo "console: $(grep -c 'heard <ping pong>' /run/seen)"
echo "log: $($h log web | grep -c 'heard <ping pong>') $($h log db | grep -c 'heard')"
echo "begin stop"; $h stop --timeout 2 web; echo "stop ended with $?"
echo "states: $(state web) $(state db)"
$h stop web; echo "again $?"
$h start web; echo "start ended with $?"
until state web | grep -q running; do sleep 0.2; done
echo "states: $(state web) $(state db)"
$h kill db; echo "kill ended with $?"
echo "states: $(state web) $(state db)"
$h restart --timeout 1 web; echo "restart ended with $?"
$h start nobody; echo "nobody ended with $?"
echo "all done"
`;

it.runIf(everything)(
  'guests are listed, talked to, stopped and started one by one',
  async () => {
    const guests = ['web', 'db'].map((name) => ({
      ...{ name, suite: 'bookworm' as const, cores: [3], script: ECHO },
    }));
    const machine = await debianMachine({
      ...{ suite: 'bookworm', cores: 3, isQuick: true, script: HOST, guests },
      more: [{ path: 'hypberryd', mode: PROGRAM, data: hypberrydFile() }],
    });
    const { said } = await runToEnd('built-in', machine, SECONDS, /^all done$/m);
    expect(said).toMatch(/^alone: 0$/m);
    expect(said).toMatch(/^web +running +- +1 +[\d.]+% +96 MiB +0$/m);
    expect(said).toMatch(/^names: web db$/m);
    const [, json = ''] = /^json: (\[[^]*?\n\])$/m.exec(said) ?? [];
    expect(JSON.parse(json)).toMatchObject([{ name: 'web', state: 'running' }, { name: 'db' }]);
    expect(said).toMatch(/^console: 1$/m);
    expect(said).toMatch(/^log: 1 0$/m);
    expect(said).toMatch(/^stop ended with 0$/m);
    expect(said.match(/^states: .*$/gm)).toEqual([
      'states: "state": "off" "state": "running"',
      'states: "state": "running" "state": "running"',
      'states: "state": "running" "state": "off"',
    ]);
    for (const what of ['again 0', 'start ended with 0', 'kill ended with 0', 'restart ended with 0'])
      expect(said).toContain(`\n${what}\n`);
    expect(said).not.toContain('\nnobody ended with 0\n');
  },
  TIMEOUT,
);
