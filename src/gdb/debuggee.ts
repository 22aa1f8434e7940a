/** The built-in Pi 2 as a debugger has it: it stops and goes on, and its processors and RAM can be looked at. */
import type { CoreView } from '../cpu/core-view.js';
import type { BuiltInPi } from '../engine/built-in.js';
import type { Session } from '../engine/session.js';
import type { HypervisorDescription } from '../hypervisor/image/description.js';
import { type Inferiors, inferiorsOf, oneInferior, type Thread } from './inferiors.js';

const PAGE_MASK = 0xfff;
/** Virtual nanoseconds for which a processor steps alone: what it waits for then may be the others' to do. */
const ALONE = 1_000_000;

/** Kinds of points, by their numbers in GDB's protocol: breakpoints, then watchpoints for writes, reads, and both. */
export const POINT = { SOFTWARE: 0, HARDWARE: 1, WRITE: 2, READ: 3, ACCESS: 4 } as const;

/** A breakpoint or watchpoint of one inferior's. */
export interface Point {
  readonly kind: (typeof POINT)[keyof typeof POINT];
  readonly process: number;
  readonly address: number;
  /** Bytes that are watched. */
  readonly length: number;
}

/** Why a machine stopped, and which processor came there. */
export interface Stop {
  readonly thread: Thread;
  readonly why: 'step' | 'interrupt' | { readonly point: Point; readonly address: number };
}

/** How a machine goes on. */
export interface Resumption {
  /** Who is to execute one instruction; undefined: until something stops it. */
  readonly step?: Thread | undefined;
  /** The only core that runs; undefined for all. Where it is to step, that is given up when that takes long. */
  readonly only?: number | undefined;
  /** The inferiors whose points count; undefined for all. */
  readonly processes?: ReadonlySet<number> | undefined;
}

/** A machine that is debugged. Everything but {@link interrupt} is for while it stands still. */
export interface Debuggee {
  /** Called each time that it stops. */
  onStop: (stop: Stop) => void;
  readonly inferiors: Inferiors;
  /** Has host and guests be inferiors of their own, where there are some, or all one. There are no points then. */
  tellApart(apart: boolean): void;
  /** Has the machine stand still for a debugger that comes. */
  attach(): void;
  /** Bytes of RAM at a physical address; undefined where not all of it is RAM. */
  readPhysical(address: number, length: number): Uint8Array | undefined;
  /** The same at a virtual address, as a processor sees it. */
  read(thread: Thread, address: number, length: number): Uint8Array | undefined;
  /** @returns whether all of it was written, else nothing was */
  writePhysical(address: number, data: Uint8Array): boolean;
  write(thread: Thread, address: number, data: Uint8Array): boolean;
  /**
   * Has the processors of an inferior stop before the instruction at a virtual address, or one that is to access it.
   * @returns whether there is room for one more
   */
  setPoint(point: Point): boolean;
  readonly points: readonly Point[];
  clearPoint(point: Point): void;
  /** @param process undefined for all */
  clearPoints(process?: number): void;
  /** Lets the machine go on. */
  resume(how: Resumption): void;
  /** Has it stop soon; that is said of a thread. */
  interrupt(thread: Thread): void;
  /** Takes the debugger's hands off: it goes on, whatever was set. */
  detach(): void;
}

/** More points than this nobody sets. */
const MOST_POINTS = 1024;

const isBreakpoint = ({ kind }: Point): boolean => kind === POINT.SOFTWARE || kind === POINT.HARDWARE;

const overlaps = ({ address, length }: Point, at: number, size: number): boolean =>
  at < address + length && address < at + size;

/** Whether a watchpoint is for an access. */
const watches = (point: Point, at: number, size: number, write: boolean): boolean =>
  point.kind !== (write ? POINT.READ : POINT.WRITE) && overlaps(point, at, size);

/**
 * A machine for debuggers, one after the other.
 * @param hypervisor what starts on it, where that is one
 */
export function debug(pi: BuiltInPi, session: Session, hypervisor?: HypervisorDescription): Debuggee {
  const one = oneInferior(pi);
  const apart = hypervisor?.vcpus && inferiorsOf(pi, hypervisor, hypervisor.vcpus);
  let inferiors = one;
  let points: Point[] = [];
  let breakpoints: readonly Point[] = [];
  let watchpoints: readonly Point[] = [];
  let offsets = new Set<number>();
  let stepping: Thread | undefined;
  let stepBegun = false;
  /** Who is to step is not on its core: until it comes there nobody looks at every instruction. */
  let approaches = false;
  /** The instruction that a processor is to execute though a breakpoint is there: it stopped there before. */
  let passing: { readonly thread: Thread; readonly address: number } | undefined;
  let held: Stop | undefined;
  let release: (() => void) | undefined;
  /** When the others go on, too, though the one that steps has not. */
  let aloneUntil = Infinity;

  const watch = {
    wants: (physical: number) =>
      (stepping !== undefined && (!approaches || stepping.entries.includes(physical))) ||
      offsets.has(physical & PAGE_MASK),
    instruction: (core: CoreView, address: number): boolean => {
      if (held) return true;
      const comesTo = (it: Thread | undefined): boolean =>
        it?.core === core.index && inferiors.running(core) === it;
      if (passing?.address === address && comesTo(passing.thread)) {
        if (stepping === passing.thread) stepBegun = true;
        passing = undefined;
        return false;
      }
      if (approaches && stepping!.core === core.index && stepping!.entries.includes(address)) {
        if (!stepping!.enters()) return false;
        approaches = false;
        // One of HYP mode's has left it by the instruction that it stands at.
        if (comesTo(stepping)) return hold({ thread: stepping!, why: 'step' });
        pi.pause();
        session.between(look);
        return true;
      }
      if (!approaches && comesTo(stepping)) {
        if (stepBegun) return hold({ thread: stepping!, why: 'step' });
        stepBegun = true;
      }
      if (!breakpoints.some((it) => it.address === address)) return false;
      const thread = inferiors.running(core);
      const point = breakpoints.find((it) => it.address === address && it.process === thread.process);
      return point !== undefined && hold({ thread, why: { point, address } });
    },
    wantsAccesses: (address: number): boolean =>
      watchpoints.some((it) => overlaps(it, address - (address & PAGE_MASK), PAGE_MASK + 1)),
    access: (core: CoreView, at: number, size: number, write: boolean): boolean => {
      if (held) return true;
      if (!watchpoints.some((it) => watches(it, at, size, write))) return false;
      const thread = inferiors.running(core);
      const point = watchpoints.find((it) => it.process === thread.process && watches(it, at, size, write));
      return point !== undefined && hold({ thread, why: { point, address: Math.max(at, point.address) } });
    },
  };
  const hold = (stop: Stop): true => {
    held = stop;
    pi.pause();
    session.between(() => {
      // The debugger may be gone by then.
      if (held !== stop) return;
      stand();
      debuggee.onStop(stop);
    });
    return true;
  };
  const stand = (): void => {
    release ??= session.hold();
    runOnly(undefined);
  };
  const runOnly = (core: number | undefined, until = Infinity): void => {
    pi.cpu.runOnly(core);
    aloneUntil = until;
  };
  let looked = '';
  let processes: ReadonlySet<number> | undefined;
  /** Has the processor look at what it is to stop at, which makes it decode and translate anew where that is another. */
  const look = (): void => {
    const counted = points.filter(({ process }) => !processes || processes.has(process));
    breakpoints = counted.filter(isBreakpoint);
    watchpoints = counted.filter((it) => !isBreakpoint(it));
    offsets = new Set(breakpoints.map((it) => it.address & PAGE_MASK));
    const stepped = stepping !== undefined;
    const instructions = stepped && !approaches ? true : [stepping?.entries, [...offsets]];
    const now = JSON.stringify([instructions, watchpoints]);
    if (now === looked) return;
    looked = now;
    const { wants, instruction } = watch;
    const looksOn = stepped || breakpoints.length > 0;
    if (watchpoints.length > 0) pi.lookOn(watch);
    else pi.lookOn(looksOn ? { wants, instruction } : undefined);
  };
  const { memory } = pi.cpu;
  const inRam = (address: number, length: number): boolean => address + length <= memory.size;

  /** Calls `use` for each stretch of a virtual range that lies in one page; false where one is not mapped to RAM. */
  const eachPage = (
    thread: Thread,
    address: number,
    length: number,
    use: (physical: number, at: number, length: number) => void,
  ): boolean => {
    for (let at = 0; at < length;) {
      const virtual = (address + at) >>> 0;
      const size = Math.min(length - at, PAGE_MASK + 1 - (virtual & PAGE_MASK));
      const physical = thread.physical(virtual);
      if (physical === undefined || !inRam(physical, size)) return false;
      use(physical, at, size);
      at += size;
    }
    return true;
  };
  const isSame = (one: Point, other: Point): boolean =>
    one.kind === other.kind &&
    one.process === other.process &&
    one.address === other.address &&
    one.length === other.length;

  session.join({
    get due() {
      return aloneUntil;
    },
    look: ({ now }) => {
      if (now >= aloneUntil) runOnly(undefined);
    },
  });
  const debuggee: Debuggee = {
    onStop: () => undefined,
    get inferiors() {
      return inferiors;
    },
    tellApart(wanted) {
      inferiors = wanted ? (apart ?? one) : one;
      points = [];
      passing = undefined;
    },
    attach() {
      held ??= { thread: inferiors.running(pi.cpu.cores[0]!), why: 'interrupt' };
      stand();
    },
    readPhysical: (address, length) =>
      inRam(address, length) ? memory.observe(address, length).slice() : undefined,
    read(thread, address, length) {
      const bytes = new Uint8Array(length);
      const all = eachPage(thread, address, length, (physical, at, size) => {
        bytes.set(memory.observe(physical, size), at);
      });
      return all ? bytes : undefined;
    },
    writePhysical(address, data) {
      if (!inRam(address, data.length)) return false;
      memory.load(address, data);
      return true;
    },
    write(thread, address, data) {
      if (!eachPage(thread, address, data.length, () => undefined)) return false;
      return eachPage(thread, address, data.length, (physical, at, size) => {
        memory.load(physical, data.subarray(at, at + size));
      });
    },
    get points() {
      return points;
    },
    setPoint(point) {
      if (points.some((it) => isSame(it, point))) return true;
      if (points.length >= MOST_POINTS) return false;
      points.push(point);
      return true;
    },
    clearPoint(point) {
      points = points.filter((it) => !isSame(it, point));
    },
    clearPoints(process) {
      points = process === undefined ? [] : points.filter((it) => it.process !== process);
    },
    resume({ step, only, processes: counted }) {
      if (!release) return;
      const { thread, why } = held!;
      const address = thread.registers.register(15);
      passing = why === 'interrupt' || address === undefined ? undefined : { thread, address };
      stepping = step;
      stepBegun = false;
      approaches = step !== undefined && inferiors.running(pi.cpu.cores[step.core]!) !== step;
      held = undefined;
      processes = counted;
      look();
      runOnly(only, step && only !== undefined ? session.now + ALONE : Infinity);
      release();
      release = undefined;
    },
    interrupt(thread) {
      session.between(() => {
        if (held) return;
        held = { thread, why: 'interrupt' };
        stand();
        debuggee.onStop(held);
      });
    },
    detach() {
      points = [];
      stepping = undefined;
      processes = undefined;
      held = undefined;
      passing = undefined;
      const letGo = release;
      release = undefined;
      session.between(() => {
        look();
        runOnly(undefined);
      });
      letGo?.();
    },
  };
  return debuggee;
}
