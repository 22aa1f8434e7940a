/**
 * hypberryd in processes of Linux, by qemu-arm, which finds files in a folder before it finds the system's (-L). /dev/mem is a
 * file there; what it holds is the channel.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import * as C from '../../src/channel/layout.js';
import { hypberrydFile } from '../../src/hypberryd/program.js';
import { BELL, CHANNEL_ADDRESS, type ChannelImage } from './channel-image.js';
import type { ChannelMemory } from './disk-client.js';

const PAGE = 4096;

/** A terminal: the path of its end for programs; what is written into its process' input comes in there. */
export async function openBell(): Promise<{ path: string; process: ChildProcess }> {
  const process = spawn('script', ['-qec', 'tty; exec sleep 600', '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  const path = await new Promise<string>((resolve, reject) => {
    process.once('exit', () => {
      reject(new Error(`no terminal: ${said}`));
    });
    process.stdout.on('data', (part) => {
      said += String(part);
      const found = /(\/dev\/pts\/\d+)\r?\n/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return { path, process };
}

/** The channel in a file. */
function memoryOfFile(file: number, from: number): ChannelMemory {
  const word = Buffer.alloc(4);
  return {
    word(at) {
      readSync(file, word, 0, 4, from + at);
      return word.readUInt32LE();
    },
    setWord(at, value) {
      word.writeUInt32LE(value);
      writeSync(file, word, 0, 4, from + at);
    },
    bytes(at, length) {
      const bytes = new Uint8Array(length);
      readSync(file, bytes, 0, length, from + at);
      return bytes;
    },
    setBytes(at, bytes) {
      writeSync(file, bytes, 0, bytes.length, from + at);
    },
  };
}

/** What is laid out in a folder. */
export interface Laid {
  /** Where qemu-arm looks first, and the program. */
  readonly root: string;
  readonly program: string;
  readonly memory: ChannelMemory;
  readonly doorbell: ChannelMemory;
  /** Words before those of a command of hypberryd's. */
  readonly qemu: readonly string[];
  readonly close: () => void;
}

/**
 * Lays out a channel, and what else a system has, in a folder.
 * @param bell the terminal that is the bell, where there is a service
 */
export function layOut(
  folder: string,
  image: ChannelImage,
  { bell, files = {} }: { bell?: string; files?: Readonly<Record<string, string>> } = {},
): Laid {
  const [root, program] = [join(folder, 'root'), join(folder, 'hypberryd')];
  writeFileSync(program, hypberrydFile(), { mode: 0o755 });
  for (const [path, content] of Object.entries({ ...image.tree, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  mkdirSync(join(root, 'dev'));
  if (bell !== undefined) symlinkSync(bell, join(root, 'dev', BELL));
  const file = openSync(join(root, 'dev/mem'), 'w+');
  ftruncateSync(file, C.DOORBELL + PAGE);
  const memory = memoryOfFile(file, CHANNEL_ADDRESS);
  memory.setBytes(0, image.bytes);
  return {
    ...{ root, program, memory, doorbell: memoryOfFile(file, C.DOORBELL) },
    qemu: ['qemu-arm', '-cpu', 'cortex-a7', '-L', root, program],
    close: () => {
      closeSync(file);
    },
  };
}
