/** Physical memory as devices reach it. Addresses are physical; all bytes of an access are in it. */
export interface DeviceMemory {
  /** Bytes from address 0. */
  readonly size: number;
  /** The 32-bit word at an address, little-endian, unsigned. */
  read32(address: number): number;
  write32(address: number, value: number): void;
  /** A copy of bytes. */
  read(address: number, length: number): Uint8Array;
  write(address: number, bytes: Uint8Array): void;
}
