import { expect, test } from 'vitest';
import { a32Encodings } from '../../src/isa/a32/index.js';
import { t32Encodings } from '../../src/isa/t32/index.js';
import { extensionOperations } from './extension-cases.js';
import { classes, encodingsOf } from './privileged-cases.js';
import { isUserLevel } from './user-cases.js';

/** Stands in front of a third of the cases for T32 in User mode. */
const AROUND = /^IT$/;

// Each of these tests names the encodings of its own that it did not reach; here the table as a whole is held to them.
test('every encoding of the table is compared with QEMU by one test or another', () => {
  const privileged = new Set(classes.flatMap((kind) => encodingsOf(kind).map(({ encoding }) => encoding)));
  const all = [...a32Encodings, ...t32Encodings];
  const left = all.filter(
    (encoding) =>
      !isUserLevel(encoding) &&
      !extensionOperations.has(encoding.operation) &&
      !privileged.has(encoding) &&
      !AROUND.test(encoding.operation),
  );
  expect(left.map(({ name }) => name)).toEqual([]);
});
