import { describe, expect, test } from 'vitest';
import type { CardReader } from '../../src/card/card.js';
import { GUESTS_FILE, readGuests } from '../../src/guest/guests.js';
import { inspectCard } from '../../src/setup/inspect.js';
import { planInstall, planUninstall } from '../../src/setup/install.js';
import { bootPartition, guestFiles } from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';
import { memoryCard } from '../support/memory-card.js';

/** Bytes that nobody may ask for: more than a text in this language can hold. */
const HUGE = 600 << 20;

/** A sound card, one of whose files says that it is huge; to read it whole fails. */
function cardWithHuge(path: string, more: Parameters<typeof bootPartition>[1] = {}): CardReader {
  const card = memoryCard(bootPartition('svc', { [path]: '', ...more }));
  return {
    ...card,
    list: async (folder) =>
      (await card.list(folder)).map((entry) =>
        folder === '' && entry.name === path ? { ...entry, size: HUGE } : entry,
      ),
    stat: async (name) => {
      const entry = await card.stat(name);
      return name.toLowerCase() === path ? entry && { ...entry, size: HUGE } : entry;
    },
    read: async (name, offset, length = Infinity) => {
      if (name.toLowerCase() === path && length > 1 << 20) throw new Error(`${name} is read whole`);
      return card.read(name, offset, length);
    },
  };
}

describe('a file too large to be what it is called is refused before it is read', () => {
  test.each([
    ['config.txt', 'firmware.config-size'],
    ['start.elf', 'firmware.file-size'],
    ['bootcode.bin', 'firmware.file-size'],
    ['cmdline.txt', 'firmware.file-size'],
    [GUESTS_FILE, 'guest.file-size'],
  ])('%s: %s', async (path, code) => {
    const card = cardWithHuge(path);
    await expect(planInstall(card, { method: 'auto' })).rejects.toMatchObject({ code });
    const report = await inspectCard(card);
    const facts = JSON.stringify(report);
    expect(facts).toContain(`${path} has ${HUGE} bytes`);
    if (path === GUESTS_FILE) return;
    // It is hypberry that goes no further.
    expect(report.start.mode).toBe('unknown');
    expect(report.conclusion).toMatch(/^Whether this card starts a Pi 2 is not known\. /);
    expect(report.isWell).toBe(false);
  });

  test.each([
    ['kernel7.img', 'kernel', ''],
    ['other.img', 'kernel', 'kernel=other.img\n'],
    ['other.img', 'kernel', 'kernel=other.img\nkernel_old=1\n'],
    ['rd', 'initramfs', 'initramfs rd followkernel\n'],
    ['rd', 'initramfs', 'ramfsfile=rd\n'],
    ['initramfs7', 'initramfs', 'auto_initramfs=1\n'],
    ['stub.bin', 'stub', 'armstub=stub.bin\n'],
    ['armstub7.bin', 'stub', ''],
    ['x.elf', 'start.elf', 'start_file=x.elf\n'],
    ['args.txt', 'command line', 'cmdline=args.txt\n'],
    ['more.txt', undefined, 'include more.txt\n'],
  ])('%s, a %s by config.txt: %j', async (path, kind, config) => {
    const card = cardWithHuge(path, { 'config.txt': config });
    const words = `${path} has ${HUGE} bytes, and hypberry reads no ${kind ?? 'file of settings'} of more`;
    await expect(planInstall(card, { method: 'auto' })).rejects.toThrow(words);
    expect(JSON.stringify(await inspectCard(card))).toContain(words);
  });

  test('several that are one initramfs, by their sum', async () => {
    const files = { a: '', b: '', 'config.txt': 'initramfs a,b followkernel\n' };
    const card = memoryCard(bootPartition('svc', files));
    const half = {
      ...card,
      stat: async (name: string) => {
        const entry = await card.stat(name);
        return name in files && name.length === 1 ? entry && { ...entry, size: HUGE / 2 } : entry;
      },
    };
    await expect(planInstall(half, { method: 'auto' })).rejects.toThrow(
      `a,b has ${HUGE} bytes, and hypberry reads no initramfs of more`,
    );
  });

  test("a guest's files", async () => {
    const path = Object.keys(guestFiles('web')).find((name) => name !== GUESTS_FILE)!;
    await expect(
      planInstall(cardWithHuge(path, guestFiles('web')), { method: 'auto' }),
    ).rejects.toMatchObject({
      code: 'guest.memory',
    });
  });

  test('fixup.dat, a tree and an overlay are passed by as damaged ones are', async () => {
    for (const path of ['fixup.dat', 'bcm2709-rpi-2-b.dtb', 'overlays/huge.dtbo']) {
      const card = cardWithHuge(path, { 'config.txt': 'dtoverlay=huge\n' });
      expect(JSON.stringify(await inspectCard(card)), path).toContain(`${path} has ${HUGE} bytes`);
    }
  });

  test('a config.txt that our lines would make too large is told as it is', async () => {
    const size = (256 << 10) - 10;
    const card = changeableCard(bootPartition('svc', { 'config.txt': '#'.repeat(size) }));
    const refusal = {
      code: 'firmware.config-size',
      message: expect.stringMatching(/^With the lines of hypberry/) as string,
    };
    await expect(planInstall(card, { method: 'auto' })).rejects.toMatchObject(refusal);
  });

  test('uninstall and the list of guests, too', async () => {
    await expect(planUninstall(cardWithHuge('config.txt'))).rejects.toMatchObject({
      code: 'firmware.config-size',
    });
    await expect(readGuests(cardWithHuge(GUESTS_FILE))).rejects.toMatchObject({ code: 'guest.file-size' });
  });
});
