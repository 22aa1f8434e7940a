/**
 * The extensions' encodings in T32, out of those in A32: they differ in the top bits only (A6.3.18, A7.2).
 *
 * - Floating-point and transfers: 1110 stands where A32 has the condition.
 * - Advanced SIMD data processing: 1111001U becomes 111U1111.
 * - Advanced SIMD loads and stores: 11110100 becomes 11111001.
 *
 * All of them take a condition from an IT block, and where A32 allows R13 or PC, T32 may not.
 */
import type { Entry, Table } from './encoding.js';
import { neon } from './neon/index.js';
import { vfp } from './vfp/index.js';

type T32Name<Name extends string> = Name extends `${infer Operation}_A${infer Number}`
  ? `${Operation}_T${Number}`
  : Name;
type T32Bits<Bits extends string> = Bits extends `cond:4 ${infer Rest}`
  ? `1110 ${Rest}`
  : Bits extends `1111 001 ${infer U} ${infer Rest}`
    ? `111 ${U} 1111 ${Rest}`
    : Bits extends `1111 0100 ${infer Rest}`
      ? `1111 1001 ${Rest}`
      : never;
type Conditional<Syntax extends string> = Syntax extends `${string}{c}${string}`
  ? Syntax
  : Syntax extends `${infer Head} ${infer Operands}`
    ? Head extends `${infer Base}.${infer Type}`
      ? `${Base}{c}.${Type} ${Operands}`
      : `${Head}{c} ${Operands}`
    : never;
type ConditionalSyntax<Syntax> = Syntax extends string
  ? Conditional<Syntax>
  : { readonly [Form in keyof Syntax as Conditional<Form & string>]: Syntax[Form] };

/** An A32 table's entries as they are in T32. */
export type InT32<T extends Table> = {
  readonly [Name in keyof T & string as T32Name<Name>]: Omit<T[Name], 'bits' | 'syntax'> & {
    readonly bits: T32Bits<T[Name]['bits']>;
    readonly syntax: ConditionalSyntax<T[Name]['syntax']>;
  };
};

const t32Name = (name: string): string => name.replace(/_A(\d)$/, '_T$1');

function t32Bits(bits: string): string {
  const rules: readonly (readonly [RegExp, string])[] = [
    [/^cond:4 /, '1110 '],
    [/^1111 001 (\S+) /, '111 $1 1111 '],
    [/^1111 0100 /, '1111 1001 '],
  ];
  const rule = rules.find(([from]) => from.test(bits));
  if (!rule) throw new Error(`"${bits}" has no T32 form`);
  return bits.replace(...rule);
}

const conditional = (syntax: string): string =>
  syntax.includes('{c}') ? syntax : syntax.replace(/^\w+/, '$&{c}');

/** Where PC or SP is UNPREDICTABLE in T32 though not in A32, by operation. */
const stricter: Readonly<Record<string, string>> = {
  VSTR: 'Rn == 15',
  VLDM: 'Rn == 15',
  VSTM: 'Rn == 15',
  VMOV_core_to_scalar: 'Rt == 13',
  VMOV_scalar_to_core: 'Rt == 13',
  VMOV_core_single: 'Rt == 13',
  VMOV_core_singles: 'Rt == 13 || Rt2 == 13',
  VMOV_core_double: 'Rt == 13 || Rt2 == 13',
  VDUP_core: 'Rt == 13',
  VMRS: 'Rt == 13',
  VMSR: 'Rt == 13',
};

function t32Entry(name: string, entry: Entry): Entry {
  const unpredictable = [entry.unpredictable, stricter[name.replace(/_A\d$/, '')]].filter(
    (it) => it !== undefined,
  );
  return {
    ...entry,
    bits: t32Bits(entry.bits),
    syntax:
      typeof entry.syntax === 'string'
        ? conditional(entry.syntax)
        : Object.fromEntries(
            Object.entries(entry.syntax).map(([syntax, when]) => [conditional(syntax), when]),
          ),
    ...(entry.see
      ? { see: Object.fromEntries(Object.entries(entry.see).map(([to, when]) => [t32Name(to), when])) }
      : {}),
    ...(unpredictable.length ? { unpredictable: unpredictable.join(' || ') } : {}),
  };
}

function inT32<T extends Table>(table: T): InT32<T> {
  return Object.fromEntries(
    Object.entries(table).map(([name, entry]) => [t32Name(name), t32Entry(name, entry)]),
  ) as InT32<T>;
}

/** Every floating-point encoding in T32. */
export const vfpT32 = inT32(vfp);

/** Every Advanced SIMD encoding in T32. */
export const neonT32 = inT32(neon);
