/**
 * What an SD card says of itself: OCR, CID, CSD, SCR, SD status and the status of CMD6.
 * SD Specifications, Part 1, Physical Layer Simplified Specification, version 3.01, sections 4.3.10 (CMD6), 4.10.2 (SD
 * status), 5 (registers); bits are numbered as there.
 */
import { MOST_SECTORS } from '../ports/disk.js';

/** Highest and lowest bit of a field, at most 32 bits wide. */
type Field = readonly [high: number, low: number];

/** Card identification, 128 bits (5.2). */
export const CID = {
  MID: [127, 120],
  OID: [119, 104],
  PNM0: [103, 96],
  PNM1: [95, 88],
  PNM2: [87, 80],
  PNM3: [79, 72],
  PNM4: [71, 64],
  PRV: [63, 56],
  PSN: [55, 24],
  MDT: [19, 8],
} as const satisfies Record<string, Field>;

/** Card-specific data, 128 bits: version 1.0 of standard capacity (5.3.2), 2.0 of high capacity (5.3.3). */
export const CSD = {
  CSD_STRUCTURE: [127, 126],
  TAAC: [119, 112],
  NSAC: [111, 104],
  TRAN_SPEED: [103, 96],
  CCC: [95, 84],
  READ_BL_LEN: [83, 80],
  READ_BL_PARTIAL: [79, 79],
  /** Of version 1.0. */
  C_SIZE: [73, 62],
  VDD_R_CURR_MIN: [61, 59],
  VDD_R_CURR_MAX: [58, 56],
  VDD_W_CURR_MIN: [55, 53],
  VDD_W_CURR_MAX: [52, 50],
  C_SIZE_MULT: [49, 47],
  /** Of version 2.0, in place of the six above. */
  C_SIZE_2: [69, 48],
  ERASE_BLK_EN: [46, 46],
  SECTOR_SIZE: [45, 39],
  WP_GRP_SIZE: [38, 32],
  WP_GRP_ENABLE: [31, 31],
  R2W_FACTOR: [28, 26],
  WRITE_BL_LEN: [25, 22],
  FILE_FORMAT_GRP: [15, 15],
  COPY: [14, 14],
  PERM_WRITE_PROTECT: [13, 13],
  TMP_WRITE_PROTECT: [12, 12],
  FILE_FORMAT: [11, 10],
} as const satisfies Record<string, Field>;

/** SD configuration, 64 bits (5.6). */
export const SCR = {
  SD_SPEC: [59, 56],
  DATA_STAT_AFTER_ERASE: [55, 55],
  SD_SECURITY: [54, 52],
  SD_BUS_WIDTHS: [51, 48],
  SD_SPEC3: [47, 47],
  CMD_SUPPORT: [33, 32],
} as const satisfies Record<string, Field>;

/** SD status, 512 bits (4.10.2). */
export const SD_STATUS = {
  DAT_BUS_WIDTH: [511, 510],
  SD_CARD_TYPE: [495, 480],
  SIZE_OF_PROTECTED_AREA: [479, 448],
  SPEED_CLASS: [447, 440],
  PERFORMANCE_MOVE: [439, 432],
  AU_SIZE: [431, 428],
  ERASE_SIZE: [423, 408],
  ERASE_TIMEOUT: [407, 402],
  ERASE_OFFSET: [401, 400],
} as const satisfies Record<string, Field>;

/** Status of CMD6, 512 bits (4.3.10.4): of group n the functions it has, and the one that is or would be chosen. */
export const SWITCH_STATUS = {
  MAXIMUM_CURRENT: [511, 496],
  SUPPORT6: [495, 480],
  SUPPORT5: [479, 464],
  SUPPORT4: [463, 448],
  SUPPORT3: [447, 432],
  SUPPORT2: [431, 416],
  SUPPORT1: [415, 400],
  FUNCTION6: [399, 396],
  FUNCTION5: [395, 392],
  FUNCTION4: [391, 388],
  FUNCTION3: [387, 384],
  FUNCTION2: [383, 380],
  FUNCTION1: [379, 376],
} as const satisfies Record<string, Field>;

/** Bytes of each. */
export const LENGTH = { LONG: 16, SCR: 8, STATUS: 64 } as const;

/** A register of `length` bytes, the most significant first, with numbers in its fields and zeros elsewhere. */
export function packed<Name extends string>(
  length: number,
  fields: Readonly<Record<Name, Field>>,
  values: Partial<Record<NoInfer<Name>, number>>,
): Uint8Array {
  const bytes = new Uint8Array(length);
  for (const [name, value] of Object.entries(values) as [Name, number][]) {
    const [high, low] = fields[name];
    for (let bit = low; bit <= high; bit++)
      if ((value >>> (bit - low)) & 1) bytes[length - 1 - (bit >> 3)]! |= 1 << (bit & 7);
  }
  return bytes;
}

/** The number in a field of such a register, unsigned. */
export function unpacked(bytes: Uint8Array, [high, low]: Field): number {
  let value = 0;
  for (let bit = high; bit >= low; bit--)
    value = value * 2 + ((bytes[bytes.length - 1 - (bit >> 3)]! >>> (bit & 7)) & 1);
  return value;
}

/** x⁷ + x³ + 1, the first term left out (4.5). */
const CRC7 = 0b000_1001;

/** The CRC of commands, responses, CID and CSD (4.5), 7 bits. */
export function crc7(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit--) {
      const out = ((crc >>> 6) ^ (byte >>> bit)) & 1;
      crc = ((crc << 1) & 0x7f) ^ (out ? CRC7 : 0);
    }
  return crc;
}

/** Puts the CRC and the 1 that is always last into the last byte of a CID or CSD, and gives it back. */
export function sealed(register: Uint8Array): Uint8Array {
  register[register.length - 1] = (crc7(register.subarray(0, -1)) << 1) | 1;
  return register;
}

/** What a card is made as. */
export interface CardKind {
  /** Standard capacity (up to 2 GiB, addressed by bytes) or high and extended capacity (addressed by blocks). */
  readonly capacity: 'standard' | 'high';
  /** The version of the physical layer that it follows; CMD23 came with 3.01. */
  readonly version: '2.00' | '3.01';
}

/** The most sectors of standard capacity: 4096 × 512 blocks of 1024 bytes (5.3.2). */
export const MOST_STANDARD = 2 ** 22;
/** Sectors in which the capacity of version 2.0 is said: 512 KiB. */
const HIGH_UNIT = 1024;

/** C_SIZE + 1 goes up to this in version 1.0, and C_SIZE_MULT to 7. */
const MOST_C_SIZE = 4096;
const MOST_C_SIZE_MULT = 7;
const BLOCK_512 = 9;

/** How version 1.0 says the capacity: (C_SIZE + 1) × 2^(C_SIZE_MULT + 2) blocks of 2^READ_BL_LEN bytes. */
interface StandardSize {
  readonly C_SIZE: number;
  readonly C_SIZE_MULT: number;
  readonly READ_BL_LEN: number;
}

/** The smallest capacity of version 1.0 that holds so many sectors, in the finest steps that reach it. */
function standardSize(sectors: number): StandardSize {
  for (let READ_BL_LEN = BLOCK_512; ; READ_BL_LEN++)
    for (let C_SIZE_MULT = 0; C_SIZE_MULT <= MOST_C_SIZE_MULT; C_SIZE_MULT++) {
      const unit = 2 ** (C_SIZE_MULT + 2 + READ_BL_LEN - BLOCK_512);
      const count = Math.max(1, Math.ceil(sectors / unit));
      if (count <= MOST_C_SIZE) return { C_SIZE: count - 1, C_SIZE_MULT, READ_BL_LEN };
    }
}

/** The kind that a card with so many sectors has unless it is said otherwise. */
export function kindFor(sectors: number): CardKind {
  return { capacity: sectors <= MOST_STANDARD ? 'standard' : 'high', version: '3.01' };
}

/**
 * Sectors of the smallest card that holds so many: what a CSD can say.
 * @throws RangeError where no card of its kind has so many
 */
export function capacityFor(sectors: number, { capacity }: CardKind): number {
  if (sectors > (capacity === 'standard' ? MOST_STANDARD : MOST_SECTORS))
    throw new RangeError(`No SD card of ${capacity} capacity has ${sectors} sectors.`);
  if (capacity === 'high') return Math.max(1, Math.ceil(sectors / HIGH_UNIT)) * HIGH_UNIT;
  const { C_SIZE, C_SIZE_MULT, READ_BL_LEN } = standardSize(sectors);
  return (C_SIZE + 1) * 2 ** (C_SIZE_MULT + 2 + READ_BL_LEN - BLOCK_512);
}

/** Blocks of an erase sector less 1 (the value that version 2.0 fixes), and erase sectors of a write-protect group less 1. */
const ERASE_SECTOR = 0x7f;
const PROTECT_GROUP = 31;
/** Sectors that are write-protected together: 2 MiB. Only cards of standard capacity have such groups. */
export const PROTECT_GROUP_SECTORS = (ERASE_SECTOR + 1) * (PROTECT_GROUP + 1);

/** Command classes (4.7.3): basic, block read, block write, erase, application-specific, switch; write protection beside. */
const CCC = { ALL: 0b0101_0011_0101, WRITE_PROTECTION: 1 << 6 } as const;

/** TRAN_SPEED: 25 MHz, and 50 MHz after the switch to high speed (5.3.2, 4.3.10). */
const TRAN_SPEED = { DEFAULT: 0x32, HIGH_SPEED: 0x5a } as const;
/** TAAC: 1 ms (fixed in version 2.0). */
const ONE_MILLISECOND = 0x0e;
/** Write is slower than read by 2^2 (fixed in version 2.0). */
const R2W_FACTOR = 2;
/** Currents of version 1.0, codes: 60 mA and 80 mA. */
const CURRENT = { MIN: 6, MAX: 6 } as const;

/** Bits of the CSD that a host may write (CMD27); the rest of what it sends must be what is there. */
export const CSD_WRITABLE = packed(LENGTH.LONG, CSD, {
  FILE_FORMAT_GRP: 1,
  COPY: 1,
  PERM_WRITE_PROTECT: 1,
  TMP_WRITE_PROTECT: 1,
  FILE_FORMAT: 3,
});

/**
 * The CSD of a card.
 * @param sectors as {@link capacityFor} gives them
 * @param written what a host has written of it, in place
 */
export function csdOf(sectors: number, kind: CardKind, highSpeed: boolean, written: Uint8Array): Uint8Array {
  const common = {
    TAAC: ONE_MILLISECOND,
    TRAN_SPEED: highSpeed ? TRAN_SPEED.HIGH_SPEED : TRAN_SPEED.DEFAULT,
    ERASE_BLK_EN: 1,
    SECTOR_SIZE: ERASE_SECTOR,
    R2W_FACTOR,
  };
  const size = standardSize(sectors);
  const csd =
    kind.capacity === 'high'
      ? packed(LENGTH.LONG, CSD, {
          ...common,
          CSD_STRUCTURE: 1,
          CCC: CCC.ALL,
          READ_BL_LEN: BLOCK_512,
          WRITE_BL_LEN: BLOCK_512,
          C_SIZE_2: sectors / HIGH_UNIT - 1,
        })
      : packed(LENGTH.LONG, CSD, {
          ...common,
          ...size,
          CCC: CCC.ALL | CCC.WRITE_PROTECTION,
          READ_BL_PARTIAL: 1,
          WRITE_BL_LEN: size.READ_BL_LEN,
          VDD_R_CURR_MIN: CURRENT.MIN,
          VDD_R_CURR_MAX: CURRENT.MAX,
          VDD_W_CURR_MIN: CURRENT.MIN,
          VDD_W_CURR_MAX: CURRENT.MAX,
          WP_GRP_SIZE: PROTECT_GROUP,
          WP_GRP_ENABLE: 1,
        });
  CSD_WRITABLE.forEach((writable, i) => (csd[i]! |= writable & written[i]!));
  return sealed(csd);
}

/** An own name, of a maker who has no number: "HB", "HYPBR", revision 1.0, serial number 1, made in November 2026. */
const MAKER = {
  MID: 0x00,
  OID: 0x4842,
  PNM0: 0x48,
  PNM1: 0x59,
  PNM2: 0x50,
  PNM3: 0x42,
  PNM4: 0x52,
  PRV: 0x10,
  PSN: 1,
  MDT: ((2026 - 2000) << 4) | 11,
} as const;

/** The CID of every card. */
export const CARD_ID: Uint8Array = sealed(packed(LENGTH.LONG, CID, MAKER));

/** SD_BUS_WIDTHS: one line and four. */
const BUS_WIDTHS = 0b0101;
/** SD_SPEC of 2.00, and of all later ones, which SD_SPEC3 tells apart. */
const SD_SPEC_2 = 2;
/** CMD_SUPPORT: CMD23. */
export const CMD23_SUPPORT = 0b10;

/** The SCR of a card: erased sectors read as zero, no security. */
export function scrOf({ version }: CardKind): Uint8Array {
  const later = version === '3.01';
  return packed(LENGTH.SCR, SCR, {
    SD_SPEC: SD_SPEC_2,
    SD_BUS_WIDTHS: BUS_WIDTHS,
    SD_SPEC3: later ? 1 : 0,
    CMD_SUPPORT: later ? CMD23_SUPPORT : 0,
  });
}

/** DAT_BUS_WIDTH of four lines. */
const FOUR_LINES = 0b10;
/** Codes: class 10, an allocation unit of 4 MiB; one of them is erased in at most a second. */
const SPEED_CLASS_10 = 4;
const AU_4_MIB = 9;

/** What ACMD13 gives. */
export function sdStatusOf(wide: boolean): Uint8Array {
  return packed(LENGTH.STATUS, SD_STATUS, {
    DAT_BUS_WIDTH: wide ? FOUR_LINES : 0,
    SPEED_CLASS: SPEED_CLASS_10,
    AU_SIZE: AU_4_MIB,
    ERASE_SIZE: 1,
    ERASE_TIMEOUT: 1,
  });
}

/** Groups of functions that CMD6 knows, and the function that says "as it is". */
const GROUPS = 6;
const NO_INFLUENCE = 0xf;
/** Function 0 of every group, and the one that changes nothing; in the first group high speed (1), too. */
const SUPPORT = { DEFAULT: 0x8001, SPEED: 0x8003 } as const;
/** Milliamperes. */
const CURRENT_MA = 100;

/** The answer to CMD6, and whether the card is at high speed when it is carried out; undefined where nothing is. */
export function switchStatus(
  argument: number,
  highSpeed: boolean,
): { readonly status: Uint8Array; readonly highSpeed: boolean | undefined } {
  const asked = Array.from({ length: GROUPS }, (_, group) => (argument >>> (4 * group)) & NO_INFLUENCE);
  const chosen = asked.map((it, group) => {
    const now = group === 0 && highSpeed ? 1 : 0;
    if (it === NO_INFLUENCE) return now;
    return it === 0 || (group === 0 && it === 1) ? it : NO_INFLUENCE;
  });
  const [G1, G2, G3, G4, G5, G6] = chosen as [number, number, number, number, number, number];
  // One that is not there, and none is switched (4.3.10.3).
  const possible = !chosen.includes(NO_INFLUENCE);
  const status = packed(LENGTH.STATUS, SWITCH_STATUS, {
    MAXIMUM_CURRENT: possible ? CURRENT_MA : 0,
    SUPPORT1: SUPPORT.SPEED,
    SUPPORT2: SUPPORT.DEFAULT,
    SUPPORT3: SUPPORT.DEFAULT,
    SUPPORT4: SUPPORT.DEFAULT,
    SUPPORT5: SUPPORT.DEFAULT,
    SUPPORT6: SUPPORT.DEFAULT,
    FUNCTION1: G1,
    FUNCTION2: G2,
    FUNCTION3: G3,
    FUNCTION4: G4,
    FUNCTION5: G5,
    FUNCTION6: G6,
  });
  return { status, highSpeed: possible ? G1 === 1 : undefined };
}
