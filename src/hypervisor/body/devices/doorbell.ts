/** By which the host tells the hypervisor that it has done something in the channel: a page of its addresses without memory. */
import { DOORBELL, DOORBELL_HOST } from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { hasChannel } from '../core/channel.js';
import { kick } from '../core/events.js';
import { takeHostRandom } from '../core/random.js';
import { lookAtHostTime } from '../core/rtc.js';
import { configuration, vcpuOf, vmAt } from '../core/vm.js';
import { barrier } from '../intrinsics.js';
import { lookAtUplink } from './network/uplink.js';
import { rungFor } from './virtio/mmio.js';

const DOORBELL_PAGE: u32 = (<u32>DOORBELL) >> 12;

export function isDoorbell(page: u32): bool {
  return page == DOORBELL_PAGE && hasChannel();
}

/** The host has written to the page: for a port, or because of what it has said of itself or of what it serves. */
export function rung(offset: u32): void {
  // What it has begun with other peripherals is over.
  barrier.dsb();
  if (offset != <u32>DOORBELL_HOST) {
    rungFor(offset >> 2);
    return;
  }
  lookAtUplink();
  lookAtHostTime();
  takeHostRandom();
  for (let n: u32 = 1; n <= configuration(L.CONFIG_GUESTS); n++) {
    const vm = vmAt(n);
    if (vm.waitsForHost) kick(vcpuOf(vm, 0));
  }
}
