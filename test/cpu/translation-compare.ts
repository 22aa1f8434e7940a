/** Which words of a result the architecture decides, and the differences in them. */
import { MODE_ABT, MODE_HYP, MODE_UND } from '../../src/isa/program-status.js';
import { hex } from '../support/hex.js';
import type { GeneratedCase } from './translation-cases.js';
import { HYP_VECTORS, type Result, type ResultName, VECTORS } from './translation-harness.js';

const EAE = 0x80000000;
const EC_OF_HSR = 26;

/** Where a case ended: the mode it came to, and the exception's vector or -1 for the snippet's own end. */
export function landing(it: Result): { mode: number; vector: number } {
  const mode = it.spsr & 0x1f;
  // The SMC at a vector leaves the address behind it.
  const at = (it.lr - 4) & 0xfffff;
  const table = mode === MODE_HYP ? HYP_VECTORS : VECTORS;
  const vector = at >= table && at < table + 32 ? at - table : -1;
  return { mode, vector: it.monitorVector === 8 ? vector : -1 };
}

/** Bits of a DFSR that mean something: the domain not where there is none (table B3-23), nor IFSR's. */
function statusMask(value: number, long: boolean, data: boolean): number {
  if (long) return data ? 0x3a3f : 0x123f;
  const fs = ((value >>> 6) & 16) | (value & 15);
  // Level 2 translation, external abort of a level 2 walk, access flag, domain, permission.
  const hasDomain = data && [0b00111, 0b01110, 0b00110, 0b01001, 0b01011, 0b01101, 0b01111].includes(fs);
  return (data ? 0x3c0f : 0x140f) | 0x200 | (hasDomain ? 0xf0 : 0);
}

const PAR_LPAE = 1 << 11;
const PAR_SS = 2;
const PAR_NS = 1 << 9;

/** Bits of PAR that are compared (B4.1.112). NS means something for Secure state's entries only. */
function parMask(it: GeneratedCase, par: number): number {
  const ns = it.facts.regime === 'secure' ? PAR_NS : 0;
  if (par & 1) return par & PAR_LPAE ? 0xb7f : 0x87f;
  if (par & PAR_LPAE) return 0xfffff801 | ns;
  // QEMU leaves the memory attributes of the short format 0, and bits 39 to 32 of a supersection.
  return (par & PAR_SS ? 0xff000803 : 0xfffff803) | ns;
}

/** Names of the words that must be alike, each with the bits that count. */
function compared(it: GeneratedCase, here: Result): (readonly [ResultName, number])[] {
  const all = 0xffffffff;
  const words: (readonly [ResultName, number])[] = [
    ...(['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9', 'r10'] as const).map(
      (name) => [name, all] as const,
    ),
    ...(['monitorVector', 'lr', 'spsr'] as const).map((name) => [name, all] as const),
    ...(['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7'] as const).map((name) => [name, all] as const),
    ...(['q0', 'q1', 'q2', 'q3', 'q4', 'q5', 'q6', 'q7'] as const).map((name) => [name, all] as const),
  ];
  const { mode, vector } = landing(here);
  // An abort leaves what LDRD and LDM load UNKNOWN (B1.9.8).
  if (/^(ldrd|ldm)/.test(it.facts.instruction) && vector >= 0 && vector !== 8)
    for (const name of ['r2', 'r5', 'r6', 'r7'])
      words.splice(
        words.findIndex(([it]) => it === name),
        1,
      );
  const secure = (it.setup.SCR & 1) === 0;
  const side = secure ? 's' : 'ns';
  const bank = secure ? it.setup.secure : it.setup.nonSecure;
  const long = bank.TTBCR >= EAE;
  const aborted = (to: 's' | 'ns', data: boolean): void => {
    const [fsr, far] = data ? (['DFSR', 'DFAR'] as const) : (['IFSR', 'IFAR'] as const);
    words.push([`${fsr}_${to}`, statusMask(here[`${fsr}_${to}`], long, data)], [`${far}_${to}`, all]);
  };
  if (here.monitorVector !== 8) aborted('s', here.monitorVector === 16);
  else if (mode === MODE_ABT && vector >= 0) {
    words.push(['LR_abt', all], ['SPSR_abt', all]);
    aborted(side, vector === 16);
  } else if (mode === MODE_UND && vector >= 0) words.push(['LR_und', all], ['SPSR_und', all]);
  else if (mode === MODE_HYP && vector >= 0) {
    words.push(['ELR_hyp', all], ['SPSR_hyp', all], ['HSR', all]);
    const ec = here.HSR >>> EC_OF_HSR;
    if (ec === 0x24 || ec === 0x25) words.push(['HDFAR', all]);
    if (ec === 0x20 || ec === 0x21) words.push(['HIFAR', all]);
    if (ec === 0x20 || ec === 0x24) words.push(['HPFAR', all]);
  }
  if (it.facts.kind === 'ats') {
    words.push(['PAR_ns', parMask(it, here.PAR_ns)], ['PAR_s', parMask(it, here.PAR_s)]);
    // QEMU has no memory attributes of short descriptors.
    const high = it.facts.format === 'short' ? 0x00ffffff : all;
    if (here.PAR_ns & PAR_LPAE) words.push(['PAR_HIGH_ns', high]);
    if (here.PAR_s & PAR_LPAE) words.push(['PAR_HIGH_s', high]);
  }
  return words;
}

/** What differs, by the name of the word; empty where the machines agree. */
export function differences(it: GeneratedCase, here: Result, there: Result): Map<ResultName, string> {
  const found = new Map<ResultName, string>();
  for (const [name, mask] of compared(it, here)) {
    const [a, b] = [here[name] & mask, there[name] & mask];
    if (a !== b) found.set(name, `${name} here ${hex(a)}, QEMU ${hex(b)}`);
  }
  return found;
}
