import type { Activity, ModeName, Timeline } from './machine-report.js';

const letters: Readonly<Record<ModeName | 'waiting', string>> = {
  usr: 'u',
  fiq: 'f',
  irq: 'i',
  svc: 's',
  mon: 'm',
  abt: 'a',
  hyp: 'h',
  und: 'd',
  sys: 'y',
  waiting: '.',
};

/** The character that stands for an activity; Secure state has capitals. */
function letterOf({ mode, secure }: Activity): string {
  return secure ? letters[mode].toUpperCase() : letters[mode];
}

/** What the legend calls an activity. */
function nameOf({ mode, secure }: Activity): string {
  if (mode === 'waiting') return 'waits';
  return secure && mode !== 'mon' ? `${mode} secure` : mode;
}

const NANOSECONDS_PER_MS = 1e6;
/** Columns between two ticks of the axis, at least. */
const TICK_COLUMNS = 12;
/** A bar shorter than this shows nothing. */
const SHORTEST_BAR = 10;

/** For each column the activity that takes most of it. */
function columnsOf(timeline: Timeline, core: Timeline['cores'][number], width: number): number[] {
  const { nanoseconds, activities } = timeline;
  const column = nanoseconds / width;
  const ends = [...core.spans.slice(1).map(({ from }) => from), nanoseconds];
  let span = 0;
  return Array.from({ length: width }, (_, c) => {
    const spent = new Array<number>(activities.length).fill(0);
    const [begin, end] = [c * column, (c + 1) * column];
    while (span + 1 < ends.length && ends[span]! <= begin) span++;
    for (let i = span; i < ends.length && core.spans[i]!.from < end; i++) {
      const { activity, from } = core.spans[i]!;
      spent[activity] = spent[activity]! + Math.min(end, ends[i]!) - Math.max(begin, from);
    }
    return spent.indexOf(Math.max(...spent));
  });
}

/** Ticks at 1, 2 or 5 times a power of ten milliseconds. */
function axis(nanoseconds: number, width: number): string {
  const least = (nanoseconds / NANOSECONDS_PER_MS / width) * TICK_COLUMNS;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((it) => it * power).find((it) => it >= least)!;
  let line = '';
  for (let tick = 0; ; tick++) {
    const at = Math.round(((tick * step * NANOSECONDS_PER_MS) / nanoseconds) * width);
    const label = `|${Number((tick * step).toPrecision(6))}`;
    if (at + label.length + ' ms'.length > width) return `${line} ms`;
    line = line.padEnd(at) + label;
  }
}

/**
 * Draws the modes of the cores over virtual time: a line a core, a time axis, and what the characters mean. In front
 * of a core's bar stands what it went through, in order; also what took too little time to be seen in the bar.
 * @param columns how wide the lines may become
 * @param paint gives text that stands for an activity its colour
 */
export function drawTimeline(
  timeline: Timeline,
  columns: number,
  paint: (activity: Activity, text: string) => string = (_, text) => text,
): string[] {
  const { activities, cores, nanoseconds } = timeline;
  const painted = (indices: readonly number[]): string => {
    let text = '';
    for (let i = 0, j = 0; i < indices.length; i = j) {
      const activity = activities[indices[i]!]!;
      while (j < indices.length && indices[j] === indices[i]) j++;
      text += paint(activity, letterOf(activity).repeat(j - i));
    }
    return text;
  };
  const paths = cores.map(({ first }) => first.map(({ activity }) => activity));
  const longest = Math.max(...paths.map(({ length }) => length));
  const front = `core 0 ${' '.repeat(longest)} |`.length;
  const width = Math.max(SHORTEST_BAR, columns - front);
  const lines = cores.map((core, i) => {
    const path = painted(paths[i]!) + ' '.repeat(longest - paths[i]!.length);
    return `core ${core.core} ${path} |${nanoseconds > 0 ? painted(columnsOf(timeline, core, width)) : ''}`;
  });
  const seen = new Map(activities.map((it) => [letterOf(it), it]));
  const legend = [...seen].map(([letter, it]) => `${paint(it, letter)} ${nameOf(it)}`).join('  ');
  return [...lines, ...(nanoseconds > 0 ? [' '.repeat(front) + axis(nanoseconds, width)] : []), legend];
}
