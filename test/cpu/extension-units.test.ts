import { describe, expect, test } from 'vitest';
import { encodeA32 } from '../../src/isa/assembler.js';
import { FAULT_ALIGNMENT, shortFaultStatus } from '../../src/cpu/faults.js';
import { taken } from '../../src/cpu/instruction.js';
import * as L from '../../src/cpu/layout.js';
import { setCpsr } from '../../src/cpu/modes.js';
import { readData, writeData } from '../../src/cpu/physical-memory.js';
import { slowInstruction } from '../../src/cpu/slow/index.js';
import type { Machine } from '../../src/cpu/state.js';
import { decodeA32 } from '../../src/isa/decoder.js';
import { aligned, d, lane, s } from '../../src/isa/extension-registers.js';
import type { Site } from '../../src/isa/operands.js';
import { MODE_HYP, MODE_SVC, MODE_USR } from '../../src/isa/program-status.js';
import { r0, r1 } from '../../src/isa/registers.js';
import { LOAD_ADDRESS, userCpu } from './machines.js';

const site: Site = {
  address: LOAD_ADDRESS,
  pcAhead: 8,
  locate: () => {
    throw new Error('no labels');
  },
};

/** Executes one instruction at LOAD_ADDRESS. */
function run(m: Machine, name: string, ...operands: unknown[]): void {
  const word = encodeA32(name, operands, site);
  const { encoding, fields } = decodeA32(word)!;
  const execute = slowInstruction(encoding.operation)!;
  m.address = LOAD_ADDRESS;
  m.nextAddress = LOAD_ADDRESS + 4;
  execute(m, fields, { word, encoding, fields, execute });
}

const DATA = LOAD_ADDRESS + 0x100;
/** A machine in User mode with bytes 0, 1, 2, ... at DATA. */
async function machine(): Promise<Machine> {
  const { machine: m } = await userCpu();
  m.u32[L.FPEXC >>> 2] = 1 << 30;
  for (let i = 0; i < 64; i++) writeData(m, DATA + i, 1, i);
  return m;
}
const registers = (m: Machine): Uint32Array => m.u32.subarray(L.D0 >>> 2, (L.D0 >>> 2) + 64);

describe('loads and stores of extension registers', () => {
  test('VLDR relative to PC counts from 8 bytes ahead', async () => {
    const m = await machine();
    run(m, 'vldr', d(1), DATA);
    expect([...registers(m).subarray(2, 4)]).toEqual([0x03020100, 0x07060504]);
  });

  test('VPUSH and VPOP move SP, and the words stand in order', async () => {
    const m = await machine();
    m.u32[13] = DATA + 32;
    registers(m).set([1, 2, 3]);
    run(m, 'vpush', [s(0), s(1), s(2)]);
    expect(m.u32[13]).toBe(DATA + 20);
    expect([20, 24, 28].map((offset) => readData(m, DATA + offset, 4))).toEqual([1, 2, 3]);
    run(m, 'vpop', [s(5), s(6), s(7)]);
    expect(m.u32[13]).toBe(DATA + 32);
    expect([...registers(m).subarray(5, 8)]).toEqual([1, 2, 3]);
  });

  test('FLDMX steps over one more word', async () => {
    const m = await machine();
    m.u32[0] = DATA;
    run(m, 'fldmiax', r0, '!', [d(0)]);
    expect(m.u32[0]).toBe(DATA + 12);
    expect(registers(m)[1]).toBe(0x07060504);
  });

  test('in big-endian order a D register has its high word first, elements are swapped each', async () => {
    const m = await machine();
    m.u32[L.VARIANT >>> 2]! |= L.VARIANT_E;
    m.u32[0] = DATA;
    run(m, 'vldr', d(0), [r0]);
    expect([...registers(m).subarray(0, 2)]).toEqual([0x04050607, 0x00010203]);
    run(m, 'vld1.64', [d(1)], [r0]);
    expect([...registers(m).subarray(2, 4)]).toEqual([0x04050607, 0x00010203]);
    run(m, 'vld1.16', [d(2)], [r0]);
    expect([...registers(m).subarray(4, 6)]).toEqual([0x02030001, 0x06070405]);
    run(m, 'vstr', d(0), [r0, 16]);
    run(m, 'vst1.64', [d(1)], [r1]);
    expect([...Array(8).keys()].map((offset) => readData(m, DATA + 16 + offset, 1))).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7,
    ]);
    expect([...Array(8).keys()].map((offset) => readData(m, offset, 1))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test.each([
    ['VLDR', 'vldr', [d(0), [r0]]],
    ['VLDM', 'vldmia', [r0, [d(0)]]],
    ['VLD1 that says an alignment', 'vld1.8', [[d(0)], [aligned(r0, 64)]]],
    ['VLD2 of a lane that says one', 'vld2.16', [[lane(d(0), 1), lane(d(1), 1)], [aligned(r0, 32)]]],
  ])('%s faults at an address not aligned, and changes nothing', async (_, name, operands) => {
    const m = await machine();
    m.u32[0] = DATA + 2;
    expect(() => {
      run(m, name, ...operands);
    }).toThrow(taken);
    expect(m.core.secure.DFSR & 0xf).toBe(shortFaultStatus(FAULT_ALIGNMENT));
    expect(m.core.secure.DFAR).toBe(DATA + 2);
    expect([...registers(m).subarray(0, 4)]).toEqual([0, 0, 0, 0]);
  });

  test('VLD1 that says none does not', async () => {
    const m = await machine();
    m.u32[0] = DATA + 1;
    run(m, 'vld1.32', [d(0)], [r0]);
    expect([...registers(m).subarray(0, 2)]).toEqual([0x04030201, 0x08070605]);
  });

  test('a load that faults on its way leaves the base', async () => {
    const m = await machine();
    // The entry of the section from 3 MiB on; the table is at 32 MiB (machines.ts).
    writeData(m, 32 * 0x100000 + 4 * 3, 4, 0);
    m.u32[0] = 0x2ffff8;
    expect(() => {
      run(m, 'vldmia', r0, '!', [d(0), d(1)]);
    }).toThrow(taken);
    expect(m.u32[0]).toBe(0x2ffff8);
    expect(m.core.secure.DFAR).toBe(0x300000);
  });
});

describe('system registers of floating-point', () => {
  test('User mode sees FPSCR alone', async () => {
    const m = await machine();
    m.u32[0] = 0xffffffff;
    run(m, 'vmsr', 'FPSCR', r0);
    run(m, 'vmrs', r1, 'FPSCR');
    // No traps of exceptions; the rest can be written.
    expect(m.u32[1]).toBe(0xfff7009f);
    for (const name of ['FPSID', 'MVFR0', 'MVFR1', 'FPEXC']) {
      expect(() => {
        run(m, 'vmrs', r1, name);
      }).toThrow(taken);
      setCpsr(m, 0x10);
    }
  });

  test('privileged modes see what a Cortex-A7 has', async () => {
    const m = await machine();
    setCpsr(m, MODE_SVC);
    const read = (name: string): number => {
      run(m, 'vmrs', r1, name);
      return m.u32[1]!;
    };
    expect([read('FPSID'), read('MVFR0'), read('MVFR1')]).toEqual([0x41023075, 0x10110222, 0x11111111]);
    m.u32[0] = 0xffffffff;
    run(m, 'vmsr', 'FPEXC', r0);
    expect(read('FPEXC')).toBe(0x40000000);
  });

  test('with a length of vectors, arithmetic is UNDEFINED and transfers are not', async () => {
    const m = await machine();
    m.u32[L.FPSCR >>> 2] = 1 << 16;
    run(m, 'vmov', s(0), r0);
    expect(() => {
      run(m, 'vadd.f32', s(0), s(1), s(2));
    }).toThrow(taken);
  });
});

describe('who may execute', () => {
  const HVBAR = 0x4000;
  /** A machine in Non-secure SVC that may do everything. */
  async function nonSecure(): Promise<Machine> {
    const m = await machine();
    setCpsr(m, MODE_SVC);
    m.core.SCR = 1;
    m.core.NSACR = 0xc00;
    m.core.HCPTR = 0x33ff;
    m.core.HVBAR = HVBAR;
    return m;
  }
  const tries = (m: Machine, name: string, ...operands: unknown[]): boolean => {
    const word = encodeA32(name, operands, site);
    const { encoding, fields } = decodeA32(word)!;
    const execute = slowInstruction(encoding.operation)!;
    m.address = LOAD_ADDRESS;
    m.nextAddress = LOAD_ADDRESS + 4;
    try {
      execute(m, fields, { word, encoding, fields, execute });
      return true;
    } catch (error) {
      expect(error).toBe(taken);
      return false;
    }
  };
  const fp = ['vmov', s(0), r0] as const;
  const simd = ['veor', d(0), d(0), d(0)] as const;
  const small = ['vmov.8', lane(d(0), 0), r0] as const;
  const inHyp = (m: Machine): boolean => (m.u32[L.CPSR >>> 2]! & 0x1f) === MODE_HYP;

  test('everything is allowed', async () => {
    const m = await nonSecure();
    expect([tries(m, ...fp), tries(m, ...simd), tries(m, ...small)]).toEqual([true, true, true]);
  });

  const denials: readonly (readonly [string, (m: Machine) => void, readonly boolean[]])[] = [
    [
      'CPACR denies',
      (m) => {
        m.core.CPACR = 0;
      },
      [false, false, false],
    ],
    [
      'NSACR denies',
      (m) => {
        m.core.NSACR = 0;
      },
      [false, false, false],
    ],
    [
      'FPEXC is off',
      (m) => {
        m.u32[L.FPEXC >>> 2] = 0;
      },
      [false, false, false],
    ],
    [
      'CPACR disables Advanced SIMD',
      (m) => {
        m.core.CPACR = 0x80f00000;
      },
      [true, false, false],
    ],
    [
      'NSACR disables Advanced SIMD',
      (m) => {
        m.core.NSACR = 0x8c00;
      },
      [true, false, false],
    ],
  ];
  test.each(denials)('where %s it is UNDEFINED', async (_, set, expected) => {
    for (const [i, it] of [fp, simd, small].entries()) {
      const m = await nonSecure();
      set(m);
      expect(tries(m, ...(it as readonly [string, ...unknown[]]))).toBe(expected[i]);
      expect(inHyp(m)).toBe(false);
    }
  });

  test('CPACR may allow privileged modes alone', async () => {
    const m = await nonSecure();
    m.core.CPACR = 0x00500000;
    expect(tries(m, ...fp)).toBe(true);
    setCpsr(m, MODE_USR);
    expect(tries(m, ...fp)).toBe(false);
  });

  test('HCPTR traps to Hyp mode, with the syndrome', async () => {
    let m = await nonSecure();
    m.core.HCPTR = 0x3fff;
    expect(tries(m, ...fp)).toBe(false);
    expect(inHyp(m)).toBe(true);
    // Class 0x07, 32-bit instruction, condition valid and always, coprocessor 10.
    expect(m.core.HSR >>> 0).toBe(0x1fe0000a);
    m = await nonSecure();
    m.core.HCPTR = 0xb3ff;
    expect(tries(m, ...fp)).toBe(true);
    expect(tries(m, ...simd)).toBe(false);
    expect(inHyp(m)).toBe(true);
    expect(m.core.HSR >>> 0).toBe(0x1fe00020);
  });

  test('HCR.TID3 traps VMRS of MVFR0', async () => {
    const m = await nonSecure();
    m.core.HCR = 1 << 18;
    expect(tries(m, 'vmrs', r1, 'FPSID')).toBe(true);
    expect(tries(m, 'vmrs', r1, 'MVFR0')).toBe(false);
    expect(inHyp(m)).toBe(true);
    expect(m.core.HSR >>> 26).toBe(0x08);
  });

  test('FPEXC can be reached while the extensions are off', async () => {
    const m = await nonSecure();
    m.u32[L.FPEXC >>> 2] = 0;
    m.u32[0] = 1 << 30;
    expect(tries(m, 'vmsr', 'FPEXC', r0)).toBe(true);
    expect(tries(m, ...fp)).toBe(true);
  });
});
