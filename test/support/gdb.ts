import { createConnection, type Socket } from 'node:net';

/**
 * A client for the GDB remote protocol, as much of it as QEMU's stub needs: GDB manual, appendix E.
 * Threads are the machine's cores; a core's number here is its thread's number less one.
 */
export interface Gdb {
  /** Names of the registers that the stub describes, system registers under QEMU's names. */
  readonly registerNames: readonly string[];
  /** A core's register; of several names the first that there is, since QEMU's names have changed. */
  readRegister(core: number, ...names: readonly string[]): Promise<bigint>;
  /** Memory as `core` sees it. Devices are not reached: QEMU's stub reads and writes RAM only. */
  readMemory(address: number, length: number, core?: number): Promise<Uint8Array>;
  writeMemory(address: number, data: Uint8Array, core?: number): Promise<void>;
  /** Has every core stop before the instruction at `address`. */
  setBreakpoint(address: number): Promise<void>;
  clearBreakpoint(address: number): Promise<void>;
  /** Lets one core execute one instruction, the others none. */
  step(core: number): Promise<void>;
  /** Lets all cores run until one stops; gives that core. */
  run(): Promise<number>;
  /** Lets all cores run for a time, then stops them. */
  runFor(milliseconds: number): Promise<void>;
  close(): void;
}

interface Register {
  readonly name: string;
  readonly number: number;
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (digits: string): Uint8Array => Uint8Array.from(Buffer.from(digits, 'hex'));

/** A packet as it goes over the line: `$data#sum`, the sum of the data's bytes modulo 256 in two hex digits. */
export function encodePacket(data: string): string {
  const sum = Buffer.from(data, 'latin1').reduce((total, byte) => total + byte, 0) & 0xff;
  return `$${data}#${sum.toString(16).padStart(2, '0')}`;
}

/**
 * Takes packets out of what comes over the line, however it is cut into pieces; acknowledgements are passed over.
 * @returns a function that takes a piece and gives the data of each packet that it completes, escapes resolved
 * @throws Error where a checksum is wrong
 */
export function createPacketDecoder(): (piece: string) => string[] {
  let pending = '';
  return (piece) => {
    pending += piece;
    const packets: string[] = [];
    for (;;) {
      const match = /\$([^#]*)#([0-9a-f]{2})/is.exec(pending);
      if (match === null) return packets;
      const [whole, raw, sum] = match as unknown as [string, string, string];
      if (!encodePacket(raw).endsWith(sum.toLowerCase()))
        throw new Error(`a packet's checksum is wrong: ${whole}`);
      // "}" stands before a byte that has a meaning of its own, which comes exclusive-ored with 0x20.
      packets.push(raw.replace(/\}(.)/gs, (_, it: string) => String.fromCharCode(it.charCodeAt(0) ^ 0x20)));
      pending = pending.slice(match.index + whole.length);
    }
  };
}

/**
 * The registers of a target description, in the order of their numbers: "regnum" where it stands, else one more
 * than the last (GDB manual, appendix G). Included files are asked for with `read`.
 */
async function describeRegisters(read: (annex: string) => Promise<string>): Promise<Register[]> {
  const registers: Register[] = [];
  let next = 0;
  const scan = async (annex: string): Promise<void> => {
    for (const [element, tag] of (await read(annex)).matchAll(/<(reg|xi:include)\s[^>]*>/g)) {
      const attribute = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(element)?.[1];
      if (tag === 'xi:include') {
        await scan(attribute('href')!);
        continue;
      }
      const number = Number(attribute('regnum') ?? next);
      registers.push({ name: attribute('name')!, number });
      next = number + 1;
    }
  };
  await scan('target.xml');
  return registers;
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/**
 * Connects to a stub that listens on a Unix socket, and stops the machine.
 * @throws Error where nothing listens there, or the stub refuses a request
 */
export async function connectGdb(path: string): Promise<Gdb> {
  const socket = await connect(path);
  const decode = createPacketDecoder();
  const received: string[] = [];
  let failure: Error | undefined;
  let wake = (): void => undefined;
  const fail = (error: Error) => {
    failure ??= error;
    wake();
  };
  socket.on('data', (bytes) => {
    try {
      const packets = decode(latin1(bytes));
      if (packets.length > 0) socket.write('+'.repeat(packets.length));
      received.push(...packets);
    } catch (error) {
      fail(error as Error);
    }
    wake();
  });
  socket.on('error', fail);
  socket.on('close', () => {
    fail(new Error('the machine has closed the debugger’s connection'));
  });

  const receive = async (): Promise<string> => {
    for (;;) {
      const packet = received.shift();
      if (packet !== undefined) return packet;
      if (failure !== undefined) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const send = (data: string): void => {
    socket.write(encodePacket(data), 'latin1');
  };
  const ask = async (request: string): Promise<string> => {
    send(request);
    const reply = await receive();
    if (reply === '' || /^E[0-9a-f]{2}$/i.test(reply)) {
      throw new Error(`the stub answers "${reply}" to ${request}`);
    }
    return reply;
  };
  const expectOk = async (request: string): Promise<void> => {
    const reply = await ask(request);
    if (reply !== 'OK') throw new Error(`the stub answers "${reply}" to ${request}`);
  };
  const threadOf = (core: number): string => (core + 1).toString(16);
  /** Which core the next register or memory request means. */
  const select = (core: number): Promise<void> => expectOk(`Hg${threadOf(core)}`);
  /** The core of a stop reply, "T05thread:02;". */
  const stopped = (reply: string): number => {
    const thread = /^T[0-9a-f]{2}.*thread:([0-9a-f]+);/i.exec(reply)?.[1];
    if (thread === undefined) throw new Error(`not a stop reply: ${reply}`);
    return parseInt(thread, 16) - 1;
  };

  await ask('qSupported:xmlRegisters=arm');
  const registers = await describeRegisters(async (annex) => {
    let text = '';
    for (;;) {
      const reply = await ask(`qXfer:features:read:${annex}:${text.length.toString(16)},800`);
      text += reply.slice(1);
      // "m": there is more; "l": that was the last.
      if (reply.startsWith('l')) return text;
    }
  });
  const numbers = new Map(registers.map(({ name, number }) => [name, number]));

  return {
    registerNames: registers.map(({ name }) => name),
    async readRegister(core, ...names) {
      const name = names.find((it) => numbers.has(it));
      if (name === undefined) throw new Error(`the stub has no register ${names.join(' or ')}`);
      await select(core);
      const digits = await ask(`p${numbers.get(name)!.toString(16)}`);
      return BigInt(`0x${hex(bytesOf(digits).reverse())}`);
    },
    async readMemory(address, length, core = 0) {
      await select(core);
      return bytesOf(await ask(`m${address.toString(16)},${length.toString(16)}`));
    },
    async writeMemory(address, data, core = 0) {
      await select(core);
      await expectOk(`M${address.toString(16)},${data.length.toString(16)}:${hex(data)}`);
    },
    // The 4 is the kind: an A32 instruction. 1 is a hardware breakpoint, which leaves memory as it is.
    setBreakpoint: (address) => expectOk(`Z1,${address.toString(16)},4`),
    clearBreakpoint: (address) => expectOk(`z1,${address.toString(16)},4`),
    async step(core) {
      stopped(await ask(`vCont;s:${threadOf(core)}`));
    },
    async run() {
      return stopped(await ask('vCont;c'));
    },
    async runFor(milliseconds) {
      send('vCont;c');
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      socket.write('\x03');
      stopped(await receive());
    },
    close() {
      socket.destroy();
    },
  };
}
