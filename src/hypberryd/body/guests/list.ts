/** `hypberryd list` and `info`: what guests there are, and what they do. */
import { GUEST_ADDRESSES } from '../../../channel/addresses.js';
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import {
  bellAddress,
  controlOf,
  guestCount,
  guestRecordWord,
  portCount,
  recordWord,
  takeRecord,
} from '../channel/channel.js';
import { shared } from '../linux.js';
import { print, printForeign, printJson, printNumber, printToColumn } from '../output.js';
import { portAt } from '../serial.js';
import { DONE } from '../statuses.js';
import { isAutostarted } from './autostart.js';
import {
  isOf,
  isRunning,
  nameOf,
  portsOf,
  printState,
  printTenths,
  shareOf,
  taken,
  takeStatesAndTimes,
  ticksOf,
} from './guests.js';

const MIB: u32 = 0x10_0000;
/** Columns of the list. */
const STATE: u32 = 16;
const ADDRESS: u32 = 32;
const CPUS: u32 = 48;
const SHARE: u32 = 54;
const MEMORY: u32 = 62;
const DISKS: u32 = 72;
/** The column of values. */
const VALUE: u32 = 12;
/** Bytes of a console's page. */
const CONSOLE_SIZE: u32 = 0x1000;

function printAddress(guest: u32): void {
  const address: u32 = GUEST_ADDRESSES + guest;
  for (let shift: i32 = 24; shift >= 0; shift -= 8) {
    printNumber((address >> shift) & 0xff);
    if (shift > 0) print('.');
  }
}

/** A line of the list. */
function printLine(guest: u32): void {
  printForeign(nameOf(guest));
  printToColumn(STATE);
  printState(guest);
  printToColumn(ADDRESS);
  if (portsOf(guest, C.KIND_NETWORK) > 0) printAddress(guest);
  else print('-');
  printToColumn(CPUS);
  printNumber(guestRecordWord(guest, C.GUEST_VCPUS));
  printToColumn(SHARE);
  if (isRunning(guest)) {
    printTenths(shareOf(guest));
    print('%');
  } else print('-');
  printToColumn(MEMORY);
  printNumber(guestRecordWord(guest, C.GUEST_MEMORY) / MIB);
  print(' MiB');
  printToColumn(DISKS);
  printNumber(portsOf(guest, C.KIND_DISK));
  print('\n');
}

/** `"key": ` of JSON, a comma before all but the first. */
function printKey(key: string, isFirst: bool): void {
  print(isFirst ? '"' : ', "');
  print(key);
  print('": ');
}

function printCount(key: string, value: u64): void {
  printKey(key, false);
  printNumber(value);
}

/** A guest as an object of JSON. */
function printObject(guest: u32): void {
  print('{');
  printKey('name', true);
  printJson(nameOf(guest));
  printKey('state', false);
  print('"');
  printState(guest);
  print('"');
  printCount('vcpus', guestRecordWord(guest, C.GUEST_VCPUS));
  printCount('vcpusOn', taken(guest, C.STATE_ON));
  printCount('memory', guestRecordWord(guest, C.GUEST_MEMORY));
  printCount('crashes', taken(guest, C.STATE_CRASHES));
  const runs = isRunning(guest);
  printCount('cpuTimeMs', runs ? <u64>taken(guest, C.STATE_BUSY) * 10 : 0);
  printCount('upTimeMs', runs ? ticksOf(guest) / C.TICKS_PER_MS : 0);
  printKey('ipv4', false);
  if (portsOf(guest, C.KIND_NETWORK) > 0) {
    print('"');
    printAddress(guest);
    print('"');
  } else print('null');
  printKey('autostart', false);
  print(isAutostarted(guest) ? 'true' : 'false');
  printKey('console', false);
  const console = consoleOf(guest);
  if (console >= 0) {
    print('"/dev/ttyAMA');
    printNumber(console);
    print('"');
  } else print('null');
  printKey('disks', false);
  print('[');
  let isFirst = true;
  const ports = portCount();
  for (let port: u32 = 0; port < ports; port++) {
    if (!isOf(port, guest, C.KIND_DISK)) continue;
    if (!isFirst) print(', ');
    isFirst = false;
    takeRecord(port);
    print('{');
    printKey('path', true);
    printJson(<usize>(L.RECORD + C.PORT_PATH));
    printKey('readOnly', false);
    print((recordWord(port, C.PORT_FLAGS) & C.FLAG_READ_ONLY) != 0 ? 'true' : 'false');
    printKey('served', false);
    print(isServed(port) ? 'true' : 'false');
    print('}');
  }
  print(']}');
}

/** Lists all guests, as a table, as JSON, or their names alone; gives the exit status. */
export function list(asJson: bool, asNames: bool): i32 {
  const guests = guestCount();
  if (!asNames) takeStatesAndTimes();
  if (asJson) {
    print('[');
    for (let n: u32 = 1; n <= guests; n++) {
      print(n == 1 ? '\n  ' : ',\n  ');
      printObject(n);
    }
    print('\n]\n');
    return DONE;
  }
  if (!asNames) print('Name            State           IPv4            CPUs  CPU     Memory    Disks\n');
  for (let n: u32 = 1; n <= guests; n++) {
    if (asNames) {
      printForeign(nameOf(n));
      print('\n');
    } else printLine(n);
  }
  return DONE;
}

function isServed(port: u32): bool {
  return shared.load32(controlOf(port) + C.HOST_CONTROL + C.OFFERED) == 1;
}

/** The number of a guest's console among the host's PL011s, of which the bell is behind all; negative where none is found. */
function consoleOf(guest: u32): i32 {
  return portAt(bellAddress() - (C.MOST_GUESTS + 1 - guest) * CONSOLE_SIZE);
}

function printLabel(label: string): void {
  print(label);
  print(':');
  printToColumn(VALUE);
}

/** How long a number of seconds is: the two largest units. */
function printTime(seconds: u64): void {
  const days = seconds / 86_400;
  const hours = (seconds / 3600) % 24;
  const minutes = (seconds / 60) % 60;
  if (days > 0) {
    printNumber(days);
    print(' d ');
  }
  if (days + hours > 0) {
    printNumber(hours);
    print(' h ');
  }
  if (days == 0) {
    printNumber(minutes);
    print(' min');
  }
  if (days + hours + minutes == 0) {
    print(' ');
    printNumber(seconds);
    print(' s');
  }
}

/** Says all that is known of a guest; gives the exit status. */
export function info(guest: u32, asJson: bool): i32 {
  takeStatesAndTimes();
  if (asJson) {
    printObject(guest);
    print('\n');
    return DONE;
  }
  printLabel('Name');
  printForeign(nameOf(guest));
  print('\n');
  printLabel('State');
  printState(guest);
  print('\n');
  if (portsOf(guest, C.KIND_NETWORK) > 0) {
    printLabel('IPv4');
    printAddress(guest);
    print('\n');
  }
  printLabel('CPUs');
  printNumber(guestRecordWord(guest, C.GUEST_VCPUS));
  print(', ');
  printNumber(taken(guest, C.STATE_ON));
  print(' on\n');
  if (isRunning(guest)) {
    printLabel('CPU time');
    printTenths(<u64>taken(guest, C.STATE_BUSY) / 10);
    print(' s, ');
    printTenths(shareOf(guest));
    print('% of a core since it was started, ');
    printTime(ticksOf(guest) / (1000 * C.TICKS_PER_MS));
    print(' ago\n');
  }
  printLabel('Memory');
  printNumber(guestRecordWord(guest, C.GUEST_MEMORY) / MIB);
  print(' MiB\n');
  printLabel('Autostart');
  print(isAutostarted(guest) ? 'yes\n' : 'no\n');
  printLabel('Crashes');
  printNumber(taken(guest, C.STATE_CRASHES));
  print('\n');
  const ports = portCount();
  for (let port: u32 = 0; port < ports; port++) {
    if (!isOf(port, guest, C.KIND_DISK)) continue;
    takeRecord(port);
    print('Disk ');
    printNumber(recordWord(port, C.PORT_DISK_NUMBER));
    print(':');
    printToColumn(VALUE);
    printForeign(<usize>(L.RECORD + C.PORT_PATH));
    print(isServed(port) ? ', served' : ', not served');
    print((recordWord(port, C.PORT_FLAGS) & C.FLAG_READ_ONLY) != 0 ? ', read-only\n' : '\n');
  }
  printLabel('Console');
  print('hypberryd console ');
  printForeign(nameOf(guest));
  const console = consoleOf(guest);
  if (console >= 0) {
    print(', or /dev/ttyAMA');
    printNumber(console);
  }
  print('\n');
  return DONE;
}
