/**
 * What AssemblyScript has no words for: each function here is a short sequence of instructions, done where it is
 * called, never merged, moved or left out. Made by scripts/intrinsics.ts; do not edit.
 */

export namespace mmio {
  /** Reads a byte of a device. */
  // @external('mmio', 'read8')
  export declare function read8(address: usize): u32;
  /** Reads a halfword of a device. */
  // @external('mmio', 'read16')
  export declare function read16(address: usize): u32;
  /** Reads a word of a device. */
  // @external('mmio', 'read32')
  export declare function read32(address: usize): u32;
  /** Writes a byte of a device. */
  // @external('mmio', 'write8')
  export declare function write8(address: usize, value: u32): void;
  /** Writes a halfword of a device. */
  // @external('mmio', 'write16')
  export declare function write16(address: usize, value: u32): void;
  /** Writes a word of a device. */
  // @external('mmio', 'write32')
  export declare function write32(address: usize, value: u32): void;
}

export namespace shared {
  /** Reads a byte that others change. */
  // @external('shared', 'load8')
  export declare function load8(address: usize): u32;
  /** Reads a halfword that others change. */
  // @external('shared', 'load16')
  export declare function load16(address: usize): u32;
  /** Reads a word that others change. */
  // @external('shared', 'load32')
  export declare function load32(address: usize): u32;
  /** Writes a byte that others change. */
  // @external('shared', 'store8')
  export declare function store8(address: usize, value: u32): void;
  /** Writes a halfword that others change. */
  // @external('shared', 'store16')
  export declare function store16(address: usize, value: u32): void;
  /** Writes a word that others change. */
  // @external('shared', 'store32')
  export declare function store32(address: usize, value: u32): void;
  /** Reads two words at once (LDRD: single-copy atomic with LPAE, A3.5.3). The address is a multiple of 8. */
  // @external('shared', 'load64')
  export declare function load64(address: usize): u64;
  /** Writes two words at once (STRD: single-copy atomic with LPAE, A3.5.3). The address is a multiple of 8. */
  // @external('shared', 'store64')
  export declare function store64(address: usize, value: u64): void;
}

export namespace atomic {
  /** Atomically adds to a word; gives what it was. */
  // @external('atomic', 'fetchAdd')
  export declare function fetchAdd(address: usize, value: u32): u32;
  /** Atomically ands into a word; gives what it was. */
  // @external('atomic', 'fetchAnd')
  export declare function fetchAnd(address: usize, value: u32): u32;
  /** Atomically ors into a word; gives what it was. */
  // @external('atomic', 'fetchOr')
  export declare function fetchOr(address: usize, value: u32): u32;
  /** Atomically exclusive-ors into a word; gives what it was. */
  // @external('atomic', 'fetchXor')
  export declare function fetchXor(address: usize, value: u32): u32;
  /** Atomically writes a word; gives what it was. */
  // @external('atomic', 'exchange')
  export declare function exchange(address: usize, value: u32): u32;
  /** Atomically writes a word where it is as expected; gives what it was. */
  // @external('atomic', 'compareExchange')
  export declare function compareExchange(address: usize, expected: u32, value: u32): u32;
}

export namespace barrier {
  /** Data synchronization barrier, whole system. */
  // @external('barrier', 'dsb')
  export declare function dsb(): void;
  /** Data synchronization barrier, inner shareable. */
  // @external('barrier', 'dsbIsh')
  export declare function dsbIsh(): void;
  /** Data synchronization barrier, inner shareable, for stores. */
  // @external('barrier', 'dsbIshst')
  export declare function dsbIshst(): void;
  /** Data memory barrier, whole system. */
  // @external('barrier', 'dmb')
  export declare function dmb(): void;
  /** Data memory barrier, inner shareable. */
  // @external('barrier', 'dmbIsh')
  export declare function dmbIsh(): void;
  /** Data memory barrier, inner shareable, for stores. */
  // @external('barrier', 'dmbIshst')
  export declare function dmbIshst(): void;
  /** Instruction synchronization barrier. */
  // @external('barrier', 'isb')
  export declare function isb(): void;
  /** Sends an event to all cores. */
  // @external('barrier', 'sev')
  export declare function sev(): void;
  /** Waits for an event. */
  // @external('barrier', 'wfe')
  export declare function wfe(): void;
  /** Waits for an interrupt. */
  // @external('barrier', 'wfi')
  export declare function wfi(): void;
  /** Clears the exclusive monitor. */
  // @external('barrier', 'clrex')
  export declare function clrex(): void;
}

export namespace word {
  /** The bits of a word in reverse. */
  // @external('word', 'rbit')
  export declare function rbit(value: u32): u32;
  /** The bytes of a word in reverse. */
  // @external('word', 'rev')
  export declare function rev(value: u32): u32;
}

export namespace psr {
  /** Reads CPSR. */
  // @external('psr', 'readCPSR')
  export declare function readCPSR(): u32;
  /** Masks A, I and F. */
  // @external('psr', 'disableInterrupts')
  export declare function disableInterrupts(): void;
  /** Unmasks A, I and F. */
  // @external('psr', 'enableInterrupts')
  export declare function enableInterrupts(): void;
}

export namespace ELR_hyp {
  /** Reads ELR_hyp. */
  // @external('psr', 'read ELR_hyp')
  export declare function read(): u32;
  /** Writes ELR_hyp. */
  // @external('psr', 'write ELR_hyp')
  export declare function write(value: u32): void;
}

export namespace SPSR_hyp {
  /** Reads SPSR_hyp. */
  // @external('psr', 'read SPSR_hyp')
  export declare function read(): u32;
  /** Writes SPSR_hyp. */
  // @external('psr', 'write SPSR_hyp')
  export declare function write(value: u32): void;
}

export namespace SP_hyp {
  /** Reads SP_hyp. */
  // @external('psr', 'read SP_hyp')
  export declare function read(): u32;
  /** Writes SP_hyp. */
  // @external('psr', 'write SP_hyp')
  export declare function write(value: u32): void;
}

export namespace SP_usr {
  /** Reads SP_usr. */
  // @external('psr', 'read SP_usr')
  export declare function read(): u32;
  /** Writes SP_usr. */
  // @external('psr', 'write SP_usr')
  export declare function write(value: u32): void;
}

export namespace LR_usr {
  /** Reads LR_usr. */
  // @external('psr', 'read LR_usr')
  export declare function read(): u32;
  /** Writes LR_usr. */
  // @external('psr', 'write LR_usr')
  export declare function write(value: u32): void;
}

export namespace SP_svc {
  /** Reads SP_svc. */
  // @external('psr', 'read SP_svc')
  export declare function read(): u32;
  /** Writes SP_svc. */
  // @external('psr', 'write SP_svc')
  export declare function write(value: u32): void;
}

export namespace LR_svc {
  /** Reads LR_svc. */
  // @external('psr', 'read LR_svc')
  export declare function read(): u32;
  /** Writes LR_svc. */
  // @external('psr', 'write LR_svc')
  export declare function write(value: u32): void;
}

export namespace SPSR_svc {
  /** Reads SPSR_svc. */
  // @external('psr', 'read SPSR_svc')
  export declare function read(): u32;
  /** Writes SPSR_svc. */
  // @external('psr', 'write SPSR_svc')
  export declare function write(value: u32): void;
}

export namespace SP_abt {
  /** Reads SP_abt. */
  // @external('psr', 'read SP_abt')
  export declare function read(): u32;
  /** Writes SP_abt. */
  // @external('psr', 'write SP_abt')
  export declare function write(value: u32): void;
}

export namespace LR_abt {
  /** Reads LR_abt. */
  // @external('psr', 'read LR_abt')
  export declare function read(): u32;
  /** Writes LR_abt. */
  // @external('psr', 'write LR_abt')
  export declare function write(value: u32): void;
}

export namespace SPSR_abt {
  /** Reads SPSR_abt. */
  // @external('psr', 'read SPSR_abt')
  export declare function read(): u32;
  /** Writes SPSR_abt. */
  // @external('psr', 'write SPSR_abt')
  export declare function write(value: u32): void;
}

export namespace SP_und {
  /** Reads SP_und. */
  // @external('psr', 'read SP_und')
  export declare function read(): u32;
  /** Writes SP_und. */
  // @external('psr', 'write SP_und')
  export declare function write(value: u32): void;
}

export namespace LR_und {
  /** Reads LR_und. */
  // @external('psr', 'read LR_und')
  export declare function read(): u32;
  /** Writes LR_und. */
  // @external('psr', 'write LR_und')
  export declare function write(value: u32): void;
}

export namespace SPSR_und {
  /** Reads SPSR_und. */
  // @external('psr', 'read SPSR_und')
  export declare function read(): u32;
  /** Writes SPSR_und. */
  // @external('psr', 'write SPSR_und')
  export declare function write(value: u32): void;
}

export namespace SP_irq {
  /** Reads SP_irq. */
  // @external('psr', 'read SP_irq')
  export declare function read(): u32;
  /** Writes SP_irq. */
  // @external('psr', 'write SP_irq')
  export declare function write(value: u32): void;
}

export namespace LR_irq {
  /** Reads LR_irq. */
  // @external('psr', 'read LR_irq')
  export declare function read(): u32;
  /** Writes LR_irq. */
  // @external('psr', 'write LR_irq')
  export declare function write(value: u32): void;
}

export namespace SPSR_irq {
  /** Reads SPSR_irq. */
  // @external('psr', 'read SPSR_irq')
  export declare function read(): u32;
  /** Writes SPSR_irq. */
  // @external('psr', 'write SPSR_irq')
  export declare function write(value: u32): void;
}

export namespace SP_fiq {
  /** Reads SP_fiq. */
  // @external('psr', 'read SP_fiq')
  export declare function read(): u32;
  /** Writes SP_fiq. */
  // @external('psr', 'write SP_fiq')
  export declare function write(value: u32): void;
}

export namespace LR_fiq {
  /** Reads LR_fiq. */
  // @external('psr', 'read LR_fiq')
  export declare function read(): u32;
  /** Writes LR_fiq. */
  // @external('psr', 'write LR_fiq')
  export declare function write(value: u32): void;
}

export namespace SPSR_fiq {
  /** Reads SPSR_fiq. */
  // @external('psr', 'read SPSR_fiq')
  export declare function read(): u32;
  /** Writes SPSR_fiq. */
  // @external('psr', 'write SPSR_fiq')
  export declare function write(value: u32): void;
}

export namespace R8_fiq {
  /** Reads R8_fiq. */
  // @external('psr', 'read R8_fiq')
  export declare function read(): u32;
  /** Writes R8_fiq. */
  // @external('psr', 'write R8_fiq')
  export declare function write(value: u32): void;
}

export namespace R9_fiq {
  /** Reads R9_fiq. */
  // @external('psr', 'read R9_fiq')
  export declare function read(): u32;
  /** Writes R9_fiq. */
  // @external('psr', 'write R9_fiq')
  export declare function write(value: u32): void;
}

export namespace R10_fiq {
  /** Reads R10_fiq. */
  // @external('psr', 'read R10_fiq')
  export declare function read(): u32;
  /** Writes R10_fiq. */
  // @external('psr', 'write R10_fiq')
  export declare function write(value: u32): void;
}

export namespace R11_fiq {
  /** Reads R11_fiq. */
  // @external('psr', 'read R11_fiq')
  export declare function read(): u32;
  /** Writes R11_fiq. */
  // @external('psr', 'write R11_fiq')
  export declare function write(value: u32): void;
}

export namespace R12_fiq {
  /** Reads R12_fiq. */
  // @external('psr', 'read R12_fiq')
  export declare function read(): u32;
  /** Writes R12_fiq. */
  // @external('psr', 'write R12_fiq')
  export declare function write(value: u32): void;
}

export namespace ACTLR {
  /** ACTLR: Auxiliary Control; the bits are those of Cortex-A7. */
  // @external('sysreg', 'read ACTLR')
  export declare function read(): u32;
  /** ACTLR: Auxiliary Control; the bits are those of Cortex-A7. */
  // @external('sysreg', 'write ACTLR')
  export declare function write(value: u32): void;
  export const DDI: u32 = 1 << 28;
  export const DDVM: u32 = 1 << 15;
  export const L1PCTL_SHIFT: u32 = 13;
  export const L1PCTL_MASK: u32 = 0x3;
  export const L1RADIS: u32 = 1 << 12;
  export const L2RADIS: u32 = 1 << 11;
  export const DODMBS: u32 = 1 << 10;
  export const SMP: u32 = 1 << 6;
}

export namespace ADFSR {
  /** ADFSR: Auxiliary Data Fault Status. */
  // @external('sysreg', 'read ADFSR')
  export declare function read(): u32;
  /** ADFSR: Auxiliary Data Fault Status. */
  // @external('sysreg', 'write ADFSR')
  export declare function write(value: u32): void;
}

export namespace AIDR {
  /** AIDR: Auxiliary ID. */
  // @external('sysreg', 'read AIDR')
  export declare function read(): u32;
}

export namespace AIFSR {
  /** AIFSR: Auxiliary Instruction Fault Status. */
  // @external('sysreg', 'read AIFSR')
  export declare function read(): u32;
  /** AIFSR: Auxiliary Instruction Fault Status. */
  // @external('sysreg', 'write AIFSR')
  export declare function write(value: u32): void;
}

export namespace AMAIR0 {
  /** AMAIR0: Auxiliary Memory Attributes 0. */
  // @external('sysreg', 'read AMAIR0')
  export declare function read(): u32;
  /** AMAIR0: Auxiliary Memory Attributes 0. */
  // @external('sysreg', 'write AMAIR0')
  export declare function write(value: u32): void;
}

export namespace AMAIR1 {
  /** AMAIR1: Auxiliary Memory Attributes 1. */
  // @external('sysreg', 'read AMAIR1')
  export declare function read(): u32;
  /** AMAIR1: Auxiliary Memory Attributes 1. */
  // @external('sysreg', 'write AMAIR1')
  export declare function write(value: u32): void;
}

export namespace ATS12NSOPR {
  /** ATS12NSOPR: Translate, both stages, PL1 read. */
  // @external('sysreg', 'write ATS12NSOPR')
  export declare function write(value: u32): void;
}

export namespace ATS12NSOPW {
  /** ATS12NSOPW: Translate, both stages, PL1 write. */
  // @external('sysreg', 'write ATS12NSOPW')
  export declare function write(value: u32): void;
}

export namespace ATS12NSOUR {
  /** ATS12NSOUR: Translate, both stages, PL0 read. */
  // @external('sysreg', 'write ATS12NSOUR')
  export declare function write(value: u32): void;
}

export namespace ATS12NSOUW {
  /** ATS12NSOUW: Translate, both stages, PL0 write. */
  // @external('sysreg', 'write ATS12NSOUW')
  export declare function write(value: u32): void;
}

export namespace ATS1CPR {
  /** ATS1CPR: Translate, stage 1, PL1 read. */
  // @external('sysreg', 'write ATS1CPR')
  export declare function write(value: u32): void;
}

export namespace ATS1CPW {
  /** ATS1CPW: Translate, stage 1, PL1 write. */
  // @external('sysreg', 'write ATS1CPW')
  export declare function write(value: u32): void;
}

export namespace ATS1CUR {
  /** ATS1CUR: Translate, stage 1, PL0 read. */
  // @external('sysreg', 'write ATS1CUR')
  export declare function write(value: u32): void;
}

export namespace ATS1CUW {
  /** ATS1CUW: Translate, stage 1, PL0 write. */
  // @external('sysreg', 'write ATS1CUW')
  export declare function write(value: u32): void;
}

export namespace ATS1HR {
  /** ATS1HR: Translate, Hyp mode read. */
  // @external('sysreg', 'write ATS1HR')
  export declare function write(value: u32): void;
}

export namespace ATS1HW {
  /** ATS1HW: Translate, Hyp mode write. */
  // @external('sysreg', 'write ATS1HW')
  export declare function write(value: u32): void;
}

export namespace BPIALL {
  /** BPIALL: Invalidate branch predictors. */
  // @external('sysreg', 'write BPIALL')
  export declare function write(value: u32): void;
}

export namespace BPIALLIS {
  /** BPIALLIS: Invalidate branch predictors, inner shareable. */
  // @external('sysreg', 'write BPIALLIS')
  export declare function write(value: u32): void;
}

export namespace BPIMVA {
  /** BPIMVA: Invalidate branch predictors by address. */
  // @external('sysreg', 'write BPIMVA')
  export declare function write(value: u32): void;
}

export namespace CBAR {
  /** CBAR: Configuration Base Address. */
  // @external('sysreg', 'read CBAR')
  export declare function read(): u32;
}

export namespace CCSIDR {
  /** CCSIDR: Cache Size ID, of the cache CSSELR selects. */
  // @external('sysreg', 'read CCSIDR')
  export declare function read(): u32;
  export const WT: u32 = 1 << 31;
  export const WB: u32 = 1 << 30;
  export const RA: u32 = 1 << 29;
  export const WA: u32 = 1 << 28;
  export const NumSets_SHIFT: u32 = 13;
  export const NumSets_MASK: u32 = 0x7fff;
  export const Associativity_SHIFT: u32 = 3;
  export const Associativity_MASK: u32 = 0x3ff;
  export const LineSize_SHIFT: u32 = 0;
  export const LineSize_MASK: u32 = 0x7;
}

export namespace CLIDR {
  /** CLIDR: Cache Level ID. */
  // @external('sysreg', 'read CLIDR')
  export declare function read(): u32;
  export const LoUU_SHIFT: u32 = 27;
  export const LoUU_MASK: u32 = 0x7;
  export const LoC_SHIFT: u32 = 24;
  export const LoC_MASK: u32 = 0x7;
  export const LoUIS_SHIFT: u32 = 21;
  export const LoUIS_MASK: u32 = 0x7;
  export const Ctype7_SHIFT: u32 = 18;
  export const Ctype7_MASK: u32 = 0x7;
  export const Ctype6_SHIFT: u32 = 15;
  export const Ctype6_MASK: u32 = 0x7;
  export const Ctype5_SHIFT: u32 = 12;
  export const Ctype5_MASK: u32 = 0x7;
  export const Ctype4_SHIFT: u32 = 9;
  export const Ctype4_MASK: u32 = 0x7;
  export const Ctype3_SHIFT: u32 = 6;
  export const Ctype3_MASK: u32 = 0x7;
  export const Ctype2_SHIFT: u32 = 3;
  export const Ctype2_MASK: u32 = 0x7;
  export const Ctype1_SHIFT: u32 = 0;
  export const Ctype1_MASK: u32 = 0x7;
}

export namespace CNTFRQ {
  /** CNTFRQ: Counter Frequency in Hz; writable in Secure PL1 only. */
  // @external('sysreg', 'read CNTFRQ')
  export declare function read(): u32;
  /** CNTFRQ: Counter Frequency in Hz; writable in Secure PL1 only. */
  // @external('sysreg', 'write CNTFRQ')
  export declare function write(value: u32): void;
}

export namespace CNTHCTL {
  /** CNTHCTL: Timer Hyp Control: what PL1 may use. */
  // @external('sysreg', 'read CNTHCTL')
  export declare function read(): u32;
  /** CNTHCTL: Timer Hyp Control: what PL1 may use. */
  // @external('sysreg', 'write CNTHCTL')
  export declare function write(value: u32): void;
  export const EVNTI_SHIFT: u32 = 4;
  export const EVNTI_MASK: u32 = 0xf;
  export const EVNTDIR: u32 = 1 << 3;
  export const EVNTEN: u32 = 1 << 2;
  export const PL1PCEN: u32 = 1 << 1;
  export const PL1PCTEN: u32 = 1 << 0;
}

export namespace CNTHP_CTL {
  /** CNTHP_CTL: Hyp Physical Timer Control. */
  // @external('sysreg', 'read CNTHP_CTL')
  export declare function read(): u32;
  /** CNTHP_CTL: Hyp Physical Timer Control. */
  // @external('sysreg', 'write CNTHP_CTL')
  export declare function write(value: u32): void;
  export const ISTATUS: u32 = 1 << 2;
  export const IMASK: u32 = 1 << 1;
  export const ENABLE: u32 = 1 << 0;
}

export namespace CNTHP_CVAL {
  /** CNTHP_CVAL: Hyp Physical Timer Compare Value. */
  // @external('sysreg', 'read CNTHP_CVAL')
  export declare function read(): u64;
  /** CNTHP_CVAL: Hyp Physical Timer Compare Value. */
  // @external('sysreg', 'write CNTHP_CVAL')
  export declare function write(value: u64): void;
}

export namespace CNTHP_TVAL {
  /** CNTHP_TVAL: Hyp Physical Timer value. */
  // @external('sysreg', 'read CNTHP_TVAL')
  export declare function read(): u32;
  /** CNTHP_TVAL: Hyp Physical Timer value. */
  // @external('sysreg', 'write CNTHP_TVAL')
  export declare function write(value: u32): void;
}

export namespace CNTKCTL {
  /** CNTKCTL: Timer PL1 Control: what user mode may use. */
  // @external('sysreg', 'read CNTKCTL')
  export declare function read(): u32;
  /** CNTKCTL: Timer PL1 Control: what user mode may use. */
  // @external('sysreg', 'write CNTKCTL')
  export declare function write(value: u32): void;
  export const PL0PTEN: u32 = 1 << 9;
  export const PL0VTEN: u32 = 1 << 8;
  export const EVNTI_SHIFT: u32 = 4;
  export const EVNTI_MASK: u32 = 0xf;
  export const EVNTDIR: u32 = 1 << 3;
  export const EVNTEN: u32 = 1 << 2;
  export const PL0VCTEN: u32 = 1 << 1;
  export const PL0PCTEN: u32 = 1 << 0;
}

export namespace CNTPCT {
  /** CNTPCT: Physical Count. */
  // @external('sysreg', 'read CNTPCT')
  export declare function read(): u64;
}

export namespace CNTP_CTL {
  /** CNTP_CTL: Physical Timer Control. */
  // @external('sysreg', 'read CNTP_CTL')
  export declare function read(): u32;
  /** CNTP_CTL: Physical Timer Control. */
  // @external('sysreg', 'write CNTP_CTL')
  export declare function write(value: u32): void;
  export const ISTATUS: u32 = 1 << 2;
  export const IMASK: u32 = 1 << 1;
  export const ENABLE: u32 = 1 << 0;
}

export namespace CNTP_CVAL {
  /** CNTP_CVAL: Physical Timer Compare Value. */
  // @external('sysreg', 'read CNTP_CVAL')
  export declare function read(): u64;
  /** CNTP_CVAL: Physical Timer Compare Value. */
  // @external('sysreg', 'write CNTP_CVAL')
  export declare function write(value: u64): void;
}

export namespace CNTP_TVAL {
  /** CNTP_TVAL: Physical Timer value. */
  // @external('sysreg', 'read CNTP_TVAL')
  export declare function read(): u32;
  /** CNTP_TVAL: Physical Timer value. */
  // @external('sysreg', 'write CNTP_TVAL')
  export declare function write(value: u32): void;
}

export namespace CNTVCT {
  /** CNTVCT: Virtual Count: CNTPCT less CNTVOFF. */
  // @external('sysreg', 'read CNTVCT')
  export declare function read(): u64;
}

export namespace CNTVOFF {
  /** CNTVOFF: Virtual Offset; Hyp mode and Monitor mode only. */
  // @external('sysreg', 'read CNTVOFF')
  export declare function read(): u64;
  /** CNTVOFF: Virtual Offset; Hyp mode and Monitor mode only. */
  // @external('sysreg', 'write CNTVOFF')
  export declare function write(value: u64): void;
}

export namespace CNTV_CTL {
  /** CNTV_CTL: Virtual Timer Control. */
  // @external('sysreg', 'read CNTV_CTL')
  export declare function read(): u32;
  /** CNTV_CTL: Virtual Timer Control. */
  // @external('sysreg', 'write CNTV_CTL')
  export declare function write(value: u32): void;
  export const ISTATUS: u32 = 1 << 2;
  export const IMASK: u32 = 1 << 1;
  export const ENABLE: u32 = 1 << 0;
}

export namespace CNTV_CVAL {
  /** CNTV_CVAL: Virtual Timer Compare Value. */
  // @external('sysreg', 'read CNTV_CVAL')
  export declare function read(): u64;
  /** CNTV_CVAL: Virtual Timer Compare Value. */
  // @external('sysreg', 'write CNTV_CVAL')
  export declare function write(value: u64): void;
}

export namespace CNTV_TVAL {
  /** CNTV_TVAL: Virtual Timer value. */
  // @external('sysreg', 'read CNTV_TVAL')
  export declare function read(): u32;
  /** CNTV_TVAL: Virtual Timer value. */
  // @external('sysreg', 'write CNTV_TVAL')
  export declare function write(value: u32): void;
}

export namespace CONTEXTIDR {
  /** CONTEXTIDR: Context ID. */
  // @external('sysreg', 'read CONTEXTIDR')
  export declare function read(): u32;
  /** CONTEXTIDR: Context ID. */
  // @external('sysreg', 'write CONTEXTIDR')
  export declare function write(value: u32): void;
  export const PROCID_SHIFT: u32 = 8;
  export const PROCID_MASK: u32 = 0xffffff;
  export const ASID_SHIFT: u32 = 0;
  export const ASID_MASK: u32 = 0xff;
}

export namespace CP15DMB {
  /** CP15DMB: Data memory barrier, old form. */
  // @external('sysreg', 'write CP15DMB')
  export declare function write(value: u32): void;
}

export namespace CP15DSB {
  /** CP15DSB: Data synchronization barrier, old form. */
  // @external('sysreg', 'write CP15DSB')
  export declare function write(value: u32): void;
}

export namespace CP15ISB {
  /** CP15ISB: Instruction barrier, old form. */
  // @external('sysreg', 'write CP15ISB')
  export declare function write(value: u32): void;
}

export namespace CPACR {
  /** CPACR: Coprocessor Access Control. */
  // @external('sysreg', 'read CPACR')
  export declare function read(): u32;
  /** CPACR: Coprocessor Access Control. */
  // @external('sysreg', 'write CPACR')
  export declare function write(value: u32): void;
  export const ASEDIS: u32 = 1 << 31;
  export const D32DIS: u32 = 1 << 30;
  export const TRCDIS: u32 = 1 << 28;
  export const cp11_SHIFT: u32 = 22;
  export const cp11_MASK: u32 = 0x3;
  export const cp10_SHIFT: u32 = 20;
  export const cp10_MASK: u32 = 0x3;
}

export namespace CSSELR {
  /** CSSELR: Cache Size Selection. */
  // @external('sysreg', 'read CSSELR')
  export declare function read(): u32;
  /** CSSELR: Cache Size Selection. */
  // @external('sysreg', 'write CSSELR')
  export declare function write(value: u32): void;
  export const Level_SHIFT: u32 = 1;
  export const Level_MASK: u32 = 0x7;
  export const InD: u32 = 1 << 0;
}

export namespace CTR {
  /** CTR: Cache Type: line sizes of the caches. */
  // @external('sysreg', 'read CTR')
  export declare function read(): u32;
  export const Format_SHIFT: u32 = 29;
  export const Format_MASK: u32 = 0x7;
  export const CWG_SHIFT: u32 = 24;
  export const CWG_MASK: u32 = 0xf;
  export const ERG_SHIFT: u32 = 20;
  export const ERG_MASK: u32 = 0xf;
  export const DminLine_SHIFT: u32 = 16;
  export const DminLine_MASK: u32 = 0xf;
  export const L1Ip_SHIFT: u32 = 14;
  export const L1Ip_MASK: u32 = 0x3;
  export const IminLine_SHIFT: u32 = 0;
  export const IminLine_MASK: u32 = 0xf;
}

export namespace DACR {
  /** DACR: Domain Access Control. */
  // @external('sysreg', 'read DACR')
  export declare function read(): u32;
  /** DACR: Domain Access Control. */
  // @external('sysreg', 'write DACR')
  export declare function write(value: u32): void;
}

export namespace DBGDIDR {
  /** DBGDIDR: Debug ID. */
  // @external('sysreg', 'read DBGDIDR')
  export declare function read(): u32;
  export const WRPs_SHIFT: u32 = 28;
  export const WRPs_MASK: u32 = 0xf;
  export const BRPs_SHIFT: u32 = 24;
  export const BRPs_MASK: u32 = 0xf;
  export const CTX_CMPs_SHIFT: u32 = 20;
  export const CTX_CMPs_MASK: u32 = 0xf;
  export const Version_SHIFT: u32 = 16;
  export const Version_MASK: u32 = 0xf;
  export const DEVID_imp: u32 = 1 << 15;
  export const nSUHD_imp: u32 = 1 << 14;
  export const PCSR_imp: u32 = 1 << 13;
  export const SE_imp: u32 = 1 << 12;
  export const Variant_SHIFT: u32 = 4;
  export const Variant_MASK: u32 = 0xf;
  export const Revision_SHIFT: u32 = 0;
  export const Revision_MASK: u32 = 0xf;
}

export namespace DBGDRAR {
  /** DBGDRAR: Debug ROM Address, LPAE. */
  // @external('sysreg', 'read DBGDRAR')
  export declare function read(): u64;
}

export namespace DBGDSAR {
  /** DBGDSAR: Debug Self Address Offset, LPAE. */
  // @external('sysreg', 'read DBGDSAR')
  export declare function read(): u64;
}

export namespace DBGDSCR {
  /** DBGDSCR: Debug Status and Control, internal view. */
  // @external('sysreg', 'read DBGDSCR')
  export declare function read(): u32;
  export const MDBGen: u32 = 1 << 15;
  export const HDBGen: u32 = 1 << 14;
  export const ITRen: u32 = 1 << 13;
  export const UDCCdis: u32 = 1 << 12;
  export const INTdis: u32 = 1 << 11;
  export const DBGack: u32 = 1 << 10;
  export const MOE_SHIFT: u32 = 2;
  export const MOE_MASK: u32 = 0xf;
}

export namespace DBGDSCRext {
  /** DBGDSCRext: Debug Status and Control, external view. */
  // @external('sysreg', 'read DBGDSCRext')
  export declare function read(): u32;
  /** DBGDSCRext: Debug Status and Control, external view. */
  // @external('sysreg', 'write DBGDSCRext')
  export declare function write(value: u32): void;
  export const MDBGen: u32 = 1 << 15;
  export const HDBGen: u32 = 1 << 14;
  export const ITRen: u32 = 1 << 13;
  export const UDCCdis: u32 = 1 << 12;
  export const INTdis: u32 = 1 << 11;
  export const DBGack: u32 = 1 << 10;
  export const MOE_SHIFT: u32 = 2;
  export const MOE_MASK: u32 = 0xf;
}

export namespace DBGOSDLR {
  /** DBGOSDLR: Debug OS Double Lock. */
  // @external('sysreg', 'read DBGOSDLR')
  export declare function read(): u32;
  /** DBGOSDLR: Debug OS Double Lock. */
  // @external('sysreg', 'write DBGOSDLR')
  export declare function write(value: u32): void;
  export const DLK: u32 = 1 << 0;
}

export namespace DBGOSLAR {
  /** DBGOSLAR: Debug OS Lock Access. */
  // @external('sysreg', 'write DBGOSLAR')
  export declare function write(value: u32): void;
}

export namespace DBGOSLSR {
  /** DBGOSLSR: Debug OS Lock Status. */
  // @external('sysreg', 'read DBGOSLSR')
  export declare function read(): u32;
}

export namespace DBGPRCR {
  /** DBGPRCR: Debug Powerdown and Reset Control. */
  // @external('sysreg', 'read DBGPRCR')
  export declare function read(): u32;
  /** DBGPRCR: Debug Powerdown and Reset Control. */
  // @external('sysreg', 'write DBGPRCR')
  export declare function write(value: u32): void;
  export const CORENPDRQ: u32 = 1 << 0;
}

export namespace DBGPRSR {
  /** DBGPRSR: Debug Powerdown and Reset Status. */
  // @external('sysreg', 'read DBGPRSR')
  export declare function read(): u32;
  export const PU: u32 = 1 << 0;
}

export namespace DBGVCR {
  /** DBGVCR: Debug Vector Catch. */
  // @external('sysreg', 'read DBGVCR')
  export declare function read(): u32;
  /** DBGVCR: Debug Vector Catch. */
  // @external('sysreg', 'write DBGVCR')
  export declare function write(value: u32): void;
}

export namespace DCCIMVAC {
  /** DCCIMVAC: Clean and invalidate data cache line by address. */
  // @external('sysreg', 'write DCCIMVAC')
  export declare function write(value: u32): void;
}

export namespace DCCISW {
  /** DCCISW: Clean and invalidate data cache line by set and way. */
  // @external('sysreg', 'write DCCISW')
  export declare function write(value: u32): void;
}

export namespace DCCMVAC {
  /** DCCMVAC: Clean data cache line by address to coherency. */
  // @external('sysreg', 'write DCCMVAC')
  export declare function write(value: u32): void;
}

export namespace DCCMVAU {
  /** DCCMVAU: Clean data cache line by address to unification. */
  // @external('sysreg', 'write DCCMVAU')
  export declare function write(value: u32): void;
}

export namespace DCCSW {
  /** DCCSW: Clean data cache line by set and way. */
  // @external('sysreg', 'write DCCSW')
  export declare function write(value: u32): void;
}

export namespace DCIMVAC {
  /** DCIMVAC: Invalidate data cache line by address. */
  // @external('sysreg', 'write DCIMVAC')
  export declare function write(value: u32): void;
}

export namespace DCISW {
  /** DCISW: Invalidate data cache line by set and way. */
  // @external('sysreg', 'write DCISW')
  export declare function write(value: u32): void;
}

export namespace DFAR {
  /** DFAR: Data Fault Address. */
  // @external('sysreg', 'read DFAR')
  export declare function read(): u32;
  /** DFAR: Data Fault Address. */
  // @external('sysreg', 'write DFAR')
  export declare function write(value: u32): void;
}

export namespace DFSR {
  /** DFSR: Data Fault Status. */
  // @external('sysreg', 'read DFSR')
  export declare function read(): u32;
  /** DFSR: Data Fault Status. */
  // @external('sysreg', 'write DFSR')
  export declare function write(value: u32): void;
  export const CM: u32 = 1 << 13;
  export const ExT: u32 = 1 << 12;
  export const WnR: u32 = 1 << 11;
  export const FS4: u32 = 1 << 10;
  export const LPAE: u32 = 1 << 9;
  export const Domain_SHIFT: u32 = 4;
  export const Domain_MASK: u32 = 0xf;
  export const FS_SHIFT: u32 = 0;
  export const FS_MASK: u32 = 0xf;
  export const STATUS_SHIFT: u32 = 0;
  export const STATUS_MASK: u32 = 0x3f;
}

export namespace DTLBIALL {
  /** DTLBIALL: Invalidate data TLB. */
  // @external('sysreg', 'write DTLBIALL')
  export declare function write(value: u32): void;
}

export namespace DTLBIASID {
  /** DTLBIASID: Invalidate data TLB by ASID. */
  // @external('sysreg', 'write DTLBIASID')
  export declare function write(value: u32): void;
}

export namespace DTLBIMVA {
  /** DTLBIMVA: Invalidate data TLB by address. */
  // @external('sysreg', 'write DTLBIMVA')
  export declare function write(value: u32): void;
}

export namespace FCSEIDR {
  /** FCSEIDR: FCSE Process ID. */
  // @external('sysreg', 'read FCSEIDR')
  export declare function read(): u32;
  /** FCSEIDR: FCSE Process ID. */
  // @external('sysreg', 'write FCSEIDR')
  export declare function write(value: u32): void;
}

export namespace HACR {
  /** HACR: Hyp Auxiliary Configuration. */
  // @external('sysreg', 'read HACR')
  export declare function read(): u32;
  /** HACR: Hyp Auxiliary Configuration. */
  // @external('sysreg', 'write HACR')
  export declare function write(value: u32): void;
}

export namespace HACTLR {
  /** HACTLR: Hyp Auxiliary Control. */
  // @external('sysreg', 'read HACTLR')
  export declare function read(): u32;
  /** HACTLR: Hyp Auxiliary Control. */
  // @external('sysreg', 'write HACTLR')
  export declare function write(value: u32): void;
}

export namespace HADFSR {
  /** HADFSR: Hyp Auxiliary Data Fault Status. */
  // @external('sysreg', 'read HADFSR')
  export declare function read(): u32;
  /** HADFSR: Hyp Auxiliary Data Fault Status. */
  // @external('sysreg', 'write HADFSR')
  export declare function write(value: u32): void;
}

export namespace HAIFSR {
  /** HAIFSR: Hyp Auxiliary Instruction Fault Status. */
  // @external('sysreg', 'read HAIFSR')
  export declare function read(): u32;
  /** HAIFSR: Hyp Auxiliary Instruction Fault Status. */
  // @external('sysreg', 'write HAIFSR')
  export declare function write(value: u32): void;
}

export namespace HAMAIR0 {
  /** HAMAIR0: Hyp Auxiliary Memory Attributes 0. */
  // @external('sysreg', 'read HAMAIR0')
  export declare function read(): u32;
  /** HAMAIR0: Hyp Auxiliary Memory Attributes 0. */
  // @external('sysreg', 'write HAMAIR0')
  export declare function write(value: u32): void;
}

export namespace HAMAIR1 {
  /** HAMAIR1: Hyp Auxiliary Memory Attributes 1. */
  // @external('sysreg', 'read HAMAIR1')
  export declare function read(): u32;
  /** HAMAIR1: Hyp Auxiliary Memory Attributes 1. */
  // @external('sysreg', 'write HAMAIR1')
  export declare function write(value: u32): void;
}

export namespace HCPTR {
  /** HCPTR: Hyp Coprocessor Trap. */
  // @external('sysreg', 'read HCPTR')
  export declare function read(): u32;
  /** HCPTR: Hyp Coprocessor Trap. */
  // @external('sysreg', 'write HCPTR')
  export declare function write(value: u32): void;
  export const TCPAC: u32 = 1 << 31;
  export const TTA: u32 = 1 << 20;
  export const TASE: u32 = 1 << 15;
  export const TCP11: u32 = 1 << 11;
  export const TCP10: u32 = 1 << 10;
}

export namespace HCR {
  /** HCR: Hyp Configuration. */
  // @external('sysreg', 'read HCR')
  export declare function read(): u32;
  /** HCR: Hyp Configuration. */
  // @external('sysreg', 'write HCR')
  export declare function write(value: u32): void;
  export const TGE: u32 = 1 << 27;
  export const TVM: u32 = 1 << 26;
  export const TTLB: u32 = 1 << 25;
  export const TPU: u32 = 1 << 24;
  export const TPC: u32 = 1 << 23;
  export const TSW: u32 = 1 << 22;
  export const TAC: u32 = 1 << 21;
  export const TIDCP: u32 = 1 << 20;
  export const TSC: u32 = 1 << 19;
  export const TID3: u32 = 1 << 18;
  export const TID2: u32 = 1 << 17;
  export const TID1: u32 = 1 << 16;
  export const TID0: u32 = 1 << 15;
  export const TWE: u32 = 1 << 14;
  export const TWI: u32 = 1 << 13;
  export const DC: u32 = 1 << 12;
  export const BSU_SHIFT: u32 = 10;
  export const BSU_MASK: u32 = 0x3;
  export const FB: u32 = 1 << 9;
  export const VA: u32 = 1 << 8;
  export const VI: u32 = 1 << 7;
  export const VF: u32 = 1 << 6;
  export const AMO: u32 = 1 << 5;
  export const IMO: u32 = 1 << 4;
  export const FMO: u32 = 1 << 3;
  export const PTW: u32 = 1 << 2;
  export const SWIO: u32 = 1 << 1;
  export const VM: u32 = 1 << 0;
}

export namespace HDCR {
  /** HDCR: Hyp Debug Configuration. */
  // @external('sysreg', 'read HDCR')
  export declare function read(): u32;
  /** HDCR: Hyp Debug Configuration. */
  // @external('sysreg', 'write HDCR')
  export declare function write(value: u32): void;
  export const TDRA: u32 = 1 << 11;
  export const TDOSA: u32 = 1 << 10;
  export const TDA: u32 = 1 << 9;
  export const TDE: u32 = 1 << 8;
  export const HPME: u32 = 1 << 7;
  export const TPM: u32 = 1 << 6;
  export const TPMCR: u32 = 1 << 5;
  export const HPMN_SHIFT: u32 = 0;
  export const HPMN_MASK: u32 = 0x1f;
}

export namespace HDFAR {
  /** HDFAR: Hyp Data Fault Address. */
  // @external('sysreg', 'read HDFAR')
  export declare function read(): u32;
  /** HDFAR: Hyp Data Fault Address. */
  // @external('sysreg', 'write HDFAR')
  export declare function write(value: u32): void;
}

export namespace HIFAR {
  /** HIFAR: Hyp Instruction Fault Address. */
  // @external('sysreg', 'read HIFAR')
  export declare function read(): u32;
  /** HIFAR: Hyp Instruction Fault Address. */
  // @external('sysreg', 'write HIFAR')
  export declare function write(value: u32): void;
}

export namespace HMAIR0 {
  /** HMAIR0: Hyp Memory Attributes 0. */
  // @external('sysreg', 'read HMAIR0')
  export declare function read(): u32;
  /** HMAIR0: Hyp Memory Attributes 0. */
  // @external('sysreg', 'write HMAIR0')
  export declare function write(value: u32): void;
}

export namespace HMAIR1 {
  /** HMAIR1: Hyp Memory Attributes 1. */
  // @external('sysreg', 'read HMAIR1')
  export declare function read(): u32;
  /** HMAIR1: Hyp Memory Attributes 1. */
  // @external('sysreg', 'write HMAIR1')
  export declare function write(value: u32): void;
}

export namespace HPFAR {
  /** HPFAR: Hyp IPA Fault Address. */
  // @external('sysreg', 'read HPFAR')
  export declare function read(): u32;
  /** HPFAR: Hyp IPA Fault Address. */
  // @external('sysreg', 'write HPFAR')
  export declare function write(value: u32): void;
  export const FIPA_SHIFT: u32 = 4;
  export const FIPA_MASK: u32 = 0xfffffff;
}

export namespace HSCTLR {
  /** HSCTLR: Hyp System Control. */
  // @external('sysreg', 'read HSCTLR')
  export declare function read(): u32;
  /** HSCTLR: Hyp System Control. */
  // @external('sysreg', 'write HSCTLR')
  export declare function write(value: u32): void;
  export const TE: u32 = 1 << 30;
  export const EE: u32 = 1 << 25;
  export const FI: u32 = 1 << 21;
  export const WXN: u32 = 1 << 19;
  export const I: u32 = 1 << 12;
  export const CP15BEN: u32 = 1 << 5;
  export const C: u32 = 1 << 2;
  export const A: u32 = 1 << 1;
  export const M: u32 = 1 << 0;
}

export namespace HSR {
  /** HSR: Hyp Syndrome: why Hyp mode was entered. */
  // @external('sysreg', 'read HSR')
  export declare function read(): u32;
  /** HSR: Hyp Syndrome: why Hyp mode was entered. */
  // @external('sysreg', 'write HSR')
  export declare function write(value: u32): void;
  export const EC_SHIFT: u32 = 26;
  export const EC_MASK: u32 = 0x3f;
  export const IL: u32 = 1 << 25;
  export const ISS_SHIFT: u32 = 0;
  export const ISS_MASK: u32 = 0x1ffffff;
}

export namespace HSTR {
  /** HSTR: Hyp System Trap. */
  // @external('sysreg', 'read HSTR')
  export declare function read(): u32;
  /** HSTR: Hyp System Trap. */
  // @external('sysreg', 'write HSTR')
  export declare function write(value: u32): void;
  export const TJDBX: u32 = 1 << 17;
  export const TTEE: u32 = 1 << 16;
  export const T15: u32 = 1 << 15;
  export const T13: u32 = 1 << 13;
  export const T12: u32 = 1 << 12;
  export const T11: u32 = 1 << 11;
  export const T10: u32 = 1 << 10;
  export const T9: u32 = 1 << 9;
  export const T8: u32 = 1 << 8;
  export const T7: u32 = 1 << 7;
  export const T6: u32 = 1 << 6;
  export const T5: u32 = 1 << 5;
  export const T3: u32 = 1 << 3;
  export const T2: u32 = 1 << 2;
  export const T1: u32 = 1 << 1;
  export const T0: u32 = 1 << 0;
}

export namespace HTCR {
  /** HTCR: Hyp Translation Control. */
  // @external('sysreg', 'read HTCR')
  export declare function read(): u32;
  /** HTCR: Hyp Translation Control. */
  // @external('sysreg', 'write HTCR')
  export declare function write(value: u32): void;
  export const SH0_SHIFT: u32 = 12;
  export const SH0_MASK: u32 = 0x3;
  export const ORGN0_SHIFT: u32 = 10;
  export const ORGN0_MASK: u32 = 0x3;
  export const IRGN0_SHIFT: u32 = 8;
  export const IRGN0_MASK: u32 = 0x3;
  export const T0SZ_SHIFT: u32 = 0;
  export const T0SZ_MASK: u32 = 0x7;
}

export namespace HTPIDR {
  /** HTPIDR: Hyp software thread ID. */
  // @external('sysreg', 'read HTPIDR')
  export declare function read(): u32;
  /** HTPIDR: Hyp software thread ID. */
  // @external('sysreg', 'write HTPIDR')
  export declare function write(value: u32): void;
}

export namespace HTTBR {
  /** HTTBR: Hyp Translation Table Base. */
  // @external('sysreg', 'read HTTBR')
  export declare function read(): u64;
  /** HTTBR: Hyp Translation Table Base. */
  // @external('sysreg', 'write HTTBR')
  export declare function write(value: u64): void;
  export const BADDR_SHIFT: u64 = 0;
  export const BADDR_MASK: u64 = 0xffffffffff;
}

export namespace HVBAR {
  /** HVBAR: Hyp Vector Base Address. */
  // @external('sysreg', 'read HVBAR')
  export declare function read(): u32;
  /** HVBAR: Hyp Vector Base Address. */
  // @external('sysreg', 'write HVBAR')
  export declare function write(value: u32): void;
}

export namespace ICIALLU {
  /** ICIALLU: Invalidate instruction caches. */
  // @external('sysreg', 'write ICIALLU')
  export declare function write(value: u32): void;
}

export namespace ICIALLUIS {
  /** ICIALLUIS: Invalidate instruction caches, inner shareable. */
  // @external('sysreg', 'write ICIALLUIS')
  export declare function write(value: u32): void;
}

export namespace ICIMVAU {
  /** ICIMVAU: Invalidate instruction cache by address. */
  // @external('sysreg', 'write ICIMVAU')
  export declare function write(value: u32): void;
}

export namespace ID_AFR0 {
  /** ID_AFR0: Auxiliary Features. */
  // @external('sysreg', 'read ID_AFR0')
  export declare function read(): u32;
}

export namespace ID_DFR0 {
  /** ID_DFR0: Debug Features. */
  // @external('sysreg', 'read ID_DFR0')
  export declare function read(): u32;
}

export namespace ID_ISAR0 {
  /** ID_ISAR0: Instruction Set Attributes. */
  // @external('sysreg', 'read ID_ISAR0')
  export declare function read(): u32;
}

export namespace ID_ISAR1 {
  /** ID_ISAR1: Instruction Set Attributes. */
  // @external('sysreg', 'read ID_ISAR1')
  export declare function read(): u32;
}

export namespace ID_ISAR2 {
  /** ID_ISAR2: Instruction Set Attributes. */
  // @external('sysreg', 'read ID_ISAR2')
  export declare function read(): u32;
}

export namespace ID_ISAR3 {
  /** ID_ISAR3: Instruction Set Attributes. */
  // @external('sysreg', 'read ID_ISAR3')
  export declare function read(): u32;
}

export namespace ID_ISAR4 {
  /** ID_ISAR4: Instruction Set Attributes. */
  // @external('sysreg', 'read ID_ISAR4')
  export declare function read(): u32;
}

export namespace ID_ISAR5 {
  /** ID_ISAR5: Instruction Set Attributes. */
  // @external('sysreg', 'read ID_ISAR5')
  export declare function read(): u32;
}

export namespace ID_MMFR0 {
  /** ID_MMFR0: Memory Model Features. */
  // @external('sysreg', 'read ID_MMFR0')
  export declare function read(): u32;
}

export namespace ID_MMFR1 {
  /** ID_MMFR1: Memory Model Features. */
  // @external('sysreg', 'read ID_MMFR1')
  export declare function read(): u32;
}

export namespace ID_MMFR2 {
  /** ID_MMFR2: Memory Model Features. */
  // @external('sysreg', 'read ID_MMFR2')
  export declare function read(): u32;
}

export namespace ID_MMFR3 {
  /** ID_MMFR3: Memory Model Features. */
  // @external('sysreg', 'read ID_MMFR3')
  export declare function read(): u32;
}

export namespace ID_PFR0 {
  /** ID_PFR0: Processor Features: instruction sets. */
  // @external('sysreg', 'read ID_PFR0')
  export declare function read(): u32;
  export const State3_SHIFT: u32 = 12;
  export const State3_MASK: u32 = 0xf;
  export const State2_SHIFT: u32 = 8;
  export const State2_MASK: u32 = 0xf;
  export const State1_SHIFT: u32 = 4;
  export const State1_MASK: u32 = 0xf;
  export const State0_SHIFT: u32 = 0;
  export const State0_MASK: u32 = 0xf;
}

export namespace ID_PFR1 {
  /** ID_PFR1: Processor Features: extensions. */
  // @external('sysreg', 'read ID_PFR1')
  export declare function read(): u32;
  export const GenericTimer_SHIFT: u32 = 16;
  export const GenericTimer_MASK: u32 = 0xf;
  export const Virtualization_SHIFT: u32 = 12;
  export const Virtualization_MASK: u32 = 0xf;
  export const MProfile_SHIFT: u32 = 8;
  export const MProfile_MASK: u32 = 0xf;
  export const Security_SHIFT: u32 = 4;
  export const Security_MASK: u32 = 0xf;
  export const ProgrammersModel_SHIFT: u32 = 0;
  export const ProgrammersModel_MASK: u32 = 0xf;
}

export namespace IFAR {
  /** IFAR: Instruction Fault Address. */
  // @external('sysreg', 'read IFAR')
  export declare function read(): u32;
  /** IFAR: Instruction Fault Address. */
  // @external('sysreg', 'write IFAR')
  export declare function write(value: u32): void;
}

export namespace IFSR {
  /** IFSR: Instruction Fault Status. */
  // @external('sysreg', 'read IFSR')
  export declare function read(): u32;
  /** IFSR: Instruction Fault Status. */
  // @external('sysreg', 'write IFSR')
  export declare function write(value: u32): void;
  export const ExT: u32 = 1 << 12;
  export const FS4: u32 = 1 << 10;
  export const LPAE: u32 = 1 << 9;
  export const FS_SHIFT: u32 = 0;
  export const FS_MASK: u32 = 0xf;
  export const STATUS_SHIFT: u32 = 0;
  export const STATUS_MASK: u32 = 0x3f;
}

export namespace ISR {
  /** ISR: Interrupt Status: what is pending. */
  // @external('sysreg', 'read ISR')
  export declare function read(): u32;
  export const A: u32 = 1 << 8;
  export const I: u32 = 1 << 7;
  export const F: u32 = 1 << 6;
}

export namespace ITLBIALL {
  /** ITLBIALL: Invalidate instruction TLB. */
  // @external('sysreg', 'write ITLBIALL')
  export declare function write(value: u32): void;
}

export namespace ITLBIASID {
  /** ITLBIASID: Invalidate instruction TLB by ASID. */
  // @external('sysreg', 'write ITLBIASID')
  export declare function write(value: u32): void;
}

export namespace ITLBIMVA {
  /** ITLBIMVA: Invalidate instruction TLB by address. */
  // @external('sysreg', 'write ITLBIMVA')
  export declare function write(value: u32): void;
}

export namespace JIDR {
  /** JIDR: Jazelle ID. */
  // @external('sysreg', 'read JIDR')
  export declare function read(): u32;
}

export namespace JMCR {
  /** JMCR: Jazelle Main Configuration. */
  // @external('sysreg', 'read JMCR')
  export declare function read(): u32;
  /** JMCR: Jazelle Main Configuration. */
  // @external('sysreg', 'write JMCR')
  export declare function write(value: u32): void;
  export const JE: u32 = 1 << 0;
}

export namespace JOSCR {
  /** JOSCR: Jazelle OS Control. */
  // @external('sysreg', 'read JOSCR')
  export declare function read(): u32;
  /** JOSCR: Jazelle OS Control. */
  // @external('sysreg', 'write JOSCR')
  export declare function write(value: u32): void;
  export const CV: u32 = 1 << 1;
  export const CD: u32 = 1 << 0;
}

export namespace L2CTLR {
  /** L2CTLR: L2 Control: the number of cores, less one. */
  // @external('sysreg', 'read L2CTLR')
  export declare function read(): u32;
  /** L2CTLR: L2 Control: the number of cores, less one. */
  // @external('sysreg', 'write L2CTLR')
  export declare function write(value: u32): void;
  export const Cores_SHIFT: u32 = 24;
  export const Cores_MASK: u32 = 0x3;
}

export namespace L2ECTLR {
  /** L2ECTLR: L2 Extended Control. */
  // @external('sysreg', 'read L2ECTLR')
  export declare function read(): u32;
  /** L2ECTLR: L2 Extended Control. */
  // @external('sysreg', 'write L2ECTLR')
  export declare function write(value: u32): void;
}

export namespace MAIR0 {
  /** MAIR0: Memory Attribute Indirection 0. */
  // @external('sysreg', 'read MAIR0')
  export declare function read(): u32;
  /** MAIR0: Memory Attribute Indirection 0. */
  // @external('sysreg', 'write MAIR0')
  export declare function write(value: u32): void;
}

export namespace MAIR1 {
  /** MAIR1: Memory Attribute Indirection 1. */
  // @external('sysreg', 'read MAIR1')
  export declare function read(): u32;
  /** MAIR1: Memory Attribute Indirection 1. */
  // @external('sysreg', 'write MAIR1')
  export declare function write(value: u32): void;
}

export namespace MIDR {
  /** MIDR: Main ID: implementer, part number, revision. */
  // @external('sysreg', 'read MIDR')
  export declare function read(): u32;
  export const Implementer_SHIFT: u32 = 24;
  export const Implementer_MASK: u32 = 0xff;
  export const Variant_SHIFT: u32 = 20;
  export const Variant_MASK: u32 = 0xf;
  export const Architecture_SHIFT: u32 = 16;
  export const Architecture_MASK: u32 = 0xf;
  export const PartNum_SHIFT: u32 = 4;
  export const PartNum_MASK: u32 = 0xfff;
  export const Revision_SHIFT: u32 = 0;
  export const Revision_MASK: u32 = 0xf;
}

export namespace MPIDR {
  /** MPIDR: Multiprocessor Affinity: which core this is. */
  // @external('sysreg', 'read MPIDR')
  export declare function read(): u32;
  export const Multiprocessing: u32 = 1 << 31;
  export const U: u32 = 1 << 30;
  export const MT: u32 = 1 << 24;
  export const Aff2_SHIFT: u32 = 16;
  export const Aff2_MASK: u32 = 0xff;
  export const Aff1_SHIFT: u32 = 8;
  export const Aff1_MASK: u32 = 0xff;
  export const Aff0_SHIFT: u32 = 0;
  export const Aff0_MASK: u32 = 0xff;
}

export namespace MVBAR {
  /** MVBAR: Monitor Vector Base Address. */
  // @external('sysreg', 'read MVBAR')
  export declare function read(): u32;
  /** MVBAR: Monitor Vector Base Address. */
  // @external('sysreg', 'write MVBAR')
  export declare function write(value: u32): void;
}

export namespace NMRR {
  /** NMRR: Normal Memory Remap. */
  // @external('sysreg', 'read NMRR')
  export declare function read(): u32;
  /** NMRR: Normal Memory Remap. */
  // @external('sysreg', 'write NMRR')
  export declare function write(value: u32): void;
}

export namespace NSACR {
  /** NSACR: Non-secure Access Control. */
  // @external('sysreg', 'read NSACR')
  export declare function read(): u32;
  /** NSACR: Non-secure Access Control. */
  // @external('sysreg', 'write NSACR')
  export declare function write(value: u32): void;
  export const NSTRCDIS: u32 = 1 << 20;
  export const NS_SMP: u32 = 1 << 18;
  export const RFR: u32 = 1 << 19;
  export const NSASEDIS: u32 = 1 << 15;
  export const NSD32DIS: u32 = 1 << 14;
  export const cp11: u32 = 1 << 11;
  export const cp10: u32 = 1 << 10;
}

export namespace PAR {
  /** PAR: Physical Address, LPAE. */
  // @external('sysreg', 'read PAR')
  export declare function read(): u64;
  /** PAR: Physical Address, LPAE. */
  // @external('sysreg', 'write PAR')
  export declare function write(value: u64): void;
  export const ATTR_SHIFT: u64 = 56;
  export const ATTR_MASK: u64 = 0xff;
  export const PA_SHIFT: u64 = 12;
  export const PA_MASK: u64 = 0xfffffff;
  export const LPAE: u64 = 1 << 11;
  export const NS: u64 = 1 << 9;
  export const SH_SHIFT: u64 = 7;
  export const SH_MASK: u64 = 0x3;
  export const F: u64 = 1 << 0;
}

export namespace PMCCNTR {
  /** PMCCNTR: Cycle Count. */
  // @external('sysreg', 'read PMCCNTR')
  export declare function read(): u32;
  /** PMCCNTR: Cycle Count. */
  // @external('sysreg', 'write PMCCNTR')
  export declare function write(value: u32): void;
}

export namespace PMCEID0 {
  /** PMCEID0: Common Event Identification. */
  // @external('sysreg', 'read PMCEID0')
  export declare function read(): u32;
}

export namespace PMCEID1 {
  /** PMCEID1: Common Event Identification. */
  // @external('sysreg', 'read PMCEID1')
  export declare function read(): u32;
}

export namespace PMCNTENCLR {
  /** PMCNTENCLR: Count Enable Clear. */
  // @external('sysreg', 'read PMCNTENCLR')
  export declare function read(): u32;
  /** PMCNTENCLR: Count Enable Clear. */
  // @external('sysreg', 'write PMCNTENCLR')
  export declare function write(value: u32): void;
  export const C: u32 = 1 << 31;
}

export namespace PMCNTENSET {
  /** PMCNTENSET: Count Enable Set. */
  // @external('sysreg', 'read PMCNTENSET')
  export declare function read(): u32;
  /** PMCNTENSET: Count Enable Set. */
  // @external('sysreg', 'write PMCNTENSET')
  export declare function write(value: u32): void;
  export const C: u32 = 1 << 31;
}

export namespace PMCR {
  /** PMCR: Performance Monitors Control. */
  // @external('sysreg', 'read PMCR')
  export declare function read(): u32;
  /** PMCR: Performance Monitors Control. */
  // @external('sysreg', 'write PMCR')
  export declare function write(value: u32): void;
  export const IMP_SHIFT: u32 = 24;
  export const IMP_MASK: u32 = 0xff;
  export const IDCODE_SHIFT: u32 = 16;
  export const IDCODE_MASK: u32 = 0xff;
  export const N_SHIFT: u32 = 11;
  export const N_MASK: u32 = 0x1f;
  export const DP: u32 = 1 << 5;
  export const X: u32 = 1 << 4;
  export const D: u32 = 1 << 3;
  export const C: u32 = 1 << 2;
  export const P: u32 = 1 << 1;
  export const E: u32 = 1 << 0;
}

export namespace PMINTENCLR {
  /** PMINTENCLR: Interrupt Enable Clear. */
  // @external('sysreg', 'read PMINTENCLR')
  export declare function read(): u32;
  /** PMINTENCLR: Interrupt Enable Clear. */
  // @external('sysreg', 'write PMINTENCLR')
  export declare function write(value: u32): void;
  export const C: u32 = 1 << 31;
}

export namespace PMINTENSET {
  /** PMINTENSET: Interrupt Enable Set. */
  // @external('sysreg', 'read PMINTENSET')
  export declare function read(): u32;
  /** PMINTENSET: Interrupt Enable Set. */
  // @external('sysreg', 'write PMINTENSET')
  export declare function write(value: u32): void;
  export const C: u32 = 1 << 31;
}

export namespace PMOVSR {
  /** PMOVSR: Overflow Flag Status. */
  // @external('sysreg', 'read PMOVSR')
  export declare function read(): u32;
  /** PMOVSR: Overflow Flag Status. */
  // @external('sysreg', 'write PMOVSR')
  export declare function write(value: u32): void;
  export const C: u32 = 1 << 31;
}

export namespace PMOVSSET {
  /** PMOVSSET: Overflow Flag Status Set. */
  // @external('sysreg', 'read PMOVSSET')
  export declare function read(): u32;
  /** PMOVSSET: Overflow Flag Status Set. */
  // @external('sysreg', 'write PMOVSSET')
  export declare function write(value: u32): void;
  export const C: u32 = 1 << 31;
}

export namespace PMSELR {
  /** PMSELR: Event Counter Selection. */
  // @external('sysreg', 'read PMSELR')
  export declare function read(): u32;
  /** PMSELR: Event Counter Selection. */
  // @external('sysreg', 'write PMSELR')
  export declare function write(value: u32): void;
  export const SEL_SHIFT: u32 = 0;
  export const SEL_MASK: u32 = 0x1f;
}

export namespace PMSWINC {
  /** PMSWINC: Software Increment. */
  // @external('sysreg', 'write PMSWINC')
  export declare function write(value: u32): void;
}

export namespace PMUSERENR {
  /** PMUSERENR: User Enable. */
  // @external('sysreg', 'read PMUSERENR')
  export declare function read(): u32;
  /** PMUSERENR: User Enable. */
  // @external('sysreg', 'write PMUSERENR')
  export declare function write(value: u32): void;
  export const EN: u32 = 1 << 0;
}

export namespace PMXEVCNTR {
  /** PMXEVCNTR: Event Count. */
  // @external('sysreg', 'read PMXEVCNTR')
  export declare function read(): u32;
  /** PMXEVCNTR: Event Count. */
  // @external('sysreg', 'write PMXEVCNTR')
  export declare function write(value: u32): void;
}

export namespace PMXEVTYPER {
  /** PMXEVTYPER: Event Type Select. */
  // @external('sysreg', 'read PMXEVTYPER')
  export declare function read(): u32;
  /** PMXEVTYPER: Event Type Select. */
  // @external('sysreg', 'write PMXEVTYPER')
  export declare function write(value: u32): void;
  export const P: u32 = 1 << 31;
  export const U: u32 = 1 << 30;
  export const NSK: u32 = 1 << 29;
  export const NSU: u32 = 1 << 28;
  export const NSH: u32 = 1 << 27;
  export const evtCount_SHIFT: u32 = 0;
  export const evtCount_MASK: u32 = 0xff;
}

export namespace PRRR {
  /** PRRR: Primary Region Remap. */
  // @external('sysreg', 'read PRRR')
  export declare function read(): u32;
  /** PRRR: Primary Region Remap. */
  // @external('sysreg', 'write PRRR')
  export declare function write(value: u32): void;
}

export namespace REVIDR {
  /** REVIDR: Revision ID. */
  // @external('sysreg', 'read REVIDR')
  export declare function read(): u32;
}

export namespace SCR {
  /** SCR: Secure Configuration. */
  // @external('sysreg', 'read SCR')
  export declare function read(): u32;
  /** SCR: Secure Configuration. */
  // @external('sysreg', 'write SCR')
  export declare function write(value: u32): void;
  export const SIF: u32 = 1 << 9;
  export const HCE: u32 = 1 << 8;
  export const SCD: u32 = 1 << 7;
  export const nET: u32 = 1 << 6;
  export const AW: u32 = 1 << 5;
  export const FW: u32 = 1 << 4;
  export const EA: u32 = 1 << 3;
  export const FIQ: u32 = 1 << 2;
  export const IRQ: u32 = 1 << 1;
  export const NS: u32 = 1 << 0;
}

export namespace SCTLR {
  /** SCTLR: System Control. */
  // @external('sysreg', 'read SCTLR')
  export declare function read(): u32;
  /** SCTLR: System Control. */
  // @external('sysreg', 'write SCTLR')
  export declare function write(value: u32): void;
  export const TE: u32 = 1 << 30;
  export const AFE: u32 = 1 << 29;
  export const TRE: u32 = 1 << 28;
  export const NMFI: u32 = 1 << 27;
  export const EE: u32 = 1 << 25;
  export const VE: u32 = 1 << 24;
  export const U: u32 = 1 << 22;
  export const FI: u32 = 1 << 21;
  export const UWXN: u32 = 1 << 20;
  export const WXN: u32 = 1 << 19;
  export const HA: u32 = 1 << 17;
  export const RR: u32 = 1 << 14;
  export const V: u32 = 1 << 13;
  export const I: u32 = 1 << 12;
  export const Z: u32 = 1 << 11;
  export const SW: u32 = 1 << 10;
  export const B: u32 = 1 << 7;
  export const CP15BEN: u32 = 1 << 5;
  export const C: u32 = 1 << 2;
  export const A: u32 = 1 << 1;
  export const M: u32 = 1 << 0;
}

export namespace SDER {
  /** SDER: Secure Debug Enable. */
  // @external('sysreg', 'read SDER')
  export declare function read(): u32;
  /** SDER: Secure Debug Enable. */
  // @external('sysreg', 'write SDER')
  export declare function write(value: u32): void;
  export const SUNIDEN: u32 = 1 << 1;
  export const SUIDEN: u32 = 1 << 0;
}

export namespace TCMTR {
  /** TCMTR: TCM Type. */
  // @external('sysreg', 'read TCMTR')
  export declare function read(): u32;
}

export namespace TEECR {
  /** TEECR: ThumbEE Configuration. */
  // @external('sysreg', 'read TEECR')
  export declare function read(): u32;
  /** TEECR: ThumbEE Configuration. */
  // @external('sysreg', 'write TEECR')
  export declare function write(value: u32): void;
  export const XED: u32 = 1 << 0;
}

export namespace TEEHBR {
  /** TEEHBR: ThumbEE Handler Base. */
  // @external('sysreg', 'read TEEHBR')
  export declare function read(): u32;
  /** TEEHBR: ThumbEE Handler Base. */
  // @external('sysreg', 'write TEEHBR')
  export declare function write(value: u32): void;
}

export namespace TLBIALL {
  /** TLBIALL: Invalidate TLB. */
  // @external('sysreg', 'write TLBIALL')
  export declare function write(value: u32): void;
}

export namespace TLBIALLH {
  /** TLBIALLH: Invalidate Hyp TLB. */
  // @external('sysreg', 'write TLBIALLH')
  export declare function write(value: u32): void;
}

export namespace TLBIALLHIS {
  /** TLBIALLHIS: Invalidate Hyp TLB, inner shareable. */
  // @external('sysreg', 'write TLBIALLHIS')
  export declare function write(value: u32): void;
}

export namespace TLBIALLIS {
  /** TLBIALLIS: Invalidate TLB, inner shareable. */
  // @external('sysreg', 'write TLBIALLIS')
  export declare function write(value: u32): void;
}

export namespace TLBIALLNSNH {
  /** TLBIALLNSNH: Invalidate Non-secure non-Hyp TLB. */
  // @external('sysreg', 'write TLBIALLNSNH')
  export declare function write(value: u32): void;
}

export namespace TLBIALLNSNHIS {
  /** TLBIALLNSNHIS: Invalidate Non-secure non-Hyp TLB, inner shareable. */
  // @external('sysreg', 'write TLBIALLNSNHIS')
  export declare function write(value: u32): void;
}

export namespace TLBIASID {
  /** TLBIASID: Invalidate TLB by ASID. */
  // @external('sysreg', 'write TLBIASID')
  export declare function write(value: u32): void;
}

export namespace TLBIASIDIS {
  /** TLBIASIDIS: Invalidate by ASID, inner shareable. */
  // @external('sysreg', 'write TLBIASIDIS')
  export declare function write(value: u32): void;
}

export namespace TLBIMVA {
  /** TLBIMVA: Invalidate TLB by address and ASID. */
  // @external('sysreg', 'write TLBIMVA')
  export declare function write(value: u32): void;
}

export namespace TLBIMVAA {
  /** TLBIMVAA: Invalidate TLB by address, any ASID. */
  // @external('sysreg', 'write TLBIMVAA')
  export declare function write(value: u32): void;
}

export namespace TLBIMVAAIS {
  /** TLBIMVAAIS: Invalidate by address, inner shareable. */
  // @external('sysreg', 'write TLBIMVAAIS')
  export declare function write(value: u32): void;
}

export namespace TLBIMVAH {
  /** TLBIMVAH: Invalidate Hyp TLB by address. */
  // @external('sysreg', 'write TLBIMVAH')
  export declare function write(value: u32): void;
}

export namespace TLBIMVAHIS {
  /** TLBIMVAHIS: Invalidate Hyp TLB by address, inner shareable. */
  // @external('sysreg', 'write TLBIMVAHIS')
  export declare function write(value: u32): void;
}

export namespace TLBIMVAIS {
  /** TLBIMVAIS: Invalidate by address and ASID, inner shareable. */
  // @external('sysreg', 'write TLBIMVAIS')
  export declare function write(value: u32): void;
}

export namespace TLBTR {
  /** TLBTR: TLB Type. */
  // @external('sysreg', 'read TLBTR')
  export declare function read(): u32;
  export const nU: u32 = 1 << 0;
}

export namespace TPIDRPRW {
  /** TPIDRPRW: Software thread ID, PL1 only. */
  // @external('sysreg', 'read TPIDRPRW')
  export declare function read(): u32;
  /** TPIDRPRW: Software thread ID, PL1 only. */
  // @external('sysreg', 'write TPIDRPRW')
  export declare function write(value: u32): void;
}

export namespace TPIDRURO {
  /** TPIDRURO: Software thread ID, user read-only. */
  // @external('sysreg', 'read TPIDRURO')
  export declare function read(): u32;
  /** TPIDRURO: Software thread ID, user read-only. */
  // @external('sysreg', 'write TPIDRURO')
  export declare function write(value: u32): void;
}

export namespace TPIDRURW {
  /** TPIDRURW: Software thread ID, user read and write. */
  // @external('sysreg', 'read TPIDRURW')
  export declare function read(): u32;
  /** TPIDRURW: Software thread ID, user read and write. */
  // @external('sysreg', 'write TPIDRURW')
  export declare function write(value: u32): void;
}

export namespace TTBCR {
  /** TTBCR: Translation Table Base Control. */
  // @external('sysreg', 'read TTBCR')
  export declare function read(): u32;
  /** TTBCR: Translation Table Base Control. */
  // @external('sysreg', 'write TTBCR')
  export declare function write(value: u32): void;
  export const EAE: u32 = 1 << 31;
  export const SH1_SHIFT: u32 = 28;
  export const SH1_MASK: u32 = 0x3;
  export const ORGN1_SHIFT: u32 = 26;
  export const ORGN1_MASK: u32 = 0x3;
  export const IRGN1_SHIFT: u32 = 24;
  export const IRGN1_MASK: u32 = 0x3;
  export const EPD1: u32 = 1 << 23;
  export const A1: u32 = 1 << 22;
  export const T1SZ_SHIFT: u32 = 16;
  export const T1SZ_MASK: u32 = 0x7;
  export const SH0_SHIFT: u32 = 12;
  export const SH0_MASK: u32 = 0x3;
  export const ORGN0_SHIFT: u32 = 10;
  export const ORGN0_MASK: u32 = 0x3;
  export const IRGN0_SHIFT: u32 = 8;
  export const IRGN0_MASK: u32 = 0x3;
  export const EPD0: u32 = 1 << 7;
  export const PD1: u32 = 1 << 5;
  export const PD0: u32 = 1 << 4;
  export const N_SHIFT: u32 = 0;
  export const N_MASK: u32 = 0x7;
  export const T0SZ_SHIFT: u32 = 0;
  export const T0SZ_MASK: u32 = 0x7;
}

export namespace TTBR0 {
  /** TTBR0: Translation Table Base 0, LPAE. */
  // @external('sysreg', 'read TTBR0')
  export declare function read(): u64;
  /** TTBR0: Translation Table Base 0, LPAE. */
  // @external('sysreg', 'write TTBR0')
  export declare function write(value: u64): void;
  export const ASID_SHIFT: u64 = 48;
  export const ASID_MASK: u64 = 0xff;
  export const BADDR_SHIFT: u64 = 0;
  export const BADDR_MASK: u64 = 0xffffffffff;
}

export namespace TTBR1 {
  /** TTBR1: Translation Table Base 1, LPAE. */
  // @external('sysreg', 'read TTBR1')
  export declare function read(): u64;
  /** TTBR1: Translation Table Base 1, LPAE. */
  // @external('sysreg', 'write TTBR1')
  export declare function write(value: u64): void;
  export const ASID_SHIFT: u64 = 48;
  export const ASID_MASK: u64 = 0xff;
  export const BADDR_SHIFT: u64 = 0;
  export const BADDR_MASK: u64 = 0xffffffffff;
}

export namespace VBAR {
  /** VBAR: Vector Base Address. */
  // @external('sysreg', 'read VBAR')
  export declare function read(): u32;
  /** VBAR: Vector Base Address. */
  // @external('sysreg', 'write VBAR')
  export declare function write(value: u32): void;
}

export namespace VMPIDR {
  /** VMPIDR: Virtualization Multiprocessor ID: MPIDR for PL1. */
  // @external('sysreg', 'read VMPIDR')
  export declare function read(): u32;
  /** VMPIDR: Virtualization Multiprocessor ID: MPIDR for PL1. */
  // @external('sysreg', 'write VMPIDR')
  export declare function write(value: u32): void;
}

export namespace VPIDR {
  /** VPIDR: Virtualization Processor ID: MIDR for PL1. */
  // @external('sysreg', 'read VPIDR')
  export declare function read(): u32;
  /** VPIDR: Virtualization Processor ID: MIDR for PL1. */
  // @external('sysreg', 'write VPIDR')
  export declare function write(value: u32): void;
}

export namespace VTCR {
  /** VTCR: Virtualization Translation Control: stage 2. */
  // @external('sysreg', 'read VTCR')
  export declare function read(): u32;
  /** VTCR: Virtualization Translation Control: stage 2. */
  // @external('sysreg', 'write VTCR')
  export declare function write(value: u32): void;
  export const SH0_SHIFT: u32 = 12;
  export const SH0_MASK: u32 = 0x3;
  export const ORGN0_SHIFT: u32 = 10;
  export const ORGN0_MASK: u32 = 0x3;
  export const IRGN0_SHIFT: u32 = 8;
  export const IRGN0_MASK: u32 = 0x3;
  export const SL0_SHIFT: u32 = 6;
  export const SL0_MASK: u32 = 0x3;
  export const S: u32 = 1 << 4;
  export const T0SZ_SHIFT: u32 = 0;
  export const T0SZ_MASK: u32 = 0xf;
}

export namespace VTTBR {
  /** VTTBR: Virtualization Translation Table Base: stage 2. */
  // @external('sysreg', 'read VTTBR')
  export declare function read(): u64;
  /** VTTBR: Virtualization Translation Table Base: stage 2. */
  // @external('sysreg', 'write VTTBR')
  export declare function write(value: u64): void;
  export const VMID_SHIFT: u64 = 48;
  export const VMID_MASK: u64 = 0xff;
  export const BADDR_SHIFT: u64 = 0;
  export const BADDR_MASK: u64 = 0xffffffffff;
}
