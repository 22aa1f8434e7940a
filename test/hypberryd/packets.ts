/** Datagrams in Ethernet frames behind a virtio_net_hdr, made and read as RFC 791, 768, 1071 and virtio 1.2, 5.1.6 have them. */
import { expect } from 'vitest';

export const VIRTIO_HEADER = 12;
const ETHERNET_HEADER = 14;
const IPV4 = 0x0800;
const UDP = 17;
export const BROADCAST_MAC = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

export interface Packet {
  /** Addresses on the wire, 6 bytes each. */
  readonly to: readonly number[];
  readonly from: readonly number[];
  /** Addresses and ports: `192.168.77.1:53`. */
  readonly source: string;
  readonly destination: string;
  readonly payload: Uint8Array;
}

export const bytesOf = (address: string): number[] => address.split('.').map(Number);
export const half = (value: number): number[] => [value >> 8, value & 0xff];
const ended = (text: string): [number[], number] => {
  const [address, port] = text.split(':') as [string, string];
  return [bytesOf(address), Number(port)];
};

/** The ones' complement sum of halfwords, an odd byte with a 0 behind it. */
function sumOf(...parts: readonly (readonly number[])[]): number {
  const all = parts.flatMap((it) => (it.length % 2 === 1 ? [...it, 0] : it));
  let sum = 0;
  for (let i = 0; i < all.length; i += 2) sum += all[i]! * 256 + all[i + 1]!;
  while (sum > 0xffff) sum = (sum % 0x1_0000) + Math.floor(sum / 0x1_0000);
  return sum;
}

/** The frame of a datagram. */
export function frameOf({ to, from, source, destination, payload }: Packet): Uint8Array {
  const [[sourceAddress, sourcePort], [address, port]] = [ended(source), ended(destination)];
  const length = 8 + payload.length;
  const udp = (sum: number): number[] => [
    ...[...half(sourcePort), ...half(port), ...half(length), ...half(sum)],
    ...payload,
  ];
  const ip = (sum: number): number[] => [
    ...[0x45, 0, ...half(20 + length), 0x12, 0x34, 0, 0, 64, UDP, ...half(sum)],
    ...[...sourceAddress, ...address],
  ];
  const pseudo = [...sourceAddress, ...address, 0, UDP, ...half(length)];
  const sum = 0xffff - sumOf(pseudo, udp(0));
  return Uint8Array.from([
    ...Array<number>(VIRTIO_HEADER).fill(0),
    ...[...to, ...from, ...half(IPV4)],
    ...ip(0xffff - sumOf(ip(0))),
    ...udp(sum === 0 ? 0xffff : sum),
  ]);
}

/** The datagram of a frame that is to be a right one, with a header that says nothing. */
export function packetOf(frame: Uint8Array): Packet {
  const all = [...frame];
  expect(all.slice(0, VIRTIO_HEADER)).toEqual(Array(VIRTIO_HEADER).fill(0));
  const ethernet = all.slice(VIRTIO_HEADER);
  expect(ethernet.slice(12, 14)).toEqual(half(IPV4));
  const ip = ethernet.slice(ETHERNET_HEADER);
  expect(ip[0]).toBe(0x45);
  expect(ip[9]).toBe(UDP);
  expect(sumOf(ip.slice(0, 20))).toBe(0xffff);
  // It is whole, and nothing stands behind it.
  expect((ip[6]! & 0x3f) | ip[7]!).toBe(0);
  expect(ip[2]! * 256 + ip[3]!).toBe(ip.length);
  const udp = ip.slice(20);
  expect(udp[4]! * 256 + udp[5]!).toBe(udp.length);
  expect(udp[6]! * 256 + udp[7]!).not.toBe(0);
  expect(sumOf(ip.slice(12, 20), [0, UDP], half(udp.length), udp)).toBe(0xffff);
  const at = (address: number[], port: number[]): string =>
    `${address.join('.')}:${port[0]! * 256 + port[1]!}`;
  return {
    to: ethernet.slice(0, 6),
    from: ethernet.slice(6, 12),
    source: at(ip.slice(12, 16), udp.slice(0, 2)),
    destination: at(ip.slice(16, 20), udp.slice(2, 4)),
    payload: Uint8Array.from(udp.slice(8)),
  };
}
