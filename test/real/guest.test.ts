import { beforeAll, describe, expect, it } from 'vitest';
import { useTools } from '../../scripts/lib/tools.js';
import { debianMachine, listenTo, runToEnd } from './debian-machine.js';

/** Less than a minute in either engine on two cores that do nothing else. */
const SECONDS = 280;
const ENDINGS = {
  'built-in': "the card's system reset the board",
  QEMU: "the card's system reset the board or switched it off",
} as const;

/** The host talks to the guest, has it switch itself off, and ends the machine. */
const HOST = `
echo cores: $(grep -c ^processor /proc/cpuinfo)
grep MemTotal /proc/meminfo
insmod bcm2835_wdt.ko
${listenTo(0, 'hypervisor', { '*"powered off"*': 'reboot -f' })}
${listenTo(1, 'guest', {
  'ready*': "say 'echo $((6 * 7)) $(uname -r)'",
  '42*': 'say poweroff -f',
})}
`;

const GUEST = `
echo cores: $(grep -c ^processor /proc/cpuinfo)
grep arch_timer /proc/interrupts
echo ready
`;

describe.each([
  { engine: 'built-in', suite: 'bookworm', release: /^guest: 42 6\.1\.0-\d+-armmp$/m },
  { engine: 'QEMU', suite: 'trixie', release: /^guest: 42 6\.12\.\d+\S*-armmp$/m },
] as const)(
  "Debian's 6.1 kernel as host and the one of $suite, unmodified, as guest in the $engine machine",
  ({ engine, suite, release }) => {
    let said = '';
    let why = '';
    beforeAll(
      async () => {
        useTools();
        const machine = await debianMachine({
          suite: 'bookworm',
          cores: 3,
          script: HOST,
          guests: [{ name: 'debian', suite, cores: [3], script: GUEST }],
        });
        ({ said, why } = await runToEnd(engine, machine, SECONDS));
      },
      (SECONDS + 60) * 1000,
    );

    it('are at their shell prompts at once', () => {
      const prompts = [/^\/ # /m, /^guest: \/ # /m].map((it) => said.search(it));
      expect(Math.min(...prompts)).toBeGreaterThan(0);
      expect(said.indexOf('guest: 42')).toBeGreaterThan(Math.max(...prompts));
    });

    it("the host's user talks to the guest's shell", () => {
      expect(said).toMatch(release);
    });

    it('the guest is a machine of its own', () => {
      expect(said).toMatch(/^guest: .*psci: PSCIv1\.1 detected in firmware/m);
      expect(said).toMatch(/^guest: .*psci: SMC Calling Convention v1\.1/m);
      // By its tree's seed, before it has any interrupt to gather from.
      expect(said).toMatch(/^guest: \[ {4}0\.0\d+\] random: crng init done$/m);
      expect(said).toMatch(/^guest: .*CPU: All CPU\(s\) started in SVC mode\./m);
      expect(said).toMatch(/^guest: cores: 1$/m);
      expect(said).toMatch(/^guest: .*GIC-0 +27 Level +arch_timer$/m);
    });

    it('the host has what is left', () => {
      // The prompt may come before it.
      expect(said).toMatch(/^(?:\/ # (?:\x1b\[6n)?)?cores: 3$/m);
      expect(said).toContain('CPU: All CPU(s) started in SVC mode.');
      expect(said).toMatch(/40010000\.serial: ttyAMA2 at MMIO 0x40010000 .* is a PL011 rev3/);
    });

    it("the guest's power off is told, and the host's restart ends the machine", () => {
      expect(said).toMatch(/^hypervisor: hypberry: debian: powered off$/m);
      expect(why).toBe(ENDINGS[engine]);
    });
  },
);
