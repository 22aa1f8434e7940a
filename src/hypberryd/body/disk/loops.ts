/** Files that this system itself has as block devices, to mount them: no lock says so. */
import * as L from '../../shared/layout.js';
import { openFile } from '../files.js';
import { O_CLOEXEC, O_RDONLY, linux } from '../linux.js';
import { putDecimal, putText } from '../texts.js';

/** How many loop devices are looked at, from the first on. */
const MOST: u32 = 64;
const LINE_FEED: u8 = 0x0a;

/** The number of the loop device whose file has a path; -1 for none. Linux says a device's file in a line (drivers/block/loop.c). */
export function loopOf(path: usize): i32 {
  for (let n: u32 = 0; n < MOST; n++) {
    store<u8>(putText(putDecimal(putText(<usize>L.PATH, '/sys/block/loop'), n), '/loop/backing_file'), 0);
    const file = openFile(<usize>L.PATH, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) continue;
    const end = <usize>L.SCRATCH + linux.read(file, <usize>L.SCRATCH, L.SCRATCH_SIZE);
    linux.close(file);
    let at = <usize>L.SCRATCH;
    for (let from = path; at < end && load<u8>(at) == load<u8>(from); at++) from++;
    if (at + 1 == end && load<u8>(at) == LINE_FEED && load<u8>(path + (at - L.SCRATCH)) == 0) return n;
  }
  return -1;
}
