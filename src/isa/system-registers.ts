/**
 * The registers and operations of CP15, and those of CP14 that every ARMv7-A core has: one definition each, with
 * its encoding, the names and places of its bits, its copies, what reset makes of it and which bits can be written and
 * read. Sources: DDI 0406C sections B4.1 and B4.2 (VMSA, in alphabetical order),
 * C11.11 (debug); the Cortex-A7 MPCore TRM (DDI 0464) where the architecture
 * leaves a register to the core.
 */

/** A bit field's place: one bit, or [highest, lowest]. */
export type BitPlace = number | readonly [high: number, low: number];
/** The named bits of a register. */
export type BitPlaces = Readonly<Record<string, BitPlace>>;
/** What software can do with a register: operations such as ICIALLU are write-only. */
export type Access = 'RW' | 'RO' | 'WO';

/** Anything with named bits: a system register, a program status register. */
export interface BitNames<Bits extends BitPlaces = BitPlaces> {
  readonly name: string;
  readonly bits: Bits;
}

/**
 * Who reaches a register that is not there for all of PL1 (B3.15.3, restricted access and PL2-mode registers): only
 * Secure state; to write it, only Secure state; only Hyp mode, and Monitor mode while SCR.NS is 1.
 */
export type Restriction = 'secure' | 'secure-write' | 'hyp';

interface Described<Bits extends BitPlaces, A extends Access> extends BitNames<Bits> {
  readonly access: A;
  /** What it is for, in a few words, and the section of the source that describes it. */
  readonly doc: string;
  readonly section: string;
  /** Whether Secure and Non-secure state have a copy each (B3.15.3). */
  readonly banked: boolean;
  readonly restricted: Restriction | undefined;
  /**
   * The bits that reset leaves UNKNOWN in each copy; where there is one, both say the same. It is what has no reset
   * value, and of a Non-secure copy all that can be written (B3.15.3). Debug registers have resets of their own (C7.3).
   */
  readonly unknown: { readonly secure: bigint; readonly 'non-secure': bigint };
}

/** A 32-bit register, read by MRC and written by MCR. */
export interface SystemRegister<
  Bits extends BitPlaces = BitPlaces,
  A extends Access = Access,
> extends Described<Bits, A> {
  readonly size: 32;
  readonly coproc: number;
  readonly opc1: number;
  readonly CRn: number;
  readonly CRm: number;
  readonly opc2: number;
  /**
   * What it holds after reset, as the Cortex-A7 TRM (section 4.2) has it; undefined is UNKNOWN, or another on every
   * core. Of a banked register it is the Secure copy's: of the other only the fixed bits are known (B3.15.3).
   */
  readonly reset: number | undefined;
  /** The bits that a write changes, or sets off something by. The others keep what they are reset to. */
  readonly writable: number;
  /** The bits that can read as one. */
  readonly readable: number;
  /**
   * Fields that are kept and do nothing in the built-in processor, each with what does not come of it; `*` is the whole
   * register.
   */
  readonly inert: Readonly<Record<string, string>>;
  /**
   * Fields about what the built-in processor has not, so that nothing of them is to be seen: caches and how memory is
   * held in them, the order of accesses, speed, signals of debuggers; or that mean what another field says.
   */
  readonly unseen: readonly string[];
}

/** A 64-bit register, read by MRRC and written by MCRR, low word first. */
export interface SystemRegister64<
  Bits extends BitPlaces = BitPlaces,
  A extends Access = Access,
> extends Described<Bits, A> {
  readonly size: 64;
  readonly coproc: number;
  readonly opc1: number;
  readonly CRm: number;
}

interface Details64<Bits extends BitPlaces, A extends Access, Banked extends boolean> {
  readonly access?: A;
  readonly bits?: Bits;
  readonly banked?: Banked;
  readonly restricted?: Restriction;
  /** Nothing of it is UNKNOWN after reset, in either copy, for a reason that the entry gives. */
  readonly known?: true;
}

interface Details<Bits extends BitPlaces, A extends Access, Banked extends boolean> extends Details64<
  Bits,
  A,
  Banked
> {
  readonly reset?: number;
  readonly writable?: number;
  readonly readable?: number;
  /** Bits that reset in the Non-secure copy, too; elsewhere they do in the Secure one alone. */
  readonly resetInBoth?: number;
  readonly inert?: { readonly [Field in (keyof NoInfer<Bits> & string) | '*']?: string };
  readonly unseen?: readonly (keyof NoInfer<Bits> & string)[];
}

/** Its name and its banking as types, so that the processor's field for it is one that there is. */
interface Typed<Name extends string, Banked extends boolean> {
  readonly name: Name;
  readonly banked: Banked;
}

/** For registers that are one number. */
const noBits = {} as const;

/** Of a register that is not write-only, where the entry says nothing else. */
const ALL_BITS = 0xffffffff;
const ALL_BITS_64 = 0xffff_ffff_ffff_ffffn;

/**
 * `at` is the manual's encoding, `p15 opc1 CRn CRm opc2`. Where the entry does not say it, all bits of a register can be
 * written that is not read-only, and those read as one that can be written, are reset to one, or may be anything.
 */
function register<
  const Name extends string,
  const Bits extends BitPlaces = typeof noBits,
  const A extends Access = 'RW',
  const Banked extends boolean = false,
>(
  name: Name,
  at: string,
  section: string,
  doc: string,
  details: Details<Bits, A, Banked> = {},
): SystemRegister<Bits, A> & Typed<Name, Banked> {
  const [coproc = 0, opc1 = 0, CRn = 0, CRm = 0, opc2 = 0] = at
    .split(' ')
    .map((it) => Number(it.replace(/^[pc]/, '')));
  const { access = 'RW' as A, bits = noBits as BitPlaces as Bits, banked = false as Banked } = details;
  const { restricted, reset, writable = access === 'RO' ? 0 : ALL_BITS } = details;
  const some = access === 'WO' ? 0 : access === 'RO' ? (reset ?? ALL_BITS) : (writable | (reset ?? 0)) >>> 0;
  const { readable = some, inert = {}, unseen = [] } = details;
  const open = details.known || coproc !== 15 || access !== 'RW' ? 0n : BigInt(writable);
  const secure = reset === undefined ? open : 0n;
  const nonSecure = open & ~BigInt(details.resetInBoth ?? 0);
  const unknown = { secure, 'non-secure': banked ? nonSecure : secure };
  return {
    ...{ name, size: 32, coproc, opc1, CRn, CRm, opc2, section, doc, access, bits, banked, restricted },
    ...{ reset, writable, readable, inert, unseen, unknown },
  };
}

/** `at` is the manual's encoding, `p15 opc1 CRm`. */
function register64<
  const Name extends string,
  const Bits extends BitPlaces = typeof noBits,
  const A extends Access = 'RW',
  const Banked extends boolean = false,
>(
  name: Name,
  at: string,
  section: string,
  doc: string,
  details: Details64<Bits, A, Banked> = {},
): SystemRegister64<Bits, A> & Typed<Name, Banked> {
  const [coproc = 0, opc1 = 0, CRm = 0] = at.split(' ').map((it) => Number(it.replace(/^[pc]/, '')));
  const { access = 'RW' as A, bits = noBits as BitPlaces as Bits, banked = false as Banked } = details;
  const named = Object.values(bits as BitPlaces).map((place) =>
    typeof place === 'number' ? [place, place] : place,
  );
  const fields = named.reduce(
    (mask, [high = 0, low = 0]) => mask | (((2n << BigInt(high - low)) - 1n) << BigInt(low)),
    0n,
  );
  const open = details.known || coproc !== 15 || access !== 'RW' ? 0n : fields || ALL_BITS_64;
  return {
    ...{ name, size: 64, coproc, opc1, CRm, section, doc, access, bits, banked },
    restricted: details.restricted,
    unknown: { secure: open, 'non-secure': open },
  };
}

// Identification (c0)

export const MIDR = register('MIDR', 'p15 0 c0 c0 0', 'B4.1', 'Main ID: implementer, part number, revision', {
  access: 'RO',
  bits: {
    Implementer: [31, 24],
    Variant: [23, 20],
    Architecture: [19, 16],
    PartNum: [15, 4],
    Revision: [3, 0],
  },
  reset: 0x410fc075,
});
export const CTR = register('CTR', 'p15 0 c0 c0 1', 'B4.1', 'Cache Type: line sizes of the caches', {
  access: 'RO',
  bits: {
    Format: [31, 29],
    CWG: [27, 24],
    ERG: [23, 20],
    DminLine: [19, 16],
    L1Ip: [15, 14],
    IminLine: [3, 0],
  },
  reset: 0x84448003,
});
export const TCMTR = register('TCMTR', 'p15 0 c0 c0 2', 'B4.1', 'TCM Type', { access: 'RO', reset: 0 });
export const TLBTR = register('TLBTR', 'p15 0 c0 c0 3', 'B4.1', 'TLB Type', {
  access: 'RO',
  bits: { nU: 0 },
  reset: 0,
});
export const MPIDR = register(
  'MPIDR',
  'p15 0 c0 c0 5',
  'B4.1',
  'Multiprocessor Affinity: which core this is',
  {
    access: 'RO',
    bits: { Multiprocessing: 31, U: 30, MT: 24, Aff2: [23, 16], Aff1: [15, 8], Aff0: [7, 0] },
  },
);
export const REVIDR = register('REVIDR', 'p15 0 c0 c0 6', 'B4.1', 'Revision ID', { access: 'RO', reset: 0 });
export const ID_PFR0 = register('ID_PFR0', 'p15 0 c0 c1 0', 'B4.1', 'Processor Features: instruction sets', {
  access: 'RO',
  bits: { State3: [15, 12], State2: [11, 8], State1: [7, 4], State0: [3, 0] },
  reset: 0x00001131,
});
export const ID_PFR1 = register('ID_PFR1', 'p15 0 c0 c1 1', 'B4.1', 'Processor Features: extensions', {
  access: 'RO',
  bits: {
    GenericTimer: [19, 16],
    Virtualization: [15, 12],
    MProfile: [11, 8],
    Security: [7, 4],
    ProgrammersModel: [3, 0],
  },
  reset: 0x00011011,
});
export const ID_DFR0 = register('ID_DFR0', 'p15 0 c0 c1 2', 'B4.1', 'Debug Features', {
  access: 'RO',
  reset: 0x02010555,
});
export const ID_AFR0 = register('ID_AFR0', 'p15 0 c0 c1 3', 'B4.1', 'Auxiliary Features', {
  access: 'RO',
  reset: 0,
});
export const ID_MMFR0 = register('ID_MMFR0', 'p15 0 c0 c1 4', 'B4.1', 'Memory Model Features', {
  access: 'RO',
  reset: 0x10101105,
});
export const ID_MMFR1 = register('ID_MMFR1', 'p15 0 c0 c1 5', 'B4.1', 'Memory Model Features', {
  access: 'RO',
  reset: 0x40000000,
});
export const ID_MMFR2 = register('ID_MMFR2', 'p15 0 c0 c1 6', 'B4.1', 'Memory Model Features', {
  access: 'RO',
  reset: 0x01240000,
});
export const ID_MMFR3 = register('ID_MMFR3', 'p15 0 c0 c1 7', 'B4.1', 'Memory Model Features', {
  access: 'RO',
  reset: 0x02102211,
});
export const ID_ISAR0 = register('ID_ISAR0', 'p15 0 c0 c2 0', 'B4.1', 'Instruction Set Attributes', {
  access: 'RO',
  reset: 0x02101110,
});
export const ID_ISAR1 = register('ID_ISAR1', 'p15 0 c0 c2 1', 'B4.1', 'Instruction Set Attributes', {
  access: 'RO',
  reset: 0x13112111,
});
export const ID_ISAR2 = register('ID_ISAR2', 'p15 0 c0 c2 2', 'B4.1', 'Instruction Set Attributes', {
  access: 'RO',
  reset: 0x21232041,
});
export const ID_ISAR3 = register('ID_ISAR3', 'p15 0 c0 c2 3', 'B4.1', 'Instruction Set Attributes', {
  access: 'RO',
  reset: 0x11112131,
});
export const ID_ISAR4 = register('ID_ISAR4', 'p15 0 c0 c2 4', 'B4.1', 'Instruction Set Attributes', {
  access: 'RO',
  reset: 0x10011142,
});
export const ID_ISAR5 = register('ID_ISAR5', 'p15 0 c0 c2 5', 'B4.1', 'Instruction Set Attributes', {
  access: 'RO',
  reset: 0,
});
export const CCSIDR = register(
  'CCSIDR',
  'p15 1 c0 c0 0',
  'B4.1',
  'Cache Size ID, of the cache CSSELR selects',
  {
    access: 'RO',
    bits: {
      WT: 31,
      WB: 30,
      RA: 29,
      WA: 28,
      NumSets: [27, 13],
      Associativity: [12, 3],
      LineSize: [2, 0],
    },
  },
);
export const CLIDR = register('CLIDR', 'p15 1 c0 c0 1', 'B4.1', 'Cache Level ID', {
  access: 'RO',
  bits: {
    LoUU: [29, 27],
    LoC: [26, 24],
    LoUIS: [23, 21],
    Ctype7: [20, 18],
    Ctype6: [17, 15],
    Ctype5: [14, 12],
    Ctype4: [11, 9],
    Ctype3: [8, 6],
    Ctype2: [5, 3],
    Ctype1: [2, 0],
  },
  reset: 0x0a200023,
});
export const AIDR = register('AIDR', 'p15 1 c0 c0 7', 'B4.1', 'Auxiliary ID', { access: 'RO', reset: 0 });
export const CSSELR = register('CSSELR', 'p15 2 c0 c0 0', 'B4.1', 'Cache Size Selection', {
  banked: true,
  bits: { Level: [3, 1], InD: 0 },
  writable: 0xf,
});
export const VPIDR = register('VPIDR', 'p15 4 c0 c0 0', 'B4.1', 'Virtualization Processor ID: MIDR for PL1', {
  restricted: 'hyp',
  reset: 0x410fc075,
});
export const VMPIDR = register(
  'VMPIDR',
  'p15 4 c0 c0 5',
  'B4.1',
  'Virtualization Multiprocessor ID: MPIDR for PL1',
  // It is reset to MPIDR.
  { restricted: 'hyp', known: true },
);

// System control (c1)

export const SCTLR = register('SCTLR', 'p15 0 c1 c0 0', 'B4.1', 'System Control', {
  banked: true,
  bits: {
    TE: 30,
    AFE: 29,
    TRE: 28,
    NMFI: 27,
    EE: 25,
    VE: 24,
    U: 22,
    FI: 21,
    UWXN: 20,
    WXN: 19,
    HA: 17,
    RR: 14,
    V: 13,
    I: 12,
    Z: 11,
    SW: 10,
    B: 7,
    CP15BEN: 5,
    C: 2,
    A: 1,
    M: 0,
  },
  unseen: ['I', 'C'],
  // Stubs of firmware leave the Non-secure copy as it is, and kernels start on every board: it is reset like the other.
  known: true,
  reset: 0x00c50878,
  writable: 0x72183427,
});
export const ACTLR = register(
  'ACTLR',
  'p15 0 c1 c0 1',
  'DDI 0464 4.3',
  'Auxiliary Control; the bits are those of Cortex-A7',
  {
    bits: { DDI: 28, DDVM: 15, L1PCTL: [14, 13], L1RADIS: 12, L2RADIS: 11, DODMBS: 10, SMP: 6 },
    unseen: ['DDI', 'DDVM', 'L1PCTL', 'L1RADIS', 'L2RADIS', 'DODMBS'],
    reset: 0x00006000,
    writable: 0x1000fc40,
  },
);
export const CPACR = register('CPACR', 'p15 0 c1 c0 2', 'B4.1', 'Coprocessor Access Control', {
  bits: { ASEDIS: 31, D32DIS: 30, TRCDIS: 28, cp11: [23, 22], cp10: [21, 20] },
  inert: { D32DIS: 'D16 to D31 can be used all the same' },
  // cp10 is that of cp11, or it is UNPREDICTABLE.
  unseen: ['cp11'],
  reset: 0,
  writable: 0xc0f00000,
});
export const SCR = register('SCR', 'p15 0 c1 c1 0', 'B4.1', 'Secure Configuration', {
  bits: { SIF: 9, HCE: 8, SCD: 7, nET: 6, AW: 5, FW: 4, EA: 3, FIQ: 2, IRQ: 1, NS: 0 },
  // AW does nothing where there are the Virtualization Extensions (B4.1.129).
  unseen: ['nET', 'AW'],
  reset: 0,
  restricted: 'secure',
  writable: 0x3ff,
});
export const SDER = register('SDER', 'p15 0 c1 c1 1', 'B4.1', 'Secure Debug Enable', {
  bits: { SUNIDEN: 1, SUIDEN: 0 },
  // With SPIDEN and SPNIDEN HIGH what they permit is permitted.
  unseen: ['SUNIDEN', 'SUIDEN'],
  reset: 0,
  restricted: 'secure',
  writable: 3,
});
export const NSACR = register('NSACR', 'p15 0 c1 c1 2', 'B4.1', 'Non-secure Access Control', {
  bits: {
    NSTRCDIS: 20,
    // Where ACTLR.SMP may be written from Non-secure state: Cortex-A7's own bit (DDI 0464 4.3).
    NS_SMP: 18,
    RFR: 19,
    NSASEDIS: 15,
    NSD32DIS: 14,
    cp11: 11,
    cp10: 10,
  },
  inert: { NSD32DIS: 'D16 to D31 can be used in Non-secure state all the same' },
  unseen: ['NSTRCDIS', 'cp11'],
  reset: 0,
  restricted: 'secure-write',
  writable: 0x0014cc00,
});
/**
 * It shows the bits of SCTLR that are not banked (B4.1.73), bit 6 too, which reads as one. In ARMv8 bit 6 is RES0
 * (DDI 0487, HSCTLR): 0x30c50838, which one meets elsewhere, is a Cortex-A53's.
 */
export const HSCTLR = register('HSCTLR', 'p15 4 c1 c0 0', 'B4.1', 'Hyp System Control', {
  bits: { TE: 30, EE: 25, FI: 21, WXN: 19, I: 12, CP15BEN: 5, C: 2, A: 1, M: 0 },
  unseen: ['I', 'C'],
  restricted: 'hyp',
  reset: 0x30c50878,
  writable: 0x42081027,
});
export const HACTLR = register('HACTLR', 'p15 4 c1 c0 1', 'B4.1', 'Hyp Auxiliary Control', {
  restricted: 'hyp',
  reset: 0,
  writable: 0,
});
export const HCR = register('HCR', 'p15 4 c1 c1 0', 'B4.1', 'Hyp Configuration', {
  bits: {
    TGE: 27,
    TVM: 26,
    TTLB: 25,
    TPU: 24,
    TPC: 23,
    TSW: 22,
    TAC: 21,
    TIDCP: 20,
    TSC: 19,
    TID3: 18,
    TID2: 17,
    TID1: 16,
    TID0: 15,
    TWE: 14,
    TWI: 13,
    DC: 12,
    BSU: [11, 10],
    FB: 9,
    VA: 8,
    VI: 7,
    VF: 6,
    AMO: 5,
    IMO: 4,
    FMO: 3,
    PTW: 2,
    SWIO: 1,
    VM: 0,
  },
  unseen: ['BSU', 'SWIO'],
  reset: 0,
  restricted: 'hyp',
  writable: 0x0fffffff,
});
export const HDCR = register('HDCR', 'p15 4 c1 c1 1', 'B4.1', 'Hyp Debug Configuration', {
  bits: { TDRA: 11, TDOSA: 10, TDA: 9, TDE: 8, HPME: 7, TPM: 6, TPMCR: 5, HPMN: [4, 0] },
  restricted: 'hyp',
  reset: 4,
  writable: 0xfff,
});
export const HCPTR = register('HCPTR', 'p15 4 c1 c1 2', 'B4.1', 'Hyp Coprocessor Trap', {
  bits: { TCPAC: 31, TTA: 20, TASE: 15, TCP11: 11, TCP10: 10 },
  // There are no trace registers; TCP10 is that of TCP11, or it is UNPREDICTABLE.
  unseen: ['TTA', 'TCP11'],
  restricted: 'hyp',
  reset: 0x000033ff,
  writable: 0x80108c00,
});
export const HSTR = register('HSTR', 'p15 4 c1 c1 3', 'B4.1', 'Hyp System Trap', {
  bits: {
    TJDBX: 17,
    TTEE: 16,
    T15: 15,
    T13: 13,
    T12: 12,
    T11: 11,
    T10: 10,
    T9: 9,
    T8: 8,
    T7: 7,
    T6: 6,
    T5: 5,
    T3: 3,
    T2: 2,
    T1: 1,
    T0: 0,
  },
  restricted: 'hyp',
  reset: 0,
  writable: 0x0003bfef,
});
export const HACR = register('HACR', 'p15 4 c1 c1 7', 'B4.1', 'Hyp Auxiliary Configuration', {
  restricted: 'hyp',
  reset: 0,
  writable: 0,
});

// Translation tables and domains (c2, c3)

/** TTBR0 and TTBR1 in the short-descriptor format. */
const ttbr = { NOS: 5, RGN: [4, 3], S: 1, IRGN1: 0, IRGN0: 6, IMP: 2 } as const;
/** The 64-bit TTBRs of the long-descriptor format. */
const ttbr64 = { ASID: [55, 48], BADDR: [39, 0] } as const;

export const TTBR0 = register('TTBR0', 'p15 0 c2 c0 0', 'B4.1', 'Translation Table Base 0', {
  banked: true,
  bits: ttbr,
  unseen: ['NOS', 'RGN', 'S', 'IRGN1', 'IRGN0', 'IMP'],
});
export const TTBR1 = register('TTBR1', 'p15 0 c2 c0 1', 'B4.1', 'Translation Table Base 1', {
  banked: true,
  bits: ttbr,
  unseen: ['NOS', 'RGN', 'S', 'IRGN1', 'IRGN0', 'IMP'],
});
export const TTBCR = register('TTBCR', 'p15 0 c2 c0 2', 'B4.1', 'Translation Table Base Control', {
  banked: true,
  bits: {
    EAE: 31,
    SH1: [29, 28],
    ORGN1: [27, 26],
    IRGN1: [25, 24],
    EPD1: 23,
    A1: 22,
    T1SZ: [18, 16],
    SH0: [13, 12],
    ORGN0: [11, 10],
    IRGN0: [9, 8],
    EPD0: 7,
    /** The short-descriptor format's PD1, PD0 and N share their places with T0SZ. */
    PD1: 5,
    PD0: 4,
    N: [2, 0],
    T0SZ: [2, 0],
  },
  unseen: ['SH1', 'ORGN1', 'IRGN1', 'SH0', 'ORGN0', 'IRGN0'],
  reset: 0,
  // EAE.
  resetInBoth: 0x8000_0000,
});
export const TTBR0_64 = register64('TTBR0', 'p15 0 c2', 'B4.1', 'Translation Table Base 0, LPAE', {
  banked: true,
  bits: ttbr64,
});
export const TTBR1_64 = register64('TTBR1', 'p15 1 c2', 'B4.1', 'Translation Table Base 1, LPAE', {
  banked: true,
  bits: ttbr64,
});
export const HTCR = register('HTCR', 'p15 4 c2 c0 2', 'B4.1', 'Hyp Translation Control', {
  bits: { SH0: [13, 12], ORGN0: [11, 10], IRGN0: [9, 8], T0SZ: [2, 0] },
  unseen: ['SH0', 'ORGN0', 'IRGN0'],
  restricted: 'hyp',
});
export const VTCR = register('VTCR', 'p15 4 c2 c1 2', 'B4.1', 'Virtualization Translation Control: stage 2', {
  bits: { SH0: [13, 12], ORGN0: [11, 10], IRGN0: [9, 8], SL0: [7, 6], S: 4, T0SZ: [3, 0] },
  // S is the sign of T0SZ, or it is UNPREDICTABLE.
  unseen: ['SH0', 'ORGN0', 'IRGN0', 'S'],
  restricted: 'hyp',
});
export const HTTBR = register64('HTTBR', 'p15 4 c2', 'B4.1', 'Hyp Translation Table Base', {
  bits: { BADDR: [39, 0] },
  restricted: 'hyp',
});
export const VTTBR = register64(
  'VTTBR',
  'p15 6 c2',
  'B4.1',
  'Virtualization Translation Table Base: stage 2',
  { bits: { VMID: [55, 48], BADDR: [39, 0] }, restricted: 'hyp' },
);
export const DACR = register('DACR', 'p15 0 c3 c0 0', 'B4.1', 'Domain Access Control', { banked: true });

// Faults (c5, c6)

const faultStatus = {
  CM: 13,
  ExT: 12,
  WnR: 11,
  FS4: 10,
  LPAE: 9,
  Domain: [7, 4],
  FS: [3, 0],
  STATUS: [5, 0],
} as const;

export const DFSR = register('DFSR', 'p15 0 c5 c0 0', 'B4.1', 'Data Fault Status', {
  banked: true,
  bits: faultStatus,
});
export const IFSR = register('IFSR', 'p15 0 c5 c0 1', 'B4.1', 'Instruction Fault Status', {
  banked: true,
  bits: { ExT: 12, FS4: 10, LPAE: 9, FS: [3, 0], STATUS: [5, 0] },
});
export const ADFSR = register('ADFSR', 'p15 0 c5 c1 0', 'B4.1', 'Auxiliary Data Fault Status', {
  banked: true,
  reset: 0,
  writable: 0,
});
export const AIFSR = register('AIFSR', 'p15 0 c5 c1 1', 'B4.1', 'Auxiliary Instruction Fault Status', {
  banked: true,
  reset: 0,
  writable: 0,
});
export const HADFSR = register('HADFSR', 'p15 4 c5 c1 0', 'B4.1', 'Hyp Auxiliary Data Fault Status', {
  restricted: 'hyp',
  reset: 0,
  writable: 0,
});
export const HAIFSR = register('HAIFSR', 'p15 4 c5 c1 1', 'B4.1', 'Hyp Auxiliary Instruction Fault Status', {
  restricted: 'hyp',
  reset: 0,
  writable: 0,
});
export const HSR = register('HSR', 'p15 4 c5 c2 0', 'B4.1', 'Hyp Syndrome: why Hyp mode was entered', {
  bits: { EC: [31, 26], IL: 25, ISS: [24, 0] },
  restricted: 'hyp',
});
export const DFAR = register('DFAR', 'p15 0 c6 c0 0', 'B4.1', 'Data Fault Address', { banked: true });
export const IFAR = register('IFAR', 'p15 0 c6 c0 2', 'B4.1', 'Instruction Fault Address', {
  banked: true,
});
// These two are Secure DFAR and IFAR.
export const HDFAR = register('HDFAR', 'p15 4 c6 c0 0', 'B4.1', 'Hyp Data Fault Address', {
  restricted: 'hyp',
  known: true,
});
export const HIFAR = register('HIFAR', 'p15 4 c6 c0 2', 'B4.1', 'Hyp Instruction Fault Address', {
  restricted: 'hyp',
  known: true,
});
export const HPFAR = register('HPFAR', 'p15 4 c6 c0 4', 'B4.1', 'Hyp IPA Fault Address', {
  bits: { FIPA: [31, 4] },
  restricted: 'hyp',
  writable: 0xfffffff0,
});

// Cache maintenance, address translation, old barriers (c7)

const operation = { access: 'WO' } as const;
const hypOperation = { access: 'WO', restricted: 'hyp' } as const;
const cache = 'B4.2';

export const ICIALLUIS = register(
  'ICIALLUIS',
  'p15 0 c7 c1 0',
  cache,
  'Invalidate instruction caches, inner shareable',
  operation,
);
export const BPIALLIS = register(
  'BPIALLIS',
  'p15 0 c7 c1 6',
  cache,
  'Invalidate branch predictors, inner shareable',
  operation,
);
export const PAR = register('PAR', 'p15 0 c7 c4 0', 'B4.1', 'Physical Address: result of a translation', {
  banked: true,
  bits: { PA: [31, 12], LPAE: 11, NOS: 10, NS: 9, SH: 7, Inner: [6, 4], Outer: [3, 2], SS: 1, F: 0 },
});
export const PAR_64 = register64('PAR', 'p15 0 c7', 'B4.1', 'Physical Address, LPAE', {
  banked: true,
  bits: { ATTR: [63, 56], PA: [39, 12], LPAE: 11, NS: 9, SH: [8, 7], F: 0 },
});
export const ICIALLU = register(
  'ICIALLU',
  'p15 0 c7 c5 0',
  cache,
  'Invalidate instruction caches',
  operation,
);
export const ICIMVAU = register(
  'ICIMVAU',
  'p15 0 c7 c5 1',
  cache,
  'Invalidate instruction cache by address',
  operation,
);
export const CP15ISB = register(
  'CP15ISB',
  'p15 0 c7 c5 4',
  'B4.2',
  'Instruction barrier, old form',
  operation,
);
export const BPIALL = register('BPIALL', 'p15 0 c7 c5 6', cache, 'Invalidate branch predictors', operation);
export const BPIMVA = register(
  'BPIMVA',
  'p15 0 c7 c5 7',
  cache,
  'Invalidate branch predictors by address',
  operation,
);
export const DCIMVAC = register(
  'DCIMVAC',
  'p15 0 c7 c6 1',
  cache,
  'Invalidate data cache line by address',
  operation,
);
export const DCISW = register(
  'DCISW',
  'p15 0 c7 c6 2',
  cache,
  'Invalidate data cache line by set and way',
  operation,
);
const at = 'B4.2';
export const ATS1CPR = register('ATS1CPR', 'p15 0 c7 c8 0', at, 'Translate, stage 1, PL1 read', operation);
export const ATS1CPW = register('ATS1CPW', 'p15 0 c7 c8 1', at, 'Translate, stage 1, PL1 write', operation);
export const ATS1CUR = register('ATS1CUR', 'p15 0 c7 c8 2', at, 'Translate, stage 1, PL0 read', operation);
export const ATS1CUW = register('ATS1CUW', 'p15 0 c7 c8 3', at, 'Translate, stage 1, PL0 write', operation);
export const ATS12NSOPR = register(
  'ATS12NSOPR',
  'p15 0 c7 c8 4',
  at,
  'Translate, both stages, PL1 read',
  operation,
);
export const ATS12NSOPW = register(
  'ATS12NSOPW',
  'p15 0 c7 c8 5',
  at,
  'Translate, both stages, PL1 write',
  operation,
);
export const ATS12NSOUR = register(
  'ATS12NSOUR',
  'p15 0 c7 c8 6',
  at,
  'Translate, both stages, PL0 read',
  operation,
);
export const ATS12NSOUW = register(
  'ATS12NSOUW',
  'p15 0 c7 c8 7',
  at,
  'Translate, both stages, PL0 write',
  operation,
);
export const ATS1HR = register('ATS1HR', 'p15 4 c7 c8 0', at, 'Translate, Hyp mode read', hypOperation);
export const ATS1HW = register('ATS1HW', 'p15 4 c7 c8 1', at, 'Translate, Hyp mode write', hypOperation);
export const DCCMVAC = register(
  'DCCMVAC',
  'p15 0 c7 c10 1',
  cache,
  'Clean data cache line by address to coherency',
  operation,
);
export const DCCSW = register(
  'DCCSW',
  'p15 0 c7 c10 2',
  cache,
  'Clean data cache line by set and way',
  operation,
);
export const CP15DSB = register(
  'CP15DSB',
  'p15 0 c7 c10 4',
  'B4.2',
  'Data synchronization barrier, old form',
  operation,
);
export const CP15DMB = register(
  'CP15DMB',
  'p15 0 c7 c10 5',
  'B4.2',
  'Data memory barrier, old form',
  operation,
);
export const DCCMVAU = register(
  'DCCMVAU',
  'p15 0 c7 c11 1',
  cache,
  'Clean data cache line by address to unification',
  operation,
);
export const DCCIMVAC = register(
  'DCCIMVAC',
  'p15 0 c7 c14 1',
  cache,
  'Clean and invalidate data cache line by address',
  operation,
);
export const DCCISW = register(
  'DCCISW',
  'p15 0 c7 c14 2',
  cache,
  'Clean and invalidate data cache line by set and way',
  operation,
);

// TLB maintenance (c8)

const tlb = 'B4.2';
export const TLBIALLIS = register(
  'TLBIALLIS',
  'p15 0 c8 c3 0',
  tlb,
  'Invalidate TLB, inner shareable',
  operation,
);
export const TLBIMVAIS = register(
  'TLBIMVAIS',
  'p15 0 c8 c3 1',
  tlb,
  'Invalidate by address and ASID, inner shareable',
  operation,
);
export const TLBIASIDIS = register(
  'TLBIASIDIS',
  'p15 0 c8 c3 2',
  tlb,
  'Invalidate by ASID, inner shareable',
  operation,
);
export const TLBIMVAAIS = register(
  'TLBIMVAAIS',
  'p15 0 c8 c3 3',
  tlb,
  'Invalidate by address, inner shareable',
  operation,
);
export const ITLBIALL = register('ITLBIALL', 'p15 0 c8 c5 0', tlb, 'Invalidate instruction TLB', operation);
export const ITLBIMVA = register(
  'ITLBIMVA',
  'p15 0 c8 c5 1',
  tlb,
  'Invalidate instruction TLB by address',
  operation,
);
export const ITLBIASID = register(
  'ITLBIASID',
  'p15 0 c8 c5 2',
  tlb,
  'Invalidate instruction TLB by ASID',
  operation,
);
export const DTLBIALL = register('DTLBIALL', 'p15 0 c8 c6 0', tlb, 'Invalidate data TLB', operation);
export const DTLBIMVA = register(
  'DTLBIMVA',
  'p15 0 c8 c6 1',
  tlb,
  'Invalidate data TLB by address',
  operation,
);
export const DTLBIASID = register(
  'DTLBIASID',
  'p15 0 c8 c6 2',
  tlb,
  'Invalidate data TLB by ASID',
  operation,
);
export const TLBIALL = register('TLBIALL', 'p15 0 c8 c7 0', tlb, 'Invalidate TLB', operation);
export const TLBIMVA = register(
  'TLBIMVA',
  'p15 0 c8 c7 1',
  tlb,
  'Invalidate TLB by address and ASID',
  operation,
);
export const TLBIASID = register('TLBIASID', 'p15 0 c8 c7 2', tlb, 'Invalidate TLB by ASID', operation);
export const TLBIMVAA = register(
  'TLBIMVAA',
  'p15 0 c8 c7 3',
  tlb,
  'Invalidate TLB by address, any ASID',
  operation,
);
export const TLBIALLHIS = register(
  'TLBIALLHIS',
  'p15 4 c8 c3 0',
  tlb,
  'Invalidate Hyp TLB, inner shareable',
  hypOperation,
);
export const TLBIMVAHIS = register(
  'TLBIMVAHIS',
  'p15 4 c8 c3 1',
  tlb,
  'Invalidate Hyp TLB by address, inner shareable',
  hypOperation,
);
export const TLBIALLNSNHIS = register(
  'TLBIALLNSNHIS',
  'p15 4 c8 c3 4',
  tlb,
  'Invalidate Non-secure non-Hyp TLB, inner shareable',
  hypOperation,
);
export const TLBIALLH = register('TLBIALLH', 'p15 4 c8 c7 0', tlb, 'Invalidate Hyp TLB', hypOperation);
export const TLBIMVAH = register(
  'TLBIMVAH',
  'p15 4 c8 c7 1',
  tlb,
  'Invalidate Hyp TLB by address',
  hypOperation,
);
export const TLBIALLNSNH = register(
  'TLBIALLNSNH',
  'p15 4 c8 c7 4',
  tlb,
  'Invalidate Non-secure non-Hyp TLB',
  hypOperation,
);

// Performance monitors, L2 cache (c9)

/** A bit for the cycle counter, and one for each of the four event counters. */
const counters = 0x8000000f;

export const PMCR = register('PMCR', 'p15 0 c9 c12 0', 'B4.1', 'Performance Monitors Control', {
  bits: { IMP: [31, 24], IDCODE: [23, 16], N: [15, 11], DP: 5, X: 4, D: 3, C: 2, P: 1, E: 0 },
  // Nobody takes events that are exported, and there is no region where counting is not permitted.
  unseen: ['DP', 'X'],
  reset: 0x41072000,
  writable: 0x3f,
  readable: 0x41072039,
});
export const PMCNTENSET = register('PMCNTENSET', 'p15 0 c9 c12 1', 'B4.1', 'Count Enable Set', {
  bits: { C: 31 },
  writable: counters,
});
// What the four that clear show, stands in those that set.
export const PMCNTENCLR = register('PMCNTENCLR', 'p15 0 c9 c12 2', 'B4.1', 'Count Enable Clear', {
  bits: { C: 31 },
  writable: counters,
  known: true,
});
export const PMOVSR = register('PMOVSR', 'p15 0 c9 c12 3', 'B4.1', 'Overflow Flag Status', {
  bits: { C: 31 },
  writable: counters,
  known: true,
});
export const PMSWINC = register('PMSWINC', 'p15 0 c9 c12 4', 'B4.1', 'Software Increment', operation);
export const PMSELR = register('PMSELR', 'p15 0 c9 c12 5', 'B4.1', 'Event Counter Selection', {
  bits: { SEL: [4, 0] },
  writable: 0x1f,
});
export const PMCEID0 = register('PMCEID0', 'p15 0 c9 c12 6', 'B4.1', 'Common Event Identification', {
  access: 'RO',
  // Those of performance-events.ts below 32.
  reset: 0x23ffffff,
});
export const PMCEID1 = register('PMCEID1', 'p15 0 c9 c12 7', 'B4.1', 'Common Event Identification', {
  access: 'RO',
  reset: 0,
});
export const PMCCNTR = register('PMCCNTR', 'p15 0 c9 c13 0', 'B4.1', 'Cycle Count');
export const PMXEVTYPER = register('PMXEVTYPER', 'p15 0 c9 c13 1', 'B4.1', 'Event Type Select', {
  bits: { P: 31, U: 30, NSK: 29, NSU: 28, NSH: 27, evtCount: [7, 0] },
  writable: 0xf80000ff,
});
export const PMXEVCNTR = register('PMXEVCNTR', 'p15 0 c9 c13 2', 'B4.1', 'Event Count');
export const PMUSERENR = register('PMUSERENR', 'p15 0 c9 c14 0', 'B4.1', 'User Enable', {
  bits: { EN: 0 },
  reset: 0,
  writable: 1,
});
export const PMINTENSET = register('PMINTENSET', 'p15 0 c9 c14 1', 'B4.1', 'Interrupt Enable Set', {
  bits: { C: 31 },
  writable: counters,
});
export const PMINTENCLR = register('PMINTENCLR', 'p15 0 c9 c14 2', 'B4.1', 'Interrupt Enable Clear', {
  bits: { C: 31 },
  writable: counters,
  known: true,
});
export const PMOVSSET = register('PMOVSSET', 'p15 0 c9 c14 3', 'B4.1', 'Overflow Flag Status Set', {
  bits: { C: 31 },
  writable: counters,
});
// By how the core is wired.
export const L2CTLR = register(
  'L2CTLR',
  'p15 1 c9 c0 2',
  'DDI 0464 4.3',
  'L2 Control: the number of cores, less one',
  {
    bits: { Cores: [25, 24] },
    known: true,
  },
);
// No error of the L2 cache or the bus (DDI 0464, 4.3).
export const L2ECTLR = register('L2ECTLR', 'p15 1 c9 c0 3', 'DDI 0464 4.3', 'L2 Extended Control', {
  known: true,
});

// Memory attributes (c10), vectors (c12), context (c13)

export const PRRR = register('PRRR', 'p15 0 c10 c2 0', 'B4.1', 'Primary Region Remap', {
  banked: true,
  reset: 0x00098aa4,
  known: true,
});
export const NMRR = register('NMRR', 'p15 0 c10 c2 1', 'B4.1', 'Normal Memory Remap', {
  banked: true,
  reset: 0x44e048e0,
  known: true,
});
/** PRRR and NMRR under their names in the long-descriptor format. */
export const MAIR0 = register('MAIR0', 'p15 0 c10 c2 0', 'B4.1', 'Memory Attribute Indirection 0', {
  banked: true,
  reset: 0x00098aa4,
});
export const MAIR1 = register('MAIR1', 'p15 0 c10 c2 1', 'B4.1', 'Memory Attribute Indirection 1', {
  banked: true,
  reset: 0x44e048e0,
});
export const AMAIR0 = register('AMAIR0', 'p15 0 c10 c3 0', 'B4.1', 'Auxiliary Memory Attributes 0', {
  banked: true,
  reset: 0,
  writable: 0,
});
export const AMAIR1 = register('AMAIR1', 'p15 0 c10 c3 1', 'B4.1', 'Auxiliary Memory Attributes 1', {
  banked: true,
  reset: 0,
  writable: 0,
});
export const HMAIR0 = register('HMAIR0', 'p15 4 c10 c2 0', 'B4.1', 'Hyp Memory Attributes 0', {
  restricted: 'hyp',
});
export const HMAIR1 = register('HMAIR1', 'p15 4 c10 c2 1', 'B4.1', 'Hyp Memory Attributes 1', {
  restricted: 'hyp',
});
export const HAMAIR0 = register('HAMAIR0', 'p15 4 c10 c3 0', 'B4.1', 'Hyp Auxiliary Memory Attributes 0', {
  restricted: 'hyp',
  reset: 0,
  writable: 0,
});
export const HAMAIR1 = register('HAMAIR1', 'p15 4 c10 c3 1', 'B4.1', 'Hyp Auxiliary Memory Attributes 1', {
  restricted: 'hyp',
  reset: 0,
  writable: 0,
});
export const VBAR = register('VBAR', 'p15 0 c12 c0 0', 'B4.1', 'Vector Base Address', {
  banked: true,
  reset: 0,
  writable: 0xffffffe0,
});
export const MVBAR = register('MVBAR', 'p15 0 c12 c0 1', 'B4.1', 'Monitor Vector Base Address', {
  restricted: 'secure',
  writable: 0xffffffe0,
});
export const ISR = register('ISR', 'p15 0 c12 c1 0', 'B4.1', 'Interrupt Status: what is pending', {
  access: 'RO',
  bits: { A: 8, I: 7, F: 6 },
});
export const HVBAR = register('HVBAR', 'p15 4 c12 c0 0', 'B4.1', 'Hyp Vector Base Address', {
  restricted: 'hyp',
  writable: 0xffffffe0,
});
export const FCSEIDR = register('FCSEIDR', 'p15 0 c13 c0 0', 'B4.1', 'FCSE Process ID', {
  banked: true,
  reset: 0,
  writable: 0,
});
export const CONTEXTIDR = register('CONTEXTIDR', 'p15 0 c13 c0 1', 'B4.1', 'Context ID', {
  banked: true,
  bits: { PROCID: [31, 8], ASID: [7, 0] },
});
export const TPIDRURW = register(
  'TPIDRURW',
  'p15 0 c13 c0 2',
  'B4.1',
  'Software thread ID, user read and write',
  { banked: true },
);
export const TPIDRURO = register('TPIDRURO', 'p15 0 c13 c0 3', 'B4.1', 'Software thread ID, user read-only', {
  banked: true,
});
export const TPIDRPRW = register('TPIDRPRW', 'p15 0 c13 c0 4', 'B4.1', 'Software thread ID, PL1 only', {
  banked: true,
});
export const HTPIDR = register('HTPIDR', 'p15 4 c13 c0 2', 'B4.1', 'Hyp software thread ID', {
  restricted: 'hyp',
});

// Generic timer (c14)

const timerControl = { ISTATUS: 2, IMASK: 1, ENABLE: 0 } as const;

export const CNTFRQ = register(
  'CNTFRQ',
  'p15 0 c14 c0 0',
  'B8.2',
  'Counter Frequency in Hz; writable in Secure PL1 only',
  { restricted: 'secure-write' },
);
export const CNTKCTL = register(
  'CNTKCTL',
  'p15 0 c14 c1 0',
  'B4.1',
  'Timer PL1 Control: what user mode may use',
  {
    bits: { PL0PTEN: 9, PL0VTEN: 8, EVNTI: [7, 4], EVNTDIR: 3, EVNTEN: 2, PL0VCTEN: 1, PL0PCTEN: 0 },
    reset: 0,
    writable: 0x3ff,
  },
);
// What the timers are compared with is in their CVAL.
export const CNTP_TVAL = register('CNTP_TVAL', 'p15 0 c14 c2 0', 'B4.1', 'Physical Timer value', {
  banked: true,
  known: true,
});
// ENABLE is 0 in both copies: no stub switches the Non-secure one off.
export const CNTP_CTL = register('CNTP_CTL', 'p15 0 c14 c2 1', 'B4.1', 'Physical Timer Control', {
  banked: true,
  bits: timerControl,
  reset: 0,
  writable: 3,
  readable: 7,
  known: true,
});
export const CNTV_TVAL = register('CNTV_TVAL', 'p15 0 c14 c3 0', 'B4.1', 'Virtual Timer value', {
  known: true,
});
export const CNTV_CTL = register('CNTV_CTL', 'p15 0 c14 c3 1', 'B4.1', 'Virtual Timer Control', {
  bits: timerControl,
  reset: 0,
  writable: 3,
  readable: 7,
});
export const CNTHCTL = register('CNTHCTL', 'p15 4 c14 c1 0', 'B4.1', 'Timer Hyp Control: what PL1 may use', {
  bits: { EVNTI: [7, 4], EVNTDIR: 3, EVNTEN: 2, PL1PCEN: 1, PL1PCTEN: 0 },
  restricted: 'hyp',
  reset: 3,
  writable: 0xff,
});
export const CNTHP_TVAL = register('CNTHP_TVAL', 'p15 4 c14 c2 0', 'B4.1', 'Hyp Physical Timer value', {
  restricted: 'hyp',
  known: true,
});
export const CNTHP_CTL = register('CNTHP_CTL', 'p15 4 c14 c2 1', 'B4.1', 'Hyp Physical Timer Control', {
  bits: timerControl,
  restricted: 'hyp',
  reset: 0,
  writable: 3,
  readable: 7,
});
export const CNTPCT = register64('CNTPCT', 'p15 0 c14', 'B4.1', 'Physical Count', { access: 'RO' });
export const CNTVCT = register64('CNTVCT', 'p15 1 c14', 'B4.1', 'Virtual Count: CNTPCT less CNTVOFF', {
  access: 'RO',
});
export const CNTP_CVAL = register64('CNTP_CVAL', 'p15 2 c14', 'B4.1', 'Physical Timer Compare Value', {
  banked: true,
});
export const CNTV_CVAL = register64('CNTV_CVAL', 'p15 3 c14', 'B4.1', 'Virtual Timer Compare Value');
export const CNTVOFF = register64(
  'CNTVOFF',
  'p15 4 c14',
  'B4.1',
  'Virtual Offset; Hyp mode and Monitor mode only',
  { restricted: 'hyp' },
);
export const CNTHP_CVAL = register64('CNTHP_CVAL', 'p15 6 c14', 'B4.1', 'Hyp Physical Timer Compare Value', {
  restricted: 'hyp',
});

// Cortex-A7's own (c15)

export const CBAR = register('CBAR', 'p15 4 c15 c0 0', 'DDI 0464 4.3', 'Configuration Base Address', {
  access: 'RO',
  reset: 0,
});

// Debug and ThumbEE (CP14)

export const DBGDIDR = register('DBGDIDR', 'p14 0 c0 c0 0', 'C11.11', 'Debug ID', {
  access: 'RO',
  bits: {
    /** Watchpoints, breakpoints, and those of the breakpoints that compare contexts: one less than there are. */
    WRPs: [31, 28],
    BRPs: [27, 24],
    CTX_CMPs: [23, 20],
    Version: [19, 16],
    DEVID_imp: 15,
    nSUHD_imp: 14,
    PCSR_imp: 13,
    SE_imp: 12,
    Variant: [7, 4],
    Revision: [3, 0],
  },
  reset: 0x3515f005,
});
/** Of the bits of DBGDSCR those that software without a debugger at the pins may have to do with. */
const dscr = { MDBGen: 15, HDBGen: 14, ITRen: 13, UDCCdis: 12, INTdis: 11, DBGack: 10, MOE: [5, 2] } as const;
export const DBGDSCR = register(
  'DBGDSCR',
  'p14 0 c0 c1 0',
  'C11.11',
  'Debug Status and Control, internal view',
  { access: 'RO', bits: dscr },
);
export const DBGDSCRext = register(
  'DBGDSCRext',
  'p14 0 c0 c2 2',
  'C11.11',
  'Debug Status and Control, external view',
  {
    writable: 0x0000fc00,
    bits: dscr,
    inert: {
      HDBGen: 'there is no Halting debug-mode',
      ITRen: 'there is no Debug state',
      INTdis: 'interrupts are taken all the same',
    },
    unseen: ['DBGack'],
  },
);
export const DBGVCR = register('DBGVCR', 'p14 0 c0 c7 0', 'C11.11', 'Debug Vector Catch');
export const DBGDRAR = register('DBGDRAR', 'p14 0 c1 c0 0', 'C11.11', 'Debug ROM Address', {
  access: 'RO',
  reset: 0,
});
export const DBGOSLAR = register('DBGOSLAR', 'p14 0 c1 c0 4', 'C11.11', 'Debug OS Lock Access', operation);
export const DBGOSLSR = register('DBGOSLSR', 'p14 0 c1 c1 4', 'C11.11', 'Debug OS Lock Status', {
  access: 'RO',
});
export const DBGOSDLR = register('DBGOSDLR', 'p14 0 c1 c3 4', 'C11.11', 'Debug OS Double Lock', {
  bits: { DLK: 0 },
  writable: 1,
});
export const DBGPRCR = register('DBGPRCR', 'p14 0 c1 c4 4', 'C11.11', 'Debug Powerdown and Reset Control', {
  bits: { CORENPDRQ: 0 },
  writable: 1,
});
export const DBGPRSR = register('DBGPRSR', 'p14 0 c1 c5 4', 'C11.11', 'Debug Powerdown and Reset Status', {
  access: 'RO',
  bits: { PU: 0 },
  reset: 1,
});
export const DBGDRAR_64 = register64('DBGDRAR', 'p14 0 c1', 'C11.11', 'Debug ROM Address, LPAE', {
  access: 'RO',
});
export const DBGDSAR_64 = register64('DBGDSAR', 'p14 0 c2', 'C11.11', 'Debug Self Address Offset, LPAE', {
  access: 'RO',
});
export const DBGDSAR = register('DBGDSAR', 'p14 0 c2 c0 0', 'C11.11', 'Debug Self Address Offset', {
  access: 'RO',
  reset: 0,
});
export const TEECR = register('TEECR', 'p14 6 c0 c0 0', 'B4.1', 'ThumbEE Configuration', {
  bits: { XED: 0 },
  reset: 0,
  writable: 1,
});
export const TEEHBR = register('TEEHBR', 'p14 6 c1 c0 0', 'B4.1', 'ThumbEE Handler Base', {
  writable: 0xfffffffc,
  inert: { '*': 'there is no ThumbEE state' },
});
export const JIDR = register('JIDR', 'p14 7 c0 c0 0', 'A2.10.4', 'Jazelle ID', { access: 'RO', reset: 0 });
export const JOSCR = register('JOSCR', 'p14 7 c1 c0 0', 'A2.10.4', 'Jazelle OS Control', {
  bits: { CV: 1, CD: 0 },
  reset: 0,
  writable: 0,
});
export const JMCR = register('JMCR', 'p14 7 c2 c0 0', 'A2.10.4', 'Jazelle Main Configuration', {
  bits: { JE: 0 },
  reset: 0,
  writable: 0,
});
