/** Runs shell commands at once, each argument one; status 1 where one of them failed, once all have ended. */
import { spawn } from 'node:child_process';

const ends = process.argv.slice(2).map(
  (command) =>
    new Promise<number | null>((resolve, reject) => {
      const child = spawn(command, { shell: true, stdio: 'inherit' });
      child.once('error', reject);
      child.once('close', resolve);
    }),
);
process.exitCode = (await Promise.all(ends)).every((status) => status === 0) ? 0 : 1;
