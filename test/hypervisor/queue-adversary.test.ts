/**
 * A guest that does whatever it can with its disks and its network card, by seed, beside one that uses its own; with a
 * program of the host's that does what it must, and with one that writes anything into every field of the channel.
 */
import { expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import { randomFrom } from '../board/rig.js';
import { BUSY_KINDS, program, type Random, value } from './adversary.js';
import type { Attacked, Part } from './attacked.js';
import {
  keptByHypervisor,
  partOf,
  placeholder,
  runPrograms,
  startAttacked,
  STEP_NS,
  unusedStack,
} from './attacked.js';
import { BROADCAST, frameOf, HOST_MAC, macOf, networkProgram, packet } from './models/network.js';
import { disk, OK, programOf, SECTORS } from './models/virtio.js';
import { handsOf, HOST_ORDERS_AT, obeyingHost } from './obeying.js';
import { guest, GUEST_MEMORY, smallImage } from './payloads.js';
import {
  CHANGED,
  ERRORS,
  frameOfRound,
  MARK_BYTES,
  peer,
  ROUNDS,
  sectorOfRound,
  USED_SECTORS,
} from './peer.js';
import { QUEUE_KINDS } from './queue-pieces.js';
import { HYP } from './worlds.js';

/** HYPBERRY_FUZZ=n makes the runs longer, by n times 15 ms; HYPBERRY_SEED=n starts from another seed. */
const TIMES = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
/** How long programs run for a seed, in nanoseconds of the machine's time. */
const RUN_NS = TIMES > 1 ? 15_000_000 * TIMES : 4_000_000;
/** A program's life, in ticks of this machine's counter. */
const LIFE = 2_000_000;
const BOOTED_NS = 3_000_000;
const STALLED_NS = 25_000_000;
/** How long all must go on when it is over. */
const AFTER_NS = 3_000_000;
/** How long a round of the other guest takes at the most. */
const SETTLED_NS = 1_000_000;
const SECTOR = C.SECTOR_SIZE;
const MARKED = Buffer.from(MARK_BYTES);
const [ADVERSARY, PEER] = [0, 1];

const image = smallImage(obeyingHost(), [
  guest(placeholder, {
    ...{ name: 'adversary', cores: [3, 2, 2], disks: [disk(), disk(true)] },
    network: { mac: macOf(0), isolated: false },
  }),
  guest(peer(), {
    ...{ name: 'peer', cores: [3], disks: [disk()], network: { mac: macOf(1), isolated: false } },
  }),
]);
const { channel, guestMemory, hostEnd } = image;
/** Ports by what they are for. */
const UPLINK = 0;
const portsOf = (kind: number, who: number): number[] =>
  channel.ports.flatMap((it, port) => (it.kind === kind && it.guest === who + 1 ? [port] : []));
const DISKS = [...portsOf(C.KIND_DISK, ADVERSARY), ...portsOf(C.KIND_DISK, PEER)];
const CARDS = [ADVERSARY, PEER].flatMap((who) => portsOf(C.KIND_NETWORK, who));
const [PEERS_DISK] = portsOf(C.KIND_DISK, PEER);

/** The host's program, of all ports, and how it is hostile. */
function hostOf(pi: BuiltInPi, random: Random) {
  const hands = handsOf(pi, image);
  const { memory } = hands;
  const network = networkProgram(hands);
  const disks = DISKS.map((port) => ({
    port,
    program: programOf(hands, port),
    file: new Uint8Array(Number(SECTORS) * SECTOR),
    taken: 0,
  }));
  const counts = { requests: 0, frames: 0, peersFrames: 0, peersRequests: 0 };
  const bytes = (address: number, length: number): Uint8Array =>
    new Uint8Array(memory.buffer, memory.byteOffset + address, length);
  const fresh = new Set<number>();
  const offer = (): void => {
    for (const { program } of disks) program.offer();
    network.set(UPLINK, C.OFFERED, 1);
  };
  const serveDisk = (it: (typeof disks)[number]): void => {
    const { program, file, port } = it;
    const place = channel.ports[port]!;
    const data = channel.address + place.data;
    while (it.taken !== program.put()) {
      const request = program.request(it.taken);
      const [at, length] = [Number(request.sector) * SECTOR, request.sectors * SECTOR];
      // What the program believes of the hypervisor.
      expect(request.sector + BigInt(request.sectors)).toBeLessThanOrEqual(SECTORS);
      if (request.type === C.TYPE_READ || request.type === C.TYPE_WRITE) {
        expect(request.data).toBeGreaterThanOrEqual(data);
        expect(request.data + length).toBeLessThanOrEqual(data + place.dataSize);
      }
      if (request.type === C.TYPE_READ) bytes(request.data, length).set(file.subarray(at, at + length));
      else if (request.type === C.TYPE_WRITE) file.set(bytes(request.data, length), at);
      else if (request.type !== C.TYPE_FLUSH) file.fill(0, at, at + length);
      if (port === PEERS_DISK) counts.peersRequests++;
      else counts.requests++;
      it.taken = (it.taken + 1) >>> 0;
      program.done(it.taken, OK);
    }
  };
  const serve = (): void => {
    for (const it of disks) serveDisk(it);
    CARDS.forEach((port, who) => {
      for (const { frame } of network.take(port)) {
        if (who === PEER) {
          const [round] = new Uint32Array(frame.slice(16, 20).buffer) as unknown as [number];
          expect(Buffer.compare(frame, frameOfRound(round))).toBe(0);
          expect(fresh.has(round)).toBe(false);
          fresh.add(round);
          counts.peersFrames++;
        } else {
          expect([...frame.subarray(6, 12)]).toEqual([...macOf(0)]);
          expect(Buffer.from(frame).includes(MARKED)).toBe(false);
          counts.frames++;
        }
      }
    });
    if (random(4) === 0) {
      const to = [macOf(0), macOf(1), BROADCAST][random(3)]!;
      network.put(packet(frameOf(to, HOST_MAC, 14 + random(1400), random(256))));
    }
  };
  /** Any word, or one near what stands there. */
  const noise = (now: number): number =>
    (random(3) === 0 ? value(random) : random(2) ? now + random(9) - 4 : 32 * random(0x4000)) >>> 0;
  /** Writes anything anywhere, but what is needed to bring all in order again: PUT of the hypervisor's. */
  const disturb = (): void => {
    const { address, ports, size } = channel;
    for (let n = random(40); n >= 0; n--) {
      const port = random(ports.length);
      const control = C.CONTROL + port * C.CONTROL_SIZE;
      const host = control + C.HOST_CONTROL;
      const at = [
        host + 4 * random(8),
        host + 4 * random(8),
        host + C.STATUSES + 4 * random(C.SLOTS),
        control + C.REQUESTS + 4 * random((C.SLOTS * C.REQUEST_SIZE) / 4),
        C.STATES + 4 * random(random(2) ? 0x400 : 0x4_0000),
        C.HOST_PAGE + 4 * random(random(2) ? 32 : 0x400),
        4 * random(4),
        C.PORT_RECORDS + 4 * random((C.MOST_PORTS * C.PORT_RECORD_SIZE) / 4),
        ports[port]!.data + 4 * random(ports[port]!.dataSize / 4),
        // The uplink's next records.
        ports[UPLINK]!.data +
          ((network.get(UPLINK, C.TAKEN) + 4 * random(32)) & (ports[UPLINK]!.dataSize - 1) & ~3),
      ][random(10)]!;
      expect(at).toBeLessThan(size);
      memory.setUint32(address + at, noise(memory.getUint32(address + at, true)), true);
    }
    if (random(3) === 0) network.set(UPLINK, C.PUT, network.get(UPLINK, C.TAKEN) + 32 * (1 + random(64)));
    hands.store(0, C.DOORBELL + (random(8) ? 4 * random(ports.length) : 4 * random(0x400)), value(random));
    if (random(4) === 0) hands.store(0, C.DOORBELL + C.DOORBELL_HOST, 1);
    if (random(4) === 0) hands.store(0, C.DOORBELL + C.DOORBELL_STATES, value(random));
    // What it may do to the adversary, and nonsense; switching a guest off is its right, and tried elsewhere.
    const orders = [C.ORDER_SEND, C.ORDER_POWER_KEY, C.ORDER_START, 0xffff_0000 | random(0x1_0000), 0];
    const to = [ADVERSARY + 1, 0, PEER + 2, 0xff][random(4)]! << C.ORDER_GUEST_SHIFT;
    if (random(4) === 0)
      hands.store(
        0,
        C.DOORBELL + C.DOORBELL_GUEST,
        ((orders[random(5)]! & ~0xff00) | to | random(0x100)) >>> 0,
      );
  };
  /** As a program that was started again has it. */
  const putInOrder = (): void => {
    for (const it of disks) {
      it.taken = it.program.put();
      for (let slot = 0; slot < C.SLOTS; slot++) it.program.setStatus(slot, OK);
      it.program.set(C.TAKEN, it.taken);
    }
    network.set(UPLINK, C.PUT, network.get(UPLINK, C.TAKEN));
    for (const port of CARDS) network.set(port, C.TAKEN, network.get(port, C.PUT));
    offer();
    for (let port = 0; port < channel.ports.length; port++) network.ring(port);
  };
  return { memory, disks, counts, offer, serve, disturb, putInOrder };
}

/** What nobody but its owner may change. */
function kept(pi: BuiltInPi): Part[] {
  const from = guestMemory[PEER]!;
  const holes = CHANGED.map(([first, end]) => [from + first, from + end] as const);
  return [
    ...keptByHypervisor(pi, image),
    partOf(pi, 'the host’s memory', 0, hostEnd, HOST_ORDERS_AT),
    partOf(pi, 'the other guest', from, from + GUEST_MEMORY, ...holes),
  ];
}

/** Nobody was hurt, and no byte of the other guest is the adversary's. */
function expectUnhurt({ pi, worlds, said }: Attacked, before: readonly Part[]): void {
  expect(worlds.wrong).toEqual([]);
  expect(said()).not.toContain('fault');
  kept(pi).forEach(({ what, bytes }, i) => {
    expect(Buffer.compare(bytes, before[i]!.bytes), what).toBe(0);
  });
  for (const unused of unusedStack(pi, image)) expect(unused).toBeGreaterThan(1024);
  const memory = pi.cpu.memory.observe(guestMemory[ADVERSARY], GUEST_MEMORY);
  expect(Buffer.from(memory.slice()).includes(MARKED)).toBe(false);
}

test.each([
  ['does what it must', SEED, false],
  ['writes anything anywhere', SEED, true],
] as const)(
  'a guest’s queues hurt nobody while the host’s program %s (seed %i)',
  async (_, seed, hostile) => {
    const random = randomFrom(seed);
    const next = (number: number): Uint8Array =>
      program(random, number, LIFE, [...BUSY_KINDS, ...QUEUE_KINDS]);
    const it = await startAttacked(image, next(1));
    const { pi, worlds, word } = it;
    pi.run(BOOTED_NS);
    const host = hostOf(pi, random);
    host.offer();
    pi.run(pi.cpu.time + BOOTED_NS);
    const before = kept(pi);
    let looks = 0;
    const act = (): void => {
      looks++;
      // Hostile for a while, and then as if it was started again.
      const phase = looks % 40;
      if (!hostile || phase >= 20) host.serve();
      else if (phase === 19) host.putInOrder();
      else host.disturb();
    };
    const end = pi.cpu.time + RUN_NS;
    runPrograms(it, image, next, () => pi.cpu.time < end, STALLED_NS, act);
    const serve = (time: number): void => {
      for (const end = pi.cpu.time + time; pi.cpu.time < end;) {
        pi.run(pi.cpu.time + STEP_NS);
        host.serve();
      }
    };
    if (hostile) host.putInOrder();
    // What was under way may be an error yet.
    serve(SETTLED_NS);
    const [rounds, errors, programs] = [word(PEER, ROUNDS), word(PEER, ERRORS), it.programs];
    serve(AFTER_NS);
    const { counts } = host;
    const hyp = worlds.instructions(2, HYP) + worlds.instructions(3, HYP);
    console.log(
      `seed ${seed}: ${programs} programs, ${it.misbehaved()} instructions, ${hyp} in HYP mode; ` +
        `${counts.requests} requests and ${counts.frames} frames of theirs; of the other's ` +
        `${word(PEER, ROUNDS)} rounds, ${counts.peersRequests} requests, ${counts.peersFrames} frames, ` +
        `${word(PEER, ERRORS)} errors; ${Math.round(pi.cpu.time / 1000)} µs`,
    );
    expectUnhurt(it, before);
    expect(word(PEER, ROUNDS)).toBeGreaterThan(rounds + 5);
    expect(word(PEER, ERRORS)).toBe(errors);
    expect(counts.requests + counts.frames).toBeGreaterThan(0);
    if (hostile) return;
    expect(errors).toBe(0);
    // Its disk has what it wrote, and nothing else.
    const { file } = host.disks.find(({ port }) => port === PEERS_DISK)!;
    for (let at = 0; at < file.length; at += SECTOR) {
      const sector = file.subarray(at, at + SECTOR);
      const [round] = new Uint32Array(sector.slice(0, 4).buffer) as unknown as [number];
      const right = round === 0 ? new Uint8Array(SECTOR) : sectorOfRound(round);
      expect(Buffer.compare(sector, right), `sector ${at / SECTOR}`).toBe(0);
      if (round !== 0) expect(round % USED_SECTORS).toBe(at / SECTOR);
    }
    for (const { port, file: theirs } of host.disks)
      if (port !== PEERS_DISK) expect(Buffer.from(theirs).includes(MARKED)).toBe(false);
    expect(counts.peersFrames).toBeGreaterThan(rounds / 2);
  },
  3_600_000,
);
