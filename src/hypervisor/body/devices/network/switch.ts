/**
 * The switch among guests' network cards and the host. A frame is copied out of its sender's memory, or the uplink's ring,
 * into the core's own record, under the lock of that; then into a receiver's under the lock of that: no two are held, so
 * none waits for the other. All of it is done on the sender's core, in its time.
 */
import { FLAG_ISOLATED, KIND_NETWORK } from '../../../../channel/layout.js';
import * as L from '../../../shared/layout.js';
import { portRecord, showPut } from '../../core/channel.js';
import { lock, unlock } from '../../core/locks.js';
import { configuration } from '../../core/vm.js';
import { ringHost } from '../bell.js';
import { Device, deviceAt, lockOf, noDevice, queueOf } from '../virtio/device.js';
import { RECEIVE_QUEUE, TRANSMIT_QUEUE, receive, refill, takeFrame } from '../virtio/net.js';
import { NONE, nextOrNotify, tellDriver } from '../virtio/queue.js';
import { FRAME, ownRecord } from './header.js';
import { putRecord } from './host-ring.js';

/** What is done of a queue at once: so many frames, and no new one when it was so many bytes. */
const MOST_FRAMES: u32 = 64;
const MOST_BYTES: u32 = 0x1_0000;
/** Of the first byte of an address: it is that of several (IEEE 802.3, 3.2.3). */
const GROUP: u32 = 1;
/** Where in a frame the sender's address is, behind the receiver's. */
const SOURCE: usize = 6;

/** Whether a port is a network card's that sees other guests, or is any where the host looks. */
function isCard(port: u32, forHost: bool): bool {
  if (portRecord(port, L.PORT_KIND) != KIND_NETWORK) return false;
  return forHost || (portRecord(port, L.PORT_FLAGS) & FLAG_ISOLATED) == 0;
}

/** Whether the address at a place, which is even, is that of a port's card. */
// @inline
function isAddressOf(port: u32, at: usize): bool {
  const high = portRecord(port, L.PORT_MAC + 1);
  return (
    load<u16>(at + 4) == high && (load<u16>(at) | (load<u16>(at + 2) << 16)) == portRecord(port, L.PORT_MAC)
  );
}

// @inline
function isForAll(record: usize): bool {
  return (load<u8>(record + FRAME) & GROUP) != 0;
}

/**
 * The card that a frame for one is for, of those that its sender reaches; null where there is none.
 * @param sender null where it is the host
 */
function receiverOf(sender: Device, record: usize): Device {
  for (let port: u32 = 0; port < configuration(L.CONFIG_PORTS); port++) {
    const device = deviceAt(port);
    if (device != sender && isCard(port, sender == noDevice()) && isAddressOf(port, record + FRAME))
      return device;
  }
  return noDevice();
}

/** Gives a frame of so many bytes to all cards that its sender reaches; that is null where it is the host. */
function giveToAll(sender: Device, record: usize, bytes: u32): void {
  for (let port: u32 = 0; port < configuration(L.CONFIG_PORTS); port++) {
    const device = deviceAt(port);
    if (device != sender && isCard(port, sender == noDevice())) receive(device, record, bytes);
  }
}

/** Gives a frame of the host's, of so many bytes, to the cards that it is for. */
export function giveToCards(record: usize, bytes: u32): void {
  const host = noDevice();
  if (isForAll(record)) {
    giveToAll(host, record, bytes);
    return;
  }
  const receiver = receiverOf(host, record);
  if (receiver != noDevice()) receive(receiver, record, bytes);
}

/**
 * Takes what a card's driver has to send, as much as is done at once. No lock is held.
 * @returns whether that was all; otherwise this is to be called again
 */
function transmit(device: Device): bool {
  const at = lockOf(device.vm);
  const queue = queueOf(device, TRANSMIT_QUEUE);
  const record = ownRecord();
  const seesGuests = isCard(device.port, false);
  let frames: u32 = 0;
  let total: u32 = 0;
  let all = true;
  lock(at);
  const before = device.dataPut;
  while (true) {
    const head = nextOrNotify(device, queue);
    if (head == NONE) break;
    if (frames == MOST_FRAMES || total >= MOST_BYTES) {
      all = false;
      break;
    }
    frames++;
    const bytes = takeFrame(device, queue, head, record);
    total += bytes;
    // It cannot send as somebody else.
    if (bytes == 0 || !isAddressOf(device.port, record + FRAME + SOURCE)) continue;
    const forAll = isForAll(record);
    const neighbour = seesGuests && !forAll ? receiverOf(device, record) : noDevice();
    if (neighbour == noDevice()) {
      putRecord(device, record, bytes);
      if (!seesGuests || !forAll) continue;
    }
    unlock(at);
    if (forAll) giveToAll(device, record, bytes);
    else receive(neighbour, record, bytes);
    lock(at);
  }
  tellDriver(device, queue);
  const rings = showPut(device.port, before, device.dataPut);
  unlock(at);
  if (rings) ringHost(device.port);
  return all;
}

/** Its driver has notified of a queue; gives whether that is done. No lock is held. */
export function notifyCard(device: Device, queue: u32): bool {
  if (queue == TRANSMIT_QUEUE) return transmit(device);
  if (queue == RECEIVE_QUEUE) refill(device);
  return true;
}
