import { expect, test } from 'vitest';
import { cores, counted, listed } from '../../src/base/words.js';

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
