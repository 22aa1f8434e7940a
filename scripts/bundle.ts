/** Makes what the package ships out of src: one file a command and what they share, all that they import in it; and hypberryd. */
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';
import { hypberrydFile, HYPBERRYD_FILE, HYPBERRYD_LIMIT } from '../src/hypberryd/program.js';
import { reportErrors } from './lib/report.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const OUT = 'dist';

/** The folder of the package that a module is of; undefined for our own. */
function packageOf(id: string): string | undefined {
  return /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
}

/** js-fatfs looks for its WebAssembly beside the file that its code is in. */
const fatFsBeside: Plugin = {
  name: 'fatfs-beside',
  async generateBundle() {
    const source = await readFile(join(root, 'node_modules/js-fatfs/dist/fatfs.wasm'));
    this.emitFile({ type: 'asset', fileName: 'fatfs.wasm', source });
  },
};

/** Their licences want their texts to go along. */
const licences: Plugin = {
  name: 'licences',
  async generateBundle(_options, bundle) {
    const modules = Object.values(bundle).flatMap((it) => (it.type === 'chunk' ? it.moduleIds : []));
    const folders = new Set(modules.flatMap((id) => packageOf(id) ?? []));
    const texts = await Promise.all([...folders].sort().map(licenceOf));
    this.emitFile({ type: 'asset', fileName: 'LICENSES.txt', source: texts.join('\n') });
  },
};

/** A package's name, version, licence and its licence's text. */
async function licenceOf(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;
  const file = (await readdir(folder)).find((it) => /^licen[cs]e/i.test(it));
  const text = file === undefined ? '' : await readFile(join(folder, file), 'utf8');
  return `${String(name)} ${String(version)}, ${String(license)}\n\n${text.trim()}\n`;
}

await reportErrors(async () => {
  await rm(join(root, OUT), { recursive: true, force: true });
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [fatFsBeside, licences],
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: 'src/cli/main.ts',
      outDir: OUT,
      target: 'node20.19',
      minify: false,
      rollupOptions: { output: { entryFileNames: 'hypberry.js', chunkFileNames: '[name].js' } },
    },
  });
  const program = hypberrydFile();
  await writeFile(join(root, OUT, HYPBERRYD_FILE), program, { mode: 0o755 });
  process.stdout.write(`${OUT}/${HYPBERRYD_FILE}: ${program.length} bytes of at most ${HYPBERRYD_LIMIT}\n`);
});
