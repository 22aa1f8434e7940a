/**
 * Pieces of an adversary's programs (adversary.ts) that have its virtio devices work as a driver would, and not quite:
 * each value of registers, rings and descriptors may be one that cannot be, each step may be left out, and what one CPU has
 * prepared the other changes meanwhile.
 */
import type { Assembler } from '../../src/isa/assembler.js';
import { lsl, r0, r1, r2, r3, r4, r5, r6, r12 } from '../../src/isa/registers.js';
import { type Kind, type Piece, type Random, value } from './adversary.js';
import { ALL_FEATURES, BROADCAST, HOST_MAC, macOf, RECEIVE, TRANSMIT } from './models/network.js';
import {
  ACKNOWLEDGE,
  DRIVER,
  DRIVER_OK,
  F,
  FEATURES_OK,
  INDIRECT,
  NEXT,
  R,
  SECTORS,
  SLOTS_BASE,
  T,
  WRITE,
} from './models/virtio.js';
import { GUEST_MEMORY, GUEST_RAM, load } from './payloads.js';

/** An adversary's devices: a network card, two disks, random bytes; and an empty slot. */
const SLOTS = 5;
const NETWORK = 0;
const ENTROPY = 3;
const base = (slot: number): number => SLOTS_BASE + 0x200 * slot;

/** Where the parts of a queue are, guest-physical. Most queues have this many entries, the others powers of two and not. */
export const ENTRIES = 16;
export const partsOf = (slot: number, queue: number) => {
  const descriptors = GUEST_RAM + 0x4_0000 + 0x2000 * (2 * slot + queue);
  return { descriptors, available: descriptors + 0x800, used: descriptors + 0x1000 };
};
const RINGS_SIZE = 0x2000;
/** Where an adversary's buffers are, behind its program and its rings. */
const [BUFFERS, BUFFERS_END] = [GUEST_RAM + 0x6_0000, GUEST_RAM + GUEST_MEMORY];

/** Stores words at their addresses, one after the other. Changes R0, R1, R4 and R5. */
export function stores(a: Assembler, words: readonly (readonly [address: number, word: number])[]): void {
  const [table, again, over] = [a.label('table'), a.label('again'), a.label('over')];
  a.adr(r4, table);
  load(a, r5, words.length);
  a.at(again);
  a.ldm(r4, '!', [r0, r1]);
  a.str(r1, [r0]);
  a.subs(r5, r5, 1);
  a.bne(again);
  a.b(over);
  a.at(table);
  for (const [address, word] of words) a.word(address >>> 0, word >>> 0);
  a.at(over);
}

/** Makes a chain available, and leaves the ring's index then in R0. Changes R1, R2 and R4. */
export function makeAvailable(a: Assembler, ring: number, head: number): void {
  load(a, r4, ring);
  a.ldrh(r0, [r4, 2]);
  a.and(r1, r0, ENTRIES - 1);
  a.add(r1, r4, r1, lsl(1));
  load(a, r2, head);
  a.strh(r2, [r1, 4]);
  a.dmb();
  a.add(r0, r0, 1);
  a.strh(r0, [r4, 2]);
  a.dmb();
}

/** Registers by which a device is brought up with a queue of so many entries, and their values. */
export function bringUp(
  slot: number,
  queues: readonly number[],
  features: number,
  entries = ENTRIES,
): (readonly [address: number, word: number])[] {
  const words: (readonly [number, number])[] = [
    ...[
      [R.STATUS, 0],
      [R.STATUS, ACKNOWLEDGE | DRIVER],
      [R.DRIVER_FEATURES_SEL, 0],
      [R.DRIVER_FEATURES, features],
      [R.DRIVER_FEATURES_SEL, 1],
      [R.DRIVER_FEATURES, 1],
      [R.STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK],
    ].map(([register, word]) => [base(slot) + register!, word!] as const),
  ];
  for (const queue of queues) {
    const { descriptors, available, used } = partsOf(slot, queue);
    words.push([available, 0], [used, 0]);
    for (const [register, word] of [
      [R.QUEUE_SEL, queue],
      [R.QUEUE_NUM, entries],
      [R.DESC, descriptors],
      [R.DRIVER, available],
      [R.DEVICE, used],
      [R.QUEUE_READY, 1],
    ] as const)
      words.push([base(slot) + register, word]);
  }
  return [...words, [base(slot) + R.STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK]];
}

/** A word or half of one that a queue's reader may fall over: edges of memory, its own rings, lengths without an end. */
function wrong(random: Random): number {
  switch (random(6)) {
    case 0:
      return GUEST_RAM + GUEST_MEMORY - random(0x40);
    case 1:
      return GUEST_RAM + [0, -1, -0x1000, GUEST_MEMORY, GUEST_MEMORY + 1, 0x4000_0000][random(6)]!;
    case 2:
      return partsOf(random(SLOTS), random(2)).descriptors + random(RINGS_SIZE);
    case 3:
      return [0xffff_ffff, 0xffff_f000, 0x8000_0000, 0x7fff_ffff, 0x1_0000, 0xffff][random(6)]!;
    case 4:
      return random(0x4000);
    default:
      return value(random);
  }
}

const buffer = (random: Random, bytes: number): number =>
  BUFFERS + random(random(4) ? BUFFERS_END - BUFFERS - bytes : 0x1_0000);

function setUp(a: Assembler, random: Random, slot: number): void {
  const features = [0, F.EVENT_IDX, F.INDIRECT | F.EVENT_IDX, F.INDIRECT][random(4)]!;
  const own = slot === NETWORK ? value(random) & ALL_FEATURES & 0xff_ffff : slot === ENTROPY ? 0 : F.FLUSH;
  const entries = random(4) ? ENTRIES : random(3) ? 1 << random(10) : value(random);
  const words = bringUp(slot, slot === NETWORK ? [RECEIVE, TRANSMIT] : [0], features | own, entries);
  stores(
    a,
    words
      .filter(() => random(200) > 0)
      .map(([address, word]) => [address, random(160) ? word : wrong(random)] as const),
  );
}

/** What a chain of a device's is made of, and the words of its buffers. */
interface Parts {
  readonly segments: readonly (readonly [at: number, bytes: number, write: boolean])[];
  readonly words: readonly (readonly [number, number])[];
}

function partsFor(random: Random, slot: number, queue: number): Parts {
  const writable = (count: number, most: number): Parts['segments'] =>
    Array.from({ length: count }, () => {
      const bytes = random(most);
      return [buffer(random, bytes), bytes, true] as const;
    });
  if (slot === ENTROPY || (slot === NETWORK && queue === RECEIVE))
    return { segments: writable(1 + random(4), random(2) ? 2048 : 64), words: [] };
  if (slot === NETWORK) {
    const bytes = 26 + random(random(8) ? 2000 : 0x1_0000);
    const at = buffer(random, bytes) & ~3;
    const to = [macOf(1), BROADCAST, HOST_MAC, macOf(0)][random(4)]!;
    const packet = new DataView(new ArrayBuffer(24));
    const header = random(3) ? [] : [random(4), random(6), ...Array.from({ length: 8 }, () => random(256))];
    [...header, ...new Array<number>(12 - header.length).fill(0), ...to, ...macOf(0)].forEach((it, i) => {
      packet.setUint8(i, it);
    });
    const words = Array.from({ length: 6 }, (_, i) => [at + 4 * i, packet.getUint32(4 * i, true)] as const);
    const cut = random(2) ? 12 : 1 + random(bytes - 1);
    return {
      segments: [
        [at, cut, false],
        [at + cut, bytes - cut, false],
      ],
      words,
    };
  }
  const type = [T.IN, T.OUT, T.IN, T.OUT, T.FLUSH, T.GET_ID, T.DISCARD, T.WRITE_ZEROES, 2][random(9)]!;
  const header = buffer(random, 64) & ~3;
  const write = type === T.IN || type === T.GET_ID;
  const sizes = random(4) ? [512 << random(4)] : [512, 1 + random(511), random(0x3000)];
  const data = type === T.FLUSH ? [] : type === T.GET_ID ? [20] : type > T.GET_ID ? [16] : sizes;
  return {
    segments: [
      [header, 16, false],
      ...data.map((bytes) => [buffer(random, bytes), bytes, write] as const),
      [header + 32, 1, true],
    ],
    words: [
      [header, type],
      [header + 8, random(8) ? random(Number(SECTORS)) : wrong(random)],
      [header + 12, random(16) ? 0 : wrong(random)],
    ],
  };
}

function ask(a: Assembler, random: Random, slot: number): void {
  const queue = slot === NETWORK ? random(2) : 0;
  const { descriptors, available } = partsOf(slot, queue);
  const { segments, words } = partsFor(random, slot, queue);
  const isIndirect = random(4) === 0;
  const head = random(16) ? random(ENTRIES) : random(0x1_0000);
  const table = isIndirect ? buffer(random, 0x100) & ~(random(8) ? 15 : 0) : descriptors;
  const first = isIndirect ? 0 : head % ENTRIES;
  const put = (at: number, place: number, bytes: number, flags: number): (readonly [number, number])[] =>
    [place, 0, bytes, flags].map((it, i) => [at + 4 * i, random(120) ? it : wrong(random)] as const);
  const chain = segments.flatMap(([place, bytes, write], i) => {
    const next = random(40) ? (first + i + 1) % ENTRIES : random(ENTRIES);
    const flags = (i + 1 < segments.length ? NEXT | (next << 16) : 0) | (write ? WRITE : 0);
    return put(table + 16 * ((first + i) % ENTRIES), place, bytes, flags);
  });
  const over = isIndirect
    ? put(descriptors + 16 * (head % ENTRIES), table, 16 * segments.length, INDIRECT)
    : [];
  stores(a, [...words, ...chain, ...over]);
  for (let times = random(8) ? 1 : random(ENTRIES); times >= 1; times--) makeAvailable(a, available, head);
  if (random(16) === 0) stores(a, [[available, wrong(random)]]);
  if (random(8)) stores(a, [[base(slot) + R.QUEUE_NOTIFY, random(16) ? queue : wrong(random)]]);
}

/** A device is used: it is brought up, or as it is. */
const use: Piece = (a, random) => {
  const slot = random(16) ? random(SLOTS - 1) : SLOTS - 1;
  if (random(4) === 0) setUp(a, random, slot);
  for (let times = random(3); times >= 0; times--) ask(a, random, slot);
};

/** Indices that run. */
const run: Piece = (a, random) => {
  const { available, used } = partsOf(random(SLOTS), random(2));
  const again = a.label('run');
  load(a, r4, random(4) ? available : used);
  load(a, r5, 1 + random(0x1_0000));
  load(a, r1, 1 + random(30));
  load(a, r3, base(random(SLOTS)));
  load(a, r2, random(2));
  a.at(again);
  a.ldrh(r0, [r4, 2]);
  a.add(r0, r0, r5);
  a.strh(r0, [r4, 2]);
  if (random(2)) a.str(r2, [r3, R.QUEUE_NOTIFY]);
  a.subs(r1, r1, 1);
  a.bne(again);
};

/** Of a linear congruential generator (Numerical Recipes, 7.1). */
const [MULTIPLIER, INCREMENT] = [0x0019_660d, 0x3c6e_f35f];
/** Words that a scribbler chooses from: as many as three bits tell. */
const CHOICE = 8;

/** Rings and descriptors that change while the hypervisor reads them for the other CPU. */
const scribble: Piece = (a, random) => {
  const [words, again, over] = [a.label('words'), a.label('scribble'), a.label('over')];
  load(a, r0, value(random));
  load(a, r1, random(4) ? partsOf(random(SLOTS), random(2)).descriptors : BUFFERS + random(0x100) * 0x1000);
  load(a, r2, MULTIPLIER);
  load(a, r3, INCREMENT);
  load(a, r12, 1 + random(150));
  a.adr(r4, words);
  a.at(again);
  a.mla(r0, r0, r2, r3);
  a.lsr(r5, r0, 29);
  a.ldr(r5, [r4, r5, lsl(2)]);
  // One of the first entries, or of all.
  a.ubfx(r6, r0, 20, random(2) ? 6 : 10);
  a.str(r5, [r1, r6, lsl(2)]);
  a.subs(r12, r12, 1);
  a.bne(again);
  a.b(over);
  a.at(words);
  for (let n = 0; n < CHOICE; n++)
    a.word((random(2) ? (random(ENTRIES) << 16) | random(8) : wrong(random)) >>> 0);
  a.at(over);
};

/** Notifications, again and again. */
const notify: Piece = (a, random) => {
  const again = a.label('notify');
  load(a, r3, base(random(SLOTS)));
  load(a, r2, random(8) ? random(2) : wrong(random));
  load(a, r1, 1 + random(10));
  a.at(again);
  a.str(r2, [r3, R.QUEUE_NOTIFY]);
  a.subs(r1, r1, 1);
  a.bne(again);
};

/** Interrupts taken back, resets in the middle, and registers read. */
const registers: Piece = (a, random) => {
  load(a, r3, base(random(SLOTS)));
  const all = Object.values(R);
  for (let n = random(6); n >= 0; n--) {
    switch (random(4)) {
      case 0:
        a.ldr(r0, [r3, R.INTERRUPT_STATUS]);
        a.str(r0, [r3, R.INTERRUPT_ACK]);
        break;
      case 1:
        a.ldr(r0, [r3, random(2) ? all[random(all.length)]! : 4 * random(0x80)]);
        break;
      case 2:
        load(a, r0, wrong(random));
        a.str(r0, [r3, all[random(all.length)]!]);
        break;
      default:
        a.mov(r0, 0);
        if (random(3) === 0) a.str(r0, [r3, R.STATUS]);
    }
  }
};

/** The kinds, each with how often it comes, for more than half of a program. */
export const QUEUE_KINDS: readonly Kind[] = [
  [110, use],
  [3, run],
  [6, scribble],
  [10, notify],
  [6, registers],
];
