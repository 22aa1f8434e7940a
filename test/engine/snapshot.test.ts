import { beforeAll, describe, expect, test } from 'vitest';
import { createBuiltInPi, type BuiltInPi } from '../../src/engine/built-in.js';
import { readSnapshot, writeSnapshot, type SnapshotSource } from '../../src/engine/snapshot.js';
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

async function machine(program = promptPayload({ busy: false })): Promise<Machine> {
  let said = '';
  const pi = await createBuiltInPi(handoverOf([0, program]), (out) => {
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

test('a machine that was saved goes on in another, bit for bit', async () => {
  const snapshot = readSnapshot<typeof FACTS>(sourceOf(saved));
  expect(snapshot.facts).toStrictEqual(FACTS);
  // Whatever was in that one before.
  const other = await machine(new Uint8Array(0x4000).fill(0xee));
  other.pi.advance(100_000);
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

  test('a later form', async () => {
    const later = saved.slice();
    later[20] = 2;
    await expect(use(later)).rejects.toThrow(code('snapshot.version'));
  });

  test('one that is cut, at its places and at others', async () => {
    const cuts = [
      20,
      24,
      31,
      32,
      500,
      saved.length - 4096,
      saved.length - 13,
      saved.length - 12,
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
