/** Debuggers of the machine that runs. */
import { debug, type Debuggee } from '../gdb/debuggee.js';
import { createGdbServer } from '../gdb/server.js';
import { openGdbPort } from '../node/gdb-port.js';
import type { Start } from '../usecases/run.js';

/**
 * Waits for debuggers: until the first one comes, a machine stands still at its first instruction.
 * @throws HypberryError `gdb.port`
 */
export async function openDebuggers(port: number): Promise<{ next(start: Start): void; close(): void }> {
  let start: Start | undefined;
  let debuggee: Debuggee | undefined;
  const open = await openGdbPort(port, (send) => {
    const it = debuggee!;
    it.attach();
    const server = createGdbServer(it, send, () => {
      start!.session.leave('the debugger ended it');
    });
    return {
      receive: server.receive,
      gone: () => {
        it.detach();
      },
    };
  });
  return {
    next(started) {
      debuggee = debug(started.pi, started.session, started.hypervisor);
      if (start) open.disconnect();
      else debuggee.attach();
      start = started;
    },
    close: open.close,
  };
}
