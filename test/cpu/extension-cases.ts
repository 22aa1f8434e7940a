/** Generated cases for floating-point and Advanced SIMD: a word, and the state it starts from. */
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { readCpsr, setFlags } from '../../src/cpu/modes.js';
import { slowInstruction } from '../../src/cpu/slow/index.js';
import { a32Encodings } from '../../src/isa/a32/index.js';
import { assembler } from '../../src/isa/assembler.js';
import type { Encoding } from '../../src/isa/encoding.js';
import { accepts, isUnpredictable } from '../../src/isa/encoding.js';
import { decodeA32 } from '../../src/isa/decoder.js';
import { d } from '../../src/isa/extension-registers.js';
import { neon } from '../../src/isa/neon/index.js';
import { writeFields } from '../../src/isa/pattern.js';
import { coreRegisters, lr, r0, r1, r12, sp } from '../../src/isa/registers.js';
import { vfp } from '../../src/isa/vfp/index.js';
import { hex } from '../support/hex.js';
import { ramWords } from '../support/ram.js';
import { randomWords } from '../isa/generate.js';
import type { Program } from './machines.js';
import { constant, LOAD_ADDRESS, program } from './machines.js';

/** A32 encodings of floating point and Advanced SIMD. */
export const extensionEncodings = a32Encodings.filter(({ name }) => name in vfp || name in neon);
/** Their operations, which T32 has in common with A32. */
export const extensionOperations: ReadonlySet<string> = new Set(
  extensionEncodings.map(({ operation }) => operation),
);

/** Places in a case's state, in words: D0 to D31, FPSCR, APSR, R0 to R12 and LR; then memory, if it uses any. */
export const FPSCR_AT = 64;
export const FLAGS_AT = 65;
export const CORE_AT = 66;
export const STATE_WORDS = 80;
const MEMORY_WORDS = 128;

export interface Case {
  readonly encoding: Encoding;
  readonly word: number;
  readonly state: Uint32Array;
  /** Address of the state. */
  readonly address: number;
}

const CORE_FIELDS = new Set(['Rt', 'Rt2', 'Rn']);
const MEMORY = /^V(LD|ST)/;
/** FPSCR: rounding mode, FZ, DN, AHP, QC, N, Z, C, V; and the cumulative exceptions. */
const FPSCR_MODES = 0xffc00000;
const FPSCR_EXCEPTIONS = 0x9f;
const APSR_FLAGS = 0xf0000000;
/** FPSCR.IXC. */
const INEXACT = 0x10;

/** A number of `exponentBits` and `fractionBits` that finds more than an even one does. */
function float(random: () => number, exponentBits: number, fractionBits: number, around: number): bigint {
  const most = 2 ** exponentBits - 1;
  const kind = random() % 16;
  let exponent = random() % (most + 1);
  if (kind < 9) exponent = Math.max(0, Math.min(most, around + (random() % 7) - 3));
  else if (kind === 9) exponent = 0;
  else if (kind === 10) exponent = most;
  else if (kind === 11) exponent = random() % 4;
  else if (kind === 12) exponent = most - (random() % 4);
  const wide = (BigInt(random()) << 32n) | BigInt(random());
  let fraction: bigint;
  const bits = BigInt(fractionBits);
  switch (random() % 8) {
    case 0:
      fraction = 0n;
      break;
    case 1:
      fraction = -1n;
      break;
    case 2:
      fraction = 1n << BigInt(random() % fractionBits);
      break;
    case 3:
      // A few of the highest bits: ties.
      fraction = (wide & 7n) << (bits - 3n);
      break;
    case 4:
      fraction = wide & 3n;
      break;
    case 5:
      fraction = -(1n << BigInt(random() % fractionBits));
      break;
    default:
      fraction = wide;
  }
  const sign = BigInt(random() & 1) << BigInt(exponentBits + fractionBits);
  return sign | (BigInt(exponent) << bits) | BigInt.asUintN(fractionBits, fraction);
}

function integer(random: () => number, size: number): bigint {
  const wide = (BigInt(random()) << 32n) | BigInt(random());
  const edge = 1n << BigInt(size - 1);
  switch (random() % 8) {
    case 0:
      return 0n;
    case 1:
      return -1n;
    case 2:
      return edge;
    case 3:
      return edge - 1n;
    case 4:
      return 1n << BigInt(random() % size);
    case 5:
      // Small, as amounts of shifts are, of either sign.
      return BigInt((random() % (2 * size + 4)) - size - 2);
    default:
      return wide;
  }
}

/** Fills D0 to D31 with elements of one kind. */
function fill(random: () => number, registers: Uint32Array, kinds: readonly string[]): void {
  const kind = kinds[random() % kinds.length]!;
  const size = Number(/\d+/.exec(kind)![0]);
  const view = new DataView(registers.buffer, registers.byteOffset, 256);
  const formats: Readonly<Record<number, readonly [number, number]>> = {
    16: [5, 10],
    32: [8, 23],
    64: [11, 52],
  };
  const [exponentBits, fractionBits] = formats[size] ?? [0, 0];
  // Exponents near to each other, and often near 1, so that numbers meet.
  const bias = 2 ** (exponentBits - 1) - 1;
  const around = random() % 2 ? bias + (random() % 40) - 6 : random() % (2 * bias + 1);
  // Often most elements are 1 or 0, so that what sets a flag is one alone.
  const calm = random() % 4 === 0;
  const plain = kind.startsWith('F') ? BigInt(bias) << BigInt(fractionBits) : 0n;
  for (let i = 0; i < 2048 / size; i++) {
    const bits =
      calm && random() % 8
        ? plain
        : kind.startsWith('F')
          ? float(random, exponentBits, fractionBits, around)
          : integer(random, size);
    if (size === 8) view.setUint8(i, Number(BigInt.asUintN(8, bits)));
    else if (size === 16) view.setUint16(i * 2, Number(BigInt.asUintN(16, bits)), true);
    else if (size === 32) view.setUint32(i * 4, Number(BigInt.asUintN(32, bits)), true);
    else view.setBigUint64(i * 8, BigInt.asUintN(64, bits), true);
  }
}

/** The kinds of elements that an encoding may look at, most likely ones first. */
function kindsOf(encoding: Encoding, fields: Readonly<Record<string, number>>): string[] {
  const form = encoding.forms.find(({ when }) => when.test(fields))!;
  const types = [...form.mnemonic.type.matchAll(/\.([fsuip]?)(\d+)/g)].map(
    ([, letter, size]) => (letter === 'f' ? 'F' : 'I') + size!,
  );
  return types.length ? [...types, ...types, 'I8', 'I32', 'I64'] : ['I8', 'I32', 'F32', 'F64'];
}

/** Makes `count` cases for every encoding, of A32 or all of T32, and the program that runs them. */
export function makeCases(
  encodings: readonly Encoding[],
  count: number,
  salt: number,
  set: 'a32' | 't32' = 'a32',
): { cases: Case[]; built: Program } {
  const random = randomWords(salt);
  const chosen: { encoding: Encoding; fields: Record<string, number>; word: number }[] = [];
  for (const encoding of encodings) {
    for (const form of encoding.forms) {
      let found = 0;
      const wanted = Math.ceil(count / encoding.forms.length);
      for (let tries = 0; tries < wanted * 200 && found < wanted; tries++) {
        const fields: Record<string, number> = {};
        for (const [name, { width }] of encoding.pattern.fields) {
          const demanded = form.when.demands.get(name);
          if (demanded !== undefined) fields[name] = demanded;
          else if (name === 'cond') fields[name] = 14;
          else if (CORE_FIELDS.has(name)) fields[name] = [14, ...Array(13).keys()][random() % 14]!;
          else fields[name] = random() % 2 ** width;
        }
        // Of the system registers User mode sees FPSCR alone.
        if (/^VM(RS|SR)$/.test(encoding.operation)) fields['reg'] = 1;
        const word = writeFields(encoding.pattern, fields);
        if (!form.when.test(fields) || !accepts(encoding, fields)) continue;
        if (isUnpredictable(encoding, word, fields)) continue;
        // What these give of one vector with itself is UNKNOWN.
        const { D, M, Vd, Vm } = fields;
        if (/^V(TRN|UZP|ZIP)$/.test(encoding.operation) && D === M && Vd === Vm) continue;
        // These would move the harness's own pointer.
        if (fields['Rn'] === 13 || fields['Rn'] === 15 || fields['Rt'] === 13) continue;
        chosen.push({ encoding, fields, word });
        found++;
      }
    }
  }

  const code = codeFor(
    chosen.map(({ encoding, word }) => ({
      memory: MEMORY.test(encoding.operation),
      words: set === 'a32' ? [word] : inT32(word, random() % 4 ? undefined : random() % 14),
    })),
  );
  const dataAt = program([...constant(13, 0), ...code], new Uint32Array(0)).data;
  let address = LOAD_ADDRESS + dataAt;
  const cases = chosen.map(({ encoding, fields, word }) => {
    const uses = MEMORY.test(encoding.operation);
    const state = new Uint32Array(STATE_WORDS + (uses ? MEMORY_WORDS : 0));
    fill(random, state, kindsOf(encoding, fields));
    state[FPSCR_AT] = random() & (FPSCR_MODES | (random() % 2 ? FPSCR_EXCEPTIONS : 0));
    // Where nothing is special, and where the host's arithmetic will do.
    if (random() % 4 === 0) state[FPSCR_AT] = random() % 2 ? 0 : INEXACT;
    state[FLAGS_AT] = random() & APSR_FLAGS;
    for (let i = CORE_AT; i < state.length; i++) state[i] = random();
    if (uses) {
      const middle = address + (STATE_WORDS + MEMORY_WORDS / 2) * 4;
      // Words for single registers; bytes where no alignment is said.
      const multiple = encoding.name.includes('multiple');
      const off = multiple
        ? fields['align'] === 0
          ? random() % 16
          : 0
        : fields['regs']
          ? 4 * (random() % 8)
          : 0;
      const { Rn = 0, imm8, U } = fields;
      let base = middle + off;
      if (imm8 !== undefined) base -= (U ? 4 : -4) * imm8;
      state[CORE_AT + (Rn === 14 ? 13 : Rn)] = base;
    }
    const made: Case = { encoding, word, state, address };
    address += state.byteLength;
    return made;
  });
  const data = new Uint32Array(cases.reduce((sum, { state }) => sum + state.length, 0));
  for (const { state, address: at } of cases) data.set(state, (at - LOAD_ADDRESS - dataAt) / 4);
  return { cases, built: program([...constant(13, LOAD_ADDRESS + dataAt), ...code], data) };
}

/** A T32 instruction of 32 bits, under a condition if one is given, among A32 ones; no register is changed by it. */
function inT32(word: number, condition: number | undefined): number[] {
  // sub pc, pc, #3: on to the next word, in T32
  const enter = 0xe24ff003;
  // bx pc, nop: on to the next word, in A32
  const leave = 0xbf004778;
  const instruction = ((word << 16) | (word >>> 16)) >>> 0;
  if (condition === undefined) return [enter, instruction, leave];
  // nop, it <condition>
  return [enter, (0xbf08bf00 | (condition << 20)) >>> 0, instruction, leave];
}

/** The code that loads each state, runs its word, and stores the state. SP is the address of the state. */
function codeFor(cases: readonly { words: readonly number[]; memory: boolean }[]): number[] {
  const low = Array.from({ length: 16 }, (_, i) => d(i));
  const high = Array.from({ length: 16 }, (_, i) => d(16 + i));
  const rest = [...coreRegisters.slice(1, 13), lr];
  const a = assembler(0);
  const [load, store] = [a.label('load'), a.label('store')];
  const start = a.label('start');
  a.b(start);
  a.at(load);
  a.mov(r12, lr);
  a.mov(r0, sp);
  a.vldmia(r0, '!', low);
  a.vldmia(r0, '!', high);
  a.ldr(r1, [r0], 4);
  a.vmsr('FPSCR', r1);
  a.ldr(r1, [r0], 4);
  a.msr('CPSR_f', r1);
  a.bx(r12);
  a.at(store);
  a.mov(r12, lr);
  a.mov(r0, sp);
  a.vstmia(r0, '!', low);
  a.vstmia(r0, '!', high);
  a.vmrs(r1, 'FPSCR');
  a.str(r1, [r0], 4);
  a.mrs(r1, 'CPSR');
  a.str(r1, [r0], 4);
  a.bx(r12);
  a.at(start);
  for (const { words, memory } of cases) {
    a.bl(load);
    a.ldm(r0, [r0, ...rest]);
    for (const word of words) a.word(word);
    a.str(r0, [sp, CORE_AT * 4]);
    a.add(r0, sp, CORE_AT * 4 + 4);
    a.stm(r0, rest);
    a.bl(store);
    a.add(sp, sp, (STATE_WORDS + (memory ? MEMORY_WORDS : 0)) * 4);
  }
  const bytes = a.assemble();
  return [...new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
}

/** Does a case with the function of its operation; gives the state after it. */
export function runCase(cpu: Cpu, { word, state, address }: Case): Uint32Array {
  const { machine: m } = cpu;
  const memory = ramWords(cpu, address, state.length);
  memory.set(state);
  m.u32.set(state.subarray(0, 64), L.D0 >>> 2);
  m.u32[L.FPSCR >>> 2] = state[FPSCR_AT]!;
  setFlags(m, state[FLAGS_AT]!);
  for (let r = 0; r < 13; r++) m.u32[r] = state[CORE_AT + r]!;
  m.u32[14] = state[CORE_AT + 13]!;
  const { encoding, fields } = decodeA32(word)!;
  const execute = slowInstruction(encoding.operation)!;
  execute(m, fields, { word, encoding, fields, execute });
  memory.set(m.u32.subarray(L.D0 >>> 2, (L.D0 >>> 2) + 64));
  memory[FPSCR_AT] = m.u32[L.FPSCR >>> 2]!;
  memory[FLAGS_AT] = readCpsr(m);
  for (let r = 0; r < 13; r++) memory[CORE_AT + r] = m.u32[r]!;
  memory[CORE_AT + 13] = m.u32[14]!;
  return memory.slice();
}

/** What differs in the state after a case, in words. */
export function differences({ state }: Case, here: Uint32Array, there: Uint32Array, who: string): string[] {
  const result: string[] = [];
  for (let i = 0; i < here.length; i++) {
    const mask = i === FLAGS_AT ? APSR_FLAGS : 0xffffffff;
    if (((here[i]! ^ there[i]!) & mask) === 0) continue;
    const name =
      i < 64
        ? `d${i >> 1}[${i & 1}]`
        : i === FPSCR_AT
          ? 'FPSCR'
          : i === FLAGS_AT
            ? 'flags'
            : i < STATE_WORDS
              ? `r${i - CORE_AT}`
              : `memory+${(i - STATE_WORDS) * 4}`;
    result.push(`${name} was ${hex(state[i]!)}, here ${hex(here[i]!)}, ${who} ${hex(there[i]!)}`);
  }
  return result;
}
