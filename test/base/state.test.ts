import { expect, test } from 'vitest';
import { restoreState, saveState } from '../../src/base/state.js';

class Part {
  readonly inner = { count: 1 };
  readonly words = new Uint32Array([1, 2]);
  readonly list = [{ at: 1 }, { at: 2 }];
  readonly map = new Map([[1, { on: true }]]);
  transfer: { left: number } | undefined = { left: 3 };
  big = 1n;
  get sum(): number {
    return this.inner.count + this.words[0]!;
  }
}

test('a saved state is a copy, and comes back into the objects that were there', () => {
  const part = new Part();
  const { inner, words, list, map } = part;
  const saved = saveState(part);
  inner.count = 9;
  words.fill(9);
  list[0]!.at = 9;
  list.push({ at: 9 });
  map.get(1)!.on = false;
  map.set(2, { on: false });
  part.transfer = undefined;
  part.big = 9n;
  restoreState(part, saved);
  expect(part).toEqual(new Part());
  expect(part.sum).toBe(2);
  expect(
    [part.inner, part.words, part.list, part.map].every((it, i) => it === [inner, words, list, map][i]),
  ).toBe(true);
  // What was restored does not share anything with what was saved.
  part.transfer!.left = 8;
  map.get(1)!.on = false;
  list[0]!.at = 7;
  const other = new Part();
  restoreState(other, saved);
  expect(other).toEqual(new Part());
});

test('of a typed array that shows a part of a buffer, that part alone is saved', () => {
  const bytes = new Uint8Array(64);
  bytes[8] = 7;
  const saved = saveState({ part: bytes.subarray(8, 12) }) as { readonly part: Uint8Array };
  expect([saved.part, saved.part.buffer.byteLength]).toEqual([Uint8Array.of(7, 0, 0, 0), 4]);
});

test('what was not there when it was saved is not there afterwards', () => {
  const part = new Part();
  part.transfer = undefined;
  const saved = saveState(part);
  part.transfer = { left: 1 };
  restoreState(part, saved);
  expect(part.transfer).toBeUndefined();
});
