import { expect, test } from 'vitest';
import { createEscapeKey, type Order } from '../../src/cli/escape-key.js';

function typed(...pieces: readonly string[]): { passed: string; orders: (Order | undefined)[] } {
  const orders: (Order | undefined)[] = [];
  const key = createEscapeKey((order) => orders.push(order));
  const passed = pieces
    .map((it) => Buffer.from(key.take(Buffer.from(it, 'latin1'))).toString('latin1'))
    .join('');
  return { passed, orders };
}

test.each([
  ['keys go to the Pi, Ctrl-C and escape sequences too', ['ls\r\x03\x1b[A\xff'], 'ls\r\x03\x1b[A\xff', []],
  ['what stands behind the escape key does not', ['a\x1dqb'], 'ab', ['q']],
  ['in whatever pieces it comes', ['a\x1d', 'n', 'b'], 'ab', ['n']],
  ['h is help, too', ['\x1dh\x1d?'], '', ['?', '?']],
  ['another key is none of the orders', ['\x1dxy'], 'y', [undefined]],
  ['twice it is itself', ['\x1d\x1dq'], '\x1dq', []],
])('%s', (_, pieces, passed, orders) => {
  expect(typed(...pieces)).toEqual({ passed, orders });
});
