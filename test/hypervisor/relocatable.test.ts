import { expect, test } from 'vitest';
import { translateHypervisor } from '../../src/hypervisor/assembly/code.js';
import { hypervisorBase64 } from '../../src/hypervisor/hypervisor-binary.js';
import { plain, withDiagnostics } from '../../src/hypervisor/hypervisor-code.js';
import { makeRelocatable, relocate } from '../../src/hypervisor/image/relocatable.js';
import type { Translation } from '../../src/translate/translate.js';

const body = Buffer.from(hypervisorBase64, 'base64');

// The tops of 64 MiB, and of 1 GiB with the least for the VideoCore, less the hypervisor's own 2 MiB.
test.each([
  [plain, false, 0x3e0_0000],
  [plain, false, 0x3ee0_0000],
  [withDiagnostics, true, 0x3ae0_0000],
] as const)('linked for an address it is what is translated for it', (code, diagnostics, origin) => {
  const linked = relocate(code, origin);
  const translated = translateHypervisor(body, origin, diagnostics);
  const size = translated.symbols.get('zeroFrom')! - origin;
  expect(Buffer.compare(linked.image, translated.image.subarray(0, size))).toBe(0);
  expect(translated.image.subarray(size).every((byte) => byte === 0)).toBe(true);
  expect(new Map(linked.symbols)).toEqual(new Map(translated.symbols));
});

test('only for an address whose lower half is that of the one it was made for', () => {
  expect(() => relocate(plain, 0x3ee0_1000)).toThrow('no multiple');
});

/** Code of words, which the address is given to. */
const codeOf =
  (words: (origin: number) => readonly number[], symbol = 0) =>
  (origin: number): Translation => {
    const image = new Uint8Array(Uint32Array.from(words(origin)).buffer);
    const symbols = new Map([
      ['vectors', origin],
      ['zeroFrom', origin + image.length],
      ['symbol', origin + symbol * (origin >>> 20)],
    ]);
    return { image, symbols, codeEnd: origin + image.length, listing: () => '' };
  };
const MOVT_R1 = 0xe340_1000;
const half = (value: number): number => ((value & 0xf000) << 4) | (value & 0xfff);

test('words and the halves of MOVT follow it, and nothing else', () => {
  const code = (origin: number): number[] => [
    0xe12f_ff1e,
    origin + 0x124,
    MOVT_R1 | half(origin >>> 16),
    MOVT_R1 | half(0x1230),
  ];
  const made = makeRelocatable(codeOf(code));
  expect([made.words, made.halves]).toEqual([[4], [8]]);
  const linked = relocate(made, 0x3ee0_0000);
  expect([...new Uint32Array(linked.image.buffer)]).toEqual([
    ...[0xe12f_ff1e, 0x3ee0_0124],
    ...[0xe343_1ee0, 0xe341_1230],
  ]);
  expect(linked.symbols.get('zeroFrom')).toBe(0x3ee0_0010);
});

test.each<[string, (origin: number) => Translation]>([
  ['a half in another instruction', codeOf((origin) => [0xe300_1000 | half(origin >>> 16)])],
  [
    'another register',
    codeOf((origin) => [MOVT_R1 | half(origin >>> 16) | (origin > 0x2000_0000 ? 0x2000 : 0)]),
  ],
  ['twice the address', codeOf((origin) => [2 * origin])],
  ['another length', codeOf((origin) => new Array<number>(origin >>> 24).fill(0))],
  ['a symbol', codeOf(() => [0], 4)],
])('refused is what depends on it by %s', (_, code) => {
  expect(() => makeRelocatable(code)).toThrow(expect.objectContaining({ code: 'hypervisor.relocation' }));
});
