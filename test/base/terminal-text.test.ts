import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  clip,
  createConsoleFilter,
  harmless,
  harmlessJson,
  plainConsoleLine,
} from '../../src/base/terminal-text.js';
import { HOSTILE, HOSTILE_CHARACTERS, unseenIn } from '../support/hostile-text.js';

const codeUnits = fc.array(fc.nat({ max: 0xffff })).map((units) => String.fromCharCode(...units));
/** Texts of hostile pieces and of any characters, halves of surrogate pairs too. */
const anyText = fc
  .array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary' }), codeUnits), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''));

describe('text in a line', () => {
  test.each([
    ['\u001b[31mred', '\\x1b[31mred'],
    ['a\nb\r\tc', 'a\\nb\\r\\tc'],
    ['\u0000\u007f\u009b2J', '\\x00\\x7f\\x9b2J'],
    ['\u202egnp.exe', '\\u{202e}gnp.exe'],
    ['a\u200bb\ufeffc\u2066d\u00ade', 'a\\u{200b}b\\u{feff}c\\u{2066}d\\xade'],
    ['\u2028\u2029', '\\u{2028}\\u{2029}'],
    ['\ud800x\udc00', '\\u{d800}x\\u{dc00}'],
    ['\u{e0041}', '\\u{e0041}'],
    ['überall, Привет, 你好, 🥧, …', 'überall, Привет, 你好, 🥧, …'],
  ])('%j is %j', (text, shown) => {
    expect(harmless(text)).toBe(shown);
  });

  test('is harmless whatever it is, and stays as it is when it is', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const shown = harmless(text);
        expect(unseenIn(shown)).toEqual([]);
        expect(harmless(shown)).toBe(shown);
      }),
    );
  });
});

test('JSON is harmless, and reads as the same value', () => {
  fc.assert(
    fc.property(fc.array(anyText), (value) => {
      const json = harmlessJson(JSON.stringify(value, undefined, 2));
      expect(unseenIn(json).filter((it) => it !== '\n')).toEqual([]);
      expect(JSON.parse(json)).toEqual(value);
    }),
  );
});

const through = (text: string, colors = true): string => createConsoleFilter({ colors })(text);

describe('what comes through of a console', () => {
  test.each([
    ['text and ends of lines', 'one\r\ntwo\tthree\n', 'one\ntwo\tthree\n'],
    ['other scripts', 'Привет 你好 🥧\n', 'Привет 你好 🥧\n'],
    ['colours, until the end of their line', '\u001b[1;32mok\n~ #\n', '\u001b[1;32mok\u001b[0m\n~ #\n'],
    ['colours by their numbers', '\u001b[38;2;1;2;3mx', '\u001b[38;2;1;2;3mx'],
    ['colours with the C1 control', '\u009b31mx', '\u001b[31mx'],
    ['backspaces, not over the beginning of the line', '3\b\b2\n\b\bx', '3\b2\nx'],
    ['backspaces, not over what has no width', 'a\u0301\b\bx', 'a\u0301\bx'],
    ['not a question for the cursor', '~ # \u001b[6nls', '~ # ls'],
    ['not a question for the terminal', 'a\u001b[c\u001b[>c\u001b[5n\u001bZ\u0005b', 'ab'],
    ['not a move of the cursor', 'a\u001b[3A\u001b[10;10Hb\u001b7\u001b8\u001bMc', 'abc'],
    ['not an erasure, nor another mode', 'a\u001b[2J\u001b[K\u001b[?1049h\u001bcb', 'ab'],
    ['not the keys’ meaning, which looks like a colour', 'a\u001b[>4;1mb\u001b[?4mc\u001b[1 md', 'abcd'],
    ['not a title', 'a\u001b]0;title\u0007b\u001b]2;title\u001b\\c\u009d0;t\u009cd', 'abcd'],
    [
      'not a string for the terminal',
      'a\u001bPq#0\u001b\\b\u001b_x\u001b\\c\u001b^x\u001b\\d\u001bXx\u001b\\e',
      'abcde',
    ],
    ['not a string without an end, but the next line', 'a\u001b]52;c;aGk\nb', 'a\nb'],
    ['not a set of characters', 'a\u001b(0b', 'ab'],
    ['not a bell, a form feed, a delete', 'a\u0007\u000c\u000b\u000e\u007fb', 'ab'],
    ['not other controls', 'a\u0085\u0084\u202e\u200b\u2028b', 'ab'],
    ['not a colour that is longer than any', `\u001b[${'1;'.repeat(40)}mx`, 'x'],
    ['not a colour cut off by the end of the line', '\u001b[31\nm', '\nm'],
  ])('%s', (_, text, shown) => {
    expect(through(text)).toBe(shown);
  });

  test('no colours where none are shown', () => {
    expect(through('\u001b[31mred\u001b[0m\n', false)).toBe('red\n');
  });

  test('is on the list whatever comes, and the same in whatever pieces', () => {
    const cut = fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(anyText, cut, fc.boolean(), (text, lengths, colors) => {
        const whole = through(text, colors);
        const listed = colors ? whole.replaceAll(/\u001b\[[\d;:]*m/g, '') : whole;
        expect(unseenIn(listed).filter((it) => !'\n\t\b'.includes(it))).toEqual([]);
        const filter = createConsoleFilter({ colors });
        let out = '';
        for (let at = 0, i = 0; at < text.length; i++) {
          const length = Math.max(1, lengths[i % lengths.length]!);
          out += filter(text.slice(at, at + length));
          at += length;
        }
        // Half a character at the end waits for ever.
        expect(out).toBe(whole);
      }),
    );
  });

  test('costs no more the longer a sequence without an end is', () => {
    const filter = createConsoleFilter({ colors: true });
    for (const piece of ['\u001b[', '\u001b]', '\u001bP']) {
      let shown = filter(piece);
      for (let i = 0; i < 200; i++) shown = filter('1;'.repeat(500));
      expect([shown, filter('\nnext\n')]).toEqual(['', '\nnext\n']);
    }
  });

  test('of a line for a pane: its text alone', () => {
    expect(plainConsoleLine('\u001b[1;32m~ #\u001b[0m\tls\b\b')).toBe('~ # ls');
  });
});

test('text is clipped by what it takes of a terminal', () => {
  expect([
    clip('abc', 2),
    clip('abc', 3),
    clip('', 3),
    clip('你好', 3),
    clip('a🥧b', 2),
    clip('─⚡─', 3),
  ]).toEqual(['ab', 'abc', '', '你', 'a', '─⚡']);
});

test('the hostile characters are those that do not show', () => {
  for (const character of HOSTILE_CHARACTERS) expect(harmless(character), character).toMatch(/^\\/);
});
