import { beforeAll, describe, expect, test } from 'vitest';
import { a32Encodings } from '../../src/isa/a32/index.js';
import { assembler, encodeA32, encodeT32 } from '../../src/isa/assembler.js';
import { claimsOfA32, claimsOfT32, decodeA32, decodeT32 } from '../../src/isa/decoder.js';
import { disassembleA32, disassembleT32 } from '../../src/isa/disassembler.js';
import { coderOf, isUnpredictable } from '../../src/isa/encoding.js';
import { aligned, d, lane, q } from '../../src/isa/extension-registers.js';
import { neonT32, vfpT32 } from '../../src/isa/extension-t32.js';
import { neon } from '../../src/isa/neon/index.js';
import type { Site } from '../../src/isa/operands.js';
import { r0 } from '../../src/isa/registers.js';
import { t32Encodings } from '../../src/isa/t32/index.js';
import { vfp } from '../../src/isa/vfp/index.js';
import { hex } from '../support/hex.js';
import { assembleLines, disassembleWords, requireBinutils } from './binutils.js';
import { call, randomWords, samples, seed, unreached } from './generate.js';

const PER_FORM = Number(process.env['ARM_SAMPLES'] ?? 10);
const sets = [
  {
    set: 'A32',
    state: 'arm',
    pcAhead: 8,
    encodings: a32Encodings.filter(({ name }) => name in vfp || name in neon),
    every: a32Encodings,
    decode: decodeA32,
    claims: claimsOfA32,
    disassemble: disassembleA32,
    encode: encodeA32,
  },
  {
    set: 'T32',
    state: 'thumb',
    pcAhead: 4,
    encodings: t32Encodings.filter(({ name }) => name in vfpT32 || name in neonT32),
    every: t32Encodings,
    decode: decodeT32,
    claims: claimsOfT32,
    disassemble: disassembleT32,
    encode: encodeT32,
  },
] as const;

beforeAll(requireBinutils);

describe.each(sets)(`floating-point and Advanced SIMD in $set (ARM_SEED=${seed})`, (it) => {
  const all = samples(it.encodings, PER_FORM, 21);
  const site = (address: number): Site => ({
    address,
    pcAhead: it.pcAhead,
    locate: () => {
      throw new Error('no labels');
    },
  });
  const textOf = (word: number, address: number, symbol?: (target: number) => string): string => {
    const shown = it.disassemble(word, { address, ...(symbol ? { symbol } : {}) })!;
    return `${shown.mnemonic} ${shown.operands}`.trim();
  };

  test('every form of every encoding is reached', () => {
    expect(it.encodings.length).toBeGreaterThan(150);
    expect(unreached(it.encodings, all)).toEqual([]);
  });

  test('SEE clauses name entries of the table', () => {
    const names = new Set(it.every.map(({ name }) => name));
    const others = it.encodings.flatMap(({ see }) => see.map(({ name }) => name));
    expect(others.filter((name) => !names.has(name))).toEqual([]);
  });

  test('the decoder finds the encoding again', () => {
    const wrong = all.filter(({ word, encoding }) => it.decode(word)?.encoding !== encoding);
    expect(wrong.map(({ word, encoding }) => `${hex(word)} ${encoding.name}`)).toEqual([]);
  });

  test('no word has two encodings, where the diagrams of two overlap', () => {
    const random = randomWords(22);
    const twice: string[] = [];
    for (const { pattern: a, name } of it.encodings) {
      for (const { pattern: b, name: other } of it.every) {
        if (name === other || b.width !== 32 || ((a.value ^ b.value) & a.mask & b.mask) !== 0) continue;
        for (let n = 0; n < 20; n++) {
          const fixed = (a.mask | b.mask) >>> 0;
          const word = ((random() & ~fixed) | a.value | b.value) >>> 0;
          const claims = it.claims(word);
          if (claims.length > 1) twice.push(`${hex(word)} ${claims.map((claim) => claim.name).join(' ')}`);
        }
      }
    }
    expect(twice).toEqual([]);
  });

  test('the builder encodes the operands to the same word', () => {
    const wrong: string[] = [];
    for (const [i, sample] of all.entries()) {
      const { name, operands } = call(sample, site(i * 4));
      const encoded: unknown = it.encode(name, operands, site(i * 4));
      const word = typeof encoded === 'number' ? encoded : (encoded as { word: number }).word;
      // A label says where, not how: a distance of 0 may be added or subtracted.
      const byAddress = sample.form.places.some(
        (place) => place.kind === 'operand' && coderOf(place.name).address === true,
      );
      if (word !== sample.word && !(byAddress && sample.fields['imm8'] === 0))
        wrong.push(`${hex(word)} for ${hex(sample.word)} ${sample.encoding.name} ${name}`);
    }
    expect(wrong).toEqual([]);
  });

  test('GNU as assembles our text to the same word', () => {
    const texts = all.map(({ word }, i) => textOf(word, i * 4, (target) => `. + ${(target - i * 4) | 0}`));
    const words = assembleLines(texts, it.state);
    const wrong = all.flatMap(({ word, encoding }, i) => {
      const theirs = words[i]!;
      // A quirk of as: it takes these only without a condition, though it disassembles them.
      const refused = theirs.toString().startsWith('instruction cannot be conditional');
      return theirs === word || (refused && encoding.operation === 'VMOV_scalar_to_core')
        ? []
        : [
            `${hex(word)} ${encoding.name}: ${texts[i]!}: ${typeof theirs === 'number' ? hex(theirs) : theirs}`,
          ];
    });
    expect(wrong).toEqual([]);
  });

  test('objdump prints what we print', () => {
    const theirs = disassembleWords(
      all.map(({ word }) => word),
      it.state,
    );
    const wrong = all.flatMap(({ word, encoding }, i) => {
      const ours = likeObjdump(textOf(word, i * 4));
      return ours === likeUs(theirs[i]!)
        ? []
        : [`${hex(word)} ${encoding.name}: ${ours} | ${likeUs(theirs[i]!)}`];
    });
    expect(wrong).toEqual([]);
  });

  test('a word is an instruction to objdump exactly where it is one to us', () => {
    const random = randomWords(23);
    // Words in the space of these encodings, some of their fixed bits perhaps wrong.
    const words = Array.from({ length: PER_FORM * 1500 }, (_, i) => {
      const { pattern } = it.encodings[i % it.encodings.length]!;
      const flipped = random() % 2 ? 1 << (random() % 32) : 0;
      return (((random() & ~pattern.mask) | pattern.value) ^ flipped) >>> 0;
    }).filter((word) => isExtension(it.set, word));
    const theirs = disassembleWords(words, it.state);
    const wrong: string[] = [];
    for (const [i, word] of words.entries()) {
      const text = theirs[i]!;
      const decoded = it.decode(word);
      const they = !/<UNDEFINED>|UNPREDICTABLE|^[mc](dp|cr|rc)|^(ldc|stc|mcrr|mrrc)|illegal|; <und>/i.test(
        text,
      );
      const unpredictable = decoded !== undefined && isUnpredictable(decoded.encoding, word, decoded.fields);
      if (
        they !== (decoded !== undefined) &&
        !unpredictable &&
        !differences.some(([, when]) => when(word, text))
      )
        wrong.push(`${hex(word)} ${decoded?.name ?? '-'} | ${text}`);
    }
    expect(wrong).toEqual([]);
  });
});

test('the builder is typed by the same table', () => {
  const a = assembler();
  a['vadd.i32'](q(0), q(1), q(2));
  a['vmoveq.32'](r0, lane(d(1), 1));
  a['vld1.8']([d(0), d(1)], [aligned(r0, 64)], '!');
  expect(() => {
    // @ts-expect-error: vectors of two lengths
    a['vadd.i32'](q(0), d(1), q(2));
  }).toThrow('takes no such operands');
  // @ts-expect-error: there are no 64-bit elements
  expect(a['vmla.i64']).toBe(undefined);
  const words = [...new Uint32Array(a.assemble().buffer)].map(hex);
  expect(words).toEqual(
    assembleLines(['vadd.i32 q0, q1, q2', 'vmoveq.32 r0, d1[1]', 'vld1.8 {d0-d1}, [r0:64]!']).map((it) =>
      hex(it as number),
    ),
  );
});

/** Whether a word lies where the manual has these extensions (A5.7, A6.3.18). */
function isExtension(set: 'A32' | 'T32', word: number): boolean {
  const top = word >>> 24;
  const coprocessor = ((word >>> 9) & 7) === 5;
  if (set === 'A32') {
    if (top >>> 4 !== 15) return [0xc, 0xd, 0xe].includes(top & 15) && coprocessor;
    return top >>> 1 === 0xf2 >>> 1 || (top === 0xf4 && ((word >>> 20) & 1) === 0);
  }
  if (top === 0xef || top === 0xff) return true;
  if (top === 0xf9) return ((word >>> 20) & 1) === 0;
  return [0xec, 0xed, 0xee].includes(top) && coprocessor;
}

/** Where objdump's idea of the instruction set is another than the ARMv7-A manual's. */
const differences: readonly (readonly [why: string, when: (word: number, text: string) => boolean])[] = [
  [
    'it knows what came after ARMv7: half precision, rounding and numeric minimum, cryptography',
    (_, text) =>
      /^v\w+(\.\w+)?\.b?f16|^v(rint|cvt[anmp]|(max|min)nm|jcvt|sel|qrdml[as]h|[su]?dot|[su]mmla|ins|movx)|^v\w+\.p(16|32|64)|^(sha|aes)/.test(
        text,
      ),
  ],
  [
    'it shows sizes that there are not: of floating-point and polynomials, in permutes and reversals, in pairs of Q registers',
    (_, text) =>
      /^v\w+\.f(8|64) [dq]|^vmull\.p8|^v(zip|uzp)\w*\.32|^vrev|^vr(ecpe|sqrte)\w*\.u(8|16)|^vp(add|max|min)\w*\.\w+ q/.test(
        text,
      ),
  ],
  ['it does not look at all alignments that are refused', (_, text) => /^v(ld|st)[1-4].*:/.test(text)],
  [
    'it shows VLD4 to all lanes of size 3 without an alignment',
    (word, text) => /^vld4\w*\.32 .*\[\]/.test(text) && (word & 0xd0) === 0xc0,
  ],
  ['it does not look at U of VMOV from a 32-bit element', (_, text) => /^vmov\w*\.32/.test(text)],
];

/** Our text as objdump has it. */
function likeObjdump(text: string): string {
  return text
    .replace(/^vmov(\w*) ([dq]\d+), ([dq]\d+)$/, 'vorr$1 $2, $3, $3')
    .replace(
      /^(vmov\w*\.f(?:32|64) \w+), #(-?[\d.]+)$/,
      (_, head: string, value: string) => `${head}, #${Number(value)}`,
    );
}

/** objdump's text as we have it. */
function likeUs(text: string): string {
  // It shows a floating-point immediate as its bits, and its value, or only that, in a comment.
  const float = /^(vmov\w*\.f(?:32|64) \w+), #-?[\d.]+ @ 0x([0-9a-f]{8})/.exec(text);
  if (float) {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, parseInt(float[2]!, 16));
    return `${float[1]!}, #${view.getFloat32(0)}`;
  }
  return text
    .replace(/ *@.*$/, '')
    .replace(/\br(1[0-5])\b/g, (_, n: string) => ['sl', 'fp', 'ip', 'sp', 'lr', 'pc'][Number(n) - 10]!)
    .replace(/\{d(\d+)\[\]-d(\d+)\[\]\}/, (_, first: string, last: string) => {
      const numbers = Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i);
      return `{${numbers.map((n) => `d${n}[]`).join(',')}}`;
    })
    .replace(/^(vshl(?!l)\w*)\.s(\d+ \w+, \w+, #)/, '$1.i$2');
}
