import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/seed.ts'],
    globalSetup: ['scripts/build-interpreter.ts', 'scripts/build-hypervisor.ts'],
    testTimeout: 30_000,
    // Two cores: the boots in an emulated machine are the long part, more workers only slow them down.
    maxWorkers: 2,
  },
});
