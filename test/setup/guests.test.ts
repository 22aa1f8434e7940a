import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { HypberryError } from '../../src/base/errors.js';
import type { Card } from '../../src/card/card.js';
import { fdtCells, findNode, readFdt } from '../../src/firmware/fdt.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { isHypervisorFile, readHypervisorFile } from '../../src/hypervisor/image/description.js';
import type { Guest } from '../../src/guest/guests.js';
import { planGuestAdd, planGuestRemove, type NewGuest } from '../../src/setup/guest-add.js';
import { describeGuest, listGuests } from '../../src/setup/guests.js';
import { inspectCard } from '../../src/setup/inspect.js';
import { planInstall, planUninstall } from '../../src/setup/install.js';
import { hypervisorIn, planGuests } from '../../src/setup/hypervisor.js';
import { applyPlan, type Plan } from '../../src/setup/plan.js';
import {
  bootPartition,
  guestFiles,
  guestFilesWith,
  HOST_TREE,
  kernelFile,
  TREE,
  type Files,
} from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';
import { ARMV7_CODE, text, zImage } from '../support/kernel-files.js';

const MIB = 1 << 20;
const code = (it: string): HypberryError => expect.objectContaining({ code: it }) as HypberryError;
const carryOut = async (card: Card, plan: Plan): Promise<Plan> => {
  await applyPlan(card, plan, () => undefined);
  return plan;
};
const partition = (more: Files = {}): Files =>
  bootPartition('svc', { 'bcm2709-rpi-2-b.dtb': HOST_TREE, ...more });
const web = (more: Partial<NewGuest> = {}): NewGuest => ({
  name: 'web',
  kernel: { name: 'vmlinuz', data: kernelFile(9) },
  memory: 64,
  cores: 1,
  commandLine: undefined,
  ...more,
});
const add = async (card: Card, guest: NewGuest): Promise<Plan> =>
  carryOut(card, await planGuestAdd(card, guest));
const names = (files: Files): string[] => Object.keys(files).sort();

describe('adding and removing', () => {
  test('a guest is on the card with its files, and nothing of it is left when it was removed', async () => {
    const files = partition();
    const before = names(files);
    const card = changeableCard(files);
    await add(card, web({ initramfs: { name: 'i', data: Uint8Array.of(1, 2) } }));
    expect(files['hypberry-guest-web.kernel']).toEqual(kernelFile(9));
    expect(files['hypberry-guest-web.initramfs']).toEqual(Uint8Array.of(1, 2));
    await add(card, web({ name: 'db', commandLine: 'root=x' }));
    const { guests, hostCores } = await listGuests(card);
    expect(hostCores).toBe(3);
    expect(guests.map(({ name, runsOn, commandLine }) => [name, runsOn, commandLine])).toEqual([
      ['web', [3], 'console=ttyAMA0 panic=10'],
      ['db', [3], 'root=x'],
    ]);
    await carryOut(card, await planGuestRemove(card, 'web'));
    expect(names(files)).toEqual([...before, 'hypberry-guest-db.kernel', 'hypberry-guests.json'].sort());
    await carryOut(card, await planGuestRemove(card, 'db'));
    expect(names(files)).toEqual(before);
  });

  test.each(['4.1.13-v7+', '4.2.5-2709+', '5.10.17-v7l+', '6.6.20+rpt-rpi-v7'])(
    'a kernel of Raspberry Pi’s own (%s) is taken with a note: it does not know the machine of a guest',
    async (version) => {
      // The first two have the trailer of their time, the others none.
      const whole = kernelFile(9, version);
      const data = zImage({
        packed: new Uint8Array(gzipSync(text(`Linux version ${version} (a)`.padEnd(700)))),
      });
      for (const file of [whole, data]) {
        const { notes } = await planGuestAdd(
          changeableCard(partition()),
          web({ kernel: { name: 'kernel7.img', data: file } }),
        );
        expect(notes.filter((note) => /^kernel7\.img looks like .*"virt".*armmp/.test(note))).toHaveLength(1);
        expect(notes.join()).toContain(version);
      }
    },
  );

  test.each<[string, string, readonly string[], readonly RegExp[]]>([
    [
      'its root',
      'root=/dev/mmcblk0p2 rw',
      ['/dev/mmcblk0p2'],
      [/p2: .*root file system \(\/dev\/mmcblk0p2\)/],
    ],
    ['what holds its root', 'root=/dev/sda1', ['/dev/./sda'], [/sda: .*root file system \(\/dev\/sda1\)/]],
    ['the card', 'root=PARTUUID=1-02', ['/dev/mmcblk0'], [/mmcblk0: .*boot partition/]],
    [
      'a partition and its disk',
      '',
      ['/dev/sda2', '/dev/sda'],
      [/^The disks \/dev\/sda of web and \/dev\/sda2 of web/],
    ],
    [
      "another's partition",
      '',
      ['/dev/nvme0n1'],
      [/^The disks \/dev\/nvme0n1 of web and \/dev\/nvme0n1p3 of db/],
    ],
    ["another's disk, read alone", '', ['/dev/nvme0n1,ro'], [/^The disks \/dev\/nvme0n1 of web and/]],
    ['read alone', 'root=/dev/mmcblk0p2', ['/dev/mmcblk0p2,ro', '/dev/mmcblk0,ro'], []],
    ['others', 'root=/dev/mmcblk0p2', ['/dev/mmcblk0p3', '/dev/mmcblk0p22', '/dev/sda', '/dev/sdaa1'], []],
  ])(
    "disks that the Pi's system or a guest has a part of have a note: %s",
    async (_, line, disks, wanted) => {
      const card = changeableCard(partition({ 'cmdline.txt': text(line) }));
      await add(card, web({ name: 'db', disks: ['/dev/nvme0n1p3'] }));
      const { notes } = await planGuestAdd(card, web({ disks }));
      const found = notes.filter((note) => /does not get its disk|^The disks/.test(note));
      expect(found).toEqual(wanted.map((it) => expect.stringMatching(it) as string));
    },
  );

  test('others are taken without one', async () => {
    for (const version of ['6.1.0-50-armmp', '4.19.0', '6.12.6-v7-mine']) {
      const data = zImage({
        packed: new Uint8Array(gzipSync(text(`Linux version ${version} (a)`.padEnd(700)))),
      });
      const plan = await planGuestAdd(
        changeableCard(partition()),
        web({ kernel: { name: 'vmlinuz', data } }),
      );
      expect(plan.notes.join()).not.toContain('looks like');
    }
  });

  test('what is refused is not answered with kernel7.img', async () => {
    const error = (await planGuestAdd(
      changeableCard(partition()),
      web({ kernel: { name: 'x', data: text('text') } }),
    ).catch((it: unknown) => it)) as HypberryError;
    expect(error.code).toBe('guest.kernel');
    expect(error.hint).toContain('linux-image-armmp');
    expect(error.hint).not.toContain('kernel7');
  });

  test('what an interrupted command left is taken over, or goes', async () => {
    const files = partition({
      'hypberry-guest-web.kernel': text('half'),
      'hypberry-guest-old.initramfs': text('half'),
    });
    await add(changeableCard(files), web());
    expect(files['hypberry-guest-web.kernel']).toEqual(kernelFile(9));
    expect(files['hypberry-guest-old.initramfs']).toBeUndefined();
  });

  test("a file that the user's own guest has stays", async () => {
    const own = { name: 'own', kernel: 'mine.img', memory: 32, cores: 1, commandLine: '' };
    const files = partition({
      'mine.img': kernelFile(7),
      'hypberry-guests.json': text(JSON.stringify({ version: 1, guests: [own] })),
    });
    const card = changeableCard(files);
    await add(card, web());
    await carryOut(card, await planGuestRemove(card, 'own'));
    expect(files['mine.img']).toEqual(kernelFile(7));
  });

  describe("another guest's files, as its user's own hand named them,", () => {
    const two = (kernel: string): Files => ({
      'hypberry-guest-web.kernel': kernelFile(7),
      'hypberry-guests.json': text(
        JSON.stringify({
          version: 1,
          guests: [{ name: 'two', kernel, memory: 32, cores: 1, commandLine: '' }],
        }),
      ),
    });

    test.each(['hypberry-guest-web.kernel', 'Hypberry-Guest-Web.Kernel', '/hypberry-guest-web.kernel'])(
      'are not taken for those of a new one: %s',
      async (kernel) => {
        const card = changeableCard(partition(two(kernel)));
        await expect(planGuestAdd(card, web())).rejects.toThrow(code('guest.file-in-use'));
      },
    );

    test('stay, however their names are written', async () => {
      const files = partition(two('Hypberry-Guest-Web.kernel'));
      await add(changeableCard(files), web({ name: 'db' }));
      expect(files['hypberry-guest-web.kernel']).toEqual(kernelFile(7));
    });
  });

  test('where an editor finds the schema stays in the file; its first is a new file', async () => {
    const files = partition();
    const card = changeableCard(files);
    const kinds = ({ changes }: Plan): string[] =>
      changes.filter(({ path }) => path === 'hypberry-guests.json').map(({ kind }) => kind);
    expect(kinds(await add(card, web()))).toEqual(['create']);
    const written = new TextDecoder().decode(files['hypberry-guests.json']);
    files['hypberry-guests.json'] = text(written.replace('{', '{"$schema": "mine.json",'));
    expect(kinds(await add(card, web({ name: 'db' })))).toEqual(['replace']);
    await carryOut(card, await planGuestRemove(card, 'web'));
    expect(new TextDecoder().decode(files['hypberry-guests.json'])).toContain('"$schema": "mine.json"');
  });

  test('what is said when the last guest goes: of install only where it has been', async () => {
    const files = partition(guestFiles('web', 'db'));
    const card = changeableCard(files);
    expect((await carryOut(card, await planGuestRemove(card, 'db'))).notes.join()).toContain(
      'with its guests',
    );
    expect((await planGuestRemove(card, 'web')).notes).toEqual([]);
    await carryOut(card, await planInstall(card, { method: 'armstub' }));
    expect((await planGuestRemove(card, 'web')).notes).toEqual([expect.stringContaining('without guests')]);
  });

  test('how much a guest can have is said where it wants more, and taken', async () => {
    // 960 MiB, of which an installed hypervisor's own file is no part of the host.
    const files = partition(guestFiles('small'));
    const card = changeableCard(files);
    await carryOut(card, await planInstall(card, { method: 'armstub' }));
    const refusal = await planGuestAdd(card, web({ memory: 896 })).catch((error: unknown) => error);
    const most = Number(/at most --memory (\d+),/.exec((refusal as HypberryError).hint)![1]);
    expect(most).toBeGreaterThan(780);
    await expect(planGuestAdd(card, web({ memory: most + 2 }))).rejects.toThrow(code('guest.memory'));
    await add(card, web({ memory: most }));
    expect((await planInstall(card, { method: 'armstub' })).changes).not.toEqual([]);
    const another = await planGuestAdd(card, web({ name: 'no', memory: 16 })).catch(
      (error: unknown) => error,
    );
    expect((another as HypberryError).hint).toMatch(/^There is none left for this one/);
  });

  test('a note where install would not start with it, or not fit', async () => {
    const notes = async (card: Card): Promise<string> => (await planGuestAdd(card, web())).notes.join('\n');
    expect(await notes(changeableCard({}))).toContain(
      '"hypberry install" refuses this card as it is: There is',
    );
    const files = partition();
    const bytes = Object.values(files).reduce((sum, data) => sum + data.length, 0);
    const size = kernelFile(9).length;
    expect(await notes(changeableCard(files, bytes + 3 * size))).not.toContain('are left');
    expect(await notes(changeableCard(files, bytes + 2 * size))).toMatch(
      /install" needs .* more on the card/,
    );
  });

  test.each<[string, Partial<NewGuest>, string]>([
    ['a name that is taken', { name: 'taken' }, 'guest.exists'],
    ['a name of capitals', { name: 'WEB' }, 'guest.name'],
    ['text for a kernel', { kernel: { name: 'a.txt', data: text('a text of some length') } }, 'guest.kernel'],
    ['four cores', { cores: 4 }, 'guest.cores'],
    ['memory that leaves the host none', { memory: 896 }, 'guest.memory'],
    [
      'memory too small for its initramfs',
      { initramfs: { name: 'i', data: new Uint8Array(64 * MIB) } },
      'guest.memory',
    ],
  ])('refused, and nothing changed: %s', async (_, change, expected) => {
    const files = partition(guestFiles('taken'));
    const before = names(files);
    await expect(planGuestAdd(changeableCard(files), web(change))).rejects.toThrow(code(expected));
    expect(names(files)).toEqual(before);
  });

  test('an eighth guest, and one that is not there', async () => {
    const card = changeableCard(partition(guestFiles('a', 'b', 'c', 'd', 'e', 'f', 'g')));
    await expect(planGuestAdd(card, web())).rejects.toThrow(code('guest.too-many'));
    await expect(planGuestRemove(card, 'web')).rejects.toThrow(code('guest.unknown'));
  });

  test('as many virtual CPUs as the hypervisor has room for, and one more', async () => {
    const wide = guestFilesWith(3, 'a', 'b', 'c', 'd', 'e');
    await expect(planGuestAdd(changeableCard(partition(wide)), web({ cores: 2 }))).rejects.toThrow(
      code('guest.cores'),
    );
    const card = changeableCard(partition(wide));
    await add(card, web());
    await expect(planGuestAdd(card, web({ name: 'more' }))).rejects.toThrow(code('guest.cores'));
    // Install has no other limit.
    await expect(planInstall(card, { method: 'armstub' })).resolves.toMatchObject({ method: 'armstub' });
    const byHand = partition(guestFilesWith(3, 'a', 'b', 'c', 'd', 'e', 'f'));
    await expect(planInstall(changeableCard(byHand), { method: 'armstub' })).rejects.toThrow(
      code('guest.cores'),
    );
  });
});

describe('disks and networks', () => {
  const random = (...draws: readonly number[][]): ((count: number) => Uint8Array) => {
    const left = [...draws];
    return () => Uint8Array.from(left.shift()!);
  };
  const disks = ['/srv/web.img,size=8G', '/dev/sda1,ro'];

  test('are in the file, in the list and in what add says', async () => {
    const files = partition();
    const card = changeableCard(files);
    const plan = await planGuestAdd(
      card,
      web({ disks, network: 'host', isolated: true }),
      random([0x12, 0x34, 0x56]),
    );
    const said =
      'disk /srv/web.img (8G), disk /dev/sda1 (read-only), network host (52:54:00:12:34:56, isolated)';
    expect(plan.summary).toBe(`Guest web: vmlinuz, 64 MiB of memory, 1 core, ${said}.`);
    expect(plan.notes[0]).toMatch(/^web has no initramfs, and its command line has no root=/);
    await carryOut(card, plan);
    // The second draw is no one's.
    await carryOut(
      card,
      await planGuestAdd(card, web({ name: 'db', network: 'host' }), random([0x12, 0x34, 0x56], [1, 2, 3])),
    );
    const json = JSON.parse(new TextDecoder().decode(files['hypberry-guests.json'])) as { guests: unknown[] };
    expect(json.guests).toMatchObject([
      {
        name: 'web',
        disks: [
          { path: '/srv/web.img', size: '8G' },
          { path: '/dev/sda1', readOnly: true },
        ],
        ...{ network: 'host', isolated: true, mac: '52:54:00:12:34:56' },
      },
      { name: 'db', network: 'host', mac: '52:54:00:01:02:03' },
    ]);
    const { guests, hostMemory } = await listGuests(card);
    expect(describeGuest(guests[0]!)).toContain(`panic=10", ${said}`);
    // Two guests of 64 MiB; three rings of frames, two disks' data, three logs and 27 pairs of pages are 2.1 MiB, of which
    // there are blocks of 2.
    expect(hostMemory).toContain(
      'the guests have 128 MiB, their consoles, disks and network take 4 MiB, copies of',
    );
  });

  test('are none unless they are asked for', async () => {
    const files = partition();
    await add(changeableCard(files), web({ network: 'none', disks: [] }));
    const json = JSON.parse(new TextDecoder().decode(files['hypberry-guests.json'])) as { guests: object[] };
    expect(Object.keys(json.guests[0]!).sort()).toEqual(['commandLine', 'cores', 'kernel', 'memory', 'name']);
    expect((await listGuests(changeableCard(files))).hostMemory).not.toContain('network');
  });

  test.each<[string, Partial<NewGuest>, string]>([
    ['a relative path', { disks: ['web.img'] }, 'guest.disk'],
    ['nine disks', { disks: '123456789'.split('').map((it) => `/${it}`) }, 'guest.disk'],
    ['a disk of another guest', { disks: ['/srv//taken.img'] }, 'guest.disk'],
    ['isolated without a network', { isolated: true }, 'guest.network'],
    ['isolated with none', { isolated: true, network: 'none' }, 'guest.network'],
  ])('refused, and nothing changed: %s', async (_, change, expected) => {
    const files = partition();
    const card = changeableCard(files);
    await add(card, web({ name: 'taken', disks: ['/srv/taken.img'] }));
    const before = { ...files };
    await expect(planGuestAdd(card, web(change))).rejects.toThrow(code(expected));
    expect(files).toEqual(before);
  });

  test('more of them than the channel has ports for', async () => {
    const card = changeableCard(partition());
    const eight = (name: string): string[] => '12345678'.split('').map((it) => `/${name}${it}`);
    for (const name of ['a', 'b', 'c']) await add(card, web({ name, memory: 16, disks: eight(name) }));
    await expect(planGuestAdd(card, web({ memory: 16, disks: ['/x'] }))).rejects.toThrow(
      code('guest.devices'),
    );
    await expect(planGuestAdd(card, web({ memory: 16, network: 'host' }))).rejects.toThrow(
      code('guest.devices'),
    );
  });

  test('what they take of the memory is not the host’s', async () => {
    const most = async (files: Files): Promise<number> => {
      const error = (await planGuestAdd(changeableCard(files), web({ memory: 896, disks: ['/x'] })).catch(
        (it: unknown) => it,
      )) as HypberryError;
      expect(error.message).toMatch(
        /^The guests take 8\d\d MiB, with the 2 MiB by which they reach the host, of/,
      );
      return Number(/at most --memory (\d+),/.exec(error.hint)![1]);
    };
    const memory = await most(partition());
    const card = changeableCard(partition());
    await expect(planGuestAdd(card, web({ memory: memory + 2, disks: ['/x'] }))).rejects.toThrow(
      code('guest.memory'),
    );
    // Its console alone takes as much.
    await expect(planGuestAdd(card, web({ memory: memory + 2 }))).rejects.toThrow(code('guest.memory'));
    await add(changeableCard(partition()), web({ memory, disks: ['/x'] }));
  });

  test('install puts the channel into the host’s tree, above the host’s memory', async () => {
    const files = partition();
    const card = changeableCard(files);
    await carryOut(card, await planGuestAdd(card, web({ disks, network: 'host' })));
    await carryOut(card, await planInstall(card, { method: 'armstub' }));
    const { memory, picked } = await prepareHandover(card);
    const tree = readFdt(memory.find(({ name }) => name === 'device tree')!.data);
    const { properties } = findNode(tree, '/hypberry-channel')!;
    const [address, size, ...bells] = fdtCells(properties.get('reg')!);
    const { hostEnd, guests } = hypervisorIn(await card.read(picked.kernel.file))!;
    expect(size).toBe(2 * MIB);
    expect(bells).toEqual([...[0x4002_0000, 0x1000], ...[0x4001_8000, 0x1000]]);
    expect(address).toBeGreaterThanOrEqual(hostEnd);
    expect(address).toBeGreaterThanOrEqual(guests[0]!.physical + guests[0]!.memory);
  });

  test.each<[string, Partial<Guest>, 1 | 2]>([
    ['3.2.102', {}, 1],
    ['3.19.8-mine', {}, 1],
    ['4.0.0', {}, 2],
    ['10.0.1', {}, 2],
    ['6.12.6-armmp', { virtio: 1 }, 1],
    ['3.19.8-mine', { virtio: 2 }, 2],
    // Nothing of it has a virtio device that matters.
    ['3.19.8-mine', { disks: [] }, 2],
  ])('the registers of Linux %s, told %j, are of version %i', async (version, told, expected) => {
    const guest = {
      name: 'web',
      kernel: 'k',
      memory: 64,
      cores: 1,
      commandLine: '',
      disks: [{ path: '/x' }],
    };
    const { plans } = await planGuests(changeableCard({ k: kernelFile(1, version) }), [
      { ...guest, ...told },
    ]);
    expect(plans[0]).toMatchObject({ virtio: expected });
  });
});

describe.each(['armstub', 'kernel_old'] as const)('install by %s', (method) => {
  const installed = async (files: Files): Promise<Plan> => {
    const card = changeableCard(files);
    return carryOut(card, await planInstall(card, { method }));
  };

  test('has the firmware start the hypervisor, with the host’s kernel and tree', async () => {
    const files = partition(guestFiles('web', 'db'));
    const plan = await installed(files);
    expect(plan.notes.join('\n')).toMatch(
      /web: core 3, 32 MiB; its console is \/dev\/ttyAMA3.*\ndb: .*ttyAMA4/,
    );
    const card = changeableCard(files);
    const { picked, memory } = await prepareHandover(card);
    const found = hypervisorIn(await card.read(picked.kernel.file))!;
    expect(found.guests.map(({ name }) => name)).toEqual(['web', 'db']);
    expect(found.hostCores).toBe(3);
    const at8000 = memory.find(({ address, data }) => address <= 0x8000 && address + data.length > 0x8000)!;
    expect(isHypervisorFile(at8000.data.subarray(0x8000 - at8000.address))).toBe(true);
    const tree = memory.find(({ name }) => name === 'device tree')!;
    const fdt = readFdt(tree.data);
    expect(findNode(fdt, '/cpus')!.children.map(({ name }) => name)).toEqual(['cpu@0', 'cpu@1', 'cpu@2']);
    expect(fdtCells(findNode(fdt, 'serial4')!.properties.get('reg')!)).toEqual([0x4001_2000, 0x1000]);
  });

  test('a second time has nothing to do; without guests it is the block alone; uninstall gives back every byte', async () => {
    const files = partition(guestFiles('web'));
    const before = { ...files };
    await installed(files);
    expect((await installed(files)).changes).toEqual([]);
    const card = changeableCard(files);
    await carryOut(card, await planGuestRemove(card, 'web'));
    await installed(files);
    const { picked } = await prepareHandover(card);
    expect(hypervisorIn(await card.read(picked.kernel.file))).toBeUndefined();
    expect(names(files).filter((it) => it.endsWith('.dtb'))).toEqual(['bcm2709-rpi-2-b.dtb']);
    await carryOut(card, await planUninstall(card));
    const ofGuests = ['hypberry-guests.json', 'hypberry-guest-web.kernel'];
    expect(files).toEqual(
      Object.fromEntries(Object.entries(before).filter(([path]) => !ofGuests.includes(path))),
    );
  });

  // At 0x2f000000 and below, the firmware puts the tree at the end of memory, where the hypervisor is.
  test.each(['gpu_mem=256', 'gpu_mem=320', 'gpu_mem=512', 'total_mem=512\ngpu_mem=16', 'total_mem=700'])(
    'with %s a line says where the tree goes, if it must; a second time has nothing to do; uninstall gives back every byte',
    async (split) => {
      const files = partition({ ...guestFiles('web'), 'config.txt': text(`${split}\n`) });
      if (split.includes('gpu_mem=16'))
        Object.assign(files, { 'start_cd.elf': files['start.elf'], 'fixup_cd.dat': files['fixup.dat'] });
      const before = files['config.txt'];
      const plan = await installed(files);
      const { picked } = await prepareHandover(changeableCard(files));
      const pins = new TextDecoder().decode(files['config.txt']).includes('device_tree_address=0x08000000');
      expect(pins).toBe(picked.tree!.address === 0x800_0000);
      expect(pins).toBe(plan.method === 'kernel_old' || split !== 'gpu_mem=256');
      expect((await installed(files)).changes).toEqual([]);
      await carryOut(changeableCard(files), await planUninstall(changeableCard(files)));
      expect(files['config.txt']).toEqual(before);
    },
  );

  test('where config.txt has put the tree over the hypervisor, that stays, and is refused', async () => {
    const lines = 'gpu_mem=320\ndevice_tree_address=0x2bff0000\n';
    const files = partition({ ...guestFiles('web'), 'config.txt': text(lines) });
    await expect(installed(files)).rejects.toThrow(code('hypervisor.placement'));
  });

  test('uninstall leaves the guests on the card', async () => {
    const files = partition(guestFiles('web'));
    const before = { ...files };
    await installed(files);
    const card = changeableCard(files);
    await carryOut(card, await planUninstall(card));
    expect(files).toEqual(before);
  });
});

describe('install with guests', () => {
  const install = (files: Files): Promise<Plan> => planInstall(changeableCard(files), { method: 'auto' });

  test('puts the block in even where the firmware starts HYP mode by itself', async () => {
    const files = bootPartition('hyp', { 'bcm2709-rpi-2-b.dtb': HOST_TREE, ...guestFiles('web') });
    expect((await install(files)).changes.map(({ path }) => path.replace(/[0-9a-f]{8}/, ''))).toEqual([
      'hypberryd',
      'hypberry-.bin',
      'hypberry-.dtb',
      'hypberry-.img',
      'config.txt',
    ]);
  });

  test.each([
    ['4.19.97-v7+', true],
    ['6.1.21-v7+', true],
    ['4.2.5-2709+', true],
    ['6.1.26-v7+', false],
    ['6.1.9-rpi2', true],
    ['6.6.20+rpt-rpi-v7', false],
    ['5.4.0-1071-raspi', true],
    ['5.10.0-8-armmp', false],
    ['10.0.1-v7+', false],
  ])('the consoles may have other numbers under %s: %s', async (version, told) => {
    const card = changeableCard(
      bootPartition('svc', {
        ...guestFiles('web'),
        'kernel7.img': kernelFile(1, version),
        'bcm2709-rpi-2-b.dtb': HOST_TREE,
      }),
    );
    const listed = await listGuests(card);
    expect(listed.guests[0]?.console).toBe('/dev/ttyAMA3');
    expect(listed.consolesNote !== undefined).toBe(told);
    const { notes } = await planInstall(card, { method: 'auto' });
    expect(notes.filter((it) => it.startsWith('The numbers of the consoles may be others'))).toEqual(
      told ? [listed.consolesNote] : [],
    );
  });

  test('an initramfs that the firmware found by the kernel’s name is named', async () => {
    const files = partition({
      ...guestFiles('web'),
      initramfs7: new Uint8Array(5000),
      'config.txt': text('auto_initramfs=1\n'),
    });
    const card = changeableCard(files);
    await carryOut(card, await planInstall(card, { method: 'armstub' }));
    const { picked } = await prepareHandover(card);
    expect(picked.initramfs?.file).toBe('initramfs7');
    expect(picked.kernel.file).toMatch(/^hypberry-.*img$/);
  });

  test('the trailer that old firmware wants is at the end of the file', async () => {
    const files = bootPartition('of2015', { 'bcm2709-rpi-2-b.dtb': HOST_TREE, ...guestFiles('web') });
    const card = changeableCard(files);
    await carryOut(card, await planInstall(card, { method: 'auto' }));
    const { picked } = await prepareHandover(card);
    expect(picked.tree?.file).toMatch(/^hypberry-.*dtb$/);
  });

  test.each<[string, Files, string]>([
    ['a tree without the interrupt controller', { 'bcm2709-rpi-2-b.dtb': TREE }, 'guest.tree'],
    ['no tree', { 'config.txt': text('device_tree=\n') }, 'setup.no-tree'],
    ['a guest whose kernel is empty', { 'hypberry-guest-web.kernel': new Uint8Array(0) }, 'guest.kernel'],
    ['a file of guests that is none', { 'hypberry-guests.json': text('{}') }, 'guest.file-damaged'],
    ['too little memory', { 'config.txt': text('total_mem=256\ngpu_mem=128\n') }, 'guest.memory'],
  ])('refused: %s', async (_, more, expected) => {
    await expect(install(partition({ ...guestFiles('web'), ...more }))).rejects.toThrow(code(expected));
  });

  test('a guest whose kernel is gone: what would start it is refused, and it can be removed', async () => {
    const files = partition(guestFiles('web', 'db'));
    delete files['hypberry-guest-web.kernel'];
    const card = changeableCard(files);
    await expect(install(files)).rejects.toThrow(code('guest.no-file'));
    expect((await listGuests(card)).guests.map(({ name, problem }) => [name, problem?.code])).toEqual([
      ['web', 'guest.no-file'],
      ['db', undefined],
    ]);
    await expect(planGuestAdd(card, web({ name: 'more' }))).rejects.toThrow(code('guest.no-file'));
    await carryOut(card, await planGuestRemove(card, 'web'));
    expect((await listGuests(card)).guests.map(({ name }) => name)).toEqual(['db']);
  });

  test('a host of an unknown kind is refused by the mode that the hypervisor enters it in', async () => {
    const files = partition({ ...guestFiles('web'), 'kernel7.img': ARMV7_CODE });
    await expect(install(files)).rejects.toMatchObject({
      code: 'setup.not-a-kernel',
      hint: 'If it is a program that starts at 0x8000 in SVC mode, install with --force.',
    });
  });

  test('the file on the card describes itself', async () => {
    const { changes } = await install(partition(guestFiles('web')));
    const file = changes.find(({ path }) => path.endsWith('.img'))!;
    if (file.kind === 'remove') throw new Error('removed');
    const description = readHypervisorFile(file.data)!;
    expect(description.armMemory).toBe((1024 - 64) * MIB);
    expect(description.guests).toMatchObject([{ name: 'web', memory: 32 * MIB, cores: [3] }]);
  });
});

describe('inspect', () => {
  const installed = async (files: Files): Promise<void> => {
    const card = changeableCard(files);
    await carryOut(card, await planInstall(card, { method: 'armstub' }));
  };

  test.each<[string, (files: Files) => Promise<void>, RegExp]>([
    [
      'guests that are not installed',
      async () => undefined,
      /This card has guests web, db, not started yet\. "hypberry install" has the card start them/,
    ],
    [
      'one guest that is not',
      async (files) => {
        const card = changeableCard(files);
        await carryOut(card, await planGuestRemove(card, 'db'));
      },
      /This card has guest web, not started yet\. "hypberry install" has the card start it\.$/,
    ],
    [
      'guests that are',
      async (files) => {
        const card = changeableCard(files);
        await carryOut(card, await planInstall(card, { method: 'kernel_old' }));
      },
      /starts hypberry's hypervisor in HYP mode, with guests web, db\.$/,
    ],
    [
      'one removed since',
      async (files) => {
        const card = changeableCard(files);
        await carryOut(card, await planInstall(card, { method: 'armstub' }));
        await carryOut(card, await planGuestRemove(card, 'db'));
      },
      /with guests web, db\. The card has guest web now; "hypberry install" makes it so/,
    ],
    [
      'a file of guests that was damaged since',
      async (files) => {
        await installed(files);
        files['hypberry-guests.json'] = text('{');
      },
      /with guests web, db\. "hypberry install" refuses it as it is: hypberry-guests\.json cannot be used/,
    ],
    [
      'what was changed since, under the same names',
      async (files) => {
        await installed(files);
        const json = new TextDecoder().decode(files['hypberry-guests.json']);
        files['hypberry-guests.json'] = text(json.replace('"memory":32', '"memory":64'));
      },
      /with guests web, db\. It is out of date: "hypberry install"/,
    ],
    [
      "a host's kernel that was changed since",
      async (files) => {
        await installed(files);
        files['kernel7.img'] = kernelFile(8);
      },
      /with guests web, db\. It is out of date: "hypberry install"/,
    ],
    [
      'that our file is gone',
      async (files) => {
        await installed(files);
        for (const name of names(files))
          if (/^hypberry-.*img$/.test(name)) Reflect.deleteProperty(files, name);
      },
      /does not start a Pi 2 as it is\. .* is not on the card\. "hypberry install" mends that\.$/,
    ],
    [
      "that a guest's kernel is gone",
      async (files) => {
        Reflect.deleteProperty(files, 'hypberry-guest-db.kernel');
      },
      /has guests web, db, not started yet\. "hypberry install" refuses it as it is: hypberry-guest-db.kernel,/,
    ],
  ])('says %s', async (_, before, conclusion) => {
    const files = partition(guestFiles('web', 'db'));
    await before(files);
    expect((await inspectCard(changeableCard(files))).conclusion).toMatch(conclusion);
  });

  test('has a row for each guest, with its devices', async () => {
    const files = partition();
    const card = changeableCard(files);
    await add(card, web({ disks: ['/srv/web.img,size=8G'] }));
    const { sections, facts } = await inspectCard(card);
    expect(sections.find(({ title }) => title === 'Guests')?.rows[0]).toEqual([
      'web',
      '64 MiB, 1 core, hypberry-guest-web.kernel, disk /srv/web.img (8G)',
    ]);
    expect(facts).toMatchObject({ guests: [{ disks: [{ path: '/srv/web.img', size: '8G' }] }] });
  });

  test('has a note for files of guests that are no more', async () => {
    const files = partition(guestFiles('web'));
    Reflect.deleteProperty(files, 'hypberry-guests.json');
    const { sections } = await inspectCard(changeableCard(files));
    expect(sections.find(({ title }) => title === 'Guests')?.rows).toEqual([
      ['note', expect.stringContaining('hypberry-guest-web.kernel is of no guest')],
    ]);
  });

  test('they are listed, and uninstall takes them away; those of guests stay', async () => {
    const files = partition(guestFiles('web'));
    files['hypberry-guest-cut.kernel'] = text('half');
    const card = changeableCard(files);
    expect((await listGuests(card)).unusedFiles).toEqual(['hypberry-guest-cut.kernel']);
    const plan = await planUninstall(card);
    expect(plan.summary).toBe('What is left of hypberry on the card, and needed by nothing, goes.');
    expect(plan.changes).toEqual([{ kind: 'remove', path: 'hypberry-guest-cut.kernel' }]);
  });

  test('where the file of the guests is damaged, uninstall leaves all of theirs', async () => {
    const files = partition({ ...guestFiles('web'), 'hypberry-guests.json': text('{') });
    expect((await planUninstall(changeableCard(files))).changes).toEqual([]);
  });

  test('tells a damaged file of guests', async () => {
    const { sections } = await inspectCard(changeableCard(partition({ 'hypberry-guests.json': text('{') })));
    expect(sections.find(({ title }) => title === 'Guests')?.rows[0]).toEqual([
      'problem',
      expect.stringContaining('(guest.file-damaged)'),
    ]);
  });
});
