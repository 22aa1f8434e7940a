// What the vectors and the start call; compiled by scripts/build-hypervisor.ts.
export { trap, irq, fiq } from './traps';
export { fault } from './faults';
export { beginCore } from './start';
export { makeHypTables } from './stage2';
