/** What the hypervisor tells of guests and their consoles in the channel, and what it hears of them, played from CHANNEL.md. */
import * as C from '../../src/channel/layout.js';
import type { ChannelMemory } from './disk-client.js';

const TICKS_PER_SECOND = 19_200_000;

export interface GuestState {
  does: number;
  on?: number;
  crashes?: number;
  /** Hundredths of a second. */
  busy?: number;
  seconds?: number;
  unread?: number;
  /** All that its console ever said. */
  log?: Uint8Array;
}
/** Guests, or consoles, by their numbers. */
export type GuestStates = Record<number, GuestState>;
/** What guests make of an order. */
export type Obey = (what: number, guest: number, states: GuestStates, byte: number) => void;
export type Order = [what: number, guest: number, byte: number];

export interface PlayedGuests {
  /** All that was ordered. */
  readonly orders: Order[];
  /** Takes what was rung, and does it. */
  act(): void;
  /** Writes what has changed of the states, whether that was asked for or not. */
  show(): void;
}

/** Those who are started, or switched off, are; power keys do nothing. */
export const OBEDIENT: Obey = (what, guest, states) => {
  if (what === C.ORDER_START) states[guest]!.does = C.DOES_RUN;
  if (what === C.ORDER_OFF) states[guest]!.does = C.DOES_OFF;
};

export function playGuests(
  memory: ChannelMemory,
  doorbell: ChannelMemory,
  states: GuestStates,
  obey = OBEDIENT,
): PlayedGuests {
  const orders: Order[] = [];
  const shown = new Map<number, { turn: number; words: string }>();
  const logged = new Map<number, number>();
  const take = (offset: number): number => {
    const word = doorbell.word(offset);
    if (word !== 0) doorbell.setWord(offset, 0);
    return word;
  };
  /** Writes what is new of a log, of which no more than LOG_SIZE is kept. */
  const say = (n: number, log: Uint8Array, logged: number): void => {
    for (let at = Math.max(logged, log.length - C.LOG_SIZE); at < log.length;) {
      const place = at % C.LOG_SIZE;
      const length = Math.min(log.length - at, C.LOG_SIZE - place);
      memory.setBytes(C.LOGS + n * C.LOG_SIZE + place, log.subarray(at, at + length));
      at += length;
    }
  };
  const wordAt = (n: number, offset: number, value: number): void => {
    memory.setWord(C.STATES + n * C.STATE_SIZE + offset, value);
  };
  const showConsole = (n: number, { log = new Uint8Array(), unread = 0 }: GuestState): void => {
    const before = logged.get(n) ?? 0;
    logged.set(n, log.length);
    wordAt(n, C.STATE_UNREAD, unread);
    if (log.length <= before) return;
    say(n, log, before);
    wordAt(n, C.STATE_LOGGED, log.length);
  };
  const showOne = (n: number, { does, on = 1, crashes = 0, busy = 0, seconds = 0 }: GuestState): void => {
    const { turn, words: before } = shown.get(n) ?? { turn: 0, words: '' };
    const ticks = seconds * TICKS_PER_SECOND;
    const words = [
      ...[
        [C.STATE_DOES, does],
        [C.STATE_ON, on],
        [C.STATE_CRASHES, crashes],
        [C.STATE_BUSY, busy],
      ],
      [C.STATE_TICKS, ticks % 2 ** 32],
      [C.STATE_TICKS + 4, Math.floor(ticks / 2 ** 32)],
    ] as const;
    const isNew = words.join() !== before;
    shown.set(n, { turn: isNew ? turn + 2 : turn, words: words.join() });
    if (!isNew) return;
    wordAt(n, C.STATE_TURN, turn + 1);
    for (const [offset, value] of words) wordAt(n, offset, value);
    wordAt(n, C.STATE_TURN, turn + 2);
  };
  const showConsoles = (): void => {
    for (const [n, state] of Object.entries(states)) showConsole(Number(n), state);
  };
  const show = (): void => {
    showConsoles();
    for (const [n, state] of Object.entries(states)) showOne(Number(n), state);
  };
  return {
    ...{ orders, show },
    act() {
      const order = take(C.DOORBELL_GUEST);
      if (order !== 0) {
        const [what, guest, byte] = [
          order & 0xff_0000,
          (order >> C.ORDER_GUEST_SHIFT) & C.ORDER_GUESTS,
          order & C.ORDER_BYTE,
        ];
        orders.push([what, guest, byte]);
        obey(what, guest, states, byte);
      }
      if (take(C.DOORBELL_CONSOLES) !== 0) showConsoles();
      if (take(C.DOORBELL_STATES) !== 0) show();
    },
  };
}
