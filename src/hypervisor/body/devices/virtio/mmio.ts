/** Registers of virtio devices over MMIO (virtio 1.2, 4.2.2; 4.2.4 of the legacy interface), a slot of 512 bytes each. */
import * as L from '../../../shared/layout.js';
import { KIND_NETWORK, MOST_PORTS } from '../../../../channel/layout.js';
import { portRecord } from '../../core/channel.js';
import { lock, unlock } from '../../core/locks.js';
import { Vcpu, Vm, configuration } from '../../core/vm.js';
import { ringHost } from '../bell.js';
import { notifyCard } from '../network/switch.js';
import { isUplink, takeUplink, updateOffloads } from '../network/uplink.js';
import {
  beginDisk,
  diskConfiguration,
  diskFeatures,
  dropRequests,
  isOffered,
  serveDisk,
  takeDone,
} from './block.js';
import {
  BLOCK_DEVICE,
  ENTROPY_DEVICE,
  Device,
  NETWORK_DEVICE,
  Queue,
  deviceAt,
  deviceIn,
  lockOf,
  noDevice,
  plug,
  queueOf,
  queuesOf,
} from './device.js';
import { serveEntropy } from './entropy.js';
import { beginDriving, endDriving } from './guest-memory.js';
import { NETWORK_FEATURES, networkConfiguration } from './net.js';
import { MOST_ENTRIES, makeReady } from './queue.js';
import {
  DEVICE_NEEDS_RESET,
  DRIVER_OK,
  EVENT_IDX,
  FEATURES_OK,
  INDIRECT_DESC,
  VERSION_1,
  isLegacy,
  setInterrupts,
} from './status.js';

const MAGIC_VALUE: u32 = 0x00;
const VERSION: u32 = 0x04;
const DEVICE_ID: u32 = 0x08;
const VENDOR_ID: u32 = 0x0c;
const DEVICE_FEATURES: u32 = 0x10;
const DEVICE_FEATURES_SEL: u32 = 0x14;
const DRIVER_FEATURES: u32 = 0x20;
const DRIVER_FEATURES_SEL: u32 = 0x24;
const QUEUE_SEL: u32 = 0x30;
const QUEUE_NUM_MAX: u32 = 0x34;
const QUEUE_NUM: u32 = 0x38;
const QUEUE_READY: u32 = 0x44;
const QUEUE_NOTIFY: u32 = 0x50;
const INTERRUPT_STATUS: u32 = 0x60;
const INTERRUPT_ACK: u32 = 0x64;
const STATUS: u32 = 0x70;
const QUEUE_DESC_LOW: u32 = 0x80;
const QUEUE_DESC_HIGH: u32 = 0x84;
const QUEUE_DRIVER_LOW: u32 = 0x90;
const QUEUE_DRIVER_HIGH: u32 = 0x94;
const QUEUE_DEVICE_LOW: u32 = 0xa0;
const QUEUE_DEVICE_HIGH: u32 = 0xa4;
const SHM_LEN_LOW: u32 = 0xb0;
const SHM_BASE_HIGH: u32 = 0xbc;
const CONFIG: u32 = 0x100;
// Of the legacy interface.
const GUEST_PAGE_SIZE: u32 = 0x28;
const QUEUE_ALIGN: u32 = 0x3c;
const QUEUE_PFN: u32 = 0x40;

const SLOTS: u32 = L.VIRTIO_SLOTS;
const SLOT_SIZE: u32 = L.VIRTIO_SLOT_SIZE;
/** "virt", little-endian. */
const MAGIC: u32 = 0x7472_6976;
/** "HYPB", as the file's. */
const VENDOR: u32 = L.FILE_MAGIC;

/** A machine's devices, each in its slot: those of its ports in their order, then what gives random bytes. */
export function plugDevices(vm: Vm): void {
  let slot: u32 = 0;
  let disks: u32 = 0;
  for (let port: u32 = 0; port < configuration(L.CONFIG_PORTS); port++) {
    if (portRecord(port, L.PORT_GUEST) != vm.number) continue;
    if (portRecord(port, L.PORT_KIND) == KIND_NETWORK) plug(vm, slot++, port, NETWORK_DEVICE);
    else plug(vm, slot++, port, BLOCK_DEVICE).number = disks++;
  }
  plug(vm, slot, MOST_PORTS + vm.number, ENTROPY_DEVICE);
}

/** Whether the host serves all disks of a machine. */
export function hasItsDisks(vm: Vm): bool {
  for (let slot: u32 = 0; slot < SLOTS; slot++) {
    const device = deviceIn(vm, slot);
    if (device != noDevice() && device.type == BLOCK_DEVICE && !isOffered(device.port)) return false;
  }
  return true;
}

// @inline
function featuresOf(device: Device): u32 {
  let own: u32 = 0;
  if (device.type == NETWORK_DEVICE) own = NETWORK_FEATURES;
  else if (device.type == BLOCK_DEVICE) own = diskFeatures(device);
  return own | INDIRECT_DESC | EVENT_IDX;
}

/** Whether the driver has taken features that there are, and the one that a device of today's registers must have. */
function agrees(device: Device): bool {
  return (device.features & ~featuresOf(device)) == 0 && device.featuresHigh == VERSION_1;
}

/** As reset leaves it: nothing is written to its guest's memory from here on. */
function resetDevice(device: Device): void {
  if (device.status & DRIVER_OK) endDriving(device.vm);
  if (device.type == BLOCK_DEVICE) dropRequests(device);
  device.status = 0;
  device.deviceFeaturesSelect = 0;
  device.driverFeaturesSelect = 0;
  device.features = 0;
  device.featuresHigh = 0;
  device.queueSelect = 0;
  device.pageSize = 0;
  for (let n: u32 = 0; n < queuesOf(device); n++) {
    const queue = queueOf(device, n);
    queue.size = 0;
    queue.page = 0;
    queue.alignment = 0;
    queue.ready = 0;
  }
  setInterrupts(device, 0);
}

/** A machine has stopped: its memory is its devices' no more. */
export function stopDevices(vm: Vm): void {
  const at = lockOf(vm);
  lock(at);
  for (let slot: u32 = 0; slot < SLOTS; slot++) {
    const device = deviceIn(vm, slot);
    if (device != noDevice()) resetDevice(device);
  }
  unlock(at);
  updateOffloads();
}

/** It begins: its devices are as reset leaves them already. */
export function resetMachine(vm: Vm): void {
  const at = lockOf(vm);
  lock(at);
  for (let slot: u32 = 0; slot < SLOTS; slot++) {
    const device = deviceIn(vm, slot);
    if (device != noDevice() && device.type == BLOCK_DEVICE) beginDisk(device);
  }
  unlock(at);
}

/** The host has rung for a port. */
export function rungFor(port: u32): void {
  if (port >= configuration(L.CONFIG_PORTS)) return;
  if (isUplink(port)) {
    takeUplink();
    return;
  }
  const device = deviceAt(port);
  if (device.type != BLOCK_DEVICE) return;
  const at = lockOf(device.vm);
  lock(at);
  const rings = takeDone(device);
  unlock(at);
  if (rings) ringHost(port);
}

export function read(vcpu: Vcpu, offset: u32): u32 {
  const slot = offset / SLOT_SIZE;
  const register = offset & (SLOT_SIZE - 1);
  const device = slot < SLOTS ? deviceIn(vcpu.vm, slot) : noDevice();
  if (device == noDevice()) return 0;
  if (register >= CONFIG) {
    if (device.type == NETWORK_DEVICE) return networkConfiguration(device, register - CONFIG);
    return device.type == BLOCK_DEVICE ? diskConfiguration(device, register - CONFIG) : 0;
  }
  const legacy = isLegacy(device);
  switch (register) {
    case MAGIC_VALUE:
      return MAGIC;
    case VERSION:
      return legacy ? 1 : 2;
    case DEVICE_ID:
      return device.type;
    case VENDOR_ID:
      return VENDOR;
    case DEVICE_FEATURES:
      if (device.deviceFeaturesSelect == 0) return featuresOf(device);
      return device.deviceFeaturesSelect == 1 && !legacy ? VERSION_1 : 0;
    case QUEUE_NUM_MAX:
      return device.queueSelect < queuesOf(device) ? MOST_ENTRIES : 0;
    case QUEUE_READY:
    case QUEUE_PFN: {
      if (device.queueSelect >= queuesOf(device)) return 0;
      const queue = queueOf(device, device.queueSelect);
      if (legacy) return register == QUEUE_PFN ? queue.page : 0;
      return register == QUEUE_READY ? queue.ready : 0;
    }
    case INTERRUPT_STATUS:
      return device.interrupts;
    case STATUS:
      return device.status;
  }
  // There is no shared memory: its length is -1 (4.2.2).
  return register >= SHM_LEN_LOW && register <= SHM_BASE_HIGH && !legacy ? <u32>-1 : 0;
}

/** Gives whether it is done; otherwise the guest is to do it again. */
export function write(vcpu: Vcpu, offset: u32, size: u32, value: u32): bool {
  const slot = offset / SLOT_SIZE;
  const device = slot < SLOTS ? deviceIn(vcpu.vm, slot) : noDevice();
  if (device == noDevice() || size != 4) return true;
  const register = offset & (SLOT_SIZE - 1);
  const isCard = device.type == NETWORK_DEVICE;
  // Frames may be for other machines, whose locks are not taken under this one's.
  if (isCard && register == QUEUE_NOTIFY) return notifyCard(device, value);
  const at = lockOf(vcpu.vm);
  lock(at);
  const rings = writeRegister(device, register, value);
  unlock(at);
  if (rings) ringHost(device.port);
  if (isCard && register == STATUS) updateOffloads();
  if (device.type == ENTROPY_DEVICE && (register == QUEUE_NOTIFY || register == STATUS)) serveEntropy(device);
  return true;
}

/** Gives whether the host is to be told. */
function writeRegister(device: Device, register: u32, value: u32): bool {
  switch (register) {
    case QUEUE_NOTIFY:
      return device.type == BLOCK_DEVICE && value < queuesOf(device) && serveDisk(device);
    case INTERRUPT_ACK:
      setInterrupts(device, device.interrupts & ~value);
      return false;
    case STATUS:
      return writeStatus(device, value);
    case DEVICE_FEATURES_SEL:
      device.deviceFeaturesSelect = value;
      return false;
    case DRIVER_FEATURES_SEL:
      device.driverFeaturesSelect = value;
      return false;
    case DRIVER_FEATURES:
      // What was agreed upon stays (3.1.1).
      if (device.status & (FEATURES_OK | DRIVER_OK)) return false;
      if (device.driverFeaturesSelect == 0) device.features = value;
      else if (device.driverFeaturesSelect == 1) device.featuresHigh = value;
      return false;
    case QUEUE_SEL:
      device.queueSelect = value;
      return false;
    case GUEST_PAGE_SIZE:
      device.pageSize = value;
      return false;
  }
  if (device.queueSelect < queuesOf(device))
    writeQueue(device, queueOf(device, device.queueSelect), register, value);
  return false;
}

/** Gives whether the host is to be told: a driver may have made requests available before it was done. */
function writeStatus(device: Device, value: u32): bool {
  if (value == 0) {
    resetDevice(device);
    return false;
  }
  const before = device.status;
  const legacy = isLegacy(device);
  let status = (value & ~DEVICE_NEEDS_RESET) | (before & (DEVICE_NEEDS_RESET | DRIVER_OK));
  // A driver looks whether this bit has stayed (3.1.1).
  if ((status & ~before & FEATURES_OK) != 0 && (legacy || !agrees(device))) status &= ~FEATURES_OK;
  if (legacy) device.features &= featuresOf(device);
  else if ((status & FEATURES_OK) == 0) status &= ~DRIVER_OK | (before & DRIVER_OK);
  device.status = status;
  if ((status & ~before & DRIVER_OK) == 0) return false;
  beginDriving(device.vm);
  return device.type == BLOCK_DEVICE && serveDisk(device);
}

/** A register of a queue, which is not changed any more once it is ready. */
function writeQueue(device: Device, queue: Queue, register: u32, value: u32): void {
  if (isLegacy(device)) {
    writeLegacyQueue(device, queue, register, value);
    return;
  }
  if (register == QUEUE_READY) {
    if (value == 0) queue.ready = 0;
    else if (!queue.ready) makeReady(device, queue);
    return;
  }
  if (queue.ready) return;
  switch (register) {
    case QUEUE_NUM:
      queue.size = value;
      return;
    case QUEUE_DESC_LOW:
      queue.descriptorsLow = value;
      return;
    case QUEUE_DESC_HIGH:
      queue.descriptorsHigh = value;
      return;
    case QUEUE_DRIVER_LOW:
      queue.availableLow = value;
      return;
    case QUEUE_DRIVER_HIGH:
      queue.availableHigh = value;
      return;
    case QUEUE_DEVICE_LOW:
      queue.usedLow = value;
      return;
    case QUEUE_DEVICE_HIGH:
      queue.usedHigh = value;
  }
}

/** The same of the legacy interface: the three parts lie behind each other from a page on (2.7.2, 4.2.4). */
function writeLegacyQueue(device: Device, queue: Queue, register: u32, value: u32): void {
  if (register == QUEUE_PFN && value == 0) {
    queue.page = 0;
    queue.ready = 0;
    return;
  }
  if (queue.ready) return;
  switch (register) {
    case QUEUE_NUM:
      queue.size = value;
      return;
    case QUEUE_ALIGN:
      queue.alignment = value;
      return;
    case QUEUE_PFN: {
      queue.page = value;
      const size = min(queue.size, MOST_ENTRIES);
      const mask = <u64>queue.alignment - 1;
      const descriptors = <u64>value * device.pageSize;
      const available = descriptors + 16 * size;
      const used = (available + 6 + 2 * size + mask) & ~mask;
      queue.descriptorsLow = <u32>descriptors;
      queue.descriptorsHigh = <u32>(descriptors >> 32);
      queue.availableLow = <u32>available;
      queue.availableHigh = <u32>(available >> 32);
      queue.usedLow = <u32>used;
      queue.usedHigh = <u32>(used >> 32);
      makeReady(device, queue);
    }
  }
}
