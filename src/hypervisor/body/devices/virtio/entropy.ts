/** Random bytes for guests (virtio 1.2, 5.4), as many of each buffer as the hypervisor makes at once. */
import * as L from '../../../shared/layout.js';
import { lock, unlock } from '../../core/locks.js';
import { isSeeded, putRandom } from '../../core/random.js';
import { ownRecord } from '../network/header.js';
import { Device, lockOf, queueOf } from './device.js';
import {
  MOST_ENTRIES,
  NONE,
  nextOrNotify,
  putUsed,
  readChain,
  takeHead,
  tellDriver,
  writeTo,
} from './queue.js';
import { breakDown } from './status.js';

const MOST_BYTES: u32 = L.RNG_SEED_SIZE;

/** The driver may have made buffers available. No lock is held: the bytes are made under one, and given under another. */
export function serveEntropy(device: Device): void {
  // Where there are none the driver waits.
  if (!isSeeded()) return;
  const bytes = ownRecord();
  for (let n: u32 = 0; n < MOST_ENTRIES; n++) {
    putRandom(bytes);
    const at = lockOf(device.vm);
    lock(at);
    const given = give(device, bytes);
    unlock(at);
    if (!given) return;
  }
}

/** Fills the next buffer; gives whether there was one. */
function give(device: Device, from: usize): bool {
  const queue = queueOf(device, 0);
  const head = nextOrNotify(device, queue);
  if (head == NONE) return false;
  const chain = readChain(device, queue, head);
  if (changetype<usize>(chain) == 0) return false;
  if (chain.writableBytes == 0) {
    breakDown(device);
    return false;
  }
  takeHead(queue);
  const bytes = min(chain.writableBytes, MOST_BYTES);
  writeTo(chain, 0, from, bytes);
  putUsed(queue, head, bytes);
  tellDriver(device, queue);
  return true;
}
