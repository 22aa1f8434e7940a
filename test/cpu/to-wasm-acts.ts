/** What programs do that are run by the interpreter and by units, and what is compared of the two. */
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import type { Assembler } from '../../src/isa/assembler.js';
import { aligned, d, lane, s, type DoubleRegister } from '../../src/isa/extension-registers.js';
import { IXC } from '../../src/isa/fpscr-masks.js';
import { lsl, pc, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, type Register } from '../../src/isa/registers.js';
import { samples } from '../isa/generate.js';
import { extensionEncodings } from './extension-cases.js';

/** Three words of each form of the extensions' instructions that neither load nor store, and know no core register but R0 to R7. */
const EXTENSION_WORDS = samples(
  extensionEncodings.filter(({ name, pattern }) => !pattern.fields.has('Rn') && !/^VM(RS|SR)/.test(name)),
  3,
  71,
)
  .filter(({ fields }) => ['Rt', 'Rt2'].every((name) => (fields[name] ?? 0) < 8))
  .map(({ word }) => word);
/** Bits of FPSCR that say how to calculate: rounding, flushing, default NaN; and those that were raised. */
const FPSCR_MODES = 0x07c0_009f;

export const names = ['vadd', 'vsub', 'vmul', 'vnmul', 'vmla', 'vmls', 'vnmla', 'vnmls'] as const;
type Act = (a: Assembler, n: number, d: Register, s: Register) => void;
const double = (n: number): DoubleRegister => d(n % 16);
/** What a block may do with the registers R0 to R7; R8 is where data are, R9 where code is. */
export const acts: Act[] = [
  (a, n, d, s) => {
    a.add(d, s, n);
  },
  (a, n, d, s) => {
    a.subs(d, s, n);
  },
  (a, n, d, s) => {
    a.adds(d, d, s);
  },
  (a, n, d, s) => {
    a.adc(d, d, s);
  },
  (a, n, d, s) => {
    a.sbcs(d, s, n);
  },
  (a, n, d, s) => {
    a.rscs(d, d, s);
  },
  (a, n, d, s) => {
    a.eor(d, d, s, lsl(1 + (n % 31)));
  },
  (a, n, d, s) => {
    a.ands(d, s, n);
  },
  (a, n, d, s) => {
    a.lsrs(d, s, 1 + (n % 31));
  },
  (a, n, d, s) => {
    a.cmp(d, s);
  },
  (a, n, d) => {
    a.cmn(d, n);
  },
  (a, n, d, s) => {
    a.tst(d, s);
  },
  // Conditional, with flags set meanwhile.
  (a, n, d, s) => {
    a.cmp(d, n);
    a.cmpne(s, 3);
    a.addlt(d, d, 7);
    a.movhi(s, n);
  },
  (a, n, d, s) => {
    a.subsge(d, s, n);
    a.orrvs(d, d, 1);
    a.rsbpl(s, d, n);
  },
  (a, n, d, s) => {
    a.mul(d, d, s);
  },
  (a, n, d, s) => {
    a.umull(r6, r7, d, s);
  },
  (a, n, d, s) => {
    a.udiv(d, s, d);
  },
  (a, n, d) => {
    a.str(d, [r8, (n * 4) % 64]);
  },
  (a, n, d) => {
    a.ldr(d, [r8, (n * 4) % 64]);
  },
  (a, n, d) => {
    a.strb(d, [r8, n]);
  },
  (a, n, d) => {
    a.ldrsb(d, [r8, n]);
  },
  (a, n, d) => {
    a.ldrh(d, [r8, (n * 2) % 128]);
  },
  // Not aligned, and up to the end of the page and beyond.
  (a, n, d) => {
    a.ldr(d, [r8, n]);
  },
  (a, n, d) => {
    a.str(d, [r8, 0xe00 + n * 2]);
  },
  (a) => {
    a.stm(r8, [r0, r1, r2, r3]);
    a.ldm(r8, [r4, r5]);
  },
  // Up to the end of the page, and beyond.
  (a, n) => {
    a.add(r7, r8, 0xff0);
    if (n % 2) a.ldm(r7, [r0, r1, r2, r3]);
    else a.ldm(r7, [r0, r1, r2, r3, r4]);
    a.stm(r7, [r1, r2, r3, r4, r5]);
  },
  // Over the code that runs: what is there already, and an instruction that was another.
  (a, n, d) => {
    a.ldr(d, [r9, (n % 4) * 4]);
    a.str(d, [r9, (n % 4) * 4]);
  },
  (a, n, d) => {
    a.ldr(d, [r9, 4]);
    a.eor(d, d, 1);
    a.str(d, [r9, 4]);
  },
  // What only the interpreter does.
  (a, n, d, s) => {
    a.uadd8(d, d, s);
  },
  (a, n, d) => {
    a.clz(d, d);
  },
  // Floating-point: sums, products, moves of all kinds, and flags.
  ...names.flatMap((name): Act[] => [
    (a, n, x, y) => {
      a[`${name}.f64`](double(n), double(x.core), double(y.core));
    },
    (a, n, x, y) => {
      a[`${name}.f32`](s(n % 32), s(x.core), s(y.core + 8));
    },
  ]),
  (a, n, x) => {
    a['vneg.f64'](double(n), double(x.core));
    a['vabs.f32'](s(x.core), s(n % 32));
    a['vmov.f64'](double(x.core + 1), double(n));
  },
  (a, n, x) => {
    a['vcmp.f64'](double(n), double(x.core));
    a.vmrs(pc, 'FPSCR');
  },
  (a, n, x) => {
    a.vmrs(pc, 'FPSCR');
    a.addvs(x, x, n);
  },
  (a, n, x) => {
    a['vcmp.f32'](s(n % 32), 0);
    a.vmrs(pc, 'FPSCR');
    a.addgt(x, x, 1);
  },
  (a, n, x, y) => {
    a.vmov(s(n % 32), x);
    a.vmov(y, s((n + 1) % 32));
    a['vcvt.f64.s32'](double(n), s(n % 7));
    a['vcvt.f64.u32'](double(n + 1), s(n % 5));
  },
  (a, n, x) => {
    a.vmov(double(n), x, x);
    a.vmov(r6, r7, double(n + 1));
    a['vmov.f64'](double(n + 2), 1.5);
    a['vmov.f32'](s(n % 32), -2);
  },
  (a, n) => {
    a.vstr(double(n), [r8, (n % 16) * 8]);
    a.vldr(double(n + 1), [r8, (n % 8) * 8]);
    a.vldr(s(n % 32), [r8, (n % 16) * 4]);
    a.vstr(s(n % 31), [r8, 128]);
  },
];

// More often than by their number among the others.
acts.push(
  ...Array.from({ length: 12 }, (_, i): Act => (a, n) => {
    for (const part of [0, 1, 2])
      a.word(EXTENSION_WORDS[(n * 12 + i * 5 + part * 101) % EXTENSION_WORDS.length]!);
  }),
  // FPSCR, as it may be and as the host's arithmetic is.
  (a, n, x) => {
    a.vmrs(x, 'FPSCR');
    a.eor(x, x, (n % 32) << 22);
    a.mov(r7, FPSCR_MODES >>> 16);
    a.lsl(r7, r7, 16);
    a.orr(r7, r7, FPSCR_MODES & 0xff);
    a.and(r7, r7, x);
    a.vmsr('FPSCR', r7);
  },
  (a) => {
    a.mov(r7, IXC);
    a.vmsr('FPSCR', r7);
  },
  // Aligned and not, within the page and beyond its end.
  (a, n, x) => {
    a.add(r7, r8, n);
    a['vld1.32']([double(n), double(n + 1)].slice(n % 16 === 15 ? 1 : 0), [r7], '!');
    a['vst1.8']([d(20), d(21), d(22)], [r7], x);
    a.add(x, x, r7);
  },
  (a, n) => {
    a.add(r7, r8, 0xf80);
    a.add(r7, r7, (n % 16) * 8);
    a['vld1.64']([d(16), d(17), d(18), d(19)], [n % 4 < 2 ? r7 : aligned(r7, 128)]);
    a['vst1.16']([d(n % 32)], [r7]);
  },
  (a, n) => {
    a.add(r7, r8, 0xf80);
    a.add(r7, r7, n & ~3);
    a.vstmia(r7, '!', [d(4), d(5), d(6)]);
    a.vldmdb(r7, '!', [d(8), d(9)]);
    a.vldmia(r7, [s(3), s(4), s(5)]);
  },
  (a, n, x) => {
    a.add(r7, r8, n);
    a['vld4.8']([d(0), d(1), d(2), d(3)], [r7], '!');
    a['vst2.16']([lane(d(1), n % 4), lane(d(2), n % 4)], [r7], x);
  },
);

/** Of words, FNV-1a. */
const hashOf = (words: Uint32Array): number =>
  words.reduce((hash, it) => Math.imul(hash ^ it, 0x0100_0193), 0);

/** A core's registers, as far as they mean something between instructions, its TLB, and what RAM holds. */
export function stateOf(cpu: Cpu, ram: Uint32Array): object {
  const { u32 } = cpu.machine;
  const words = [...u32.subarray(0, L.TEMP / 4), ...u32.subarray(L.N / 4, L.PAGE / 4)];
  words.push(...u32.subarray(L.D0 / 4, (L.D0 + 256) / 4), u32[L.FPSCR / 4]!);
  const tlb = u32.subarray(L.TLB / 4, (L.TLB + L.TLB_ENTRIES * L.TLB_ENTRY_SIZE) / 4);
  return { time: cpu.reached, words, budget: u32[L.BUDGET / 4], ram: hashOf(ram), tlb: hashOf(tlb) };
}
