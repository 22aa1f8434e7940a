/** Changes of mode and security state, for those who want to know of them. */
import { isSecure, modeOf } from './current-mode.js';
import * as L from './layout.js';
import { KICK, type Machine, runningView, timeAt } from './state.js';

/** Tells of the changes that the interpreter has written down. To be called before the next one is told. */
export function tellModeLog(m: Machine): void {
  const { u32, i32, core, listener } = m;
  const next = u32[L.MODE_LOG_NEXT >>> 2]!;
  if (next <= L.MODE_LOG) return;
  u32[L.MODE_LOG_NEXT >>> 2] = L.MODE_LOG;
  for (let at = L.MODE_LOG >>> 2; at < next >>> 2; at += L.MODE_LOG_ENTRY >>> 2) {
    const left = i32[at]!;
    const key = u32[at + 1]!;
    // It may have been kicked: no budget is as large.
    const time = timeAt(m, m.sliceBudget - (left < -KICK / 2 ? left + KICK : left));
    listener?.modeEntered?.(core.index, key >>> 1, (key & 1) !== 0, false, time);
  }
}

/** Tells that the running core's mode or security state is another now, or that it went to sleep, or woke. */
export function tellMode(m: Machine): void {
  const { listener, core } = m;
  if (!listener) return;
  tellModeLog(m);
  listener.modeChanged?.(runningView(m));
  listener.modeEntered?.(core.index, modeOf(m), isSecure(m), core.waiting !== 'no', undefined);
}
