/** A trial that adds something to what it tries must not break it. */
import type { SeenBeside } from './run-until.js';

/** A run that ended in a crash, and was done again with less. */
export interface Retried {
  /** What had been added to the kernel's command line. */
  readonly added: string;
  /** The crash, one sentence without a full stop. */
  readonly crash: string;
}

/** One thing to run: with this added to the kernel's command line. */
export interface Attempt {
  readonly added: string;
}

/** The run that counts, and the runs before it. */
export interface Attempted<A extends Attempt, V> {
  readonly outcome: V;
  readonly attempt: A;
  readonly retried: readonly Retried[];
}

/**
 * Runs the first of `attempts`; where that ends in a crash that nothing else explains, the next, and so on.
 * @param attempts the one that adds the most first
 * @param run runs one of them
 * @param again called before each further run, with the crash and what is added now
 */
export async function runWithLess<A extends Attempt, V extends SeenBeside & { readonly verdict: string }>(
  attempts: readonly [A, ...A[]],
  run: (attempt: A) => Promise<V>,
  again: (retried: Retried, added: string) => void,
): Promise<Attempted<A, V>> {
  const retried: Retried[] = [];
  let [attempt, ...rest] = attempts;
  for (;;) {
    const outcome = await run(attempt);
    const { verdict, crash } = outcome;
    const [next, ...others] = rest;
    if (crash === undefined || !['NONE', 'FAILED'].includes(verdict) || next === undefined)
      return { outcome, attempt, retried };
    const before = { added: attempt.added, crash };
    retried.push(before);
    again(before, next.added);
    [attempt, rest] = [next, others];
  }
}
