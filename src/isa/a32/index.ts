import { compile } from '../encoding.js';
import { neon } from '../neon/index.js';
import { vfp } from '../vfp/index.js';
import { branches } from './branches.js';
import { coprocessor } from './coprocessor.js';
import { dataProcessing } from './data-processing.js';
import { loadStore } from './load-store.js';
import { multiplyMedia } from './multiply-media.js';
import { system } from './system.js';

/** Every A32 encoding. */
export const a32 = {
  ...dataProcessing,
  ...multiplyMedia,
  ...loadStore,
  ...branches,
  ...system,
  ...coprocessor,
  ...vfp,
  ...neon,
} as const;

/** The A32 encodings, compiled. */
export const a32Encodings = compile(a32);
