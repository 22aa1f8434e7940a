/** Debuggers of the machine that runs. */
import { debug, type Debuggee } from '../gdb/debuggee.js';
import { LONGEST_PACKET } from '../gdb/packets.js';
import { createGdbServer, type GdbServer } from '../gdb/server.js';
import { openGdbPort } from '../node/gdb-port.js';
import type { Start } from '../usecases/run.js';

/** A machine that is about to start. */
type Started = Pick<Start, 'pi' | 'session' | 'hypervisor'>;

/** What is said where one is waited for. */
export const waitsForDebugger = (port: number): string =>
  `It waits for a debugger: gdb-multiarch -ex 'target remote localhost:${port}', then "continue".`;

/**
 * Waits for debuggers: until the first one comes, a machine stands still at its first instruction.
 * @throws HypberryError `gdb.port`
 */
export async function openDebuggers(port: number): Promise<{ next(start: Started): void; close(): void }> {
  let start: Started | undefined;
  let debuggee: Debuggee | undefined;
  /** Has the one who came before there was a machine begin. */
  let begin: (() => void) | undefined;
  const open = await openGdbPort(port, (send) => {
    let server: GdbServer | undefined;
    let its: Debuggee | undefined;
    let early = '';
    const work = (): void => {
      its = debuggee!;
      its.attach();
      server = createGdbServer(its, send, () => {
        start!.session.leave('the debugger ended it');
      });
      server.receive(early);
    };
    if (debuggee) work();
    else begin = work;
    return {
      receive: (piece) => {
        if (server) server.receive(piece);
        else early = (early + piece).slice(0, LONGEST_PACKET);
      },
      gone: () => {
        begin = undefined;
        its?.detach();
      },
    };
  });
  return {
    next(started) {
      debuggee = debug(started.pi, started.session, started.hypervisor);
      if (start) open.disconnect();
      else debuggee.attach();
      start = started;
      begin?.();
      begin = undefined;
    },
    close: open.close,
  };
}
