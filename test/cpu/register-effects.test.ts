/** What is written to a system register works, or is named where it does nothing; nothing is kept in silence. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { maskOf } from '../../src/isa/bits.js';
import { MODE_HYP, MODE_SVC } from '../../src/isa/program-status.js';
import type { SystemRegister, SystemRegister64 } from '../../src/isa/system-registers.js';
import * as R from '../../src/isa/system-registers.js';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { setCpsr } from '../../src/cpu/modes.js';
import { systemRegister } from '../../src/cpu/system-registers/index.js';
import { interpreterLoad } from '../../src/cpu/memory.js';
import { bringIn } from '../../src/cpu/state.js';
import { contextsChanged, entryFor } from '../../src/cpu/tlb.js';
import { ramWords } from '../support/ram.js';
import { bareCpu } from './machines.js';

type Name = keyof typeof R;

/** What shows that a field does what the manual says: by the test, the registers and their fields. */
const SHOWN: Readonly<Record<string, Partial<Record<Name, string>>>> = {
  'test/cpu/register-effects.test.ts': {
    CNTKCTL: 'EVNTI EVNTDIR EVNTEN',
    CNTHCTL: 'EVNTI EVNTDIR EVNTEN',
    SCTLR: 'CP15BEN',
    HCR: 'FB',
    HSCTLR: 'CP15BEN',
  },
  'test/cpu/debug-events.test.ts': {
    DBGDSCRext: 'MDBGen UDCCdis',
    DBGOSDLR: 'DLK',
    DBGPRCR: 'CORENPDRQ',
    HDCR: 'TDE',
    CONTEXTIDR: 'PROCID',
  },
  // Every register and trap is drawn, and compared with QEMU in every mode.
  'test/cpu/privileged.test.ts': {
    CNTKCTL: 'PL0PTEN PL0VTEN PL0VCTEN PL0PCTEN',
    CNTHCTL: 'PL1PCEN PL1PCTEN',
    CPACR: 'ASEDIS cp10',
    NSACR: 'NSASEDIS cp10',
    HCPTR: 'TASE TCP10',
    HCR: 'TGE TVM TTLB TAC TSC TID2 TID0 TWI IMO FMO AMO VI VF',
    HDCR: 'TDRA TDOSA TDA TPM',
    HSTR: 'TJDBX TTEE T15 T13 T12 T11 T10 T9 T8 T7 T6 T5 T3 T2 T1 T0',
    HSCTLR: 'TE EE A',
    SCTLR: 'TE EE V A SW',
    SCR: 'HCE SCD FW EA FIQ IRQ NS',
    CSSELR: 'Level InD',
    TEECR: 'XED',
    HSR: 'EC IL ISS',
  },
  'test/cpu/privileged-manual.test.ts': {
    HCR: 'TPU TPC TSW TIDCP TID3 TID1 TWE',
    HDCR: 'TPMCR',
    HCPTR: 'TCPAC',
  },
  // Tables, controls and accesses are drawn, and compared with QEMU.
  'test/cpu/translation.test.ts': {
    SCTLR: 'AFE TRE UWXN WXN M',
    HSCTLR: 'WXN M',
    TTBCR: 'EAE EPD1 A1 T1SZ EPD0 PD1 PD0 N T0SZ',
    TTBR0_64: 'ASID BADDR',
    TTBR1_64: 'ASID BADDR',
    HTCR: 'T0SZ',
    VTCR: 'SL0 T0SZ',
    HTTBR: 'BADDR',
    VTTBR: 'VMID BADDR',
    CONTEXTIDR: 'ASID',
    HCR: 'DC PTW VM',
    SCR: 'SIF',
    HPFAR: 'FIPA',
    DFSR: 'CM ExT WnR FS4 LPAE Domain FS STATUS',
    IFSR: 'ExT FS4 LPAE FS STATUS',
    PAR: 'PA LPAE NOS NS SH Inner Outer SS F',
    PAR_64: 'ATTR PA LPAE NS SH F',
  },
  'test/cpu/translation-rules.test.ts': { HCR: 'VA' },
  'test/cpu/system.test.ts': {
    CNTP_CTL: 'IMASK ENABLE',
    CNTV_CTL: 'IMASK ENABLE',
    CNTHP_CTL: 'IMASK ENABLE',
  },
  'test/cpu/performance-monitors.test.ts': {
    HDCR: 'HPME HPMN',
    PMXEVTYPER: 'P U NSK NSU NSH evtCount',
  },
  'test/engine/handover.test.ts': { NSACR: 'NS_SMP' },
  'test/engine/exclusives.test.ts': { ACTLR: 'SMP' },
  'test/cpu/system-registers.test.ts': {
    L2CTLR: 'Cores',
    PMCR: 'D C P E',
    PMCNTENSET: 'C',
    PMCNTENCLR: 'C',
    PMOVSR: 'C',
    PMOVSSET: 'C',
    PMINTENSET: 'C',
    PMINTENCLR: 'C',
    PMSELR: 'SEL',
    PMUSERENR: 'EN',
  },
};

const registers = Object.entries(R) as [Name, SystemRegister | SystemRegister64][];
const shownBy = (name: Name, field: string): string[] =>
  Object.entries(SHOWN)
    .filter(([, shown]) => shown[name]?.split(' ').includes(field))
    .map(([file]) => file);

/** The named fields that can be written. */
function fieldsOf(register: SystemRegister | SystemRegister64): string[] {
  if (register.access !== 'RW') return [];
  return Object.keys(register.bits).filter(
    (field) => register.size === 64 || (maskOf(register, field) & register.writable) !== 0,
  );
}

describe('every field that can be written', () => {
  test.each(registers.filter(([, it]) => fieldsOf(it).length > 0))(
    '%s: does what a test shows, or is marked in the table as what does nothing',
    (name, register) => {
      for (const field of fieldsOf(register)) {
        const marks = register.size === 64 ? [] : [field in register.inert, register.unseen.includes(field)];
        const places = [...shownBy(name, field), ...marks.filter((it) => it)];
        expect([name, field, places.length]).toEqual([name, field, 1]);
      }
    },
  );

  test('the list names no other, and tests that there are', () => {
    for (const [file, shown] of Object.entries(SHOWN)) {
      expect([file, existsSync(file)]).toEqual([file, true]);
      for (const [name, fields] of Object.entries(shown)) {
        const there = fieldsOf(R[name as Name]);
        expect([name, fields.split(' ').filter((it) => !there.includes(it))]).toEqual([name, []]);
      }
    }
  });
});

const inert = registers.flatMap(([name, it]) =>
  it.size === 32 ? Object.entries(it.inert).map(([field, words]) => [name, field, words, it] as const) : [],
);

test.each(inert)(
  '%s.%s is named when it is first another than after reset',
  async (_, field, words, register) => {
    const cpu = await bareCpu();
    const told: string[] = [];
    cpu.listen({ withoutEffect: (sentence) => told.push(sentence) });
    const write = systemRegister(register)!.write!;
    const { reset = 0 } = register;
    write(cpu.machine, reset);
    expect(told).toEqual([]);
    const mask = field === '*' ? 0xfffffffc : maskOf(register, field);
    write(cpu.machine, (reset ^ mask) >>> 0);
    const what = field === '*' ? register.name : `${register.name}.${field}`;
    expect(told).toEqual([`${what} is kept and does nothing: ${words}`]);
  },
);

const CODE = 0x8000;
const VBAR = 0x1000;
const HVBAR = 0x3000;
const STAY = 0xeafffffe;

async function run(
  code: (a: Assembler) => void,
  prepare: (cpu: Cpu) => void,
  mode = MODE_SVC,
  nanoseconds = 1000,
): Promise<Cpu> {
  const cpu = await bareCpu();
  const { machine: m } = cpu;
  const a = assembler();
  code(a);
  a.word(STAY);
  cpu.memory.load(CODE, a.assemble());
  for (const table of [VBAR, HVBAR]) ramWords(cpu).fill(STAY, table / 4, table / 4 + 8);
  [m.core.secure.VBAR, m.core.nonSecure.VBAR, m.core.HVBAR] = [VBAR, VBAR, HVBAR];
  m.core.SCR = mode === MODE_HYP ? 0x101 : 0;
  setCpsr(m, mode | 0x1c0);
  contextsChanged(m);
  m.u32[L.PC >>> 2] = CODE;
  prepare(cpu);
  cpu.run(nanoseconds);
  return cpu;
}

describe('SCTLR.CP15BEN and HSCTLR.CP15BEN (B4.1.130)', () => {
  test.each([
    ['SCTLR', MODE_SVC, VBAR + 4],
    ['HSCTLR', MODE_HYP, HVBAR + 4],
  ])('%s: the barriers of CP15 are there, or UNDEFINED', async (name, mode, vector) => {
    for (const barrier of [R.CP15DMB, R.CP15DSB, R.CP15ISB]) {
      for (const enabled of [true, false]) {
        const { machine: m } = await run(
          (a) => {
            a.mcr(barrier, { core: 0 });
          },
          (cpu) => {
            const { core } = cpu.machine;
            if (enabled) return;
            if (name === 'SCTLR') core.secure.SCTLR &= ~(1 << 5);
            else core.HSCTLR &= ~(1 << 5);
          },
          mode,
        );
        expect(m.u32[L.PC >>> 2]).toBe(enabled ? CODE + 4 : vector);
      }
    }
  });
});

test.each([true, false])(
  'HCR.FB (%s) has TLB maintenance of PL1 be for all cores (B4.1.65)',
  async (forced) => {
    const { machine: m } = await bareCpu({ mpidr: [0x80000f00, 0x80000f01] });
    const [first, second] = m.cores;
    const enter = (core: typeof m.core): void => {
      bringIn(m, core);
      core.SCR = 1;
      setCpsr(m, MODE_SVC | 0x1c0);
      contextsChanged(m);
    };
    enter(first!);
    first!.HCR = forced ? 1 << 9 : 0;
    enter(second!);
    interpreterLoad(m, CODE, 4);
    expect(entryFor(m, CODE, 'read')).toBeDefined();
    enter(first!);
    systemRegister(R.TLBIALL)!.write!(m, 0);
    enter(second!);
    expect(entryFor(m, CODE, 'read') === undefined).toBe(forced);
  },
);

describe('the event stream of a timer (B8.1.6)', () => {
  /** 19.2 MHz: 96 ticks are 5 µs. Each WFE ends with the event; R0 counts them. */
  async function events(
    name: 'CNTKCTL' | 'CNTHCTL',
    control: number,
    ticks: number,
    offset = 0n,
  ): Promise<number> {
    const { machine: m } = await run(
      (a) => {
        const again = a.label('again');
        a.at(again);
        a.wfe();
        a.add({ core: 0 }, { core: 0 }, 1);
        a.b(again);
      },
      (cpu) => {
        cpu.machine.core[name] = control;
        cpu.machine.core.CNTVOFF = offset;
      },
      MODE_SVC,
      Math.ceil((ticks / 19.2e6) * 1e9),
    );
    return m.u32[0]!;
  }
  const control = (EVNTI: number, EVNTDIR: number): number => (EVNTI << 4) | (EVNTDIR << 3) | (1 << 2);

  test.each<[string, number, number, number]>([
    // Bit 5 rises at 32, 96, 160, 224 ticks and falls at 64, 128, 192, 256.
    ['of bit 5, rising', control(5, 0), 230, 4],
    ['of bit 5, falling', control(5, 1), 230, 3],
    ['of bit 6, rising', control(6, 0), 230, 2],
    ['of none', 0, 230, 0],
  ])('ends WFE at each transition %s', async (_, value, ticks, count) => {
    expect(await events('CNTKCTL', value, ticks)).toBe(count);
    expect(await events('CNTHCTL', value, ticks)).toBe(count);
  });

  test('CNTKCTL’s is that of the virtual counter, CNTHCTL’s of the physical one', async () => {
    // 31 ticks behind, bit 5 rises at 63, 127, 191.
    expect(await events('CNTKCTL', control(5, 0), 100, 31n)).toBe(1);
    expect(await events('CNTHCTL', control(5, 0), 100, 31n)).toBe(2);
  });

  test('what came since the last WFE ends the next one at once', async () => {
    const { machine: m } = await run(
      (a) => {
        // More than 32 ticks, 1667 instructions, then WFE twice.
        a.mov({ core: 1 }, 1000);
        const again = a.label('again');
        a.at(again);
        a.subs({ core: 1 }, { core: 1 }, 1);
        a.bne(again);
        a.wfe();
        a.add({ core: 0 }, { core: 0 }, 1);
        a.wfe();
        a.add({ core: 0 }, { core: 0 }, 1);
      },
      (cpu) => {
        cpu.machine.core.CNTKCTL = control(5, 0);
      },
      MODE_SVC,
      // 44 ticks: one event has come, the next is at 96.
      2300,
    );
    expect([m.u32[0], m.core.waiting]).toEqual([1, 'event']);
  });
});
