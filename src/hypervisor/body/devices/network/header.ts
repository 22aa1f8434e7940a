/**
 * What stands before a frame: a virtio_net_hdr (virtio 1.2, 5.1.6), which says what of checksum and segments is left undone.
 * A frame is handled as a record of the channel's (src/channel/layout.ts), in memory of the core's own: nobody changes it.
 */
import {
  MOST_FRAME,
  NET_HEADER_SIZE,
  OFFLOAD_CHECKSUM,
  OFFLOAD_TSO4,
  OFFLOAD_TSO6,
  RECORD_HEADER,
} from '../../../../channel/layout.js';
import * as L from '../../../shared/layout.js';
import { core } from '../../core/vm.js';

// @external('address', 'frames')
declare function frames(): usize;

/** Where in a record its header and its frame are. */
export const HEADER: usize = RECORD_HEADER;
export const FRAME: usize = RECORD_HEADER + NET_HEADER_SIZE;
/** Parts of the header. */
const GSO_TYPE: usize = 1;
const HEADER_LENGTH: usize = 2;
const GSO_SIZE: usize = 4;
const CHECKSUM_START: usize = 6;
const CHECKSUM_OFFSET: usize = 8;
export const NUM_BUFFERS: usize = 10;
/** Its flags. */
const NEEDS_CSUM: u32 = 1;
export const DATA_VALID: u32 = 2;
/** Kinds of segments. */
const GSO_NONE: u32 = 0;
const GSO_TCPV4: u32 = 1;
const GSO_TCPV6: u32 = 4;

/** Bytes of an Ethernet header, with a VLAN's tag, and of the largest packet that is no row of segments. */
export const ETHERNET_HEADER: u32 = 14;
const VLAN_TAG: u32 = 4;
export const MTU: u32 = 1500;
const MOST_PLAIN: u32 = ETHERNET_HEADER + VLAN_TAG + MTU;
/** The most bytes of a frame. */
export const MOST_FRAME_BYTES: u32 = MOST_FRAME - NET_HEADER_SIZE;

if (<usize>(RECORD_HEADER + MOST_FRAME + L.COPY_STEP) > <usize>L.FRAME_SIZE)
  ERROR('a frame is larger than its place');

/** This core's record. */
export function ownRecord(): usize {
  return frames() + core().index * L.FRAME_SIZE;
}

/** Has a header say flags alone. */
function leaveNothingUndone(header: usize, flags: u32): void {
  store<u32>(header, flags);
  store<u32>(header + GSO_SIZE, 0);
  store<u16>(header + CHECKSUM_OFFSET, 0);
}

function segmentsOf(gso: u32): u32 {
  if (gso == GSO_TCPV4) return OFFLOAD_TSO4;
  return gso == GSO_TCPV6 ? OFFLOAD_TSO6 : 0;
}

/**
 * Checks a frame's header, and has all that says nothing as 0.
 * @param bytes of the frame
 * @param undone what whoever sends it may leave undone, bits as OFFLOADS has them
 * @param flags that are kept where its checksum is not left undone
 * @returns whether it can be
 */
export function checkHeader(record: usize, bytes: u32, undone: u32, flags: u32): bool {
  const header = record + HEADER;
  if (bytes < ETHERNET_HEADER || bytes > MOST_FRAME_BYTES) return false;
  const said = <u32>load<u8>(header);
  const gso = <u32>load<u8>(header + GSO_TYPE);
  if (gso == GSO_NONE && bytes > MOST_PLAIN) return false;
  store<u16>(header + NUM_BUFFERS, 0);
  if ((said & NEEDS_CSUM) == 0 || (undone & OFFLOAD_CHECKSUM) == 0) {
    // Segments have their checksums left undone, too (5.1.6.2.1).
    if (gso != GSO_NONE) return false;
    leaveNothingUndone(header, said & flags);
    return true;
  }
  const start = <u32>load<u16>(header + CHECKSUM_START);
  if (start < ETHERNET_HEADER || start + load<u16>(header + CHECKSUM_OFFSET) + 2 > bytes) return false;
  store<u8>(header, <u8>NEEDS_CSUM);
  if (gso == GSO_NONE) {
    store<u16>(header + HEADER_LENGTH, 0);
    store<u16>(header + GSO_SIZE, 0);
    return true;
  }
  return (
    (undone & segmentsOf(gso)) != 0 &&
    load<u16>(header + GSO_SIZE) != 0 &&
    load<u16>(header + HEADER_LENGTH) <= bytes
  );
}

/**
 * Has a frame, whose header was checked, as somebody takes it: the checksum is done where it must be.
 * @param bytes of the frame
 * @param taken what that one takes undone, bits as OFFLOADS has them
 * @returns whether it can be: a row of segments cannot be cut
 */
export function suit(record: usize, bytes: u32, taken: u32): bool {
  const header = record + HEADER;
  const gso = <u32>load<u8>(header + GSO_TYPE);
  if (gso != GSO_NONE && (taken & segmentsOf(gso)) == 0) return false;
  if ((taken & OFFLOAD_CHECKSUM) != 0) return true;
  if (gso != GSO_NONE) return false;
  if (load<u8>(header) & NEEDS_CSUM) finishChecksum(record, bytes);
  leaveNothingUndone(header, 0);
  return true;
}

/** Writes the checksum (RFC 1071) of what is from its start on; the pseudo header's sum is in its place already. */
function finishChecksum(record: usize, bytes: u32): void {
  const header = record + HEADER;
  const start = record + FRAME + load<u16>(header + CHECKSUM_START);
  const end = record + FRAME + bytes;
  let sum: u32 = 0;
  let at = start;
  for (; at + 1 < end; at += 2) sum += load<u16>(at);
  if (at < end) sum += load<u8>(at);
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum + (sum >>> 16)) & 0xffff;
  // 0 would say that there is none, as UDP has it (RFC 768); the sum is the same.
  store<u16>(start + load<u16>(header + CHECKSUM_OFFSET), <u16>(sum == 0xffff ? sum : ~sum));
}
