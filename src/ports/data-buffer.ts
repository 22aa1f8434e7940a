/**
 * The buffer of a device behind a register that gives its words one after the other by being read, or takes them by being
 * written. The processor has it too: as long as an access leaves more to come, so that nothing changes but
 * {@link DataBuffer.at}, it makes it by itself and the device is not asked.
 */
export interface DataBuffer {
  /** Whether the register's reads go on in the buffer, its writes, or neither. */
  way: 'none' | 'read' | 'write';
  /** Bytes in it, and how many of them have gone through the register. */
  length: number;
  at: number;
  /** What is in it, in little-endian words; it is longer than it is filled. */
  readonly bytes: Uint8Array;
}

/**
 * Gives a device its buffer.
 * @param address physical address of the register, the only one of its kind in a page of 4 KiB
 */
export type DataBufferFor = (address: number) => DataBuffer;

/** Bytes of a buffer. */
export const DATA_BUFFER_BYTES = 4096;
