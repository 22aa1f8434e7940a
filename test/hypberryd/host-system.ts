/**
 * A system for hypberryd under qemu-arm, with a root and a network of its own, in namespaces (man 7 namespaces), whose users
 * are the system's. Programs are those of the system that the tests run on, which is seen at /host.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ChannelImage } from './channel-image.js';
import { type GuestStates, type PlayedGuests, playGuests } from './played-guests.js';
import { type Laid, layOut, openBell } from './under-qemu.js';

/** Why tests in such a system are skipped. */
export const NO_NAMESPACES =
  'unshare gives no namespaces here (it needs root): another user, a firewall not tried';

/** Whether there can be one. */
export const mayOpenHost = (): boolean => spawnSync('unshare', ['-m', '-n', 'true']).status === 0;

const PROGRAM = '/srv/hypberryd';
const PATH = ['/sbin', '/bin', ...['usr/sbin', 'usr/bin', 'sbin', 'bin'].map((it) => `/host/${it}`)].join(
  ':',
);
const LINKS: Readonly<Record<string, string>> = {
  ...{ lib: 'host/lib', lib64: 'host/lib64', 'usr/lib': '../host/usr/lib', 'usr/lib64': '../host/usr/lib64' },
  ...{ 'usr/bin': '../bin', 'usr/share': '../host/usr/share', 'bin/sh': '../host/bin/sh' },
  ...{ 'dev/null': '../host/dev/null', 'dev/net': '../host/dev/net', 'dev/pts': '../host/dev/pts' },
  ...{ 'proc/self': '../host/proc/self', 'proc/sys': '../host/proc/sys', 'proc/net': '../host/proc/net' },
};

/** A user: what setpriv takes. */
export interface User {
  readonly id: number;
  readonly groups: readonly number[];
}
export interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}
export interface HostSystem {
  /** Its root, and the channel in it. */
  readonly root: string;
  readonly laid: Laid;
  /** What was ordered; what the guests are. */
  readonly played: PlayedGuests;
  /** Rings for ports at the bell. */
  readonly ring: (...ports: number[]) => void;
  /** The words before a command's, to have it run there. */
  readonly inside: (user?: User) => readonly string[];
  /** Runs a program, and hypberryd, to its end. */
  readonly call: (words: readonly string[], user?: User) => Promise<Ended>;
  readonly run: (args: readonly string[], user?: User) => Promise<Ended>;
  /** Starts the service; gives it, and what it has said so far. */
  readonly serve: (...args: readonly string[]) => {
    readonly process: ChildProcess;
    readonly said: () => string;
  };
  readonly close: () => void;
}

/** Opens one. @param files more of it, by their paths */
export async function openHost(
  image: ChannelImage,
  states: GuestStates,
  files: Readonly<Record<string, string>> = {},
): Promise<HostSystem> {
  const folder = mkdtempSync(join(tmpdir(), 'hypberryd-'));
  const bell = await openBell();
  const laid = layOut(folder, image, {
    bell: bell.path,
    files: {
      ...{ '/run/systemd/system/.keep': '', '/etc/systemd/system/.keep': '', '/usr/local/sbin/.keep': '' },
      ...{ '/etc/hosts': '127.0.0.1 localhost\n', '/bin/systemctl': '#!/bin/sh\n', '/sbin/.keep': '' },
      ...{ '/usr/sbin/.keep': '', '/host/.keep': '', '/srv/.keep': '', ...files },
    },
  });
  const { root } = laid;
  chmodSync(root, 0o755);
  chmodSync(join(root, 'bin/systemctl'), 0o755);
  copyFileSync(laid.program, join(root, PROGRAM));
  for (const [path, to] of Object.entries(LINKS)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(to, join(root, path));
  }
  const held = `set -e; mount --rbind / '${root}/host'; ip link set lo up; echo ready; exec sleep 600`;
  const holder = spawn('unshare', ['-m', '-n', '--propagation', 'private', 'sh', '-c', held], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve, reject) => {
    holder.stdout.once('data', resolve);
    holder.once('exit', () => {
      reject(new Error('no namespaces'));
    });
  });
  const inside = (user?: User): string[] => [
    ...['nsenter', '-t', String(holder.pid), '-m', '-n', 'chroot', root, '/host/usr/bin/env', `PATH=${PATH}`],
    ...(user ? ['setpriv', '--reuid', `${user.id}`, '--regid', `${user.id}`] : ([] as string[])),
    ...(user ? (user.groups.length > 0 ? ['--groups', user.groups.join()] : ['--clear-groups']) : []),
  ];
  const running = new Set<ChildProcess>();
  const start = (words: readonly string[], user?: User): ChildProcess => {
    const [program, ...args] = [...inside(user), ...words] as [string, ...string[]];
    const it = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(it);
    return it;
  };
  const call = (words: readonly string[], user?: User): Promise<Ended> =>
    new Promise((resolve) => {
      const it = start(words, user);
      let [out, err] = ['', ''];
      it.stdout!.on('data', (part) => (out += String(part)));
      it.stderr!.on('data', (part) => (err += String(part)));
      it.once('close', (status) => {
        running.delete(it);
        resolve({ status, out, err });
      });
    });
  const hypberryd = ['qemu-arm', '-cpu', 'cortex-a7', PROGRAM];
  const played = playGuests(laid.memory, laid.doorbell, states);
  played.show();
  const live = setInterval(() => {
    played.act();
    played.show();
  }, 2);
  return {
    ...{ root, laid, played, inside, call },
    ring: (...ports) => void bell.process.stdin!.write(Uint8Array.from(ports)),
    run: (args, user) => call([...hypberryd, ...args], user),
    serve(...args) {
      const process = start([...hypberryd, 'run', ...args]);
      let said = '';
      process.stderr!.on('data', (part) => (said += String(part)));
      return { process, said: () => said };
    },
    close() {
      clearInterval(live);
      for (const it of running) it.kill('SIGKILL');
      holder.kill('SIGKILL');
      bell.process.kill('SIGKILL');
      laid.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Runs a program there and waits for it, as root; fails where it does. */
export const inHost = (host: HostSystem, ...words: readonly string[]): string => {
  const [program, ...args] = [...host.inside(), ...words] as [string, ...string[]];
  return execFileSync(program, args, { encoding: 'utf8' });
};

/** Writes a file of a system. */
export function writeInHost(host: HostSystem, path: string, content: string, mode = 0o644): void {
  writeFileSync(join(host.root, path), content, { mode });
}
