import { describe, expect, test } from 'vitest';
import { createBuiltInPi, ENDINGS } from '../../src/engine/built-in.js';
import { readScript, startScript, type ScriptEnd } from '../../src/engine/script.js';
import { createSession, repeatTyped, type Companion, type TypedAt } from '../../src/engine/session.js';
import { readRecord, RECORD_HEADER, recordLine } from '../../src/engine/typed-record.js';
import { handoverOf } from '../support/handover.js';
import { promptPayload } from '../support/payloads.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Run {
  readonly why: string;
  readonly said: string;
  readonly time: number;
  /** r4 of core 0: when each character came. */
  readonly when: number;
  readonly typed: readonly TypedAt[];
}

async function run({ busy = false, fast = false }, ...companions: readonly Companion[]): Promise<Run> {
  let said = '';
  const pi = await createBuiltInPi(handoverOf([0, promptPayload({ busy })]), (out) => {
    said += new TextDecoder().decode(out);
  });
  const typed: TypedAt[] = [];
  const session = createSession(pi, { fast, onTyped: (it) => typed.push(it) });
  for (const companion of companions) session.join(companion);
  const why = await session.run();
  return { why, said, time: pi.cpu.time, when: pi.cpu.cores[0]!.register(4), typed };
}

/** Types by the clock on the wall, as hands do. */
const hands = (...all: readonly (readonly [milliseconds: number, typed: string])[]): Companion => {
  let begun = false;
  return {
    due: Infinity,
    look(session) {
      if (begun) return;
      begun = true;
      for (const [at, typed] of all)
        setTimeout(() => {
          session.type(typed === 'break' ? typed : bytes(typed));
        }, at);
    },
  };
};

describe.each([
  ['sleeps', false],
  ['is busy', true],
])('a session with a system that %s while nothing is typed', (_, busy) => {
  test('types what is typed, and repeated it is the same run, however the time goes', async () => {
    const first = await run({ busy }, hands([20, 'ab'], [50, 'break'], [53, 'c'], [90, 'q']));
    expect(first.why).toBe(ENDINGS['power-off']);
    expect(first.said).toBe('> ab!cq');
    expect(first.typed.map(({ typed }) => typed)).toEqual([bytes('ab'), 'break', bytes('c'), bytes('q')]);
    const kept = RECORD_HEADER + first.typed.map((it) => recordLine({ ...it, resets: 0 })).join('');
    for (const fast of [true, false]) {
      const again = await run({ busy, fast }, repeatTyped(readRecord(kept)));
      expect(again).toEqual(first);
    }
    // One that gets the same at another time is another run.
    const later = first.typed.map((it) => ({ ...it, at: it.at + 1_000_000 }));
    expect((await run({ busy, fast: true }, repeatTyped(later))).when).not.toBe(first.when);
  });
});

test('an idle machine takes the time that it has on the wall, a fast one none', async () => {
  const typed: TypedAt[] = [{ at: 300_000_000, typed: bytes('q') }];
  const took = async (fast: boolean): Promise<number> => {
    const begin = performance.now();
    await run({ fast }, repeatTyped(typed));
    return performance.now() - begin;
  };
  await took(true);
  const [slow, fast] = [await took(false), await took(true)];
  expect(slow).toBeGreaterThan(300);
  expect(slow - fast).toBeGreaterThan(200);
});

test('a machine that sleeps is let alone: nothing looks whether it still does', async () => {
  const pi = await createBuiltInPi(handoverOf([0, promptPayload({ busy: false })]), () => undefined);
  const session = createSession(pi, { fast: false });
  let looks = 0;
  session.join({ due: Infinity, look: () => (looks += 1) });
  const ended = session.run();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(pi.cpu.asleep).toBe(true);
  looks = 0;
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(looks).toBe(0);
  session.leave('enough');
  await ended;
});

test('a machine that is held while it sleeps stands still at once, and goes on from there', async () => {
  const pi = await createBuiltInPi(handoverOf([0, promptPayload({ busy: false })]), () => undefined);
  const session = createSession(pi, { fast: false });
  const ended = session.run();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(pi.cpu.asleep).toBe(true);
  const release = session.hold();
  const { now } = session;
  session.type(bytes('q'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(session.now).toBe(now);
  release();
  expect(await ended).toBe(ENDINGS['power-off']);
  expect(session.now).toBeGreaterThan(now);
});

test('what is typed ahead, more than the UART takes, comes whole', async () => {
  const much = 'x'.repeat(200_000);
  const { said } = await run({ fast: true }, repeatTyped([{ at: 0, typed: bytes(`${much}q`) }]));
  expect(said).toBe(`> ${much}q`);
});

async function converse(text: string, fast = true): Promise<Run & { end: ScriptEnd }> {
  const script = startScript(readScript(text));
  const pi = await createBuiltInPi(handoverOf([0, promptPayload({ busy: false })]), (out) => {
    said += new TextDecoder().decode(out);
    script.take(new TextDecoder().decode(out));
  });
  let said = '';
  const session = createSession(pi, { fast });
  session.join(script);
  const why = await session.run();
  return { why, said, time: pi.cpu.time, when: 0, typed: [], end: script.end(why) };
}

describe('a script', () => {
  test('waits for texts, each behind the one before, and sends', async () => {
    const { said, end } = await converse(
      '# a comment\n\nexpect > \nsend ab\\c\nexpect a\nexpect b\nsend \\x63\nexpect c\n',
    );
    expect(said).toBe('> abc\r');
    expect(end).toEqual({ done: true });
  });

  test('is told by its line where a text does not come, in the time that it has', async () => {
    const { end, time } = await converse(
      'expect >\ntimeout 2.5\nsend hello\\c\nexpect hello\nexpect hello\n',
    );
    expect(end).toEqual({
      done: false,
      line: 5,
      expected: 'hello',
      why: "it did not come in 2.5 s of the machine's time",
    });
    expect(time / 1e9).toBeCloseTo(2.5, 1);
  });

  test('is told by its line where the system ends before', async () => {
    const { end } = await converse('expect >\nsend q\nexpect more\n');
    expect(end).toEqual({ done: false, line: 3, expected: 'more', why: ENDINGS['power-off'] });
  });

  test('with a last line that sends goes on until the system ends', async () => {
    const { why, end } = await converse('expect >\nsend q\\c');
    expect([why, end]).toEqual([ENDINGS['power-off'], { done: true }]);
  });

  test.each([
    ['expect', 'Line 1 of the script: "expect" has no text to wait for.'],
    ['\nsend a\\q', 'Line 2 of the script: "\\q" is none of'],
    ...['none', '0', '-1', '1e3', '10000001'].map((it) => [
      `timeout ${it}`,
      `Line 1 of the script: "timeout ${it}" has no number of seconds above 0, of 10000000 at most.`,
    ]),
    ['expect a\nwait 3', 'Line 2 of the script: "wait" is none of expect, send and timeout.'],
  ])('%j is refused with its line', (text, message) => {
    expect(() => readScript(text)).toThrow(
      expect.objectContaining({
        code: 'script.invalid',
        message: expect.stringContaining(message) as string,
      }),
    );
  });

  test('what it sends ends with Enter, unless it says otherwise', () => {
    const sends = (line: string): unknown => readScript(`send ${line}`)[0]?.act;
    expect(sends('ls')).toEqual({ send: 'ls\r' });
    expect(sends('ls\\c')).toEqual({ send: 'ls' });
    expect(sends('a\\\\c')).toEqual({ send: 'a\\c\r' });
    expect(sends('\\x03\\t\\e\\\\')).toEqual({ send: '\x03\t\x1b\\\r' });
    expect(readScript('send')[0]?.act).toEqual({ send: '\r' });
  });
});

test.each([
  ['', 1],
  [`${RECORD_HEADER}{}`, 2],
  [`${RECORD_HEADER}{"resets":0,"at":1,"bytes":"\u0100"}`, 2],
  [`${RECORD_HEADER}{"resets":0,"at":5,"bytes":"a"}\n{"resets":0,"at":4,"bytes":"a"}\n`, 3],
  [`${RECORD_HEADER}{"resets":0,"at":5`, 2],
])('a record that is none is refused with its line (%#)', (text, line) => {
  expect(() => readRecord(text)).toThrow(
    expect.objectContaining({
      code: 'record.invalid',
      message: expect.stringContaining(`Line ${line} `) as string,
    }),
  );
});
