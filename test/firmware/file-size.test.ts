import { describe, expect, test } from 'vitest';
import type { CardReader } from '../../src/card/card.js';
import { GUESTS_FILE, readGuests } from '../../src/guest/guests.js';
import { inspectCard } from '../../src/setup/inspect.js';
import { planInstall, planUninstall } from '../../src/setup/install.js';
import { bootPartition } from '../support/boot-files.js';
import { memoryCard } from '../support/memory-card.js';

/** Bytes that nobody may ask for: more than a text in this language can hold. */
const HUGE = 600 << 20;

/** A sound card, one of whose files says that it is huge; to read it whole fails. */
function cardWithHuge(path: string, more: Parameters<typeof bootPartition>[1] = {}): CardReader {
  const card = memoryCard(bootPartition('svc', { [path]: '', ...more }));
  return {
    ...card,
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
  });

  test('fixup.dat, a tree and an overlay are passed by as damaged ones are', async () => {
    for (const path of ['fixup.dat', 'bcm2709-rpi-2-b.dtb', 'overlays/huge.dtbo']) {
      const card = cardWithHuge(path, { 'config.txt': 'dtoverlay=huge\n' });
      expect(JSON.stringify(await inspectCard(card)), path).toContain(`${path} has ${HUGE} bytes`);
    }
  });

  test('uninstall and the list of guests, too', async () => {
    await expect(planUninstall(cardWithHuge('config.txt'))).rejects.toMatchObject({
      code: 'firmware.config-size',
    });
    await expect(readGuests(cardWithHuge(GUESTS_FILE))).rejects.toMatchObject({ code: 'guest.file-size' });
  });
});
