/** The events that the performance monitors of a Cortex-A7 have, by name (DDI 0464F, chapter 11; DDI 0406C, C12.8). */
export const PERFORMANCE_EVENTS = {
  SW_INCR: 0x00,
  L1I_CACHE_REFILL: 0x01,
  L1I_TLB_REFILL: 0x02,
  L1D_CACHE_REFILL: 0x03,
  L1D_CACHE: 0x04,
  L1D_TLB_REFILL: 0x05,
  LD_RETIRED: 0x06,
  ST_RETIRED: 0x07,
  INST_RETIRED: 0x08,
  EXC_TAKEN: 0x09,
  EXC_RETURN: 0x0a,
  CID_WRITE_RETIRED: 0x0b,
  PC_WRITE_RETIRED: 0x0c,
  BR_IMMED_RETIRED: 0x0d,
  BR_RETURN_RETIRED: 0x0e,
  UNALIGNED_LDST_RETIRED: 0x0f,
  BR_MIS_PRED: 0x10,
  CPU_CYCLES: 0x11,
  BR_PRED: 0x12,
  MEM_ACCESS: 0x13,
  L1I_CACHE: 0x14,
  L1D_CACHE_WB: 0x15,
  L2D_CACHE: 0x16,
  L2D_CACHE_REFILL: 0x17,
  L2D_CACHE_WB: 0x18,
  BUS_ACCESS: 0x19,
  BUS_CYCLES: 0x1d,
  BUS_ACCESS_LD: 0x60,
  BUS_ACCESS_ST: 0x61,
  EXC_IRQ: 0x86,
  EXC_FIQ: 0x87,
} as const;

/** The first of the events that the processor alone has: external memory, linefills, snoops, stalls. */
export const FIRST_OWN_EVENT = 0xc0;
export const LAST_OWN_EVENT = 0xca;
