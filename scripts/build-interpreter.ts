/** Compiles the interpreter of the built-in processor. Run by `npm run build` and before the tests. */
import { buildWasmModule } from './lib/wasm-module.js';

/** @throws HypberryError `assemblyscript.compile` */
export default async function buildInterpreter(): Promise<void> {
  await buildWasmModule({
    folder: 'src/cpu/interpreter',
    others: [
      ...['src/cpu/layout.ts', 'src/cpu/micro-ops.ts', 'src/cpu/event-kinds.ts'],
      ...['src/isa/psr-masks.ts', 'src/isa/fpscr-masks.ts'],
    ],
    output: 'src/cpu/interpreter-binary.ts',
    constant: 'interpreterBase64',
    script: import.meta.filename,
    // The memory is made by src/cpu, as large as the machine needs.
    initialPages: 1,
    simd: true,
    // Units that were translated are called through it.
    importTable: true,
  });
}

if (process.argv[1] === import.meta.filename) await buildInterpreter();
