/**
 * What micro-ops do. `a`, `b`, `imm` and `ext` are their parts (see layout.ts); a register named by a part is
 * written `[a]`. Shared by the interpreter (AssemblyScript) and the lowering.
 */
export enum Op {
  /** Calls TypeScript: ext is the number of a slow instruction. */
  SLOW,

  // [a] = [b] op imm
  AND_IMM,
  EOR_IMM,
  RSB_IMM,
  ADD_IMM,
  ADC_IMM,
  SBC_IMM,
  RSC_IMM,
  ORR_IMM,
  MOV_IMM,

  // [a] = [b] op [imm]
  AND_REG,
  EOR_REG,
  SUB_REG,
  RSB_REG,
  ADD_REG,
  ADC_REG,
  SBC_REG,
  RSC_REG,
  ORR_REG,
  ORN_REG,
  BIC_REG,
  MOV_REG,
  MVN_REG,

  // The same with flags; AND to MVN leave C alone (a shift before them sets it).
  ANDS_IMM,
  EORS_IMM,
  SUBS_IMM,
  RSBS_IMM,
  ADDS_IMM,
  ADCS_IMM,
  SBCS_IMM,
  RSCS_IMM,
  ORRS_IMM,
  MOVS_IMM,
  ANDS_REG,
  EORS_REG,
  SUBS_REG,
  RSBS_REG,
  ADDS_REG,
  ADCS_REG,
  SBCS_REG,
  RSCS_REG,
  ORRS_REG,
  ORNS_REG,
  BICS_REG,
  MOVS_REG,
  MVNS_REG,
  // Comparisons: [a] with imm or [imm].
  CMP_IMM,
  CMP_REG,
  TST_IMM,
  TST_REG,
  /** C = imm */
  SET_C,

  // [a] = [b] op ([imm] shifted by ext)
  ADD_LSL,
  ADD_LSR,
  ADD_ASR,
  ADD_ROR,
  SUB_LSL,
  SUB_LSR,
  SUB_ASR,
  RSB_LSL,
  AND_LSL,
  AND_LSR,
  ORR_LSL,
  ORR_LSR,
  ORR_ASR,
  EOR_LSL,
  EOR_LSR,
  EOR_ROR,
  BIC_LSL,
  BIC_LSR,

  // [a] = [b] shifted by imm (LSL 0..31, LSR and ASR 1..31, ROR 1..31); a shift by 32 is a constant 0 or ASR 31.
  LSL_IMM,
  LSR_IMM,
  ASR_IMM,
  ROR_IMM,
  RRX,
  // [a] = [b] shifted by [imm]<7:0>
  LSL_REG,
  LSR_REG,
  ASR_REG,
  ROR_REG,
  // The same, and C = the last bit shifted out. Constant shifts here are 1..32.
  LSLC_IMM,
  LSRC_IMM,
  ASRC_IMM,
  RORC_IMM,
  RRXC,
  LSLC_REG,
  LSRC_REG,
  ASRC_REG,
  RORC_REG,

  /** [a] = address of the page + imm */
  PAGE_ADD,
  /** [a]<31:16> = imm (shifted already) */
  MOVT,

  /** [a] = [b] * [imm] */
  MUL,
  /** [a] = [b] * [imm] + [ext] */
  MLA,
  /** [a] = [ext] - [b] * [imm] */
  MLS,
  // [ext] : [a] = [b] * [imm] (+ [ext] : [a]), with RdHi = ext and RdLo = a
  UMULL,
  SMULL,
  UMLAL,
  SMLAL,
  UMAAL,
  /** Flags of a 64-bit result: N, Z from [a] (high) and [b] (low). */
  FLAGS64,
  /** [a] = [b] / [imm], 0 where [imm] is 0 */
  SDIV,
  UDIV,

  // [a] = op [b]
  CLZ,
  RBIT,
  REV,
  REV16,
  REVSH,
  // [a] = extension of [b] rotated right by imm
  UXTB,
  UXTH,
  SXTB,
  SXTH,
  // [a] = [b]<imm+ext-1:imm>; imm is the shift left, ext the shift right that bring the field down
  UBFX,
  SBFX,
  /** [a] = [a] & ~ext | ([b] << lsb) & ext, with lsb = imm */
  BFI,

  // [a] = memory at [b] + imm
  LDR,
  LDRB,
  LDRH,
  LDRSB,
  LDRSH,
  STR,
  STRB,
  STRH,
  /** Word accesses that must be aligned. */
  LDR_STRICT,
  STR_STRICT,
  // at [b] + imm, which is written back to [b]
  LDR_PRE,
  LDRB_PRE,
  LDRH_PRE,
  LDRSB_PRE,
  LDRSH_PRE,
  STR_PRE,
  STRB_PRE,
  STRH_PRE,
  // at [b]; [b] + imm is written back
  LDR_POST,
  LDRB_POST,
  LDRH_POST,
  LDRSB_POST,
  LDRSH_POST,
  STR_POST,
  STRB_POST,
  STRH_POST,
  // at [b] + ([imm] << ext)
  LDR_REG,
  LDRB_REG,
  LDRH_REG,
  LDRSB_REG,
  LDRSH_REG,
  STR_REG,
  STRB_REG,
  STRH_REG,
  /** [a] = word at address of the page + imm */
  LDR_LITERAL,
  // Registers of the mask imm at [a] + ext<15:0> (signed) and up; then [a] += ext<31:16> (signed)
  LDM,
  STM,
  /** LDM whose mask holds PC: the last loaded word is the address to go on at. */
  LDM_PC,
  // Exclusives of words: LDREX [a] from [b] + imm; STREX [a] = result, [b] + ext the address, [imm] the value
  LDREX,
  STREX,
  CLREX,

  // Skip imm bytes of micro-ops unless the condition holds.
  SKIP_EQ,
  SKIP_NE,
  SKIP_CS,
  SKIP_CC,
  SKIP_MI,
  SKIP_PL,
  SKIP_VS,
  SKIP_VC,
  SKIP_HI,
  SKIP_LS,
  SKIP_GE,
  SKIP_LT,
  SKIP_GT,
  SKIP_LE,

  /** The same by a register: [a] is 0, or is not. */
  SKIP_IF_ZERO,
  SKIP_IF_NOT_ZERO,

  // Branches in the page: imm is the place in the page, ext the block there or 0.
  B_EQ,
  B_NE,
  B_CS,
  B_CC,
  B_MI,
  B_PL,
  B_VS,
  B_VC,
  B_HI,
  B_LS,
  B_GE,
  B_LT,
  B_GT,
  B_LE,
  B,
  /** LR = address of the page + [b] as constant in OP_OFFSET's instruction: the return address with its T bit. */
  BL,
  // Branches to address of the page + imm.
  B_FAR,
  BL_FAR,
  /** To [a], whose bit 0 is the instruction set. */
  BX,
  /** To [a] in the same instruction set. */
  B_REG,

  // Floating-point. `[a]`, `[b]` and `[imm]` are extension registers here, by the number of their first word: S0 is 0,
  // D1 is 2; imm has it in its lowest byte, and options above. Each is a slow instruction, too, whose number is ext: what
  // the interpreter does not do by itself, that does. A `core` is a core register's address, a `base` too.

  // [a] = [b] op [imm]
  VADD_F32,
  VADD_F64,
  VSUB_F32,
  VSUB_F64,
  /** Option NEGATE_PRODUCT: the result negated. */
  VMUL_F32,
  VMUL_F64,
  VDIV_F32,
  VDIV_F64,
  /** [a] = [a] + [b] * [imm], the product rounded by itself; options NEGATE_PRODUCT, NEGATE_ADDEND */
  VMLA_F32,
  VMLA_F64,
  /** The same, rounded once. */
  VFMA_F32,
  VFMA_F64,
  // [a] = op [imm]
  VSQRT_F32,
  VSQRT_F64,
  VABS_F32,
  VABS_F64,
  VNEG_F32,
  VNEG_F64,
  VMOV_F32,
  VMOV_F64,
  /** [a] = imm; of a double, the higher word, and the lower one is 0 */
  VMOV_IMM_F32,
  VMOV_IMM_F64,
  /** FPSCR's flags: [a] with [imm], or with 0 by the option WITH_ZERO */
  VCMP_F32,
  VCMP_F64,
  // [a] = [imm] converted; options SIGNED, and TO_ZERO where it is not FPSCR that says how to round
  VCVT_F64_F32,
  VCVT_F32_F64,
  VCVT_F32_INT,
  VCVT_F64_INT,
  VCVT_INT_F32,
  VCVT_INT_F64,

  /** [a] = core b */
  VMOV_FROM_CORE,
  /** core b = [a] */
  VMOV_TO_CORE,
  /** [a], [a + 1] = core b, core imm */
  VMOV_FROM_CORES,
  VMOV_TO_CORES,
  /** Core b = FPSCR */
  VMRS,
  /** NZCV = FPSCR's */
  VMRS_FLAGS,
  VMSR,
  // [a] at base b + imm
  VLDR_F32,
  VLDR_F64,
  VSTR_F32,
  VSTR_F64,
  /** imm words from [a] on at base b; options DOWN, WRITE_BACK, and ONE_MORE for a word that is passed over */
  VLDM,
  VSTM,

  // Advanced SIMD. Loads and stores of structures, from [a] on, at base b; the lowest byte of imm is the address of the
  // core register that is added to the base, or ADD_NOTHING or ADD_SIZE; the options are those of STRUCTURE_.
  VLD_MULTIPLE,
  VST_MULTIPLE,
  VLD_LANE,
  VST_LANE,
  VLD_ALL,
}

/** The first micro-op of Advanced SIMD. */
export const FIRST_SIMD = Op.VLD_MULTIPLE;

/** The first micro-op of floating-point. */
export const FIRST_EXTENSION = Op.VADD_F32;

// Options of floating-point micro-ops, from bit 8 of imm on.
export const NEGATE_PRODUCT = 1;
export const NEGATE_ADDEND = 2;
export const WITH_ZERO = 1;
export const SIGNED = 1;
export const TO_ZERO = 2;
export const DOWN = 1;
export const WRITE_BACK = 2;
export const ONE_MORE = 4;

/** What is added to the base: nothing, or as much as was transferred. */
export const ADD_NOTHING = 0xff;
export const ADD_SIZE = 0xfe;
// Places of options of loads and stores of structures: size of the elements (2 bits, a power of two in bytes), elements
// of a structure less one (2 bits), how far its registers are apart (2 bits), the alignment that is wanted (3 bits, a
// power of two in bytes), and how many structures an index has, or which index (3 bits).
export const STRUCTURE_SIZE = 0;
export const STRUCTURE_COUNT = 2;
export const STRUCTURE_APART = 4;
export const STRUCTURE_ALIGNMENT = 6;
export const STRUCTURE_GROUPS = 9;
export const STRUCTURE_INDEX = 9;
