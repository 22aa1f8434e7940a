import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { inputs } from '../../scripts/lib/inputs.js';
import { readU32LE } from '../../src/base/bytes.js';
import { HypberryError } from '../../src/base/errors.js';
import { buildBootBlock, buildStub } from '../../src/boot/block.js';
import { fdtCells, fdtText, findNode, readFdt, type Fdt } from '../../src/firmware/fdt.js';
import type { Handover } from '../../src/firmware/handover.js';
import { loadCard } from '../../src/firmware/load.js';
import { placeFiles, prepareHandover, type PrepareOptions } from '../../src/firmware/prepare.js';
import { compileTree } from '../support/device-trees.js';
import {
  concat,
  entry,
  oldZImage,
  sizedZImage,
  text,
  trailer,
  u32,
  zImage,
} from '../support/kernel-files.js';
import { memoryCard } from '../support/memory-card.js';
import {
  HYP_STUB,
  OWN_LINE,
  startElfOf,
  stubOf2015,
  stubWithContract,
  TEXTS_2015,
  TEXTS_TODAY,
} from '../support/stub-sources.js';

type Files = Record<string, string | Uint8Array>;

/** A tree like the real ones where it matters. */
const tree = compileTree(`/dts-v1/;
/ {
  #address-cells = <1>; #size-cells = <1>;
  aliases { ethernet0 = "/soc/ethernet@1"; };
  chosen { bootargs = "from_tree"; };
  memory@0 { device_type = "memory"; reg = <0 0>; };
  soc { ethernet@1 { reg = <1>; }; };
};`);
const bigTree = compileTree(`/dts-v1/; / { filler = [${'5a '.repeat(0x5000)}]; };`);

const kernel = zImage({ packed: new Uint8Array(5000).fill(0x5a) });
const kernelForTree = concat(kernel, trailer(entry('DTOK', u32(1))));
const today = startElfOf(TEXTS_TODAY, [
  stubWithContract({ ...HYP_STUB, newerCore: true }),
  stubWithContract(HYP_STUB),
]);
const of2015 = startElfOf(TEXTS_2015, [stubOf2015({ ...HYP_STUB, hyp: false })]);

const CARD_TODAY: Files = {
  'start.elf': today,
  'kernel7.img': kernel,
  'bcm2836-rpi-2-b.dtb': tree,
  'cmdline.txt': 'root=/dev/mmcblk0p2\n',
};
const CARD_2015: Files = {
  'start.elf': of2015,
  'kernel7.img': kernelForTree,
  'bcm2709-rpi-2-b.dtb': tree,
  'cmdline.txt': 'x',
};

const prepare = (files: Files, options?: PrepareOptions): Promise<Handover> =>
  prepareHandover(memoryCard(files), options);

/** The byte that the machine holds at an address. */
const at = (handover: Handover, address: number): number =>
  handover.memory
    .filter((segment) => segment.address <= address && address < segment.address + segment.data.length)
    .map((segment) => segment.data[address - segment.address]!)[0] ?? 0;
const bytesAt = (handover: Handover, address: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => at(handover, address + i));
const treeOf = (handover: Handover): Fdt =>
  readFdt(bytesAt(handover, handover.picked.tree!.address, handover.picked.tree!.size));
const refused = (code: string): Error => expect.objectContaining({ code }) as Error;

/** What every handover keeps: pieces in order, apart from each other, within the ARM's memory. */
function expectSound({ memory, armMemory }: Handover): void {
  let end = 0;
  for (const segment of memory) {
    expect(segment.address).toBeGreaterThanOrEqual(end);
    end = segment.address + segment.data.length;
  }
  expect(end).toBeLessThanOrEqual(armMemory);
}

describe("today's firmware", () => {
  let handover: Handover;
  beforeAll(async () => {
    handover = await prepare(CARD_TODAY);
  });

  test('puts its stub at 0 with the addresses filled in, the kernel at 0x8000, the tree up high', () => {
    expectSound(handover);
    expect(handover.picked).toMatchObject({
      kernel: { file: 'kernel7.img', address: 0x8000, size: kernel.length },
      stub: { from: 'start.elf', file: 'start.elf', offset: today.length - 0x200 },
      tree: { file: 'bcm2836-rpi-2-b.dtb' },
      initramfs: undefined,
      notes: [],
    });
    const { address, size } = handover.picked.tree!;
    // As a Pi logs it: the highest multiple of 0x100 from which the tree ends at 0x2f000000 or below.
    expect(address % 0x100).toBe(0);
    expect(0x2f00_0000 - (address + size)).toBeGreaterThanOrEqual(0);
    expect(0x2f00_0000 - (address + size)).toBeLessThan(0x100);

    const stub = bytesAt(handover, 0, 0x100);
    expect([readU32LE(stub, 0xf8), readU32LE(stub, 0xfc)]).toEqual([address, 0x8000]);
    expect(stub.subarray(0, 0xf8)).toEqual(stubWithContract(HYP_STUB).subarray(0, 0xf8));
    expect(bytesAt(handover, 0x8000, kernel.length)).toEqual(kernel);
  });

  test('writes into the tree', () => {
    const fdt = treeOf(handover);
    const value = (path: string, name: string): Uint8Array => findNode(fdt, path)!.properties.get(name)!;
    // 1 GiB without 76 MiB, the documented default of gpu_mem.
    expect(handover.armMemory).toBe(0x4000_0000 - 76 * 1024 * 1024);
    expect(fdtCells(value('/memory@0', 'reg'))).toEqual([0, handover.armMemory]);
    expect(fdtCells(value('/system', 'linux,revision'))).toEqual([0xa0_1041]);
    expect(value('/soc/ethernet@1', 'local-mac-address')).toEqual(Uint8Array.of(0xb8, 0x27, 0xeb, 0, 0, 0));
    expect(fdtText(value('/chosen', 'bootargs'))).toBe(handover.picked.commandLine);
    expect(handover.picked.commandLine).toMatch(
      /^from_tree .*bcm2709\.boardrev=0xa01041 .*root=\/dev\/mmcblk0p2$/,
    );
  });

  test('gives the kernel a seed for its random numbers, the same at each start', async () => {
    const seedOf = (it: Handover): Uint8Array | undefined =>
      findNode(treeOf(it), '/chosen')!.properties.get('rng-seed');
    const seed = seedOf(handover)!;
    expect(seed).toHaveLength(64);
    // Of so many random bytes more than a fourth is the same once in a lifetime.
    expect(new Set(seed).size).toBeGreaterThan(48);
    expect(seedOf(await prepare(CARD_TODAY))).toEqual(seed);
    const before = startElfOf(
      TEXTS_TODAY.filter((text) => !text.includes('rng-seed')),
      [stubWithContract(HYP_STUB)],
    );
    expect(seedOf(await prepare({ ...CARD_TODAY, 'start.elf': before }))).toBeUndefined();
  });

  test('places the initramfs as a real Pi 2 was seen to', async () => {
    // raspberrypi/firmware issue 1292, a Pi 2 v1.1: an initramfs of 0x203181 bytes was loaded to 0x2edfc000.
    const ramdisk = new Uint8Array(0x20_3181).fill(0xaa);
    const files = { ...CARD_TODAY, initrd: ramdisk, 'config.txt': 'initramfs initrd followkernel' };
    const loaded = await prepare(files);
    expectSound(loaded);
    expect(loaded.picked.initramfs).toEqual({ file: 'initrd', address: 0x2edf_c000, size: 0x20_3181 });
    const fdt = treeOf(loaded);
    const chosen = findNode(fdt, '/chosen')!;
    expect(fdtCells(chosen.properties.get('linux,initrd-start')!)).toEqual([0x2edf_c000]);
    expect(fdtCells(chosen.properties.get('linux,initrd-end')!)).toEqual([0x2edf_c000 + 0x20_3181]);
    expect(loaded.picked.tree!.address).toBeLessThan(0x2edf_c000);
    expect(loaded.picked.tree!.address).toBeGreaterThan(0x2edf_c000 - 0x2000);
  });

  test('takes settings from config.txt for this board', async () => {
    const config = [
      'gpu_mem=64',
      'kernel=my.img',
      'cmdline=args.txt',
      'device_tree=my.dtb',
      'device_tree_address=0x4000000',
      'kernel_address=0x208000',
      'initramfs a,b 0x5000000',
      '[pi3]',
      'kernel=kernel8.img',
    ];
    const loaded = await prepare({
      ...CARD_TODAY,
      'config.txt': config.join('\r\n'),
      'my.img': kernel,
      'my.dtb': tree,
      'args.txt': 'console=serial0,115200 console=tty1',
      a: text('first '),
      b: text('second'),
    });
    expectSound(loaded);
    expect(loaded.picked).toMatchObject({
      kernel: { file: 'my.img', address: 0x20_8000 },
      tree: { file: 'my.dtb', address: 0x400_0000 },
      initramfs: { file: 'a,b', address: 0x500_0000, size: 12 },
    });
    expect(loaded.armMemory).toBe(0x3c00_0000);
    expect(bytesAt(loaded, 0x500_0000, 12)).toEqual(text('first second'));
    expect(loaded.picked.commandLine).toContain('console=ttyAMA0,115200 console=tty1');
    expect(readU32LE(bytesAt(loaded, 0xfc, 4), 0)).toBe(0x20_8000);
  });

  test('whether a stub with the address in its code heeds kernel_address is not known', async () => {
    const lines = (config: string) => prepare({ ...CARD_2015, 'config.txt': config });
    const { picked } = await lines('kernel_address=0x10000\n');
    expect(picked.unsure).toEqual([expect.stringMatching(/jumps to 0x8000\b.*kernel_address.*0x10000\b/)]);
    expect((await lines('kernel_address=0x8000\n')).picked.unsure).toEqual([]);
  });

  test('uses armstub=, else armstub7.bin, and writes addresses only where the stub asks for them', async () => {
    const stub = buildStub();
    const named = await prepare({ ...CARD_TODAY, 'hyp.bin': stub, 'config.txt': 'armstub=hyp.bin' });
    expect(named.picked.stub).toEqual({ from: 'file', file: 'hyp.bin' });
    expect(readU32LE(bytesAt(named, 0xf8, 4), 0)).toBe(named.picked.tree!.address);
    expect(bytesAt(named, 0, 0xf8)).toEqual(stub.subarray(0, 0xf8));

    const found = await prepare({ ...CARD_TODAY, 'armstub7.bin': stub });
    expect(found.picked.stub).toEqual({ from: 'file', file: 'armstub7.bin' });

    const bare = u32(...Array<number>(64).fill(0xe1a0_0000));
    const plain = await prepare({ ...CARD_TODAY, 'armstub7.bin': bare });
    expect(bytesAt(plain, 0, 0x100)).toEqual(bare);
    expect(plain.picked.notes.join()).toContain('5afe570b');
  });

  test('finds its files under os_prefix where kernel and tree are there, else ignores it', async () => {
    const config = { 'config.txt': 'os_prefix=new/' };
    const there = {
      ...CARD_TODAY,
      ...config,
      'new/kernel7.img': kernel,
      'new/bcm2709-rpi-2-b.dtb': tree,
      'new/cmdline.txt': 'new',
    };
    expect((await prepare(there)).picked).toMatchObject({
      kernel: { file: 'new/kernel7.img' },
      tree: { file: 'new/bcm2709-rpi-2-b.dtb' },
      commandLine: expect.stringMatching(/ new$/) as string,
    });
    const half = await prepare({ ...CARD_TODAY, ...config, 'new/kernel7.img': kernel });
    expect(half.picked).toMatchObject({
      kernel: { file: 'kernel7.img' },
      notes: [expect.stringContaining('os_prefix') as string],
    });
  });

  test('whether os_prefix is ignored, where it has a kernel and the card no tree, is not known', async () => {
    const bare = { 'start.elf': today, 'cmdline.txt': 'x' };
    const alone = { ...bare, 'config.txt': 'os_prefix=new/', 'new/kernel7.img': kernel };
    for (const [files, file] of [
      [{ ...alone, 'kernel7.img': kernel }, 'kernel7.img'],
      [alone, 'new/kernel7.img'],
    ] as const) {
      const { picked } = await prepare(files);
      expect(picked.kernel.file).toBe(file);
      expect(picked.unsure).toEqual([
        'Whether os_prefix=new/ is ignored is not known: there is a kernel under it, and no device tree on the card.',
      ]);
    }
    const nothing = await prepare({ ...bare, 'config.txt': 'os_prefix=new/', 'kernel7.img': kernel });
    expect(nothing.picked.unsure).toEqual([]);
  });

  test.each([
    ['arm_64bit=1', 'arm_64bit'],
    ['arm_control=0x200', 'arm_control=0x200'],
    ['arm_control=0x100', undefined],
    ['arm_64bit=0', undefined],
  ])('%s asks in vain for 64 bits, or does not ask', async (line, asks) => {
    const { notes } = (await prepare({ ...CARD_TODAY, 'config.txt': line })).picked;
    expect(notes).toEqual(
      asks === undefined ? [] : [`${asks} is taken to be ignored: the BCM2836 has no 64-bit cores.`],
    );
  });

  test('leads up from os_prefix by "..", and from the root by a slash, as the files of NetBSD have it', async () => {
    const files = {
      ...CARD_TODAY,
      'new/dtb/bcm2836-rpi-2-b.dtb': tree,
      'mine.img': kernel,
      'mine.txt': text('mine'),
    };
    for (const name of ['../../mine.img', '/mine.img', './../../mine.img']) {
      const config = `os_prefix=new/dtb/\ncmdline=../../mine.txt\nkernel=${name}\n`;
      expect((await prepare({ ...files, 'config.txt': config })).picked).toMatchObject({
        kernel: { file: 'mine.img' },
        tree: { file: 'new/dtb/bcm2836-rpi-2-b.dtb' },
        commandLine: expect.stringMatching(/ mine$/) as string,
        osPrefix: 'new/dtb/',
      });
    }
    for (const name of ['../kernel7.img', './kernel7.img', 'new/../../kernel7.img']) {
      const above = { ...CARD_TODAY, 'config.txt': `kernel=${name}` };
      await expect(prepare(above)).rejects.toThrow(refused('firmware.no-file'));
    }
  });

  test('a name beyond ASCII is found, and whether the firmware finds it is not known', async () => {
    for (const [name, unsure] of [
      ['k\u00f6rnel.img', 1],
      ['kernel-mine.img', 0],
    ] as const) {
      const { picked } = await prepare({ ...CARD_TODAY, [name]: kernel, 'config.txt': `kernel=${name}` });
      expect([picked.kernel.file, picked.unsure.length]).toEqual([name, unsure]);
    }
  });

  test('takes the command line from the root by a slash, whatever os_prefix has', async () => {
    const files = {
      ...CARD_TODAY,
      'new/kernel7.img': kernel,
      'new/bcm2709-rpi-2-b.dtb': tree,
      'new/mine.txt': text('new'),
      'mine.txt': text('root'),
    };
    for (const [name, line] of [
      ['/mine.txt', 'root'],
      ['mine.txt', 'new'],
    ] as const) {
      const { picked } = await prepare({ ...files, 'config.txt': `os_prefix=new/\ncmdline=${name}\n` });
      expect(picked.commandLine).toMatch(new RegExp(` ${line}$`));
    }
  });

  test('finds the initramfs of the kernel with auto_initramfs', async () => {
    const files = { ...CARD_TODAY, 'config.txt': 'auto_initramfs=1', initramfs7: text('ramdisk') };
    expect((await prepare(files)).picked.initramfs).toMatchObject({ file: 'initramfs7', size: 7 });
  });

  test.each<[string, string, string | undefined]>([
    ['its own', 'initramfs-mine', 'initramfs-mine'],
    ["the Pi 2's", 'initramfs7', undefined],
    ['none', 'initramfs8', undefined],
  ])('beside a kernel of another name, with %s there', async (_, there, taken) => {
    // raspberrypi/firmware, issue 1965: it was one for the board, and is one for the kernel's name.
    const config = 'auto_initramfs=1\nkernel=kernel-mine.img';
    const files = { ...CARD_TODAY, 'kernel-mine.img': kernel, [there]: text('rd'), 'config.txt': config };
    const { initramfs, unsure } = (await prepare(files)).picked;
    expect(initramfs?.file).toBe(taken);
    expect(unsure).toEqual(there === 'initramfs8' ? [] : [expect.stringContaining(there) as string]);
  });

  test('goes on without an initramfs that is not there, and says so', async () => {
    const { picked } = await prepare({ ...CARD_TODAY, 'config.txt': 'initramfs gone followkernel' });
    expect(picked.initramfs).toBeUndefined();
    expect(picked.notes.join()).toContain('gone');
  });

  test('a trial can add to the command line', async () => {
    const { picked } = await prepare(CARD_TODAY, { addBootargs: 'console=ttyAMA0,115200' });
    expect(picked.commandLine).toMatch(/root=\/dev\/mmcblk0p2 console=ttyAMA0,115200$/);
  });

  test('under kernel_old loads the file at 0 and the tree where config.txt pins it', async () => {
    const files = {
      ...CARD_TODAY,
      'hyp.img': concat(buildBootBlock(0x100), kernel),
      'config.txt': 'kernel=hyp.img\nkernel_old=1\ndevice_tree_address=0x100\n',
    };
    const loaded = await prepare(files);
    expectSound(loaded);
    expect(loaded.picked).toMatchObject({
      kernel: { file: 'hyp.img', address: 0, size: 0x8000 + kernel.length },
      stub: { from: 'kernel' },
      tree: { address: 0x100 },
      notes: [],
    });
    expect(bytesAt(loaded, 0, 0x100)).toEqual(buildBootBlock(0x100).slice(0, 0x100));
    expect(fdtText(treeOf(loaded).root.properties.get('serial-number')!)).toBe('0'.repeat(16));
    expect(bytesAt(loaded, 0x8000, kernel.length)).toEqual(kernel);

    // Not pinned, the block hands over an address at which there is no tree.
    const loose = await prepare({ ...files, 'config.txt': 'kernel=hyp.img\nkernel_old=1\n' });
    expect(loose.picked.notes.join()).toContain("hands the kernel 0x100 as the tree's address");
  });
});

describe("a device tree with mainline's name alone", () => {
  const UPSTREAM = 'bcm2836-rpi-2-b.dtb';
  const built = (date: string, ...more: string[]): Uint8Array =>
    startElfOf(
      [...TEXTS_TODAY.map((line) => line.replace('Apr 17 2024', date)), ...more],
      [stubWithContract(HYP_STUB)],
    );
  const treeFile = async (files: Files): Promise<string | undefined> =>
    (await prepare({ ...CARD_TODAY, ...files })).picked.tree?.file;

  // raspberrypi/firmware, issues 1261 (October 2019) and 1765 (after 1.20220331).
  test.each([
    ['Oct  4 2019', undefined],
    ['Mar 31 2022', undefined],
    ['Apr  1 2022', UPSTREAM],
    ['Jan  1 2023', UPSTREAM],
  ])('is found by firmware of %s: %s', async (date, file) => {
    expect(await treeFile({ 'start.elf': built(date) })).toBe(file);
    expect(await treeFile({ 'start.elf': built(date), 'config.txt': 'upstream_kernel=1' })).toBe(UPSTREAM);
  });

  test('is pointed at where it is not found', async () => {
    const { notes } = (await prepare({ ...CARD_TODAY, 'start.elf': built('Oct  4 2019') })).picked;
    expect(notes).toEqual([
      expect.stringContaining('bcm2709-rpi-2-b.dtb'),
      expect.stringMatching(/bcm2836-rpi-2-b\.dtb.*device_tree=/),
    ]);
  });

  test('is asked for by a trailer only where the firmware reads its tag', async () => {
    const tagged = concat(kernel, trailer(entry('DTOK', u32(1)), entry('283x', u32(1))));
    const both = { 'kernel7.img': tagged, 'bcm2709-rpi-2-b.dtb': tree };
    expect(await treeFile({ ...both, 'start.elf': built('Mar  1 2018', '283x') })).toBe(UPSTREAM);
    expect(await treeFile(both)).toBe('bcm2709-rpi-2-b.dtb');
  });

  test('where it is asked for, and not there, has the overlay upstream put on the other', async () => {
    const DOWNSTREAM = 'bcm2709-rpi-2-b.dtb';
    const overlay = compileTree(`/dts-v1/; /plugin/;
      / { fragment@0 { target-path = "/"; __overlay__ { model = "adapted"; }; }; };`);
    const then = compileTree(`/dts-v1/; /plugin/;
      / { fragment@0 { target-path = "/"; __overlay__ { model = "then"; }; }; };`);
    const { [UPSTREAM]: mainline, ...rest } = CARD_TODAY;
    const files = {
      ...rest,
      [DOWNSTREAM]: tree,
      'overlays/upstream.dtbo': overlay,
      'overlays/then.dtbo': then,
    };
    const model = async (config: string, more: Files = {}): Promise<[string | undefined, string]> => {
      const { tree: found, notes } = await loadCard(memoryCard({ ...files, 'config.txt': config, ...more }));
      const value = found?.fdt.root.properties.get('model');
      return [value && fdtText(value), notes.join(' ')];
    };
    const knows = built('Apr 17 2024', 'upstream');
    const said = expect.stringContaining('applies the overlay upstream') as string;
    const start = { 'start.elf': knows };
    expect(await model('upstream_kernel=1', start)).toEqual(['adapted', said]);
    expect(await model('upstream_kernel=1\ndtoverlay=then', start)).toEqual(['then', said]);
    expect(await model('upstream_kernel=1', { ...start, 'overlays/upstream.dtbo': 'x' })).toEqual([
      undefined,
      expect.stringMatching(/applies the overlay upstream .*The overlay upstream was not applied/),
    ]);
    expect(await model('upstream_kernel=1', { ...start, [UPSTREAM]: mainline! })).toEqual([undefined, '']);
    expect(await model('upstream_kernel=0', start)).toEqual([undefined, '']);
    expect(await model(`upstream_kernel=1\ndevice_tree=${DOWNSTREAM}`, start)).toEqual([undefined, '']);
    // Firmware in which the overlay's name does not stand.
    expect(await model('upstream_kernel=1')).toEqual([undefined, '']);
    const tagged = concat(kernel, trailer(entry('283x', u32(1))));
    const of2018 = { 'start.elf': built('Apr 16 2018', '283x', 'upstream'), 'kernel7.img': tagged };
    expect(await model('', of2018)).toEqual(['adapted', said]);
  });

  test('asked for by upstream_kernel may be in upstream/, with the kernel; where nothing is, nothing is said', async () => {
    const config = { 'config.txt': 'upstream_kernel=1\n' };
    const alone = await prepare({ ...CARD_TODAY, ...config });
    expect(alone.picked).toMatchObject({ tree: { file: UPSTREAM }, osPrefix: '', notes: [] });
    const folder = { 'upstream/kernel7.img': kernel, [`upstream/${UPSTREAM}`]: tree };
    const there = await prepare({ ...CARD_TODAY, ...config, ...folder });
    expect(there.picked).toMatchObject({ osPrefix: 'upstream/', notes: [] });
    const older = startElfOf(
      TEXTS_TODAY.filter((it) => it !== 'os_prefix'),
      [stubWithContract(HYP_STUB)],
    );
    const before = await prepare({ ...CARD_TODAY, ...config, ...folder, 'start.elf': older });
    expect(before.picked).toMatchObject({ osPrefix: '', kernel: { file: 'kernel7.img' }, notes: [] });
    const bare = { 'start.elf': today, 'cmdline.txt': 'x' };
    const kernelAlone = await prepare({ ...bare, ...config, 'upstream/kernel7.img': kernel });
    expect(kernelAlone.picked.unsure).toEqual([
      expect.stringMatching(/^Whether the prefix upstream\/ of upstream_kernel is ignored is not known/),
    ]);
  });

  test('is not asked for by a setting that the firmware does not know', async () => {
    const card = { ...CARD_2015, [UPSTREAM]: tree, 'config.txt': 'upstream_kernel=1' };
    expect((await prepare(card)).picked.tree?.file).toBe('bcm2709-rpi-2-b.dtb');
  });
});

describe('a device tree that cannot be had', () => {
  test('leaves nothing where ATAGS are turned off', async () => {
    const { memory, picked } = await prepare({
      ...CARD_2015,
      'kernel7.img': kernel,
      'config.txt': 'disable_commandline_tags=1',
    });
    expect(memory.map(({ name }) => name)).not.toContain('ATAGS');
    expect(picked.notes.join()).toContain('gets no ATAGS either');
  });

  test('is named, and the kernel gets ATAGS', async () => {
    const missing = await prepare({ ...CARD_TODAY, 'config.txt': 'device_tree=gone.dtb' });
    expect(missing.picked).toMatchObject({
      tree: undefined,
      notes: [expect.stringMatching(/gone\.dtb.*ATAGS/)],
      unsure: [],
    });
    expect(missing.memory.map(({ name }) => name)).toContain('ATAGS');

    const damaged = await prepare({ ...CARD_TODAY, 'bcm2836-rpi-2-b.dtb': tree.subarray(0, 200) });
    expect(damaged.picked.tree).toBeUndefined();
    expect(damaged.picked.notes).toEqual([
      expect.stringMatching(/^bcm2836-rpi-2-b\.dtb: The device tree is damaged: (?!.*damaged)/),
    ]);
    expect(damaged.picked.unsure).toEqual(damaged.picked.notes);
  });
});

describe('the command line', () => {
  const line = async (cmdline: string | undefined, more: Files = {}): Promise<Handover['picked']> => {
    const files = { ...CARD_TODAY, ...more };
    delete files['cmdline.txt'];
    return (await prepare(cmdline === undefined ? files : { ...files, 'cmdline.txt': cmdline })).picked;
  };

  // raspberrypi/firmware, issues 948 (a Pi 2, no file) and 1551 (a blank one).
  test.each([
    ['no file', undefined],
    ['an empty file', ''],
    ['a blank line', ' \nx=1\n'],
    ['a comment alone', '# x=1\n'],
  ])("%s: it is the firmware's own, and that is said", async (_, cmdline) => {
    const { commandLine, notes } = await line(cmdline);
    expect(commandLine.endsWith(OWN_LINE)).toBe(true);
    expect(notes.at(-1)).toContain(OWN_LINE);
  });

  test('is the first line that is no comment and that filters let through', async () => {
    const { commandLine, notes } = await line('# old\n[pi3]\na=3\n[pi2]\n  a=2  \n\n# a=0\n[all]\na=1\n');
    expect(commandLine).toMatch(/ a=2$/);
    expect(notes).toEqual([]);
  });

  test('is one line: what stands on others is said to be lost', async () => {
    const { commandLine, notes } = await line('a=1\n\n# b\nroot=/dev/sda2\nc=3\n');
    expect(commandLine).toMatch(/ a=1$/);
    expect(notes).toEqual([expect.stringMatching(/one line of cmdline\.txt, line 1: .*"root=\/dev\/sda2"/)]);
  });

  test('under a filter that nobody knows is said to hang on it', async () => {
    const { commandLine, notes } = await line('[EDID=A-B]\na=1\n[all]\na=2\n');
    expect(commandLine).toMatch(/ a=2$/);
    expect(notes).toEqual([expect.stringMatching(/line 2 of cmdline\.txt .*the monitor that is connected/)]);
    const { notes: two } = await line('[pi2][gpio4=1]\na=1\n');
    expect(two).toEqual([expect.stringContaining('two filters on one line ([pi2][gpio4=1])')]);
  });

  test('is said to be too long for the firmware, and for Linux, and what is lost', async () => {
    // start.elf has a buffer of 1 KiB, Linux one of COMMAND_LINE_SIZE, 1024 on 32-bit Arm; both with their end.
    const { commandLine, notes } = await line(`${'x'.repeat(1018)} a=1\tb=2 root=/dev/sda\n`);
    expect(commandLine).toMatch(/x a=1$/);
    const [firmware, linux, ...more] = notes;
    expect(firmware).toMatch(/cmdline\.txt .*1023.*"b=2 root=\/dev\/sda"/);
    expect(linux).toMatch(new RegExp(` ${commandLine.length} .* 1023.*"${commandLine.slice(1023, 1083)}…"`));
    expect(more).toEqual([]);
    // As long as it may be, with what the firmware puts before it.
    const before = (await line('y')).commandLine.length - 1;
    expect((await line('y'.repeat(1023 - before))).notes).toEqual([]);
    expect((await line('y'.repeat(1024 - before))).notes).toEqual([expect.stringMatching(/ 1024 .*"y"/)]);
  });

  test('is looked for without os_prefix, too', async () => {
    const prefixed = {
      'new/kernel7.img': kernel,
      'new/bcm2836-rpi-2-b.dtb': tree,
      'config.txt': 'os_prefix=new/',
    };
    expect((await line('a=1', prefixed)).commandLine).toMatch(/ a=1$/);
    expect((await line('a=1', { ...prefixed, 'new/cmdline.txt': 'a=2' })).commandLine).toMatch(/ a=2$/);
  });

  test('is no value of cmdline=, which names a file', async () => {
    const { notes } = await line('a=1', { 'config.txt': 'cmdline=console=tty1 root=/dev/sda2' });
    expect(notes).toContain('cmdline= names a file; what the kernel is to read stands in cmdline.txt.');
  });

  test('where start.elf holds none is not known', async () => {
    const silent = startElfOf(
      TEXTS_TODAY.filter((text) => text !== OWN_LINE),
      [stubWithContract(HYP_STUB)],
    );
    const { notes } = await line(undefined, { 'start.elf': silent });
    expect(notes).toEqual([expect.stringContaining('not known')]);
  });
});

describe('firmware of 2015', () => {
  test('puts the tree at 0x100 and that address where its stub keeps it', async () => {
    const loaded = await prepare(CARD_2015);
    expectSound(loaded);
    expect(loaded.picked).toMatchObject({
      kernel: { address: 0x8000 },
      stub: { from: 'start.elf', offset: of2015.length - 0x200 },
      tree: { address: 0x100 },
      notes: [],
    });
    // 64 MiB for the VideoCore, the default of that time, and 16 MiB that nobody gets: 944 MiB, as a Pi 2 logged in 2015.
    expect(loaded.armMemory).toBe(241_664 * 0x1000);
    const pinned = await prepare({ ...CARD_2015, 'config.txt': 'device_tree_address=0x17fdd200' });
    expect(pinned.picked.tree!.address).toBe(0x17fd_d200);
    expect(readU32LE(bytesAt(pinned, 0x14, 4), 0)).toBe(0x17fd_d200);
  });

  test('the hint for firmware without a stub names armstub= only where that is known', async () => {
    const refusal = async (texts: readonly string[]): Promise<unknown> =>
      prepare({ ...CARD_TODAY, 'start.elf': startElfOf(texts, []) }).catch((error: unknown) => error);
    expect(await refusal(TEXTS_TODAY)).toMatchObject({
      code: 'firmware.no-stub',
      hint: expect.stringContaining('armstub=') as string,
    });
    const before = TEXTS_TODAY.filter((text) => !text.includes('armstub'));
    expect(await refusal(before)).toMatchObject({
      code: 'firmware.no-stub',
      hint: expect.stringContaining('start.elf and fixup.dat of a release') as string,
    });
  });

  test('whether a tree that is named reaches a kernel without the trailer is not known', async () => {
    const files = { ...CARD_2015, 'kernel7.img': kernel, 'config.txt': 'device_tree=bcm2709-rpi-2-b.dtb' };
    const { picked } = await prepare(files);
    expect(picked.unsure).toEqual([expect.stringContaining('device_tree=bcm2709-rpi-2-b.dtb')]);
  });

  test('gives ATAGS to a kernel without the trailer', async () => {
    const files = {
      ...CARD_2015,
      'kernel7.img': kernel,
      'cmdline.txt': 'hello',
      ramdisk: text('ramdisk'),
      'config.txt': 'initramfs ramdisk 0x1000000',
    };
    const loaded = await prepare(files);
    expect(loaded.picked.tree).toBeUndefined();
    expect(loaded.picked.notes.join()).toContain('DTOK');
    expect(loaded.picked.unsure).toEqual([]);
    const list = loaded.memory.find(({ name }) => name === 'ATAGS')!;
    expect(list.address).toBe(0x100);
    // Walked as Linux does (arch/arm/kernel/atags_parse.c): size in words, tag, values; the last one has size 0.
    const tags = new Map<number, Uint8Array>();
    for (let offset = 0; readU32LE(list.data, offset) !== 0; offset += readU32LE(list.data, offset) * 4) {
      tags.set(
        readU32LE(list.data, offset + 4),
        list.data.subarray(offset + 8, offset + readU32LE(list.data, offset) * 4),
      );
    }
    expect([...tags.keys()][0]).toBe(0x5441_0001);
    expect([0, 4].map((i) => readU32LE(tags.get(0x5441_0002)!, i))).toEqual([loaded.armMemory, 0]);
    expect([0, 4].map((i) => readU32LE(tags.get(0x5442_0005)!, i))).toEqual([0x100_0000, 7]);
    expect(new TextDecoder().decode(tags.get(0x5441_0009))).toMatch(/hello\0+$/);
  });

  test('does not know armstub', async () => {
    const { picked } = await prepare({
      ...CARD_2015,
      'armstub7.bin': buildStub(),
      'config.txt': 'armstub=armstub7.bin',
    });
    expect(picked.stub.from).toBe('start.elf');
    expect(picked.notes.join()).toContain('does not know armstub');
  });

  test('destroys a tree that reaches into the page tables, and it is said', async () => {
    const { picked } = await prepare({ ...CARD_2015, 'bcm2709-rpi-2-b.dtb': bigTree });
    expect(picked.notes.join()).toContain(
      'into 0x4000 to 0x7fff, where the kernel puts its first page tables',
    );
  });

  test('what a kernel that runs elsewhere destroys, lies there', async () => {
    // As multi_v7_defconfig's: page tables below 0x208000, the kernel from there to 0x144a040 at most.
    const runs = sizedZImage([6, 0x5a53_4c4b, 0xff0, 0x400, 0x20_8000, 0x1_0000]);
    const kernel7 = concat(
      runs,
      trailer(entry('DTOK', u32(1)), entry('KVer', text('Linux version 6.1.0 (a)\0'))),
    );
    const card = {
      ...CARD_TODAY,
      'kernel7.img': kernel7,
      'bcm2836-rpi-2-b.dtb': bigTree,
      initrd: text('initrd'),
    };
    const found = async (config: string): Promise<{ lost: string | undefined; notes: string }> => {
      const { treeLost, notes } = (await prepare({ ...card, 'config.txt': config })).picked;
      return { lost: treeLost, notes: notes.join('\n') };
    };
    // Where those of a kernel at 0x8000 would be.
    expect(await found('device_tree_address=0x100')).toEqual({ lost: undefined, notes: '' });
    const tables = await found('device_tree_address=0x200000');
    expect(tables.lost).toMatch(/into 0x204000 to 0x207fff, where the kernel puts its first page tables/);
    const unpacked = await found('device_tree_address=0x1000000');
    expect(unpacked.lost).toMatch(
      /from 0x1000000 to 0x1005[0-9a-f]{3}, lies where the kernel unpacks itself, 0x208000 to 0x144a03f;/,
    );
    expect((await found('device_tree_address=0x2000000')).lost).toBeUndefined();
    const { lost, notes } = await found('initramfs initrd 0x00a00000');
    expect([lost, notes]).toEqual([
      undefined,
      expect.stringContaining('The initramfs initrd, from 0xa00000 to 0xa00006, lies where'),
    ]);
    expect((await found('initramfs initrd 0x02000000')).notes).toBe('');
    expect((await found('initramfs initrd followkernel')).notes).toBe('');
  });

  test('what a kernel without a table of sizes unpacks itself over is said, and nothing more', async () => {
    const card = {
      ...CARD_2015,
      'kernel7.img': concat(oldZImage(0x84_0a64), trailer(entry('DTOK', u32(1)))),
      initrd: text('initrd'),
    };
    const found = async (config: string, files: Files = card): Promise<string> => {
      const { picked } = await prepare({ ...files, 'config.txt': config });
      expect([picked.treeLost, picked.treeLostByFirmware, picked.unsure]).toEqual([undefined, undefined, []]);
      return picked.notes.join('\n');
    };
    expect(await found('initramfs initrd followkernel')).toMatch(
      /^The initramfs initrd, from 0x90[0-9a-f]{2} to 0x90[0-9a-f]{2}, lies where the kernel unpacks itself, 0x8000 to 0x848a63: Linux starts without it, unless the firmware moves it .*issues 413 and 869\)\. An address further up in config\.txt, 0x2000000 say, keeps it\.$/,
    );
    expect(await found('initramfs initrd 0x00800000')).toMatch(/without it\. An address further up/);
    expect(await found('initramfs initrd 0x02000000')).toBe('');
    const today = { ...card, 'start.elf': CARD_TODAY['start.elf']! };
    expect(await found('initramfs initrd 0x00800000', today)).toMatch(/without it\. followkernel instead/);
    expect(await found('initramfs initrd followkernel', today)).toBe('');
    expect(await found('device_tree_address=0x00800000')).toMatch(
      /^The device tree, from 0x800000 to 0x800[0-9a-f]{3}, lies where .*; it is destroyed there\.$/,
    );
    expect(await found('')).toBe('');
  });

  test('destroys one that only the page tables of LPAE reach', async () => {
    const tree = compileTree(`/dts-v1/; / { filler = [${'5a '.repeat(0x3400)}]; };`);
    const notesWith = async (...names: string[]): Promise<string> => {
      const packed = gzipSync(text(`${names.join('\0')}\0Linux version 4.9.0 (a@b)\n`));
      const kernel7 = concat(zImage({ packed }), trailer(entry('DTOK', u32(1))));
      const files = { ...CARD_2015, 'bcm2709-rpi-2-b.dtb': tree, 'kernel7.img': kernel7 };
      return (await prepare(files)).picked.notes.join();
    };
    expect(await notesWith('level 1 translation fault')).toContain('into 0x3000 to 0x7fff');
    expect(await notesWith('section translation fault')).toBe('');
    expect(await notesWith()).toBe('');
  });

  test('older than filters takes every line', async () => {
    const firmware = startElfOf(
      TEXTS_2015.filter((line) => line !== '[%60c]'),
      [stubOf2015(HYP_STUB)],
    );
    const files = {
      ...CARD_2015,
      'start.elf': firmware,
      'other.img': kernelForTree,
      'config.txt': '[pi1]\nkernel=other.img',
    };
    expect((await prepare(files)).picked.kernel.file).toBe('other.img');
    expect((await prepare({ ...files, 'start.elf': of2015 })).picked.kernel.file).toBe('kernel7.img');
  });
});

describe('a card without start.elf', () => {
  test('gets a plain stub, and it is said', async () => {
    const loaded = await prepare({ 'kernel7.img': kernel, 'bcm2836-rpi-2-b.dtb': tree });
    expectSound(loaded);
    expect(loaded.picked.stub).toEqual({ from: 'none' });
    expect(loaded.picked.notes.join()).toContain('no start.elf');
  });
});

describe('what cannot start', () => {
  const without = (name: string): Files =>
    Object.fromEntries(Object.entries(CARD_TODAY).filter(([key]) => key !== name));
  const arm64 = concat(new Uint8Array(56).fill(1), text('ARM\x64'), new Uint8Array(100));

  test.each<[string, string, Files]>([
    ['no kernel', 'firmware.no-kernel', without('kernel7.img')],
    ['a kernel named and missing', 'firmware.no-file', { ...CARD_TODAY, 'config.txt': 'kernel=gone.img' }],
    ['a stub named and missing', 'firmware.no-file', { ...CARD_TODAY, 'config.txt': 'armstub=gone.bin' }],
    ['start_x without its file', 'firmware.no-file', { ...CARD_TODAY, 'config.txt': 'start_x=1' }],
    ['a 64-bit kernel', 'firmware.arm64-kernel', { ...CARD_TODAY, 'kernel7.img': arm64 }],
    ['an empty kernel', 'firmware.not-a-kernel', { ...CARD_TODAY, 'kernel7.img': '' }],
    ['something else for start.elf', 'firmware.not-start-elf', { ...CARD_TODAY, 'start.elf': 'text' }],
    [
      'start.elf without a stub',
      'firmware.no-stub',
      { ...CARD_TODAY, 'start.elf': startElfOf(TEXTS_TODAY, []) },
    ],
    [
      'a tree in the kernel',
      'firmware.overlap',
      { ...CARD_TODAY, 'config.txt': 'device_tree_address=0x8100' },
    ],
    ['a tree over the stub', 'firmware.overlap', { ...CARD_TODAY, 'config.txt': 'device_tree_address=0x80' }],
    [
      'a kernel past the memory',
      'firmware.no-room',
      { ...CARD_TODAY, 'config.txt': 'kernel_address=0x3fffff00' },
    ],
    [
      'an initramfs over the kernel',
      'firmware.overlap',
      { ...CARD_TODAY, r: text('ramdisk'), 'config.txt': 'initramfs r 0x8080' },
    ],
  ])('%s is refused', async (_, code, files) => {
    await expect(prepare(files)).rejects.toThrow(refused(code));
  });

  test('whatever config.txt says, a sound machine comes out or an error with a code', async () => {
    const line = fc.oneof(
      fc
        .tuple(
          fc.constantFrom(
            'kernel_address',
            'device_tree_address',
            'gpu_mem',
            'gpu_mem_1024',
            'total_mem',
            'kernel_old',
            'ramfsaddr',
          ),
          fc.oneof(fc.nat(2000), fc.nat(0xffff_ffff), fc.constant(-1)),
        )
        .map(([name, value]) => `${name}=${value}`),
      fc.constantFrom(
        'initramfs cmdline.txt followkernel',
        'armstub=kernel7.img',
        'device_tree=',
        'ramfsfile=cmdline.txt',
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 5 }), fc.boolean(), async (lines, old) => {
        try {
          expectSound(
            await prepare({
              ...(old ? CARD_2015 : CARD_TODAY),
              'cmdline.txt': 'x',
              'config.txt': lines.join('\n'),
            }),
          );
        } catch (error) {
          if (!(error instanceof HypberryError)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});

// raspberrypi/firmware, issue 1529: as Alpine's files on a volume that is called boot.
test.each<[string, Files, string]>([
  ['the kernel', { 'config.txt': 'kernel=boot/vmlinuz', 'boot/vmlinuz': kernel }, 'boot/vmlinuz'],
  ['the initramfs', { 'config.txt': 'initramfs boot/rd followkernel', 'boot/rd': 'x' }, 'boot/rd'],
  ['the tree', { 'config.txt': 'device_tree=/boot/my.dtb', 'boot/my.dtb': tree }, 'boot/my.dtb'],
])('%s in a folder that has the name of the volume may not be found', async (_, files, file) => {
  const unsureOf = async (label: string | undefined): Promise<readonly string[]> => {
    const card = memoryCard({ ...CARD_TODAY, ...files });
    return (await prepareHandover({ ...card, label })).picked.unsure;
  };
  expect(await unsureOf('BOOT')).toEqual([
    expect.stringContaining(`${file} is in a folder that has the name`),
  ]);
  expect(await unsureOf('ALPINE')).toEqual([]);
  expect(await unsureOf(undefined)).toEqual([]);
  expect((await prepare({ ...CARD_TODAY, ...files })).picked.unsure).toEqual([]);
});

test("Debian's kernel, tree and firmware", { timeout: 300_000 }, async () => {
  const { trixie, firmware } = await inputs();
  const vmlinuz = await readFile(trixie.vmlinuz);
  const handover = await prepare({
    'start.elf': await readFile(firmware.startElf),
    'kernel7.img': vmlinuz,
    'bcm2836-rpi-2-b.dtb': await readFile(trixie.dtb),
    'cmdline.txt': 'x',
  });
  expectSound(handover);
  expect(handover.picked).toMatchObject({
    kernel: { address: 0x8000, size: vmlinuz.length },
    stub: { from: 'start.elf' },
    notes: [],
  });
  expect(readU32LE(bytesAt(handover, 0xf8, 4), 0)).toBe(handover.picked.tree!.address);
  expect(fdtText(treeOf(handover).root.properties.get('model')!)).toBe('Raspberry Pi 2 Model B');
});

test.each([
  ['today', CARD_TODAY],
  ['2015', CARD_2015],
])('what was read of a card of %s is placed anew for each command line', async (_, files) => {
  const loaded = await loadCard(memoryCard(files));
  for (const addBootargs of ['console=ttyAMA0,115200', '', `many=${'x'.repeat(3000)}`]) {
    expect(await placeFiles(loaded, addBootargs)).toEqual(await prepare(files, { addBootargs }));
  }
});
