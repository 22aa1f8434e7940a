/** The built-in Pi 2 as a debugger has it: it stops and goes on, and its cores and RAM can be looked at. */
import type { CoreView } from '../cpu/core-view.js';
import type { BuiltInPi } from '../engine/built-in.js';
import type { Session } from '../engine/session.js';

const PAGE_MASK = 0xfff;

/** Why a machine stopped, and which core came there. */
export interface Stop {
  readonly core: number;
  readonly why: 'breakpoint' | 'step' | 'interrupt';
}

/** A machine that is debugged. Everything but {@link interrupt} is for while it stands still. */
export interface Debuggee {
  /** Called each time that it stops. */
  onStop: (stop: Stop) => void;
  readonly cores: readonly CoreView[];
  /** Bytes of RAM at a physical address; undefined where not all of it is RAM. */
  readPhysical(address: number, length: number): Uint8Array | undefined;
  /** The same at a virtual address, as a core sees it. */
  read(core: number, address: number, length: number): Uint8Array | undefined;
  /** @returns whether all of it was written, else nothing was */
  writePhysical(address: number, data: Uint8Array): boolean;
  write(core: number, address: number, data: Uint8Array): boolean;
  /** Has every core stop before the instruction at a virtual address. */
  setBreakpoint(address: number): void;
  clearBreakpoint(address: number): void;
  clearBreakpoints(): void;
  /**
   * Lets the machine go on.
   * @param step the core that is to execute one instruction; undefined until something stops it
   */
  resume(step?: number): void;
  /** Has it stop soon. */
  interrupt(): void;
  /** Takes the debugger's hands off: it goes on, whatever was set. */
  detach(): void;
}

/** Takes a machine, between two stretches of its session: it stands still until {@link Debuggee.resume}. */
export function debug(pi: BuiltInPi, session: Session): Debuggee {
  const breakpoints = new Set<number>();
  const offsets = (): Set<number> => new Set([...breakpoints].map((it) => it & PAGE_MASK));
  let wanted = offsets();
  let stepping: number | undefined;
  let stepBegun = false;
  /** The instruction that a core is to execute though a breakpoint is there: it stopped there before. */
  let passing: { readonly core: number; readonly address: number } | undefined;
  let held: Stop | undefined = { core: 0, why: 'interrupt' };
  let release: (() => void) | undefined = session.hold();
  const watch = {
    wants: (physical: number) => stepping !== undefined || wanted.has(physical & PAGE_MASK),
    instruction: (core: CoreView, address: number): boolean => {
      if (held) return true;
      if (passing?.core === core.index && passing.address === address) {
        passing = undefined;
        if (stepping === core.index) stepBegun = true;
        return false;
      }
      if (core.index === stepping) {
        if (stepBegun) return hold({ core: core.index, why: 'step' });
        stepBegun = true;
      }
      return breakpoints.has(address) && hold({ core: core.index, why: 'breakpoint' });
    },
  };
  const hold = (stop: Stop): true => {
    held = stop;
    pi.pause();
    session.between(() => {
      release = session.hold();
      debuggee.onStop(stop);
    });
    return true;
  };
  const look = (): void => {
    wanted = offsets();
    pi.cpu.watch(wanted.size > 0 || stepping !== undefined ? watch : undefined);
  };
  const { memory } = pi.cpu;
  const inRam = (address: number, length: number): boolean => address + length <= memory.size;

  /** Calls `use` for each stretch of a virtual range that lies in one page; false where one is not mapped to RAM. */
  const eachPage = (
    core: number,
    address: number,
    length: number,
    use: (physical: number, at: number, length: number) => void,
  ): boolean => {
    for (let at = 0; at < length;) {
      const virtual = (address + at) >>> 0;
      const size = Math.min(length - at, PAGE_MASK + 1 - (virtual & PAGE_MASK));
      const physical = pi.cpu.cores[core]!.physical(virtual);
      if (physical === undefined || !inRam(physical, size)) return false;
      use(physical, at, size);
      at += size;
    }
    return true;
  };

  const debuggee: Debuggee = {
    onStop: () => undefined,
    cores: pi.cpu.cores,
    readPhysical: (address, length) =>
      inRam(address, length) ? memory.observe(address, length).slice() : undefined,
    read(core, address, length) {
      const bytes = new Uint8Array(length);
      const all = eachPage(core, address, length, (physical, at, size) => {
        bytes.set(memory.observe(physical, size), at);
      });
      return all ? bytes : undefined;
    },
    writePhysical(address, data) {
      if (!inRam(address, data.length)) return false;
      memory.load(address, data);
      return true;
    },
    write(core, address, data) {
      if (!eachPage(core, address, data.length, () => undefined)) return false;
      return eachPage(core, address, data.length, (physical, at, size) => {
        memory.load(physical, data.subarray(at, at + size));
      });
    },
    setBreakpoint(address) {
      breakpoints.add(address);
    },
    clearBreakpoint(address) {
      breakpoints.delete(address);
    },
    clearBreakpoints() {
      breakpoints.clear();
    },
    resume(step) {
      if (!release) return;
      const at = held && { core: held.core, address: pi.cpu.cores[held.core]!.register(15) };
      passing = held?.why === 'interrupt' ? undefined : at;
      stepping = step;
      stepBegun = false;
      held = undefined;
      look();
      release();
      release = undefined;
    },
    interrupt() {
      session.between(() => {
        if (held) return;
        held = { core: 0, why: 'interrupt' };
        release = session.hold();
        debuggee.onStop(held);
      });
    },
    detach() {
      breakpoints.clear();
      stepping = undefined;
      held = undefined;
      passing = undefined;
      const letGo = release;
      release = undefined;
      session.between(look);
      letGo?.();
    },
  };
  return debuggee;
}
