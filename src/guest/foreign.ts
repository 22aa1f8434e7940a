/** Files that are no kernel for a guest. */

/** Ends of `X cannot be a guest's kernel: it is …`, and what to do instead. */
export interface Foreign {
  readonly what: string;
  readonly hint: string;
}

export const USE_FLAT =
  "Use a 32-bit zImage (Debian's vmlinuz of linux-image-armmp, for instance) or another flat image.";
export const USE_ARMHF = `Take the one of the architecture armhf. ${USE_FLAT}`;

/** What stands where in a guest's memory, and where that is entered. */
export interface Placed {
  readonly data: Uint8Array;
  /** Guest-physical address of its first byte. */
  readonly address: number;
  /** The address that is entered; bit 0 is set where its code is T32. */
  readonly entry: number;
  /** Guest-physical address behind what it clears or stands in, as far as the file says it. */
  readonly end: number;
}

export const isForeign = (it: Foreign | Placed): it is Foreign => 'what' in it;
