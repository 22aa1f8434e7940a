import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HypberryError } from '../base/errors.js';
import type { Engine, Machine, OnConsole, RunEnd } from '../engine/engine.js';
import { qemuArguments, sleepsAtStart } from '../engine/qemu-arguments.js';
import { onProcessEnd } from './process-end.js';
import { followQemu, type SeenInQemu } from './qemu-memory.js';
import { monitorArguments } from './qemu-monitor.js';

/** How QEMU is started. */
export interface QemuOptions {
  /** The program, looked up on the PATH; `qemu-system-arm` unless told otherwise. */
  readonly program?: string;
  /** Further arguments, in QEMU's own words. */
  readonly more?: readonly string[];
  /**
   * A thread of the host for each core; a debugger needs that to step one core alone. Without it one thread takes
   * turns: a core that waits in WFE passes its turn on, where a thread of its own would keep a processor of the host
   * busy (QEMU, target/arm/op_helper.c, helper_wfe). On two processors a boot takes a third of the time of both.
   * Unless told, cores get threads where the code that they start with never waits in WFE.
   */
  readonly threadPerCore?: boolean;
}

/** Characters of QEMU's error output that are kept: its end says why it stopped. */
const ERRORS_KEPT = 4096;

/** QEMU as the machine: `raspi2b`, run from the PATH. */
export function qemuEngine(options: QemuOptions = {}): Engine {
  return { name: 'qemu', run: (machine, onConsole, signal) => runQemu(options, machine, onConsole, signal) };
}

async function runQemu(
  { program = 'qemu-system-arm', more = [], threadPerCore }: QemuOptions,
  machine: Machine,
  onConsole: OnConsole,
  signal: AbortSignal,
): Promise<RunEnd> {
  const folder = await mkdtemp(join(tmpdir(), 'hypberry-'));
  const release = onProcessEnd(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  try {
    const files = machine.memory
      .filter((segment) => segment.data.length > 0)
      .map((segment, index) => ({ ...segment, path: join(folder, `segment${index}`) }));
    for (const { path, data } of files) await writeFile(path, data);
    const threads = (threadPerCore ?? !sleepsAtStart(machine)) ? 'multi' : 'single';
    const accelerator = ['-accel', `tcg,thread=${threads}`];
    const { consoles = [] } = machine;
    // Node knows no sockets in folders on Windows; consoles in memory cannot be had without one.
    const monitor = process.platform === 'win32' && consoles.length === 0 ? [] : monitorArguments(folder);
    const all = [...accelerator, ...monitor, ...more];
    // Either ends the other.
    const ended = new AbortController();
    const stop = AbortSignal.any([signal, ended.signal]);
    const following =
      monitor.length > 0
        ? followQemu(folder, consoles, onConsole, stop).then((seen) => {
            if (seen.crash) ended.abort();
            return seen;
          })
        : undefined;
    // What is wrong there is thrown below.
    following?.catch(() => {
      ended.abort();
    });
    let end: RunEnd;
    let seen: SeenInQemu | undefined;
    try {
      end = await runProcess(program, qemuArguments(files, all), onConsole, stop);
    } finally {
      ended.abort();
      seen = await following;
    }
    return { ...end, ...seen, ...(seen?.crash && { why: seen.crash.what }) };
  } finally {
    release();
    await rm(folder, { recursive: true, force: true });
  }
}

function runProcess(
  program: string,
  args: readonly string[],
  onConsole: OnConsole,
  signal: AbortSignal,
): Promise<RunEnd> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      resolve({ why: 'it was stopped' });
      return;
    }
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    // QEMU keeps nothing that would want to be saved.
    const kill = () => child.kill('SIGKILL');
    const release = onProcessEnd(kill);
    signal.addEventListener('abort', kill);
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', kill);
      release();
      settle();
    };

    let consoleError: Error | undefined;
    child.stdout.on('data', (bytes: Uint8Array) => {
      try {
        onConsole(bytes);
      } catch (error) {
        consoleError ??= error instanceof Error ? error : new Error(String(error));
        kill();
      }
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-ERRORS_KEPT);
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      end(() => {
        reject(error.code === 'ENOENT' ? qemuMissing(program, error) : qemuFailed(error.message, error));
      });
    });
    child.once('close', (status, killedBy) => {
      end(() => {
        if (consoleError !== undefined) {
          reject(consoleError);
        } else if (signal.aborted) {
          resolve({ why: 'it was stopped' });
        } else if (status === 0) {
          resolve({ why: "the card's system reset the board or switched it off" });
        } else {
          const how = killedBy === null ? `with status ${String(status)}` : `by ${killedBy}`;
          reject(qemuFailed(`${program} ended ${how}: ${errors.trim() || 'it said nothing'}`));
        }
      });
    });
  });
}

function qemuMissing(program: string, cause: Error): HypberryError {
  return new HypberryError(
    'engine.missing',
    `${program} is not installed.`,
    'Install QEMU: "sudo apt install qemu-system-arm" on Debian and Raspberry Pi OS, "brew install qemu" on macOS, ' +
      '"sudo dnf install qemu-system-arm" on Fedora.',
    { cause },
  );
}

function qemuFailed(what: string, cause?: Error): HypberryError {
  return new HypberryError(
    'engine.failed',
    `QEMU could not run the machine: ${what}.`,
    'The machine "raspi2b" takes QEMU 5.1 or later and 1 GiB of memory.',
    { cause },
  );
}
