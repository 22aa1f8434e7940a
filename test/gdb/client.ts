/** A debugger that says what it is told to, and gdb-multiarch itself. */
import { spawn } from 'node:child_process';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import type { Session } from '../../src/engine/session.js';
import type { Debuggee } from '../../src/gdb/debuggee.js';
import { createPacketReader, encodePacket } from '../../src/gdb/packets.js';
import { createGdbServer, type GdbServer } from '../../src/gdb/server.js';
import { openGdbPort } from '../../src/node/gdb-port.js';

/** A machine at work, and who debugs it. */
export interface Debugged {
  readonly pi: BuiltInPi;
  readonly session: Session;
  readonly debuggee: Debuggee;
  readonly run: Promise<string>;
}

export interface Client {
  /** Gives the answer to a packet. */
  readonly ask: (packet: string) => Promise<string>;
  readonly tell: (raw: string) => void;
  /** Gives what comes next. */
  readonly next: () => Promise<string>;
  readonly server: GdbServer;
}

/** @param sees gets what is sent to it */
export function client({ session, debuggee }: Debugged, sees?: (text: string) => void): Client {
  const answers: string[] = [];
  const read = createPacketReader();
  let wake: (() => void) | undefined;
  const server = createGdbServer(
    debuggee,
    (text) => {
      sees?.(text);
      for (const it of read(text)) if ('packet' in it) answers.push(it.packet);
      wake?.();
    },
    () => {
      session.leave('killed');
    },
  );
  const next = async (): Promise<string> => {
    while (answers.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return answers.shift()!;
  };
  return {
    ask: (packet) => {
      server.receive(encodePacket(packet));
      return next();
    },
    tell: (raw) => {
      server.receive(raw);
    },
    next,
    server,
  };
}

/** Has gdb-multiarch work on a machine; then that is left. @returns what it said */
export async function gdb(
  it: Debugged,
  connect: 'remote' | 'extended-remote',
  orders: readonly string[],
): Promise<string> {
  const port = await openGdbPort(0, (send) => {
    it.debuggee.attach();
    const { receive } = createGdbServer(it.debuggee, send, () => {
      it.session.leave('killed');
    });
    return {
      receive,
      gone: () => {
        it.debuggee.detach();
      },
    };
  });
  const all = [`target ${connect} localhost:${port.port}`, ...orders];
  const child = spawn('gdb-multiarch', ['-nx', '-batch', ...all.flatMap((order) => ['-ex', order])], {
    env: { ...process.env, HOME: '/nonexistent' },
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const status = await new Promise((resolve) => child.once('close', resolve));
  port.close();
  it.session.leave('enough');
  await it.run;
  return status === 0 ? said : `${said}\ngdb-multiarch ended with ${String(status)}`;
}
