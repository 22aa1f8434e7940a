/**
 * A guest's disk as A32 code in the built-in Pi 2: the driver and the host's program are a test's, but each load and store
 * that traps is executed by a CPU of the guest's or the host's. And what a request costs there.
 */
import { expect, test } from 'vitest';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import * as C from '../../src/channel/layout.js';
import type { Hands, Segment } from './models/virtio.js';
import { BUFFERS, disk, driverOf, DRIVER_OK, F, OK, programOf, R, T, takeBell } from './models/virtio.js';
import { handsOf, HOST, obeyingGuest, obeyingHost } from './obeying.js';
import { guest, handoverOf, smallImage } from './payloads.js';
import { watchWorlds, type Worlds } from './worlds.js';

const GUEST = 3;

async function start(): Promise<{ hands: Hands; worlds: Worlds; pi: BuiltInPi }> {
  const image = smallImage(obeyingHost(), [guest(obeyingGuest(), { disks: [disk()] })]);
  const worlds = watchWorlds(true);
  const pi = await createBuiltInPi(handoverOf(image), () => undefined, [worlds.observe]);
  return { hands: handsOf(pi, image), worlds, pi };
}

test('reads and writes, aligned and not; what they cost', async () => {
  const { hands, worlds, pi } = await start();
  const { memory } = hands;
  const bytes = (address: number, length: number): Uint8Array =>
    new Uint8Array(memory.buffer, memory.byteOffset + address, length);
  const program = programOf(hands, 0);
  // The host comes first, and the guest waits for it.
  hands.load(HOST, 0x1000);
  program.offer();
  // Its memory is made.
  pi.run(pi.cpu.time + 20_000_000);
  const driver = driverOf(hands, GUEST);
  expect(driver.reg(R.MAGIC)).toBe(0x7472_6976);
  expect(driver.start(F.EVENT_IDX | F.INDIRECT) & DRIVER_OK).toBe(DRIVER_OK);
  let done = 0;
  /** Instructions in HYP mode on all cores for what is done, and how often it was entered. */
  const cost = (what: () => void): { instructions: number; exits: number } => {
    const from = worlds.visits.length;
    what();
    const visits = worlds.visits.slice(from);
    return { instructions: visits.reduce((sum, it) => sum + it.instructions, 0), exits: visits.length };
  };
  const transfer = (type: number, pieces: readonly Segment[]): ReturnType<typeof cost> => {
    const length = pieces.reduce((sum, it) => sum + it.bytes, 0);
    const content = Uint8Array.from({ length }, (_, i) => (i * 13 + (i >> 8) + done) & 0xff);
    const gather = (): Buffer => Buffer.concat(pieces.map((it) => bytes(driver.physical(it.at), it.bytes)));
    let at = 0;
    for (const it of pieces) {
      const part = type === T.OUT ? content.subarray(at, at + it.bytes) : new Uint8Array(it.bytes);
      bytes(driver.physical(it.at), it.bytes).set(part);
      at += it.bytes;
    }
    let status = 0;
    const asked = cost(() => {
      status = driver.request(type, 4, pieces);
    });
    takeBell(hands);
    const { data } = program.request(done);
    if (type === T.OUT) expect(Buffer.from(bytes(data, length)).equals(content)).toBe(true);
    else bytes(data, length).set(content);
    const answered = cost(() => {
      program.done(++done, OK);
    });
    expect(driver.byte(status)).toBe(OK);
    expect(driver.used()).toEqual([{ head: 0, written: type === T.IN ? length + 1 : 1 }]);
    expect(gather().equals(content)).toBe(true);
    expect(driver.reg(R.INTERRUPT_STATUS)).toBe(1);
    driver.setReg(R.INTERRUPT_ACK, 1);
    driver.wantInterruptAt(done);
    return { instructions: asked.instructions + answered.instructions, exits: asked.exits + answered.exits };
  };
  const DATA = BUFFERS + 0x1000;
  const pages = (count: number, write: boolean): Segment[] =>
    Array.from({ length: count }, (_, i) => ({ at: DATA + 0x2000 * i, bytes: 0x1000, write }));
  for (const type of [T.IN, T.OUT]) {
    const write = type === T.IN;
    const small = transfer(type, pages(1, write));
    expect(small.instructions).toBeLessThan(4000);
    const large = transfer(type, pages(16, write));
    expect(large.instructions).toBeLessThan(20_000);
    for (const [at, first] of [
      [1, 511],
      [2, 1],
      [3, 517],
      [0, 30],
      [32, 994],
    ] as const) {
      const rest = { at: DATA + 0x2000 + 3, bytes: 1024 - first, write };
      transfer(type, [{ at: DATA + at, bytes: first, write }, rest]);
    }
  }
  // 32 at once: the driver asks, the program answers, the driver looks; what its interrupt takes is its own GIC's.
  const many = cost(() => {
    for (let n = 0; n < 32; n++) {
      const at = DATA + 0x1000 * n;
      driver.request(T.IN, n, [{ at, bytes: 0x1000, write: true }], BUFFERS + 32 * n, n);
    }
    const end = done + 32;
    while (done < end && done < program.put()) program.done(++done, OK);
    expect(done).toBe(end);
  });
  expect(driver.used()).toHaveLength(32);
  expect(many.exits / 32).toBeLessThan(1);
  expect(many.instructions / 32).toBeLessThan(4000);
  expect(worlds.wrong).toEqual([]);
  expect(program.get(C.GENERATION)).toBe(1);
}, 120_000);
