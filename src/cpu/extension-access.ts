/** Floating-point and Advanced SIMD instructions as the processor runs them: behind the checks of who may. */
import { CV_ALWAYS } from '../isa/fault-status.js';
import { bitsOf } from '../isa/bits.js';
import type { Fields } from '../isa/pattern.js';
import { MODE_HYP } from '../isa/program-status.js';
import { CPACR, HCPTR, HCR, NSACR } from '../isa/system-registers.js';
import { EC_CP10_ID, EC_HCPTR, hypTrap, undefinedInstruction } from './exceptions.js';
import type { Execute } from './instruction.js';
import type { Needs } from './operation-fields.js';
import * as L from './layout.js';
import { isPrivileged, isSecure, modeOf } from './current-mode.js';
import { neonInstructions } from './neon/index.js';
import type { Machine } from './state.js';
import { extensionsAccessible, word } from './state.js';
import { vfpInstructions } from './vfp/index.js';
import { EXTENSION_REGISTERS } from './vfp/system-registers.js';

/** FPEXC.EN: the extensions are on. */
const FPEXC_EN = 1 << 30;
/** Values of CPACR.cp10: nobody, or privileged modes alone. */
const ACCESS_DENIED = 0;
const ACCESS_PRIVILEGED = 1;

/** HSR's ISS for HCPTR: an Advanced SIMD instruction, and else coprocessor 10. */
const ISS_TA = 1 << 5;
const ISS_CP10 = 10;

/** CheckAdvSIMDOrVFPEnabled (B1.14, DDI 0406C): refuses or traps an instruction that may not be executed. */
function check(m: Machine, simd: boolean, evenDisabled: boolean): void {
  const { core } = m;
  const secure = isSecure(m);
  const hyp = modeOf(m) === MODE_HYP;
  const hidden = !secure && bitsOf(NSACR, 'cp10', core.NSACR) === 0;
  const simdHidden = !secure && bitsOf(NSACR, 'NSASEDIS', core.NSACR) === 1;
  if (!hyp) {
    const access = hidden ? ACCESS_DENIED : bitsOf(CPACR, 'cp10', core.CPACR);
    if (access === ACCESS_DENIED || (access === ACCESS_PRIVILEGED && !isPrivileged(m)))
      undefinedInstruction(m);
    if (simd && (simdHidden || bitsOf(CPACR, 'ASEDIS', core.CPACR))) undefinedInstruction(m);
  }
  if (!evenDisabled && !(word(m, L.FPEXC) & FPEXC_EN)) undefinedInstruction(m);
  if (secure) return;
  const trapsAll = hidden || bitsOf(HCPTR, 'TCP10', core.HCPTR) === 1;
  const trapsSimd = simdHidden || bitsOf(HCPTR, 'TASE', core.HCPTR) === 1;
  if (!trapsAll && !(simd && trapsSimd)) return;
  if (hyp) undefinedInstruction(m);
  hypTrap(m, EC_HCPTR, CV_ALWAYS | (simd ? ISS_TA : ISS_CP10));
}

const { FPSID, FPSCR, MVFR0, MVFR1 } = EXTENSION_REGISTERS;
/** opc1 of VMRS as a transfer of coprocessor 10. */
const VMRS_OPC1 = 7;

/** VMRS of an identification register, which HCR may trap. */
function checkIdentification(m: Machine, { reg = FPSCR, Rt = 0 }: Needs<never, 'reg' | 'Rt'>): void {
  if (isSecure(m) || modeOf(m) === MODE_HYP) return;
  const bit = reg === FPSID ? 'TID0' : reg === MVFR0 || reg === MVFR1 ? 'TID3' : undefined;
  if (!bit || !bitsOf(HCR, bit, m.core.HCR)) return;
  hypTrap(m, EC_CP10_ID, CV_ALWAYS | (VMRS_OPC1 << 14) | (reg << 10) | (Rt << 5) | 1);
}

/** System registers other than FPSCR are for privileged modes, with the extensions off too. */
function checked(execute: Execute<Fields>, operation: string): Execute<Fields> {
  const isSystem = operation === 'VMRS' || operation === 'VMSR';
  const isSimd = operation in neonInstructions;
  // Transfers of a scalar are floating-point where it has 32 bits.
  const mayBeSimd = operation === 'VMOV_core_to_scalar' || operation === 'VMOV_scalar_to_core';
  return (m, f, decoded) => {
    const { reg, opc = 0 }: Needs<never, 'reg' | 'opc'> = f;
    const system = isSystem && reg !== FPSCR;
    if (system && !isPrivileged(m)) undefinedInstruction(m);
    const simd = isSimd || (mayBeSimd && (opc & 9) !== 0);
    check(m, simd, system);
    if (!system) extensionsAccessible(m, simd ? L.ACCESS_VFP | L.ACCESS_SIMD : L.ACCESS_VFP);
    if (operation === 'VMRS') checkIdentification(m, f);
    execute(m, f, decoded);
  };
}

const instructions = { ...vfpInstructions, ...neonInstructions };

/** Every instruction of the extensions, by the operation's name in the tables. */
export const extensionInstructions = Object.fromEntries(
  Object.entries(instructions).map(([operation, execute]) => [
    operation,
    checked(execute as Execute<Fields>, operation),
  ]),
) as unknown as typeof instructions;
