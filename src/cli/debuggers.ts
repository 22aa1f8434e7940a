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
  let first: Debuggee | undefined;
  const open = await openGdbPort(port, (send) => {
    const { pi, session } = start!;
    const debuggee = first ?? debug(pi, session);
    first = undefined;
    const server = createGdbServer(debuggee, send, () => {
      session.leave('the debugger ended it');
    });
    return {
      receive: server.receive,
      gone: () => {
        debuggee.detach();
      },
    };
  });
  return {
    next(started) {
      if (start) open.disconnect();
      else first = debug(started.pi, started.session);
      start = started;
    },
    close: open.close,
  };
}
