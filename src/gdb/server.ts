/**
 * A server of GDB's remote serial protocol (GDB manual, appendix E), for one debugger: processors are threads, of one
 * inferior or, for a debugger that tells them apart (`multiprocess`), of several. All stop together, and go on together.
 */
import { bytesOf, createPacketReader, encodePacket, hexOf, LONGEST_PACKET } from './packets.js';
import { type Debuggee, type Point, POINT, type Resumption, type Stop } from './debuggee.js';
import type { Thread } from './inferiors.js';
import { GENERAL, type GdbRegister, isWritable, REGISTERS, targetDescription } from './registers.js';
import { resumptionOf, type Threads, threadsOf } from './threads.js';

/** A debugger's line. */
export interface GdbServer {
  /** Takes what comes from it, a character for a byte. */
  readonly receive: (piece: string) => void;
  /** Has it debug the machine that a reset made of its one: with the same points, and going on where that did. */
  readonly goOnWith: (next: Debuggee) => void;
}

/** Answers that say which kind of mistake it was: what is refused, an address that is not there, a number that is none, no room. */
const REFUSED = 'E01';
const NO_MEMORY = 'E0e';
const NO_ROOM = 'E1c';
const INVALID = 'E16';
const OK = 'OK';
/** What is not known is answered by nothing (appendix E.1). */
const UNKNOWN = '';

const SIGINT = 2;
const SIGTRAP = 5;
/** What a stop reply calls the points, by their kinds. */
const REASONS = ['swbreak', 'hwbreak', 'watch', 'rwatch', 'awatch'] as const;
const KINDS: readonly number[] = Object.values(POINT);

/** Two digits of a register that is nowhere. */
const UNAVAILABLE = 'xx';
const SUPPORTED = [
  `PacketSize=${LONGEST_PACKET.toString(16)}`,
  ...['multiprocess+', 'qXfer:features:read+', 'qXfer:threads:read+', 'vContSupported+', 'QStartNoAckMode+'],
  ...['swbreak+', 'hwbreak+'],
].join(';');

/**
 * Makes one.
 * @param first the machine that it debugs first
 * @param send sends to the debugger, a character for a byte
 * @param kill ends the machine
 */
export function createGdbServer(first: Debuggee, send: (text: string) => void, kill: () => void): GdbServer {
  let debuggee = first;
  const read = createPacketReader();
  let acknowledges = true;
  /** Whether inferiors are told of, which of them have the debugger's hands on them, and what of it knows `hwbreak`. */
  let apart = false;
  const attached = new Set<number>();
  let features: readonly string[] = [];
  let threads: Threads;
  let thread: Thread;
  let physical = false;
  /** It runs, and the debugger waits for it to stop. */
  let runs = false;
  /** The inferiors whose points count while it does; undefined for all. */
  let counted: Resumption['processes'];
  let last: Stop;

  const tellThreads = (): void => {
    threads = threadsOf(debuggee.inferiors, apart, (process) => attached.has(process));
  };
  const begin = (wanted: boolean): void => {
    debuggee.tellApart(wanted);
    attached.clear();
    attached.add(1);
    tellThreads();
    [thread] = threads.all as [Thread, ...Thread[]];
    last = { thread, why: 'interrupt' };
  };
  const reply = (text: string): void => {
    send(encodePacket(text));
  };
  const stopReply = ({ thread: who, why }: Stop): string => {
    const signal = why === 'interrupt' ? SIGINT : SIGTRAP;
    const stop = `T0${signal}thread:${threads.idOf(who)};`;
    if (typeof why === 'string') return stop;
    const name = REASONS[why.point.kind];
    if (!name.endsWith('break')) return `${stop}${name}:${why.address.toString(16)};`;
    return features.includes(`${name}+`) ? `${stop}${name}:;` : stop;
  };
  /** @returns no answer: that comes with the stop */
  const resume = (how: Resumption | undefined): string | undefined => {
    if (!how) return INVALID;
    runs = true;
    counted = how.processes;
    debuggee.resume(how);
    return undefined;
  };

  const valueOf = (register: GdbRegister): string => {
    const { size } = register;
    const value = register.read(thread.registers);
    if (value === undefined) return UNAVAILABLE.repeat(size);
    // Little-endian, as the machine is.
    return hexOf(Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn)));
  };
  const setRegister = (register: GdbRegister, digits: string): boolean => {
    const { size, write } = register;
    const bytes = bytesOf(digits);
    if (!write || bytes?.length !== size || !isWritable(register, thread.registers)) return false;
    write(
      thread.registers,
      bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n),
    );
    return true;
  };

  const memory = (text: string): string => {
    const [, address, length] = /^([0-9a-f]+),([0-9a-f]+)$/i.exec(text) ?? [];
    if (address === undefined || length === undefined) return INVALID;
    const [at, size] = [parseInt(address, 16), parseInt(length, 16)];
    if (at > 0xffff_ffff || size > LONGEST_PACKET / 2) return INVALID;
    const bytes = physical ? debuggee.readPhysical(at, size) : debuggee.read(thread, at, size);
    return bytes ? hexOf(bytes) : NO_MEMORY;
  };
  const writeMemory = (text: string, data: (rest: string) => Uint8Array | undefined): string => {
    const [, address, length, rest] = /^([0-9a-f]+),([0-9a-f]+):([^]*)$/i.exec(text) ?? [];
    const bytes = rest === undefined ? undefined : data(rest);
    if (address === undefined || bytes?.length !== parseInt(length ?? '', 16)) return INVALID;
    const at = parseInt(address, 16);
    if (at > 0xffff_ffff) return INVALID;
    const done = physical ? debuggee.writePhysical(at, bytes) : debuggee.write(thread, at, bytes);
    return done ? OK : NO_MEMORY;
  };
  const point = (text: string, set: boolean): string => {
    const [, digit, digits, size] = /^([0-9]),([0-9a-f]+),([0-9a-f]+)/i.exec(text) ?? [];
    if (digit === undefined) return INVALID;
    if (!KINDS.includes(Number(digit))) return UNKNOWN;
    const kind = Number(digit) as Point['kind'];
    const [address, length] = [parseInt(digits!, 16), parseInt(size!, 16)];
    if (length === 0 || address + length > 0x1_0000_0000) return INVALID;
    const it: Point = { kind, process: thread.process, address, length };
    if (!set) debuggee.clearPoint(it);
    else if (!debuggee.setPoint(it)) return NO_ROOM;
    return OK;
  };
  /** A piece of a text that is too long for one packet. */
  const pieceOf = (text: string, offset: string | undefined, length: string | undefined): string => {
    const [from, size] = [parseInt(offset ?? '', 16), parseInt(length ?? '', 16)];
    if (!(from >= 0 && size > 0)) return INVALID;
    const to = from + Math.min(size, LONGEST_PACKET / 2);
    return `${to < text.length ? 'm' : 'l'}${text.slice(from, to)}`;
  };
  /** The number of an inferior that the debugger has its hands on; of what else it may have. */
  const processOf = (digits: string, of = threads.all): number | undefined =>
    of.find(({ process }) => process === parseInt(digits, 16))?.process;
  const detach = (digits: string | undefined): string => {
    const process = digits === undefined ? undefined : processOf(digits);
    if (digits !== undefined && process === undefined) return INVALID;
    if (process !== undefined) {
      attached.delete(process);
      debuggee.clearPoints(process);
      tellThreads();
    }
    if (process === undefined || threads.all.length === 0) {
      debuggee.detach();
      runs = false;
    } else if (thread.process === process) thread = threads.all[0]!;
    return OK;
  };
  const attach = (digits: string): string => {
    const all = debuggee.inferiors.all.flat();
    const process = processOf(digits, all);
    const one = all.find((it) => it.process === process);
    if (!apart || process === undefined || !one) return INVALID;
    attached.add(process);
    tellThreads();
    // Who has let all of it go has it run.
    debuggee.attach();
    thread = one;
    return stopReply({ thread, why: 'step' });
  };
  const monitor = (digits: string): string => {
    const words = new TextDecoder().decode(bytesOf(digits) ?? new Uint8Array()).trim();
    const say = (text: string): string => hexOf(new TextEncoder().encode(`${text}\n`));
    if (words === 'physical' || words === 'virtual') {
      physical = words === 'physical';
      return say(`Addresses of memory are ${words} ones now.`);
    }
    return say('monitor physical: memory by physical address; monitor virtual: as the core sees it.');
  };
  const query = (text: string): string => {
    const [name = '', ...rest] = text.split(/[:,;]/);
    switch (name) {
      case 'qSupported':
        features = rest;
        apart = features.includes('multiprocess+');
        tellThreads();
        return SUPPORTED;
      case 'QStartNoAckMode':
        acknowledges = false;
        return OK;
      case 'qXfer': {
        const [what, action, file, offset, length] = rest;
        if (action !== 'read') return UNKNOWN;
        if (what === 'threads' && file === '') return pieceOf(threads.xml(), offset, length);
        if (what !== 'features' || file !== 'target.xml') return UNKNOWN;
        return pieceOf(targetDescription(), offset, length);
      }
      case 'qfThreadInfo':
        return threads.all.length > 0 ? `m${threads.list()}` : 'l';
      case 'qsThreadInfo':
        return 'l';
      case 'qC':
        return `QC${threads.idOf(thread)}`;
      case 'qAttached':
        return rest[0] === undefined || processOf(rest[0]) !== undefined ? '1' : INVALID;
      case 'qThreadExtraInfo': {
        const [of] = threads.named(rest[0] ?? '');
        return of ? hexOf(new TextEncoder().encode(`${of.name}: ${of.doing()}`)) : INVALID;
      }
      case 'qRcmd':
        return monitor(rest[0] ?? '');
      default:
        return UNKNOWN;
    }
  };
  const resumption = (text: string): string | undefined => {
    if (text === 'vCont?') return 'vCont;c;C;s;S';
    return resume(text.startsWith('vCont;') ? resumptionOf(text.slice(6), threads, thread) : undefined);
  };
  const named = (text: string): string | undefined => {
    const [name = '', digits = ''] = text.split(';');
    if (name.startsWith('vCont')) return resumption(text);
    if (name === 'vAttach') return attach(digits);
    if (name !== 'vKill') return UNKNOWN;
    // No part of a machine can be killed.
    if (debuggee.inferiors.all.length > 1) return REFUSED;
    kill();
    return OK;
  };

  /** @returns the answer; undefined for what has none now */
  const answer = (packet: string): string | undefined => {
    const rest = packet.slice(1);
    switch (packet[0]) {
      case '?':
        return stopReply(last);
      case 'g':
        return REGISTERS.slice(0, GENERAL).map(valueOf).join('');
      case 'G': {
        let at = 0;
        for (const register of REGISTERS.slice(0, GENERAL)) {
          const digits = rest.slice(at, at + 2 * register.size);
          // Of what cannot be written it sends something all the same.
          if (isWritable(register, thread.registers) && !setRegister(register, digits)) return INVALID;
          at += 2 * register.size;
        }
        return OK;
      }
      case 'p': {
        const register = REGISTERS[parseInt(rest, 16)];
        return register ? valueOf(register) : INVALID;
      }
      case 'P': {
        const [number = '', digits = ''] = rest.split('=');
        const register = REGISTERS[parseInt(number, 16)];
        return register && setRegister(register, digits) ? OK : INVALID;
      }
      case 'm':
        return memory(rest);
      case 'M':
        return writeMemory(rest, bytesOf);
      case 'X':
        return writeMemory(rest, (data) => Uint8Array.from(data, (it) => it.charCodeAt(0)));
      case 'Z':
      case 'z':
        return point(rest, packet[0] === 'Z');
      case 'H': {
        const of = threads.named(rest.slice(1));
        if (of.length === 0) return INVALID;
        if (rest[0] === 'g' && !of.includes(thread)) [thread] = of as [Thread, ...Thread[]];
        return OK;
      }
      case 'T':
        return threads.named(rest).length === 1 ? OK : INVALID;
      case 'c':
        return rest === '' ? resume({}) : INVALID;
      case 's':
        return rest === '' ? resume({ step: thread }) : INVALID;
      case 'v':
        return named(packet);
      case '!':
        if (apart) begin(true);
        return OK;
      case 'q':
      case 'Q':
        return query(packet);
      case 'D':
        return detach(rest === '' ? undefined : rest.slice(1));
      case 'k':
        kill();
        return undefined;
      default:
        return UNKNOWN;
    }
  };

  const listen = (): void => {
    debuggee.onStop = (stop) => {
      last = stop;
      ({ thread } = stop);
      if (runs) reply(stopReply(stop));
      runs = false;
    };
  };
  begin(false);
  listen();
  return {
    goOnWith: (next) => {
      const { points } = debuggee;
      const { process, number } = thread;
      debuggee = next;
      listen();
      debuggee.tellApart(apart);
      tellThreads();
      thread = threads.all.find((it) => it.process === process && it.number === number) ?? threads.all[0]!;
      last = { thread, why: 'interrupt' };
      // Who has taken its hands off keeps them off.
      if (!runs) return;
      for (const point of points) debuggee.setPoint(point);
      debuggee.attach();
      debuggee.resume({ processes: counted });
    },
    receive: (piece) => {
      let before: string | undefined;
      for (const received of read(piece)) {
        if ('interrupt' in received) {
          debuggee.interrupt(thread);
        } else if ('damaged' in received) {
          if (acknowledges) send('-');
        } else {
          // Who waits to be acknowledged sends nothing else: what came twice at once, after two seconds of our silence,
          // was asked once (appendix E.1), and GDB takes a second answer for that of its next packet.
          if (acknowledges && received.packet === before) continue;
          before = received.packet;
          if (acknowledges) send('+');
          // While it runs there is nothing to be said, and nothing to be looked at.
          if (runs && !/^[kD]/.test(received.packet)) continue;
          const text = answer(received.packet);
          if (text !== undefined) reply(text);
        }
      }
    },
  };
}
