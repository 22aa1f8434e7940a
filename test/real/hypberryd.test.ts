/** hypberryd, and every system call, in a Linux of Debian's on the built-in Pi 2: alone and above the hypervisor. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { bootFiles } from '../../scripts/lib/card-image.js';
import { busyboxArchive, PROGRAM } from '../../scripts/lib/initramfs.js';
import { inputs, type Suite } from '../../scripts/lib/inputs.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { hypberrydFile } from '../../src/hypberryd/program.js';
import { runInNode } from '../hypberryd/kernel.js';
import { EVERYTHING, scriptOf, SMALL_FILES } from '../hypberryd/operations.js';
import { compileSample, SAMPLES_END, textOf } from '../hypberryd/programs.js';
import { memoryCard } from '../support/memory-card.js';
import { callsExpected, callsSaid, LINKED } from '../translate/system-calls-said.js';
import { debianMachine, listenTo, runToEnd } from './debian-machine.js';
import { everything, quick } from './real-card.js';

const SECONDS = 600;
const TIMEOUT = (SECONDS + 300) * 1000;
const program = { path: 'hypberryd', mode: PROGRAM, data: hypberrydFile() };
/** Prints what hypberryd says of the system, and its exit status. */
const STATUS = ['/hypberryd --version', '/hypberryd status', 'echo "it ended with $?"'];

/** Operations that a real Linux and the kernel of the tests do alike, each list in a folder of its own. */
const LISTS = { everything: EVERYTHING, small: SMALL_FILES };

describe.runIf(everything)('in Linux on the built-in Pi 2', () => {
  it.each<Suite>(['bookworm', 'trixie'])(
    'system calls do in %s what they do under qemu-arm, and hypberryd finds no hypervisor',
    async (suite) => {
      const found = await inputs();
      const operations = await compileSample('test/translate/samples/operations.ts');
      const lists = Object.entries(LISTS).map(([path, list]) => ({
        ...{ path, mode: PROGRAM, data: scriptOf(list) },
      }));
      const calls = {
        path: 'calls',
        mode: PROGRAM,
        data: (await compileSample('test/translate/samples/system-calls.ts')).file,
      };
      const script = [
        'mount -t sysfs sys /sys',
        'mkdir /work; mount -t tmpfs work /work; cd /work',
        `ln -s '${LINKED}' link`,
        '/calls first > /said; echo "calls ended with $?"',
        'echo; echo begin; cat /said; echo end',
        ...lists.map(
          ({ path }) =>
            `mkdir /work/${path}; cd /work/${path}; /operations < /${path} > /said; echo "${path}:"; cat /said`,
        ),
        ...STATUS,
      ];
      const files = await bootFiles(await quick(found[suite]), found.firmware, {
        config: 'auto_initramfs=1\n',
        commandLine: 'console=ttyAMA0,115200 quiet',
        more: new Map([
          [
            'initramfs7',
            busyboxArchive(
              await readFile(found.busybox),
              script.join('\n'),
              ['cat', 'ln', 'mkdir'],
              [program, calls, { path: 'operations', mode: PROGRAM, data: operations.file }, ...lists],
            ),
          ],
        ]),
      });
      const machine = await prepareHandover(memoryCard(Object.fromEntries(files)));
      const { said } = await runToEnd('built-in', machine, SECONDS, /^it ended with \d+$/m);
      const [, between] = /^begin\n([^]*?)^end$/m.exec(said) ?? [said, said];
      expect(callsSaid(between)).toEqual(callsExpected(0));
      expect(said).toMatch(/^calls ended with 44$/m);
      for (const { path, data } of lists) {
        const here = runInNode(operations.wasm, { args: ['operations'], stdin: data, end: SAMPLES_END });
        expect(said).toContain(`\n${path}:\n${textOf(here.stdout)}`);
      }
      expect(said).toMatch(/^No hypervisor with a channel is under this system\.$/m);
      expect(said).toMatch(/^it ended with 1$/m);
    },
    TIMEOUT,
  );

  it.each<Suite>(['bookworm', 'trixie'])(
    'hypberryd finds the channel in %s, offers disks, and says what the hypervisor acts on',
    async (suite) => {
      const machine = await debianMachine({
        ...{ suite, cores: 3, more: [program] },
        script: [
          'mount -t sysfs sys /sys',
          'mkdir -p /run /srv',
          listenTo(0, 'hypervisor', {}),
          '/hypberryd status; echo "before: $?"',
          '/hypberryd run & service=$!',
          'until /hypberryd status; do sleep 1; done',
          'cat /srv/web.img | wc -c',
          'kill $service; wait $service; echo "the service ended with $?"',
          '/hypberryd status; echo "it ended with $?"',
        ].join('\n'),
        guests: [
          {
            ...{ name: 'web', suite: 'bookworm', cores: [3], script: '' },
            disks: ['/srv/web.img,size=1M', '/srv/data.img,size=8M'],
          },
        ],
      });
      const { said } = await runToEnd('built-in', machine, SECONDS, /^it ended with \d+$/m);
      expect(said).toMatch(/^hypberryd does not run, and guests wait: [^]*^before: 1$/m);
      expect(said).toMatch(/^web, disk 0, \/srv\/web\.img: served, 1 MiB$/m);
      expect(said).toMatch(/^web, disk 1, \/srv\/data\.img: served, 8 MiB$/m);
      expect(said).toMatch(/^1048576$/m);
      expect(said).toMatch(/^the service ended with 0$/m);
      expect(said).toMatch(/^it ended with 1$/m);
    },
    TIMEOUT,
  );
});
