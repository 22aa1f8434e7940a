/** Generated cases of accesses through random translation tables, and of the ATS operations. */
import { encodeA32, encodeT32 } from '../../src/isa/assembler.js';
import { coreRegisters, r1, r2 } from '../../src/isa/registers.js';
import { MODE_HYP, MODE_MON, MODE_SVC, MODE_SYS, MODE_USR } from '../../src/isa/program-status.js';
import type { SystemRegister } from '../../src/isa/system-registers.js';
import * as R from '../../src/isa/system-registers.js';
import { randomWords } from '../isa/generate.js';
import { type Case, DATA, DATA_SIZE, plainSetup, type Setup } from './translation-harness.js';
import { type Instruction, PATTERNS } from './translation-instructions.js';
import {
  FREE,
  GIB,
  HARNESS_DOMAIN,
  LONG_ALIAS,
  LONG_SIZES,
  type LongLeaf,
  LongTables,
  SHORT_ALIAS,
  SHORT_SIZES,
  type ShortLeaf,
  ShortTables,
  TableMemory,
  type Word,
} from './translation-tables.js';

export type Regime = 'secure' | 'non-secure' | 'hyp';
export type Format = 'off' | 'short' | 'long';

/** What a case is about, beside what it runs: for those who judge the outcome. */
export interface Facts {
  readonly regime: Regime;
  readonly format: Format;
  readonly stage2: boolean;
  readonly kind: 'access' | 'fetch' | 'ats' | 'maintenance';
  readonly instruction: string;
  readonly address: number;
  readonly shortLeaf?: ShortLeaf | undefined;
  readonly longLeaf?: LongLeaf | undefined;
  readonly leaf2?: LongLeaf | undefined;
  /** The DACR field of the leaf's domain. */
  readonly client?: number;
  readonly misaligned: boolean;
  readonly crossing: boolean;
}
/** What was mapped, and through which tables of the last level. */
interface Mapped {
  readonly va: number;
  readonly pa: number;
  /** Size of what stage 1 maps with one entry. */
  readonly log2: number;
  /** Where stage 1 leads. */
  readonly target: number;
  readonly table: number;
  readonly table2: number;
  readonly facts: Partial<Facts>;
}
interface MapOptions {
  /** The address stays as it is. */
  readonly fixed?: boolean;
  /** What lies on the page before, and must stay mapped. */
  readonly beside?: Mapped;
  /** Stage 2 maps pages only. */
  readonly narrow?: boolean;
  /** No tables that are nowhere. */
  readonly noWalk?: boolean;
}

/** The last table of stage 2 for an address: the neighbour's where they share the entry that leads to it. */
function tableBeside({ target: other, table2 }: Mapped, target: number): number {
  return Math.floor(other / 2 ** 21) === Math.floor(target / 2 ** 21) ? table2 : (table2 + 1) % 8;
}

export type GeneratedCase = Case & { readonly facts: Facts };

const SCTLR = {
  M: 1,
  A: 2,
  SW: 1 << 10,
  WXN: 1 << 19,
  UWXN: 1 << 20,
  EE: 1 << 25,
  TRE: 1 << 28,
  AFE: 1 << 29,
};
const SCTLR_BASE = 0x00c50878;
const HSCTLR_BASE = 0x30c50818;
const EAE = 0x80000000;
const HCR = { VM: 1, PTW: 4, DC: 1 << 12 };
const SCR = { NS: 1, EA: 8, HCE: 0x100, SIF: 0x200 };
const PSR = { T: 0x20, masks: 0x1c0, E: 0x200 };

/** TEX, C, B without remapping: Normal, and the others; reserved ones are left out. */
const NORMAL = [0b00010, 0b00011, 0b00100, 0b00111, 0b10000, 0b10101, 0b11010, 0b11111, 0b10110];
/** TEX<0>, C, B of an entry that remapping keeps Normal. */
const NORMAL_REMAPPED = 0b00111;
const ORDERED = [0b00000, 0b00001, 0b01000];
/** With remapping TEX<0>, C, B choose: 7 is the harness's, 6 is for the implementation. */
const MAIR_NORMAL = [0x44, 0xff, 0xaa, 0xee, 0xbb, 0x4f, 0xf4];
const MAIR_ORDERED = [0x00, 0x04];
const STAGE2_NORMAL = [0b0101, 0b0110, 0b0111, 0b1001, 0b1010, 0b1111, 0b1101];
const STAGE2_ORDERED = [0, 1];

/** What a case is made of, beside its setup. */
interface Made {
  readonly name: string;
  readonly facts: Facts;
  readonly mode: number;
  readonly thumb: boolean;
  readonly code: readonly Instruction[];
  /** The code does not end in a call: where it goes does. */
  readonly open?: boolean;
  /** R1. */
  readonly base: number;
  readonly probes: readonly [number, number];
  readonly alias: number;
  readonly pokes?: readonly Word[];
  readonly flush?: boolean;
  readonly bigEndian?: boolean;
}

type Choice = <T>(list: readonly T[]) => T;

/** Makes cases from a seed. The tables' memory lives as long as the maker; each run starts with a copy of it. */
export class TranslationCases {
  readonly memory = new TableMemory();
  private readonly random: () => number;
  private readonly short: readonly ShortTables[];
  private readonly low: readonly LongTables[];
  private readonly high: readonly LongTables[];
  private readonly hyp: readonly LongTables[];
  private readonly stage2: readonly LongTables[];

  constructor(salt: number) {
    this.random = randomWords(salt);
    const both = <T>(make: (bigEndian: boolean) => T): T[] => [make(false), make(true)];
    this.short = both((big) => new ShortTables(this.memory, big));
    this.low = both((big) => new LongTables(this.memory, big, 'low'));
    this.high = both((big) => new LongTables(this.memory, big, 'high'));
    this.hyp = both((big) => new LongTables(this.memory, big, 'hyp'));
    this.stage2 = both((big) => new LongTables(this.memory, big, 'stage2'));
    this.memory.take();
  }

  private below(n: number): number {
    return Math.floor((this.random() / 2 ** 32) * n);
  }
  private chance(n: number): boolean {
    return this.below(n) === 0;
  }
  private readonly pick: Choice = (list) => list[this.below(list.length)]!;

  private offsetIn(va: number, sizeLog2: number): number {
    return va % 2 ** sizeLog2;
  }

  /** A place in DATA whose low bits are those of an address. */
  private place(address: number, sizeLog2: number): number {
    const inside = address % 2 ** sizeLog2;
    if (sizeLog2 >= 24) return inside < DATA ? DATA + (inside % DATA_SIZE) : inside;
    const room = DATA_SIZE / 2 ** sizeLog2;
    return DATA + this.below(Math.max(1, room)) * 2 ** sizeLog2 + inside;
  }

  /** An address whose low bits lead into DATA in a block of such a size. */
  private fit(address: number, sizeLog2: number): number {
    if (sizeLog2 < 24) return address;
    const inside = (sizeLog2 === 24 ? 0 : DATA) + (address % DATA_SIZE);
    return address - (address % 2 ** sizeLog2) + inside;
  }

  private outOfHarness(address: number): number {
    if (address < FREE) return address + FREE;
    if (address >= 0xff000000 && address < 2 ** 32) return address - FREE;
    return address;
  }

  private shortLeaf(normal: boolean, remapped: boolean): ShortLeaf {
    const usual = !this.chance(3);
    return {
      kind: this.pick([
        'small',
        'small',
        'large',
        'section',
        'section',
        'supersection',
        ...(this.chance(4) ? (['fault1', 'fault2', 'walk'] as const) : []),
      ]),
      ap: usual ? this.pick([3, 3, 1]) : this.pick([0, 1, 2, 3, 5, 6, 7]),
      xn: this.chance(6),
      pxn: this.chance(6),
      memory:
        normal && remapped
          ? NORMAL_REMAPPED
          : normal || !this.chance(4)
            ? this.pick(NORMAL)
            : this.pick(ORDERED),
      domain: this.below(HARNESS_DOMAIN),
      notGlobal: this.chance(2),
      ns: this.chance(4),
    };
  }

  private longLeaf(stage: 1 | 2, normal: boolean, levels: readonly (1 | 2 | 3)[], hyp: boolean): LongLeaf {
    const usual = !this.chance(3);
    const level = this.pick(levels);
    const memory =
      stage === 1
        ? normal || !this.chance(4)
          ? this.pick([0, 1, 2, 3, 4])
          : this.pick([5, 6])
        : normal || !this.chance(4)
          ? this.pick(STAGE2_NORMAL)
          : this.pick(STAGE2_ORDERED);
    return {
      level,
      fault: this.chance(10) ? (level > 1 && this.chance(3) ? 'walk' : 'invalid') : undefined,
      memory,
      ap: stage === 1 ? (usual ? 1 : hyp ? this.pick([1, 3]) : this.below(4)) : usual ? 3 : this.below(4),
      accessFlag: !this.chance(8),
      xn: this.chance(6),
      pxn: !hyp && stage === 1 && this.chance(6),
      notGlobal: !hyp && stage === 1 && this.chance(2),
      ns: stage === 1 && !hyp && this.chance(4),
      contiguous: level === 3 && this.chance(8),
      // In Hyp mode only XNTable and APTable<1> mean something.
      table: stage === 1 && this.chance(4) ? this.below(32) & (hyp ? 0b01010 : 31) : 0,
    };
  }

  /** The MAIR of long descriptors: 0 is the harness's, 1 to 4 Normal, 5 and 6 not. */
  private mair(): [number, number] {
    const bytes = [0xff, 0, 0, 0, 0].map((value, i) => (i === 0 ? value : this.pick(MAIR_NORMAL)));
    const all = [...bytes, this.pick(MAIR_ORDERED), this.pick(MAIR_ORDERED), 0xff];
    const join = (from: number): number =>
      all.slice(from, from + 4).reduceRight((sum, it) => sum * 256 + it, 0);
    return [join(0), join(4)];
  }

  /** Sets stage 1 of PL1&0 up; gives a function that maps a page, and where an address may be. */
  private stage1(setup: Setup, regime: 'secure' | 'non-secure', format: Format, allowAlias: boolean) {
    const bank = regime === 'secure' ? setup.secure : setup.nonSecure;
    const flags = this.chance(6) ? SCTLR.A : 0;
    bank.SCTLR = SCTLR_BASE | SCTLR.SW | flags;
    bank.CONTEXTIDR = this.below(256);
    if (format === 'off') return { alias: 0, n: 0, big: 0 };
    const big = this.below(4) === 0 ? 1 : 0;
    bank.SCTLR |= SCTLR.M | (big ? SCTLR.EE : 0);
    if (this.chance(5)) bank.SCTLR |= SCTLR.WXN;
    if (this.chance(5)) bank.SCTLR |= SCTLR.UWXN;
    if (this.chance(3)) bank.SCTLR |= SCTLR.TRE;
    if (this.chance(3)) bank.SCTLR |= SCTLR.AFE;
    bank.SCTLR >>>= 0;
    if (format === 'short') {
      const n = this.chance(2) ? 0 : this.below(8);
      bank.TTBCR = n;
      const tables = this.short[big]!;
      bank.TTBR0 = [tables.ttbr0, 0];
      bank.TTBR1 = [tables.ttbr1, 0];
      let alias = 0;
      if (this.chance(6)) bank.TTBCR |= 1 << 5;
      else if (n && allowAlias && this.chance(3)) {
        alias = SHORT_ALIAS;
        if (this.chance(2)) bank.TTBCR |= 1 << 4;
      }
      bank.DACR = 1 << 30;
      for (let d = 0; d < HARNESS_DOMAIN; d++) bank.DACR |= this.pick([1, 1, 1, 1, 1, 1, 3, 0]) << (2 * d);
      bank.DACR >>>= 0;
      // PRRR: types of 0 to 5 at random but not reserved; 6 and 7 Normal.
      const types = Array.from({ length: 6 }, () => this.below(3));
      bank.MAIR0 = types.reduce((sum, type, i) => sum + type * 4 ** i, 2 * 4 ** 6 + 2 * 4 ** 7);
      bank.MAIR1 = this.random();
      return { alias, n, big };
    }
    const t0 = this.chance(2) ? 0 : this.below(8);
    const t1 = this.chance(2) ? 0 : this.below(8);
    let alias = 0;
    bank.TTBCR = EAE + t0 + (t1 << 16) + (this.chance(2) ? 1 << 22 : 0);
    const [low, high] = [this.low[big]!, this.high[big]!];
    const asid = (): number => this.below(256) << 16;
    bank.TTBR0 = [t0 < 2 ? low.level1 : low.level2, asid()];
    const top = high.level2 + 4 * 0x1000;
    bank.TTBR1 = [
      t1 === 0 ? high.level1 : t1 === 1 ? high.level1 + 16 : top - 2 ** (32 - t1 - 21) * 8,
      asid(),
    ];
    if (allowAlias && (t0 || t1) && this.chance(3)) {
      alias = LONG_ALIAS;
      if (this.chance(3)) bank.TTBCR += 1 << 7;
    } else if (this.chance(8)) bank.TTBCR += 1 << 23;
    [bank.MAIR0, bank.MAIR1] = this.mair();
    return { alias, n: 0, big };
  }

  private longHalf(ttbcr: number, va: number): 'low' | 'high' | undefined {
    const [t0, t1] = [ttbcr & 7, (ttbcr >>> 16) & 7];
    if (t0 === 0 && t1 === 0) return 'low';
    if (t1 !== 0 && va >= 2 ** 32 - 2 ** (32 - t1)) return 'high';
    if (va < 2 ** (32 - t0)) return 'low';
    return t1 === 0 ? 'high' : undefined;
  }

  /** A virtual address, often near where TTBR0's addresses end and TTBR1's begin. */
  private address(regime: Regime, setup: Setup, format: Format): number {
    let va = this.random();
    const bank = regime === 'secure' ? setup.secure : setup.nonSecure;
    const { TTBCR } = bank;
    if (format === 'off') return this.place(0, 12) + (va & 0xfff);
    const edges =
      regime === 'hyp'
        ? [2 ** (32 - (setup.HTCR & 7))]
        : format === 'short'
          ? [2 ** (32 - (TTBCR & 7))]
          : [2 ** (32 - (TTBCR & 7)), 2 ** 32 - 2 ** (32 - ((TTBCR >>> 16) & 7))];
    const edge = this.pick(edges) || 2 ** 32;
    switch (this.below(4)) {
      case 0:
        va = (edge + (va & 0x1fff) - 0x1000) % 2 ** 32;
        break;
      case 1:
        va = edge - 1 - (va % Math.max(FREE, edge - FREE));
        break;
      case 2:
        va %= edge;
    }
    return this.outOfHarness(((va % 2 ** 32) + 2 ** 32) % 2 ** 32);
  }

  /**
   * Maps what an access needs, through stage 1 and 2. No tables that are nowhere where QEMU's outcome is its own: in
   * stage 2's input addresses, and for the ATS operations, whose external aborts it takes and does not put into PAR.
   */
  private mapAll(
    regime: Regime,
    format: Format,
    setup: Setup,
    found: { n: number; big: number },
    va: number,
    normal: boolean,
    { fixed = false, beside, narrow = false, noWalk = false }: MapOptions = {},
  ): Mapped {
    const bank = regime === 'secure' ? setup.secure : setup.nonSecure;
    const stage2 = regime === 'non-secure' && (setup.HCR & (HCR.VM | HCR.DC)) !== 0;
    let [leaf2, shortLeaf, longLeaf]: [LongLeaf | undefined, ShortLeaf | undefined, LongLeaf | undefined] = [
      undefined,
      undefined,
      undefined,
    ];
    let log2 = 32;
    let half: LongTables | undefined;
    const free = !fixed && !beside;
    // An entry that would take the place of the neighbour's.
    const covers = (size: number): boolean =>
      beside !== undefined && Math.floor(beside.va / 2 ** size) === Math.floor(va / 2 ** size);
    if (format === 'short') {
      shortLeaf = this.shortLeaf(normal, (bank.SCTLR & SCTLR.TRE) !== 0);
      const shortSize = SHORT_SIZES[shortLeaf.kind];
      if ((!free && shortSize >= 24) || covers(shortSize)) shortLeaf = { ...shortLeaf, kind: 'small' };
      if ((stage2 || noWalk) && shortLeaf.kind === 'walk') shortLeaf = { ...shortLeaf, kind: 'fault1' };
      log2 = SHORT_SIZES[shortLeaf.kind];
    } else if (format === 'long') {
      const side = regime === 'hyp' ? 'hyp' : this.longHalf(bank.TTBCR, va);
      half =
        side === 'hyp' ? this.hyp[found.big] : side === 'high' ? this.high[found.big] : this.low[found.big];
      const size =
        regime === 'hyp' ? setup.HTCR & 7 : side === 'high' ? (bank.TTBCR >>> 16) & 7 : bank.TTBCR & 7;
      const gib = Math.floor(va / GIB);
      const blocks = free && size < 2 && gib !== 0 && !(side === 'high' && gib === 3);
      longLeaf = this.longLeaf(1, normal, blocks ? [1, 2, 3, 3] : [2, 3, 3], regime === 'hyp');
      if ((stage2 || noWalk) && longLeaf.fault === 'walk') longLeaf = { ...longLeaf, fault: 'invalid' };
      // No table of the second level is put in place of the harness's.
      const shared = gib === 0 || (side === 'high' && gib === 3);
      if (longLeaf.fault === 'walk' && longLeaf.level === 2 && shared)
        longLeaf = { ...longLeaf, fault: 'invalid' };
      if (covers(longLeaf.contiguous ? 16 : LONG_SIZES[longLeaf.level]))
        longLeaf = { ...longLeaf, level: 3, contiguous: false };
      log2 = longLeaf.contiguous ? 16 : LONG_SIZES[longLeaf.level];
    }
    if (free && format !== 'off') va = this.fit(va, log2);
    // Where stage 1 leads: into DATA, or anywhere that stage 2 maps to DATA.
    let target: number;
    let log2Stage2 = 12;
    if (stage2) {
      const level1 = ((setup.VTCR >>> 6) & 3) === 1;
      const size = 32 - ((setup.VTCR << 28) >> 28);
      leaf2 = this.longLeaf(2, normal, level1 && format !== 'off' ? [1, 2, 3, 3] : [2, 3, 3], false);
      if (noWalk && leaf2.fault === 'walk') leaf2 = { ...leaf2, fault: 'invalid' };
      if (narrow || beside) leaf2 = { ...leaf2, level: 3, contiguous: false };
      else if (fixed && leaf2.level === 1) leaf2 = { ...leaf2, level: 3 };
      // Of stage 2's second level the first table is the harness's; and nowhere else is a table missing twice.
      if (leaf2.fault === 'walk' && leaf2.level === 2) leaf2 = { ...leaf2, fault: 'invalid' };
      log2Stage2 = leaf2.contiguous ? 16 : LONG_SIZES[leaf2.level];
      if (format === 'off') target = va;
      else {
        const wide = format === 'long' || shortLeaf?.kind === 'supersection' ? 40 : 32;
        const most = 2 ** Math.min(wide, this.chance(8) ? wide : size);
        let ipa = Math.floor((this.random() / 2 ** 32) * (most / 2 ** log2)) * 2 ** log2 + (va % 2 ** log2);
        if (log2Stage2 === 30) {
          const gib = Math.max(1, Math.floor(ipa / GIB));
          ipa = log2 < 24 ? gib * GIB + this.place(va, log2) : ipa < GIB ? ipa + GIB : ipa;
        }
        // Every sixteenth gibibyte has the harness's table of the second level.
        if (Math.floor(ipa / GIB) % 16 === 0 && ipa % GIB < FREE) ipa += Math.max(FREE, 2 ** log2);
        target = ipa;
      }
      const inside = target % 2 ** log2Stage2;
      if (log2Stage2 === 30 && !(inside >= DATA && inside < DATA + DATA_SIZE)) {
        leaf2 = { ...leaf2, level: 3, contiguous: false };
        log2Stage2 = 12;
      }
    } else target = format === 'off' ? va : this.place(va, log2);
    const table = beside?.table ?? this.below(8);
    let table2 = this.below(8);
    if (shortLeaf) this.short[found.big]!.map(va, target, found.n, shortLeaf, table);
    if (longLeaf) half!.map(va, target, longLeaf, table);
    let pa = target;
    if (leaf2) {
      const tables = this.stage2[setup.HSCTLR & SCTLR.EE ? 1 : 0]!;
      pa = this.place(target, log2Stage2);
      if (beside) table2 = tableBeside(beside, target);
      tables.map(target, pa, leaf2, table2);
      if (free && longLeaf && this.chance(8)) {
        const how = this.pick(['access flag', 'permission', 'device', 'invalid'] as const);
        const at = half!.tableOf(va, longLeaf, table);
        // Not where the harness's own entries are.
        if (at !== half!.level2 && at !== half!.level2 + 3 * 0x1000) tables.breakOwn(at, how);
      }
    }
    const domain = shortLeaf?.kind === 'supersection' ? 0 : (shortLeaf?.domain ?? HARNESS_DOMAIN);
    const client = (bank.DACR >>> (2 * domain)) & 3;
    return { va, pa, log2, target, table, table2, facts: { shortLeaf, longLeaf, leaf2, client, stage2 } };
  }

  /** Maps the page behind one that was mapped, where that does not hold it; gives where it is. */
  private mapNext(
    regime: Regime,
    format: Format,
    setup: Setup,
    found: { n: number; big: number },
    first: Mapped,
    normal: boolean,
  ): number {
    const next = first.va - (first.va % 0x1000) + 0x1000;
    const { shortLeaf, longLeaf } = first.facts;
    // Where the first faults for want of a table, that entry is not to be put right again.
    if (longLeaf?.fault ?? ['fault1', 'walk'].includes(shortLeaf?.kind ?? '')) return first.pa;
    if (format !== 'off' && next % 2 ** first.log2 === 0 && next < 2 ** 32)
      return this.mapAll(regime, format, setup, found, next, normal, { beside: first }).pa;
    const target = first.target - (first.target % 0x1000) + 0x1000;
    const { leaf2 } = first.facts;
    if (!leaf2) return first.pa - (first.pa % 0x1000) + 0x1000;
    const pa = this.place(target, 12);
    const tables = this.stage2[setup.HSCTLR & SCTLR.EE ? 1 : 0]!;
    tables.map(target, pa, { ...leaf2, accessFlag: !this.chance(4) }, tableBeside(first, target));
    return pa;
  }

  private stage2Setup(setup: Setup): void {
    const big = this.chance(4) ? 1 : 0;
    setup.HSCTLR = (HSCTLR_BASE | (big ? SCTLR.EE : 0)) >>> 0;
    const level1 = this.chance(2);
    const t0sz = level1 ? this.below(10) - 8 : this.below(10) - 2;
    setup.VTCR = ((level1 ? 1 << 6 : 0) | (t0sz & 15) | (t0sz < 0 ? 16 : 0)) >>> 0;
    const tables = this.stage2[big]!;
    setup.VTTBR = [level1 ? tables.level1 : tables.level2, this.below(256) << 16];
    setup.HCR |= HCR.VM | (this.chance(4) ? HCR.PTW : 0);
  }

  private registers(base: number): number[] {
    const registers = Array.from({ length: 11 }, () => this.random());
    registers[1] = base >>> 0;
    registers[3] = 0x24;
    return registers;
  }

  /** A case's regime, tables' format and registers. */
  private scene(regime: Regime, format: Format, withStage2: boolean, allowAlias: boolean) {
    const setup = plainSetup();
    let found = { alias: 0, n: 0, big: 0 };
    if (regime === 'hyp') {
      const big = this.chance(4) ? 1 : 0;
      const t0 = this.chance(2) ? 0 : this.below(8);
      setup.HTCR = t0;
      const tables = this.hyp[big]!;
      setup.HTTBR = [t0 < 2 ? tables.level1 : tables.level2, 0];
      [setup.HMAIR0, setup.HMAIR1] = this.mair();
      setup.HSCTLR = HSCTLR_BASE | (this.chance(6) ? SCTLR.A : 0);
      if (format !== 'off') setup.HSCTLR |= SCTLR.M | (big ? SCTLR.EE : 0) | (this.chance(4) ? SCTLR.WXN : 0);
      setup.HSCTLR >>>= 0;
      found = { alias: 0, n: 0, big };
    } else found = this.stage1(setup, regime, format, allowAlias);
    if (withStage2) this.stage2Setup(setup);
    // QEMU looks at the Non-secure SCTLR.A in Secure User mode.
    if (regime === 'secure') setup.nonSecure.SCTLR |= setup.secure.SCTLR & SCTLR.A;
    if (regime !== 'secure') setup.SCR = SCR.NS | SCR.HCE;
    if (this.chance(10)) setup.SCR |= SCR.EA;
    if (regime === 'secure' && this.chance(5)) setup.SCR |= SCR.SIF;
    // With an alias, vectors are reached by it too.
    if (found.alias) {
      const bank = regime === 'secure' ? setup.secure : setup.nonSecure;
      bank.VBAR += found.alias;
    }
    return { setup, found };
  }

  private bytes(list: readonly Instruction[], thumb: boolean): number[] {
    const site = { address: 0, pcAhead: thumb ? 4 : 8, locate: () => 0 };
    return list.flatMap(([name, ...operands]) => {
      const { word, width } = thumb
        ? encodeT32(name, operands, site)
        : { word: encodeA32(name, operands, site), width: 32 };
      const halves = width === 16 ? [word] : thumb ? [word >>> 16, word] : [word, word >>> 16];
      return halves.flatMap((half) => [half & 0xff, (half >>> 8) & 0xff]);
    });
  }

  private finish(setup: Setup, made: Made): GeneratedCase {
    const end = made.mode === MODE_USR ? 'svc' : 'smc';
    const code = made.open ? made.code : [...made.code, [end, 0] as const];
    const cpsr = made.mode | PSR.masks | (made.thumb ? PSR.T : 0) | (made.bigEndian ? PSR.E : 0);
    const aligned = (address: number): number => address - (address % 32);
    return {
      name: made.name,
      facts: made.facts,
      setup,
      pokes: [...this.memory.take(), ...(made.pokes ?? [])],
      flush: made.flush ?? true,
      cpsr,
      snippet: Uint8Array.from(this.bytes(code, made.thumb)),
      alias: made.alias,
      registers: this.registers(made.base),
      probes: [aligned(made.probes[0]), aligned(made.probes[1])],
    };
  }

  /** Loads and stores. */
  access(regime: Regime, format: Format, withStage2: boolean): GeneratedCase {
    const { setup, found } = this.scene(regime, format, withStage2, regime === 'non-secure');
    const thumb = this.chance(2);
    const modes = regime === 'hyp' ? [MODE_HYP] : [MODE_USR, MODE_SVC, MODE_SYS];
    const mode = this.pick(modes);
    const usable = PATTERNS.filter(
      (it) => (!it.only || (it.only === 't32') === thumb) && !(it.notInHyp && mode === MODE_HYP),
    );
    const pattern = this.pick(usable);
    let va = this.address(regime, setup, format);
    const checked =
      (regime === 'hyp' ? setup.HSCTLR : regime === 'secure' ? setup.secure.SCTLR : setup.nonSecure.SCTLR) &
      SCTLR.A;
    // Misaligned accesses to other than Normal memory are for another test.
    const mayMisalign = pattern.align > 1 && (pattern.strict === true || checked !== 0 || format !== 'off');
    const misaligned = mayMisalign && this.chance(3);
    const inPage = this.chance(3) ? 0xff0 + this.below(16) : this.below(0x1000);
    va = va - (va % 0x1000) + inPage;
    va = va - (va % pattern.align) + (misaligned ? 1 + this.below(pattern.align - 1) : 0);
    const normal = misaligned && !pattern.strict;
    const reaches = /ldm|stm|strd|ldrd|xd/.test(pattern.name) ? 16 : 4;
    const crossing = (va % 0x1000) + reaches > 0x1000;
    const first = this.mapAll(regime, format, setup, found, va, normal, { narrow: crossing });
    ({ va } = first);
    const second = crossing ? this.mapNext(regime, format, setup, found, first, normal) : first.pa;
    const rt = coreRegisters[this.pick([2, 5, 7, 8, 10])]!;
    const facts: Facts = {
      ...{ regime, format, stage2: false, kind: 'access' as const, instruction: pattern.name },
      ...{ address: va, misaligned, crossing },
      ...first.facts,
    };
    return this.finish(setup, {
      name: `${pattern.name} ${thumb ? 'T32' : 'A32'} at ${va.toString(16)} in mode ${mode.toString(16)}, ${regime}, ${format}${withStage2 ? ' and stage 2' : ''}`,
      ...{ facts, mode, thumb, code: pattern.code(rt, thumb), base: va - (pattern.offset ?? 0) },
      ...{ probes: [first.pa, second] as [number, number], alias: found.alias, bigEndian: this.chance(4) },
    });
  }

  /** Fetches of instructions: a jump to an address where a call stands. */
  fetch(regime: Regime, format: Format, withStage2: boolean): GeneratedCase {
    const { setup, found } = this.scene(regime, format, withStage2, regime === 'non-secure');
    const thumb = this.chance(2);
    const mode = regime === 'hyp' ? MODE_HYP : this.pick([MODE_USR, MODE_SVC, MODE_SYS]);
    let va = this.address(regime, setup, format);
    const inPage = this.chance(3) ? 0xffe : this.below(0xff0);
    va = va - (va % 0x1000) + inPage - (inPage % (thumb ? 2 : 4));
    const crossing = thumb && (va % 0x1000) + 8 > 0x1000;
    const first = this.mapAll(regime, format, setup, found, va, false, { narrow: crossing });
    ({ va } = first);
    const next = va - (va % 0x1000) + 0x1000;
    const second = crossing ? this.mapNext(regime, format, setup, found, first, false) : first.pa;
    // SVC or SMC; in T32 behind a NOP of four bytes, which may lie across the pages.
    const call = thumb
      ? [0xf3af, 0x8000, ...(mode === MODE_USR ? [0xdf00, 0xdf00] : [0xf7f0, 0x8000])]
      : mode === MODE_USR
        ? [0x0000, 0xef00]
        : [0x0070, 0xe160];
    const halves = call.map((half, i) => {
      const at = va + 2 * i < next ? first.pa + 2 * i : second + (va + 2 * i - next);
      return [at, half] as const;
    });
    const pokes = new Map<number, number>();
    for (const [at, half] of halves) {
      const place = at - (at % 4);
      const old = pokes.get(place) ?? 0xdf00df00;
      pokes.set(place, (at % 4 ? (old & 0xffff) | (half << 16) : (old & 0xffff0000) | half) >>> 0);
    }
    const facts: Facts = {
      ...{ regime, format, stage2: false, kind: 'fetch' as const, instruction: 'bx' },
      ...{ address: va, misaligned: false, crossing },
      ...first.facts,
    };
    return this.finish(setup, {
      name: `fetch of ${thumb ? 'T32' : 'A32'} at ${va.toString(16)} in mode ${mode.toString(16)}, ${regime}, ${format}${withStage2 ? ' and stage 2' : ''}`,
      ...{ facts, mode, thumb: this.chance(2), code: [['bx', r1]], open: true, base: va + (thumb ? 1 : 0) },
      ...{ probes: [first.pa, second] as const, alias: found.alias, pokes: [...pokes] },
    });
  }

  /** The address translation operations, from each mode that may. */
  translation(regime: Regime, format: Format, withStage2: boolean): GeneratedCase {
    const { setup, found } = this.scene(regime, format, withStage2, regime === 'non-secure');
    const current = [R.ATS1CPR, R.ATS1CPW, R.ATS1CUR, R.ATS1CUW];
    const both = [R.ATS12NSOPR, R.ATS12NSOPW, R.ATS12NSOUR, R.ATS12NSOUW];
    const choices: (readonly [number, readonly SystemRegister[]])[] =
      regime === 'hyp'
        ? [
            [MODE_HYP, [R.ATS1HR, R.ATS1HW]],
            [MODE_MON, [R.ATS1HR, R.ATS1HW]],
          ]
        : regime === 'secure'
          ? [[MODE_SVC, current]]
          : [
              [MODE_SVC, current],
              [MODE_HYP, current],
              [MODE_HYP, both],
              [MODE_MON, both],
            ];
    const [mode, operations] = this.pick(choices);
    const operation = this.pick(operations);
    // QEMU 7.2 ends itself where a domain fault is to be reported in the 64-bit format.
    if (format === 'short') {
      const bank = regime === 'secure' ? setup.secure : setup.nonSecure;
      for (let d = 0; d < 16; d++)
        if (((bank.DACR >>> (2 * d)) & 3) === 0) bank.DACR = (bank.DACR | (1 << (2 * d))) >>> 0;
    }
    let va = this.address(regime, setup, format);
    const first = this.mapAll(regime, format, setup, found, va, false, { noWalk: true });
    ({ va } = first);
    const facts: Facts = {
      ...{ regime, format, stage2: false, kind: 'ats' as const, instruction: operation.name },
      ...{ address: va, misaligned: false, crossing: false },
      ...first.facts,
    };
    return this.finish(setup, {
      name: `${operation.name} of ${va.toString(16)} in mode ${mode.toString(16)}, ${regime}, ${format}${withStage2 ? ' and stage 2' : ''}`,
      ...{ facts, mode, thumb: this.chance(2), code: [['mcr', operation, r1], ['isb']], base: va },
      ...{ probes: [DATA, DATA] as const, alias: mode === MODE_SVC ? found.alias : 0 },
    });
  }

  /**
   * An access, a change of its translation with what the architecture asks for, and the access again: then only the
   * new translation is right (B3.10).
   */
  change(regime: Regime, format: 'short' | 'long', withStage2: boolean): GeneratedCase[] {
    const { setup, found } = this.scene(regime, format, withStage2, false);
    const bank = regime === 'secure' ? setup.secure : setup.nonSecure;
    const mode = regime === 'hyp' ? MODE_HYP : this.pick([MODE_USR, MODE_SVC]);
    const start = this.address(regime, setup, format);
    const map = (at: number): Mapped =>
      this.mapAll(regime, format, setup, found, at - (at % 4), false, { fixed: at !== start });
    const cases: GeneratedCase[] = [];
    const access = (mapped: Mapped, flush: boolean, what: string, of = setup): void => {
      const facts: Facts = {
        ...{ regime, format, stage2: false, kind: 'maintenance' as const, instruction: 'ldr' },
        ...{ address: mapped.va, misaligned: false, crossing: false },
        ...mapped.facts,
      };
      cases.push(
        this.finish(of, {
          name: `${what}, ldr at ${mapped.va.toString(16)} in mode ${mode.toString(16)}, ${regime}, ${format}${withStage2 ? ' and stage 2' : ''}`,
          ...{ facts, mode, thumb: false, code: [['ldr', r2, [r1]]], base: mapped.va, flush },
          ...{ probes: [mapped.pa, mapped.pa] as const, alias: 0 },
        }),
      );
    };
    const before = map(start);
    const { va } = before;
    access(before, true, 'before');
    const leaf = before.facts.shortLeaf ?? before.facts.longLeaf!;
    const fault = before.facts.shortLeaf
      ? /fault/.test(before.facts.shortLeaf.kind)
      : before.facts.longLeaf!.fault === 'invalid';
    const asid = before.facts.shortLeaf
      ? bank.CONTEXTIDR & 0xff
      : ((bank.TTBCR & (1 << 22) ? bank.TTBR1 : bank.TTBR0)[1] >>> 16) & 0xff;
    const page = va - (va % 0x1000);
    const operations: (readonly [SystemRegister, number])[] = [];
    if (regime === 'hyp')
      operations.push([R.TLBIALLH, 0], [R.TLBIALLHIS, 0], [R.TLBIMVAH, page], [R.TLBIMVAHIS, page]);
    else if (withStage2) operations.push([R.TLBIALLNSNH, 0], [R.TLBIALLNSNHIS, 0]);
    else {
      operations.push([R.TLBIALL, 0], [R.TLBIALLIS, 0], [R.DTLBIALL, 0], [R.DTLBIMVA, page + asid]);
      operations.push(
        [R.TLBIMVA, page + asid],
        [R.TLBIMVAIS, page + asid],
        [R.TLBIMVAA, page],
        [R.TLBIMVAAIS, page],
      );
      if (leaf.notGlobal) operations.push([R.TLBIASID, asid], [R.TLBIASIDIS, asid], [R.DTLBIASID, asid]);
    }
    // An entry that gave a translation fault is in no TLB, and a new ASID or VMID has no entries.
    const other: Setup = { ...setup, secure: { ...setup.secure }, nonSecure: { ...setup.nonSecure } };
    const newAsid = regime !== 'hyp' && leaf.notGlobal && this.chance(3);
    const newVmid = withStage2 && !newAsid && this.chance(2);
    const after = map(va);
    if (newAsid) {
      const changed = regime === 'secure' ? other.secure : other.nonSecure;
      changed.CONTEXTIDR ^= 1;
      for (const name of ['TTBR0', 'TTBR1'] as const)
        changed[name] = [changed[name][0], changed[name][1] ^ (1 << 16)];
    }
    if (newVmid) other.VTTBR = [other.VTTBR[0], other.VTTBR[1] ^ (1 << 16)];
    const stage2Same = !withStage2;
    if ((newAsid && stage2Same) || newVmid || (fault && stage2Same)) {
      access(after, false, newAsid ? 'other ASID' : newVmid ? 'other VMID' : 'fault mended', other);
      return cases;
    }
    const [operation, operand] = this.pick(operations);
    const maintainer = withStage2 ? MODE_HYP : regime === 'hyp' ? MODE_HYP : MODE_SVC;
    const facts: Facts = {
      ...{ regime, format, stage2: withStage2, kind: 'maintenance' as const, instruction: operation.name },
      ...{ address: va, misaligned: false, crossing: false },
    };
    cases.push(
      this.finish(setup, {
        name: `${operation.name} of ${operand.toString(16)}`,
        ...{
          facts,
          mode: maintainer,
          thumb: false,
          code: [['mcr', operation, r1], ['dsb'], ['isb']],
          base: operand,
        },
        ...{ probes: [after.pa, after.pa] as const, alias: 0, flush: false },
      }),
    );
    access(after, false, `after ${operation.name}`);
    return cases;
  }
}
