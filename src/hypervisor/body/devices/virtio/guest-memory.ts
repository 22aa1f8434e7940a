/** A guest's memory as its virtio devices reach it: in HYP mode, too, it is where it is, while one of them is driven. */
import * as L from '../../../shared/layout.js';
import { mapMemory, unmapMemory } from '../../core/own-map.js';
import { Vm, memoryOf, memorySizeOf } from '../../core/vm.js';
import { drivenAt } from './device.js';

/**
 * Where some bytes are that a guest speaks of by a guest-physical address of two words.
 * @returns 0 where they are not all in its memory
 */
export function reach(vm: Vm, low: u32, high: u32, bytes: u32): usize {
  const size = memorySizeOf(vm);
  const offset = low - L.GUEST_RAM;
  if (high != 0 || offset > size || bytes > size - offset) return 0;
  return memoryOf(vm) + offset;
}

/** One more device of a machine is driven: with the first its memory is mapped. */
export function beginDriving(vm: Vm): void {
  const driven = load<u32>(drivenAt(vm));
  store<u32>(drivenAt(vm), driven + 1);
  if (driven == 0) mapMemory(memoryOf(vm), memorySizeOf(vm));
}

/** One less. */
export function endDriving(vm: Vm): void {
  const driven = load<u32>(drivenAt(vm)) - 1;
  store<u32>(drivenAt(vm), driven);
  if (driven == 0) unmapMemory(memoryOf(vm), memorySizeOf(vm));
}
