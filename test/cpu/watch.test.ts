import { describe, expect, test } from 'vitest';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { extensionsAccessible } from '../../src/cpu/state.js';
import { contextsChanged } from '../../src/cpu/tlb.js';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { d } from '../../src/isa/extension-registers.js';
import { r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10 } from '../../src/isa/registers.js';
import { ramWords } from '../support/ram.js';
import { bareCpu, userCpu } from './machines.js';

const CODE = 0x8000;
const ROUNDS = 3;
const END = CODE + 4 * 4;

/** A loop of two instructions behind one, then a branch to itself. */
function loop(): Uint8Array {
  const a = assembler();
  a.mov(r0, ROUNDS);
  const again = a.label('again');
  const end = a.label('end');
  a.at(again);
  a.add(r1, r1, 1);
  a.subs(r0, r0, 1);
  a.bne(again);
  a.at(end);
  a.b(end);
  return a.assemble();
}

test('who looks on sees every instruction once, before it is executed, and may stop the run there', async () => {
  const cpu = await bareCpu();
  cpu.memory.load(CODE, loop());
  cpu.machine.u32[15] = CODE;
  const seen: string[] = [];
  cpu.watch({
    wants: () => true,
    instruction: (core, address, physical, word) => {
      expect(physical).toBe(address);
      expect(core.register(15)).toBe(address);
      expect(word).toBe(ramWords(cpu, address, 1)[0]);
      seen.push(`${(address - CODE) / 4} r0=${core.register(0)} r1=${core.register(1)}`);
      return address === END;
    },
  });
  expect(cpu.run(1000)).toBe('stopped');
  expect(cpu.machine.u32[15]).toBe(END);
  expect(seen).toEqual([
    ...['0 r0=0 r1=0', '1 r0=3 r1=0', '2 r0=3 r1=1', '3 r0=2 r1=1'],
    ...['1 r0=2 r1=1', '2 r0=2 r1=2', '3 r0=1 r1=2'],
    ...['1 r0=1 r1=2', '2 r0=1 r1=3', '3 r0=0 r1=3', '4 r0=0 r1=3'],
  ]);
  // Looking costs the machine no time.
  expect(cpu.machine.core.executed).toBe(1 + ROUNDS * 3);
  cpu.watch(undefined);
  expect(cpu.run(2000)).toBe('time');
});

describe('accesses to memory', () => {
  const DATA = 0x9000;
  /** Each instruction of these accesses memory at DATA, and the last two elsewhere. */
  const ACCESSES: [name: string, write: (a: Assembler) => void, accesses: string][] = [
    [
      'ldr',
      (a) => {
        a.ldr(r2, [r1]);
      },
      'R4@0',
    ],
    [
      'ldrh',
      (a) => {
        a.ldrh(r2, [r1, 2]);
      },
      'R2@2',
    ],
    [
      'ldrsb',
      (a) => {
        a.ldrsb(r2, [r1, 7]);
      },
      'R1@7',
    ],
    [
      'str',
      (a) => {
        a.str(r0, [r1, 8]);
      },
      'W4@8',
    ],
    [
      'strb',
      (a) => {
        a.strb(r0, [r1, 13]);
      },
      'W1@d',
    ],
    [
      'ldr, unaligned',
      (a) => {
        a.ldr(r2, [r1, 1]);
      },
      'R4@1',
    ],
    [
      'ldrd',
      (a) => {
        a.ldrd(r2, r3, [r1, 16]);
      },
      'R4@10 R4@14',
    ],
    [
      'strd',
      (a) => {
        a.strd(r2, r3, [r1, 24]);
      },
      'W4@18 W4@1c',
    ],
    [
      'ldm',
      (a) => {
        a.ldm(r1, [r2, r3]);
      },
      'R4@0 R4@4',
    ],
    [
      'stm',
      (a) => {
        a.stm(r4, '!', [r2, r3]);
      },
      'W4@20 W4@24',
    ],
    [
      'ldrex',
      (a) => {
        a.ldrex(r5, [r1]);
      },
      'R4@0 R4@0',
    ],
    [
      'strex',
      (a) => {
        a.strex(r6, r0, [r1]);
      },
      'W4@0 W4@0',
    ],
    [
      'ldrt',
      (a) => {
        a.ldrt(r2, [r7], 0);
      },
      'R4@0',
    ],
    [
      'vldr',
      (a) => {
        a.vldr(d(0), [r1, 16]);
      },
      'R4@10 R4@14',
    ],
    [
      'vstr',
      (a) => {
        a.vstr(d(0), [r1, 32]);
      },
      'W4@20 W4@24',
    ],
    [
      'vldmia',
      (a) => {
        a.vldmia(r8, '!', [d(1), d(2)]);
      },
      'R4@0 R4@4 R4@8 R4@c',
    ],
    [
      'str across pages',
      (a) => {
        a.str(r0, [r9, -2]);
      },
      'W4@-2',
    ],
    [
      'nop',
      (a) => {
        a.nop();
      },
      '',
    ],
    [
      'str elsewhere',
      (a) => {
        a.str(r0, [r10]);
      },
      '',
    ],
  ];
  const FIRST = CODE + 4 * 16;

  /** Four cores' worth of instructions that set things up, then those, then a branch to itself. */
  async function prepared(): Promise<Cpu> {
    const a = assembler(CODE);
    for (const [to, value] of [
      [r0, 0x1234_5678],
      [r1, DATA],
      [r4, DATA + 32],
      [r7, DATA],
      [r8, DATA],
      [r9, DATA],
      [r10, 0xa000],
    ] as const) {
      a.movw(to, value & 0xffff);
      a.movt(to, value >>> 16);
    }
    a.org(FIRST);
    for (const [, write] of ACCESSES) write(a);
    const end = a.label('end');
    a.at(end);
    a.b(end);
    const cpu = await userCpu();
    cpu.memory.load(CODE, a.assemble());
    cpu.memory.load(
      DATA,
      Uint8Array.from({ length: 64 }, (_, i) => 3 * i + 1),
    );
    cpu.machine.core.secure.SCTLR &= ~2;
    contextsChanged(cpu.machine);
    extensionsAccessible(cpu.machine, L.ACCESS_VFP);
    cpu.cores[0]!.setExtension('FPEXC', 1 << 30);
    cpu.cores[0]!.setRegister(15, CODE);
    return cpu;
  }
  const END = FIRST + 4 * ACCESSES.length;
  const stateOf = (cpu: Cpu): unknown[] => [
    cpu.cores[0]!.executed,
    ...Array.from({ length: 15 }, (_, n) => cpu.cores[0]!.register(n)),
    ...[0, 1, 2].map((n) => cpu.cores[0]!.doubleword(n)),
    Buffer.from(cpu.memory.observe(DATA, 64)).toString('hex'),
  ];

  test('are seen before they are made, each of each instruction', async () => {
    const cpu = await prepared();
    const seen = new Map<number, string[]>();
    cpu.watch({
      wants: () => false,
      instruction: () => false,
      wantsAccesses: (address) => address >>> 12 === DATA >>> 12,
      access: (core, address, size, write) => {
        const at = core.register(15);
        seen.set(at, [
          ...(seen.get(at) ?? []),
          `${write ? 'W' : 'R'}${size}@${(address - DATA).toString(16)}`,
        ]);
        return false;
      },
    });
    cpu.run(1000);
    expect(cpu.cores[0]!.register(15)).toBe(END);
    expect(ACCESSES.map(([name], i) => `${name}: ${(seen.get(FIRST + 4 * i) ?? []).join(' ')}`)).toEqual(
      ACCESSES.map(([name, , accesses]) => `${name}: ${accesses}`),
    );
    const alike = await prepared();
    alike.run(1000);
    expect(stateOf(cpu)).toEqual(stateOf(alike));
  });

  test('end the run before the instruction, which is executed wholly when it goes on', async () => {
    const cpu = await prepared();
    const alike = await prepared();
    let passes = -1;
    const last = (accesses: string): number => accesses.split(' ').length;
    cpu.watch({
      wants: () => false,
      instruction: () => false,
      wantsAccesses: (address) => address >>> 12 === DATA >>> 12,
      // The last access of each: what came before it is made twice.
      access: (core) => {
        const i = (core.register(15) - FIRST) / 4;
        return passes !== i && ++count === last(ACCESSES[i]![2]);
      },
    });
    let count = 0;
    for (const [i, [name, , accesses]] of ACCESSES.entries()) {
      if (accesses === '') continue;
      count = 0;
      expect(cpu.run(cpu.time + 1000), name).toBe('stopped');
      expect(cpu.cores[0]!.register(15), name).toBe(FIRST + 4 * i);
      alike.watch({
        wants: () => true,
        instruction: (_, address) => address === FIRST + 4 * i,
      });
      alike.run(alike.time + 1000);
      expect(stateOf(cpu).slice(0, -1), name).toEqual(stateOf(alike).slice(0, -1));
      passes = i;
    }
    cpu.run(cpu.time + 1000);
    alike.watch(undefined);
    alike.run(alike.time + 1000);
    expect(cpu.cores[0]!.register(15)).toBe(END);
    expect(stateOf(cpu)).toEqual(stateOf(alike));
  });
});

test('one core alone runs, and the time goes by for all; then they go on', async () => {
  const cpu = await bareCpu({ mpidr: [0x80000f00, 0x80000f01] });
  cpu.memory.load(CODE, loop());
  for (const core of cpu.cores) core.setRegister(15, CODE + 4 * 4);
  cpu.runOnly(1);
  expect(cpu.run(100_000)).toBe('time');
  expect(cpu.cores.map(({ executed }) => executed > 0)).toEqual([false, true]);
  const [, alone] = cpu.cores.map(({ executed }) => executed);
  cpu.runOnly(undefined);
  expect(cpu.run(300_000)).toBe('time');
  expect(cpu.time).toBe(300_000);
  expect(cpu.cores[0]!.executed).toBeGreaterThan(100_000);
  expect(cpu.cores[1]!.executed).toBeGreaterThan(alone!);
});
