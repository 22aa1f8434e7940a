/** Every register, written by the view and read by instructions, and the other way round: of the running core and of others. */
import { describe, expect, test } from 'vitest';
import { saveState } from '../../src/base/state.js';
import type { AnyRegister, Copy, CoreView } from '../../src/cpu/core-view.js';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { bits } from '../../src/isa/bits.js';
import { d } from '../../src/isa/extension-registers.js';
import { bankedRegisters, type BankedRegister } from '../../src/isa/operands.js';
import {
  MODE_ABT,
  MODE_FIQ,
  MODE_HYP,
  MODE_IRQ,
  MODE_MON,
  MODE_SVC,
  MODE_SYS,
  MODE_UND,
  MODE_USR,
} from '../../src/isa/program-status.js';
import { r0, r1, r2 } from '../../src/isa/registers.js';
import * as R from '../../src/isa/system-registers.js';
import { ramWords } from '../support/ram.js';
import { bareCpu, constant, userCpu } from './machines.js';

const MPIDRS = [0x80000f00, 0x80000f01, 0x80000f02, 0x80000f03];
/** The core that runs first, which is the one whose registers stand where it runs, and the last. */
const CORES = [0, 3] as const;
const CODE = 0x8000;
const RESULT = 0x4000;
const MASKED = 0x1c0;
const NS_HCE = 0x101;
const WFI = 0xe320f003;
const STAY = 0xeafffffe;
/** str r0, [r2] and str r1, [r2, #4]. */
const STORE = [0xe5820000, 0xe5821004];

/** Four cores that sleep; nothing has run on them. */
async function machine(): Promise<Cpu> {
  const cpu = await bareCpu({ mpidr: MPIDRS });
  ramWords(cpu).set([WFI, STAY]);
  expect(cpu.run(1000)).toBe('idle');
  return cpu;
}

/** Has one core execute words, to a WFI behind them; its other registers stay. */
function execute(cpu: Cpu, index: number, words: readonly number[]): void {
  ramWords(cpu, CODE).set([...words, WFI, STAY]);
  cpu.memory.load(CODE, new Uint8Array(ramWords(cpu, CODE, words.length + 2).slice().buffer));
  cpu.cores[index]!.setRegister(15, CODE);
  cpu.machine.cores[index]!.waiting = 'no';
  expect(cpu.run(cpu.time + 10_000)).toBe('idle');
  expect(cpu.cores[index]!.register(15)).toBe(CODE + 4 * (words.length + 1));
}

/** What a core has in R0 and R1 after words: stored by it, and read from memory. */
function resultOf(cpu: Cpu, index: number, words: readonly number[]): [number, number] {
  execute(cpu, index, [...words, ...constant(2, RESULT), ...STORE]);
  const [low, high] = ramWords(cpu, RESULT, 2);
  return [low!, high!];
}

function wordsOf(write: (a: Assembler) => void): number[] {
  const a = assembler();
  write(a);
  return [...new Uint32Array(a.assemble().slice().buffer)];
}

/** Different for every place and time. */
let drawn = 0;
function draw(): number {
  drawn = (drawn + 0x9e3779b9) >>> 0;
  return Math.imul(drawn ^ (drawn >>> 15), 0x85ebca6b) >>> 0;
}

function enter(core: CoreView, mode: number, scr = 0): void {
  core.setSystem(R.SCR, scr);
  core.CPSR = mode | MASKED;
}

describe.each(CORES)('core %i', (index) => {
  test('R0 to R14', async () => {
    const cpu = await machine();
    const core = cpu.cores[index]!;
    enter(core, MODE_SVC);
    for (let n = 0; n < 15; n++) {
      const value = draw();
      core.setRegister(n, value);
      // str rn, [pc, #-12] overwrites the word in front of it.
      execute(cpu, index, [0xe1a00000, 0xe50f000c | (n << 12)]);
      expect([n, ramWords(cpu, CODE, 1)[0]]).toEqual([n, value]);
      const other = draw();
      execute(cpu, index, constant(n, other));
      expect([n, core.register(n)]).toEqual([n, other]);
    }
  });

  test('CPSR: flags, masks, mode, byte order', async () => {
    const cpu = await machine();
    const core = cpu.cores[index]!;
    for (const value of [0xf80f03d3, 0x500a01df, 0xa80503d7, 0x000001d1, 0x9000_01d2]) {
      core.CPSR = value & ~0x200;
      expect(
        resultOf(
          cpu,
          index,
          wordsOf((a) => {
            a.mrs(r0, 'CPSR');
          }),
        )[0],
      ).toBe((value & ~0x200) >>> 0);
      core.CPSR = MODE_SVC | MASKED;
      execute(cpu, index, [
        ...constant(1, value),
        ...wordsOf((a) => {
          a.msr('CPSR_fsxc', r1);
        }),
      ]);
      expect(core.CPSR).toBe(value);
      expect(core.mode).toBe(value & 0x1f);
      core.CPSR = MODE_SVC | MASKED;
    }
    // Big-endian: the bytes of the word are stored the other way round.
    core.CPSR = MODE_SVC | MASKED | 0x200;
    execute(cpu, index, [...constant(0, 0x11223344), ...constant(2, RESULT), STORE[0]!]);
    expect(ramWords(cpu, RESULT, 1)[0]).toBe(0x44332211);
  });

  test('CPSR.T and ITSTATE, as T32 goes by them', async () => {
    const cpu = await machine();
    const core = cpu.cores[index]!;
    // movs r0, #5 (mov in an IT block); movs r1, #6; wfi; b .
    cpu.memory.load(CODE, Uint8Array.of(0x05, 0x20, 0x06, 0x21, 0x30, 0xbf, 0xfe, 0xe7));
    for (const [it, expected] of [
      [0, 5],
      // One instruction, on EQ: Z is clear.
      [0x08, 1],
    ] as const) {
      core.setRegister(0, 1);
      core.setRegister(1, 1);
      core.CPSR = (MODE_SVC | MASKED | 0x20 | ((it & 0xfc) << 8) | ((it & 3) << 25)) >>> 0;
      expect([core.thumb, core.itState]).toEqual([true, it]);
      core.setRegister(15, CODE);
      expect(core.nextWord()).toBe(0x2005);
      cpu.machine.cores[index]!.waiting = 'no';
      cpu.run(cpu.time + 10_000);
      expect([core.register(0), core.register(1), core.register(15)]).toEqual([expected, 6, CODE + 6]);
      expect([core.thumb, core.itState]).toEqual([true, 0]);
    }
  });

  test('banked registers, by MRS and MSR (B9.2.3)', async () => {
    const cpu = await machine();
    const core = cpu.cores[index]!;
    // Where MRS and MSR may reach each from: another mode than its own; R8 to R12 of User mode from FIQ mode alone.
    const from = (name: BankedRegister): readonly [number, number] => {
      if (/^R\d+_usr$/.test(name)) return [MODE_FIQ, 0];
      if (name.endsWith('_hyp')) return [MODE_MON, NS_HCE];
      return [name.endsWith('_svc') ? MODE_UND : MODE_SVC, 0];
    };
    const names = Object.keys(bankedRegisters) as BankedRegister[];
    const values = new Map(names.map((name) => [name, draw()]));
    for (const [name, value] of values) core.setBanked(name, value);
    for (const [name, value] of values) {
      enter(core, ...from(name));
      expect([name, core.banked(name)]).toEqual([name, value]);
      const [read] = resultOf(
        cpu,
        index,
        wordsOf((a) => {
          a.mrs(r0, name);
        }),
      );
      expect([name, read]).toEqual([name, value]);
    }
    for (const name of names) {
      enter(core, ...from(name));
      const value = draw();
      values.set(name, value);
      execute(cpu, index, [
        ...constant(1, value),
        ...wordsOf((a) => {
          a.msr(name, r1);
        }),
      ]);
      expect([name, core.banked(name)]).toEqual([name, value]);
    }
    // All at once, from every mode.
    for (const mode of [MODE_USR, MODE_FIQ, MODE_IRQ, MODE_SVC, MODE_MON, MODE_ABT, MODE_UND, MODE_SYS]) {
      enter(core, mode);
      expect(new Map(names.map((name) => [name, core.banked(name)]))).toEqual(values);
    }
  });

  test("a mode's own registers are R8 to R14 and SPSR while it is there (figure B1-2)", async () => {
    const cpu = await machine();
    const core = cpu.cores[index]!;
    const modes = {
      usr: MODE_USR,
      fiq: MODE_FIQ,
      irq: MODE_IRQ,
      svc: MODE_SVC,
      abt: MODE_ABT,
      und: MODE_UND,
    };
    for (const [name, mode] of Object.entries({ ...modes, mon: MODE_MON, hyp: MODE_HYP })) {
      enter(core, mode, mode === MODE_HYP ? NS_HCE : 0);
      const has = (it: string): it is BankedRegister => it in bankedRegisters;
      const check = (banked: string, n: number): void => {
        if (!has(banked)) return;
        const [one, other] = [draw(), draw()];
        core.setRegister(n, one);
        expect([banked, core.banked(banked)]).toEqual([banked, one]);
        core.setBanked(banked, other);
        expect([banked, core.register(n)]).toEqual([banked, other]);
      };
      for (let n = 8; n < 13; n++) check(`R${n}_${name}`, n);
      check(`SP_${name}`, 13);
      check(`LR_${name}`, 14);
      // Hyp mode has the LR of User mode.
      if (mode === MODE_HYP) check('LR_usr', 14);
      const spsr = `SPSR_${name}`;
      if (!has(spsr)) continue;
      core.SPSR = draw();
      expect(core.banked(spsr)).toBe(core.SPSR);
      execute(cpu, index, [
        ...constant(1, 0x600001d3),
        ...wordsOf((a) => {
          a.msr('SPSR_fsxc', r1);
        }),
      ]);
      expect(core.SPSR).toBe(0x600001d3);
    }
  });

  test('D0 to D31, FPSCR, FPEXC and the identification registers', async () => {
    const cpu = await machine();
    const core = cpu.cores[index]!;
    enter(core, MODE_SVC);
    core.setSystem(R.CPACR, bits(R.CPACR, { cp10: 3, cp11: 3 }));
    core.setExtension('FPEXC', 0xffffffff);
    expect(core.extension('FPEXC')).toBe(1 << 30);
    for (let n = 0; n < 32; n++) {
      const [low, high] = [draw(), draw()];
      core.setDoubleword(n, (BigInt(high) << 32n) | BigInt(low));
      expect([
        n,
        ...resultOf(
          cpu,
          index,
          wordsOf((a) => {
            a.vmov(r0, r1, d(n));
          }),
        ),
      ]).toEqual([n, low, high]);
      const [down, up] = [draw(), draw()];
      execute(cpu, index, [
        ...constant(0, down),
        ...constant(1, up),
        ...wordsOf((a) => {
          a.vmov(d(n), r0, r1);
        }),
      ]);
      expect([n, core.doubleword(n)]).toEqual([n, (BigInt(up) << 32n) | BigInt(down)]);
    }
    for (const name of ['FPSID', 'MVFR0', 'MVFR1', 'FPEXC', 'FPSCR'] as const) {
      const read = (): number =>
        resultOf(
          cpu,
          index,
          wordsOf((a) => {
            a.vmrs(r0, name);
          }),
        )[0];
      expect([name, core.extension(name)]).toEqual([name, read()]);
    }
    core.setExtension('FPSCR', 0xffffffff);
    // Bits 14 to 8, 6, 5 and 19 are not there (B4.1.58).
    expect(
      resultOf(
        cpu,
        index,
        wordsOf((a) => {
          a.vmrs(r0, 'FPSCR');
        }),
      )[0],
    ).toBe(0xfff7009f);
    execute(cpu, index, [
      ...constant(0, 0x13000015),
      ...wordsOf((a) => {
        a.vmsr('FPSCR', r0);
      }),
    ]);
    expect(core.extension('FPSCR')).toBe(0x13000015);
    execute(cpu, index, [
      ...constant(0, 0),
      ...wordsOf((a) => {
        a.vmsr('FPEXC', r0);
      }),
    ]);
    expect(core.extension('FPEXC')).toBe(0);
  });

  test('of Monitor mode, whatever mode the core is in', async () => {
    const cpu = await machine();
    const core = cpu.cores[index]!;
    core.setSystem(R.VPIDR, 0x12345678);
    core.setSystem(R.VMPIDR, 0x9abcdef0);
    for (const [mode, scr, secure] of [
      [MODE_USR, 1, false],
      [MODE_HYP, NS_HCE, false],
      [MODE_SVC, 0, true],
      [MODE_MON, 1, true],
    ] as const) {
      enter(core, mode, scr);
      core.setSystem(R.VBAR, 0x100, 'secure');
      core.setSystem(R.VBAR, 0x200, 'non-secure');
      expect([core.mode, core.secure, core.system(R.SCR)]).toEqual([mode, secure, scr]);
      expect([core.system(R.VBAR), core.system(R.VBAR, 'secure')]).toEqual([scr & 1 ? 0x200 : 0x100, 0x100]);
      expect([core.system(R.MIDR), core.system(R.MPIDR)]).toEqual([0x410fc075, MPIDRS[index]]);
      // Non-secure state could not write it.
      core.setSystem(R.NSACR, 0xc00);
      expect(core.system(R.NSACR)).toBe(0xc00);
    }
  });
});

type Name = keyof typeof R;
const ALL = 0xffffffff;

/** MRC or MCR of R0, MRRC or MCRR of R0 and R1 (A8.8.107, A8.8.98, A8.8.108, A8.8.99). */
function transfer(register: AnyRegister, read: boolean): number {
  const { coproc, opc1, CRm } = register;
  if (register.size === 64)
    return ((read ? 0xec500000 : 0xec400000) | (1 << 16) | (coproc << 8) | (opc1 << 4) | CRm) >>> 0;
  const { CRn, opc2 } = register;
  return (
    ((read ? 0xee100010 : 0xee000010) | (opc1 << 21) | (CRn << 16) | (coproc << 8) | (opc2 << 5) | CRm) >>> 0
  );
}

/** As a number for both sizes. */
const whole = ([low, high]: readonly [number, number], size: 32 | 64): number | bigint =>
  size === 64 ? (BigInt(high) << 32n) | BigInt(low) : low;
const isRw = (it: AnyRegister): it is AnyRegister & { access: 'RW' } => it.access === 'RW';
const isReadable = (it: AnyRegister): it is AnyRegister & { access: 'RW' | 'RO' } => it.access !== 'WO';

const all = (Object.entries(R) as [Name, AnyRegister][]).map(([name, register]) => ({ name, register }));
const copies = (register: AnyRegister): readonly (Copy | undefined)[] =>
  register.banked ? ['secure', 'non-secure'] : [undefined];

/**
 * What all ones are written as: MMU, byte order and T32 of Monitor mode stay as they are, whose Secure SCTLR it has, and
 * its vectors.
 */
function ones(name: Name, copy: Copy | undefined): number | bigint {
  if (R[name].size === 64) return (1n << 64n) - 1n;
  return name === 'SCTLR' && copy === 'secure' ? bits(R.SCTLR, { AFE: 1, UWXN: 1, WXN: 1, I: 1, C: 1 }) : ALL;
}

describe('system registers, by MRC, MCR, MRRC and MCRR of Monitor mode', () => {
  /** Values that go down with time. */
  const counting: readonly Name[] = ['CNTP_TVAL', 'CNTV_TVAL', 'CNTHP_TVAL'];
  const written = all.filter(({ register }) => isRw(register));
  test.each(written)(
    '$register.name, $register.size bits: what the view writes is what MCR writes, and both read the same',
    async ({ name, register }) => {
      if (!isRw(register)) throw new Error('it is');
      let changes = false;
      for (const copy of copies(register)) {
        // One core has it written by the view, one by an instruction; core 0 stays as it is.
        const cpu = await machine();
        const [, viewed, executed] = cpu.cores as [CoreView, CoreView, CoreView, CoreView];
        const scr = copy === 'secure' ? 0 : 1;
        const before = cpu.cores[0]!.system(register, copy);
        const read = (index: number): number | bigint =>
          whole(resultOf(cpu, index, [transfer(register, true)]), register.size);
        for (const core of [viewed, executed]) enter(core, MODE_MON, scr);
        const seen = new Set<number | bigint>();
        const value = ones(name, copy);
        const none = register.size === 64 ? 0n : 0;
        for (const it of counting.includes(name) ? [0x7000_0000, 0x1000_0000] : [value, none]) {
          viewed.setSystem(register, it, copy);
          const number = BigInt(it);
          const low = Number(number & 0xffffffffn);
          const high = Number(number >> 32n);
          execute(cpu, 2, [...constant(0, low), ...constant(1, high), transfer(register, false)]);
          const [byView, byInstruction] = [read(1), read(2)];
          if (counting.includes(name)) {
            // Ticks of the counter since then: both are within a few microseconds.
            expect(low - Number(byView)).toBeGreaterThanOrEqual(0);
            expect(low - Number(byView)).toBeLessThan(2000);
            expect(low - Number(byInstruction)).toBeGreaterThanOrEqual(0);
            expect(low - Number(byInstruction)).toBeLessThan(2000);
            expect(Math.abs(Number(byView) - Number(viewed.system(register, copy)))).toBeLessThan(2000);
            seen.add(Number(byView) >>> 24);
            continue;
          }
          expect(byView).toBe(byInstruction);
          expect(viewed.system(register, copy)).toBe(byView);
          expect(executed.system(register, copy)).toBe(byInstruction);
          seen.add(byView);
        }
        changes ||= seen.size > 1;
        if (!counting.includes(name)) expect(cpu.cores[0]!.system(register, copy)).toBe(before);
        // The other copy is another one.
        if (register.banked) {
          const other = copy === 'secure' ? 'non-secure' : 'secure';
          const kept = viewed.system(register, other);
          viewed.setSystem(register, value, copy);
          if (!counting.includes(name)) expect(viewed.system(register, other)).toBe(kept);
        }
      }
      // Where something can be written and read, all ones are another value than none.
      const clears = name === 'PMCNTENCLR' || name === 'PMINTENCLR' || name === 'PMOVSR';
      const sets = name === 'PMCNTENSET' || name === 'PMINTENSET' || name === 'PMOVSSET';
      const holds = register.size === 64 || (register.writable & register.readable) !== 0;
      expect(changes).toBe(holds && !clears && !sets);
    },
  );

  test('registers that bits are set in and cleared', async () => {
    const cpu = await machine();
    const core = cpu.cores[1]!;
    enter(core, MODE_MON);
    for (const [set, clear] of [
      [R.PMCNTENSET, R.PMCNTENCLR],
      [R.PMINTENSET, R.PMINTENCLR],
      [R.PMOVSSET, R.PMOVSR],
    ] as const) {
      core.setSystem(set, 7);
      core.setSystem(clear, 2);
      expect(resultOf(cpu, 1, [transfer(set, true)])[0]).toBe(5);
      execute(cpu, 1, [...constant(0, 4), transfer(clear, false)]);
      expect(core.system(set)).toBe(1);
    }
  });

  test('those that can only be read', async () => {
    const cpu = await machine();
    const core = cpu.cores[2]!;
    enter(core, MODE_MON);
    for (const { name, register } of all) {
      if (!isReadable(register) || isRw(register) || name === 'CNTPCT' || name === 'CNTVCT') continue;
      for (const copy of copies(register)) {
        core.setSystem(R.SCR, copy === 'non-secure' ? 1 : 0);
        const read = whole(resultOf(cpu, 2, [transfer(register, true)]), register.size);
        expect([name, core.system(register, copy)]).toEqual([name, read]);
      }
    }
    for (const register of [R.CNTPCT, R.CNTVCT]) {
      const before = core.system(register);
      const [low] = resultOf(cpu, 2, [transfer(register, true)]);
      expect(BigInt(low)).toBeGreaterThanOrEqual(before);
      expect(BigInt(low)).toBeLessThanOrEqual(core.system(register));
    }
  });

  test('counters are as of the time that the cores have come to', async () => {
    const cpu = await machine();
    expect(cpu.run(1e9)).toBe('idle');
    for (const core of cpu.cores) expect(core.system(R.CNTPCT)).toBe(19_200_000n);
    // A timer set by the view fires when it is due.
    const core = cpu.cores[3]!;
    enter(core, MODE_MON);
    core.setSystem(R.CNTP_TVAL, 19_200);
    core.setSystem(R.CNTP_CTL, 1);
    const [enabled, met] = [1, 5];
    cpu.run(1e9 + 999_000);
    expect(core.system(R.CNTP_CTL)).toBe(enabled);
    cpu.run(1e9 + 1_001_000);
    expect(core.system(R.CNTP_CTL)).toBe(met);
  });
});

/** Reads everything there is of every core. */
function readAll(cores: readonly CoreView[]): void {
  for (const core of cores) {
    for (let n = 0; n < 16; n++) core.register(n);
    for (let n = 0; n < 32; n++) core.doubleword(n);
    for (const name of Object.keys(bankedRegisters) as BankedRegister[]) core.banked(name);
    for (const { register } of all)
      if (isReadable(register)) for (const copy of copies(register)) core.system(register, copy);
    expect([core.SPSR, core.CPSR, core.mode, core.secure, core.thumb, core.itState]).toHaveLength(6);
    core.nextWord();
  }
}

test('to read changes nothing, in the middle of a run neither', async () => {
  const run = async (looks: boolean): Promise<unknown> => {
    const cpu = await bareCpu({ mpidr: MPIDRS });
    // Each core counts, reads the time, and goes to sleep.
    const code = wordsOf((a) => {
      const again = a.label('again');
      a.mov(r0, 50);
      a.at(again);
      a.mrrc(R.CNTPCT, r1, r2);
      a.subs(r0, r0, 1);
      a.bne(again);
    });
    ramWords(cpu).set([...code, WFI, STAY]);
    if (looks) {
      cpu.watch({
        wants: () => true,
        instruction: (core, address) => {
          readAll(cpu.cores);
          expect(core.register(15)).toBe(address);
          return false;
        },
      });
    } else {
      // The same micro-ops, and nobody there.
      cpu.watch({ wants: () => true, instruction: () => false });
    }
    expect(cpu.run(20_000)).toBe('idle');
    const { machine: m } = cpu;
    if (looks) readAll(cpu.cores);
    const registers = m.u8.slice(0, L.CORES + MPIDRS.length * L.CORE_SIZE);
    // Where the running core's are kept is nothing of any core's.
    registers.fill(0, L.CORES + m.core.index * L.CORE_SIZE, L.CORES + (m.core.index + 1) * L.CORE_SIZE);
    return [cpu.time, cpu.reached, m.core.index, registers, m.cores.map(saveState)];
  };
  expect(await run(true)).toEqual(await run(false));
});

test('to write one core leaves the others as they are', async () => {
  const cpu = await machine();
  const before = cpu.cores.map((core) => [
    core.register(3),
    core.banked('SP_irq'),
    core.CPSR,
    core.doubleword(9),
  ]);
  for (const core of cpu.cores) {
    core.setRegister(3, 100 + core.index);
    core.setBanked('SP_irq', 200 + core.index);
    core.CPSR = 0x600001df;
    core.setDoubleword(9, 300n + BigInt(core.index));
    for (const other of cpu.cores) {
      const own = [100 + other.index, 200 + other.index, 0x600001df, 300n + BigInt(other.index)];
      expect([other.register(3), other.banked('SP_irq'), other.CPSR, other.doubleword(9)]).toEqual(
        other.index <= core.index ? own : before[other.index],
      );
    }
  }
});

test('an address is found as its mode may read there, as PL1 may, and as another machine has it', async () => {
  const cpu = await userCpu();
  const [core] = cpu.cores;
  const MIB = 0x10_0000;
  const TABLE = 32 * MIB;
  const [own, absent] = [5 * MIB, 6 * MIB];
  // Section 5 is PL1's alone, section 6 nobody's.
  ramWords(cpu, TABLE + 4 * 5, 2).set([own + 0x40e, 0]);
  expect([own + 4, absent].map((it) => core!.physical(it))).toEqual([undefined, undefined]);
  expect([own + 4, absent].map((it) => core!.physical(it, true))).toEqual([own + 4, undefined]);
  // Another table, of one section, for the other security state; then with it off.
  const OTHER = TABLE + 4 * MIB;
  ramWords(cpu, OTHER + 4 * 6, 1).set([7 * MIB + 0x40e]);
  const machine = { SCTLR: 1, TTBCR: 0, DACR: 1, TTBR0: BigInt(OTHER), TTBR1: 0n, HCR: 0, VTTBR: 0n };
  const before = saveState(cpu.machine.core);
  expect([own, absent + 4].map((it) => core!.physicalIn(machine, it))).toEqual([undefined, 7 * MIB + 4]);
  expect(core!.physicalIn({ ...machine, SCTLR: 0 }, absent)).toBe(absent);
  expect(saveState(cpu.machine.core)).toEqual(before);
});
