// What the vectors and the start call; compiled by scripts/build-hypervisor.ts.
export { trap, irq, fiq } from './traps/traps.js';
export { fault } from './traps/faults.js';
export { beginCore, prepare } from './start.js';
