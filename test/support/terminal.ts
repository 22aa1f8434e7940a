import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';

/** A shell in a real terminal (tmux), of which everything can be seen. */
export interface Terminal {
  /** Types a line and Enter. */
  readonly run: (line: string) => void;
  /** Presses a key by tmux's name: `C-c`, `C-z`. */
  readonly press: (key: string) => void;
  /** What is on the screen, without empty lines at its end. */
  readonly screen: () => string[];
  /** The same with what has been scrolled out above. */
  readonly all: () => string[];
  /** Lines that have been scrolled out. */
  readonly scrolled: () => number;
  readonly resize: (columns: number, rows: number) => void;
  readonly cursorShown: () => boolean;
  readonly close: () => void;
}

/**
 * Opens a terminal, whose prompt is `$ `.
 * @param env variables that the shell has beside this process's; undefined takes one away
 */
export function openTerminal(
  columns: number,
  rows: number,
  env: Readonly<Record<string, string | undefined>> = {},
): Terminal {
  const socket = `hypberry-test-${randomUUID()}`;
  const tmux = (...args: readonly string[]): string =>
    execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      // Standard error is a pipe: what tmux says of a server that is gone is in what is thrown.
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C.UTF-8', PS1: '$ ', TMUX: undefined },
    });
  const all = Object.entries(env);
  const words = [
    ...all.flatMap(([name, value]) => (value === undefined ? ['-u', name] : [])),
    ...all.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])),
  ];
  const shell = ['env', ...words, 'PS1=$ ', 'bash', '--norc', '--noprofile', '-i'];
  tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), ...shell);
  tmux('set', '-g', 'status', 'off');
  tmux('resize-window', '-x', String(columns), '-y', String(rows));
  const lines = (text: string): string[] => text.replace(/\n+$/, '').split('\n');
  const ask = (format: string): string => tmux('display-message', '-p', format).trim();
  return {
    run(line) {
      tmux('send-keys', '-l', line);
      tmux('send-keys', 'Enter');
    },
    press: (key) => void tmux('send-keys', key),
    screen: () => lines(tmux('capture-pane', '-p')),
    all: () => lines(tmux('capture-pane', '-p', '-S', '-')),
    scrolled: () => Number(ask('#{history_size}')),
    resize: (width, height) => void tmux('resize-window', '-x', String(width), '-y', String(height)),
    cursorShown: () => ask('#{cursor_flag}') === '1',
    close: () => void tmux('kill-server'),
  };
}
