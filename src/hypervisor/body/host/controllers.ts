/** The board's interrupt controllers as the host sees them while they are trapped. */
import {
  BASIC_PENDING,
  BASIC_PENDING_PENDING2,
  DISABLE2,
  ENABLE2,
  PENDING2,
} from '../generated/interrupt-controller.js';
import {
  GPU_ROUTING,
  GPU_ROUTING_FIQ,
  GPU_ROUTING_IRQ,
  IRQ_SOURCE,
  IRQ_SOURCE_CNTHPIRQ,
  IRQ_SOURCE_GPU,
  LOCAL_INT_ROUTING,
  LOCAL_INT_ROUTING_CORE,
  MAILBOXES_ROUTING,
  MAILBOX_SET,
  PMU_ROUTING_CLR,
  PMU_ROUTING_SET,
  TIMERS_ROUTING,
} from '../generated/local-peripherals.js';
import * as L from '../../shared/layout.js';
import { FIQ_SHIFT, MAILBOX1, MAILBOX3_FIQ } from '../core/mailbox.js';
import { CONTROLLER_PAGE, LOCAL_PAGE } from '../core/pages.js';
import { configuration, core } from '../core/vm.js';
import { gpuCore, hasLines, pendingInterrupts, updateInjectionOn } from './interrupts.js';
import { barrier, mmio } from '../intrinsics.js';

const PAGE_BITS: u32 = 12;
const PAGE_MASK: u32 = 0xfff;
/** In the local controller's page: registers of routing, a word a core; mailboxes, 16 bytes a core; what is behind all. */
const ROUTINGS: u32 = <u32>TIMERS_ROUTING - LOCAL_PAGE;
const ROUTINGS_SIZE: u32 = 0x20;
const MAILBOXES: u32 = <u32>MAILBOX_SET - LOCAL_PAGE;
const END: u32 = 0x100;
/** Bits of routing that are the hypervisor's: its line to a core, and what a core that has not begun waits for. */
const TIMERS_KEPT: u32 = IRQ_SOURCE_CNTHPIRQ << FIQ_SHIFT;
const MAILBOXES_KEPT: u32 = (MAILBOX1 << FIQ_SHIFT) | MAILBOX3_FIQ;

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

/** The host writes a trapped controller. */
export function writeController(address: u32, size: u32, value: u32): void {
  if (address >> PAGE_BITS == LOCAL_PAGE >> PAGE_BITS) {
    writeLocal(address & PAGE_MASK, size, value);
    return;
  }
  if (size == 4) mmio.write32(address, value);
  else if (size == 2) mmio.write16(address, value);
  else mmio.write8(address, value);
  // Done before a core is told of it, and before another peripheral is read (BCM2835, 1.3).
  barrier.dsb();
  // It may have enabled or disabled the interrupt, from whichever core.
  const index = gpuCore();
  if (index == core().index || address == <u32>ENABLE2 || address == <u32>DISABLE2) updateInjectionOn(index);
}

/**
 * Whether a word that the host writes to the local controller goes there. What is the guests' cores' does not, nor
 * what the guests' time comes from, nor mailbox 1, by which the hypervisor rings; nor what is behind the registers, where they may
 * be seen again. Raspberry Pi's kernels up to 4.4 write to the routing of all four cores.
 */
function isHosts(offset: u32, value: u32): bool {
  const cores = configuration(L.CONFIG_HOST_CORES);
  if (offset >= END) return false;
  if (offset >= MAILBOXES) return ((offset >> 4) & 3) < cores && (offset & 0xc) != 4;
  if (offset >= ROUTINGS) return ((offset >> 2) & 3) < cores;
  if (offset >= <u32>LOCAL_INT_ROUTING - LOCAL_PAGE)
    return offset != <u32>LOCAL_INT_ROUTING - LOCAL_PAGE || (value & LOCAL_INT_ROUTING_CORE) < cores;
  if (offset == <u32>GPU_ROUTING - LOCAL_PAGE)
    return (value & GPU_ROUTING_IRQ) < cores && (value & GPU_ROUTING_FIQ) >> ctz(GPU_ROUTING_FIQ) < cores;
  return offset == <u32>PMU_ROUTING_SET - LOCAL_PAGE || offset == <u32>PMU_ROUTING_CLR - LOCAL_PAGE;
}

/** The host writes to the local controller. Its registers are words. */
export function writeLocal(offset: u32, size: u32, value: u32): void {
  const address = <usize>(LOCAL_PAGE + offset);
  const reroutes = offset == <u32>GPU_ROUTING - LOCAL_PAGE;
  const before = reroutes ? gpuCore() : 0;
  if (size == 4 && isHosts(offset, value)) {
    // The hypervisor's bits stay as they are (fiq.ts).
    if (offset - ROUTINGS < ROUTINGS_SIZE)
      value |=
        mmio.read32(address) & (offset < <u32>MAILBOXES_ROUTING - LOCAL_PAGE ? TIMERS_KEPT : MAILBOXES_KEPT);
    mmio.write32(address, value);
  }
  // Done before a core is told of it, and before another peripheral is read (BCM2835, 1.3).
  barrier.dsb();
  // An interrupt between the host's cores has nothing to do with the GPU's.
  if (!reroutes && !hasLines()) return;
  if (reroutes) updateInjectionOn(before);
  const index = gpuCore();
  if (reroutes || index == core().index) updateInjectionOn(index);
}
