import { PERIPHERAL_BASE } from '../board/bcm2836.js';

/** Whether a kernel takes a tree or ATAGS from a physical address: in RAM, at a whole word (Linux, arch/arm/kernel/head-common.S). */
export function isTreeAddress(address: number): boolean {
  return address % 4 === 0 && address < PERIPHERAL_BASE;
}
