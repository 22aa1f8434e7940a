/** Breakpoints, watchpoints and vector catch in Monitor debug-mode, by the ARM ARM (DDI 0406C, chapters C3 and C11). */
import { describe, expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { assembler } from '../../src/isa/assembler.js';
import type { BitValues } from '../../src/isa/bits.js';
import { bits } from '../../src/isa/bits.js';
import { BT, DBGBCR, DBGWCR, OPC2 } from '../../src/isa/debug-points.js';
import { MODE_ABT, MODE_HYP, MODE_IRQ, MODE_SVC, MODE_SYS, MODE_USR } from '../../src/isa/program-status.js';
import { c, lr, p14, pc, r0, r1, r2, r3, r4, r5, r6 } from '../../src/isa/registers.js';
import * as R from '../../src/isa/system-registers.js';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { readCpsr, setCpsr } from '../../src/cpu/modes.js';
import { systemRegister } from '../../src/cpu/system-registers/index.js';
import { contextsChanged, flushTlb } from '../../src/cpu/tlb.js';
import { ramView, ramWords } from '../support/ram.js';
import { bareCpu } from './machines.js';

const CODE = 0x8000;
const DATA = 0x20100;
const VBAR = 0x1000;
const MVBAR = 0x2000;
const HVBAR = 0x3000;
const TABLE = 0x100000;
/** A branch to itself, and `udf #0`. */
const STAY = 0xeafffffe;
const MASKED = 0x1c0;
const PSR_T = 0x20;
/** SCR.NS and SCR.HCE. */
const NON_SECURE = 0x101;
/** Vectors (table B1-3), and fault status of a debug event in IFSR, DFSR and HSR (tables B3-23, B3-24). */
const [PREFETCH_ABORT, DATA_ABORT, HYP_TRAP] = [0x0c, 0x10, 0x14];
const [DEBUG_SHORT, DEBUG_LONG] = [0b00010, 0b100010];
const MDBGEN = 1 << 15;
const LOCK_KEY = 0xc5acce55;
const WRITE = 1 << 11;

type Register = keyof typeof OPC2;

/** What MCR of CP14 does. */
function set(cpu: Cpu, name: Register, n: number, value: number): void {
  const at = { coproc: 14, opc1: 0, CRn: name === 'DBGBXVR' ? 1 : 0, CRm: n, opc2: OPC2[name] };
  systemRegister(at)!.write!(cpu.machine, value >>> 0);
}
const get = (cpu: Cpu, name: Register, n: number): number =>
  systemRegister({ coproc: 14, opc1: 0, CRn: 0, CRm: n, opc2: OPC2[name] })!.read!(cpu.machine);
const write = (cpu: Cpu, register: R.SystemRegister, value: number): void => {
  systemRegister(register)!.write!(cpu.machine, value >>> 0);
};

type Breakpoint = BitValues<typeof DBGBCR.bits>;
type Watchpoint = BitValues<typeof DBGWCR.bits>;
/** PMC and PAC: PL1, PL0, both; and for breakpoints User, Supervisor and System mode. */
const [PL1, PL0, ANY, USR_SVC_SYS] = [1, 2, 3, 0];

function breakAt(cpu: Cpu, value: number, control: Breakpoint = {}, n = 0): void {
  set(cpu, 'DBGBVR', n, value);
  set(cpu, 'DBGBCR', n, bits(DBGBCR, { E: 1, PMC: ANY, BAS: 15, ...control }));
}
function watchAt(cpu: Cpu, value: number, control: Watchpoint = {}, n = 0): void {
  set(cpu, 'DBGWVR', n, value);
  set(cpu, 'DBGWCR', n, bits(DBGWCR, { E: 1, PAC: ANY, LSC: 3, BAS: 0xff, ...control }));
}

/** Monitor debug-mode, the OS lock open, vectors that stay where they are. */
async function machine(code: (a: Assembler) => void, cores = 1): Promise<Cpu> {
  const cpu = await bareCpu({ mpidr: Array.from({ length: cores }, (_, i) => 0x80000f00 + i) });
  const a = assembler();
  code(a);
  a.word(STAY);
  cpu.memory.load(CODE, a.assemble());
  const words = ramWords(cpu);
  for (const table of [VBAR, MVBAR, HVBAR]) words.fill(STAY, table / 4, table / 4 + 8);
  for (const core of cpu.machine.cores) {
    [core.secure.VBAR, core.nonSecure.VBAR, core.MVBAR, core.HVBAR] = [VBAR, VBAR, MVBAR, HVBAR];
    [core.CPACR, core.NSACR] = [0x00f00000, 0xc00];
  }
  write(cpu, R.DBGOSLAR, 0);
  write(cpu, R.DBGDSCRext, MDBGEN);
  return cpu;
}

interface Start {
  readonly mode?: number;
  readonly nonSecure?: boolean;
  readonly thumb?: boolean;
  readonly at?: number;
}

function begin(cpu: Cpu, { mode = MODE_SVC, nonSecure = false, thumb = false, at = CODE }: Start = {}): void {
  const { machine: m } = cpu;
  m.core.SCR = nonSecure ? NON_SECURE : 0;
  setCpsr(m, mode | MASKED | (thumb ? PSR_T : 0));
  contextsChanged(m);
  m.u32[L.PC >>> 2] = at;
}
function go(cpu: Cpu, start: Start = {}): void {
  begin(cpu, start);
  cpu.run(cpu.time + 1000);
}

const reg = (cpu: Cpu, n: number): number => cpu.machine.u32[n]!;
const mode = (cpu: Cpu): number => readCpsr(cpu.machine) & 0x1f;
const bankOf = (cpu: Cpu): typeof cpu.machine.core.secure =>
  cpu.machine.core.SCR & 1 ? cpu.machine.core.nonSecure : cpu.machine.core.secure;
const moe = (cpu: Cpu): number => (systemRegister(R.DBGDSCR)!.read!(cpu.machine) >>> 2) & 15;

/** Where a Prefetch Abort for a debug event was taken, by LR_abt; undefined where none was. */
function brokeAt(cpu: Cpu): number | undefined {
  if (reg(cpu, 15) !== VBAR + PREFETCH_ABORT) return undefined;
  expect([mode(cpu), bankOf(cpu).IFSR]).toEqual([MODE_ABT, DEBUG_SHORT]);
  return reg(cpu, 14) - 4;
}

/** R0 to R5 are counted up one after another. */
const counting = (a: Assembler): void => {
  for (const r of [r0, r1, r2, r3, r4, r5]) a.add(r, r, 1);
};
const counted = (cpu: Cpu): number => [0, 1, 2, 3, 4, 5].filter((n) => reg(cpu, n) === 1).length;

describe('a breakpoint by address (C3.3.1)', () => {
  test('is a Prefetch Abort before the instruction; IFSR says debug event, DBGDSCR.MOE breakpoint', async () => {
    const cpu = await machine(counting);
    breakAt(cpu, CODE + 8);
    go(cpu);
    expect([brokeAt(cpu), counted(cpu), moe(cpu)]).toEqual([CODE + 8, 2, 0b0001]);
  });

  test('each of the six', async () => {
    for (let n = 0; n < 6; n++) {
      const cpu = await machine(counting);
      breakAt(cpu, CODE + 4 * n, {}, n);
      go(cpu);
      expect([n, brokeAt(cpu), counted(cpu)]).toEqual([n, CODE + 4 * n, n]);
    }
  });

  test('whether the condition of the instruction holds or not', async () => {
    const cpu = await machine((a) => {
      a.movs(r0, 1);
      a.addeq(r1, r1, 1);
    });
    breakAt(cpu, CODE + 4);
    go(cpu);
    expect(brokeAt(cpu)).toBe(CODE + 4);
  });

  test.each<[string, (cpu: Cpu) => void]>([
    [
      'Monitor debug-mode is off',
      (cpu) => {
        write(cpu, R.DBGDSCRext, 0);
      },
    ],
    [
      'the OS lock is set',
      (cpu) => {
        write(cpu, R.DBGOSLAR, LOCK_KEY);
      },
    ],
    [
      'the OS double lock is set',
      (cpu) => {
        write(cpu, R.DBGOSDLR, 1);
      },
    ],
    [
      'it is not enabled',
      (cpu) => {
        breakAt(cpu, CODE + 8, { E: 0 });
      },
    ],
    [
      'it selects no byte',
      (cpu) => {
        breakAt(cpu, CODE + 8, { BAS: 0 });
      },
    ],
    [
      'it is for User mode',
      (cpu) => {
        breakAt(cpu, CODE + 8, { PMC: PL0 });
      },
    ],
    [
      'it is for Non-secure state',
      (cpu) => {
        breakAt(cpu, CODE + 8, { SSC: 1 });
      },
    ],
    [
      'it is at the same place of another page',
      (cpu) => {
        breakAt(cpu, CODE + 0x1008);
      },
    ],
    [
      'it is linked to one that compares no context',
      (cpu) => {
        breakAt(cpu, CODE + 8, { BT: 1, LBN: 4 });
      },
    ],
  ])('does not count where %s', async (_, change) => {
    const cpu = await machine(counting);
    breakAt(cpu, CODE + 8);
    change(cpu);
    go(cpu);
    expect([brokeAt(cpu), counted(cpu)]).toEqual([undefined, 6]);
  });

  test('with DBGPRCR.CORENPDRQ the double lock does not hold it back (C11.11.28)', async () => {
    const cpu = await machine(counting);
    breakAt(cpu, CODE + 8);
    write(cpu, R.DBGOSDLR, 1);
    write(cpu, R.DBGPRCR, 1);
    go(cpu);
    expect(brokeAt(cpu)).toBe(CODE + 8);
  });

  test.each<[string, Breakpoint, Start, boolean]>([
    ['PL0 in User mode', { PMC: PL0 }, { mode: MODE_USR }, true],
    ['PL1 in User mode', { PMC: PL1 }, { mode: MODE_USR }, false],
    ['PL1 in Supervisor mode', { PMC: PL1 }, {}, true],
    ['User, Supervisor and System: Supervisor', { PMC: USR_SVC_SYS }, {}, true],
    ['User, Supervisor and System: System', { PMC: USR_SVC_SYS }, { mode: MODE_SYS }, true],
    ['User, Supervisor and System: User', { PMC: USR_SVC_SYS }, { mode: MODE_USR }, true],
    ['User, Supervisor and System: IRQ', { PMC: USR_SVC_SYS }, { mode: MODE_IRQ }, false],
    ['Non-secure state', { SSC: 1 }, { nonSecure: true }, true],
    ['Secure state', { SSC: 2 }, {}, true],
    ['Secure state in Non-secure state', { SSC: 2 }, { nonSecure: true }, false],
    ['Hyp mode alone, in Supervisor mode', { SSC: 3, HMC: 1, PMC: 0 }, { nonSecure: true }, false],
    ['all modes, with Hyp mode', { HMC: 1 }, { nonSecure: true }, true],
    // Debug events are not permitted there (table C3-1).
    ['all modes, in Hyp mode', { HMC: 1 }, { nonSecure: true, mode: MODE_HYP }, false],
  ])('for %s', async (_, control, start, breaks) => {
    const cpu = await machine(counting);
    breakAt(cpu, CODE + 8, control);
    go(cpu, start);
    expect(brokeAt(cpu)).toBe(breaks ? CODE + 8 : undefined);
  });

  test.each<[string, number, number]>([
    ['the first halfword', 0b0011, CODE + 4],
    ['the second halfword', 0b1100, CODE + 6],
  ])('in T32 selects %s', async (_, BAS, at) => {
    const cpu = await machine((a) => {
      // movs r0, #1 … movs r3, #1; b .
      for (const pair of [0x2101_2001, 0x2301_2201, 0xe7fe_e7fe]) a.word(pair);
    });
    breakAt(cpu, CODE + 4, { BAS });
    go(cpu, { thumb: true });
    expect([brokeAt(cpu), reg(cpu, 2)]).toEqual([at, at === CODE + 4 ? 0 : 1]);
  });

  test('in an IT block leaves ITSTATE in the SPSR', async () => {
    const cpu = await machine((a) => {
      // itt eq; addeq r0, #1; addeq r1, #1; b .
      for (const pair of [0x3001_bf04, 0xe7fe_3101]) a.word(pair);
    });
    breakAt(cpu, CODE + 4, { BAS: 0b0011 });
    go(cpu, { thumb: true });
    expect(brokeAt(cpu)).toBe(CODE + 4);
    const spsr = cpu.machine.u32[L.SPSR >>> 2]!;
    // ITSTATE<7:5> is the condition's base (EQ: 000), ITSTATE<4:0> of the last instruction 01000.
    expect(((spsr >>> 8) & 0xfc) | ((spsr >>> 25) & 3)).toBe(0b0000_1000);
  });

  test('counts in code that was decoded and linked before, and no more when it is disabled', async () => {
    const cpu = await machine((a) => {
      const again = a.label('again');
      a.at(again);
      a.add(r0, r0, 1);
      a.add(r1, r1, 1);
      a.b(again);
    });
    go(cpu);
    expect(brokeAt(cpu)).toBeUndefined();
    breakAt(cpu, CODE + 4);
    cpu.run(cpu.time + 100);
    expect(brokeAt(cpu)).toBe(CODE + 4);
    expect(reg(cpu, 0)).toBe(reg(cpu, 1) + 1);
    breakAt(cpu, CODE + 4, { E: 0 });
    go(cpu);
    expect(brokeAt(cpu)).toBeUndefined();
  });

  test('set by the code that runs into it', async () => {
    const cpu = await machine((a) => {
      a.mcr(p14, 0, r4, c(0), c(0), 4);
      a.mcr(p14, 0, r5, c(0), c(0), 5);
      a.add(r0, r0, 1);
      a.add(r1, r1, 1);
    });
    [cpu.machine.u32[4], cpu.machine.u32[5]] = [CODE + 12, bits(DBGBCR, { E: 1, PMC: ANY, BAS: 15 })];
    go(cpu);
    expect([brokeAt(cpu), reg(cpu, 0), reg(cpu, 1)]).toEqual([CODE + 12, 1, 0]);
  });

  test('is its core’s alone', async () => {
    const cpu = await machine(counting, 2);
    breakAt(cpu, CODE + 8);
    begin(cpu);
    const [, second] = cpu.cores;
    second!.CPSR = MODE_SVC | MASKED;
    cpu.machine.u32[(L.CORES + L.CORE_SIZE + L.PC) >>> 2] = CODE;
    cpu.run(cpu.time + 20_000);
    const at = (n: number): number => cpu.cores[n]!.register(15);
    expect([at(0), at(1)]).toEqual([VBAR + PREFETCH_ABORT, CODE + 24]);
  });

  test('HDCR.TDE takes it to Hyp mode, from Non-secure state', async () => {
    const cpu = await machine(counting);
    breakAt(cpu, CODE + 8);
    cpu.machine.core.HDCR |= 1 << 8;
    go(cpu, { nonSecure: true });
    expect([mode(cpu), reg(cpu, 15), moe(cpu)]).toEqual([MODE_HYP, HVBAR + HYP_TRAP, 1]);
    const { HSR } = cpu.machine.core;
    // A Prefetch Abort from a lower mode, its IFSC a debug event (B3.13.6).
    expect([HSR >>> 26, HSR & 0x3f]).toEqual([0x20, DEBUG_LONG]);
    expect(cpu.cores[0]!.banked('ELR_hyp')).toBe(CODE + 8);
    go(cpu);
    expect(brokeAt(cpu)).toBe(CODE + 8);
  });

  test('a machine that is saved and restored breaks as the one that was saved', async () => {
    const cpu = await machine((a) => {
      for (let i = 0; i < 40; i++) a.nop();
      counting(a);
    });
    breakAt(cpu, CODE + 42 * 4);
    watchAt(cpu, DATA);
    begin(cpu);
    cpu.run(20);
    const saved = cpu.save();
    const other = await bareCpu();
    other.restore(saved);
    for (const it of [cpu, other]) {
      it.run(1000);
      expect([brokeAt(it), counted(it)]).toEqual([CODE + 42 * 4, 2]);
    }
    expect(other.save()).toEqual(cpu.save());
  });
});

describe('a breakpoint by mismatch, context or VMID (C3.3.1)', () => {
  test('a mismatch is a single step of User mode', async () => {
    const cpu = await machine(counting);
    breakAt(cpu, CODE + 4, { BT: BT.MISMATCH, PMC: PL0 });
    go(cpu, { mode: MODE_USR, at: CODE + 4 });
    expect([brokeAt(cpu), counted(cpu), moe(cpu)]).toEqual([CODE + 8, 1, 1]);
    expect(cpu.machine.core.executed).toBeGreaterThan(0);
  });

  test('a step over a branch, and into T32', async () => {
    const cpu = await machine((a) => {
      a.bx(r6);
    });
    cpu.machine.u32[6] = CODE + 0x101;
    breakAt(cpu, CODE, { BT: BT.MISMATCH, PMC: PL0 });
    go(cpu, { mode: MODE_USR });
    expect(brokeAt(cpu)).toBe(CODE + 0x100);
    expect(cpu.machine.u32[L.SPSR >>> 2]! & PSR_T).toBe(PSR_T);
  });

  test('the handler of PL1 is not stepped, and goes back to User mode with the next step', async () => {
    const cpu = await machine(counting);
    // The handler: counts R6, moves DBGBVR0 to the instruction that comes, and returns to it.
    const a = assembler();
    a.add(r6, r6, 1);
    a.sub(lr, lr, 4);
    a.mcr(p14, 0, lr, c(0), c(0), 4);
    a.movs(pc, lr);
    cpu.memory.load(VBAR + PREFETCH_ABORT, a.assemble());
    breakAt(cpu, CODE, { BT: BT.MISMATCH, PMC: PL0 });
    go(cpu, { mode: MODE_USR });
    expect([counted(cpu), reg(cpu, 6)]).toEqual([6, 6]);
    expect([mode(cpu), reg(cpu, 15)]).toEqual([MODE_USR, CODE + 24]);
  });

  test('in PL1 it is ignored, unless its exception goes to Hyp mode', async () => {
    const cpu = await machine(counting);
    breakAt(cpu, CODE, { BT: BT.MISMATCH });
    go(cpu, { nonSecure: true });
    expect([brokeAt(cpu), counted(cpu)]).toEqual([undefined, 6]);
    cpu.machine.core.HDCR |= 1 << 8;
    go(cpu, { nonSecure: true });
    expect([mode(cpu), cpu.cores[0]!.banked('ELR_hyp')]).toEqual([MODE_HYP, CODE + 4]);
  });

  test('with no byte selected every instruction differs', async () => {
    const cpu = await machine(counting);
    breakAt(cpu, CODE, { BT: BT.MISMATCH, PMC: PL0, BAS: 0 });
    go(cpu, { mode: MODE_USR });
    expect([brokeAt(cpu), counted(cpu)]).toEqual([CODE, 0]);
  });

  test.each([
    ['another context', 0x1234, undefined],
    ['its context', 0x1235, CODE + 8],
  ])('linked to a context: in %s', async (_, context, at) => {
    const cpu = await machine(counting);
    cpu.machine.core.secure.CONTEXTIDR = context;
    breakAt(cpu, 0x1235, { BT: BT.LINKED_CONTEXT }, 4);
    breakAt(cpu, CODE + 8, { BT: BT.LINKED_ADDRESS, LBN: 4 });
    go(cpu);
    expect(brokeAt(cpu)).toBe(at);
  });

  test('a linked context is no event by itself, and a disabled one links nothing', async () => {
    const cpu = await machine(counting);
    breakAt(cpu, 0, { BT: BT.LINKED_CONTEXT }, 5);
    go(cpu, { mode: MODE_USR });
    expect(brokeAt(cpu)).toBeUndefined();
    breakAt(cpu, CODE + 8, { BT: BT.LINKED_ADDRESS, LBN: 5 });
    go(cpu, { mode: MODE_USR });
    expect(brokeAt(cpu)).toBe(CODE + 8);
    breakAt(cpu, 0, { BT: BT.LINKED_CONTEXT, E: 0 }, 5);
    go(cpu, { mode: MODE_USR });
    expect(brokeAt(cpu)).toBeUndefined();
  });

  test.each([
    [4, 7, CODE],
    [5, 7, CODE],
    [4, 8, undefined],
    // The first four compare no contexts.
    [3, 7, undefined],
  ])('a context by itself, breakpoint %i, CONTEXTIDR %i', async (n, context, at) => {
    const cpu = await machine(counting);
    cpu.machine.core.secure.CONTEXTIDR = context;
    breakAt(cpu, 7, { BT: BT.CONTEXT, PMC: PL0 }, n);
    go(cpu, { mode: MODE_USR });
    expect(brokeAt(cpu)).toBe(at);
  });

  test.each<[string, number, number, number, boolean, number | undefined]>([
    ['its VMID', BT.VMID, 5, 0, true, CODE],
    ['another VMID', BT.VMID, 6, 0, true, undefined],
    ['Secure state, which has none', BT.VMID, 5, 0, false, undefined],
    ['its VMID and context', BT.VMID_AND_CONTEXT, 5, 9, true, CODE],
    ['its VMID, another context', BT.VMID_AND_CONTEXT, 5, 8, true, undefined],
  ])('a VMID: %s', async (_, type, vmid, context, nonSecure, at) => {
    const cpu = await machine(counting);
    cpu.machine.core.VTTBR_HIGH = vmid << 16;
    cpu.machine.core.nonSecure.CONTEXTIDR = context;
    set(cpu, 'DBGBXVR', 4, 5);
    breakAt(cpu, 9, { BT: type, PMC: PL0 }, 4);
    go(cpu, { mode: MODE_USR, nonSecure });
    expect(brokeAt(cpu)).toBe(at);
  });
});

describe('watchpoints (C3.3.2)', () => {
  const BEFORE = 0x11111111;
  /** Registers that the accesses below go by: R1 the address, R2 to R5 values, SP behind. */
  function prepare(cpu: Cpu, address: number): void {
    const { u32 } = cpu.machine;
    [u32[1], u32[2], u32[3], u32[4], u32[5], u32[13]] = [address, 2, 3, 4, 5, address];
    const view = ramView(cpu);
    for (let at = DATA - 64; at < DATA + 64; at += 4) view.setUint32(at, BEFORE, true);
    u32[L.FPEXC >>> 2] = 1 << 30;
  }
  /** Address and direction of the Data Abort for a debug event; undefined where none was taken. */
  function watched(cpu: Cpu): [address: number, write: boolean] | undefined {
    if (reg(cpu, 15) !== VBAR + DATA_ABORT) return undefined;
    const { DFSR, DFAR } = bankOf(cpu);
    expect([mode(cpu), DFSR & ~WRITE & ~0xf0, moe(cpu)]).toEqual([MODE_ABT, DEBUG_SHORT, 0b1010]);
    // The instruction is the second one, behind the preparation.
    expect(reg(cpu, 14) - 8).toBe(CODE + 4);
    return [DFAR - DATA, (DFSR & WRITE) !== 0];
  }

  const vldr = (load: boolean): number => (load ? 0xed910b00 : 0xed810b00);
  /** What accesses DATA + `at`, and the first of its bytes that is among the four at DATA + 8. */
  const accesses: readonly [string, (a: Assembler) => void, number, number, boolean][] = [
    [
      'LDR',
      (a) => {
        a.ldr(r0, [r1]);
      },
      8,
      8,
      false,
    ],
    [
      'LDR with write-back',
      (a) => {
        a.ldr(r0, [r1, 8], '!');
      },
      0,
      8,
      false,
    ],
    [
      'LDR post-indexed',
      (a) => {
        a.ldr(r0, [r1], 4);
      },
      8,
      8,
      false,
    ],
    [
      'LDR, unaligned',
      (a) => {
        a.ldr(r0, [r1]);
      },
      6,
      8,
      false,
    ],
    [
      'LDRB',
      (a) => {
        a.ldrb(r0, [r1]);
      },
      11,
      11,
      false,
    ],
    [
      'LDRH',
      (a) => {
        a.ldrh(r0, [r1]);
      },
      10,
      10,
      false,
    ],
    [
      'LDRSH, unaligned',
      (a) => {
        a.ldrsh(r0, [r1]);
      },
      7,
      8,
      false,
    ],
    [
      'LDRD, the second word',
      (a) => {
        a.ldrd(r2, r3, [r1]);
      },
      4,
      8,
      false,
    ],
    [
      'LDM, the third word',
      (a) => {
        a.ldm(r1, '!', [r2, r3, r4, r5]);
      },
      0,
      8,
      false,
    ],
    [
      'POP',
      (a) => {
        a.pop([r2, r3, r4]);
      },
      0,
      8,
      false,
    ],
    [
      'LDREX',
      (a) => {
        a.ldrex(r0, [r1]);
      },
      8,
      8,
      false,
    ],
    [
      'LDREXD',
      (a) => {
        a.ldrexd(r2, r3, [r1]);
      },
      8,
      8,
      false,
    ],
    [
      'LDREXB',
      (a) => {
        a.ldrexb(r0, [r1]);
      },
      9,
      9,
      false,
    ],
    [
      'VLDR',
      (a) => {
        a.word(vldr(true));
      },
      8,
      8,
      false,
    ],
    [
      'VLDR, the second word',
      (a) => {
        a.word(vldr(true));
      },
      4,
      8,
      false,
    ],
    // vldmia r1!, {d0-d1}
    [
      'VLDM',
      (a) => {
        a.word(0xecb10b04);
      },
      0,
      8,
      false,
    ],
    // vld1.8 {d0}, [r1]; vld4.8 {d0-d3}, [r1]; vld1.8 {d0[0]}, [r1]
    [
      'VLD1',
      (a) => {
        a.word(0xf421070f);
      },
      3,
      8,
      false,
    ],
    [
      'VLD4',
      (a) => {
        a.word(0xf421000f);
      },
      0,
      8,
      false,
    ],
    [
      'VLD1 of a lane',
      (a) => {
        a.word(0xf4a1000f);
      },
      10,
      10,
      false,
    ],
    [
      'STR',
      (a) => {
        a.str(r2, [r1]);
      },
      8,
      8,
      true,
    ],
    [
      'STR with write-back',
      (a) => {
        a.str(r2, [r1, 8], '!');
      },
      0,
      8,
      true,
    ],
    [
      'STR, unaligned',
      (a) => {
        a.str(r2, [r1]);
      },
      11,
      11,
      true,
    ],
    [
      'STRB',
      (a) => {
        a.strb(r2, [r1]);
      },
      9,
      9,
      true,
    ],
    [
      'STRH',
      (a) => {
        a.strh(r2, [r1]);
      },
      8,
      8,
      true,
    ],
    [
      'STRD',
      (a) => {
        a.strd(r2, r3, [r1]);
      },
      8,
      8,
      true,
    ],
    [
      'STM',
      (a) => {
        a.stm(r1, '!', [r2, r3, r4, r5]);
      },
      0,
      8,
      true,
    ],
    [
      'PUSH',
      (a) => {
        a.push([r2, r3]);
      },
      16,
      8,
      true,
    ],
    // It fails, as the monitor is open: an event all the same.
    [
      'STREX that fails',
      (a) => {
        a.strex(r0, r2, [r1]);
      },
      8,
      8,
      true,
    ],
    [
      'STREXD that fails',
      (a) => {
        a.strexd(r0, r2, r3, [r1]);
      },
      8,
      8,
      true,
    ],
    [
      'VSTR',
      (a) => {
        a.word(vldr(false));
      },
      8,
      8,
      true,
    ],
    // vstmia r1!, {d0-d1}; vst1.8 {d0}, [r1]
    [
      'VSTM',
      (a) => {
        a.word(0xeca10b04);
      },
      0,
      8,
      true,
    ],
    [
      'VST1',
      (a) => {
        a.word(0xf401070f);
      },
      8,
      8,
      true,
    ],
    [
      'DCIMVAC',
      (a) => {
        a.mcr(R.DCIMVAC, r1);
      },
      0,
      8,
      true,
    ],
  ];

  describe.each([
    ['without translation', false],
    ['with translation', true],
  ])('%s', (_, translated) => {
    // Memory is Device where nothing translates: it wants alignment.
    const possible = accesses.filter(([name]) => translated || !name.endsWith('unaligned'));
    test.each(possible)('%s', async (_name, code, at, first, isWrite) => {
      const cpu = await machine((a) => {
        a.nop();
        code(a);
      });
      if (translated) translate(cpu);
      // Once without, so that what is known of the page is from before.
      prepare(cpu, DATA + at);
      go(cpu);
      expect([watched(cpu), reg(cpu, 15)]).toEqual([undefined, CODE + 8]);

      watchAt(cpu, DATA + 8, { BAS: 0x0f, LSC: isWrite ? 2 : 1 });
      prepare(cpu, DATA + at);
      const registers = [1, 13].map((n) => reg(cpu, n));
      go(cpu);
      expect(watched(cpu)).toEqual([first, isWrite]);
      setCpsr(cpu.machine, MODE_SVC | MASKED);
      expect([1, 13].map((n) => reg(cpu, n))).toEqual(registers);
      expect(ramView(cpu).getUint32(DATA + 8, true)).toBe(BEFORE);

      // In the other direction, and beside it, it does not count.
      for (const control of [{ LSC: isWrite ? 1 : 2 }, { BAS: 0, LSC: 3 }]) {
        watchAt(cpu, DATA + 8, { BAS: 0x0f, ...control });
        prepare(cpu, DATA + at);
        go(cpu);
        expect(watched(cpu)).toBeUndefined();
      }
    });
  });

  /** Sections of Normal memory for all, from a table of short descriptors. */
  function translate(cpu: Cpu): void {
    const { machine: m } = cpu;
    const table = ramWords(cpu, TABLE, 4096);
    for (let i = 0; i < 4096; i++) table[i] = i * 0x100000 + 0xc0e;
    for (const bank of [m.core.secure, m.core.nonSecure]) {
      [bank.TTBR0, bank.DACR] = [TABLE, 1];
      bank.SCTLR |= 1;
    }
    flushTlb(m);
    contextsChanged(m);
  }

  async function one(
    code: (a: Assembler) => void,
    start: Start,
    set: (cpu: Cpu) => void,
    at = DATA + 8,
  ): Promise<Cpu> {
    const cpu = await machine((a) => {
      a.nop();
      code(a);
    });
    set(cpu);
    begin(cpu, start);
    prepare(cpu, at);
    cpu.run(cpu.time + 1000);
    return cpu;
  }
  const load = (a: Assembler): void => {
    a.ldr(r0, [r1]);
  };

  test.each<[string, number, Watchpoint, Start, boolean]>([
    ['each of a doubleword’s bytes', DATA, { BAS: 0xff }, {}, true],
    ['bytes 0 to 3 of the doubleword', DATA + 8, { BAS: 0x0f }, {}, true],
    ['bytes 4 to 7 of the doubleword', DATA + 8, { BAS: 0xf0 }, {}, false],
    ['the upper word by its own address', DATA + 12, { BAS: 0x0f }, {}, false],
    ['a mask over a page', DATA & ~0xfff, { MASK: 12 }, {}, true],
    ['a mask over another page', (DATA & ~0xfff) + 0x1000, { MASK: 12 }, {}, false],
    ['a mask over a mebibyte', 0, { MASK: 20 }, {}, true],
    ['a mask over all that there is', 0, { MASK: 31 }, {}, true],
    ['PL1 in Supervisor mode', DATA + 8, { PAC: PL1 }, {}, true],
    ['PL0 in Supervisor mode', DATA + 8, { PAC: PL0 }, {}, false],
    ['PL0 in User mode', DATA + 8, { PAC: PL0 }, { mode: MODE_USR }, true],
    ['PL1 in User mode', DATA + 8, { PAC: PL1 }, { mode: MODE_USR }, false],
    ['Non-secure state in Secure state', DATA + 8, { SSC: 1 }, {}, false],
    ['Non-secure state', DATA + 8, { SSC: 1 }, { nonSecure: true }, true],
    ['Hyp mode, which has no debug events', DATA + 8, { HMC: 1 }, { nonSecure: true, mode: MODE_HYP }, false],
    ['not enabled', DATA + 8, { E: 0 }, {}, false],
    ['linked to no context', DATA + 8, { WT: 1, LBN: 4 }, {}, false],
  ])('%s', async (name, value, control, start, hit) => {
    // The doubleword at DATA is another than that at DATA + 8.
    const at = name.startsWith('each') ? DATA + 4 : DATA + 8;
    const cpu = await one(
      load,
      start,
      (it) => {
        watchAt(it, value, control);
      },
      at,
    );
    expect(watched(cpu)).toEqual(hit ? [at - DATA, false] : undefined);
  });

  test.each([
    [0x77, true],
    [0x78, false],
  ])('linked to a context, CONTEXTIDR %i', async (context, hit) => {
    const cpu = await one(load, {}, (it) => {
      it.machine.core.secure.CONTEXTIDR = context;
      breakAt(it, 0x77, { BT: BT.LINKED_CONTEXT }, 5);
      watchAt(it, DATA + 8, { WT: 1, LBN: 5 }, 3);
    });
    expect(watched(cpu)).toEqual(hit ? [8, false] : undefined);
  });

  test('LDRT of PL1 is an access of PL0', async () => {
    for (const [PAC, hit] of [
      [PL0, true],
      [PL1, false],
    ] as const) {
      const cpu = await one(
        (a) => {
          a.ldrt(r0, [r1]);
        },
        {},
        (it) => {
          watchAt(it, DATA + 8, { PAC });
        },
      );
      expect(watched(cpu)).toEqual(hit ? [8, false] : undefined);
    }
  });

  test('PLD, DCCMVAC and the fetch of instructions are no accesses', async () => {
    const accesses: ((a: Assembler) => void)[] = [
      (a) => {
        a.pld([r1]);
      },
      (a) => {
        a.mcr(R.DCCMVAC, r1);
      },
      (a) => {
        a.nop();
      },
    ];
    for (const access of accesses) {
      const cpu = await one(access, {}, (it) => {
        watchAt(it, DATA + 8);
        watchAt(it, CODE, { MASK: 12 }, 1);
      });
      expect(watched(cpu)).toBeUndefined();
    }
  });

  test('SWP is a load and a store', async () => {
    for (const LSC of [1, 2]) {
      const cpu = await one(
        (a) => {
          a.swp(r0, r2, [r1]);
        },
        {},
        (it) => {
          it.machine.core.secure.SCTLR |= 1 << 10;
          watchAt(it, DATA + 8, { LSC });
        },
      );
      expect(watched(cpu)).toEqual([8, LSC === 2]);
      expect(ramView(cpu).getUint32(DATA + 8, true)).toBe(BEFORE);
    }
  });

  test('a STREX whose monitor is held stores where no watchpoint is, and is an event where one is', async () => {
    const code = (a: Assembler): void => {
      a.strex(r0, r2, [r1]);
    };
    for (const hit of [false, true]) {
      const cpu = await machine((a) => {
        a.ldrex(r4, [r1]);
        code(a);
      });
      watchAt(cpu, DATA + (hit ? 8 : 16), { LSC: 2 });
      begin(cpu);
      prepare(cpu, DATA + 8);
      cpu.run(cpu.time + 1000);
      expect(watched(cpu)).toEqual(hit ? [8, true] : undefined);
      expect(ramView(cpu).getUint32(DATA + 8, true)).toBe(hit ? BEFORE : 2);
    }
  });

  test('faults of the access come first (B1.8)', async () => {
    const misaligned = await one(
      load,
      {},
      (it) => {
        it.machine.core.secure.SCTLR |= 2;
        watchAt(it, DATA + 8);
      },
      DATA + 9,
    );
    // An alignment fault (table B3-23).
    expect([reg(misaligned, 15), misaligned.machine.core.secure.DFSR]).toEqual([VBAR + DATA_ABORT, 0b00001]);
    const unmapped = await one(
      load,
      {},
      (it) => {
        translate(it);
        ramWords(it, TABLE, 4096)[0x400] = 0;
        flushTlb(it.machine);
        contextsChanged(it.machine);
        watchAt(it, 0x40000000);
      },
      0x40000000,
    );
    // A translation fault of level 1.
    expect([reg(unmapped, 15), unmapped.machine.core.secure.DFSR & 0x40f]).toEqual([
      VBAR + DATA_ABORT,
      0b00101,
    ]);
  });

  test('HDCR.TDE takes it to Hyp mode, HDFAR the address', async () => {
    const cpu = await one(load, { nonSecure: true }, (it) => {
      it.machine.core.HDCR |= 1 << 8;
      watchAt(it, DATA + 8);
    });
    const { HSR, HDFAR } = cpu.machine.core;
    expect([mode(cpu), reg(cpu, 15), moe(cpu)]).toEqual([MODE_HYP, HVBAR + HYP_TRAP, 0b1010]);
    expect([HSR >>> 26, HSR & 0x3f, HDFAR]).toEqual([0x24, DEBUG_LONG, DATA + 8]);
    expect(cpu.cores[0]!.banked('ELR_hyp')).toBe(CODE + 4);
  });

  test('a loop that waits for a word ends at the watchpoint on it', async () => {
    const waiting = await machine((a) => {
      const again = a.label('again');
      a.nop();
      a.at(again);
      a.ldr(r0, [r1]);
      a.cmp(r0, 0);
      a.bne(again);
    });
    watchAt(waiting, DATA + 8, { LSC: 1 });
    begin(waiting);
    prepare(waiting, DATA + 8);
    waiting.run(waiting.time + 100_000);
    expect(watched(waiting)).toEqual([8, false]);
  });
});

describe('vector catch by address (C3.3.3)', () => {
  test.each<[string, number, Start, boolean]>([
    ['SVC in Secure state', 1 << 2, {}, true],
    ['SVC in Non-secure state', 1 << 26, { nonSecure: true }, true],
    ['the other state’s', 1 << 26, {}, false],
    ['another vector', 1 << 1, {}, false],
  ])('%s', async (_, vectors, start, caught) => {
    const cpu = await machine((a) => {
      a.svc(0);
    });
    write(cpu, R.DBGVCR, vectors);
    go(cpu, { mode: MODE_USR, ...start });
    if (caught) expect([brokeAt(cpu), moe(cpu)]).toEqual([VBAR + 8, 0b0101]);
    else expect(reg(cpu, 15)).toBe(VBAR + 8);
  });

  test('SMC at Monitor mode’s vectors', async () => {
    const cpu = await machine((a) => {
      a.smc(0);
    });
    write(cpu, R.DBGVCR, 1 << 10);
    go(cpu);
    expect([brokeAt(cpu), moe(cpu)]).toEqual([MVBAR + 8, 0b0101]);
  });

  test('of vectors that were moved, and of the high ones', async () => {
    const cpu = await machine((a) => {
      a.svc(0);
    });
    write(cpu, R.DBGVCR, 1 << 2);
    const MOVED = 0x4020;
    ramWords(cpu).fill(STAY, MOVED / 4, MOVED / 4 + 8);
    write(cpu, R.VBAR, MOVED);
    go(cpu);
    expect([reg(cpu, 15), reg(cpu, 14) - 4]).toEqual([MOVED + PREFETCH_ABORT, MOVED + 8]);
  });
});

test('BKPT is a Prefetch Abort whether debug-mode is on or off, DBGDSCR.MOE says BKPT (C3.3.5)', async () => {
  for (const dscr of [0, MDBGEN]) {
    const cpu = await machine((a) => {
      a.nop();
      a.bkpt(0);
    });
    write(cpu, R.DBGDSCRext, dscr);
    go(cpu);
    expect([brokeAt(cpu), moe(cpu)]).toEqual([CODE + 4, 0b0011]);
  }
});

describe('the registers (C11.11)', () => {
  test('six breakpoints, two of them with contexts, four watchpoints, as DBGDIDR announces', async () => {
    const cpu = await machine(counting);
    const didr = systemRegister(R.DBGDIDR)!.read!(cpu.machine);
    expect([didr >>> 28, (didr >>> 24) & 15, (didr >>> 20) & 15, (didr >>> 16) & 15]).toEqual([3, 5, 1, 5]);
    const there = (name: Register, n: number): boolean =>
      systemRegister({ coproc: 14, opc1: 0, CRn: name === 'DBGBXVR' ? 1 : 0, CRm: n, opc2: OPC2[name] }) !==
      undefined;
    const numbers = (name: Register): number[] =>
      Array.from({ length: 16 }, (_, n) => n).filter((n) => there(name, n));
    expect([numbers('DBGBVR'), numbers('DBGBCR'), numbers('DBGBXVR')]).toEqual([
      [0, 1, 2, 3, 4, 5],
      [0, 1, 2, 3, 4, 5],
      [4, 5],
    ]);
    expect([numbers('DBGWVR'), numbers('DBGWCR')]).toEqual([
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ]);
  });

  test('what is read back after all ones were written', async () => {
    const cpu = await machine(counting);
    const back = (name: Register, n: number): number => {
      set(cpu, name, n, 0xffffffff);
      return get(cpu, name, n);
    };
    write(cpu, R.DBGDSCRext, 0);
    // BT, LBN, SSC, HMC, BAS, PMC, E; an address mask is not there on a Cortex-A7.
    expect(back('DBGBCR', 0)).toBe(0x00ff_e1e7);
    expect(back('DBGWCR', 0)).toBe(0x1f1f_ffff);
    expect([back('DBGBVR', 0), back('DBGBVR', 4), back('DBGWVR', 0)]).toEqual([
      0xffff_fffc, 0xffff_ffff, 0xffff_fffc,
    ]);
  });

  test('the OS lock is set by reset, and DBGDSCR.UDCCdis keeps User mode out', async () => {
    const fresh = await bareCpu();
    expect(systemRegister(R.DBGOSLSR)!.read!(fresh.machine)).toBe(0b1010);
    for (const [dscr, vector] of [
      [0, undefined],
      [1 << 12, VBAR + 4],
    ] as const) {
      const cpu = await machine((a) => {
        a.mrc(R.DBGDIDR, r0);
      });
      write(cpu, R.DBGDSCRext, dscr);
      go(cpu, { mode: MODE_USR });
      expect(reg(cpu, 15)).toBe(vector ?? CODE + 4);
    }
  });
});
