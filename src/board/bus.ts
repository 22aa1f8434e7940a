import type { Bus } from '../ports/bus.js';
import { hex } from '../base/words.js';
import type { Device, Log } from './device.js';
import { type Inert, inertByOffset, namesByOffset } from './register.js';

/** A device and where it lies. */
export interface Part {
  /** Physical address as the ARM sees it. */
  readonly base: number;
  /** Bytes of address space, a multiple of 4. */
  readonly size: number;
  readonly device: Device;
}

/** A block that is there on the board but not modelled: it reads as zero. */
export interface Unmodelled {
  readonly base: number;
  readonly size: number;
  readonly name: string;
}

/** What lies at an address, for traces. */
export interface Place {
  readonly device: string;
  /** The register's name, or undefined where the device has none. */
  readonly register: string | undefined;
  readonly offset: number;
}

/** At most this many different sentences are logged: a guest that touches everything cannot fill the host's memory. */
const LOG_LIMIT = 500;

const PAGE_BITS = 12;

interface Mapped extends Part {
  readonly names: ReadonlyMap<number, string>;
  readonly inert: ReadonlyMap<number, Inert>;
}

/**
 * The physical address space outside RAM. Devices are 32 bits wide: a narrower access reads its part of the word, or
 * writes its bits with the rest of the word zero, as the peripheral bus has no byte enables.
 */
export class PeripheralBus implements Bus {
  private readonly pages = new Map<number, Mapped[]>();
  private readonly logged = new Set<string>();

  /**
   * @param parts the devices; they do not overlap
   * @param unmodelled blocks to name in the log when they are touched
   * @param log gets each sentence once
   */
  constructor(
    readonly parts: readonly Part[],
    private readonly unmodelled: readonly Unmodelled[],
    private readonly log: Log,
  ) {
    for (const part of parts) {
      const mapped = {
        ...part,
        names: namesByOffset(part.device.registers),
        inert: inertByOffset(part.device.registers),
      };
      for (let page = pageOf(part.base); page <= pageOf(part.base + part.size - 1); page++) {
        const there = this.pages.get(page);
        if (there) there.push(mapped);
        else this.pages.set(page, [mapped]);
      }
    }
  }

  /** Reads `size` bytes at a physical address; unsigned. Which core asks makes no difference on this board. */
  read(_core: number, address: number, size: 1 | 2 | 4): number {
    const word = this.readWord((address & ~3) >>> 0);
    if (size === 4) return word;
    return (word >>> ((address & 3) * 8)) & (size === 1 ? 0xff : 0xffff);
  }

  /** Writes the low `size` bytes of `value` at a physical address. */
  write(_core: number, address: number, size: 1 | 2 | 4, value: number): void {
    const cut = size === 4 ? value : value & (size === 1 ? 0xff : 0xffff);
    this.writeWord((address & ~3) >>> 0, (size === 4 ? cut : cut << ((address & 3) * 8)) >>> 0);
  }

  /** As {@link Device.steadyUntil}, for the word that holds the byte at a physical address. */
  steadyUntil(address: number): number {
    const part = this.partAt(address);
    const offset = (address & ~3) - (part?.base ?? 0);
    return part?.names.has(offset) ? (part.device.steadyUntil?.(offset) ?? -Infinity) : -Infinity;
  }

  /** What an access to `address` reaches; undefined where there is nothing. */
  placeOf(address: number): Place | undefined {
    const part = this.partAt(address);
    if (part) {
      const offset = (address & ~3) - part.base;
      return { device: part.device.name, register: part.names.get(offset), offset };
    }
    const block = this.blockAt(address);
    return block && { device: block.name, register: undefined, offset: address - block.base };
  }

  private readWord(address: number): number {
    const part = this.partAt(address);
    if (part?.names.has(address - part.base)) return part.device.read(address - part.base) >>> 0;
    this.report(address, part, 'read');
    return 0;
  }

  private writeWord(address: number, value: number): void {
    const part = this.partAt(address);
    const offset = address - (part?.base ?? 0);
    if (!part?.names.has(offset)) {
      this.report(address, part, 'written');
      return;
    }
    const inert = part.inert.get(offset);
    if (inert && (value & inert.bits) !== 0)
      this.logOnce(
        `${part.device.name}: ${part.names.get(offset)!} is kept and does nothing: ${inert.words}`,
      );
    part.device.write(offset, value);
  }

  private partAt(address: number): Mapped | undefined {
    return this.pages
      .get(pageOf(address))
      ?.find(({ base, size }) => address >= base && address < base + size);
  }

  private blockAt(address: number): Unmodelled | undefined {
    return this.unmodelled.find(({ base, size }) => address >= base && address < base + size);
  }

  private report(address: number, part: Part | undefined, what: 'read' | 'written'): void {
    if (part) {
      this.logOnce(`${part.device.name}: no register at offset ${hex(address - part.base)} (${what})`);
      return;
    }
    const block = this.blockAt(address);
    if (block) this.logOnce(`${block.name} at ${hex(block.base)} is not modelled and reads as zero`);
    else this.logOnce(`nothing is modelled in the page at ${hex((pageOf(address) << PAGE_BITS) >>> 0)}`);
  }

  private logOnce(sentence: string): void {
    if (this.logged.has(sentence) || this.logged.size > LOG_LIMIT) return;
    this.logged.add(sentence);
    this.log(this.logged.size > LOG_LIMIT ? 'more unmodelled addresses were touched' : sentence);
  }
}

function pageOf(address: number): number {
  return address >>> PAGE_BITS;
}
