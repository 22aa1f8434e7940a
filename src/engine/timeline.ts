import { modeName } from './core-state.js';
import type { Activity, Timeline } from './machine-report.js';
import type { Observe } from './observer.js';

/** Pieces that the time is cut into; when they are used up, each two become one. */
const PIECES = 1024;
/** The length of a piece at first, in nanoseconds. */
const FIRST_PIECE = 1000;
/** More activities than there are: nine modes in two security states, and sleep in both. */
const ACTIVITIES = 20;

interface CoreRecord {
  /** Nanoseconds of each activity in each piece. */
  readonly spent: Float64Array;
  readonly first: { readonly activity: number; readonly at: number }[];
  /** By their numbers: 1 for those that are in `first`. */
  readonly seen: Uint8Array;
  activity: number;
  since: number;
}

/** Records what the cores do over virtual time, in memory that does not grow with it. */
export const recordTimeline: Observe = (pi) => {
  const { cpu } = pi;
  const activities: Activity[] = [];
  /** Numbers of activities, by mode and security state. */
  const numbers = new Int8Array(64).fill(-1);
  let piece = FIRST_PIECE;

  /** The number of what a core does. */
  const activityOf = (mode: number, secure: boolean, waiting: boolean): number => {
    const key = waiting ? (secure ? 1 : 0) : (mode << 1) | (secure ? 1 : 0);
    if (numbers[key]! < 0)
      numbers[key] = activities.push({ mode: waiting ? 'waiting' : modeName(mode), secure }) - 1;
    return numbers[key]!;
  };
  const records = cpu.cores.map((core): CoreRecord => {
    const activity = activityOf(core.mode, core.secure, core.waiting !== 'no');
    const spent = new Float64Array(PIECES * ACTIVITIES);
    const seen = new Uint8Array(ACTIVITIES);
    seen[activity] = 1;
    return { spent, first: [{ activity, at: 0 }], seen, activity, since: 0 };
  });

  const coarsen = (): void => {
    piece *= 2;
    for (const { spent } of records) {
      for (let i = 0; i < PIECES / 2; i++)
        for (let a = 0; a < ACTIVITIES; a++)
          spent[i * ACTIVITIES + a] = spent[2 * i * ACTIVITIES + a]! + spent[(2 * i + 1) * ACTIVITIES + a]!;
      spent.fill(0, (PIECES / 2) * ACTIVITIES);
    }
  };
  /** Counts the time up to `until` for what the core did. */
  const count = (record: CoreRecord, until: number): void => {
    while (until > piece * PIECES) coarsen();
    let from = record.since;
    while (from < until) {
      const index = Math.floor(from / piece);
      const to = Math.min(until, (index + 1) * piece);
      const at = index * ACTIVITIES + record.activity;
      record.spent[at] = record.spent[at]! + to - from;
      from = to;
    }
    record.since = Math.max(record.since, until);
  };

  const spansOf = (
    { spent, activity: last }: CoreRecord,
    pieces: number,
  ): { activity: number; from: number }[] => {
    const spans: { activity: number; from: number }[] = [];
    for (let i = 0; i < pieces; i++) {
      const weights = spent.subarray(i * ACTIVITIES, (i + 1) * ACTIVITIES);
      const most = weights.indexOf(Math.max(...weights));
      const activity = weights[most] === 0 ? last : most;
      if (spans[spans.length - 1]?.activity !== activity) spans.push({ activity, from: i * piece });
    }
    return spans;
  };

  return {
    listener: {
      modeEntered: (core, mode, secure, sleeps, at) => {
        const record = records[core]!;
        const activity = activityOf(mode, secure, sleeps);
        if (activity === record.activity) return;
        const time = at ?? cpu.now();
        count(record, time);
        record.activity = activity;
        if (record.seen[activity]) return;
        record.seen[activity] = 1;
        record.first.push({ activity, at: time });
      },
    },
    report: () => {
      const nanoseconds = cpu.reached;
      for (const record of records) count(record, nanoseconds);
      const pieces = Math.max(1, Math.ceil(nanoseconds / piece));
      const timeline: Timeline = {
        nanoseconds,
        resolution: piece,
        activities,
        cores: records.map((record, core) => ({
          core,
          first: record.first,
          spans: spansOf(record, Math.min(pieces, PIECES)),
        })),
      };
      return { timeline };
    },
  };
};
