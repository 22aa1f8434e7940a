/** The board's interrupt controllers as the host sees them while they are trapped. */
import { IRQ_SOURCE, LOCAL } from '../core/machine.js';
import { core } from '../core/vm.js';
import { CONTROLLER, ENABLE2, UART_BIT, gpuCore, isPending, showOn } from './interrupts.js';
import { mmio } from '../intrinsics.js';

const SOURCE_GPU: u32 = 1 << 8;
const BASIC_PENDING: u32 = 0x200;
const PENDING2: u32 = 0x208;
const DISABLE2: u32 = 0x220;
const BASIC_MORE_IN_2: u32 = 1 << 9;
const PAGE_BITS: u32 = 12;
const LOCAL_PAGE: u32 = (<u32>LOCAL) >> PAGE_BITS;
const CONTROLLER_PAGE: u32 = (<u32>CONTROLLER) >> PAGE_BITS;

/** Whether a page of the host's is one of the controllers'. */
export function isController(page: u32): bool {
  return page == LOCAL_PAGE || page == CONTROLLER_PAGE;
}

/** The host reads a trapped controller: what is there, and the one more interrupt. */
export function readController(address: u32, size: u32): u32 {
  let value = size == 4 ? mmio.read32(address) : size == 2 ? mmio.read16(address) : mmio.read8(address);
  if (!isPending()) return value;
  if (address == <u32>CONTROLLER + BASIC_PENDING) value |= BASIC_MORE_IN_2;
  else if (address == <u32>CONTROLLER + PENDING2) value |= UART_BIT;
  else if (address == <u32>IRQ_SOURCE + 4 * gpuCore()) value |= SOURCE_GPU;
  return value;
}

export function writeController(address: u32, size: u32, value: u32): void {
  const before = gpuCore();
  if (size == 4) mmio.write32(address, value);
  else if (size == 2) mmio.write16(address, value);
  else mmio.write8(address, value);
  // It may have enabled or disabled the interrupt, from whichever core, or have sent it to another.
  const index = gpuCore();
  if (before != index) showOn(before);
  if (
    before != index ||
    index == core().index ||
    address == <u32>CONTROLLER + ENABLE2 ||
    address == <u32>CONTROLLER + DISABLE2
  )
    showOn(index);
}
