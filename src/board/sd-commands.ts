/**
 * The commands of an SD memory card in SD mode: in which states each is legal, how it is answered and what it does.
 * Physical Layer Simplified Specification 3.01, sections 4.7.4 (commands), 4.8 (states), 4.9 (responses).
 */
import { SECTOR_SIZE } from '../ports/disk.js';
import { PROTECT_GROUP_SECTORS, scrOf, sdStatusOf, switchStatus } from './sd-registers.js';
import { CARD_STATE, CARD_STATUS, type CardCore, OCR, TIME } from './sd-state.js';

/** Commands by which a controller does something of its own. */
export const INDEX = { SELECT_CARD: 7, STOP_TRANSMISSION: 12, SET_BLOCK_COUNT: 23 } as const;

/** Bits of responses on the command line (4.9). */
const RESPONSE_BITS = { none: 0, short: 48, long: 136 } as const;
const COMMAND_BITS = 48;
/** Clocks behind a command, and behind a response, before the next (N_CC, N_RC). */
const CLOCKS_BETWEEN = 8;

/** Clocks of a command and its response, with what lies between. */
export function commandClocks(response: keyof typeof RESPONSE_BITS): number {
  const bits = RESPONSE_BITS[response];
  return COMMAND_BITS + CLOCKS_BETWEEN + (bits === 0 ? 0 : bits + CLOCKS_BETWEEN);
}

/** One command. */
export interface Command {
  /** Where it is legal. */
  readonly states: readonly number[];
  /** Of another form than R1: the word that `word` gives, or a register; `none` where there is no answer. */
  readonly answer: 'none' | 'R1' | 'R1b' | 'CID' | 'CSD' | 'R3' | 'R6' | 'R7';
  /** The word of R3, R6 and R7. */
  readonly word?: (card: CardCore, status: number, argument: number) => number;
  /** Its argument begins with the address of the card that it is for. */
  readonly addressed?: boolean;
  /** One for another card is one for this card, too. */
  readonly deselects?: boolean;
  /** A sequence of CMD32, CMD33 and CMD38 goes on over it. */
  readonly erases?: boolean;
  /** The first version that has it, where that is not the oldest. */
  readonly since?: '3.01';
  /** The one capacity whose cards have it. */
  readonly capacity?: 'standard';
  /** What it does, when it is legal and for this card. */
  readonly run?: (card: CardCore, argument: number) => 'silent' | undefined;
}

const { IDLE, READY, IDENT, STBY, TRAN, DATA, RCV, PRG, DIS, INA } = CARD_STATE;
const SELECTED = [TRAN, DATA, RCV, PRG] as const;
const DATA_MODE = [STBY, ...SELECTED, DIS] as const;
const OF_CMD55 = [IDLE, ...DATA_MODE] as const;

/** The voltage that CMD8 offers, bits 11:8: 2.7 to 3.6 V. */
const VOLTAGE_27_36 = 1;
/** What R7 gives back: the voltage and the check pattern. */
const IF_COND = 0xfff;
/** What R6 has of the card status: bits 23, 22 and 19, and the lower 13. */
const R6_STATUS = { HIGH: 0b11 << 22, HIGH_SHIFT: 8, ERROR: 1 << 19, ERROR_SHIFT: 6, LOW: 0x1fff } as const;
/** ACMD41: the host knows high capacity. */
const HCS = OCR.CCS;
/** CMD6: carry out, not only ask. */
const SWITCH = 2 ** 31;
/** ACMD6: four lines. */
const FOUR_LINES = 0b10;
/** Bytes of the register that ACMD22 and CMD30 give. */
const WORD = 4;
/** Groups that CMD30 tells of. */
const GROUPS_TOLD = 32;

/** The number of the byte that an address names. */
function byteAt({ kind }: CardCore, address: number): number {
  return kind.capacity === 'high' ? address * SECTOR_SIZE : address;
}

/** Has the card send a register. */
function sendRegister({ state }: CardCore, data: Uint8Array): void {
  state.data.set(data);
  Object.assign(state, {
    ...{ code: DATA, transfer: 'register', left: 1, multiple: false },
    dataLength: data.length,
  });
}

/** The blocks of a read or write of several: CMD23's, once, or until it is stopped. */
function blocksOf({ state }: CardCore, multiple: boolean): number {
  if (!multiple) return 1;
  return state.blockCount > 0 ? state.blockCount : Infinity;
}

const reading =
  (multiple: boolean) =>
  (card: CardCore, argument: number): undefined => {
    const { state, sectors, kind } = card;
    const left = blocksOf(card, multiple);
    state.blockCount = 0;
    const address = byteAt(card, argument);
    const length = kind.capacity === 'high' ? SECTOR_SIZE : state.blockLength;
    if (address >= sectors * SECTOR_SIZE) card.fail(CARD_STATUS.OUT_OF_RANGE);
    // READ_BLK_MISALIGN is 0: no block goes over the end of a sector.
    else if ((address % SECTOR_SIZE) + length > SECTOR_SIZE) card.fail(CARD_STATUS.ADDRESS_ERROR);
    else Object.assign(state, { code: DATA, transfer: 'sectors', address, left, multiple });
  };

const writing =
  (multiple: boolean) =>
  (card: CardCore, argument: number): undefined => {
    const { state, sectors } = card;
    const left = blocksOf(card, multiple);
    state.blockCount = 0;
    state.written = 0;
    const address = byteAt(card, argument);
    // WRITE_BL_PARTIAL and WRITE_BLK_MISALIGN are 0.
    if (state.blockLength !== SECTOR_SIZE) card.fail(CARD_STATUS.BLOCK_LEN_ERROR);
    else if (address >= sectors * SECTOR_SIZE) card.fail(CARD_STATUS.OUT_OF_RANGE);
    else if (address % SECTOR_SIZE) card.fail(CARD_STATUS.ADDRESS_ERROR);
    else if (card.isProtected(address / SECTOR_SIZE)) card.fail(CARD_STATUS.WP_VIOLATION);
    else Object.assign(state, { code: RCV, transfer: 'sectors', address, left, multiple });
  };

/** CMD32 and CMD33. */
const erasing =
  (end: 'eraseFrom' | 'eraseTo') =>
  (card: CardCore, argument: number): undefined => {
    const sector = Math.floor(byteAt(card, argument) / SECTOR_SIZE);
    if (sector >= card.sectors) card.fail(CARD_STATUS.OUT_OF_RANGE);
    else if (end === 'eraseTo' && card.state.eraseFrom < 0) card.fail(CARD_STATUS.ERASE_SEQ_ERROR);
    else card.state[end] = sector;
  };

/** CMD28 and CMD29. Only cards of standard capacity have groups. */
const protecting =
  (on: boolean) =>
  (card: CardCore, argument: number): undefined => {
    const { state, sectors } = card;
    const sector = Math.floor(argument / SECTOR_SIZE);
    if (sector >= sectors) {
      card.fail(CARD_STATUS.OUT_OF_RANGE);
      return;
    }
    const group = Math.floor(sector / PROTECT_GROUP_SECTORS);
    if (on) state.protectedGroups[group >> 3]! |= 1 << (group & 7);
    else state.protectedGroups[group >> 3]! &= ~(1 << (group & 7));
    state.code = PRG;
    card.busyFor(TIME.PROGRAM);
  };

/** A word as a register, the most significant byte first. */
function wordOf(value: number): Uint8Array {
  const bytes = new Uint8Array(WORD);
  new DataView(bytes.buffer).setUint32(0, value >>> 0);
  return bytes;
}

function sendProtection(card: CardCore, argument: number): undefined {
  const { state, sectors } = card;
  const first = Math.floor(argument / SECTOR_SIZE / PROTECT_GROUP_SECTORS);
  if (argument >= sectors * SECTOR_SIZE) {
    card.fail(CARD_STATUS.OUT_OF_RANGE);
    return;
  }
  let word = 0;
  for (let i = 0; i < GROUPS_TOLD && (first + i) * PROTECT_GROUP_SECTORS < sectors; i++)
    if ((state.protectedGroups[(first + i) >> 3]! >>> ((first + i) & 7)) & 1) word |= 1 << i;
  sendRegister(card, wordOf(word));
}

/** CMD7: for this card, which then is selected, or for another or none, and it is not any more. */
function select({ state, busyFor }: CardCore, argument: number): 'silent' | undefined {
  if (argument >>> 16 === state.rca) {
    if (state.code === STBY) {
      state.code = TRAN;
      busyFor(TIME.SELECT);
    } else if (state.code === DIS) state.code = PRG;
    else {
      // Selected already: illegal, without an answer (table 4-33).
      state.status |= CARD_STATUS.ILLEGAL_COMMAND;
      return 'silent';
    }
    return undefined;
  }
  if (state.code === PRG) state.code = DIS;
  else if (state.code !== DIS) state.code = STBY;
  return 'silent';
}

/** ACMD41: powers up where the host's voltages are the card's and it can address it; asks where it names no voltage. */
function operate({ state, kind, now }: CardCore, argument: number): 'silent' | undefined {
  const voltages = argument & OCR.ASKED_VOLTAGES;
  if (voltages === 0) return undefined;
  if ((voltages & OCR.VOLTAGES) === 0) {
    state.code = INA;
    return 'silent';
  }
  if (kind.capacity === 'high' && !(argument & HCS && state.interfaceKnown)) return undefined;
  if (state.ready === Infinity) state.ready = now() + TIME.POWER_UP;
  if (now() >= state.ready) state.code = READY;
  return undefined;
}

const dataStop = ({ state, busyFor }: CardCore): undefined => {
  if (state.code === RCV) {
    state.code = PRG;
    busyFor(TIME.PROGRAM);
  } else state.code = TRAN;
  state.transfer = 'none';
  state.left = 0;
};

/** By number. What is not here is illegal. */
export const COMMANDS: ReadonlyMap<number, Command> = new Map<number, Command>([
  // GO_IDLE_STATE
  [
    0,
    {
      states: [IDLE, READY, IDENT, ...DATA_MODE],
      answer: 'none',
      run: (card) => {
        card.reset();
        return undefined;
      },
    },
  ],
  // ALL_SEND_CID
  [
    2,
    {
      states: [READY],
      answer: 'CID',
      run: ({ state }) => {
        state.code = IDENT;
        return undefined;
      },
    },
  ],
  // SEND_RELATIVE_ADDR
  [
    3,
    {
      states: [IDENT, STBY],
      answer: 'R6',
      word: ({ state: { rca } }, status) =>
        (rca << 16) |
        ((status & R6_STATUS.HIGH) >>> R6_STATUS.HIGH_SHIFT) |
        ((status & R6_STATUS.ERROR) >>> R6_STATUS.ERROR_SHIFT) |
        (status & R6_STATUS.LOW),
      run: ({ state }) => {
        // Another one each time, never 0.
        state.rca = (state.rca % 0xffff) + 1;
        state.code = STBY;
        return undefined;
      },
    },
  ],
  // SWITCH_FUNC
  [
    6,
    {
      states: [TRAN],
      answer: 'R1',
      run: (card, argument) => {
        const { status, highSpeed } = switchStatus(argument, card.state.highSpeed);
        if (argument >= SWITCH && highSpeed !== undefined) card.state.highSpeed = highSpeed;
        sendRegister(card, status);
        return undefined;
      },
    },
  ],
  // SELECT/DESELECT_CARD
  [7, { states: DATA_MODE, answer: 'R1b', addressed: true, deselects: true, run: select }],
  // SEND_IF_COND: the check pattern and the voltage come back.
  [
    8,
    {
      states: [IDLE],
      answer: 'R7',
      word: (_card, _status, argument) => argument & IF_COND,
      run: ({ state }, argument) => {
        if (((argument >>> 8) & 0xf) !== VOLTAGE_27_36) return 'silent';
        state.interfaceKnown = true;
        return undefined;
      },
    },
  ],
  // SEND_CSD, SEND_CID
  [9, { states: [STBY], answer: 'CSD', addressed: true }],
  [10, { states: [STBY], answer: 'CID', addressed: true }],
  // STOP_TRANSMISSION
  [12, { states: [DATA, RCV], answer: 'R1b', run: dataStop }],
  // SEND_STATUS
  [13, { states: DATA_MODE, answer: 'R1', addressed: true, erases: true }],
  // GO_INACTIVE_STATE
  [
    15,
    {
      states: DATA_MODE,
      answer: 'none',
      addressed: true,
      run: ({ state }) => {
        state.code = INA;
        return undefined;
      },
    },
  ],
  // SET_BLOCKLEN
  [
    16,
    {
      states: [TRAN],
      answer: 'R1',
      run: (card, length) => {
        if (length === 0 || length > SECTOR_SIZE) card.fail(CARD_STATUS.BLOCK_LEN_ERROR);
        // Blocks of high capacity are 512 bytes whatever this says (4.7.4, table 4-20).
        else if (card.kind.capacity === 'standard') card.state.blockLength = length;
        return undefined;
      },
    },
  ],
  // READ_SINGLE_BLOCK, READ_MULTIPLE_BLOCK
  [17, { states: [TRAN], answer: 'R1', run: reading(false) }],
  [18, { states: [TRAN], answer: 'R1', run: reading(true) }],
  // SET_BLOCK_COUNT
  [
    23,
    {
      states: [TRAN],
      answer: 'R1',
      since: '3.01',
      run: ({ state }, count) => {
        state.blockCount = count;
        return undefined;
      },
    },
  ],
  // WRITE_BLOCK, WRITE_MULTIPLE_BLOCK
  [24, { states: [TRAN], answer: 'R1', run: writing(false) }],
  [25, { states: [TRAN], answer: 'R1', run: writing(true) }],
  // PROGRAM_CSD
  [
    27,
    {
      states: [TRAN],
      answer: 'R1',
      run: ({ state }) => {
        Object.assign(state, { code: RCV, transfer: 'csd', left: 1, multiple: false });
        return undefined;
      },
    },
  ],
  // SET_WRITE_PROT, CLR_WRITE_PROT, SEND_WRITE_PROT
  [28, { states: [TRAN], answer: 'R1b', capacity: 'standard', run: protecting(true) }],
  [29, { states: [TRAN], answer: 'R1b', capacity: 'standard', run: protecting(false) }],
  [30, { states: [TRAN], answer: 'R1', capacity: 'standard', run: sendProtection }],
  // ERASE_WR_BLK_START, ERASE_WR_BLK_END, ERASE
  [32, { states: [TRAN], answer: 'R1', erases: true, run: erasing('eraseFrom') }],
  [33, { states: [TRAN], answer: 'R1', erases: true, run: erasing('eraseTo') }],
  [
    38,
    {
      states: [TRAN],
      answer: 'R1b',
      erases: true,
      run: (card) => {
        const { state } = card;
        const { eraseFrom, eraseTo } = state;
        state.eraseFrom = state.eraseTo = -1;
        if (eraseTo < 0) card.fail(CARD_STATUS.ERASE_SEQ_ERROR);
        else if (eraseTo < eraseFrom) card.fail(CARD_STATUS.ERASE_PARAM);
        else {
          if (card.erase(eraseFrom, eraseTo)) card.failLater(CARD_STATUS.WP_ERASE_SKIP);
          state.code = PRG;
          card.busyFor(TIME.ERASE);
        }
        return undefined;
      },
    },
  ],
  // APP_CMD
  [
    55,
    {
      states: OF_CMD55,
      answer: 'R1',
      addressed: true,
      erases: true,
      run: (card) => {
        card.state.app = true;
        card.fail(CARD_STATUS.APP_CMD);
        return undefined;
      },
    },
  ],
]);

/** Commands of the application (after CMD55), by number; what is not here is taken for the command of that number. */
export const APP_COMMANDS: ReadonlyMap<number, Command> = new Map<number, Command>([
  // SET_BUS_WIDTH
  [
    6,
    {
      states: [TRAN],
      answer: 'R1',
      run: ({ state }, argument) => {
        state.wide = (argument & FOUR_LINES) !== 0;
        return undefined;
      },
    },
  ],
  // SD_STATUS
  [
    13,
    {
      states: [TRAN],
      answer: 'R1',
      run: (card) => {
        sendRegister(card, sdStatusOf(card.state.wide));
        return undefined;
      },
    },
  ],
  // SEND_NUM_WR_BLOCKS
  [
    22,
    {
      states: [TRAN],
      answer: 'R1',
      run: (card) => {
        sendRegister(card, wordOf(card.state.written));
        return undefined;
      },
    },
  ],
  // SET_WR_BLK_ERASE_COUNT: only makes writes faster.
  [23, { states: [TRAN], answer: 'R1' }],
  // SD_SEND_OP_COND
  [
    41,
    {
      states: [IDLE],
      answer: 'R3',
      word: ({ state, kind }) =>
        state.code === READY
          ? OCR.VOLTAGES | OCR.READY | (kind.capacity === 'high' ? OCR.CCS : 0)
          : OCR.VOLTAGES,
      run: operate,
    },
  ],
  // SET_CLR_CARD_DETECT: the pull-up of DAT3, which nobody sees.
  [42, { states: [TRAN], answer: 'R1' }],
  // SEND_SCR
  [
    51,
    {
      states: [TRAN],
      answer: 'R1',
      run: (card) => {
        sendRegister(card, scrOf(card.kind));
        return undefined;
      },
    },
  ],
]);
