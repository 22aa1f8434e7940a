import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasShapeOf, stateFromJson, stateToJson } from '../../src/base/state-text.js';

const word = fc.oneof(
  fc.double(),
  fc.constantFrom(NaN, Infinity, -Infinity, -0, 2 ** 53),
  fc.string(),
  fc.boolean(),
  fc.bigInt(),
  fc.constantFrom(null, undefined),
);
const array = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.uint32Array(),
  fc.int32Array(),
  fc.float64Array(),
  fc.constant(new Uint8Array(0x5001).fill(7)),
);
const { state } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    word,
    array,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(word, tie('value')), { maxLength: 3 }).map((it) => new Map(it)),
    tie('state'),
  ),
  state: fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), tie('value'), { noNullPrototype: true }),
}));

test('state comes back as it was', () => {
  fc.assert(
    fc.property(state, (it) => {
      expect(stateFromJson(stateToJson(it as object))).toStrictEqual(it);
    }),
  );
});

test.each(['', 'null', '3', '{"a":{"$what":1}}', '{"a":{"$bigint":"x"}}', '{"a":{"$Uint8Array":"!"}}'])(
  '%j is no state',
  (text) => {
    expect(() => stateFromJson(text)).toThrow();
  },
);

test.each([
  [{ a: 1, b: [1] }, { a: undefined, b: [2, 3] }, true],
  [{ a: 1 }, { a: 'x' }, true],
  [{ a: new Map([[1, 2]]) }, { a: new Map() }, true],
  [{ a: 1 }, { a: 1, b: 1 }, false],
  [{ a: 1, b: 1 }, { a: 1 }, false],
  [{ a: { b: 1 } }, { a: { c: 1 } }, false],
  [{ a: 1 }, { a: [1] }, false],
  [{ a: new Uint8Array(3) }, { a: new Uint8Array(4) }, false],
  [{ a: new Uint8Array(4) }, { a: new Int8Array(4) }, false],
])('%o in the place of %o: %s', (one, other, fits) => {
  expect(hasShapeOf(one, other)).toBe(fits);
});
