/** What of the host's accesses is trapped: its interrupt controllers, and the near ends of the consoles. */
import * as L from '../../shared/layout.js';
import { configuration } from '../core/vm.js';
import { sentToHypervisor } from '../devices/commands.js';
import { nearUart, readUart, writeUart } from '../devices/pl011.js';
import { DR } from '../generated/pl011.js';
import { isController, readController, writeController } from '../host/controllers.js';

const NEAR_UARTS_PAGE: u32 = (<u32>L.NEAR_UARTS) >> 12;

/** Whether a page without memory is a device's. */
export function isHostDevice(page: u32): bool {
  return isController(page) || page - NEAR_UARTS_PAGE <= configuration(L.CONFIG_GUESTS);
}

export function readHostDevice(page: u32, offset: u32, size: u32): u32 {
  if (isController(page)) return readController((page << 12) | offset, size);
  return readUart(nearUart(page), offset);
}

/** Gives whether the page is a device's. */
export function writeHostDevice(page: u32, offset: u32, size: u32, value: u32): bool {
  if (!isHostDevice(page)) return false;
  if (isController(page)) writeController((page << 12) | offset, size, value);
  else {
    writeUart(nearUart(page), offset, value);
    if (page == NEAR_UARTS_PAGE && offset == DR) sentToHypervisor(value & 0xff);
  }
  return true;
}
