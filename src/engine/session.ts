/** A machine that somebody works on: it gets what is typed, and its time is that of the clock on the wall while it is idle. */
import type { BuiltInPi } from './built-in.js';

/** What comes on the console's line: bytes, or a break, which holds the line longer than a character. */
export type Typed = Uint8Array | 'break';

/** Something that happened on the console's line, and when, in virtual nanoseconds. */
export interface TypedAt {
  readonly at: number;
  readonly typed: Typed;
}

/** Somebody who looks at the machine now and then, and may type or end the run. */
export interface Companion {
  /** Virtual time, in nanoseconds, that the machine is not to pass without a look; Infinity where that is all the same. */
  readonly due: number;
  /** Called between two stretches of a session, the first time before the first one. */
  look(session: Session): void;
}

export interface SessionOptions {
  /** Skips the time in which all cores sleep; else that takes as long as on a board. */
  readonly fast: boolean;
  /** Called with all that is typed, when it comes to the machine. */
  readonly onTyped?: ((typed: TypedAt) => void) | undefined;
}

/** A machine at work. */
export interface Session {
  /** Virtual time in nanoseconds. */
  readonly now: number;
  /** Bytes that were typed and that the machine has not taken yet; a break counts as one. */
  readonly untaken: number;
  /** Types. What the machine does not take yet waits. */
  type(typed: Typed): void;
  /** Has somebody look on from now on. */
  join(companion: Companion): void;
  /** Has something done between two stretches, soon: then the machine stands still. */
  between(act: () => void): void;
  /**
   * Has the machine stand still from the next stretch on; called between two stretches, or before the first one.
   * @returns lets it go on
   */
  hold(): () => void;
  /** Ends the run, between two stretches. The first reason counts; it is what {@link run} gives then. */
  leave(why: string): void;
  /**
   * Runs until the machine ends, or is left.
   * @returns why, one sentence without a full stop
   */
  run(): Promise<string>;
}

/** Virtual nanoseconds of a stretch: how late something that is typed may come to a machine that is not idle. */
const STRETCH = 100_000;
/** Virtual nanoseconds between two looks of the observers. */
const LOOK_EVERY = 5_000_000;
/** Milliseconds after which the host's other work gets its turn: what is typed, for one. */
const TURN_MS = 10;
/** Milliseconds of idle time that are worth a wait: timers of the host are no finer. */
const SHORTEST_WAIT = 4;
/** The longest wait in one piece, milliseconds. */
const LONGEST_WAIT = 60_000;
const NANOSECONDS = 1_000_000;

/**
 * A session on a machine. For one that gets the same at the same virtual times it is the same run, instruction for
 * instruction, however the clock on the wall goes: the stretches end at times that follow from the machine alone, and
 * where all cores sleep it makes no difference where they end.
 * @param pi a machine between two runs
 */
export function createSession(pi: BuiltInPi, { fast, onTyped }: SessionOptions): Session {
  const waiting: Typed[] = [];
  const lengthOf = (typed: Typed): number => (typed === 'break' ? 1 : typed.length);
  let untaken = 0;
  const companions: Companion[] = [];
  const acts: (() => void)[] = [];
  let left: string | undefined;
  let holds = 0;
  let wake: (() => void) | undefined;
  /** Milliseconds of idle time that the clock on the wall has not had. */
  let debt = 0;

  const deliver = (): void => {
    for (let typed = waiting[0]; typed !== undefined; typed = waiting[0]) {
      const taken = typed === 'break' ? Number(pi.board.uart.receiveBreak()) : pi.board.uart.receive(typed);
      if (taken === 0) return;
      untaken -= taken;
      onTyped?.({ at: pi.cpu.time, typed: typed === 'break' ? typed : typed.slice(0, taken) });
      if (typed !== 'break' && taken < typed.length) waiting[0] = typed.subarray(taken);
      else waiting.shift();
    }
  };

  /** Waits, until something is typed at the longest. */
  const wait = async (milliseconds: number): Promise<void> => {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    wake = undefined;
  };

  /** When a companion wants to be asked next. */
  const companionsDue = (): number => Math.min(...companions.map(({ due }) => due));

  /** Passes the time in which all cores sleep. */
  const sleep = async (): Promise<void> => {
    const { time } = pi.cpu;
    const until = Math.min(pi.nextEvent(), companionsDue());
    const gap = (until - time) / NANOSECONDS;
    if (fast && until < Infinity) {
      pi.advance(Math.max(until, time + 1));
      return;
    }
    if (debt + gap < SHORTEST_WAIT) {
      debt += gap;
      pi.advance(Math.max(until, time + 1));
      return;
    }
    // For long nothing comes that would have them look.
    pi.look();
    if (pi.ending !== undefined) return;
    const begin = performance.now();
    await wait(Math.min(debt + gap, LONGEST_WAIT));
    // Who has it stand still meanwhile looks at it.
    if (holds > 0) {
      debt = 0;
      return;
    }
    const passed = performance.now() - begin - debt;
    const interrupted = passed < gap;
    debt = interrupted ? Math.max(0, -passed) : Math.min(passed - gap, 0);
    const ahead = Math.ceil(Math.max(passed, 0) * NANOSECONDS);
    pi.advance(interrupted ? Math.min(time + Math.max(ahead, 1), until) : Math.max(until, time + 1));
  };

  const session: Session = {
    get now() {
      return pi.cpu.time;
    },
    get untaken() {
      return untaken;
    },
    type(typed) {
      waiting.push(typed);
      untaken += lengthOf(typed);
      wake?.();
    },
    between(act) {
      acts.push(act);
      wake?.();
    },
    hold() {
      holds++;
      return () => {
        holds--;
        wake?.();
      };
    },
    join(companion) {
      companions.push(companion);
    },
    leave(why) {
      left ??= why;
      wake?.();
    },
    async run() {
      let turn = performance.now();
      let nextLook = 0;
      for (;;) {
        if (pi.cpu.time >= nextLook) {
          pi.look();
          nextLook = pi.cpu.time + LOOK_EVERY;
        }
        for (const companion of companions) companion.look(session);
        for (const act of acts.splice(0)) act();
        // What is typed meanwhile waits.
        while (holds > 0 && left === undefined && pi.ending === undefined) {
          await wait(LONGEST_WAIT);
          for (const act of acts.splice(0)) act();
        }
        const why = pi.ending ?? left;
        if (why !== undefined) {
          pi.look();
          return why;
        }
        deliver();
        if (pi.cpu.asleep) await sleep();
        else pi.advance(Math.max(Math.min(pi.cpu.time + STRETCH, companionsDue()), pi.cpu.time + 1));
        if (performance.now() - turn < TURN_MS) continue;
        await new Promise((resolve) => setTimeout(resolve, 0));
        turn = performance.now();
      }
    },
  };
  return session;
}

/**
 * Types what was typed in another run, at the same times.
 * @param all in the order of their times
 */
export function repeatTyped(all: readonly TypedAt[]): Companion {
  let next = 0;
  return {
    get due() {
      return all[next]?.at ?? Infinity;
    },
    look(session) {
      for (; next < all.length && all[next]!.at <= session.now; next++) session.type(all[next]!.typed);
    },
  };
}
