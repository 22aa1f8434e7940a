/** The board's interrupt controllers as the host sees them while they are trapped. */
import {
  BASIC_PENDING,
  BASIC_PENDING_PENDING2,
  DISABLE2,
  ENABLE2,
  PENDING2,
} from '../generated/interrupt-controller.js';
import { GPU_ROUTING, IRQ_SOURCE, IRQ_SOURCE_GPU } from '../generated/local-peripherals.js';
import { CONTROLLER_PAGE, LOCAL_PAGE } from '../core/pages.js';
import { core } from '../core/vm.js';
import { gpuCore, pendingInterrupts, updateInjectionOn } from './interrupts.js';
import { barrier, mmio } from '../intrinsics.js';

const PAGE_BITS: u32 = 12;

/** Whether a page of the host's is one of the controllers'. */
export function isController(page: u32): bool {
  return page == LOCAL_PAGE >> PAGE_BITS || page == CONTROLLER_PAGE >> PAGE_BITS;
}

/** The host reads a trapped controller: what is there, and the interrupts of near ends. */
export function readController(address: u32, size: u32): u32 {
  let value = size == 4 ? mmio.read32(address) : size == 2 ? mmio.read16(address) : mmio.read8(address);
  const pending = pendingInterrupts();
  if (pending == 0) return value;
  if (address == <u32>BASIC_PENDING) value |= BASIC_PENDING_PENDING2;
  else if (address == <u32>PENDING2) value |= pending;
  else if (address == <u32>IRQ_SOURCE + 4 * gpuCore()) value |= IRQ_SOURCE_GPU;
  return value;
}

export function writeController(address: u32, size: u32, value: u32): void {
  const reroutes = (address & ~3) == <u32>GPU_ROUTING;
  const before = reroutes ? gpuCore() : 0;
  if (size == 4) mmio.write32(address, value);
  else if (size == 2) mmio.write16(address, value);
  else mmio.write8(address, value);
  // Done before a core is told of it, and before another peripheral is read (BCM2835, 1.3).
  barrier.dsb();
  // It may have enabled or disabled the interrupt, from whichever core, or have sent it to another.
  const index = gpuCore();
  const moved = reroutes && before != index;
  if (moved) updateInjectionOn(before);
  if (moved || index == core().index || address == <u32>ENABLE2 || address == <u32>DISABLE2)
    updateInjectionOn(index);
}
