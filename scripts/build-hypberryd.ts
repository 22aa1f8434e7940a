/** Compiles hypberryd's body, and translates it. Run by `npm run build` and before the tests. */
import * as L from '../src/hypberryd/shared/layout.js';
import { writeSources } from './lib/generated-sources.js';
import { hypberrydSources } from './lib/hypberryd-sources.js';
import { buildWasmModule, isNewer, writeModule } from './lib/wasm-module.js';

const WASM_PAGE = 0x1_0000;
const BODY = 'src/hypberryd/hypberryd-binary.ts';
const FILE = 'src/hypberryd/hypberryd-file.ts';

/** @throws HypberryError `assemblyscript.compile`, `translate.*` */
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
    output: BODY,
    constant: 'hypberrydBase64',
    script: import.meta.filename,
    memoryBase: L.DATA,
    // It is on each card, and its loops wait for the kernel.
    isSmall: true,
    hasTexts: true,
    // The compiler refuses static data that reach beyond it.
    initialPages: L.ARENA / WASM_PAGE,
  });
  const own = ['generated', 'shared', 'translate.ts'].map((it) => `src/hypberryd/${it}`);
  const translator = ['base', 'isa', 'wasm', 'translate'].map((it) => `src/${it}`);
  if (await isNewer(FILE, [...translator, ...own, BODY, 'scripts/build-hypberryd.ts'])) return;
  const { translateHypberryd } = await import('../src/hypberryd/translate.js');
  const { hypberrydBase64 } = await import('../src/hypberryd/hypberryd-binary.js');
  const file = translateHypberryd(Buffer.from(hypberrydBase64, 'base64'));
  const text = Buffer.from(file).toString('base64');
  await writeModule(FILE, import.meta.filename, { hypberrydFileBase64: `'${text}'` });
}

if (process.argv[1] === import.meta.filename) await buildHypberryd();
