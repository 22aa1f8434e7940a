/** The serial port by which the host of hypberry's hypervisor talks to it. Linux only. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { HYPERVISOR_PORT, type HypervisorSays } from '../setup/pi-report.js';
import { systemCode } from './system-error.js';

/** Milliseconds: how long an answer is waited for, between two looks, and between two questions. */
const [PATIENCE, PAUSE, APART] = [5000, 20, 1000];

/** A console keeps 64 KiB; what comes while it is read is little. */
const LONGEST = 1 << 20;

/**
 * The port's path, such as `/dev/ttyAMA1`; undefined where the system has none, for it runs under no hypervisor of ours.
 * @param root the folder that stands for `/`, for tests
 */
export function hypervisorPort(root = '/'): string | undefined {
  const ports = path.join(root, 'sys/class/tty');
  try {
    const name = fs
      .readdirSync(ports)
      .find(
        (it) => it.startsWith('ttyAMA') && devicesOf(path.join(ports, it)).includes(HYPERVISOR_PORT.device),
      );
    return name && path.join(root, 'dev', name);
  } catch {
    return undefined;
  }
}

/** A port's device, and those that it is a part of. */
function devicesOf(port: string): string[] {
  try {
    return fs.realpathSync(path.join(port, 'device')).split(path.sep);
  } catch {
    return [];
  }
}

/**
 * Asks the hypervisor how timers, memory and guests are, twice, and takes all that it has said since somebody read it last.
 * @param port its path
 */
export async function askHypervisor(port: string): Promise<HypervisorSays> {
  let file: number | undefined;
  try {
    // Raw, or the system would send what it hears back.
    execFileSync('stty', ['-F', port, 'raw', '-echo'], { stdio: 'ignore' });
    file = fs.openSync(port, fs.constants.O_RDWR | fs.constants.O_NOCTTY | fs.constants.O_NONBLOCK);
    const first = await ask(file);
    await pause(APART);
    const text = first + (await ask(file));
    return text === '' ? { missing: 'it did not answer' } : { text };
  } catch (error) {
    return { missing: `its console could not be asked (${systemCode(error) ?? 'stty'})` };
  } finally {
    if (file !== undefined) fs.closeSync(file);
  }
}

/** Sends one question, and reads to the end of the answer. */
async function ask(file: number): Promise<string> {
  fs.writeSync(file, HYPERVISOR_PORT.question);
  let text = '';
  const buffer = Buffer.alloc(0x1000);
  for (let waited = 0; waited < PATIENCE && text.length < LONGEST; waited += PAUSE) {
    for (let read = readSome(file, buffer); read > 0; read = readSome(file, buffer))
      text += buffer.toString('latin1', 0, read);
    if (HYPERVISOR_PORT.isAnswered(text)) break;
    await pause(PAUSE);
  }
  return text;
}

/** How many bytes were there. */
function readSome(file: number, buffer: Buffer): number {
  try {
    return fs.readSync(file, buffer);
  } catch (error) {
    if (systemCode(error) === 'EAGAIN') return 0;
    throw error;
  }
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
