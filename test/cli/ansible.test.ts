/** The example playbook for a drawer of cards, on boot folders here: by Debian's Ansible in long runs, its commands always. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import { temporary } from '../card/images.js';
import { everything } from '../real/real-card.js';
import { bootPartition, HOST_TREE, kernelFile } from '../support/boot-files.js';
import { text } from '../support/kernel-files.js';
import { hypberry } from './run.js';

// Ansible starts a process for each task of each card.
vi.setConfig({ testTimeout: 900_000 });

const root = fileURLToPath(new URL('../..', import.meta.url));
const example = join(root, 'examples/ansible');
const playbook = fs.readFileSync(join(example, 'cards.yml'), 'utf8');

const folder = temporary('cards');
const at = (name: string): string => join(folder, name);
const card = (name: string): string => {
  fs.mkdirSync(at(name), { recursive: true });
  for (const [path, data] of Object.entries(bootPartition('svc', { 'bcm2709-rpi-2-b.dtb': HOST_TREE })))
    fs.writeFileSync(join(at(name), path), data);
  return at(name);
};
const contents = (name: string): string[] =>
  fs
    .readdirSync(at(name))
    .sort()
    .map((it) => `${it} ${fs.readFileSync(join(at(name), it)).toString('hex')}`);
fs.mkdirSync(folder);
fs.writeFileSync(at('vmlinuz'), kernelFile(9));
fs.writeFileSync(at('web.cpio'), text('070701'));

/** What a command says of itself in JSON. */
async function changed(...args: readonly string[]): Promise<boolean> {
  const { status, stdout } = await hypberry([...args, '--json']);
  expect(status).toBe(0);
  return (JSON.parse(stdout) as { changed: boolean }).changed;
}

describe('what the playbook calls', () => {
  test('is there, is idempotent, and says in JSON whether it changed something', async () => {
    const commands = [...playbook.matchAll(/\[hypberry, ([^\]]*)\]/g)].map(([, words]) =>
      [...words!.matchAll(/'([a-z]+)'/g)].map(([, word]) => word),
    );
    expect(commands).toEqual([['guest', 'list'], ['guest'], ['install'], ['uninstall']]);
    // A network card keeps its address.
    const [path, options] = [card('short'), ['--kernel', at('vmlinuz'), '--net', 'host']];
    const add = ['guest', 'add', '--name', 'web', path, ...options];
    for (const [isChanged, command] of [
      [true, add],
      [false, add],
      [false, ['guest', 'set', path, 'web', ...options]],
      [true, ['install', path]],
      [false, ['install', path]],
      [true, ['uninstall', path]],
      [false, ['uninstall', path]],
    ] as const)
      expect([command, await changed(...command)]).toEqual([command, isChanged]);
    // Another one of that name: of another kernel.
    fs.writeFileSync(at('vmlinuz'), kernelFile(10));
    const { status, stderr } = await hypberry(add);
    expect([status, stderr]).toEqual([2, expect.stringContaining('(guest.exists)')]);
    fs.writeFileSync(at('vmlinuz'), kernelFile(9));
  });
});

test.runIf(everything)(
  'the playbook: guests, install, what changed, nothing the second time, uninstall',
  async () => {
    await ensureTools(['ansible-core']);
    const cards = ['one', 'two'];
    const before = cards.map((it) => (card(it), contents(it)));
    fs.mkdirSync(at('bin'));
    fs.writeFileSync(
      at('bin/hypberry'),
      `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin/hypberry.js')}" "$@"\n`,
      { mode: 0o755 },
    );
    fs.copyFileSync(join(example, 'cards.yml'), at('cards.yml'));
    fs.writeFileSync(at('cards.ini'), `[cards]\n${cards.map((it) => `${it} card=${at(it)}\n`).join('')}`);
    const guests = [
      {
        name: 'web',
        options: ['--kernel', at('vmlinuz'), '--initramfs', at('web.cpio'), '--memory', '128'],
      },
    ];
    fs.mkdirSync(at('group_vars'));
    fs.writeFileSync(at('group_vars/cards.yml'), JSON.stringify({ guests }));
    const play = (...args: readonly string[]): { said: string; changes: string[] } => {
      const { status, stdout } = spawnSync('ansible-playbook', ['-i', 'cards.ini', 'cards.yml', ...args], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, PATH: [at('bin'), process.env['PATH']].join(delimiter), ANSIBLE_NOCOLOR: '1' },
      });
      expect([status, stdout]).toEqual([0, expect.any(String)]);
      return { said: stdout, changes: [...stdout.matchAll(/changed=(\d+)/g)].map(([, count]) => count!) };
    };
    expect(play('--check').changes).toEqual(['2', '2']);
    expect(cards.map(contents)).toEqual(before);
    const first = play();
    expect(first.changes).toEqual(['2', '2']);
    expect(first.said).toContain('"config.txt"');
    expect(play().changes).toEqual(['0', '0']);
    expect(play('-e', 'state=absent').changes).toEqual(['1', '1']);
    expect(play('-e', 'state=absent').changes).toEqual(['0', '0']);
    for (const it of cards)
      expect(fs.readdirSync(at(it)).filter((file) => /^hypberry-[0-9a-f]{8}\./.test(file))).toEqual([]);
  },
);
