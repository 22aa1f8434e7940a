/** Buffers of devices that stand in the processor's memory, so that the interpreter moves their words by itself. */
import { DATA_BUFFER_BYTES, type DataBuffer } from '../ports/data-buffer.js';
import * as L from './layout.js';
import type { Machine } from './state.js';

const WAYS = ['none', 'read', 'write'] as const satisfies readonly DataBuffer['way'][];

/**
 * Makes the buffer behind the register at a physical address.
 * @throws RangeError where its page has one already, or there is no room for another one
 */
export function makeDataBuffer(m: Machine, address: number): DataBuffer {
  const page = address - (address % 0x1000);
  const place = L.DATA_BUFFERS + m.dataBuffers.size * L.DATA_BUFFER_SIZE;
  if (m.dataBuffers.has(page) || place >= L.DATA_BUFFERS_END)
    throw new RangeError('There is a data buffer in the page already, or there are too many.');
  m.dataBuffers.set(page, place);
  m.u32[(place + L.DATA_BUFFER_REGISTER) >>> 2] = address % 0x1000;
  const { u32 } = m;
  const [wayAt, lengthAt, atAt] = [L.DATA_BUFFER_WAY, L.DATA_BUFFER_LENGTH, L.DATA_BUFFER_AT].map(
    (offset) => (place + offset) >>> 2,
  ) as [number, number, number];
  return {
    get way() {
      return WAYS[u32[wayAt]!]!;
    },
    set way(value) {
      u32[wayAt] = WAYS.indexOf(value);
    },
    get length() {
      return u32[lengthAt]!;
    },
    set length(value) {
      u32[lengthAt] = value;
    },
    get at() {
      return u32[atAt]!;
    },
    set at(value) {
      u32[atAt] = value;
    },
    bytes: m.u8.subarray(place + L.DATA_BUFFER_BYTES, place + L.DATA_BUFFER_BYTES + DATA_BUFFER_BYTES),
  };
}
