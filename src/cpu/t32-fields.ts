/** How the fields of T32 encodings become those that the A32 forms of the same operations have. */
import type { FieldsOf } from '../isa/decoder.js';
import type { FieldNames, Fields } from '../isa/pattern.js';
import type { t32 } from '../isa/t32/index.js';

type T32 = typeof t32;

/** 16-bit data processing sets the flags outside an IT block: encodings without an S of their own. */
const SETS_OUTSIDE_IT = [
  ...(['LSL_imm_T1', 'LSR_imm_T1', 'ASR_imm_T1', 'ADD_reg_T1', 'ADD_imm_T1', 'ADD_imm_T2'] as const),
  ...(['SUB_reg_T1', 'SUB_imm_T1', 'SUB_imm_T2', 'MOV_imm_T1', 'AND_reg_T1', 'EOR_reg_T1'] as const),
  ...(['LSL_reg_T1', 'LSR_reg_T1', 'ASR_reg_T1', 'ADC_reg_T1', 'SBC_reg_T1', 'ROR_reg_T1'] as const),
  ...(['ORR_reg_T1', 'BIC_reg_T1', 'MVN_reg_T1', 'RSB_imm_T1', 'MUL_T1'] as const),
] satisfies readonly (keyof T32)[];
const setsOutsideIt: ReadonlySet<string> = new Set(SETS_OUTSIDE_IT);

const imm5 =
  (scale: 1 | 2 | 4) =>
  ({ imm5 }: Fields<'imm5'>) => ({ imm12: imm5 * scale });
const ofStack = ({ imm8 }: Fields<'imm8'>) => ({ Rn: 13, imm12: imm8 * 4 });
const words = ({ imm8 }: Fields<'imm8'>) => ({ imm8: imm8 * 4 });
/** The amount is Rs in A32. */
const byRegister = ({ Rdn, Rm }: Fields<'Rdn' | 'Rm'>) => ({ Rm: Rdn, Rs: Rm });
const shifted = ({ imm2 }: Fields<'imm2'>) => ({ type: 0, imm5: imm2 });
const decrementBefore = () => ({ P: 1, U: 0 });
const incrementAfter = () => ({ P: 0, U: 1 });
const onStack = () => ({ Rn: 13, W: 1 });

/** What an encoding leaves unsaid, or counts in other units. */
const CONVERSIONS = {
  // It is LSL by 0.
  MOV_reg_T2: () => ({ S: 1 }),
  LSL_reg_T1: byRegister,
  LSR_reg_T1: byRegister,
  ASR_reg_T1: byRegister,
  ROR_reg_T1: byRegister,
  LDR_imm_T1: imm5(4),
  STR_imm_T1: imm5(4),
  LDRH_imm_T1: imm5(2),
  STRH_imm_T1: imm5(2),
  LDRB_imm_T1: imm5(1),
  STRB_imm_T1: imm5(1),
  LDR_imm_T2: ofStack,
  STR_imm_T2: ofStack,
  LDR_lit_T1: ({ imm8 }) => ({ imm12: imm8 * 4 }),
  LDR_reg_T2: shifted,
  LDRB_reg_T2: shifted,
  LDRH_reg_T2: shifted,
  LDRSB_reg_T2: shifted,
  LDRSH_reg_T2: shifted,
  STR_reg_T2: shifted,
  STRB_reg_T2: shifted,
  STRH_reg_T2: shifted,
  LDRD_imm_T1: words,
  LDRD_lit_T1: words,
  STRD_imm_T1: words,
  LDREX_T1: words,
  STREX_T1: words,
  RFE_T1: decrementBefore,
  RFE_T2: incrementAfter,
  SRS_T1: decrementBefore,
  SRS_T2: incrementAfter,
  // The base is written back unless it is loaded.
  LDM_T1: ({ Rn, registers }) => ({ W: (registers >>> Rn) & 1 ? 0 : 1 }),
  STM_T1: () => ({ W: 1 }),
  PUSH_T1: onStack,
  POP_T1: onStack,
  CPS_T1: ({ im }) => ({ imod: im ? 3 : 2, M: 0, mode: 0 }),
} satisfies { readonly [Key in keyof T32]?: (f: FieldsOf<T32, Key>) => Fields };
const conversions: Readonly<Record<string, ((f: never) => Fields) | undefined>> = CONVERSIONS;

/** The names of an encoding's fields once they are like A32's. */
export type FieldNamesLikeA32<Key extends keyof T32> =
  | LikeA32<FieldNames<T32[Key]['bits']>>
  | (Key extends (typeof SETS_OUTSIDE_IT)[number] ? 'S' : never)
  | (Key extends keyof typeof CONVERSIONS ? keyof ReturnType<(typeof CONVERSIONS)[Key]> : never);
type LikeA32<Name extends string> =
  Name | ('Rdn' extends Name ? 'Rd' | 'Rn' : never) | ('Rdm' extends Name ? 'Rd' | 'Rm' : never);

/**
 * Fields as the A32 form of the operation has them, beside those of the encoding.
 * @param name the encoding's
 * @param inIt whether it is in an IT block
 */
export function likeA32(name: string, f: Fields, inIt: boolean): Fields {
  const { Rdn, Rdm } = f;
  return {
    ...f,
    ...(Rdn === undefined ? {} : { Rd: Rdn, Rn: Rdn }),
    ...(Rdm === undefined ? {} : { Rd: Rdm, Rm: Rdm }),
    ...(setsOutsideIt.has(name) ? { S: inIt ? 0 : 1 } : {}),
    ...conversions[name]?.(f as never),
  };
}
