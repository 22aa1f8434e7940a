/** The TAP device: the host's network interface to its guests. */
import * as A from '../../../channel/addresses.js';
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import {
  AF_INET,
  IFF_NO_PI,
  IFF_TAP,
  IFF_UP,
  IFF_VNET_HDR,
  IFREQ_SIZE,
  IFREQ_UNION,
  SIOCGIFADDR,
  SIOCGIFFLAGS,
  SIOCGIFHWADDR,
  SIOCGIFINDEX,
  SIOCSIFADDR,
  SIOCSIFFLAGS,
  SIOCSIFNETMASK,
  SOCKADDR_ADDRESS,
  SOCKADDR_MAC,
  SOCK_DGRAM,
  TUNSETIFF,
  TUNSETOFFLOAD,
  TUNSETPERSIST,
  TUNSETVNETHDRSZ,
} from '../../shared/linux.js';
import { kernelPath, openFile } from '../files.js';
import { EBUSY, ENODEV, ENOENT, ENXIO, O_CLOEXEC, O_NONBLOCK, O_RDWR, linux, word } from '../linux.js';
import { beginMessage, endMessage, print } from '../output.js';
import { printReason } from '../reasons.js';
import { putText } from '../texts.js';

/** The interface, of 15 letters at most. */
const INTERFACE: string = 'hypberry0';

/** A struct ifreq with the interface's name, zeros behind. */
function request(): i32 {
  memory.fill(<usize>L.SCRATCH, 0, IFREQ_SIZE);
  putText(<usize>L.SCRATCH, INTERFACE);
  return L.SCRATCH;
}

function setAddress(socket: i32, what: i32, address: u32): i32 {
  const at = <usize>request() + IFREQ_UNION;
  store<u16>(at, AF_INET);
  store<u32>(at + SOCKADDR_ADDRESS, word.rev(address));
  return linux.ioctl(socket, what, L.SCRATCH);
}

/** Switches the interface on, with the host's address where it has just been made; gives 0 or the error, negated. */
function setUp(socket: i32, isNew: bool): i32 {
  if (isNew) {
    let result = setAddress(socket, SIOCSIFADDR, <u32>A.HOST_ADDRESS);
    if (result == 0) result = setAddress(socket, SIOCSIFNETMASK, <u32>A.NETWORK_MASK);
    if (result < 0) return result;
  }
  const asked = linux.ioctl(socket, SIOCGIFFLAGS, request());
  if (asked < 0) return asked;
  const flags = <usize>(L.SCRATCH + IFREQ_UNION);
  store<u16>(flags, load<u16>(flags) | IFF_UP);
  return linux.ioctl(socket, SIOCSIFFLAGS, L.SCRATCH);
}

/**
 * Makes the interface of an open /dev/net/tun, or takes what is there by its name; gives 0 or the error, negated. One that is
 * made here stays when this process ends: routes to it, rules about it and the other end's idea of its address do, too.
 */
function attach(file: i32): i32 {
  const socket = linux.socket(AF_INET, SOCK_DGRAM | O_CLOEXEC, 0);
  if (socket < 0) return socket;
  const isNew = linux.ioctl(socket, SIOCGIFINDEX, request()) < 0;
  store<u16>(<usize>request() + IFREQ_UNION, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
  let result = linux.ioctl(file, <i32>TUNSETIFF, L.SCRATCH);
  if (result == 0) {
    store<i32>(<usize>L.SCRATCH, C.NET_HEADER_SIZE);
    result = linux.ioctl(file, <i32>TUNSETVNETHDRSZ, L.SCRATCH);
  }
  if (result == 0) result = setUp(socket, isNew);
  if (result == 0 && isNew) result = linux.ioctl(file, <i32>TUNSETPERSIST, 1);
  linux.close(socket);
  return result;
}

/** Opens the device: its descriptor, or why not, negated. */
export function openTap(): i32 {
  const file = openFile(kernelPath('/dev/net/tun'), O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
  if (file < 0) return file;
  const result = attach(file);
  if (result >= 0) return file;
  linux.close(file);
  return result;
}

/** Whether the interface has the address that it is made with. */
export function isHostsAddress(): bool {
  const socket = linux.socket(AF_INET, SOCK_DGRAM | O_CLOEXEC, 0);
  if (socket < 0) return false;
  const result = linux.ioctl(socket, SIOCGIFADDR, request());
  linux.close(socket);
  const address = load<u32>(<usize>(L.SCRATCH + IFREQ_UNION + SOCKADDR_ADDRESS));
  return result == 0 && address == word.rev(<u32>A.HOST_ADDRESS);
}

/** Where the interface's own address stands for a moment: 6 bytes. */
export function hostsMac(tap: i32): usize {
  linux.ioctl(tap, SIOCGIFHWADDR, request());
  return <usize>(L.SCRATCH + IFREQ_UNION + SOCKADDR_MAC);
}

/** Says why the device is not open. */
export function sayNoTap(error: i32): void {
  beginMessage();
  print('the network: /dev/net/tun, ');
  print(INTERFACE);
  print(': ');
  printReason(error);
  if (error == ENOENT || error == ENXIO || error == ENODEV) print('. Load the module: sudo modprobe tun.');
  else if (error == EBUSY)
    print('. This waits until the program that has it, an earlier hypberryd perhaps, is done.');
  else print('. It is tried again.');
  endMessage();
}

/** Tells the kernel which checksums and segments it may leave undone; what it does not know, it does itself. */
export function setOffloads(tap: i32, offloads: u32): void {
  linux.ioctl(tap, <i32>TUNSETOFFLOAD, offloads);
}
