import { afterAll, expect, test } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import type { Card } from '../../src/card/card.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { inspectCard } from '../../src/setup/inspect.js';
import { planGuestAdd, planGuestRemove } from '../../src/setup/guest-add.js';
import { planGuestRename, planGuestSet } from '../../src/setup/guest-set.js';
import { listGuests } from '../../src/setup/guests.js';
import { planInstall, planUninstall } from '../../src/setup/install.js';
import { randomFrom } from '../board/rig.js';
import { kernelFile, type Files } from '../support/boot-files.js';
import { memoryCard } from '../support/memory-card.js';
import { damage, pick, randomBootFolder } from '../support/random-boot-folder.js';

/** HYPBERRY_FUZZ=n makes the run n times longer; HYPBERRY_SEED=n starts from another seed. */
const TIMES = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
const FOLDERS = 500 * TIMES;

/** No folder may take longer than this, milliseconds of this process's own time. */
const LONGEST_MS = 5000;
/** RAM of a Pi 2: nothing may be laid out beyond it. */
const RAM_SIZE = 0x4000_0000;

const outcomes = new Map<string, number>();
let damagedTrees = 0;

/** Runs something on a folder; anything but a result or a HypberryError is a failure. */
async function attempt(what: string, files: Files, act: () => Promise<unknown>): Promise<void> {
  const begin = process.cpuUsage();
  let outcome = 'done';
  try {
    await act();
  } catch (error) {
    if (!(error instanceof HypberryError)) {
      throw new Error(`${what}: ${String(error)}, with ${new TextDecoder().decode(files['config.txt'])}`, {
        cause: error,
      });
    }
    expect(error.message).not.toBe('');
    expect(error.hint).not.toBe('');
    outcome = error.code;
  }
  const took = process.cpuUsage(begin).user / 1000;
  expect(took, `${what} took ${took} ms`).toBeLessThan(LONGEST_MS);
  const key = `${what}: ${outcome}`;
  outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
}

test(`${FOLDERS} random boot folders give a machine or an error with a code (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  for (let i = 0; i < FOLDERS; i++) {
    const files = randomBootFolder(random);
    const card = memoryCard(files);
    await attempt('prepare', files, async () => {
      const { memory, armMemory, picked } = await prepareHandover(card);
      if (picked.notes.some((note) => note.includes('is damaged'))) damagedTrees++;
      expect(armMemory).toBeLessThanOrEqual(RAM_SIZE);
      let end = 0;
      for (const { address, data } of memory) {
        expect(address).toBeGreaterThanOrEqual(end);
        end = address + data.length;
      }
      expect(end).toBeLessThanOrEqual(RAM_SIZE);
    });
    await attempt('inspect', files, () => inspectCard(card));
    await attempt('install', files, () => planInstall(card, { method: 'auto', force: random(2) === 0 }));
    await attempt('uninstall', files, () => planUninstall(card));
    await attempt('guest list', files, () => listGuests(card));
    await attempt('guest remove', files, () => planGuestRemove(card, 'web'));
    const changed = { ...card, freeBytes: async () => random(1 << 24) } as Card;
    await attempt('guest set', files, () =>
      planGuestSet(changed, pick(random, ['web', 'db']), {
        ...(random(2) === 0 && {
          kernel: { name: 'vmlinuz', data: damage(random, kernelFile(random(256))) },
        }),
        ...(random(3) === 0 && { initramfs: 'none' as const }),
        ...(random(2) === 0 && { memory: pick(random, [0, 15, 16, 256, 4096, NaN]) }),
        ...(random(2) === 0 && { disks: [pick(random, ['/a', '/a,size=1M', 'b'])] }),
        ...(random(2) === 0 && { network: pick(random, ['host', 'none'] as const) }),
      }),
    );
    await attempt('guest rename', files, () =>
      planGuestRename(changed, pick(random, ['web', 'db']), pick(random, ['new', 'web', 'A B', ''])),
    );
    await attempt('guest add', files, () =>
      planGuestAdd(changed, {
        name: pick(random, ['new', 'web', 'A B', '']),
        kernel: { name: 'vmlinuz', data: damage(random, kernelFile(random(256))) },
        memory: pick(random, [0, 15, 16, 256, 4096, NaN]),
        cores: random(5),
        commandLine: undefined,
      }),
    );
  }
  // What the folders must have led to, or they were not what they are meant to be.
  for (const outcome of [
    ...['done', 'firmware.no-kernel', 'firmware.not-a-kernel', 'firmware.no-file', 'firmware.no-stub'],
    ...['firmware.overlap', 'firmware.no-room'],
  ]) {
    expect([...outcomes.keys()]).toContain(`prepare: ${outcome}`);
  }
  expect(damagedTrees).toBeGreaterThan(0);
}, 600_000);

afterAll(() => {
  const lines = [...outcomes].sort(([, a], [, b]) => b - a).map(([what, n]) => `  ${n} ${what}`);
  process.stdout.write(`${lines.join('\n')}\n`);
});
