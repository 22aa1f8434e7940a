/** Exceptions, modes, translation, traps and timers against the rules of the ARM ARM (DDI 0406C), by section. */
import { describe, expect, test } from 'vitest';
import { assembler } from '../../src/isa/assembler.js';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { bankedRegister, readCpsr, setCpsr } from '../../src/cpu/modes.js';
import { contextsChanged } from '../../src/cpu/tlb.js';
import {
  MODE_ABT,
  MODE_HYP,
  MODE_IRQ,
  MODE_MON,
  MODE_SVC,
  MODE_UND,
  MODE_USR,
} from '../../src/isa/program-status.js';
import { c, p15, r0, r1, r2, r3, r4 } from '../../src/isa/registers.js';
import { bareCpu } from './machines.js';
import { ramView, ramWords } from '../support/ram.js';

type Assembler = ReturnType<typeof assembler>;

const CODE = 0x8000;
const VBAR = 0x1000;
const MVBAR = 0x2000;
const HVBAR = 0x3000;
/** A branch to itself. */
const STAY = 0xeafffffe;
const MASKED = 0x1c0;

/** Puts code at CODE and a loop into every vector of three tables. */
function load(cpu: Cpu, write: (a: Assembler) => void, at = CODE): void {
  const a = assembler();
  write(a);
  cpu.memory.load(at, a.assemble());
  const words = ramWords(cpu);
  for (const table of [VBAR, MVBAR, HVBAR]) words.fill(STAY, table / 4, table / 4 + 8);
  const { core } = cpu.machine;
  [core.secure.VBAR, core.nonSecure.VBAR, core.MVBAR, core.HVBAR] = [VBAR, VBAR, MVBAR, HVBAR];
}

/** Starts at CODE in a mode; Non-secure ones with SCR.NS and HCE. */
function start(cpu: Cpu, mode: number, nonSecure: boolean, masks = MASKED): void {
  const { machine: m } = cpu;
  m.core.SCR = nonSecure ? 0x101 : 0;
  setCpsr(m, mode | masks);
  contextsChanged(m);
  m.u32[15] = CODE;
  m.core.waiting = 'no';
  cpu.run(cpu.time + 1000);
}

/** Where the core stays: the vector's offset in a table. */
function vector(cpu: Cpu, table: number): number {
  return cpu.machine.u32[15]! - table;
}
const mode = (cpu: Cpu): number => readCpsr(cpu.machine) & 0x1f;
const reg = (cpu: Cpu, n: number): number => cpu.machine.u32[n]!;
const spsr = (cpu: Cpu): number => cpu.machine.u32[L.SPSR >>> 2]!;

describe('exceptions (B1.8, B1.9)', () => {
  test('SVC goes to Supervisor mode, behind itself, with I set and F and A kept', async () => {
    const cpu = await bareCpu();
    load(cpu, (a) => {
      a.svc(7);
    });
    start(cpu, MODE_USR, false, 0);
    expect([mode(cpu), vector(cpu, VBAR), reg(cpu, 14)]).toEqual([MODE_SVC, 8, CODE + 4]);
    expect(readCpsr(cpu.machine) & MASKED).toBe(0x80);
    expect(spsr(cpu) & 0xff).toBe(MODE_USR);
  });

  test('an undefined instruction leaves its address plus 4', async () => {
    const cpu = await bareCpu();
    load(cpu, (a) => {
      a.udf(0);
    });
    start(cpu, MODE_SVC, false);
    expect([mode(cpu), vector(cpu, VBAR), reg(cpu, 14)]).toEqual([MODE_UND, 4, CODE + 4]);
  });

  test('SMC goes to Monitor mode, with all masked', async () => {
    const cpu = await bareCpu();
    load(cpu, (a) => {
      a.smc(0);
    });
    start(cpu, MODE_SVC, true, 0);
    expect([mode(cpu), vector(cpu, MVBAR), reg(cpu, 14)]).toEqual([MODE_MON, 8, CODE + 4]);
    expect(readCpsr(cpu.machine) & MASKED).toBe(MASKED);
  });

  test('Monitor mode sees the copies that SCR.NS chooses', async () => {
    const cpu = await bareCpu();
    load(cpu, (a) => {
      a.mcr(p15, 0, r0, c(12), c(0), 0); // VBAR
      a.mcr(p15, 0, r0, c(14), c(2), 1); // CNTP_CTL
      a.smc(0);
    });
    const before = cpu.machine.core.secure.VBAR;
    cpu.machine.u32[0] = 0x1_0001;
    start(cpu, MODE_MON, true);
    const { secure, nonSecure } = cpu.machine.core;
    expect([secure.VBAR, secure.CNTP_CTL]).toEqual([before, 0]);
    expect([nonSecure.VBAR, nonSecure.CNTP_CTL]).toEqual([0x1_0000, 1]);
  });

  test('HVC goes to Hyp mode with its number, and is undefined in Secure state', async () => {
    const cpu = await bareCpu();
    load(cpu, (a) => {
      a.hvc(0x1234);
    });
    start(cpu, MODE_SVC, true);
    expect([mode(cpu), vector(cpu, HVBAR)]).toEqual([MODE_HYP, 0x14]);
    expect(bankedRegister(cpu.machine, MODE_HYP, 17)).toBe(CODE + 4);
    // EC 0x12, IL, the number (table B3-31).
    expect(cpu.machine.core.HSR).toBe(((0x12 << 26) | (1 << 25) | 0x1234) >>> 0);
    start(cpu, MODE_SVC, false);
    expect([mode(cpu), vector(cpu, VBAR)]).toEqual([MODE_UND, 4]);
  });

  test('an exception in Hyp mode stays there, at the vector of its kind', async () => {
    const cpu = await bareCpu();
    load(cpu, (a) => {
      a.svc(0);
    });
    start(cpu, MODE_HYP, true);
    expect([mode(cpu), vector(cpu, HVBAR)]).toEqual([MODE_HYP, 8]);
  });

  test('IRQ is taken when unmasked, and returns to where it was', async () => {
    const cpu = await bareCpu();
    load(cpu, (a) => {
      const loop = a.label('loop');
      a.at(loop);
      a.b(loop);
    });
    cpu.setIrq(0, true);
    start(cpu, MODE_SVC, false, 0);
    expect([mode(cpu), vector(cpu, VBAR), reg(cpu, 14)]).toEqual([MODE_IRQ, 0x18, CODE + 4]);
    start(cpu, MODE_SVC, false);
    expect(mode(cpu)).toBe(MODE_SVC);
  });

  test('HCR.IMO takes IRQ to Hyp mode past the mask, HCR.VI gives the guest a virtual one', async () => {
    const cpu = await bareCpu();
    load(cpu, (a) => {
      const loop = a.label('loop');
      a.at(loop);
      a.b(loop);
    });
    const { core } = cpu.machine;
    core.HCR = 1 << 4;
    cpu.setIrq(0, true);
    start(cpu, MODE_SVC, true);
    expect([mode(cpu), vector(cpu, HVBAR)]).toEqual([MODE_HYP, 0x18]);
    cpu.setIrq(0, false);
    core.HCR = (1 << 4) | (1 << 7);
    start(cpu, MODE_SVC, true, 0);
    expect([mode(cpu), vector(cpu, VBAR)]).toEqual([MODE_IRQ, 0x18]);
    start(cpu, MODE_SVC, true);
    expect(mode(cpu)).toBe(MODE_SVC);
  });
});

describe('traps to Hyp mode (B1.14)', () => {
  const cases: readonly [string, (cpu: Cpu) => void, (a: Assembler) => void, number][] = [
    [
      'HCR.TVM: a write of TTBR0',
      ({ machine }) => (machine.core.HCR = 1 << 26),
      (a) => {
        a.mcr(p15, 0, r3, c(2), c(0), 0);
      },
      (0x03 << 26) | (2 << 10) | (3 << 5),
    ],
    [
      'HCR.TID3: a read of ID_PFR0',
      ({ machine }) => (machine.core.HCR = 1 << 18),
      (a) => {
        a.mrc(p15, 0, r4, c(0), c(1), 0);
      },
      (0x03 << 26) | (4 << 5) | (1 << 1) | 1,
    ],
    [
      'HSTR.T13: a read of CONTEXTIDR',
      ({ machine }) => (machine.core.HSTR = 1 << 13),
      (a) => {
        a.mrc(p15, 0, r0, c(13), c(0), 1);
      },
      (0x03 << 26) | (1 << 17) | (13 << 10) | 1,
    ],
    [
      'HCR.TSC: SMC',
      ({ machine }) => (machine.core.HCR = 1 << 19),
      (a) => {
        a.smc(0);
      },
      0x13 << 26,
    ],
  ];
  for (const [name, set, code, hsr] of cases) {
    test(name, async () => {
      const cpu = await bareCpu();
      load(cpu, code);
      set(cpu);
      start(cpu, MODE_SVC, true);
      expect([mode(cpu), vector(cpu, HVBAR)]).toEqual([MODE_HYP, 0x14]);
      expect(bankedRegister(cpu.machine, MODE_HYP, 17)).toBe(CODE);
      // Condition and its valid bit are for the processor to give or not; IL says 32 bits.
      const { HSR } = cpu.machine.core;
      expect((HSR & ~0x01f00000) >>> 0).toBe(((hsr | (1 << 25)) & ~0x01f00000) >>> 0);
    });
  }

  test('without the trap bit the same instructions do not trap', async () => {
    for (const [, , code] of cases.slice(0, 3)) {
      const cpu = await bareCpu();
      load(cpu, (a) => {
        code(a);
        a.wfi();
      });
      start(cpu, MODE_SVC, true);
      expect(mode(cpu)).toBe(MODE_SVC);
    }
  });
});

const TABLE = 0x4000;
const SECOND = 0xa000;
const DATA = 0x300000;

/** Short descriptors: the first MiB flat, the one at DATA as given. */
async function shortTables(first: number, second = 0): Promise<Cpu> {
  const cpu = await bareCpu();
  const words = ramWords(cpu);
  words[TABLE / 4] = 0xc0e;
  words[TABLE / 4 + DATA / 0x100000] = first;
  words[SECOND / 4] = second;
  const bank = cpu.machine.core.secure;
  bank.TTBR0 = TABLE;
  bank.DACR = 1;
  bank.SCTLR |= 1;
  contextsChanged(cpu.machine);
  return cpu;
}

describe('translation with short descriptors (B3.5, B3.13)', () => {
  const cases: readonly [string, number, number, number][] = [
    ['translation fault, section', 0, 0, 0b00101],
    ['translation fault, page', SECOND | 1, 0, 0b00111],
    ['domain fault, section', DATA | 0xc0e | (1 << 5), 0, 0b01001],
    ['domain fault, page', SECOND | 1 | (1 << 5), DATA | 0x3e, 0b01011],
    ['permission fault, section', DATA | 0x80e | (1 << 15), 0, 0b01101],
    ['permission fault, page', SECOND | 1, DATA | 0x22e, 0b01111],
  ];
  for (const [name, first, second, fs] of cases) {
    test(`${name}: a store`, async () => {
      const cpu = await shortTables(first, second);
      load(cpu, (a) => {
        a.mov(r1, DATA);
        a.add(r1, r1, 4);
        a.str(r0, [r1]);
      });
      start(cpu, MODE_SVC, false);
      expect([mode(cpu), vector(cpu, VBAR), reg(cpu, 14)]).toEqual([MODE_ABT, 0x10, CODE + 8 + 8]);
      const { DFSR, DFAR } = cpu.machine.core.secure;
      expect(DFAR).toBe(DATA + 4);
      // WnR, then FS<4> and FS<3:0>.
      expect([(DFSR >>> 11) & 1, ((DFSR >>> 6) & 16) | (DFSR & 15)]).toEqual([1, fs]);
      if (name.startsWith('domain')) expect((DFSR >>> 4) & 15).toBe(1);
    });
  }

  test('an unaligned load of Device memory faults, of Normal memory does not', async () => {
    for (const [descriptor, expected] of [
      [DATA | 0xc06, MODE_ABT],
      [DATA | 0xc0e, MODE_SVC],
    ] as const) {
      const cpu = await shortTables(descriptor);
      load(cpu, (a) => {
        a.mov(r1, DATA);
        a.ldr(r0, [r1, 1]);
        a.wfi();
      });
      start(cpu, MODE_SVC, false);
      expect(mode(cpu)).toBe(expected);
    }
  });

  test('a changed descriptor counts after TLBIMVA', async () => {
    // nG, Normal, read and write.
    const page = (frame: number): number => frame | 0x83e;
    const cpu = await shortTables(SECOND | 1, page(0x500000));
    const words = ramWords(cpu);
    words[0x500000 / 4] = 0x55;
    words[0x600000 / 4] = 0x66;
    load(cpu, (a) => {
      a.mov(r1, DATA);
      a.ldr(r2, [r1]);
      a.mov(r0, SECOND);
      a.ldr(r3, [r0, 0x40]);
      a.str(r3, [r0]);
      a.mcr(p15, 0, r1, c(8), c(7), 1);
      a.ldr(r4, [r1]);
      a.wfi();
    });
    words[SECOND / 4 + 16] = page(0x600000);
    start(cpu, MODE_SVC, false);
    expect([reg(cpu, 2), reg(cpu, 4)]).toEqual([0x55, 0x66]);
  });
});

describe('long descriptors, Hyp mode and stage 2 (B3.6)', () => {
  const L1 = 0x4000;
  const L2 = 0x5000;
  /** Block: valid, access flag, attributes, and read and write for stage 2 (HAP) or all (AP). */
  const STAGE2_RW = 0x401 | (0b1111 << 2) | (3 << 6);

  /** A guest with stage 1 off and 1 GiB of stage 2 blocks, the one at DATA left out. */
  async function guest(at: number): Promise<Cpu> {
    const cpu = await bareCpu();
    const words = ramWords(cpu);
    words[L1 / 4] = L2 | 3;
    for (let i = 0; i < 16; i++) words[L2 / 4 + 2 * i] = (i * 0x200000) | STAGE2_RW;
    words[L2 / 4 + 2 * Math.floor(at / 0x200000)] = 0;
    const { core } = cpu.machine;
    core.HCR = 1;
    core.VTTBR = L1;
    // 32 bits of input, starting at level 1.
    core.VTCR = 0x80000040;
    return cpu;
  }

  test('a stage 2 fault tells Hyp mode address, register, size and direction', async () => {
    const at = 0x800000;
    const cpu = await guest(at);
    load(cpu, (a) => {
      a.mov(r1, at);
      a.ldrsh(r3, [r1, 0x12]);
    });
    start(cpu, MODE_SVC, true);
    expect([mode(cpu), vector(cpu, HVBAR)]).toEqual([MODE_HYP, 0x14]);
    const { HSR, HDFAR, HPFAR } = cpu.machine.core;
    expect(HDFAR).toBe(at + 0x12);
    expect(HPFAR).toBe(at >>> 8);
    // EC 0x24, IL, ISV, halfword, sign-extended, r3; translation fault, level 2.
    const iss = (1 << 24) | (1 << 22) | (1 << 21) | (3 << 16) | 0b000110;
    expect(HSR).toBe(((0x24 << 26) | (1 << 25) | iss) >>> 0);
    expect(bankedRegister(cpu.machine, MODE_HYP, 17)).toBe(CODE + 4);
  });

  test('a store with write-back has no syndrome of its own', async () => {
    const at = 0x800000;
    const cpu = await guest(at);
    load(cpu, (a) => {
      a.mov(r1, at);
      a.str(r3, [r1], 4);
    });
    start(cpu, MODE_SVC, true);
    expect(cpu.machine.core.HSR).toBe(((0x24 << 26) | (1 << 6) | 0b000110) >>> 0);
    expect(reg(cpu, 1)).toBe(at);
  });

  test('the same access goes through when stage 2 maps it', async () => {
    const cpu = await guest(0xa00000);
    load(cpu, (a) => {
      a.mov(r1, 0x800000);
      a.mov(r3, 0x77);
      a.str(r3, [r1]);
      a.wfi();
    });
    start(cpu, MODE_SVC, true);
    expect(mode(cpu)).toBe(MODE_SVC);
    expect(ramView(cpu).getUint32(0x800000, true)).toBe(0x77);
  });
});

describe('generic timers (B8)', () => {
  test('each raises its own line when its count is reached, CNTV counted from CNTVOFF', async () => {
    const levels: string[] = [];
    const cpu = await bareCpu({
      onTimer: (_core, timer, level) => {
        levels.push(`${timer} ${String(level)} ${cpu.time}`);
      },
    });
    const { core } = cpu.machine;
    load(cpu, (a) => {
      a.wfi();
    });
    start(cpu, MODE_SVC, true);
    cpu.run(10_000);
    // 19.2 MHz: 192 ticks are 10 microseconds.
    core.nonSecure.CNTP_CVAL = 288n;
    core.nonSecure.CNTP_CTL = 1;
    core.CNTVOFF = 192n;
    core.CNTV_CVAL = 192n;
    core.CNTV_CTL = 1;
    core.CNTHP_CVAL = 576n;
    core.CNTHP_CTL = 1;
    core.timerDeadline = 0;
    cpu.run(50_000);
    expect(levels).toEqual(['physical true 15000', 'virtual true 20000', 'hyp true 30000']);
  });
});

test('code that is overwritten is decoded again', async () => {
  const cpu = await bareCpu();
  load(cpu, (a) => {
    const loop = a.label('loop');
    const patch = a.label('patch');
    const done = a.label('done');
    a.mov(r0, 0);
    a.at(loop);
    a.at(patch);
    a.add(r0, r0, 1);
    a.cmp(r0, 1);
    a.bne(done);
    // add r0, r0, #0x10 in its place
    a.adr(r1, patch);
    a.ldr(r2, [r1]);
    a.add(r2, r2, 0xf);
    a.str(r2, [r1]);
    a.isb();
    a.b(loop);
    a.at(done);
    a.wfi();
  });
  start(cpu, MODE_SVC, false);
  expect(reg(cpu, 0)).toBe(0x11);
});
