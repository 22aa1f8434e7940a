/** What has no instruction and is too long to stand where it is used: routines, linked in where they are called. */
import type { Assembler } from '../isa/assembler.js';
import type { Label } from '../isa/registers.js';
import { lr, lsl, lsr, pc, r0, r1, r2, r3, r4, r5, r6, r7, r8, r12 } from '../isa/registers.js';

/** The routines of the 64-bit divisions, which trap as WebAssembly does. */
export const DIVISIONS: Readonly<Record<string, string>> = {
  ...{ div_u: 'divide64_unsigned', div_s: 'divide64_signed' },
  ...{ rem_u: 'remainder64_unsigned', rem_s: 'remainder64_signed' },
};
/** memory.copy and memory.fill. */
export const MEMORY_COPY = 'memory_copy';
export const MEMORY_FILL = 'memory_fill';

const DIVIDE = 'divide64';

/** A routine, and those it calls. */
interface Routine {
  readonly calls: readonly string[];
  emit(a: Assembler, labelOf: (symbol: string) => Label): void;
}

/**
 * Dividend R1:R0 and divisor R3:R2, unsigned; gives the quotient in R1:R0 and the remainder in R3:R2. Bit by bit,
 * from the first place where the divisor is not greater.
 */
const divide: Routine = {
  calls: [],
  emit: (a) => {
    const [loop, skip, done, trap] = ['loop', 'skip', 'done', 'trap'].map((it) => a.label(it)) as [
      ...[Label, Label, Label, Label],
    ];
    a.push([r4, r5, r6, r7, r8, lr]);
    a.orrs(r12, r2, r3);
    a.beq(trap);
    a.mov(r4, 0);
    a.mov(r5, 0);
    a.cmp(r1, 0);
    a.clz(r6, r1);
    a.clzeq(r6, r0);
    a.addeq(r6, r6, 32);
    a.cmp(r3, 0);
    a.clz(r7, r3);
    a.clzeq(r7, r2);
    a.addeq(r7, r7, 32);
    a.subs(r6, r7, r6);
    a.bmi(done);
    a.sub(r8, r6, 32);
    a.rsb(r12, r6, 32);
    a.lsl(r3, r3, r6);
    a.orr(r3, r3, r2, lsl(r8));
    a.orr(r3, r3, r2, lsr(r12));
    a.lsl(r2, r2, r6);
    a.at(loop);
    a.adds(r4, r4, r4);
    a.adc(r5, r5, r5);
    a.cmp(r1, r3);
    a.cmpeq(r0, r2);
    a.blo(skip);
    a.subs(r0, r0, r2);
    a.sbc(r1, r1, r3);
    a.orr(r4, r4, 1);
    a.at(skip);
    a.lsrs(r3, r3, 1);
    a.rrx(r2, r2);
    a.subs(r6, r6, 1);
    a.bpl(loop);
    a.at(done);
    a.mov(r2, r0);
    a.mov(r3, r1);
    a.mov(r0, r4);
    a.mov(r1, r5);
    a.pop([r4, r5, r6, r7, r8, pc]);
    a.at(trap);
    a.udf(0);
  },
};

/** Negates R1:R0 or R3:R2 where it is negative. */
function absolute(a: Assembler, n: 0 | 2): void {
  const positive = a.label('positive');
  const [lo, hi] = n === 0 ? [r0, r1] : [r2, r3];
  a.cmp(hi, 0);
  a.bpl(positive);
  a.rsbs(lo, lo, 0);
  a.rsc(hi, hi, 0);
  a.at(positive);
}

/** Negates R1:R0 where the flag N is set. */
function negateWhereMinus(a: Assembler): void {
  const positive = a.label('positive');
  a.bpl(positive);
  a.rsbs(r0, r0, 0);
  a.rsc(r1, r1, 0);
  a.at(positive);
}

const routines: Readonly<Record<string, Routine>> = {
  [DIVIDE]: divide,
  divide64_unsigned: {
    calls: [DIVIDE],
    emit: (a, labelOf) => {
      a.b(labelOf(DIVIDE));
    },
  },
  remainder64_unsigned: {
    calls: [DIVIDE],
    emit: (a, labelOf) => {
      a.push([r4, lr]);
      a.bl(labelOf(DIVIDE));
      a.mov(r0, r2);
      a.mov(r1, r3);
      a.pop([r4, pc]);
    },
  },
  divide64_signed: {
    calls: [DIVIDE],
    emit: (a, labelOf) => {
      const fits = a.label('fits');
      a.push([r4, lr]);
      // The least number divided by -1 has no quotient.
      a.and(r12, r2, r3);
      a.cmn(r12, 1);
      a.cmpeq(r1, 0x80000000);
      a.cmpeq(r0, 0);
      a.bne(fits);
      a.udf(0);
      a.at(fits);
      a.eor(r4, r1, r3);
      absolute(a, 0);
      absolute(a, 2);
      a.bl(labelOf(DIVIDE));
      a.cmp(r4, 0);
      negateWhereMinus(a);
      a.pop([r4, pc]);
    },
  },
  remainder64_signed: {
    calls: [DIVIDE],
    emit: (a, labelOf) => {
      a.push([r4, lr]);
      a.mov(r4, r1);
      absolute(a, 0);
      absolute(a, 2);
      a.bl(labelOf(DIVIDE));
      a.mov(r0, r2);
      a.mov(r1, r3);
      a.cmp(r4, 0);
      negateWhereMinus(a);
      a.pop([r4, pc]);
    },
  },
  // Target R0, source R1, length R2. Upwards unless the target lies behind the source and in it.
  [MEMORY_COPY]: {
    calls: [],
    emit: (a) => {
      const [words, bytes, down] = [a.label('words'), a.label('bytes'), a.label('down')];
      a.sub(r3, r0, r1);
      a.cmp(r3, r2);
      a.blo(down);
      a.orr(r3, r0, r1);
      a.tst(r3, 3);
      a.bne(bytes);
      a.at(words);
      a.subs(r2, r2, 4);
      a.ldrhs(r3, [r1], 4);
      a.strhs(r3, [r0], 4);
      a.bhs(words);
      a.add(r2, r2, 4);
      a.at(bytes);
      a.subs(r2, r2, 1);
      a.ldrbhs(r3, [r1], 1);
      a.strbhs(r3, [r0], 1);
      a.bhs(bytes);
      a.bx(lr);
      a.at(down);
      a.subs(r2, r2, 1);
      a.ldrbhs(r3, [r1, r2]);
      a.strbhs(r3, [r0, r2]);
      a.bhs(down);
      a.bx(lr);
    },
  },
  // Target R0, byte R1, length R2: bytes up to a multiple of 4, four words at a time, words, bytes.
  [MEMORY_FILL]: {
    calls: [],
    emit: (a) => {
      const [head, fours, words, bytes] = ['head', 'fours', 'words', 'bytes'].map((it) => a.label(it)) as [
        ...[Label, Label, Label, Label],
      ];
      a.push([r4, lr]);
      a.and(r1, r1, 0xff);
      a.orr(r1, r1, r1, lsl(8));
      a.orr(r1, r1, r1, lsl(16));
      a.at(head);
      a.tst(r0, 3);
      a.beq(fours);
      a.subs(r2, r2, 1);
      a.strbhs(r1, [r0], 1);
      a.bhs(head);
      a.pop([r4, pc]);
      a.at(fours);
      a.mov(r3, r1);
      a.mov(r12, r1);
      a.mov(lr, r1);
      const again = a.label('again');
      a.at(again);
      a.subs(r2, r2, 16);
      a.stmhs(r0, '!', [r1, r3, r12, lr]);
      a.bhs(again);
      a.add(r2, r2, 16);
      a.at(words);
      a.subs(r2, r2, 4);
      a.strhs(r1, [r0], 4);
      a.bhs(words);
      a.add(r2, r2, 4);
      a.at(bytes);
      a.subs(r2, r2, 1);
      a.strbhs(r1, [r0], 1);
      a.bhs(bytes);
      a.pop([r4, pc]);
    },
  },
};

/** The routine of a symbol, if it is one. */
export const routineOf = (symbol: string): Routine | undefined => routines[symbol];
