/** Resets, masks and copies of the system registers, against the Cortex-A7 TRM (DDI 0464F) and the ARM ARM (DDI 0406C). */
import { beforeEach, describe, expect, test } from 'vitest';
import type { SystemRegister } from '../../src/isa/system-registers.js';
import * as R from '../../src/isa/system-registers.js';
import type { Cpu } from '../../src/cpu/cpu.js';
import type { Machine } from '../../src/cpu/state.js';
import { setUnknown } from '../../src/cpu/unknown.js';
import { systemRegister, systemRegister64 } from '../../src/cpu/system-registers/index.js';
import { bareCpu } from './machines.js';

type Name = keyof typeof R;
type Name32 = { [Key in Name]: (typeof R)[Key] extends { size: 32 } ? Key : never }[Name];

const names = (Object.keys(R) as Name[]).filter((name): name is Name32 => R[name].size === 32);
const of = (name: Name32): SystemRegister => R[name];

const MPIDRS = [0x80000f00, 0x80000f01, 0x80000f02, 0x80000f03];
const ALL = 0xffffffff;
const SCR_NS = 1;

/** A word with these bits set; a pair stands for all from the first down to the second. */
function word(...places: readonly (number | readonly [high: number, low: number])[]): number {
  let value = 0n;
  for (const place of places) {
    const [high, low] = typeof place === 'number' ? [place, place] : place;
    for (let bit = low; bit <= high; bit++) value |= 1n << BigInt(bit);
  }
  return Number(value);
}

/** Reset values: DDI 0464F tables 4-2 to 4-17, and where those say nothing the descriptions in chapter B4 of DDI 0406C. */
const RESET: Partial<Record<Name32, number>> = {
  MIDR: 0x410fc075,
  CTR: 0x84448003,
  TCMTR: 0,
  TLBTR: 0,
  REVIDR: 0,
  ID_PFR0: 0x00001131,
  ID_PFR1: 0x00011011,
  ID_DFR0: 0x02010555,
  ID_AFR0: 0,
  ID_MMFR0: 0x10101105,
  ID_MMFR1: 0x40000000,
  ID_MMFR2: 0x01240000,
  ID_MMFR3: 0x02102211,
  ID_ISAR0: 0x02101110,
  ID_ISAR1: 0x13112111,
  ID_ISAR2: 0x21232041,
  ID_ISAR3: 0x11112131,
  ID_ISAR4: 0x10011142,
  ID_ISAR5: 0,
  CLIDR: 0x0a200023,
  AIDR: 0,
  VPIDR: 0x410fc075,
  // 0x00c50878 with VINITHI, CFGEND and CFGTE low.
  SCTLR: 0x00c50878,
  // Three lines are prefetched: L1PCTL is 0b11.
  ACTLR: word(14, 13),
  CPACR: 0,
  SCR: 0,
  SDER: 0,
  NSACR: 0,
  // What SCTLR has fixed, CP15BEN, and 29 and 28, which are AFE and TRE there.
  HSCTLR: 0x00c50878 + word(29, 28),
  HACTLR: 0,
  HCR: 0,
  // HPMN is the number of event counters, four.
  HDCR: 4,
  // Coprocessors 0 to 9, 12 and 13 are not there.
  HCPTR: word([9, 0], 12, 13),
  HSTR: 0,
  HACR: 0,
  TTBCR: 0,
  ADFSR: 0,
  AIFSR: 0,
  HADFSR: 0,
  HAIFSR: 0,
  PRRR: 0x00098aa4,
  NMRR: 0x44e048e0,
  MAIR0: 0x00098aa4,
  MAIR1: 0x44e048e0,
  AMAIR0: 0,
  AMAIR1: 0,
  HAMAIR0: 0,
  HAMAIR1: 0,
  VBAR: 0,
  FCSEIDR: 0,
  // ENABLE is 0.
  CNTP_CTL: 0,
  CNTV_CTL: 0,
  CNTHP_CTL: 0,
  CNTKCTL: 0,
  // PL1PCEN and PL1PCTEN: PL1 may use the physical timer and counter (B4.1.28).
  CNTHCTL: word(1, 0),
  // ARM, Cortex-A7, four counters.
  PMCR: 0x41072000,
  // The table of events (DDI 0464F, chapter 11) has 0x00 to 0x19 and 0x1D.
  PMCEID0: word(29, [25, 0]),
  PMCEID1: 0,
  PMUSERENR: 0,
  CBAR: 0,
  DBGDIDR: 0x3515f005,
  DBGDRAR: 0,
  DBGDSAR: 0,
  // Powered up.
  DBGPRSR: word(0),
  TEECR: 0,
  JIDR: 0,
  JOSCR: 0,
  JMCR: 0,
};

const counters = word(31, [3, 0]);

/** What is read back after all ones were written, where that is not all ones: DDI 0464F 4.3, DDI 0406C B4.1. */
const READ_BACK: Partial<Record<Name32, number>> = {
  CSSELR: word([3, 0]),
  // NMFI, VE, FI, HA and RR are 0; 23, 22, 18, 16, Z, 6, 4 and 3 are 1.
  SCTLR: word(30, 29, 28, 25, 23, 22, 20, 19, 18, 16, 13, 12, 11, 10, 6, 5, 4, 3, 2, 1, 0),
  ACTLR: word(28, 15, [14, 13], 12, 11, 10, 6),
  // TRCDIS is 0: there is no CP14 interface to the trace macrocell.
  CPACR: word(31, 30, [23, 20]),
  SCR: word([9, 0]),
  SDER: word(1, 0),
  NSACR: word(20, 18, 15, 14, 11, 10),
  // 29, 28, 23, 22, 18, 16, 11, 6, 4 and 3 are 1.
  HSCTLR: word(30, 29, 28, 25, 23, 22, 19, 18, 16, 12, 11, 6, 5, 4, 3, 2, 1, 0),
  HACTLR: 0,
  HCR: word([27, 0]),
  HDCR: word([11, 0]),
  HCPTR: word(31, 20, 15, 13, 12, 11, 10, [9, 0]),
  // T4 and T14 are not there.
  HSTR: word(17, 16, 15, [13, 5], [3, 0]),
  HACR: 0,
  ADFSR: 0,
  AIFSR: 0,
  HADFSR: 0,
  HAIFSR: 0,
  HPFAR: word([31, 4]),
  AMAIR0: 0,
  AMAIR1: 0,
  HAMAIR0: 0,
  HAMAIR1: 0,
  VBAR: word([31, 5]),
  MVBAR: word([31, 5]),
  HVBAR: word([31, 5]),
  FCSEIDR: 0,
  // ENABLE and IMASK; ISTATUS, as the count is past a CVAL of 0.
  CNTP_CTL: word(2, 1, 0),
  CNTV_CTL: word(2, 1, 0),
  CNTHP_CTL: word(2, 1, 0),
  CNTKCTL: word([9, 0]),
  CNTHCTL: word([7, 0]),
  // C and P act, and read as zero.
  PMCR: 0x41072000 + word(5, 4, 3, 0),
  PMCNTENSET: counters,
  PMCNTENCLR: 0,
  PMOVSR: 0,
  PMOVSSET: counters,
  PMINTENSET: counters,
  PMINTENCLR: 0,
  PMSELR: word([4, 0]),
  PMXEVTYPER: word([31, 27], [7, 0]),
  PMUSERENR: word(0),
  DBGDSCRext: word([15, 10]),
  DBGPRCR: word(0),
  DBGOSDLR: word(0),
  TEECR: word(0),
  TEEHBR: word([31, 2]),
  JOSCR: 0,
  JMCR: 0,
};

let cpu: Cpu;
let m: Machine;
beforeEach(async () => {
  cpu = await bareCpu({ mpidr: MPIDRS });
  m = cpu.machine;
});

const read = (name: Name32): number => systemRegister(of(name))!.read!(m) >>> 0;
const write = (name: Name32, value: number): void => {
  systemRegister(of(name))!.write!(m, value);
};

describe('after reset', () => {
  test('every register holds what the manual says, on every core', () => {
    for (const core of m.cores) {
      m.core = core;
      for (const [name, value] of Object.entries(RESET))
        expect([core.index, name, read(name as Name32)]).toEqual([core.index, name, value]);
      expect([read('MPIDR'), read('VMPIDR')]).toEqual([MPIDRS[core.index], MPIDRS[core.index]]);
      // Four cores.
      expect((read('L2CTLR') >>> 24) & 3).toBe(3);
    }
  });

  test('of the Non-secure copies, whose values are unknown, EAE of TTBCR is 0 (DDI 0406C B4.1.153)', () => {
    setUnknown(cpu.cores, undefined);
    for (const core of m.cores) expect(core.nonSecure.TTBCR >>> 31).toBe(0);
    expect(m.cores[0]!.nonSecure.TTBR0, 'what hurts most is there').toBe(ALL);
  });

  test('no register has a reset value in the table that is not in this list', () => {
    expect(names.filter((name) => of(name).reset !== RESET[name])).toEqual([]);
  });
});

describe('a write of all ones', () => {
  const writable = names.filter((name) => of(name).access === 'RW' && name !== 'L2CTLR');

  test.each(writable)('%s: what is read back is what the manual lets be written', (name) => {
    // Both copies, and on the last core too.
    for (const core of [m.cores[0]!, m.cores[3]!]) {
      for (const scr of of(name).banked ? [0, SCR_NS] : [0]) {
        m.core = core;
        core.SCR = scr;
        write(name, ALL);
        expect(read(name).toString(16)).toBe((READ_BACK[name] ?? ALL).toString(16));
      }
    }
  });

  test.each(writable)('%s: the table says the same', (name) => {
    const { writable, readable } = of(name);
    const cleared = /CLR$|^PMOVSR$/.test(name);
    const expected = READ_BACK[name] ?? ALL;
    expect(readable.toString(16)).toBe((cleared ? counters : expected).toString(16));
    // What cannot be written is what reset makes of it, but for a status.
    const fixed = (readable & ~writable) >>> 0;
    expect(fixed & ~(RESET[name] ?? 0) & ~(name.endsWith('_CTL') ? word(2) : 0)).toBe(0);
  });

  test('of a banked register leaves the other copy as it was', () => {
    for (const name of writable.filter((it) => of(it).banked)) {
      for (const scr of [0, SCR_NS]) {
        m.core.SCR = SCR_NS - scr;
        write(name, 0);
        const before = read(name);
        m.core.SCR = scr;
        write(name, ALL);
        m.core.SCR = SCR_NS - scr;
        expect([name, scr, read(name)]).toEqual([name, scr, before]);
      }
    }
    m.core.SCR = 0;
  });
});

test('a register has the directions that the table gives it', () => {
  for (const [name, register] of Object.entries(R)) {
    const found = register.size === 32 ? systemRegister(register) : systemRegister64(register);
    const directions = [found?.read !== undefined, found?.write !== undefined];
    const { access } = register;
    expect([name, ...directions]).toEqual([name, access !== 'WO', access !== 'RO']);
  }
});
