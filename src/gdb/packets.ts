/** The packets of GDB's remote serial protocol (GDB manual, appendix E.1). */

/** What comes over the line. */
export type Received =
  | { readonly packet: string }
  /** A packet whose sum is wrong: to be asked for again. */
  | { readonly damaged: true }
  /** Ctrl-C in GDB. */
  | { readonly interrupt: true };

const INTERRUPT = '\x03';
/** Bytes of the longest packet that is taken. */
export const LONGEST_PACKET = 0x4000;

/** Characters that have a meaning in a packet: they come and go with an escape in front, exclusive-ored with 0x20. */
const MEANT = /[#$}*]/g;
const ESCAPE = '}';
const toggled = (character: string): string => String.fromCharCode(character.charCodeAt(0) ^ 0x20);

function sumOf(data: string): string {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data.charCodeAt(i);
  return (sum & 0xff).toString(16).padStart(2, '0');
}

/** A packet with its sum. @param data a character for a byte */
export function encodePacket(data: string): string {
  const body = data.replace(MEANT, (it) => `${ESCAPE}${toggled(it)}`);
  return `$${body}#${sumOf(body)}`;
}

/**
 * Takes what comes over the line apart, in whatever pieces; acknowledgements are passed over.
 * @returns takes a piece, a character for a byte
 */
export function createPacketReader(): (piece: string) => Received[] {
  let pending = '';
  return (piece) => {
    pending += piece;
    const received: Received[] = [];
    for (;;) {
      const begin = pending.search(/[$\x03]/);
      if (begin < 0) {
        pending = '';
        return received;
      }
      if (pending[begin] === INTERRUPT) {
        received.push({ interrupt: true });
        pending = pending.slice(begin + 1);
        continue;
      }
      const end = pending.indexOf('#', begin);
      if (end < 0 || end + 3 > pending.length) {
        // Nobody sends packets without end to be answered.
        pending = pending.length - begin > 2 * LONGEST_PACKET ? '' : pending.slice(begin);
        return received;
      }
      const body = pending.slice(begin + 1, end);
      const right = sumOf(body) === pending.slice(end + 1, end + 3).toLowerCase();
      pending = pending.slice(end + 3);
      received.push(
        right ? { packet: body.replace(/\}([^])/g, (_, it: string) => toggled(it)) } : { damaged: true },
      );
    }
  };
}

/** Bytes as digits. */
export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Digits as bytes; undefined for what is none, or half a byte. */
export function bytesOf(digits: string): Uint8Array | undefined {
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits)) return undefined;
  return Uint8Array.from(digits.match(/../g) ?? [], (it) => parseInt(it, 16));
}
