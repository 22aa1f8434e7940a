/** The fields of each operation, as types, from the diagrams in the tables of src/isa. */
import type { a32 } from '../isa/a32/index.js';
import type { FieldsOf } from '../isa/decoder.js';
import type { Fields } from '../isa/pattern.js';
import type { t32 } from '../isa/t32/index.js';
import type { FieldNamesLikeA32 } from './t32-fields.js';

type A32 = typeof a32;
type T32 = typeof t32;

/** The encodings of an operation, by the end of their names. */
type Suffix = 'A1' | 'A2' | 'T1' | 'T2' | 'T3' | 'T4';
/** An entry's name without the encoding: the operation's. */
type OperationOf<Key, S extends string = Suffix> = S extends S
  ? Key extends `${infer Operation}_${S}`
    ? Operation
    : never
  : never;

/** For each operation the names of the fields of each of its encodings, as a union of tuples of one. */
type A32Names = { [Key in keyof A32 as OperationOf<Key>]: NamesOfA32<Key> };
type T32Names = { [Key in keyof T32 as OperationOf<Key>]: NamesOfT32<Key> };
type NamesOfA32<Key extends keyof A32> = Key extends Key ? [keyof FieldsOf<A32, Key>] : never;
type NamesOfT32<Key extends keyof T32> = Key extends Key ? [FieldNamesLikeA32<Key>] : never;

/** The operations of the two instruction sets. */
export type A32Operation = keyof A32Names;
export type T32Operation = keyof T32Names;
export type Operation = A32Operation | T32Operation;

/** Names that some encoding has; and of those the ones that every encoding has. */
type InSome<Names> = Names extends [infer Name extends string] ? Name : never;
type InAll<Name, Names> = Name extends string ? ([Lacks<Name, Names>] extends [never] ? Name : never) : never;
type Lacks<Name, Names> = Names extends [infer One] ? (Name extends One ? never : true) : never;

type Joined<Names> = Fields<InAll<InSome<Names>, Names>> &
  Partial<Fields<Exclude<InSome<Names>, InAll<InSome<Names>, Names>>>>;

type NamesIn<Table, Op> = Op extends keyof Table ? Table[Op] : never;

/** The fields of an operation in A32: those that not every encoding has may be missing. */
export type A32Fields<Op extends Operation> = Joined<NamesIn<A32Names, Op>>;
/** The same in T32, where they are made like A32's. */
export type T32Fields<Op extends Operation> = Joined<NamesIn<T32Names, Op>>;
/** The same in both. */
export type OperationFields<Op extends Operation> = Joined<NamesIn<A32Names, Op> | NamesIn<T32Names, Op>>;

/** The name of a field of any operation. */
export type FieldName = InSome<A32Names[A32Operation] | T32Names[T32Operation]>;

/** Fields that code for several operations needs, and those that it can do without. */
export type Needs<Required extends FieldName = never, Optional extends FieldName = never> = Fields<Required> &
  Partial<Fields<Optional>>;
