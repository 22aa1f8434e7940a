import { describe, expect, test } from 'vitest';
import type { HypberryError } from '../../src/base/errors.js';
import type { Card } from '../../src/card/card.js';
import type { Guest } from '../../src/guest/guests.js';
import { planGuestAdd, planGuestRemove } from '../../src/setup/guest-add.js';
import { planGuestRename, planGuestSet, type GuestSettings } from '../../src/setup/guest-set.js';
import { describeGuest, listGuests } from '../../src/setup/guests.js';
import { planInstall } from '../../src/setup/install.js';
import { applyPlan, checkPlan, type Plan } from '../../src/setup/plan.js';
import { bootPartition, guestFilesOf, HOST_TREE, kernelFile, type Files } from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';
import { text } from '../support/kernel-files.js';

const code = (it: string): HypberryError => expect.objectContaining({ code: it }) as HypberryError;
const partition = (more: Files = {}): Files =>
  bootPartition('svc', { 'bcm2709-rpi-2-b.dtb': HOST_TREE, ...more });
const carryOut = async (card: Card, plan: Plan): Promise<Plan> => {
  await applyPlan(card, await checkPlan(card, plan), () => undefined);
  return plan;
};
const kernel = { name: 'vmlinuz', data: kernelFile(9) };
const initramfs = { name: 'web.cpio', data: text('070701') };
const guestsIn = (files: Files): Guest[] =>
  (JSON.parse(new TextDecoder().decode(files['hypberry-guests.json'])) as { guests: Guest[] }).guests;
const names = (files: Files): string[] => Object.keys(files).sort();
const draws =
  (...bytes: readonly number[]) =>
  (): Uint8Array =>
    Uint8Array.from(bytes);

/** A card with the guests web, which has all that there is, and db. */
async function twoGuests(): Promise<{ card: Card; files: Files }> {
  const files = partition();
  const card = changeableCard(files);
  const devices = {
    disks: ['/srv/a.img,size=1G', '/srv/b.img,ro'],
    ...({ network: 'host', isolated: true, virtio: 2 } as const),
    forwards: ['8080:80', '53:53/udp'],
  };
  const web = { name: 'web', kernel, initramfs, memory: 64, cores: 2, commandLine: 'quiet', ...devices };
  await carryOut(card, await planGuestAdd(card, web, draws(1, 2, 3)));
  const db = { name: 'db', kernel, memory: 64, cores: 1, commandLine: undefined };
  await carryOut(card, await planGuestAdd(card, db, draws(4, 5, 6)));
  return { card, files };
}

/** Whether every guest that a card has starts from files that are there. */
const isWhole = (files: Files): boolean =>
  guestsIn(files).every(({ kernel, initramfs }) =>
    [kernel, initramfs].every((path) => path === undefined || path in files),
  );

describe('guest set', () => {
  test('one that was added not to start with the Pi starts with it again, and is as others are', async () => {
    const files = partition();
    const card = changeableCard(files);
    const plain = { kernel, memory: 64, cores: 1, commandLine: undefined };
    const plan = await carryOut(card, await planGuestAdd(card, { ...plain, name: 'web', autostart: false }));
    expect(plan.summary).toContain('no autostart');
    await carryOut(card, await planGuestAdd(card, { ...plain, name: 'db', autostart: true }));
    const [web, db] = guestsIn(files);
    expect([web, db].map((it) => it?.autostart)).toEqual([false, undefined]);
    await carryOut(card, await planGuestSet(card, 'web', { memory: 32 }));
    expect(guestsIn(files)[0]?.autostart).toBe(false);
    await carryOut(card, await planGuestSet(card, 'web', { autostart: true, memory: 64 }));
    expect(guestsIn(files)[0]).toEqual({ ...db, name: 'web', kernel: web?.kernel });
  });

  test.each<[string, GuestSettings, Partial<Guest>]>([
    ['memory', { memory: 128 }, { memory: 128 }],
    ['cores', { cores: 1 }, { cores: 1 }],
    ['the command line', { commandLine: '' }, { commandLine: '' }],
    ['no initramfs', { initramfs: 'none' }, { initramfs: undefined }],
    [
      'a disk behind the others',
      { disks: ['/dev/sda1'] },
      {
        disks: [
          { path: '/srv/a.img', size: '1G' },
          { path: '/srv/b.img', readOnly: true },
          { path: '/dev/sda1' },
        ],
      },
    ],
    [
      'other settings of a disk, by another form of its path',
      { disks: ['/srv//b.img,size=2G'] },
      {
        disks: [
          { path: '/srv/a.img', size: '1G' },
          { path: '/srv//b.img', size: '2G' },
        ],
      },
    ],
    ['one disk less', { disksGone: ['/srv/./a.img'] }, { disks: [{ path: '/srv/b.img', readOnly: true }] }],
    [
      'one less by a way back',
      { disksGone: ['/srv/x/../a.img'] },
      { disks: [{ path: '/srv/b.img', readOnly: true }] },
    ],
    ['no disk', { disksGone: ['/srv/a.img', '/srv/b.img'] }, { disks: undefined }],
    [
      'the order of disks',
      { disksGone: ['/srv/a.img'], disks: ['/srv/a.img'] },
      { disks: [{ path: '/srv/b.img', readOnly: true }, { path: '/srv/a.img' }] },
    ],
    ['no network, and no forwards', { network: 'none' }, { network: undefined, forwards: undefined }],
    ['one more forward', { forwards: ['80:80'] }, { forwards: ['8080:80', '53:53/udp', '80:80'] }],
    [
      'a forward by another protocol, and one to another port',
      { forwards: ['53:53', '8080:81/tcp'] },
      { forwards: ['8080:81', '53:53/udp', '53:53'] },
    ],
    ['a forward less', { forwardsGone: ['53/udp'] }, { forwards: ['8080:80'] }],
    ['no forwards', { forwardsGone: ['8080:80', '53/udp'] }, { forwards: undefined }],
    ['not isolated', { isolated: false }, { isolated: undefined }],
    ['no autostart', { autostart: false }, { autostart: false }],
    ['another virtio', { virtio: 1 }, { virtio: 1 }],
    ['the virtio that suits the kernel', { virtio: 'auto' }, { virtio: undefined }],
  ])('%s: once, and a second time nothing', async (_, settings, expected) => {
    const { card, files } = await twoGuests();
    const [web, db] = guestsIn(files);
    const plan = await carryOut(card, await planGuestSet(card, 'web', settings));
    expect(plan.summary).toMatch(/^Guest web becomes: /);
    expect(plan.notes.join()).toContain('"hypberry install"');
    // Its place among the guests, and with it its console, is the same.
    expect(guestsIn(files)).toEqual([{ ...web, ...expected }, db]);
    // As text too: undefined entries are none.
    expect(describeGuest((await listGuests(card)).guests[0]!)).toContain(
      `${expected.memory ?? 64} MiB, core`,
    );
    if (settings.disksGone && settings.disks) return;
    const again = await planGuestSet(card, 'web', settings);
    expect(again.changes).toEqual([]);
    expect(again.summary).toMatch(/^Guest web is so already: /);
  });

  test('a network card’s address, and that it is isolated, are kept, over none too; a first address is drawn', async () => {
    const { card, files } = await twoGuests();
    const { forwards, ...before } = guestsIn(files)[0]!;
    const { notes } = await carryOut(card, await planGuestSet(card, 'web', { network: 'none' }));
    expect(notes).toContain(
      `With its network web loses what leads to it: --forward ${forwards![0]!} --forward ${forwards![1]!}.`,
    );
    await carryOut(card, await planGuestSet(card, 'web', { network: 'host' }));
    expect(guestsIn(files)[0]).toEqual({ ...before, isolated: true });
    // Who asks for it without a network has made a mistake.
    const alone = { network: 'none', isolated: true } as const;
    await expect(planGuestSet(card, 'web', alone)).rejects.toThrow(code('guest.network'));
    const { notes: without } = await carryOut(
      card,
      await planGuestSet(card, 'web', { network: 'none', isolated: false }),
    );
    expect(without.join()).not.toContain('loses');
    await carryOut(card, await planGuestSet(card, 'web', { network: 'host' }));
    expect(guestsIn(files)[0]).toEqual({ ...before, isolated: undefined });
    // The second draw is no one's.
    const two = [draws(1, 2, 3)(), draws(7, 8, 9)()];
    await carryOut(card, await planGuestSet(card, 'db', { network: 'host' }, () => two.shift()!));
    expect(guestsIn(files)[1]).toMatchObject({ network: 'host', mac: '52:54:00:07:08:09' });
  });

  test('files: new ones are written, the same are not, and one that is taken away goes', async () => {
    const { card, files } = await twoGuests();
    expect((await planGuestSet(card, 'web', { kernel, initramfs })).changes).toEqual([]);
    const other = { name: 'other', data: kernelFile(8) };
    const plan = await carryOut(card, await planGuestSet(card, 'web', { kernel: other, initramfs: 'none' }));
    expect(plan.summary).toContain('becomes: other, 64 MiB');
    expect(plan.changes.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'replace hypberry-guest-web.kernel',
      'replace hypberry-guests.json',
      'remove hypberry-guest-web.initramfs',
    ]);
    expect(files['hypberry-guest-web.kernel']).toEqual(other.data);
    await carryOut(card, await planGuestSet(card, 'web', { initramfs }));
    expect(files['hypberry-guest-web.initramfs']).toEqual(initramfs.data);
  });

  test("a guest that starts from a file of its user's own is given its own, and that one stays", async () => {
    const own = { name: 'own', kernel: 'mine.img', memory: 32, cores: 1, commandLine: '' };
    const json = text(
      JSON.stringify({ $schema: 'mine.json', version: 1, guests: [own, { ...own, name: 'two' }] }),
    );
    const files = partition({ 'mine.img': kernelFile(7), 'hypberry-guests.json': json });
    const card = changeableCard(files);
    // What is set already changes no byte, whoever wrote the file.
    expect((await planGuestSet(card, 'own', { memory: 32 })).changes).toEqual([]);
    await carryOut(card, await planGuestSet(card, 'own', { kernel }));
    expect(guestsIn(files).map((it) => it.kernel)).toEqual(['hypberry-guest-own.kernel', 'mine.img']);
    expect(files['mine.img']).toEqual(kernelFile(7));
    expect(new TextDecoder().decode(files['hypberry-guests.json'])).toContain('"$schema": "mine.json"');
  });

  test('mends a guest that does not start, though another does not start either', async () => {
    const { card, files } = await twoGuests();
    Reflect.deleteProperty(files, 'hypberry-guest-web.kernel');
    Reflect.deleteProperty(files, 'hypberry-guest-db.kernel');
    await expect(planGuestSet(card, 'web', { memory: 32 })).rejects.toThrow(code('guest.no-file'));
    const plan = await carryOut(card, await planGuestSet(card, 'web', { kernel }));
    expect(plan.notes.slice(1)).toEqual([
      expect.stringMatching(/^"hypberry install" refuses .*guest-db\.kernel/),
    ]);
    await carryOut(card, await planGuestSet(card, 'db', { kernel }));
    expect((await planInstall(card, { method: 'armstub' })).changes).not.toEqual([]);
  });

  test('what is to be known of disks: a size that comes too late, another order, one that there was not', async () => {
    const { card } = await twoGuests();
    const notes = async (settings: GuestSettings): Promise<string> =>
      (await planGuestSet(card, 'web', settings)).notes.join('\n');
    expect(await notes({ disks: ['/srv/a.img,size=2G'] })).toContain('a file that is there keeps its own');
    expect(await notes({ disks: ['/srv/a.img,size=1G'] })).toBe('');
    expect(await notes({ disksGone: ['/srv/a.img'] })).toContain('vda, vdb and on are now /srv/b.img.');
    expect(await notes({ disksGone: ['/srv/b.img'] })).not.toContain('vda');
    expect(await notes({ disksGone: ['/srv/c.img'] })).toBe('web had no disk /srv/c.img.');
  });

  test.each<[string, GuestSettings, string]>([
    ['memory that is none', { memory: 15 }, 'guest.memory'],
    ['memory that leaves the host none', { memory: 896 }, 'guest.memory'],
    ['four cores', { cores: 4 }, 'guest.cores'],
    ['a command line of two', { commandLine: 'a\nb' }, 'guest.command-line'],
    ['text for a kernel', { kernel: { name: 'a.txt', data: text('some text') } }, 'guest.kernel'],
    ['an empty initramfs', { initramfs: { name: 'i', data: text('') } }, 'guest.initramfs'],
    ['a relative path', { disks: ['web.img'] }, 'guest.disk'],
    ['a disk twice', { disks: ['/x', '/x'] }, 'guest.disk'],
    ['a disk of another guest', { disks: ['/srv/a.img'] }, 'guest.disk'],
    ['nine disks', { disks: '123456789'.split('').map((it) => `/${it}`) }, 'guest.disk'],
    ['isolated without a network', { isolated: true }, 'guest.network'],
    ['a forward without a network', { forwards: ['80:80'] }, 'guest.forward'],
    ['a forward of another guest', { network: 'host', forwards: ['8080:1'] }, 'guest.forward'],
    ['a forward twice', { network: 'host', forwards: ['81:1', '81:2'] }, 'guest.forward'],
    ['isolated with the network taken away', { isolated: true, network: 'none' }, 'guest.network'],
  ])('refused as at add, and nothing changed: %s', async (_, settings, expected) => {
    const { card, files } = await twoGuests();
    const before = { ...files };
    await expect(planGuestSet(card, 'db', settings)).rejects.toThrow(code(expected));
    expect(files).toEqual(before);
  });

  test('of a guest that is not there', async () => {
    const { card } = await twoGuests();
    await expect(planGuestSet(card, 'mail', { memory: 64 })).rejects.toThrow(code('guest.unknown'));
  });
});

describe('guest remove on a card without a free byte', () => {
  test('takes the files first', async () => {
    const { files } = await twoGuests();
    const bytes = Object.values(files).reduce((sum, data) => sum + data.length, 0);
    const full = changeableCard(files, bytes);
    await carryOut(full, await planGuestRemove(full, 'web'));
    expect(guestsIn(files).map(({ name }) => name)).toEqual(['db']);
    expect(isWhole(files)).toBe(true);
    expect(names(files).filter((it) => it.includes('-web.'))).toEqual([]);
  });

  test('is refused, in bytes, where its files are its user’s and stay', async () => {
    const files = partition(guestFilesOf({ kernel: 'kernel7.img' }, 'web', 'db'));
    const bytes = Object.values(files).reduce((sum, data) => sum + data.length, 0);
    const full = changeableCard(files, bytes);
    const plan = await planGuestRemove(full, 'web');
    await expect(checkPlan(full, plan)).rejects.toThrow(code('card.no-room'));
    await expect(checkPlan(full, plan)).rejects.toThrow(/has 0 bytes free, and \d{3} bytes are needed/);
  });
});

describe('guest rename', () => {
  test('has its files called after it; all else stays', async () => {
    const { card, files } = await twoGuests();
    const [web, db] = guestsIn(files);
    const before = { ...files };
    const plan = await carryOut(card, await planGuestRename(card, 'web', 'www'));
    expect(plan.summary).toBe('Guest web is called www from now on.');
    expect(guestsIn(files)).toEqual([
      {
        ...web,
        name: 'www',
        kernel: 'hypberry-guest-www.kernel',
        initramfs: 'hypberry-guest-www.initramfs',
      },
      db,
    ]);
    expect(files['hypberry-guest-www.kernel']).toEqual(before['hypberry-guest-web.kernel']);
    expect(names(files)).toEqual(
      names(before)
        .map((it) => it.replace('-web.', '-www.'))
        .sort(),
    );
    await carryOut(card, await planGuestRename(card, 'www', 'web'));
    expect(files).toEqual(before);
    expect((await planGuestRename(card, 'web', 'web')).changes).toEqual([]);
  });

  test('without room for copies its files keep their names, which no other guest gets then', async () => {
    const { files } = await twoGuests();
    const bytes = Object.values(files).reduce((sum, data) => sum + data.length, 0);
    // Room for the guests' file, not for a kernel beside it.
    const room = files['hypberry-guests.json']!.length + kernel.data.length / 2;
    const full = changeableCard(files, bytes + room);
    await carryOut(full, await planGuestRename(full, 'web', 'www'));
    expect(guestsIn(files)[0]).toMatchObject({ name: 'www', kernel: 'hypberry-guest-web.kernel' });
    const card = changeableCard(files);
    const again = { name: 'web', kernel, memory: 32, cores: 1, commandLine: undefined };
    await expect(planGuestAdd(card, again)).rejects.toThrow(code('guest.file-in-use'));
    await carryOut(card, await planGuestRemove(card, 'www'));
    expect(names(files).filter((it) => it.includes('-web.'))).toEqual([]);
  });

  test('files that its user named, and a file that another guest has too, stay', async () => {
    const files = partition({
      ...guestFilesOf({ kernel: 'hypberry-guest-web.kernel', initramfs: 'mine.cpio' }, 'web', 'two'),
      'mine.cpio': initramfs.data,
    });
    const card = changeableCard(files);
    await carryOut(card, await planGuestRename(card, 'web', 'www'));
    expect(guestsIn(files).map(({ kernel, initramfs }) => [kernel, initramfs])).toEqual([
      ['hypberry-guest-www.kernel', 'mine.cpio'],
      ['hypberry-guest-web.kernel', 'mine.cpio'],
    ]);
    expect(isWhole(files)).toBe(true);
  });

  test.each([
    ['a guest that is not there', 'mail', 'new', 'guest.unknown'],
    ['a name that is taken', 'web', 'db', 'guest.exists'],
    ['a name that none can have', 'web', 'host', 'guest.name'],
    ['a name whose file another starts from', 'web', 'x', 'guest.file-in-use'],
  ])('refused, and nothing changed: %s', async (_, from, to, expected) => {
    const { card, files } = await twoGuests();
    files['hypberry-guest-x.kernel'] = kernelFile(3);
    const kept = guestsIn(files).map((it) =>
      it.name === 'db' ? { ...it, kernel: 'Hypberry-guest-X.kernel' } : it,
    );
    files['hypberry-guests.json'] = text(JSON.stringify({ version: 1, guests: kept }));
    const before = { ...files };
    await expect(planGuestRename(card, from, to)).rejects.toThrow(code(expected));
    expect(files).toEqual(before);
  });
});

test('cut after any change, each guest has its files, and the same command ends it', async () => {
  const commands: ((card: Card) => Promise<Plan>)[] = [
    (card) => planGuestRename(card, 'web', 'www'),
    (card) => planGuestSet(card, 'web', { kernel: { name: 'k', data: kernelFile(3) }, initramfs: 'none' }),
    (card) => planGuestSet(card, 'db', { initramfs, memory: 128 }),
  ];
  for (const command of commands) {
    const whole = await twoGuests();
    const { changes } = await carryOut(whole.card, await command(whole.card));
    expect(changes.length).toBeGreaterThan(1);
    for (let cut = 0; cut <= changes.length; cut++) {
      const { card, files } = await twoGuests();
      const plan = await command(card);
      await applyPlan(card, { ...plan, changes: plan.changes.slice(0, cut) }, () => undefined);
      expect(isWhole(files)).toBe(true);
      // A guest that has its new name already has it; what is left over goes with the next change.
      const renamed = guestsIn(files)[0]!.name === 'www';
      await carryOut(card, renamed ? await planGuestRename(card, 'www', 'www') : await command(card));
      expect(files).toEqual(whole.files);
    }
  }
});
