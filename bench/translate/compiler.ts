import { readdir, rm } from 'node:fs/promises';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../scripts/lib/cache.js';
import { run } from '../../scripts/lib/run.js';

/** What holds gcc's compiler proper for this processor, and the libraries that it may lack: 10 MB. */
const PACKAGES = ['cpp-12-arm-linux-gnueabihf', 'libmpc3', 'libmpfr6', 'libisl23', 'libgmp10'];

const folder = join(cacheFolder, 'gcc');
const compiler = join(folder, 'root/usr/lib/gcc-cross/arm-linux-gnueabihf/12/cc1');
const libraries = join(folder, 'root/usr/lib/x86_64-linux-gnu');

/** Puts Debian's gcc 12 for ARM into the cache, where it is not yet. Installs nothing. */
async function ensureCompiler(): Promise<void> {
  if (existsSync(compiler)) return;
  await rm(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const options = ['-q', '-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=root'];
  await run('apt-get', [...options, 'download', ...PACKAGES], { cwd: folder });
  for (const file of await readdir(folder))
    if (file.endsWith('.deb')) await run('dpkg-deb', ['-x', join(folder, file), join(folder, 'root')]);
}

/**
 * Compiles a C file with gcc -O2 for the Cortex-A7 in A32 and links it at an address.
 * @returns the image's path, and the addresses of its functions
 */
export async function compileC(
  source: string,
  origin: number,
): Promise<{ image: string; symbols: Map<string, number> }> {
  await ensureCompiler();
  const at = (name: string): string => join(folder, name);
  const target = ['-O2', '-marm', '-mcpu=cortex-a7', '-mfloat-abi=soft', '-ffreestanding', '-fno-pic'];
  await run('env', [
    `LD_LIBRARY_PATH=${libraries}`,
    compiler,
    '-quiet',
    ...target,
    source,
    '-o',
    at('logic.s'),
  ]);
  await run('arm-none-eabi-as', ['-mcpu=cortex-a7', at('logic.s'), '-o', at('logic.o')]);
  const address = `0x${origin.toString(16)}`;
  await run('arm-none-eabi-ld', ['-Ttext', address, '-e', address, at('logic.o'), '-o', at('logic.elf')]);
  await run('arm-none-eabi-objcopy', ['-O', 'binary', at('logic.elf'), at('logic.bin')]);
  const names = await run('arm-none-eabi-nm', [at('logic.elf')]);
  const symbols = new Map(
    [...names.matchAll(/^(\w+) [Tt] (\w+)$/gm)].map(([, where, name]) => [name!, parseInt(where!, 16)]),
  );
  return { image: at('logic.bin'), symbols };
}
