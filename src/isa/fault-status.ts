import { hex } from '../base/words.js';
import { ALWAYS } from './registers.js';
/** Words for what the fault registers hold (ARM ARM B3.13). */

/** Table B3-23, short-descriptor format: FS by its five bits. */
const short = new Map([
  [0b00001, 'alignment fault'],
  [0b00010, 'debug event'],
  [0b00011, 'access flag fault, level 1'],
  [0b00100, 'fault of instruction cache maintenance'],
  [0b00101, 'translation fault, level 1'],
  [0b00110, 'access flag fault, level 2'],
  [0b00111, 'translation fault, level 2'],
  [0b01000, 'external abort'],
  [0b01001, 'domain fault, level 1'],
  [0b01011, 'domain fault, level 2'],
  [0b01100, 'external abort on a table walk, level 1'],
  [0b01101, 'permission fault, level 1'],
  [0b01110, 'external abort on a table walk, level 2'],
  [0b01111, 'permission fault, level 2'],
  [0b10000, 'TLB conflict'],
  [0b10110, 'asynchronous external abort'],
]);

/** Table B3-24, long-descriptor format: STATUS without the level in its two lowest bits. */
const withLevel = new Map([
  [0b000100, 'translation fault'],
  [0b001000, 'access flag fault'],
  [0b001100, 'permission fault'],
  [0b010100, 'external abort on a table walk'],
  [0b111100, 'domain fault'],
]);
const withoutLevel = new Map([
  [0b010000, 'external abort'],
  [0b010001, 'asynchronous external abort'],
  [0b100001, 'alignment fault'],
  [0b100010, 'debug event'],
  [0b110000, 'TLB conflict'],
]);

const unknown = (status: number): string => `fault status ${hex(status)}`;

/** The fault that a STATUS of the long-descriptor format names, 6 bits; HSR's DFSC and IFSC are alike. */
export function longFaultName(status: number): string {
  const name = withLevel.get(status & ~3);
  return name === undefined ? (withoutLevel.get(status) ?? unknown(status)) : `${name}, level ${status & 3}`;
}

const LPAE = 1 << 9;

/** The fault that DFSR or IFSR names, in either format. */
export function faultName(register: number): string {
  if (register & LPAE) return longFaultName(register & 0x3f);
  const status = ((register >>> 6) & 0x10) | (register & 15);
  return short.get(status) ?? unknown(status);
}

/** HSR.ISS of a data abort (B3.13.6): what of the access is known, and how it failed. */
export const DATA_ABORT_ISS = {
  name: 'HSR.ISS',
  bits: { ISV: 24, SAS: [23, 22], SSE: 21, SRT: [19, 16], EA: 9, CM: 8, S1PTW: 7, WnR: 6, DFSC: [5, 0] },
} as const;

/** HSR.ISS<24:20>, CV and COND (B3.13.6): valid, and always, since a trapped instruction has passed its condition. */
export const CV_ALWAYS = (1 << 24) | (ALWAYS << 20);

/** Exception classes of HSR (table B3-31). */
const classes = new Map([
  [0x00, 'an Undefined Instruction'],
  [0x01, 'a trapped WFI or WFE'],
  [0x03, 'a trapped MCR or MRC of CP15'],
  [0x04, 'a trapped MCRR or MRRC of CP15'],
  [0x05, 'a trapped MCR or MRC of CP14'],
  [0x06, 'a trapped LDC or STC'],
  [0x07, 'a trapped access to a coprocessor'],
  [0x08, 'a trapped VMRS'],
  [0x0a, 'a trapped BXJ'],
  [0x0c, 'a trapped MRRC of CP14'],
  [0x11, 'an SVC'],
  [0x12, 'an HVC'],
  [0x13, 'a trapped SMC'],
  [0x20, 'a Prefetch Abort'],
  [0x21, 'a Prefetch Abort'],
  [0x24, 'a Data Abort'],
  [0x25, 'a Data Abort'],
]);

/** What kind of exception HSR tells of, with its article. */
export function hypClassName(HSR: number): string {
  const ec = HSR >>> 26;
  return classes.get(ec) ?? `an exception of class ${hex(ec)}`;
}
