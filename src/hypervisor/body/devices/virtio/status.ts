/** Status, features and the interrupt of a virtio device (virtio 1.2, 2.1, 2.2, 4.2.2). */
import { FIRST_VIRTIO_INTERRUPT } from '../../generated/guest-machine.js';
import * as L from '../../../shared/layout.js';
import { setLine } from '../../core/events.js';
import { Device } from './device.js';

/** Bits of Status. */
export const FEATURES_OK: u32 = 8;
export const DRIVER_OK: u32 = 4;
export const DEVICE_NEEDS_RESET: u32 = 64;
/** Bits of InterruptStatus. */
export const USED_BUFFER: u32 = 1;
export const CONFIGURATION_CHANGE: u32 = 2;
/** Features of all devices (6). */
export const INDIRECT_DESC: u32 = 1 << 28;
export const EVENT_IDX: u32 = 1 << 29;
/** Of the second word. */
export const VERSION_1: u32 = 1;

/** Whether a device's registers are those of the legacy interface. */
// @inline
export function isLegacy(device: Device): bool {
  return load<u32>(device.vm.record + 4 * L.GUEST_VIRTIO) == 1;
}

/** Whether its driver has it work. */
// @inline
export function isDriven(device: Device): bool {
  return (device.status & (DRIVER_OK | DEVICE_NEEDS_RESET)) == DRIVER_OK;
}

/** Makes an interrupt pending, or takes some back; its line is up while there is one. */
export function setInterrupts(device: Device, interrupts: u32): void {
  device.interrupts = interrupts;
  setLine(device.vm, FIRST_VIRTIO_INTERRUPT + device.slot, interrupts != 0);
}

/** What the driver has put into its memory cannot be: the device does nothing more until it is reset. */
export function breakDown(device: Device): void {
  if (device.status & DEVICE_NEEDS_RESET) return;
  device.status |= DEVICE_NEEDS_RESET;
  if (device.status & DRIVER_OK) setInterrupts(device, device.interrupts | CONFIGURATION_CHANGE);
}
