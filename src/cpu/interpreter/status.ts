// CPSR and SPSR, modes and their registers: what ../modes.ts does, where only modes take part between which there is
// nothing more to it. Whoever is told "no" here has TypeScript do it, before anything was changed.
import {
  MODE_FIQ,
  MODE_USR,
  PSR_A,
  PSR_C,
  PSR_E,
  PSR_F,
  PSR_GE,
  PSR_I,
  PSR_IT,
  PSR_J,
  PSR_M,
  PSR_N,
  PSR_Q,
  PSR_T,
  PSR_V,
  PSR_Z,
} from '../../isa/psr-masks';
import {
  BANK_FIQ_R8,
  BANK_FIRST_MODE,
  BANK_LR,
  BANK_MODE_SIZE,
  BANK_SP,
  BANK_SPSR,
  BANK_USER_R8,
  BUDGET,
  C,
  CONTEXT,
  CONTEXT_PL1,
  CONTEXT_USER,
  CPSR,
  EXCEPTIONS,
  EXTENSION_ACCESS,
  GE,
  LR,
  MAY_CHANGE_MODE,
  MODE_LOG_END,
  MODE_LOG_ENTRY,
  MODE_LOG_NEXT,
  N,
  NO_CONTEXT,
  OP_POSITION,
  Q,
  SECURE,
  SP,
  SPSR,
  V,
  VARIANT,
  VARIANT_COUNTED,
  VARIANT_E,
  VARIANT_T,
  Z,
} from '../layout';

/** What CPSR holds in its own word; the rest is unpacked elsewhere. */
export const KEPT: u32 = PSR_J | PSR_IT | PSR_A | PSR_I | PSR_F | PSR_M;

/** Bit n: mode 0x10 + n is one of PL1&0 that is neither Hyp nor Monitor mode. */
const PLAIN_MODES: u32 = 0x888f;
/** Four bits a mode: the number of its bank; System mode has User mode's. */
const BANK_NUMBERS: u64 = 0x0fff76ff54ff3210;

/** R8 to R12. */
const R8: usize = 32;
const HIGH_REGISTERS_SIZE: usize = 20;

export function isPlain(mode: u32): bool {
  return (mode & 0x10) != 0 && ((PLAIN_MODES >>> (mode & 15)) & 1) != 0;
}

/** Where the SP, LR and SPSR of a plain mode are while another runs. */
export function bankOf(mode: u32): usize {
  const number = <u32>(BANK_NUMBERS >>> ((mode & 15) << 2)) & 15;
  return BANK_FIRST_MODE + number * BANK_MODE_SIZE;
}

/** Whether it can go from one mode to another here. */
export function mayChange(from: u32, to: u32): bool {
  if (from == to) return true;
  if (load<u32>(MAY_CHANGE_MODE) == 0 || !isPlain(from) || !isPlain(to)) return false;
  return (
    load<u32>(to == MODE_USR ? CONTEXT_USER : CONTEXT_PL1) != NO_CONTEXT &&
    load<u32>(MODE_LOG_NEXT) != MODE_LOG_END
  );
}

/** Exchanges the registers of two modes, with their translations. CPSR has the new one already. */
export function changeMode(rec: usize, from: u32, to: u32): void {
  if (from == MODE_FIQ || to == MODE_FIQ) {
    const kept = from == MODE_FIQ ? BANK_FIQ_R8 : BANK_USER_R8;
    const other = from == MODE_FIQ ? BANK_USER_R8 : BANK_FIQ_R8;
    for (let i: usize = 0; i < HIGH_REGISTERS_SIZE; i += 4) {
      store<u32>(kept + i, load<u32>(R8 + i));
      store<u32>(R8 + i, load<u32>(other + i));
    }
  }
  const old = bankOf(from);
  const next = bankOf(to);
  store<u32>(old, load<u32>(SP), BANK_SP);
  store<u32>(old, load<u32>(LR), BANK_LR);
  store<u32>(old, load<u32>(SPSR), BANK_SPSR);
  store<u32>(SP, load<u32>(next, BANK_SP));
  store<u32>(LR, load<u32>(next, BANK_LR));
  store<u32>(SPSR, load<u32>(next, BANK_SPSR));
  store<u32>(EXTENSION_ACCESS, 0);
  store<u32>(CONTEXT, load<u32>(to == MODE_USR ? CONTEXT_USER : CONTEXT_PL1));
  const log = load<u32>(MODE_LOG_NEXT);
  if (log == 0) return;
  store<i32>(log, load<i32>(BUDGET) - <i32>load<u8>(rec, OP_POSITION));
  store<u32>(log + 4, (to << 1) | load<u32>(SECURE));
  store<u32>(MODE_LOG_NEXT, log + MODE_LOG_ENTRY);
}

/** CPSR, put together. */
export function readStatus(): u32 {
  const variant = load<u32>(VARIANT);
  return (
    load<u32>(CPSR) |
    (load<u32>(N) & PSR_N) |
    (load<u32>(Z) == 0 ? PSR_Z : 0) |
    (load<u32>(C) != 0 ? PSR_C : 0) |
    ((load<u32>(V) >>> 31) * PSR_V) |
    (load<u32>(Q) != 0 ? PSR_Q : 0) |
    (load<u32>(GE) << 16) |
    ((variant & VARIANT_T) != 0 ? PSR_T : 0) |
    ((variant & VARIANT_E) != 0 ? PSR_E : 0)
  );
}

/** Sets N, Z, C, V and Q. */
export function setFlags(value: u32): void {
  store<u32>(N, value);
  store<u32>(Z, (value & PSR_Z) == 0);
  store<u32>(C, (value & PSR_C) != 0);
  store<u32>(V, value << 3);
  store<u32>(Q, (value & PSR_Q) != 0);
}

/**
 * CPSRWriteByInstr of the manual (B1.3.3).
 * @param bytes which of the four bytes
 * @param execution whether the execution state bits (IT, J, T) are written too
 * @returns false where it is for TypeScript to do
 */
export function writeStatus(rec: usize, value: u32, bytes: u32, execution: bool): bool {
  const current = readStatus();
  const from = current & PSR_M;
  const privileged = from != MODE_USR;
  let mask: u32 = 0;
  if ((bytes & 8) != 0) {
    mask |= PSR_N | PSR_Z | PSR_C | PSR_V | PSR_Q;
    if (execution) mask |= (PSR_IT & 0xff000000) | PSR_J;
  }
  if ((bytes & 4) != 0) mask |= PSR_GE;
  if ((bytes & 2) != 0) {
    mask |= PSR_E;
    if (execution) mask |= PSR_IT & 0xff00;
    if (privileged) mask |= PSR_A;
  }
  if ((bytes & 1) != 0) {
    if (execution) mask |= PSR_T;
    if (privileged) {
      if (!mayChange(from, value & PSR_M)) return false;
      mask |= PSR_I | PSR_F | PSR_M;
    }
    store<u32>(EXCEPTIONS, 0);
  }
  const next = (current & ~mask) | (value & mask);
  setFlags(next);
  store<u32>(GE, (next & PSR_GE) >>> 16);
  const variant = ((next & PSR_T) != 0 ? VARIANT_T : 0) | ((next & PSR_E) != 0 ? VARIANT_E : 0);
  store<u32>(VARIANT, variant | (load<u32>(VARIANT) & VARIANT_COUNTED));
  store<u32>(CPSR, next & KEPT);
  const to = next & PSR_M;
  if (to != from) changeMode(rec, from, to);
  return true;
}
