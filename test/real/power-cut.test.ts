/**
 * The power is cut at a random moment, by seed, after guest, host or hypberryd were killed at others: file systems of host and
 * guest are clean, and every write that was acknowledged is there.
 */
import { beforeAll, expect, it } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import { randomFrom } from '../board/rig.js';
import { pagesMissed } from '../support/ram.js';
import { everything } from './real-card.js';
import { filesOn, servedGuest, type ServedGuest } from './served-guest.js';

const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
const ROUNDS = Number(process.env['HYPBERRY_CUTS'] ?? (everything ? 200 : 5));
/** The longest time between two events, virtual nanoseconds. */
const LONGEST = everything ? 700_000_000 : 250_000_000;
const SECONDS = 1800;

/** What the guest says when a number's file is on its disk: an acknowledged write. */
const ACKNOWLEDGED = /^acknowledged (\d+)$/gm;
/** Acknowledged writes before the first event, and the virtual nanoseconds that they may take. */
const WARM = 2;
const WARMING = 20e9;
/** Lines of the file of a number, which begin with it: a few blocks. */
const LINES = 1500;
/** What stands in that file. */
const contentOf = (n: number): string => Array.from({ length: LINES }, (_, i) => `${n + i}\n`).join('');

/** The guest writes files, each synced, and overwrites one with the last number; beside it, what nobody waits for. */
const LOAD = `dd of=/mnt/load conv=fsync 2>/dev/null <<'END'
n=$(cat /mnt/last 2>/dev/null || echo 0)
while :; do
  seq 1 20000 >/mnt/busy; cat /mnt/busy /mnt/busy >/mnt/busier; mv /mnt/busier /mnt/busy; sleep 0.05
done &
while :; do
  n=$((n + 1))
  seq $n $((n + ${LINES - 1})) | dd of=/mnt/$n bs=4k conv=fsync 2>/dev/null
  echo $n | dd of=/mnt/last conv=notrunc,fsync 2>/dev/null
  echo "acknowledged $n"
done
END
sh /mnt/load &`;

/** What is typed at whose shell to kill each, and what shows that it was, where that shows. */
const KILLS: readonly {
  readonly name: string;
  readonly where: 'type' | 'typeAtGuest';
  readonly line: string;
  readonly wasKilled?: (machine: ServedGuest) => boolean;
}[] = [
  {
    ...{ name: 'the guest', where: 'typeAtGuest', line: 'dmesg -n 8; echo b >/proc/sysrq-trigger' },
    wasKilled: ({ said }) => said.guest.includes('sysrq: Resetting'),
  },
  { name: 'hypberryd', where: 'type', line: 'kill -9 $(pidof hypberryd)' },
  { name: 'a process of hypberryd’s', where: 'type', line: 'set -- $(pidof hypberryd); kill -9 $1' },
  {
    ...{ name: 'the host', where: 'type', line: 'echo b >/proc/sysrq-trigger' },
    wasKilled: ({ pi }) => pi.ending !== undefined,
  },
];
/** After so many virtual nanoseconds that shows. */
const SHOWN = 100_000_000;

let machine: ServedGuest;
let restore: () => void;
const acknowledgedWrites = (): number[] =>
  [...machine.said.guest.matchAll(ACKNOWLEDGED)].map(([, n]) => Number(n));
beforeAll(async () => {
  await ensureTools(['e2fsprogs']);
  machine = await servedGuest();
  machine.typeAtGuest(LOAD);
  machine.until(() => acknowledgedWrites().length >= WARM, WARMING);
  restore = machine.mark();
}, SECONDS * 1000);

it(
  `nothing that was acknowledged is lost in ${ROUNDS} cuts of the power, seed ${SEED}`,
  async () => {
    const random = randomFrom(SEED);
    const { pi, go } = machine;
    let total = 0;
    for (let round = 0; round < ROUNDS; round++) {
      restore();
      const events: string[] = [];
      const begin = pi.cpu.time;
      go(random(LONGEST));
      for (let kills = random(3); kills > 0 && pi.ending === undefined; kills--) {
        const { name, where, line, wasKilled } = KILLS[random(KILLS.length)]!;
        events.push(`${name} at ${Math.round((pi.cpu.time - begin) / 1e6)} ms`);
        machine[where](line);
        const time = random(LONGEST);
        go(time);
        if (time > SHOWN && wasKilled) expect(wasKilled(machine), events.join(', ')).toBe(true);
      }
      const acknowledged = acknowledgedWrites();
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
    // What both kernels and their programs wrote is looked at when a machine is saved.
    expect(pagesMissed(pi.cpu)).toEqual([]);
  },
  ROUNDS * 120_000,
);
