/** Cases for every system register: read, write and read back, from every mode, under every trap. */
import * as R from '../../src/isa/system-registers.js';
import type { SystemRegister, SystemRegister64 } from '../../src/isa/system-registers.js';
import { type Case, withEnd } from './privileged-cases.js';
import type { Word } from './privileged-prepare.js';
import {
  CHANGING,
  comparable,
  differingBits,
  fitTraps,
  HCPTR_TRAPS_IN_QEMU,
  HCR_TRAPS_IN_QEMU,
  HDCR_TRAPS_IN_QEMU,
  isInQemu,
  leftAlone,
} from './privileged-exemptions.js';
import { anyStart, type Draw, type Start } from './privileged-state.js';

type Register = SystemRegister | SystemRegister64;

/** Every register and operation of the table that QEMU can judge. */
export const registers: readonly Register[] = Object.values(R).filter(
  (it: unknown): it is Register =>
    typeof it === 'object' && it !== null && 'coproc' in it && isInQemu(it as Register),
);

/** MRC or MCR, MRRC or MCRR: the same word in A32 and T32. */
function transfer(register: Register, read: boolean, rt: number): Word {
  const { coproc, opc1 } = register;
  const common = (rt << 12) | (coproc << 8) | register.CRm;
  const word =
    register.size === 64
      ? (read ? 0xec500000 : 0xec400000) | ((rt + 1) << 16) | (opc1 << 4) | common
      : (read ? 0xee100010 : 0xee000010) |
        (opc1 << 21) |
        (register.CRn << 16) |
        (register.opc2 << 5) |
        common;
  return { word: word >>> 0, size: 4 };
}

/** MOV Rd, #0. */
const clear = (thumb: boolean, rd: number): Word => ({
  word: thumb ? 0xf04f0000 | (rd << 8) : 0xe3a00000 | (rd << 12),
  size: 4,
});

/** What of a register is written: `base` always, `random` by chance. The rest would end the case's world. */
const VALUES: Readonly<Record<string, { readonly base: number; readonly random: number }>> = {
  // Translation stays off.
  SCTLR: { base: 0x00c50878, random: 0x7f3a3f26 },
  HSCTLR: { base: 0x30c50830, random: 0x4f3a1f26 },
  // No stage 2, no virtual interrupts, no default cacheability.
  HCR: { base: 0, random: 0x07ff_ee3a },
  SCR: { base: 0, random: 0x3be },
  // A T32 handler would not find its vectors otherwise.
  CNTP_CTL: { base: 0, random: 3 },
  CNTV_CTL: { base: 0, random: 3 },
  CNTHP_CTL: { base: 0, random: 3 },
};

/** Random traps and permissions. */
function trapSome(draw: Draw, start: Start): void {
  const { inputs } = start;
  inputs.HCR = draw.once(3) ? 0 : draw.bits(HCR_TRAPS_IN_QEMU, 5);
  inputs.HSTR = draw.bits(0x3bfef, 12);
  inputs.HDCR = draw.bits(HDCR_TRAPS_IN_QEMU, 5) | 4;
  start.trapDebugAndAll(draw, 4);
  inputs.HCPTR = 0x33ff | draw.bits(HCPTR_TRAPS_IN_QEMU, 4);
  inputs.CNTHCTL = draw.below(4);
  inputs.CNTKCTL = draw.bits(0x303, 2);
  inputs.PMUSERENR = draw.below(2);
  inputs.TEECR = draw.below(2);
}

/** R0 and R1 are written; R2 and R3 read first, R4 and R5 read back. */
const [WRITTEN, OLD, NEW] = [0, 2, 4];

/** One case for a register: a read; a write, restored where that can be; or an access it does not have. */
export function registerCase(draw: Draw, register: Register): Case {
  const start = anyStart(draw, draw.once(2), (it) => comparable(register, it));
  trapSome(draw, start);
  fitTraps(register, start);
  const value = VALUES[register.name];
  if (value) start.inputs.r0 = (value.base | (draw.word() & value.random)) >>> 0;
  else if (draw.once(2)) [start.inputs.r0, start.inputs.r1] = [draw.word(), draw.word()];
  const read = (rt: number): Word[] => {
    const cleared = register.size === 64 ? [rt, rt + 1] : [rt];
    const found = transfer(register, true, rt);
    return CHANGING.has(register.name) ? [found, ...cleared.map((n) => clear(start.thumb, n))] : [found];
  };
  const write = (rt: number): Word => transfer(register, false, rt);
  let words: Word[];
  const { access } = register;
  const missing = access !== 'RW' && draw.once(4);
  // Whether a trap by HSTR comes before the refusal: here yes (B1.14.12), in QEMU no.
  if (missing) start.inputs.HSTR = 0;
  if (access === 'RO') words = missing ? [write(WRITTEN)] : read(OLD);
  else if (access === 'WO') words = missing ? [transfer(register, true, OLD)] : [write(WRITTEN)];
  else if (draw.once(3) || leftAlone(register.name)) words = read(OLD);
  else words = [transfer(register, true, OLD), write(WRITTEN), ...read(NEW), write(OLD)];
  if (CHANGING.has(register.name) && words.length > 4) words = words.slice(-3);
  const bits = differingBits(register.name);
  const ignore = { r2: bits, r3: bits, r4: bits, r5: bits };
  return {
    name: `${register.name} (${register.size})`,
    start,
    words: withEnd(draw, start, words),
    memory: new Map(),
    ignore,
  };
}
