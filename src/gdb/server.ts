/**
 * A server of GDB's remote serial protocol (GDB manual, appendix E), for one debugger: cores are threads, the first one's
 * number is 1. All stop together, and go on together.
 */
import { bytesOf, createPacketReader, encodePacket, hexOf, LONGEST_PACKET } from './packets.js';
import type { Debuggee, Stop } from './debuggee.js';
import { GENERAL, type GdbRegister, REGISTERS, targetDescription } from './registers.js';

/** A debugger's line. */
export interface GdbServer {
  /** Takes what comes from it, a character for a byte. */
  readonly receive: (piece: string) => void;
}

/** Answers that say which kind of mistake it was: an address that is not there, a number that is none. */
const NO_MEMORY = 'E0e';
const INVALID = 'E16';
const OK = 'OK';
/** What is not known is answered by nothing (appendix E.1). */
const UNKNOWN = '';

const SIGINT = 2;
const SIGTRAP = 5;

/**
 * Makes one.
 * @param send sends to the debugger, a character for a byte
 * @param kill ends the machine
 */
export function createGdbServer(
  debuggee: Debuggee,
  send: (text: string) => void,
  kill: () => void,
): GdbServer {
  const read = createPacketReader();
  let acknowledges = true;
  let core = 0;
  let physical = false;
  /** It runs, and the debugger waits for it to stop. */
  let runs = false;
  let last: Stop = { core: 0, why: 'interrupt' };

  const reply = (text: string): void => {
    send(encodePacket(text));
  };
  const threadOf = (id: string): number | undefined => {
    const n = parseInt(id, 16);
    return n >= 1 && n <= debuggee.cores.length ? n - 1 : undefined;
  };
  const stopReply = ({ core: at, why }: Stop): string => {
    const signal = why === 'interrupt' ? SIGINT : SIGTRAP;
    return `T0${signal}thread:${at + 1};${why === 'breakpoint' ? 'hwbreak:;' : ''}`;
  };
  /** @returns no answer: that comes with the stop */
  const resume = (step?: number): string | undefined => {
    runs = true;
    debuggee.resume(step);
    return undefined;
  };

  const valueOf = (register: GdbRegister): string => {
    const { size } = register;
    const value = register.read(debuggee.cores[core]!);
    // Little-endian, as the machine is.
    return hexOf(Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn)));
  };
  const setRegister = ({ size, write }: GdbRegister, digits: string): boolean => {
    const bytes = bytesOf(digits);
    if (!write || bytes?.length !== size) return false;
    write(
      debuggee.cores[core]!,
      bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n),
    );
    return true;
  };

  const memory = (text: string): string => {
    const [, address, length] = /^([0-9a-f]+),([0-9a-f]+)$/i.exec(text) ?? [];
    if (address === undefined || length === undefined) return INVALID;
    const [at, size] = [parseInt(address, 16), parseInt(length, 16)];
    if (at > 0xffff_ffff || size > LONGEST_PACKET / 2) return INVALID;
    const bytes = physical ? debuggee.readPhysical(at, size) : debuggee.read(core, at, size);
    return bytes ? hexOf(bytes) : NO_MEMORY;
  };
  const writeMemory = (text: string, data: (rest: string) => Uint8Array | undefined): string => {
    const [, address, length, rest] = /^([0-9a-f]+),([0-9a-f]+):([^]*)$/i.exec(text) ?? [];
    const bytes = rest === undefined ? undefined : data(rest);
    if (address === undefined || bytes?.length !== parseInt(length ?? '', 16)) return INVALID;
    const at = parseInt(address, 16);
    if (at > 0xffff_ffff) return INVALID;
    const done = physical ? debuggee.writePhysical(at, bytes) : debuggee.write(core, at, bytes);
    return done ? OK : NO_MEMORY;
  };
  const breakpoint = (text: string, set: boolean): string => {
    const [, kind, digits] = /^([0-9]),([0-9a-f]+),/i.exec(text) ?? [];
    // Watchpoints are not done here: GDB steps then, and compares by itself.
    if (kind !== '0' && kind !== '1') return UNKNOWN;
    const address = parseInt(digits!, 16);
    if (address > 0xffff_ffff) return INVALID;
    if (set) debuggee.setBreakpoint(address);
    else debuggee.clearBreakpoint(address);
    return OK;
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
        return `PacketSize=${LONGEST_PACKET.toString(16)};qXfer:features:read+;vContSupported+;QStartNoAckMode+;hwbreak+`;
      case 'QStartNoAckMode':
        acknowledges = false;
        return OK;
      case 'qXfer': {
        const [what, action, file, offset, length] = rest;
        if (what !== 'features' || action !== 'read' || file !== 'target.xml') return UNKNOWN;
        const [from, size] = [parseInt(offset ?? '', 16), parseInt(length ?? '', 16)];
        if (!(from >= 0 && size > 0)) return INVALID;
        const xml = targetDescription();
        return `${from + size < xml.length ? 'm' : 'l'}${xml.slice(from, from + size)}`;
      }
      case 'qfThreadInfo':
        return `m${debuggee.cores.map(({ index }) => index + 1).join(',')}`;
      case 'qsThreadInfo':
        return 'l';
      case 'qC':
        return `QC${core + 1}`;
      case 'qAttached':
        return '1';
      case 'qThreadExtraInfo': {
        const of = threadOf(rest[0] ?? '');
        return of === undefined ? INVALID : hexOf(new TextEncoder().encode(`core ${of}`));
      }
      case 'qRcmd':
        return monitor(rest[0] ?? '');
      default:
        return UNKNOWN;
    }
  };
  const resumption = (text: string): string | undefined => {
    if (text === 'vCont?') return 'vCont;c;C;s;S';
    const step = /[;]([sS])[^:;]*(?::([0-9a-f-]+))?/.exec(text);
    if (!step) return /^vCont;[cC]/.test(text) ? resume() : INVALID;
    const of = step[2] === undefined ? core : threadOf(step[2]);
    return of === undefined ? INVALID : resume(of);
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
          if (!setRegister(register, rest.slice(at, at + 2 * register.size))) return INVALID;
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
        return breakpoint(rest, packet[0] === 'Z');
      case 'H': {
        const id = rest.slice(1);
        // Any thread, or all.
        if (id === '0' || id === '-1') return OK;
        const of = threadOf(id);
        if (of === undefined) return INVALID;
        if (rest[0] === 'g') core = of;
        return OK;
      }
      case 'T':
        return threadOf(rest) === undefined ? INVALID : OK;
      case 'c':
        return rest === '' ? resume() : INVALID;
      case 's':
        return rest === '' ? resume(core) : INVALID;
      case 'v':
        return packet.startsWith('vCont') ? resumption(packet) : UNKNOWN;
      case 'q':
      case 'Q':
        return query(packet);
      case 'D':
        debuggee.detach();
        return OK;
      case 'k':
        kill();
        return undefined;
      default:
        return UNKNOWN;
    }
  };

  debuggee.onStop = (stop) => {
    last = stop;
    core = stop.core;
    if (runs) reply(stopReply(stop));
    runs = false;
  };
  return {
    receive: (piece) => {
      for (const received of read(piece)) {
        if ('interrupt' in received) {
          debuggee.interrupt();
        } else if ('damaged' in received) {
          if (acknowledges) send('-');
        } else {
          if (acknowledges) send('+');
          // While it runs there is nothing to be said, and nothing to be looked at.
          if (runs && received.packet !== 'k' && received.packet !== 'D') continue;
          const text = answer(received.packet);
          if (text !== undefined) reply(text);
        }
      }
    },
  };
}
