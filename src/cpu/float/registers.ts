/** The extension registers as arrays over the state's memory; all of them show the same 256 bytes. */
import * as L from '../layout.js';
import type { Machine } from '../state.js';

export interface ExtensionRegisters {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  /** S0 to S31, and the halves of D16 to D31 behind them. */
  readonly u32: Uint32Array;
  readonly u64: BigUint64Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
}

const BYTES = 256;
const known = new WeakMap<ArrayBufferLike, ExtensionRegisters>();

/** D0 to D31 of the running core. */
export function extensionRegisters(m: Machine): ExtensionRegisters {
  const { buffer } = m.u8;
  let found = known.get(buffer);
  if (!found) {
    found = {
      u8: new Uint8Array(buffer, L.D0, BYTES),
      u16: new Uint16Array(buffer, L.D0, BYTES / 2),
      u32: new Uint32Array(buffer, L.D0, BYTES / 4),
      u64: new BigUint64Array(buffer, L.D0, BYTES / 8),
      f32: new Float32Array(buffer, L.D0, BYTES / 4),
      f64: new Float64Array(buffer, L.D0, BYTES / 8),
    };
    known.set(buffer, found);
  }
  return found;
}
