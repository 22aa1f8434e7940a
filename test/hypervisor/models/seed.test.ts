/** /chosen/rng-seed of guests (Devicetree schema, chosen.yaml), by the generator of the board and ChaCha20 of Node's. */
import { createCipheriv } from 'node:crypto';
import { expect, test } from 'vitest';
import * as C from '../../../src/channel/layout.js';
import { Rng, RNG_REGISTERS } from '../../../src/board/rng.js';
import { readFdt, findNode } from '../../../src/firmware/fdt.js';
import { guestTree } from '../../../src/guest/guest-tree.js';
import { CONFIG_HEADER, GUEST_MEMORY, GUEST_WORDS } from '../../../src/hypervisor/shared/layout.js';
import { createMachineOfGuests, createMachineWithTree, TREE_OFFSET, type Machine } from './machine.js';
import { macOf } from './network.js';

const SYSTEM_RESET = 0x8400_0009;
const KEY_BYTES = 32;
const TREE = guestTree({ memory: 1 << 21, cores: 1, commandLine: 'x' });
const { CTRL, STATUS, DATA } = RNG_REGISTERS;

/** A guest's tree as it is in its memory, by the guest's number from 0 on. */
function treeOf({ memory, symbol }: Machine, guest: number): Uint8Array {
  const record = CONFIG_HEADER + guest * GUEST_WORDS;
  const at = memory.getUint32(symbol('configuration') + 4 * (record + GUEST_MEMORY), true) + TREE_OFFSET;
  return new Uint8Array(memory.buffer.slice(at, at + TREE.length));
}

const seedOf = (machine: Machine, guest: number): Buffer =>
  Buffer.from(findNode(readFdt(treeOf(machine, guest)), '/chosen')!.properties.get('rng-seed')!);

/** What a generator gives when it is switched on. */
function wordsOf(generator: Rng, count: number): Buffer {
  generator.write(CTRL.offset, CTRL.bits.RBGEN);
  const bytes = Buffer.alloc(4 * count);
  for (let i = 0; i < count; i++) bytes.writeUInt32LE(generator.read(DATA.offset) >>> 0, 4 * i);
  return bytes;
}

/** A block of ChaCha20: counter and nonce begin with the time. */
function block(key: Buffer, time: bigint): Buffer {
  const start = Buffer.alloc(16);
  start.writeBigUInt64LE(time);
  return createCipheriv('chacha20', key, start).update(Buffer.alloc(2 * KEY_BYTES));
}

test('seeds are second halves of blocks, whose first halves are the next keys', () => {
  const machine = createMachineWithTree(TREE, new Rng(7), [1], [2]);
  const began = machine.time();
  const first = block(wordsOf(new Rng(7), KEY_BYTES / 4), began);
  const second = block(first.subarray(0, KEY_BYTES), began);
  expect([seedOf(machine, 0), seedOf(machine, 1)]).toEqual([
    first.subarray(KEY_BYTES),
    second.subarray(KEY_BYTES),
  ]);
  machine.advance(1234);
  machine.hvc(1, SYSTEM_RESET);
  machine.advance(1);
  const third = block(second.subarray(0, KEY_BYTES), began + 1234n);
  expect(seedOf(machine, 0)).toEqual(third.subarray(KEY_BYTES));
  // Nobody else's changes, and nothing that was given is kept.
  expect(seedOf(machine, 1)).toEqual(second.subarray(KEY_BYTES));
  const [input, output] = [machine.symbol('random'), machine.symbol('random') + 64];
  const words = Buffer.from(machine.memory.buffer.slice(input, output + 64));
  expect(words.subarray(16, 16 + KEY_BYTES)).toEqual(third.subarray(0, KEY_BYTES));
  expect(words.subarray(64)).toEqual(Buffer.alloc(64));
});

test('random bytes of the host go into the key each time that it rings, both halves of them', () => {
  const guest = { cores: [1], tree: { data: TREE, offset: TREE_OFFSET } };
  const network = { mac: macOf(0), isolated: false };
  const machine = createMachineOfGuests([{ ...guest, network }], 1, undefined, new Rng(7));
  const began = machine.time();
  const key = block(wordsOf(new Rng(7), KEY_BYTES / 4), began).subarray(0, KEY_BYTES);
  const said = Buffer.from(Array.from({ length: C.RANDOM_SIZE }, (_, i) => 3 * i + 1));
  const at = machine.image.channel.address + C.HOST_PAGE + C.HOST_RANDOM;
  new Uint8Array(machine.memory.buffer).set(said, at);
  machine.store(0, C.DOORBELL + C.DOORBELL_HOST, 1);
  machine.hvc(1, SYSTEM_RESET);
  machine.advance(1);
  const mixed = key.map((it, i) => it ^ said[i]! ^ said[KEY_BYTES + i]!);
  expect(seedOf(machine, 0)).toEqual(block(Buffer.from(mixed), began).subarray(KEY_BYTES));
});

test('the rest of the tree is as it was planned', () => {
  const tree = treeOf(createMachineWithTree(TREE, new Rng(7), [1]), 0);
  const changed = Array.from(tree.keys()).filter((i) => tree[i] !== TREE[i]);
  expect(changed.length).toBeGreaterThan(KEY_BYTES / 2);
  expect(changed.at(-1)! - changed[0]!).toBeLessThan(KEY_BYTES);
});

test('a generator is left as the firmware left it, and thrown-away numbers are asked for where it was off', () => {
  const off = new Rng(1);
  createMachineWithTree(TREE, off, [1]);
  expect(off.read(CTRL.offset)).toBe(0);
  expect(off.read(STATUS.offset)).toBe(0x4_0000);
  const on = new Rng(1);
  on.write(CTRL.offset, CTRL.bits.RBGEN);
  createMachineWithTree(TREE, on, [1]);
  expect(on.read(CTRL.offset)).toBe(CTRL.bits.RBGEN);
  expect(on.read(STATUS.offset) & STATUS.bits.WARMUP).toBe(0);
});

test('where the generator gives nothing, there is no seed that would be believed', () => {
  const machine = createMachineWithTree(TREE, null, [1]);
  expect(machine.asleep(1)).toBe(false);
  const [chosen, planned] = [treeOf(machine, 0), TREE].map(
    (it) => findNode(readFdt(it), '/chosen')!.properties,
  );
  expect(chosen!.has('rng-seed')).toBe(false);
  expect([...chosen!.keys()]).toEqual([...planned!.keys()].filter((it) => it !== 'rng-seed'));
});
