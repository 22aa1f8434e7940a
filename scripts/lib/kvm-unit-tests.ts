/** kvm-unit-tests for 32-bit Arm, built from public source: small kernels for the machine "virt" of QEMU. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { HypberryError } from '../../src/base/errors.js';
import { cacheFolder, withLock } from './cache.js';
import { run } from './run.js';
import { ensureTools, linuxTools } from './tools.js';

const REPOSITORY = 'https://gitlab.com/kvm-unit-tests/kvm-unit-tests.git';
/** Of 26 June 2026. */
const COMMIT = '1da1819e49fc4938985edca67df669099b4c87a7';

/** Names a Git repository on this machine that has the commit, where the public one is not to be asked. */
const SOURCE_VARIABLE = 'HYPBERRY_KVM_UNIT_TESTS';

async function fetchSource(work: string, target: string): Promise<void> {
  const given = process.env[SOURCE_VARIABLE];
  const repository = given === undefined || given === '' ? join(work, 'repository') : given;
  if (repository !== given) {
    process.stderr.write(`fetching kvm-unit-tests of ${REPOSITORY}\n`);
    await run('git', ['init', '--quiet', '--bare', repository]);
    await run('git', ['--git-dir', repository, 'fetch', '--quiet', '--depth', '1', REPOSITORY, COMMIT]);
  }
  const unpack = 'git --git-dir="$1" archive "$2" | tar -x -C "$3"';
  await run('sh', ['-c', unpack, 'sh', repository, COMMIT, target]);
  if (!existsSync(join(target, 'arm'))) throw new Error(`${repository} does not have the commit ${COMMIT}`);
}

/**
 * Builds them on first use, in a folder of the cache; later calls find them there.
 * @returns that folder: `NAME.flat` is a program for 0x40010000
 * @throws HypberryError `tools.missing`; `inputs.failed` where the source cannot be had or does not build
 */
export async function kvmUnitTests(): Promise<string> {
  const folder = join(cacheFolder, 'inputs', `kvm-unit-tests-${COMMIT.slice(0, 12)}`);
  await withLock('kvm-unit-tests', async () => {
    if (existsSync(folder)) return;
    await ensureTools(linuxTools);
    // Under the lock, so one that is already there was left by a process that was killed.
    const work = join(cacheFolder, 'inputs', '.building-kvm-unit-tests');
    await rm(work, { recursive: true, force: true });
    const [source, built] = [join(work, 'source'), join(work, 'built')];
    await mkdir(source, { recursive: true });
    await mkdir(built);
    try {
      await fetchSource(work, source);
      process.stderr.write('building kvm-unit-tests\n');
      const options = ['--arch=arm', '--cross-prefix=arm-linux-gnueabihf-', '--processor=cortex-a15'];
      await run('./configure', options, { cwd: source });
      await run('nice', ['make', `-j${availableParallelism()}`], { cwd: source });
      for (const name of await readdir(join(source, 'arm')))
        if (name.endsWith('.flat')) await rename(join(source, 'arm', name), join(built, name));
      await rename(built, folder);
    } catch (error) {
      // A compiler says a lot: all of it is in the cause.
      const [first] = (error instanceof Error ? error.message : String(error)).split('\n');
      throw new HypberryError(
        'inputs.failed',
        `kvm-unit-tests could not be made: ${first}.`,
        `Where ${REPOSITORY} cannot be reached, let ${SOURCE_VARIABLE} name a Git repository that has its commit ${COMMIT}.`,
        { cause: error },
      );
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
  return folder;
}
