/** By which the host tells the hypervisor that it has done something in the channel, or what it wants: a page of its addresses without memory. */
import {
  DOORBELL,
  DOORBELL_CONSOLES,
  DOORBELL_GUEST,
  DOORBELL_HOST,
  DOORBELL_STATES,
  ORDER_BYTE,
  ORDER_GUESTS,
  ORDER_GUEST_SHIFT,
  ORDER_OFF,
  ORDER_POWER_KEY,
  ORDER_SEND,
  ORDER_START,
} from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { kick } from '../core/events.js';
import { takeHostRandom } from '../core/random.js';
import { uartAt } from '../core/uart.js';
import { DR } from '../generated/pl011.js';
import { lookAtHostTime } from '../core/rtc.js';
import { configuration, vcpuOf, vmAt } from '../core/vm.js';
import { barrier } from '../intrinsics.js';
import { pressKeyOf } from '../devices/commands.js';
import { lookAtUplink } from '../devices/network/uplink.js';
import { writeUart } from '../devices/pl011.js';
import { rungFor } from '../devices/virtio/mmio.js';
import { switchOff, switchOn } from '../scheduling/lifecycle.js';
import { showConsoles, showStates } from '../scheduling/states.js';

const DOORBELL_PAGE: u32 = (<u32>DOORBELL) >> 12;

export function isDoorbell(page: u32): bool {
  return page == DOORBELL_PAGE;
}

/** The host has written a word to the page. Of what it may write nothing is more than what it may ask for. */
export function rung(offset: u32, value: u32): void {
  // What it has begun with other peripherals is over.
  barrier.dsb();
  switch (offset) {
    case DOORBELL_HOST:
      lookAtHost();
      break;
    case DOORBELL_STATES:
      showStates();
      break;
    case DOORBELL_CONSOLES:
      showConsoles();
      break;
    case DOORBELL_GUEST:
      obey(value);
      break;
    default:
      rungFor(offset >> 2);
  }
}

/** The host has said something of itself, or of what it serves. */
function lookAtHost(): void {
  lookAtUplink();
  lookAtHostTime();
  takeHostRandom();
  for (let n: u32 = 1; n <= configuration(L.CONFIG_GUESTS); n++) {
    const vm = vmAt(n);
    if (vm.waitsForHost) kick(vcpuOf(vm, 0));
  }
}

/** Does what the host wants with a guest, if there is such a guest and such an order. */
function obey(order: u32): void {
  const byte = order & ORDER_BYTE;
  const number = (order >> ORDER_GUEST_SHIFT) & ORDER_GUESTS;
  if (number - 1 >= configuration(L.CONFIG_GUESTS)) return;
  const vm = vmAt(number);
  switch (order & ~(((<u32>ORDER_GUESTS) << ORDER_GUEST_SHIFT) | ORDER_BYTE)) {
    case ORDER_START:
      switchOn(vm);
      break;
    case ORDER_POWER_KEY:
      pressKeyOf(vm);
      break;
    case ORDER_OFF:
      switchOff(vm);
      break;
    case ORDER_SEND:
      // As its near end does.
      writeUart(uartAt(number, true), DR, byte);
  }
}
