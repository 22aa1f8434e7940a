/** Compiles the hypervisor's body. Run by `npm run build` and before the tests. */
import { writeSources } from './lib/generated-sources.js';
import { hypervisorSources } from './lib/hypervisor-sources.js';
import { buildWasmModule } from './lib/wasm-module.js';

/** @throws HypberryError `assemblyscript.compile` */
export default async function buildHypervisor(): Promise<void> {
  await writeSources(hypervisorSources());
  await buildWasmModule({
    folder: 'src/hypervisor/body',
    others: ['src/hypervisor/shared/layout.ts'],
    output: 'src/hypervisor/hypervisor-binary.ts',
    constant: 'hypervisorBase64',
    script: import.meta.filename,
  });
}

if (process.argv[1] === import.meta.filename) await buildHypervisor();
