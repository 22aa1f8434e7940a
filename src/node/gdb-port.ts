/** The port that a debugger connects to. */
import { createServer, type Socket } from 'node:net';
import { HypberryError } from '../base/errors.js';
import { systemCode } from './system-error.js';

/** Who talks to a debugger. */
export interface GdbTalk {
  /** Takes what comes, a character for a byte. */
  readonly receive: (piece: string) => void;
  /** It is gone. */
  readonly gone: () => void;
}

/** The port while it is open. */
export interface GdbPort {
  readonly port: number;
  readonly close: () => void;
}

/** Only programs of this computer can connect. */
const LOOPBACK = '127.0.0.1';

/**
 * Waits for a debugger, one at a time.
 * @param port 0 for any that is free
 * @param connected called with each that comes: gives who talks to it, by `send` (a character for a byte)
 * @throws HypberryError `gdb.port`
 */
export async function openGdbPort(
  port: number,
  connected: (send: (text: string) => void) => GdbTalk,
): Promise<GdbPort> {
  let socket: Socket | undefined;
  const server = createServer((incoming) => {
    if (socket) {
      incoming.destroy();
      return;
    }
    socket = incoming;
    incoming.setNoDelay(true);
    const talk = connected((text) => {
      // Who asks without end and reads nothing is not to fill our memory.
      if (!incoming.write(text, 'latin1')) incoming.pause();
    });
    incoming.on('drain', () => {
      incoming.resume();
    });
    incoming.setEncoding('latin1');
    incoming.on('data', (piece: string) => {
      talk.receive(piece);
    });
    incoming.on('error', () => undefined);
    incoming.on('close', () => {
      socket = undefined;
      talk.gone();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const code = systemCode(error) ?? String(error);
      reject(
        new HypberryError(
          'gdb.port',
          code === 'EADDRINUSE'
            ? `Port ${port} is in use by another program.`
            : `Port ${port} cannot be opened (${code}).`,
          'Use --gdb with another port, from 1024 to 65535.',
          { cause: error },
        ),
      );
    });
    server.listen(port, LOOPBACK, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () => {
      server.close();
      socket?.destroy();
    },
  };
}
