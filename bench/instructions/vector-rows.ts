/** Rows of Advanced SIMD on vectors, on Q registers where nothing else is said. */
import type { Assembler } from '../../src/isa/assembler.js';
import { d, lane, q } from '../../src/isa/extension-registers.js';
import { r2 } from '../../src/isa/registers.js';
import type { Row } from './rows.js';

/** Singles in Q0 to Q2 whose sums and products are inexact. */
function fractions(a: Assembler): void {
  for (let n = 0; n < 3; n++) {
    a.movw(r2, 0x3333 * n);
    a.movt(r2, 0x3f80);
    a['vdup.32'](q(n), r2);
  }
}

const of = (name: string, body: Row['body']): Row => ({ name, copies: 500, prepare: fractions, body });

export const vectorRows: readonly Row[] = [
  of('vadd.i8', (a) => {
    a['vadd.i8'](q(0), q(1), q(2));
  }),
  of('vadd.i16', (a) => {
    a['vadd.i16'](q(0), q(1), q(2));
  }),
  of('vmul.i16', (a) => {
    a['vmul.i16'](q(0), q(1), q(2));
  }),
  of('vmlal.s16', (a) => {
    a['vmlal.s16'](q(0), d(2), d(4));
  }),
  of('vqadd.s16', (a) => {
    a['vqadd.s16'](q(0), q(1), q(2));
  }),
  of('vqrshrun.s32', (a) => {
    a['vqrshrun.s32'](d(0), q(1), 5);
  }),
  of('vshl.s8 by register', (a) => {
    a['vshl.s8'](q(0), q(1), q(2));
  }),
  of('vand', (a) => {
    a.vand(q(0), q(1), q(2));
  }),
  of('vdup.8', (a) => {
    a['vdup.8'](q(0), r2);
  }),
  of('vmov.u8 to core', (a) => {
    a['vmov.u8'](r2, lane(d(1), 3));
  }),
  of('vext', (a) => {
    a['vext.8'](q(0), q(1), q(2), 5);
  }),
  of('vzip.8', (a) => {
    a['vzip.8'](q(0), q(1));
  }),
  of('vtbl', (a) => {
    a['vtbl.8'](d(0), [d(2), d(3)], d(4));
  }),
  ...(['vadd.f32', 'vmul.f32', 'vmla.f32', 'vfma.f32', 'vrecps.f32'] as const).map((name) =>
    of(`${name} q`, (a) => {
      a[name](q(0), q(1), q(2));
    }),
  ),
];
