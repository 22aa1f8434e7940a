import { compile } from '../encoding.js';
import { neonT32, vfpT32 } from '../extension-t32.js';
import { controlLoad } from './control-load.js';
import { coprocessor } from './coprocessor.js';
import { dataProcessing } from './data-processing.js';
import { multiplyMedia } from './multiply-media.js';
import { narrow } from './narrow.js';

/** Every T32 encoding; those of 32 bits have the first halfword on top. */
export const t32 = {
  ...narrow,
  ...dataProcessing,
  ...controlLoad,
  ...multiplyMedia,
  ...coprocessor,
  ...vfpT32,
  ...neonT32,
} as const;

/** The T32 encodings, compiled. */
export const t32Encodings = compile(t32);
