/** Ports of the host's that lead to a guest, as the guests' file and `--forward` have them: `8080:80`, `53:53/udp`. */
import * as z from 'zod';
import { HypberryError } from '../base/errors.js';
import { FORWARD_TCP, FORWARD_UDP, MOST_FORWARDS } from '../channel/layout.js';
import type { ChannelForward } from '../channel/ports.js';

const MOST_PORT = 0xffff;
/** A number from 1 to 65535, without zeros before it. */
const PORT = '(?:[1-9]\\d{0,3}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])';

const forward = z
  .string()
  .regex(new RegExp(`^${PORT}:${PORT}(?:/udp)?$`))
  .describe('The port of the host, that of the guest, with "/udp" behind it for UDP: 8080:80.');

export const forwardsEntry = z
  .array(forward)
  .max(MOST_FORWARDS)
  .optional()
  .describe('Ports of the host that lead to it; it has a network. None is there twice on a card.');

const HINT =
  'Write PORT-OF-THE-HOST:PORT-OF-THE-GUEST, each from 1 to 65535, with /udp behind it for UDP: 8080:80.';

const refuse = (sentence: string, hint = HINT): never => {
  throw new HypberryError('guest.forward', sentence, hint);
};

/** The protocol behind a port or a forward, as the file has it. */
function endOf(text: string, protocol: string | undefined): '' | '/udp' {
  if (protocol === undefined || protocol === 'tcp') return '';
  if (protocol === 'udp') return '/udp';
  return refuse(`"${text}" cannot be a forward: "${protocol}" is neither tcp nor udp.`);
}

function portOf(text: string, digits: string): number {
  const port = Number(digits);
  if (port >= 1 && port <= MOST_PORT) return port;
  return refuse(`"${text}" cannot be a forward: there is no port ${digits}.`);
}

/**
 * A forward as it is written behind `--forward`, as the file has it.
 * @throws HypberryError `guest.forward`
 */
export function parseForward(text: string): string {
  const [, from, to, protocol] = /^(\d+):(\d+)(?:\/(.*))?$/s.exec(text) ?? [];
  if (from === undefined || to === undefined)
    return refuse(`"${text}" cannot be a forward: it is not two ports with a colon between them.`);
  return `${portOf(text, from)}:${portOf(text, to)}${endOf(text, protocol)}`;
}

/** The host's side of a forward, by which it is known: `8080`, `53/udp`. */
export const hostSide = (forward: string): string => forward.replace(/:\d+/, '');

/**
 * What `--remove-forward` names: the host's side, or the whole.
 * @throws HypberryError `guest.forward`
 */
export function parseHostSide(text: string): string {
  if (text.includes(':')) return hostSide(parseForward(text));
  const [, port, protocol] = /^(\d+)(?:\/(.*))?$/s.exec(text) ?? [];
  if (port === undefined)
    return refuse(`"${text}" names no forward.`, 'Write the port of the host: 8080, or 53/udp.');
  return `${portOf(text, port)}${endOf(text, protocol)}`;
}

/** What the channel is to say of forwards. Each is as it should be. */
export const channelForwards = (forwards: readonly string[]): ChannelForward[] =>
  forwards.map((text) => {
    const [, hostPort, guestPort, udp] = /^(\d+):(\d+)(\/udp)?$/.exec(text)!;
    return {
      protocol: udp === undefined ? FORWARD_TCP : FORWARD_UDP,
      hostPort: Number(hostPort),
      guestPort: Number(guestPort),
    };
  });

/**
 * Refuses forwards that cannot be together.
 * @throws HypberryError `guest.forward`
 */
export function checkForwards(
  guests: readonly {
    readonly name: string;
    readonly network?: 'host' | 'none' | undefined;
    readonly forwards?: readonly string[] | undefined;
  }[],
): void {
  const users = new Map<string, string>();
  for (const { name, network, forwards = [] } of guests) {
    if (forwards.length > 0 && network !== 'host')
      refuse(
        `${name} is to be reached by a port of the host, and has no network.`,
        'Give it one: --net host.',
      );
    if (forwards.length > MOST_FORWARDS)
      refuse(
        `${name} has ${forwards.length} forwards, and ${MOST_FORWARDS} are as many as there can be.`,
        'Have fewer.',
      );
    for (const forward of forwards) {
      const side = hostSide(forward);
      const other = users.get(side);
      if (other !== undefined)
        refuse(
          other === name
            ? `Port ${side} of the host leads to ${name} twice.`
            : `Port ${side} of the host leads to ${other} and to ${name}.`,
          'Give each a port of its own.',
        );
      users.set(side, name);
    }
  }
}
