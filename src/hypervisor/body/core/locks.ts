/** Locks, each a word that is 0 while it is free. */
import { core } from './vm.js';
import { atomic, barrier, shared } from '../intrinsics.js';

/** Takes a lock, a word that is 0 while it is free. */
export function lock(at: usize): void {
  while (atomic.compareExchange(at, 0, 1) != 0) barrier.wfe();
  barrier.dmbIsh();
  core().held = at;
}

export function unlock(at: usize): void {
  core().held = 0;
  barrier.dmbIsh();
  shared.store32(at, 0);
  barrier.dsbIsh();
  barrier.sev();
}
