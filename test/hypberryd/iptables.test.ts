/**
 * The way out by Debian's iptables, of both kinds, in a network of its own: what leads out and in is tried with real packets,
 * between a guest, the host and one outside, who are namespaces.
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import * as C from '../../src/channel/layout.js';
import { everything } from '../real/real-card.js';
import { channelImage } from './channel-image.js';
import { type HostSystem, inHost, mayOpenHost, NO_NAMESPACES, openHost } from './host-system.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });
const SOON = { timeout: 30_000, interval: 20 };
const [GUEST, GATE, OUTSIDE] = ['192.168.77.11', '10.99.0.1', '10.99.0.2'];
const [PORT, FORWARDED, ELSEWHERE] = [80, 8080, 9000];
const FORWARDING = '/proc/sys/net/ipv4/ip_forward';
const HELP = 'What helps: ';
/** Answers who connects with its name, and how that one is seen. */
const SERVER = `const [name, port] = process.argv.slice(1); require('net').createServer((s) => s.on('error', () => 0).end(name + ' sees ' + s.remoteAddress)).listen(port, '0.0.0.0', () => console.log('listens'))`;
const CLIENT = `const [host, port] = process.argv.slice(1); const s = require('net').connect(port, host); s.setTimeout(700, () => { console.log('nothing'); process.exit() }); s.on('error', (e) => console.log(e.code)).on('data', (d) => console.log(String(d)))`;

beforeAll(() => ensureTools(['qemu-user', 'iptables']), 300_000);

/** The words by which nsenter goes to a process' network. */
const there = (pid: number): string[] => ['-t', String(pid), '-n'];

/** A namespace of a network, in which a server listens; gives its process. */
async function somebody(host: HostSystem, name: string, port: number, address: string): Promise<number> {
  const listening = `ip link set lo up; exec '/host${process.execPath}' -e "$0" ${name} ${port}`;
  const words = [...host.inside(), 'unshare', '-n', 'sh', '-c', listening, SERVER];
  const it = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
  closings.push(() => it.kill('SIGKILL'));
  await new Promise((resolve) => it.stdout.once('data', resolve));
  const link = name === 'guest' ? 'hypberry0' : 'out0';
  const gate = name === 'guest' ? '192.168.77.1' : GATE;
  const ip = (...args: string[]): void => void execFileSync('nsenter', [...there(it.pid!), 'ip', ...args]);
  inHost(host, 'ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(it.pid));
  inHost(host, 'ip', 'addr', 'add', `${gate}/24`, 'dev', link);
  inHost(host, 'ip', 'link', 'set', link, 'up');
  ip('addr', 'add', `${address}/24`, 'dev', 'eth0');
  ip('link', 'set', 'eth0', 'up');
  if (name === 'guest') ip('route', 'add', 'default', 'via', gate);
  return it.pid!;
}
let closings: (() => void)[] = [];

describe.each(everything ? ['legacy', 'nft'] : ['legacy'])('iptables of kind %s', (kind) => {
  test('leads guests out and others in, and is as it was behind uninstall', async (context) => {
    if (!mayOpenHost()) context.skip(NO_NAMESPACES);
    const image = channelImage(
      [
        { kind: C.KIND_UPLINK, name: '' },
        { kind: C.KIND_NETWORK, guest: 1, forwards: [[C.FORWARD_TCP, FORWARDED, PORT]] },
      ],
      { guests: [{ name: 'web' }] },
    );
    const host = await openHost(image, { 1: { does: C.DOES_RUN } });
    closings = [host.close];
    try {
      for (const name of ['iptables', 'iptables-restore'])
        symlinkSync(`../host/usr/sbin/xtables-${kind}-multi`, join(host.root, 'sbin', name));
      inHost(host, 'sh', '-c', `echo 0 >${FORWARDING}`);
      const rules = (): string =>
        ['nat', 'filter'].map((it) => inHost(host, 'iptables', '-w', '-t', it, '-S')).join('');
      const before = rules();
      const run = async (): Promise<string> => {
        const { process, said } = host.serve();
        const isOffered = (): number => host.laid.memory.word(C.CONTROL + C.HOST_CONTROL + C.OFFERED);
        await expect.poll(isOffered, SOON).toBe(1);
        const ended = new Promise((resolve) => process.once('exit', resolve));
        process.kill('SIGTERM');
        expect(await ended).toBe(0);
        return said();
      };
      expect((await host.run(['install'])).status).toBe(0);
      expect(await run()).not.toContain('the network');
      expect(inHost(host, 'cat', FORWARDING)).toBe('1\n');
      expect(readFileSync(join(host.root, 'etc/hosts'), 'utf8')).toContain(`${GUEST} web web.hypberry\n`);
      const made = rules();
      expect(made).toContain('MASQUERADE');
      // As often as it starts.
      expect(await run()).not.toContain('the network');
      expect(rules()).toBe(made);

      inHost(host, 'iptables', '-P', 'FORWARD', 'DROP');
      // Somebody listens on the port that leads to the guest, and another network has some of its addresses.
      const [nsenter, ...words] = [
        ...host.inside(),
        `/host${process.execPath}`,
        '-e',
        SERVER,
        'own',
        `${FORWARDED}`,
      ];
      const own = spawn(nsenter, words, { stdio: ['ignore', 'pipe', 'ignore'] });
      closings.push(() => own.kill('SIGKILL'));
      await new Promise((resolve) => own.stdout.once('data', resolve));
      inHost(
        host,
        'sh',
        '-c',
        'ip link add lan0 type veth && ip addr add 192.168.77.130/25 dev lan0 && ip link set lan0 up',
      );
      const said = await run();
      expect(said).toContain(
        `a program of this system listens on port ${FORWARDED}, which leads to web: others do not`,
      );
      expect(said).toContain(
        '192.168.77.0/24, the addresses of guests, are in use at lan0, too: one of the two',
      );
      own.kill('SIGKILL');
      inHost(host, 'ip', 'link', 'del', 'lan0');
      expect(said).toContain('hypberryd: the network: This system drops what it is to forward');
      const { out } = await host.run(['status']);
      const helps = said.slice(said.indexOf(HELP) + HELP.length).split('.\n')[0]!;
      expect(out).toContain(`${HELP}${helps}.\n`);

      inHost(host, 'ip', 'link', 'del', 'hypberry0');
      const guest = await somebody(host, 'guest', PORT, GUEST);
      const outside = await somebody(host, 'outside', ELSEWHERE, OUTSIDE);
      const connect = async (from: number | undefined, to: string, port: number): Promise<string> => {
        const words = [process.execPath, '-e', CLIENT, to, String(port)];
        const at = from === undefined ? host.inside().slice(1, 5) : there(from);
        return (await promisify(execFile)('nsenter', [...at, ...words])).stdout.trim();
      };
      expect(await connect(guest, OUTSIDE, ELSEWHERE)).toBe('nothing');
      expect(await connect(outside, GATE, FORWARDED)).toBe('nothing');
      inHost(host, 'sh', '-c', helps);
      expect(await connect(guest, OUTSIDE, ELSEWHERE)).toBe(`outside sees ${GATE}`);
      expect(await connect(outside, GATE, FORWARDED)).toBe(`guest sees ${OUTSIDE}`);
      expect(await connect(undefined, GATE, FORWARDED)).toMatch(/^guest sees /);
      expect((await host.run(['status'])).out).not.toContain(HELP);

      inHost(host, 'sh', '-c', helps.replaceAll('-I', '-D'));
      inHost(host, 'iptables', '-P', 'FORWARD', 'ACCEPT');
      expect((await host.run(['uninstall'])).err).toBe('');
      expect(rules()).toBe(before);
      expect(inHost(host, 'cat', FORWARDING)).toBe('0\n');
      expect(readFileSync(join(host.root, 'etc/hosts'), 'utf8')).toBe('127.0.0.1 localhost\n');
      expect(existsSync(join(host.root, 'run/hypberryd.forwarding'))).toBe(false);
      expect(await connect(outside, GATE, FORWARDED)).toBe('ECONNREFUSED');
    } finally {
      for (const close of closings.reverse()) close();
    }
  });
});
