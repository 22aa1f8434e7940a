import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { showAll } from '../../src/cli/consoles.js';
import { screenOn } from '../../src/cli/output.js';
import { drawPanes, rowsFor, showPanes, type Pane } from '../../src/cli/panes.js';

const pane = (name: string, ...lines: readonly string[]): Pane => ({ name, lines });
const rule = (columns: number, name: string): string => `── ${name} ${'─'.repeat(columns)}`.slice(0, columns);

describe('drawn panes', () => {
  test('have a title each and the newest lines, all panes as high as the others', () => {
    const many = Array.from({ length: 30 }, (_, i) => `line ${i}`);
    expect(drawPanes([pane('host', ...many), pane('web', 'one')], 20, 10)).toEqual([
      rule(20, 'host'),
      'line 26',
      'line 27',
      'line 28',
      'line 29',
      rule(20, 'web'),
      'one',
      '',
      '',
      '',
    ]);
  });

  test('are no wider than the terminal', () => {
    expect(drawPanes([pane('a-name-of-15-chr', 'x'.repeat(100))], 10, 4)).toEqual([
      '── a-name-',
      'x'.repeat(10),
      '',
      '',
    ]);
  });

  test('have a title and two lines on the smallest terminal', () => {
    const lines = drawPanes([pane('host', '1', '2', '3'), pane('web', '4')], 8, 3);
    expect(lines).toEqual([rule(8, 'host'), '2', '3', rule(8, 'web'), '4', '']);
    // Beside these, the time, the cursor's line and a free one; what is smaller gets no panes.
    expect(lines).toHaveLength(rowsFor(2) - 3);
  });

  test('fill what there is, and not more, of whatever size', () => {
    const panes = fc.array(
      fc.record({
        name: fc.stringMatching(/^[a-z0-9-]{1,15}$/),
        lines: fc.array(fc.string({ maxLength: 300 })),
      }),
      { minLength: 1, maxLength: 9 },
    );
    fc.assert(
      fc.property(
        panes,
        fc.integer({ min: 1, max: 250 }),
        fc.integer({ min: 1, max: 100 }),
        (all, columns, rows) => {
          const drawn = drawPanes(all, columns, rows);
          for (const line of drawn) expect(line.length).toBeLessThanOrEqual(columns);
          const least = 3 * all.length;
          if (rows < least) {
            expect(drawn).toHaveLength(least);
            return;
          }
          // As high as fits: one more line in each would be too much.
          expect(drawn.length).toBeLessThanOrEqual(rows);
          expect(drawn.length + all.length).toBeGreaterThan(rows);
          all.forEach(({ name, lines }, i) => {
            const [title, ...rest] = drawn.slice(
              (i * drawn.length) / all.length,
              ((i + 1) * drawn.length) / all.length,
            );
            expect(title).toBe(rule(columns, name));
            const last = lines.slice(-rest.length).map((it) => it.slice(0, columns));
            expect(rest).toEqual([...last, ...Array<string>(rest.length - last.length).fill('')]);
          });
        },
      ),
    );
  });
});

/** A terminal that knows what the panes use of it: lines, their beginnings, cursor up, erase below, colours. Throws at anything else. */
function terminal(columns: number, rows: number) {
  const lines: string[] = [''];
  let at = 0;
  let column = 0;
  let scrolled = 0;
  let lowest = 0;
  return {
    columns,
    rows,
    isTTY: true,
    write(text: string): boolean {
      for (const [part] of text.matchAll(/\u001b\[(\d*)([A-Za-z])|[^\u001b\r\n]+|[^]/g)) {
        const [, count, command] = /^\u001b\[(\d*)([A-Za-z])$/.exec(part) ?? [];
        if (part === '\n') {
          lines[++at] ??= '';
          column = 0;
        } else if (part === '\r') column = 0;
        else if (command === 'A') at -= Number(count);
        // A terminal keeps the whole screen in its scrollback when all of it is erased.
        else if (command === 'J' && (at > scrolled || column > 0))
          lines.splice(at, lines.length, lines[at]!.slice(0, column));
        else if (command === 'K') lines[at] = lines[at]!.slice(0, column);
        else if (command === 'm') continue;
        else if (/^[ -~─]+$/.test(part)) {
          lines[at] = lines[at]!.slice(0, column) + part + lines[at]!.slice(column + part.length);
          column += part.length;
        } else throw new Error(`the terminal does not take ${JSON.stringify(part)}`);
        expect(at).toBeGreaterThanOrEqual(scrolled);
        scrolled = Math.max(scrolled, at - rows + 1);
        lowest = Math.max(lowest, at);
        expect(lines[at]!.length).toBeLessThan(columns);
      }
      return true;
    },
    /** What has been written and is not erased, lines that are scrolled out included. */
    text: () => lines.slice(0, at).join('\n'),
    get scrolled() {
      return scrolled;
    },
    /** The lowest row that the cursor was in, from 0. */
    get lowest() {
      return lowest;
    },
  };
}

describe('shown panes', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const show = (columns: number, rows: number, names = ['host', 'web']) => {
    const screen = terminal(columns, rows);
    return { screen, shown: showPanes(names, screenOn(screen as unknown as NodeJS.WriteStream)) };
  };

  test('are drawn again in their place while consoles go on; the last draw stays', () => {
    const { screen, shown } = show(30, 11);
    expect(screen.text()).toBe(
      [rule(29, 'host'), '', '', '', rule(29, 'web'), '', '', '', '0 s; Ctrl-C ends it'].join('\n'),
    );
    shown.take('a\r\nb', 'host');
    shown.take('login: ', 'web');
    vi.advanceTimersByTime(12_001);
    const now = [rule(29, 'host'), 'a', 'b', '', rule(29, 'web'), 'login: ', '', '', '12 s; Ctrl-C ends it'];
    expect(screen.text()).toBe(now.join('\n'));
    shown.take('c\r\nd\r\ne\r\n', 'host');
    shown.take('nobody sees it', 'nobody');
    shown.end();
    const last = [rule(29, 'host'), 'd', 'e', '', rule(29, 'web'), 'login: ', '', ''].join('\n');
    expect(screen.text()).toBe(last);
    shown.take('late\n', 'web');
    vi.advanceTimersByTime(1000);
    expect(screen.text()).toBe(last);
    expect([screen.scrolled, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test('make room for a note above them', () => {
    const { screen, shown } = show(30, 11);
    shown.take('a\n', 'host');
    shown.note('256 MiB of trace');
    vi.advanceTimersByTime(500);
    shown.end();
    expect(screen.text().split('\n').slice(0, 3)).toEqual(['[256 MiB of trace]', rule(29, 'host'), 'a']);
  });

  test('are not torn by a key that was pressed', () => {
    const { screen, shown } = show(30, 11);
    screen.write('^C');
    vi.advanceTimersByTime(500);
    screen.write('no');
    shown.end();
    expect(screen.text()).toBe([rule(29, 'host'), '', '', '', rule(29, 'web'), '', '', ''].join('\n'));
  });

  test('keep what consoles say from moving the cursor', () => {
    const { screen, shown } = show(40, 9);
    // What shells and boot loaders send: where is the cursor, erase, colours, a title, bells; and what is malicious.
    shown.take('\u001b[6n\u001b[J\u001b[1;32m~ #\u001b[0m ls\u0007\r\n', 'host');
    shown.take('\u009b2J\u001b[?25l\u001b[3Aup\tnext\u0008\u007f', 'web');
    shown.end();
    expect(screen.text()).toBe([rule(39, 'host'), '~ # ls', '', rule(39, 'web'), 'up next', ''].join('\n'));
  });

  test('draw what came in any pieces, on terminals of any size, within it', () => {
    const texts = fc.array(fc.tuple(fc.constantFrom('host', 'web'), fc.string({ unit: 'binary-ascii' })));
    fc.assert(
      fc.property(
        texts,
        fc.integer({ min: 2, max: 100 }),
        fc.integer({ min: rowsFor(2), max: 30 }),
        (all, columns, rows) => {
          const { screen, shown } = show(columns, rows);
          for (const [name, text] of all) {
            shown.take(text, name);
            vi.advanceTimersByTime(100);
          }
          shown.end();
          expect(screen.scrolled).toBe(0);
          expect(screen.lowest).toBeLessThan(rows - 1);
          expect(screen.text().split('\n')[0]).toBe(rule(columns - 1, 'host'));
        },
      ),
    );
  });
});

describe('several consoles where there is no terminal', () => {
  const shownBy = (use: (shown: ReturnType<typeof showAll>) => void): string[] => {
    let out = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    });
    try {
      use(showAll(['host', 'hypberry', 'web']));
    } finally {
      write.mockRestore();
    }
    // The time is of no interest here.
    return out.split('\n').map((line) => line.replace(/^ *\d+\.\d s {2}/, '>'));
  };

  test('come by whole lines, each with its name in front; a prompt at the end', () => {
    const lines = shownBy((shown) => {
      shown.take('Booting', 'host');
      shown.take('hypberry: web: started\r\n', 'hypberry');
      shown.take(' Linux\r\n\r\nand', 'host');
      shown.take('one\ntwo\nlogin: ', 'web');
      shown.note('a note');
      shown.end(false);
    });
    expect(lines).toEqual([
      '>hypberry  hypberry: web: started',
      '>host      Booting Linux',
      '>web       one',
      '>web       two',
      '>[a note]',
      '>host      and',
      '>web       login: ',
      '',
    ]);
  });

  test('may flood without an end of line, byte by byte', () => {
    const lines = shownBy((shown) => {
      for (let i = 0; i < 200_000; i++) shown.take('x', 'host');
      shown.take('\nnext\n', 'host');
      shown.end(false);
    });
    expect(lines).toEqual([expect.stringMatching(/^>host {6}x{1000,}$/), '>host      next', '']);
  });
});
