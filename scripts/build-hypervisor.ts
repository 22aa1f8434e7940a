/** Compiles the hypervisor's body, and translates it. Run by `npm run build` and before the tests. */
import { writeSources } from './lib/generated-sources.js';
import { hypervisorSources } from './lib/hypervisor-sources.js';
import { buildWasmModule, isNewer, writeModule } from './lib/wasm-module.js';
import { translateHypervisor } from '../src/hypervisor/assembly/code.js';
import { makeRelocatable } from '../src/hypervisor/image/relocatable.js';

const BODY = 'src/hypervisor/hypervisor-binary.ts';
const CODE = 'src/hypervisor/hypervisor-code.ts';

/** @throws HypberryError `assemblyscript.compile`, `translate.*`, `hypervisor.relocation` */
export default async function buildHypervisor(): Promise<void> {
  await writeSources(hypervisorSources());
  await buildWasmModule({
    folder: 'src/hypervisor/body',
    others: ['src/hypervisor/shared/layout.ts'],
    output: BODY,
    constant: 'hypervisorBase64',
    script: import.meta.filename,
  });
  const translator = ['base', 'isa', 'wasm', 'translate', 'board', 'boot', 'channel'];
  const own = ['assembly', 'shared', 'image/relocatable.ts'].map((it) => `src/hypervisor/${it}`);
  const sources = [...translator.map((it) => `src/${it}`), ...own, BODY, 'scripts/build-hypervisor.ts'];
  if (await isNewer(CODE, sources)) return;
  const { hypervisorBase64 } = await import('../src/hypervisor/hypervisor-binary.js');
  const body = Buffer.from(hypervisorBase64, 'base64');
  const code = (diagnostics: boolean): string =>
    JSON.stringify(makeRelocatable((origin) => translateHypervisor(body, origin, diagnostics)));
  await writeModule(CODE, import.meta.filename, { plain: code(false), withDiagnostics: code(true) });
}

if (process.argv[1] === import.meta.filename) await buildHypervisor();
