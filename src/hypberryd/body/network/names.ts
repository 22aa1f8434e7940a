/** Names for guests, by DNS (RFC 1035): those of guests are answered here, all else the host's resolver knows. */
import * as A from '../../../channel/addresses.js';
import * as L from '../../shared/layout.js';
import * as P from '../../shared/packets.js';
import { portCount } from '../channel/channel.js';
import { isAt, lengthOf, putText } from '../texts.js';
import { Card, DOMAIN, cardOf, macOf, nameOf } from './cards.js';
import { ANSWER, areSame, datagram, half, putHalf, putWhole, sendAnswer } from './packet.js';
import { endOfQuestion, forward } from './resolver.js';

/** What an address' name ends with, and one in the domain. */
const REVERSE: string = '.77.168.192.in-addr.arpa';
const IN_DOMAIN: string = '.hypberry';
const HOST: string = 'host';
/** Seconds that an answer holds. */
const TIME_TO_LIVE: u32 = 60;
/** Where a question's name stands as a text, in small letters. */
const NAME: usize = <usize>L.SCRATCH;

/** What a name means. */
const FOREIGN: u32 = 0;
const UNKNOWN: u32 = 1;

/** Puts the name of a question as a text at NAME, a dot between its labels; gives its length. */
function takeName(at: usize): u32 {
  let to = NAME;
  for (let length: u32 = load<u8>(at++); length != 0; length = load<u8>(at++)) {
    if (to != NAME) store<u8>(to++, 0x2e);
    for (const end = at + length; at < end; at++) {
      const byte: u32 = load<u8>(at);
      store<u8>(to++, byte - 0x41 < 26 ? byte | 0x20 : byte);
    }
  }
  return <u32>(to - NAME);
}

/** Whether the text at NAME ends with another; it may not be that alone. */
function endsWith(length: u32, end: string): bool {
  return length > <u32>lengthOf(end) && isAt(NAME + length - lengthOf(end), end);
}

/** Whether a guest may see another. */
function mayBeSeen(by: Card, card: Card): bool {
  return by == card || !(by.isIsolated || card.isIsolated);
}

/** The address of a name of so many bytes, as a guest may see it: FOREIGN where no guest has it, else UNKNOWN or the address. */
function addressOf(by: Card, length: u32): u32 {
  if (length == lengthOf(HOST) && isAt(NAME, HOST)) return <u32>A.HOST_ADDRESS;
  const ports = portCount();
  for (let port: u32 = 0; port < ports; port++) {
    const card = cardOf(port);
    if (card.address != 0 && card.nameLength == length && areSame(NAME, nameOf(card), length))
      return mayBeSeen(by, card) ? card.address : UNKNOWN;
  }
  return FOREIGN;
}

/** The address whose name is asked for by digits that so many bytes of NAME are: UNKNOWN where there is none, or a guest may not see it. */
function addressByDigits(by: Card, length: u32): u32 {
  let value: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit: u32 = load<u8>(NAME + i) - 0x30;
    if (digit > 9 || i > 2) return UNKNOWN;
    value = value * 10 + digit;
  }
  const address = <u32>A.NETWORK + value;
  if (address == <u32>A.HOST_ADDRESS) return address;
  const card = cardWith(address);
  return card == 0 || !mayBeSeen(by, changetype<Card>(card)) ? UNKNOWN : address;
}

/** The card of an address, 0 for none. */
function cardWith(address: u32): usize {
  const ports = portCount();
  for (let port: u32 = 0; port < ports; port++)
    if (cardOf(port).address == address) return changetype<usize>(cardOf(port));
  return 0;
}

/** What a name of so many bytes, at NAME, means to a guest: as addressOf. */
function meaningOf(by: Card, length: u32): u32 {
  if (endsWith(length, REVERSE)) return addressByDigits(by, length - lengthOf(REVERSE));
  if (!endsWith(length, IN_DOMAIN)) return addressOf(by, length);
  const address = addressOf(by, length - lengthOf(IN_DOMAIN));
  return address == FOREIGN ? UNKNOWN : address;
}

/** Puts the name of an address, as a question has names; gives what is behind it. */
function putName(at: usize, address: u32): usize {
  const card = cardWith(address);
  let end = at + 1;
  if (card == 0) end = putText(end, HOST);
  else {
    const length = changetype<Card>(card).nameLength;
    memory.copy(end, nameOf(changetype<Card>(card)), length);
    end += length;
  }
  store<u8>(at, <u32>(end - at - 1));
  store<u8>(end, lengthOf(DOMAIN));
  end = putText(end + 1, DOMAIN);
  store<u8>(end, 0);
  return end + 1;
}

/** Sends what stands at ANSWER up to an end to whoever has asked. */
function sendBack(card: Card, end: usize): void {
  const it = datagram();
  const from = it.ethernet;
  sendAnswer(macOf(card), from, P.DNS_PORT, it.source, it.sourcePort, <u32>(end - ANSWER));
}

/**
 * Answers the question of `datagram()`.
 * @param end where the question ends
 * @param address what is known of it, else UNKNOWN or FOREIGN
 */
function reply(card: Card, end: usize, code: u32, address: u32): void {
  const asked = datagram().payload;
  const type = half(end - 4);
  const length = <u32>(end - asked);
  memory.copy(ANSWER, asked, length);
  memory.fill(ANSWER + P.DNS_ANSWERS, 0, P.DNS_SIZE - P.DNS_ANSWERS);
  const flags = half(asked + P.DNS_FLAGS) & P.DNS_RECURSION_DESIRED;
  putHalf(
    ANSWER + P.DNS_FLAGS,
    flags | P.DNS_RESPONSE | P.DNS_AUTHORITATIVE | P.DNS_RECURSION_AVAILABLE | code,
  );
  let at: usize = ANSWER + length;
  const isName = endsWith(takeName(asked + P.DNS_SIZE), REVERSE);
  if (code == P.NO_ERROR && (type == (isName ? P.TYPE_PTR : P.TYPE_A) || type == P.TYPE_ANY)) {
    putHalf(ANSWER + P.DNS_ANSWERS, 1);
    putHalf(at, P.QUESTIONS_NAME);
    putHalf(at + 2, isName ? P.TYPE_PTR : P.TYPE_A);
    putHalf(at + 4, P.CLASS_IN);
    putWhole(at + 6, TIME_TO_LIVE);
    const data = at + 12;
    at = isName ? putName(data, address) : putWhole(data, address);
    putHalf(data - 2, <u32>(at - data));
  }
  sendBack(card, at);
}

/**
 * Answers what `datagram()` asks, or asks the host's resolver.
 * @returns whether it is done with: it is a question
 */
export function answerName(port: u32): bool {
  const it = datagram();
  const asked = it.payload;
  if (it.length < <u32>P.DNS_SIZE || (half(asked + P.DNS_FLAGS) & P.DNS_RESPONSE) != 0) return false;
  const card = cardOf(port);
  const end = endOfQuestion(asked, it.length);
  if (end != 0 && (half(asked + P.DNS_FLAGS) & P.DNS_OPCODE) == 0 && half(end - 2) == P.CLASS_IN) {
    const address = meaningOf(card, takeName(asked + P.DNS_SIZE));
    if (address != FOREIGN) {
      reply(card, end, address == UNKNOWN ? P.NO_SUCH_NAME : P.NO_ERROR, address);
      return true;
    }
  }
  forward(port);
  return true;
}
