/** What guests say, in the system's log: hypberryd's process for it, in Node, with /dev/log played here. */
import { describe, expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { hypberrydWasm } from './wasm.js';
import * as L from '../../src/hypberryd/shared/layout.js';
import { ERRORS } from '../../src/translate/linux/constants.js';
import { CHANNEL_DEVICES } from './channel-devices.js';
import type { ChannelImage } from './channel-image.js';
import { channelImage } from './channel-image.js';
import { createMachine, runInNode } from './kernel.js';
import { textOf } from './programs.js';

const wasm = hypberrydWasm();
const SIGTERM = 15;
const COUNTER_CHILD = 60;
const [WEB, DB] = [1, 2];

const imageOf = (): ChannelImage => channelImage([], { guests: [{ name: 'web' }, { name: 'db' }] });

/** Has a guest say more. */
function say({ bytes, view }: ChannelImage, guest: number, text: string | Uint8Array): void {
  const at = C.STATES + guest * C.STATE_SIZE + C.STATE_LOGGED;
  let said = view.getUint32(at, true);
  for (const byte of typeof text === 'string' ? new TextEncoder().encode(text) : text)
    bytes[C.LOGS + guest * C.LOG_SIZE + (said++ % C.LOG_SIZE)] = byte;
  view.setUint32(at, said, true);
}

interface Taken {
  readonly messages: string[];
  /** Before each look: what guests say; undefined ends the process. */
  readonly rounds: (() => void)[];
  /** What taking a message gives; default: it is taken. */
  readonly take?: (message: string) => number | undefined;
  /** What asking for /dev/log gives; default: it is there. */
  readonly connect?: () => number;
}

/** Runs the service's process for the log, which its first fork but one is. */
function run(image: ChannelImage, { messages, rounds, take, connect }: Taken, args = ['--syslog']) {
  const forks: number[] = [];
  let waits = 0;
  const { status } = runInNode(wasm, {
    ...{ args: ['hypberryd', 'run', ...args], end: L.END },
    machine: createMachine(
      { '/run/': '', ...image.tree },
      {
        ...CHANNEL_DEVICES(image),
        socket: {
          connect(address) {
            expect(textOf(address.slice(2))).toBe('/dev/log\0');
            return connect?.() ?? 0;
          },
          write(bytes) {
            const result = take?.(textOf(bytes));
            if (result !== undefined) return result;
            messages.push(textOf(bytes));
            return bytes.length;
          },
        },
      },
    ),
    world: {
      counter: () => 0n,
      fork: (n) => (forks.push(n), n === 0 ? COUNTER_CHILD : 0),
      ended: () => ({ process: COUNTER_CHILD, status: 0 }),
      idle(process) {
        const next = rounds.shift();
        if (!next) process.signal(SIGTERM);
        else next();
        // A look comes when time has passed.
        return !next;
      },
      before: (call) => (call === 'wait4' && waits++ > 0 ? -ERRORS.ECHILD : undefined),
    },
  });
  return { status, forks: forks.length };
}

const told = (image: ChannelImage, guest: number): number =>
  image.view.getUint32(C.HOST_PAGE + C.HOST_LOGGED + 4 * guest, true);

describe('the log of the system', () => {
  test('has lines with the names of guests, when they are whole, and each once', () => {
    const image = imageOf();
    const messages: string[] = [];
    say(image, WEB, 'Linux boots\r\n\r\n  indented\nlogin: ');
    const rounds = [
      () => {
        say(image, DB, 'hello\n');
      },
      () => {
        say(image, WEB, 'root\n');
      },
    ];
    expect(run(image, { messages, rounds })).toEqual({ status: 0, forks: 2 });
    expect(messages).toEqual([
      '<30>web: Linux boots',
      '<30>web:   indented',
      '<30>db: hello',
      '<30>web: login: root',
    ]);
  });

  test('goes on where the one before ended, in a line too', () => {
    const image = imageOf();
    const messages: string[] = [];
    say(image, WEB, 'one\ntw');
    run(image, { messages, rounds: [] });
    expect(told(image, WEB)).toBe(4);
    say(image, WEB, 'o\nthree\n');
    run(image, { messages, rounds: [] });
    expect(messages).toEqual(['<30>web: one', '<30>web: two', '<30>web: three']);
    expect(told(image, WEB)).toBe(14);
  });

  test('has text alone: no orders to a terminal, and no line takes the next one with it', () => {
    const image = imageOf();
    const messages: string[] = [];
    say(
      image,
      WEB,
      '\u001b[1;31mred\u001b[0m\ta\u0007\u0008\u000b\u0000\u009bb\u007f ö\n\u001b]0;title\nnext\n',
    );
    run(image, { messages, rounds: [] });
    expect(messages).toEqual(['<30>web: red\tab ö', '<30>web: ', '<30>web: next']);
  });

  test('a flood goes on bit by bit; what nobody could read in time is said to be lost; others are heard', () => {
    const image = imageOf();
    const messages: string[] = [];
    const line = `${'x'.repeat(63)}\n`;
    // 100,000 bytes more than there is room for.
    say(image, WEB, 'y'.repeat(100_000) + line.repeat(1024));
    say(image, DB, 'hello\n');
    const rounds = [1, 2].map(() => () => undefined);
    run(image, { messages, rounds });
    expect(messages[0]).toBe('<30>web: 100000 bytes are lost that were not read in time.');
    expect(messages.slice(1, 251)).toEqual(Array(250).fill(`<30>web: ${line.trim()}`));
    expect(messages[251]).toBe('<30>db: hello');
    expect(messages).toHaveLength(2 + 3 * 250);
    expect(told(image, WEB)).toBe(100_000 + 3 * 250 * 64);
  });

  test('a line without end goes in pieces', () => {
    const image = imageOf();
    const messages: string[] = [];
    say(image, WEB, 'z'.repeat(2000));
    run(image, { messages, rounds: [] });
    expect(messages).toEqual(Array(2).fill(`<30>web: ${'z'.repeat(900)}`));
  });

  test('what nobody takes waits, and nobody waits for who takes nothing', () => {
    const image = imageOf();
    const messages: string[] = [];
    let left = 3;
    let refusals = 2;
    say(image, WEB, 'one\ntwo\nthree\nfour\n');
    const rounds = Array.from({ length: 6 }, () => () => undefined);
    run(image, {
      ...{ messages, rounds },
      connect: () => (refusals-- > 0 ? -ERRORS.ENOENT : 0),
      // Its queue is full behind the first.
      take: () => (messages.length === 1 && left-- > 0 ? -ERRORS.EAGAIN : undefined),
    });
    expect(messages).toEqual(['one', 'two', 'three', 'four'].map((it) => `<30>web: ${it}`));
    expect([left, refusals]).toEqual([-1, expect.any(Number)]);
  });

  test('is left alone unless it is asked for', () => {
    const image = imageOf();
    const messages: string[] = [];
    say(image, WEB, 'one\n');
    expect(run(image, { messages, rounds: [] }, [])).toMatchObject({ forks: 1 });
    expect(messages).toEqual([]);
  });
});
