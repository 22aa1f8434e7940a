/** The memory that is shared with the host: where things stand in it is in src/channel/layout.ts. */
import {
  BELL_AT,
  CONTROL,
  CONTROL_SIZE,
  HOST_CONTROL,
  HOST_PAGE,
  LOGS,
  LOG_SIZE,
  PORT_RECORDS,
  PUT,
  STATES,
  STATE_SIZE,
} from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { clear } from './memory.js';
import { configuration } from './vm.js';
import { barrier, shared } from '../intrinsics.js';

/** What the host finds when it begins: nothing is said yet by either side. The MMU is off. */
export function clearChannel(): void {
  const channel = configuration(L.CONFIG_CHANNEL);
  clear(channel + HOST_PAGE, PORT_RECORDS - HOST_PAGE);
  clear(channel + CONTROL, configuration(L.CONFIG_PORTS) * CONTROL_SIZE);
  clear(channel + STATES, LOGS - STATES);
}

/** Where a console's log is: the hypervisor writes it, and reads it for that console's near end alone. */
// @inline
export function logOf(console: u32): usize {
  return configuration(L.CONFIG_LOGS) + console * LOG_SIZE;
}

/** Where the state of a console and its guest is shown: the hypervisor writes it, and reads nothing of it. */
export function shownAt(n: u32): usize {
  return configuration(L.CONFIG_CHANNEL) + STATES + n * STATE_SIZE;
}

/** Word n of a port's record in the configuration. */
export function portRecord(port: u32, n: u32): u32 {
  return configuration(L.CONFIG_HEADER + (L.VMS - 1) * L.GUEST_WORDS + port * L.PORT_WORDS + n);
}

/** The page of a port that the hypervisor alone writes, and reads nothing of; the host's is HOST_CONTROL behind it. */
export function controlPage(port: u32): usize {
  return configuration(L.CONFIG_CHANNEL) + CONTROL + port * CONTROL_SIZE;
}

/** A word of a port's page that the host writes: whatever it likes, at any time. */
// @inline
export function fromHost(port: u32, offset: u32): u32 {
  return shared.load32(controlPage(port) + HOST_CONTROL + offset);
}

// @inline
export function toHost(port: u32, offset: u32, value: u32): void {
  shared.store32(controlPage(port) + offset, value);
}

/** What was written before is there when what is written after it is, and read in that order. */
// @inline
export function inOrder(): void {
  barrier.dmb();
}

/**
 * Has the host see what was put into a port: its count, which was another before.
 * @returns whether the host is to be rung for: its BELL_AT is among what was put
 */
export function showPut(port: u32, before: u32, put: u32): bool {
  if (put == before) return false;
  inOrder();
  toHost(port, PUT, put);
  inOrder();
  return put - fromHost(port, BELL_AT) - 1 < put - before;
}
