/**
 * A fault of the hypervisor's own. The core stops; the others go on. What was its vcpus' stays as it is: a guest with
 * a vcpu there never stops, so it neither ends nor restarts, and a host without one of its cores does what
 * its kernel does then.
 *
 * A lock that the core held is let go, or others would wait for it for ever. What the lock keeps may be changed in
 * part, which those who come next can live with: a console's counts are only ever taken modulo its size, an interrupt
 * controller's words are each right by themselves, and a bit that is missing costs that guest one interrupt.
 */
import { unlock } from '../core/locks.js';
import { MAILBOXES_ROUTING, TIMERS_ROUTING } from '../generated/local-peripherals.js';
import { core } from '../core/vm.js';
import { beginLine, endLine, print, printDigit, printWord, textVector } from '../devices/own-console.js';
import {
  textAddress,
  textCoreStops,
  textFault,
  textPc,
  textStops,
  textSyndrome,
} from '../generated/messages.js';
import { HDFAR, HIFAR, HSR, mmio } from '../intrinsics.js';

const PREFETCH_ABORT: u32 = 3;

/**
 * Says what has happened, on the core's stack from its beginning. The core stops when this returns.
 * @param vector its number in the table
 */
export function fault(vector: u32, pc: u32): void {
  const here = core();
  // A fault in here is not told any more.
  if (here.stopped) return;
  here.stopped = 1;
  const syndrome = HSR.read();
  const address = vector == PREFETCH_ABORT ? HIFAR.read() : HDFAR.read();
  mmio.write32(TIMERS_ROUTING + 4 * here.index, 0);
  mmio.write32(MAILBOXES_ROUTING + 4 * here.index, 0);
  if (here.held != 0) unlock(here.held);
  beginLine();
  print(textFault());
  print(textVector(vector));
  print(textSyndrome());
  printWord(syndrome);
  print(textPc());
  printWord(pc);
  print(textAddress());
  printWord(address);
  print(textCoreStops());
  printDigit(here.index);
  print(textStops());
  endLine();
}
