import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { inputs } from '../../scripts/lib/inputs.js';
import { ensureNode, fdtFromCells, fdtFromText, readFdt, writeFdt } from '../../src/firmware/fdt.js';
import type { Handover } from '../../src/firmware/handover.js';
import { guestTree } from '../../src/guest/guest-tree.js';
import { changeHostTree } from '../../src/guest/host-tree.js';
import type { GuestPlan } from '../../src/hypervisor/image.js';
import { buildHypervisor } from '../../src/hypervisor/image.js';
import { qemuEngine } from '../../src/node/qemu.js';
import { handoverOf, listeningHost } from '../hypervisor/payloads.js';
import { busyboxArchive } from '../support/initramfs.js';

const MIB = 1 << 20;
/** As with gpu_mem=64. */
const ARM_MEMORY = 0x3c00_0000;
const MEMORY = 256 * MIB;
const TREE = 0x1000_0000;
const LIMIT = 280_000;

const SCRIPT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
grep -c ^processor /proc/cpuinfo
grep arch_timer /proc/interrupts
exec sh
`;

/** Debian's kernel with busybox, on the highest core. */
async function debianGuest(): Promise<GuestPlan> {
  const { bookworm, busybox } = await inputs();
  const initramfs = busyboxArchive(await readFile(busybox), SCRIPT);
  const at = MEMORY / 2;
  const tree = guestTree({
    memory: MEMORY,
    cores: 1,
    commandLine: 'earlycon=pl011,0x9000000 console=ttyAMA0',
    initramfs: { offset: at, length: initramfs.length },
  });
  return {
    name: 'debian',
    memory: MEMORY,
    cores: [3],
    kernel: { data: await readFile(bookworm.vmlinuz), offset: 0x8000 },
    initramfs: { data: initramfs, offset: at },
    tree: { data: tree, offset: at + 4 * MIB },
  };
}

/** Runs a machine in QEMU until its UART has said something that ends in `until`. */
async function saidUntil(machine: Handover, until: RegExp): Promise<string> {
  let said = '';
  const stop = new AbortController();
  const timer = setTimeout(() => {
    stop.abort();
  }, LIMIT);
  await qemuEngine({ threadPerCore: true }).run(
    { ...machine, armMemory: ARM_MEMORY },
    (bytes) => {
      said += new TextDecoder().decode(bytes);
      if (until.test(said)) stop.abort();
    },
    stop.signal,
  );
  clearTimeout(timer);
  return said;
}

test("Debian's kernel as a guest comes to its shell prompt", { timeout: 300_000 }, async () => {
  const image = buildHypervisor({
    armMemory: ARM_MEMORY,
    hostCores: 3,
    hostKernel: listeningHost(1),
    guests: [await debianGuest()],
  });
  const said = await saidUntil(handoverOf(image), /\/ # /);
  expect(said).toContain('Machine model: Hypberry guest');
  expect(said).toContain('psci: PSCIv0.2 detected in firmware');
  expect(said).toContain('CPU: All CPU(s) started in SVC mode.');
  expect(said).toMatch(/\r\n1\r\n.*arch_timer/s);
  expect(said).toMatch(/\/ # /);
});

test(
  "Debian's kernel as the host has what is left of the machine, and the near ends of the consoles",
  { timeout: 300_000 },
  async () => {
    const { bookworm } = await inputs();
    const fdt = readFdt(await readFile(bookworm.dtb));
    expect(changeHostTree(fdt, 3, 1)).toEqual(['serial2']);
    const bootargs = 'earlycon=pl011,0x3f201000 console=ttyAMA0,115200';
    ensureNode(fdt, '/chosen').properties.set('bootargs', fdtFromText(bootargs));
    ensureNode(fdt, '/memory@0').properties.set('reg', fdtFromCells(0, ARM_MEMORY));
    const image = buildHypervisor({
      armMemory: ARM_MEMORY,
      hostCores: 3,
      hostKernel: await readFile(bookworm.vmlinuz),
      guests: [],
    });
    const tree = { name: 'device tree', address: TREE, data: writeFdt(fdt) };
    const said = await saidUntil(handoverOf(image, [tree], TREE), /40010000\.serial: ttyAMA2[^\n]*\n/);
    expect(said).toContain('smp: Brought up 1 node, 3 CPUs');
    expect(said).toContain('CPU: All CPU(s) started in SVC mode.');
    // The hypervisor has the last 2 MiB.
    expect(said).toContain(`/${(ARM_MEMORY - 2 * MIB) / 1024}K available`);
    expect(said).toMatch(/40010000\.serial: ttyAMA2 at MMIO 0x40010000 .* is a PL011 rev3/);
  },
);
