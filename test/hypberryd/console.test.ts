/** `hypberryd console` on terminals, under qemu-arm; the guest and its hypervisor are played. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import * as C from '../../src/channel/layout.js';
import { channelImage } from './channel-image.js';
import { type GuestStates, playGuests } from './played-guests.js';
import { layOut } from './under-qemu.js';

vi.setConfig({ testTimeout: 60_000 });
const SOON = { timeout: 20_000, interval: 5 };
const WEB = 1;

beforeAll(() => ensureTools(['qemu-user']), 300_000);

let endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.reverse()) end();
  endings = [];
});

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A guest that has said something; what it is sent is kept, and shown at once. */
function openGuest() {
  const folder = mkdtempSync(join(tmpdir(), 'hypberryd-'));
  const states: GuestStates = { [WEB]: { does: C.DOES_RUN, log: bytesOf('before\r\nlogin: ') } };
  const laid = layOut(folder, channelImage([], { guests: [{ name: 'web' }] }));
  const played = playGuests(laid.memory, laid.doorbell, states);
  const live = setInterval(() => {
    played.act();
    played.show();
  }, 1);
  played.show();
  endings.push(() => {
    clearInterval(live);
    laid.close();
    rmSync(folder, { recursive: true });
  });
  return {
    command: [...laid.qemu, 'console', 'web'].map((it) => `'${it}'`).join(' '),
    typed: () =>
      played.orders.map(([what, guest, byte]) => (expect([what, guest]).toEqual([C.ORDER_SEND, WEB]), byte)),
    say(text: string) {
      states[WEB]!.log = Buffer.concat([states[WEB]!.log!, bytesOf(text)]);
    },
  };
}

/** Settings that no program would make by itself. */
const ODD = 'stty -echo erase ^K min 3 rows 31 columns 101';

/**
 * A terminal in which a command runs between two looks at the terminal's settings.
 * @param isJob whether it is a job of its shell's, which sees that it is stopped
 */
function openTerminal(command: string, isJob = false) {
  const script = `${isJob ? 'set -m; ' : ''}tty; ${ODD}; echo "before $(stty -g)"; sh -c 'echo "pid $$"; exec "$@"' sh ${command}; echo "status $?"; echo "after $(stty -g)"`;
  const started: ChildProcess = spawn('script', ['-qefc', script, '/dev/null'], {
    ...{ stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, SHELL: '/bin/sh' } },
  });
  endings.push(() => started.kill('SIGKILL'));
  const parts: Buffer[] = [];
  started.stdout!.on('data', (part: Buffer) => parts.push(part));
  const isOver = new Promise<void>((resolve) => {
    started.stdout!.once('end', resolve);
  });
  const said = (): string => Buffer.concat(parts).toString('latin1');
  const found = (pattern: RegExp): string => pattern.exec(said())?.[1] ?? '';
  const pid = (): number => Number(found(/pid (\d+)/));
  const onTerminal = (...args: string[]): string =>
    execFileSync('stty', ['-F', found(/(\/dev\/pts\/\d+)/), ...args], { encoding: 'utf8' });
  return {
    ...{ said, isOver, onTerminal, script: started },
    type: (text: string) => started.stdin!.write(Buffer.from(text, 'latin1')),
    send: (signal: NodeJS.Signals) => process.kill(pid(), signal),
    isStopped: () =>
      /^State:\s*T/m.test(execFileSync('cat', [`/proc/${pid()}/status`], { encoding: 'utf8' })),
    /** The status, and whether the settings are those of before. */
    async ended() {
      await isOver;
      expect(found(/before ([\w:]+)/)).toMatch(/^[\w:]{20}/);
      return [Number(found(/status (\d+)/)), found(/after ([\w:]+)/) === found(/before ([\w:]+)/)];
    },
  };
}
const isRaw = (settings: string): boolean =>
  ['-icanon', '-isig', '-echo', '-opost', '-ixon', '-icrnl', 'min = 1;'].every((it) => settings.includes(it));

describe('the console of a guest', () => {
  test('on a terminal is raw, has each byte go to the guest as it is typed, and ends at Ctrl-]', async () => {
    const guest = openGuest();
    const terminal = openTerminal(guest.command);
    await expect.poll(terminal.said, SOON).toContain('Console of web; Ctrl-] leaves it.\r\nlogin: ');
    expect(isRaw(terminal.onTerminal('-a'))).toBe(true);
    const keys = Buffer.from('r\r\n\x03\x04\x11\x13\x1a\x1c\x7f\xff', 'latin1');
    for (const [n, key] of keys.entries()) {
      terminal.type(String.fromCharCode(key));
      await expect.poll(guest.typed, SOON).toHaveLength(n + 1);
    }
    expect(guest.typed()).toEqual([...keys]);
    guest.say('Password: ');
    await expect.poll(terminal.said, SOON).toContain('login: Password: ');
    terminal.type('\x1d');
    expect(await terminal.ended()).toEqual([0, true]);
    expect(guest.typed()).toHaveLength(keys.length);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'leaves the terminal as it was at %s',
    async (signal) => {
      const guest = openGuest();
      const terminal = openTerminal(guest.command);
      // It has switched colours on, hidden the cursor, taken the other screen and asked for the mouse.
      guest.say('\x1b[31m\x1b[?25l\x1b[?1049h\x1b[?1000h');
      await expect.poll(terminal.said, SOON).toContain('\x1b[?1000h');
      terminal.send(signal);
      expect(await terminal.ended()).toEqual([0, true]);
      const behind = terminal.said().split('\x1b[?1000h')[1]!;
      for (const order of ['\x1b[0m', '\x1b[?25h', '\x1b[?1049l', '\x1b[?1000l'])
        expect(behind).toContain(order);
    },
  );

  test('ends with its input, or with its terminal', async () => {
    const guest = openGuest();
    const piped = openTerminal(`sh -c 'printf x | ${guest.command.replaceAll("'", '')}'`);
    await expect.poll(guest.typed, SOON).toEqual([0x78]);
    expect(await piped.ended()).toEqual([0, true]);
    const closed = openTerminal(guest.command);
    await expect.poll(closed.said, SOON).toContain('login: ');
    const pid = Number(/pid (\d+)/.exec(closed.said())![1]);
    closed.script.kill('SIGKILL');
    await expect
      .poll(() => {
        try {
          return process.kill(pid, 0);
        } catch {
          return false;
        }
      }, SOON)
      .toBe(false);
  });

  test('is not stopped with a raw terminal', async () => {
    const guest = openGuest();
    const terminal = openTerminal(guest.command, true);
    await expect.poll(terminal.said, SOON).toContain('login: ');
    terminal.send('SIGTSTP');
    guest.say('still here');
    await expect.poll(terminal.said, SOON).toContain('login: still here');
    terminal.type('\x1d');
    expect(await terminal.ended()).toEqual([0, true]);
  });

  test('goes on through other sizes, and a stop that nothing can ignore', async () => {
    const guest = openGuest();
    const terminal = openTerminal(guest.command);
    await expect.poll(terminal.said, SOON).toContain('login: ');
    terminal.onTerminal('rows', '50', 'columns', '132');
    terminal.send('SIGWINCH');
    guest.say('one ');
    await expect.poll(terminal.said, SOON).toContain('login: one ');
    terminal.send('SIGSTOP');
    await expect.poll(terminal.isStopped, SOON).toBe(true);
    guest.say('two ');
    terminal.send('SIGCONT');
    await expect.poll(terminal.said, SOON).toContain('login: one two ');
    terminal.type('x');
    await expect.poll(guest.typed, SOON).toEqual([0x78]);
    terminal.type('\x1d');
    expect(await terminal.ended()).toEqual([0, true]);
  });

  test('shows all to each of two who look at once, and to both who types', async () => {
    const guest = openGuest();
    const all = [openTerminal(guest.command), openTerminal(guest.command)];
    for (const it of all) await expect.poll(it.said, SOON).toContain('login: ');
    for (const [n, it] of all.entries()) {
      it.type(String(n));
      await expect.poll(guest.typed, SOON).toHaveLength(n + 1);
    }
    expect(guest.typed()).toEqual([0x30, 0x31]);
    const text = Array.from({ length: 500 }, (_, n) => `line ${n} of what is said\r\n`);
    for (const line of text) {
      guest.say(line);
      if (line.includes('00 ')) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const it of all) await expect.poll(it.said, SOON).toContain(`login: ${text.join('')}`);
    for (const it of all) {
      it.type('\x1d');
      expect(await it.ended()).toEqual([0, true]);
    }
  });

  test('says how much of a flood it could not show, and shows all else', async () => {
    const guest = openGuest();
    const terminal = openTerminal(guest.command);
    await expect.poll(terminal.said, SOON).toContain('login: ');
    terminal.send('SIGSTOP');
    await expect.poll(terminal.isStopped, SOON).toBe(true);
    const lines = Array.from(
      { length: 5000 },
      (_, n) => `the flood has line ${String(n).padStart(7)}\n`,
    ).join('');
    guest.say(lines);
    await new Promise((resolve) => setTimeout(resolve, 50));
    terminal.send('SIGCONT');
    const lost = lines.length - C.LOG_SIZE;
    await expect
      .poll(terminal.said, SOON)
      .toContain(
        `login: \r\nhypberryd: ${lost} bytes went by unseen: the guest was faster.\r\n${lines.slice(lost)}`,
      );
    terminal.type('\x1d');
    expect(await terminal.ended()).toEqual([0, true]);
  });
});
