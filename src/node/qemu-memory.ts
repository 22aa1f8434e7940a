/** Reads a running QEMU's memory, by its monitor (QEMU Machine Protocol, qapi/machine.json: pmemsave). */
import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readU32LE } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import type { OnConsole } from '../engine/engine.js';
import { followConsole, type MemoryConsole } from '../engine/memory-console.js';

/** Milliseconds between two looks. */
const EVERY = 200;
/** Milliseconds between two tries to reach QEMU, which takes a moment to begin. */
const RETRY = 20;

/** The argument that opens the monitor in a folder. */
export function monitorArguments(folder: string): string[] {
  return ['-qmp', `unix:${socketIn(folder).replaceAll(',', ',,')},server=on,wait=off`];
}

function socketIn(folder: string): string {
  return join(folder, 'qmp');
}

/**
 * Follows the consoles in QEMU's memory until `signal` fires or QEMU goes.
 * @throws HypberryError `engine.failed` where QEMU cannot write its memory, and what `onConsole` throws
 */
export async function followQemuConsoles(
  folder: string,
  consoles: readonly MemoryConsole[],
  onConsole: OnConsole,
  signal: AbortSignal,
): Promise<void> {
  const monitor = await connect(socketIn(folder), signal);
  if (!monitor) return;
  // One piece of memory holds them all: the counts come before the rings, so that no byte is counted too early.
  const first = Math.min(...consoles.flatMap(({ log, written }) => [log, written]));
  const end = Math.max(...consoles.flatMap(({ log, size, written }) => [log + size, written + 4]));
  const file = join(folder, 'memory');
  const all = consoles.map((it) => ({ ...it, next: followConsole(it) }));
  while (!signal.aborted) {
    if (!(await monitor.save(first, end - first, file))) return;
    const memory = await readFile(file);
    for (const { name, log, size, written, next } of all) {
      const ring = memory.subarray(log - first, log - first + size);
      const bytes = next(readU32LE(memory, written - first), ring);
      if (bytes.length > 0) onConsole(bytes, name);
    }
    await sleep(EVERY, undefined, { signal }).catch(() => undefined);
  }
  monitor.close();
}

interface Monitor {
  /**
   * Writes memory into a file; false where QEMU is gone.
   * @throws HypberryError `engine.failed`
   */
  save(address: number, size: number, file: string): Promise<boolean>;
  close(): void;
}

/** Undefined where QEMU ends before it answers. */
async function connect(path: string, signal: AbortSignal): Promise<Monitor | undefined> {
  while (!signal.aborted) {
    const monitor = await tryConnect(path);
    if (monitor) return monitor;
    await sleep(RETRY, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

function tryConnect(path: string): Promise<Monitor | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const answers: { readonly came: (whether: boolean) => void; readonly failed: (why: Error) => void }[] =
      [];
    let text = '';
    let gone = false;
    const ask = (execute: string, args?: object): Promise<boolean> =>
      new Promise((came, failed) => {
        if (gone) {
          came(false);
          return;
        }
        answers.push({ came, failed });
        socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
      });
    socket.setEncoding('utf8').on('data', (piece: string) => {
      const lines = (text + piece).split('\n');
      text = lines.pop()!;
      // A greeting and events come unasked.
      for (const line of lines) {
        if (/^\{"return"/.test(line)) answers.shift()?.came(true);
        else if (/^\{"error"/.test(line)) answers.shift()?.failed(unreadable(line));
      }
    });
    socket.on('error', () => {
      resolve(undefined);
    });
    socket.on('close', () => {
      gone = true;
      for (const { came } of answers.splice(0)) came(false);
    });
    socket.on('connect', () => {
      void ask('qmp_capabilities').then((came) => {
        resolve(
          came
            ? {
                save: (val, size, filename) => ask('pmemsave', { val, size, filename }),
                close: () => socket.destroy(),
              }
            : undefined,
        );
      });
    });
  });
}

/** What QEMU says of a command that failed. */
function unreadable(line: string): HypberryError {
  const { error } = JSON.parse(line) as { error: { desc: string } };
  return new HypberryError(
    'engine.failed',
    `QEMU cannot write down the consoles in its memory: ${error.desc}.`,
    'See that the folder for temporary files (TMPDIR) has room, or use the built-in engine.',
  );
}
