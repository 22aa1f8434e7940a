/**
 * Cores that sleep in WFE and are woken in vain: each SEV wakes all of them, and one that waits for something else looks
 * at it and sleeps again. What it executed then, it executes the next time too, as long as what it reads stays; that is
 * counted, not executed. The run is the same, as it is with waits.ts.
 */
import { isSecure, modeOf } from './current-mode.js';
import * as L from './layout.js';
import { isFlat } from './mmu.js';
import { mayPass } from './performance-monitors.js';
import { type Core, type Machine, timeAt } from './state.js';
import { nextEvent, updateTimers } from './timers.js';
import { type Entry, entryFor, holds } from './tlb.js';
import {
  addressesOf,
  characterOf,
  follow,
  isKept,
  keep,
  mayMissTlb,
  type Read,
  readsOf,
  returns,
  step,
  stillReads,
} from './waits.js';

/** What a core did between waking from WFE and sleeping in the same WFE again, all its registers as they were. */
export interface EventWait {
  /** Whether its event register was set when it woke. */
  readonly event: boolean;
  /** How many instructions it had executed behind each WFE; the last one has it sleep. */
  readonly looks: readonly number[];
  /** Translations of its code; none where there are none, see {@link isFlat}. */
  readonly codes: readonly Entry[];
  readonly reads: readonly Read[];
  /** {@link Machine.forgotten} at that time. */
  readonly forgotten: number;
  /** Where it is, for those who are told. */
  readonly mode: number;
  readonly secure: boolean;
}

/** Blocks that a core goes through until it sleeps again, at most. */
const LONGEST = 8;

/**
 * Executes the running core, which has woken from WFE, block by block as long as it may be on its way to sleep again.
 * What it does is what the interpreter would have done.
 * @param start the block at PC, from the cache of decoded code
 * @param physical its address
 * @param interpret runs the interpreter
 * @returns the block to go on with, at PC; 0 where the interpreter would have returned; and what the core waits for
 */
export function seeWake(
  m: Machine,
  start: number,
  physical: number,
  interpret: (block: number) => void,
): { readonly next: number; readonly wait?: EventWait } {
  const { core, u32 } = m;
  const head = u32[L.PC >>> 2]!;
  const { event } = core;
  const looks: number[] = [];
  const codes: Entry[] = [];
  const reads: Read[] = [];
  let [block, page] = [start, physical >>> 12];
  let executed = 0;
  keep(m);
  for (let n = 0; n < LONGEST; n++) {
    const address = u32[L.PC >>> 2]!;
    const character = characterOf(m, block);
    const addresses = addressesOf(m, character, address);
    const expects = core.event;
    const now = step(m, block, interpret);
    executed += now;
    const [goesOn, sleeps] = [!returns(m), core.waiting === 'event'];
    if (goesOn) [block, page] = follow(m, block, now, page);
    const next = goesOn ? block : 0;
    if (now > character.quietTo || (!goesOn && !sleeps)) return { next };
    if (character.event > 0 && now >= character.event) {
      // Of events that come with time it is not known whether WFE was executed.
      if (!sleeps && (!expects || core.event)) return { next };
      looks.push(executed - now + character.event);
    }
    const read = readsOf(m, character, addresses, now);
    const code = isFlat(m) ? undefined : entryFor(m, address, 'execute');
    if (!read || (!code && !isFlat(m))) return { next };
    reads.push(...read.filter((it) => !reads.some((other) => isSame(it, other))));
    if (code && !codes.some(({ at }) => at === code.at)) codes.push(code);
    if (sleeps) {
      if (u32[L.PC >>> 2] !== head || !isKept(m)) return { next };
      const { forgotten } = m;
      return {
        next,
        wait: { event, looks, codes, reads, forgotten, mode: modeOf(m), secure: isSecure(m) },
      };
    }
    if (block === 0) return { next };
  }
  return { next: block };
}

const isSame = (one: Read, other: Read): boolean =>
  one.entry?.at === other.entry?.at && one.physical === other.physical && one.size === other.size;

/**
 * Has a core that has woken sleep again, if that is what it would do. It need not be the one whose registers are there.
 * @param budget of its turn, in instructions
 * @returns the instructions that it would have executed; 0 where they must be executed
 */
export function sleepAgain(m: Machine, core: Core, wait: EventWait, budget: number): number {
  const { listener } = m;
  const { event, looks, codes, reads, forgotten, mode, secure } = wait;
  const executed = looks[looks.length - 1]!;
  const end = timeAt(m, executed);
  if (core.abort !== 'no') return 0;
  // A timer that is due sets its line from the core itself.
  if (core.event !== event || executed > budget || core.timerDeadline <= end || !mayPass(core, executed))
    return 0;
  if (listener?.modeChanged || forgotten !== m.forgotten) return 0;
  if (codes.length > 0 ? !codes.every((it) => holds(m, it)) : !mayMissTlb(core)) return 0;
  const since = looks.length > 1 ? timeAt(m, looks[looks.length - 2]!) : core.eventsSince;
  const streamed = nextEvent(m, core, since);
  if (streamed <= end || !stillReads(m, core, reads)) return 0;
  listener?.modeEntered?.(core.index, mode, secure, false, m.sliceStart);
  core.event = false;
  core.eventsSince = end;
  core.waiting = 'event';
  if (streamed !== Infinity) core.timerDeadline = updateTimers(m, core, end);
  listener?.modeEntered?.(core.index, mode, secure, true, end);
  return executed;
}
