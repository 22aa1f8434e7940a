/** The performance monitors by the ARM ARM (DDI 0406C, chapter C12), their counts by what a trace shows. */
import { describe, expect, test } from 'vitest';
import { assembler } from '../../src/isa/assembler.js';
import { bits, maskOf } from '../../src/isa/bits.js';
import { disassembleA32, disassembleT32 } from '../../src/isa/disassembler.js';
import { PERFORMANCE_EVENTS as EVENT } from '../../src/isa/performance-events.js';
import {
  MODE_ABT,
  MODE_HYP,
  MODE_IRQ,
  MODE_MON,
  MODE_SVC,
  MODE_UND,
  MODE_USR,
} from '../../src/isa/program-status.js';
import { lr, pc, r0, r1, r2, r3, r4, r6, r8, r9, type Register, sp } from '../../src/isa/registers.js';
import * as R from '../../src/isa/system-registers.js';
import type { CoreView } from '../../src/cpu/core-view.js';
import type { Cpu, CpuOptions } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { setBankedRegister, setCpsr } from '../../src/cpu/modes.js';
import { executedInSlice } from '../../src/cpu/state.js';
import { systemRegister } from '../../src/cpu/system-registers/index.js';
import { contextsChanged } from '../../src/cpu/tlb.js';
import { ramWords } from '../support/ram.js';
import { bareCpu } from './machines.js';

const CODE = 0x8000;
const VBAR = 0x1000;
const DATA = 0x20100;
const STACK = 0x30000;
const TABLE = 0x100000;
/** Nothing is mapped there. */
const NOWHERE = 0x90000000;
const MASKED = 0x1c0;
const CYCLES = 31;

const write = (cpu: Cpu, register: R.SystemRegister, value: number): void => {
  systemRegister(register)!.write!(cpu.machine, value >>> 0);
};
const read = (cpu: Cpu, register: R.SystemRegister): number =>
  systemRegister(register)!.read!(cpu.machine) >>> 0;

/** What one counter counts, and from where. */
interface Counter {
  readonly event: number;
  readonly filter?: number;
  readonly from?: number;
}

/** Sets the counters up and has them count. */
function count(cpu: Cpu, counters: readonly Counter[], cycles: Partial<Counter> = {}): void {
  for (const [n, { event, filter = 0, from = 0 }] of counters.entries()) {
    write(cpu, R.PMSELR, n);
    write(cpu, R.PMXEVTYPER, (event | filter) >>> 0);
    write(cpu, R.PMXEVCNTR, from);
  }
  write(cpu, R.PMSELR, CYCLES);
  write(cpu, R.PMXEVTYPER, cycles.filter ?? 0);
  write(cpu, R.PMCCNTR, cycles.from ?? 0);
  write(cpu, R.PMCNTENSET, 0x8000000f);
  write(cpu, R.PMCR, read(cpu, R.PMCR) | bits(R.PMCR, { E: 1 }));
}
function counted(cpu: Cpu): { events: number[]; cycles: number } {
  const events = [0, 1, 2, 3].map((n) => {
    write(cpu, R.PMSELR, n);
    return read(cpu, R.PMXEVCNTR);
  });
  return { events, cycles: read(cpu, R.PMCCNTR) };
}

const { P, U, NSK, NSU, NSH } = {
  P: maskOf(R.PMXEVTYPER, 'P'),
  U: maskOf(R.PMXEVTYPER, 'U'),
  NSK: maskOf(R.PMXEVTYPER, 'NSK'),
  NSU: maskOf(R.PMXEVTYPER, 'NSU'),
  NSH: maskOf(R.PMXEVTYPER, 'NSH'),
};

/** A flat translation of Normal memory below NOWHERE; a stack in each mode; the code at CODE. */
async function machine(
  code: Uint8Array,
  start: { mode?: number; nonSecure?: boolean } = {},
  options: Partial<CpuOptions> = {},
): Promise<Cpu> {
  const cpu = await bareCpu(options);
  const { machine: m } = cpu;
  const { core } = m;
  cpu.memory.load(CODE, code);
  const table = ramWords(cpu, TABLE, 4096);
  for (let i = 0; i < NOWHERE >>> 20; i++) table[i] = (i << 20) | 0xc0e;
  for (const bank of [core.secure, core.nonSecure]) {
    [bank.TTBR0, bank.DACR, bank.VBAR] = [TABLE, 1, VBAR];
    bank.SCTLR |= 1;
  }
  [core.CPACR, core.NSACR] = [0x00f00000, 0xc00];
  core.SCR = start.nonSecure ? 0x101 : 0;
  const modes = [MODE_SVC, MODE_UND, MODE_ABT, MODE_USR, MODE_IRQ];
  setCpsr(m, MODE_SVC | MASKED);
  for (const [i, mode] of modes.entries()) setBankedRegister(m, mode, 13, STACK - 0x1000 * i);
  setCpsr(m, (start.mode ?? MODE_SVC) | MASKED);
  m.u32[13] = STACK;
  contextsChanged(m);
  m.u32[L.FPEXC >>> 2] = 1 << 30;
  m.u32[15] = CODE;
  return cpu;
}

/** A procedure in T32: a stack, branches that are taken and not, an IT block, a table. R8 is an address. */
const THUMB = [
  0xb501, // push {r0, lr}
  0x2001, // movs r0, #1
  0xb100, // cbz r0, over the next
  0xbf00, // nop
  0xb900, // cbnz r0, over the next
  0xbf00, // nop
  0x2801, // cmp r0, #1
  ...[0xd100, 0xd000, 0xbf00, 0xbf00], // bne and beq, each over the next; nop; nop
  0xbf0c, // ite eq
  ...[0xf8d8, 0x1000], // ldreq r1, [r8]
  ...[0xf8c8, 0x1000], // strne r1, [r8]
  ...[0xe8df, 0xf000, 0x0101], // tbb [pc, r0]: behind the table
  0xbd01, // pop {r0, pc}
];

const ROUNDS = 3;

/** Something of everything, three times, with visits to User mode and every way back; then it sleeps. */
function variety(): Uint8Array {
  const a = assembler(CODE);
  const constant = (r: Register, value: number): void => {
    a.movw(r, value & 0xffff);
    a.movt(r, value >>> 16);
  };
  const [main, again, leaf, mover] = [a.label('main'), a.label('again'), a.label('leaf'), a.label('mover')];
  const [puller, thumb, user] = [a.label('puller'), a.label('thumb'), a.label('user')];
  const [afterRfe, afterLdm] = [a.label('afterRfe'), a.label('afterLdm')];
  const [literal, table] = [a.label('literal'), a.label('table')];
  a.b(main);
  a.at(leaf);
  a.bxne(lr);
  a.bx(lr);
  a.at(mover);
  a.mov(pc, lr);
  a.at(puller);
  a.push([r0, r1, lr]);
  a.pop([r0, r1, pc]);
  a.at(thumb);
  a.bytes(new Uint8Array(Uint16Array.from(THUMB).buffer));
  a.at(user);
  a.ldr(r0, [r8]);
  a.ldr(r0, [r9, 1]);
  a.bl(leaf);
  a.svc(1);
  a.at(main);
  constant(r8, DATA);
  constant(r9, DATA + 1);
  a.mov(r4, ROUNDS);
  a.at(again);
  a.ldr(r0, [r8]);
  a.strb(r0, [r8, 4]);
  a.ldrd(r0, r1, [r8]);
  a.strd(r0, r1, [r8, 8]);
  a.stm(r8, [r0, r1, r2]);
  a.ldm(r8, [r0, r1, r2]);
  a.ldr(r0, [r9]);
  a.strh(r0, [r9, 4]);
  // vldr d0, [r8]; vstr d0, [r8, #8]
  a.word(0xed980b00);
  a.word(0xed880b02);
  a.ldrex(r0, [r8]);
  a.strex(r1, r0, [r8]);
  a.cmp(r4, 2);
  a.ldreq(r0, [r8]);
  a.strne(r0, [r8]);
  a.bleq(leaf);
  a.bl(leaf);
  a.bl(mover);
  a.bl(puller);
  a.blx(thumb);
  // Return from an exception to User mode, and an SVC there.
  constant(r0, MODE_USR | MASKED);
  a.msr('SPSR_fsxc', r0);
  a.adr(lr, user);
  a.movs(pc, lr);
  // Each of these ends in an exception, whose handler goes on behind it.
  a.svc(0);
  a.udf(0);
  constant(r1, NOWHERE);
  a.ldr(r0, [r1]);
  a.ldm(r1, [r0, pc]);
  a.mov(r0, 1);
  a.mcr(R.CONTEXTIDR, r0);
  a.mrs(r1, 'CPSR');
  a.adr(r0, afterRfe);
  a.push([r0, r1]);
  a.rfeia(sp, '!');
  a.nop();
  a.at(afterRfe);
  a.msr('SPSR_fsxc', r1);
  a.adr(r0, afterLdm);
  a.push([r0]);
  a.push([r2]);
  a.ldm(sp, '!', [r2, pc], '^');
  a.nop();
  a.at(afterLdm);
  a.ldr(pc, literal);
  a.at(literal);
  a.word(table);
  a.at(table);
  a.subs(r4, r4, 1);
  a.bne(again);
  a.wfi();
  a.b(main);
  return a.assemble();
}

/** Handlers, each at its vector; the one of SVC ends a visit to User mode. */
function handlers(cpu: Cpu): void {
  const a = assembler(VBAR);
  a.nop();
  // Undefined Instruction: behind it.
  a.movs(pc, lr);
  const svc = a.label('svc');
  a.b(svc);
  a.nop();
  // Data Abort: behind it.
  a.subs(pc, lr, 4);
  a.nop();
  a.nop();
  a.nop();
  a.at(svc);
  // An SVC of User mode stays in Supervisor mode.
  a.mrs(r6, 'SPSR');
  a.tst(r6, 15);
  a.movsne(pc, lr);
  a.cps(MODE_SVC);
  a.mov(r0, r0);
  const at = a.label('at');
  a.ldr(pc, at);
  a.at(at);
  a.word(backOf());
  cpu.memory.load(VBAR, a.assemble());
}
/** Where {@link variety} goes on after its visit to User mode: behind `movs pc, lr`. */
function backOf(): number {
  const words = new Uint32Array(variety().buffer);
  return CODE + 4 * (words.indexOf(0xe1b0f00e) + 1);
}

/** What an instruction of a trace was. */
interface Seen {
  readonly address: number;
  readonly size: number;
  readonly mode: number;
  /** Its text. */
  readonly mnemonic: string;
  readonly operands: string;
  readonly passed: boolean;
  /** The vector that it went to; undefined where it took no exception. */
  vector?: number;
  next?: number;
  /** Whether an address that it accessed was not aligned. */
  unaligned: boolean;
}

/** Whether a condition passes by the flags in bits 31 to 28 (A8.3). */
function passes(condition: number, psr: number): boolean {
  const [n, z, carry, v] = [31, 30, 29, 28].map((bit) => ((psr >>> bit) & 1) === 1);
  const holds = [z, carry, n, v, carry! && !z, n === v, !z && n === v, true][condition >>> 1]!;
  return condition & 1 && condition < 15 ? !holds : holds;
}

/** Runs the code with somebody who looks at every instruction. */
function trace(cpu: Cpu): Seen[] {
  const seen: Seen[] = [];
  cpu.listen({
    exceptionTaken: (_, vector) => {
      const last = seen.at(-1);
      if (last) last.vector = vector;
    },
  });
  cpu.watch({
    wants: () => true,
    instruction: (core, address, _physical, word) => {
      const last = seen.at(-1);
      if (last) last.next = address;
      seen.push(look(core, address, word));
      return false;
    },
  });
  expect(cpu.run(10_000_000)).toBe('idle');
  return seen;
}

function look(core: CoreView, address: number, word: number): Seen {
  const { thumb, itState: it, CPSR, mode } = core;
  const text = thumb
    ? disassembleT32(word, { address, condition: it ? it >>> 4 : undefined })!
    : disassembleA32(word, { address })!;
  const isConditionalBranch = thumb && word >>> 12 === 0xd && ((word >>> 8) & 15) < 14;
  const ofT32 = it ? it >>> 4 : isConditionalBranch ? (word >>> 8) & 15 : 14;
  const size = thumb && word < 0x10000 ? 2 : 4;
  const passed = passes(thumb ? ofT32 : word >>> 28, CPSR);
  const compares = /^cbn?z/.test(text.mnemonic);
  const isZero = compares && core.register(word & 7) === 0;
  const branches = compares ? isZero === (text.mnemonic === 'cbz') : passed;
  // R9 is the odd address here, and nothing else.
  const odd = /\[r9(, #(\d+))?\]/.exec(text.operands);
  const width = /h/.test(text.mnemonic) ? 2 : /b/.test(text.mnemonic) ? 1 : 4;
  const unaligned = odd !== null && (core.register(9) + Number(odd[2] ?? 0)) % width !== 0;
  return { address, size, mode, ...text, passed: branches, unaligned };
}

const isImmediate = ({ mnemonic, operands }: Seen): boolean =>
  /^cbn?z/.test(mnemonic) || (/^(b|bl|blx)(\.\w|eq|ne)*$/.test(mnemonic) && !/^(r\d|lr)/.test(operands));
const isBranch = (it: Seen): boolean => isImmediate(it) || /^(bx|blx|tb)/.test(it.mnemonic);
const returns = ({ mnemonic, operands }: Seen): boolean =>
  /^rfe|^eret/.test(mnemonic) ||
  (/^(mov|sub)s/.test(mnemonic) && /^pc/.test(operands)) ||
  /\^$/.test(operands);

/** An instruction that ended in an exception that is not what it is for. */
const failed = ({ vector }: Seen): boolean => vector !== undefined && [0x04, 0x10].includes(vector);
/** Going on elsewhere: not by an exception, and not asleep. */
const goesAway = (it: Seen): boolean =>
  it.vector === undefined && it.next !== undefined && it.next !== it.address + it.size;

const done = (is: (it: Seen) => boolean) => (it: Seen) => it.passed && !failed(it) && is(it);
const mnemonicIs =
  (wanted: RegExp) =>
  ({ mnemonic }: Seen): boolean =>
    wanted.test(mnemonic);

/** For each event, whether an instruction of a trace is one. */
const REFERENCE: Partial<Record<keyof typeof EVENT, (it: Seen) => boolean>> = {
  INST_RETIRED: (it) => !failed(it),
  CPU_CYCLES: () => true,
  LD_RETIRED: done(mnemonicIs(/^(ldr|ldm|pop|rfe|vldr|tb)/)),
  ST_RETIRED: done(mnemonicIs(/^(str|stm|push|vstr)/)),
  EXC_RETURN: done(returns),
  CID_WRITE_RETIRED: done(({ operands }) => /c13, c0, 1$/.test(operands)),
  PC_WRITE_RETIRED: done(goesAway),
  BR_IMMED_RETIRED: isImmediate,
  BR_RETURN_RETIRED: done(
    ({ mnemonic, operands }) =>
      (/^bx/.test(mnemonic) && operands === 'lr') ||
      (mnemonic === 'mov' && operands === 'pc, lr') ||
      (mnemonic === 'pop' && /pc/.test(operands)),
  ),
  UNALIGNED_LDST_RETIRED: done(({ unaligned }) => unaligned),
  BR_PRED: (it) => isBranch(it) || done((one) => goesAway(one) && !returns(one))(it),
};

const names = Object.keys(REFERENCE) as (keyof typeof EVENT)[];

describe('what is counted is what a trace shows', () => {
  const prepared = async (): Promise<Cpu> => {
    const cpu = await machine(variety());
    handlers(cpu);
    return cpu;
  };

  test('the program has all of it, and some of each in User mode', async () => {
    const seen = trace(await prepared());
    const inUser = (name: keyof typeof EVENT): number =>
      seen.filter((it) => it.mode === MODE_USR && REFERENCE[name]!(it)).length;
    for (const name of names) expect([name, seen.filter(REFERENCE[name]!).length]).not.toEqual([name, 0]);
    expect([inUser('LD_RETIRED'), inUser('UNALIGNED_LDST_RETIRED'), inUser('PC_WRITE_RETIRED')]).toEqual(
      [2, 1, 2].map((it) => it * ROUNDS),
    );
  });

  test.each(names)('%s, in all modes, in PL1 alone, in User mode alone', async (name) => {
    const seen = trace(await prepared()).filter(REFERENCE[name]!);
    const inUser = seen.filter(({ mode }) => mode === MODE_USR).length;
    const cpu = await prepared();
    const event = EVENT[name];
    count(cpu, [{ event }, { event, filter: U }, { event, filter: P }, { event, filter: P | U }]);
    expect(cpu.run(10_000_000)).toBe('idle');
    expect(counted(cpu).events).toEqual([seen.length, seen.length - inUser, inUser, 0]);
  });

  test('exceptions taken, by the mode that takes them', async () => {
    const seen = trace(await prepared()).filter(({ vector }) => vector !== undefined);
    // Of each round: two SVC, two Data Aborts, one Undefined Instruction.
    expect(seen).toHaveLength(5 * ROUNDS);
    const cpu = await prepared();
    const event = EVENT.EXC_TAKEN;
    count(cpu, [{ event }, { event, filter: U }, { event, filter: P }, { event: EVENT.EXC_IRQ }]);
    cpu.run(10_000_000);
    expect(counted(cpu).events).toEqual([seen.length, seen.length, 0, 0]);
  });
});

describe('filters (B4.1.122)', () => {
  /** Ten instructions, then sleep. */
  const ten = (): Uint8Array => {
    const a = assembler(CODE);
    for (let i = 0; i < 9; i++) a.add(r0, r0, 1);
    a.wfi();
    return a.assemble();
  };
  const filters = [0, P, U, NSK, NSU, NSH, P | NSK, U | NSU];
  test.each<[string, { mode: number; nonSecure: boolean }, number[]]>([
    ['Secure PL1', { mode: MODE_SVC, nonSecure: false }, [1, 0, 1, 1, 1, 1, 0, 1]],
    ['Monitor mode', { mode: MODE_MON, nonSecure: false }, [1, 0, 1, 1, 1, 1, 0, 1]],
    ['Secure User mode', { mode: MODE_USR, nonSecure: false }, [1, 1, 0, 1, 1, 1, 1, 0]],
    ['Non-secure PL1', { mode: MODE_SVC, nonSecure: true }, [1, 0, 1, 0, 1, 1, 1, 1]],
    ['Non-secure User mode', { mode: MODE_USR, nonSecure: true }, [1, 1, 0, 1, 0, 1, 1, 1]],
    ['Hyp mode', { mode: MODE_HYP, nonSecure: true }, [0, 0, 0, 0, 0, 1, 0, 0]],
  ])('in %s', async (_, start, expected) => {
    for (const [i, filter] of filters.entries()) {
      const cpu = await machine(ten(), start);
      count(cpu, [{ event: EVENT.INST_RETIRED, filter }], { filter });
      cpu.run(1000);
      const { events, cycles } = counted(cpu);
      expect([i, events[0], cycles]).toEqual([i, 10 * expected[i]!, 10 * expected[i]!]);
    }
  });
});

describe('counters of Hyp mode (B4.1.62)', () => {
  const nonSecure = { mode: MODE_SVC, nonSecure: true };
  const ten = (): Uint8Array => {
    const a = assembler(CODE);
    for (let i = 0; i < 10; i++) a.add(r0, r0, 1);
    a.wfi();
    return a.assemble();
  };

  test('HDCR.HPMN is how many PL1 has: PMCR.N, and what it can reach', async () => {
    const cpu = await machine(ten(), nonSecure);
    write(cpu, R.HDCR, 2);
    expect(bits(R.PMCR, { N: 2 })).toBe(read(cpu, R.PMCR) & maskOf(R.PMCR, 'N'));
    write(cpu, R.PMCNTENSET, 0xffffffff);
    expect(read(cpu, R.PMCNTENSET)).toBe(0x80000003);
    write(cpu, R.PMSELR, 2);
    write(cpu, R.PMXEVCNTR, 5);
    write(cpu, R.PMXEVTYPER, EVENT.INST_RETIRED);
    expect([read(cpu, R.PMXEVCNTR), read(cpu, R.PMXEVTYPER)]).toEqual([0, 0]);
    expect(cpu.machine.core.PMXEVCNTR[2]).toBe(0);
  });

  test.each([
    [false, 0, [0, 0]],
    [true, 0, [11, 0]],
    [false, 1 << 7, [0, 11]],
    [true, 1 << 7, [11, 11]],
  ])('PMCR.E (%s) counts PL1’s, HDCR.HPME (%i) Hyp mode’s', async (E, HPME, expected) => {
    const cpu = await machine(ten(), nonSecure);
    const event = EVENT.INST_RETIRED;
    count(cpu, [{ event }, { event }, { event }, { event }]);
    write(cpu, R.PMCR, E ? 1 : 0);
    write(cpu, R.HDCR, 2 | HPME);
    cpu.run(1000);
    expect([...cpu.machine.core.PMXEVCNTR].length).toBe(4);
    write(cpu, R.HDCR, 4);
    const { events, cycles } = counted(cpu);
    expect([events[0], events[2]]).toEqual(expected);
    expect([events[1], events[3], cycles]).toEqual([...expected, expected[0]]);
  });

  test('PMCR.P of PL1 leaves Hyp mode’s counters alone', async () => {
    const cpu = await machine(ten(), nonSecure);
    count(
      cpu,
      [7, 8, 9, 10].map((from) => ({ event: EVENT.SW_INCR, from })),
    );
    write(cpu, R.HDCR, 2);
    write(cpu, R.PMCR, bits(R.PMCR, { E: 1, P: 1 }));
    write(cpu, R.HDCR, 4);
    expect(counted(cpu).events).toEqual([0, 0, 9, 10]);
  });
});

describe('PMSWINC and what is not counted', () => {
  test('PMSWINC adds one to the counters named that count it', async () => {
    const cpu = await machine(variety());
    const [SW_INCR, CPU_CYCLES] = [EVENT.SW_INCR, EVENT.CPU_CYCLES];
    count(cpu, [
      { event: SW_INCR },
      { event: SW_INCR },
      { event: CPU_CYCLES },
      { event: SW_INCR, filter: P },
    ]);
    write(cpu, R.PMSWINC, 0b1101);
    write(cpu, R.PMSWINC, 0b1001);
    expect(counted(cpu).events).toEqual([2, 0, 0, 0]);
    write(cpu, R.PMCNTENCLR, 1);
    write(cpu, R.PMSWINC, 1);
    expect(counted(cpu).events[0]).toBe(2);
  });

  test('an event that nothing here knows is named when it is chosen', async () => {
    const told: string[] = [];
    const cpu = await machine(variety());
    cpu.listen({ withoutEffect: (sentence) => told.push(sentence) });
    for (const event of [...Object.values(EVENT), 0xc0, 0xca, 0x42]) write(cpu, R.PMXEVTYPER, event);
    const named = told.map((it) => /event 0x(\w\w) \((.*)\), which counts nothing: /.exec(it)!.slice(1, 3));
    expect(named).toEqual([
      ['01', 'L1I_CACHE_REFILL'],
      ['03', 'L1D_CACHE_REFILL'],
      ['04', 'L1D_CACHE'],
      ['10', 'BR_MIS_PRED'],
      ['14', 'L1I_CACHE'],
      ['15', 'L1D_CACHE_WB'],
      ['16', 'L2D_CACHE'],
      ['17', 'L2D_CACHE_REFILL'],
      ['18', 'L2D_CACHE_WB'],
      ['19', 'BUS_ACCESS'],
      ['1d', 'BUS_CYCLES'],
      ['60', 'BUS_ACCESS_LD'],
      ['61', 'BUS_ACCESS_ST'],
      ['c0', 'one of the Cortex-A7 alone'],
      ['ca', 'one of the Cortex-A7 alone'],
    ]);
  });
});

describe('accesses and translations', () => {
  const code = (): Uint8Array => {
    const a = assembler(CODE);
    a.movw(r8, DATA & 0xffff);
    a.movt(r8, DATA >>> 16);
    a.ldr(r0, [r8]);
    a.strb(r0, [r8]);
    a.ldm(r8, [r0, r1, r2, r3]);
    a.strd(r0, r1, [r8]);
    a.push([r0, r1]);
    a.wfi();
    return a.assemble();
  };

  test('MEM_ACCESS is one for each register that is transferred', async () => {
    const cpu = await machine(code());
    count(cpu, [{ event: EVENT.MEM_ACCESS }]);
    cpu.run(1000);
    expect(counted(cpu).events[0]).toBe(1 + 1 + 4 + 2 + 2);
  });

  test('a translation is looked up once for the code, the data and the stack', async () => {
    const cpu = await machine(code());
    count(cpu, [{ event: EVENT.L1I_TLB_REFILL }, { event: EVENT.L1D_TLB_REFILL }]);
    cpu.run(1000);
    expect(counted(cpu).events.slice(0, 2)).toEqual([1, 2]);
  });
});

describe('an overflow', () => {
  /** Three instructions, then rounds of ten, the ninth of them a store, until an interrupt. */
  async function looping(): Promise<Cpu> {
    const a = assembler(CODE);
    const again = a.label('again');
    a.movw(r8, DATA & 0xffff);
    a.movt(r8, DATA >>> 16);
    a.cpsie('i');
    a.at(again);
    for (let i = 0; i < 8; i++) a.add(r0, r0, 1);
    a.str(r0, [r8]);
    a.b(again);
    const onPmu = (core: number, level: boolean): void => {
      cpu.setIrq(core, level);
    };
    const cpu = await machine(a.assemble(), {}, { onPmu });
    ramWords(cpu)[(VBAR + 0x18) / 4] = 0xeafffffe;
    return cpu;
  }

  test.each<[keyof typeof EVENT, (left: number) => number]>([
    ['INST_RETIRED', (left) => left],
    ['CPU_CYCLES', (left) => left],
    ['ST_RETIRED', (left) => 3 + 10 * left - 1],
    ['PC_WRITE_RETIRED', (left) => 3 + 10 * left],
  ])('of %s interrupts at the end of the block that it comes in', async (name, instruction) => {
    for (const left of [1, 2, 5, 7, 100, 1001]) {
      const cpu = await looping();
      const { machine: m } = cpu;
      const taken: unknown[] = [];
      cpu.listen({
        exceptionTaken: (_, vector) => {
          taken.push([vector, m.core.executed + executedInSlice(m), read(cpu, R.PMOVSR)]);
          write(cpu, R.PMOVSR, 1);
        },
      });
      count(cpu, [{ event: EVENT[name], from: 0x100000000 - left }]);
      write(cpu, R.PMINTENSET, 1);
      cpu.run(50_000);
      const at = instruction(left);
      expect([left, taken]).toEqual([left, [[0x18, 3 + 10 * Math.ceil(Math.max(0, at - 3) / 10), 1]]]);
      expect(m.core.irq).toBe(false);
    }
  });

  test.each([
    ['the cycle counter', CYCLES, 5, 0],
    ['the cycle counter, of 64 each', CYCLES, 4 * 64, bits(R.PMCR, { D: 1 })],
    ['an event counter', 0, 5, 0],
  ])('of %s is in PMOVSR from its instruction on', async (_, counter, instructions, PMCR) => {
    const a = assembler(CODE);
    for (let i = 0; i < instructions - 3; i++) a.nop();
    for (const r of [r0, r1, r2, r3]) a.mrc(R.PMOVSR, r);
    a.wfi();
    const cpu = await machine(a.assemble());
    write(cpu, R.PMCR, PMCR);
    const from = 0x100000000 - (PMCR ? instructions / 64 : instructions);
    count(cpu, [{ event: EVENT.INST_RETIRED, from }], { from });
    write(cpu, R.PMCNTENCLR, counter === CYCLES ? 1 : 1 << 31);
    write(cpu, R.PMCNTENCLR, 0xe);
    cpu.run(1000);
    const flag = 2 ** counter;
    expect([...cpu.machine.u32.subarray(0, 4)]).toEqual([0, 0, flag, flag]);
  });

  test('PMCR.E, PMINTENSET and PMOVSR make the interrupt together', async () => {
    const levels: boolean[] = [];
    const cpu = await machine(variety(), {}, { onPmu: (_, level) => levels.push(level) });
    write(cpu, R.PMOVSSET, 2);
    write(cpu, R.PMINTENSET, 2);
    expect(levels).toEqual([]);
    write(cpu, R.PMCR, 1);
    write(cpu, R.PMINTENCLR, 2);
    write(cpu, R.PMINTENSET, 3);
    write(cpu, R.PMOVSR, 2);
    expect(levels).toEqual([true, false, true, false]);
    // Of Hyp mode's counters HDCR.HPME does.
    write(cpu, R.HDCR, 1);
    write(cpu, R.PMOVSSET, 2);
    write(cpu, R.PMINTENSET, 2);
    expect(levels).toHaveLength(4);
    write(cpu, R.HDCR, 1 | maskOf(R.HDCR, 'HPME'));
    expect(levels.slice(4)).toEqual([true]);
  });
});

describe('what is not executed one by one', () => {
  /** Waits for a word that never comes, then an interrupt of the counters ends it. */
  async function waiting(passes: boolean, counters: readonly Counter[]): Promise<Cpu> {
    const a = assembler(CODE);
    const again = a.label('again');
    a.movw(r8, DATA & 0xffff);
    a.movt(r8, DATA >>> 16);
    a.cpsie('i');
    a.at(again);
    a.ldr(r0, [r8]);
    a.cmp(r0, 1);
    a.bne(again);
    const onPmu = (core: number, level: boolean): void => {
      cpu.setIrq(core, level);
    };
    const cpu = await machine(a.assemble(), {}, { onPmu });
    cpu.passesWaits = passes;
    ramWords(cpu)[(VBAR + 0x18) / 4] = 0xeafffffe;
    count(cpu, counters);
    write(cpu, R.PMINTENSET, 1);
    return cpu;
  }
  const LATE = 0x100000000 - 123_457;
  const [LD_RETIRED, BR_PRED, MEM_ACCESS] = [EVENT.LD_RETIRED, EVENT.BR_PRED, EVENT.MEM_ACCESS];
  test.each<[string, readonly Counter[]]>([
    ['cycles', [{ event: EVENT.CPU_CYCLES, from: LATE }, { event: EVENT.INST_RETIRED }]],
    ['loads', [{ event: LD_RETIRED, from: LATE }, { event: BR_PRED }, { event: EVENT.L1D_TLB_REFILL }]],
    [
      'accesses',
      [{ event: MEM_ACCESS, from: LATE }, { event: LD_RETIRED }, { event: EVENT.PC_WRITE_RETIRED }],
    ],
  ])('a wait is counted as if it were: %s', async (_, counters) => {
    const results = [];
    for (const passes of [true, false]) {
      const cpu = await waiting(passes, counters);
      for (let time = 100_000; time <= 600_000; time += 100_000) {
        cpu.run(time);
        results.push([passes, time, counted(cpu), read(cpu, R.PMOVSR), cpu.machine.u32[15]]);
      }
    }
    const [passed, executed] = [results.slice(0, 6), results.slice(6)];
    expect(passed.map((it) => it.slice(1))).toEqual(executed.map((it) => it.slice(1)));
    // The overflow came.
    expect(results.at(-1)![3]).toBe(1);
  });

  test('a machine that is restored counts on as the one that was saved', async () => {
    const events = [EVENT.LD_RETIRED, EVENT.INST_RETIRED, EVENT.PC_WRITE_RETIRED, EVENT.MEM_ACCESS];
    const results = [];
    for (const restores of [false, true]) {
      let cpu = await machine(variety());
      handlers(cpu);
      count(
        cpu,
        events.map((event) => ({ event, filter: P })),
      );
      for (let time = 100; time < 400; time += 100) {
        cpu.run(time);
        const saved = cpu.save();
        if (!restores) continue;
        cpu = await bareCpu();
        cpu.restore(saved);
      }
      cpu.run(100_000);
      results.push(counted(cpu));
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[0]!.events.every((it) => it > 0)).toBe(true);
  });

  test('nothing is decoded with counts while nothing counts, and nothing counts on when it stops', async () => {
    const cpu = await machine(variety());
    handlers(cpu);
    const { machine: m } = cpu;
    count(cpu, [{ event: EVENT.LD_RETIRED }]);
    expect(m.u32[L.VARIANT >>> 2]! & L.VARIANT_COUNTED).toBe(L.VARIANT_COUNTED);
    write(cpu, R.PMCR, 0);
    expect(m.u32[L.VARIANT >>> 2]! & L.VARIANT_COUNTED).toBe(0);
    cpu.run(100_000);
    expect(counted(cpu)).toEqual({ events: [0, 0, 0, 0], cycles: 0 });
    const tallies = m.u32.slice(L.TALLIES >>> 2, (L.TALLIES >>> 2) + 15);
    expect(tallies.some((it) => it !== 0)).toBe(false);
  });
});
