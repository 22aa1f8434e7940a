/** Saturating, parallel and DSP arithmetic as micro-ops; R15, which is UNPREDICTABLE in all of them, stays slow. */
import type { Emitter, LowerSome } from './emitter.js';
import {
  EXCHANGED,
  M_TOP,
  Media,
  N_TOP,
  Op,
  PARALLEL_BYTES,
  PARALLEL_CROSSED,
  PARALLEL_HALVES,
  PARALLEL_SATURATES,
  PARALLEL_SIGNED,
  PARALLEL_SUBTRACTS,
} from './micro-ops.js';
import type { Needs, Operation, OperationFields } from './operation-fields.js';

/** Emits one, unless a register is R15. */
function emit(
  e: Emitter,
  operation: Media,
  rd: number,
  [n, m, third = 0]: readonly [n: number, m: number, third?: number],
  constant = 0,
): boolean {
  if ([rd, n, m, third].includes(15)) return false;
  e.emit(Op.MEDIA, rd * 4, operation, (n * 4) | ((m * 4) << 8) | ((third * 4) << 16), constant);
  return true;
}

const three =
  (operation: Media, constant = 0): LowerSome<Needs<'Rd' | 'Rn' | 'Rm'>> =>
  (e, { Rd, Rn, Rm }) =>
    emit(e, operation, Rd, [Rn, Rm], constant);

/** What each prefix does with lanes, and what each operation reads of them. */
const PREFIXES = {
  S: PARALLEL_SIGNED,
  Q: PARALLEL_SIGNED | PARALLEL_SATURATES,
  SH: PARALLEL_SIGNED | PARALLEL_HALVES,
  U: 0,
  UQ: PARALLEL_SATURATES,
  UH: PARALLEL_HALVES,
} as const;
const subtracts = (lanes: number): number => lanes << PARALLEL_SUBTRACTS;
const SHAPES = {
  ADD16: 0,
  SUB16: subtracts(0b11),
  ASX: PARALLEL_CROSSED | subtracts(0b01),
  SAX: PARALLEL_CROSSED | subtracts(0b10),
  ADD8: PARALLEL_BYTES,
  SUB8: PARALLEL_BYTES | subtracts(0b1111),
} as const;
type Parallel = `${keyof typeof PREFIXES}${keyof typeof SHAPES}`;
const parallel = Object.fromEntries(
  Object.entries(PREFIXES).flatMap(([prefix, how]) =>
    Object.entries(SHAPES).map(([shape, what]) => [prefix + shape, three(Media.PARALLEL, how | what)]),
  ),
) as Record<Parallel, LowerSome<Needs<'Rd' | 'Rn' | 'Rm'>>>;

/** The two bytes at 0 and 16, extended, and added to the halves of Rn where there is one. */
const extendTwo =
  (alone: Media, added: Media): LowerSome<Needs<'Rd' | 'Rm' | 'rotate', 'Rn'>> =>
  (e, { Rd, Rm, rotate, Rn }) =>
    Rn === undefined ? emit(e, alone, Rd, [0, Rm], rotate * 8) : emit(e, added, Rd, [Rn, Rm], rotate * 8);

/** SSAT and USAT: to so many bits, of what was shifted left or right. */
const saturate =
  (operation: Media, more: number): LowerSome<Needs<'Rd' | 'Rn' | 'sat_imm' | 'sh' | 'imm5'>> =>
  (e, { Rd, Rn, sat_imm: bits, sh, imm5 }) => {
    // ASR by 0 is one by 32.
    const shift = sh ? (imm5 === 0 ? 31 : imm5) << 16 : imm5 << 8;
    return emit(e, operation, Rd, [Rn, 0], (bits + more) | shift);
  };
const saturateTwo =
  (operation: Media, more: number): LowerSome<Needs<'Rd' | 'Rn' | 'sat_imm'>> =>
  (e, { Rd, Rn, sat_imm: bits }) =>
    emit(e, operation, Rd, [Rn, 0], bits + more);

const top = ({ N, M }: Needs<never, 'N' | 'M'>): number => (N ? N_TOP : 0) | (M ? M_TOP : 0);
const exchanged = ({ M }: Needs<'M'>): number => (M ? EXCHANGED : 0);

export const mediaLowerings = {
  ...parallel,
  SEL: three(Media.SEL),
  USAD8: three(Media.USADA8),
  USADA8: (e, { Rd, Rn, Rm, Ra }) => emit(e, Media.USADA8, Rd, [Rn, Rm, Ra], 1),
  PKH: (e, { Rd, Rn, Rm, tb, imm5 }) =>
    tb
      ? emit(e, Media.PKHTB, Rd, [Rn, Rm], imm5 === 0 ? 31 : imm5)
      : emit(e, Media.PKHBT, Rd, [Rn, Rm], imm5),
  SXTB16: extendTwo(Media.SXTB16, Media.SXTAB16),
  SXTAB16: extendTwo(Media.SXTB16, Media.SXTAB16),
  UXTB16: extendTwo(Media.UXTB16, Media.UXTAB16),
  UXTAB16: extendTwo(Media.UXTB16, Media.UXTAB16),
  SSAT: saturate(Media.SSAT, 1),
  USAT: saturate(Media.USAT, 0),
  SSAT16: saturateTwo(Media.SSAT16, 1),
  USAT16: saturateTwo(Media.USAT16, 0),
  QADD: three(Media.QADD),
  QSUB: three(Media.QSUB),
  QDADD: three(Media.QDADD),
  QDSUB: three(Media.QDSUB),
  SMLAxy: (e, f) => emit(e, Media.SMLAxy, f.Rd, [f.Rn, f.Rm, f.Ra], top(f)),
  SMULxy: (e, f) => emit(e, Media.SMULxy, f.Rd, [f.Rn, f.Rm], top(f)),
  SMLAWy: (e, f) => emit(e, Media.SMLAWy, f.Rd, [f.Rn, f.Rm, f.Ra], top({ M: f.M })),
  SMULWy: (e, f) => emit(e, Media.SMULWy, f.Rd, [f.Rn, f.Rm], top({ M: f.M })),
  SMLALxy: (e, f) => emit(e, Media.SMLALxy, f.RdLo, [f.Rn, f.Rm, f.RdHi], top(f)),
  SMLAD: (e, f) => emit(e, Media.SMLAD, f.Rd, [f.Rn, f.Rm, f.Ra], exchanged(f)),
  SMUAD: (e, f) => emit(e, Media.SMUAD, f.Rd, [f.Rn, f.Rm], exchanged(f)),
  SMLSD: (e, f) => emit(e, Media.SMLSD, f.Rd, [f.Rn, f.Rm, f.Ra], exchanged(f)),
  SMUSD: (e, f) => emit(e, Media.SMUSD, f.Rd, [f.Rn, f.Rm], exchanged(f)),
  SMLALD: (e, f) => emit(e, Media.SMLALD, f.RdLo, [f.Rn, f.Rm, f.RdHi], exchanged(f)),
  SMLSLD: (e, f) => emit(e, Media.SMLSLD, f.RdLo, [f.Rn, f.Rm, f.RdHi], exchanged(f)),
  SMMLA: (e, f) => emit(e, Media.SMMLA, f.Rd, [f.Rn, f.Rm, f.Ra], f.R),
  SMMUL: (e, f) => emit(e, Media.SMMUL, f.Rd, [f.Rn, f.Rm], f.R),
  SMMLS: (e, f) => emit(e, Media.SMMLS, f.Rd, [f.Rn, f.Rm, f.Ra], f.R),
} satisfies { readonly [Op in Operation]?: LowerSome<OperationFields<Op>> };
