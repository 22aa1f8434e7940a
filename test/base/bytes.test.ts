import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findBytes } from '../../src/base/bytes.js';

/** Few different bytes, so that needles occur, and overlap. */
const someBytes = (maxLength: number) => fc.uint8Array({ max: 2, maxLength });

describe('findBytes', () => {
  it('finds what Buffer finds', () => {
    fc.assert(
      fc.property(someBytes(40), someBytes(4), fc.nat(45), (bytes, needle, from) => {
        fc.pre(needle.length > 0);
        expect(findBytes(bytes, needle, from)).toBe(Buffer.from(bytes).indexOf(needle, from));
      }),
      { numRuns: 2000 },
    );
  });

  it('finds nothing at every place up to the end', () => {
    const bytes = Uint8Array.of(1, 2);
    const nothing = new Uint8Array(0);
    expect([0, 2, 3].map((from) => findBytes(bytes, nothing, from))).toEqual([0, 2, -1]);
  });
});
