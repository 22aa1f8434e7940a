/** What the running system says about the Pi it runs on. Linux only; elsewhere every fact is undefined. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { reportedMode, type PiFacts } from '../setup/doctor.js';
import type { PiDetails } from '../setup/pi-report.js';
import { systemCode } from './system-error.js';

/** Mount points of the boot partition, today's first (Raspberry Pi OS since bookworm, before; Debian's images; LibreELEC). */
const BOOT_FOLDERS = ['/boot/firmware', '/boot', '/boot/efi', '/flash'];

/**
 * Reads the facts. Never throws: what cannot be read is undefined.
 * @param root the folder that stands for `/`, for tests
 * @param readLog gives the kernel's log, or undefined
 */
export function readPi(root = '/', readLog: () => string | undefined = () => readKernelLog()): PiFacts {
  const read = (file: string): Buffer | undefined => {
    try {
      return fs.readFileSync(path.join(root, file));
    } catch {
      return undefined;
    }
  };
  const text = (file: string): string | undefined => read(file)?.toString('utf8').replace(/\0+$/, '').trim();
  const cpuinfo = text('proc/cpuinfo') ?? '';
  const folders = BOOT_FOLDERS.map((folder) => path.join(root, folder));
  const bootFolder = folders.find((folder) => bootFiles(folder) === 'there');
  const revisionCell = read('proc/device-tree/system/linux,revision');
  const revisionLine = /^Revision\s*:\s*([0-9a-f]+)\s*$/im.exec(cpuinfo)?.[1];
  return {
    model: text('proc/device-tree/model'),
    revision:
      revisionCell?.length === 4
        ? revisionCell.readUInt32BE(0)
        : revisionLine === undefined
          ? undefined
          : parseInt(revisionLine, 16),
    compatible: text('proc/device-tree/compatible')?.split('\0') ?? [],
    kernel: text('proc/sys/kernel/osrelease'),
    kernelLog: readLog(),
    bootFolder,
    closedFolder:
      bootFolder === undefined ? folders.find((folder) => bootFiles(folder) === 'closed') : undefined,
    nodes: namesIn(path.join(root, 'proc/device-tree')),
  };
}

/**
 * Reads what only a report wants. Never throws, as {@link readPi}.
 * @param root the folder that stands for `/`, for tests
 */
export function readPiDetails(root = '/'): PiDetails {
  const read = (file: string): Buffer | undefined => {
    try {
      return fs.readFileSync(path.join(root, file));
    } catch {
      return undefined;
    }
  };
  const text = (file: string): string | undefined => read(file)?.toString('utf8').trim();
  const tree = 'proc/device-tree';
  const memory = namesIn(path.join(root, tree)).find((name) => /^memory(?:@|$)/.test(name));
  return {
    commandLine: text('proc/cmdline'),
    memory: memory === undefined ? undefined : read(`${tree}/${memory}/reg`),
    coresOn: text('sys/devices/system/cpu/online'),
    clockSource: text('sys/devices/system/clocksource/clocksource0/current_clocksource'),
    interrupts: text('proc/interrupts'),
  };
}

/** Whether a folder has the files of a boot folder; `closed` where this user may not look. */
function bootFiles(folder: string): 'there' | 'none' | 'closed' {
  try {
    const isThere = ['config.txt', 'start.elf'].some((name) =>
      fs.statSync(path.join(folder, name), { throwIfNoEntry: false }),
    );
    return isThere ? 'there' : 'none';
  } catch (error) {
    return systemCode(error) === 'EACCES' ? 'closed' : 'none';
  }
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}

/** Ways to the kernel's log: its ring buffer or, where that is closed or has run over, the system's journal. */
const LOGS: readonly (readonly [program: string, args: readonly string[]])[] = [
  ['dmesg', []],
  ['journalctl', ['--dmesg', '--boot', '--no-pager', '--quiet', '--output=cat']],
];
/** Bytes of a log; a journal of months may have many. */
const LONGEST_LOG = 256 << 20;

/**
 * The kernel's log: the first one that tells the mode, else the last that could be read.
 * @param logs programs that print it
 */
export function readKernelLog(logs = LOGS): string | undefined {
  let last: string | undefined;
  for (const [program, args] of logs) {
    try {
      const text = execFileSync(program, args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        maxBuffer: LONGEST_LOG,
      });
      // The journal says nothing to a user who may not read it.
      if (text.trim() !== '') last = text;
      if (reportedMode(text) !== 'unknown') return text;
    } catch {
      // Not there, or not for this user: the next one.
    }
  }
  return last;
}

/** The facts of the Pi that runs us where `target` is its own boot folder; undefined where it is anything else. */
export function piOfBootFolder(target: string, root = '/'): PiFacts | undefined {
  const pi = readPi(root, () => undefined);
  const same = (a: string, b: string): boolean => fs.realpathSync(a) === fs.realpathSync(b);
  return pi.bootFolder !== undefined && fs.existsSync(target) && same(pi.bootFolder, target) ? pi : undefined;
}
