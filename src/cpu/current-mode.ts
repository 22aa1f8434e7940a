/** The mode and security state that the running core is in (B1.3, B1.5). */
import { MODE_MON, MODE_USR, PSR_M } from '../isa/program-status.js';
import * as L from './layout.js';
import type { Machine } from './state.js';
import { word } from './state.js';

/** The running core's mode. */
export function modeOf(m: Machine): number {
  return word(m, L.CPSR) & PSR_M;
}

/** Whether the running core is in Secure state: Monitor mode always is (B1.5.1). */
export function isSecure(m: Machine): boolean {
  return (m.core.SCR & 1) === 0 || modeOf(m) === MODE_MON;
}

/** Whether the running core is in a mode above User. */
export function isPrivileged(m: Machine): boolean {
  return modeOf(m) !== MODE_USR;
}
