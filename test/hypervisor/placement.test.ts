import { describe, expect, test } from 'vitest';
import { assembler } from '../../src/isa/assembler.js';
import { pc, r0, r2 } from '../../src/isa/registers.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { ensureNode, fdtCells, fdtFromCells, findNode, readFdt, writeFdt } from '../../src/firmware/fdt.js';
import type { HypervisorImage } from '../../src/hypervisor/image/image.js';
import { buildHypervisor, endOfHost } from '../../src/hypervisor/image/image.js';
import type { Loaded } from '../../src/hypervisor/image/placement.js';
import { checkPlacement, settled } from '../../src/hypervisor/image/placement.js';
import { ARM_MEMORY, guest, handoverOf, load, smallImage } from './payloads.js';
import { ramView } from '../support/ram.js';

const MIB = 1 << 20;
const FILE = 0x8000;
const FOUND = 0x2000;
const idle = Uint8Array.of(0xfe, 0xff, 0xff, 0xea);
/** Fills the memory that it is given. */
const filler = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

/** Notes where it is and where its tree is. */
function host(): Uint8Array {
  const a = assembler(0);
  const end = a.label('end');
  a.sub(r0, pc, 8);
  load(a, { core: 1 }, FOUND);
  a.stm({ core: 1 }, [r0, r2]);
  a.at(end);
  a.wfi();
  a.b(end);
  return a.assemble();
}

/** A tree of about so many bytes, with what the firmware writes into one. */
function treeOf(size: number, initramfs?: { address: number; size: number }, cells = 1): Uint8Array {
  const bytes = (spare: number): Uint8Array => {
    const fdt = readFdt(EMPTY);
    ensureNode(fdt, '/memory@0').properties.set('reg', fdtFromCells(0, ARM_MEMORY));
    const { properties } = ensureNode(fdt, '/chosen');
    const address = (value: number): Uint8Array => fdtFromCells(...(cells === 2 ? [0, value] : [value]));
    if (initramfs) {
      properties.set('linux,initrd-start', address(initramfs.address));
      properties.set('linux,initrd-end', address(initramfs.address + initramfs.size));
    }
    properties.set('filler', new Uint8Array(spare));
    return writeFdt(fdt);
  };
  return bytes((size - bytes(0).length) & ~3);
}
/** A tree with nothing but its root. */
const EMPTY = (() => {
  const words = [0xd00dfeed, 0x48, 0x38, 0x48, 0x28, 17, 16, 0, 0, 0x10, 0, 0, 0, 0, 1, 0, 2, 9];
  const view = new DataView(new ArrayBuffer(4 * words.length));
  words.forEach((word, i) => {
    view.setUint32(4 * i, word);
  });
  return new Uint8Array(view.buffer);
})();

describe('what the firmware has left is in the host’s memory when the host begins', () => {
  const image = smallImage(host(), [guest(idle)]);
  const { hostEnd } = image;
  const [about, size] = [0x3000, 100_000];
  const cases: readonly [string, tree: number, initramfs: number | undefined, cells?: number][] = [
    ['both low', 0x100_0000, 0x200_0000],
    ['a tree in a guest’s memory', hostEnd + 0x1000, undefined],
    ['both in a guest’s memory, the tree below', hostEnd + 0x1000, hostEnd + 0x1_0000],
    ['both in a guest’s memory, the tree above', hostEnd + 0x8_0000, hostEnd + 0x1_0000],
    ['an initramfs across the end, the tree right below', hostEnd - 0x1_0000 - about, hostEnd - 0x1_0000],
    ['an initramfs right below the end, the tree behind it', hostEnd + 0x1000, hostEnd - 0x1_9000],
    ['an initramfs above the end, the tree low', 0x100_0000, hostEnd + 0x1000],
    ['addresses of two cells', hostEnd + 0x1000, hostEnd + 0x1_0000, 2],
  ];
  test.each(cases)('%s', async (_, tree, initramfs, cells) => {
    const ramdisk = initramfs === undefined ? undefined : { address: initramfs, size };
    const data = filler(size);
    const treeData = treeOf(about, ramdisk, cells);
    const treeSize = treeData.length;
    const more = [{ name: 'device tree', address: tree, data: treeData }];
    // Behind it there is something of before.
    if (ramdisk) {
      more.push({ name: 'initramfs', address: ramdisk.address, data });
      more.push({ name: 'behind', address: ramdisk.address + size, data: new Uint8Array(0x1000).fill(0xa5) });
    }
    const pi = await createBuiltInPi(handoverOf(image, more, tree), () => undefined);
    pi.run(20_000_000);
    const view = ramView(pi.cpu);
    const [at, treeAt] = [view.getUint32(FOUND, true), view.getUint32(FOUND + 4, true)];
    expect(at).toBe(FILE);
    const expected = settled(hostEnd, { address: tree, size: treeSize }, ramdisk);
    expect(treeAt).toBe(expected.tree);
    expect(treeAt + treeSize).toBeLessThanOrEqual(hostEnd);
    const fdt = readFdt(pi.cpu.memory.observe(treeAt, treeSize).slice());
    expect(fdtCells(findNode(fdt, '/memory@0')!.properties.get('reg')!)).toEqual([0, hostEnd]);
    if (!ramdisk) return;
    const { properties } = findNode(fdt, '/chosen')!;
    const [start, end] = ['start', 'end'].map((it) =>
      fdtCells(properties.get(`linux,initrd-${it}`)!).at(-1)!,
    );
    expect(start).toBe(expected.initramfs);
    // To the end of its page, with zeros.
    expect(end).toBe(Math.ceil((start! + size) / 0x1000) * 0x1000);
    expect(end).toBeLessThanOrEqual(hostEnd);
    expect(start! >= treeAt + treeSize || end! <= treeAt).toBe(true);
    expect(Buffer.compare(pi.cpu.memory.observe().slice(start, start! + size), data)).toBe(0);
    expect(
      pi.cpu.memory
        .observe()
        .slice(start! + size, end)
        .every((byte) => byte === 0),
    ).toBe(true);
  });
});

test('the host’s kernel, however far behind in the file, is moved to where the file was loaded', async () => {
  const kernel = new Uint8Array(2 * MIB);
  kernel.set(host());
  kernel.set(filler(kernel.length - 0x100), 0x100);
  // Shorter than the kernel, so that it is moved over its own beginning.
  const image = smallImage(kernel, [guest(idle, { initramfs: { data: filler(MIB), offset: 0x8_0000 } })]);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined);
  pi.run(20_000_000);
  expect(ramView(pi.cpu).getUint32(FOUND, true)).toBe(FILE);
  expect(Buffer.compare(pi.cpu.memory.observe(FILE, kernel.length).slice(), kernel)).toBe(0);
});

describe('what cannot be placed is refused', () => {
  const image = smallImage(host(), [guest(idle)]);
  const tree = { address: 0x100, size: 0x3000 };
  const refused = (loaded: Loaded, code: string, of: HypervisorImage = image): void => {
    expect(() => {
      checkPlacement(of, host().length, loaded);
    }).toThrow(expect.objectContaining({ code }));
  };

  test('but not what can', () => {
    const { hostEnd, channel } = image;
    checkPlacement(image, host().length, { file: FILE, tree });
    checkPlacement(image, host().length, {
      file: FILE,
      tree: { address: hostEnd, size: 0x3000 },
      initramfs: { address: channel.address - 0x1000, size: 0x1000 },
    });
  });

  test('no tree', () => {
    refused({ file: FILE, tree: undefined }, 'hypervisor.tree');
  });

  test('file, tree or initramfs where the hypervisor goes', () => {
    const { copies, end } = image;
    const code = 'hypervisor.placement';
    refused({ file: copies - 0x1000, tree }, code);
    refused({ file: end - 0x1000, tree }, code);
    refused({ file: FILE, tree: { address: copies - 0x1000, size: 0x1004 } }, code);
    refused({ file: FILE, tree: { address: end - 4, size: 0x1000 } }, code);
    refused({ file: FILE, tree, initramfs: { address: copies - MIB, size: 2 * MIB } }, code);
    refused({ file: FILE, tree, initramfs: { address: 0, size: end } }, code);
  });

  test('tree, initramfs or file where the kernel is moved from where the host starts alone', () => {
    const code = 'hypervisor.placement';
    checkPlacement(image, host().length, { file: FILE, tree: { address: 0x100, size: 0x7e00 } });
    refused({ file: FILE, tree: { address: 0x100, size: 0x7e04 } }, code);
    refused({ file: FILE, tree: { address: 0x7ffc, size: 0x1000 } }, code);
    refused({ file: FILE, tree, initramfs: { address: 0x7000, size: 0x1000 } }, code);
    refused({ file: 0x7000, tree }, code);
  });

  test('no room for an initramfs above the kernel', () => {
    const { hostEnd, channel } = image;
    const initramfs = { address: channel.address - 8 * MIB, size: 8 * MIB };
    const fits = { file: FILE, tree, initramfs, unpacked: hostEnd - 8 * MIB - FILE };
    checkPlacement(image, host().length, fits);
    refused({ ...fits, unpacked: fits.unpacked + 1 }, 'hypervisor.placement');
    // The tree needs room, too, where it moves.
    refused({ ...fits, tree: { address: hostEnd, size: 0x3000 } }, 'hypervisor.placement');
  });

  test('a file that reaches to where its own parts go', () => {
    const guests = [
      guest(idle, { memory: 26 * MIB, initramfs: { data: new Uint8Array(25 * MIB), offset: 0x8_0000 } }),
    ];
    const plan = { armMemory: ARM_MEMORY, hostCores: 3, guests };
    expect(() => buildHypervisor({ ...plan, hostKernel: new Uint8Array(12 * MIB) })).toThrow(
      expect.objectContaining({ code: 'hypervisor.memory' }),
    );
    buildHypervisor({ ...plan, hostKernel: new Uint8Array(4 * MIB) });
  });
});

test('the host’s memory does not end where Linux could not use its CMA area', () => {
  for (const good of [0x2b60_0000, 0x2f80_0000, 0x3400_0000, 0x3be0_0000]) expect(endOfHost(good)).toBe(good);
  for (const bad of [0x2fa0_0000, 0x3000_0000, 0x3360_0000, 0x33e0_0000])
    expect(endOfHost(bad)).toBe(0x2f80_0000);
  const plan = { armMemory: 0x3380_0000, hostCores: 3, hostKernel: host(), guests: [] };
  expect(buildHypervisor(plan).hostEnd).toBe(0x2f80_0000);
});
