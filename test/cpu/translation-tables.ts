/**
 * Translation tables for generated cases (ARM ARM B3.5, B3.6): a set for each format and byte order, which maps the
 * harness, and entries for what a case accesses. Every change is a word that the case writes before it runs.
 */
import { DATA, TABLES } from './translation-harness.js';

const KIB = 0x400;
export const GIB = 0x40000000;
/** Where TTBR1's tables map the harness's code a second time. */
export const SHORT_ALIAS = 0xfff00000;
export const LONG_ALIAS = 0xffe00000;
/** The harness and the tables lie below, in every address space. */
export const FREE = 0x1000000;

export type Word = readonly [address: number, value: number];

const swap = (value: number): number =>
  ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;

/** The memory of all tables, and which words of it the current case changes. */
export class TableMemory {
  readonly words = new Uint32Array((DATA - TABLES) / 4);
  private top = TABLES;
  private pending = new Map<number, number>();
  private undo: (() => void)[] = [];

  allocate(size: number, align = size): number {
    const at = Math.ceil(this.top / align) * align;
    this.top = at + size;
    if (this.top > DATA) throw new Error('no room for tables');
    return at;
  }

  set(address: number, value: number, bigEndian: boolean): void {
    const stored = bigEndian ? swap(value) : value >>> 0;
    const at = (address - TABLES) / 4;
    if (this.words[at] === stored) return;
    this.words[at] = stored;
    this.pending.set(address, stored);
  }

  setWide(address: number, low: number, high: number, bigEndian: boolean): void {
    this.set(address + (bigEndian ? 4 : 0), low, bigEndian);
    this.set(address + (bigEndian ? 0 : 4), high, bigEndian);
  }

  /** Has something be done before the next case. */
  later(action: () => void): void {
    this.undo.push(action);
  }

  /** What was changed since the last call. */
  take(): Word[] {
    const words = [...this.pending];
    this.pending = new Map();
    for (const action of this.undo.splice(0)) action();
    return words;
  }
}

/** How a page or block of short descriptors is described. `bits` are the pieces of the descriptor by name. */
export interface ShortLeaf {
  readonly kind: 'small' | 'large' | 'section' | 'supersection' | 'fault1' | 'fault2' | 'walk';
  readonly ap: number;
  readonly xn: boolean;
  readonly pxn: boolean;
  /** TEX, C and B. */
  readonly memory: number;
  readonly domain: number;
  readonly notGlobal: boolean;
  readonly ns: boolean;
}
export const SHORT_SIZES = {
  ...{ small: 12, large: 16, section: 20, supersection: 24, fault1: 12, fault2: 12, walk: 12 },
} as const;

/** An address in the memory map at which there is nothing. */
export const NOWHERE = 0x50000000;

/** Domain of the harness's sections. */
export const HARNESS_DOMAIN = 15;

/** The first-level tables of TTBR0 and TTBR1, and second-level ones. */
export class ShortTables {
  readonly ttbr0: number;
  readonly ttbr1: number;
  private readonly second: number[];

  constructor(
    private readonly memory: TableMemory,
    readonly bigEndian: boolean,
  ) {
    this.ttbr0 = memory.allocate(16 * KIB);
    this.ttbr1 = memory.allocate(16 * KIB);
    this.second = Array.from({ length: 16 }, () => memory.allocate(KIB));
    // Read-only for all and executable, so that WXN does not matter; TEX 1, C, B: Normal with TRE or without.
    const code = 0x2 | (HARNESS_DOMAIN << 5) | 0xc | (1 << 12) | 0x8c00;
    const data = 0x12 | (HARNESS_DOMAIN << 5) | 0xc | (1 << 12) | 0x400;
    this.put(this.ttbr0, code);
    for (const section of [2, 3]) this.put(this.ttbr0 + 4 * section, data | (section << 20));
    this.put(this.ttbr1 + 4 * 0xfff, code);
  }

  private put(at: number, value: number): void {
    this.memory.set(at, value, this.bigEndian);
  }

  /** Maps the page or block of `va` to that of `pa` (up to 40 bits with a supersection). */
  map(va: number, pa: number, n: number, leaf: ShortLeaf, table: number): void {
    const base = n !== 0 && va >>> (32 - n) !== 0 ? this.ttbr1 : this.ttbr0;
    const first = base + (va >>> 20) * 4;
    const { ap, xn, pxn, memory, domain, notGlobal, ns } = leaf;
    const [tex, cb] = [memory >>> 2, memory & 3];
    const second = this.second[table % 16]!;
    const flag = (on: boolean, bit: number): number => (on ? 2 ** bit : 0);
    const low = pa % 2 ** 32;
    const high = Math.floor(pa / 2 ** 32);
    // Large pages and supersections stand in sixteen entries.
    const putAll = (at: number, value: number): void => {
      for (let i = 0; i < 16; i++) this.put(at - (at % 64) + 4 * i, value);
    };
    if (leaf.kind === 'fault1') {
      this.put(first, (domain << 5) | (ap << 10));
      return;
    }
    if (leaf.kind === 'section' || leaf.kind === 'supersection') {
      const common =
        2 + flag(pxn, 0) + cb * 4 + flag(xn, 4) + (ap & 3) * 1024 + tex * 4096 + (ap >>> 2) * 0x8000;
      const more = flag(notGlobal, 17) + flag(ns, 19);
      if (leaf.kind === 'section') this.put(first, common + more + domain * 32 + ((low & 0xfff00000) >>> 0));
      else
        putAll(
          first,
          common +
            more +
            flag(true, 18) +
            ((low & 0xff000000) >>> 0) +
            (high & 15) * 2 ** 20 +
            (high >>> 4) * 32,
        );
      return;
    }
    const place = leaf.kind === 'walk' ? NOWHERE : second;
    this.put(first, place + 1 + flag(pxn, 2) + flag(ns, 3) + domain * 32);
    if (leaf.kind === 'walk') return;
    const entry = second + ((va >>> 12) & 0xff) * 4;
    const common = cb * 4 + (ap & 3) * 16 + (ap >>> 2) * 512 + flag(notGlobal, 11);
    if (leaf.kind === 'fault2') this.put(entry, common << 2);
    else if (leaf.kind === 'small')
      this.put(entry, 2 + flag(xn, 0) + common + tex * 64 + ((low & 0xfffff000) >>> 0));
    else putAll(entry, 1 + flag(xn, 15) + common + tex * 4096 + ((low & 0xffff0000) >>> 0));
  }
}

/** How a page or block of long descriptors is described, in stage 1 or stage 2. */
export interface LongLeaf {
  readonly level: 1 | 2 | 3;
  /** A fault instead: an invalid entry at its level, or a table that is nowhere. */
  readonly fault?: 'invalid' | 'walk' | undefined;
  /** AttrIndx, or MemAttr in stage 2. */
  readonly memory: number;
  /** AP<2:1>, or HAP in stage 2. */
  readonly ap: number;
  readonly accessFlag: boolean;
  readonly xn: boolean;
  readonly pxn: boolean;
  readonly notGlobal: boolean;
  readonly ns: boolean;
  readonly contiguous: boolean;
  /** Bits 63 to 59 of the table entries above: NSTable, APTable, XNTable, PXNTable. */
  readonly table: number;
}
export const LONG_SIZES = [0, 30, 21, 12] as const;

const TABLE = 3;
const BLOCK = 1;
const ACCESS_FLAG = 1 << 10;

/** One hierarchy of long descriptors for addresses up to 4 GiB (stage 1), or 40 bits (stage 2). */
export class LongTables {
  readonly level1: number;
  readonly level2: number;
  private readonly level3: number[];
  /** Level 3 tables for the tables' own region, in stage 2. */
  private readonly own: number[] = [];

  constructor(
    private readonly memory: TableMemory,
    readonly bigEndian: boolean,
    readonly kind: 'low' | 'high' | 'hyp' | 'stage2',
  ) {
    const stage2 = kind === 'stage2';
    const tables = stage2 ? 16 : 4;
    this.level1 = memory.allocate(stage2 ? 8 * KIB : 4 * KIB);
    this.level2 = memory.allocate(tables * 4 * KIB);
    this.level3 = Array.from({ length: 8 }, () => memory.allocate(4 * KIB));
    for (let i = 0; i < tables; i++) this.put(this.level1 + 8 * i, this.level2 + i * 4 * KIB + TABLE);
    // Read-only for all and executable; and data for PL1 only.
    const code = BLOCK | ACCESS_FLAG | (3 << 6);
    const data = BLOCK | ACCESS_FLAG | (kind === 'hyp' ? 1 << 6 : 0);
    if (stage2) {
      this.put(this.level2, BLOCK | ACCESS_FLAG | (1 << 6) | (0xf << 2));
      for (let block = 4; block < 8; block++) {
        const own = memory.allocate(4 * KIB);
        this.own.push(own);
        this.put(this.level2 + 8 * block, own + TABLE);
        for (let page = 0; page < 512; page++) this.mapOwn(block * 0x200000 + page * 0x1000, true, 1, 0xf);
      }
    } else if (kind === 'high') this.put(this.level2 + 3 * 4 * KIB + 511 * 8, code);
    else {
      this.put(this.level2, code);
      this.put(this.level2 + 8, data + 0x200000, 1 << 22);
    }
  }

  private put(at: number, low: number, high = 0): void {
    this.memory.setWide(at, low, high, this.bigEndian);
  }

  /** Maps a page of the tables' own region to itself. */
  private mapOwn(page: number, accessFlag: boolean, ap: number, memory: number): void {
    const table = this.own[(page >>> 21) - 4]!;
    const entry = page + TABLE + (accessFlag ? ACCESS_FLAG : 0) + ap * 64 + memory * 4;
    this.put(table + ((page >>> 12) & 511) * 8, entry);
  }

  /** For one case: makes a page of tables inaccessible to walks of stage 1, or Device memory. */
  breakOwn(address: number, how: 'access flag' | 'permission' | 'device' | 'invalid'): void {
    const page = address - (address % 0x1000);
    if (how === 'invalid') this.put(this.own[(page >>> 21) - 4]! + ((page >>> 12) & 511) * 8, 0);
    else this.mapOwn(page, how !== 'access flag', how === 'permission' ? 0 : 1, how === 'device' ? 1 : 0xf);
    this.memory.later(() => {
      this.mapOwn(page, true, 1, 0xf);
    });
  }

  /** The page that the last entries for an address are in. */
  tableOf(address: number, leaf: LongLeaf, table: number): number {
    if (leaf.level === 3) return this.level3[table % 8]!;
    return this.level2 + (Math.floor(address / GIB) % (this.kind === 'stage2' ? 16 : 4)) * 4 * KIB;
  }

  map(address: number, to: number, leaf: LongLeaf, table: number): void {
    const gib = Math.floor(address / GIB);
    const tables = this.kind === 'stage2' ? 16 : 4;
    const shared = gib === 0 || (this.kind === 'high' && gib === 3);
    const { level, fault, memory, ap, accessFlag, xn, pxn, notGlobal, ns } = leaf;
    const size = 2 ** LONG_SIZES[level];
    const above = leaf.table * 2 ** 27;
    const level2 = this.level2 + (gib % tables) * 4 * KIB;
    const [inLevel2, inLevel3] = [Math.floor(address / 2 ** 21) % 512, Math.floor(address / 2 ** 12) % 512];
    const base = to - (to % size);
    const attributes =
      memory * 4 + ap * 64 + (accessFlag ? ACCESS_FLAG : 0) + (notGlobal ? 0x800 : 0) + (ns ? 32 : 0);
    const write = (at: number, index: number, kind: number): void => {
      const put = (place: number, output: number): void => {
        const high =
          Math.floor(output / 2 ** 32) +
          (xn ? 1 << 22 : 0) +
          (pxn ? 1 << 21 : 0) +
          (leaf.contiguous ? 1 << 20 : 0);
        if (fault === 'invalid')
          this.put(at + place * 8, (output % 2 ** 32) + attributes + (level === 3 ? BLOCK : 0));
        else this.put(at + place * 8, (output % 2 ** 32) + attributes + kind, high);
      };
      if (!leaf.contiguous) {
        put(index, base);
        return;
      }
      const first = index & ~15;
      for (let i = 0; i < 16; i++) put(first + i, base - (base % (16 * size)) + i * size);
    };
    if (level === 1) {
      write(this.level1, gib, BLOCK);
      return;
    }
    const nowhere = fault === 'walk';
    if (!shared) this.put(this.level1 + 8 * gib, (nowhere && level === 2 ? NOWHERE : level2) + TABLE, above);
    if (level === 2) {
      if (!nowhere) write(level2, inLevel2, BLOCK);
      return;
    }
    const third = this.level3[table % 8]!;
    this.put(level2 + inLevel2 * 8, (nowhere ? NOWHERE : third) + TABLE, above);
    if (!nowhere) write(third, inLevel3, TABLE);
  }
}
