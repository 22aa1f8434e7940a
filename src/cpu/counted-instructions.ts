/** Which events an instruction is, by its operation and fields (DDI 0406C, C12.8.2). */
import type { Fields } from '../isa/pattern.js';
import * as K from './event-kinds.js';
import type { Needs, Operation } from './operation-fields.js';

const bit = (kind: number): number => 1 << kind;

const LOADS = /^(LDR|LDM|POP$|RFE$|SWP$|TBB$|VLDR$|VLDM$|VLD\d_)/;
const STORES = /^(STR|STM|PUSH$|SRS$|SWP$|VSTR$|VSTM$|VST\d_)/;
const IMMEDIATE = new Set<string>(['B', 'BL_imm', 'BLX_imm', 'CBZ', 'CBNZ'] satisfies Operation[]);
const INDIRECT = new Set<string>(['BX', 'BLX_reg', 'BXJ', 'TBB'] satisfies Operation[]);
const RETURNS = new Set<string>([
  'ERET',
  'RFE',
  'LDM_exception',
  'SUBS_PC_LR',
  'SUBS_PC_LR_move',
] satisfies Operation[]);

/** Kinds of events, a bit each. */
export interface Counted {
  /** Whether its condition passes or not: a branch is one that could be predicted, taken or not. */
  readonly always: number;
  /** Where it is executed, its condition passed and no exception taken. */
  readonly executed: number;
  /** Beside them where it writes PC. */
  readonly branching: number;
}

type Looked = Needs<never, 'Rm' | 'Rd' | 'Rn' | 'Rt' | 'W' | 'P' | 'registers' | 'S'>;

/** What a return from a procedure is: BX LR, MOV PC, LR, POP and LDR of PC from the stack. */
function isProcedureReturn(operation: string, { Rm, Rd, Rn, Rt, W, P, registers = 0, S }: Looked): boolean {
  switch (operation) {
    case 'BX':
      return Rm === 14;
    case 'MOV_reg':
      return Rd === 15 && Rm === 14 && S !== 1;
    case 'POP':
      return (registers & 0x8000) !== 0;
    case 'LDM':
      return Rn === 13 && W === 1 && (registers & 0x8000) !== 0;
    case 'LDR_imm':
      return Rt === 15 && Rn === 13 && P === 0;
    default:
      return false;
  }
}

/** Which events an operation with these fields, like those of A32, is. */
export function countedOf(operation: string, fields: Fields): Counted {
  const isImmediate = IMMEDIATE.has(operation);
  const isBranch = isImmediate || INDIRECT.has(operation);
  const isReturn = RETURNS.has(operation);
  const memory = (LOADS.test(operation) ? bit(K.LOAD) : 0) | (STORES.test(operation) ? bit(K.STORE) : 0);
  return {
    always: (isBranch ? bit(K.PREDICTABLE) : 0) | (isImmediate ? bit(K.BRANCH_IMMEDIATE) : 0),
    executed: memory === 0 ? 0 : memory | bit(K.UNALIGNED),
    branching:
      bit(K.PC_WRITE) |
      (isReturn ? bit(K.EXCEPTION_RETURN) : isBranch ? 0 : bit(K.PREDICTABLE)) |
      (isProcedureReturn(operation, fields) ? bit(K.PROCEDURE_RETURN) : 0),
  };
}

/** Whether it returns from an exception: then the mode after it is another, and it is counted before. */
export const returnsFromException = (operation: string): boolean => RETURNS.has(operation);
