/** What `hypberryd install` gives bash to complete by, in a bash on a terminal. */
import { spawn } from 'node:child_process';
import { expect, test, vi } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import * as C from '../../src/channel/layout.js';
import { channelImage } from './channel-image.js';
import { mayOpenHost, NO_NAMESPACES, openHost, writeInHost } from './host-system.js';

vi.setConfig({ testTimeout: 120_000 });
const SOON = { timeout: 30_000, interval: 20 };
const TAB = '\t';
/** To the line's beginning, where something that prints each of its words is put before them. */
const SHOW = "\x01printf '<%s>' shown \n";
const WIPE = '\x05\x15';

test('bash completes commands, options and names of guests', async (context) => {
  if (!mayOpenHost()) context.skip(NO_NAMESPACES);
  await ensureTools(['qemu-user']);
  // All that a name may hold: letters, digits, dashes, 15 of them; one is a command, too.
  const names = ['web', '0', '0-9', 'a--b-', 'log', 'fifteen-letters'];
  const host = await openHost(
    channelImage([], { guests: names.map((name) => ({ name })) }),
    Object.fromEntries(names.map((_, n) => [n + 1, { does: C.DOES_OFF }])),
    { '/etc/bash_completion.d/.keep': '' },
  );
  const env = { ...process.env, SHELL: '/bin/sh', PS1: '$ ', TERM: 'dumb' };
  const inside = host.inside().join(' ');
  const terminal = spawn('script', ['-qefc', `${inside} bash --norc --noprofile -i`, '/dev/null'], {
    ...{ stdio: ['pipe', 'pipe', 'inherit'], env },
  });
  try {
    expect((await host.run(['install'])).status).toBe(0);
    writeInHost(host, '/usr/local/sbin/hypberryd', '#!/bin/sh\nexec qemu-arm /srv/hypberryd "$@"\n', 0o755);
    let said = '';
    terminal.stdout.on('data', (part) => (said += String(part)));
    terminal.stdin.write(
      "PS1='$ '; bind 'set bell-style none'; bind 'set show-all-if-ambiguous on'; . /etc/bash_completion.d/hypberryd; echo rea''dy\n",
    );
    await expect.poll(() => said, SOON).toContain('\nready');
    for (const [typed, words] of [
      ['hypberryd star', 'start'],
      ['hypberryd uni', 'uninstall'],
      ['hypberryd start w', 'start web'],
      ['hypberryd restart web a', 'restart web a--b-'],
      ['hypberryd stop --timeout 5 f', 'stop --timeout 5 fifteen-letters'],
      ['hypberryd info 0-', 'info 0-9'],
      ['hypberryd console l', 'console log'],
      ['hypberryd log lo', 'log log'],
      ['hypberryd info --', 'info --json'],
      ['hypberryd stop -', 'stop --timeout'],
      ['hypberryd list --n', 'list --names'],
      ['hypberryd install --g', 'install --group'],
      ['hypberryd metrics ', 'metrics --file'],
      ['hypberryd autostart a', 'autostart a--b-'],
      ['hypberryd autostart 0-9 --d', 'autostart 0-9 --disable'],
      ['hypberryd kill nobody', 'kill nobody'],
    ] as const) {
      said = '';
      terminal.stdin.write(`${typed}${TAB}${SHOW}`);
      await expect.poll(() => said, SOON).toContain('<shown>');
      await expect.poll(() => said, SOON).toContain(`<shown><hypberryd>${words.replace(/(\S+) ?/g, '<$1>')}`);
    }
    said = '';
    terminal.stdin.write(`hypberryd start ${TAB}`);
    await expect
      .poll(() => said.split('\n').flatMap((it) => it.trim().split(/\s+/)), SOON)
      .toEqual(expect.arrayContaining(names));
    terminal.stdin.write(`${WIPE}hypberryd ${TAB}`);
    await expect
      .poll(() => said.split('\n').flatMap((it) => it.trim().split(/\s+/)), SOON)
      .toEqual(
        expect.arrayContaining([
          'list',
          'info',
          'metrics',
          'log',
          'console',
          'start',
          'stop',
          'kill',
          'restart',
          'autostart',
        ]),
      );
  } finally {
    terminal.kill('SIGKILL');
    host.close();
  }
});
