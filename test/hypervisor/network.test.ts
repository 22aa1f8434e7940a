/** Guests' network cards and the switch: what drivers see (virtio 1.2, 5.1), and the host's program (CHANNEL.md). */
import { beforeEach, describe, expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { CORE_SIZE, STACK_SIZE } from '../../src/hypervisor/shared/layout.js';
import type { Machine } from './models/machine.js';
import type { CardDriver, Header, NetworkProgram } from './models/network.js';
import {
  ALL_FEATURES,
  BROADCAST,
  DATA_VALID,
  ECN,
  ENTRIES,
  frameOf,
  HOST_MAC,
  macOf,
  N,
  NEEDS_CSUM,
  networkMachine,
  packet,
  RECEIVE,
  TCPV4,
  TCPV6,
  TRANSMIT,
  UDP,
} from './models/network.js';
import { NEEDS_RESET, R, takeBell } from './models/virtio.js';
import { GICD } from './payloads.js';

const SYSTEM_RESET = 0x8400_0009;
/** Of slot 0: QEMU's virt has SPI 16 there. */
const SPI = 48;
/** Where a core has the lock that it holds (src/hypervisor/body/core/vm.ts). */
const HELD = 24;
const UPLINK = 0;
const portOf = (n: number): number => n + 1;

let machine: Machine;
let cards: CardDriver[];
let program: NetworkProgram;
let [a, b, c] = [] as unknown as [CardDriver, CardDriver, CardDriver];

/** Guests with cards in use, each with some buffers for frames. */
function begin(count: number, isolated: number[] = [], features: number = ALL_FEATURES & ~N.EVENT_IDX): void {
  ({ machine, cards, program } = networkMachine(count, isolated));
  [a, b, c] = cards as [CardDriver, CardDriver, CardDriver];
  for (const card of cards) {
    card.start(features);
    for (let n = 0; n < 16; n++) card.addBuffer(2048);
  }
  takeBell(machine);
}
const frames = (card: CardDriver): Uint8Array[] => card.received().map(({ frame }) => frame);
const toHost = (n: number): Uint8Array[] => program.take(portOf(n)).map(({ frame }) => frame);
const plain = { flags: 0, gso: 0, headerLength: 0, gsoSize: 0, start: 0, offset: 0 };
/** The sum that a receiver makes over what a checksum is for: 0xffff where it is right (RFC 1071). */
const sumOf = (bytes: Uint8Array): number => {
  let sum = 0;
  bytes.forEach((byte, i) => (sum += i % 2 ? byte : byte << 8));
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
};

describe('a card', () => {
  beforeEach(() => {
    begin(2);
  });

  test('says what it is (5.1.3, 5.1.4)', () => {
    a.setReg(R.FEATURES_SEL, 0);
    expect([a.reg(R.DEVICE_ID), a.reg(R.FEATURES)]).toEqual([1, ALL_FEATURES]);
    const bytes = Array.from({ length: 12 }, (_, i) => machine.load(1, 0x0a00_0100 + i, 1));
    expect(bytes.slice(0, 6)).toEqual([...macOf(0)]);
    // The link is up; the MTU.
    expect([bytes[6]! | (bytes[7]! << 8), bytes[10]! | (bytes[11]! << 8)]).toEqual([1, 1500]);
    const queues = [0, 1, 2].map((n) => {
      a.setReg(R.QUEUE_SEL, n);
      return a.reg(R.QUEUE_NUM_MAX);
    });
    expect(queues).toEqual([128, 128, 0]);
  });

  test('interrupts for what has come, and for what was sent', () => {
    a.send(frameOf(macOf(1), macOf(0)));
    expect([a.reg(R.INTERRUPT_STATUS), b.reg(R.INTERRUPT_STATUS)]).toEqual([1, 1]);
    // GICD_ISPENDR1.
    expect(machine.load(2, GICD + 0x204) & (1 << (SPI - 32))).not.toBe(0);
    b.setReg(R.INTERRUPT_ACK, 1);
    expect(machine.load(2, GICD + 0x204) & (1 << (SPI - 32))).toBe(0);
  });

  test('need not be told of new buffers', () => {
    b.setReg(R.QUEUE_NOTIFY, RECEIVE);
    expect([b.wantsKick(RECEIVE), b.wantsKick(TRANSMIT)]).toEqual([false, true]);
  });
});

describe('from a guest to the host', () => {
  beforeEach(() => {
    begin(2);
  });

  test('a frame is a record of its card’s ring, and the bell rings once until the host asks again', () => {
    const frame = frameOf(HOST_MAC, macOf(0), 61);
    a.send(frame);
    expect(takeBell(machine)).toEqual([portOf(0)]);
    a.send(frame);
    expect(takeBell(machine)).toEqual([]);
    const taken = program.take(portOf(0));
    expect(taken).toEqual([frame, frame].map((it) => ({ header: { ...plain, buffers: 0 }, frame: it })));
    expect([a.sent(), frames(b), toHost(1)]).toEqual([2, [], []]);
    a.send(frame);
    expect(takeBell(machine)).toEqual([portOf(0)]);
  });

  test('it may come in any pieces', () => {
    const frame = frameOf(HOST_MAC, macOf(0), 1514);
    a.queue(packet(frame), 12);
    a.queue(packet(frame), 3, 0, 10, 5);
    a.queue(packet(frame), 12, 14, 20);
    a.kick();
    expect(toHost(0)).toEqual([frame, frame, frame]);
  });

  test('no frame of another’s address leaves it', () => {
    for (const to of [HOST_MAC, macOf(1), BROADCAST])
      for (let i = 0; i < 6; i++) {
        const from = macOf(0);
        from[i]! ^= 4;
        a.send(frameOf(to, from));
      }
    expect([a.sent(), toHost(0), frames(b)]).toEqual([18, [], []]);
  });

  test('where its ring is full frames are lost, and the guest goes on; the ring is used to its end', () => {
    const sent: Uint8Array[] = [];
    for (let n = 0; n < 400; n++) {
      const frame = frameOf(HOST_MAC, macOf(0), 1000, n);
      sent.push(frame);
      a.send(frame);
      expect(a.sent()).toBe(1);
    }
    const first = toHost(0);
    // Records of 1024 bytes: 4 + 12 + 1000, and what is left of 32.
    expect(first).toEqual(sent.slice(0, C.NETWORK_RING_SIZE / 1024));
    // Now over the end, several times.
    for (let n = 0; n < 1000; n++) {
      const frame = frameOf(HOST_MAC, macOf(0), 60 + ((n * 331) % 1450), n);
      a.send(frame);
      expect(toHost(0)).toEqual([frame]);
    }
  });

  test('the host’s count of what it has taken is believed where it can be', () => {
    const [put, taken] = [(): number => program.get(portOf(0), C.PUT), C.TAKEN];
    while (put() < C.NETWORK_RING_SIZE) a.send(frameOf(HOST_MAC, macOf(0), 1000));
    for (const wrong of [put() + 32, -32, 0x8000_0000]) {
      program.set(portOf(0), taken, wrong);
      a.send(frameOf(HOST_MAC, macOf(0), 1000));
      expect(put(), String(wrong)).toBe(C.NETWORK_RING_SIZE);
    }
    program.set(portOf(0), taken, 1024);
    a.send(frameOf(HOST_MAC, macOf(0), 1000));
    expect(put()).toBe(C.NETWORK_RING_SIZE + 1024);
    // Back again.
    program.set(portOf(0), taken, 0);
    a.send(frameOf(HOST_MAC, macOf(0), 1000));
    expect(put()).toBe(C.NETWORK_RING_SIZE + 1024);
  });

  test('of many at once so many are taken, then what interrupts has its turn', () => {
    for (let n = 0; n < 100; n++) a.queue(packet(frameOf(macOf(1), macOf(0), 100)));
    a.setReg(R.QUEUE_NOTIFY, TRANSMIT);
    expect(a.sent()).toBe(64);
    expect(a.kick()).toBe(1);
    expect(a.sent()).toBe(36);
    const segments = {
      flags: NEEDS_CSUM,
      gso: TCPV4,
      headerLength: 54,
      gsoSize: 1448,
      start: 34,
      offset: 16,
    };
    for (let n = 0; n < 5; n++) a.queue(packet(frameOf(macOf(1), macOf(0), 0xffff), segments));
    // Two are more than is begun with.
    expect(a.kick()).toBe(3);
    expect(a.sent()).toBe(5);
  });

  test('with event indices it says of which chain it wants to be told next (2.7.10)', () => {
    begin(1, [], ALL_FEATURES);
    const availableEvent = (): number => machine.memory.getUint16(a.physical(0x1_c000 + 4 + 8 * 128), true);
    for (const sent of [1, 2, 3]) {
      a.send(frameOf(HOST_MAC, macOf(0)));
      expect(availableEvent()).toBe(sent);
    }
  });
});

describe('from the host to guests', () => {
  beforeEach(() => {
    begin(3, [2]);
  });

  test('a frame comes to the card that it is for, one for several to all', () => {
    const one = frameOf(macOf(1), HOST_MAC, 90);
    const all = frameOf(BROADCAST, HOST_MAC, 60);
    const group = frameOf(Uint8Array.of(0x33, 0x33, 0, 0, 0, 1), HOST_MAC, 70);
    const own = frameOf(macOf(2), HOST_MAC, 80);
    const nobody = frameOf(HOST_MAC, HOST_MAC, 80);
    program.put(...[one, all, group, own, nobody].map((it) => packet(it)));
    expect(b.received()).toEqual(
      [one, all, group].map((frame) => ({ header: { ...plain, buffers: 1 }, frame })),
    );
    expect([frames(a), frames(c)]).toEqual([
      [all, group],
      [all, group, own],
    ]);
    expect(program.get(UPLINK, C.TAKEN)).toBe(program.get(UPLINK, C.BELL_AT));
    expect(cards.map((_, n) => toHost(n))).toEqual([[], [], []]);
  });

  test('it rings where the host waits for room', () => {
    program.set(UPLINK, C.BELL_AT, 1000);
    program.put(packet(frameOf(macOf(0), HOST_MAC)));
    expect(takeBell(machine)).toEqual([]);
    program.put(packet(frameOf(macOf(0), HOST_MAC, 1000)));
    expect(takeBell(machine)).toEqual([UPLINK]);
  });

  test('its ring is used to its end, and over it', () => {
    for (let n = 0; n < 600; n++) {
      const frame = frameOf(macOf(0), HOST_MAC, 60 + ((n * 331) % 1450), n);
      expect(program.put(packet(frame))).toBe(true);
      expect(frames(a)).toEqual([frame]);
      a.addBuffer(2048);
    }
  });

  test('what the network card has no buffers for is lost', () => {
    const sent = Array.from({ length: 20 }, (_, n) => frameOf(macOf(0), HOST_MAC, 60, n));
    program.put(...sent.map((it) => packet(it)));
    expect(frames(a)).toEqual(sent.slice(0, 16));
    a.addBuffer(2048);
    program.put(packet(sent[19]!));
    expect(frames(a)).toEqual([sent[19]!]);
  });

  test('flags say that a checksum was looked at, to who knows that', () => {
    const frame = frameOf(macOf(0), HOST_MAC);
    b.start(0);
    b.addBuffer(2048);
    program.put(
      packet(frame, { flags: DATA_VALID }),
      packet(frameOf(macOf(1), HOST_MAC), { flags: DATA_VALID }),
    );
    expect([a, b].map((it) => it.received()[0]!.header.flags)).toEqual([DATA_VALID, 0]);
  });

  test.each([
    ['shorter than a header', 11],
    ['of a header alone', 12],
    ['shorter than an Ethernet header', 25],
    ['longer than any', C.MOST_FRAME + 1],
    ['longer than what was put', 61],
    ['of all ones but one', 0xffff_fffe],
    ['of half of all', 0x8000_0000],
  ])('a record %s ends the uplink, until the host offers it again', (_, length) => {
    program.put(packet(frameOf(macOf(0), HOST_MAC, 40)));
    expect(frames(a)).toHaveLength(1);
    const before = program.get(UPLINK, C.TAKEN);
    machine.memory.setUint32(program.ringOf(UPLINK) + before, length, true);
    program.set(UPLINK, C.PUT, before + 64);
    program.ring(UPLINK);
    program.put(packet(frameOf(macOf(0), HOST_MAC)));
    program.ring(UPLINK);
    expect([frames(a), program.get(UPLINK, C.TAKEN)]).toEqual([[], before]);
    program.set(UPLINK, C.OFFERED, 1);
    machine.store(0, C.DOORBELL + C.DOORBELL_HOST, 1);
    const frame = frameOf(macOf(0), HOST_MAC, 64, 9);
    program.put(packet(frame));
    expect(frames(a)).toEqual([frame]);
  });

  test.each([
    ['ahead of what a ring has', C.UPLINK_RING_SIZE + 32],
    ['behind what was taken', -32],
    ['between two records', 48],
  ])('a count of what was put that is %s ends it, too', (_, more) => {
    program.put(packet(frameOf(macOf(0), HOST_MAC, 40)));
    const before = program.get(UPLINK, C.TAKEN);
    new Uint8Array(machine.memory.buffer, program.ringOf(UPLINK), C.UPLINK_RING_SIZE).fill(0);
    machine.memory.setUint32(program.ringOf(UPLINK) + before, 30, true);
    program.set(UPLINK, C.PUT, before + more);
    program.ring(UPLINK);
    expect(program.get(UPLINK, C.TAKEN)).toBe(before);
  });
});

describe('among guests', () => {
  test('they talk with each other, and nobody else hears it', () => {
    begin(3);
    for (let n = 0; n < 40; n++) {
      const [ping, pong] = [frameOf(macOf(1), macOf(0), 98, n), frameOf(macOf(0), macOf(1), 98, n + 1)];
      a.send(ping);
      expect(b.received()).toEqual([{ header: { ...plain, buffers: 1 }, frame: ping }]);
      b.send(pong);
      expect(frames(a)).toEqual([pong]);
      a.addBuffer(2048);
      b.addBuffer(2048);
    }
    expect([frames(c), toHost(0), toHost(1)]).toEqual([[], [], []]);
  });

  test('what is for all comes to all and the host, and not back', () => {
    begin(3);
    const frame = frameOf(BROADCAST, macOf(1), 60);
    b.send(frame);
    expect([frames(a), frames(b), frames(c), toHost(1)]).toEqual([[frame], [], [frame], [frame]]);
  });

  test('isolated ones see the host alone, and none sees them', () => {
    begin(3, [1]);
    const [fromOutside, inside, all] = [macOf(0), macOf(1), BROADCAST];
    const sent = [frameOf(fromOutside, inside), frameOf(all, inside)];
    sent.forEach((it) => {
      b.send(it);
    });
    expect([frames(a), frames(c), toHost(1)]).toEqual([[], [], sent]);
    const others = [frameOf(inside, fromOutside), frameOf(all, fromOutside)];
    others.forEach((it) => {
      a.send(it);
    });
    expect([frames(b), frames(c), toHost(0)]).toEqual([[], [others[1]!], others]);
  });

  test('who has no buffers, or no driver, loses frames, and the sender goes on', () => {
    begin(2);
    b.setReg(R.STATUS, 0);
    a.send(frameOf(macOf(1), macOf(0)));
    b.start(ALL_FEATURES & ~N.EVENT_IDX);
    a.send(frameOf(macOf(1), macOf(0)));
    expect([a.sent(), frames(b), toHost(0)]).toEqual([2, [], []]);
  });

  test.each<[string, () => void]>([
    [
      'its card is reset',
      () => {
        b.setReg(R.STATUS, 0);
      },
    ],
    [
      'its queue is not ready',
      () => {
        b.setReg(R.QUEUE_SEL, RECEIVE);
        b.setReg(R.QUEUE_READY, 0);
      },
    ],
    [
      'its card is broken by the other queue',
      () => {
        // The index of what is available there has run.
        machine.memory.setUint16(b.physical(0x1_a002), ENTRIES + 1, true);
        b.setReg(R.QUEUE_NOTIFY, TRANSMIT);
        expect(b.reg(R.STATUS) & NEEDS_RESET).toBe(NEEDS_RESET);
      },
    ],
  ])('nothing is written to a guest’s memory while %s', (_, end) => {
    begin(2);
    end();
    const memory = (): Buffer =>
      Buffer.from(new Uint8Array(machine.memory.buffer, b.physical(0), 0x20_0000).slice());
    const before = memory();
    b.setReg(R.QUEUE_NOTIFY, RECEIVE);
    a.send(frameOf(macOf(1), macOf(0)));
    expect(a.sent()).toBe(1);
    expect(memory().equals(before)).toBe(true);
  });

  test('a frame in one buffer is written there, and nowhere in the host’s memory', () => {
    begin(2);
    const host = (): Buffer => Buffer.from(new Uint8Array(machine.memory.buffer, 0, 0x1000).slice());
    const before = host();
    const frame = frameOf(macOf(1), macOf(0));
    a.send(frame);
    expect([frames(b), host().equals(before)]).toEqual([[frame], true]);
  });

  test('a first buffer without room for a header takes nothing', () => {
    begin(2);
    b.start(ALL_FEATURES & ~N.EVENT_IDX);
    b.addBuffer(11);
    b.addBuffer(2048);
    a.send(frameOf(macOf(1), macOf(0)));
    expect([frames(b), b.buffersLeft(), b.reg(R.STATUS) & NEEDS_RESET]).toEqual([[], 2, 0]);
  });

  test('one that adds empty buffers without an end is left after as many as a queue has', () => {
    begin(2);
    b.start(ALL_FEATURES & ~N.EVENT_IDX);
    b.addBuffer(12);
    b.addBuffer(0);
    let added = 0;
    const addOne = (): void => {
      if (added++ === 4 * ENTRIES) return;
      b.addBuffer(0);
      machine.meanwhile('dmbIsh', addOne);
    };
    machine.meanwhile('dmbIsh', addOne);
    a.send(frameOf(macOf(1), macOf(0)));
    expect(added).toBeGreaterThan(ENTRIES);
    expect(added).toBeLessThan(2 * ENTRIES);
    expect([a.sent(), machine.memory.getUint16(b.physical(0x1_4002), true)]).toEqual([1, 0]);
  });

  test('a broken queue of the receiver stops that one alone', () => {
    begin(2);
    // Its next entry is no descriptor.
    machine.memory.setUint16(b.physical(0x1_2000 + 4), 128, true);
    a.send(frameOf(macOf(1), macOf(0)));
    expect([b.reg(R.STATUS) & NEEDS_RESET, a.reg(R.STATUS) & NEEDS_RESET]).toEqual([NEEDS_RESET, 0]);
    a.send(frameOf(HOST_MAC, macOf(0)));
    expect([a.sent(), toHost(0).length]).toEqual([2, 1]);
  });

  test('both may send at once, on two cores: neither waits for the other', () => {
    begin(2);
    const [ping, pong] = [frameOf(macOf(1), macOf(0)), frameOf(macOf(0), macOf(1))];
    // Before each of the locks that the one takes, its own, the other's, its own, the other sends: here nobody can wait.
    for (const nth of [0, 1, 2]) {
      const atLock = (left: number): void => {
        machine.meanwhile('compareExchange', () => {
          if (left > 0) atLock(left - 1);
          else b.send(pong);
        });
      };
      atLock(nth);
      a.send(ping);
      expect([frames(b), frames(a)], String(nth)).toEqual([[ping], [pong]]);
    }
  });

  test('no lock is taken while another is held', () => {
    begin(3);
    const held = machine.symbol('stacks') + 2 * STACK_SIZE - CORE_SIZE + HELD;
    let taken = 0;
    const atLock = (): void => {
      machine.meanwhile('compareExchange', () => {
        expect(machine.memory.getUint32(held, true)).toBe(0);
        taken++;
        atLock();
      });
    };
    atLock();
    a.send(frameOf(BROADCAST, macOf(0)));
    // Its own, one each of two others, its own again, the bell's.
    expect([taken, frames(b).length, frames(c).length, toHost(0).length]).toEqual([5, 1, 1, 1]);
  });

  test.each([
    [
      'its driver resets the card',
      (): void => {
        b.setReg(R.STATUS, 0);
      },
    ],
    [
      'it is started again',
      (): void => {
        machine.hvc(2, SYSTEM_RESET);
      },
    ],
  ])('nothing is written to a guest when %s just before', (_, stop) => {
    begin(2);
    const memory = (): Uint8Array =>
      new Uint8Array(machine.memory.buffer, b.physical(0x4_0000), 0x8000).slice();
    const before = memory();
    // The second lock that is taken is the receiver's.
    machine.meanwhile('compareExchange', () => {
      machine.meanwhile('compareExchange', stop);
    });
    a.send(frameOf(macOf(1), macOf(0)));
    expect(memory()).toEqual(before);
    expect(a.sent()).toBe(1);
  });
});

describe('what is left undone', () => {
  const tcp: Header = {
    flags: NEEDS_CSUM,
    gso: TCPV4,
    headerLength: 54,
    gsoSize: 1448,
    start: 34,
    offset: 16,
  };
  const udp: Header = { flags: NEEDS_CSUM, start: 34, offset: 6 };

  test('goes through to the host, and from there, as large as it is', () => {
    begin(1);
    const sent = frameOf(HOST_MAC, macOf(0), 0x1_0000 + 13);
    a.send(sent, tcp);
    expect(program.take(portOf(0))).toEqual([{ header: { ...tcp, buffers: 0 }, frame: sent }]);
    for (let n = 0; n < 20; n++) a.addBuffer(2048);
    const came = frameOf(macOf(0), HOST_MAC, 0x1_0000 + 13);
    program.put(packet(came, { ...tcp, gso: TCPV6 }));
    const buffers = Math.ceil((12 + came.length) / 2048);
    expect(a.received()).toEqual([{ header: { ...tcp, gso: TCPV6, buffers }, frame: came }]);
    expect(a.buffersLeft()).toBe(36 - buffers);
  });

  test('over several buffers, whatever these are', () => {
    begin(2, [], ALL_FEATURES & ~N.EVENT_IDX);
    b.start(ALL_FEATURES & ~N.EVENT_IDX);
    b.addBuffer(5, 6, 1, 1);
    b.addBuffer(100);
    b.addBuffer(1, 700);
    b.addBuffer(2000);
    const frame = frameOf(macOf(1), macOf(0), 1500);
    a.send(frame, tcp);
    expect(b.received()).toEqual([{ header: { ...tcp, buffers: 4 }, frame }]);
  });

  test('where buffers do not suffice none is used, and a smaller one has them', () => {
    begin(2);
    a.send(frameOf(macOf(1), macOf(0), 40_000), tcp);
    expect([frames(b), b.buffersLeft()]).toEqual([[], 16]);
    const small = frameOf(macOf(1), macOf(0), 60);
    a.send(small);
    expect([frames(b), b.buffersLeft()]).toEqual([[small], 15]);
  });

  test('without mergeable buffers it is in one, or lost', () => {
    begin(2);
    b.start(ALL_FEATURES & ~N.EVENT_IDX & ~N.MRG_RXBUF);
    b.addBuffer(12, 1000);
    const [large, small] = [frameOf(macOf(1), macOf(0), 1001), frameOf(macOf(1), macOf(0), 1000)];
    a.send(large);
    a.send(small);
    expect(b.received()).toEqual([{ header: { ...plain, buffers: 1 }, frame: small }]);
  });

  test.each([100, 101, 1514])('is done for who does not take it: a checksum of %i bytes', (bytes) => {
    begin(2);
    b.start(0);
    b.addBuffer(2048);
    const frame = frameOf(macOf(1), macOf(0), bytes);
    a.send(frame, udp);
    const [got] = b.received();
    expect(got!.header).toEqual({ ...plain, buffers: 1 });
    // The same but for the two bytes; and with these the sum is right, whatever was there of the pseudo header.
    const pseudo = (frame[40]! << 8) | frame[41]!;
    const summed = got!.frame.slice(34);
    let sum = sumOf(summed) + pseudo;
    sum = (sum & 0xffff) + (sum >>> 16);
    expect(sum).toBe(0xffff);
    got!.frame.set(frame.subarray(40, 42), 40);
    expect(got!.frame).toEqual(frame);
  });

  test('segments are lost for who does not take them', () => {
    begin(2);
    for (const features of [0, N.GUEST_CSUM, N.GUEST_TSO4, N.GUEST_CSUM | N.GUEST_TSO6]) {
      b.start(features);
      b.addBuffer(2048);
      a.send(frameOf(macOf(1), macOf(0), 1500), tcp);
      expect(frames(b), features.toString(16)).toEqual([]);
    }
    b.start(N.GUEST_CSUM | N.GUEST_TSO4);
    b.addBuffer(2048);
    a.send(frameOf(macOf(1), macOf(0), 1500), tcp);
    expect(frames(b)).toHaveLength(1);
  });

  test.each<[string, Header, number?]>([
    ['a checksum that begins in the Ethernet header', { ...udp, start: 13 }],
    ['a checksum behind the end', { ...udp, start: 1490, offset: 9 }],
    ['one that begins there', { ...udp, start: 0xffff }],
    ['one far behind it', { ...udp, offset: 0xffff }],
    ['segments without a checksum', { ...tcp, flags: 0 }],
    ['segments of nothing', { ...tcp, gsoSize: 0 }],
    ['a header longer than the frame', { ...tcp, headerLength: 1501 }],
    ['segments of UDP', { ...tcp, gso: UDP }],
    ['segments with ECN', { ...tcp, gso: TCPV4 | ECN }],
    ['segments of a kind that is none', { ...tcp, gso: 2 }],
    ['a packet larger than the MTU', {}, 1519],
    ['less than an Ethernet header', {}, 13],
    ['nothing', {}, 0],
    ['more than any', tcp, C.MOST_FRAME - 11],
  ])('nobody sees %s', (_, header, bytes = 1500) => {
    begin(2);
    for (let n = 0; n < 40; n++) b.addBuffer(2048);
    for (const to of [macOf(1), HOST_MAC]) a.send(frameOf(to, macOf(0), bytes), header);
    expect([a.sent(), frames(b), toHost(0)]).toEqual([2, [], []]);
    if (bytes < 14 || bytes > C.MOST_FRAME - 12) return;
    program.put(packet(frameOf(macOf(1), HOST_MAC, bytes), header));
    expect(frames(b)).toEqual([]);
    expect(program.get(UPLINK, C.TAKEN)).not.toBe(0);
  });

  test('nor what a driver has not agreed upon', () => {
    begin(2);
    for (const features of [0, N.CSUM, N.HOST_TSO4, N.CSUM | N.HOST_TSO6]) {
      a.start(features);
      a.send(frameOf(macOf(1), macOf(0), 1500), tcp);
      expect(frames(b), features.toString(16)).toEqual([]);
    }
  });

  test('what says nothing is 0, whatever a driver has written there', () => {
    begin(2);
    const noise = { headerLength: 7, gsoSize: 8, buffers: 11 };
    const frame = frameOf(macOf(1), macOf(0));
    a.send(frame, { ...noise, flags: DATA_VALID | 0xfc, start: 9, offset: 10 });
    a.send(frame, { ...udp, ...noise, flags: 0xff });
    expect(b.received().map(({ header }) => header)).toEqual([
      { ...plain, buffers: 1 },
      { ...plain, ...udp, buffers: 1 },
    ]);
    a.send(frameOf(HOST_MAC, macOf(0)), { ...udp, ...noise });
    expect(program.take(portOf(0))[0]!.header).toEqual({ ...plain, ...udp, buffers: 0 });
  });

  test('the host is told what all cards in use take', () => {
    ({ machine, cards, program } = networkMachine(2));
    [a, b] = cards as [CardDriver, CardDriver, CardDriver];
    const offloads = (): number => program.get(UPLINK, C.OFFLOADS);
    const heard: [number, number[]][] = [];
    const look = (): void => {
      heard.push([offloads(), takeBell(machine)]);
    };
    look();
    a.start(ALL_FEATURES);
    look();
    b.start(N.GUEST_CSUM | N.GUEST_TSO6);
    look();
    b.start(N.GUEST_TSO4);
    look();
    machine.hvc(2, SYSTEM_RESET);
    look();
    a.setReg(R.STATUS, 0);
    look();
    expect(heard).toEqual([
      [0, []],
      [7, [UPLINK]],
      [5, [UPLINK]],
      [0, [UPLINK]],
      [7, [UPLINK]],
      [0, [UPLINK]],
    ]);
  });
});

describe('a legacy driver (4.2.4, 5.1.6.1)', () => {
  test.each([
    ['has a header of 10 bytes', 0],
    ['or of 12, with mergeable buffers', N.MRG_RXBUF],
  ])('%s', (_, features) => {
    ({ machine, cards, program } = networkMachine(2, [], { virtio: 1 }));
    [a, b] = cards as [CardDriver, CardDriver, CardDriver];
    for (const card of [a, b]) {
      card.start(features);
      card.addBuffer(10, 1514);
      card.addBuffer(2048);
    }
    const [frame, other] = [frameOf(macOf(1), macOf(0), 99), frameOf(macOf(1), HOST_MAC, 1514)];
    a.send(frame);
    program.put(packet(other));
    expect(frames(b)).toEqual([frame, other]);
    a.send(frameOf(HOST_MAC, macOf(0), 61));
    expect(toHost(0)).toEqual([frameOf(HOST_MAC, macOf(0), 61)]);
  });
});
