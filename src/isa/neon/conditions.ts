/** Conditions and sizes that many Advanced SIMD encodings share. */

/** Element sizes in a field of two bits. */
export const sizes8to16 = { 8: 'size == 0', 16: 'size == 1' } as const;
export const sizes8to32 = { 8: 'size == 0', 16: 'size == 1', 32: 'size == 2' } as const;
export const sizes16to32 = { 16: 'size == 1', 32: 'size == 2' } as const;
export const sizes8to64 = { ...sizes8to32, 64: 'size == 3' } as const;
/** The sizes of elements twice as wide as the field says. */
export const doubled16to64 = { 16: 'size == 0', 32: 'size == 1', 64: 'size == 2' } as const;

/** Element sizes by the highest 1 of L:imm6. */
export const shifted8to32 = { 8: 'imm6<5:3> == 1', 16: 'imm6<5:4> == 1', 32: 'imm6<5> == 1' } as const;
export const shifted8to64 = {
  8: 'L == 0 && imm6<5:3> == 1',
  16: 'L == 0 && imm6<5:4> == 1',
  32: 'L == 0 && imm6<5> == 1',
  64: 'L == 1',
} as const;
/** Q registers must have even numbers as D registers. */
export const oddQd = 'Q == 1 && Vd<0> == 1';
export const oddQdm = 'Q == 1 && (Vd<0> == 1 || Vm<0> == 1)';
export const oddQdn = 'Q == 1 && (Vd<0> == 1 || Vn<0> == 1)';
export const oddQdnm = 'Q == 1 && (Vd<0> == 1 || Vn<0> == 1 || Vm<0> == 1)';
