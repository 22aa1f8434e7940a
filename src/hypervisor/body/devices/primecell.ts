/** What Arm's PrimeCell peripherals have in common. */
import * as L from '../../shared/layout.js';

const ID: u32 = 0xfe0;

/**
 * A register of no use of its own: PeriphID0 to 3 and PCellID0 to 3, a byte each, and 0 for all before them.
 * @param peripheral the first four
 */
export function identification(offset: u32, peripheral: u32): u32 {
  if (offset < ID) return 0;
  const n = (offset - ID) >> 2;
  const id: u32 = n < 4 ? peripheral : L.PCELL_ID;
  return (id >> ((n & 3) << 3)) & 0xff;
}
