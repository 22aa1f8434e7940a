/** A running QEMU's monitor (QEMU Machine Protocol: qapi/machine.json, char.json, misc.json). */
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HypberryError } from '../base/errors.js';

/** Milliseconds between two tries to reach QEMU, which takes a moment to begin. */
const RETRY = 20;
/** Bytes of the mini UART's that wait to be read; a power of two. What comes faster is lost from its beginning. */
const MINI_UART_SIZE = 0x1_0000;

/** The arguments that open the monitor in a folder, and keep what goes to the mini UART, the second serial port. */
export function monitorArguments(folder: string): string[] {
  return [
    ...['-qmp', `unix:${socketIn(folder).replaceAll(',', ',,')},server=on,wait=off`],
    ...['-chardev', `ringbuf,id=mini-uart,size=${MINI_UART_SIZE}`, '-serial', 'chardev:mini-uart'],
  ];
}

function socketIn(folder: string): string {
  return join(folder, 'qmp');
}

/** What can be asked; each answer is undefined where QEMU is gone. */
export interface Monitor {
  /**
   * Writes memory into a file.
   * @throws HypberryError `engine.failed`
   */
  save(address: number, size: number, file: string): Promise<true | undefined>;
  /** The registers of each core, in QEMU's own words. */
  registers(): Promise<string[] | undefined>;
  /** What came on the mini UART since it was asked last. */
  miniUart(): Promise<Uint8Array | undefined>;
  close(): void;
}

/** Undefined where QEMU ends before it answers. */
export async function connectMonitor(folder: string, signal: AbortSignal): Promise<Monitor | undefined> {
  while (!signal.aborted) {
    const monitor = await tryConnect(socketIn(folder));
    if (monitor) return monitor;
    await sleep(RETRY, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

function tryConnect(path: string): Promise<Monitor | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const answers: { readonly came: (value: unknown) => void; readonly failed: (why: Error) => void }[] = [];
    let text = '';
    let gone = false;
    /** Undefined where QEMU is gone. */
    const ask = (execute: string, args?: object): Promise<unknown> =>
      new Promise((came, failed) => {
        if (gone) {
          came(undefined);
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
        if (line.startsWith('{"return"'))
          answers.shift()?.came((JSON.parse(line) as { return: unknown }).return);
        else if (line.startsWith('{"error"')) answers.shift()?.failed(refused(line));
      }
    });
    socket.on('error', () => {
      resolve(undefined);
    });
    socket.on('close', () => {
      gone = true;
      for (const { came } of answers.splice(0)) came(undefined);
    });
    const monitor: Monitor = {
      save: async (val, size, filename) =>
        (await ask('pmemsave', { val, size, filename })) === undefined ? undefined : true,
      registers: async () => {
        const all = await ask('human-monitor-command', { 'command-line': 'info registers -a' });
        return typeof all === 'string' ? all.split(/^CPU#\d+/m).slice(1) : undefined;
      },
      miniUart: async () => {
        const data = await ask('ringbuf-read', {
          device: 'mini-uart',
          size: MINI_UART_SIZE,
          format: 'base64',
        });
        return typeof data === 'string' ? Buffer.from(data, 'base64') : undefined;
      },
      close: () => {
        socket.destroy();
      },
    };
    socket.on('connect', () => {
      void ask('qmp_capabilities').then((came) => {
        resolve(came === undefined ? undefined : monitor);
      });
    });
  });
}

/** What QEMU says of a command that failed. */
function refused(line: string): HypberryError {
  const { error } = JSON.parse(line) as { error: { desc: string } };
  return new HypberryError(
    'engine.failed',
    `QEMU does not show what is in its machine: ${error.desc}.`,
    'See that the folder for temporary files (TMPDIR) has room, or use the built-in engine.',
  );
}
