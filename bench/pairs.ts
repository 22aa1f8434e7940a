import { spawnSync } from 'node:child_process';

/** One of two things that are compared; its time is what `run` takes. */
export interface Side {
  readonly name: string;
  readonly run: () => unknown;
  /** Puts things as they were before `run`; takes no part in the time. */
  readonly reset?: () => unknown;
}

/** The outcome of a comparison. */
export interface Ratio {
  readonly ours: string;
  readonly theirs: string;
  /** Medians, milliseconds. */
  readonly oursMs: number;
  readonly theirsMs: number;
  /** The median of ours ÷ theirs over all pairs, and the middle half of them. */
  readonly ratio: number;
  readonly quartiles: readonly [number, number];
  readonly pairs: number;
}

/** The value below which a part of the values lies, between neighbours by their distance. */
function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

async function timed({ run, reset }: Side): Promise<number> {
  const begin = performance.now();
  await run();
  const time = performance.now() - begin;
  await reset?.();
  return time;
}

/**
 * Runs both sides by turns, after one run of each that does not count; every other pair the second one first.
 * @param pairs number of pairs that count
 */
export async function compare(ours: Side, theirs: Side, pairs: number): Promise<Ratio> {
  await timed(ours);
  await timed(theirs);
  const times: { ours: number; theirs: number }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) {
      const first = await timed(ours);
      times.push({ ours: first, theirs: await timed(theirs) });
    } else {
      const first = await timed(theirs);
      times.push({ theirs: first, ours: await timed(ours) });
    }
  }
  const ratios = times.map((time) => time.ours / time.theirs);
  return {
    ours: ours.name,
    theirs: theirs.name,
    oursMs: quantile(
      times.map((time) => time.ours),
      0.5,
    ),
    theirsMs: quantile(
      times.map((time) => time.theirs),
      0.5,
    ),
    ratio: quantile(ratios, 0.5),
    quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    pairs,
  };
}

/** Runs a program to its end. Throws where it does not end with status 0. */
export function runProgram(program: string, args: readonly string[], cwd?: string): void {
  const { status, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: status ${String(status)}: ${stderr}`);
}
