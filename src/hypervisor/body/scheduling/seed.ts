/** /chosen/rng-seed in a guest's tree: other random bytes at each start. */
import * as L from '../../shared/layout.js';
import { CHOSEN, NOP, RNG_SEED, findProperty } from '../core/device-tree.js';
import { isSeeded, putRandom } from '../core/random.js';
import { Vm } from '../core/vm.js';
import { shared, word } from '../intrinsics.js';

/** Token, length and name in front of a property's value. */
const HEADER: usize = 12;

/**
 * Puts them into a tree that was copied to a machine's memory. Where there are none the property goes: a kernel believes
 * what it says.
 * @param copy where the tree is, in this core's window
 */
export function freshSeed(vm: Vm, copy: usize): void {
  const tree: usize = load<u32>(vm.record + 4 * L.GUEST_TREE);
  const length = findProperty(tree, CHOSEN, RNG_SEED);
  if (length == 0) return;
  const value = copy + (length - tree) + 8;
  if (isSeeded()) putRandom(value);
  else
    for (let i: usize = 0; i < HEADER + L.RNG_SEED_SIZE; i += 4)
      shared.store32(value - HEADER + i, word.rev(NOP));
}
