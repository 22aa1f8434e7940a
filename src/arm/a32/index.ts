import { compile } from '../encoding.js';
import { branches } from './branches.js';
import { dataProcessing } from './data-processing.js';
import { loadStore } from './load-store.js';
import { system } from './system.js';

/** Every A32 encoding. */
export const a32 = { ...dataProcessing, ...loadStore, ...branches, ...system } as const;

/** The A32 encodings, compiled. */
export const a32Encodings = compile(a32);
