import { expect, test } from 'vitest';
import { guestsFolder, says } from '../support/guests-folder.js';
import { promptPayload } from '../support/payloads.js';
import { openTerminal } from '../support/terminal.js';
import { MAIN } from './run.js';

test('with guests the escape key shows one console after the other, and what is typed is the host’s', async () => {
  const card = guestsFolder(promptPayload({ busy: false }), {
    first: says('the first is up\n'),
    second: says('the second is up\n'),
  });
  const terminal = openTerminal(100, 30);
  const shown = (): string => terminal.all().join('\n');
  const shows = (pattern: RegExp): Promise<void> =>
    expect.poll(shown, { timeout: 40_000, interval: 100 }).toMatch(pattern);
  const escape = (key: string): void => {
    terminal.press('C-]');
    terminal.press(key);
  };
  try {
    terminal.run(`'${process.execPath}' '${MAIN}' run --after-install --force '${card}'; echo "status $?"`);
    await shows(/^Consoles: host, hypberry, first and second\.$/m);
    terminal.press('a');
    await shows(/^> a$/m);
    expect(shown()).not.toMatch(/is up$/m);
    escape('n');
    await shows(/^\[console hypberry\]\nhypberry: 4 cores in HYP mode[^]*second: started$/m);
    escape('n');
    await shows(/^\[console first\]\nthe first is up$/m);
    terminal.press('b');
    await shows(/^\[What is typed goes to the host: Ctrl-\] n shows it\.\]$/m);
    escape('n');
    await shows(/^\[console second\]\nthe second is up$/m);
    escape('n');
    await shows(/^\[console host\]$/m);
    terminal.press('c');
    await shows(/^\[console host\]\nc$/m);
    // The system takes the window's size as a command; this one resets the board at its first "r".
    escape('w');
    await shows(/^cstty r$[^]*^RESET: .*\nstatus 1$/m);
  } finally {
    terminal.close();
  }
}, 120_000);
