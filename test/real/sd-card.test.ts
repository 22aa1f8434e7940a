/** Debian's kernels read, write and erase an SD card by both controllers; QEMU's raspi2b does the same with the same image. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCardImage } from '../../scripts/lib/card-image.js';
import type { CardPath } from '../../scripts/lib/card-tree.js';
import type { Suite } from '../../scripts/lib/inputs.js';
import { hasProgram } from '../../scripts/lib/run.js';
import { cardTools, ensureTools } from '../../scripts/lib/tools.js';
import { overlayOf } from '../../src/card/disk-overlay.js';
import { builtInEngine } from '../../src/engine/built-in.js';
import type { Engine, Machine } from '../../src/engine/engine.js';
import { runUntil } from '../../src/engine/run-until.js';
import type { Verdict } from '../../src/engine/verdict.js';
import { openContents } from '../../src/node/card-contents.js';
import { openCard } from '../../src/node/open-card.js';
import { qemuEngine } from '../../src/node/qemu.js';
import { tryCard } from '../../src/usecases/try.js';
import { memoryDisk } from '../support/memory-disk.js';
import { cardContents, cardFiles, cardMachine } from './card-machine.js';
import { everything } from './real-card.js';

const SECONDS = everything ? 1800 : 300;
const MIB = 2 ** 20;
const CARD_MIB = 64;

/** Reads, copies, writes pieces of a sector and of many, erases, and reads all again from the card. */
const SCRIPT = `
cd /dev
part() { dd if=mmcblk0 bs=1M skip=$1 count=$2 2>/dev/null | sha256sum | sed "s/^/part $1 $2 /"; }
fresh() { sync; echo 3 >/proc/sys/vm/drop_caches; }
dmesg | grep -E 'mmcblk0|mmc0: new'
part 8 6
dd if=mmcblk0 of=mmcblk0 bs=1M skip=8 seek=40 count=3 2>/dev/null
dd if=mmcblk0p1 of=mmcblk0 bs=512 skip=77 seek=100001 count=3 2>/dev/null
blkdiscard -o $((50 * 1048576)) -l 1048576 mmcblk0 && echo erased
fresh
part 39 5
part 48 4
dmesg | grep -E 'mmc.*(error|timeout|timed)|I/O error'
echo "the card" "was used"
`;

const DONE = /^the card was used$/m;

/** What erased sectors read as: either is a card's right (SCR, DATA_STAT_AFTER_ERASE). QEMU's has ones. */
const ERASED = { ours: 0x00, qemu: 0xff } as const;

/** What the script makes of a card, done here. */
function used(before: Uint8Array, erased: number): Uint8Array<ArrayBuffer> {
  const after = new Uint8Array(before);
  after.set(before.subarray(8 * MIB, 11 * MIB), 40 * MIB);
  after.copyWithin(100_001 * 512, (2048 + 77) * 512, (2048 + 80) * 512);
  after.fill(erased, 50 * MIB, 51 * MIB);
  return after;
}

const hashed = (bytes: Uint8Array, from: number, count: number): string =>
  `part ${from} ${count} ${createHash('sha256')
    .update(bytes.subarray(from * MIB, (from + count) * MIB))
    .digest('hex')}`;

async function run(engine: Engine, machine: Machine): Promise<string> {
  let said = '';
  const { end } = await runUntil(engine, machine, SECONDS, (text) => {
    said += text.replaceAll('\r', '');
    return DONE.test(said);
  });
  expect([end.why, said]).toEqual([expect.anything(), expect.stringMatching(DONE)]);
  return said;
}

const before = cardContents(CARD_MIB);
let folder: string;
beforeAll(async () => {
  await ensureTools([...cardTools, 'xz-utils']);
  folder = await mkdtemp(join(tmpdir(), 'hypberry-sd-'));
}, 600_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const all: readonly (readonly [Suite, CardPath])[] = [
  ['bookworm', 'sdhost'],
  ['bookworm', 'emmc'],
  ['bookworm', 'sdhost-pio'],
  ['trixie', 'sdhost'],
  ['trixie', 'emmc'],
];

it.runIf(everything)(
  'try puts the card that it tries into the slot, and leaves the image as it is',
  async () => {
    const image = join(folder, 'tried.img');
    const script =
      'cat /proc/partitions\ndd if=/dev/zero of=/dev/mmcblk0 bs=1M count=4 && sync && echo overwritten';
    await makeCardImage(image, await cardFiles('bookworm', 'sdhost', script));
    const sum = createHash('sha256')
      .update(await readFile(image))
      .digest('hex');
    const tried = await tryCard(
      {
        openCard: (options) => openCard(image, options),
        engine: async () => builtInEngine(),
        openContents: () => openContents(image),
      },
      { method: 'auto', asIs: true, timeout: SECONDS, until: { text: '\noverwritten' } },
    );
    expect(tried.outcome.reached).toBe(true);
    expect((tried.outcome as Verdict).console).toMatch(/ mmcblk0\r?\n.* mmcblk0p1\r?\n.* mmcblk0p2\r?\n/);
    expect(
      createHash('sha256')
        .update(await readFile(image))
        .digest('hex'),
    ).toBe(sum);
  },
  (SECONDS + 60) * 1000,
);

describe.each(everything ? all : all.slice(0, 2))('the kernel of Debian %s, by %s', (suite, path) => {
  /** The card as it says it is, the parts before and after, and no error. */
  function expectUsed(said: string, after: Uint8Array, card: RegExp): void {
    expect(said).toMatch(card);
    expect(said).toContain(' mmcblk0: p1\n');
    const parts = [hashed(before, 8, 6), hashed(after, 39, 5), hashed(after, 48, 4)];
    expect(said.match(/^part .*?(?=  -$)/gm)).toEqual(parts);
    expect(said).not.toMatch(/error|timeout|timed out/);
    expect(said).toContain('\nerased\n');
  }

  it(
    'reads, writes and erases; the image below stays as it is',
    async () => {
      const image = new Uint8Array(before);
      const disk = overlayOf(memoryDisk(image));
      const machine = await cardMachine(suite, path, SCRIPT);
      const said = await run(builtInEngine(), { ...machine, card: { disk } });
      const after = used(before, ERASED.ours);
      expectUsed(said, after, /^.*mmc0: new high speed SD card at address 0001$/m);
      expect(Buffer.compare(disk.read(0, disk.sectors), after)).toBe(0);
      expect(Buffer.compare(image, before)).toBe(0);
    },
    (SECONDS + 60) * 1000,
  );

  it.runIf(everything)(
    'does the same in QEMU with the same image',
    async (context) => {
      if (!(await hasProgram('qemu-system-arm')))
        context.skip('QEMU is not on this machine: no second opinion');
      const file = join(folder, 'card.img');
      await writeFile(file, before);
      const engine = qemuEngine({
        threadPerCore: true,
        more: ['-drive', `if=sd,format=raw,file=${file}`],
      });
      const said = await run(engine, await cardMachine(suite, path, SCRIPT));
      const after = used(before, ERASED.qemu);
      expectUsed(said, after, /mmc0: new/);
      expect(Buffer.compare(await readFile(file), after)).toBe(0);
    },
    (SECONDS + 60) * 1000,
  );
});
