import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { manualPage } from '../../scripts/lib/manual-page.js';
import { complete } from '../../src/cli/completion.js';
import { program } from '../../src/cli/program.js';
import { temporary } from '../card/images.js';
import { bootPartition, guestFiles } from '../support/boot-files.js';
import { hypberry, MAIN } from './run.js';

vi.setConfig({ testTimeout: 60_000 });

describe('completion', () => {
  const folder = temporary('here');
  fs.mkdirSync(join(folder, 'boot of mine'), { recursive: true });
  for (const name of ['card.img', 'notes.txt', 'vmlinuz', '.hidden.img'])
    fs.writeFileSync(join(folder, name), '');
  // A link to itself, and one to nowhere.
  fs.symlinkSync('loop', join(folder, 'loop'));
  fs.symlinkSync('gone', join(folder, 'lost'));
  const card = temporary('boot');
  fs.mkdirSync(card);
  for (const [path, data] of Object.entries({ ...bootPartition('svc'), ...guestFiles('web', 'db') }))
    fs.writeFileSync(join(card, path), data);
  const at = `${folder}/`;

  test.each<[string[], string[]]>([
    [['in'], ['inspect', 'install']],
    [
      ['guest', ''],
      ['add', 'help', 'list', 'remove', 'rename', 'set'],
    ],
    [['install', '--me'], ['--method']],
    [
      ['install', '--method', ''],
      ['armstub', 'auto', 'kernel_old'],
    ],
    [['install', '--method', 'arm'], ['armstub']],
    [['install', '--method=arm'], ['--method=armstub']],
    [['install', '--method', '=', 'arm'], ['armstub']],
    [
      ['install', at],
      [`${at}boot of mine/`, `${at}card.img`],
    ],
    [['install', '--method', 'auto', `${at}c`], [`${at}card.img`]],
    [['guest', 'add', '--kernel', `${at}v`], [`${at}vmlinuz`]],
    [
      ['guest', 'add', '--kernel', `${at}lo`],
      [`${at}loop`, `${at}lost`],
    ],
    [
      ['guest', 'remove', card, ''],
      ['db', 'web'],
    ],
    [['guest', 'remove', '/no/such', ''], []],
    [
      ['try', card, '--console', ''],
      ['db', 'host', 'hypberry', 'web'],
    ],
    [
      ['completion', ''],
      ['bash', 'fish', 'zsh'],
    ],
    [['help', 'gu'], ['guest']],
    [['inspect', '--js'], ['--json']],
    [['inspect', '--qu'], ['--quiet']],
    [
      ['guest', 'set', card, ''],
      ['db', 'web'],
    ],
    [
      ['guest', 'set', card, 'web', '--net', ''],
      ['host', 'none'],
    ],
    [
      ['guest', 'set', card, 'web', '--remove'],
      ['--remove-disk', '--remove-forward'],
    ],
    [
      ['guest', 'rename', card, ''],
      ['db', 'web'],
    ],
    [['guest', 'rename', card, 'web', ''], []],
  ])('%j', async (words, expected) => {
    expect(await complete(program(), words)).toEqual(expected);
  });

  /** A folder with the command as a shell finds it. */
  function binFolder(): string {
    const bin = temporary('bin');
    fs.mkdirSync(bin);
    const text = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`;
    fs.writeFileSync(join(bin, 'hypberry'), text, { mode: 0o755 });
    return bin;
  }
  const inShell = (shell: string, ...args: readonly string[]): string[] =>
    execFileSync(shell, args, {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${binFolder()}:${process.env['PATH'] ?? ''}` },
    }).split('\n');

  test('in bash', () => {
    const script = `
      eval "$(hypberry completion bash)"
      compopt() { :; }
      ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hypberry "$1"; printf '%s|' "\${COMPREPLY[@]}"; echo; }
      ask hypberry guest remove "$1" ''
      ask hypberry install "$2"
      ask hypberry install --method = k
      complete -p hypberry`;
    expect(inShell('bash', '--norc', '-c', script, 'bash', card, at)).toEqual([
      'db|web|',
      `${at}boot of mine/|${at}card.img|`,
      'kernel_old|',
      'complete -o filenames -F _hypberry hypberry',
      '',
    ]);
  });

  test('in zsh', () => {
    // compadd works in completion alone: here it shows what it is given.
    const script = `
      compdef() { echo "compdef $@"; }
      eval "$(hypberry completion zsh)"
      compadd() { printf '%s|' "$@"; echo; }
      ask() { words=("$@"); CURRENT=$#; _hypberry; }
      ask hypberry guest remove "$1" ''
      ask hypberry install \${(q)2}`;
    expect(inShell('zsh', '-f', '-c', script, 'zsh', card, at)).toEqual([
      'compdef _hypberry hypberry',
      '-S||--|',
      '--|db|web|',
      `-S||--|${at}boot of mine/|`,
      `--|${at}card.img|`,
      '',
    ]);
  });

  test('in fish', () => {
    const script = `hypberry completion fish | source; complete -C "hypberry guest remove $argv[1] "; complete -C "hypberry install $argv[2]"`;
    expect(inShell('fish', '--no-config', '-c', script, card, at)).toEqual([
      'db',
      'web',
      `${at}boot of mine/`,
      `${at}card.img`,
      '',
    ]);
  });

  test('there is none for another shell', async () => {
    const { status, stderr } = await hypberry(['completion', 'tcsh']);
    expect(status).toBe(2);
    expect(stderr).toContain('(usage.invalid)');
  });
});

test('the manual page has every command and option, and groff has nothing to say against it', () => {
  const file = temporary('hypberry.1');
  const command = program();
  fs.writeFileSync(file, manualPage(command, '0'));
  const shown = execFileSync('groff', ['-man', '-Tascii', '-ww', '-rLL=300n', '-P-cbou', file], {
    encoding: 'utf8',
    // What it has to say would be thrown.
    env: { ...process.env, LC_ALL: 'C' },
  });
  const all = (it: typeof command): (typeof command)[] => [it, ...it.commands.flatMap(all)];
  const visible = all(command).filter((it) => it.name() !== 'complete-words');
  for (const { options } of visible) for (const { flags } of options) expect(shown).toContain(flags);
  for (const name of ['inspect', 'try', 'guest add', 'guest set', 'guest rename', 'guest list', 'completion'])
    expect(shown).toContain(`hypberry ${name} `);
  expect(shown).not.toContain('complete-words');
  expect(shown).toContain("hypberry try --until 'Run /init' sdcard.img");
  expect(shown).toMatch(/EXIT STATUS\n +0 +done/);
});
