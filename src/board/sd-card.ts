/**
 * An SD memory card on its bus, as the standard describes it: SD Specifications, Part 1, Physical Layer Simplified
 * Specification, 3.01 (and 2.00 where the card is made so). What it does with each command stands in sd-commands.ts.
 */
import { HypberryError } from '../base/errors.js';
import { type Disk, SECTOR_SIZE } from '../ports/disk.js';
import { inField } from './register.js';
import { APP_COMMANDS, COMMANDS, type Command } from './sd-commands.js';
import { CARD_STATE, CARD_STATUS, type CardCore, type SdCardState, TIME } from './sd-state.js';
import {
  capacityFor,
  CARD_ID,
  type CardKind,
  crc7,
  CSD_WRITABLE,
  csdOf,
  kindFor,
  LENGTH,
  MOST_STANDARD,
  PROTECT_GROUP_SECTORS,
} from './sd-registers.js';

/** What a card answers: 48 bits with a word in the middle, or 136 with a CID or CSD. */
export type CardAnswer =
  | { readonly word: number; readonly busy: boolean; readonly long?: undefined }
  | { readonly long: Uint8Array; readonly busy: false; readonly word?: undefined };

/** A card as a controller sees it. */
export interface SdCard {
  readonly state: SdCardState;
  /** Sectors that it says it has. */
  readonly sectors: number;
  /** Carries out a command; undefined where it does not answer. */
  command(index: number, argument: number): CardAnswer | undefined;
  /** The next block that it sends; undefined where it sends none. */
  send(): Uint8Array | undefined;
  /** Takes a block; false where it wants none, and says nothing of it. */
  take(block: Uint8Array): boolean;
  /** Until when it holds DAT0 low, nanoseconds of virtual time; in the past where it does not. */
  busyUntil(): number;
  /** Lines that it uses for data: 1 or 4. */
  width(): 1 | 4;
  /** Its power goes and comes. */
  readonly reset: () => void;
  /** Nanoseconds until the first block after a read command, beyond what the bus takes. */
  readonly accessTime: number;
}

/** Sectors that are erased at once. */
const ERASE_PIECE = 2048;
/** Answers that have the card status. */
const SAYS_STATUS: readonly Command['answer'][] = ['R1', 'R1b', 'R6'];
/** States that end by themselves. */
const STATES_OF_PROGRAMMING: readonly number[] = [CARD_STATE.PRG, CARD_STATE.DIS];

const powerUp = (): SdCardState => ({
  code: CARD_STATE.IDLE,
  status: 0,
  rca: 0,
  app: false,
  interfaceKnown: false,
  ready: Infinity,
  blockLength: SECTOR_SIZE,
  blockCount: 0,
  wide: false,
  highSpeed: false,
  transfer: 'none',
  multiple: false,
  address: 0,
  left: 0,
  data: new Uint8Array(LENGTH.STATUS),
  dataLength: 0,
  written: 0,
  eraseFrom: -1,
  eraseTo: -1,
  busy: 0,
  csd: new Uint8Array(LENGTH.LONG),
  protectedGroups: new Uint8Array(MOST_STANDARD / PROTECT_GROUP_SECTORS / 8),
});

/** What a card is made of. */
export interface CardParts {
  /** Its contents: sectors that it has more than these read as zero and cannot be written. */
  readonly disk: Disk;
  /** The virtual time. */
  readonly now: () => number;
  /** Undefined for what its size says. */
  readonly kind?: CardKind | undefined;
  /** Told of each error of the disk; what is on the card gets an error of the card. */
  readonly onError?: ((error: HypberryError) => void) | undefined;
}

/** Makes a card, as it is when its power comes. */
export function createSdCard({ disk, now, kind = kindFor(disk.sectors), onError }: CardParts): SdCard {
  const state = powerUp();
  const sectors = capacityFor(disk.sectors, kind);

  /** Runs what the disk does; its own errors become the card's. */
  function onDisk<T>(status: number, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof HypberryError)) throw error;
      onError?.(error);
      state.status |= status;
      return undefined;
    }
  }

  /** What is found while a command is carried out, behind its answer. */
  let late = 0;

  const core: CardCore = {
    state,
    kind,
    sectors,
    now,
    csd: () => csdOf(sectors, kind, state.highSpeed, state.csd),
    fail: (status) => {
      state.status |= status;
    },
    failLater: (status) => {
      late |= status;
    },
    isProtected: (sector) => {
      if (state.csd[PROTECTION_BYTE]! & PROTECTION_BITS) return true;
      const group = Math.floor(sector / PROTECT_GROUP_SECTORS);
      return kind.capacity === 'standard' && ((state.protectedGroups[group >> 3]! >>> (group & 7)) & 1) === 1;
    },
    erase: (from, to) => {
      let skipped = false;
      for (let at = from; at <= to;) {
        const group = (Math.floor(at / PROTECT_GROUP_SECTORS) + 1) * PROTECT_GROUP_SECTORS;
        const end = Math.min(to + 1, kind.capacity === 'standard' ? group : Infinity);
        if (core.isProtected(at)) skipped = true;
        else
          onDisk(CARD_STATUS.ERROR, () => {
            clear(at, Math.min(end, disk.sectors));
          });
        at = end;
      }
      return skipped;
    },
    busyFor: (nanoseconds) => {
      state.busy = now() + nanoseconds;
    },
    reset: () => {
      const { csd, protectedGroups } = state;
      // What is written of these outlasts the power.
      Object.assign(state, powerUp(), { csd, protectedGroups });
    },
  };

  function clear(from: number, end: number): void {
    if (from >= end) return;
    if (disk.erase) disk.erase(from, end - from);
    else
      for (let at = from; at < end; at += ERASE_PIECE)
        disk.write(at, new Uint8Array(Math.min(ERASE_PIECE, end - at) * SECTOR_SIZE));
  }

  /** Programming ends by itself. */
  function settle(): void {
    if (!STATES_OF_PROGRAMMING.includes(state.code) || now() < state.busy) return;
    state.code = state.code === CARD_STATE.PRG ? CARD_STATE.TRAN : CARD_STATE.STBY;
  }

  /** A block less to transfer; the last one ends it. */
  function oneLess(): void {
    state.left--;
    if (state.left > 0) return;
    if (state.code === CARD_STATE.DATA) state.code = CARD_STATE.TRAN;
    state.transfer = 'none';
  }

  function sectorAt(address: number): Uint8Array | undefined {
    const sector = Math.floor(address / SECTOR_SIZE);
    if (sector >= sectors) {
      core.fail(CARD_STATUS.OUT_OF_RANGE);
      return undefined;
    }
    if (sector >= disk.sectors) return new Uint8Array(SECTOR_SIZE);
    return onDisk(CARD_STATUS.CARD_ECC_FAILED, () => disk.read(sector, 1));
  }

  /** Programs a sector; false where it did not, which the status says. */
  function program(sector: number, block: Uint8Array): boolean {
    const refusal =
      sector >= sectors
        ? CARD_STATUS.OUT_OF_RANGE
        : core.isProtected(sector)
          ? CARD_STATUS.WP_VIOLATION
          : sector >= disk.sectors || !disk.writable
            ? CARD_STATUS.ERROR
            : 0;
    core.fail(refusal);
    if (refusal) return false;
    return (
      onDisk(CARD_STATUS.ERROR, () => {
        disk.write(sector, block);
        return true;
      }) ?? false
    );
  }

  /** Writes what may be written of the CSD (CMD27): all else must be as it is, and the CRC right. */
  function programCsd(block: Uint8Array): boolean {
    const csd = core.csd();
    const same =
      block.length === csd.length &&
      csd.every((byte, i) => ((byte ^ block[i]!) & ~CSD_WRITABLE[i]!) === 0 || i === csd.length - 1);
    const sealedRight = block.at(-1)! >> 1 === crc7(block.subarray(0, -1));
    // What once was set for good stays so.
    const permanent = state.csd[PROTECTION_BYTE]! & PERMANENT_BITS & ~block[PROTECTION_BYTE]!;
    if (!same || !sealedRight || permanent) {
      core.fail(CARD_STATUS.CSD_OVERWRITE);
      return false;
    }
    CSD_WRITABLE.forEach((mask, i) => (state.csd[i] = block[i]! & mask));
    return true;
  }

  /** What of the card status is its state. */
  function stateBits(): number {
    const ready = now() >= state.busy ? CARD_STATUS.READY_FOR_DATA : 0;
    return inField(state.code, CARD_STATUS.CURRENT_STATE) | ready;
  }

  function answer(command: Command, stateBefore: number, argument: number): CardAnswer | undefined {
    if (command.answer === 'none') return undefined;
    if (command.answer === 'CID') return { long: CARD_ID.slice(), busy: false };
    if (command.answer === 'CSD') return { long: core.csd(), busy: false };
    // Its state as it was when the command came (4.10.1), with what the command found.
    const status = (state.status | stateBefore) >>> 0;
    const word = command.word?.(core, status, argument) ?? status;
    return { word: word >>> 0, busy: command.answer === 'R1b' };
  }

  return {
    state,
    sectors,
    reset: core.reset,
    accessTime: TIME.ACCESS,
    busyUntil: () => state.busy,
    width: () => (state.wide ? 4 : 1),
    command: (index, argument) => {
      if (state.code === CARD_STATE.INA) return undefined;
      settle();
      const { code } = state;
      const before = stateBits();
      const ofApplication = state.app ? APP_COMMANDS.get(index) : undefined;
      const command = ofApplication ?? COMMANDS.get(index);
      state.app = false;
      if (!command?.states.includes(code) || !isOf(command, kind)) {
        core.fail(CARD_STATUS.ILLEGAL_COMMAND);
        return undefined;
      }
      if (command.addressed && argument >>> 16 !== state.rca && !command.deselects) return undefined;
      // The bit is in the responses of CMD55 and of the application's command behind it.
      if (ofApplication) core.fail(CARD_STATUS.APP_CMD);
      else state.status &= ~CARD_STATUS.APP_CMD;
      if (!command.erases && state.eraseFrom >= 0) {
        state.eraseFrom = state.eraseTo = -1;
        core.fail(CARD_STATUS.ERASE_RESET);
      }
      late = 0;
      const silent = command.run?.(core, argument >>> 0) === 'silent';
      if (silent) return undefined;
      const given = answer(command, before, argument >>> 0);
      // What was said is said; that a command was illegal is said once at most.
      if (SAYS_STATUS.includes(command.answer)) state.status = late;
      else state.status &= ~CARD_STATUS.ILLEGAL_COMMAND;
      return given;
    },
    send: () => {
      if (state.code !== CARD_STATE.DATA || state.left <= 0) return undefined;
      if (state.transfer === 'register') {
        oneLess();
        return state.data.slice(0, state.dataLength);
      }
      const sector = sectorAt(state.address);
      if (!sector) return undefined;
      const start = state.address % SECTOR_SIZE;
      state.address += state.blockLength;
      const block = sector.slice(start, start + state.blockLength);
      oneLess();
      return block;
    },
    take: (block) => {
      if (state.code !== CARD_STATE.RCV || state.left <= 0) return false;
      const isCsd = state.transfer === 'csd';
      const done = isCsd ? programCsd(block) : program(state.address / SECTOR_SIZE, block);
      if (done) state.written++;
      state.address += SECTOR_SIZE;
      oneLess();
      // One block of many that failed, and all after it are ignored until CMD12.
      if (!done && state.left > 0) state.left = 0;
      if (!state.multiple || (done && state.left <= 0)) {
        state.code = CARD_STATE.PRG;
        core.busyFor(TIME.PROGRAM);
      } else core.busyFor(TIME.BLOCK);
      return true;
    },
  };
}

/** Whether cards of a kind have a command. */
function isOf({ since, capacity }: Command, kind: CardKind): boolean {
  return (since ?? kind.version) <= kind.version && (capacity ?? kind.capacity) === kind.capacity;
}

/** The byte of the CSD that has TMP_WRITE_PROTECT and PERM_WRITE_PROTECT, their bits, and those that can only be set. */
const PROTECTION_BYTE = 14;
const PROTECTION_BITS = 0b0011_0000;
const PERMANENT_BITS = 0b0110_0000;
