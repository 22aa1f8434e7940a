/** Has one engine come to Debian's login, or go on there, and prints, as JSON, what it took: bench/login/measure.ts starts it. */
import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readSnapshot, type Snapshot } from '../../src/engine/snapshot.js';
import { runUntil } from '../../src/engine/run-until.js';
import { loadCard } from '../../src/firmware/load.js';
import { placeFiles } from '../../src/firmware/prepare.js';
import { readMedium } from '../../src/card/medium.js';
import { openContents } from '../../src/node/card-contents.js';
import { openCard } from '../../src/node/open-card.js';
import { qemuEngine } from '../../src/node/qemu.js';
import { openSnapshot, snapshotPlace } from '../../src/node/snapshot-file.js';
import type { Disk } from '../../src/ports/disk.js';
import { openBootPartition } from '../../src/setup/boot-partition.js';
import {
  runCard,
  type RunOptions,
  type RunPorts,
  type SavedRun,
  type Start,
} from '../../src/usecases/run.js';
import { processTime } from '../process-time.js';

/** What it took: milliseconds, and MiB. */
export interface Took {
  /** From the start to the login. */
  readonly login?: number;
  /** The most that the process had in RAM. */
  readonly mebibytes?: number;
  /** Of a snapshot, and of one with more in the overlay. */
  readonly save?: number;
  readonly saveMore?: number;
  readonly restore?: number;
  readonly idle?: Idle;
}

/** What a system takes that nobody works on, long after its login prompt came. */
export interface Idle {
  /** Part of a core of this computer. */
  readonly cores: number;
  /** A second: instructions of all four cores, and how often something woke them. */
  readonly instructions: number;
  readonly wakes: number;
}

const LOGIN = 'card login:';
/** Seconds, for all of it. */
const LIMIT = 3000;
const MIB = 2 ** 20;
const SECTORS_OF_MIB = MIB / 512;
/** Seconds of the system's time: until systemd has done what is behind the prompt, and that are looked at. */
const [SETTLE, IDLE] = [60, 20];

const [what = '', card = '', snapshot = '', mebibytes = ''] = process.argv.slice(2);
/** MiB that are written to the overlay beside what the system has written: at the end of the card, which has 512. */
const WRITTEN_MIB = Number(mebibytes);

/** Runs the card in the built-in Pi 2. */
async function inBuiltIn(
  ports: Pick<RunPorts, 'onStart' | 'onReached'>,
  options: Partial<RunOptions>,
  onContents: (disk: Disk) => void = () => undefined,
): Promise<void> {
  await runCard(
    {
      openCard: (access) => openCard(card, access),
      openContents: async () => {
        const disk = (await openContents(card))!;
        onContents(disk);
        return disk;
      },
      openCardOn: (contents) => openBootPartition(readMedium(contents, 'image', card), {}, false),
      ...ports,
    },
    { method: 'auto', asIs: true, fast: true, reboot: false, ...options },
  );
}

const timed = (act: () => void): number => {
  const begin = performance.now();
  act();
  return performance.now() - begin;
};

async function login(): Promise<Took> {
  const begin = performance.now();
  let took: Took = {};
  let disk: Disk | undefined;
  await inBuiltIn(
    {
      onReached: (pieces) => {
        const reached = performance.now() - begin;
        const save = (path: string): number =>
          timed(() => snapshotPlace(path, { card, inputs: [], overwrite: true }).save(pieces()));
        const first = save(snapshot);
        const status = readFileSync('/proc/self/status', 'utf8');
        const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
        const bytes = new Uint8Array(MIB);
        for (let at = 0; at < WRITTEN_MIB; at++)
          disk!.write(disk!.sectors - (at + 1) * SECTORS_OF_MIB, randomFillSync(bytes));
        took = { login: reached, mebibytes: peak, save: first, saveMore: save(`${snapshot}.more`) };
      },
    },
    { until: LOGIN },
    (it) => (disk = it),
  );
  return took;
}

/** Goes on from the snapshot, until it is idle. */
async function goOn(): Promise<Took> {
  let idle: Idle | undefined;
  const restore = await restored(({ pi, session }) => {
    let wakes = 0;
    const advance = pi.advance.bind(pi);
    pi.advance = (until) => {
      if (pi.cpu.asleep) wakes++;
      advance(until);
    };
    const now = (): Record<'processTime' | 'wall' | 'executed' | 'wakes', number> => ({
      processTime: processTime(),
      wall: performance.now(),
      executed: pi.cpu.cores.reduce((sum, it) => sum + it.executed, 0),
      wakes,
    });
    let due = session.now + SETTLE * 1e9;
    let begin: ReturnType<typeof now> | undefined;
    session.join({
      get due() {
        return due;
      },
      look: () => {
        if (session.now < due) return;
        due += IDLE * 1e9;
        const end = now();
        if (begin) {
          idle = {
            cores: (end.processTime - begin.processTime) / (end.wall - begin.wall),
            instructions: (end.executed - begin.executed) / IDLE,
            wakes: (end.wakes - begin.wakes) / IDLE,
          };
          session.leave('all was seen');
        }
        begin = end;
      },
    });
  });
  return { restore, idle: idle! };
}

/** Goes on from the snapshot, and no further. */
async function restoreOnly(): Promise<Took> {
  const restore = await restored(({ session }) => {
    session.leave('it was restored');
  });
  return { restore };
}

/** @returns milliseconds */
async function restored(onStart: (start: Start) => void): Promise<number> {
  const source = openSnapshot(snapshot);
  const from = readSnapshot<SavedRun>(source);
  let restore = 0;
  const measured: Snapshot<SavedRun> = {
    ...from,
    restore: (pi) => {
      restore = timed(() => {
        from.restore(pi);
      });
    },
  };
  await inBuiltIn({ onStart }, { from: measured, fast: false });
  source.close();
  return restore;
}

async function inQemu(): Promise<Took> {
  const begin = performance.now();
  const opened = await openCard(card, { write: false });
  const machine = await placeFiles(await loadCard(opened));
  await opened.close();
  let said = '';
  const engine = qemuEngine({
    threadPerCore: true,
    more: ['-drive', `if=sd,format=raw,snapshot=on,file=${card}`],
  });
  const { end } = await runUntil(engine, machine, LIMIT, (text) => {
    said += text;
    return said.includes(LOGIN);
  });
  if (!said.includes(LOGIN)) throw new Error(end.why);
  return { login: performance.now() - begin };
}

const does: Readonly<Record<string, () => Promise<Took>>> = {
  'built-in': login,
  'go on': goOn,
  restore: restoreOnly,
  qemu: inQemu,
};
process.stdout.write(JSON.stringify(await does[what]!()));
