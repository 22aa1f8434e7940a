/**
 * What system software executes, as micro-ops that the interpreter runs as long as nothing but the core's own state takes
 * part; otherwise TypeScript runs the instruction (src/cpu/slow, src/cpu/coprocessor.ts), whose word stays the last.
 */
import { bitCount } from '../isa/bits.js';
import { PSR_A, PSR_F, PSR_I } from '../isa/program-status.js';
import * as R from '../isa/system-registers.js';
import type { ExtensionOp, LowerExtension } from './emitter.js';
import * as L from './layout.js';
import { expandA32 } from './lowerings.js';
import { CONSTANT, MAY_USER, Op, PRIMARY_SHIFT, WRITES_MODE } from './micro-ops.js';
import type { Needs, Operation, OperationFields } from './operation-fields.js';
import { BANK_WORDS, type BankWord, placeInBank } from './state.js';
import type { Place } from './system-registers/index.js';

/** The micro-op, where the instruction is in no IT block: what goes on elsewhere would have to take ITSTATE along. */
const outsideIt =
  <F>(lower: LowerExtension<F>): LowerExtension<F> =>
  (e, f) =>
    e.it === 0 ? lower(e, f) : undefined;

/** First address of a list, from its base, in words. */
const startOf = (count: number, { U, P }: Needs<'U' | 'P'>): number =>
  U ? (P ? 1 : 0) : (P ? 0 : 1) - count;

const transferUser =
  (op: Op): LowerExtension<Needs<'Rn' | 'registers' | 'P' | 'U'>> =>
  (e, f) => {
    const { Rn, registers } = f;
    if (e.bigEndian || Rn === 15 || registers === 0 || registers & 0x8000) return undefined;
    return { op, a: Rn * 4, b: startOf(bitCount(registers), f) & 0xff, imm: registers };
  };

/** Exception return to a register less a constant. */
const returnTo = (register: number, less: number): ExtensionOp | undefined =>
  register === 15 ? undefined : { op: Op.RETURN, b: register * 4, imm: less };

/** SUBS among the opcodes of data processing. */
const SUB = 2;

/** What [R] places in four bytes of a mask. */
const bytesOf = (mask: number): number =>
  [0, 1, 2, 3].reduce((bits, i) => ((mask >>> i) & 1 ? bits | (0xff << (8 * i)) : bits), 0) >>> 0;

/** Registers of a bank that nothing but HSTR keeps PL1 from reading; those that User mode may read or write, too. */
const READABLE: readonly (Place & { readonly name: BankWord })[] = BANK_WORDS.map((name) => R[name]);
const USER_READABLE: readonly Place[] = [R.TPIDRURW, R.TPIDRURO];
const WRITABLE: readonly (Place & { readonly name: BankWord })[] = [R.TPIDRURW, R.TPIDRURO, R.TPIDRPRW];
const USER_WRITABLE: readonly Place[] = [R.TPIDRURW];
/** What PL1 sees of others, and where that stands. */
const SEEN: readonly { readonly register: Place; readonly at: number }[] = [
  { register: R.MIDR, at: L.MIDR },
  { register: R.MPIDR, at: L.MPIDR },
];
const BARRIERS: readonly Place[] = [R.CP15ISB, R.CP15DSB, R.CP15DMB];

const isAt = (register: Place, f: OperationFields<'MRC'>): boolean =>
  register.coproc === f.coproc &&
  register.opc1 === f.opc1 &&
  register.CRn === f.CRn &&
  register.CRm === f.CRm &&
  register.opc2 === f.opc2;

/** An access to one of these registers of a bank. */
function bankAccess(
  op: Op,
  registers: typeof READABLE,
  user: readonly Place[],
  f: OperationFields<'MRC'>,
): ExtensionOp | undefined {
  const register = registers.find((it) => isAt(it, f));
  if (!register || f.Rt === 15) return undefined;
  const b = (register.CRn << PRIMARY_SHIFT) | (user.includes(register) ? MAY_USER : 0);
  return { op, a: f.Rt * 4, b, imm: placeInBank(register.name) };
}

type Exclusive = Needs<'Rn' | 'Rt', 'Rt2' | 'Rd' | 'imm8'>;

/** LDREX and STREX of so many bytes; where one has a register of its own for the result, it is a store. */
const exclusive =
  (op: Op, size: 1 | 2 | 4 | 8): LowerExtension<Exclusive> =>
  (e, { Rn, Rt, Rt2 = Rt + 1, Rd, imm8 = 0 }) => {
    if (e.bigEndian && size !== 1) return undefined;
    const values = size === 8 ? [Rt, Rt2] : [Rt];
    if ([Rn, ...values, Rd].some((n) => n !== undefined && n >= 15)) return undefined;
    const [a, second, third = 0] = Rd === undefined ? values : [Rd, ...values];
    return { op, a: a! * 4, b: Rn * 4, imm: (imm8 | ((second ?? 0) << 18) | (third << 26)) >>> 0 };
  };

export const systemLowerings = {
  SVC: outsideIt(() => ({ op: Op.SVC })),
  UDF: outsideIt(() => ({ op: Op.UNDEFINED })),
  SUBS_PC_LR: outsideIt((_, { opcode, Rn = 14, Rm, imm12, imm8 }) => {
    // In T32 it is a subtraction from LR, and ERET in Hyp mode, which the interpreter leaves alone.
    if (imm8 !== undefined) return returnTo(14, imm8);
    if (opcode !== SUB || Rm !== undefined) return undefined;
    return returnTo(Rn, expandA32(imm12 ?? 0).value);
  }),
  SUBS_PC_LR_move: outsideIt((_, { N, Rm, type = 0, imm5 = 0 }) =>
    N || Rm === undefined || type !== 0 || imm5 !== 0 ? undefined : returnTo(Rm, 0),
  ),
  LDM_exception: outsideIt((e, f) => {
    const { Rn, registers, W, U } = f;
    if (e.bigEndian || Rn === 15) return undefined;
    const count = bitCount(registers) + 1;
    const delta = W ? (U ? count : -count) : 0;
    return {
      op: Op.LDM_RETURN,
      a: Rn * 4,
      b: startOf(count, f) & 0xff,
      imm: ((delta << 16) | registers) >>> 0,
    };
  }),
  RFE: outsideIt((e, f) => {
    const { Rn, W, U } = f;
    if (e.bigEndian || Rn === 15) return undefined;
    return { op: Op.RFE, a: Rn * 4, b: startOf(2, f) & 0xff, imm: W ? (U ? 8 : -8) : 0 };
  }),
  SRS: (e, f) => {
    const { mode, W, U } = f;
    if (e.bigEndian) return undefined;
    return { op: Op.SRS, a: mode, b: startOf(2, f) & 0xff, imm: W ? (U ? 8 : -8) : 0 };
  },
  LDM_user: transferUser(Op.LDM_USER),
  STM_user: transferUser(Op.STM_USER),
  CPS: outsideIt((_, { imod, M, AIF, mode }) => ({
    op: Op.CPS,
    a: imod,
    b: M ? WRITES_MODE : 0,
    imm: (AIF & 4 ? PSR_A : 0) | (AIF & 2 ? PSR_I : 0) | (AIF & 1 ? PSR_F : 0) | (M ? mode : 0),
  })),
  MSR_reg: (e, { R: spsr, mask, Rn }) => {
    if (Rn === 15) return undefined;
    if (spsr) return { op: Op.MSR_SPSR, a: Rn * 4, imm: bytesOf(mask) };
    return e.it !== 0 && mask & 3 ? undefined : { op: Op.MSR_CPSR, a: Rn * 4, b: mask };
  },
  MSR_imm: (e, { R: spsr, mask, imm12 }) =>
    spsr || e.it !== 0 ? undefined : { op: Op.MSR_CPSR, b: mask | CONSTANT, imm: expandA32(imm12).value },
  MRS: (_, { R: spsr, Rd }) => (Rd === 15 ? undefined : { op: spsr ? Op.MRS_SPSR : Op.MRS_CPSR, a: Rd * 4 }),
  MRC: (_, f) => {
    const seen = SEEN.find(({ register }) => isAt(register, f));
    if (seen) return f.Rt === 15 ? undefined : { op: Op.MRC_WORD, a: f.Rt * 4, b: f.CRn, imm: seen.at };
    return bankAccess(Op.MRC_BANK, READABLE, USER_READABLE, f);
  },
  MCR: (e, f) => {
    // What goes on elsewhere would have to take ITSTATE along.
    if (e.it === 0 && isAt(R.DACR, f) && f.Rt !== 15) return { op: Op.MCR_DACR, a: f.Rt * 4 };
    if (e.it === 0 && BARRIERS.some((register) => isAt(register, f))) return { op: Op.MCR_BARRIER };
    return bankAccess(Op.MCR_BANK, WRITABLE, USER_WRITABLE, f);
  },
  LDREX: exclusive(Op.LDREX_32, 4),
  LDREXB: exclusive(Op.LDREX_8, 1),
  LDREXH: exclusive(Op.LDREX_16, 2),
  LDREXD: exclusive(Op.LDREX_64, 8),
  STREX: exclusive(Op.STREX_32, 4),
  STREXB: exclusive(Op.STREX_8, 1),
  STREXH: exclusive(Op.STREX_16, 2),
  STREXD: exclusive(Op.STREX_64, 8),
} satisfies { readonly [Op in Operation]?: LowerExtension<OperationFields<Op>> };
