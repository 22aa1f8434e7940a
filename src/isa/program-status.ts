/** The program status registers and processor modes (ARM ARM B1.3). */

/** The bits of CPSR and the SPSRs (B1.3.3), for `bits(PSR, { M: MODE_HYP, I: 1 })`. */
export const PSR = {
  name: 'PSR',
  bits: {
    N: 31,
    Z: 30,
    C: 29,
    V: 28,
    Q: 27,
    IT_1_0: [26, 25],
    J: 24,
    GE: [19, 16],
    IT_7_2: [15, 10],
    E: 9,
    A: 8,
    I: 7,
    F: 6,
    T: 5,
    M: [4, 0],
  },
} as const;

/** Processor modes, values of PSR.M (table B1-1). */
export const MODE_USR = 0x10;
export const MODE_FIQ = 0x11;
export const MODE_IRQ = 0x12;
export const MODE_SVC = 0x13;
export const MODE_MON = 0x16;
export const MODE_ABT = 0x17;
export const MODE_HYP = 0x1a;
export const MODE_UND = 0x1b;
export const MODE_SYS = 0x1f;
