/** The host's resolver: questions of guests that it is asked, and its answers to them. */
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import {
  AF_INET,
  GRND_NONBLOCK,
  SOCKADDR_ADDRESS,
  SOCKADDR_PORT,
  SOCKADDR_SIZE,
  SOCK_DGRAM,
} from '../../shared/linux.js';
import * as P from '../../shared/packets.js';
import { readBeginning } from '../files.js';
import { EAGAIN, O_CLOEXEC, O_NONBLOCK, linux, word } from '../linux.js';
import { now } from '../supervisor/host.js';
import { isAt, lengthOf } from '../texts.js';
import { cardOf, macOf } from './cards.js';
import { ANSWER, datagram, half, putHalf, sendAnswer } from './packet.js';
import { network } from './uplink.js';

/** A question that is under way. */
@unmanaged
class Question {
  /** Its number, as the resolver has it, and as the guest does; the former is 0 where this is none. */
  id: u16;
  guestsId: u16;
  /** Who has asked: address and port; which of the host's addresses on the wire. */
  source: u32;
  sourcePort: u16;
  hostsMac: u16;
  hostsMacRest: u32;
  /** What the question's bytes come to, by which an answer is known. */
  hash: u32;
  since: u32;
}

/** Of one guest, at a time: it does not take those of others. */
const OF_A_GUEST: u32 = 8;
const QUESTIONS: u32 = OF_A_GUEST * C.MOST_PORTS;
if (<usize>L.QUESTIONS + offsetof<Question>() * QUESTIONS > <usize>L.BUFFER) ERROR('layout of Question');

/** Milliseconds behind which another resolver is asked the next time. */
const PATIENCE: u32 = 2000;
/** Bytes of an answer that are read. */
const MOST_ANSWER: i32 = 0x4000;
/** Answers that are passed on before frames have their turn. */
const MOST_AT_ONCE: u32 = 16;
/** Of resolv.conf (man 5 resolv.conf): where it is read, how much of it, and how many name servers count. */
const FILE: usize = <usize>L.TEXTS;
const FILE_SIZE: i32 = 0x2000;
const MOST_SERVERS: u32 = 3;
const LOOPBACK: u32 = 0x7f00_0001;
const DOT: u32 = 0x2e;

function questionAt(n: u32): Question {
  return changetype<Question>(<usize>L.QUESTIONS + <usize>n * offsetof<Question>());
}

/** Where the first question of a message ends, of which it is the only one; 0 where there is none, or not just one. */
export function endOfQuestion(message: usize, length: u32): usize {
  const end = message + length;
  if (half(message + P.DNS_QUESTIONS) != 1) return 0;
  let at: usize = message + P.DNS_SIZE;
  const begin = at;
  while (at < end) {
    const label: u32 = load<u8>(at++);
    if (label > <u32>P.MOST_LABEL || at - begin > <usize>P.MOST_NAME) return 0;
    if (label == 0) return end - at < <usize>P.DNS_QUESTION_SIZE ? 0 : at + P.DNS_QUESTION_SIZE;
    at += label;
  }
  return 0;
}

/** Bytes in one number (FNV-1a). */
function hashOf(at: usize, end: usize): u32 {
  let hash: u32 = 0x811c_9dc5;
  for (; at < end; at++) hash = (hash ^ load<u8>(at)) * 0x0100_0193;
  return hash;
}

/** An address as it is written, a 0 or a blank behind it; 0 where it is none of version 4. */
function addressAt(at: usize): u32 {
  let address: u32 = 0;
  let parts: u32 = 0;
  let byte: u32 = DOT;
  while (byte == DOT) {
    let part: u32 = 0;
    byte = load<u8>(at++);
    for (; byte - 0x30 < 10 && part <= 255; byte = load<u8>(at++)) part = part * 10 + byte - 0x30;
    if (part > 255) return 0;
    address = (address << 8) | part;
    parts++;
  }
  return parts == 4 && byte <= 0x20 ? address : 0;
}

/** The name server to be asked, as resolv.conf has it now; the host itself where it has none. */
function nameServer(): u32 {
  const length = readBeginning('/etc/resolv.conf', FILE, FILE_SIZE);
  const end = FILE + (length < 0 ? 0 : length);
  store<u8>(end, 0);
  const servers = <usize>L.SCRATCH;
  let count: u32 = 0;
  for (let at = FILE; at < end && count < MOST_SERVERS; at++) {
    if (isAt(at, 'nameserver')) {
      at += lengthOf('nameserver');
      while (load<u8>(at) == 0x20 || load<u8>(at) == 9) at++;
      const address = addressAt(at);
      if (address != 0) store<u32>(servers + (count++ << 2), address);
    }
    while (at < end && load<u8>(at) != 0x0a) at++;
  }
  return count == 0 ? LOOPBACK : load<u32>(servers + ((network().turns % count) << 2));
}

/** Closes the socket: what is under way has no answer. */
function hangUp(): void {
  const it = network();
  if (it.nameServer != 0) linux.close(it.resolver);
  it.nameServer = 0;
  memory.fill(<usize>L.QUESTIONS, 0, offsetof<Question>() * QUESTIONS);
}

/** Opens a socket to a name server, by a port of its own; gives whether it is there. */
function call(server: u32): bool {
  const it = network();
  if (it.nameServer == server) return true;
  hangUp();
  it.resolver = linux.socket(AF_INET, SOCK_DGRAM | O_CLOEXEC | O_NONBLOCK, 0);
  if (it.resolver < 0) return false;
  it.nameServer = server;
  const address = <usize>L.SCRATCH;
  memory.fill(address, 0, SOCKADDR_SIZE);
  store<u16>(address, AF_INET);
  putHalf(address + SOCKADDR_PORT, P.DNS_PORT);
  store<u32>(address + SOCKADDR_ADDRESS, word.rev(server));
  if (linux.connect(it.resolver, address, SOCKADDR_SIZE) == 0) return true;
  it.turns++;
  hangUp();
  return false;
}

/** Forgets questions that have no answer in time, and turns to another name server then; the socket goes with the last. */
function forgetOld(time: u32): void {
  let isLate = false;
  let isBusy = false;
  for (let n: u32 = 0; n < QUESTIONS; n++) {
    const it = questionAt(n);
    if (it.id == 0) continue;
    if (time - it.since < PATIENCE) isBusy = true;
    else {
      it.id = 0;
      isLate = true;
    }
  }
  if (isLate) network().turns++;
  // The next one has another port, and the address that the host has then.
  if (!isBusy) hangUp();
}

/** A number that no question under way has, not 0. */
function newId(): u32 {
  linux.getrandom(<usize>L.SCRATCH, 2, GRND_NONBLOCK);
  let id: u32 = load<u16>(<usize>L.SCRATCH);
  while (id == 0 || questionOf(id) < QUESTIONS) id = (id + 1) & 0xffff;
  return id;
}

/** Which question under way has a number; QUESTIONS for none. */
function questionOf(id: u32): u32 {
  let n: u32 = 0;
  while (n < QUESTIONS && questionAt(n).id != id) n++;
  return n;
}

/** A place for a question of a guest's: a free one, else that of its oldest. */
function placeFor(port: u32): Question {
  let found = questionAt(port * OF_A_GUEST);
  for (let i: u32 = 0; i < OF_A_GUEST; i++) {
    const it = questionAt(port * OF_A_GUEST + i);
    if (it.id == 0) return it;
    if (<i32>(it.since - found.since) < 0) found = it;
  }
  return found;
}

/** Asks the host's resolver what `datagram()` asks. What it cannot be asked has no answer, and is asked again. */
export function forward(port: u32): void {
  const it = datagram();
  const time = now();
  forgetOld(time);
  if (!call(nameServer())) return;
  const id = newId();
  const question = placeFor(port);
  question.id = <u16>id;
  question.guestsId = <u16>half(it.payload);
  question.source = it.source;
  question.sourcePort = <u16>it.sourcePort;
  question.hostsMac = load<u16>(it.ethernet);
  question.hostsMacRest = load<u32>(it.ethernet, 2);
  const end = endOfQuestion(it.payload, it.length);
  question.hash = hashOf(it.payload + P.DNS_SIZE, end);
  question.since = time;
  putHalf(it.payload, id);
  if (linux.write(network().resolver, it.payload, it.length) < 0) question.since = time - PATIENCE;
}

/** Passes an answer of so many bytes at ANSWER on to the guest that has asked. */
function passOn(length: u32): void {
  if (length < <u32>P.DNS_SIZE || (half(ANSWER + P.DNS_FLAGS) & P.DNS_RESPONSE) == 0) return;
  const n = half(ANSWER) == 0 ? QUESTIONS : questionOf(half(ANSWER));
  if (n == QUESTIONS) return;
  const it = questionAt(n);
  const end = endOfQuestion(ANSWER, length);
  if (it.hash != hashOf(ANSWER + P.DNS_SIZE, end)) return;
  it.id = 0;
  putHalf(ANSWER, it.guestsId);
  if (length > <u32>P.MOST_PAYLOAD) {
    // The question alone, and that there is more.
    putHalf(ANSWER + P.DNS_FLAGS, half(ANSWER + P.DNS_FLAGS) | P.DNS_TRUNCATED);
    memory.fill(ANSWER + P.DNS_ANSWERS, 0, P.DNS_SIZE - P.DNS_ANSWERS);
    if (end == 0) return;
    length = <u32>(end - ANSWER);
  }
  const card = cardOf(n / OF_A_GUEST);
  const mac = changetype<usize>(it) + offsetof<Question>('hostsMac');
  sendAnswer(macOf(card), mac, P.DNS_PORT, it.source, it.sourcePort, length);
}

/** Passes on what the host's resolver has answered, some at a time. */
export function relayAnswers(): void {
  const it = network();
  for (let i: u32 = 0; i < MOST_AT_ONCE && it.nameServer != 0; i++) {
    const length = linux.read(it.resolver, ANSWER, MOST_ANSWER);
    if (length == -EAGAIN) return;
    if (length < 0) {
      // Nobody listens there, or it is out of reach.
      it.turns++;
      hangUp();
    } else passOn(length);
  }
}

/** What is readable when the host's resolver has answered; -1 for nothing. */
export function resolverFile(): i32 {
  const it = network();
  return it.nameServer == 0 ? -1 : it.resolver;
}
