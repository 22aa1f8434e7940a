/** Datagrams in frames: those of guests, checked, and answers to them. */
import * as A from '../../../channel/addresses.js';
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import * as P from '../../shared/packets.js';
import { word } from '../linux.js';
import { REPLY_FRAME, sendReply } from './uplink.js';

/** A datagram that has come from a guest: UDP over IPv4, whole and as it says of itself. */
@unmanaged
export class Datagram {
  /** Where its Ethernet header stands, and what it carries. */
  ethernet: usize;
  payload: usize;
  length: u32;
  source: u32;
  destination: u32;
  sourcePort: u32;
  destinationPort: u32;
}

if (<usize>L.DATAGRAM + offsetof<Datagram>() > <usize>L.OPTIONS) ERROR('layout of Datagram');

// @inline
export function datagram(): Datagram {
  return changetype<Datagram>(<usize>L.DATAGRAM);
}

/** A number of two bytes, the higher one first. */
export function half(at: usize): u32 {
  return ((<u32>load<u8>(at)) << 8) | load<u8>(at, 1);
}

export function putHalf(at: usize, value: u32): void {
  store<u8>(at, value >> 8);
  store<u8>(at, value, 1);
}

/** A number of four bytes, the highest one first. */
export function whole(at: usize): u32 {
  return word.rev(load<u32>(at));
}

/** Puts a number of four bytes; gives what is behind it. */
export function putWhole(at: usize, value: u32): usize {
  store<u32>(at, word.rev(value));
  return at + 4;
}

/** Adds bytes up as checksums do (RFC 1071), in 16 bits. */
function sum(at: usize, length: u32, begin: u32): u32 {
  let total = begin;
  const end = at + length;
  for (; at + 1 < end; at += 2) total += half(at);
  if (at < end) total += (<u32>load<u8>(at)) << 8;
  total = (total & 0xffff) + (total >> 16);
  return (total + (total >> 16)) & 0xffff;
}

/** The sum of a datagram and of what of its IP header counts, too. */
function sumOfDatagram(ip: usize, udp: usize, size: u32): u32 {
  return sum(udp, size, sum(ip + P.IP_SOURCE, 8, P.PROTOCOL_UDP + size));
}

/**
 * Takes a look at a frame of a guest's: whether it is a datagram for DHCP or DNS, which `datagram()` is from then on.
 * @param frame its virtio_net_hdr
 * @param length bytes, that one's included
 */
export function takeDatagram(frame: usize, length: u32): bool {
  const headers: u32 = C.NET_HEADER_SIZE + P.ETHERNET_SIZE;
  if (length < headers + P.IP_SIZE + P.UDP_SIZE || load<u8>(frame + P.GSO_TYPE) != 0) return false;
  const ip = frame + headers;
  const header: u32 = (load<u8>(ip) & 15) * 4;
  if (half(ip - 2) != <u32>P.TYPE_IPV4 || load<u8>(ip) >> 4 != 4 || header < <u32>P.IP_SIZE) return false;
  const total = half(ip + P.IP_LENGTH);
  if (total > length - headers || total < header + P.UDP_SIZE) return false;
  if (load<u8>(ip + P.IP_PROTOCOL) != P.PROTOCOL_UDP || (half(ip + P.IP_FRAGMENT) & P.IS_FRAGMENT) != 0)
    return false;
  const udp = ip + header;
  const port = half(udp + P.UDP_DESTINATION);
  // Sums are for what may be ours.
  if (port != <u32>P.DHCP_SERVER && port != <u32>P.DNS_PORT) return false;
  if (sum(ip, header, 0) != 0xffff) return false;
  const size = half(udp + P.UDP_LENGTH);
  if (size < <u32>P.UDP_SIZE || size > total - header) return false;
  const isSummed = half(udp + P.UDP_CHECKSUM) != 0 && (load<u8>(frame) & P.NEEDS_CSUM) == 0;
  if (isSummed && sumOfDatagram(ip, udp, size) != 0xffff) return false;
  const it = datagram();
  it.ethernet = frame + C.NET_HEADER_SIZE;
  it.payload = udp + P.UDP_SIZE;
  it.length = size - P.UDP_SIZE;
  it.source = whole(ip + P.IP_SOURCE);
  it.destination = whole(ip + P.IP_DESTINATION);
  it.sourcePort = half(udp + P.UDP_SOURCE);
  it.destinationPort = port;
  return true;
}

const ETHERNET: usize = REPLY_FRAME + C.NET_HEADER_SIZE;
const IP: usize = ETHERNET + P.ETHERNET_SIZE;
const UDP: usize = IP + P.IP_SIZE;
/** Where the payload of an answer is put. */
export const ANSWER: usize = UDP + P.UDP_SIZE;

/**
 * Sends what stands at ANSWER to a card, from the host's address; where there is no room for it, it is lost.
 * @param to the card's address on the wire, 6 bytes
 * @param from that of the host
 * @param port from which it is sent
 * @param destination address and port that it is sent to
 * @param length bytes at ANSWER, at most MOST_PAYLOAD
 */
export function sendAnswer(
  to: usize,
  from: usize,
  port: u32,
  destination: u32,
  destinationPort: u32,
  length: u32,
): void {
  const size: u32 = P.UDP_SIZE + length;
  memory.fill(REPLY_FRAME, 0, ANSWER - REPLY_FRAME);
  memory.copy(ETHERNET, to, P.MAC_SIZE);
  memory.copy(ETHERNET + P.ETHERNET_SOURCE, from, P.MAC_SIZE);
  putHalf(ETHERNET + P.ETHERNET_TYPE, P.TYPE_IPV4);
  store<u8>(IP, P.IP_BEGIN);
  putHalf(IP + P.IP_LENGTH, P.IP_SIZE + size);
  putHalf(IP + P.IP_FRAGMENT, P.DO_NOT_FRAGMENT);
  store<u8>(IP + P.IP_TTL, P.DEFAULT_TTL);
  store<u8>(IP + P.IP_PROTOCOL, P.PROTOCOL_UDP);
  putWhole(IP + P.IP_SOURCE, <u32>A.HOST_ADDRESS);
  putWhole(IP + P.IP_DESTINATION, destination);
  putHalf(IP + P.IP_CHECKSUM, ~sum(IP, P.IP_SIZE, 0));
  putHalf(UDP + P.UDP_SOURCE, port);
  putHalf(UDP + P.UDP_DESTINATION, destinationPort);
  putHalf(UDP + P.UDP_LENGTH, size);
  const checksum = ~sumOfDatagram(IP, UDP, size) & 0xffff;
  // 0 would say that there is none.
  putHalf(UDP + P.UDP_CHECKSUM, checksum == 0 ? 0xffff : checksum);
  sendReply(<u32>(UDP - REPLY_FRAME) + size);
}

/** Whether as many bytes are the same at two addresses. */
export function areSame(a: usize, b: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}
