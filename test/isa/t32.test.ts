import { beforeAll, describe, expect, test } from 'vitest';
import { encodeT32 } from '../../src/isa/assembler.js';
import { claimsOfT32, decodeT32, isWideT32 } from '../../src/isa/decoder.js';
import { disassembleT32 } from '../../src/isa/disassembler.js';
import { isUnpredictable } from '../../src/isa/encoding.js';
import type { Site } from '../../src/isa/operands.js';
import { conditions } from '../../src/isa/registers.js';
import { neonT32, vfpT32 } from '../../src/isa/extension-t32.js';
import { t32Encodings } from '../../src/isa/t32/index.js';
import { assembleLines, disassembleWords, requireBinutils } from './binutils.js';
import type { Sample } from './generate.js';
import { call, randomWords, samples, seed, unreached } from './generate.js';

const PER_FORM = Number(process.env['ARM_SAMPLES'] ?? 40);
/** VFP and Advanced SIMD have tests of their own. */
const coreEncodings = t32Encodings.filter(({ name }) => !(name in vfpT32) && !(name in neonT32));
const everything = samples(coreEncodings, PER_FORM, 11);
/** IT changes how the instructions after it are written, so it is looked at by itself. */
const all = everything.filter(({ encoding }) => encoding.operation !== 'IT');
const hex = (word: number): string => word.toString(16).padStart(word >>> 16 === 0 ? 4 : 8, '0');
const site = (address: number, inIT?: 'last'): Site => ({
  address,
  pcAhead: 4,
  ...(inIT ? { inIT } : {}),
  locate: () => {
    throw new Error('no labels');
  },
});
const textOf = (word: number, address: number, symbol?: (address: number) => string): string => {
  const shown = disassembleT32(word, { address, ...(symbol ? { symbol } : {}) })!;
  return `${shown.mnemonic} ${shown.operands}`.trim();
};

/** Where the second opinion is known to be wrong or silent, or says the same otherwise: why, and when. */
type Exception = readonly [why: string, when: (sample: Sample, text: string) => boolean];
const excused = (exceptions: readonly Exception[], sample: Sample, text: string): boolean =>
  exceptions.some(([, when]) => when(sample, text));

beforeAll(requireBinutils);

describe(`T32 encodings (ARM_SEED=${seed})`, () => {
  test('every form of every encoding is reached', () => {
    expect(unreached(coreEncodings, everything)).toEqual([]);
  });

  test('SEE clauses name entries of the table, or the VFP chapter', () => {
    const names = new Set([...t32Encodings.map(({ name }) => name), 'VFP']);
    expect(
      t32Encodings.flatMap(({ see }) => see.map(({ name }) => name)).filter((it) => !names.has(it)),
    ).toEqual([]);
  });

  test('the decoder finds the encoding again', () => {
    const wrong = everything.filter(({ word, encoding }) => decodeT32(word)?.encoding !== encoding);
    expect(wrong.map(({ word, encoding }) => `${hex(word)} ${encoding.name}`)).toEqual([]);
  });

  test('no instruction has two encodings: every halfword, and where the diagrams of two of 32 bits overlap', () => {
    const random = randomWords(12);
    const twice: string[] = [];
    const look = (word: number): void => {
      const claims = claimsOfT32(word);
      if (claims.length > 1) twice.push(`${hex(word)} ${claims.map(({ name }) => name).join(' ')}`);
    };
    for (let halfword = 0; !isWideT32(halfword); halfword++) look(halfword);
    const wide = coreEncodings.filter(({ pattern }) => pattern.width === 32);
    for (const [i, { pattern: a }] of wide.entries()) {
      for (const { pattern: b } of wide.slice(i + 1)) {
        if (((a.value ^ b.value) & a.mask & b.mask) !== 0) continue;
        const fixed = (a.mask | b.mask) >>> 0;
        for (let n = 0; n < 100; n++) look(((random() & ~fixed) | a.value | b.value) >>> 0);
      }
    }
    expect(twice).toEqual([]);
  });

  test('the encoder makes the same word of the operands, or a shorter one that says the same', () => {
    const wrong: string[] = [];
    for (const [i, sample] of everything.entries()) {
      const { name, operands } = call(sample, site(i * 4));
      const { word } = encodeT32(name, operands, site(i * 4));
      // Another encoding of the same operands is right if it is printed alike, .W aside.
      const plain = (text: string): string =>
        text
          .replace(/^(\w+)\.w/, '$1')
          .replace(/^(add|sub)w/, '$1')
          .replace(/^movw/, 'mov')
          .replace(/, #-?0\]$/, ']');
      const [found, wanted] = [word, sample.word].map((it) => plain(textOf(it, i * 4)));
      const same = found === wanted || sameAddress(word, sample.word, i * 4) || sameRegister(found!, wanted!);
      if (word !== sample.word && !same)
        wrong.push(`${hex(word)} ${found!} for ${hex(sample.word)} ${sample.encoding.name} ${wanted!}`);
    }
    expect(wrong).toEqual([]);
  });

  test('GNU as assembles our text to the same word', () => {
    const exceptions: Exception[] = [
      ['as has no way to write -0', (_, text) => /#-0\b/.test(text)],
      [
        'as takes the two-register ADD and SUB where it can',
        ({ encoding, fields }) => /^(ADD|SUB)_imm_T1$/.test(encoding.name) && fields['Rn'] === fields['Rd'],
      ],
      ['as wants an aligned place to load PC from', (_, text) => /^ldr.* pc, \[pc/.test(text)],
      ['as takes no flags as the destination of MRC2', (_, text) => /^mrc2.*APSR/.test(text)],
      [
        'coprocessor 9 is the half-precision one to as, which scales offsets by 2',
        (_, text) => /^(ldc|stc).* p9,/.test(text),
      ],
    ];
    const texts = all.map(({ word }, i) => textOf(word, i * 4, (target) => `. + ${(target - i * 4) | 0}`));
    const words = assembleLines(texts, 'thumb');
    const wrong = all.flatMap((sample, i) =>
      words[i] === sample.word || excused(exceptions, sample, texts[i]!)
        ? []
        : [
            `${hex(sample.word)} ${sample.encoding.name}: ${texts[i]!}: ${typeof words[i] === 'number' ? hex(words[i]) : words[i]!}`,
          ],
    );
    expect(wrong).toEqual([]);
  });

  test('objdump prints what we print', () => {
    const theirs = disassembleWords(
      all.map(({ word }) => word),
      'thumb',
    );
    const wrong = all.flatMap((sample, i) => {
      const ours = likeObjdump(textOf(sample.word, i * 4));
      return ours === likeUs(theirs[i]!) || excused(otherwise, sample, theirs[i]!)
        ? []
        : [`${hex(sample.word)} ${sample.encoding.name}: ${ours} | ${likeUs(theirs[i]!)}`];
    });
    expect(wrong).toEqual([]);
  });

  test('IT and what it does to the instructions after it', () => {
    const lines: string[] = [];
    const words: number[] = [];
    for (const letters of [
      '',
      't',
      'e',
      'tt',
      'te',
      'et',
      'ee',
      'ttt',
      'tte',
      'tet',
      'tee',
      'ett',
      'ete',
      'eet',
      'eee',
    ]) {
      for (const [n, condition] of conditions.entries()) {
        const then = ['t', ...letters.split('')].map(
          (it) => `add${conditions[it === 't' ? n : n ^ 1]!} r0, r1`,
        );
        lines.push([`it${letters} ${condition}`, ...then].join('; '));
        const { word } = encodeT32(`it${letters}`, [condition], site(0));
        words.push(word);
        expect(textOf(word, 0)).toBe(`it${letters} ${condition}`);
      }
    }
    expect(assembleLines(lines, 'thumb', 16)).toEqual(words);
  });

  test('in an IT block the 16-bit encodings take the condition and do not set the flags', () => {
    const inBlock = samples(coreEncodings, 4, 13).filter(
      ({ form }) => form.mnemonic.setsFlags === 'outside IT',
    );
    // ITT EQ, then the halfword that fills its place, then the instruction.
    const theirs = disassembleWords(
      inBlock.flatMap(({ word }) => [0xbf04, word]),
      'thumb',
    ).filter((_, i) => i % 2 === 1);
    const ours = inBlock.map(({ word }) => {
      const shown = disassembleT32(word, { condition: 0 })!;
      return likeObjdump(`${shown.mnemonic} ${shown.operands}`);
    });
    expect(ours).toEqual(theirs.map(likeUs));
    const inIT = (word: number): string => {
      const shown = disassembleT32(word, { condition: 0 })!;
      return `${shown.mnemonic} ${shown.operands}`;
    };
    const wrong = inBlock.flatMap((sample) => {
      const { name, operands } = call(sample, site(0));
      const { word } = encodeT32(`${name.replace(/s$/, '')}eq`, operands, site(0, 'last'));
      const [found, wanted] = [inIT(word), inIT(sample.word)];
      return found === wanted || sameRegister(found, wanted) ? [] : [`${hex(word)} ${found} for ${wanted}`];
    });
    expect(wrong).toEqual([]);
  });

  test('a word is an instruction to objdump exactly where it is one to us', () => {
    const random = randomWords(14);
    const words = [
      ...Array.from({ length: 0xe800 }, (_, halfword) => halfword).filter((it) => it >>> 8 !== 0xbf),
      ...Array.from({ length: PER_FORM * 1000 }, () => (random() | 0xe8000000) >>> 0),
    ];
    const theirs = disassembleWords(words, 'thumb');
    const wrong: string[] = [];
    for (const [i, word] of words.entries()) {
      const text = theirs[i]!;
      const decoded = decodeT32(word);
      const they = !/<undefined>|UNPREDICTABLE|illegal shifter operand|\?\?/i.test(text);
      const we = decoded !== undefined && !isUnpredictable(decoded.encoding, word, decoded.fields);
      const unpredictable = decoded !== undefined && !we;
      if (they !== we && !unpredictable && !differences.some(([, when]) => when(word, text)))
        wrong.push(`${hex(word)} ${decoded?.name ?? '-'} | ${text}`);
    }
    expect(wrong).toEqual([]);
  });
});

/** A label says where, not how: two encodings may reach the same place. */
function sameAddress(a: number, b: number, address: number): boolean {
  const [left, right] = [a, b].map((word) => disassembleT32(word, { address })!.comment);
  return (
    left !== undefined &&
    left === right &&
    decodeT32(a)!.encoding.operation === decodeT32(b)!.encoding.operation
  );
}

/** `adds r0, r0, #1` and `adds r0, #1`. */
function sameRegister(a: string, b: string): boolean {
  return a === b.replace(/^(\w+) (\w+), \2, /, '$1 $2, ') || b === a.replace(/^(\w+) (\w+), \2, /, '$1 $2, ');
}

const isCoprocessor = (word: number): boolean => ((word >>> 24) & 0xec) === 0xec && ((word >>> 24) & 3) < 3;

/** Where objdump's idea of the instruction set is another than the ARMv7-A manual's. */
const differences: readonly (readonly [why: string, when: (word: number, text: string) => boolean])[] = [
  ['ARMv8 instructions', (_, text) => /^(setpan|hlt|crc32|stl|lda)/.test(text)],
  [
    'stores relative to PC are UNDEFINED; objdump shows them',
    (_, text) => /^str\w*(\.w)? \w+, \[pc/.test(text),
  ],
  [
    'objdump does not look at bits 6 to 11 of loads and stores with an index register',
    (word, text) => /^(pl|ldr|str).* ?\[\w+, \w+(, lsl #\d)?\]$/.test(text) && ((word >>> 6) & 0x3f) !== 0,
  ],
  ['VFP and Advanced SIMD are not in this table', (word) => isSimd(word)],
  [
    'coprocessors of later architectures: MVE, custom datapath, low overhead loops',
    (word) => isCoprocessor(word),
  ],
];

function isSimd(word: number): boolean {
  const top = word >>> 24;
  return (
    (top | 0x10) === 0xff ||
    (top === 0xf9 && ((word >>> 20) & 1) === 0) ||
    (isCoprocessor(word) && [10, 11].includes((word >>> 8) & 15))
  );
}

/** What objdump prints otherwise, or takes for something else. */
const otherwise: Exception[] = [
  [
    'coprocessors are those of old or later cores to objdump; the common ones are looked at in A32',
    ({ encoding }) =>
      ['CDP', 'MCR', 'MRC', 'MCRR', 'MRRC', 'LDC', 'LDC_lit', 'STC'].includes(encoding.operation),
  ],
  [
    'objdump takes a literal for an unprivileged load',
    ({ encoding }, text) => /_lit_T\d$/.test(encoding.name) && /^ldr\w*t\b/.test(text),
  ],
  ['MOV R8, R8 was NOP before there was one', ({ word }) => word === 0x46c0],
  [
    'objdump leaves out -0',
    ({ fields, encoding }) =>
      (fields['U'] === 0 || /^PL.*imm_T2$/.test(encoding.name)) &&
      (fields['imm8'] === 0 || fields['imm12'] === 0),
  ],
  [
    'objdump leaves out the 0 of a write-back, and its !',
    ({ fields, encoding }) => /^(LDRD|STRD)_imm/.test(encoding.name) && fields['imm8'] === 0,
  ],
];

/** Our text, where objdump has other words for the same. */
function likeObjdump(text: string): string {
  const plain = text.replace(/^(\w+)\.[wn]\b/, '$1').replace(/, #0\]/, ']');
  // Constants are unsigned to objdump, offsets are not.
  return plain.includes('[')
    ? plain
    : plain.replace(/#-(\d+)$/, (_, digits: string) => `#${2 ** 32 - Number(digits)}`);
}

/** The option and hint numbers that objdump knows by ARMv8's, or its own, names. */
const barriers: Readonly<Record<string, number>> = {
  ssbb: 0,
  oshld: 1,
  pssbb: 4,
  nshld: 5,
  ishld: 9,
  dfb: 12,
  ld: 13,
};
const hints: Readonly<Record<string, number>> = {
  sevl: 5,
  esb: 16,
  psb: 17,
  tsb: 18,
  csdb: 20,
  pacbti: 13,
  bti: 15,
  pac: 29,
  aut: 45,
};

/** objdump's text, where we have other words for the same. */
function likeUs(text: string): string {
  return likeObjdump(text.replace(/ *[@;].*$/, ''))
    .replace(/^((?:cbn?z \w+,)|(?:bl?x?(?:[a-z]{2})?)) ([0-9a-f]+) <.*$/, '$1 0x$2')
    .replace(
      /^(bkpt|svc|udf|hvc|smc) #?(\w+)$/,
      (_, name: string, value: string) => `${name} #${Number(value)}`,
    )
    .replace(/^neg(s|eq)? (\w+), (\w+)$/, 'rsb$1 $2, $3, #0')
    .replace(/^(mul(?:s|eq)?) (\w+), (\w+)$/, '$1 $2, $3, $2')
    .replace(/^(ldm|stm)ia/, '$1')
    .replace(/^ldm sp!, /, 'pop ')
    .replace(/^stmdb sp!, /, 'push ')
    .replace(/^ldr (\w+), \[sp\], #4$/, 'pop {$1}')
    .replace(/^str (\w+), \[sp, #-4\]!$/, 'push {$1}')

    .replace(/^mov(s?) (\w+), (\w+), (lsl|lsr|asr|ror) (#\d+)$/, '$4$1 $2, $3, $5')
    .replace(/^mov(s?) (\w+), (\w+), rrx$/, 'rrx$1 $2, $3')
    .replace(/^([su]sat.*) asr #0$/, '$1 asr #32')
    .replace(/ROR #/, 'ror #')
    .replace(/^(cps\w+ \w+),#/, '$1, #')
    .replace(/^subs pc, lr, #0$/, 'eret')
    .replace(/^(ssbb|pssbb|dfb)$/, (name) => `dsb #${barriers[name]!}`)
    .replace(/^(d[ms]b) un(st)?$/, '$1 nsh$2')
    .replace(
      /^(d[ms]b) (oshld|nshld|ishld|ld)$/,
      (_, name: string, option: string) => `${name} #${barriers[option]!}`,
    )
    .replace(
      /^(sevl|esb|psb|tsb|csdb|pacbti|bti|pac|aut)\b.*$/,
      (_, name: string) => `nop {${hints[name]!}}`,
    );
}
