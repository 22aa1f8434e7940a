/** Runs every test with a new seed and many more generated cases; the seed is printed, and SEED repeats a run. */
import { spawnSync } from 'node:child_process';

const seed = process.env['SEED'] ?? String(Date.now() % 0x7fff_ffff);
process.stdout.write(`SEED=${seed}\n`);
const { status } = spawnSync('npx', ['vitest', 'run', '--testTimeout=3600000', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: {
    ...process.env,
    ARM_SEED: seed,
    FC_SEED: seed,
    HYPBERRY_SEED: seed,
    ARM_SAMPLES: '200',
    CPU_CASES: '2000',
    PRIVILEGED_CASES: '400',
    TRANSLATE_MODULES: '300',
    TRANSLATE_CALLS: '2000',
    HYPBERRY_FUZZ: '20',
    HYPBERRY_KERNELS: 'all',
    HYPBERRY_NODES: '20.19.0 latest',
  },
});
process.exitCode = status ?? 1;
