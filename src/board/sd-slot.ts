/** The Pi 2's card slot, on GPIO 48 to 53: which controller its card hangs on is the pins' function. */
import type { SdCard } from './sd-card.js';

/** The card as a controller reaches it; undefined where its pins or the slot have none. */
export type CardAt = () => SdCard | undefined;

/** CLK, CMD and DAT0 to DAT3 (BCM2835 ARM Peripherals, table 6-31; Linux, bcm283x.dtsi). */
const PINS = [48, 49, 50, 51, 52, 53];

/** Functions of these pins as GPFSEL has them: ALT0 is SDHOST, ALT3 the EMMC controller. */
const FUNCTION = { SDHOST: 4, EMMC: 7 } as const;

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
    return state.inserted && PINS.every((pin) => functions[pin] === wanted) ? card : undefined;
  };
  return {
    state,
    sdhost: at(FUNCTION.SDHOST),
    emmc: at(FUNCTION.EMMC),
    insert: (inserted) => {
      if (!card || state.inserted === inserted) return;
      state.inserted = inserted;
      card.reset();
      changed();
    },
  };
}
