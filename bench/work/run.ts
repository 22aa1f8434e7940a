/** Runs the work in one engine and prints, as JSON, what each kind took: bench/work/measure.ts starts it. */
import { builtInEngine } from '../../src/engine/built-in.js';
import type { Engine } from '../../src/engine/engine.js';
import { createLineSplitter } from '../../src/engine/console.js';
import { runUntil } from '../../src/engine/run-until.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { openCard } from '../../src/node/open-card.js';
import { qemuEngine } from '../../src/node/qemu.js';
import { processTime } from '../process-time.js';

/** What a kind of work took. */
export interface Work {
  readonly name: string;
  /** Of the engine's process. */
  readonly milliseconds: number;
  /** By the clock of the machine: on the built-in one, about the number of instructions. */
  readonly nanoseconds: number;
}

/** Seconds, for all of it. */
const LIMIT = 3000;

const [name = '', target = ''] = process.argv.slice(2);
const engines: Readonly<Record<string, Engine>> = { 'built-in': builtInEngine(), qemu: qemuEngine() };
const card = await openCard(target, { write: false });
const machine = await prepareHandover(card);
await card.close();

const work: Work[] = [];
let begin = 0;
/** What the work said. */
const lines: string[] = [];
const isDone = (): boolean => lines.includes('WORK done');
const failure = (): string | undefined => lines.find((line) => line.startsWith('WORK failed'));
const splitter = createLineSplitter((line) => {
  if (line.startsWith('WORK begins')) begin = processTime();
  const end = /^WORK ends: (.*): (\d+) ns/.exec(line);
  if (end) {
    work.push({ name: end[1]!, milliseconds: processTime() - begin, nanoseconds: Number(end[2]) });
    process.stderr.write(`${name}: ${end[1]!}\n`);
  }
  if (line.startsWith('WORK')) lines.push(line);
});
const { end } = await runUntil(engines[name]!, machine, LIMIT, (text) => {
  splitter.take(text);
  return isDone() || failure() !== undefined;
});
if (!isDone()) throw new Error(`${name}: ${failure() ?? end.why}`);
process.stdout.write(JSON.stringify(work));
