import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { temporary } from '../card/images.js';
import { bootPartition } from '../support/boot-files.js';

const root = join(import.meta.dirname, '../..');
const about = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const EMPTY_PATH = '/usr/bin:/bin';

function emptyFolder(name: string): string {
  const folder = temporary(name);
  fs.mkdirSync(folder);
  return folder;
}

/** The packed package, as `npm publish` would send it; `npm test` has built what is in it. */
let tarball: string;
/** What installing it printed, and the command that it made. */
let said: string;
let command: string;

beforeAll(() => {
  const folder = emptyFolder('package');
  const npm = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync('npm', args, {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, npm_config_cache: join(folder, 'cache'), npm_config_update_notifier: 'false' },
    });
    if (status !== 0) throw new Error(stderr);
    return stdout + stderr;
  };
  npm('pack', '--ignore-scripts', '--pack-destination', folder, root);
  tarball = join(folder, `hypberry-${about.version}.tgz`);
  said = npm('install', '--global', '--offline', '--prefix', join(folder, 'prefix'), tarball);
  command = join(folder, 'prefix/bin/hypberry');
}, 120_000);

const files = (): string[] =>
  execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''));

/** Runs the installed command where nothing of the project is. */
function hypberry(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const node = join(process.execPath, '..');
  return spawnSync(command, args, {
    cwd: emptyFolder('elsewhere'),
    encoding: 'utf8',
    env: { PATH: `${node}:${EMPTY_PATH}`, HOME: '/nowhere' },
  });
}

test('it holds what runs, what the guests’ file may say, and what is to be read, and nothing else', () => {
  expect(
    files()
      .filter((path) => !/^(?:bin|dist)\//.test(path))
      .sort(),
  ).toEqual(['LICENSE', 'README.md', 'man/hypberry.1', 'package.json', 'schema/guests.json']);
  expect(files().filter((path) => /\.(?:ts|map)$/.test(path))).toEqual([]);
  expect(files()).toContain('bin/hypberry.js');
});

test('it needs no other package, and carries the licences of what it was made with', () => {
  const packed = JSON.parse(
    execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }),
  ) as Record<string, unknown>;
  expect(packed['dependencies']).toBeUndefined();
  const licences = execFileSync('tar', ['-xzOf', tarball, 'package/dist/LICENSES.txt'], { encoding: 'utf8' });
  for (const name of ['commander', 'fflate', 'js-fatfs', 'picocolors', 'xz-decompress', 'zod'])
    expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'));
});

test('npm installs it without a word of warning', () => {
  expect(said).not.toMatch(/warn|script/i);
});

test('README.md as it is packed links to nothing that is not in the package', () => {
  const readme = execFileSync('tar', ['-xzOf', tarball, 'package/README.md'], { encoding: 'utf8' });
  const linked = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1]!);
  const packed = files();
  expect(linked.filter((path) => !packed.includes(path))).toEqual([]);
});

test('the installed command looks at a card, changes it, and takes it back', () => {
  expect(hypberry('--version').stdout).toBe(`${about.version}\n`);
  const card = emptyFolder('card');
  const before = bootPartition('of2015');
  for (const [name, data] of Object.entries(before)) fs.writeFileSync(join(card, name), data);
  const inspected = hypberry('inspect', card);
  expect([inspected.status, inspected.stderr]).toEqual([0, '']);
  expect(inspected.stdout).toContain('SVC');
  expect(hypberry('install', card)).toMatchObject({ status: 0, stderr: '' });
  expect(fs.readFileSync(join(card, 'config.txt'), 'latin1')).toContain('kernel_old=1');
  expect(hypberry('uninstall', card)).toMatchObject({ status: 0, stderr: '' });
  expect(fs.readdirSync(card).sort()).toEqual(Object.keys(before).sort());
});

test('it reads and writes FAT, and runs a machine', () => {
  const folder = emptyFolder('machine');
  expect(hypberry('build', '--out', folder)).toMatchObject({ status: 0, stderr: '' });
  const image = join(folder, 'card.img');
  execFileSync('mkfs.fat', ['-C', image, '4096'], { stdio: 'ignore' });
  for (const [name, data] of Object.entries(bootPartition('of2015'))) {
    fs.writeFileSync(join(folder, 'file'), data);
    execFileSync('mcopy', ['-i', image, join(folder, 'file'), `::${name}`]);
  }
  expect(hypberry('install', image)).toMatchObject({ status: 0, stderr: '' });
  const tried = hypberry('try', '--as-is', '--until', '0x8000', image);
  expect(tried).toMatchObject({ status: 0, stderr: '' });
  expect(tried.stdout).toContain('REACHED');
});

test('the command of a checkout that is not built says what to do', () => {
  const folder = emptyFolder('checkout');
  fs.mkdirSync(join(folder, 'bin'));
  fs.copyFileSync(join(root, 'bin/hypberry.js'), join(folder, 'bin/hypberry.js'));
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'bin/hypberry.js')], {
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^error: .* \(package\.not-built\)\nhint: .*npm run build.*\n$/);
});

/** Versions of Node to be tried, as npm has them. */
const NODES = (process.env['HYPBERRY_NODES'] ?? '').split(' ').filter((it) => it !== '');

test.runIf(NODES.length > 0).each(NODES)('it runs by Node %s', { timeout: 600_000 }, (version) => {
  const folder = emptyFolder('node');
  const card = join(folder, 'boot');
  fs.mkdirSync(card);
  for (const [name, data] of Object.entries(bootPartition('of2015')))
    fs.writeFileSync(join(card, name), data);
  const byNode = (...args: string[]) =>
    spawnSync('npx', ['--yes', '-p', `node@${version}`, 'node', ...args], { cwd: folder, encoding: 'utf8' });
  const { major, minor } = /^v(?<major>\d+)\.(?<minor>\d+)/.exec(byNode('--version').stdout)!.groups!;
  expect(Number(major) > 20 || Number(minor) >= 19).toBe(true);
  const bin = fs.realpathSync(command);
  expect(byNode(bin, 'inspect', card)).toMatchObject({ status: 0, stderr: '' });
  expect(byNode(bin, 'install', card)).toMatchObject({ status: 0, stderr: '' });
  for (const engine of ['built-in', 'qemu'])
    expect(byNode(bin, 'try', '--as-is', '--engine', engine, '--timeout', '3', card).stderr).not.toContain(
      'unknown',
    );
  expect(byNode(bin, 'try', '--as-is', '--until', '0x8000', card)).toMatchObject({ status: 0, stderr: '' });
});
