/** Copies between the channel and memory of this process. */

/**
 * Copies whole blocks of 32 bytes between addresses that are multiples of 4 (src/translate/linux/program.ts).
 * @param bytes a multiple of 32, not 0
 */
// @external('assembly', 'copyBlocks')
export declare function copyBlocks(to: usize, from: usize, bytes: u32): void;
