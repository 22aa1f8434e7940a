/** The operators of WebAssembly that are read and written here (WebAssembly Core Specification 2.0, section 5.4). */

/** What follows an operator's byte. */
export type Immediate =
  | 'none'
  | 'block'
  | 'label'
  | 'labels'
  | 'index'
  | 'call_indirect'
  | 'memory'
  | 'i32'
  | 'i64'
  | 'zero'
  | 'zero_zero';

/** An operator: its name in the text format, and what follows its byte. */
export interface Operator {
  readonly name: string;
  readonly immediate: Immediate;
}

/** The byte before the operators that have a number behind it, and what stands for it in this table. */
export const PREFIX = 0xfc;
export const PREFIXED = 0xfc00;

const table = new Map<number, Operator>();

function define(first: number, immediate: Immediate, names: string): void {
  names.split(' ').forEach((name, i) => table.set(first + i, { name, immediate }));
}

define(0x00, 'none', 'unreachable nop');
define(0x02, 'block', 'block loop if');
define(0x05, 'none', 'else');
define(0x0b, 'none', 'end');
define(0x0c, 'label', 'br br_if');
define(0x0e, 'labels', 'br_table');
define(0x0f, 'none', 'return');
define(0x10, 'index', 'call');
define(0x11, 'call_indirect', 'call_indirect');
define(0x1a, 'none', 'drop select');
define(0x20, 'index', 'local.get local.set local.tee global.get global.set');
define(0x28, 'memory', 'i32.load i64.load');
define(0x2c, 'memory', 'i32.load8_s i32.load8_u i32.load16_s i32.load16_u');
define(0x30, 'memory', 'i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u');
define(0x36, 'memory', 'i32.store i64.store');
define(0x3a, 'memory', 'i32.store8 i32.store16 i64.store8 i64.store16 i64.store32');
define(0x3f, 'zero', 'memory.size memory.grow');
define(0x41, 'i32', 'i32.const');
define(0x42, 'i64', 'i64.const');

const relations = 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
const arithmetic = 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr';
const of = (type: string, names: string): string =>
  names
    .split(' ')
    .map((name) => `${type}.${name}`)
    .join(' ');
define(0x45, 'none', of('i32', relations));
define(0x50, 'none', of('i64', relations));
define(0x67, 'none', of('i32', arithmetic));
define(0x79, 'none', of('i64', arithmetic));
define(0xa7, 'none', 'i32.wrap_i64');
define(0xac, 'none', 'i64.extend_i32_s i64.extend_i32_u');
define(0xc0, 'none', 'i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s');
// Those behind the prefix 0xfc.
define(PREFIXED + 10, 'zero_zero', 'memory.copy');
define(PREFIXED + 11, 'zero', 'memory.fill');

/** Finds an operator by its byte, or by PREFIXED plus the number that follows the prefix. */
export function operator(code: number): Operator | undefined {
  return table.get(code);
}

const codes = new Map([...table].map(([code, { name }]) => [name, code]));

/** The code of an operator, as `operator` takes it. @throws Error for a name that no operator here has */
export function codeOf(name: string): number {
  const code = codes.get(name);
  if (code === undefined) throw new Error(`no operator ${name}`);
  return code;
}
