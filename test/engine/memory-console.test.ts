import fc from 'fast-check';
import { expect, test } from 'vitest';
import { followConsole } from '../../src/engine/memory-console.js';

/** A program that writes to a console in memory: byte n at `n % size`, and a count modulo 2^32. */
function writer(size: number, firstByte = 0) {
  const ring = new Uint8Array(size);
  // More than 32 bits of it, so that nothing here wraps with what is tested.
  let next = BigInt(firstByte);
  return {
    ring,
    write(bytes: Uint8Array): void {
      for (const byte of bytes) ring[Number(next++ % BigInt(size))] = byte;
    },
    get written(): number {
      return Number(next % 0x1_0000_0000n);
    },
  };
}

const consoleOf = (size: number) => ({ name: 'web', log: 0x3ba0_0000, size, written: 0x3ba1_0000 });
const sizes = fc.integer({ min: 0, max: 8 }).map((power) => 2 ** power);

test('what was written between two looks comes, once and in order; of more than a ring, the newest of it', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 20 });
  fc.assert(
    fc.property(sizes, pieces, (size, written) => {
      const far = writer(size);
      const look = followConsole(consoleOf(size));
      for (const piece of written) {
        far.write(piece);
        expect([...look(far.written, far.ring)]).toEqual([...piece.slice(-size)]);
      }
      expect(look(far.written, far.ring)).toHaveLength(0);
    }),
  );
});

test('with no more than a ring between two looks nothing is lost, wherever the count wraps', () => {
  const cases = sizes.chain((size) =>
    fc.tuple(
      fc.constant(size),
      // The count passes 2^32 somewhere in it, or does not.
      fc.integer({ min: 0xffff_fc00, max: 0xffff_ffff }),
      fc.array(fc.uint8Array({ maxLength: size }), { maxLength: 30 }),
    ),
  );
  fc.assert(
    fc.property(cases, ([size, before, pieces]) => {
      const far = writer(size, before);
      const look = followConsole(consoleOf(size));
      // What stood there before the first look is not compared here.
      look(far.written, far.ring);
      const seen = pieces.flatMap((piece) => {
        far.write(piece);
        return [...look(far.written, far.ring)];
      });
      expect(seen).toEqual(pieces.flatMap((piece) => [...piece]));
    }),
  );
});

test('the first look gives what a ring still has of all that was written', () => {
  const far = writer(8);
  far.write(Uint8Array.from({ length: 21 }, (_, i) => i));
  expect([...followConsole(consoleOf(8))(far.written, far.ring)]).toEqual([13, 14, 15, 16, 17, 18, 19, 20]);
});

test('what it gives stays as it was, whatever is written later', () => {
  const far = writer(4);
  const look = followConsole(consoleOf(4));
  far.write(Uint8Array.of(1, 2, 3, 4));
  const seen = look(far.written, far.ring);
  far.write(Uint8Array.of(5, 6, 7, 8));
  expect([...seen]).toEqual([1, 2, 3, 4]);
});
