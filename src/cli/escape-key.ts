/** The key that is not the Pi's: behind it stands an order to hypberry. */

/** Ctrl-], as of telnet and virsh. */
export const ESCAPE_KEY = 0x1d;
/** How it is called. */
export const ESCAPE_NAME = 'Ctrl-]';

/** What can stand behind it. */
export const ORDERS = {
  '?': 'this help',
  q: 'leave: the machine is gone, as one that is switched off',
  b: 'send a break, as of Linux\' "SysRq over serial"',
  n: 'next console, of a card with guests',
  s: 'save a snapshot, with --save, and go on',
  w: 'tell the system how large this window is: types "stty rows … cols …" and Enter',
} as const;
export type Order = keyof typeof ORDERS;

/** Takes what is typed apart. */
export interface EscapeKey {
  /** @returns what goes to the Pi */
  take(bytes: Uint8Array): Uint8Array;
}

/**
 * Looks for the key in what is typed, in whatever pieces it comes; the key twice is the key itself.
 * @param onOrder called with the order behind it; undefined for a key that is none
 */
export function createEscapeKey(onOrder: (order: Order | undefined) => void): EscapeKey {
  let escaped = false;
  return {
    take(bytes) {
      const passed: number[] = [];
      for (const byte of bytes) {
        if (!escaped && byte === ESCAPE_KEY) escaped = true;
        else if (!escaped) passed.push(byte);
        else {
          escaped = false;
          const key = byte === 0x68 ? '?' : String.fromCharCode(byte);
          if (byte === ESCAPE_KEY) passed.push(byte);
          else onOrder(key in ORDERS ? (key as Order) : undefined);
        }
      }
      return Uint8Array.from(passed);
    },
  };
}
