import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { useTools } from '../../scripts/lib/tools.js';
import { fdtCells, fdtFromCells, fdtText, findNode, readFdt } from '../../src/firmware/fdt.js';
import { guestTree } from '../../src/guest/guest-tree.js';
import { changeHostTree } from '../../src/guest/host-tree.js';
import { compileTree } from '../support/device-trees.js';

useTools();

const MIB = 1 << 20;

describe("a guest's tree", () => {
  const tree = guestTree({
    memory: 64 * MIB,
    cores: 2,
    commandLine: 'console=ttyAMA0',
    initramfs: { offset: 32 * MIB, length: 1000 },
    virtio: 2,
  });
  const cells = (path: string, name: string): number[] =>
    fdtCells(findNode(readFdt(tree), path)!.properties.get(name)!);

  test('says what is where', () => {
    expect(cells('/memory', 'reg')).toEqual([0x4000_0000, 64 * MIB]);
    expect(cells('/chosen', 'linux,initrd-start')).toEqual([0x4200_0000]);
    expect(cells('/chosen', 'linux,initrd-end')).toEqual([0x4200_03e8]);
    // Room for what comes at each start: 256 bits, of which Linux' generator is ready.
    expect(cells('/chosen', 'rng-seed')).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(findNode(readFdt(tree), '/cpus')!.children.map(({ name }) => name)).toEqual(['cpu@0', 'cpu@1']);
  });

  test('has the slots of virtio in use where QEMU’s virt has them', () => {
    const slots = ['/virtio_mmio@a000000', '/virtio_mmio@a000200', '/virtio_mmio@a000400'];
    expect(slots.filter((it) => findNode(readFdt(tree), it))).toEqual(slots.slice(0, 2));
    expect(cells(slots[1]!, 'reg')).toEqual([0x0a00_0200, 0x200]);
    // SPI 17, a level.
    expect(cells(slots[1]!, 'interrupts')).toEqual([0, 17, 4]);
    expect(findNode(readFdt(tree), slots[1]!)!.properties.has('dma-coherent')).toBe(true);
  });

  test('names PSCI by its version and those before, whose drivers are told the functions', () => {
    const { properties } = findNode(readFdt(tree), '/psci')!;
    const names = new TextDecoder().decode(properties.get('compatible'));
    expect(names).toBe('arm,psci-1.0\0arm,psci-0.2\0arm,psci\0');
    expect(fdtText(properties.get('method')!)).toBe('hvc');
    const numbers = ['cpu_suspend', 'cpu_off', 'cpu_on'].map((it) => cells('/psci', it)[0]);
    expect(numbers).toEqual([0x8400_0001, 0x8400_0002, 0x8400_0003]);
  });

  test('has a power key at line 3 of its GPIO, high while it is pressed, as QEMU’s "virt" has', () => {
    const gpio = cells('/pl061@9030000', 'phandle')[0];
    expect(cells('/gpio-keys/poweroff', 'gpios')).toEqual([gpio, 3, 0]);
    expect(cells('/pl061@9030000', '#gpio-cells')).toEqual([2]);
    // KEY_POWER.
    expect(cells('/gpio-keys/poweroff', 'linux,code')).toEqual([116]);
  });

  test('is one that the device tree compiler has nothing against', () => {
    const said = execFileSync('sh', ['-c', 'dtc -I dtb -O dts -o /dev/null 2>&1'], { input: tree });
    expect(said.toString()).toBe('');
  });
});

describe("the host's tree", () => {
  const source = `/dts-v1/; / { #address-cells = <1>; #size-cells = <1>;
    aliases { serial0 = "/soc/serial@7e201000"; serial1 = "/soc/serial@7e215040"; };
    cpus { #address-cells = <1>; #size-cells = <0>; enable-method = "brcm,bcm2836-smp";
      cpu@0 { reg = <0xf00>; }; cpu@1 { reg = <0xf01>; }; cpu@2 { reg = <0xf02>; }; cpu@3 { reg = <0xf03>; };
      l2: l2-cache0 { }; };
    soc { intc: interrupt-controller@7e00b200 { compatible = "brcm,bcm2836-armctrl-ic"; phandle = <7>; }; }; };`;

  test('keeps its own cores, and has two more serial ports', () => {
    const fdt = readFdt(compileTree(source));
    expect(changeHostTree(fdt, 3, 2)).toEqual(['serial2', 'serial3']);
    const names = findNode(fdt, '/cpus')!.children.map(({ name }) => name);
    expect(names).toEqual(['cpu@0', 'cpu@1', 'cpu@2', 'l2-cache0']);
    const port = findNode(fdt, 'serial3')!;
    expect(port.properties.get('reg')).toEqual(fdtFromCells(0x4001_1000, 0x1000));
    expect(port.properties.get('interrupt-parent')).toEqual(fdtFromCells(7));
    expect(fdtText(port.properties.get('compatible')!)).toBe('arm,pl011');
    const [clock] = fdtCells(port.properties.get('clocks')!);
    expect(clock).not.toBe(7);
    expect(fdtCells(findNode(fdt, '/console-clock')!.properties.get('phandle')!)).toEqual([clock]);
  });

  test('has the channel, and its bell behind the consoles, where hypberryd looks for them', () => {
    const fdt = readFdt(compileTree(source));
    const channel = { address: 0x3780_0000, size: 4 * MIB };
    expect(changeHostTree(fdt, 3, 2, channel)).toEqual(['serial2', 'serial3']);
    const node = findNode(fdt, '/hypberry-channel')!.properties;
    expect(fdtText(node.get('compatible')!)).toBe('hypberry,channel');
    expect(fdtCells(node.get('reg')!)).toEqual([
      ...[0x3780_0000, 4 * MIB],
      ...[0x4002_0000, 0x1000],
      ...[0x4001_8000, 0x1000],
    ]);
    const bell = findNode(fdt, 'serial4')!.properties;
    expect(fdtCells(bell.get('reg')!)).toEqual([0x4001_8000, 0x1000]);
    const port = findNode(fdt, 'serial3')!.properties;
    expect([...bell.keys()]).toEqual([...port.keys()]);
    // Bank 2 begins with interrupt 32: 60 for consoles, and another one that nobody shares.
    expect(fdtCells(port.get('interrupts')!)).toEqual([2, 28]);
    expect(fdtCells(bell.get('interrupts')!)).toEqual([2, 26]);
  });

  test('goes by the interrupt controller of Raspberry Pi’s kernels before 4.4, too', () => {
    const old = readFdt(compileTree(source.replaceAll('brcm,bcm2836-armctrl-ic', 'brcm,bcm2708-armctrl-ic')));
    expect(changeHostTree(old, 3, 2)).toEqual(['serial2', 'serial3']);
    expect(fdtCells(findNode(old, 'serial3')!.properties.get('interrupt-parent')!)).toEqual([7]);
  });

  test('has no channel where there is none', () => {
    const fdt = readFdt(compileTree(source));
    changeHostTree(fdt, 3, 2);
    expect(findNode(fdt, '/hypberry-channel')).toBeUndefined();
    expect(findNode(fdt, 'serial4')).toBeUndefined();
  });

  test('is refused without an interrupt controller that has the line', () => {
    const fdt = readFdt(compileTree('/dts-v1/; / { soc { }; };'));
    expect(() => changeHostTree(fdt, 3, 1)).toThrow(expect.objectContaining({ code: 'guest.tree' }));
  });
});
