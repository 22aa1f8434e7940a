import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import { showAll, showOne } from '../../src/cli/consoles.js';
import {
  colors,
  columns,
  printError,
  say,
  sayError,
  sayJson,
  sayHelp,
  screen,
  screenOn,
} from '../../src/cli/output.js';
import { progress } from '../../src/cli/progress.js';
import { HOSTILE, unseenIn } from '../support/hostile-text.js';

let written = '';
const take = (text: string | Uint8Array): boolean => {
  written += String(text);
  return true;
};
beforeEach(() => {
  written = '';
  vi.stubEnv('TERM', 'xterm');
  vi.stubEnv('NO_COLOR', '');
  vi.spyOn(process.stdout, 'write').mockImplementation(take);
  vi.spyOn(process.stderr, 'write').mockImplementation(take);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const anyText = fc
  .array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary' })), { maxLength: 6 })
  .map((parts) => parts.join(''));

test('columns stand in line as they are printed, with what is made harmless', () => {
  const rows = columns([
    ['a\u001b', 'one'],
    ['\u{202e}b', 'two\u0007'],
    ['plain', ''],
  ]);
  const lines = outputOf(() => {
    for (const row of rows) say(row);
  });
  expect(lines).toBe('a\\x1b      one\n\\u{202e}b  two\\x07\nplain\n');
});

/** What came out of `print`. */
function outputOf(print: () => void): string {
  written = '';
  print();
  return written;
}

const unlisted = (text: string, listed = '\n'): string[] =>
  unseenIn(text).filter((character) => !listed.includes(character));

/** Has standard output be a terminal with colours, whose SGR sequences are left out of what is looked at. */
const withoutColors = (text: string): string => text.replaceAll(/\u001b\[[\d;:]*m/g, '');

describe('whatever text comes from outside, none of it is an order to the terminal', () => {
  test.each<[string, (text: string) => void]>([
    ['a line', say],
    [
      'a line with a colour',
      (text) => {
        say(`${colors.green('x')} ${colors.red(text)}`);
      },
    ],
    ['a line on standard error', sayError],
    [
      'an error and its hint',
      (text) => {
        printError(new HypberryError('a.b', text, text));
      },
    ],
    [
      "the system's errors",
      (text) => {
        printError(new Error(text));
      },
    ],
    ['help', sayHelp],
    [
      'JSON',
      (text) => {
        sayJson({ [text]: text });
      },
    ],
  ])('%s', (_, print) => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(
          unlisted(
            outputOf(() => {
              print(text);
            }),
          ),
        ).toEqual([]);
      }),
    );
  });

  test('too many open files are no fault of hypberry', () => {
    const error = Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
    expect(
      outputOf(() => {
        printError(error);
      }),
    ).toMatch(/\(system\.limit\)\n.*ulimit/);
  });

  test('nor is what is thrown, with NODE_DEBUG its whole stack', () => {
    vi.stubEnv('NODE_DEBUG', 'hypberry');
    for (const text of HOSTILE)
      expect(
        unlisted(
          outputOf(() => {
            printError(new HypberryError('a.b', text, text));
          }),
        ),
        text,
      ).toEqual([]);
    vi.unstubAllEnvs();
  });

  test('an error has two lines, whatever is in it', () => {
    const error = new HypberryError('a.b', 'There is no "a\nHYP: all is well" here.', 'Look\r\nelsewhere.');
    expect(
      outputOf(() => {
        printError(error);
      }).split('\n'),
    ).toEqual(['error: There is no "a\\nHYP: all is well" here. (a.b)', 'hint:  Look\\r\\nelsewhere.', '']);
  });

  test('the progress line', () => {
    Object.assign(process.stderr, { isTTY: true, columns: 80, rows: 24 });
    try {
      const out = outputOf(() => {
        const line = progress('Reading \u001b]0;x\u0007');
        line.say('Writing a\u009b6n\u202e');
        line.stop();
      });
      expect(out).toBe('\r| Reading \\x1b]0;x\\x07\u001b[K\r/ Writing a\\x9b6n\\u{202e}\u001b[K\r\u001b[K');
    } finally {
      for (const name of ['isTTY', 'columns', 'rows']) Reflect.deleteProperty(process.stderr, name);
    }
  });

  test('the progress line is a line each on a terminal without escapes, and nothing in a pipe', () => {
    const lines = (): string =>
      outputOf(() => {
        const line = progress('Reading');
        line.say('Writing');
        line.stop();
      });
    expect(lines()).toBe('');
    Object.assign(process.stderr, { isTTY: true, columns: 80, rows: 24 });
    try {
      for (const [name, value] of [
        ['NO_COLOR', '1'],
        ['TERM', 'dumb'],
      ] as const) {
        vi.stubEnv(name, value);
        expect(lines(), name).toBe('Reading\nWriting\n');
        vi.stubEnv(name, name === 'TERM' ? 'xterm' : '');
      }
    } finally {
      for (const name of ['isTTY', 'columns', 'rows']) Reflect.deleteProperty(process.stderr, name);
    }
  });
});

describe('colours', () => {
  test('are those of a terminal, and nothing in a pipe', () => {
    const line = `${colors.green('UP')}: ${colors.bold('x')}`;
    const terminal = { isTTY: true, columns: 80, rows: 24, write: take } as unknown as NodeJS.WriteStream;
    written = '';
    screenOn(terminal).draw([line], 2);
    expect(withoutColors(written)).toBe('\r\u001b[2AUP: x\u001b[K\n\u001b[J');
    expect(written).toContain('\u001b[32mUP\u001b[39m');
    expect(
      outputOf(() => {
        say(line);
      }),
    ).toBe('UP: x\n');
  });

  test('cannot be had by text that knows how they are done', () => {
    // Every character for private use: those that stand for colours are among them, and nobody knows which.
    let guess = '';
    for (let code = 0x10_0000; code <= 0x10_fffd; code += 0x3ff) guess += String.fromCodePoint(code);
    expect(
      outputOf(() => {
        say(guess);
      }).length,
    ).toBeGreaterThan(guess.length - 30);
    expect(
      outputOf(() => {
        say('\u001b[32mUP\u001b[39m');
      }),
    ).toBe('\\x1b[32mUP\\x1b[39m\n');
  });
});

describe('consoles outside of panes', () => {
  const shows = { one: () => showOne('host'), all: () => showAll(['host', 'web']) };
  test.each(['one', 'all'] as const)(
    '%s: what is on the list, whatever comes and in whatever pieces',
    (which) => {
      fc.assert(
        fc.property(fc.array(anyText, { maxLength: 5 }), fc.boolean(), (texts, inColor) => {
          vi.spyOn(screen, 'showsColors', 'get').mockReturnValue(inColor);
          const out = outputOf(() => {
            const shown = shows[which]();
            for (const text of texts) {
              shown.take(text, 'host');
              shown.note(text);
            }
            shown.end(true);
          });
          expect(unlisted(inColor ? withoutColors(out) : out, '\n\t\b')).toEqual([]);
          expect(out === '' || out.endsWith('\n')).toBe(true);
        }),
      );
    },
  );

  const linesOf = (...texts: readonly string[]): string[] =>
    outputOf(() => {
      const shown = showOne('host');
      for (const text of texts) shown.take(text, 'host');
      shown.end(true);
    })
      .split('\n')
      .map((line) => line.replace(/^ *\d+\.\d s {2}/, '>'));

  test('a sequence cut in pieces, and one without an end', () => {
    expect(linesOf('~ # \u001b', '[', '6', 'nls\r', '\nx\u001b]0;', 'title\u001b[', '\ny')).toEqual([
      '>~ # ls',
      '>x',
      '>y',
      '',
    ]);
  });

  test('what is in front of a line is not the console’s to change', () => {
    expect(linesOf('\b\bHYP\r', '\b\b\b\b\bx\n')).toEqual(['>HYP\b\b\bx', '']);
  });
});
