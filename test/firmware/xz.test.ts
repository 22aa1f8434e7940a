import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { inputs } from '../../scripts/lib/inputs.js';
import { readKernel, unpackVersion } from '../../src/firmware/kernel.js';
import { findXz, unpackXzText } from '../../src/firmware/xz.js';

/** Packs as Linux' scripts/xz_wrap.sh does for Arm. */
const xz = (data: Uint8Array, dictionary: string): Uint8Array =>
  execFileSync('xz', ['--check=crc32', '--arm', `--lzma2=dict=${dictionary}`, '--stdout'], { input: data });

async function unpack(stream: Uint8Array): Promise<string> {
  let text = '';
  for await (const chunk of unpackXzText(stream)) text += new TextDecoder('latin1').decode(chunk);
  return text;
}

const TEXT = Array.from({ length: 5000 }, (_, n) => `line ${n} of some text\n`).join('');

describe('XZ data', () => {
  test.each(['1MiB', '32MiB', '128MiB'])(
    'packed by xz with the Arm filter and a dictionary of %s is unpacked',
    async (size) => {
      expect(await unpack(xz(new TextEncoder().encode(TEXT), size))).toBe(TEXT);
    },
  );

  test('is found by its header, not by the magic in a message', () => {
    const stream = xz(new TextEncoder().encode(TEXT), '1MiB');
    const magic = stream.subarray(0, 6);
    expect(findXz(Uint8Array.of(...magic, ...new Uint8Array(20), ...stream))).toBe(26);
    expect(findXz(Uint8Array.of(...magic, ...new Uint8Array(20)))).toBe(-1);
  });

  test('that is cut short or damaged ends quietly', async () => {
    const stream = xz(new TextEncoder().encode(TEXT), '1MiB');
    expect(TEXT.startsWith(await unpack(stream.subarray(0, 200)))).toBe(true);
    expect(await unpack(stream.subarray(0, 14))).toBe('');
    const damaged = new Uint8Array(stream);
    damaged.fill(0xa5, 60, 90);
    expect((await unpack(damaged)).length).toBeLessThanOrEqual(TEXT.length);
  });

  test('in a kernel of Debian gives the version that its package names', async () => {
    const { bookworm, trixie } = await inputs();
    for (const kernel of [bookworm, trixie]) {
      const file = readFileSync(kernel.vmlinuz);
      const facts = await unpackVersion(file, readKernel(file));
      expect(facts.version).toMatch(/^Linux version 6\.\d+\.\d+\S*-armmp \(debian-kernel@/);
    }
  });
});
