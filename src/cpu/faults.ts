/** Kinds of memory faults and their status codes in both formats (B3.13). */

/** Fault status of the long-descriptor format, without the level in its two lowest bits where there is one. */
export const FAULT_TRANSLATION = 0b000100;
export const FAULT_ACCESS_FLAG = 0b001000;
export const FAULT_PERMISSION = 0b001100;
export const FAULT_EXTERNAL = 0b010000;
export const FAULT_ASYNCHRONOUS = 0b010001;
export const FAULT_EXTERNAL_WALK = 0b010100;
export const FAULT_ALIGNMENT = 0b100001;
export const FAULT_DEBUG = 0b100010;
/** Only with short descriptors; the code that HSR has for it. */
export const FAULT_DOMAIN = 0b111100;

/** FS of the short-descriptor format (table B3-23) for a long-format status. Bit 4 is FS<4>. */
export function shortFaultStatus(status: number): number {
  if (status === FAULT_ALIGNMENT) return 0b00001;
  if (status === FAULT_DEBUG) return 0b00010;
  if (status === FAULT_EXTERNAL) return 0b01000;
  // Level 3 does not exist there; a stage 2 fault is never reported so.
  const second = (status & 3) === 1 ? 0 : 1;
  switch (status & ~3) {
    case FAULT_TRANSLATION:
      return second ? 0b00111 : 0b00101;
    case FAULT_ACCESS_FLAG:
      return second ? 0b00110 : 0b00011;
    case FAULT_PERMISSION:
      return second ? 0b01111 : 0b01101;
    case FAULT_DOMAIN:
      return second ? 0b01011 : 0b01001;
    default:
      return second ? 0b01110 : 0b01100;
  }
}
