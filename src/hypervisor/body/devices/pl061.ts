/**
 * A guest's GPIO, a PL061 (Arm DDI 0190), at whose line 3 is its power key: up while it is pressed. A press lasts until the
 * guest has seen it. Nothing is at the other lines.
 */
import { GPIO_INTERRUPT, GPIO_STATE, POWER_KEY } from '../generated/guest-machine.js';
import * as L from '../../shared/layout.js';
import { setLine } from '../core/events.js';
import { lock, unlock } from '../core/locks.js';
import { Vcpu, Vm, lockOf } from '../core/vm.js';
import { identification } from './primecell.js';

/** Its registers' offsets (DDI 0190, table 3-1); GPIODATA is all before them, by which bits are meant. */
const GPIODIR: u32 = 0x400;
const GPIOIS: u32 = 0x404;
const GPIOIBE: u32 = 0x408;
const GPIOIEV: u32 = 0x40c;
const GPIOIE: u32 = 0x410;
const GPIORIS: u32 = 0x414;
const GPIOMIS: u32 = 0x418;
const GPIOIC: u32 = 0x41c;
const GPIOAFSEL: u32 = 0x420;
const LINES: u32 = 0xff;

/** A bit a line each. */
@unmanaged
class Gpio {
  direction: u32;
  sense: u32;
  bothEdges: u32;
  event: u32;
  enabled: u32;
  functions: u32;
  /** What was written to the lines. */
  output: u32;
  /** Edges that have come. */
  latched: u32;
  /** POWER_KEY while it is pressed. */
  input: u32;
}

if (offsetof<Gpio>() > <usize>L.GPIO_SIZE) ERROR('layout of Gpio');

// @inline
function gpioOf(vm: Vm): Gpio {
  return changetype<Gpio>(changetype<usize>(vm) + GPIO_STATE);
}

function raw(gpio: Gpio): u32 {
  return gpio.latched | (gpio.sense & ~gpio.direction & ~(gpio.input ^ gpio.event));
}

function update(vm: Vm): void {
  const gpio = gpioOf(vm);
  setLine(vm, GPIO_INTERRUPT, (raw(gpio) & gpio.enabled) != 0);
}

/** Has the power key up or down. */
function setKey(vm: Vm, input: u32): void {
  const gpio = gpioOf(vm);
  if (gpio.input == input) return;
  gpio.input = input;
  // Of lines that interrupt by edges, both or this one.
  gpio.latched |= POWER_KEY & ~gpio.direction & ~gpio.sense & (gpio.bothEdges | ~(gpio.event ^ input));
  update(vm);
}

/** Presses a guest's power key. By any core. */
export function pressPowerKey(vm: Vm): void {
  lock(lockOf(vm));
  setKey(vm, POWER_KEY);
  unlock(lockOf(vm));
}

/** GPIODATA: the lines that are meant. Who sees the key pressed has it released. */
function readLines(vm: Vm, meant: u32): u32 {
  const gpio = gpioOf(vm);
  lock(lockOf(vm));
  const lines = ((gpio.output & gpio.direction) | (gpio.input & ~gpio.direction)) & meant;
  if (lines & ~gpio.direction & POWER_KEY) setKey(vm, 0);
  unlock(lockOf(vm));
  return lines;
}

export function read(vcpu: Vcpu, offset: u32): u32 {
  const gpio = gpioOf(vcpu.vm);
  if (offset < GPIODIR) return readLines(vcpu.vm, offset >> 2);
  switch (offset) {
    case GPIODIR:
      return gpio.direction;
    case GPIOIS:
      return gpio.sense;
    case GPIOIBE:
      return gpio.bothEdges;
    case GPIOIEV:
      return gpio.event;
    case GPIOIE:
      return gpio.enabled;
    case GPIORIS:
      return raw(gpio);
    case GPIOMIS:
      return raw(gpio) & gpio.enabled;
    case GPIOAFSEL:
      return gpio.functions;
  }
  return identification(offset, L.GPIO_PERIPHERAL_ID);
}

export function write(vcpu: Vcpu, offset: u32, _size: u32, value: u32): void {
  const vm = vcpu.vm;
  const gpio = gpioOf(vm);
  value &= LINES;
  lock(lockOf(vm));
  if (offset < GPIODIR) {
    const meant = offset >> 2;
    gpio.output = (gpio.output & ~meant) | (value & meant);
  } else if (offset == GPIODIR) gpio.direction = value;
  else if (offset == GPIOIS) gpio.sense = value;
  else if (offset == GPIOIBE) gpio.bothEdges = value;
  else if (offset == GPIOIEV) gpio.event = value;
  else if (offset == GPIOIE) gpio.enabled = value;
  else if (offset == GPIOIC) gpio.latched &= ~value;
  else if (offset == GPIOAFSEL) gpio.functions = value;
  update(vm);
  unlock(lockOf(vm));
}

export function resetMachine(vm: Vm): void {
  const gpio = changetype<usize>(gpioOf(vm));
  lock(lockOf(vm));
  for (let i: usize = 0; i < offsetof<Gpio>(); i += 4) store<u32>(gpio + i, 0);
  update(vm);
  unlock(lockOf(vm));
}
