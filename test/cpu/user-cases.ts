/** Generated cases for user-level instructions: a word or a few, and a state to start from. */
import type { Encoding } from '../../src/isa/encoding.js';
import { accepts, isUnpredictable } from '../../src/isa/encoding.js';
import { writeFields } from '../../src/isa/pattern.js';
import { bitCount } from '../../src/isa/bits.js';
import { randomWords } from '../isa/generate.js';

/** Registers and flags before a case, and the words it runs. SP is the harness's own. */
export interface Case {
  readonly name: string;
  readonly words: readonly Word[];
  /** R0 to R12, LR, and N, Z, C, V, Q, GE in their places. */
  readonly state: Uint32Array;
}

/** A machine instruction and how many bytes it has; T32 ones of four have the first halfword on top. */
export interface Word {
  readonly word: number;
  readonly size: 2 | 4;
}

/** How many words of state a case has. */
export const STATE_WORDS = 15;
export const FLAGS = 0xf80f0000;

/** Where memory accesses of the cases go: 16 KiB. */
export interface Scratch {
  readonly start: number;
  readonly size: number;
}

const REGISTER_FIELDS = new Set(['Rd', 'Rn', 'Rm', 'Rs', 'Rt', 'Rt2', 'Ra', 'RdLo', 'RdHi', 'Rdn', 'Rdm']);
const interesting = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** Operations that need more than User mode, or whose result is not the same in every run. */
const NOT_USER =
  /^(SVC|SMC|HVC|BKPT|ERET|UDF|SUBS_PC_LR.*|CPS|WFI|WFE|SEV|RFE|SRS|LDM_user|LDM_exception|STM_user|M[RS][SR]_banked|MCRR|MRRC|MCR|MRC|LDC|LDC_lit|STC|CDP|BLX_imm|BXJ|SETEND|YIELD|TBB|IT)$/;
/** Run by hand-made cases, not by random fields. */
const BRANCH = /^(B|BL_imm|BX|BLX_reg|CBZ|CBNZ)$/;
/** On SP, which is the harness's. */
const ON_STACK = /^(PUSH_T|POP_T|LDR_imm_T2|STR_imm_T2|ADD_SP|SUB_SP)/;
const MEMORY = /^(LDR|STR|LDM|STM|PLD|PLI|SWP)/;

/** Floating point and NEON have cases of their own. */
const FLOATING = /^(V|FLDM|FSTM)/;

/** Whether random fields can be tried in User mode, on core registers. */
export function isUserLevel(encoding: Encoding): boolean {
  return !NOT_USER.test(encoding.operation) && !FLOATING.test(encoding.operation);
}

/** Makes cases for encodings. */
export class Cases {
  private readonly random: () => number;

  constructor(
    salt: number,
    private readonly scratch: Scratch,
    private readonly thumb = false,
  ) {
    this.random = randomWords(salt);
  }

  private value(): number {
    const kind = this.random() % 4;
    if (kind === 0) return interesting[this.random() % interesting.length]!;
    if (kind === 1) return this.random() % 64;
    return this.random();
  }

  private state(): Uint32Array {
    const state = new Uint32Array(STATE_WORDS);
    for (let i = 0; i < 14; i++) state[i] = this.value();
    state[14] = this.random() & FLAGS;
    return state;
  }

  /** A register that the harness does not use; SP and PC are not. */
  private register(): number {
    const n = this.random() % 14;
    return n === 13 ? 14 : n;
  }

  /** Fields that the encoding takes and that the manual defines; undefined where none are found. */
  private fields(encoding: Encoding): Record<string, number> | undefined {
    for (let tries = 0; tries < 400; tries++) {
      const fields: Record<string, number> = {};
      for (const [name, { width }] of encoding.pattern.fields) {
        if (name === 'cond') fields[name] = this.random() % 4 ? 14 : this.random() % 15;
        else if (REGISTER_FIELDS.has(name))
          fields[name] = width < 4 ? this.random() % 2 ** width : this.register();
        else if (name === 'registers') fields[name] = this.random() & 0x5fff;
        else if (this.random() % 8 === 0) fields[name] = this.random() % 2 ? 2 ** width - 1 : 0;
        else fields[name] = this.random() % 2 ** width;
      }
      if (fields['Rm2'] !== undefined) fields['Rm2'] = fields['Rm']!;
      const word = writeFields(encoding.pattern, fields);
      if (accepts(encoding, fields) && !isUnpredictable(encoding, word, fields)) return fields;
    }
    return undefined;
  }

  /** One case, or undefined where this try found none. */
  make(encoding: Encoding, address: number): Case | undefined {
    const { operation, name } = encoding;
    if (BRANCH.test(operation)) return this.branch(encoding, address);
    const fields = this.fields(encoding);
    if (!fields) return undefined;
    // Execution must stay here.
    if (['Rd', 'Rt', 'Rt2', 'Rdn'].some((it) => fields[it] === 15)) return undefined;
    const state = this.state();
    if (ON_STACK.test(name)) return this.onStack(encoding, fields, state);
    if (MEMORY.test(operation)) {
      if (!this.memory(operation, fields, state)) return undefined;
    }
    if (/^M[RS][SR]/.test(operation)) {
      // In User mode there is no SPSR, and of CPSR only the flags are written; E would be too.
      fields['R'] = 0;
      if (fields['mask'] !== undefined) fields['mask'] = [4, 8, 12][fields['mask'] % 3]!;
    }
    // What SP holds is the harness's, and must stay.
    const names = ['Rd', 'Rt', 'RdLo', 'RdHi', 'Rn', 'Rm', 'Rs', 'Ra', 'Rdn', 'Rt2'];
    if (names.some((it) => fields[it] === 13)) return undefined;
    if (/LDREXD|STREXD|LDRD|STRD/.test(operation) && (fields['Rt'] ?? 0) >= 12) return undefined;
    const words = [this.sized(encoding, fields)];
    if (this.thumb && encoding.entry.inIT !== 'never' && this.random() % 3 === 0) {
      // An IT block of up to four, then or else; behind the instruction: add rN, rN, #1 for N = 0, 1, 2
      const more = this.random() % 4;
      const mask = ((this.random() << 4) | 8) >>> more;
      words.unshift({ word: 0xbf00 | ((this.random() % 14) << 4) | (mask & 15), size: 2 });
      for (const word of [0xf1000001, 0xf1010101, 0xf1020201].slice(0, more)) words.push({ word, size: 4 });
      return { name, words, state };
    }
    if (!this.thumb && /^STREX/.test(operation) && this.random() % 2) {
      // Open the monitor for it, with the matching load to a register that is not used otherwise.
      const load: Record<string, number> = { STREX: 0xe1900f9f, STREXB: 0xe1d00f9f, STREXH: 0xe1f00f9f };
      const word = operation === 'STREXD' ? 0xe1b00f9f : load[operation]!;
      const rt = operation === 'STREXD' ? 10 : 12;
      if ([fields['Rn'], fields['Rt'], (fields['Rt'] ?? 0) + 1, fields['Rd']].some((n) => n! >= 10))
        return undefined;
      words.unshift({ word: (word | (fields['Rn']! << 16) | (rt << 12)) >>> 0, size: 4 });
    }
    return { name, words, state };
  }

  private sized(encoding: Encoding, fields: Record<string, number>): Word {
    return { word: writeFields(encoding.pattern, fields), size: encoding.pattern.width === 16 ? 2 : 4 };
  }

  /** SP is brought back to where it was, or nothing else than this case's own state is touched. */
  private onStack(encoding: Encoding, fields: Record<string, number>, state: Uint32Array): Case {
    const { name } = encoding;
    const move = (opcode: number, amount: number): Word => ({ word: opcode | amount, size: 2 });
    const [ADD_SP, SUB_SP] = [0xb000, 0xb080];
    if (name.startsWith('STR') || name.startsWith('LDR')) fields['imm8']! %= STATE_WORDS;
    if (fields['registers'] !== undefined) fields['registers'] &= name.startsWith('POP') ? 0xff : 0x40ff;
    const count = bitCount(fields['registers'] ?? 0);
    if (count === 0 && fields['registers'] !== undefined) fields['registers'] = 1;
    const size = Math.max(1, count);
    const words = [this.sized(encoding, fields)];
    if (name.startsWith('PUSH')) words.push(move(ADD_SP, size));
    if (name.startsWith('POP')) words.unshift(move(SUB_SP, size));
    if (name === 'ADD_SP_imm_T2') words.push(move(SUB_SP, fields['imm7']!));
    if (name.startsWith('SUB_SP')) words.push(move(ADD_SP, fields['imm7']!));
    return { name, words, state };
  }

  /** Gives the registers of an address values that lead into the scratch memory. False: try again. */
  private memory(operation: string, fields: Record<string, number>, state: Uint32Array): boolean {
    const { Rn, Rm, type = 0, imm5 = 0 } = fields;
    const { start, size } = this.scratch;
    const slot = (n: number): number => (n === 14 ? 13 : n);
    // A literal's distance may lead anywhere but into memory that is there, and loads there are of code.
    if (Rn === undefined || Rn === 15) return /^(PLD|PLI)/.test(operation) || this.literal(fields);
    const strict = /EX|^LDM|^STM|LDRD|STRD|SWP/.test(operation);
    const align = /EXD/.test(operation) ? 8 : strict ? 4 : 1;
    const middle = start + size / 2 + (this.random() % 2048) - 1024;
    state[slot(Rn)] = middle - (middle % align);
    if (strict && fields['imm8'] !== undefined) fields['imm8'] &= ~3;
    if (Rm === undefined || operation === 'SWP') return true;
    if (Rm === Rn) return false;
    const small = (this.random() % 1024) - 512;
    const aligned = small - (small % align);
    let index: number;
    if (type === 0) index = imm5 > 9 ? 0 : aligned >> imm5;
    else if (type === 1) index = imm5 === 0 ? this.value() : ((aligned & 0x1ff) << imm5) >>> 0;
    else if (type === 2) index = imm5 === 0 ? this.value() : (aligned << imm5) >>> 0;
    else if (imm5 === 0) {
      state[14]! &= ~0x20000000;
      index = (aligned & 0x1ff) << 1;
    } else index = ((aligned << imm5) | (aligned >>> (32 - imm5))) >>> 0;
    if (strict && type === 0 && imm5 === 0) index = aligned;
    // ASR by 32 of a random value is 0 or -1; LSR by 32 is 0; strict ones have no shift.
    state[slot(Rm)] = index;
    return true;
  }

  /** PC-relative: the harness puts words behind the instruction that may be read. */
  private literal(fields: Record<string, number>): boolean {
    // Backwards there is always code of other cases, once there are enough of them.
    fields['U'] = 0;
    if (fields['imm12'] !== undefined) fields['imm12'] %= 256;
    if (fields['imm8'] !== undefined) fields['imm8'] = (fields['imm8'] % 64) & ~3;
    if (fields['Rm'] !== undefined) return false;
    return true;
  }

  /** A jump over a few instructions, each of which would leave its mark. */
  private branch(encoding: Encoding, address: number): Case {
    const state = this.state();
    const over = 1 + (this.random() % 3);
    // add rN, rN, #1 for N = 0, 1, 2
    const add = this.thumb ? [0xf1000001, 0xf1010101, 0xf1020201] : [0xe2800001, 0xe2811001, 0xe2822001];
    const marks = add.slice(0, over).map((word) => ({ word, size: 4 as const }));
    const fields: Record<string, number> = {};
    for (const it of encoding.pattern.fields.keys()) fields[it] = 0;
    const size = encoding.pattern.width / 8;
    if (fields['cond'] !== undefined)
      fields['cond'] = this.random() % 3 && !this.thumb ? 14 : this.random() % (this.thumb ? 14 : 15);
    if (encoding.operation === 'BX' || encoding.operation === 'BLX_reg') {
      fields['Rm'] = 4 + (this.random() % 8);
      state[fields['Rm']] = (address + size + 4 * over) | (this.thumb ? 1 : 0);
    } else if (this.thumb) {
      const distance = (size + 4 * over - 4) / 2;
      const name = ['imm6', 'imm8', 'imm11'].findLast((it) => fields[it] !== undefined)!;
      fields[name] = distance;
      if (fields['Rn'] !== undefined) fields['Rn'] = this.random() % 8;
      // S is 0, so J1 and J2 are 1 for a short distance (A8.8.18); not in T3.
      if (fields['imm10'] !== undefined) [fields['J1'], fields['J2']] = [1, 1];
      if (/^CBN?Z/.test(encoding.name) && this.random() % 2) state[fields['Rn']!] = 0;
    } else fields['imm24'] = over - 1;
    return { name: encoding.name, words: [this.sized(encoding, fields), ...marks], state };
  }
}
