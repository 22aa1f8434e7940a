/** Makes a card start Linux in HYP mode, and takes that back. */
import { HypberryError } from '../base/errors.js';
import { REVISION } from '../board/bcm2836.js';
import { KERNEL_OFFSET } from '../boot/block.js';
import type { CardReader } from '../card/card.js';
import { overlayCard } from '../card/overlay.js';
import { readConfig } from '../firmware/config.js';
import type { Picked } from '../firmware/handover.js';
import { bareKernel, describeKernel, firstPageTable, unpackVersion } from '../firmware/kernel.js';
import { prepareHandover } from '../firmware/prepare.js';
import { readGuests } from '../guest/guests.js';
import { refuseProblem } from './boot-partition.js';
import { addBlock, splitConfig } from './config-block.js';
import { armstubFiles, kernelOldFiles, knowsPi2Filter } from './files.js';
import { hypervisorFor } from './hypervisor.js';
import { OUR_NAME, ourFiles } from './ours.js';
import { cardAfter, ROOM_FOR_GUESTS, type Change, type Method, type Plan } from './plan.js';
import { surveyCard, type Survey } from './survey.js';

export interface InstallOptions {
  /** `auto` reads the card and chooses. */
  readonly method: 'auto' | Method;
  /** Put the block in even where the card starts HYP mode without it, or holds an unknown kernel. */
  readonly force?: boolean | undefined;
  /** The revision code of the Pi that the card is in, where that is known: a Pi 2 v1.2 is refused. */
  readonly revision?: number | undefined;
}

/** Where our lines go. */
export const CONFIG = 'config.txt';

/**
 * The card as its user made it: without our lines in config.txt.
 * @throws HypberryError `setup.config-damaged`, and what the card throws
 */
export async function withoutOurs(card: CardReader): Promise<{
  base: CardReader;
  config: Uint8Array | undefined;
  written: Uint8Array | undefined;
  lines: readonly string[] | undefined;
}> {
  const written = (await card.stat(CONFIG)) ? await card.read(CONFIG) : undefined;
  const { without, lines } = splitConfig(written);
  const base = overlayCard(card, {
    write: new Map(without && lines ? [[CONFIG, without]] : []),
    remove: new Set(!without && written ? [CONFIG] : []),
  });
  return { base, config: without, written, lines };
}

/**
 * Plans what makes a card start Linux in HYP mode. Reads the card, changes nothing.
 *
 * @throws HypberryError `setup.no-firmware`, `setup.armstub-unknown`, `setup.kernel-old-unknown`, `setup.no-method`,
 *   `setup.armv6-kernel`, `setup.not-a-kernel`, `setup.truncated-kernel`, `setup.kernel-old-in-use`,
 *   `setup.kernel-address`, `setup.tree-overlap`, `setup.tree-unpinned`, `setup.bcm2837`, `setup.config-damaged`,
 *   the problem of the card's place (`setup.noobs`, `setup.boots-elsewhere`, `setup.boot-partition-…`);
 *   with guests `setup.no-tree`, `guest.…`, `tree.…`, `hypervisor.…`; what {@link prepareHandover} throws of a card
 *   that would not start (`firmware.no-kernel`, `firmware.arm64-kernel`, …), and what the card throws
 */
export async function planInstall(card: CardReader, options: InstallOptions): Promise<Plan> {
  refuseBcm2837(options.revision);
  refuseProblem(card);
  const { base, config, written, lines } = await withoutOurs(card);
  const survey = await surveyCard(base);
  if (survey.problem) throw survey.problem;
  const guests = await readGuests(card);
  refuseKernel(survey, options.force === true, guests.length > 0);

  const installed = lines && installedMethod(lines);
  const needed = guests.length > 0 || options.force === true || options.method !== 'auto';
  if (!needed && !installed && survey.start.mode === 'HYP') {
    return {
      method: undefined,
      summary: `Nothing to do: this card starts its kernel in HYP mode as it is. ${survey.start.because}`,
      notes: [],
      changes: [],
    };
  }
  const method = chooseMethod(survey, options.method, installed);
  const hypervisor = guests.length > 0 ? await hypervisorFor(card, base, survey, guests) : undefined;
  const made =
    method === 'armstub'
      ? await armstubFiles(survey, hypervisor)
      : await kernelOldFiles(base, survey, hypervisor);
  const config2 = addBlock(config, made.lines);

  const changes: Change[] = [];
  for (const { path, data } of made.files) {
    if (await holds(card, path, data)) continue;
    changes.push({ kind: (await card.stat(path)) ? 'replace' : 'create', path, data });
  }
  if (!written || !equal(written, config2)) changes.push({ kind: 'replace', path: CONFIG, data: config2 });
  const { unused, notes } = await leftovers(
    card,
    base,
    made.files.map(({ path }) => path),
  );
  notes.unshift(...(hypervisor?.notes ?? []));
  for (const path of unused) changes.push({ kind: 'remove', path });
  if (!knowsPi2Filter(survey)) {
    notes.push(
      'This firmware does not know the filter [pi2], so the lines are for every board: the card does not start a Pi 1 any more.',
    );
  }

  const plan: Plan = {
    method,
    summary:
      changes.length === 0
        ? `Nothing to do: ${hypervisor ? "hypberry's hypervisor" : "hypberry's block"} is installed and up to date (method ${method}).`
        : `The firmware will run hypberry's block (method ${method}), which starts ${hypervisor?.what ?? survey.picked!.kernel.file} in HYP mode.`,
    notes,
    changes,
    ...(hypervisor
      ? { room: ROOM_FOR_GUESTS }
      : method === 'kernel_old' && survey.firmware?.facts.knowsArmstub
        ? // It takes no copy of the kernel.
          { room: 'or use --method armstub' }
        : {}),
  };
  const after = cardAfter(card, plan);
  const { picked } = await prepareHandover(after);
  hypervisor?.checkPlacement(picked);
  await refuseOverlap(after, picked, survey, method);
  return plan;
}

/**
 * Plans what takes install's work back: config.txt gets the bytes it had, our files go.
 * @throws HypberryError `setup.config-damaged`, and what the card throws
 */
export async function planUninstall(card: CardReader): Promise<Plan> {
  const { base, config, lines } = await withoutOurs(card);
  const changes: Change[] = [];
  if (lines) {
    changes.push(config ? { kind: 'replace', path: CONFIG, data: config } : { kind: 'remove', path: CONFIG });
  }
  const { unused, notes } = await leftovers(card, base, []);
  for (const path of unused) changes.push({ kind: 'remove', path });
  return {
    method: undefined,
    summary:
      changes.length === 0
        ? "Nothing to do: hypberry's block is not installed on this card."
        : lines
          ? 'The card starts as it did before install.'
          : 'What an interrupted install left on the card goes.',
    notes,
    changes,
  };
}

/** How the lines of our block start it. */
function installedMethod(lines: readonly string[]): Method {
  return lines.some((line) => line.startsWith('armstub=')) ? 'armstub' : 'kernel_old';
}

function refuseBcm2837(revision: number | undefined): void {
  if (revision === undefined || !REVISION.isNewStyle(revision)) return;
  if (REVISION.model(revision) === REVISION.MODEL_2B && REVISION.soc(revision) === REVISION.SOC_BCM2837) {
    throw new HypberryError(
      'setup.bcm2837',
      `This is a Pi 2 v1.2 (revision ${revision.toString(16)}): its BCM2837 has Cortex-A53 cores, for which the block is not made.`,
      "Use the card in a Pi 2 v1.1 (BCM2836); a BCM2837 starts HYP mode with its firmware's own stub.",
    );
  }
}

function refuseKernel(survey: Survey, force: boolean, isHost: boolean): void {
  const { file, facts } = survey.kernel!;
  const kernel = bareKernel(facts);
  if ('architecture' in kernel && kernel.architecture === 'ARMv6') {
    throw new HypberryError(
      'setup.armv6-kernel',
      `${file} is a kernel for the first Raspberry Pi (ARMv6), which has no HYP mode: ${describeKernel(kernel)}.`,
      'Put a kernel for the Pi 2 on the card, kernel7.img.',
    );
  }
  if (kernel.kind === 'zImage' && kernel.truncated) {
    throw new HypberryError(
      'setup.truncated-kernel',
      `${file} is cut short: it has ${kernel.size} bytes, and its header says ${kernel.imageSize}.`,
      'Copy the kernel to the card again.',
    );
  }
  if (kernel.kind === 'unknown' && !force) {
    throw new HypberryError(
      'setup.not-a-kernel',
      `${file} is not a kernel that hypberry knows: ${describeKernel(kernel)}.`,
      `If it is a program that starts at 0x8000 in ${isHost ? 'SVC' : 'HYP'} mode, install with --force.`,
    );
  }
}

/** @param installed the method in use, which `auto` keeps as long as the firmware knows it */
function chooseMethod(survey: Survey, wanted: 'auto' | Method, installed: Method | undefined): Method {
  const firmware = survey.firmware?.facts;
  // Under kernel_old=1 of the user's own, a stub would not be used.
  const kernelOldInUse = survey.picked!.stub.from === 'kernel';
  if (wanted === 'armstub' && kernelOldInUse) {
    throw new HypberryError(
      'setup.kernel-old-in-use',
      'config.txt sets kernel_old=1, under which the firmware does not use a stub.',
      'Use --method kernel_old, or take kernel_old out of config.txt.',
    );
  }
  if (!firmware) {
    const known = wanted === 'auto' ? installed : wanted;
    if (known) return known;
    throw new HypberryError(
      'setup.no-firmware',
      'There is no start.elf on this card, so what its firmware can do is not known.',
      'Point hypberry at the boot partition of a Raspberry Pi, or choose with --method.',
    );
  }
  if (wanted === 'armstub' && !firmware.knowsArmstub) {
    throw new HypberryError(
      'setup.armstub-unknown',
      `The card's firmware${builtOn(firmware.buildDate)} does not know armstub.`,
      'Use --method kernel_old, or a newer start.elf and fixup.dat.',
    );
  }
  if (wanted === 'kernel_old' && !firmware.knowsKernelOld) {
    throw new HypberryError(
      'setup.kernel-old-unknown',
      `The card's firmware${builtOn(firmware.buildDate)} does not know kernel_old.`,
      'Use --method armstub.',
    );
  }
  if (wanted !== 'auto') return wanted;
  const possible: Method[] = [
    ...(firmware.knowsArmstub && !kernelOldInUse ? (['armstub'] as const) : []),
    ...(firmware.knowsKernelOld ? (['kernel_old'] as const) : []),
  ];
  const method = possible.find((one) => one === installed) ?? possible[0];
  if (method) return method;
  throw new HypberryError(
    'setup.no-method',
    `The card's firmware${builtOn(firmware.buildDate)} knows neither armstub nor kernel_old.`,
    'Use a start.elf and fixup.dat of 2015 or later.',
  );
}

function builtOn(date: string | undefined): string {
  return date === undefined ? '' : ` of ${date}`;
}

/** Under `kernel_old`, a tree below the kernel must end before the kernel's page tables begin. */
async function refuseOverlap(
  after: CardReader,
  picked: Picked,
  survey: Survey,
  method: Method,
): Promise<void> {
  if (method !== 'kernel_old' || !picked.tree || picked.tree.address >= KERNEL_OFFSET) return;
  const kernel = await unpackVersion(await after.read(picked.kernel.file), survey.kernel!.facts);
  const limit = firstPageTable(kernel);
  const end = picked.tree.address + picked.tree.size;
  if (end <= limit) return;
  throw new HypberryError(
    'setup.tree-overlap',
    `The device tree ${picked.tree.file} would reach from 0x${picked.tree.address.toString(16)} to 0x${end.toString(16)}, ` +
      `and the kernel clears its page tables from 0x${limit.toString(16)} on before it reads the tree.`,
    'Use a newer start.elf and fixup.dat, with --method armstub; or start without an initramfs, so that the tree can be put elsewhere.',
  );
}

/**
 * Files of ours that nothing needs once those to `keep` are in use. One that the user's own lines name, taken over from our
 * block perhaps, stays, and a note says so.
 * @param base the card without our lines in config.txt
 */
async function leftovers(
  card: CardReader,
  base: CardReader,
  keep: readonly string[],
): Promise<{ unused: string[]; notes: string[] }> {
  const { files } = await readConfig(base);
  const texts: string[] = [];
  for (const file of files) texts.push(new TextDecoder().decode(await base.read(file)).toLowerCase());
  const unused: string[] = [];
  const notes: string[] = [];
  for (const path of await ourFiles(card)) {
    const name = path.slice(path.search(OUR_NAME)).toLowerCase();
    if (keep.some((it) => it.toLowerCase() === path.toLowerCase())) continue;
    if (!texts.some((text) => text.includes(name))) unused.push(path);
    else notes.push(`${path} stays, because config.txt names it outside of hypberry's block.`);
  }
  return { unused, notes };
}

async function holds(card: CardReader, path: string, data: Uint8Array): Promise<boolean> {
  const entry = await card.stat(path);
  return entry?.size === data.length && equal(await card.read(path), data);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
