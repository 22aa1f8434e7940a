/**
 * A guest that uses its disk and its network card without an end, and looks whether all goes as it must: each round it writes
 * a sector and reads it back, sends a frame to the host, and gives buffers for frames to it back. By polling.
 */
import { r0, r1, r2, r3, r5, r6, r7, r8, r9, r10 } from '../../src/isa/registers.js';
import type { Assembler } from '../../src/isa/assembler.js';
import { HOST_MAC, macOf, RECEIVE, TRANSMIT } from './models/network.js';
import { NEXT, R, SLOTS_BASE, T, WRITE } from './models/virtio.js';
import { GUEST_RAM, load, smallGuest } from './payloads.js';
import { bringUp, makeAvailable, partsOf, stores } from './queue-pieces.js';

/** Where in its memory it counts its rounds, and what was wrong. */
export const [ROUNDS, ERRORS] = [0x4000, 0x4004];
/** What no other guest may ever see: it stands in all that it writes and sends, behind the round's number. */
export const MARK = [0x5ec2_e71a, 0x0b5e_55ed] as const;
export const MARK_BYTES = new Uint8Array(Uint32Array.from(MARK).buffer);
const [NETWORK, DISK] = [0, 1];
/** Sectors of the disk that it uses; words of a sector. */
export const USED_SECTORS = 64;
const WORDS = 128;
/** Where its buffers are: headers of a write and a read, the sectors, a packet, and buffers for packets. */
const [WRITING, READING, WRITTEN, READ, PACKET, INCOMING] = [
  0x6_0000, 0x6_0020, 0x6_1000, 0x6_2000, 0x6_3000, 0x7_0000,
];
const STATUS_AT = 0x10;
/** Bytes of a packet, and of a buffer for one; buffers. */
const PACKET_SIZE = 12 + 14 + 2 + 256;
const [INCOMING_SIZE, INCOMING_COUNT] = [0x1000, 8];
/** Where in a packet its number and the mark stand. */
const PAYLOAD = 28;
/** Parts of its memory that change: counts; rings and buffers. */
export const CHANGED = [
  [ROUNDS, ROUNDS + 8],
  [0x4_0000, INCOMING + INCOMING_SIZE * INCOMING_COUNT],
] as const;

/** A frame that it sends in a round: the marks, over and over, behind the round's number. */
export function frameOfRound(round: number): Uint8Array {
  const frame = new Uint8Array(PACKET_SIZE - 12);
  frame.set(HOST_MAC);
  frame.set(macOf(1), 6);
  const payload = new DataView(frame.buffer, PAYLOAD - 12);
  payload.setUint32(0, round, true);
  for (let at = 4; at + 4 <= payload.byteLength; at += 4) payload.setUint32(at, MARK[(at / 4) % 2]!, true);
  return frame;
}

/** A sector that it writes in a round. */
export function sectorOfRound(round: number): Uint8Array {
  const words = Uint32Array.from({ length: WORDS }, (_, i) => (i === 0 ? round : MARK[i % 2]!));
  return new Uint8Array(words.buffer);
}

/** Makes a chain available, notifies, and waits until it is used. Changes R0 to R4. */
function submit(a: Assembler, slot: number, queue: number, head: number): void {
  const wait = a.label('wait');
  const { available, used } = partsOf(slot, queue);
  makeAvailable(a, available, head);
  load(a, r1, SLOTS_BASE + 0x200 * slot);
  load(a, r2, queue);
  a.str(r2, [r1, R.QUEUE_NOTIFY]);
  a.uxth(r0, r0);
  load(a, r3, used);
  a.at(wait);
  a.ldrh(r2, [r3, 2]);
  a.cmp(r2, r0);
  a.bne(wait);
  a.dmb();
}

/** Its code. */
export function peer(): Uint8Array {
  const disk = partsOf(DISK, 0);
  const [incoming, outgoing] = [partsOf(NETWORK, RECEIVE), partsOf(NETWORK, TRANSMIT)];
  const descriptor = (table: number, n: number, at: number, bytes: number, flags: number) =>
    [GUEST_RAM + at, 0, bytes, flags].map((it, i) => [table + 16 * n + 4 * i, it] as const);
  const request = (first: number, header: number, data: number, type: number) => [
    ...descriptor(disk.descriptors, first, header, 16, NEXT | ((first + 1) << 16)),
    ...descriptor(
      disk.descriptors,
      first + 1,
      data,
      4 * WORDS,
      NEXT | (type === T.IN ? WRITE : 0) | ((first + 2) << 16),
    ),
    ...descriptor(disk.descriptors, first + 2, header + STATUS_AT, 1, WRITE),
    [GUEST_RAM + header, type] as const,
  ];
  const wordsOf = (at: number, bytes: Uint8Array) =>
    Array.from(new Uint32Array(bytes.slice().buffer), (word, i) => [GUEST_RAM + at + 4 * i, word] as const);
  const packet = new Uint8Array(PACKET_SIZE);
  packet.set(frameOfRound(0), 12);
  const places = Array.from({ length: INCOMING_COUNT }, (_, n) => n);
  return smallGuest((a) => {
    stores(a, [
      ...bringUp(DISK, [0], 0),
      ...request(0, WRITING, WRITTEN, T.OUT),
      ...request(3, READING, READ, T.IN),
      ...wordsOf(WRITTEN, sectorOfRound(0)),
    ]);
    stores(a, [
      ...bringUp(NETWORK, [RECEIVE, TRANSMIT], 0),
      ...descriptor(outgoing.descriptors, 0, PACKET, PACKET_SIZE, 0),
      ...places.flatMap((n) =>
        descriptor(incoming.descriptors, n, INCOMING + INCOMING_SIZE * n, INCOMING_SIZE, WRITE),
      ),
      ...wordsOf(PACKET, packet),
    ]);
    for (const n of places) makeAvailable(a, incoming.available, n);
    const [round, compare] = [a.label('round'), a.label('compare')];
    const [wrong, right] = [a.label('wrong'), a.label('right')];
    load(a, r10, GUEST_RAM + ROUNDS);
    a.at(round);
    a.ldr(r5, [r10]);
    a.add(r5, r5, 1);
    a.and(r6, r5, USED_SECTORS - 1);
    for (const header of [WRITING, READING]) {
      load(a, r7, GUEST_RAM + header);
      a.str(r6, [r7, 8]);
      load(a, r0, 0xff);
      a.strb(r0, [r7, STATUS_AT]);
    }
    load(a, r8, GUEST_RAM + WRITTEN);
    a.str(r5, [r8]);
    submit(a, DISK, 0, 0);
    submit(a, DISK, 0, 3);
    for (const header of [WRITING, READING]) {
      load(a, r7, GUEST_RAM + header);
      a.ldrb(r0, [r7, STATUS_AT]);
      a.cmp(r0, 0);
      a.bne(wrong);
    }
    load(a, r7, GUEST_RAM + READ);
    load(a, r9, WORDS);
    a.at(compare);
    a.ldr(r0, [r7], 4);
    a.ldr(r1, [r8], 4);
    a.cmp(r0, r1);
    a.bne(wrong);
    a.subs(r9, r9, 1);
    a.bne(compare);
    a.b(right);
    a.at(wrong);
    a.ldr(r0, [r10, ERRORS - ROUNDS]);
    a.add(r0, r0, 1);
    a.str(r0, [r10, ERRORS - ROUNDS]);
    a.at(right);
    load(a, r7, GUEST_RAM + PACKET);
    a.str(r5, [r7, PAYLOAD]);
    submit(a, NETWORK, TRANSMIT, 0);
    // What is used is there again: buffers are used in their order.
    load(a, r0, incoming.used);
    a.ldrh(r1, [r0, 2]);
    a.add(r1, r1, INCOMING_COUNT);
    load(a, r0, incoming.available);
    for (const n of places) {
      load(a, r2, n);
      a.strh(r2, [r0, 4 + 2 * n]);
      a.strh(r2, [r0, 4 + 2 * (n + INCOMING_COUNT)]);
    }
    a.dmb();
    a.strh(r1, [r0, 2]);
    a.str(r5, [r10]);
    a.b(round);
  });
}
