/**
 * Asynchronous external aborts (B1.9.8, B3.12): they come some instructions after the store that led to them, or with
 * a DSB, which waits for what was stored (A3.8.3). One that is there while CPSR.A is set waits; when CPS or MSR clear
 * that, it is taken some instructions later, too, at the latest by an ISB. A return from an exception is as good as one.
 * While one comes, the core executes instruction by instruction, so that all here is exact.
 */
import { MODE_HYP, PSR_A } from '../isa/program-status.js';
import { decodeA32, decodeT32 } from '../isa/decoder.js';
import type { Fields } from '../isa/pattern.js';
import * as R from '../isa/system-registers.js';
import { HCR_AMO, SCR_AW, SCR_EA } from './control-bits.js';
import { isSecure, modeOf } from './current-mode.js';
import * as L from './layout.js';
import type { Core, Machine } from './state.js';
import { fetchHalfword, fetchWord } from './physical-memory.js';
import { thumb, word } from './state.js';
import { lookupCode } from './tlb.js';

/** The longest that one may be late, in instructions, and how late it is where nobody says otherwise. */
export const LATEST_ABORT = 200;

/** What an instruction does to an abort: waits until it is there, has it taken, may only clear CPSR.A. */
export type OnAborts = 'completes' | 'synchronizes' | 'unmasks';

const OPERATIONS: Readonly<Partial<Record<string, OnAborts>>> = {
  DSB: 'completes',
  ISB: 'synchronizes',
  CPS: 'unmasks',
  MSR_reg: 'unmasks',
  MSR_imm: 'unmasks',
};

/** What an instruction does to aborts; undefined for all that does nothing to them. */
export function effectOnAborts(instruction: number, isThumb: boolean): OnAborts | undefined {
  const decoded = (isThumb ? decodeT32 : decodeA32)(instruction);
  if (!decoded) return undefined;
  const { encoding } = decoded;
  const fields: Fields = decoded.fields;
  if (encoding.operation !== 'MCR') return OPERATIONS[encoding.operation];
  const isFor = ({ CRn, opc1, CRm, opc2 }: typeof R.CP15DSB | typeof R.CP15ISB): boolean =>
    fields['coproc'] === 15 &&
    fields['CRn'] === CRn &&
    fields['opc1'] === opc1 &&
    fields['CRm'] === CRm &&
    fields['opc2'] === opc2;
  if (isFor(R.CP15DSB)) return 'completes';
  return isFor(R.CP15ISB) ? 'synchronizes' : undefined;
}

/**
 * What the instruction before the one at PC does to aborts, where it stands in the same page. Whoever goes on there
 * has come from it, or by a return: then the abort is late, too.
 */
export function effectBefore(m: Machine): OnAborts | undefined {
  const PC = word(m, L.PC);
  const before = (bytes: number): number => ((PC & 0xfff) < bytes ? -1 : lookupCode(m, (PC - bytes) >>> 0));
  const wide = before(4);
  if (!thumb(m)) return wide < 0 ? undefined : effectOnAborts(fetchWord(m, wide), false);
  const narrow = before(2);
  const effect = narrow < 0 ? undefined : effectOnAborts(fetchHalfword(m, narrow), true);
  if (effect || wide < 0) return effect;
  return effectOnAborts(fetchHalfword(m, wide) * 0x10000 + fetchHalfword(m, narrow), true);
}

/** Whether the running core's mask and routes let it take an asynchronous abort (B1.8.7, B1.9.8). */
export function mayTakeAbort(m: Machine): boolean {
  const { core } = m;
  const secure = isSecure(m);
  const free = !secure && (core.SCR & (SCR_EA | SCR_AW)) === SCR_EA;
  const trapped = !secure && modeOf(m) !== MODE_HYP && (core.HCR & HCR_AMO) !== 0;
  return (word(m, L.CPSR) & PSR_A) === 0 || free || trapped;
}

/** Has one begin, which will come so many instructions late. A core that sleeps has it at once. */
export function beginAbort(core: Core, late: number): void {
  const isThere = late === 0 || core.waiting !== 'no';
  core.abort = isThere ? 'there' : 'late';
  core.abortIn = isThere ? 0 : late;
  if (isThere) core.waiting = 'no';
}

/**
 * To be called when the running core, of which an abort has begun, has executed an instruction.
 * @param effect what that does to aborts
 * @param might whether {@link mayTakeAbort} before it
 */
export function abortComesOn(m: Machine, effect: OnAborts | undefined, might: boolean, late: number): void {
  const { core } = m;
  const may = mayTakeAbort(m);
  if (core.abort === 'late') {
    core.abortIn--;
    if (effect !== 'completes' && core.waiting === 'no' && core.abortIn > 0) return;
    core.abort = 'there';
    core.abortIn = effect === 'completes' ? late : 0;
    if (core.waiting === 'interrupt' || may) core.waiting = 'no';
  } else if (!might) core.abortIn = !may || effect === 'unmasks' ? late : 0;
  else if (effect === 'synchronizes') core.abortIn = 0;
  else if (core.abortIn > 0) core.abortIn--;
}
