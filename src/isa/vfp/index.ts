import type { Table } from '../encoding.js';
import { vfpDataProcessing } from './data-processing.js';
import { vfpLoadStore } from './load-store.js';
import { vfpTransfers } from './transfers.js';

/** Every floating-point encoding, and those of register transfers that share its space, in A32. */
export const vfp = { ...vfpDataProcessing, ...vfpLoadStore, ...vfpTransfers } as const satisfies Table;
