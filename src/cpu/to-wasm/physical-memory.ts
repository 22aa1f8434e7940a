/** RAM as units reach it by themselves: what interpreter/physical-memory.ts is to the interpreter. */
import * as L from '../layout.js';
import { locals } from './locals.js';
import type { Writer } from './writer.js';

const { target, address, place } = locals;

/** The address in WebAssembly's memory of what stands at `address`, of the entry at `place`. */
export const pushPlace = ({ code }: Writer): void => {
  code
    .get(address)
    .get(place)
    .access('i32.load', L.TLB + L.TLB_ADDEND)
    .op('i32.add');
};

/**
 * Whether the instruction at `target` is not the one at a physical address, by the entry at `address`.
 * @param bits that `target` has beside its address
 */
export const pushIsElsewhere = ({ code }: Writer, physical: number, bits: number): void => {
  code
    .get(target)
    .get(address)
    .access('i32.load', L.TLB + L.TLB_ADDEND)
    .op('i32.add');
  code.constant(L.RAM + physical + bits).op('i32.ne');
};
