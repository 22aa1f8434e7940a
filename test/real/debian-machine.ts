/** Machines of real kernels: Debian's as host with its own device tree, Debian's as guests, each with busybox. */
import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { bootFiles } from '../../scripts/lib/card-image.js';
import { type ArchiveFile, busyboxArchive, PROGRAM } from '../../scripts/lib/initramfs.js';
import { inputs, type KernelModule, type Suite } from '../../scripts/lib/inputs.js';
import { builtInEngine } from '../../src/engine/built-in.js';
import type { Machine } from '../../src/engine/engine.js';
import { runUntil } from '../../src/engine/run-until.js';
import type { Handover } from '../../src/firmware/handover.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { qemuEngine } from '../../src/node/qemu.js';
import { planGuestAdd } from '../../src/setup/guest-add.js';
import { hypervisorIn } from '../../src/setup/hypervisor.js';
import { planInstall } from '../../src/setup/install.js';
import { applyPlan, type Plan } from '../../src/setup/plan.js';
import { randomFrom } from '../board/rig.js';
import { changeableCard } from '../support/changeable-card.js';
import { quick } from './real-card.js';

/** A guest with Debian's kernel, or with firmware that finds one. */
export interface DebianGuest {
  readonly name: string;
  readonly suite: Suite;
  readonly cores: readonly number[];
  /** What its /init does before it becomes a shell. */
  readonly script: string;
  /** Instead of all that. */
  readonly firmware?: Uint8Array;
  /** Disks on the host and a network card, as `guest add` takes them; default: none. */
  readonly disks?: readonly string[];
  readonly network?: 'host';
  readonly isolated?: boolean;
  readonly forwards?: readonly string[];
  /** Further files of its initramfs. */
  readonly more?: readonly ArchiveFile[];
}

/** A host with Debian's kernel, and its guests. */
export interface DebianMachine {
  readonly suite: Suite;
  /** The host's cores. */
  readonly cores: number;
  /** What the host's /init does before it becomes a shell. */
  readonly script: string;
  /** Further files of the host's initramfs. */
  readonly more?: readonly ArchiveFile[];
  readonly guests: readonly DebianGuest[];
  /** Whether how the host's kernel unpacks itself is nobody's matter: it is packed by gzip then, but for `everything`. */
  readonly isQuick?: boolean;
}

/** MiB: enough for an unpacked kernel and a shell; and where U-Boot for QEMU puts what it loads. */
const GUEST_MEMORY = 96;
const FIRMWARE_MEMORY = 192;
/** The host's /dev/ttyAMA of the hypervisor's own messages: the board has two UARTs before it. */
const FIRST_CONSOLE = 2;
/** The host's end of a console: 0 for the hypervisor's own messages, then the guests'. */
export const consoleDevice = (console: number): string => `/dev/ttyAMA${FIRST_CONSOLE + console}`;

/** What the scripts need of busybox. */
export const APPLETS = [
  ...['cat', 'cmp', 'cut', 'date', 'dd', 'dmesg', 'grep', 'gzip', 'head', 'httpd', 'ifconfig', 'insmod'],
  ...['ip', 'ln', 'mkdir', 'mkfifo', 'nc', 'pidof', 'ping', 'poweroff', 'reboot', 'rm', 'seq', 'sha256sum'],
  ...['sleep', 'sort', 'stty', 'sync', 'tail', 'taskset', 'touch', 'tr', 'udhcpc', 'uname', 'unshare', 'wc'],
  ...['nsenter', 'nslookup', 'wget'],
];

/** Modules of a kernel as files of an initramfs, and shell code that loads them. */
export const moduleFiles = (modules: readonly KernelModule[]): ArchiveFile[] =>
  modules.map(({ name, data }) => ({ path: `${name}.ko`, mode: PROGRAM, data }));
export const loadModules = (modules: readonly KernelModule[]): string =>
  modules.map(({ name }) => `insmod /${name}.ko`).join('\n');

/** Shell code of the host's that has guest n, by its console, do something, and waits until it says `done: ` and what. */
export const tell = (n: number, what: string): string =>
  `rm -f /run/done; echo "${what}" >${consoleDevice(n + 1)}; until [ -e /run/done ]; do sleep 0.1; done`;

/** Shell code of a guest's that does, line by line, what it is told so; of the host's, what listens to it. */
export const OBEY = 'while read -r line; do $line; echo "done: $line"; done';
export const HEAR_DONE = { 'done:*': 'touch /run/done' };

/**
 * Shell code of the host's that prints what a console says, each line behind the console's name, and answers it.
 * @param console 0 for the hypervisor's own messages, then the guests'
 * @param answers what to do upon a line: the shell's pattern for it, and commands; `say TEXT` sends a line back
 */
export function listenTo(console: number, name: string, answers: Readonly<Record<string, string>>): string {
  const cases = Object.entries(answers).map(([pattern, commands]) => `${pattern}) ${commands} ;;`);
  const device = consoleDevice(console);
  // Set up in one step, before a second that reads: what is heard meanwhile must not be sent back.
  return `stty -F ${device} raw -echo
{
  say() { echo "$*" >${device}; }
  while read -r line; do
    echo "${name}: $line"
    case $line in
      ${cases.join('\n      ')}
    esac
  done
} <${device} &
`;
}

/**
 * Makes a card with Debian's kernel as host and guests on it as its user would, by the plans of `guest add` and
 * `install`, and gives what the firmware makes of it.
 */
export async function debianMachine(plan: DebianMachine): Promise<Handover & Machine> {
  const found = await inputs();
  const kernel = plan.isQuick === true ? await quick(found[plan.suite]) : found[plan.suite];
  const busybox = await readFile(found.busybox);
  const watchdog = { path: 'bcm2835_wdt.ko', mode: PROGRAM, data: await readFile(found.watchdog) };
  const initramfs = busyboxArchive(busybox, plan.script, APPLETS, [watchdog, ...(plan.more ?? [])]);
  const files = await bootFiles(kernel, found.firmware, {
    config: 'auto_initramfs=1\n',
    commandLine: 'console=ttyAMA0,115200',
    more: new Map([['initramfs7', initramfs]]),
  });
  const card = changeableCard(Object.fromEntries(files));
  const carryOut = (it: Plan): Promise<void> => applyPlan(card, it, () => undefined);
  // The same machine each time: snapshots are found by what is in memory.
  const random = randomFrom(1);
  const draw = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => random(256));
  for (const { name, suite, cores, script, firmware, more = [], ...devices } of plan.guests) {
    const guest = {
      name,
      ...(firmware
        ? { firmware: { name: 'u-boot.bin', data: firmware }, memory: FIRMWARE_MEMORY }
        : {
            kernel: { name: 'vmlinuz', data: await readFile(found[suite].vmlinuz) },
            initramfs: { name: 'initramfs', data: busyboxArchive(busybox, script, APPLETS, more) },
            memory: GUEST_MEMORY,
          }),
      cores: cores.length,
      commandLine: undefined,
      ...devices,
    };
    await carryOut(await planGuestAdd(card, guest, draw));
  }
  await carryOut(await planInstall(card, { method: 'auto' }));
  const machine = await prepareHandover(card);
  const { hostCores, guests, consoles } = hypervisorIn(await card.read(machine.picked.kernel.file))!;
  expect(hostCores).toBe(plan.cores);
  expect(guests.map(({ cores }) => cores)).toEqual(plan.guests.map(({ cores }) => cores));
  return { ...machine, consoles };
}

/** What a machine did. */
export interface Ran {
  /** What its UART said, carriage returns left out; not what a console in memory did, which would fall into its lines. */
  readonly said: string;
  /** Why it ended, or that it was stopped. */
  readonly why: string;
}

const ENGINES = {
  'built-in': builtInEngine(),
  // In turns by one thread, each of the thousands of TLB invalidations at the end of a boot would wait while the
  // other cores, held in stop_machine(), use up their turns of 100 ms.
  QEMU: qemuEngine({ threadPerCore: true }),
} as const;

/**
 * Runs a machine to its end.
 * @param until a line that ends it, too
 */
export async function runToEnd(
  engine: keyof typeof ENGINES,
  machine: Handover,
  seconds: number,
  until?: RegExp,
): Promise<Ran> {
  let said = '';
  const { end } = await runUntil(ENGINES[engine], machine, seconds, (text, console) => {
    if (console !== undefined) return false;
    said += text.replaceAll('\r', '');
    return until !== undefined && text.includes('\n') && until.test(said);
  });
  return { said, why: end.why };
}
