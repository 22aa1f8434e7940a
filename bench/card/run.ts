/** Moves data to and from the SD card in one engine and prints, as JSON, what it took: bench/card/measure.ts starts it. */
import { builtInEngine } from '../../src/engine/built-in.js';
import { createLineSplitter } from '../../src/engine/console.js';
import { runUntil } from '../../src/engine/run-until.js';
import { openContents } from '../../src/node/card-contents.js';
import { qemuEngine } from '../../src/node/qemu.js';
import type { CardPath } from '../../scripts/lib/card-tree.js';
import { cardMachine } from '../../test/real/card-machine.js';
import { processTime } from '../process-time.js';

/** What a transfer took. */
export interface Moved {
  readonly name: string;
  /** Of the engine's process, and by the clock on the wall. */
  readonly milliseconds: number;
  readonly wallMilliseconds: number;
}

/** Seconds, for all of it. */
const LIMIT = 3000;

const [engine = '', path = '', image = '', mebibytes = ''] = process.argv.slice(2);

/** The shell makes a line of two words, so that the command itself, where it is shown, is not taken for it. */
const timed = (name: string, commands: string): string =>
  `echo "CARD" "begins"; ${commands}; echo "CARD" "ends ${name}"`;

const script = [
  'cd /dev',
  timed('read', `dd if=mmcblk0 of=/dev/null bs=1M count=${mebibytes} 2>/dev/null`),
  timed('write', `dd if=/dev/zero of=mmcblk0 bs=1M count=${mebibytes} conv=fsync 2>/dev/null`),
  'echo "CARD" "done"',
].join('\n');

const machine = await cardMachine('bookworm', path as CardPath, script);
const disk = engine === 'qemu' ? undefined : await openContents(image);
const moved: Moved[] = [];
let begin = { processTime: 0, wall: 0 };
/** That all was moved, once it was. */
const done: string[] = [];
const splitter = createLineSplitter((line) => {
  const [, what, name] = /^CARD (begins|ends|done) ?(\w*)/.exec(line) ?? [];
  if (what === 'begins') begin = { processTime: processTime(), wall: performance.now() };
  if (what === 'ends')
    moved.push({
      name: name!,
      milliseconds: processTime() - begin.processTime,
      wallMilliseconds: performance.now() - begin.wall,
    });
  if (what === 'done') done.push(what);
});
const { end } = await runUntil(
  engine === 'qemu'
    ? // A thread for each core, as QEMU has it where nothing is said.
      qemuEngine({ threadPerCore: true, more: ['-drive', `if=sd,format=raw,snapshot=on,file=${image}`] })
    : builtInEngine(),
  { ...machine, card: disk && { disk } },
  LIMIT,
  (text) => {
    splitter.take(text);
    return done.length > 0;
  },
);
disk?.close();
if (done.length === 0) throw new Error(`${engine}, ${path}: ${end.why}`);
process.stdout.write(JSON.stringify(moved));
