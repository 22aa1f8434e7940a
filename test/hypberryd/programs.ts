/** Programs for Linux on Arm out of AssemblyScript, and their runs under qemu-arm. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileAssemblyScript } from '../../scripts/lib/assemblyscript.js';
import { useTools } from '../../scripts/lib/tools.js';
import * as L from '../../src/hypberryd/shared/layout.js';
import { linuxProgram } from '../../src/translate/linux/program.js';
import type { Ended } from './kernel.js';

useTools();

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where samples keep what changes ends: they use hypberryd's printing and its memory for that, nothing else of it. */
export const SAMPLES_END = 0x8_0000;

/** Compiles and translates a sample, for hypberryd's places. */
export async function compileSample(entry: string): Promise<{ wasm: Uint8Array; file: Uint8Array }> {
  const wasm = await compileAssemblyScript({
    ...{ entry, baseDir: root, memoryBase: L.DATA, initialPages: L.ARENA / 0x1_0000, hasTexts: true },
  });
  return { wasm, file: linuxProgram(wasm, { text: L.TEXT, data: L.DATA, end: SAMPLES_END }).file };
}

export interface QemuOptions {
  readonly stdin?: Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Options of qemu-arm's own. */
  readonly options?: readonly string[];
  /** Another standard output, by its descriptor; default: what is gathered. */
  readonly stdout?: number;
}

/** Runs `work` in a new folder, which is gone afterwards. */
export function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'hypberryd-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What was gathered of an output: nothing where it went elsewhere. */
const gathered = (bytes: Uint8Array | null): Uint8Array => bytes ?? new Uint8Array();

/** Runs an executable under qemu-arm. */
export function runUnderQemu(
  file: Uint8Array,
  args: readonly string[],
  { stdin, environment, cwd, options = [], stdout }: QemuOptions = {},
): Ended {
  return inFolder((folder) => {
    const path = join(folder, 'program');
    writeFileSync(path, file, { mode: 0o755 });
    const ended = spawnSync('qemu-arm', ['-cpu', 'cortex-a7', ...options, path, ...args], {
      input: stdin ?? new Uint8Array(),
      ...(environment && { env: { PATH: process.env['PATH'], ...environment } }),
      ...(cwd !== undefined && { cwd }),
      ...(stdout !== undefined && { stdio: ['pipe', stdout, 'pipe'] }),
    });
    if (ended.error) throw ended.error;
    const { status, signal } = ended;
    return {
      status,
      signal,
      stdout: gathered(ended.stdout),
      stderr: ended.stderr,
    };
  });
}

/** What was written, as text. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
