/**
 * What reset leaves UNKNOWN (B1.9.1, B3.15.3) gets values: of the system registers what the table says is so, and all
 * general, banked and extension registers.
 */
import { hashOf } from '../base/random.js';
import { bits } from '../isa/bits.js';
import { bankedRegisters, type BankedRegister } from '../isa/operands.js';
import * as R from '../isa/system-registers.js';
import type { SystemRegister, SystemRegister64 } from '../isa/system-registers.js';
import type { Copy, CoreView } from './core-view.js';

const ONES = 0xffff_ffff;
const DOUBLEWORDS = 32;
const GENERAL = 15;

/** A value for a core's register; `of` is another number for each. */
type Values = (core: number, of: number) => number;

const worst: Values = () => ONES;
const bySeed =
  (seed: number): Values =>
  (core, of) =>
    hashOf(seed, core, of);

/** Time far ahead hurts more than time a little behind. */
const WORST_CNTVOFF = 0xffff_ffff_0000_0000n;

/**
 * UNKNOWN, but the same on all cores: neither the stubs of firmware nor Linux set VTTBR, and cores of different VMIDs
 * would miss each other's TLB maintenance (B3.10.5), which no board was seen to do.
 */
const ALIKE: ReadonlySet<string> = new Set([R.VTTBR.name]);

/**
 * UNKNOWN (the TRM has software set the Non-secure copy), but seen to be clear, as cards that start trust it and neither they
 * nor any stub of the firmware set it: unpackers of Raspberry Pi's kernels of 2015 clear the lower two bits of N alone before
 * they switch the MMU on (seen in 4.0.7), which leaves PD0 and the rest of N; Plan 9 (9front, bcm/armv7.s) clears nothing,
 * and its kernel is where TTBR1 would be, unless N is 0, which leaves PD1. Who has seen that much of a register trusts N.
 */
const SEEN_CLEAR: ReadonlyMap<string, bigint> = new Map([
  [R.TTBCR.name, BigInt(bits(R.TTBCR, { PD1: 1, PD0: 1, N: 0b111 }))],
]);

const writable = (Object.values(R) as (SystemRegister | SystemRegister64)[]).filter(
  (it): it is (SystemRegister | SystemRegister64) & { readonly access: 'RW' } => it.access === 'RW',
);

/**
 * Gives cores that are in reset values for what is UNKNOWN then.
 * @param seed from which they follow; undefined for those that hurt most
 */
export function setUnknown(cores: readonly CoreView[], seed: number | undefined): void {
  setUnknownTo(cores, seed === undefined ? worst : bySeed(seed));
  if (seed === undefined) for (const core of cores) core.setSystem(R.CNTVOFF, WORST_CNTVOFF);
}

/** The same with values of the caller's. */
export function setUnknownTo(cores: readonly CoreView[], values: Values): void {
  for (const core of cores) {
    let of = 0;
    const next = (index = core.index): number => values(index, of++);
    for (let n = 0; n < GENERAL; n++) core.setRegister(n, next());
    for (const name of Object.keys(bankedRegisters) as BankedRegister[]) core.setBanked(name, next());
    for (let n = 0; n < DOUBLEWORDS; n++) core.setDoubleword(n, (BigInt(next()) << 32n) | BigInt(next()));
    for (const register of writable) {
      const copies: readonly Copy[] = register.banked ? ['secure', 'non-secure'] : ['secure'];
      for (const copy of copies) {
        const whose = ALIKE.has(register.name) ? 0 : core.index;
        const value = (BigInt(next(whose)) << 32n) | BigInt(next(whose));
        const unknown = register.unknown[copy] & ~(SEEN_CLEAR.get(register.name) ?? 0n);
        if (unknown === 0n) continue;
        setBits(core, register, copy, unknown, value);
      }
    }
  }
}

function setBits(
  core: CoreView,
  register: (SystemRegister | SystemRegister64) & { readonly access: 'RW' },
  copy: Copy,
  unknown: bigint,
  value: bigint,
): void {
  const was = BigInt(core.system(register, copy));
  const now = (was & ~unknown) | (value & unknown);
  if (register.size === 64) core.setSystem(register, now, copy);
  else core.setSystem(register, Number(now), copy);
}
