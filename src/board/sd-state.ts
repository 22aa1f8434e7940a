/**
 * What the parts of an SD card have in common: its states, its status, and what of it changes.
 * Physical Layer Simplified Specification 3.01; sections are named beside.
 */
import { bit, bits } from './register.js';
import type { CardKind } from './sd-registers.js';

/** States (4.2, 4.3), as CURRENT_STATE has them; a card that a CMD15 or a wrong voltage made inactive says nothing. */
export const CARD_STATE = {
  IDLE: 0,
  READY: 1,
  IDENT: 2,
  STBY: 3,
  TRAN: 4,
  DATA: 5,
  RCV: 6,
  PRG: 7,
  DIS: 8,
  INA: 15,
} as const;

/** Card status (4.10.1). */
export const CARD_STATUS = {
  OUT_OF_RANGE: bit(31),
  ADDRESS_ERROR: bit(30),
  BLOCK_LEN_ERROR: bit(29),
  ERASE_SEQ_ERROR: bit(28),
  ERASE_PARAM: bit(27),
  WP_VIOLATION: bit(26),
  COM_CRC_ERROR: bit(23),
  ILLEGAL_COMMAND: bit(22),
  CARD_ECC_FAILED: bit(21),
  ERROR: bit(19),
  CSD_OVERWRITE: bit(16),
  WP_ERASE_SKIP: bit(15),
  ERASE_RESET: bit(13),
  CURRENT_STATE: bits(12, 9),
  READY_FOR_DATA: bit(8),
  APP_CMD: bit(5),
} as const;

/** OCR (5.1): 2.7 to 3.6 V; capacity; powered up. */
export const OCR = {
  VOLTAGES: bits(23, 15),
  ASKED_VOLTAGES: bits(23, 0),
  CCS: bit(30),
  READY: bit(31),
} as const;

/** What a data transfer is of: a register, which `data` has, or sectors from `address` on, a byte's number. */
export type Transfer = 'none' | 'register' | 'sectors' | 'csd';

/** All of a card that changes, its contents apart. */
export interface SdCardState {
  code: number;
  /** Bits of the card status that the next response has, CURRENT_STATE and the like apart. */
  status: number;
  rca: number;
  /** CMD55 came before. */
  app: boolean;
  /** CMD8 was answered since power-up. */
  interfaceKnown: boolean;
  /** When it has powered up, nanoseconds; Infinity before the first ACMD41 that asked for it. */
  ready: number;
  blockLength: number;
  /** Of CMD23; 0 where none came. */
  blockCount: number;
  wide: boolean;
  highSpeed: boolean;
  transfer: Transfer;
  /** More than one block. */
  multiple: boolean;
  /** The next byte's number, and blocks that are left; Infinity until it is stopped. */
  address: number;
  left: number;
  /** What a register's transfer sends: so many bytes of these. */
  data: Uint8Array;
  dataLength: number;
  /** Blocks that the last write command wrote (ACMD22). */
  written: number;
  /** First and last sector to erase; -1 while not set. */
  eraseFrom: number;
  eraseTo: number;
  busy: number;
  /** What was written of the CSD, in place, and of the write-protect groups, a bit each. */
  csd: Uint8Array;
  protectedGroups: Uint8Array;
}

/** What commands work on. */
export interface CardCore {
  readonly state: SdCardState;
  readonly kind: CardKind;
  readonly sectors: number;
  readonly now: () => number;
  csd(): Uint8Array;
  /** Puts bits into the status. */
  fail(status: number): void;
  /** The same behind the answer to the present command. */
  failLater(status: number): void;
  /** Whether sectors, both ends included, are write-protected, by the CSD or their group. */
  isProtected(sector: number): boolean;
  /** Makes sectors read as zero, both ends included, protected ones left out; says whether there were such. */
  erase(from: number, to: number): boolean;
  /** Holds DAT0 low from now on. */
  readonly busyFor: (nanoseconds: number) => void;
  /** Powers it up anew. */
  readonly reset: () => void;
}

/** Nanoseconds, as of a card of class 10: to find a sector, to program a block on the way and at the end, to erase. */
export const TIME = {
  POWER_UP: 5e6,
  ACCESS: 100_000,
  BLOCK: 15_000,
  PROGRAM: 250_000,
  ERASE: 1_000_000,
  SELECT: 1000,
} as const;
