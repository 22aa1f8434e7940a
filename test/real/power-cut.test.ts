/**
 * The power is cut at a random moment, by seed, after guest, host or hypberryd were killed at others: file systems of host and
 * guest are clean, and every write that was acknowledged is there.
 */
import { beforeAll, expect, it } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import { randomFrom } from '../board/rig.js';
import {
  ACKNOWLEDGED,
  contentOf,
  filesOn,
  KILLS,
  loadedMachine,
  type LoadedMachine,
} from './power-cut-machine.js';
import { everything } from './real-card.js';

const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
const ROUNDS = Number(process.env['HYPBERRY_CUTS'] ?? (everything ? 200 : 5));
/** The longest time between two events, virtual nanoseconds. */
const LONGEST = 700_000_000;
/** Between two looks at the consoles. */
const LOOK = 5_000_000;
const SECONDS = 1800;

let machine: LoadedMachine;
beforeAll(async () => {
  await ensureTools(['e2fsprogs']);
  machine = await loadedMachine();
}, SECONDS * 1000);

it(
  `nothing that was acknowledged is lost in ${ROUNDS} cuts of the power, seed ${SEED}`,
  async () => {
    const random = randomFrom(SEED);
    const { pi } = machine;
    let total = 0;
    for (let round = 0; round < ROUNDS; round++) {
      machine.restore();
      const events: string[] = [];
      const go = (time: number): void => {
        for (const end = pi.cpu.time + time; pi.cpu.time < end && pi.ending === undefined;)
          pi.run(Math.min(end, pi.cpu.time + LOOK));
      };
      const begin = pi.cpu.time;
      go(random(LONGEST));
      for (let kills = random(3); kills > 0 && pi.ending === undefined; kills--) {
        const names = Object.keys(KILLS) as (keyof typeof KILLS)[];
        const name = names[random(names.length)]!;
        events.push(`${name} at ${Math.round((pi.cpu.time - begin) / 1e6)} ms`);
        machine.type(KILLS[name]);
        go(random(LONGEST));
      }
      const acknowledged = [...machine.said().matchAll(ACKNOWLEDGED)].map(([, n]) => Number(n));
      const what = `round ${round}: ${events.join(', ')}; cut at ${Math.round((pi.cpu.time - begin) / 1e6)} ms`;
      const files = await filesOn(machine.card()).catch((error: unknown) => {
        throw new Error(what, { cause: error });
      });
      console.log(`${what}; ${acknowledged.length} writes acknowledged`);
      total += acknowledged.length;
      for (const n of acknowledged) expect(files.get(String(n)) === contentOf(n), `${what}: ${n}`).toBe(true);
      expect(parseInt(files.get('last')!, 10), what).toBeGreaterThanOrEqual(acknowledged.at(-1) ?? 0);
    }
    expect(total).toBeGreaterThan(ROUNDS);
  },
  ROUNDS * 120_000,
);
