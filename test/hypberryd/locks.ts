/** Locks of whole files by their open descriptions (man 2 flock). */
import type { ERRORS } from '../../src/translate/linux/constants.js';

const [LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN] = [1, 2, 4, 8];

export interface Locks {
  /** @throws by `fail` what the kernel would give */
  lock(file: object, holder: object, operation: number, fail: (error: keyof typeof ERRORS) => never): 0;
  /** Whoever held something holds nothing any more. */
  release(holder: object): void;
}

export function createLocks(): Locks {
  const held = new Map<object, Map<object, 'shared' | 'exclusive'>>();
  return {
    lock(file, holder, operation, fail) {
      const holders = held.get(file) ?? new Map<object, 'shared' | 'exclusive'>();
      held.set(file, holders);
      const wanted = operation & ~LOCK_NB;
      if (wanted !== LOCK_SH && wanted !== LOCK_EX && wanted !== LOCK_UN) fail('EINVAL');
      const kind = wanted === LOCK_EX ? 'exclusive' : 'shared';
      if (wanted !== LOCK_UN && holders.get(holder) === kind) return 0;
      // Who asks for another kind has none in between, and none afterwards if there is no such one to be had.
      holders.delete(holder);
      if (wanted === LOCK_UN) return 0;
      if ([...holders.values()].some((it) => it === 'exclusive' || kind === 'exclusive')) {
        if (operation & LOCK_NB) fail('EAGAIN');
        throw new Error('the program waits for ever');
      }
      holders.set(holder, kind);
      return 0;
    },
    release(holder) {
      for (const holders of held.values()) holders.delete(holder);
    },
  };
}
