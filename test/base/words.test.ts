import { expect, test } from 'vitest';
import { bytesText, comparedBytes, cores, counted, listed } from '../../src/base/words.js';

test('one thing, and several', () => {
  expect([0, 1, 2].map((it) => counted(it, 'core'))).toEqual(['0 cores', '1 core', '2 cores']);
});

test('numbers one after the other', () => {
  expect([[], [3], [2, 3], [1, 2, 3], [10, 20, 30, 40]].map(listed)).toEqual([
    '',
    '3',
    '2 and 3',
    '1, 2 and 3',
    '10, 20, 30 and 40',
  ]);
});

test('cores by their numbers', () => {
  expect([[3], [0, 1], [1, 2, 3]].map(cores)).toEqual(['core 3', 'cores 0 and 1', 'cores 1, 2 and 3']);
});

test('numbers of bytes', () => {
  expect([1, 252, 32 << 10, 5.1 * 2 ** 20].map(bytesText)).toEqual([
    '1 byte',
    '252 bytes',
    '32 KiB',
    '5.1 MiB',
  ]);
});

test('numbers of bytes that are compared never read alike', () => {
  expect(comparedBytes(5_452_595, 5_452_600)).toEqual(['5452595 bytes', '5452600 bytes']);
  expect(comparedBytes(5 << 20, 6 << 20)).toEqual(['5 MiB', '6 MiB']);
});
