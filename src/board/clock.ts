/**
 * Virtual time and what happens in it. The processor makes the time; devices set timers.
 * All times are nanoseconds since the machine started.
 */

/** Nanoseconds in a second. */
export const SECOND = 1e9;

/**
 * The shortest distance from now at which {@link Clock.nextEvent} names an event that is still to come. A guest that
 * sets a timer to nothing would otherwise have the run chopped into pieces of one instruction.
 */
export const EVENT_GRANULARITY = 1000;

/** A timer of one device: set or not set. Setting it again moves it, so no guest can pile events up. */
export interface Timer {
  /** Has the action run at `time`, or as soon as events are run when that is past. */
  set(time: number): void;
  clear(): void;
}

interface Slot {
  readonly name: string;
  due: number;
  readonly action: (due: number) => void;
}

/** When each timer that is set is due, nanoseconds, by its name. */
export type Due = ReadonlyMap<string, number>;

export class Clock {
  private readonly slots: Slot[] = [];
  private earliest = Infinity;

  /** @param time gives the current virtual time; it never falls. */
  constructor(private readonly time: () => number) {}

  /** Nanoseconds since the machine started. */
  now(): number {
    return this.time();
  }

  /**
   * A timer, not set.
   * @param name its own, by which it is saved and restored
   * @param action runs when the timer is due and gets the time it was set for, which may lie a little before now; the
   *   timer is then cleared and may be set again
   */
  timer(name: string, action: (due: number) => void): Timer {
    if (this.slots.some((it) => it.name === name))
      throw new RangeError(`There is a timer "${name}" already.`);
    const slot: Slot = { name, due: Infinity, action };
    this.slots.push(slot);
    return {
      set: (time) => {
        slot.due = time;
        this.findEarliest();
      },
      clear: () => {
        slot.due = Infinity;
        this.findEarliest();
      },
    };
  }

  /**
   * When {@link runEvents} should next be called; Infinity when nothing is set. A timer that is set during a run can
   * bring it forward, so whoever runs the processor asks again after each of its slices.
   */
  nextEvent(): number {
    const now = this.now();
    return this.earliest <= now ? now : Math.max(this.earliest, now + EVENT_GRANULARITY);
  }

  /** Runs what is due, in the order of time, each timer at most once. */
  runEvents(): void {
    const now = this.now();
    if (this.earliest > now) return;
    const due = this.slots.filter((slot) => slot.due <= now).sort((a, b) => a.due - b.due);
    for (const slot of due) {
      const time = slot.due;
      // An earlier action may have cleared or moved it.
      if (time > now) continue;
      slot.due = Infinity;
      slot.action(time);
    }
    this.findEarliest();
  }

  /** What is set. */
  save(): Due {
    return new Map(this.slots.filter(({ due }) => due !== Infinity).map(({ name, due }) => [name, due]));
  }

  /** Sets the timers that a save found set, and clears the others. Throws RangeError where there is none of a name. */
  restore(saved: Due): void {
    for (const name of saved.keys()) {
      if (!this.slots.some((it) => it.name === name)) throw new RangeError(`There is no timer "${name}".`);
    }
    for (const slot of this.slots) slot.due = saved.get(slot.name) ?? Infinity;
    this.findEarliest();
  }

  private findEarliest(): void {
    this.earliest = this.slots.reduce((least, slot) => Math.min(least, slot.due), Infinity);
  }
}
