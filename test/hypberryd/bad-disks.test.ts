/** Disks whose files are not as they should be, under a service in Linux: what is said, and what their guests are told. */
import { existsSync, linkSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import * as C from '../../src/channel/layout.js';
import { channelImage, type Port } from './channel-image.js';
import { type HostSystem, inHost, mayOpenHost, NO_NAMESPACES, openHost, writeInHost } from './host-system.js';

vi.setConfig({ testTimeout: 120_000 });
const SOON = { timeout: 30_000, interval: 5 };
const { TYPE_READ, TYPE_WRITE, TYPE_FLUSH, STATUS_OK, STATUS_ERROR, SECTOR_SIZE } = C;
const SECTORS = 256;
const [WEB, SAME, FULL, LOOP] = [0, 1, 2, 3];
const disk = (guest: number, path: string, size = 0): Port => ({
  ...{ kind: C.KIND_DISK, name: guest === 1 ? 'web' : 'db', guest, path, size: BigInt(size) },
});
const PORTS = [
  disk(1, '/srv/web.img'),
  disk(2, '/srv/same.img'),
  disk(2, '/small/full.img', SECTORS * SECTOR_SIZE),
  disk(2, '/srv/loop.img'),
];

test('files that vanish, change their size, are had by two, or have no room', async (context) => {
  if (!mayOpenHost()) context.skip(NO_NAMESPACES);
  await ensureTools(['qemu-user']);
  const image = channelImage(PORTS, { guests: [{ name: 'web' }, { name: 'db' }] });
  const host: HostSystem = await openHost(
    image,
    { 1: { does: C.DOES_RUN }, 2: { does: C.DOES_WAIT } },
    {
      ...{ '/small/.keep': '', '/srv/loop.img': '\0'.repeat(SECTORS * SECTOR_SIZE) },
      // As Linux says it of a device whose file is mounted.
      ...{ '/sys/block/loop1/loop/backing_file': '/srv/loop.img.old\n' },
      ...{ '/sys/block/loop5/loop/backing_file': '/srv/loop.img\n' },
    },
  );
  const at = (path: string): string => join(host.root, path);
  const { memory } = host.laid;
  const control = (port: number): number => C.CONTROL + port * C.CONTROL_SIZE;
  const isOffered = (port: number): number => memory.word(control(port) + C.HOST_CONTROL + C.OFFERED);
  const puts = PORTS.map(() => 0);
  /** Asks for something; gives its status. */
  const ask = async (port: number, type: number, first = 0, sectors = 0): Promise<number> => {
    const put = puts[port]!;
    const slot = put % C.SLOTS;
    const request = control(port) + C.REQUESTS + slot * C.REQUEST_SIZE;
    for (const [offset, word] of [
      [C.REQUEST_TYPE, type],
      [C.REQUEST_SECTOR, first],
      [C.REQUEST_SECTORS, sectors],
      [C.REQUEST_DATA, 0],
      [C.REQUEST_GENERATION, 1],
    ] as const)
      memory.setWord(request + offset, word);
    puts[port] = put + 1;
    memory.setWord(control(port) + C.PUT, put + 1);
    host.ring(port);
    const taken = (): number => memory.word(control(port) + C.HOST_CONTROL + C.TAKEN);
    await expect.poll(taken, SOON).toBe(put + 1);
    return memory.word(control(port) + C.HOST_CONTROL + C.STATUSES + 4 * slot);
  };
  const put = (port: number, text: string): void => {
    memory.setBytes(image.data[port]!.at, new TextEncoder().encode(text));
  };
  try {
    writeFileSync(at('srv/web.img'), new Uint8Array(SECTORS * SECTOR_SIZE));
    linkSync(at('srv/web.img'), at('srv/same.img'));
    inHost(host, 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/small');
    const service = host.serve();
    for (const port of [FULL, LOOP]) await expect.poll(() => isOffered(port), SOON).toBe(1);

    // Had by two guests: one of them has it, the other waits, and that is said.
    await expect
      .poll(service.said, SOON)
      .toMatch(/it is locked\. This waits until who has it is done: another guest/);
    expect([isOffered(WEB), isOffered(SAME)].sort()).toEqual([0, 1]);
    const [had, waiting] = isOffered(WEB) === 1 ? [WEB, SAME] : [SAME, WEB];
    const path = PORTS[had]!.path!;

    // No room: an error, said once; what has its place is written; it goes on when there is room.
    expect(service.said()).toContain('db, disk 0, /small/full.img: it is made, empty.');
    put(FULL, 'x'.repeat(32 * SECTOR_SIZE));
    expect(await ask(FULL, TYPE_WRITE, 0, 64)).toBe(STATUS_OK);
    for (const first of [128, 192])
      expect(await ask(FULL, TYPE_WRITE, first, 64)).toBe(first === 128 ? STATUS_OK : STATUS_ERROR);
    expect(await ask(FULL, TYPE_WRITE, 64, 64)).toBe(STATUS_ERROR);
    expect(await ask(FULL, TYPE_FLUSH)).toBe(STATUS_OK);
    expect(await ask(FULL, TYPE_WRITE, 0, 8)).toBe(STATUS_OK);
    await expect
      .poll(service.said, SOON)
      .toContain('/small/full.img: no space is left: its guest has errors');
    expect(service.said().match(/no space/g)).toHaveLength(1);
    inHost(host, 'mount', '-o', 'remount,size=1m', '/small');
    expect(await ask(FULL, TYPE_WRITE, 192, 64)).toBe(STATUS_OK);
    expect(isOffered(WEB) + isOffered(SAME)).toBe(1);

    // It grows: the guest has the size that it began with.
    put(had, 'first');
    expect(await ask(had, TYPE_WRITE, 0, 1)).toBe(STATUS_OK);
    truncateSync(at(path), 2 * SECTORS * SECTOR_SIZE);
    expect(await ask(had, TYPE_WRITE, SECTORS, 1)).toBe(STATUS_ERROR);
    expect(
      readFileSync(at(path))
        .subarray(SECTORS * SECTOR_SIZE)
        .every((it) => it === 0),
    ).toBe(true);
    // It shrinks: what is gone is an error to read, and nothing else is.
    truncateSync(at(path), SECTOR_SIZE);
    expect(await ask(had, TYPE_READ, 1, 1)).toBe(STATUS_ERROR);
    expect(await ask(had, TYPE_READ, 0, 1)).toBe(STATUS_OK);
    truncateSync(at(path), 2 * SECTORS * SECTOR_SIZE);

    // It vanishes: the guest goes on, and status says so.
    const line = async (): Promise<string> =>
      (await host.run(['status'])).out.split('\n').find((it) => it.includes(path))!;
    expect(await line()).toMatch(/: served, \d+ MiB$/);
    unlinkSync(at(path));
    expect(await ask(had, TYPE_WRITE, 2, 1)).toBe(STATUS_OK);
    expect(await line()).toMatch(/MiB; nothing has this path any more: it is lost when hypberryd ends$/);
    expect((await host.run(['status'])).out).toMatch(
      /loop\.img: served, \d+ MiB; this system has it, too, as \/dev\/loop5$/m,
    );

    // Started again, the one waits for its file, which nobody makes anew; the other has what is left, as large as it is now.
    const ended = new Promise((resolve) => service.process.once('exit', resolve));
    service.process.kill('SIGTERM');
    expect(await ended).toBe(0);
    const next = host.serve();
    await expect
      .poll(next.said, SOON)
      .toContain(`${path}: it could not be opened: it is not there. Put it there`);
    await expect.poll(() => isOffered(waiting), SOON).toBe(1);
    expect(memory.word(control(waiting) + C.HOST_CONTROL + C.SECTORS)).toBe(2 * SECTORS);
    expect(existsSync(at(path))).toBe(false);
    writeInHost(host, path, '\0'.repeat(SECTOR_SIZE));
    await expect.poll(() => isOffered(had), SOON).toBe(1);
  } finally {
    host.close();
  }
});
