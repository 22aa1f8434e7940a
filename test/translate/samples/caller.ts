// Who asks the service as none should: makes argv[1] connections, or as many as are taken until its standard input ends, says
// argv[2] bytes by each, those of argv[3] again and again, a 0 for each comma, and reads nothing. Prints a line when the first is
// made, and at the end how many were. Where argv[1] is 0 it asks once, and prints what is answered, its bytes of kinds left out.
import { AF_UNIX, POLLIN, SOCK_SEQPACKET } from '../../../src/hypberryd/shared/linux';
import { linux, O_NONBLOCK } from '../../../src/hypberryd/body/linux';
import { endOutput, flushOutput, print, printByte, printNumber } from '../../../src/hypberryd/body/output';
import { putSocketAddress, SOCKET_PATH } from '../../../src/hypberryd/body/service/socket';

const ADDRESS: usize = 0x40000;
const POLL: usize = 0x40100;
const SAID: usize = 0x50000;

function numberOf(at: usize): i32 {
  let value: i32 = 0;
  for (; load<u8>(at) != 0; at++) value = 10 * value + load<u8>(at) - 0x30;
  return value;
}

export function main(count: i32, argv: usize): i32 {
  if (count != 4) return 2;
  const connections = numberOf(load<usize>(argv, 4));
  const length = numberOf(load<usize>(argv, 8));
  const text = load<usize>(argv, 12);
  let size: i32 = 0;
  while (load<u8>(text + size) != 0) size++;
  for (let i: i32 = 0; i < length; i++) {
    const byte: u32 = load<u8>(text + (i % size));
    store<u8>(SAID + i, byte == 0x2c ? 0 : byte);
  }
  store<i32>(POLL, 0);
  store<u32>(POLL, POLLIN, 4);
  if (connections == 0) {
    const socket = linux.socket(AF_UNIX, SOCK_SEQPACKET, 0);
    linux.connect(socket, ADDRESS, putSocketAddress(ADDRESS, SOCKET_PATH));
    linux.write(socket, SAID, length);
    for (;;) {
      const got = linux.read(socket, SAID, 0x2000);
      if (got <= 0) return endOutput();
      for (let i: i32 = 1; i < got; i++) printByte(load<u8>(SAID + i));
    }
  }
  let made: i32 = 0;
  while (linux.poll(POLL, 1, made < connections ? 10 : -1) == 0) {
    while (made < connections) {
      const socket = linux.socket(AF_UNIX, SOCK_SEQPACKET | O_NONBLOCK, 0);
      if (linux.connect(socket, ADDRESS, putSocketAddress(ADDRESS, SOCKET_PATH)) < 0) {
        linux.close(socket);
        break;
      }
      made++;
      if (length > 0) linux.write(socket, SAID, length);
      if (made == 1) {
        print('first\n');
        flushOutput();
      }
    }
  }
  printNumber(made);
  print('\n');
  return endOutput();
}
