/** What the hypervisor's file says about itself, for who looks at a card or at a machine's memory from outside. */
import { FILE_MAGIC } from '../shared/layout.js';

/** A guest, and where its memory is. */
export interface GuestDescription {
  readonly name: string;
  /** Bytes of its memory, and the physical address of the first. */
  readonly memory: number;
  readonly physical: number;
  /** The core of each of its virtual CPUs. */
  readonly cores: readonly number[];
}

/** What was written to a console stands in a ring of bytes: byte n, counted from 0, at `log + n % size`. */
export interface ConsoleDescription {
  readonly name: string;
  /** Physical address of the ring, and its bytes. */
  readonly log: number;
  readonly size: number;
  /** Physical address of the word that counts the bytes ever written, modulo 2^32. */
  readonly written: number;
}

/** Where what is known of virtual CPUs that are not on their cores stands, for who debugs. Addresses are physical ones. */
export interface VcpusDescription {
  /** HVBAR as soon as they are made. */
  readonly vectors: number;
  /** The host's, one a core of the board, then the guests': the first, and the bytes of each. */
  readonly at: number;
  readonly size: number;
  /**
   * Offsets in one: its words by the names of registers, of a 64-bit one the lower word; R0 to R12, LR_usr begin it. Then
   * FPEXC, with FPSCR and D0 to D31 behind; and what it does, by the numbers that follow.
   */
  readonly registers: Readonly<Record<string, number>>;
  readonly vfp: number;
  readonly state: number;
  readonly states: Readonly<
    Record<'runnable' | 'waiting' | 'stopped' | 'starting' | 'claimed' | 'paused' | 'loading', number>
  >;
  /**
   * What a core knows: core 0's, and bytes to the next one's. Offsets in it of the address of the vcpu whose registers it
   * holds, and of that whose VFP registers; 0 where nobody's.
   */
  readonly cores: number;
  readonly coreSize: number;
  readonly loaded: number;
  readonly loadedVfp: number;
  /** The instructions in HYP mode at which R0 to R12 and LR are the vcpu's still, or again. */
  readonly untouched: readonly number[];
  /** The instruction by which HYP mode is left. */
  readonly left: number;
  /** Where the code begins, and where it ends, that loads a vcpu's registers. */
  readonly loading: readonly [from: number, to: number];
}

export interface HypervisorDescription {
  readonly version: 1;
  /** Bytes of memory that the ARM has; where the host's part of it ends. */
  readonly armMemory: number;
  readonly hostEnd: number;
  /** The host has the cores from 0 up to this one. */
  readonly hostCores: number;
  /** Bytes of the host's kernel, the last ones of the file; undefined in a file of release 0.1.0. */
  readonly hostKernel?: number;
  readonly guests: readonly GuestDescription[];
  /** The hypervisor's own messages, then the console of each guest, by its name. */
  readonly consoles: readonly ConsoleDescription[];
  /** undefined in a file of release 0.1.0. */
  readonly vcpus?: VcpusDescription;
}

/** Name of the console with the hypervisor's own messages. */
export const OWN_CONSOLE = 'hypberry';

const MAGIC_AT = 4;
const HEADER = 16;
/** B to a place further on (ARM ARM A8.8.18, encoding A1, condition always). */
const BRANCH_MASK = 0xff80_0000;
const BRANCH = 0xea00_0000;

/**
 * Whether a file begins as a hypervisor's does.
 * @param begin its first bytes
 */
export function isHypervisorFile(begin: Uint8Array): boolean {
  if (begin.length < HEADER) return false;
  const view = new DataView(begin.buffer, begin.byteOffset, HEADER);
  const isBranch = (view.getUint32(0, true) & BRANCH_MASK) >>> 0 === BRANCH;
  return isBranch && view.getUint32(MAGIC_AT, true) === FILE_MAGIC;
}

/**
 * Reads the description in a hypervisor's file.
 * @param bytes the file, from its first byte, or as much of it as holds the description
 * @returns undefined where it is no such file, or one of another version
 */
export function readHypervisorFile(bytes: Uint8Array): HypervisorDescription | undefined {
  if (!isHypervisorFile(bytes)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER);
  const [from, length] = [view.getUint32(MAGIC_AT + 4, true), view.getUint32(MAGIC_AT + 8, true)];
  if (from + length > bytes.length) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(from, from + length));
    const description = JSON.parse(text) as HypervisorDescription | null;
    return description?.version === 1 ? description : undefined;
  } catch {
    return undefined;
  }
}
