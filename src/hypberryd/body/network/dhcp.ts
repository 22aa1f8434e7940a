/** Addresses for guests, by DHCP (RFC 2131): each has the one of its number, and gets it on its own card alone. */
import * as A from '../../../channel/addresses.js';
import * as L from '../../shared/layout.js';
import * as P from '../../shared/packets.js';
import { lengthOf, putText } from '../texts.js';
import { Card, DOMAIN, cardOf, macOf, nameOf } from './cards.js';
import { ANSWER, areSame, datagram, half, putHalf, putWhole, sendAnswer, whole } from './packet.js';
import { hostsMac } from './tap.js';
import { network } from './uplink.js';

/** Seconds: a day. The address is the guest's all the same. */
const LEASE: u32 = 86_400;

/** What of a request's options matters; 0 for what is not there. */
@unmanaged
class Options {
  type: u32;
  address: u32;
  server: u32;
  /** Where the client's identifier stands, its length first. */
  client: usize;
}

if (<usize>L.OPTIONS + offsetof<Options>() > <usize>L.WAITING) ERROR('layout of Options');

// @inline
function options(): Options {
  return changetype<Options>(<usize>L.OPTIONS);
}

/** Reads the options; gives whether each ends where it may. */
function readOptions(from: usize, end: usize): bool {
  const it = options();
  it.type = it.address = it.server = 0;
  it.client = 0;
  let at = from;
  while (at < end) {
    const option: u32 = load<u8>(at++);
    if (option == P.OPTION_END) return true;
    if (option == P.OPTION_PAD) continue;
    if (at == end) return false;
    const size: u32 = load<u8>(at++);
    if (size > <u32>(end - at)) return false;
    if (option == P.OPTION_MESSAGE_TYPE && size == 1) it.type = load<u8>(at);
    else if (option == P.OPTION_REQUESTED_ADDRESS && size == 4) it.address = whole(at);
    else if (option == P.OPTION_SERVER && size == 4) it.server = whole(at);
    else if (option == P.OPTION_CLIENT) it.client = at - 1;
    at += size;
  }
  return true;
}

/** Puts an option of bytes; gives what is behind it. */
function putOption(at: usize, option: u32, from: usize, size: u32): usize {
  store<u8>(at, option);
  store<u8>(at, size, 1);
  memory.copy(at + 2, from, size);
  return at + 2 + size;
}

/** Puts an option of four bytes; gives what is behind it. */
function putNumber(at: usize, option: u32, value: u32): usize {
  store<u8>(at, option);
  store<u8>(at, 4, 1);
  return putWhole(at + 2, value);
}

/** The kind of the answer to a request for an address; 0 for none. */
function answerTo(card: Card): u32 {
  const it = options();
  if (it.type == P.DHCPDISCOVER) return P.DHCPOFFER;
  if (it.type == P.DHCPINFORM) return P.DHCPACK;
  if (it.type != P.DHCPREQUEST) return 0;
  const wanted = it.address != 0 ? it.address : whole(datagram().payload + P.DHCP_CIADDR);
  return wanted == card.address ? P.DHCPACK : P.DHCPNAK;
}

/** Puts what every answer begins with, and the options that the guest is to have; gives what is behind them. */
function putAnswer(card: Card, type: u32, isInform: bool): usize {
  const asked = datagram().payload;
  memory.fill(ANSWER, 0, P.DHCP_OPTIONS + P.DHCP_LEAST);
  // Kind and length of the card's address, and the number of this exchange, as the client has them.
  memory.copy(ANSWER, asked, P.DHCP_XID + 4);
  store<u8>(ANSWER + P.DHCP_OP, 2);
  store<u8>(ANSWER + P.DHCP_HOPS, 0);
  putHalf(ANSWER + P.DHCP_FLAGS, half(asked + P.DHCP_FLAGS));
  memory.copy(ANSWER + P.DHCP_CHADDR, macOf(card), P.MAC_SIZE);
  putWhole(ANSWER + P.DHCP_COOKIE, P.MAGIC_COOKIE);
  let at: usize = ANSWER + P.DHCP_OPTIONS;
  store<u8>(at, P.OPTION_MESSAGE_TYPE);
  store<u8>(at, 1, 1);
  store<u8>(at, type, 2);
  at = putNumber(at + 3, P.OPTION_SERVER, <u32>A.HOST_ADDRESS);
  const client = options().client;
  if (client != 0) at = putOption(at, P.OPTION_CLIENT, client + 1, load<u8>(client));
  if (type == P.DHCPNAK) return at;
  if (type == P.DHCPACK) memory.copy(ANSWER + P.DHCP_CIADDR, asked + P.DHCP_CIADDR, 4);
  if (!isInform) {
    putWhole(ANSWER + P.DHCP_YIADDR, card.address);
    at = putNumber(at, P.OPTION_LEASE_TIME, LEASE);
  }
  at = putNumber(at, P.OPTION_MASK, <u32>A.NETWORK_MASK);
  at = putNumber(at, P.OPTION_ROUTER, <u32>A.HOST_ADDRESS);
  at = putNumber(at, P.OPTION_NAME_SERVER, <u32>A.HOST_ADDRESS);
  at = putOption(at, P.OPTION_HOST_NAME, nameOf(card), card.nameLength);
  store<u8>(at, P.OPTION_DOMAIN_NAME);
  store<u8>(at, lengthOf(DOMAIN), 1);
  return putText(at + 2, DOMAIN);
}

/**
 * Answers what `datagram()` asks for.
 * @returns whether it is done with: it is a client's, of this card's, and of a kind that has an answer or wants none
 */
export function answerDhcp(port: u32): bool {
  const it = datagram();
  const asked = it.payload;
  const card = cardOf(port);
  if (it.length < <u32>P.DHCP_OPTIONS || it.sourcePort != <u32>P.DHCP_CLIENT) return false;
  if (half(asked) != <u32>P.ETHERNET_REQUEST || load<u8>(asked + P.DHCP_HARDWARE_SIZE) != P.MAC_SIZE)
    return false;
  if (whole(asked + P.DHCP_COOKIE) != <u32>P.MAGIC_COOKIE || whole(asked + P.DHCP_GIADDR) != 0) return false;
  if (!areSame(asked + P.DHCP_CHADDR, macOf(card), P.MAC_SIZE)) return false;
  if (!readOptions(asked + P.DHCP_OPTIONS, asked + it.length)) return false;
  const wants = options();
  if (wants.server != 0 && wants.server != <u32>A.HOST_ADDRESS) return false;
  if (wants.type == P.DHCPRELEASE || wants.type == P.DHCPDECLINE) return true;
  const type = answerTo(card);
  if (type == 0) return false;
  const end = putAnswer(card, type, wants.type == P.DHCPINFORM);
  // A client that has its address is told there, another where it is to be, or so that it hears it without one.
  let to = card.address;
  const has = whole(asked + P.DHCP_CIADDR);
  if (type == P.DHCPNAK || (has == 0 && (half(asked + P.DHCP_FLAGS) & P.DHCP_BROADCAST) != 0))
    to = <u32>P.LIMITED_BROADCAST;
  else if (has != 0) to = has;
  store<u8>(end, P.OPTION_END);
  const length = <u32>(end + 1 - ANSWER);
  const whose = hostsMac(network().tap);
  sendAnswer(
    macOf(card),
    whose,
    P.DHCP_SERVER,
    to,
    P.DHCP_CLIENT,
    length < <u32>P.DHCP_LEAST ? P.DHCP_LEAST : length,
  );
  return true;
}
