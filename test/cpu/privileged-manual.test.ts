/** What QEMU cannot judge of privileged code, see privileged-exemptions.ts: against the ARM ARM (DDI 0406C) alone. */
import { describe, expect, test } from 'vitest';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { bankedRegister, readCpsr, setCpsr } from '../../src/cpu/modes.js';
import type { Core } from '../../src/cpu/state.js';
import { contextsChanged } from '../../src/cpu/tlb.js';
import { MODE_HYP, MODE_IRQ, MODE_SVC, MODE_SYS, MODE_UND, MODE_USR } from '../../src/isa/program-status.js';
import { bareCpu } from './machines.js';
import { ramWords } from '../support/ram.js';

const CODE = 0x8000;
const TARGET = 0x8100;
const VBAR = 0x1000;
const HVBAR = 0x3000;
/** A branch to itself. */
const STAY = 0xeafffffe;
const MASKED = 0x1c0;
const NS_HCE = 0x101;

/** Runs one A32 instruction, between loops in every vector, behind it, and where it may lead. */
async function run(
  word: number,
  mode: number,
  scr: number,
  set: (core: Core, cpu: Cpu) => void,
): Promise<Cpu> {
  const cpu = await bareCpu();
  const { machine: m } = cpu;
  const words = ramWords(cpu);
  for (const table of [VBAR, HVBAR]) words.fill(STAY, table / 4, table / 4 + 8);
  words[CODE / 4] = word;
  words[CODE / 4 + 1] = STAY;
  words[TARGET / 4] = STAY;
  [m.core.secure.VBAR, m.core.nonSecure.VBAR, m.core.HVBAR] = [VBAR, VBAR, HVBAR];
  m.core.SCR = scr;
  setCpsr(m, mode | MASKED);
  set(m.core, cpu);
  contextsChanged(m);
  m.u32[15] = CODE;
  cpu.run(1000);
  return cpu;
}
const mode = (cpu: Cpu): number => readCpsr(cpu.machine) & 0x1f;
const pc = (cpu: Cpu): number => cpu.machine.u32[15]!;

const IL = 1 << 25;
const COND_ALWAYS = (1 << 24) | (14 << 20);
const EC_WFX = 1;
const EC_CP15 = 3;

describe('traps that QEMU has for ARMv8 alone, or not at all (B1.14)', () => {
  const cp15 = (
    opc1: number,
    n: number,
    m: number,
    opc2: number,
    read: boolean,
  ): readonly [number, number] => [
    ((read ? 0xee100f10 : 0xee000f10) | (opc1 << 21) | (n << 16) | (opc2 << 5) | m) >>> 0,
    (EC_CP15 << 26) | IL | COND_ALWAYS | (opc2 << 17) | (opc1 << 14) | (n << 10) | (m << 1) | (read ? 1 : 0),
  ];
  const hcr =
    (bit: number) =>
    (core: Core): void => {
      core.HCR = 1 << bit;
    };
  const cases: readonly [name: string, set: (core: Core) => void, instruction: readonly [number, number]][] =
    [
      ['HCR.TID1: TCMTR', hcr(16), cp15(0, 0, 0, 2, true)],
      ['HCR.TID1: TLBTR', hcr(16), cp15(0, 0, 0, 3, true)],
      ['HCR.TID1: AIDR', hcr(16), cp15(1, 0, 0, 7, true)],
      ['HCR.TID3: ID_MMFR2', hcr(18), cp15(0, 0, 1, 6, true)],
      ['HCR.TIDCP: L2CTLR', hcr(20), cp15(1, 9, 0, 2, true)],
      ['HCR.TSW: DCCISW', hcr(22), cp15(0, 7, 14, 2, false)],
      ['HCR.TPC: DCCMVAC', hcr(23), cp15(0, 7, 10, 1, false)],
      ['HCR.TPU: ICIALLU', hcr(24), cp15(0, 7, 5, 0, false)],
      ['HCR.TPU: DCCMVAU', hcr(24), cp15(0, 7, 11, 1, false)],
      ['HCPTR.TCPAC: CPACR', (core) => (core.HCPTR = 0x800033ff), cp15(0, 1, 0, 2, true)],
      ['HDCR.TPMCR: PMCR', (core) => (core.HDCR = 1 << 5), cp15(0, 9, 12, 0, true)],
      ['HSTR.T9: PMCEID0', (core) => (core.HSTR = 1 << 9), cp15(0, 9, 12, 6, true)],
      ['HSTR.T8: a TLB operation read', (core) => (core.HSTR = 1 << 8), cp15(0, 8, 7, 0, true)],
      ['HSTR.T1: HCR', (core) => (core.HSTR = 1 << 1), cp15(4, 1, 1, 0, true)],
      ['HCR.TWE: WFE', hcr(14), [0xe320f002, (EC_WFX << 26) | IL | COND_ALWAYS | 1]],
    ];
  for (const [name, set, [word, hsr]] of cases) {
    test(name, async () => {
      const trapped = await run(word, MODE_SVC, NS_HCE, set);
      expect([mode(trapped), pc(trapped)]).toEqual([MODE_HYP, HVBAR + 0x14]);
      expect(bankedRegister(trapped.machine, MODE_HYP, 17)).toBe(CODE);
      expect(trapped.machine.core.HSR).toBe(hsr >>> 0);
      const secure = await run(word, MODE_SVC, 0, set);
      expect(mode(secure)).not.toBe(MODE_HYP);
    });
  }
});

describe('refusals that QEMU does not make', () => {
  const undefinedInHyp: readonly [string, number][] = [
    ['LDM (User registers)', 0xe8d01ffe],
    ['STM (User registers)', 0xe8c01ffe],
    ['LDM (exception return)', 0xe8d08002],
    ['RFE', 0xf8900a00],
  ];
  for (const [name, word] of undefinedInHyp) {
    test(`${name} is UNDEFINED in Hyp mode (B9.3)`, async () => {
      const cpu = await run(word, MODE_HYP, NS_HCE, () => undefined);
      expect([mode(cpu), pc(cpu), cpu.machine.core.HSR]).toEqual([MODE_HYP, HVBAR + 4, 0]);
    });
  }
  test('HVC is UNDEFINED in Secure state, SCR.HCE or not (B9.3.4)', async () => {
    const cpu = await run(0xe1400070, MODE_SVC, NS_HCE & ~1, () => undefined);
    expect([mode(cpu), pc(cpu)]).toEqual([MODE_UND, VBAR + 4]);
  });
});

describe('MRS and MSR (banked) where they are UNPREDICTABLE (B9.2.3)', () => {
  /** Runs one and gives what was reported, too. */
  async function reported(word: number, from: number, scr: number): Promise<[Cpu, number[]]> {
    const words: number[] = [];
    const cpu = await run(word, from, scr, (_, it) => {
      it.listen({
        unpredictable: (event) => words.push(event.word),
      });
      it.machine.u32[1] = 0x6000_0113;
      it.machine.u32[L.SPSR >>> 2] = 0x6000_01d3;
    });
    return [cpu, words];
  }

  test('SPSR_hyp works in Hyp mode, and is reported', async () => {
    const [written, wrote] = await reported(0xe16ef301, MODE_HYP, NS_HCE);
    expect([mode(written), pc(written)]).toEqual([MODE_HYP, CODE + 4]);
    expect(written.machine.u32[L.SPSR >>> 2]).toBe(0x6000_0113);
    expect(wrote).toEqual([0xe16ef301]);
    const [read, saw] = await reported(0xe14e2300, MODE_HYP, NS_HCE);
    expect([pc(read), read.machine.u32[2]]).toEqual([CODE + 4, 0x6000_01d3]);
    expect(saw).toEqual([0xe14e2300]);
  });

  const refused: readonly [name: string, word: number, from: number, scr: number][] = [
    ['SPSR_hyp from Supervisor mode', 0xe16ef301, MODE_SVC, NS_HCE],
    ['SP_hyp from Hyp mode', 0xe10f2300, MODE_HYP, NS_HCE],
    ['SP_svc from Supervisor mode', 0xe1032300, MODE_SVC, NS_HCE],
    ['SPSR_svc from Supervisor mode', 0xe1422300, MODE_SVC, 0],
    ['LR_usr from Hyp mode', 0xe1062200, MODE_HYP, NS_HCE],
    ['SP_usr from System mode', 0xe1052200, MODE_SYS, 0],
    ['R8_usr from Supervisor mode', 0xe1002200, MODE_SVC, 0],
    ['SP_mon from Non-secure state', 0xe10d2300, MODE_SVC, NS_HCE],
    ['LR_svc from User mode', 0xe1022300, MODE_USR, 0],
  ];
  for (const [name, word, from, scr] of refused) {
    test(`${name} is UNDEFINED, and reported`, async () => {
      const [cpu, words] = await reported(word, from, scr);
      const vector = from === MODE_HYP ? HVBAR : VBAR;
      expect([mode(cpu), pc(cpu)]).toEqual([from === MODE_HYP ? MODE_HYP : MODE_UND, vector + 4]);
      expect(words).toEqual([word]);
    });
  }

  test('what may be reached is not reported', async () => {
    const [cpu, words] = await reported(0xe1022300, MODE_HYP, NS_HCE);
    expect([pc(cpu), words]).toEqual([CODE + 4, []]);
  });
});

describe('data processing with S and PC returns whatever it computes (B9.3.20)', () => {
  // op{S} PC, R1, R2: R1 and R2, with the carry set, that lead to TARGET.
  const ALL = 0xffffffff;
  const cases: readonly [name: string, word: number, r1: number, r2: number][] = [
    ['ANDS', 0xe011f002, TARGET, ALL],
    ['EORS', 0xe031f002, TARGET ^ 0x55, 0x55],
    ['SUBS', 0xe051f002, TARGET + 4, 4],
    ['RSBS', 0xe071f002, 4, TARGET + 4],
    ['ADDS', 0xe091f002, TARGET - 4, 4],
    ['ADCS', 0xe0b1f002, TARGET - 5, 4],
    ['SBCS', 0xe0d1f002, TARGET + 4, 4],
    ['RSCS', 0xe0f1f002, 4, TARGET + 4],
    ['ORRS', 0xe191f002, TARGET, 0],
    ['BICS', 0xe1d1f002, TARGET | 0xf, 0xf],
    ['MOVS', 0xe1b0f002, 0, TARGET],
    ['MVNS', 0xe1f0f002, 0, ~TARGET >>> 0],
  ];
  for (const [name, word, r1, r2] of cases) {
    test(name, async () => {
      const cpu = await run(word, MODE_IRQ, 0, (_, { machine: m }) => {
        setCpsr(m, MODE_IRQ | MASKED | (1 << 29));
        m.u32[1] = r1;
        m.u32[2] = r2;
        m.u32[L.SPSR >>> 2] = MODE_USR | (1 << 30);
      });
      expect([pc(cpu), readCpsr(cpu.machine)]).toEqual([TARGET, MODE_USR | (1 << 30)]);
    });
  }
});
