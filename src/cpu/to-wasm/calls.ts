/**
 * What units have the interpreter's own functions do: floating-point and Advanced SIMD that are too long to be written here,
 * or too seldom. The core registers that such a micro-op reads are put where it looks for them, and what it writes is read
 * again. Where it is for TypeScript, nothing was done, and the unit is left.
 */
import type { ImportBytes } from '../../wasm/write.js';
import * as L from '../layout.js';
import { ADD_NOTHING, ADD_SIZE, FIRST_VECTOR, Op, WRITE_BACK } from '../micro-ops.js';
import type { Code } from './code.js';
import { optionsOf, vm } from './extension-registers.js';
import { askFloatingPoint } from './floating-point.js';
import { localOf } from './locals.js';
import type { MicroOp } from './micro-op.js';
import { leaveUnless, type Write } from './parts.js';

/**
 * The functions that modules with units import. The interpreter's takes a micro-op's address and gives whether it was done;
 * the other has the unit that begins with a block be translated again.
 */
export const IMPORTS: readonly ImportBytes[] = [
  { module: 'env', name: 'extension', type: { params: ['i32'], results: ['i32'] } },
  { module: 'env', name: 'hot', type: { params: ['i32'], results: [] } },
];
/** Their numbers in the module. */
const EXTENSION = 0;
export const HOT = 1;

/** Addresses of the core registers that a micro-op on extension registers reads, and that it writes. */
interface Cores {
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}
const NONE: Cores = { reads: [], writes: [] };

/** A transfer with a base. */
const based = (base: number, added: readonly number[], writesBack: boolean): Cores => ({
  reads: [base, ...added],
  writes: writesBack ? [base] : [],
});

/** Those of a micro-op from FIRST_EXTENSION on. */
export function coresOf(microOp: Pick<MicroOp, 'op' | 'b' | 'imm'>): Cores {
  const { op, b, imm } = microOp;
  const other = vm(microOp);
  switch (op) {
    case Op.VMOV_FROM_CORE:
    case Op.VMSR:
    case Op.VMOV_TO_SCALAR_8:
    case Op.VMOV_TO_SCALAR_16:
    case Op.VLDR_F32:
    case Op.VLDR_F64:
    case Op.VSTR_F32:
    case Op.VSTR_F64:
      return { reads: [b], writes: [] };
    case Op.VMOV_TO_CORE:
    case Op.VMRS:
    case Op.VMOV_TO_CORE_S8:
    case Op.VMOV_TO_CORE_S16:
    case Op.VMOV_TO_CORE_U8:
    case Op.VMOV_TO_CORE_U16:
      return { reads: [], writes: [b] };
    case Op.VMOV_FROM_CORES:
      return { reads: [b, other], writes: [] };
    case Op.VMOV_TO_CORES:
      return { reads: [], writes: [b, other] };
    case Op.VLDM:
    case Op.VSTM:
      return based(b, [], (optionsOf(microOp) & WRITE_BACK) !== 0);
    case Op.VDUP_8:
    case Op.VDUP_16:
    case Op.VDUP_32:
      // Else it is an element of an extension register.
      return imm < L.D0 ? { reads: [imm], writes: [] } : NONE;
    default:
      if (op < Op.VLD_MULTIPLE || op >= FIRST_VECTOR) return NONE;
      return based(b, other === ADD_NOTHING || other === ADD_SIZE ? [] : [other], other !== ADD_NOTHING);
  }
}

/** Puts the core registers that one reads where they stand in memory. */
export function putCores(code: Code, op: MicroOp): void {
  for (const word of coresOf(op).reads) code.constant(0).get(localOf(word)!).access('i32.store', word);
}

/** Has the interpreter do a micro-op from FIRST_EXTENSION on. */
export const callInterpreter: Write = (w, op) => {
  const { code } = w;
  putCores(code, op);
  code.constant(op.at).call(EXTENSION);
  leaveUnless(w, op);
  for (const word of coresOf(op).writes) code.constant(0).access('i32.load', word).set(localOf(word)!);
  if (op.op === Op.VMSR) askFloatingPoint(code);
};
