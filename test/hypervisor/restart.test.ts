import { expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { bankedRegister, readCpsr } from '../../src/cpu/modes.js';
import type { Machine } from '../../src/cpu/state.js';
import { d } from '../../src/isa/extension-registers.js';
import { MODE_ABT, MODE_FIQ, MODE_IRQ, MODE_SVC, MODE_UND, MODE_USR } from '../../src/isa/program-status.js';
import type { Label } from '../../src/isa/registers.js';
import { r0, r1, r2, r3, r4, r5, r6 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import {
  GICC,
  GICD,
  guest,
  GUEST_KERNEL,
  GUEST_RAM,
  GUEST_UART,
  handoverOf,
  load,
  quietHost,
  smallGuest,
  smallImage,
} from './payloads.js';
import { ROUNDS, WRONG, witness, wrongs } from './witness.js';
import { watchWorlds } from './worlds.js';
import { steadyCounter } from '../support/counter.js';
import { ramView } from '../support/ram.js';

const RESTARTS = 100;
/** The system counter of this machine, so much faster than the board's: a slice is 50 µs of virtual time. */
const COUNTER = 1_920_000_000;
const PSCI_CPU_ON = 0x8400_0003;
const PSCI_SYSTEM_RESET = 0x8400_0009;
/** Where the guest writes what it finds of its devices and its VFP registers. */
const REPORT = 0x10_0000;
const SMALLEST = 0x20_0000;
/** Registers of the interrupt controller that hold something, and how many words of them there are. */
const GICD_STATE = [
  ...([
    [0x000, 2],
    [0x100, 2],
    [0x200, 2],
    [0x300, 2],
    [0x400, 16],
    [0x800, 16],
    [0xc00, 4],
  ] as const),
];
const GICC_STATE = [0x00, 0x04, 0x08, 0x14, 0x18, 0xd0];
const UART_STATE = [0x24, 0x28, 0x2c, 0x30, 0x34, 0x38, 0x3c, 0x40, 0x48];

/** Writes down what a guest can read of its devices and of VFP, from R4 on; changes R0 to R3. */
function report(a: Assembler): void {
  const word = (base: number, offset: number): void => {
    load(a, r0, base + offset);
    a.ldr(r1, [r0]);
    a.str(r1, [r4], 4);
  };
  for (const [from, words] of GICD_STATE) for (let i = 0; i < words; i++) word(GICD, from + 4 * i);
  for (const offset of GICC_STATE) word(GICC, offset);
  for (const offset of UART_STATE) word(GUEST_UART, offset);
  a.vmrs(r0, 'FPSCR');
  a.str(r0, [r4], 4);
  for (let n = 0; n < 32; n++) {
    a.vmov(r0, r1, d(n));
    a.stm(r4, '!', [r0, r1]);
  }
  for (const register of [reg.CNTV_CTL, reg.CNTP_CTL, reg.CNTKCTL, reg.ISR]) {
    a.mrc(register, r0);
    a.str(r0, [r4], 4);
  }
}

/** Leaves something else than before in everything. */
function dirty(a: Assembler): void {
  const fill = a.label('fill');
  const value = 0xa5a5_5a5a;
  load(a, r0, value);
  for (let n = 0; n < 32; n++) a.vmov(d(n), r0, r0);
  load(a, r1, 0x0340_001f);
  a.vmsr('FPSCR', r1);
  for (const name of [
    'SP_usr',
    'LR_usr',
    'SP_abt',
    'LR_abt',
    'SP_und',
    'SP_irq',
    'SP_fiq',
    'R8_fiq',
  ] as const)
    a.msr(name, r0);
  for (const register of [reg.TTBR0, reg.TTBR1, reg.DACR, reg.DFAR, reg.IFAR, reg.CONTEXTIDR, reg.TPIDRURW])
    a.mcr(register, r0);
  for (const register of [reg.TPIDRURO, reg.TPIDRPRW, reg.PAR, reg.NMRR]) a.mcr(register, r0);
  const put = (base: number, offset: number, what: number): void => {
    load(a, r0, base + offset);
    load(a, r1, what);
    a.str(r1, [r0]);
  };
  put(GICD, 0x000, 1);
  for (const row of [0x100, 0x104, 0x200, 0x204, 0x300, 0x304]) put(GICD, row, 0xf0f0_f0f0);
  for (let i = 0; i < 16; i++) put(GICD, 0x400 + 4 * i, 0xa0a8_b0b8);
  for (let i = 8; i < 16; i++) put(GICD, 0x800 + 4 * i, 0x0101_0203);
  put(GICD, 0xc08, 0xaaaa_aaaa);
  put(GICD, 0xf00, (3 << 16) | 7);
  put(GICC, 0x04, 0xf0);
  put(GICC, 0x08, 3);
  put(GICC, 0x00, 1);
  load(a, r0, GICC + 0xc);
  a.ldr(r1, [r0]);
  for (const [offset, what] of [
    [0x24, 13],
    [0x28, 5],
    [0x2c, 0x70],
    [0x30, 0x301],
    [0x34, 0x24],
    [0x38, 0x7ff],
  ] as const)
    put(GUEST_UART, offset, what);
  put(GUEST_UART, 0x00, '.'.charCodeAt(0));
  a.mov(r1, 1);
  load(a, r0, 100);
  a.mcr(reg.CNTV_TVAL, r0);
  a.mcr(reg.CNTV_CTL, r1);
  a.mcr(reg.CNTP_TVAL, r0);
  a.mcr(reg.CNTP_CTL, r1);
  // Memory: a word of every 64 bytes, from behind the code to the end.
  load(a, r0, GUEST_RAM + 0x2_0000);
  load(a, r1, GUEST_RAM + SMALLEST);
  load(a, r2, value);
  a.at(fill);
  a.str(r2, [r0], 64);
  a.cmp(r0, r1);
  a.blo(fill);
}

/** A guest of two CPUs: the first starts the second, both leave everything changed, the second asks for the reset. */
const kernel = ((): { data: Uint8Array; reported: number } => {
  let reported = 0;
  const data = smallGuest((a) => {
    const [second, first, ready, wait] = ['second', 'first', 'ready', 'wait'].map((it) => a.label(it)) as [
      Label,
      Label,
      Label,
      Label,
    ];
    a.b(first);
    a.at(second);
    const entry = a.here;
    vfp(a);
    dirty(a);
    a.at(ready);
    load(a, r6, GUEST_RAM + 0x4000);
    a.ldr(r0, [r6]);
    a.cmp(r0, 1);
    a.bne(ready);
    load(a, r0, PSCI_SYSTEM_RESET);
    a.hvc(0);
    a.at(first);
    vfp(a);
    a.mrrc(reg.CNTVCT, r0, r1);
    load(a, r6, GUEST_RAM + 0x4000);
    a.str(r0, [r6, 4]);
    a.str(r1, [r6, 8]);
    load(a, r4, GUEST_RAM + REPORT);
    report(a);
    reported = a.here;
    load(a, r0, PSCI_CPU_ON);
    a.mov(r1, 1);
    load(a, r2, entry);
    a.mov(r3, 0);
    a.hvc(0);
    dirty(a);
    load(a, r6, GUEST_RAM + 0x4000);
    a.mov(r0, 1);
    a.str(r0, [r6]);
    a.mov(r5, 0);
    a.at(wait);
    a.add(r5, r5, 1);
    a.b(wait);
  });
  return { data, reported };
})();

function vfp(a: Assembler): void {
  a.mov(r0, 0xf << 20);
  a.mcr(reg.CPACR, r0);
  a.isb();
  load(a, r0, 0x4000_0000);
  a.vmsr('FPEXC', r0);
}

const MODES = [MODE_USR, MODE_SVC, MODE_ABT, MODE_UND, MODE_IRQ, MODE_FIQ];
/** SPSR among a mode's registers. */
const SPSR = 16;

/** Everything that the core holds for a guest, but VFP's registers, which come when they are used. */
function stateOf(m: Machine): unknown {
  const { SCTLR, TTBR0, TTBR1, TTBCR, DACR, DFSR, IFSR, DFAR, IFAR, PAR, MAIR0, MAIR1 } = m.core.nonSecure;
  const { VBAR, CONTEXTIDR, TPIDRURW, TPIDRURO, TPIDRPRW, CSSELR } = m.core.nonSecure;
  const { CPACR, CNTKCTL, CNTV_CTL, CNTV_CVAL, HCR, VMPIDR, VPIDR, VTTBR, VTTBR_HIGH } = m.core;
  return {
    general: Array.from(m.u32.subarray(0, 15)),
    cpsr: readCpsr(m),
    banked: MODES.flatMap((mode) => [
      ...(mode === MODE_FIQ ? [8, 9, 10, 11, 12] : []).map((n) => bankedRegister(m, mode, n)),
      ...[13, 14].map((n) => bankedRegister(m, mode, n)),
      ...(mode === MODE_USR || mode === MODE_SVC ? [] : [bankedRegister(m, mode, SPSR)]),
    ]),
    system: { SCTLR, TTBR0, TTBR1, TTBCR, DACR, DFSR, IFSR, DFAR, IFAR, PAR, MAIR0, MAIR1, VBAR, CONTEXTIDR },
    threads: { TPIDRURW, TPIDRURO, TPIDRPRW, CSSELR },
    core: { CPACR, CNTKCTL, CNTV_CTL, CNTV_CVAL, HCR, VMPIDR, VPIDR, VTTBR, VTTBR_HIGH },
  };
}

test('a guest restarted a hundred times begins as it did first; another on its core goes on', async () => {
  const image = smallImage(quietHost, [
    guest(kernel.data, { cores: [3, 2] }),
    guest(witness(7, 4000), { name: 'witness' }),
  ]);
  const memory = image.guestMemory[0]!;
  const entry = memory + GUEST_KERNEL;
  const reported = memory + kernel.reported - GUEST_RAM;
  const states: unknown[] = [];
  const memories: Uint8Array[] = [];
  const reports: Uint8Array[] = [];
  let differing = 0;
  const worlds = watchWorlds();
  const pi = await createBuiltInPi(handoverOf(image), () => undefined, [
    worlds.observe,
    ({ cpu }) => ({
      watch: {
        wants: (physical) => physical === entry || physical === reported,
        instruction: (_core, _address, physical) => {
          if (physical === entry) {
            states.push(stateOf(cpu.machine));
            const now = cpu.memory.observe(memory, SMALLEST);
            if (memories.length === 0) memories.push(now.slice());
            else if (Buffer.compare(memories[0]!, now) !== 0) differing++;
          } else reports.push(cpu.memory.observe(memory + REPORT, 0x400).slice());
          return false;
        },
      },
    }),
  ]);
  Object.assign(pi.cpu.machine, { counter: steadyCounter(COUNTER) });
  const view = ramView(pi.cpu);
  const word = (n: number, at: number): number => view.getUint32(image.guestMemory[n]! + at, true);
  let before = 0;
  while (states.length <= RESTARTS && pi.cpu.time < 2_000_000_000) {
    pi.run(pi.cpu.time + 1_000_000);
    before = word(1, ROUNDS);
  }
  expect(states.length).toBeGreaterThan(RESTARTS);
  for (const state of states) expect(state).toEqual(states[0]);
  for (const it of reports) expect(it).toEqual(reports[0]);
  expect(reports.length).toBeGreaterThan(RESTARTS - 1);
  expect(differing).toBe(0);
  // The memory that it begins with is its files, and nothing else.
  const first = memories[0]!;
  expect(first.slice(GUEST_KERNEL, GUEST_KERNEL + kernel.data.length)).toEqual(kernel.data);
  first.fill(0, GUEST_KERNEL, GUEST_KERNEL + kernel.data.length);
  expect(first.every((it) => it === 0)).toBe(true);
  expect(wrongs[word(1, WRONG)]).toBe('nothing');
  pi.run(pi.cpu.time + 1_000_000);
  expect(word(1, ROUNDS)).toBeGreaterThan(before);
  expect(worlds.wrong).toEqual([]);
}, 120_000);
