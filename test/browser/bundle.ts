import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a page is made of: the name of its first script, and each file by its name. */
export interface Bundle {
  readonly entry: string;
  readonly files: ReadonlyMap<string, string | Uint8Array>;
}

/**
 * Bundles a page's script with Vite, for a browser of today.
 * @param entry its path from the project's root
 * @param more a module to take in place of another, by the end of its path
 * @throws Error where it imports what a browser has not
 */
export async function bundle(entry: string, more: Readonly<Record<string, string>> = {}): Promise<Bundle> {
  const result = await build({
    root,
    configFile: false,
    logLevel: 'silent',
    plugins: [noNode, replace(more)],
    build: {
      write: false,
      target: 'es2022',
      minify: false,
      modulePreload: false,
      rollupOptions: { input: entry, preserveEntrySignatures: false },
    },
  });
  if (Array.isArray(result) || !('output' in result))
    throw new Error('Vite made another thing than a bundle.');
  const files = new Map(result.output.map((it) => [it.fileName, it.type === 'chunk' ? it.code : it.source]));
  const first = result.output.find((it) => it.type === 'chunk' && it.isEntry);
  if (first === undefined) throw new Error('The bundle has no entry.');
  return { entry: first.fileName, files };
}

/** Refuses Node's modules, for which Vite would put in empty ones. */
const noNode: Plugin = {
  name: 'no-node',
  enforce: 'pre',
  resolveId(source, importer) {
    if (source.startsWith('node:'))
      this.error(`${importer ?? ''} imports ${source}, which a browser does not have`);
  },
};

function replace(more: Readonly<Record<string, string>>): Plugin {
  return {
    name: 'replace',
    enforce: 'pre',
    load(id) {
      return Object.entries(more).find(([path]) => id.endsWith(path))?.[1];
    },
  };
}
