/**
 * What of the host's accesses is trapped: its interrupt controllers, the near ends of the consoles, and the two doorbells of
 * the channel.
 */
import * as L from '../../shared/layout.js';
import { configuration } from '../core/vm.js';
import { sentToHypervisor } from '../devices/commands.js';
import { nearUart, readUart, writeUart } from '../devices/pl011.js';
import { DR } from '../generated/pl011.js';
import { isBell, readBell, writeBell } from '../devices/bell.js';
import { isController, readController, writeController } from '../host/controllers.js';
import { isDoorbell, rung } from './doorbell.js';

const NEAR_UARTS_PAGE: u32 = (<u32>L.NEAR_UARTS) >> 12;

/** Whether a page is a near end's of the consoles. */
// @inline
function isConsole(page: u32): bool {
  return page - NEAR_UARTS_PAGE <= configuration(L.CONFIG_GUESTS);
}

/** Whether a page without memory is a device's. */
export function isHostDevice(page: u32): bool {
  return isController(page) || isConsole(page) || isChannels(page);
}

export function readHostDevice(page: u32, offset: u32, size: u32): u32 {
  if (isController(page)) return readController((page << 12) | offset, size);
  if (isConsole(page)) return readUart(nearUart(page), offset);
  return readChannels(page, offset);
}

/** Gives whether the page is a device's. */
export function writeHostDevice(page: u32, offset: u32, size: u32, value: u32): bool {
  if (isController(page)) writeController((page << 12) | offset, size, value);
  else if (isConsole(page)) {
    writeUart(nearUart(page), offset, value);
    if (page == NEAR_UARTS_PAGE && offset == DR) sentToHypervisor(value & 0xff);
  } else return writeChannels(page, offset, value);
  return true;
}

// --- the channel's two pages; apart, so that what there is beside guests without one takes no longer

function isChannels(page: u32): bool {
  return isBell(page) || isDoorbell(page);
}

function readChannels(page: u32, offset: u32): u32 {
  return isBell(page) ? readBell(offset) : 0;
}

function writeChannels(page: u32, offset: u32, value: u32): bool {
  if (isDoorbell(page)) rung(offset, value);
  else if (isBell(page)) writeBell(offset, value);
  else return false;
  return true;
}
