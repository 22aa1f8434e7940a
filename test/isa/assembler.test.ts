import { describe, expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { assembler } from '../../src/isa/assembler.js';
import { bits, bitsOf } from '../../src/isa/bits.js';
import { HypberryError } from '../../src/base/errors.js';
import { MODE_HYP, PSR } from '../../src/isa/program-status.js';
import { c, lr, lsl, minus, p15, pc, r0, r1, r2, r3, ror, sp } from '../../src/isa/registers.js';
import {
  CNTVOFF,
  CNTPCT,
  HSR,
  ICIALLU,
  MIDR,
  SCR,
  SCTLR,
  TTBR0_64,
  VTTBR,
} from '../../src/isa/system-registers.js';
import { assembleLines, requireBinutils } from './binutils.js';

const wordsOf = (a: Assembler): number[] => [...new Uint32Array(a.assemble().buffer)];

function refusal(code: (a: Assembler) => void): HypberryError {
  const a = assembler();
  try {
    code(a);
    a.assemble();
  } catch (error) {
    if (error instanceof HypberryError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the builder', () => {
  test('reads like the assembly language it makes', () => {
    requireBinutils();
    const a = assembler();
    const loop = a.label('loop');
    const data = a.label('data');
    a.adcs(r0, r1, r2, lsl(3));
    a.at(loop);
    a.ldr(r0, [r1, 4]);
    a.ldr(r0, [r1, 4], '!');
    a.ldr(r0, [r1], -4);
    a.ldr(r0, [r1, minus(r2), ror(4)]);
    a.ldrd(r2, r3, [sp]);
    a.ldm(sp, '!', [r0, pc], '^');
    a.bne(loop);
    a.bleq(data);
    a.ldr(r3, data);
    a.adr(r3, loop);
    a.mrc(SCTLR, r0);
    a.mrc(p15, 0, r0, c(1), c(0), 0);
    a.mcrr(CNTVOFF, r0, r1);
    a.msr('SPSR_fsxc', r0);
    a.mrs(r1, 'ELR_hyp');
    a.cpsid('aif', MODE_HYP);
    a.wfene();
    a.dsb();
    a.movs(pc, lr);
    a.at(data);
    a.word(0xdeadbeef);
    const text = `adcs r0, r1, r2, lsl #3
      loop: ldr r0, [r1, #4]
      ldr r0, [r1, #4]!
      ldr r0, [r1], #-4
      ldr r0, [r1, -r2, ror #4]
      ldrd r2, r3, [sp]
      ldm sp!, {r0, pc}^
      bne loop
      bleq data
      ldr r3, data
      adr r3, loop
      mrc p15, 0, r0, c1, c0, 0
      mrc p15, 0, r0, c1, c0, 0
      mcrr p15, 4, r0, r1, c14
      msr spsr_fsxc, r0
      mrs r1, elr_hyp
      cpsid aif, #0x1a
      wfene
      dsb
      movs pc, lr
      data: .word 0xdeadbeef`;
    expect(wordsOf(a)).toEqual(assembleLines(text.split('\n').map((line) => line.trim())));
  });

  test('places code and data, and tells what stands where', () => {
    const a = assembler(0x8000);
    const end = a.label('end');
    a.note('go on at the end');
    a.b(end);
    a.org(0x8010);
    a.at(end);
    a.word(end, 1);
    expect(wordsOf(a)).toEqual([0xea000002, 0, 0, 0, 0x8010, 1]);
    expect(a.items().map(({ address, kind, labels, note }) => ({ address, kind, labels, note }))).toEqual([
      { address: 0x8000, kind: 'instruction', labels: [], note: 'go on at the end' },
      { address: 0x8004, kind: 'fill', labels: [], note: undefined },
      { address: 0x8010, kind: 'data', labels: ['end'], note: undefined },
      { address: 0x8014, kind: 'data', labels: [], note: undefined },
    ]);
  });

  test('refuses operands that cannot be encoded, and says why', () => {
    const cases: [(a: Assembler) => void, string, string][] = [
      [
        (a) => {
          a.orr(r0, r0, 0x1da);
        },
        'asm.immediate',
        'orr: 0x1da cannot be a modified immediate: no rotation of 8 bits gives it',
      ],
      [
        (a) => {
          a.ldr(r0, [r1, 4096]);
        },
        'asm.range',
        'ldr: 0x1000 is outside -0xfff to 0xfff',
      ],
      [
        (a) => {
          a.lsl(r0, r1, 32);
        },
        'asm.range',
        'lsl: 0x20 is outside 0 to 0x1f',
      ],
      [
        (a) => {
          a.stm(r0, [r1, r1]);
        },
        'asm.registers',
        'stm: r1 stands twice in a register list',
      ],
      [
        (a) => {
          a.ldrd(r0, r2, [r1]);
        },
        'asm.registers',
        'ldrd: r2 does not follow r0',
      ],
      [
        (a) => {
          a.mul(r0, pc, r1);
        },
        'asm.unpredictable',
        'mul: MUL_A1 is UNPREDICTABLE where Rd == 15 || Rn == 15 || Rm == 15',
      ],
      [
        (a) => {
          a.b(a.label('nowhere'));
        },
        'asm.label',
        'b: label nowhere is used but was never placed',
      ],
      [
        (a) => {
          a.b(0x4000000);
        },
        'asm.reach',
        'b: 0x4000000 cannot be reached from 0: a branch goes 32 MiB either way, in steps of 4 bytes',
      ],
      [
        (a) => {
          a.nop();
          a.nop();
          a.org(4);
        },
        'asm.org',
        'the code is at 8, past 4 already',
      ],
      [
        (a) => {
          // @ts-expect-error no register is a shift
          a.add(r0, r1, r2, r3);
        },
        'asm.operands',
        'add takes no such operands',
      ],
      [
        (a) => {
          // @ts-expect-error the register cannot be read
          a.mrc(ICIALLU, r0, r0);
        },
        'asm.operands',
        'mrc takes no such operands',
      ],
    ];
    for (const [code, expected, sentence] of cases) {
      const { code: found, message } = refusal(code);
      expect([found, message]).toEqual([expected, sentence]);
    }
  });

  test('refuses by types what types can tell', () => {
    // Never called: the compiler is the test.
    const refused = (a: Assembler): void => {
      // @ts-expect-error MIDR is read-only
      a.mcr(MIDR, r0);
      // @ts-expect-error ICIALLU is write-only
      a.mrc(ICIALLU, r0);
      // @ts-expect-error CNTPCT is read-only
      a.mcrr(CNTPCT, r0, r1);
      // @ts-expect-error a memory operand is an array
      a.ldr(r0, r1);
      // @ts-expect-error no such mask
      a.msr('SPSR_all', r0);
      // @ts-expect-error BL does not set flags
      a.bls(r0);
      // @ts-expect-error SCR has no such bit
      bits(SCR, { NX: 1 });
    };
    expect(refused).toBeTypeOf('function');
    // @ts-expect-error BX has no S
    const noS: keyof Assembler = 'bxs';
    expect(noS in assembler()).toBe(false);
  });
});

describe('named bits', () => {
  test('compose to values and come out of them', () => {
    expect(bits(SCR, { NS: 1, HCE: 1 })).toBe(0x101);
    expect(bits(PSR, { M: MODE_HYP, A: 1, I: 1, F: 1 })).toBe(0x1da);
    expect(bits(HSR, { EC: 0x3f })).toBe(0xfc000000);
    expect(bits(VTTBR, { VMID: 5, BADDR: 0x80000000 })).toBe(0x0005000080000000n);
    expect(bits(TTBR0_64, {})).toBe(0n);
    expect(bitsOf(HSR, 'EC', 0xfc000000)).toBe(0x3f);
    expect(bitsOf(PSR, 'M', 0x600001da)).toBe(MODE_HYP);
  });

  test('refuse a value that is too wide', () => {
    expect(() => bits(PSR, { M: 0x20 })).toThrow('PSR.M has 5 bits, too few for 32');
    expect(() => bits(SCR, { NS: -1 })).toThrow('SCR.NS has 1 bits');
  });
});
