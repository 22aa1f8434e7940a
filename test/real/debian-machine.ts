/** Machines of real kernels: Debian's as host with its own device tree, Debian's as guests, each with busybox. */
import { readFile } from 'node:fs/promises';
import { inputs, type Suite } from '../../scripts/lib/inputs.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { ensureNode, fdtFromCells, fdtFromText, readFdt, writeFdt } from '../../src/firmware/fdt.js';
import type { Handover } from '../../src/firmware/handover.js';
import { guestTree } from '../../src/guest/guest-tree.js';
import { changeHostTree } from '../../src/guest/host-tree.js';
import type { GuestPlan, HypervisorImage } from '../../src/hypervisor/image.js';
import { BLOCK, buildHypervisor } from '../../src/hypervisor/image.js';
import { qemuEngine } from '../../src/node/qemu.js';
import { handoverOf } from '../hypervisor/payloads.js';
import { busyboxArchive, PROGRAM } from '../support/initramfs.js';

export interface DebianGuest {
  readonly name: string;
  readonly suite: Suite;
  readonly cores: readonly number[];
  /** What its /init does before it becomes a shell. */
  readonly script: string;
}

export interface DebianMachine {
  readonly suite: Suite;
  /** The host's cores. */
  readonly cores: number;
  /** What the host's /init does before it becomes a shell. */
  readonly script: string;
  readonly guests: readonly DebianGuest[];
}

/** As with gpu_mem=64. */
const ARM_MEMORY = 0x3c00_0000;
/** Enough for an unpacked kernel and a shell. */
const GUEST_MEMORY = 48 * BLOCK;
const GUEST_KERNEL = 0x8000;
/** Where the firmware of this machine puts the host's files. */
const TREE = 0x1000_0000;
const INITRAMFS = 0x1800_0000;
const PAGE = 0x1000;
/** The host's /dev/ttyAMA of the hypervisor's own messages: the board has two UARTs before it. */
const FIRST_CONSOLE = 2;

const init = (script: string): string => `#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev
${script}
exec sh
`;

/** What the scripts need of busybox. */
const APPLETS = ['cat', 'grep', 'insmod', 'mount', 'poweroff', 'reboot', 'sleep', 'stty', 'taskset', 'uname'];

/**
 * Shell code of the host's that prints what a console says, each line behind the console's name, and answers it.
 * @param console 0 for the hypervisor's own messages, then the guests'
 * @param answers what to do upon a line: the shell's pattern for it, and commands; `say TEXT` sends a line back
 */
export function listenTo(console: number, name: string, answers: Readonly<Record<string, string>>): string {
  const cases = Object.entries(answers).map(([pattern, commands]) => `${pattern}) ${commands} ;;`);
  const device = `/dev/ttyAMA${FIRST_CONSOLE + console}`;
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

async function debianGuest({ name, suite, cores, script }: DebianGuest): Promise<GuestPlan> {
  const found = await inputs();
  const initramfs = busyboxArchive(await readFile(found.busybox), init(script), APPLETS);
  const at = GUEST_MEMORY / 2;
  const tree = guestTree({
    memory: GUEST_MEMORY,
    cores: cores.length,
    commandLine: 'console=ttyAMA0',
    initramfs: { offset: at, length: initramfs.length },
  });
  return {
    name,
    memory: GUEST_MEMORY,
    cores,
    kernel: { data: await readFile(found[suite].vmlinuz), offset: GUEST_KERNEL },
    initramfs: { data: initramfs, offset: at },
    tree: { data: tree, offset: at + Math.ceil(initramfs.length / PAGE) * PAGE },
  };
}

/** Builds the hypervisor's file and what the firmware loads beside it. */
export async function debianMachine(
  plan: DebianMachine,
): Promise<{ readonly machine: Handover; readonly image: HypervisorImage }> {
  const found = await inputs();
  const image = buildHypervisor({
    armMemory: ARM_MEMORY,
    hostCores: plan.cores,
    hostKernel: await readFile(found[plan.suite].vmlinuz),
    guests: await Promise.all(plan.guests.map(debianGuest)),
  });
  const watchdog = { path: 'bcm2835_wdt.ko', mode: PROGRAM, data: await readFile(found.watchdog) };
  const initramfs = busyboxArchive(await readFile(found.busybox), init(plan.script), APPLETS, [watchdog]);
  const fdt = readFdt(await readFile(found[plan.suite].dtb));
  changeHostTree(fdt, plan.cores, image.description.consoles.length);
  const chosen = ensureNode(fdt, '/chosen').properties;
  chosen.set('bootargs', fdtFromText('console=ttyAMA0,115200'));
  chosen.set('linux,initrd-start', fdtFromCells(INITRAMFS));
  chosen.set('linux,initrd-end', fdtFromCells(INITRAMFS + initramfs.length));
  ensureNode(fdt, '/memory@0').properties.set('reg', fdtFromCells(0, ARM_MEMORY));
  const files = [
    { name: 'device tree', address: TREE, data: writeFdt(fdt) },
    { name: 'initramfs', address: INITRAMFS, data: initramfs },
  ];
  return { machine: { ...handoverOf(image, files, TREE), armMemory: ARM_MEMORY }, image };
}

/** What a machine did. */
export interface Ran {
  /** What its UART said, carriage returns left out. */
  readonly said: string;
  /** Why it ended, or that it did not. */
  readonly why: string;
}

/** Milliseconds of virtual time between two looks at the clock. */
const STRETCH = 5;

/**
 * Runs a machine to its end.
 * @param until text that ends it, too
 */
export async function runToEnd(
  engine: 'built-in' | 'QEMU',
  machine: Handover,
  seconds: number,
  until?: RegExp,
): Promise<Ran> {
  const decoder = new TextDecoder();
  let said = '';
  const onConsole = (bytes: Uint8Array): void => {
    said += decoder.decode(bytes, { stream: true }).replaceAll('\r', '');
  };
  if (engine === 'QEMU') {
    const stop = new AbortController();
    const look = (bytes: Uint8Array): void => {
      onConsole(bytes);
      if (until?.test(said)) stop.abort();
    };
    // In turns by one thread, each of the thousands of TLB invalidations at the end of a boot would wait while the
    // other cores, held in stop_machine(), use up their turns of 100 ms.
    const { why } = await qemuEngine({ threadPerCore: true }).run(
      machine,
      look,
      AbortSignal.any([stop.signal, AbortSignal.timeout(seconds * 1000)]),
    );
    return { said, why };
  }
  const pi = await createBuiltInPi(machine, onConsole);
  const end = performance.now() + seconds * 1000;
  for (let ms = STRETCH; pi.ending === undefined && performance.now() < end; ms += STRETCH) {
    pi.run(ms * 1_000_000);
    if (until?.test(said)) break;
  }
  return { said, why: pi.ending ?? 'it went on' };
}
