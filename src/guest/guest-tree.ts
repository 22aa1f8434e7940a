/**
 * A guest's device tree (Linux, Documentation/devicetree/bindings). Its devices are those of
 * src/hypervisor/shared/guest-machine.ts.
 */
import { emptyFdt, ensureNode, fdtFromCells, fdtFromText, writeFdt } from '../firmware/fdt.js';
import type { Fdt, FdtNode } from '../firmware/fdt.js';
import { concatBytes } from '../base/bytes.js';
import type { GuestDevice, TreeProperty } from '../hypervisor/shared/guest-machine.js';
import {
  GUEST_DEVICES,
  guestBase,
  guestInterrupt,
  PHANDLE,
  POWER_KEY_LINE,
} from '../hypervisor/shared/guest-machine.js';
import { GUEST_RAM, RNG_SEED_SIZE, VIRTIO_SLOT_SIZE } from '../hypervisor/shared/layout.js';

export interface GuestTreeOptions {
  /** Bytes. */
  readonly memory: number;
  readonly cores: number;
  readonly commandLine: string;
  /** Where in its memory the initramfs is, bytes from the beginning, and its length. */
  readonly initramfs?: { readonly offset: number; readonly length: number };
  /** How many of its virtio slots are in use, from the first on; none unless told otherwise. */
  readonly virtio?: number;
}

/** Cells of an interrupt (arm,gic binding): kind, number, trigger. */
const [SPI, PPI] = [0, 1];
const LEVEL_HIGH = 4;
/** Trigger of a private interrupt: for which CPUs, level low as the timers' outputs are. */
const PRIVATE_LOW = 0xf08;
/** The first of the interrupts that are a CPU's own but not sent by software, and of the shared ones. */
const [FIRST_PPI, FIRST_SPI] = [16, 32];
/** Drivers of PSCI 0.1 want to be told numbers of functions (Linux, bindings/arm/psci.yaml); they are those of 0.2. */
const PSCI_NODE = {
  compatible: ['arm,psci-1.0', 'arm,psci-0.2', 'arm,psci'],
  method: 'hvc',
  cpu_suspend: [0x8400_0001],
  cpu_off: [0x8400_0002],
  cpu_on: [0x8400_0003],
};
/** KEY_POWER (Linux, include/uapi/linux/input-event-codes.h). */
const KEY_POWER = 116;
const ACTIVE_HIGH = 0;
/** A clock for what wants one; nothing depends on its rate. */
const CLOCK_HZ = 24_000_000;

function set(node: FdtNode, properties: Readonly<Record<string, TreeProperty>>): void {
  for (const [name, value] of Object.entries(properties)) node.properties.set(name, bytesOf(value));
}

function bytesOf(value: TreeProperty): Uint8Array {
  if (typeof value === 'string') return fdtFromText(value);
  const isTexts = (it: typeof value): it is readonly string[] => typeof it[0] === 'string';
  return isTexts(value) ? texts(...value) : fdtFromCells(...value);
}

/** Path of a device's node. */
function pathOf({ node, base, size }: GuestDevice): string {
  return size === 0 ? `/${node!}` : `/${node!}@${base.toString(16)}`;
}

function interruptCells(number: number): number[] {
  return number < FIRST_SPI ? [PPI, number - FIRST_PPI, PRIVATE_LOW] : [SPI, number - FIRST_SPI, LEVEL_HIGH];
}

/** The nodes of a guest's devices, each where its first row has its registers. */
function addDevices(root: Fdt, devices: readonly GuestDevice[]): void {
  const names = new Set(devices.flatMap(({ node }) => node ?? []));
  for (const name of names) {
    const rows = devices.filter(({ node }) => node === name);
    const reg = rows.flatMap(({ base, size }) => (size === 0 ? [] : [base, size]));
    const interrupts = rows.flatMap((it) => Object.values(it.interrupts ?? {}).flatMap(interruptCells));
    const node = ensureNode(root, pathOf(rows[0]!));
    for (const { compatible, properties } of rows)
      set(node, { ...(compatible && { compatible }), ...properties });
    set(node, { ...(reg.length > 0 && { reg }), ...(interrupts.length > 0 && { interrupts }) });
  }
}

/** The nodes of virtio slots in use (virtio,mmio binding); Linux numbers disks in their order. */
function addVirtio(root: Fdt, slots: number): void {
  const first = guestInterrupt('FIRST_VIRTIO');
  for (let slot = 0; slot < slots; slot++) {
    const at = guestBase('virtio') + slot * VIRTIO_SLOT_SIZE;
    set(ensureNode(root, `/virtio_mmio@${at.toString(16)}`), {
      compatible: 'virtio,mmio',
      reg: [at, VIRTIO_SLOT_SIZE],
      interrupts: interruptCells(first + slot),
      'dma-coherent': [],
    });
  }
}

/** Builds the tree, of a machine with the devices of every guest unless told otherwise. Gives a flattened one. */
export function guestTree(
  { memory, cores, commandLine, initramfs, virtio = 0 }: GuestTreeOptions,
  devices = GUEST_DEVICES,
): Uint8Array {
  const fdt = emptyFdt();
  set(fdt.root, {
    '#address-cells': [1],
    '#size-cells': [1],
    compatible: 'linux,dummy-virt',
    model: 'Hypberry guest',
    'interrupt-parent': [PHANDLE.INTERRUPTS],
  });
  const chosen = ensureNode(fdt, '/chosen');
  set(chosen, { bootargs: commandLine, 'stdout-path': `/pl011@${guestBase('uart').toString(16)}` });
  // The hypervisor puts random bytes there at each start (src/hypervisor/body/scheduling/seed.ts).
  chosen.properties.set('rng-seed', new Uint8Array(RNG_SEED_SIZE));
  if (initramfs) {
    const start = GUEST_RAM + initramfs.offset;
    set(chosen, { 'linux,initrd-start': [start], 'linux,initrd-end': [start + initramfs.length] });
  }
  set(ensureNode(fdt, `/memory@${GUEST_RAM.toString(16)}`), {
    device_type: 'memory',
    reg: [GUEST_RAM, memory],
  });
  set(ensureNode(fdt, '/cpus'), { '#address-cells': [1], '#size-cells': [0] });
  for (let n = 0; n < cores; n++) {
    set(ensureNode(fdt, `/cpus/cpu@${n}`), {
      device_type: 'cpu',
      compatible: 'arm,cortex-a7',
      reg: [n],
      'enable-method': 'psci',
    });
  }
  set(ensureNode(fdt, '/psci'), PSCI_NODE);
  set(ensureNode(fdt, '/apb-pclk'), {
    compatible: 'fixed-clock',
    '#clock-cells': [0],
    'clock-frequency': [CLOCK_HZ],
    'clock-output-names': 'clk24mhz',
    phandle: [PHANDLE.CLOCK],
  });
  set(ensureNode(fdt, '/gpio-keys'), { compatible: 'gpio-keys' });
  set(ensureNode(fdt, '/gpio-keys/poweroff'), {
    label: 'GPIO Key Poweroff',
    'linux,code': [KEY_POWER],
    gpios: [PHANDLE.GPIO, POWER_KEY_LINE, ACTIVE_HIGH],
  });
  addDevices(fdt, devices);
  addVirtio(fdt, virtio);
  return writeFdt(fdt);
}

/** Several texts as one property's value. */
export function texts(...all: readonly string[]): Uint8Array {
  return concatBytes(...all.map(fdtFromText));
}
