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
  // Branches to address of the page + imm. Of these and those by registers ext is the micro-op that the last one led to,
  // 0 where that was left to TypeScript.
  B_FAR,
  BL_FAR,
  /** To [a], whose bit 0 is the instruction set. */
  BX,
  /** To [a] in the same instruction set. */
  B_REG,

  /** Media operation b (below): [a] = of three registers, whose addresses are the bytes of imm; ext is its constant. */
  MEDIA,

  /**
   * Stands before each block. ext is the function of its unit in the table, which does what there is to do from the block
   * on; imm is how often the block is still to be come to before it is translated, 0 where it is not to be, and
   * TO_TRANSLATION where it was.
   */
  TRANSLATED,

  /** Counts one event of each of the kinds of the mask imm, TALLY_UNALIGNED where one was seen. */
  COUNT,

  // System software. Each is a slow instruction, too, whose number is ext: what the interpreter does not do by itself,
  // that does (interpreter/system.ts).

  SVC,
  UNDEFINED,
  /** Exception return to [b] - imm */
  RETURN,
  /** CPS: a is imod, imm the bits A, I and F or the mode, b WRITES_MODE */
  CPS,
  /** Bytes b of CPSR = [a], or imm by the option CONSTANT */
  MSR_CPSR,
  /** SPSR = [a] where imm has bits */
  MSR_SPSR,
  /** [a] = CPSR, SPSR */
  MRS_CPSR,
  MRS_SPSR,
  // User mode's registers of the mask imm, from [a] + 4 * b (signed) on
  LDM_USER,
  STM_USER,
  /** The same with this mode's registers of imm<15:0> and PC, and exception return; [a] += 4 * imm<31:16> (signed) */
  LDM_RETURN,
  /** Exception return to the words at [a] + 4 * b (signed); [a] += imm */
  RFE,
  /** LR and SPSR to 4 * b (signed) from the SP of mode a on, which gets imm more */
  SRS,
  /**
   * [a] = the word imm of the bank of system registers, and the other way; b is its primary register of CP15, from
   * PRIMARY_SHIFT on, with MAY_USER where User mode may do it
   */
  MRC_BANK,
  MCR_BANK,
  /** [a] = the word at imm, for the plain modes of PL1; b is its primary register of CP15 */
  MRC_WORD,
  /** DACR = [a] */
  MCR_DACR,
  /** A barrier by MCR */
  MCR_BARRIER,
  /** Nothing, where the next page's instructions are those at the physical address imm: before one that reaches into it */
  NEXT_PAGE,
  // Exclusives of 8 to 64 bits at [b] + imm<15:0>; the registers from imm's bytes 2 and 3 on. [a] is loaded, and of 64
  // bits [byte 2]; [a] gets the result of the store of [byte 2] and, of 64 bits, [byte 3].
  LDREX_8,
  LDREX_16,
  LDREX_32,
  LDREX_64,
  STREX_8,
  STREX_16,
  STREX_32,
  STREX_64,

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

  // Vectors. `[a]`, `[b]` and `[imm]` are vectors here, n is [b] and m is [imm] as imm's options prepare them (see
  // vectors.ts), and [a] gets 16 bytes by the option QUAD, else 8. A name ends in the size of an element, and whether it
  // is signed where that matters; those of one operation follow one another, U after S.
  VAND,
  VBIC,
  VORR,
  VORN,
  VEOR,
  VBSL,
  VBIT,
  VBIF,
  VADD_8,
  VADD_16,
  VADD_32,
  VADD_64,
  VSUB_8,
  VSUB_16,
  VSUB_32,
  VSUB_64,
  VMUL_8,
  VMUL_16,
  VMUL_32,
  VMUL_64,
  /** [a] + n * m, [a] - n * m */
  VMLA_8,
  VMLA_16,
  VMLA_32,
  VMLA_64,
  VMLS_8,
  VMLS_16,
  VMLS_32,
  VMLS_64,
  /** Products of polynomials over {0, 1}, of the lower 8 bits of elements */
  VMUL_P8,
  VMULL_P8,
  VCEQ_8,
  VCEQ_16,
  VCEQ_32,
  VTST_8,
  VTST_16,
  VTST_32,
  VCGT_S8,
  VCGT_S16,
  VCGT_S32,
  VCGT_U8,
  VCGT_U16,
  VCGT_U32,
  VCGE_S8,
  VCGE_S16,
  VCGE_S32,
  VCGE_U8,
  VCGE_U16,
  VCGE_U32,
  VMAX_S8,
  VMAX_S16,
  VMAX_S32,
  VMAX_U8,
  VMAX_U16,
  VMAX_U32,
  VMIN_S8,
  VMIN_S16,
  VMIN_S32,
  VMIN_U8,
  VMIN_U16,
  VMIN_U32,
  /** Those of 64 bits are of numbers that had 32. */
  VABD_S8,
  VABD_S16,
  VABD_S32,
  VABD_S64,
  VABD_U8,
  VABD_U16,
  VABD_U32,
  VABA_S8,
  VABA_S16,
  VABA_S32,
  VABA_S64,
  VABA_U8,
  VABA_U16,
  VABA_U32,
  VHADD_S8,
  VHADD_S16,
  VHADD_S32,
  VHADD_U8,
  VHADD_U16,
  VHADD_U32,
  VHSUB_S8,
  VHSUB_S16,
  VHSUB_S32,
  VHSUB_U8,
  VHSUB_U16,
  VHSUB_U32,
  VRHADD_S8,
  VRHADD_S16,
  VRHADD_S32,
  VRHADD_U8,
  VRHADD_U16,
  VRHADD_U32,
  // Saturating: they may set QC.
  VQADD_S8,
  VQADD_S16,
  VQADD_S32,
  VQADD_S64,
  VQADD_U8,
  VQADD_U16,
  VQADD_U32,
  VQADD_U64,
  VQSUB_S8,
  VQSUB_S16,
  VQSUB_S32,
  VQSUB_S64,
  VQSUB_U8,
  VQSUB_U16,
  VQSUB_U32,
  VQSUB_U64,
  VQDMULH_16,
  VQDMULH_32,
  VQRDMULH_16,
  VQRDMULH_32,
  /** 2 * n * m, of elements that had half the size */
  VQDMULL_32,
  VQDMULL_64,
  VQDMLAL_32,
  VQDMLAL_64,
  VQDMLSL_32,
  VQDMLSL_64,
  // [a] = op m
  VABS_8,
  VABS_16,
  VABS_32,
  VQABS_8,
  VQABS_16,
  VQABS_32,
  VCLZ_8,
  VCLZ_16,
  VCLZ_32,
  VCLS_8,
  VCLS_16,
  VCLS_32,
  VCNT,
  VPADDL_S8,
  VPADDL_S16,
  VPADDL_S32,
  VPADDL_U8,
  VPADDL_U16,
  VPADDL_U32,
  VPADAL_S8,
  VPADAL_S16,
  VPADAL_S32,
  VPADAL_U8,
  VPADAL_U16,
  VPADAL_U32,
  // [a] = m shifted by AMOUNT; to the right by less than the size
  VSHL_8,
  VSHL_16,
  VSHL_32,
  VSHL_64,
  VSHR_S8,
  VSHR_S16,
  VSHR_S32,
  VSHR_S64,
  VSHR_U8,
  VSHR_U16,
  VSHR_U32,
  VSHR_U64,
  VSRA_S8,
  VSRA_S16,
  VSRA_S32,
  VSRA_S64,
  VSRA_U8,
  VSRA_U16,
  VSRA_U32,
  VSRA_U64,
  VRSHR_S8,
  VRSHR_S16,
  VRSHR_S32,
  VRSHR_S64,
  VRSHR_U8,
  VRSHR_U16,
  VRSHR_U32,
  VRSHR_U64,
  VRSRA_S8,
  VRSRA_S16,
  VRSRA_S32,
  VRSRA_S64,
  VRSRA_U8,
  VRSRA_U16,
  VRSRA_U32,
  VRSRA_U64,
  VSRI_8,
  VSRI_16,
  VSRI_32,
  VSRI_64,
  VSLI_8,
  VSLI_16,
  VSLI_32,
  VSLI_64,
  VQSHL_S8,
  VQSHL_S16,
  VQSHL_S32,
  VQSHL_S64,
  VQSHL_U8,
  VQSHL_U16,
  VQSHL_U32,
  VQSHL_U64,
  /** Signed to unsigned */
  VQSHLU_8,
  VQSHLU_16,
  VQSHLU_32,
  VQSHLU_64,
  /** To half the size that the name says, by AMOUNT; options ROUNDED, UNSIGNED, SATURATED, TO_UNSIGNED */
  VSHRN_16,
  VSHRN_32,
  VSHRN_64,
  /** Bytes of n and m from the one on that AMOUNT says */
  VEXT,
  /** Bytes of m, in groups whose size less one is AMOUNT, back to front */
  VREV,
  /** Of AMOUNT registers from n on; option KEEP for what is beyond them */
  VTBL,
  /** By the lowest bytes of n; options ROUNDED, SATURATED */
  VSHL_REG_S8,
  VSHL_REG_S16,
  VSHL_REG_S32,
  VSHL_REG_S64,
  VSHL_REG_U8,
  VSHL_REG_U16,
  VSHL_REG_U32,
  VSHL_REG_U64,
  // Both [a] and [imm] are written.
  VSWP,
  VTRN_8,
  VTRN_16,
  VTRN_32,
  VUZP_8,
  VUZP_16,
  VUZP_32,
  VZIP_8,
  VZIP_16,
  VZIP_32,
  // On singles, by the standard environment, whatever FPSCR says.
  VADD_VECTOR,
  VSUB_VECTOR,
  VMUL_VECTOR,
  VMLA_VECTOR,
  VMLS_VECTOR,
  VFMA_VECTOR,
  VFMS_VECTOR,
  VABD_VECTOR,
  VMAX_VECTOR,
  VMIN_VECTOR,
  VCEQ_VECTOR,
  VCGT_VECTOR,
  VCGE_VECTOR,
  VACGT_VECTOR,
  VACGE_VECTOR,
  VRECPS_VECTOR,
  VRSQRTS_VECTOR,
  VRECPE_VECTOR,
  VRSQRTE_VECTOR,
  VABS_VECTOR,
  VNEG_VECTOR,
  /** [a] = m converted, with AMOUNT bits of fraction in the integer */
  VCVT_VECTOR_S32,
  VCVT_VECTOR_U32,
  VCVT_S32_VECTOR,
  VCVT_U32_VECTOR,
  // Whatever vectors there are, imm is something else here, and QUAD is b.
  /** All elements of [a] are what is at the address imm. */
  VDUP_8,
  VDUP_16,
  VDUP_32,
  /** [a] = imm in each word; VMOV_BYTES: bytes of ones or zeros by the bits of imm */
  VMOV_WORDS,
  VMOV_BYTES,
  VORR_WORDS,
  VBIC_WORDS,
  /** The element at the address imm = core b, and core b = it */
  VMOV_TO_SCALAR_8,
  VMOV_TO_SCALAR_16,
  VMOV_TO_CORE_S8,
  VMOV_TO_CORE_S16,
  VMOV_TO_CORE_U8,
  VMOV_TO_CORE_U16,
}

/** The first micro-op whose ext is the number of a slow instruction. */
export const FIRST_DECLINABLE = Op.SVC;

// Options.
export const WRITES_MODE = 1;
export const CONSTANT = 16;
export const MAY_USER = 1;
export const PRIMARY_SHIFT = 1;

/** The first micro-op of Advanced SIMD. */
export const FIRST_SIMD = Op.VLD_MULTIPLE;

/** The first micro-op of floating-point. */
export const FIRST_EXTENSION = Op.VADD_F32;
/** The first one on vectors; of those, the first shift by a register, exchange, one on singles, and whose imm is no vector. */
export const FIRST_VECTOR = Op.VAND;
export const FIRST_SHIFT_REG = Op.VSHL_REG_S8;
export const FIRST_EXCHANGE = Op.VSWP;
export const FIRST_SINGLES = Op.VADD_VECTOR;
export const FIRST_VECTOR_MOVE = Op.VDUP_8;

/** Where the options of an extension's micro-op begin in imm. */
export const OPTIONS_LOW = 8;
// Options of floating-point micro-ops.
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

// Options of micro-ops on vectors, from bit 8 of imm on.
/** Vectors of 16 bytes. */
export const QUAD = 1;
/** What n and m are, if not the vectors at [b] and [imm]: a number from bit 1 on. */
export const OPERANDS_LOW = 1;
export const OPERANDS_MASK = 15;
export const ZERO_FIRST = 1;
export const ZERO_SECOND = 2;
/** m is one element for all: the first halfword at [imm], the second, or the word. */
export const SCALAR_16 = 3;
export const SCALAR_16_HIGH = 4;
export const SCALAR_32 = 5;
/** n is the even elements of the D registers [b] and [imm], m the odd ones. */
export const PAIRS_8 = 6;
export const PAIRS_16 = 7;
export const PAIRS_32 = 8;
/** Then m is widened to twice the size from elements of: a number from bit 5 on. */
export const WIDEN_LOW = 5;
export const WIDEN_MASK = 7;
export const WIDEN_S8 = 1;
export const WIDEN_S16 = 2;
export const WIDEN_S32 = 3;
export const WIDEN_U8 = 4;
export const WIDEN_U16 = 5;
export const WIDEN_U32 = 6;
/** n is widened, too. */
export const WIDEN_BOTH = 1 << 8;
/** A number from 0 to 127, from bit 9 on. */
export const AMOUNT_LOW = 9;
export const AMOUNT_MASK = 127;
export const ROUNDED = 1 << 16;
export const UNSIGNED = 1 << 17;
export const SATURATED = 1 << 18;
export const TO_UNSIGNED = 1 << 19;
export const KEEP = 1 << 16;

/**
 * Saturating, parallel and DSP arithmetic (A4.4.3 to A4.4.7). [n], [m] and [r] are the registers of imm's bytes, from the
 * lowest on; c is the constant.
 */
export enum Media {
  /** Parallel addition and subtraction, as the bits of c say (PARALLEL_...). */
  PARALLEL,
  SEL,
  /** [a] = [r] + the sum of differences; USAD8 where r is 0. */
  USADA8,
  // The halfword that stays, and the other's shift c
  PKHBT,
  PKHTB,
  // [m] is rotated right by c; [n] is added
  SXTAB16,
  UXTAB16,
  SXTB16,
  UXTB16,
  // To c bits
  SSAT,
  USAT,
  SSAT16,
  USAT16,
  QADD,
  QSUB,
  QDADD,
  QDSUB,
  // Halves of [n] and [m]: the higher one where N_TOP and M_TOP are in c
  SMLAxy,
  SMULxy,
  SMLAWy,
  SMULWy,
  /** [r] : [a] += the product */
  SMLALxy,
  // Both products, of the halves of [m] exchanged where EXCHANGED is in c
  SMLAD,
  SMUAD,
  SMLSD,
  SMUSD,
  SMLALD,
  SMLSLD,
  // The high word, rounded where c is not 0
  SMMLA,
  SMMUL,
  SMMLS,
}

// Constants of PARALLEL: how lanes are read, and what is done with their results; the lanes that are subtracted from bit 8 on.
export const PARALLEL_SIGNED = 1;
export const PARALLEL_SATURATES = 2;
export const PARALLEL_HALVES = 4;
/** The halves of [m] change places. */
export const PARALLEL_CROSSED = 8;
export const PARALLEL_BYTES = 16;
export const PARALLEL_SUBTRACTS = 8;
export const N_TOP = 1;
export const M_TOP = 2;
export const EXCHANGED = 1;
