import { spawn } from 'node:child_process';

/**
 * Runs a program to its end.
 * @param options the folder it runs in, if it is another one
 * @returns what it wrote to its standard output
 * @throws Error with the program's error output, where it cannot be started or ends with another status than 0
 */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<string> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) {
    throw new Error(`${program} ${args.join(' ')} ended with status ${String(status)}: ${errors.trim()}`);
  }
  return output;
}

/** Whether a program can be started, by looking it up as a shell would. */
export async function hasProgram(name: string): Promise<boolean> {
  return run('sh', ['-c', 'command -v "$1"', 'sh', name]).then(
    () => true,
    () => false,
  );
}
