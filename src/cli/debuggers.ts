/** Debuggers of the machine that runs. */
import { debug, type Debuggee } from '../gdb/debuggee.js';
import { createGdbServer, type GdbServer } from '../gdb/server.js';
import { openGdbPort, type GdbPort, type GdbTalk } from '../node/gdb-port.js';
import type { Start } from '../usecases/run.js';

/** A machine that is about to start. */
type Started = Pick<Start, 'pi' | 'session' | 'hypervisor'>;

/** What is said where one is waited for. */
export const waitsForDebugger = (port: number): string =>
  `It waits for a debugger: gdb-multiarch -ex 'target remote localhost:${port}', then "continue".`;

/** What debuggers come to. */
export interface Debuggers {
  /** A machine starts: the first one waits for a debugger at its first instruction, one after a reset goes on under it. */
  next(started: Started): Promise<void>;
  close(): void;
}

/**
 * Waits for debuggers from the first machine on.
 * @throws HypberryError `gdb.port`
 */
export async function openDebuggers(port: number): Promise<Debuggers> {
  let start: Started | undefined;
  let debuggee: Debuggee | undefined;
  let open: GdbPort | undefined;
  /** Of the debugger that is there. */
  let server: GdbServer | undefined;
  const talk = (send: (text: string) => void): GdbTalk => {
    debuggee!.attach();
    const its = createGdbServer(debuggee!, send, () => {
      start!.session.leave('the debugger ended it');
    });
    server = its;
    return {
      receive: its.receive,
      gone: () => {
        server = undefined;
        debuggee!.detach();
      },
    };
  };
  // Only whether it is free: gdb asks twice where it has no answer for two seconds, and takes two answers for nonsense.
  (await openGdbPort(port, () => ({ receive: () => undefined, gone: () => undefined }))).close();
  return {
    async next(started) {
      debuggee = debug(started.pi, started.session, started.hypervisor);
      if (!start) debuggee.attach();
      start = started;
      server?.goOnWith(debuggee);
      open ??= await openGdbPort(port, talk);
    },
    close: () => {
      open?.close();
    },
  };
}
