/** Descriptors of translation tables in the long format, for both stages (ARM ARM B3.6.1, B3.6.2). */

export const TABLE: u64 = 3;
export const BLOCK: u64 = 1;
export const PAGE: u64 = 3;
export const ACCESSED: u64 = 1 << 10;
export const INNER_SHAREABLE: u64 = 3 << 8;
export const EXECUTE_NEVER: u64 = 1 << 54;
/** What a block of level 2 maps. */
export const MIB2: u32 = 0x200000;
