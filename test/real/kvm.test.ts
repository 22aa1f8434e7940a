import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { kvmKernel } from '../../scripts/lib/kvm-kernel.js';
import { inputs } from '../../scripts/lib/inputs.js';
import { useTools } from '../../scripts/lib/tools.js';
import { readKernel } from '../../src/firmware/kernel.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { planGuestAdd } from '../../src/setup/guest-add.js';
import { planInstall } from '../../src/setup/install.js';
import { applyPlan, type Plan } from '../../src/setup/plan.js';
import { bootPartition, type FIRMWARE, type Files } from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';
import { concat, entry, trailer, u32 } from '../support/kernel-files.js';
import { runToEnd } from './debian-machine.js';
import { everything } from './real-card.js';

const ENGINES = ['built-in', 'QEMU'] as const;

/** A boot takes seconds; building the kernel, minutes. */
const BOOT_SECONDS = 300;
const BUILD_MILLISECONDS = 3_600_000;

/** KVM's own words (Linux 4.19, virt/kvm/arm/arm.c). */
const HAS_HYP = 'Hyp mode initialized successfully';
const WITHOUT_HYP = 'HYP mode not available';

/** The last line of what runs as /init, whatever came before. */
const LAST = /^monitor: (the guest has ended|.* error|.* reason).*\n/m;

let kernel: Uint8Array;
let tree: Uint8Array;

/**
 * A card with the kernel that has KVM, as its user made it.
 * @param console the number of the board's PL011
 */
function cardWith(firmware: keyof typeof FIRMWARE, console = 0): Files {
  return bootPartition(firmware, {
    'kernel7.img': kernel,
    'bcm2709-rpi-2-b.dtb': tree,
    'cmdline.txt': `earlycon=pl011,0x3f201000 console=ttyAMA${console},115200\n`,
  });
}

async function carryOut(files: Files, plan: Plan): Promise<void> {
  await applyPlan(changeableCard(files), plan, () => undefined);
}

/** Boots a card as it is; gives what was said on its console until /init had come to its end. */
async function boot(engine: (typeof ENGINES)[number], files: Files): Promise<string> {
  const machine = await prepareHandover(changeableCard(files));
  const { said, why } = await runToEnd(engine, machine, BOOT_SECONDS, LAST);
  expect(said, why).toMatch(LAST);
  return said;
}

const linesOf = (who: string, said: string): string[] =>
  said.split('\n').filter((line) => line.startsWith(`${who}: `));

describe.runIf(everything)('KVM in the host', () => {
  beforeAll(async () => {
    useTools();
    const built = await kvmKernel(fileURLToPath(new URL('kvm-monitor.c', import.meta.url)));
    // Firmware of 2015 gives a device tree to kernels that mkknlimg marked only.
    kernel = concat(await readFile(built.vmlinuz), trailer(entry('DTOK', u32(1))));
    tree = await readFile(built.dtb);
  }, BUILD_MILLISECONDS);

  it('is told of its kernel, and that it is one with LPAE', () => {
    expect(readKernel(kernel)).toMatchObject({ hypervisor: 'KVM', lpae: true, architecture: 'ARMv7' });
  });

  it('loses its tree to its page tables where firmware of 2015 puts that, which is said', async () => {
    const { picked } = await prepareHandover(changeableCard(cardWith('of2015')));
    expect(picked.tree?.address).toBe(0x100);
    expect(picked.notes.join('\n')).toContain('into 0x3000 to 0x7fff, where the kernel puts');
  });

  describe.each(ENGINES)('in %s', (engine) => {
    it(
      'has no HYP mode on a card that starts in SVC mode',
      async () => {
        const said = await boot(engine, cardWith('svc'));
        expect(said).toContain('All CPU(s) started in SVC mode.');
        expect(said).toContain(WITHOUT_HYP);
        expect(said).not.toContain(HAS_HYP);
        // ENODEV.
        expect(linesOf('monitor', said)).toEqual(['monitor: /dev/kvm cannot be opened, error 19']);
      },
      BOOT_SECONDS * 1000,
    );

    it.each([
      ['of2015', 'kernel_old'],
      ['svc', 'armstub'],
    ] as const)(
      'after install on firmware %s (%s) runs a guest that takes five timer interrupts, without a GIC',
      async (firmware, method) => {
        const files = cardWith(firmware);
        const plan = await planInstall(changeableCard(files), { method: 'auto' });
        expect(plan.method).toBe(method);
        await carryOut(files, plan);

        const said = await boot(engine, files);
        expect(said).toContain('All CPU(s) started in HYP mode.');
        expect(said).toContain(HAS_HYP);
        expect(linesOf('monitor', said)).toEqual([
          "monitor: KVM's version 12",
          'monitor: KVM_CAP_IRQCHIP 0',
          'monitor: KVM_CAP_ARM_USER_IRQ 1',
          "monitor: the guest has ended; times that the timer's line rose: 5",
        ]);
        expect(linesOf('guest', said)).toEqual([1, 2, 3, 4, 5].map((it) => `guest: timer interrupt ${it}`));
      },
      BOOT_SECONDS * 1000,
    );

    it(
      "has no HYP mode beside hypberry's guests",
      async () => {
        // Raspberry Pi's kernels before 6.1.26 number ports as they find them, not by the tree's aliases: the hypervisor's
        // own and the guest's come first, as the board's waits for its clock.
        const files = cardWith('svc', 2);
        const { bookworm } = await inputs();
        const guest = {
          name: 'web',
          kernel: { name: 'vmlinuz', data: new Uint8Array(await readFile(bookworm.vmlinuz)) },
          memory: 96,
          cores: 1,
          commandLine: undefined,
        };
        await carryOut(files, await planGuestAdd(changeableCard(files), guest));
        const plan = await planInstall(changeableCard(files), { method: 'auto' });
        expect(plan.notes.join('\n')).toContain("has KVM, which does not start beside hypberry's guests");
        await carryOut(files, plan);

        const said = await boot(engine, files);
        expect(said).toContain('All CPU(s) started in SVC mode.');
        expect(said).toContain(WITHOUT_HYP);
        expect(linesOf('monitor', said)).toEqual(['monitor: /dev/kvm cannot be opened, error 19']);
      },
      BOOT_SECONDS * 1000,
    );
  });
});
