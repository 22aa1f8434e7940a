import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The command as it is published; `npm test` builds it before the tests run. */
export const MAIN = fileURLToPath(new URL('../../bin/hypberry.js', import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `hypberry`, its outputs into pipes.
 * @param whileRunning called once at the start, to send signals or stop reading
 * @param input a file that is its standard input; nothing unless given
 */
export async function hypberry(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  whileRunning: (child: ChildProcess) => void = () => undefined,
  input?: string,
): Promise<Outcome> {
  const from = input === undefined ? 'ignore' : openSync(input, 'r');
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: [from, 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  if (from !== 'ignore') closeSync(from);
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  whileRunning(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      resolve({ status, signal, stdout, stderr });
    });
  });
}
