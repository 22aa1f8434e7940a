/** `hypberryd metrics`: what guests do and have had, as Prometheus reads it (text format 0.0.4). */
import * as C from '../../../channel/layout.js';
import {
  bytesAt,
  controlOf,
  guestCount,
  guestRecordWord,
  portCount,
  recordWord,
} from '../channel/channel.js';
import { shared } from '../linux.js';
import { print, printByte, printForeign, printNumber } from '../output.js';
import { DONE } from '../statuses.js';
import { addressOf } from '../texts.js';
import { isRunning, nameOf, printDoing, printTenths, taken, takeStatesAndTimes, ticksOf } from './guests.js';

/** What is said of each guest. */
const STATE: u32 = 0;
const VCPUS: u32 = 1;
const MEMORY: u32 = 2;
const CRASHES: u32 = 3;
const CPU_TIME: u32 = 4;
const UPTIME: u32 = 5;
/** How a word of a port's counts: the first of two that count bytes, or by so many. */
const BYTES: u32 = 0;
/** Ticks of the system counter in a hundredth of a second. */
const TICKS: u64 = 10 * C.TICKS_PER_MS;
const BLANK: u32 = 0x20;
const UNDERSCORE: u32 = 0x5f;
/** The last letter of `_total`, which all counters end in, and nothing else. */
const LAST_OF_COUNTER: u32 = 0x6c;

/** Prints a metric's name, which is what its text begins with; gives its last character. */
function printName(metric: string): u32 {
  print('hypberry_guest_');
  let last: u32 = UNDERSCORE;
  for (let at = addressOf(metric); load<u8>(at) != BLANK; at++) {
    last = load<u8>(at);
    printByte(last);
  }
  return last;
}

/** What stands before the samples of a metric. */
function begin(metric: string): void {
  print('# HELP hypberry_guest_');
  print(metric);
  print('\n# TYPE ');
  print(printName(metric) == LAST_OF_COUNTER ? ' counter\n' : ' gauge\n');
}

/** A sample's name, and its guest, whose name needs no escapes. */
function beginSample(metric: string, guest: u32): void {
  printName(metric);
  print('{guest="');
  printForeign(nameOf(guest));
}

function endSample(value: u64): void {
  print('"} ');
  printNumber(value);
  print('\n');
}

/** The same of a time in hundredths of a second. */
function endSeconds(value: u64): void {
  print('"} ');
  printTenths(value / 10);
  printNumber(value % 10);
  print('\n');
}

/** A sample for each state that there is. */
function sampleStates(metric: string, guest: u32): void {
  for (let does: u32 = C.DOES_OFF; does <= <u32>C.DOES_PAUSE; does++) {
    beginSample(metric, guest);
    print('",state="');
    printDoing(does);
    endSample(taken(guest, C.STATE_DOES) == does ? 1 : 0);
  }
}

/** A metric of guests. */
function sayOfGuests(what: u32, metric: string): void {
  begin(metric);
  const guests = guestCount();
  for (let n: u32 = 1; n <= guests; n++) {
    if (what == STATE) {
      sampleStates(metric, n);
      continue;
    }
    beginSample(metric, n);
    if (what == CPU_TIME) endSeconds(isRunning(n) ? taken(n, C.STATE_BUSY) : 0);
    else if (what == UPTIME) endSeconds(isRunning(n) ? ticksOf(n) / TICKS : 0);
    else if (what == CRASHES) endSample(taken(n, C.STATE_CRASHES));
    else endSample(guestRecordWord(n, what == VCPUS ? C.GUEST_VCPUS : C.GUEST_MEMORY));
  }
}

/** A metric of ports of a kind, by a word of the host's. */
function sayOfPorts(kind: u32, offset: u32, unit: u32, metric: string): void {
  begin(metric);
  const ports = portCount();
  for (let port: u32 = 0; port < ports; port++) {
    if (recordWord(port, C.PORT_KIND) != kind) continue;
    beginSample(metric, recordWord(port, C.PORT_GUEST));
    if (kind == <u32>C.KIND_DISK) {
      print('",disk="');
      printNumber(recordWord(port, C.PORT_DISK_NUMBER));
    }
    const word = controlOf(port) + C.HOST_CONTROL + offset;
    endSample(unit == BYTES ? bytesAt(word) : <u64>shared.load32(word) * unit);
  }
}

/** Prints all of it; gives the exit status. */
export function metrics(): i32 {
  takeStatesAndTimes();
  sayOfGuests(STATE, 'state Whether it is in that state.');
  sayOfGuests(VCPUS, 'vcpus Its virtual CPUs.');
  sayOfGuests(MEMORY, 'memory_bytes Its memory.');
  sayOfGuests(CRASHES, 'crashes_total Its crashes.');
  sayOfGuests(CPU_TIME, 'cpu_seconds_total Time of cores since its start.');
  sayOfGuests(UPTIME, 'uptime_seconds Time since its start.');
  sayOfPorts(C.KIND_DISK, C.OFFERED, 1, 'disk_served Whether it is served.');
  sayOfPorts(C.KIND_DISK, C.TAKEN, 1, 'disk_requests_total Requests that are done.');
  sayOfPorts(C.KIND_DISK, C.SECTORS_READ, C.SECTOR_SIZE, 'disk_read_bytes_total Bytes read.');
  sayOfPorts(C.KIND_DISK, C.SECTORS_WRITTEN, C.SECTOR_SIZE, 'disk_written_bytes_total Bytes written.');
  sayOfPorts(C.KIND_NETWORK, C.OFFERED, 1, 'network_served Whether it is served.');
  sayOfPorts(C.KIND_NETWORK, C.BYTES_RECEIVED, BYTES, 'network_receive_bytes_total Bytes from the host.');
  sayOfPorts(C.KIND_NETWORK, C.BYTES_SENT, BYTES, 'network_transmit_bytes_total Bytes to the host.');
  return DONE;
}
