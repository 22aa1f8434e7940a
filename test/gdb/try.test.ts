/** A trial under a debugger: what looks on sees the same as without one. */
import { expect, test } from 'vitest';
import type { Debuggee, Stop } from '../../src/gdb/debuggee.js';
import { debug } from '../../src/gdb/debuggee.js';
import { lookInside, type LookInside } from '../../src/usecases/look-inside.js';
import { bareGuest, MAIN } from '../support/bare-guest.js';
import { handoverOf } from '../support/handover.js';
import { r1, r2 } from '../../src/isa/registers.js';

const STEPS = 5;
let end = 0;
/** Core 0 stores and counts, and comes to a branch to itself. */
const program = bareGuest((a) => {
  const again = a.label('again');
  a.mov(r1, 0);
  a.mov(r2, 0x4000);
  a.at(again);
  a.add(r1, r1, 1);
  a.str(r1, [r2]);
  a.cmp(r1, 20);
  a.bne(again);
  end = a.here;
  const stay = a.label('stay');
  a.at(stay);
  a.b(stay);
});
const STORE = MAIN + 3 * 4;

async function traceOf(onSession?: LookInside['onSession']): Promise<{ trace: string; why: string }> {
  let trace = '';
  const engine = await lookInside({
    until: { address: end },
    trace: (text) => (trace += text),
    onSession,
  });
  const { why } = await engine.run(handoverOf([0, program]), () => undefined, new AbortController().signal);
  return { trace, why };
}

test('a trace has each instruction once, where a debugger stops and steps too', async () => {
  const alone = await traceOf();
  expect(alone.trace.split('\n').length).toBeGreaterThan(80);
  const stops: string[] = [];
  const debugged = await traceOf(({ pi, session }) => {
    const it: Debuggee = debug(pi, session);
    const [thread] = it.inferiors.all[0]!;
    const breaks = { kind: 1, process: 1, address: STORE, length: 4 } as const;
    it.attach();
    it.setPoint(breaks);
    it.onStop = ({ why }: Stop): void => {
      stops.push(
        `${typeof why === 'string' ? why : why.point.kind} ${thread!.registers.register(15)!.toString(16)}`,
      );
      it.clearPoint(breaks);
      it.resume({ step: stops.length <= STEPS ? thread : undefined });
    };
    it.resume({});
  });
  const at = (n: number): string => (MAIN + 4 * n).toString(16);
  expect(stops).toEqual([`1 ${at(3)}`, ...[4, 5, 2, 3, 4].map((n) => `step ${at(n)}`)]);
  expect(debugged).toEqual(alone);
});
