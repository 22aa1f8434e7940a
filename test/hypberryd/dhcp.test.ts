/** Addresses by DHCP, asked for by packets as RFC 2131 and 2132 have them. */
import { describe, expect, test } from 'vitest';
import { randomFrom } from '../board/rig.js';
import { ALONE, DB, HOST, HOST_MAC, talk, WEB, type TestGuest } from './guest-services.js';
import { BROADCAST_MAC, bytesOf, frameOf, half, packetOf, type Packet } from './packets.js';

const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
const FUZZ = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const XID = [0xde, 0xad, 0xbe, 0xef];
const [DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM] = [1, 2, 3, 4, 5, 6, 7, 8];
const NOWHERE = '0.0.0.0';

interface Message {
  readonly op?: number;
  readonly flags?: number;
  readonly ciaddr?: string;
  readonly giaddr?: string;
  readonly chaddr?: readonly number[];
  readonly cookie?: readonly number[];
  /** Options in their order: number and bytes; `end` and what is behind it stand as they are. */
  readonly options: readonly (readonly [number, ...number[]])[];
  readonly end?: readonly number[];
}
/** A client's message. */
const message = (
  mac: readonly number[],
  {
    op = 1,
    flags = 0,
    ciaddr = NOWHERE,
    giaddr = NOWHERE,
    chaddr = mac,
    cookie = [99, 130, 83, 99],
    options,
    end = [255],
  }: Message,
): Uint8Array =>
  Uint8Array.from([
    ...[op, 1, 6, 0, ...XID, 0, 0, ...half(flags), ...bytesOf(ciaddr), 0, 0, 0, 0, 0, 0, 0, 0],
    ...[...bytesOf(giaddr), ...chaddr, ...Array<number>(10 + 64 + 128).fill(0), ...cookie],
    ...options.flatMap(([option, ...bytes]) => [option, bytes.length, ...bytes]),
    ...end,
  ]);
const packet = (
  { mac }: TestGuest,
  it: Message,
  { source = NOWHERE, destination = '255.255.255.255' } = {},
): Packet => ({
  ...{ to: destination === HOST ? HOST_MAC : BROADCAST_MAC, from: mac, payload: message(mac, it) },
  ...{ source: `${source}:68`, destination: `${destination}:67` },
});
const type = (of: number): readonly [number, number] => [53, of];

/** What an answer says: its fields, and its options by their number. */
function read({ payload }: Packet) {
  const all = [...payload];
  expect(all.length).toBeGreaterThanOrEqual(300);
  expect(all.slice(236, 240)).toEqual([99, 130, 83, 99]);
  const options: Record<number, number[]> = {};
  let at = 240;
  while (all[at] !== 255) {
    if (all[at] === 0) at++;
    else {
      options[all[at]!] = all.slice(at + 2, at + 2 + all[at + 1]!);
      at += 2 + all[at + 1]!;
    }
    expect(at).toBeLessThan(all.length);
  }
  const [op, htype, hlen] = all as [number, number, number];
  const address = (offset: number): string => all.slice(offset, offset + 4).join('.');
  return {
    ...{ op, htype, hlen, xid: all.slice(4, 8), flags: all[10]! * 256 + all[11]! },
    ...{ ciaddr: address(12), yiaddr: address(16), siaddr: address(20), giaddr: address(24) },
    ...{ chaddr: all.slice(28, 44), options },
  };
}
/** The one answer to a message; undefined where there is none. */
function ask(guest: TestGuest, it: Message, way?: { source?: string; destination?: string }) {
  const frame = frameOf(packet(guest, it, way));
  const { frames, passedOn } = talk([() => [[guest, frame]]]);
  expect(frames.length).toBeLessThanOrEqual(1);
  // Either it is done with, or it goes on as it is.
  if (passedOn.length > 0) expect(passedOn).toEqual([frame]);
  const got = frames[0] && packetOf(frames[0]);
  return { got, answer: got && read(got), isPassedOn: passedOn.length > 0 };
}
const text = (of: string): number[] => [...new TextEncoder().encode(of)];
const settings = ({ name }: TestGuest): Record<number, number[]> => ({
  1: [255, 255, 255, 0],
  3: bytesOf(HOST),
  6: bytesOf(HOST),
  12: text(name),
  15: text('hypberry'),
  54: bytesOf(HOST),
});
const DAY = [0, 1, 0x51, 0x80];

describe('a guest asks by DHCP', () => {
  test.each([WEB, DB, ALONE])('$name is offered the address of its number, and gets it', (guest) => {
    const offered = ask(guest, { options: [type(DISCOVER)] });
    expect(offered.got).toMatchObject({ to: guest.mac, from: HOST_MAC });
    expect(offered.got).toMatchObject({ source: `${HOST}:67`, destination: `${guest.address}:68` });
    expect(offered.answer).toEqual({
      ...{ op: 2, htype: 1, hlen: 6, xid: XID, flags: 0 },
      ...{ ciaddr: NOWHERE, yiaddr: guest.address, siaddr: NOWHERE, giaddr: NOWHERE },
      chaddr: [...guest.mac, ...Array<number>(10).fill(0)],
      options: { ...settings(guest), 51: DAY, 53: [OFFER] },
    });
    const got = ask(guest, {
      options: [type(REQUEST), [50, ...bytesOf(guest.address)], [54, ...bytesOf(HOST)]],
    });
    expect(got.answer).toEqual({
      ...offered.answer,
      options: { ...settings(guest), 51: DAY, 53: [ACK] },
    });
  });

  test('one that cannot be told an address without having one hears it by a broadcast, on its own card', () => {
    const { got, answer } = ask(WEB, { flags: 0x8000, options: [type(DISCOVER)] });
    expect(got).toMatchObject({ to: WEB.mac, destination: '255.255.255.255:68' });
    expect(answer!.flags).toBe(0x8000);
  });

  test('an address is renewed where it is asked from, and the client’s identifier comes back (RFC 6842)', () => {
    const { got, answer } = ask(
      DB,
      { ciaddr: DB.address, options: [type(REQUEST), [61, 1, ...DB.mac]] },
      { source: DB.address, destination: HOST },
    );
    expect(got).toMatchObject({ destination: `${DB.address}:68` });
    expect(answer).toMatchObject({ ciaddr: DB.address, yiaddr: DB.address });
    expect(answer!.options).toEqual({ ...settings(DB), 51: DAY, 53: [ACK], 61: [1, ...DB.mac] });
  });

  test.each<[string, Message]>([
    ['another guest’s address', { options: [type(REQUEST), [50, ...bytesOf(DB.address)]] }],
    ['one of another network, as it had', { options: [type(REQUEST), [50, 10, 0, 0, 7]] }],
    ['none', { options: [type(REQUEST)] }],
  ])('%s is refused', (_, it) => {
    const { got, answer } = ask(WEB, it);
    expect(got).toMatchObject({ destination: '255.255.255.255:68' });
    expect(answer).toMatchObject({ yiaddr: NOWHERE, ciaddr: NOWHERE });
    expect(answer!.options).toEqual({ 53: [NAK], 54: bytesOf(HOST) });
  });

  test('one that has its address from elsewhere learns the rest', () => {
    const { got, answer } = ask(
      WEB,
      { ciaddr: '192.168.77.2', options: [type(INFORM)] },
      { source: '192.168.77.2' },
    );
    expect(got).toMatchObject({ destination: '192.168.77.2:68' });
    expect(answer).toMatchObject({ ciaddr: '192.168.77.2', yiaddr: NOWHERE });
    expect(answer!.options).toEqual({ ...settings(WEB), 53: [ACK] });
  });

  test.each([RELEASE, DECLINE])('message %i has no answer, and goes no further', (of) => {
    expect(ask(WEB, { ciaddr: WEB.address, options: [type(of)] })).toMatchObject({
      isPassedOn: false,
      got: undefined,
    });
  });

  test.each<[string, Message]>([
    ['a server’s', { op: 2, options: [type(DISCOVER)] }],
    ['of another card', { chaddr: DB.mac, options: [type(DISCOVER)] }],
    ['by a relay', { giaddr: '10.0.0.1', options: [type(DISCOVER)] }],
    ['for another server', { options: [type(REQUEST), [50, ...bytesOf(WEB.address)], [54, 10, 0, 0, 1]] }],
    ['of no type', { options: [] }],
    ['of a type that is none', { options: [type(9)] }],
    ['a server’s type', { options: [type(OFFER)] }],
    ['without a cookie', { cookie: [0, 0, 0, 0], options: [type(DISCOVER)] }],
    ['an option that runs over', { options: [type(DISCOVER)], end: [12, 9, 65] }],
    ['an option without a length', { options: [type(DISCOVER)], end: [12] }],
  ])('%s: goes on as it is', (_, it) => {
    expect(ask(WEB, it)).toMatchObject({ isPassedOn: true, got: undefined });
  });

  test('where the interface has another address, others answer', () => {
    const frame = frameOf(packet(WEB, { options: [type(DISCOVER)] }));
    const { frames, passedOn } = talk([() => [[WEB, frame]]], { address: '192.168.5.1' });
    expect([frames, passedOn]).toEqual([[], [frame]]);
  });

  /** Byte offsets in a frame: of its IP header, and of its UDP header. */
  const [IP, UDP] = [26, 46];
  test.each<[string, (frame: Uint8Array) => void]>([
    ['another kind of frame', (it) => (it[24] = 0x86)],
    ['version 6', (it) => (it[IP] = 0x65)],
    ['a header of four words', (it) => (it[IP] = 0x44)],
    ['a header that reaches beyond it', (it) => (it[IP] = 0x4f)],
    ['a wrong sum of its header', (it) => (it[IP + 10]! ^= 1)],
    ['more fragments', (it) => (it[IP + 6] = 0x20)],
    ['a fragment', (it) => (it[IP + 7] = 1)],
    ['TCP', (it) => (it[IP + 9] = 6)],
    ['longer than its frame', (it) => (it[IP + 3]! += 4)],
    ['a datagram that is longer than its packet', (it) => (it[UDP + 5]! += 4)],
    [
      'a datagram that is shorter than its header',
      (it) => {
        it.set([0, 7], UDP + 4);
      },
    ],
    ['a wrong sum', (it) => (it[UDP + 7]! ^= 1)],
    ['a row of segments', (it) => (it[1] = 3)],
    ['another port', (it) => (it[UDP + 3] = 69)],
  ])('%s: goes on as it is', (_, spoil) => {
    const frame = frameOf(packet(WEB, { options: [type(DISCOVER)] }));
    const changed = frame.slice();
    spoil(changed);
    // Sums of the header are right again, but where they are what is wrong.
    if (spoil.toString().includes('IP') && !spoil.toString().includes('10')) fixHeader(changed);
    const { frames, passedOn } = talk([() => [[WEB, changed]]]);
    expect([frames, passedOn]).toEqual([[], [changed]]);
  });
  const fixHeader = (frame: Uint8Array): void => {
    frame.set([0, 0], IP + 10);
    const size = Math.max(20, (frame[IP]! & 15) * 4);
    let sum = 0;
    for (let i = 0; i < size; i += 2) sum += frame[IP + i]! * 256 + frame[IP + i + 1]!;
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    frame.set(half(0xffff - sum), IP + 10);
  };

  test('a sum that is left undone, or none, is no reason to pass it on', () => {
    for (const undone of [true, false]) {
      const frame = frameOf(packet(WEB, { options: [type(DISCOVER)] }));
      if (undone) frame.set([1, 0, 0, 0, 0, 0, 34, 0, 6, 0], 0);
      frame.set(undone ? [0x12, 0x34] : [0, 0], UDP + 6);
      expect(talk([() => [[WEB, frame]]]).frames).toHaveLength(1);
    }
  });

  test(`whatever a guest sends, it is answered rightly or goes on as it is (seed ${SEED})`, () => {
    const random = randomFrom(SEED);
    const frames = Array.from({ length: FUZZ * 600 }, () => {
      const options = Array.from({ length: random(6) }, (): [number, ...number[]] => [
        [53, 50, 54, 61, 12, random(256)][random(6)]!,
        ...Array.from({ length: [0, 1, 4, random(64)][random(4)]! }, () => random(256)),
      ]);
      const frame = frameOf(
        packet(WEB, { options: [type(1 + random(8)), ...options], end: [random(2) * 255] }),
      );
      const length = random(4) === 0 ? 12 + random(frame.length - 12) : frame.length;
      for (let i = random(4); i > 0; i--) frame[random(frame.length)] = random(256);
      return frame.subarray(0, length);
    });
    const { ended, frames: got, passedOn } = talk(frames.map((frame) => () => [[WEB, frame]]));
    expect(ended.status).toBe(0);
    let at = 0;
    for (const it of passedOn) {
      while (at < frames.length && Buffer.compare(frames[at]!, it) !== 0) at++;
      expect(at).toBeLessThan(frames.length);
      at++;
    }
    expect(got.length + passedOn.length).toBeLessThanOrEqual(frames.length);
    expect(got.length).toBeGreaterThan(frames.length / 30);
    for (const it of got) {
      const answer = packetOf(it);
      expect(answer).toMatchObject({ to: WEB.mac, from: HOST_MAC, source: `${HOST}:67` });
      expect([NOWHERE, WEB.address]).toContain(read(answer).yiaddr);
    }
  });
});
