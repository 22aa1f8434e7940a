/** Tags of the list (Linux, arch/arm/include/uapi/asm/setup.h). */
const ATAG = {
  NONE: 0x0000_0000,
  CORE: 0x5441_0001,
  MEM: 0x5441_0002,
  INITRD2: 0x5442_0005,
  SERIAL: 0x5441_0006,
  REVISION: 0x5441_0007,
  CMDLINE: 0x5441_0009,
} as const;

/** ATAG_CORE: read-only root, and the page size. */
const CORE_READ_ONLY = 1;
const PAGE_SIZE = 0x1000;

export interface AtagFacts {
  /** Bytes of memory from address 0. */
  readonly memory: number;
  readonly initramfs: { readonly address: number; readonly size: number } | undefined;
  /** The board's serial number, lower 32 bits. */
  readonly serial: number;
  readonly revision: number;
  readonly commandLine: string;
}

/**
 * The list of facts that kernels without a device tree are given: little-endian words, each tag led by its size in
 * words and its number (Linux, Documentation/arch/arm/setup.rst).
 */
export function buildAtags(facts: AtagFacts): Uint8Array {
  const words: number[] = [];
  const add = (tag: number, ...values: number[]): void => {
    words.push(values.length + 2, tag, ...values);
  };
  add(ATAG.CORE, CORE_READ_ONLY, PAGE_SIZE, 0);
  add(ATAG.MEM, facts.memory, 0);
  if (facts.initramfs) add(ATAG.INITRD2, facts.initramfs.address, facts.initramfs.size);
  add(ATAG.SERIAL, facts.serial, 0);
  add(ATAG.REVISION, facts.revision);
  const text = new Uint8Array(Math.ceil((facts.commandLine.length + 1) / 4) * 4);
  text.set(Uint8Array.from(facts.commandLine, (character) => character.charCodeAt(0)));
  const view = new DataView(text.buffer);
  add(ATAG.CMDLINE, ...Array.from({ length: text.length / 4 }, (_, i) => view.getUint32(4 * i, true)));
  // The last one has no size.
  words.push(0, ATAG.NONE);

  const bytes = new Uint8Array(words.length * 4);
  words.forEach((word, i) => {
    new DataView(bytes.buffer).setUint32(4 * i, word, true);
  });
  return bytes;
}
