/** Rows of floating-point, and of loads and stores of structures. */
import type { Assembler } from '../../src/isa/assembler.js';
import { d, s } from '../../src/isa/extension-registers.js';
import { pc, r1, r2, r3 } from '../../src/isa/registers.js';
import type { Row } from './rows.js';

/** Numbers that leave something to be rounded: thirds, sevenths, 1/10. */
const numbers = [1 / 3, 5 / 7, 1 / 10] as const;
/** FPSCR.IXC: what is rounded once it is set need not be found out. */
const IXC = 1 << 4;

/** D1 to D3, or S4 to S6, hold numbers. */
function prepare(a: Assembler, size: 'F32' | 'F64', fpscr = 0): void {
  const words = (value: number): Uint32Array =>
    new Uint32Array(size === 'F64' ? Float64Array.of(value).buffer : Float32Array.of(value).buffer);
  numbers.forEach((value, i) => {
    const [low, high] = words(value);
    set(a, low!);
    if (size === 'F32') a.vmov(s(4 + i), r2);
    else {
      a.mov(r3, r2);
      set(a, high!);
      a.vmov(d(1 + i), r3, r2);
    }
  });
  a.mov(r2, fpscr);
  a.vmsr('FPSCR', r2);
}

function set(a: Assembler, value: number): void {
  a.movw(r2, value & 0xffff);
  a.movt(r2, value >>> 16);
}

const of = (name: string, size: 'F32' | 'F64', body: Row['body'], fpscr = 0): Row => ({
  name,
  copies: 500,
  prepare: (a) => {
    prepare(a, size, fpscr);
  },
  body,
});
const doubles = [d(4), d(5), d(6), d(7), d(8), d(9), d(10), d(11)];
const four = [d(4), d(5), d(6), d(7)];

export const extensionRows: readonly Row[] = [
  of('vldr d', 'F64', (a) => {
    a.vldr(d(4), [r1, 16]);
  }),
  of('vstr d', 'F64', (a) => {
    a.vstr(d(1), [r1, 16]);
  }),
  of('vldm of 8', 'F64', (a) => {
    a.vldmia(r1, doubles);
  }),
  of('vstm of 8', 'F64', (a) => {
    a.vstmia(r1, doubles);
  }),
  of('vmov of a core register', 'F32', (a) => {
    a.vmov(s(0), r2);
  }),
  of('vmov of two core registers', 'F64', (a) => {
    a.vmov(r2, r3, d(1));
  }),
  of(
    'vadd.f64',
    'F64',
    (a) => {
      a['vadd.f64'](d(0), d(1), d(2));
    },
    IXC,
  ),
  of('vadd.f64, vmsr that clears IXC', 'F64', (a) => {
    a.vmsr('FPSCR', r2);
    a['vadd.f64'](d(0), d(1), d(2));
  }),
  of(
    'vmul.f64',
    'F64',
    (a) => {
      a['vmul.f64'](d(0), d(1), d(2));
    },
    IXC,
  ),
  of('vmla.f64', 'F64', (a) => {
    a['vmla.f64'](d(3), d(1), d(2));
  }),
  of('vfma.f64', 'F64', (a) => {
    a['vfma.f64'](d(3), d(1), d(2));
  }),
  of('vdiv.f64', 'F64', (a) => {
    a['vdiv.f64'](d(0), d(1), d(2));
  }),
  of('vsqrt.f64', 'F64', (a) => {
    a['vsqrt.f64'](d(0), d(1));
  }),
  of('vcmp.f64, vmrs', 'F64', (a) => {
    a['vcmp.f64'](d(1), d(2));
    a.vmrs(pc, 'FPSCR');
  }),
  of('vcvt.f64.s32', 'F64', (a) => {
    a['vcvt.f64.s32'](d(0), s(4));
  }),
  of('vcvt.s32.f64', 'F64', (a) => {
    a['vcvt.s32.f64'](s(0), d(1));
  }),
  of('vadd.f32', 'F32', (a) => {
    a['vadd.f32'](s(0), s(4), s(5));
  }),
  of('vmul.f32', 'F32', (a) => {
    a['vmul.f32'](s(0), s(4), s(5));
  }),
  of('vfma.f32', 'F32', (a) => {
    a['vfma.f32'](s(6), s(4), s(5));
  }),
  of('vdiv.f32', 'F32', (a) => {
    a['vdiv.f32'](s(0), s(4), s(5));
  }),
  of('vld1.8 of 16 bytes', 'F64', (a) => {
    a['vld1.8']([d(4), d(5)], [r1]);
  }),
  of('vst1.8 of 16 bytes', 'F64', (a) => {
    a['vst1.8']([d(4), d(5)], [r1]);
  }),
  of('vld1, vst1 of 32 bytes', 'F64', (a) => {
    a['vld1.64'](four, [r1]);
    a['vst1.64'](four, [r1]);
  }),
  of('vld4.8', 'F64', (a) => {
    a['vld4.8'](four, [r1]);
  }),
];
