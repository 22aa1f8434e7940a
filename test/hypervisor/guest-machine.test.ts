import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileAssemblyScript } from '../../scripts/lib/assemblyscript.js';
import { hypervisorSources } from '../../scripts/lib/hypervisor-sources.js';
import { fdtCells, fdtText, findNode, readFdt } from '../../src/firmware/fdt.js';
import { guestTree } from '../../src/guest/guest-tree.js';
import type { GuestDevice } from '../../src/hypervisor/shared/guest-machine.js';
import { GUEST_DEVICES, guestInterrupt, PAGE_SIZE } from '../../src/hypervisor/shared/guest-machine.js';
import { GUEST_RAM } from '../../src/hypervisor/shared/layout.js';
import { createMachineWith } from './models/machine.js';

const root = join(import.meta.dirname, '../..');
const SYSTEM_RESET = 0x8400_0009;

describe("the map of a guest's machine", () => {
  test('has each device once, in pages of its own below memory', () => {
    const names = GUEST_DEVICES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const regions = GUEST_DEVICES.filter(({ size }) => size > 0).sort((a, b) => a.base - b.base);
    regions.forEach(({ name, base, size }, i) => {
      expect([base % PAGE_SIZE, size % PAGE_SIZE], name).toEqual([0, 0]);
      expect(base + size, name).toBeLessThanOrEqual(regions[i + 1]?.base ?? GUEST_RAM);
    });
  });

  test('each has its own interrupts, and each shared node one first row that says what it is', () => {
    const interrupts = GUEST_DEVICES.flatMap((it) => Object.values(it.interrupts ?? {}));
    expect(new Set(interrupts).size).toBe(interrupts.length);
    for (const { name, node } of GUEST_DEVICES) {
      if (node === undefined) continue;
      expect(GUEST_DEVICES.find((it) => it.node === node)!.compatible, name).toBeDefined();
    }
  });

  test('where a guest finds them is as in QEMU’s machine "virt" (hw/arm/virt.c, a15memmap)', () => {
    const at = Object.fromEntries(GUEST_DEVICES.map(({ name, base }) => [name, base]));
    expect(at).toMatchObject({
      gicd: 0x0800_0000,
      gicc: 0x0801_0000,
      uart: 0x0900_0000,
      rtc: 0x0901_0000,
      gpio: 0x0903_0000,
      virtio: 0x0a00_0000,
    });
    // a15irqmap: 1, 2 and 7 behind the first shared one.
    expect(['UART', 'RTC', 'GPIO'].map(guestInterrupt)).toEqual([33, 34, 39]);
  });
});

/** A device whose register counts its reads: one row, and one file. */
const COUNTER: GuestDevice = {
  ...{ name: 'counter', base: 0x0b00_0000, size: 0x1000, file: 'counter', resets: ['machine'], state: 8 },
  ...{ node: 'counter', compatible: ['hypberry,counter'], interrupts: { COUNTER: 40 } },
};
const COUNTER_FILE = `
import { Vcpu, Vm } from '../core/vm.js';
import { COUNTER_STATE } from '../generated/guest-machine.js';

// @inline
function countOf(vm: Vm): usize {
  return changetype<usize>(vm) + COUNTER_STATE;
}

export function read(vcpu: Vcpu, _offset: u32): u32 {
  const at = countOf(vcpu.vm);
  store<u32>(at, load<u32>(at) + 1);
  return load<u32>(at);
}

export function write(vcpu: Vcpu, _offset: u32, _size: u32, value: u32): void {
  store<u32>(countOf(vcpu.vm), value);
}

export function resetMachine(vm: Vm): void {
  store<u32>(countOf(vm), 0);
}
`;

describe('a device more is one row and one file', () => {
  const devices = [...GUEST_DEVICES, COUNTER];

  test('guests access it, each their own, and a restart resets it', async () => {
    const sources = new Map(hypervisorSources(devices));
    sources.set('src/hypervisor/body/devices/counter.ts', COUNTER_FILE);
    const body = await compileAssemblyScript({
      ...{ entry: 'src/hypervisor/body/index.ts', baseDir: root, sources },
    });
    const machine = createMachineWith(body, [1], [2]);
    const [one, other] = [1, 2];
    const reads = (core: number): number => machine.load(core, COUNTER.base);
    expect([reads(one), reads(one), reads(other), reads(one)]).toEqual([1, 2, 1, 3]);
    machine.store(other, COUNTER.base, 7);
    expect([reads(other), reads(one)]).toEqual([8, 4]);
    machine.hvc(one, SYSTEM_RESET);
    machine.advance(1);
    expect([reads(one), reads(other)]).toEqual([1, 9]);
  }, 120_000);

  test('its node is in the tree', () => {
    const tree = guestTree({ memory: 1 << 26, cores: 1, commandLine: '' }, devices);
    const { properties } = findNode(readFdt(tree), '/counter@b000000')!;
    expect(fdtCells(properties.get('reg')!)).toEqual([COUNTER.base, COUNTER.size]);
    expect(fdtText(properties.get('compatible')!)).toBe('hypberry,counter');
    // A shared interrupt, 8 behind the first, that is a level.
    expect(fdtCells(properties.get('interrupts')!)).toEqual([0, 8, 4]);
  });
});

test('the sources that are made are those of the tables', () => {
  for (const [path, text] of hypervisorSources())
    expect(readFileSync(join(root, path), 'utf8'), path).toBe(text);
});
