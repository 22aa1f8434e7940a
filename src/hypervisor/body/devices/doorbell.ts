/** By which the host tells the hypervisor that it has done something in the channel: a page of its addresses without memory. */
import { DOORBELL } from '../../../channel/layout.js';
import { hasChannel } from '../core/channel.js';

const DOORBELL_PAGE: u32 = (<u32>DOORBELL) >> 12;

export function isDoorbell(page: u32): bool {
  return page == DOORBELL_PAGE && hasChannel();
}

/** The host has written to the page. */
export function rung(_offset: u32): void {
  return;
}
