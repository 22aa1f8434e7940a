/** What stands at a channel's beginning and nobody changes: its header, and the records of its guests and ports (CHANNEL.md). */
import * as L from './layout.js';
import type { ChannelGuest, ChannelPlan, ChannelPort } from './ports.js';

/**
 * The channel's bytes from its beginning up to the control pages, little-endian; the host's page among them is zeros.
 * @throws RangeError where there are more ports than records, or forwards than places, or a text is longer than its place or has a NUL in it
 */
export function channelRecords({ size, ports, guests }: ChannelPlan): Uint8Array {
  if (ports.length > L.MOST_PORTS) throw new RangeError(`${ports.length} ports`);
  const bytes = new Uint8Array(L.CONTROL);
  const header = viewOf(bytes, 0);
  header.setUint32(L.HEADER_MAGIC, L.MAGIC, true);
  header.setUint32(L.HEADER_VERSION, L.VERSION, true);
  header.setUint32(L.HEADER_SIZE, size, true);
  header.setUint32(L.HEADER_PORTS, ports.length, true);
  header.setUint32(L.HEADER_GUESTS, guests.length, true);
  guests.forEach((guest, n) => {
    writeGuest(bytes.subarray(L.GUEST_RECORDS + n * L.GUEST_RECORD_SIZE), guest);
  });
  ports.forEach((port, n) => {
    const at = L.PORT_RECORDS + n * L.PORT_RECORD_SIZE;
    writeRecord(bytes.subarray(at, at + L.PORT_RECORD_SIZE), port);
  });
  return bytes;
}

const viewOf = (bytes: Uint8Array, offset: number): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset + offset);

function writeGuest(record: Uint8Array, { name, memory, cores, autostart = true }: ChannelGuest): void {
  const view = viewOf(record, 0);
  record.set(textBytes(name, L.GUEST_NAME_SIZE), L.GUEST_NAME);
  view.setUint32(L.GUEST_MEMORY, memory, true);
  view.setUint32(L.GUEST_VCPUS, cores.length, true);
  view.setUint32(L.GUEST_FLAGS, autostart ? 0 : L.FLAG_NO_AUTOSTART, true);
}

function writeRecord(record: Uint8Array, port: ChannelPort): void {
  const view = viewOf(record, 0);
  const { diskSize = 0 } = port;
  view.setUint32(L.PORT_KIND, port.kind, true);
  view.setUint32(L.PORT_FLAGS, port.flags, true);
  view.setUint32(L.PORT_GUEST, port.guest, true);
  view.setUint32(L.PORT_DATA, port.data, true);
  view.setUint32(L.PORT_DATA_SIZE, port.dataSize, true);
  // It may have more than 32 bits.
  view.setBigUint64(L.PORT_DISK_SIZE, BigInt(diskSize), true);
  view.setUint32(L.PORT_DISK_NUMBER, port.disk ?? 0, true);
  record.set(port.mac ?? [], L.PORT_MAC);
  const { forwards = [] } = port;
  if (forwards.length > L.MOST_FORWARDS) throw new RangeError(`${forwards.length} forwards`);
  forwards.forEach(({ protocol, hostPort, guestPort }, n) => {
    const at = L.PORT_FORWARDS + n * L.FORWARD_SIZE;
    view.setUint32(at + L.FORWARD_PROTOCOL, protocol, true);
    view.setUint32(at + L.FORWARD_PORTS, hostPort * 0x1_0000 + guestPort, true);
  });
  record.set(textBytes(port.guestName, L.PORT_GUEST_NAME_SIZE), L.PORT_GUEST_NAME);
  record.set(textBytes(port.path ?? '', L.PORT_PATH_SIZE), L.PORT_PATH);
}

/** A text as UTF-8, which leaves room for the 0 behind it. */
function textBytes(text: string, room: number): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length >= room || bytes.includes(0)) throw new RangeError(`a text of ${bytes.length} bytes`);
  return bytes;
}
