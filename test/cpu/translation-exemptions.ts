/**
 * Where QEMU 7.2 does otherwise than the manual (ARM ARM, DDI 0406C), or chooses otherwise where the manual leaves a
 * choice: what is wrong there, and which differences it explains. The manual's side of each is tested by
 * translation-rules.test.ts.
 */
import type { GeneratedCase } from './translation-cases.js';
import { landing } from './translation-compare.js';
import type { Banked, Result, ResultName } from './translation-harness.js';

export interface Exemption {
  readonly reason: string;
  readonly explains: (
    it: GeneratedCase,
    here: Result,
    there: Result,
    words: ReadonlySet<ResultName>,
  ) => boolean;
}

const only = (words: ReadonlySet<ResultName>, ...names: readonly ResultName[]): boolean =>
  [...words].every((word) => names.includes(word));
/** The fault status registers' FS field, bits 10 and 3 to 0, that a case left; 0 if it ended elsewhere. */
function shortStatus(it: GeneratedCase, result: Result): number {
  const { vector } = landing(result);
  const [data, fetch] =
    (it.setup.SCR & 1) === 0 ? [result.DFSR_s, result.IFSR_s] : [result.DFSR_ns, result.IFSR_ns];
  return vector === 16 ? data & 0x40f : vector === 12 ? fetch & 0x40f : 0;
}
/** The vectors of Data Aborts: PL1's and Hyp mode's own, and the Hyp Trap. */
const DATA_ABORTS = [0x10, 0x14];
const DOMAIN = [0b1001, 0b1011];
const PERMISSION = [0b1101, 0b1111];
const ACCESS_FLAG = [0b0011, 0b0110];
const SIF = 1 << 9;
const [WXN, UWXN, AFE] = [1 << 19, 1 << 20, 1 << 29];

const bankOf = ({ setup, facts }: GeneratedCase): Banked =>
  facts.regime === 'secure' ? setup.secure : setup.nonSecure;
/** FS that a PAR reports, 0 without a fault; an access flag fault of the 64-bit format as FS has it. */
function parStatus(it: Result, side: 'PAR_s' | 'PAR_ns'): number {
  const par = it[side];
  if (!(par & 1)) return 0;
  if (par & 0x800) return ((par >>> 3) & 15) === 0b0010 ? ACCESS_FLAG[0]! : 0;
  return ((par & 0x20) << 5) | ((par >>> 1) & 15);
}

export const exemptions: readonly Exemption[] = [
  {
    reason:
      'QEMU checks the domain before it reads the second-level descriptor (B3.12.1: translation faults first)',
    explains: (it, _here, there) =>
      it.facts.format === 'short' &&
      [shortStatus(it, there), parStatus(there, 'PAR_ns'), parStatus(there, 'PAR_s')].some((fs) =>
        DOMAIN.includes(fs),
      ),
  },
  {
    reason: 'QEMU knows SCTLR.WXN and UWXN with long descriptors only (B3.7.2)',
    explains: (it, here) =>
      it.facts.kind === 'fetch' &&
      it.facts.format === 'short' &&
      (bankOf(it).SCTLR & (WXN | UWXN)) !== 0 &&
      PERMISSION.includes(shortStatus(it, here)),
  },
  {
    reason: 'QEMU knows SCR.SIF with long descriptors only (B3.7.2)',
    explains: (it, here) =>
      it.facts.kind === 'fetch' &&
      it.facts.regime === 'secure' &&
      it.facts.format === 'short' &&
      (it.setup.SCR & SIF) !== 0 &&
      PERMISSION.includes(shortStatus(it, here)),
  },
  {
    reason: 'QEMU checks XN before the access flag, and no access flag in a manager’s domain (B3.12.1)',
    explains: (it, here, there) =>
      it.facts.format === 'short' &&
      (bankOf(it).SCTLR & AFE) !== 0 &&
      ACCESS_FLAG.includes(shortStatus(it, here) || parStatus(here, 'PAR_ns') || parStatus(here, 'PAR_s')) &&
      (it.facts.client === 3 || it.facts.crossing || PERMISSION.includes(shortStatus(it, there))),
  },
  {
    reason: 'QEMU gives a syndrome (ISV) for faults of Hyp mode’s own stage 1; it is for stage 2 (B3.13.6)',
    explains: (_it, here, there, words) =>
      only(words, 'HSR') && here.HSR >>> 26 === 0x25 && (here.HSR & 0xfc0001ff) === (there.HSR & 0xfc0001ff),
  },
  {
    reason:
      'QEMU asks for SWP’s write first; its read comes first (A8.8.229): WnR is 0, or its fault another',
    explains: ({ facts }, here, there) =>
      facts.instruction.startsWith('swp') &&
      [here, there].every((it) => DATA_ABORTS.includes(landing(it).vector)),
  },
  {
    reason: 'QEMU does not take synchronous external aborts to Monitor mode where SCR.EA is set (B1.8.7)',
    explains: ({ setup }, here) =>
      (setup.SCR & 8) !== 0 && (here.monitorVector === 12 || here.monitorVector === 16),
  },
  {
    reason: 'QEMU gives stage 1’s level for a fault of stage 2 on stage 1’s table walk (B3.13.3)',
    explains: (_it, here, there, words) => {
      // The level is bits 1 to 0 of HSR, and 2 to 1 of PAR.
      const inPar = (name: 'PAR_ns' | 'PAR_s'): boolean =>
        (here[name] & 0x901) === 0x901 && (here[name] & 0xff9) === (there[name] & 0xff9);
      if (only(words, 'HSR')) return (here.HSR & 0x80) !== 0 && (here.HSR & ~3) === (there.HSR & ~3);
      return (only(words, 'PAR_ns') && inPar('PAR_ns')) || (only(words, 'PAR_s') && inPar('PAR_s'));
    },
  },
];
