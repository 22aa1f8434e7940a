/** A network card's ring of frames to the host (CHANNEL.md). All of it is done under its machine's lock. */
import { NET_HEADER_SIZE, RECORD_HEADER, RECORD_STEP, SKIP, TAKEN } from '../../../../channel/layout.js';
import * as L from '../../../shared/layout.js';
import { fromHost, inOrder, portRecord } from '../../core/channel.js';
import { copy } from '../../core/memory.js';
import { shared } from '../../intrinsics.js';
import { Device } from '../virtio/device.js';

const STEP: u32 = RECORD_STEP;

/** Bytes that a record has in a ring. */
// @inline
export function recordSize(frame: u32): u32 {
  return (RECORD_HEADER + NET_HEADER_SIZE + frame + (STEP - 1)) & ~(STEP - 1);
}

/** Puts a frame of so many bytes into a card's ring; where there is no room it is lost. The host does not see it yet. */
export function putRecord(device: Device, record: usize, bytes: u32): void {
  const port = device.port;
  const size = portRecord(port, L.PORT_DATA_SIZE);
  const ring = portRecord(port, L.PORT_DATA);
  const needed = recordSize(bytes);
  let put = device.dataPut;
  const rest = size - (put & (size - 1));
  const skipped = rest < needed ? rest : 0;
  if (put + skipped + needed - device.dataTaken > size) {
    const taken = fromHost(port, TAKEN);
    if (taken - device.dataTaken > put - device.dataTaken) return;
    device.dataTaken = taken;
    if (put + skipped + needed - taken > size) return;
    inOrder();
  }
  if (skipped != 0) {
    shared.store32(ring + (put & (size - 1)), SKIP);
    put += skipped;
  }
  store<u32>(record, NET_HEADER_SIZE + bytes);
  copy(ring + (put & (size - 1)), record, needed);
  device.dataPut = put + needed;
}
