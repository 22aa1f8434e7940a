/**
 * The flags in a unit. What set them last leaves its operands, and what is asked of them is found from those: most flags
 * are never looked at. Their words (N, Z, C, V of layout.ts) are made where ways meet, and where a unit is left.
 */
import type { Code } from './code.js';
import type { Locals } from './locals.js';

/**
 * Where the flags stand: in their own words; or as a subtraction or an addition of two operands; or N and Z as a result,
 * C and V in their words.
 */
export type FlagsKind = 'words' | 'subtraction' | 'addition' | 'result';

/** The words of the flags are made of what stands for them. */
export function makeWords(code: Code, { flags, x, y }: Locals, kind: FlagsKind): void {
  const { N, Z, C, V } = flags;
  if (kind === 'words') return;
  if (kind === 'result') {
    code.get(x).tee(N).set(Z);
    return;
  }
  const minus = kind === 'subtraction';
  code
    .get(x)
    .get(y)
    .op(minus ? 'i32.sub' : 'i32.add')
    .tee(N)
    .set(Z);
  if (minus) code.get(x).get(y).op('i32.ge_u').set(C);
  else code.get(N).get(x).op('i32.lt_u').set(C);
  code
    .get(x)
    .get(minus ? y : N)
    .op('i32.xor');
  code
    .get(minus ? x : y)
    .get(N)
    .op('i32.xor', 'i32.and')
    .set(V);
}

/** By the first twelve conditions of A8.3, the comparison of a subtraction's operands that is the same. */
const COMPARISONS: readonly (string | undefined)[] = [
  ...['i32.eq', 'i32.ne', 'i32.ge_u', 'i32.lt_u', undefined, undefined, undefined, undefined],
  ...['i32.gt_u', 'i32.le_u', 'i32.ge_s', 'i32.lt_s', 'i32.gt_s', 'i32.le_s'],
];
const EQ = 0;
const NE = 1;
const CS = 2;
const CC = 3;
const MI = 4;
const PL = 5;
const VS = 6;
const VC = 7;
const HI = 8;
const LS = 9;
const GE = 10;
const LT = 11;
const GT = 12;

/**
 * Puts on the stack whether a condition holds, EQ to LE as 0 to 13.
 * @returns where the flags stand then
 */
export function pushCondition(code: Code, locals: Locals, kind: FlagsKind, condition: number): FlagsKind {
  const { flags, x, y } = locals;
  const { N, Z, C, V } = flags;
  if (kind === 'subtraction') {
    const comparison = COMPARISONS[condition];
    if (comparison !== undefined) {
      code.get(x).get(y).op(comparison);
      return kind;
    }
  }
  if (kind !== 'words' && condition <= PL && condition !== CS && condition !== CC) {
    code.get(x);
    if (kind !== 'result') code.get(y).op(kind === 'subtraction' ? 'i32.sub' : 'i32.add');
    if (condition === NE) code.constant(0).op('i32.ne');
    else if (condition === EQ) code.op('i32.eqz');
    else code.constant(0).op(condition === MI ? 'i32.lt_s' : 'i32.ge_s');
    return kind;
  }
  makeWords(code, locals, kind);
  const carry = (): Code => code.get(C);
  const zero = (): Code => code.get(Z).op('i32.eqz');
  const less = (): Code => code.get(N).get(V).op('i32.xor').constant(0).op('i32.lt_s');
  switch (condition) {
    case EQ:
      zero();
      break;
    case NE:
      code.get(Z).constant(0).op('i32.ne');
      break;
    case CS:
      carry();
      break;
    case CC:
      carry().op('i32.eqz');
      break;
    case MI:
      code.get(N).constant(0).op('i32.lt_s');
      break;
    case PL:
      code.get(N).constant(0).op('i32.ge_s');
      break;
    case VS:
      code.get(V).constant(0).op('i32.lt_s');
      break;
    case VC:
      code.get(V).constant(0).op('i32.ge_s');
      break;
    case HI:
      zero().op('i32.eqz');
      carry().op('i32.and');
      break;
    case LS:
      zero();
      carry().op('i32.eqz', 'i32.or');
      break;
    case GE:
      less().op('i32.eqz');
      break;
    case LT:
      less();
      break;
    case GT:
      zero();
      less().op('i32.or', 'i32.eqz');
      break;
    default:
      zero();
      less().op('i32.or');
  }
  return 'words';
}
