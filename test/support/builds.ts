/** What is built before the tests, each by its own script, where its sources are newer. */
import { execFileSync } from 'node:child_process';

const SCRIPTS = ['build-interpreter', 'build-hypervisor', 'build-hypberryd'];

export default function build(): void {
  for (const name of SCRIPTS)
    execFileSync(process.execPath, ['--import', 'tsx', `scripts/${name}.ts`], { stdio: 'inherit' });
}
