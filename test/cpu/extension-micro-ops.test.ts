import { describe, expect, test } from 'vitest';
import { multiplyAdd } from '../../src/cpu/float/arithmetic.js';
import type { Environment } from '../../src/cpu/float/environment.js';
import { double, single } from '../../src/cpu/float/format.js';
import { extensionLowerings } from '../../src/cpu/extension-lowerings.js';
import type { Cpu } from '../../src/cpu/cpu.js';
import type { Decoded } from '../../src/cpu/instruction.js';
import * as L from '../../src/cpu/layout.js';
import { setCpsr } from '../../src/cpu/modes.js';
import { slowInstruction } from '../../src/cpu/slow/index.js';
import { contextsChanged } from '../../src/cpu/tlb.js';
import { vectors } from '../../src/cpu/vector-lowerings.js';
import { assembler } from '../../src/isa/assembler.js';
import { MODE_SVC, MODE_USR } from '../../src/isa/program-status.js';
import { decodeA32 } from '../../src/isa/decoder.js';
import { d, q, s } from '../../src/isa/extension-registers.js';
import { FZ, IDC, IXC, QC, UFC } from '../../src/isa/fpscr-masks.js';
import { r1 } from '../../src/isa/registers.js';
import { CPACR } from '../../src/isa/system-registers.js';
import { randomWords, seed } from '../isa/generate.js';
import { ramWords } from '../support/ram.js';
import { differences, extensionEncodings, makeCases, runCase } from './extension-cases.js';
import { LOAD_ADDRESS, type Program, userCpu } from './machines.js';

const COUNT = Number(process.env['CPU_CASES'] ?? 60);
const BATCH = 20;
/** Cases of fused operations. */
const CASES = 50 * COUNT;
const FPEXC_EN = 1 << 30;

/** A processor whose extensions are on, and what it had TypeScript execute, by the instruction's word. */
async function counted(): Promise<{ cpu: Cpu; slow: Map<number, number> }> {
  const cpu = await userCpu();
  const slow = new Map<number, number>();
  const { machine: m } = cpu;
  m.u32[L.FPEXC >>> 2] = FPEXC_EN;
  const { instructions } = m;
  instructions.push = (decoded: Decoded): number => {
    const { execute, word } = decoded;
    instructions[instructions.length] = {
      ...decoded,
      execute: (...them) => {
        slow.set(word, (slow.get(word) ?? 0) + 1);
        execute(...them);
      },
    };
    return instructions.length;
  };
  return { cpu, slow };
}

/** Whether an instruction's text names singles or half-precision numbers, or estimates. */
function isOfFloats(word: number): boolean {
  const { encoding, fields } = decodeA32(word)!;
  const form = encoding.forms.find(({ when }) => when.test(fields))!;
  return /\.f|^vrecpe|^vrsqrte/i.test(`${encoding.operation}${form.mnemonic.type}`);
}

function runProgram(cpu: Cpu, { image, data }: Program): Uint32Array {
  cpu.memory.load(LOAD_ADDRESS, image);
  cpu.machine.u32[L.PC >>> 2] = LOAD_ADDRESS;
  expect(cpu.run(2e9)).toBe('idle');
  expect(cpu.machine.u32[L.PC >>> 2]).toBe(0x0c);
  return ramWords(cpu, LOAD_ADDRESS + data, (image.length - data) / 4).slice();
}

test(`micro-ops of extensions do what the slow instructions do (ARM_SEED=${seed})`, async () => {
  const encodings = extensionEncodings.filter(({ operation }) => operation in extensionLowerings);
  const reference = await counted();
  const wrong: string[] = [];
  for (let i = 0; i < encodings.length; i += BATCH) {
    const batch = encodings.slice(i, i + BATCH);
    const { cases, built } = makeCases(batch, COUNT, 57 + i);
    const { cpu, slow } = await counted();
    const here = runProgram(cpu, built);
    const start = LOAD_ADDRESS + built.data;
    for (const it of cases) {
      const at = (it.address - start) / 4;
      const there = runCase(reference.cpu, it);
      const differs = differences(it, here.subarray(at, at + there.length), there, 'exactly');
      if (differs.length) wrong.push(`${it.encoding.name} ${it.word.toString(16)}: ${differs.join('; ')}`);
    }
    for (const encoding of batch) {
      const of = cases.filter((it) => it.encoding === encoding);
      const bySlow = [...new Set(of.map(({ word }) => word))].reduce(
        (sum, it) => sum + (slow.get(it) ?? 0),
        0,
      );
      // Integers in vectors have no uncommon case; the first instruction finds out who may.
      const always = encoding.operation in vectors && of.every(({ word }) => !isOfFloats(word));
      if (always && bySlow > 1) wrong.push(`${encoding.name}: ${bySlow} times not by the micro-op`);
      // Else it would be the slow way that is compared with itself.
      if (bySlow >= of.length) wrong.push(`${encoding.name}: never by the micro-op`);
    }
  }
  expect(wrong.slice(0, 20)).toEqual([]);
}, 300_000);

/**
 * Numbers of few bits, whose sums and products lie on halves, or beside: what is wrong by a bit that was rounded away
 * shows there.
 */
test.each([
  ['f32', 23, 127, single],
  ['f64', 52, 1023, double],
] as const)('fused operations on %s round once', async (size, fractionBits, bias, format) => {
  const { cpu, slow } = await counted();
  const { machine: m } = cpu;
  const a = assembler(0);
  if (size === 'f64') a['vfma.f64'](d(0), d(1), d(2));
  else a['vfma.f32'](s(0), s(2), s(4));
  const word = new Uint32Array(a.assemble().buffer)[0]!;
  ramWords(cpu, LOAD_ADDRESS, 2).set([word, 0xef000000]);
  const random = randomWords(91);
  const sparse = (spread: number): bigint => {
    let fraction = random() % 8 ? 0n : -1n;
    for (let bits = random() % 3; bits > 0; bits--)
      fraction ^= 1n << BigInt(random() % 2 ? 0 : random() % fractionBits);
    // Often so that the lowest bit of one is the highest of another.
    const exponent = bias + (random() % 2 ? (random() % (2 * spread + 1)) - spread : spread - (random() % 2));
    const sign = BigInt(random() & 1) << (format.width - 1n);
    return sign | (BigInt(exponent) << BigInt(fractionBits)) | BigInt.asUintN(fractionBits, fraction);
  };
  // d + (1 + u) * (1 - u), u the last bit of 1, is a bit less than the half between two numbers, for d near 2 / u.
  const one = BigInt(bias) << BigInt(fractionBits);
  const edges = [0n, 1n, 2n, 3n].map(
    (n) => [(BigInt(bias + fractionBits + 1) << BigInt(fractionBits)) | n, one + 1n, one - 2n] as const,
  );
  const registers = new BigUint64Array(m.u8.buffer, L.D0, 3);
  const wrong: string[] = [];
  for (let i = 0; i < CASES; i++) {
    const [addend, x, y] =
      i < edges.length
        ? edges[i]!
        : [sparse(random() % 2 ? fractionBits + 1 : 2 * fractionBits + 4), sparse(1), sparse(1)];
    registers.set([addend, x, y]);
    m.u32[L.FPSCR >>> 2] = 0;
    setCpsr(m, MODE_USR);
    // What was found before still holds: it is the mode of then.
    m.u32[L.EXTENSION_ACCESS >>> 2] = L.ACCESS_VFP;
    m.u32[L.PC >>> 2] = LOAD_ADDRESS;
    for (const core of cpu.machine.cores) core.waiting = 'no';
    cpu.run(cpu.time + 1000);
    const env: Environment = {
      rounding: 0,
      flushToZero: false,
      defaultNaN: false,
      alternativeHalf: false,
      flags: 0,
    };
    const expected = multiplyAdd(format, addend, x, y, env);
    const [result, flags] = [BigInt.asUintN(Number(format.width), registers[0]!), m.u32[L.FPSCR >>> 2]!];
    if (result !== expected || flags !== env.flags)
      wrong.push(
        `${addend.toString(16)} + ${x.toString(16)} * ${y.toString(16)}: ${result.toString(16)} and not ${expected.toString(16)}, flags ${flags} and not ${env.flags}`,
      );
  }
  expect(wrong.slice(0, 10)).toEqual([]);
  expect(slow.get(word) ?? 0).toBeLessThan(CASES / 20);
});

/** Zeros, subnormal numbers, those beside them, small, large and infinite ones: what may be flushed, rounded or lost. */
function edgesOf(fractionBits: number, bias: number): bigint[] {
  const one = BigInt(bias) << BigInt(fractionBits);
  const least = 1n << BigInt(fractionBits);
  const infinity = BigInt(2 * bias + 1) << BigInt(fractionBits);
  const positive = [
    ...[0n, 1n, least - 1n, least, least + 1n, 2n * least, 2n * least + 1n],
    ...[one, one + 1n, one + BigInt(fractionBits) * least, infinity - least, infinity - 1n, infinity],
  ];
  return [...positive, ...positive.map((it) => it | (infinity + least))];
}

test.each([
  ['f32', 23, 127],
  ['f64', 52, 1023],
] as const)(
  'scalars of %s at the edges, flushed or not, Inexact set or not',
  async (size, fractionBits, bias) => {
    const { cpu, slow } = await counted();
    const { machine: m } = cpu;
    const reference = (await counted()).cpu.machine;
    const a = assembler(0);
    const of = (double: () => void, single: () => void): void => {
      if (size === 'f64') double();
      else single();
    };
    for (const name of ['vadd', 'vsub', 'vmul', 'vnmul', 'vdiv'] as const)
      of(
        () => {
          a[`${name}.f64`](d(0), d(1), d(2));
        },
        () => {
          a[`${name}.f32`](s(0), s(2), s(4));
        },
      );
    for (const name of ['s32', 'u32'] as const)
      of(
        () => {
          a[`vcvt.${name}.f64`](s(0), d(1));
        },
        () => {
          a[`vcvt.${name}.f32`](s(0), s(2));
        },
      );
    const words = [...new Uint32Array(a.assemble().buffer)];
    const edges = edgesOf(fractionBits, bias);
    const registers = new BigUint64Array(m.u8.buffer, L.D0, 3);
    const wrong: string[] = [];
    for (const word of words) {
      const { encoding, fields } = decodeA32(word)!;
      const execute = slowInstruction(encoding.operation)!;
      cpu.memory.load(LOAD_ADDRESS, new Uint8Array(Uint32Array.of(word, 0xef000000).buffer));
      let cases = 0;
      for (const before of [0, IXC, FZ, FZ | IXC])
        for (const x of edges)
          for (const y of encoding.operation.startsWith('VCVT') ? [0n] : edges) {
            cases++;
            registers.set([0n, x, y]);
            const state = m.u32.slice(L.D0 >>> 2, (L.D0 >>> 2) + 6);
            reference.u32.set(state, L.D0 >>> 2);
            for (const machine of [m, reference]) machine.u32[L.FPSCR >>> 2] = before;
            setCpsr(m, MODE_USR);
            m.u32[L.EXTENSION_ACCESS >>> 2] = L.ACCESS_VFP;
            m.u32[L.PC >>> 2] = LOAD_ADDRESS;
            for (const core of m.cores) core.waiting = 'no';
            cpu.run(cpu.time + 1000);
            execute(reference, fields, { word, encoding, fields, execute });
            const [here, there] = [m, reference].map(({ u32 }) =>
              [u32[(L.D0 >>> 2) + 1]!, u32[L.D0 >>> 2]!, u32[L.FPSCR >>> 2]!]
                .map((it) => it.toString(16))
                .join(' '),
            );
            if (here !== there)
              wrong.push(
                `${encoding.name} of ${x.toString(16)}, ${y.toString(16)}, FPSCR ${before.toString(16)}: ${here} and not ${there}`,
              );
          }
      expect(slow.get(word) ?? 0).toBeLessThan(0.8 * cases);
    }
    expect(wrong.slice(0, 10)).toEqual([]);
  },
);

/** One element has such numbers, and the others are 1, so that Inexact is of that one. */
test.each([
  'vadd.f32',
  'vsub.f32',
  'vmul.f32',
  'vmla.f32',
  'vmls.f32',
  'vfma.f32',
  'vfms.f32',
  'vrecps.f32',
] as const)('%s of vectors, element by element', async (name) => {
  const { cpu, slow } = await counted();
  const { machine: m } = cpu;
  const reference = (await counted()).cpu.machine;
  const a = assembler(0);
  a[name](q(0), q(1), q(2));
  const word = new Uint32Array(a.assemble().buffer)[0]!;
  ramWords(cpu, LOAD_ADDRESS, 2).set([word, 0xef000000]);
  const { encoding, fields } = decodeA32(word)!;
  const execute = slowInstruction(encoding.operation)!;
  const random = randomWords(92);
  // Numbers of few bits, or of many; products of the ones with 12 bits are exact.
  const number = (spread: number): number => {
    let fraction = random() % 8 ? 0 : random() >>> 9;
    for (let bits = random() % 3; bits > 0; bits--) fraction ^= 1 << (random() % 2 ? 0 : random() % 23);
    const exponent = 127 + (random() % (2 * spread + 1)) - spread;
    return (((random() & 1) << 31) | (exponent << 23) | fraction) >>> 0;
  };
  const wrong: string[] = [];
  for (let i = 0; i < CASES; i++) {
    const element = random() % 4;
    const registers = new Uint32Array(12).fill(0x3f800000);
    registers[element] = number(random() % 2 ? 24 : 50);
    registers[4 + element] = number(1);
    registers[8 + element] = number(random() % 2 ? 1 : 24);
    // 2^24 + 2, and a product less below 1 than a double's last bit there: beside a half, and not on it.
    if (i === 0)
      for (const [at, it] of [0x4b800001, 0x3f800000 + 443, 0x3f800000 - 886].entries())
        registers[4 * at + element] = it;
    for (const machine of [m, reference]) {
      machine.u32.set(registers, L.D0 >>> 2);
      machine.u32[L.FPSCR >>> 2] = 0;
    }
    setCpsr(m, MODE_USR);
    m.u32[L.EXTENSION_ACCESS >>> 2] = L.ACCESS_VFP | L.ACCESS_SIMD;
    m.u32[L.PC >>> 2] = LOAD_ADDRESS;
    for (const core of m.cores) core.waiting = 'no';
    cpu.run(cpu.time + 1000);
    execute(reference, fields, { word, encoding, fields, execute });
    const [here, there] = [m, reference].map(({ u32 }) =>
      [...u32.subarray(L.D0 >>> 2, (L.D0 >>> 2) + 4), u32[L.FPSCR >>> 2]!]
        .map((it) => it.toString(16))
        .join(' '),
    );
    if (here !== there)
      wrong.push(
        `${element}: ${[...registers].map((it) => it.toString(16)).join(' ')}: ${here} and not ${there}`,
      );
  }
  expect(wrong.slice(0, 10)).toEqual([]);
  expect(slow.get(word) ?? 0).toBeLessThan(CASES / 20);
});

describe('cumulative flags of vectors', () => {
  const [ONE, LEAST, SUBNORMAL, LAST] = [0x3f800000, 0x00800000, 0x007fffff, 0x33800000];
  const HALF = 0x3f000000;
  type Words = readonly [number, number, number, number];
  const four = (word: number): Words => [word, word, word, word];

  /** What q0 and FPSCR are after one instruction on q1 and q2, and how often it was TypeScript's. */
  async function after(
    write: (a: ReturnType<typeof assembler>) => void,
    n: Words,
    m: Words,
    before: Words = [0, 0, 0, 0],
  ): Promise<{ result: number[]; fpscr: number; bySlow: number }> {
    const { cpu, slow } = await counted();
    const { machine } = cpu;
    const a = assembler(0);
    // The first one is TypeScript's: it finds out who may.
    a.veor(q(8), q(8), q(8));
    write(a);
    a.svc(0);
    const words = new Uint32Array(a.assemble().buffer);
    ramWords(cpu, LOAD_ADDRESS, words.length).set(words);
    machine.u32.set([...before, ...n, ...m], L.D0 >>> 2);
    machine.u32[L.FPSCR >>> 2] = 0;
    machine.u32[L.PC >>> 2] = LOAD_ADDRESS;
    expect(cpu.run(2e9)).toBe('idle');
    return {
      result: [...machine.u32.subarray(L.D0 >>> 2, (L.D0 >>> 2) + 4)],
      fpscr: machine.u32[L.FPSCR >>> 2]!,
      bySlow: slow.get(words[1]!) ?? 0,
    };
  }

  test('QC comes of one element, and not of what is beyond the vector', async () => {
    const [n, m] = [[0, 0, 0x7f000000, 0] as const, four(0x01000000)];
    expect(
      await after(
        (a) => {
          a['vqadd.s8'](q(0), q(1), q(2));
        },
        n,
        m,
      ),
    ).toEqual({
      result: [0x01000000, 0x01000000, 0x7f000000, 0x01000000],
      fpscr: QC,
      bySlow: 0,
    });
    expect(
      await after(
        (a) => {
          a['vqadd.s8'](d(0), d(2), d(4));
        },
        n,
        m,
      ),
    ).toEqual({
      result: [0x01000000, 0x01000000, 0, 0],
      fpscr: 0,
      bySlow: 0,
    });
  });
  test('QC of the only product that is too large', async () => {
    const least = four(0x80000000);
    expect(
      await after(
        (a) => {
          a['vqdmulh.s32'](q(0), q(1), q(2));
        },
        least,
        least,
      ),
    ).toEqual({
      result: [...four(0x7fffffff)],
      fpscr: QC,
      bySlow: 0,
    });
    expect(
      await after(
        (a) => {
          a['vqdmulh.s32'](q(0), q(1), q(2));
        },
        least,
        four(0x80000001),
      ),
    ).toEqual({
      result: [...four(0x7fffffff)],
      fpscr: 0,
      bySlow: 0,
    });
  });
  test('Inexact of one element, and not of what is beyond the vector', async () => {
    const [n, m] = [four(ONE), [0, ONE, 0, LAST] as const];
    expect(
      await after(
        (a) => {
          a['vadd.f32'](q(0), q(1), q(2));
        },
        n,
        m,
      ),
    ).toEqual({
      result: [ONE, 0x40000000, ONE, ONE],
      fpscr: IXC,
      bySlow: 0,
    });
    expect(
      await after(
        (a) => {
          a['vadd.f32'](d(0), d(2), d(4));
        },
        n,
        m,
      ),
    ).toEqual({
      result: [ONE, 0x40000000, 0, 0],
      fpscr: 0,
      bySlow: 0,
    });
  });
  test('what is subnormal is flushed, as input and as result, whatever FPSCR.FZ says', async () => {
    expect(
      await after(
        (a) => {
          a['vadd.f32'](q(0), q(1), q(2));
        },
        four(ONE),
        [0, 0, 0, SUBNORMAL],
      ),
    ).toMatchObject({ result: [...four(ONE)], fpscr: IDC });
    expect(
      await after(
        (a) => {
          a['vmul.f32'](q(0), q(1), q(2));
        },
        [ONE, ONE, ONE, LEAST],
        four(HALF),
      ),
    ).toMatchObject({ result: [HALF, HALF, HALF, 0], fpscr: UFC });
  });
  test('a fused product is not rounded', async () => {
    // (1 + 2^-23) * (1 - 2^-23) - 1 is -2^-46, which is exact.
    expect(
      await after(
        (a) => {
          a['vfma.f32'](q(0), q(1), q(2));
        },
        four(0x3f800001),
        four(0x3f7ffffe),
        four(0xbf800000),
      ),
    ).toEqual({ result: [...four(0xa8800000)], fpscr: 0, bySlow: 0 });
  });
});

describe('who may is looked at again', () => {
  /** What executes in SVC mode, with CPACR as User mode may not; gives the address behind the WFI of the vector. */
  async function end(...code: number[]): Promise<number> {
    const { cpu } = await counted();
    const { machine: m } = cpu;
    m.core.CPACR = 0x00500000;
    setCpsr(m, MODE_SVC);
    contextsChanged(m);
    m.u32[1] = 0;
    ramWords(cpu, LOAD_ADDRESS, code.length + 1).set([...code, SVC]);
    m.u32[L.PC >>> 2] = LOAD_ADDRESS;
    expect(cpu.run(2e9)).toBe('idle');
    return m.u32[L.PC >>> 2]!;
  }
  const SVC = 0xef000000;
  const [AFTER_UNDEFINED, AFTER_SVC] = [0x08, 0x0c];
  const words = (write: (a: ReturnType<typeof assembler>) => void): number[] => {
    const a = assembler(0);
    a['vadd.f64'](d(0), d(1), d(2));
    a['vadd.f64'](d(0), d(1), d(2));
    write(a);
    a['vadd.f64'](d(0), d(1), d(2));
    const bytes = a.assemble();
    return [...new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
  };

  test('when nothing changes', async () => {
    expect(await end(...words(() => undefined))).toBe(AFTER_SVC);
  });
  test('after a change of mode', async () => {
    expect(
      await end(
        ...words((a) => {
          a.cps(MODE_USR);
        }),
      ),
    ).toBe(AFTER_UNDEFINED);
  });
  test('after CPACR is written', async () => {
    expect(
      await end(
        ...words((a) => {
          a.mcr(CPACR, r1);
        }),
      ),
    ).toBe(AFTER_UNDEFINED);
  });
  test('after FPEXC is written', async () => {
    expect(
      await end(
        ...words((a) => {
          a.vmsr('FPEXC', r1);
        }),
      ),
    ).toBe(AFTER_UNDEFINED);
  });
});
