import { expect, test } from 'vitest';
import { refuseNotUtf8 } from '../../src/node/arguments.js';

const WORDS = ['node', 'hypberry', 'inspect', 'card\ufffd.img'];
const bytes = (name: Uint8Array) => () => Buffer.concat([Buffer.from('node\0hypberry\0inspect\0'), name]);

test('usage.not-utf8: a name of bytes that are no UTF-8 is not taken for another', () => {
  const latin1 = Buffer.from('card\xff.img\0', 'latin1');
  expect(() => {
    refuseNotUtf8(WORDS, bytes(latin1));
  }).toThrow(expect.objectContaining({ code: 'usage.not-utf8' }));
});

test('a name that has the replacement character itself is taken, and any where the system does not tell', () => {
  refuseNotUtf8(WORDS, bytes(Buffer.from('card\ufffd.img\0')));
  refuseNotUtf8(['node', 'hypberry', 'inspect', 'Übung.img']);
  refuseNotUtf8(WORDS, () => {
    throw new Error('no such file');
  });
});
