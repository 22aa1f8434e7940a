import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createScreenFilter } from '../../src/base/terminal-text.js';

const ESC = '\x1b';
const through = (text: string): string => createScreenFilter()(text);

test.each([
  ['text, also of other alphabets', 'Grüße, 世界 🎉\r\n\tx\b\x07'],
  ['the cursor', `${ESC}[2;5H${ESC}[A${ESC}[3C${ESC}[s${ESC}[u${ESC}7${ESC}8${ESC}M`],
  [
    'erasing, inserting, deleting, scrolling',
    `${ESC}[2J${ESC}[K${ESC}[4L${ESC}[P${ESC}[@${ESC}[X${ESC}[3;20r${ESC}[S`,
  ],
  ['colours', `${ESC}[1;38;5;208mx${ESC}[0m`],
  ['modes of programs on a screen', `${ESC}[?1049h${ESC}[?25l${ESC}[?1h${ESC}=${ESC}[?2004h${ESC}[4h`],
  ['sets of characters', `${ESC}(0qqq${ESC}(B\x0ex\x0f`],
  ['questions that are answered to the system', `${ESC}[6n${ESC}[c${ESC}[>c`],
  ['the form of the cursor, a soft reset', `${ESC}[2 q${ESC}[!p`],
])('%s come through', (_, text) => {
  expect(through(text)).toBe(text);
});

test.each([
  ['a title', `${ESC}]0;title\x07x`, 'x'],
  ['the clipboard', `${ESC}]52;c;aGVsbG8=${ESC}\\x`, 'x'],
  ['a string of any kind', `${ESC}P1$r0m${ESC}\\${ESC}_x${ESC}\\${ESC}^y${ESC}\\z`, 'z'],
  ['the window: orders, and the question for its title', `${ESC}[8;1;1t${ESC}[21tx`, 'x'],
  ['printing', `${ESC}[5i${ESC}[?4ix`, 'x'],
  ['modes beyond the screen', `${ESC}[?1001h${ESC}[12hx`, 'x'],
  ['a mode among those that do', `${ESC}[?25;9999lx`, `${ESC}[?25lx`],
  ['C1 controls', '\x9d0;title\x9cx\x9b21t', 'x'],
  ['other controls, and marks of direction', 'a\x00\x1c\u202eb', 'ab'],
  ['a sequence without end', `${ESC}[${'1;'.repeat(200)}mx`, 'x'],
])('%s does not come through', (_, text, shown) => {
  expect(through(text)).toBe(shown);
});

test('text is the same in whatever pieces it comes', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      `${ESC}[`,
      '6n',
      '?1049',
      'h',
      `${ESC}]0;t`,
      '\x07',
      '1;2',
      'H',
      '(0',
      ESC,
      '🎉',
      '\n',
      ' q',
    ),
    fc.string({ maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const filter = createScreenFilter();
      const units = pieces.join('').split('');
      expect(units.map((it) => filter(it)).join('')).toBe(through(pieces.join('')));
    }),
  );
});

test('the end takes back what was changed, and that alone', () => {
  const filter = createScreenFilter();
  filter(`${ESC}[?1049h${ESC}[?25l${ESC}[?2004h${ESC}[?2004l`);
  expect(filter.end()).toMatch(/^\x1b\[\?1049l\x1b\[\?25h\x1b\[4l/);
  expect(filter.end()).not.toContain('?');
});
