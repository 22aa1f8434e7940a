import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Tests that start commands, are in a terminal or a browser, take minutes, or count what runs in code that is loaded for
 * them: each file has a process of its own.
 */
const APART = [
  ...['real', 'cli', 'browser', 'node', 'scripts'].map((it) => `test/${it}/**/*.test.ts`),
  'test/translate/coverage.test.ts',
];

/**
 * Files with boots of real kernels take minutes: last, one of them would run alone. Those that share a process come one
 * after the other, as a process is used again for the next file alone.
 */
class BootsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number =>
      moduleId.includes('/test/real/') ? 0 : project.config.isolate ? 1 : 2;
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'apart', include: APART } },
      {
        extends: true,
        test: { name: 'together', include: ['test/**/*.test.ts'], exclude: APART, isolate: false },
      },
    ],
    setupFiles: ['test/support/each-file.ts'],
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
