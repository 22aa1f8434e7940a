import { beforeAll, describe, expect, it } from 'vitest';
import { useTools } from '../../scripts/lib/tools.js';
import { debianMachine, listenTo, runToEnd } from './debian-machine.js';

/** npm run test:long boots them. */
const everything = process.env['HYPBERRY_KERNELS'] === 'all';
const SECONDS = 900;
const MILLISECONDS = (SECONDS + 60) * 1000;

/** The first guest restarts itself once, both switch themselves off, then the host restarts the board. */
const HOST = `
insmod bcm2835_wdt.ko
${listenTo(0, 'hypervisor', {
  '*"two: powered off"*': 'true >/two-is-off',
  '*"one: powered off"*': 'while [ ! -e /two-is-off ]; do sleep 1; done; reboot -f',
})}
${listenTo(1, 'one', {
  'ready*': "say 'echo one $(uname -r)'",
  // The second time it is to be off.
  'one*': "say ${next:-reboot -f}; next='poweroff -f'",
})}
${listenTo(2, 'two', { 'ready*': "say 'echo two $(uname -r)'", 'two*': 'say poweroff -f' })}
`;

const GUEST = `
echo cores: $(grep -c ^processor /proc/cpuinfo)
grep arch_timer /proc/interrupts
taskset 2 true && echo its second core runs
echo ready
`;

const times = (said: string, what: RegExp): number => said.match(what)?.length ?? 0;

describe.runIf(everything).each(['built-in', 'QEMU'] as const)(
  "Debian's 6.1 kernel as host; its 6.12 with two CPUs and its 6.1 as guests, who share a core, in the %s machine",
  (engine) => {
    let said = '';
    let why = '';
    beforeAll(async () => {
      useTools();
      const machine = await debianMachine({
        suite: 'bookworm',
        cores: 2,
        script: HOST,
        guests: [
          { name: 'one', suite: 'trixie', cores: [2, 3], script: GUEST },
          { name: 'two', suite: 'bookworm', cores: [3], script: GUEST },
        ],
      });
      ({ said, why } = await runToEnd(engine, machine, SECONDS));
    }, MILLISECONDS);

    it('each answers at its prompt', () => {
      expect(said).toMatch(/^\/ # /m);
      expect(said).toMatch(/^one: one 6\.12\.\d+\S*-armmp$/m);
      expect(said).toMatch(/^two: two 6\.1\.0-\d+-armmp$/m);
    });

    it('the first runs on two CPUs, which interrupt each other, the second on one', () => {
      expect(said).toMatch(/^one: cores: 2$/m);
      expect(said).toMatch(/^one: .*smp: Brought up 1 node, 2 CPUs$/m);
      expect(said).toMatch(/^one: its second core runs$/m);
      expect(said).toMatch(/^two: cores: 1$/m);
      expect(said).not.toMatch(/^two: its second core runs$/m);
    });

    it('the first restarts from its own shell and comes up again; then both are off', () => {
      expect(times(said, /^hypervisor: hypberry: one: restarts$/gm)).toBe(1);
      expect(times(said, /^one: one 6\.12/gm)).toBe(2);
      expect(times(said, /^hypervisor: hypberry: one: powered off$/gm)).toBe(1);
      expect(times(said, /^hypervisor: hypberry: two: powered off$/gm)).toBe(1);
      expect(said).not.toMatch(/^hypervisor: .*(crashed|fault)/m);
    });

    it("the host's restart ends the machine", () => {
      expect(said).toContain('reboot: Restarting system');
      expect(why).toMatch(/reset the (board|machine)/);
    });
  },
);

describe.runIf(everything).each(['built-in', 'QEMU'] as const)(
  "Debian's 6.12 kernel as host, its 6.1 as guest, in the %s machine",
  (engine) => {
    it(
      "the host's user talks to the guest's shell",
      async () => {
        useTools();
        const machine = await debianMachine({
          suite: 'trixie',
          cores: 3,
          script: listenTo(1, 'guest', { 'ready*': "say 'echo 42 $(uname -r)'", '42*': 'echo heard' }),
          guests: [{ name: 'debian', suite: 'bookworm', cores: [3], script: GUEST }],
        });
        const { said } = await runToEnd(engine, machine, SECONDS, /^heard$/m);
        expect(said).toContain('Linux version 6.12.');
        expect(said).toContain('smp: Brought up 1 node, 3 CPUs');
        expect(said).toMatch(/^\/ # /m);
        expect(said).toMatch(/^guest: 42 6\.1\.0-\d+-armmp$/m);
      },
      MILLISECONDS,
    );
  },
);
