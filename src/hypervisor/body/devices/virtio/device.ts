/** What is kept of a virtio device and its queues (virtio 1.2, 2.1, 2.7, 4.2.2). All of it is changed under its machine's lock. */
import * as L from '../../../shared/layout.js';
import { VIRTIO_STATE } from '../../generated/guest-machine.js';
import { Vm } from '../../core/vm.js';

// @external('address', 'devices')
declare function devices(): usize;

/** Device types (5). */
export const NETWORK_DEVICE: u32 = 1;
export const BLOCK_DEVICE: u32 = 2;
export const ENTROPY_DEVICE: u32 = 4;

@unmanaged
export class Queue {
  /** Entries, QueueNum. */
  size: u32;
  ready: u32;
  /** Where the driver says that its parts are: guest-physical, two words each. */
  descriptorsLow: u32;
  descriptorsHigh: u32;
  availableLow: u32;
  availableHigh: u32;
  usedLow: u32;
  usedHigh: u32;
  /** Of a legacy driver: QueuePFN and QueueAlign. */
  page: u32;
  alignment: u32;
  /** Where these parts are, while it is ready. */
  descriptors: usize;
  available: usize;
  used: usize;
  /** How many entries of the available ring were taken, of the used one put, and of how many the driver was told; modulo 2^16. */
  taken: u32;
  put: u32;
  told: u32;
}

@unmanaged
export class Device {
  /** Its type; 0 where there is none. */
  type: u32;
  vm: Vm;
  /** Its slot among its machine's, and its port in the channel. */
  slot: u32;
  port: u32;
  status: u32;
  deviceFeaturesSelect: u32;
  driverFeaturesSelect: u32;
  /** What the driver has accepted. */
  features: u32;
  featuresHigh: u32;
  queueSelect: u32;
  /** InterruptStatus. */
  interrupts: u32;
  /** GuestPageSize of a legacy driver. */
  pageSize: u32;

  // --- of a disk: what it is to its guest since that was started
  sectors: u64;
  readOnly: u32;
  /** How often its guest was started. */
  generation: u32;
  /** Its number among its guest's disks. */
  number: u32;
  // What it was given and has done, of requests and of bytes of the ring of their data: for ever, modulo 2^32.
  requestsPut: u32;
  requestsDone: u32;
  dataPut: u32;
  dataTaken: u32;
  /** Of a request that has more data than one of the channel's: its chain, and the bytes that are given to the host already. */
  partHead: u32;
  partAt: u32;
  /** What became of the parts that are done. */
  partStatus: u32;
  /** The header of the request that is looked at, or the range that it is for. */
  header0: u32;
  header1: u32;
  header2: u32;
  header3: u32;
}

const QUEUE_SIZE: usize = 64;
/** Where a device's queues are in its block. */
const QUEUES: usize = <usize>L.DEVICE_SIZE - 2 * QUEUE_SIZE;

if (offsetof<Queue>() > QUEUE_SIZE || offsetof<Device>() > QUEUES) ERROR('layout of a virtio device');

/** What a machine keeps of its devices: a lock, how many of them are driven, a byte a slot. */
const DRIVEN: usize = 4;
const SLOTS: usize = 8;

/** The lock of all virtio devices of a machine. */
// @inline
export function lockOf(vm: Vm): usize {
  return changetype<usize>(vm) + VIRTIO_STATE;
}

// @inline
export function drivenAt(vm: Vm): usize {
  return changetype<usize>(vm) + VIRTIO_STATE + DRIVEN;
}

// @inline
export function noDevice(): Device {
  return changetype<Device>(0);
}

/** The device of a port, or behind these one of a machine's own. */
// @inline
export function deviceAt(n: u32): Device {
  return changetype<Device>(devices() + n * L.DEVICE_SIZE);
}

/** The device in a slot; null where there is none. */
export function deviceIn(vm: Vm, slot: u32): Device {
  const n = <u32>load<u8>(changetype<usize>(vm) + VIRTIO_STATE + SLOTS + slot);
  return n == 0 ? noDevice() : deviceAt(n - 1);
}

/** Puts a device into a slot. */
export function plug(vm: Vm, slot: u32, n: u32, type: u32): Device {
  const device = deviceAt(n);
  device.type = type;
  device.vm = vm;
  device.slot = slot;
  device.port = n;
  store<u8>(changetype<usize>(vm) + VIRTIO_STATE + SLOTS + slot, <u8>(n + 1));
  return device;
}

// @inline
export function queueOf(device: Device, n: u32): Queue {
  return changetype<Queue>(changetype<usize>(device) + QUEUES + n * QUEUE_SIZE);
}

/** How many queues a device has. */
// @inline
export function queuesOf(device: Device): u32 {
  return device.type == NETWORK_DEVICE ? 2 : 1;
}
