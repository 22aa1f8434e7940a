/** Lines of scripts (`hypberry run --script`) that talk to the system of debian-root.ts on its console. */
import { LOGIN } from './debian-root.js';

/** What it says when one can log in. */
export const AT_LOGIN = 'card login:';

/** To its shell, which then says `ready` where it had a prompt, and nothing of what is typed. */
export const LOGIN_LINES = [
  'timeout 600',
  `expect ${AT_LOGIN}`,
  `send ${LOGIN.user}`,
  'expect assword',
  `send ${LOGIN.password}`,
  'expect #',
  // Commands that say nothing of themselves, so that what they say is told from what is typed.
  `send stty -echo; PS1='rea''dy '; TERM=dumb`,
  'expect ready',
];

/** A command, what it says, and the end of it. */
export const command = (typed: string, ...expected: readonly string[]): string[] => [
  `send ${typed}`,
  ...[...expected, 'ready'].map((it) => `expect ${it}`),
];

/** Switches it off. */
export const POWEROFF = ['timeout 120', 'send poweroff'];
