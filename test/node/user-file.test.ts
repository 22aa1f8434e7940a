import fs from 'node:fs';
import { expect, test } from 'vitest';
import { readUserFile } from '../../src/node/user-file.js';
import { pattern, temporary } from '../card/images.js';

test('a file is read whole, a device without an end is refused', { timeout: 60_000 }, () => {
  const file = temporary('kernel');
  fs.writeFileSync(file, pattern(3_000_001, 1));
  expect(Buffer.from(readUserFile(file)).equals(pattern(3_000_001, 1))).toBe(true);
  expect(() => readUserFile('/dev/zero')).toThrow(expect.objectContaining({ code: 'file.too-large' }));
});
