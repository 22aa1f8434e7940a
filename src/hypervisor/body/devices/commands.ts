/** What the host tells the hypervisor on its own console, a line a command (shared/messages.ts, COMMANDS). */
import * as L from '../../shared/layout.js';
import { CORES } from '../generated/board.js';
import {
  CONTROL,
  GPU_ROUTING,
  MAILBOXES_ROUTING,
  PRESCALER,
  TIMERS_ROUTING,
} from '../generated/local-peripherals.js';
import {
  commandPowerKey,
  commandState,
  textAllMemory,
  textBegins,
  textCore,
  textCounted,
  textFrequency,
  textGpuRouting,
  textHere,
  textHostMemory,
  textMailboxesRouting,
  textMicroseconds,
  textOff,
  textPowerKey,
  textPrescaler,
  textRunning,
  textStateEnd,
  textTimers,
  textTimersRouting,
  textWaits,
} from '../generated/messages.js';
import { CLO } from '../generated/system-timer.js';
import { LOADING, PAUSED, Vm, configuration, stateOf, vcpuOf, vcpusOn, vmAt } from '../core/vm.js';
import { ACTLR, CNTFRQ, CNTPCT, barrier, mmio } from '../intrinsics.js';
import { beginLine, beginLineOf, endLine, print, printDigit, printLineOf, printWord } from './own-console.js';
import { endsLine, isLine, takeLine } from './pl011.js';
import { pressPowerKey } from './pl061.js';

/** The host has sent a byte. */
export function sentToHypervisor(byte: u32): void {
  if (!endsLine(byte)) return;
  const line = takeLine();
  if (isLine(line, commandState(), 0)) printState();
  for (let n: u32 = 1; n <= configuration(L.CONFIG_GUESTS); n++) {
    const vm = vmAt(n);
    if (!isLine(line, commandPowerKey(), vm.record + 4 * L.GUEST_NAME)) continue;
    pressKeyOf(vm);
  }
}

/** Presses a guest's power key, and says so. */
export function pressKeyOf(vm: Vm): void {
  pressPowerKey(vm);
  printLineOf(vm, textPowerKey());
}

function printRegister(name: usize, value: u32): void {
  print(name);
  printWord(value);
}

/** How timers, routing, memory and guests are. */
function printState(): void {
  // What the host has begun with other peripherals is over.
  barrier.dsb();
  beginLine();
  printRegister(textTimers(), mmio.read32(CONTROL));
  printRegister(textPrescaler(), mmio.read32(PRESCALER));
  printRegister(textFrequency(), CNTFRQ.read());
  endLine();
  printCounts();
  for (let n: u32 = 0; n < CORES; n++) {
    beginLine();
    print(textCore());
    printDigit(n);
    printRegister(textTimersRouting(), mmio.read32(TIMERS_ROUTING + 4 * n));
    printRegister(textMailboxesRouting(), mmio.read32(MAILBOXES_ROUTING + 4 * n));
    endLine();
  }
  beginLine();
  printRegister(textHere(), ACTLR.read());
  printRegister(textGpuRouting(), mmio.read32(GPU_ROUTING));
  endLine();
  beginLine();
  printRegister(textHostMemory(), configuration(L.CONFIG_HOST_END));
  printRegister(textAllMemory(), configuration(L.CONFIG_END));
  endLine();
  for (let n: u32 = 1; n <= configuration(L.CONFIG_GUESTS); n++) printGuest(vmAt(n));
  beginLine();
  print(textStateEnd());
  endLine();
}

/** The core timers' count beside the system timer's, whose rate is fixed: of two such lines comes the rate. */
function printCounts(): void {
  beginLine();
  barrier.dsb();
  const microseconds = mmio.read32(CLO);
  // Not counted before the other was read.
  barrier.dsb();
  barrier.isb();
  const count = CNTPCT.read();
  printRegister(textCounted(), <u32>count);
  printRegister(textMicroseconds(), microseconds);
  endLine();
}

function printGuest(vm: Vm): void {
  const on = vcpusOn(vm);
  const first = stateOf(vcpuOf(vm, 0));
  beginLineOf(vm);
  if (first == PAUSED && vm.waitsForHost) print(textWaits());
  else if (first == PAUSED || first == LOADING) print(textBegins());
  else if (on == 0) print(textOff());
  else {
    printDigit(on);
    print(textRunning());
  }
  endLine();
}
