/** Loads and stores: to RAM that the TLB knows; before all others the unit is left. */
import * as L from '../layout.js';
import type { AccessName, Code } from './code.js';
import { localOf, locals } from './locals.js';
import type { MicroOp } from './micro-op.js';
import { by, get, number, type Push, setTo, type Write } from './parts.js';
import { pushPlace } from './physical-memory.js';
import type { Writer } from './writer.js';

const { address, place, context, contextPlace, page, target } = locals;

/** Bytes of a page within which an access must lie, and the part of an address that is its page. */
export const PAGE_BYTES = 0x1000;
export const PAGE_MASK = 0xfffff000;
/** Sets `to` to the place, from TLB on, of the entry for what the local `of` addresses. */
export function findEntry(code: Code, of: number, to: number): Code {
  code.get(of).constant(L.TLB_ADDRESS_SHIFT).op('i32.shr_u').get(contextPlace).op('i32.xor');
  return code.constant(L.TLB_PLACE_MASK).op('i32.and').tee(to);
}

/**
 * With `address` set: sets `place` to the place of its TLB entry, from TLB on, and puts on the stack whether that is of its
 * page for such an access, and the address has none of the bits of `align`; or, by `i32.ne`, whether not.
 */
export function pushIsKnown(code: Code, key: number, align: number, how: 'i32.eq' | 'i32.ne'): void {
  findEntry(code, address, place).access('i32.load', L.TLB + key);
  code
    .get(address)
    .constant(PAGE_MASK | align)
    .op('i32.and')
    .get(context)
    .op('i32.or', how);
}
/** With `address` set: puts on the stack whether so many bytes from there on are of one page; or, by `i32.gt_u`, whether not. */
export function pushIsWithin(code: Code, bytes: number, how: 'i32.le_u' | 'i32.gt_u'): void {
  code
    .get(address)
    .constant(PAGE_BYTES - 1)
    .op('i32.and');
  code.constant(PAGE_BYTES - bytes).op(how);
}

/** With `address` set: leaves the unit before the micro-op unless {@link pushIsKnown}; then `place` is as it has it. */
export function lookUp(w: Writer, op: MicroOp, key: number, align: number): void {
  const { code } = w;
  pushIsKnown(code, key, align, 'i32.ne');
  code.open('if');
  w.leave(op.at);
  code.end();
}

type Size = 'word' | 'byte' | 'half' | 'signedByte' | 'signedHalf';
const LOADS: Readonly<Record<Size, readonly [AccessName, align: number]>> = {
  word: ['i32.load', 3],
  byte: ['i32.load8_u', 0],
  half: ['i32.load16_u', 1],
  signedByte: ['i32.load8_s', 0],
  signedHalf: ['i32.load16_s', 1],
};
const STORES = { word: ['i32.store', 3], byte: ['i32.store8', 0], half: ['i32.store16', 1] } as const;

/** How an address is made, and what the base register becomes. */
export interface Addressing {
  readonly address: Push;
  readonly base?: Push;
}
const pre = by(get('b'), number('imm'), 'i32.add');
export const OFFSET: Addressing = { address: pre };
export const PRE: Addressing = { address: pre, base: ({ code }) => code.get(address) };
export const POST: Addressing = {
  address: get('b'),
  base: by(({ code }) => code.get(address), number('imm'), 'i32.add'),
};
export const REGISTER: Addressing = {
  address: by(get('b'), get('imm'), number('ext'), 'i32.shl', 'i32.add'),
};
export const LITERAL: Addressing = { address: by(({ code }) => code.get(page), number('imm'), 'i32.add') };

export const load =
  (size: Size, how: Addressing): Write =>
  (w, op) => {
    const [name, align] = LOADS[size];
    how.address(w, op);
    w.code.set(address);
    lookUp(w, op, L.TLB_READ, align);
    pushPlace(w);
    w.code.access(name, 0);
    // What is loaded wins over what is written back.
    if (how.base) setTo('b', how.base)(w, op);
    w.code.set(localOf(op.a)!);
  };
export const store =
  (size: keyof typeof STORES, how: Addressing): Write =>
  (w, op) => {
    const [name, align] = STORES[size];
    how.address(w, op);
    w.code.set(address);
    lookUp(w, op, L.TLB_WRITE, align);
    pushPlace(w);
    w.code.get(localOf(op.a)!).access(name, 0);
    if (how.base) setTo('b', how.base)(w, op);
  };

const signedHalves = ({ ext }: MicroOp): readonly [number, number] => [(ext << 16) >> 16, ext >> 16];
const registersOf = ({ imm }: MicroOp): number[] =>
  Array.from({ length: 16 }, (_, i) => i).filter((i) => (imm >>> i) & 1);

/** With `address` set to the first word: the same as {@link lookUp} for as many words as there are registers. */
function lookUpMany(w: Writer, op: MicroOp, key: number): void {
  const { code } = w;
  lookUp(w, op, key, 3);
  pushIsWithin(code, registersOf(op).length * 4, 'i32.gt_u');
  code.open('if');
  w.leave(op.at);
  code.end();
  pushPlace(w);
  code.set(place);
}
/** Loads the registers from `place` on, and writes the base back: what is loaded wins. PC is not among the registers. */
function loadAll({ code }: Writer, op: MicroOp): void {
  const [, change] = signedHalves(op);
  const base = localOf(op.a)!;
  if (change !== 0) code.get(base).constant(change).op('i32.add').set(base);
  for (const [i, n] of registersOf(op).entries())
    if (n !== 15)
      code
        .get(place)
        .access('i32.load', i * 4)
        .set(n);
}

/** Sets `place` to where the first word is. */
function findMany(w: Writer, op: MicroOp, key: number): void {
  const [from] = signedHalves(op);
  w.code.get(localOf(op.a)!).constant(from).op('i32.add').set(address);
  lookUpMany(w, op, key);
}

export const loadMany: Write = (w, op) => {
  findMany(w, op, L.TLB_READ);
  loadAll(w, op);
};

/** The same with PC: sets `target` to what it becomes. @param guard what is written before anything else is loaded */
export function loadManyWithPc(w: Writer, op: MicroOp, guard: () => void): void {
  findMany(w, op, L.TLB_READ);
  w.code
    .get(place)
    .access('i32.load', (registersOf(op).length - 1) * 4)
    .set(target);
  guard();
  loadAll(w, op);
}

export const storeMany: Write = (w, op) => {
  const { code } = w;
  findMany(w, op, L.TLB_WRITE);
  for (const [i, n] of registersOf(op).entries())
    code
      .get(place)
      .get(n)
      .access('i32.store', i * 4);
  // What is stored is the base as it was.
  const [, change] = signedHalves(op);
  const base = localOf(op.a)!;
  if (change !== 0) code.get(base).constant(change).op('i32.add').set(base);
};

/** The registers, without PC, and the base, as they are written by a load of many. */
export const loadedBy = (op: MicroOp): number[] => [
  ...registersOf(op).filter((n) => n !== 15),
  ...(signedHalves(op)[1] === 0 ? [] : [localOf(op.a)!]),
];
