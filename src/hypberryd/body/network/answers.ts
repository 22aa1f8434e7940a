/** Frames of guests that are not for the TAP device: questions that are answered here. */
import * as A from '../../../channel/addresses.js';
import * as P from '../../shared/packets.js';
import { answerDhcp } from './dhcp.js';
import { answerName } from './names.js';
import { datagram, takeDatagram } from './packet.js';
import { isHostsAddress } from './tap.js';

/**
 * Answers a frame of a guest's where that is asked for here, and the interface has the address that it has from us: one who
 * has given it another, or made it a bridge's, has other servers there.
 * @param port the guest's
 * @param frame its virtio_net_hdr
 * @param length bytes, that one's included
 * @returns whether it is done with; else it goes on as it is
 */
export function answer(port: u32, frame: usize, length: u32): bool {
  if (!takeDatagram(frame, length)) return false;
  const it = datagram();
  const isDhcp = it.destinationPort == <u32>P.DHCP_SERVER;
  const isForHost = it.destination == <u32>A.HOST_ADDRESS;
  if (!isForHost && !(isDhcp && it.destination == <u32>P.LIMITED_BROADCAST)) return false;
  if (!isHostsAddress()) return false;
  return isDhcp ? answerDhcp(port) : answerName(port);
}
