import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import { readU32LE } from '../../src/base/bytes.js';
import { buildStub } from '../../src/boot/block.js';
import type { Card, CardReader } from '../../src/card/card.js';
import { noRoom } from '../../src/card/errors.js';
import { readConfig } from '../../src/firmware/config.js';
import type { Picked } from '../../src/firmware/handover.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { unfinishedName } from '../../src/card/unfinished.js';
import { inspectCard } from '../../src/setup/inspect.js';
import { ourFiles, withoutUnfinished } from '../../src/setup/ours.js';
import { planInstall, planUninstall, type InstallOptions } from '../../src/setup/install.js';
import { applyPlan, checkPlan, type Plan } from '../../src/setup/plan.js';
import {
  BIG_TREE,
  bootPartition,
  foreignCombined,
  FIRMWARE,
  guestFiles,
  HOST_TREE,
  kernelFile,
  PI3,
  TREE,
  type Files,
} from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';
import { fixupFor } from '../support/fixups.js';
import { ARMV7_CODE, concat, text, zImage } from '../support/kernel-files.js';
import { HYP_STUB, startElfOf, stubOf2015, TEXTS_2015 } from '../support/stub-sources.js';
import { compileTree } from '../support/device-trees.js';

const OURS = /^(?:.*[/-])?hypberry-[0-9a-f]{8}\.(?:img|bin)$/;

async function carryOut(card: Card, plan: Plan): Promise<Plan> {
  await checkPlan(card, plan);
  await applyPlan(card, plan, () => undefined);
  return plan;
}
const install = async (card: Card, options: InstallOptions = { method: 'auto' }): Promise<Plan> =>
  carryOut(card, await planInstall(card, options));
const uninstall = async (card: Card): Promise<Plan> => carryOut(card, await planUninstall(card));

/** Files as their sums: quick to compare, short where they differ. */
const sums = (files: Files): Record<string, string> =>
  Object.fromEntries(
    Object.entries(files).map(([path, data]) => [path, createHash('sha256').update(data).digest('hex')]),
  );
const ours = (files: Files): string[] => Object.keys(files).filter((path) => OURS.test(path));
const config = (files: Files): string => new TextDecoder('latin1').decode(files['config.txt']);
const picked = async (files: Files): Promise<Picked> => (await prepareHandover(changeableCard(files))).picked;
const wordAt = async (files: Files, address: number): Promise<number> => {
  const { memory } = await prepareHandover(changeableCard(files));
  const piece = memory.find((one) => one.address <= address && address < one.address + one.data.length)!;
  return readU32LE(piece.data, address - piece.address);
};
/** Where the block in a combined file, or a stub in memory, keeps the tree's address for r2 (armstub7's contract). */
const TREE_WORD = 0xf8;

describe('auto', () => {
  test('changes nothing where the firmware starts HYP mode by itself', async () => {
    const files = bootPartition('hyp');
    const plan = await planInstall(changeableCard(files), { method: 'auto' });
    expect(plan).toMatchObject({ method: undefined, changes: [] });
    expect(plan.summary).toContain('HYP mode as it is');
  });

  test('puts the block in all the same with --force, or by a method that was named', async () => {
    const options: InstallOptions[] = [
      { method: 'auto', force: true },
      { method: 'armstub' },
      { method: 'kernel_old' },
    ];
    for (const [i, method] of (['armstub', 'armstub', 'kernel_old'] as const).entries()) {
      const files = bootPartition('hyp');
      expect(await install(changeableCard(files), options[i])).toMatchObject({ method });
      expect(ours(files)).toHaveLength(1);
    }
  });

  test('is armstub where the firmware knows it', async () => {
    const files = bootPartition('svc');
    const before = { ...files };
    expect((await install(changeableCard(files))).method).toBe('armstub');
    const [stub] = ours(files);
    expect(files[stub!]).toEqual(buildStub());
    expect((await picked(files)).stub).toEqual({ from: 'file', file: stub });
    // The firmware of the same card puts the tree up high and tells the block.
    expect(await wordAt(files, TREE_WORD)).toBe((await picked(files)).tree!.address);
    expect(files['kernel7.img']).toBe(before['kernel7.img']);
  });

  test('is kernel_old on firmware of 2015, with the tree pinned', async () => {
    const files = bootPartition('of2015');
    expect((await install(changeableCard(files))).method).toBe('kernel_old');
    const [name] = ours(files);
    const combined = files[name!]!;
    expect(combined.subarray(0x8000)).toEqual(kernelFile());
    expect(combined.subarray(0x100, 0x8000).every((byte) => byte === 0)).toBe(true);
    expect(readU32LE(combined, TREE_WORD)).toBe(0x0800_0000);
    expect(await picked(files)).toMatchObject({
      kernel: { file: name, address: 0 },
      stub: { from: 'kernel' },
      tree: { address: 0x0800_0000 },
    });
  });

  test('is kernel_old where config.txt sets kernel_old=1 for a kernel with another block in front', async () => {
    const files = bootPartition('svc', {
      'hyp.img': foreignCombined(kernelFile()),
      'config.txt': 'kernel=hyp.img\nkernel_old=1\n',
    });
    expect((await install(changeableCard(files))).method).toBe('kernel_old');
    // Our block in its place, not in front of it.
    expect(files[ours(files)[0]!]!.subarray(0x8000)).toEqual(kernelFile());
    expect((await picked(files)).kernel.file).toBe(ours(files)[0]);
  });

  test('is nothing to do where somebody put our block in front by hand', async () => {
    const card = changeableCard(bootPartition('of2015'));
    await install(card);
    const [name] = ours(await filesOf(card));
    const byHand = bootPartition('of2015', {
      'hyp.img': await card.read(name!),
      'config.txt': 'kernel=hyp.img\nkernel_old=1\ndevice_tree_address=0x08000000\n',
    });
    expect((await planInstall(changeableCard(byHand), { method: 'auto' })).changes).toEqual([]);
  });
});

/** A card's files in the root. */
async function filesOf(card: Card): Promise<Files> {
  const files: Files = {};
  for (const { name, isFolder } of await card.list('')) if (!isFolder) files[name] = await card.read(name);
  return files;
}

describe.each([
  ['armstub', 'svc'],
  ['kernel_old', 'of2015'],
] as const)('install by %s', (method, firmware) => {
  test('has nothing to do a second time, and the first time does what it says', async () => {
    const files = bootPartition(firmware);
    const card = changeableCard(files);
    expect((await install(card)).changes.map(({ kind }) => kind)).toEqual(['create', 'replace']);
    for (const again of ['auto', method] as const) {
      const plan = await planInstall(card, { method: again });
      expect(plan).toMatchObject({ method, changes: [] });
      expect(plan.summary).toContain('up to date');
    }
  });

  test('is taken back to the byte', async () => {
    for (const text of ['', 'a=1', '# mine\r\nx=1\r\n', '[pi1]\nkernel=kernel.img\n', '\xff\x00\n']) {
      const files = bootPartition(firmware, { 'config.txt': Uint8Array.from(text, (c) => c.charCodeAt(0)) });
      const before = structuredClone(files);
      const card = changeableCard(files);
      await install(card);
      expect(sums(files)).not.toEqual(sums(before));
      await uninstall(card);
      expect(sums(files)).toEqual(sums(before));
      expect((await planUninstall(card)).changes).toEqual([]);
    }
  });

  test('makes a config.txt where there is none, and takes it away again', async () => {
    const files = bootPartition(firmware);
    delete files['config.txt'];
    const before = { ...files };
    const card = changeableCard(files);
    await install(card);
    expect((await picked(files)).stub.from).toBe(method === 'armstub' ? 'file' : 'kernel');
    await uninstall(card);
    expect(sums(files)).toEqual(sums(before));
  });

  test('leaves what the user changed since as it is', async () => {
    for (const [before, edit, after] of [
      ['a=1\n', (it: string) => `first=1\n${it}last=1\n`, 'first=1\na=1\nlast=1\n'],
      ['a=1', (it: string) => `${it}last=1`, 'a=1\nlast=1'],
      ['a=1\r\n', (it: string) => it.replace('a=1', 'a=2'), 'a=2\r\n'],
    ] as const) {
      const files = bootPartition(firmware, { 'config.txt': before });
      const card = changeableCard(files);
      await install(card);
      files['config.txt'] = text(edit(config(files)));
      await uninstall(card);
      expect(config(files)).toBe(after);
    }
  });

  test('is taken back with one half of it gone', async () => {
    const files = bootPartition(firmware);
    const before = { ...files };
    const card = changeableCard(files);
    await install(card);
    files['config.txt'] = before['config.txt']!;
    expect((await uninstall(card)).changes).toEqual([{ kind: 'remove', path: expect.any(String) as string }]);
    await install(card);
    Reflect.deleteProperty(files, ours(files)[0]!);
    await uninstall(card);
    expect(sums(files)).toEqual(sums(before));
  });

  test.each<[string, Files, (files: Files) => unknown]>([
    ['is deleted', {}, (files) => Reflect.deleteProperty(files, 'kernel7.img')],
    [
      'is deleted that config.txt names',
      { 'config.txt': text('kernel=vmlinuz\n'), vmlinuz: kernelFile(3) },
      (files) => Reflect.deleteProperty(files, 'vmlinuz'),
    ],
    [
      'is deleted beside that of a Pi 1',
      { 'kernel.img': kernelFile(1, '6.6.20+rpt-rpi-v6') },
      (files) => Reflect.deleteProperty(files, 'kernel7.img'),
    ],
    ['is emptied by an upgrade', {}, (files) => (files['kernel7.img'] = new Uint8Array())],
  ])('keeps the last copy of a kernel that %s meanwhile, and says what is left', async (_, more, lose) => {
    const files = bootPartition(firmware, more);
    if (more['vmlinuz']) Reflect.deleteProperty(files, 'kernel7.img');
    const card = changeableCard(files);
    await install(card);
    const [path] = ours(files);
    const kernel = { ...files };
    lose(files);
    for (const changes of [1, 0]) {
      const plan = await uninstall(card);
      expect(plan.summary).not.toContain('starts as it did before');
      if (method === 'armstub') {
        expect(plan.summary).toContain('starts no kernel');
        expect(ours(files)).toEqual([]);
        return;
      }
      expect(plan.changes).toHaveLength(changes);
      expect(plan.notes).toEqual([expect.stringMatching(`^${path!} stays`)]);
      expect(sums(files)[path!]).toBe(sums(kernel)[path!]);
    }
    files['kernel7.img'] = kernelFile();
    files['vmlinuz'] = kernelFile();
    await uninstall(card);
    expect(ours(files)).toEqual([]);
  });

  test('puts a file of ours right that was damaged', async () => {
    const files = bootPartition(firmware);
    const card = changeableCard(files);
    await install(card);
    const after = { ...files };
    const [name] = ours(files);
    files[name!] = files[name!]!.slice(0, 300).fill(0);
    expect((await install(card)).changes).toMatchObject([{ kind: 'replace', path: name }]);
    expect(sums(files)).toEqual(sums(after));
  });

  test.each(['card.permission', 'card.no-file'])(
    'passes by a folder that cannot be listed: %s',
    async (code) => {
      const files = bootPartition(firmware, { 'lost+found/x': '' });
      const before = sums(files);
      const open = changeableCard(files);
      const card: Card = {
        ...open,
        list: async (folder) => {
          if (folder === '') return open.list(folder);
          throw new HypberryError(code, `"${folder}" cannot be listed.`, 'Use sudo.');
        },
      };
      await install(card);
      expect(sums(files)).not.toEqual(before);
      await uninstall(card);
      expect(sums(files)).toEqual(before);
    },
  );

  test('keeps copies of its files under names and in folders of the user', async () => {
    const files = bootPartition(firmware);
    const card = changeableCard(files);
    await install(card);
    const [name] = ours(files);
    const copies = [`backup-${name}`, `kept/${name}`];
    for (const copy of copies) files[copy] = files[name!]!;
    const plan = await uninstall(card);
    expect(ours(files).sort()).toEqual(copies);
    for (const copy of copies) expect(plan.notes.join()).toContain(`${copy} stays`);
  });

  test('keeps a file of ours that the user names', async () => {
    const files = bootPartition(firmware);
    const card = changeableCard(files);
    await install(card);
    const [name] = ours(files);
    // The lines are there, the markers are not.
    files['config.txt'] = text(config(files).replaceAll(/# hypberry.*\n/g, ''));
    const plan = await uninstall(card);
    expect(plan.changes).toEqual([]);
    expect(plan.notes.join()).toContain(name);
    expect((await picked(files)).stub.from).toBe(method === 'armstub' ? 'file' : 'kernel');
  });
});

describe('install again', () => {
  test('refreshes after a kernel upgrade: new file, config.txt, then the old file', async () => {
    const files = bootPartition('of2015');
    const card = changeableCard(files);
    await install(card);
    const [old] = ours(files);
    files['kernel7.img'] = kernelFile(2);
    const plan = await install(card);
    const [fresh] = ours(files);
    expect(fresh).not.toBe(old);
    expect(plan.changes.map(({ kind, path }) => [kind, path])).toEqual([
      ['create', fresh],
      ['replace', 'config.txt'],
      ['remove', old],
    ]);
    expect(files[fresh!]!.subarray(0x8000)).toEqual(kernelFile(2));
    expect((await picked(files)).kernel.file).toBe(fresh);
  });

  test('switches the method, and keeps it', async () => {
    const files = bootPartition('svc');
    const before = { ...files };
    const card = changeableCard(files);
    for (const method of ['armstub', 'kernel_old', 'armstub'] as const) {
      expect((await install(card, { method })).method).toBe(method);
      expect((await planInstall(card, { method: 'auto' })).method).toBe(method);
      expect(ours(files)).toHaveLength(1);
      expect((await picked(files)).stub.from).toBe(method === 'armstub' ? 'file' : 'kernel');
    }
    await uninstall(card);
    expect(sums(files)).toEqual(sums(before));
  });

  test('takes another method where the firmware was changed for one that does not know the first', async () => {
    const files = bootPartition('svc');
    const card = changeableCard(files);
    expect((await install(card)).method).toBe('armstub');
    files['start.elf'] = FIRMWARE.of2015;
    files['fixup.dat'] = fixupFor(FIRMWARE.of2015.length);
    expect((await install(card)).method).toBe('kernel_old');
    expect(ours(files)).toHaveLength(1);
  });
});

describe("the tree's address under kernel_old", () => {
  const blockSays = async (files: Files): Promise<number> => {
    await install(changeableCard(files), { method: 'kernel_old' });
    const told = readU32LE(files[ours(files)[0]!]!, TREE_WORD);
    // However it was chosen, the tree has to be where the block says.
    const { tree, notes } = await picked(files);
    if (tree) expect(tree.address).toBe(told);
    expect(notes.join()).not.toContain("the tree's address");
    return told;
  };

  test('is 0x08000000', async () => {
    expect(await blockSays(bootPartition('of2015'))).toBe(0x0800_0000);
    expect(await blockSays(bootPartition('svc'))).toBe(0x0800_0000);
  });

  test('is not pinned beside an initramfs', async () => {
    const more = { 'config.txt': 'initramfs rd followkernel\n', rd: 'ramdisk' };
    const files = bootPartition('of2015', more);
    expect(await blockSays(files)).toBe(0x100);
    expect(config(files)).not.toContain('device_tree_address');
    await expect(planInstall(changeableCard(bootPartition('svc', more)), { method: 'kernel_old' }))
      .rejects // Newer firmware puts the tree where it likes, and under kernel_old nobody tells the block.
      .toMatchObject({ code: 'setup.tree-unpinned' });
  });

  test("is the user's own where there is one", async () => {
    const files = bootPartition('of2015', { 'config.txt': 'device_tree_address=0x04000000\n' });
    expect(await blockSays(files)).toBe(0x0400_0000);
    expect(config(files).match(/device_tree_address/g)).toHaveLength(1);
  });

  test.each(['device_tree_address=0x04000000', 'device_tree='])(
    'beside it an initramfs found by the name of the kernel stays: %s',
    async (line) => {
      const more = { 'config.txt': `auto_initramfs=1\n${line}\n`, initramfs7: 'ramdisk' };
      const files = bootPartition('svc', more);
      const before = { ...files };
      const card = changeableCard(files);
      expect((await picked(files)).initramfs?.file).toBe('initramfs7');
      await install(card, { method: 'kernel_old' });
      const { kernel, initramfs, unsure } = await picked(files);
      expect([kernel.address, initramfs?.file, unsure]).toEqual([0, 'initramfs7', []]);
      await uninstall(card);
      expect(sums(files)).toEqual(sums(before));
    },
  );

  test('is that of the ATAGS for a kernel that takes no tree', async () => {
    expect(await blockSays(bootPartition('of2015', { 'kernel7.img': zImage() }))).toBe(0x100);
  });

  test('is 0x08000000 with auto_initramfs and no initramfs there, and our file is not taken for one', async () => {
    const files = bootPartition('svc', { 'config.txt': 'auto_initramfs=1\n' });
    expect(await blockSays(files)).toBe(0x0800_0000);
    expect((await picked(files)).initramfs).toBeUndefined();
  });
});

describe('cores that Linux is told to leave where they wait', () => {
  const KEPT = compileTree('/dts-v1/; /memreserve/ 0x0 0x1000; / { model = "Raspberry Pi 2 Model B"; };');
  test.each<[string, Record<string, string | Uint8Array>]>([
    ['all are started', { 'cmdline.txt': 'maxcpus=4 root=/dev/mmcblk0p2' }],
    ['they are counted from four on', { 'cmdline.txt': 'maxcpus=12' }],
    ['the tree reserves the page', { 'cmdline.txt': 'maxcpus=1', 'bcm2709-rpi-2-b.dtb': KEPT }],
    [
      'the tree stays there, as beside an initramfs',
      { 'cmdline.txt': 'nosmp', 'config.txt': 'initramfs rd followkernel\n', rd: 'ramdisk' },
    ],
  ])('are no matter where %s', async (_, more) => {
    const card = changeableCard(bootPartition('of2015', more));
    expect((await planInstall(card, { method: 'kernel_old' })).changes.length).toBeGreaterThan(0);
  });
});

describe('config.txt', () => {
  test('gets lines that hold on a Pi 2 only', async () => {
    const files = bootPartition('svc', {
      'config.txt': 'kernel=kernel7.img\n[pi3]\nkernel=kernel8.img\n[EDID=ABC]\n',
    });
    const pi3 = async (): Promise<unknown> =>
      [...(await readConfig(changeableCard(files), { board: PI3 })).settings].map(([name, { value }]) => [
        name,
        value,
      ]);
    const before = await pi3();
    await install(changeableCard(files));
    expect(await pi3()).toEqual(before);
    // Also behind a filter of another kind, which [pi2] alone would leave in force.
    expect((await picked(files)).stub.from).toBe('file');
  });

  test('of firmware older than filters: works, and it is said that a Pi 1 is out', async () => {
    const files = bootPartition('withoutFilters');
    const plan = await install(changeableCard(files));
    expect(plan.notes.join()).toContain('Pi 1');
    expect(new TextDecoder().decode(files['config.txt'])).not.toContain('[pi2]');
    expect((await picked(files)).stub.from).toBe('kernel');
  });

  test('of firmware that reads sections and has pi2 nowhere, as that of December 2012: the same', async () => {
    const words = ['all', 'pi1', 'pi2', 'edid'];
    const startElf = startElfOf(
      TEXTS_2015.filter((line) => !words.includes(line)),
      [stubOf2015({ ...HYP_STUB, hyp: false })],
    );
    const files = bootPartition('of2015', {
      'start.elf': startElf,
      'fixup.dat': fixupFor(startElf.length),
    });
    const { sections } = await inspectCard(changeableCard(files));
    const known = sections.flatMap(({ rows }) => rows).find(([what]) => what === 'knows');
    expect(known?.[1]).toContain('filters such as [pi2] no');
    const plan = await install(changeableCard(files));
    expect(plan.notes.join()).toContain('does not know the filter [pi2]');
    expect(new TextDecoder().decode(files['config.txt'])).not.toContain('[pi2]');
    expect((await picked(files)).stub.from).toBe('kernel');
  });

  test.each([
    ['new/', 'new/'],
    ['new-', 'new-'],
    ['/new/', 'new/'],
    ['new//', 'new/'],
    ['other/../new/', 'new/'],
  ])('with os_prefix=%s: the combined kernel goes there too', async (written, prefix) => {
    const files = bootPartition('svc', {
      'config.txt': `os_prefix=${written}\n`,
      [`${prefix}kernel7.img`]: kernelFile(7),
      [`${prefix}bcm2709-rpi-2-b.dtb`]: TREE,
    });
    const before = { ...files };
    const card = changeableCard(files);
    await install(card, { method: 'kernel_old' });
    const [name] = ours(files);
    expect(name).toMatch(new RegExp(`^${prefix}hypberry-`));
    expect(files[name!]!.subarray(0x8000)).toEqual(kernelFile(7));
    expect(await picked(files)).toMatchObject({ kernel: { file: name }, osPrefix: prefix });
    expect((await planInstall(card, { method: 'auto' })).changes).toEqual([]);
    await uninstall(card);
    expect(sums(files)).toEqual(sums(before));
  });
});

test('of a computer with folders without end, the outer ones are looked at', async () => {
  const name = 'hypberry-0123abcd.bin';
  const inside = (folder: string): boolean => folder.split('/').length < 5;
  let looks = 0;
  const card: CardReader = {
    ...changeableCard({}),
    list: async (folder) => {
      looks++;
      const folders = inside(folder) ? Array.from({ length: 9 }, (_, i) => `${i}`) : [];
      return [
        { name, size: 0, isFolder: false },
        ...folders.map((it) => ({ name: it, size: 0, isFolder: true })),
      ];
    },
    read: async () => new Uint8Array(0),
  };
  const found = await ourFiles(card);
  expect(looks).toBe(1000);
  expect(found.slice(0, 3)).toEqual([name, `0/${name}`, `1/${name}`]);
});

test('where there is nothing to do but to clear up, the summary says so', async () => {
  const files = bootPartition('hyp', { [unfinishedName()]: text('half') });
  const card = changeableCard(files);
  for (const plan of [await planInstall(card, { method: 'auto' }), await planUninstall(card)]) {
    expect(plan.summary).toMatch(/^Nothing to do: /);
    expect((await withoutUnfinished(card, plan)).summary).toBe(
      plan.summary.replace('Nothing to do', 'Nothing else to do'),
    );
  }
  await install(card, { method: 'armstub' });
  const again = await planInstall(card, { method: 'armstub' });
  expect((await withoutUnfinished(card, again)).summary).toMatch(/^Nothing else to do: .*up to date/);
});

test("what is left of it when the card's kernel came back is not called another command's", async () => {
  const files = bootPartition('svc');
  const card = changeableCard(files);
  await install(card, { method: 'kernel_old' });
  const kernel = files['kernel7.img']!;
  Reflect.deleteProperty(files, 'kernel7.img');
  await uninstall(card);
  expect(ours(files)).toHaveLength(1);
  files['kernel7.img'] = kernel;
  expect((await uninstall(card)).summary).toBe(
    'What is left of hypberry on the card, and needed by nothing, goes.',
  );
  expect(ours(files)).toEqual([]);
});

test('with upstream_kernel the combined kernel goes where that has the firmware look, and comes back from there', async () => {
  const files = bootPartition('svc', {
    'config.txt': 'upstream_kernel=1\n',
    'upstream/kernel7.img': kernelFile(7),
    'upstream/bcm2836-rpi-2-b.dtb': TREE,
  });
  const before = { ...files };
  const card = changeableCard(files);
  await install(card, { method: 'kernel_old' });
  expect(ours(files)).toEqual([expect.stringMatching(/^upstream\/hypberry-/)]);
  await uninstall(card);
  expect(sums(files)).toEqual(sums(before));
});

/** A card with another one's boot folder in it, as a root file system has it, whose config.txt is of some text. */
const withAnother = async (folder: string, config: string): Promise<Files> => {
  const inner = bootPartition('svc');
  await install(changeableCard(inner), { method: 'armstub' });
  const moved = Object.entries(inner).map(([path, data]) => [`${folder}/${path}`, data] as const);
  return { ...Object.fromEntries(moved), 'config.txt': text(config) };
};

describe.each([
  [
    'firmware',
    'DO NOT EDIT THIS FILE\n\nThe file you are looking for has moved to /boot/firmware/config.txt\n',
  ],
  ['overlays', '# see overlays/README\n'],
  ['firmware', '# Additional overlays and parameters are documented\n# /boot/firmware/overlays/README\n'],
  ['old', '#os_prefix=old/\nos_prefix=bold/\nkernel=old/kernel7.img\n'],
])("another card's folder %s is let alone, whatever config.txt says of it: %s", (folder, config) => {
  test('what is installed in it stays, and so does what another command has begun there', async () => {
    const unfinished = `${folder}/${unfinishedName()}`;
    const files = { ...(await withAnother(folder, config)), [unfinished]: text('half') };
    const before = { ...files };
    const card = changeableCard(files);
    expect(await ourFiles(card)).toEqual([]);
    await carryOut(card, await withoutUnfinished(card, await planUninstall(card)));
    expect(sums(files)).toEqual(sums(before));
  });
});

test.each(['[pi4]\nos_prefix=firmware/\n', 'os_prefix= /FIRMWARE//\n', 'include more.txt\n'])(
  'a folder with firmware where an os_prefix of the card leads, for whichever board, is its own: %s',
  async (config) => {
    const files = { ...(await withAnother('firmware', config)), 'more.txt': text('os_prefix=firmware/new-') };
    const card = changeableCard(files);
    expect(await ourFiles(card)).toEqual(ours(files));
    expect(ours(files)).toHaveLength(1);
  },
);

/** As Ubuntu's piboot-try has its files: `new/` is tried, and becomes `current/`. */
const TRIED = {
  'config.txt': '[all]\nos_prefix=current/\n[tryboot]\nos_prefix=new/\n',
  'current/kernel7.img': kernelFile(7),
  'current/bcm2709-rpi-2-b.dtb': TREE,
};

test('where a try boot makes another folder the one that counts, the block alone is in neither', async () => {
  const files = bootPartition('svc', TRIED);
  const before = { ...files };
  const card = changeableCard(files);
  await install(card, { method: 'armstub' });
  expect(ours(files)).toEqual([expect.stringMatching(/^hypberry-/)]);
  // The folder moves.
  const moved = Object.fromEntries(
    Object.entries(files).map(([path, data]) => [path.replace('current/', 'old/'), data]),
  );
  const tried = { ...moved, 'current/kernel7.img': kernelFile(8), 'current/bcm2709-rpi-2-b.dtb': TREE };
  expect(await picked(tried)).toMatchObject({ kernel: { file: 'current/kernel7.img' } });
  await uninstall(card);
  expect(sums(files)).toEqual(sums(before));
});

/** As a system with two of itself has its files: what it writes into `select.txt` tells which is started. */
const SELECTED = {
  'config.txt': 'include select.txt\n',
  'select.txt': 'os_prefix=one/\n',
  'one/kernel7.img': kernelFile(7),
  'one/bcm2709-rpi-2-b.dtb': TREE,
  'two/kernel7.img': kernelFile(8),
  'two/bcm2709-rpi-2-b.dtb': TREE,
};

/** As snapd has the files of Ubuntu Core: each kernel in a folder of its own, whose name it writes into config.txt. */
const UBUNTU_CORE = {
  'config.txt': 'enable_uart=1\nos_prefix=/piboot/ubuntu/pi-kernel_1/\n',
  'piboot/ubuntu/pi-kernel_1/kernel7.img': kernelFile(7),
  'piboot/ubuntu/pi-kernel_1/bcm2709-rpi-2-b.dtb': TREE,
};

test.each([
  ['select.txt', SELECTED, 'os_prefix=two/\n', 'two/kernel7.img'],
  [
    "snapd's next kernel",
    { ...UBUNTU_CORE, 'next/kernel7.img': kernelFile(8), 'next/bcm2709-rpi-2-b.dtb': TREE },
    undefined,
    'next/kernel7.img',
  ],
])(
  'the block alone goes on where %s makes another folder the one that counts',
  async (_, card, select, kernel) => {
    const files = bootPartition('svc', card);
    await install(changeableCard(files), { method: 'armstub' });
    const [stub] = ours(files);
    const config = new TextDecoder().decode(files['config.txt']).replace(/os_prefix=.*/, 'os_prefix=next/');
    const next = { ...files, 'config.txt': text(config), ...(select && { 'select.txt': text(select) }) };
    expect(await picked(next)).toMatchObject({ kernel: { file: kernel }, stub: { file: stub } });
  },
);

describe('refused, with nothing changed:', () => {
  const v1p2 = 0x00a0_2042;
  const arm64 = concat(new Uint8Array(56).fill(1), text('ARM\x64'), new Uint8Array(100));
  const truncated = zImage({ size: 100_000 });
  const without = (name: string): Files => {
    const files = bootPartition('svc');
    return Object.fromEntries(Object.entries(files).filter(([path]) => path !== name));
  };
  const damaged = 'x=1\n# hypberry: end\n';

  test.each<[string, string, Files, InstallOptions]>([
    ['a Pi 2 v1.2', 'setup.bcm2837', bootPartition('svc'), { method: 'auto', revision: v1p2 }],
    ['no kernel', 'firmware.no-kernel', without('kernel7.img'), { method: 'auto' }],
    [
      'a 64-bit kernel',
      'firmware.arm64-kernel',
      bootPartition('svc', { 'kernel7.img': arm64 }),
      { method: 'auto' },
    ],
    [
      'a 64-bit kernel under kernel_old',
      'firmware.arm64-kernel',
      bootPartition('svc', { 'kernel7.img': arm64 }),
      { method: 'kernel_old', force: true },
    ],
    [
      "a Pi 1's kernel, by its version",
      'setup.armv6-kernel',
      bootPartition('svc', { 'kernel7.img': kernelFile(1, '6.6.20+rpt-rpi-v6') }),
      { method: 'auto' },
    ],
    [
      "a Pi 1's kernel, by the processors that it names",
      'setup.armv6-kernel',
      bootPartition('svc', {
        'kernel.img': zImage({
          packed: gzipSync(text('ARMv6-compatible processor\0Linux version 4.0.7+ (a@b)\n')),
        }),
        'config.txt': 'kernel=kernel.img\n',
      }),
      { method: 'auto', force: true },
    ],
    [
      'a kernel cut short',
      'setup.truncated-kernel',
      bootPartition('svc', { 'kernel7.img': truncated }),
      { method: 'auto', force: true },
    ],
    [
      'a kernel cut short behind another block',
      'setup.truncated-kernel',
      bootPartition('svc', {
        'kernel7.img': foreignCombined(truncated),
        'config.txt': 'kernel_old=1\n',
      }),
      { method: 'auto' },
    ],
    [
      'something else in its place',
      'setup.not-a-kernel',
      bootPartition('svc', { 'kernel7.img': ARMV7_CODE }),
      { method: 'auto' },
    ],
    ['no start.elf', 'setup.no-firmware', without('start.elf'), { method: 'auto' }],
    [
      'a start.elf that is none',
      'firmware.not-start-elf',
      bootPartition('svc', { 'start.elf': 'x' }),
      { method: 'auto' },
    ],
    [
      'armstub on firmware that does not know it',
      'setup.armstub-unknown',
      bootPartition('of2015'),
      { method: 'armstub' },
    ],
    [
      'kernel_old on firmware that does not know it',
      'setup.kernel-old-unknown',
      bootPartition('svc', { 'start.elf': withoutText(FIRMWARE.svc, 'kernel_old') }),
      { method: 'kernel_old' },
    ],
    [
      'firmware that knows neither',
      'setup.no-method',
      bootPartition('of2015', { 'start.elf': withoutText(FIRMWARE.of2015, 'kernel_old') }),
      { method: 'auto' },
    ],
    [
      'a bare-metal program under kernel_old',
      'setup.kernel-old-in-use',
      bootPartition('svc', { 'config.txt': 'kernel_old=1\n' }),
      { method: 'auto' },
    ],
    [
      "armstub beside the user's kernel_old",
      'setup.kernel-old-in-use',
      bootPartition('svc', {
        'kernel7.img': foreignCombined(kernelFile()),
        'config.txt': 'kernel_old=1\n',
      }),
      { method: 'armstub' },
    ],
    [
      'kernel_old beside kernel_address',
      'setup.kernel-address',
      bootPartition('svc', { 'config.txt': 'kernel_address=0x208000\n' }),
      { method: 'kernel_old' },
    ],
    [
      "a tree that reaches into the kernel's page tables",
      'setup.tree-overlap',
      bootPartition('of2015', {
        'bcm2709-rpi-2-b.dtb': BIG_TREE,
        'config.txt': 'initramfs rd followkernel\n',
        rd: 'ramdisk',
      }),
      { method: 'auto' },
    ],
    [
      'cores that maxcpus=1 leaves in the first page, which the tree kept from Linux',
      'setup.waiting-cores',
      bootPartition('of2015', { 'cmdline.txt': 'console=ttyAMA0 maxcpus=1 root=/dev/mmcblk0p2' }),
      { method: 'kernel_old' },
    ],
    [
      'cores that nosmp leaves in the first page, which the tree kept from Linux',
      'setup.waiting-cores',
      bootPartition('of2015', { 'cmdline.txt': 'console=ttyAMA0 nosmp root=/dev/mmcblk0p2' }),
      { method: 'kernel_old' },
    ],
    [
      'cores that nr_cpus=2 leaves in the first page, which the tree kept from Linux',
      'setup.waiting-cores',
      bootPartition('of2015', { 'cmdline.txt': 'console=ttyAMA0 nr_cpus=2 root=/dev/mmcblk0p2' }),
      { method: 'kernel_old' },
    ],
    [
      "a tree that the user's own address puts there",
      'setup.tree-lost',
      bootPartition('svc', { 'config.txt': 'device_tree_address=0x3f00\n' }),
      { method: 'kernel_old' },
    ],
    [
      'a tree that the user puts into the kernel',
      'firmware.overlap',
      bootPartition('svc', { 'config.txt': 'device_tree_address=0x8100\n' }),
      { method: 'kernel_old' },
    ],
    [
      'an initramfs, and a tree that goes where the firmware likes',
      'setup.tree-unpinned',
      bootPartition('svc', { 'config.txt': 'initramfs rd followkernel\n', rd: 'ramdisk' }),
      { method: 'kernel_old' },
    ],
    [
      'a tree that memory ends before',
      'setup.tree-unpinned',
      bootPartition('svc', { 'config.txt': 'total_mem=128\n' }),
      { method: 'kernel_old' },
    ],
    [
      'a folder that a try boot makes another one',
      'setup.prefix-moves',
      bootPartition('svc', TRIED),
      { method: 'kernel_old' },
    ],
    [
      'a folder that a file of the system names',
      'setup.prefix-moves',
      bootPartition('svc', SELECTED),
      { method: 'kernel_old' },
    ],
    [
      "a folder of Ubuntu Core's",
      'setup.prefix-moves',
      bootPartition('svc', UBUNTU_CORE),
      { method: 'kernel_old' },
    ],
    [
      "the folder of Ubuntu Core's recovery",
      'setup.prefix-moves',
      bootPartition('svc', {
        'config.txt': 'os_prefix=/systems/20220101/kernel/\n',
        'systems/20220101/kernel/kernel7.img': kernelFile(7),
        'systems/20220101/kernel/bcm2709-rpi-2-b.dtb': TREE,
      }),
      { method: 'kernel_old' },
    ],
    [
      'a damaged block in config.txt',
      'setup.config-damaged',
      bootPartition('svc', { 'config.txt': damaged }),
      { method: 'auto' },
    ],
  ])('%s: %s', async (_, code, files, options) => {
    const before = structuredClone(files);
    await expect(install(changeableCard(files), options)).rejects.toMatchObject({
      name: 'HypberryError',
      code,
      message: expect.stringMatching(/^[^\n]+\.$/) as string,
      hint: expect.stringMatching(/^[^\n]+\.$/) as string,
    });
    expect(sums(files)).toEqual(sums(before));
  });

  test('a tree that reaches into the page tables of an LPAE kernel, which begin lower', async () => {
    const install = (...names: string[]): Promise<Plan> => {
      const packed = gzipSync(
        text(`${['ARMv7 Processor', ...names].join('\0')}\0Linux version 4.19.63 (a@b)\n`),
      );
      const files = { 'config.txt': 'device_tree_address=0x3000\n', 'kernel7.img': zImage({ packed }) };
      return planInstall(changeableCard(bootPartition('svc', files)), { method: 'kernel_old' });
    };
    await expect(install('level 1 translation fault')).rejects.toMatchObject({
      code: 'setup.tree-lost',
      message: expect.stringMatching(
        /^The device tree reaches to 0x3[0-9a-f]{3}, into 0x3000 to 0x7fff, where the kernel puts/,
      ) as string,
    });
    expect((await install('section translation fault')).changes).not.toEqual([]);
  });

  test('a card whose block lost a mark starts by it all the same, and inspect says so', async () => {
    for (const firmware of ['svc', 'of2015'] as const) {
      const files = bootPartition(firmware);
      await install(changeableCard(files));
      files['config.txt'] = text(config(files).replace('# hypberry: end\n', ''));
      const { conclusion } = await inspectCard(changeableCard(files));
      expect(conclusion).toMatch(
        / in HYP mode, by the block that hypberry installed\. "hypberry install" refuses/,
      );
    }
  });

  test('a folder in the place of a file of ours', async () => {
    const files = bootPartition('svc');
    const options = { method: 'armstub' } as const;
    const { changes } = await planInstall(changeableCard(files), options);
    const { path } = changes.find(({ kind }) => kind === 'create')!;
    const taken = changeableCard({ ...files, [`${path}/mine.txt`]: text('mine') });
    await expect(planInstall(taken, options)).rejects.toMatchObject({
      code: 'card.no-file',
      message: expect.stringContaining(path) as string,
    });
  });

  test('uninstall of a damaged block', async () => {
    const files = bootPartition('svc', { 'config.txt': damaged });
    await expect(uninstall(changeableCard(files))).rejects.toMatchObject({ code: 'setup.config-damaged' });
  });

  test.each<[string, keyof typeof FIRMWARE, 'armstub' | 'kernel_old', Files, RegExp]>([
    ['armstub', 'svc', 'armstub', {}, /example\)\.$/],
    ['kernel_old', 'svc', 'kernel_old', {}, /example\), or use --method armstub\.$/],
    // It does not know armstub.
    ['kernel_old of old firmware', 'of2015', 'kernel_old', {}, /example\)\.$/],
    [
      'guests',
      'svc',
      'kernel_old',
      { 'bcm2709-rpi-2-b.dtb': HOST_TREE, ...guestFiles('web') },
      /or have fewer guests: each one's files are on it twice, [^.]*\.$/,
    ],
  ])('a card without room for %s: card.no-room', async (_, firmware, method, more, hint) => {
    const files = bootPartition(firmware, more);
    const before = { ...files };
    const used = Object.values(files).reduce((sum, data) => sum + data.length, 0);
    await expect(install(changeableCard(files, used + 300), { method })).rejects.toMatchObject({
      code: 'card.no-room',
      hint: expect.stringMatching(hint) as string,
    });
    expect(sums(files)).toEqual(sums(before));
  });

  test('a tree that memory ends before, and a place that takes it is named', async () => {
    const config = 'total_mem=128\n';
    const options = { method: 'kernel_old', force: true } as const;
    const refused = planInstall(changeableCard(bootPartition('svc', { 'config.txt': config })), options);
    const { hint } = (await refused.catch((error: unknown) => error)) as HypberryError;
    expect(hint).toMatch(/^Use --method armstub, or /);
    const line = /device_tree_address=0x\w+/.exec(hint)![0];
    const files = bootPartition('svc', { 'config.txt': `${config}${line}\n` });
    expect((await planInstall(changeableCard(files), options)).changes).not.toEqual([]);
  });

  test('a card that lacks a byte says so to the byte', async () => {
    const files = bootPartition('svc');
    const plan = await planInstall(changeableCard(files), { method: 'kernel_old' });
    const needed = plan.changes.reduce((sum, it) => sum + (it.kind === 'remove' ? 0 : it.data.length), 0);
    const card = changeableCard(files);
    const full: Card = {
      ...card,
      freeBytes: async () => needed - 1,
      check: async () => {
        throw noRoom('It does not fit.');
      },
    };
    await expect(checkPlan(full, plan)).rejects.toThrow(
      `The boot partition has ${needed - 1} bytes free, and ${needed} bytes are needed.`,
    );
  });

  test('but uninstall works on a full card', async () => {
    const files = bootPartition('of2015');
    await install(changeableCard(files));
    const used = Object.values(files).reduce((sum, data) => sum + data.length, 0);
    await uninstall(changeableCard(files, used + 512));
    expect(ours(files)).toEqual([]);
  });

  test('what is no Pi 2 v1.2 is not', async () => {
    for (const revision of [0x00a0_1041, 0x00a2_1041, 0x00a0_2082, 0x000e]) {
      await planInstall(changeableCard(bootPartition('svc')), { method: 'auto', revision });
    }
    await expect(
      planInstall(changeableCard(bootPartition('svc')), { method: 'auto', revision: 0x00a2_2042 }),
    ).rejects.toMatchObject({ code: 'setup.bcm2837' });
  });

  test('with --force, a program that is no known kernel is taken', async () => {
    const files = bootPartition('svc', { 'kernel7.img': ARMV7_CODE });
    expect((await install(changeableCard(files), { method: 'auto', force: true })).method).toBe('armstub');
  });
});

/** The file with one text in it made unknown. */
function withoutText(file: Uint8Array, word: string): Uint8Array {
  const bytes = Buffer.from(file);
  bytes.write('?', bytes.indexOf(`\0${word}\0`) + 1);
  return new Uint8Array(bytes);
}

describe('of any config.txt', () => {
  const line = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('[pi2]', '[pi3]', '[all]', '[none]', '[EDID=ABC]', '[gpio4=0]') },
    fc.constantFrom('[gpio40=1]', '[0x1234]', '[tryboot]', '[board-type=0x04]', '[HDMI:1]', '[what', '[]'),
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        'kernel=kernel7.img',
        'kernel=other.img',
        'armstub=user.bin',
        'kernel=hyp.img\nkernel_old=1',
        'kernel_old=0',
        'include more.txt',
        'os_prefix=new/',
      ),
    },
    fc.constantFrom(
      'gpu_mem=16',
      'dtparam=audio=on',
      'initramfs rd followkernel',
      'auto_initramfs=1',
      'device_tree_address=0x04000000',
      'device_tree=',
      'total_mem=256',
      'kernel = x',
      '',
      '# hypberry: begin',
      'disable_overscan=1 '.repeat(9),
      '\xff\xfe\x00',
    ),
  );
  const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
  const lines = fc
    .tuple(
      fc.array(line, { maxLength: 6 }),
      fc.constantFrom('\n', '\r\n'),
      fc.constantFrom('', '\n', '\r\n', '\r', '\0'),
    )
    .map(([all, end, last]) => bytes(all.join(end) + last));
  const anyConfig = fc.oneof(
    { weight: 8, arbitrary: lines },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );

  /** The codes that install may refuse these cards with; anything else is a fault of ours. */
  const REFUSALS = [
    'setup.tree-unpinned',
    'setup.tree-overlap',
    'setup.kernel-old-in-use',
    'setup.unsure',
    'firmware.no-file',
  ];

  const more: Files = {
    'other.img': kernelFile(2),
    'hyp.img': foreignCombined(kernelFile(3)),
    rd: text('ramdisk'),
    initramfs7: text('another'),
  };
  // What the lines name is there with and without the prefix.
  for (const [name, data] of Object.entries(more)) more[`new/${name}`] = data;
  more['new/kernel7.img'] = kernelFile(4);
  more['new/bcm2709-rpi-2-b.dtb'] = TREE;
  more['user.bin'] = new Uint8Array(256).fill(1);

  test('uninstall gives the bytes back, a Pi 2 takes our file and the rest as before, a Pi 3 sees no change', async () => {
    const done = { armstub: 0, kernel_old: 0, nothing: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(
        anyConfig,
        lines,
        fc.constantFrom<(keyof typeof FIRMWARE)[]>('svc', 'of2015', 'withoutFilters', 'hyp'),
        fc.constantFrom<InstallOptions[]>(
          { method: 'auto' },
          { method: 'armstub' },
          { method: 'kernel_old' },
          { method: 'auto', force: true },
        ),
        async (configText, included, firmware, options) => {
          const files = bootPartition(firmware, { ...more, 'more.txt': included });
          if (configText) files['config.txt'] = configText;
          else delete files['config.txt'];
          const before = { ...files };
          const card = changeableCard(files);
          const onPi3 = async (): Promise<unknown> => {
            const { settings, initramfs, deviceTree } = await readConfig(card, { board: PI3 });
            return [settings, initramfs, deviceTree];
          };
          const pi3Before = await onPi3();

          let plan: Plan;
          try {
            plan = await install(card, options);
          } catch (error) {
            if (!(error instanceof HypberryError)) throw error;
            const wrong = await picked(before).catch((reason: unknown) => reason as HypberryError);
            const unknown = options.method === 'armstub' && !['svc', 'hyp'].includes(firmware);
            expect([
              ...REFUSALS,
              ...('code' in wrong ? [wrong.code] : []),
              ...(unknown ? ['setup.armstub-unknown'] : []),
            ]).toContain(error.code);
            expect(sums(files)).toEqual(sums(before));
            done.refused++;
            return;
          }
          done[plan.method ?? 'nothing']++;
          if (!plan.method) {
            expect(sums(files)).toEqual(sums(before));
            expect(options).toEqual({ method: 'auto' });
            return;
          }
          const [name] = ours(files);
          const was = await picked(before);
          const now = await picked(files);
          if (plan.method === 'armstub') expect(now.stub).toEqual({ from: 'file', file: name });
          else expect([now.stub, now.kernel.file]).toEqual([{ from: 'kernel' }, name]);
          expect([now.tree?.file, now.initramfs?.file, now.osPrefix, now.commandLine]).toEqual([
            was.tree?.file,
            was.initramfs?.file,
            was.osPrefix,
            was.commandLine,
          ]);
          // Firmware that cannot be told so reads our lines on every board.
          if (firmware !== 'withoutFilters') expect(await onPi3()).toEqual(pi3Before);
          for (const path of Object.keys(before)) {
            if (path !== 'config.txt') expect(files[path]).toBe(before[path]);
          }
          expect((await planInstall(card, { ...options, method: plan.method })).changes).toEqual([]);

          await uninstall(card);
          expect(sums(files)).toEqual(sums(before));
        },
      ),
      { numRuns: 300 },
    );
    // The property is about installed cards; see that it met them.
    expect(done.armstub).toBeGreaterThan(30);
    expect(done.kernel_old).toBeGreaterThan(30);
    expect(done.refused).toBeLessThan(200);
  }, 120_000);
});
