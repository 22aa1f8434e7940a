/** The system registers of the Cortex-A7: what reading and writing each does, and who may. */
import { MODE_HYP } from '../isa/program-status.js';
import * as R from '../isa/system-registers.js';
import type { SystemRegister, SystemRegister64 } from '../isa/system-registers.js';
import { setScr } from './exceptions.js';
import { addressTranslation } from './address-translation.js';
import { isSecure, modeOf } from './current-mode.js';
import { PSR_A, PSR_F, PSR_I } from './modes.js';
import type { Core, Machine, SystemBank } from './state.js';
import { MIDR_VALUE, now } from './state.js';
import { contextsChanged, currentVmid, invalidate, type Invalidation } from './tlb.js';
import { physicalCount, timerStatus, updateTimers, virtualCount } from './timers.js';

/** How a register is reached. */
export interface SystemAccess<Value extends number | bigint = number> {
  readonly read?: (m: Machine) => Value;
  readonly write?: (m: Machine, value: Value) => void;
  /** Whether User mode may; never if there is none. */
  readonly user?: (m: Machine, write: boolean) => boolean;
  /** Only Secure state; only Secure state may write; only Hyp mode (and Monitor mode). */
  readonly only?: 'secure' | 'secure-write' | 'hyp';
  /** Whether an access from Non-secure PL1 or PL0 goes to Hyp mode, beside HSTR. */
  readonly trap?: (m: Machine, write: boolean) => boolean;
}

/** By coprocessor, opc1, CRn, CRm, opc2. */
export const registers32 = new Map<string, SystemAccess>();
/** By coprocessor, opc1, CRm. */
export const registers64 = new Map<string, SystemAccess<bigint>>();

function define(register: SystemRegister, access: SystemAccess): void {
  const { coproc, opc1, CRn, CRm, opc2 } = register;
  registers32.set(`${coproc} ${opc1} ${CRn} ${CRm} ${opc2}`, access);
}
function define64(register: SystemRegister64, access: SystemAccess<bigint>): void {
  registers64.set(`${register.coproc} ${register.opc1} ${register.CRm}`, access);
}

const SCR_NS = 1 << R.SCR.bits.NS;

/** The copy that SCR.NS chooses, in Monitor mode too (B1.5.1, B3.15.3); Hyp mode sees the Non-secure one. */
function bank(m: Machine): SystemBank {
  return m.core.SCR & SCR_NS ? m.core.nonSecure : m.core.secure;
}

/** Names of fields that hold numbers. */
type Numbers<T> = { [K in keyof T]: T[K] extends number ? K : never }[keyof T];
type Bigints<T> = { [K in keyof T]: T[K] extends bigint ? K : never }[keyof T];
type Extra = Omit<SystemAccess, 'read' | 'write'>;

const constant = (value: number, extra: Extra = {}): SystemAccess => ({ read: () => value, ...extra });

/** A register both states have a copy of. */
function banked(name: Numbers<SystemBank>, mask = 0xffffffff, extra: Extra = {}): SystemAccess {
  return {
    read: (m) => bank(m)[name],
    write: (m, value) => {
      bank(m)[name] = (value & mask) >>> 0;
    },
    ...extra,
  };
}
/** One that decides translations. */
function bankedContext(name: Numbers<SystemBank>, mask = 0xffffffff): SystemAccess {
  return {
    read: (m) => bank(m)[name],
    write: (m, value) => {
      bank(m)[name] = (value & mask) >>> 0;
      contextsChanged(m);
    },
    trap: virtualMemory,
  };
}
/** A register there is one of. */
function common(name: Numbers<Core>, mask = 0xffffffff, extra: Extra = {}): SystemAccess {
  return {
    read: (m) => m.core[name],
    write: (m, value) => {
      (m.core as Record<Numbers<Core>, number>)[name] = (value & mask) >>> 0;
    },
    ...extra,
  };
}
const hyp = { only: 'hyp' } as const;
function hypContext(name: Numbers<Core>, mask = 0xffffffff): SystemAccess {
  return {
    read: (m) => m.core[name],
    write: (m, value) => {
      (m.core as Record<Numbers<Core>, number>)[name] = (value & mask) >>> 0;
      contextsChanged(m);
    },
    only: 'hyp',
  };
}

// Traps of HCR, HDCR and HCPTR (B1.14).
const hcr =
  (bit: keyof typeof R.HCR.bits) =>
  (m: Machine): boolean =>
    ((m.core.HCR >>> (R.HCR.bits[bit] as number)) & 1) === 1 && modeOf(m) !== 0x10;
/** HCR.TVM traps writes of the registers of virtual memory control. */
function virtualMemory(m: Machine, write: boolean): boolean {
  return write && hcr('TVM')(m);
}
const hdcr =
  (bit: 'TDRA' | 'TDOSA' | 'TDA') =>
  (m: Machine): boolean =>
    ((m.core.HDCR >>> R.HDCR.bits[bit]) & 1) === 1 || ((m.core.HDCR >>> R.HDCR.bits.TDE) & 1) === 1;

// --- identification (values of the Cortex-A7 TRM, DDI 0464 chapter 4) ---------------------------------------------

define(R.MIDR, {
  read: (m) => (isSecure(m) || modeOf(m) === MODE_HYP ? MIDR_VALUE : m.core.VPIDR),
});
define(R.MPIDR, {
  read: (m) => (isSecure(m) || modeOf(m) === MODE_HYP ? m.core.MPIDR : m.core.VMPIDR),
});
define(R.CTR, constant(0x84448003, { trap: hcr('TID2') }));
define(R.TCMTR, constant(0, { trap: hcr('TID1') }));
define(R.TLBTR, constant(0, { trap: hcr('TID1') }));
define(R.REVIDR, constant(0, { trap: hcr('TID1') }));
const features: readonly (readonly [SystemRegister, number])[] = [
  [R.ID_PFR0, 0x00001131],
  [R.ID_PFR1, 0x00011011],
  [R.ID_DFR0, 0x02010555],
  [R.ID_AFR0, 0],
  [R.ID_MMFR0, 0x10101105],
  [R.ID_MMFR1, 0x40000000],
  [R.ID_MMFR2, 0x01240000],
  [R.ID_MMFR3, 0x02102211],
  [R.ID_ISAR0, 0x02101110],
  [R.ID_ISAR1, 0x13112111],
  [R.ID_ISAR2, 0x21232041],
  [R.ID_ISAR3, 0x11112131],
  [R.ID_ISAR4, 0x10011142],
  [R.ID_ISAR5, 0],
];
for (const [register, value] of features) define(register, constant(value, { trap: hcr('TID3') }));
// The rest of the feature registers' space is reserved and reads as zero.
for (const [CRm, first] of [
  [2, 6],
  [3, 0],
  [4, 0],
  [5, 0],
  [6, 0],
  [7, 0],
] as const) {
  for (let opc2 = first; opc2 < 8; opc2++) {
    define({ ...R.ID_ISAR5, CRm, opc2 }, constant(0, { trap: hcr('TID3') }));
  }
}
// Other places of c0 read as MIDR (B3.17.1).
for (const opc2 of [4, 7]) {
  define({ ...R.MIDR, opc2 }, registers32.get('15 0 0 0 0')!);
}
/** Of the data cache (32 KiB), the instruction cache (32 KiB) and the level 2 cache (512 KiB). */
const CCSIDR_VALUES = [0x700fe01a, 0x203fe009, 0x707fe03a];
define(R.CCSIDR, { read: (m) => CCSIDR_VALUES[bank(m).CSSELR & 7] ?? 0, trap: hcr('TID2') });
define(R.CLIDR, constant(0x0a200023, { trap: hcr('TID2') }));
define(R.AIDR, constant(0, { trap: hcr('TID1') }));
define(R.CSSELR, banked('CSSELR', 0xf, { trap: hcr('TID2') }));
define(R.VPIDR, common('VPIDR', 0xffffffff, hyp));
define(R.VMPIDR, common('VMPIDR', 0xffffffff, hyp));

// --- control -------------------------------------------------------------------------------------------------------

/** What can be written of SCTLR and HSCTLR, and what is fixed at 1 (DDI 0464 4.3.27, B4.1.73). */
const SCTLR_WRITABLE = 0x72183427;
const SCTLR_ONES = 0x00c50858;
const HSCTLR_WRITABLE = 0x42081027;
const HSCTLR_ONES = 0x30c50818;
define(R.SCTLR, {
  read: (m) => bank(m).SCTLR,
  write: (m, value) => {
    bank(m).SCTLR = ((value & SCTLR_WRITABLE) | SCTLR_ONES) >>> 0;
    contextsChanged(m);
  },
  trap: virtualMemory,
});
define(R.ACTLR, {
  read: (m) => m.core.ACTLR,
  write: (m, value) => {
    const { core } = m;
    // Non-secure state writes nothing but SMP, and that only where NSACR lets it (DDI 0464 4.3.31).
    const smp = 1 << R.ACTLR.bits.SMP;
    if (isSecure(m)) core.ACTLR = value;
    else if ((core.NSACR >>> R.NSACR.bits.NS_SMP) & 1)
      core.ACTLR = ((core.ACTLR & ~smp) | (value & smp)) >>> 0;
  },
  trap: hcr('TAC'),
});
define(R.CPACR, {
  read: (m) => m.core.CPACR,
  write: (m, value) => {
    m.core.CPACR = (value & 0xc0f00000) >>> 0;
  },
  trap: (m) => m.core.HCPTR >>> 31 === 1,
});
define(R.SCR, {
  read: (m) => m.core.SCR,
  write: (m, value) => {
    setScr(m, value & 0x3ff);
  },
  only: 'secure',
});
define(R.SDER, common('SDER', 3, { only: 'secure' }));
define(R.NSACR, common('NSACR', 0x001fffff, { only: 'secure-write' }));
define(R.HSCTLR, {
  read: (m) => m.core.HSCTLR,
  write: (m, value) => {
    m.core.HSCTLR = ((value & HSCTLR_WRITABLE) | HSCTLR_ONES) >>> 0;
    contextsChanged(m);
  },
  only: 'hyp',
});
// Nothing in it on this core (DDI 0464 4.3).
define(R.HACTLR, common('HACTLR', 0, hyp));
define(R.HCR, hypContext('HCR', 0x0fffffff));
define(R.HDCR, common('HDCR', 0xfff, hyp));
// Coprocessors that are not there are always trapped: TCP0 to 9, 12, 13 are fixed at 1.
define(R.HCPTR, {
  read: (m) => m.core.HCPTR,
  write: (m, value) => {
    m.core.HCPTR = ((value & 0x80108c00) | 0x000033ff) >>> 0;
  },
  only: 'hyp',
});
define(R.HSTR, common('HSTR', 0x0003bfef, hyp));
define(R.HACR, common('HACR', 0, hyp));

// --- translation ---------------------------------------------------------------------------------------------------

define(R.TTBR0, bankedContext('TTBR0'));
define(R.TTBR1, bankedContext('TTBR1'));
define(R.TTBCR, bankedContext('TTBCR'));
define(R.DACR, bankedContext('DACR'));
define(R.HTCR, hypContext('HTCR'));
define(R.VTCR, hypContext('VTCR'));

const MASK32 = 0xffffffffn;
/** A 64-bit register kept as two words; the 32-bit view, if there is one, is the low word. */
function wide<Owner>(
  owner: (m: Machine) => Owner,
  low: Numbers<Owner>,
  high: Numbers<Owner>,
  extra: Omit<SystemAccess<bigint>, 'read' | 'write'>,
): SystemAccess<bigint> {
  type Fields = Record<Numbers<Owner>, number>;
  return {
    read: (m) => {
      const it = owner(m) as Fields;
      return (BigInt(it[high]) << 32n) | BigInt(it[low]);
    },
    write: (m, value) => {
      const it = owner(m) as Fields;
      it[low] = Number(value & MASK32);
      it[high] = Number(value >> 32n);
      contextsChanged(m);
    },
    ...extra,
  };
}
const core = (m: Machine): Core => m.core;
define64(R.TTBR0_64, wide(bank, 'TTBR0', 'TTBR0_HIGH', { trap: virtualMemory }));
define64(R.TTBR1_64, wide(bank, 'TTBR1', 'TTBR1_HIGH', { trap: virtualMemory }));
define64(R.HTTBR, wide(core, 'HTTBR', 'HTTBR_HIGH', hyp));
define64(R.VTTBR, wide(core, 'VTTBR', 'VTTBR_HIGH', hyp));
define64(R.PAR_64, wide(bank, 'PAR', 'PAR_HIGH', {}));
define(R.PAR, banked('PAR'));

define(R.PRRR, banked('MAIR0', 0xffffffff, { trap: virtualMemory }));
define(R.NMRR, banked('MAIR1', 0xffffffff, { trap: virtualMemory }));
define(R.AMAIR0, banked('AMAIR0', 0, { trap: virtualMemory }));
define(R.AMAIR1, banked('AMAIR1', 0, { trap: virtualMemory }));
define(R.HMAIR0, common('HMAIR0', 0xffffffff, hyp));
define(R.HMAIR1, common('HMAIR1', 0xffffffff, hyp));
define(R.HAMAIR0, common('HAMAIR0', 0, hyp));
define(R.HAMAIR1, common('HAMAIR1', 0, hyp));

// --- faults ----------------------------------------------------------------------------------------------------------

define(R.DFSR, banked('DFSR', 0xffffffff, { trap: virtualMemory }));
define(R.IFSR, banked('IFSR', 0xffffffff, { trap: virtualMemory }));
define(R.ADFSR, banked('ADFSR', 0, { trap: virtualMemory }));
define(R.AIFSR, banked('AIFSR', 0, { trap: virtualMemory }));
define(R.DFAR, banked('DFAR', 0xffffffff, { trap: virtualMemory }));
define(R.IFAR, banked('IFAR', 0xffffffff, { trap: virtualMemory }));
define(R.HADFSR, common('HADFSR', 0, hyp));
define(R.HAIFSR, common('HAIFSR', 0, hyp));
define(R.HSR, common('HSR', 0xffffffff, hyp));
define(R.HDFAR, common('HDFAR', 0xffffffff, hyp));
define(R.HIFAR, common('HIFAR', 0xffffffff, hyp));
define(R.HPFAR, common('HPFAR', 0xfffffff0, hyp));

// --- caches, barriers, TLB -------------------------------------------------------------------------------------------

const nothing = (): undefined => undefined;
const bySetWay = [R.DCISW, R.DCCSW, R.DCCISW];
for (const register of bySetWay) define(register, { write: nothing, trap: hcr('TSW') });
for (const register of [R.DCIMVAC, R.DCCMVAC, R.DCCIMVAC])
  define(register, { write: nothing, trap: hcr('TPC') });
for (const register of [R.ICIALLUIS, R.ICIALLU, R.ICIMVAU, R.DCCMVAU])
  define(register, { write: nothing, trap: hcr('TPU') });
for (const register of [R.BPIALLIS, R.BPIALL, R.BPIMVA]) define(register, { write: nothing });
// Barriers in their old form, which User mode may use as well.
for (const register of [R.CP15ISB, R.CP15DSB, R.CP15DMB])
  define(register, { write: nothing, user: () => true });
// c7 c0 4 was WFI once; it does nothing now (B3.18.6).
define({ ...R.CP15ISB, CRm: 0, opc2: 4 }, { write: nothing });

const HCR_FB = 1 << R.HCR.bits.FB;
/** TLB maintenance of the PL1&0 regime that is current. */
function maintenance(
  everywhere: boolean,
  which: (value: number) => Pick<Invalidation, 'asid' | 'address'>,
): SystemAccess {
  return {
    write: (m, value) => {
      const secure = isSecure(m);
      const forced = !secure && modeOf(m) !== MODE_HYP && (m.core.HCR & HCR_FB) !== 0;
      invalidate(m, {
        core: everywhere || forced ? undefined : m.core.index,
        regime: secure ? 'secure' : 'non-secure',
        ...(secure ? {} : { vmid: currentVmid(m.core) }),
        ...which(value),
      });
    },
    trap: hcr('TTLB'),
  };
}
const all = (): object => ({});
const byAsid = (value: number): { asid: number } => ({ asid: value & 0xff });
const byAddress = (value: number): { address: number } => ({ address: (value & 0xfffff000) >>> 0 });
const byBoth = (value: number): { asid: number; address: number } => ({
  ...byAsid(value),
  ...byAddress(value),
});
define(R.TLBIALLIS, maintenance(true, all));
define(R.TLBIMVAIS, maintenance(true, byBoth));
define(R.TLBIASIDIS, maintenance(true, byAsid));
define(R.TLBIMVAAIS, maintenance(true, byAddress));
for (const register of [R.TLBIALL, R.ITLBIALL, R.DTLBIALL]) define(register, maintenance(false, all));
for (const register of [R.TLBIMVA, R.ITLBIMVA, R.DTLBIMVA]) define(register, maintenance(false, byBoth));
for (const register of [R.TLBIASID, R.ITLBIASID, R.DTLBIASID]) define(register, maintenance(false, byAsid));
define(R.TLBIMVAA, maintenance(false, byAddress));
function hypMaintenance(
  everywhere: boolean,
  regime: 'hyp' | 'non-secure',
  which: (value: number) => object,
): SystemAccess {
  return {
    write: (m, value) => {
      invalidate(m, { core: everywhere ? undefined : m.core.index, regime, ...which(value) });
    },
    only: 'hyp',
  };
}
define(R.TLBIALLHIS, hypMaintenance(true, 'hyp', all));
define(R.TLBIMVAHIS, hypMaintenance(true, 'hyp', byAddress));
define(R.TLBIALLNSNHIS, hypMaintenance(true, 'non-secure', all));
define(R.TLBIALLH, hypMaintenance(false, 'hyp', all));
define(R.TLBIMVAH, hypMaintenance(false, 'hyp', byAddress));
define(R.TLBIALLNSNH, hypMaintenance(false, 'non-secure', all));

for (const [register, operation] of addressTranslation) define(register, operation);

// --- performance monitors --------------------------------------------------------------------------------------------

const userCounts = (m: Machine): boolean => (m.core.PMUSERENR & 1) === 1;
const pmu = {
  user: userCounts,
  trap: (m: Machine): boolean => ((m.core.HDCR >>> R.HDCR.bits.TPM) & 1) === 1,
} as const;
const COUNTERS = 0x8000000f;
const cyclesRun = (m: Machine): boolean => (m.core.PMCR & 1) === 1 && m.core.PMCNTEN >>> 31 === 1;
/** PMCCNTR now: one cycle an instruction, as virtual time is, or one for 64 (PMCR.D). */
function cycles(m: Machine): number {
  const { core: it } = m;
  if (!cyclesRun(m)) return it.PMCCNTR;
  const passed = now(m) - it.cyclesSince;
  return (it.PMCCNTR + (it.PMCR & 8 ? Math.floor(passed / 64) : passed)) % 2 ** 32;
}
/** Changes something the cycle counter depends on. */
function recount(m: Machine, change: () => void): void {
  m.core.PMCCNTR = cycles(m);
  m.core.cyclesSince = now(m);
  change();
}
define(R.PMCR, {
  read: (m) => m.core.PMCR,
  write: (m, value) => {
    recount(m, () => {
      const { core: it } = m;
      it.PMCR = ((it.PMCR & ~0x39) | (value & 0x39)) >>> 0;
      if (value & 2) it.PMXEVCNTR.fill(0);
      if (value & 4) it.PMCCNTR = 0;
    });
  },
  user: userCounts,
  trap: (m) => (m.core.HDCR & ((1 << R.HDCR.bits.TPM) | (1 << R.HDCR.bits.TPMCR))) !== 0,
});
define(R.PMCNTENSET, {
  read: (m) => m.core.PMCNTEN,
  write: (m, value) => {
    recount(m, () => {
      m.core.PMCNTEN = (m.core.PMCNTEN | (value & COUNTERS)) >>> 0;
    });
  },
  ...pmu,
});
define(R.PMCNTENCLR, {
  read: (m) => m.core.PMCNTEN,
  write: (m, value) => {
    recount(m, () => {
      m.core.PMCNTEN = (m.core.PMCNTEN & ~value) >>> 0;
    });
  },
  ...pmu,
});
define(R.PMOVSR, {
  read: (m) => m.core.PMOVS,
  write: (m, value) => {
    m.core.PMOVS = (m.core.PMOVS & ~value) >>> 0;
  },
  ...pmu,
});
define(R.PMOVSSET, {
  read: (m) => m.core.PMOVS,
  write: (m, value) => {
    m.core.PMOVS = (m.core.PMOVS | (value & COUNTERS)) >>> 0;
  },
  ...pmu,
});
define(R.PMSWINC, { write: nothing, ...pmu });
define(R.PMSELR, common('PMSELR', 0x1f, pmu));
// Which events can be counted: none but cycles.
define(R.PMCEID0, constant(0, pmu));
define(R.PMCEID1, constant(0, pmu));
define(R.PMCCNTR, {
  read: cycles,
  write: (m, value) => {
    recount(m, () => {
      m.core.PMCCNTR = value;
    });
  },
  ...pmu,
});
define(R.PMXEVTYPER, {
  read: (m) => m.core.PMXEVTYPER[m.core.PMSELR]!,
  write: (m, value) => {
    m.core.PMXEVTYPER[m.core.PMSELR] = value;
  },
  ...pmu,
});
define(R.PMXEVCNTR, {
  read: (m) => m.core.PMXEVCNTR[m.core.PMSELR]!,
  write: (m, value) => {
    m.core.PMXEVCNTR[m.core.PMSELR] = value;
  },
  ...pmu,
});
define(R.PMUSERENR, { ...common('PMUSERENR', 1), ...pmu, user: (_m, write) => !write });
define(R.PMINTENSET, {
  read: (m) => m.core.PMINTEN,
  write: (m, value) => {
    m.core.PMINTEN = (m.core.PMINTEN | (value & COUNTERS)) >>> 0;
  },
  ...pmu,
  user: () => false,
});
define(R.PMINTENCLR, {
  read: (m) => m.core.PMINTEN,
  write: (m, value) => {
    m.core.PMINTEN = (m.core.PMINTEN & ~value) >>> 0;
  },
  ...pmu,
  user: () => false,
});
define(R.L2CTLR, {
  read: (m) => ((m.core.L2CTLR & ~0x03000000) | ((m.cores.length - 1) << 24)) >>> 0,
  write: (m, value) => {
    m.core.L2CTLR = value;
  },
});
define(R.L2ECTLR, common('L2ECTLR'));
define(R.CBAR, constant(0));

// --- vectors, context --------------------------------------------------------------------------------------------------

define(R.VBAR, banked('VBAR', 0xffffffe0));
define(R.MVBAR, common('MVBAR', 0xffffffe0, { only: 'secure' }));
define(R.HVBAR, common('HVBAR', 0xffffffe0, hyp));
const [VI, VF, VA] = [1 << R.HCR.bits.VI, 1 << R.HCR.bits.VF, 1 << R.HCR.bits.VA];
define(R.ISR, {
  read: (m) => {
    const { core: it } = m;
    const guest = !isSecure(m) && modeOf(m) !== MODE_HYP;
    const virtual = (route: number, pending: number, physical: boolean): boolean =>
      guest && it.HCR & route ? (it.HCR & pending) !== 0 : physical;
    return (
      (virtual(1 << R.HCR.bits.IMO, VI, it.irq) ? PSR_I : 0) |
      (virtual(1 << R.HCR.bits.FMO, VF, it.fiq) ? PSR_F : 0) |
      (virtual(1 << R.HCR.bits.AMO, VA, false) ? PSR_A : 0)
    );
  },
});
define(R.FCSEIDR, banked('FCSEIDR', 0));
define(R.CONTEXTIDR, bankedContext('CONTEXTIDR'));
define(R.TPIDRURW, banked('TPIDRURW', 0xffffffff, { user: () => true }));
define(R.TPIDRURO, banked('TPIDRURO', 0xffffffff, { user: (_m, write) => !write }));
define(R.TPIDRPRW, banked('TPIDRPRW'));
define(R.HTPIDR, common('HTPIDR', 0xffffffff, hyp));

// --- generic timer -------------------------------------------------------------------------------------------------------

const kernelControl =
  (bit: keyof typeof R.CNTKCTL.bits) =>
  (m: Machine): boolean =>
    ((m.core.CNTKCTL >>> (R.CNTKCTL.bits[bit] as number)) & 1) === 1;
const MASK64 = (1n << 64n) - 1n;
const signed32 = (value: number): bigint => BigInt(value | 0);

function timersChanged(m: Machine): void {
  m.core.timerDeadline = updateTimers(m, m.core, now(m));
}

/** Physical timer registers of PL1: CNTHCTL.PL1PCEN lets PL1 and PL0 use them. */
const physicalTimer = {
  user: kernelControl('PL0PTEN'),
  trap: (m: Machine): boolean => !(m.core.CNTHCTL & 2),
} as const;
const virtualTimer = { user: kernelControl('PL0VTEN') } as const;

function timerRegisters<Owner>(
  registers: { tval: SystemRegister; ctl: SystemRegister; cval: SystemRegister64 },
  owner: (m: Machine) => Owner,
  ctl: Numbers<Owner>,
  cval: Bigints<Owner>,
  count: (m: Machine) => bigint,
  name: (m: Machine) => 'secure-physical' | 'physical' | 'hyp' | 'virtual',
  extra: Omit<SystemAccess, 'read' | 'write'>,
): void {
  const compare = (m: Machine): Record<Bigints<Owner>, bigint> =>
    owner(m) as unknown as Record<Bigints<Owner>, bigint>;
  const { user, trap, only } = extra;
  const shared = { ...(user ? { user } : {}), ...(trap ? { trap } : {}), ...(only ? { only } : {}) };
  define(registers.tval, {
    read: (m) => Number((compare(m)[cval] - count(m)) & MASK32),
    write: (m, value) => {
      compare(m)[cval] = (count(m) + signed32(value)) & MASK64;
      timersChanged(m);
    },
    ...shared,
  });
  define(registers.ctl, {
    read: (m) => timerStatus(m, m.core, name(m), now(m)),
    write: (m, value) => {
      (owner(m) as unknown as Record<Numbers<Owner>, number>)[ctl] = value & 3;
      timersChanged(m);
    },
    ...shared,
  });
  define64(registers.cval, {
    read: (m) => compare(m)[cval],
    write: (m, value) => {
      compare(m)[cval] = value;
      timersChanged(m);
    },
    ...shared,
  });
}
timerRegisters(
  { tval: R.CNTP_TVAL, ctl: R.CNTP_CTL, cval: R.CNTP_CVAL },
  bank,
  'CNTP_CTL',
  'CNTP_CVAL',
  physicalCount,
  (m) => (m.core.SCR & SCR_NS ? 'physical' : 'secure-physical'),
  physicalTimer,
);
timerRegisters(
  { tval: R.CNTV_TVAL, ctl: R.CNTV_CTL, cval: R.CNTV_CVAL },
  core,
  'CNTV_CTL',
  'CNTV_CVAL',
  virtualCount,
  () => 'virtual',
  virtualTimer,
);
timerRegisters(
  { tval: R.CNTHP_TVAL, ctl: R.CNTHP_CTL, cval: R.CNTHP_CVAL },
  core,
  'CNTHP_CTL',
  'CNTHP_CVAL',
  physicalCount,
  () => 'hyp',
  hyp,
);
define(R.CNTFRQ, {
  ...common('CNTFRQ'),
  only: 'secure-write',
  user: (m, write) => !write && (kernelControl('PL0PCTEN')(m) || kernelControl('PL0VCTEN')(m)),
});
define(R.CNTKCTL, common('CNTKCTL', 0x3ff));
define(R.CNTHCTL, common('CNTHCTL', 0xff, hyp));
define64(R.CNTPCT, {
  read: physicalCount,
  user: kernelControl('PL0PCTEN'),
  trap: (m) => !(m.core.CNTHCTL & 1),
});
define64(R.CNTVCT, { read: virtualCount, user: kernelControl('PL0VCTEN') });
define64(R.CNTVOFF, {
  read: (m) => m.core.CNTVOFF,
  write: (m, value) => {
    m.core.CNTVOFF = value;
    timersChanged(m);
  },
  only: 'hyp',
});

// --- debug, ThumbEE, Jazelle (CP14) ------------------------------------------------------------------------------------------

define(R.DBGDIDR, constant(0x3515f005, { trap: hdcr('TDA'), user: () => true }));
define(R.DBGDRAR, constant(0, { trap: hdcr('TDRA'), user: () => true }));
define(R.DBGDSAR, constant(0, { trap: hdcr('TDRA'), user: () => true }));
for (const CRm of [1, 2]) {
  registers64.set(`14 0 ${CRm}`, { read: () => 0n, trap: hdcr('TDRA'), user: () => true });
}
const debug = { trap: hdcr('TDA') } as const;
/** MDBGen and HDBGen are stored; nothing halts or breaks. */
define(R.DBGDSCR, { read: (m) => m.core.DBGDSCR, ...debug, user: () => true });
define({ ...R.DBGDSCR, CRm: 2, opc2: 2 }, common('DBGDSCR', 0x0000fc00, debug));
define(R.DBGVCR, common('DBGVCR', 0xffffffff, debug));
define(R.DBGPRCR, common('DBGPRCR', 1, { trap: hdcr('TDOSA') }));
// DBGPRSR: powered up.
define({ ...R.DBGPRCR, CRm: 5 }, constant(1, { trap: hdcr('TDOSA') }));
define(R.DBGOSLAR, {
  write: (m, value) => {
    m.core.osLock = value === 0xc5acce55;
  },
  trap: hdcr('TDOSA'),
});
define(R.DBGOSLSR, { read: (m) => 8 | (m.core.osLock ? 2 : 0), trap: hdcr('TDOSA') });
define(R.DBGOSDLR, common('DBGOSDLR', 1, { trap: hdcr('TDOSA') }));
/** Breakpoints and watchpoints are kept, and never hit. */
for (let n = 0; n < 16; n++) {
  for (let opc2 = 4; opc2 < 8; opc2++) {
    const slot = n * 4 + opc2 - 4;
    define(
      { ...R.DBGDIDR, CRm: n, opc2 },
      {
        read: (m) => m.core.DBGPOINTS[slot]!,
        write: (m, value) => {
          m.core.DBGPOINTS[slot] = value;
        },
        ...debug,
      },
    );
  }
}
const thumbEE = { trap: (m: Machine): boolean => ((m.core.HSTR >>> R.HSTR.bits.TTEE) & 1) === 1 } as const;
define(R.TEECR, common('TEECR', 1, { ...thumbEE, user: (_m, write) => !write }));
define(R.TEEHBR, common('TEEHBR', 0xfffffffc, { ...thumbEE, user: (m) => !(m.core.TEECR & 1) }));
const jazelle = {
  trap: (m: Machine): boolean => ((m.core.HSTR >>> R.HSTR.bits.TJDBX) & 1) === 1,
} as const;
define(R.JIDR, constant(0, { user: () => true, ...jazelle, trap: hcr('TID0') }));
// The trivial implementation of Jazelle: these read as zero and ignore writes (A2.10.2).
define(R.JOSCR, { read: () => 0, write: nothing, ...jazelle });
define(R.JMCR, { read: () => 0, write: nothing, user: () => true, ...jazelle });
