/** The engine of this project, told where to look. Its parts are loaded only when it is asked for. */
import type { BuiltInPi } from '../engine/built-in.js';
import type { Engine } from '../engine/engine.js';
import type { Session } from '../engine/session.js';
import type { Until } from '../engine/verdict.js';

export interface LookInside {
  /** Where the run is to end, see `TrialOptions`. */
  readonly until?: Until | undefined;
  /** Called with what each core executes, as text; undefined where nobody reads it. */
  readonly trace?: ((text: string) => void) | undefined;
  /** See `createBuiltInPi`. */
  readonly seed?: number | undefined;
  /** Called before each run with who may hold it meanwhile. */
  readonly onSession?:
    ((at: { readonly pi: BuiltInPi; readonly session: Session }) => Promise<void> | void) | undefined;
}

/** The built-in engine, with all that looks on. */
export async function lookInside({ until, trace, seed, onSession }: LookInside): Promise<Engine> {
  const [
    { builtInEngine },
    { recordTimeline },
    { endAtCrash },
    { noteOddities },
    { noteUserMode },
    { watchHandover },
  ] = await Promise.all([
    import('../engine/built-in.js'),
    import('../engine/timeline.js'),
    import('../engine/crash.js'),
    import('../engine/notes.js'),
    import('../engine/user-mode.js'),
    import('../engine/handover-watch.js'),
  ]);
  const observers = [recordTimeline, endAtCrash, noteOddities, noteUserMode, watchHandover];
  if (until && 'address' in until) observers.push((await import('../engine/until.js')).endAt(until.address));
  if (trace) observers.push((await import('../engine/trace.js')).traceTo(trace));
  return builtInEngine(observers, seed, onSession);
}
