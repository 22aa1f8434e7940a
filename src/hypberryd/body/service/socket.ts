/** The socket by which the service is asked: messages (SOCK_SEQPACKET), the arguments of a command, each with a 0 behind it. */
import { AF_UNIX, SOCKADDR_PATH } from '../../shared/linux.js';
import { putText } from '../texts.js';

export const SOCKET_PATH: string = '/run/hypberryd.sock';

/** Puts the address of a socket between processes where a system call takes it; gives how long it is. */
export function putSocketAddress(at: usize, path: string): i32 {
  store<u16>(at, AF_UNIX);
  const end = putText(at + SOCKADDR_PATH, path);
  store<u8>(end, 0);
  return <i32>(end + 1 - at);
}
