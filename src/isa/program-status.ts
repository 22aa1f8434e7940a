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

export * from './psr-masks.js';
