import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useTools } from '../../scripts/lib/tools.js';
import type { Handover } from '../../src/firmware/handover.js';
import { qemuEngine } from '../../src/node/qemu.js';
import { connectGdb, type Gdb } from './gdb.js';

useTools();

/** Connects as soon as QEMU listens: first there is no socket, and then, for a moment, one that nobody listens on. */
async function connected(path: string, signal: AbortSignal): Promise<Gdb> {
  for (;;) {
    try {
      return await connectGdb(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (signal.aborted || (code !== 'ENOENT' && code !== 'ECONNREFUSED')) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/**
 * Starts a machine in QEMU that stands still before its first instruction, works on it with a debugger, and
 * ends it.
 * @param program another QEMU than qemu-system-arm
 */
export async function withDebuggedMachine<T>(
  machine: Handover,
  work: (gdb: Gdb) => Promise<T>,
  program = 'qemu-system-arm',
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'hypberry-gdb-'));
  const path = join(folder, 'gdb');
  const stop = new AbortController();
  const engine = qemuEngine({
    program,
    more: ['-S', '-gdb', `unix:${path},server=on,wait=off`],
    threadPerCore: true,
  });
  const run = engine.run(machine, () => undefined, stop.signal);
  const session = async (): Promise<T> => {
    const gdb = await connected(path, stop.signal);
    try {
      return await work(gdb);
    } finally {
      gdb.close();
    }
  };
  try {
    return await Promise.race([
      session(),
      run.then(({ why }) => {
        throw new Error(`the machine ended too early: ${why}`);
      }),
    ]);
  } finally {
    stop.abort();
    await run.catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  }
}
