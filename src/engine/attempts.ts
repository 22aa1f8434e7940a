/** A trial that adds something to what it tries must not break it. */
import type { SeenBeside } from './run-until.js';

/** A run that ended in a crash, and was done again with less. */
export interface Retried {
  /** What had been added to the kernel's command line. */
  readonly added: string;
  /** The crash, one sentence without a full stop. */
  readonly crash: string;
}

/** The run that counts, what was added in it, and the runs before it. */
export interface Attempted<V> {
  readonly outcome: V;
  readonly added: string;
  readonly retried: readonly Retried[];
}

/**
 * Runs with the first of `additions`; where that ends in a crash that nothing else explains, with the next, and so on.
 * @param additions what is added to the kernel's command line, the most first; at least one
 * @param run runs with one of them
 * @param again called before each further run, with the crash and what is added now
 */
export async function runWithLess<V extends SeenBeside & { readonly verdict: string }>(
  additions: readonly string[],
  run: (added: string) => Promise<V>,
  again: (retried: Retried, added: string) => void,
): Promise<Attempted<V>> {
  const retried: Retried[] = [];
  for (const [i, added] of additions.entries()) {
    const outcome = await run(added);
    const next = additions[i + 1];
    const { verdict, crash } = outcome;
    if (crash === undefined || !['NONE', 'FAILED'].includes(verdict) || next === undefined)
      return { outcome, added, retried };
    retried.push({ added, crash });
    again({ added, crash }, next);
  }
  throw new Error('nothing to run with');
}
