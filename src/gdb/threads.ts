/** Threads as packets name them, with inferiors and without (GDB manual, appendix E.1 "thread-id"), and `vCont`. */
import type { Resumption } from './debuggee.js';
import type { Inferiors, Thread } from './inferiors.js';

/** The threads that a debugger works on. */
export interface Threads {
  readonly all: readonly Thread[];
  /** What a thread is called. */
  readonly idOf: (thread: Thread) => string;
  /** Those that an identity names: one, all of an inferior, all. Empty where there is none such. */
  readonly named: (id: string) => readonly Thread[];
  /** The list in XML (appendix E.17), and as `qfThreadInfo` has it. */
  readonly xml: () => string;
  readonly list: () => string;
}

/** Its two parts: -1 and 0 are all, and any. */
function partsOf(id: string): [process: string, number: string] {
  if (!id.startsWith('p')) return [ALL, id];
  const [process = '', number = ALL] = id.slice(1).split('.');
  return [process, number];
}
const ALL = '-1';
const isMany = (part: string): boolean => part === ALL || part === '0';
const names = (part: string, n: number): boolean =>
  isMany(part) || (/^[0-9a-f]+$/i.test(part) && parseInt(part, 16) === n);

/**
 * @param apart whether inferiors are told of
 * @param isAttached which of them
 */
export function threadsOf(
  inferiors: Inferiors,
  apart: boolean,
  isAttached: (process: number) => boolean,
): Threads {
  const all = inferiors.all.flat().filter(({ process }) => isAttached(process));
  const hex = (n: number): string => n.toString(16);
  const idOf = ({ process, number }: Thread): string => `${apart ? `p${hex(process)}.` : ''}${hex(number)}`;
  return {
    all,
    idOf,
    named(id) {
      const [process, number] = partsOf(id);
      return all.filter((it) => names(process, it.process) && names(number, it.number));
    },
    list: () => all.map(idOf).join(','),
    xml: () => {
      const lines = all.map(
        (it) => `<thread id="${idOf(it)}" core="${it.core}" name="${it.name}">${it.doing()}</thread>`,
      );
      return `<?xml version="1.0"?><threads>${lines.join('')}</threads>`;
    },
  };
}

/** An action of `vCont`, for a thread, all of an inferior, or all that no other is for. */
const ACTION = /^([cCsS])(?:[0-9a-f]{2})?(?::(.+))?$/i;

/**
 * How a machine goes on that `vCont` is sent to. It runs as a whole, whichever inferiors are meant: their processors
 * are the same cores, and wait for each other. But a debugger takes no stop of an inferior that it has not let go on.
 * Only where nothing but single threads are named do the other cores stand still.
 * @param actions without `vCont;`
 * @param current the thread that is meant where none is named
 * @returns undefined where it says nothing that can be done
 */
export function resumptionOf(actions: string, threads: Threads, current: Thread): Resumption | undefined {
  const parsed = actions.split(';').map((action) => {
    const [, kind, id] = ACTION.exec(action) ?? [];
    const named = id === undefined ? threads.all : threads.named(id);
    const isSingle = id !== undefined && !isMany(partsOf(id)[1]);
    return { kind: kind?.toLowerCase(), named, single: isSingle ? named[0] : undefined, id };
  });
  if (parsed.some(({ kind, named }) => kind === undefined || named.length === 0)) return undefined;
  // Of those for one thread the leftmost counts.
  const first = parsed.find(({ kind, id }) => kind === 's' || id === undefined);
  const steps = first?.kind === 's' ? first : undefined;
  const step = steps && (steps.single ?? (steps.named.includes(current) ? current : steps.named[0]!));
  const isWhole = parsed.some((it) => it.kind === 'c' && !it.single);
  const single = parsed.find(({ kind }) => kind === 'c')?.single;
  const processes = new Set(parsed.flatMap(({ named }) => named.map(({ process }) => process)));
  if (isWhole || (step && single && single.core !== step.core)) return { step, processes };
  return { step, only: (step ?? single)?.core, processes };
}
