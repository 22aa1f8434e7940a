import { seed } from '../isa/generate.js';

/** Enough modules to reach every case of the translator, as coverage.test.ts finds out: always the same. */
const ALWAYS = Array.from({ length: 68 }, (_, i) => 2_015_000 + i);

/** Modules besides, by the run's seed: TRANSLATE_MODULES of them. */
const MORE = Number(process.env['TRANSLATE_MODULES'] ?? 0);

/** The numbers of the modules that are compared. */
export const numbers: readonly number[] = [
  ...ALWAYS,
  ...Array.from({ length: MORE }, (_, i) => seed * 1000 + 500 + i),
];
