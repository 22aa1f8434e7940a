/** Compiles hypberryd's body. Run by `npm run build` and before the tests. */
import * as L from '../src/hypberryd/shared/layout.js';
import { writeSources } from './lib/generated-sources.js';
import { hypberrydSources } from './lib/hypberryd-sources.js';
import { buildWasmModule } from './lib/wasm-module.js';

const WASM_PAGE = 0x1_0000;

/** @throws HypberryError `assemblyscript.compile` */
export default async function buildHypberryd(): Promise<void> {
  await writeSources(await hypberrydSources());
  await buildWasmModule({
    folder: 'src/hypberryd/body',
    others: [
      'src/hypberryd/shared/layout.ts',
      'src/hypberryd/shared/linux.ts',
      'src/channel/layout.ts',
      'src/channel/addresses.ts',
    ],
    output: 'src/hypberryd/hypberryd-binary.ts',
    constant: 'hypberrydBase64',
    script: import.meta.filename,
    memoryBase: L.DATA,
    // It is on each card, and its loops wait for the kernel.
    isSmall: true,
    hasTexts: true,
    // The compiler refuses static data that reach beyond it.
    initialPages: L.ARENA / WASM_PAGE,
  });
}

if (process.argv[1] === import.meta.filename) await buildHypberryd();
