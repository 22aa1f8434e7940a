/** kvm-unit-tests for 32-bit Arm, built from public source: small kernels for the machine "virt" of QEMU. */
import { readdir, rename } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { builtFromSource } from './public-source.js';
import { run } from './run.js';
import { linuxTools } from './tools.js';

const OPTIONS = ['--arch=arm', '--cross-prefix=arm-linux-gnueabihf-', '--processor=cortex-a15'];

/**
 * Builds them on first use.
 * @returns a folder: `NAME.flat` is a program for 0x40010000
 * @throws HypberryError as {@link builtFromSource}
 */
export function kvmUnitTests(): Promise<string> {
  return builtFromSource({
    folder: 'kvm-unit-tests',
    name: 'kvm-unit-tests',
    tools: linuxTools,
    sources: [
      {
        name: 'kvm-unit-tests',
        repository: 'https://gitlab.com/kvm-unit-tests/kvm-unit-tests.git',
        // Of 26 June 2026.
        commit: '1da1819e49fc4938985edca67df669099b4c87a7',
        variable: 'HYPBERRY_KVM_UNIT_TESTS',
      },
    ],
    options: OPTIONS,
    build: async ([source], built) => {
      await run('./configure', OPTIONS, { cwd: source! });
      await run('nice', ['make', `-j${availableParallelism()}`], { cwd: source! });
      for (const name of await readdir(join(source!, 'arm')))
        if (name.endsWith('.flat')) await rename(join(source!, 'arm', name), join(built, name));
    },
  });
}
