import { beforeAll, describe, expect, test } from 'vitest';
import { a32Encodings } from '../../src/isa/a32/index.js';
import { encodeA32 } from '../../src/isa/assembler.js';
import { claimsOfA32, decodeA32 } from '../../src/isa/decoder.js';
import { disassembleA32 } from '../../src/isa/disassembler.js';
import { coderOf, isUnpredictable } from '../../src/isa/encoding.js';
import type { Site } from '../../src/isa/operands.js';
import { neon } from '../../src/isa/neon/index.js';
import { vfp } from '../../src/isa/vfp/index.js';
import { hex } from '../support/hex.js';
import { assembleLines, disassembleWords, requireBinutils } from './binutils.js';
import type { Sample } from './generate.js';
import { call, randomWords, samples, seed, unreached } from './generate.js';

const PER_FORM = Number(process.env['ARM_SAMPLES'] ?? 40);
// Those of the extensions have a test of their own.
const coreEncodings = a32Encodings.filter(({ name }) => !(name in vfp) && !(name in neon));
const all = samples(coreEncodings, PER_FORM, 1);
const site = (address: number): Site => ({
  address,
  pcAhead: 8,
  locate: () => {
    throw new Error('no labels');
  },
});

/** Instructions where the second opinion is known to be wrong or silent, with the reason. */
type Exception = readonly [why: string, when: (sample: Sample, text: string) => boolean];
const excused = (exceptions: readonly Exception[], sample: Sample, text: string): boolean =>
  exceptions.some(([, when]) => when(sample, text));

beforeAll(requireBinutils);

describe(`A32 encodings (ARM_SEED=${seed})`, () => {
  test('every form of every encoding is reached', () => {
    expect(unreached(coreEncodings, all)).toEqual([]);
  });

  test('SEE clauses name entries of the table, or the VFP chapter', () => {
    const names = new Set([...a32Encodings.map(({ name }) => name), 'VFP']);
    expect(
      a32Encodings.flatMap(({ see }) => see.map(({ name }) => name)).filter((it) => !names.has(it)),
    ).toEqual([]);
  });

  test('the decoder finds the encoding again', () => {
    const wrong = all.filter(({ word, encoding }) => decodeA32(word)?.encoding !== encoding);
    expect(wrong.map(({ word, encoding }) => `${hex(word)} ${encoding.name}`)).toEqual([]);
  });

  test('no word has two encodings, where the diagrams of two overlap', () => {
    const random = randomWords(2);
    const twice: string[] = [];
    for (const [i, { pattern: a }] of a32Encodings.entries()) {
      for (const { pattern: b } of a32Encodings.slice(i + 1)) {
        if (((a.value ^ b.value) & a.mask & b.mask) !== 0) continue;
        for (let n = 0; n < 100; n++) {
          const fixed = (a.mask | b.mask) >>> 0;
          const word = ((random() & ~fixed) | a.value | b.value) >>> 0;
          const claims = claimsOfA32(word);
          if (claims.length > 1) twice.push(`${hex(word)} ${claims.map(({ name }) => name).join(' ')}`);
        }
      }
    }
    expect(twice).toEqual([]);
  });

  test('the builder encodes the operands to the same word', () => {
    const exceptions: Exception[] = [
      [
        'a label says where, not how: the encoding may be another of the same operation, for the same address',
        (sample, text) =>
          disassembleA32(sample.word)!.comment === disassembleA32(parseInt(text, 16))!.comment &&
          sample.form.places.some((place) => place.kind === 'operand' && coderOf(place.name).address),
      ],
      [
        'MOV of a number that is a modified immediate too is encoded as A1',
        ({ encoding, form }) => encoding.name === 'MOV_imm_A2' && form.mnemonic.base === 'mov',
      ],
    ];
    const wrong: string[] = [];
    for (const [i, sample] of all.entries()) {
      const { name, operands } = call(sample, site(i * 4));
      const word = encodeA32(name, operands, site(i * 4));
      const text = `${hex(word)} for ${hex(sample.word)} ${sample.encoding.name} ${name}`;
      // An exception may give another encoding, but one of the same operation.
      const operation = decodeA32(word)?.encoding.operation;
      if (
        word !== sample.word &&
        !(excused(exceptions, sample, text) && operation === sample.encoding.operation)
      )
        wrong.push(text);
    }
    expect(wrong).toEqual([]);
  });

  test('GNU as assembles our text to the same word', () => {
    const exceptions: Exception[] = [
      [
        'as takes the number of ADD and SUB to PC as signed, and prefers the other of the two',
        ({ encoding }, text) => encoding.operation === 'ADR' && / #-\d+$/.test(text),
      ],
      ['as wants an aligned place to store PC relative to PC', (_, text) => /^str\w* pc, \[pc, #/.test(text)],
      [
        'as knows no rotation in MSR (immediate)',
        ({ encoding }, text) => encoding.name === 'MSR_imm_A1' && /#\d+, \d+$/.test(text),
      ],
      [
        'as takes no flags as the destination of MRC2',
        ({ encoding }, text) => encoding.name === 'MRC_A2' && text.includes('APSR'),
      ],
      [
        'coprocessor 9 is the half-precision one to as, which scales offsets by 2',
        (_, text) => /^(ldc|stc).* p9,/.test(text),
      ],
    ];
    const texts = all.map(({ word }, i) => {
      const shown = disassembleA32(word, {
        address: i * 4,
        // as resolves no absolute targets without a linker.
        symbol: (target) => `. + ${(target - i * 4) | 0}`,
      })!;
      return `${shown.mnemonic} ${shown.operands}`.trim();
    });
    const words = assembleLines(texts);
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
    const theirs = disassembleWords(all.map(({ word }) => word));
    const wrong = all.flatMap((sample, i) => {
      const shown = disassembleA32(sample.word, { address: i * 4 })!;
      const ours = likeObjdump(`${shown.mnemonic} ${shown.operands}`.trim());
      return ours === likeUs(theirs[i]!) || excused(newer, sample, theirs[i]!)
        ? []
        : [`${hex(sample.word)} ${sample.encoding.name}: ${ours} | ${likeUs(theirs[i]!)}`];
    });
    expect(wrong).toEqual([]);
  });

  test('a word is an instruction to objdump exactly where it is one to us', () => {
    const random = randomWords(3);
    // Half of them unconditional, or too few are.
    const words = Array.from(
      { length: PER_FORM * 1000 },
      (_, i) => (i % 2 ? random() | 0xe0000000 : random()) >>> 0,
    );
    const theirs = disassembleWords(words);
    const wrong: string[] = [];
    for (const [i, word] of words.entries()) {
      const text = theirs[i]!;
      const decoded = decodeA32(word);
      const they = !/<UNDEFINED>|UNPREDICTABLE|illegal shifter operand/.test(text);
      const we = decoded !== undefined && !isUnpredictable(decoded.encoding, word, decoded.fields);
      // What the manual calls UNPREDICTABLE, objdump calls that, or UNDEFINED, or nothing, as it happens.
      const unpredictable = decoded !== undefined && !we;
      if (they !== we && !unpredictable && !differences.some(([, when]) => when(word, text)))
        wrong.push(`${hex(word)} ${decoded?.name ?? '-'} | ${text}`);
    }
    expect(wrong).toEqual([]);
  });
});

/** Where objdump's idea of the instruction set is another than the ARMv7-A manual's. */
const differences: readonly (readonly [why: string, when: (word: number, text: string) => boolean])[] = [
  [
    'coprocessors 10 and 11 and the Advanced SIMD space are not in this table',
    (word) =>
      isCoprocessor(word, [10, 11]) ||
      word >>> 25 === 0x79 ||
      (word >>> 24 === 0xf4 && ((word >>> 20) & 1) === 0),
  ],
  [
    'to objdump, coprocessors 0 to 6, 8 and 9 are those of old or later cores (FPA, Maverick, iWMMXt, fp16)',
    (word) => isCoprocessor(word, [0, 1, 2, 3, 4, 5, 6, 8, 9]),
  ],
  [
    'LDC and STC with P, U, D and W all 0 are UNDEFINED; objdump shows them as unindexed',
    (word) => ((word >>> 21) & 0x7f) === 0x60,
  ],
  [
    'objdump does not look at S of TST, TEQ, CMP and CMN, nor at bits 4 and 7 of the miscellaneous instructions there',
    (word) => ((word >>> 23) & 0x1f) === 2 && ((word >>> 20) & 1) === 0 && word >>> 28 !== 15,
  ],
  [
    'objdump calls a halfword, doubleword or signed byte with its own index register UNPREDICTABLE',
    (word, text) =>
      /^(strh|strd|ldrh|ldrs[bh]).*UNPREDICTABLE/.test(text) && (word & 15) === ((word >>> 12) & 15),
  ],
  ['objdump does not look at bits 4 to 7 of SETEND', (_, text) => text.startsWith('setend')],
  [
    'objdump calls shifts to PC by a constant UNPREDICTABLE, the manual does not',
    (_, text) => /^(lsl|lsr|asr|ror|rrx)\w* pc, .*UNPREDICTABLE/.test(text),
  ],
  [
    'ARMv8 instructions',
    (_, text) => /^(hlt|crc32|lda|stl|v[a-z]+\.(bf16|f16|[su]8)|setpan|esb|sevl|csdb|dcps|sb\b)/.test(text),
  ],
  [
    'objdump does not look at bit 4 of PLD and PLI (register)',
    (word) => word >>> 25 === 0x7b && ((word >>> 4) & 1) === 1,
  ],
];

function isCoprocessor(word: number, numbers: readonly number[]): boolean {
  const group = (word >>> 24) & 15;
  return group >= 12 && group <= 14 && numbers.includes((word >>> 8) & 15);
}

/** Samples that objdump takes for something else. */
const newer: Exception[] = [
  [
    'coprocessors 0 to 6, 8 and 9 are those of old or later cores to objdump, and 15 holds one instruction of MVE',
    ({ encoding, fields }, text) =>
      ['CDP', 'MCR', 'MRC', 'MCRR', 'MRRC', 'LDC', 'LDC_lit', 'STC'].includes(encoding.operation) &&
      [0, 1, 2, 3, 4, 5, 6, 8, 9, 15].includes(fields['coproc']!) &&
      !text.startsWith(encoding.operation.slice(0, 3).toLowerCase()),
  ],
  [
    'ARMv8 has instructions of its own in the space of the unconditional ones of coprocessors',
    ({ encoding }, text) => encoding.name.endsWith('_A2') && text.startsWith('v'),
  ],
  [
    'objdump shows a write-back or post-indexed LDC or STC with offset 0 as one without',
    (_, text) => /^(ldc|stc)/.test(text) && /\[\w+(, #-0)?\]$/.test(text),
  ],
  [
    'objdump shows the flags as the destination of MRC2 as pc',
    ({ encoding, fields }) => encoding.name === 'MRC_A2' && fields['Rt'] === 15,
  ],
  [
    'coprocessor 9 is the half-precision one to objdump, which scales offsets by 2',
    (_, text) => /^(ldc|stc)\w* 9,/.test(text),
  ],
  [
    'objdump leaves out the condition of SEVL',
    ({ encoding }, text) => encoding.name === 'HINT_A1' && text === 'sevl',
  ],
  ['MOV R0, R0 was NOP before there was one', ({ word }) => word === 0xe1a00000],
];

/** Our text as objdump has it. */
function likeObjdump(text: string): string {
  return text.replace(/^((?:ldr|str)(?:ex)?d\w* .*?)(\w+), \w+, \[/, '$1$2, [');
}

/** The option numbers that objdump knows by ARMv8's, or its own, names. */
const barrierNumbers: Readonly<Record<string, number>> = {
  ssbb: 0,
  oshld: 1,
  pssbb: 4,
  nshld: 5,
  ishld: 9,
  ld: 13,
};
const hintNumbers: Readonly<Record<string, number>> = { sevl: 5, esb: 16, psb: 17, tsb: 18, csdb: 20 };

/** objdump's text as we have it. */
function likeUs(text: string): string {
  return text
    .replace(/ *@.*$/, '')
    .replace(/\br(1[0-5])\b/g, (_, n: string) => ['sl', 'fp', 'ip', 'sp', 'lr', 'pc'][Number(n) - 10]!)
    .replace(/^([su]sat.*) asr #0$/, '$1 asr #32')
    .replace(/^((?:cdp|mcr|mrc|mrrc|ldc|stc)\w*) (\d+), /, '$1 p$2, ')
    .replace(/\bcr(\d+)\b/g, 'c$1')
    .replace(/^((?:cdp|mcr|mrc)\w* .*), \{(\d+)\}$/, '$1, $2')
    .replace(/^stmia/, 'stm')
    .replace(/ROR #/, 'ror #')
    .replace(/^(cps\w+ \w+),#/, '$1, #')
    .replace(/^(bl?x?(?:[a-z]{2})?) ([0-9a-f]+) <.*$/, '$1 0x$2')
    .replace(
      /^((?:svc|bkpt|hvc|smc)\w*) (\w+)$/,
      (_, name: string, value: string) => `${name} #${Number(value)}`,
    )
    .replace(/^(nop\w*) \{0\}$/, '$1')
    .replace(
      /^(sevl|esb|psb|tsb|csdb)([a-z]{2})?(?: csync)?$/,
      (_, name: string, cond = '') => `nop${cond as string} {${hintNumbers[name]!}}`,
    )
    .replace(/^dfb$/, 'dsb #12')
    .replace(/^(ssbb|pssbb)$/, (name) => `dsb #${barrierNumbers[name]!}`)
    .replace(/^(d[ms]b) un(st)?$/, '$1 nsh$2')
    .replace(
      /^(d[ms]b) (oshld|nshld|ishld|ld)$/,
      (_, name: string, option: string) => `${name} #${barrierNumbers[option]!}`,
    );
}
