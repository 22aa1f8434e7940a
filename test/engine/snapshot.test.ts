import { beforeAll, describe, expect, test } from 'vitest';
import { createBuiltInPi, type BuiltInPi } from '../../src/engine/built-in.js';
import { readSnapshot, writeSnapshot, type SnapshotSource } from '../../src/engine/snapshot.js';
import { overlayOf, type Overlay } from '../../src/card/disk-overlay.js';
import { SECTOR_SIZE, type Disk } from '../../src/ports/disk.js';
import { handoverOf } from '../support/handover.js';
import { promptPayload } from '../support/payloads.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const FACTS = { card: { name: 'card.img', size: 2 ** 40 }, list: [1, undefined, 2n] };

const sourceOf = (data: Uint8Array): SnapshotSource => ({
  size: data.length,
  read: (offset, length) => data.subarray(offset, offset + length),
});

interface Machine {
  readonly pi: BuiltInPi;
  readonly said: () => string;
}

async function machine(program = promptPayload({ busy: false }), disk?: Disk): Promise<Machine> {
  let said = '';
  const pi = await createBuiltInPi({ ...handoverOf([0, program]), card: disk && { disk } }, (out) => {
    said += new TextDecoder().decode(out);
  });
  return { pi, said: () => said };
}

/** Lets time pass, and types. */
function goOn({ pi, said }: Machine): { said: string; time: number; when: number } {
  const before = said().length;
  for (const [pause, typed] of [
    [123_456, 'x'],
    [777, 'yz'],
    [5_000_000, '!'],
  ] as const) {
    pi.board.uart.receive(bytes(typed));
    pi.advance(pi.cpu.time + pause);
  }
  return { said: said().slice(before), time: pi.cpu.time, when: pi.cpu.cores[0]!.register(4) };
}

const written = (pi: BuiltInPi, facts: object = FACTS): Uint8Array =>
  new Uint8Array(Buffer.concat([...writeSnapshot(pi, facts)]));

let saved: Uint8Array;
let first: ReturnType<typeof goOn>;
beforeAll(async () => {
  const one = await machine();
  one.pi.board.uart.receive(bytes('ab'));
  one.pi.advance(1_000_000);
  // A byte in the last page that there is, and in one beside the program.
  one.pi.cpu.memory.load(one.pi.cpu.memory.size - 1, Uint8Array.of(0x5a));
  one.pi.cpu.memory.load(0x1fff, bytes('two pages'));
  // What waits in the UART is part of it.
  one.pi.board.uart.receive(bytes('ahead'));
  saved = written(one.pi);
  first = goOn(one);
});

test.each([
  ['one that runs', 100_000],
  ['one that has not begun', 0],
])('a machine that was saved goes on in another, bit for bit: %s', async (_, time) => {
  const snapshot = readSnapshot<typeof FACTS>(sourceOf(saved));
  expect(snapshot.facts).toStrictEqual(FACTS);
  // Whatever was in that one before.
  const other = await machine(new Uint8Array(0x4000).fill(0xee));
  other.pi.cpu.memory.device.write32(0x9_0000, 0xeeee_eeee);
  other.pi.advance(time);
  snapshot.restore(other.pi);
  expect(Buffer.compare(written(other.pi), saved)).toBe(0);
  expect(goOn(other)).toEqual(first);
  expect(first.said).toBe('aheadxyz!');
  expect(other.pi.cpu.memory.observe(0x1fff, 9)).toEqual(bytes('two pages'));
  expect(other.pi.cpu.memory.observe(other.pi.cpu.memory.size - 1, 1)).toEqual(Uint8Array.of(0x5a));
});

describe('a file that cannot be used is told in words', () => {
  const use = async (data: Uint8Array): Promise<void> => {
    const { pi } = other;
    readSnapshot(sourceOf(data)).restore(pi);
  };
  let other: Machine;
  beforeAll(async () => {
    other = await machine();
  });
  const code = (it: string) => expect.objectContaining({ code: it }) as Error;

  test.each([
    ['nothing', new Uint8Array()],
    ['another file', bytes('hypberry snapshots are something else')],
  ])('%s', async (_, data) => {
    await expect(use(data)).rejects.toThrow(code('snapshot.foreign'));
  });

  test('an earlier form, and a later one', async () => {
    for (const form of [1, 3]) {
      const other = saved.slice();
      other[20] = form;
      await expect(use(other)).rejects.toThrow(code('snapshot.version'));
    }
  });

  test('one that is cut, at its places and at others', async () => {
    const cuts = [
      20,
      24,
      31,
      32,
      500,
      saved.length - 4096,
      saved.length - 29,
      saved.length - 28,
      saved.length - 16,
      saved.length - 1,
    ];
    for (const cut of cuts)
      await expect(use(saved.subarray(0, cut))).rejects.toThrow(code('snapshot.damaged'));
    await expect(use(Buffer.concat([saved, Buffer.of(0)]))).rejects.toThrow(code('snapshot.damaged'));
  });

  test('one with a bit that is wrong, wherever it is', async () => {
    const places = Array.from({ length: 60 }, (_, i) => 24 + Math.floor(((saved.length - 24) * i) / 60));
    for (const place of places) {
      const wrong = saved.slice();
      wrong[place]! ^= 1 << (place % 8);
      await expect(use(wrong), `at ${place}`).rejects.toThrow(code('snapshot.damaged'));
    }
  });

  test('one that holds what no machine has, or no facts', async () => {
    const { pi } = await machine();
    const strange = {
      ...pi,
      save: () => {
        const { board, ...rest } = pi.save(false);
        return { ...rest, board: { ...board, timers: new Map([['of no machine', 5]]) } };
      },
    };
    await expect(use(written(strange as typeof pi))).rejects.toThrow(code('snapshot.damaged'));
    const none = Buffer.concat([...writeSnapshot(pi, null as unknown as object)]);
    await expect(use(none)).rejects.toThrow(code('snapshot.damaged'));
  });

  test('one of a machine with other parts', async () => {
    const { pi } = await machine();
    const strange = {
      ...pi,
      save: () => {
        const { cpu, board, ending } = pi.save(false);
        return { cpu, ending, board: { ...board, parts: { ...board.parts, more: { values: 1 } } } };
      },
    };
    await expect(use(written(strange))).rejects.toThrow(code('snapshot.other-machine'));
  });
});

describe('what was written to the card', () => {
  const MIB_SECTORS = 2 ** 20 / SECTOR_SIZE;
  const SECTORS = 5 * MIB_SECTORS + 3;
  /** Over zeros. */
  const card = (sectors = SECTORS): Overlay =>
    overlayOf({
      sectorSize: SECTOR_SIZE,
      sectors,
      writable: false,
      read: (_, count) => new Uint8Array(count * SECTOR_SIZE).fill(0x11),
      write: () => undefined,
      sync: () => undefined,
      close: () => undefined,
    });
  /** More than stands in one run, an end that is no whole piece, and holes that were erased. */
  function write(disk: Overlay): void {
    const many = Uint8Array.from({ length: 2.5 * 2 ** 20 }, (_, i) => (i * 7) ^ (i >> 9));
    disk.write(3, many);
    disk.write(SECTORS - 2, new Uint8Array(2 * SECTOR_SIZE).fill(0x77));
    disk.erase(100, 50);
    disk.erase(4 * MIB_SECTORS, 64);
  }
  let disk: Overlay;
  let file: Uint8Array;
  beforeAll(async () => {
    disk = card();
    write(disk);
    file = written((await machine(undefined, disk)).pi);
  });
  const restoreInto = async (other: Disk | undefined, data: Uint8Array): Promise<void> => {
    readSnapshot(sourceOf(data)).restore((await machine(undefined, other)).pi);
  };

  test('is there again, and what another had is gone', async () => {
    const other = card();
    other.write(4 * MIB_SECTORS + 200, new Uint8Array(SECTOR_SIZE).fill(1));
    await restoreInto(other, file);
    expect(Buffer.compare(other.read(0, SECTORS), disk.read(0, SECTORS))).toBe(0);
    expect(other.kept()).toBe(disk.kept());
    expect(Buffer.compare(written((await machine(undefined, other)).pi), file)).toBe(0);
  });

  test('is refused where it is cut or wrong', async () => {
    const [ram, end] = [written((await machine()).pi).length, file.length];
    const { pi } = await machine(undefined, card());
    const restored = (data: Uint8Array) => () => {
      readSnapshot(sourceOf(data)).restore(pi);
    };
    for (const cut of [ram + 5, ram + 4096, end - 16, end - 1])
      expect(restored(file.subarray(0, cut)), `cut at ${cut}`).toThrow('damaged');
    for (let at = ram; at < end; at += 500_003) {
      const wrong = file.slice();
      wrong[at]! ^= 4;
      expect(restored(wrong), `at ${at}`).toThrow('damaged');
    }
  });

  test('is refused by a smaller card, and by a machine without one; so is the other way round', async () => {
    await expect(restoreInto(card(MIB_SECTORS), file)).rejects.toThrow('damaged');
    await expect(restoreInto(undefined, file)).rejects.toThrow('other parts');
    await expect(restoreInto(card(), saved)).rejects.toThrow('other parts');
  });
});
