/**
 * Where hypberryd is in its address space. Its body imports this file, too, so it holds nothing but constants. All of its
 * memory is here: nothing grows.
 */

/** Of the code, and of the body's static data: texts and tables. */
export const TEXT = 0x1_0000;
export const DATA = 0x2_0000;

/** What changes, zeros at the beginning: here the output's state, its buffer, and a path for the kernel. */
export const ARENA = 0x3_0000;
export const OUTPUT = ARENA;
export const OUTPUT_STATE_SIZE = 16;
export const OUTPUT_SIZE = 0x1000;
export const PATH = OUTPUT + OUTPUT_SIZE;
/** The longest that a kernel takes, its 0 included (Linux, include/uapi/linux/limits.h). */
export const PATH_SIZE = 0x1000;
export const END = PATH + PATH_SIZE;
