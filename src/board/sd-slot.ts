/** The Pi 2's card slot: which controller its card hangs on is the pins' function. */
import { CARD_PINS, PIN_FUNCTION } from './gpio.js';
import type { SdCard } from './sd-card.js';

/** The card as a controller reaches it; undefined where its pins or the slot have none. */
export type CardAt = () => SdCard | undefined;

/** The slot. */
export interface SdSlot {
  readonly state: { inserted: boolean };
  readonly sdhost: CardAt;
  readonly emmc: CardAt;
  /** Puts the card in, or takes it out: its power goes, its contents stay. */
  readonly insert: (inserted: boolean) => void;
}

/**
 * Makes the slot.
 * @param card what is put into it; undefined for none
 * @param functions of the GPIO's pins, as they are now
 * @param changed told that the card went in or out
 */
export function createSdSlot(
  card: SdCard | undefined,
  functions: Readonly<Uint8Array>,
  changed: () => void,
): SdSlot {
  const state = { inserted: card !== undefined };
  const at = (wanted: number) => (): SdCard | undefined => {
    return state.inserted && CARD_PINS.every((pin) => functions[pin] === wanted) ? card : undefined;
  };
  return {
    state,
    sdhost: at(PIN_FUNCTION.ALT0),
    emmc: at(PIN_FUNCTION.ALT3),
    insert: (inserted) => {
      if (!card || state.inserted === inserted) return;
      state.inserted = inserted;
      card.reset();
      changed();
    },
  };
}
