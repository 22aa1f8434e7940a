/** Exit statuses, those of hypberry: done; the answer is no; refused or failed. */
export const DONE: i32 = 0;
export const NO: i32 = 1;
export const FAILED: i32 = 2;
