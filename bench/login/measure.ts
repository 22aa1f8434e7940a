/** From a cold start to the login of a Debian system on a card, on the built-in Pi 2 and in QEMU, and what is idle and saved there. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { debianCard } from '../../scripts/lib/debian-root.js';
import type { Idle, Took } from './run.js';

/** What it takes, in seconds and MiB. */
export interface Login {
  readonly ours: number;
  readonly theirs: number;
  /** Our time to theirs: the aim is 2.5, 4 the most. */
  readonly ratio: number;
  readonly mebibytes: number;
  readonly idle: Idle;
  readonly save: number;
  readonly restore: number;
  /** Megabytes a second of an overlay, beside. */
  readonly overlaySavedMBs: number;
  readonly overlayRestoredMBs: number;
}

/** MiB that are written to the overlay for its figures. */
const WRITTEN_MIB = 256;

/** @param folder where snapshots are put */
export async function measureLogin(folder: string): Promise<Login> {
  mkdirSync(folder, { recursive: true });
  const card = await debianCard('bookworm', 'sdhost');
  const snapshot = join(folder, 'login.snapshot');
  const took = (what: string, path = snapshot): Required<Took> => {
    const program = join(import.meta.dirname, 'run.ts');
    const args = ['--import', 'tsx', program, what, card, path, String(WRITTEN_MIB)];
    const output = execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    process.stderr.write(`login, ${what}: ${output.toString()}\n`);
    return JSON.parse(output.toString()) as Required<Took>;
  };
  const theirs = took('qemu');
  const ours = took('built-in');
  const goesOn = took('go on');
  const more = took('restore', `${snapshot}.more`);
  const speed = (milliseconds: number): number => (WRITTEN_MIB * 2 ** 20) / (milliseconds * 1000);
  return {
    ours: ours.login / 1000,
    theirs: theirs.login / 1000,
    ratio: ours.login / theirs.login,
    mebibytes: ours.mebibytes,
    idle: goesOn.idle,
    save: ours.save / 1000,
    restore: goesOn.restore / 1000,
    overlaySavedMBs: speed(ours.saveMore - ours.save),
    overlayRestoredMBs: speed(more.restore - goesOn.restore),
  };
}

/** A line a figure. */
export function loginLines(it: Login): string[] {
  return [
    `  to the login: ${it.ours.toFixed(1)} s against ${it.theirs.toFixed(1)} s, ${it.ratio.toFixed(2)} times as long; ${it.mebibytes.toFixed(0)} MiB in RAM at most`,
    `  idle, a minute behind its login: ${(100 * it.idle.cores).toFixed(1)} % of a core, for ` +
      `${(it.idle.instructions / 1000).toFixed(0)} thousand instructions and ${it.idle.wakes.toFixed(0)} wake-ups a second`,
    `  a snapshot there: saved in ${it.save.toFixed(2)} s, restored in ${it.restore.toFixed(2)} s; an overlay beside at ` +
      `${it.overlaySavedMBs.toFixed(0)} and ${it.overlayRestoredMBs.toFixed(0)} MB/s`,
  ];
}
