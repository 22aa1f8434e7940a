/** What the interpreter does by itself, against what TypeScript does: from the same state to the same state. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { saveState, restoreState, type State } from '../../src/base/state.js';
import { blockAt } from '../../src/cpu/blocks.js';
import { forgetCode } from '../../src/cpu/code-cache.js';
import { HCR_TGE, HCR_TVM } from '../../src/cpu/control-bits.js';
import type { Cpu } from '../../src/cpu/cpu.js';
import { taken } from '../../src/cpu/instruction.js';
import * as L from '../../src/cpu/layout.js';
import { mediaLowerings } from '../../src/cpu/media-lowerings.js';
import { readMemory, writeMemory } from '../../src/cpu/memory.js';
import { readCpsr, setCpsr } from '../../src/cpu/modes.js';
import { slowInstruction } from '../../src/cpu/slow/index.js';
import { BANK_WORDS, type Machine } from '../../src/cpu/state.js';
import { systemLowerings } from '../../src/cpu/system-lowerings.js';
import { likeA32 } from '../../src/cpu/t32-fields.js';
import { contextsChanged, entryFor } from '../../src/cpu/tlb.js';
import { a32Encodings } from '../../src/isa/a32/index.js';
import type { Encoding } from '../../src/isa/encoding.js';
import { accepts, isUnpredictable } from '../../src/isa/encoding.js';
import { readFields, writeFields } from '../../src/isa/pattern.js';
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
import * as R from '../../src/isa/system-registers.js';
import { t32Encodings } from '../../src/isa/t32/index.js';
import { randomWords, seed } from '../isa/generate.js';
import { ramView } from '../support/ram.js';
import { bareCpu } from './machines.js';

const { TE, V, CP15BEN } = R.SCTLR.bits;

/** Cases for each encoding; CPU_CASES asks for more. */
const COUNT = Number(process.env['CPU_CASES'] ?? 40);
const CODE = 0x8000;
const DATA = 0x20000;
const DATA_SIZE = 0x1000;
/** Returns to a constant, or by a register's shift or another operation than subtraction: there is no micro-op. */
const NOT_DONE = new Set(['SUBS_PC_LR_move_A1', 'SUBS_PC_LR_A2']);
/** Branches to themselves. */
const STAY = { a32: 0xeafffffe, t32: 0xe7fe };
const MODES = [
  ...[MODE_USR, MODE_FIQ, MODE_IRQ, MODE_SVC, MODE_SVC, MODE_ABT, MODE_UND, MODE_SYS, MODE_HYP, MODE_MON],
];
/** Registers of CP15 that there are micro-ops for. */
const READ_HERE: readonly R.SystemRegister[] = [
  ...[R.MIDR, R.MPIDR, R.SCTLR, R.TTBR0, R.TTBR1, R.TTBCR, R.DACR, R.DFSR, R.IFSR, R.DFAR, R.IFAR],
  ...[R.VBAR, R.CONTEXTIDR, R.TPIDRURW, R.TPIDRURO, R.TPIDRPRW],
];
const WRITTEN_HERE: readonly R.SystemRegister[] = [
  ...[R.DACR, R.DACR, R.TPIDRURW, R.TPIDRURO, R.TPIDRPRW],
  ...[R.CP15ISB, R.CP15DSB, R.CP15DMB],
];
const REGISTERS = new Set(['Rd', 'Rn', 'Rm', 'Rt', 'Ra', 'RdLo', 'RdHi']);

/** All that an instruction may change; the numbers by which flags are kept are of no account. */
interface Snapshot {
  readonly cpsr: number;
  readonly words: number[];
  readonly core: State;
  readonly banks: number[][];
  readonly data: string;
}

const FLAG_WORDS = new Set(
  [L.N, L.Z, L.C, L.V, L.Q, L.TEMP, L.TEMP2, L.TEMP3, L.TRASH].map((at) => at >>> 2),
);
/** What the slice leaves, and what has no meaning between two instructions. */
const PASSING = new Set([L.PAGE, L.BUDGET, L.LEAVE].map((at) => at >>> 2));

function snapshot(cpu: Cpu): Snapshot {
  const { machine: m } = cpu;
  const words = [...m.u32.subarray(0, L.CORE_SIZE >>> 2)].map((word, i) =>
    FLAG_WORDS.has(i) || PASSING.has(i) ? 0 : word,
  );
  const { executed, ahead, ...core } = saveState(m.core) as Record<string, unknown>;
  expect([executed, ahead]).toBeDefined();
  const banks = [m.core.secure, m.core.nonSecure].map((bank) => BANK_WORDS.map((name) => bank[name]));
  const data = createHash('sha256').update(dataOf(cpu)).digest('hex');
  return { cpsr: readCpsr(m), words, core, banks, data };
}

const dataOf = (cpu: Cpu): Uint8Array => cpu.memory.observe(DATA, DATA_SIZE);

class Comparison {
  private readonly random = randomWords(14);
  private readonly m: Machine;
  /** Cases, and those of them that the interpreter left to TypeScript. */
  readonly counts = new Map<string, { all: number; declined: number }>();

  constructor(
    private readonly cpu: Cpu,
    private readonly set: 'a32' | 't32',
  ) {
    this.m = cpu.machine;
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.random() % list.length]!;
  }

  /** A machine in some state; addresses are where memory is, and where words are aligned most of the time. */
  private prepare(): void {
    const { m, random } = this;
    const { core } = m;
    const nonSecure = random() % 2 === 0;
    let mode = this.pick(MODES);
    if (mode === MODE_HYP && !nonSecure) mode = MODE_SVC;
    core.SCR = (nonSecure ? 1 : 0) | (random() % 4 === 0 ? 0x30 : 0);
    for (const bank of [core.secure, core.nonSecure]) {
      bank.SCTLR = 0;
      for (const bit of [TE, V, CP15BEN]) if (random() % 3 === 0) bank.SCTLR |= 1 << bit;
      bank.VBAR = (random() % 64) * 32;
      [bank.TPIDRURW, bank.TPIDRURO, bank.TPIDRPRW] = [random(), random(), random()];
      [bank.DFSR, bank.DFAR, bank.IFSR, bank.IFAR] = [random(), random(), random(), random()];
      [bank.TTBR0, bank.TTBR1, bank.CONTEXTIDR] = [random(), random(), random()];
    }
    core.HCR = (random() % 6 === 0 ? HCR_TGE : 0) | (random() % 6 === 0 ? HCR_TVM : 0);
    [core.VPIDR, core.VMPIDR] = [random(), random()];
    core.HSTR = random() % 6 === 0 ? random() & 0xffff : 0;
    core.HSR = random();
    [core.irq, core.fiq, core.waiting] = [random() % 4 === 0, false, 'no'];
    const thumb = this.set === 't32' ? 0x20 : 0;
    const masked = core.irq ? 0x80 : 0;
    setCpsr(m, ((random() & 0xf80f01c0) | thumb | masked | mode) >>> 0);
    for (let at = L.BANKS; at < L.BANK_ELR_HYP; at += 4) m.u32[at >>> 2] = this.address();
    for (let n = 0; n < 15; n++) m.u32[n] = random() % 3 ? this.address() : random();
    m.u32[L.SPSR >>> 2] = this.status();
    m.u32[L.EXCEPTIONS >>> 2] = random() % 4 === 0 ? 1 : 0;
    m.u32[L.PC >>> 2] = CODE;
    m.u32[L.EXCLUSIVE_SIZE >>> 2] = 0;
    core.event = false;
    dataOf(this.cpu).forEach((_, i, data) => (data[i] = random() & 0xff));
    // What RFE finds may be a status.
    for (let i = 0; i < 64; i++) ramView(this.cpu).setUint32(DATA + 16 * i, this.status(), true);
    contextsChanged(m);
  }

  private address(): number {
    const { random } = this;
    const at = DATA + 128 + (random() % (DATA_SIZE - 256));
    return random() % 8 === 0 ? at : at & ~3;
  }

  private status(): number {
    const { random } = this;
    const status = (random() & 0xff0f03e0) >>> 0;
    if (random() % 8 === 0) return random();
    return (status & ~0x0600fc00 & ~0x01000000) | this.pick(MODES);
  }

  private wordOf(encoding: Encoding): number | undefined {
    const { random } = this;
    for (let tries = 0; tries < 100; tries++) {
      const fields: Record<string, number> = {};
      for (const [name, { width }] of encoding.pattern.fields) {
        if (name === 'cond') fields[name] = 14;
        else if (REGISTERS.has(name)) fields[name] = random() % Math.min(15, 2 ** width);
        else fields[name] = random() % 2 ** width;
      }
      const { operation } = encoding;
      if (operation === 'MRC' || operation === 'MCR') {
        const { coproc, opc1, CRn, CRm, opc2 } = this.pick(operation === 'MRC' ? READ_HERE : WRITTEN_HERE);
        Object.assign(fields, { coproc, opc1, CRn, CRm, opc2 });
      }
      if (operation === 'SRS' && random() % 4) fields['mode'] = this.pick(MODES);
      if (operation === 'CPS' && fields['M']) fields['mode'] = this.pick(MODES);
      if (operation === 'SUBS_PC_LR' && random() % 2) fields['opcode'] = 2;
      if (encoding.name === 'SUBS_PC_LR_move_A2' && random() % 2)
        Object.assign(fields, { N: 0, type: 0, imm5: 0 });
      const word = writeFields(encoding.pattern, fields);
      if (accepts(encoding, fields) && !isUnpredictable(encoding, word, fields)) return word;
    }
    return undefined;
  }

  private load(encoding: Encoding, word: number): void {
    const view = ramView(this.cpu);
    if (this.set === 'a32') {
      view.setUint32(CODE, word, true);
      view.setUint32(CODE + 4, STAY.a32, true);
    } else if (encoding.pattern.width === 16) {
      view.setUint16(CODE, word, true);
      view.setUint16(CODE + 2, STAY.t32, true);
    } else {
      view.setUint16(CODE, word >>> 16, true);
      view.setUint16(CODE + 2, word & 0xffff, true);
      view.setUint16(CODE + 4, STAY.t32, true);
    }
    forgetCode(this.m);
  }

  /** One instruction from one state, both ways. */
  one(encoding: Encoding): void {
    const { m, cpu } = this;
    const word = this.wordOf(encoding);
    if (word === undefined) return;
    this.prepare();
    this.load(encoding, word);
    if (this.random() % 4) this.fillTlb();
    if (encoding.operation.startsWith('STREX')) this.arm(encoding, word);
    const registers = m.u8.slice(0, L.SYSTEM + L.SYSTEM_SIZE);
    const core = saveState(m.core);
    const data = dataOf(cpu).slice();

    const count = this.counts.get(encoding.name) ?? { all: 0, declined: 0 };
    this.counts.set(encoding.name, count);
    count.all++;
    blockAt(m, CODE);
    m.instructions.forEach((it, i) => {
      m.instructions[i] = {
        ...it,
        execute: (...args) => {
          count.declined++;
          it.execute(...args);
        },
      };
    });
    cpu.run(cpu.time + 1);
    const fast = snapshot(cpu);

    m.u8.set(registers);
    restoreState(m.core, core);
    dataOf(cpu).set(data);
    this.slow(encoding, word);
    const slow = snapshot(cpu);
    const hex = word.toString(16);
    const mode = registers[L.CPSR]! & 0x1f;
    expect({ name: encoding.name, hex, mode, ...fast }).toEqual({ name: encoding.name, hex, mode, ...slow });
    m.u8.set(registers);
    restoreState(m.core, core);
  }

  private slow(encoding: Encoding, word: number): void {
    const { m } = this;
    const raw = readFields(encoding.pattern, word);
    const fields = this.set === 't32' ? likeA32(encoding.name, raw, false) : raw;
    m.address = CODE;
    m.nextAddress = CODE + encoding.pattern.width / 8;
    m.u32[15] = m.nextAddress;
    try {
      const execute = slowInstruction(encoding.operation)!;
      execute(m, fields, { word, encoding, fields, execute });
    } catch (error) {
      if (error !== taken) throw error;
    }
  }

  /** Has the TLB know the data in this mode. */
  private fillTlb(): void {
    const { m } = this;
    const kept = m.u8.slice(0, L.CORE_SIZE);
    const { random } = this;
    m.address = CODE;
    const value = readMemory(m, DATA, 4);
    if (random() % 4) writeMemory(m, DATA, 4, value);
    m.u8.set(kept);
    // As if it were Normal memory, Write-Back and Shareable, for exclusives.
    const entry = entryFor(m, DATA, 'read')!.at - (L.TLB_READ >>> 2);
    if (random() % 8) m.u32[entry + (L.TLB_FLAGS >>> 2)]! |= L.TLB_EXCLUSIVES;
  }

  /** Has the monitor hold, most of the time, what a STREX is for. */
  private arm(encoding: Encoding, word: number): void {
    const { m, random } = this;
    const raw = readFields(encoding.pattern, word);
    const { Rn, imm8 = 0 }: { Rn?: number; imm8?: number } =
      this.set === 't32' ? likeA32(encoding.name, raw, false) : raw;
    const sizes: Record<string, number> = { STREXB: 1, STREXH: 2, STREXD: 8 };
    m.u32[L.EXCLUSIVE_ADDRESS >>> 2] = m.u32[Rn!]! + imm8 + (random() % 8 ? 0 : 8);
    m.u32[L.EXCLUSIVE_SIZE >>> 2] = random() % 8 ? (sizes[encoding.operation] ?? 4) : 4;
  }
}

function compare(set: 'a32' | 't32', operations: object): void {
  const encodings = (set === 'a32' ? a32Encodings : t32Encodings).filter(
    ({ operation }) => operation in operations,
  );
  test(`in ${set} (seed ${seed})`, async () => {
    const comparison = new Comparison(await bareCpu({ ramSize: 0x100000 }), set);
    for (const encoding of encodings) for (let i = 0; i < COUNT; i++) comparison.one(encoding);
    for (const { name } of encodings.filter((it) => !NOT_DONE.has(it.name))) {
      const count = comparison.counts.get(name);
      expect([name, count !== undefined && count.declined < count.all]).toEqual([name, true]);
    }
  }, 120_000);
}

describe('media instructions', () => {
  compare('a32', mediaLowerings);
  compare('t32', mediaLowerings);
});

describe('instructions of system software', () => {
  compare('a32', systemLowerings);
  compare('t32', systemLowerings);
});
