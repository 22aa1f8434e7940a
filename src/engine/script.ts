/** A conversation with a machine's console, written down: what is waited for, and what is typed then. */
import { HypberryError } from '../base/errors.js';
import { harmless } from '../base/terminal-text.js';
import { withoutEscapes } from './console.js';
import type { Companion, Session } from './session.js';

/** A line of a script. */
export interface Step {
  /** Its number, from 1. */
  readonly line: number;
  readonly act:
    | { readonly expect: string }
    | { readonly send: string }
    /** Seconds of the machine's time that each `expect` from here on has. */
    | { readonly timeout: number };
}

/** What became of a script. */
export type ScriptEnd =
  | { readonly done: true }
  /** The step whose text did not come. */
  | { readonly done: false; readonly line: number; readonly expected: string; readonly why: string };

/** Seconds of the machine's time that a text has to come in, unless the script says otherwise. */
const PATIENCE = 120;
/** The longest that may be given: four months. */
const MOST_SECONDS = 10_000_000;
const SECOND = 1_000_000_000;
/** Characters of the console among which a text is looked for: those behind the last one that came. */
const LOOKED_AT = 0x10_0000;
/** What a line may send that no editor shows. */
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  e: '\u001b',
  '\\': '\\',
};

/**
 * Reads a script. Empty lines, and lines that begin with #, are passed over. `expect TEXT` waits for a text on the console,
 * behind the last one that was waited for; `send TEXT` types it and Enter, without Enter where it ends in `\c`;
 * `timeout SECONDS` is for each `expect` behind it. Behind a last line that sends something the run goes on until the
 * system ends it, so long at the most. In what is sent, `\n \r \t \b \e \\ \xHH` are characters.
 * @throws HypberryError `script.invalid`, with the line's number
 */
export function readScript(text: string): readonly Step[] {
  return text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .flatMap((line, i): Step[] => {
      if (/^\s*(?:#|$)/.test(line)) return [];
      return [{ line: i + 1, act: readAct(line, i + 1) }];
    });
}

function readAct(line: string, number: number): Step['act'] {
  const [, word = '', rest = ''] = /^\s*(\S+)(?:[ \t](.*))?$/s.exec(line) ?? [];
  switch (word) {
    case 'expect':
      if (rest === '') throw invalid(number, '"expect" has no text to wait for.');
      return { expect: rest };
    case 'send':
      return { send: unescaped(rest, number) };
    case 'timeout': {
      const seconds = /^\d+(?:\.\d+)?$/.test(rest) ? Number(rest) : 0;
      if (!(seconds > 0 && seconds <= MOST_SECONDS))
        throw invalid(
          number,
          `"timeout ${harmless(rest)}" has no number of seconds above 0, of ${MOST_SECONDS} at most.`,
        );
      return { timeout: seconds };
    }
    default:
      throw invalid(number, `"${harmless(word)}" is none of expect, send and timeout.`);
  }
}

function unescaped(text: string, line: number): string {
  const withoutEnd = text.endsWith('\\c') && !/(?:^|[^\\])(?:\\\\)+c$/.test(text);
  const plain = (withoutEnd ? text.slice(0, -2) : text).replace(
    /\\(?:x([0-9a-fA-F]{2})|([^]?))/g,
    (whole, hex: string | undefined, letter: string | undefined) => {
      if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
      const character = ESCAPES[letter ?? ''];
      if (character === undefined)
        throw invalid(
          line,
          `"${harmless(whole)}" is none of \\n, \\r, \\t, \\b, \\e, \\\\, \\xHH and, at the end, \\c.`,
        );
      return character;
    },
  );
  return withoutEnd ? plain : `${plain}\r`;
}

const invalid = (line: number, what: string): HypberryError =>
  new HypberryError(
    'script.invalid',
    `Line ${line} of the script: ${what}`,
    'Its lines are: expect TEXT, send TEXT, timeout SECONDS, and comments that begin with #.',
  );

/** A script that runs. */
export interface RunningScript extends Companion {
  /** Takes what comes on the console. */
  take(text: string): void;
  /**
   * What became of it.
   * @param why why the run ended, one sentence without a full stop
   */
  end(why: string): ScriptEnd;
}

/** Leaves a run whose script is through, or waits in vain. */
export const SCRIPT_DONE = 'the script came to its end';
export const SCRIPT_FAILED = 'a text of the script did not come';

/** Begins a script; it talks to the machine whose session it joins, and after a reset to that of the next session. */
export function startScript(steps: readonly Step[]): RunningScript {
  const toBytes = new TextEncoder();
  let next = 0;
  let patience = PATIENCE * SECOND;
  let due: number | undefined;
  /** What came behind the last text that was waited for, without escape sequences; one that is cut stands in `cut`. */
  let seen = '';
  let cut = '';
  /** Up to here the text that is waited for is not in it. */
  let searched = 0;
  let late = false;

  let current: Session | undefined;

  const advance = (session: Session): void => {
    for (let step = steps[next]; step !== undefined; step = steps[++next]) {
      const { act } = step;
      if ('timeout' in act) patience = act.timeout * SECOND;
      else if ('send' in act) session.type(toBytes.encode(act.send));
      else {
        const at = seen.indexOf(act.expect, Math.max(0, searched - act.expect.length));
        if (at < 0) {
          searched = seen.length;
          due ??= session.now + patience;
          return;
        }
        seen = seen.slice(at + act.expect.length);
        searched = 0;
        due = undefined;
      }
    }
    const last = steps[steps.length - 1];
    if (last && 'send' in last.act) due ??= session.now + patience;
    else session.leave(SCRIPT_DONE);
  };

  return {
    get due() {
      return due ?? Infinity;
    },
    take(text) {
      const all = cut + text;
      cut = /\u001b(?:\[[0-9;?]{0,64})?$/.exec(all)?.[0] ?? '';
      seen += withoutEscapes(all.slice(0, all.length - cut.length));
      // Cut now and then, not each time: a cut copies the whole.
      if (seen.length <= 2 * LOOKED_AT) return;
      searched = Math.max(0, searched - seen.length + LOOKED_AT);
      seen = seen.slice(-LOOKED_AT);
    },
    look(session) {
      // Another machine's time begins anew.
      if (current !== session) due = undefined;
      current = session;
      advance(session);
      if (due === undefined || session.now < due) return;
      late = next < steps.length;
      session.leave(late ? SCRIPT_FAILED : SCRIPT_DONE);
    },
    end(why) {
      const step = steps[next];
      if (step === undefined) return { done: true };
      const expected = 'expect' in step.act ? step.act.expect : '';
      return {
        done: false,
        line: step.line,
        expected,
        why: late ? `it did not come in ${patience / SECOND} s of the machine's time` : why,
      };
    },
  };
}
