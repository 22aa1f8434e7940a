/** The handover check, for people. */
import type { PointResult } from '../engine/handover-check.js';
import { colors, say } from './output.js';

/** How a point's outcome is called: as many letters each, to be told apart without colours. */
const outcomes = {
  holds: colors.green('ok     '),
  fails: colors.red('NOT OK '),
  unseen: colors.yellow('unseen '),
} as const;

/** Prints every point: outcome, name, what is wanted and who says so; below it what was found, where that is not so. */
export function sayHandover(points: readonly PointResult[]): void {
  const width = Math.max(...points.map(({ point }) => point.length));
  say();
  say('Handover to the kernel:');
  for (const { point, wanted, ok, found, source } of points) {
    const outcome = ok === null ? outcomes.unseen : ok ? outcomes.holds : outcomes.fails;
    say(`  ${outcome} ${point.padEnd(width)}  ${wanted} ${colors.dim(`[${source}]`)}`);
    if (ok === false) say(`${' '.repeat(10)}${colors.red('found:')} ${found}`);
  }
}
