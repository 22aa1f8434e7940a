/** What tests build from public source, outside the tree: in folders of the cache, once. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HypberryError } from '../../src/base/errors.js';
import { cacheFolder, inWorkFolder, withLock } from './cache.js';
import { run } from './run.js';
import { ensureTools, type ToolPackage } from './tools.js';

/** A commit of a public Git repository. */
export interface PublicSource {
  /** What it is called where people read it. */
  readonly name: string;
  readonly repository: string;
  readonly commit: string;
  /** Names a Git repository on this machine that has the commit, where the public one is not to be asked. */
  readonly variable: string;
  /** Paths that are not unpacked: a copy of the repository without them will do. */
  readonly leftOut?: readonly string[];
}

/** What is built, and how. */
export interface Recipe {
  /** Its folder in the cache's inputs. */
  readonly folder: string;
  /** What it is called where people read it. */
  readonly name: string;
  readonly tools: readonly ToolPackage[];
  readonly sources: readonly PublicSource[];
  /** What else the result depends on. */
  readonly options: readonly string[];
  /**
   * Makes what is wanted.
   * @param folders of the sources, in their order
   * @param built folder for the result
   * @param work folder for anything else, gone afterwards
   */
  build(folders: readonly string[], built: string, work: string): Promise<void>;
}

/** What a folder of the cache was made of, in it. */
const RECIPE = 'recipe.txt';

async function unpackSource(source: PublicSource, work: string, target: string): Promise<void> {
  const given = process.env[source.variable] ?? '';
  const repository = given === '' ? `${target}.git` : given;
  if (given === '') {
    process.stderr.write(`fetching ${source.name} of ${source.repository}\n`);
    await run('git', ['init', '--quiet', '--bare', repository]);
    const fetch = ['fetch', '--quiet', '--depth', '1', source.repository, source.commit];
    await run('git', ['--git-dir', repository, ...fetch]);
  }
  await mkdir(target);
  const archive = join(work, 'source.tar');
  const leftOut = (source.leftOut ?? []).map((it) => `:(exclude)${it}`);
  await run('git', [
    ...['--git-dir', repository, 'archive', '--output', archive, source.commit],
    ...['--', '.', ...leftOut],
  ]);
  await run('tar', ['-x', '-f', archive, '-C', target]);
  await rm(archive);
}

/**
 * Builds something on first use, in a folder of the cache; later calls find it there, as long as its recipe is the same.
 * @returns the folder
 * @throws HypberryError `tools.missing`; `inputs.failed` where a source cannot be had or does not build
 */
export async function builtFromSource(recipe: Recipe): Promise<string> {
  const { name, sources } = recipe;
  const folder = join(cacheFolder, 'inputs', recipe.folder);
  const text = [...sources.map(({ commit }) => commit), ...recipe.options].join('\n');
  await withLock(recipe.folder, async () => {
    if ((await readFile(join(folder, RECIPE), 'utf8').catch(() => '')) === text) return;
    await ensureTools(recipe.tools);
    const work = join(cacheFolder, 'inputs', `.building-${recipe.folder}`);
    const built = join(work, 'built');
    try {
      await inWorkFolder(work, async () => {
        await mkdir(built);
        const folders: string[] = [];
        for (const source of sources) {
          const target = join(work, `source-${folders.length}`);
          await unpackSource(source, work, target);
          folders.push(target);
        }
        process.stderr.write(`building ${name}\n`);
        await recipe.build(folders, built, work);
        await writeFile(join(built, RECIPE), text);
        await rm(folder, { recursive: true, force: true });
        await rename(built, folder);
      });
    } catch (error) {
      // A compiler says a lot: all of it is in the cause.
      const [first] = (error instanceof Error ? error.message : String(error)).split('\n');
      const places = sources.map(
        ({ repository, variable, commit }) => `${repository} (${variable}, ${commit})`,
      );
      throw new HypberryError(
        'inputs.failed',
        `${name} could not be made: ${first}.`,
        `Where a repository cannot be reached, let its variable name a Git repository that has the commit: ${places.join(', ')}.`,
        { cause: error },
      );
    }
  });
  return folder;
}
