import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files with boots of real kernels take minutes: last, one of them would run alone. */
class BootsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const boots = ({ moduleId }: TestSpecification): boolean => moduleId.includes('/test/real/');
    const sorted = await super.sort(files);
    return [...sorted.filter(boots), ...sorted.filter((it) => !boots(it))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/seed.ts'],
    globalSetup: ['test/support/builds.ts'],
    // The emulator is loaded as users' Node loads it: in Vite's own modules each use of an import is the call of a getter, and
    // boots take a third longer.
    execArgv: ['--import', 'tsx'],
    server: { deps: { external: [/\/(?:src|scripts)\/.*\.ts$/] } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: the boots in an emulated machine are the long part, more workers only slow them down.
    maxWorkers: 2,
    sequence: { sequencer: BootsFirst },
  },
});
