/** What is on a card, and how it starts its kernel as it stands. */
import { attempt, HypberryError } from '../base/errors.js';
import { isBootBlock } from '../boot/block.js';
import type { CardReader } from '../card/card.js';
import { describeNote, PI2, type Config } from '../firmware/config.js';
import type { Picked } from '../firmware/handover.js';
import { BOOTCODE, readBootcode, type Bootcode } from '../firmware/bootcode.js';
import { belongsTogether } from '../firmware/fixup.js';
import {
  bareKernel,
  describeKernel,
  linuxRelease,
  unpackVersion,
  type KernelFile,
} from '../firmware/kernel.js';
import { isUnread, readSizedIfThere } from '../firmware/file-size.js';
import { looksLike } from '../firmware/looks-like.js';
import { loadFiles, NO_KERNEL, STUB_ALONE, type Loaded } from '../firmware/load.js';
import { OVERLAP } from '../firmware/memory.js';
import { placeFiles } from '../firmware/prepare.js';
import { BOOT_RAMDISK, readFirmware } from '../firmware/readers.js';
import type { StartElf } from '../firmware/start-elf.js';
import { readStub } from '../firmware/stub.js';

/** How a card starts its kernel. */
export interface Start {
  /**
   * The mode the kernel is entered in; `unknown` where that cannot be told without running it, `none` where no kernel
   * is started at all.
   */
  readonly mode: 'HYP' | 'SVC' | 'unknown' | 'none';
  /** What does it, or why not, one sentence. */
  readonly because: string;
}

/** start.elf, or what is chosen in its place. */
export interface FirmwareFile {
  readonly file: string;
  readonly facts: StartElf;
}

/** The file that fits the firmware to the memory, and what is wrong with it, a sentence. */
export interface FixupFile {
  readonly file: string;
  readonly fault: string | undefined;
}

/** What a card's firmware starts, with all of it read. */
export interface CardSystem {
  /** As the card's firmware reads it on a Pi 2. */
  readonly config: Config;
  /** Undefined where there is none on the card: it may come from elsewhere. */
  readonly firmware: FirmwareFile | undefined;
  /** Undefined without firmware. */
  readonly fixup: FixupFile | undefined;
  readonly kernel: {
    readonly file: string;
    /** Unpacked as far as its text tells something. */
    readonly facts: KernelFile;
    readonly data: Uint8Array;
  };
  /** What the firmware reads, to be put into memory. */
  readonly loaded: Loaded;
  /** What it would load, and where. */
  readonly picked: Picked;
  /** Bytes of memory that the ARM has. */
  readonly armMemory: number;
}

/** What a card holds, as far as it could be read. */
interface Seen {
  /** config.txt as the card's firmware reads it on a Pi 2; undefined where it could not be read. */
  readonly config: Config | undefined;
  /** bootcode.bin; undefined where it is not there or something else. */
  readonly bootcode: Bootcode | undefined;
  readonly firmware: FirmwareFile | undefined;
  /** Undefined without firmware. */
  readonly fixup: FixupFile | undefined;
  readonly start: Start;
  /** Why it would not start, the first thing first. */
  readonly problems: readonly HypberryError[];
  /** What of the firmware's ways with this card nobody can know, a sentence each. */
  readonly unsure: readonly string[];
}

/** What is on a card: with all that its firmware would start, or with the reason why it does not get so far. */
export type Survey = Seen &
  ({ readonly system: CardSystem } | { readonly system: undefined; readonly stop: HypberryError });

/** Codes of problems that somebody may know better: the firmware may come from elsewhere. */
export const NO_BOOTCODE = 'setup.no-bootcode';
export const NO_FIRMWARE = 'setup.no-firmware';

/** The code of a card with bootcode.bin alone, by which a Pi starts what is elsewhere. */
const BOOTCODE_ALONE = 'setup.bootcode-alone';

/** The code of a kernel that gets no device tree, and needs one. */
const NEEDS_TREE = 'setup.needs-tree';

/** The codes of kernels that do not start a Pi 2. */
export const ARMV6_KERNEL = 'setup.armv6-kernel';
export const TRUNCATED_KERNEL = 'setup.truncated-kernel';

/** The code where `kernel_old=1` of the user's own is in the way. */
export const KERNEL_OLD_IN_USE = 'setup.kernel-old-in-use';

/**
 * Looks at a card without changing it.
 * @param lacksBootcode the user said that a Pi loads what is on it by another way than bootcode.bin on the card
 * @throws HypberryError only where the card itself cannot be read (`card.…`)
 */
export async function surveyCard(card: CardReader, lacksBootcode = false): Promise<Survey> {
  const first = await findBootcode(card);
  const bootcode = first instanceof HypberryError ? undefined : first;
  let problems =
    first instanceof HypberryError && !(lacksBootcode && first.code === NO_BOOTCODE) ? [first] : [];
  const stopped = (stop: HypberryError, seen: Pick<Seen, 'config' | 'firmware' | 'fixup'>): Survey => {
    const unsure = doubtsOf(seen.config);
    return {
      ...seen,
      bootcode,
      unsure,
      ...problemsOf(problems, [stop], unsure),
      system: undefined,
      stop,
    };
  };
  const notes: string[] = [];
  const read = await attempt(() => readFirmware(card, PI2, notes));
  if (read instanceof HypberryError)
    return stopped(read, { config: undefined, firmware: undefined, fixup: undefined });
  const { config, files, firmwareFile } = read;
  const firmware = read.firmware && { file: firmwareFile, facts: read.firmware };
  // Where both are missing, all of the firmware comes from elsewhere.
  const folders = firmware ? [] : await foldersOfPis(card);
  if (!firmware) problems = [...problems.filter(({ code }) => code !== NO_BOOTCODE), noFirmware(folders)];
  const fixup = firmware && (await readFixup(card, files.fixup, firmware));
  const system = await attempt(async () => {
    const loaded = await loadFiles(card, read, PI2, notes);
    const { picked, armMemory } = await placeFiles(loaded);
    const { file, data, facts } = loaded.kernel;
    const kernel = { file, data, facts: await unpackVersion(data, facts) };
    return { config, firmware, fixup, kernel, loaded, picked, armMemory };
  });
  if (system instanceof HypberryError) {
    const isAlone = !firmware && bootcode?.triesOthers === true && system.code === NO_KERNEL;
    if (isAlone) problems = [];
    return stopped(isAlone ? bootcodeAlone(folders) : system, { config, firmware, fixup });
  }

  const { unsure } = system.picked;
  const ofKernel = kernelProblem(system);
  const start: Start = unsure[0]
    ? { mode: 'unknown', because: `What the firmware makes of this card is not known. ${unsure[0]}` }
    : system.picked.treeLostByFirmware !== undefined
      ? { mode: system.picked.needsTree ? 'none' : 'unknown', because: system.picked.treeLostByFirmware }
      : tellStart(system);
  return {
    config,
    bootcode,
    firmware,
    fixup,
    system,
    unsure,
    ...(problems[0] || ofKernel[0]
      ? problemsOf(problems, ofKernel, doubtsOf(config))
      : { start, problems: [] }),
  };
}

/** What of config.txt may be read otherwise, sentences: filters that hang on what is connected, for one. */
function doubtsOf(config: Config | undefined): string[] {
  return config?.notes.filter(({ unsure }) => unsure === true).map(describeNote) ?? [];
}

/**
 * A card that starts no kernel, or of which that is not known.
 * @param sure those that are there however config.txt is read
 * @param read those of what it is taken to start
 * @param doubts whether it starts that
 */
function problemsOf(
  sure: readonly HypberryError[],
  read: readonly HypberryError[],
  doubts: readonly string[],
): Pick<Seen, 'start' | 'problems'> {
  const problems = [...sure, ...read];
  const { code = '', message = '' } = problems[0] ?? {};
  const isOpen =
    (sure.length === 0 && doubts.length > 0) ||
    problems.slice(0, 1).some(isUnread) ||
    [STUB_ALONE, OVERLAP, BOOT_RAMDISK, BOOTCODE_ALONE].includes(code);
  return { start: { mode: isOpen ? 'unknown' : 'none', because: message }, problems };
}

/** A file of the firmware's, or the refusal of one that is too large to be it; undefined where it is not there. */
async function sizedOrRefusal(
  ...args: Parameters<typeof readSizedIfThere>
): Promise<Uint8Array | HypberryError | undefined> {
  const read = await attempt(() => readSizedIfThere(...args));
  if (read instanceof HypberryError && read.code.startsWith('card.')) throw read;
  return read;
}

/** bootcode.bin, or why the SoC's ROM does not get beyond it. */
async function findBootcode(card: CardReader): Promise<Bootcode | HypberryError> {
  const bytes = card.place?.bootcode ?? (await sizedOrRefusal(card, BOOTCODE, BOOTCODE));
  if (bytes instanceof HypberryError) return bytes;
  if (bytes) return attempt(async () => readBootcode(bytes));
  return new HypberryError(
    NO_BOOTCODE,
    `There is no ${BOOTCODE}, which is the first file that a Pi 2 reads of a card.`,
    `Copy ${BOOTCODE} of the firmware's release to the boot partition; if a Pi loads this over the network or from a USB drive, by a card with ${BOOTCODE} alone, install with --force.`,
  );
}

/** Folders that a TFTP server gives single Pis, by their serial numbers (documentation, "Network booting"). */
async function foldersOfPis(card: CardReader): Promise<string[]> {
  const found: string[] = [];
  for (const { name, isFolder } of await card.list('')) {
    if (isFolder && /^[0-9a-f]{8}$/i.test(name) && (await card.stat(`${name}/start.elf`))) found.push(name);
  }
  return found;
}

/** @param folders those in here that have the system of one Pi each */
function givePisFolder(folders: readonly string[]): string {
  return `Give the folder of the Pi that you mean, which has its serial number for a name: ${folders.join(', ')}.`;
}

function bootcodeAlone(folders: readonly string[]): HypberryError {
  return new HypberryError(
    BOOTCODE_ALONE,
    `There is ${BOOTCODE} and no system here: a Pi 2 goes on with it to USB and the network, and starts what is there.`,
    folders.length > 0
      ? givePisFolder(folders)
      : 'Give the drive that has the system, or the folder that the network has it from.',
  );
}

function noFirmware(folders: readonly string[]): HypberryError {
  return new HypberryError(
    NO_FIRMWARE,
    'There is no start.elf on this card, so what its firmware can do is not known.',
    folders.length > 0
      ? givePisFolder(folders)
      : 'Point hypberry at the boot partition of a Raspberry Pi, which newer systems have at /boot/firmware and no longer at /boot; or choose with --method.',
  );
}

async function readFixup(card: CardReader, file: string, firmware: FirmwareFile): Promise<FixupFile> {
  const bytes = await sizedOrRefusal(card, file, 'fixup.dat');
  if (bytes instanceof HypberryError) return { file, fault: bytes.message };
  if (!bytes) return { file, fault: `There is no ${file}, which belongs to ${firmware.file}.` };
  if (belongsTogether(bytes, firmware.facts.size)) return { file, fault: undefined };
  const looks = looksLike(bytes);
  return {
    file,
    fault: looks
      ? `${file} is no part of the firmware: it is ${looks}.`
      : `${file} belongs to another release than ${firmware.file}, whose length it does not have.`,
  };
}

/** Why a Pi 2 cannot run the kernel; empty where it may. */
function kernelProblem({ kernel: { file, facts }, picked }: CardSystem): HypberryError[] {
  const kernel = bareKernel(facts);
  if (picked.stub.from === 'kernel' && (facts.kind === 'zImage' || facts.kind === 'Image')) {
    return [
      new HypberryError(
        KERNEL_OLD_IN_USE,
        `config.txt sets kernel_old=1 for ${file}, which is Linux without a boot block in front: all four cores would start it at once, and none would tell it what machine it has.`,
        'Take kernel_old out of config.txt: then the firmware puts its own stub in front.',
      ),
    ];
  }
  if (picked.treeLost !== undefined) {
    return [
      new HypberryError(
        'setup.tree-lost',
        picked.treeLost,
        'Take device_tree_address out of config.txt, or give an address above the kernel, such as 0x2000000.',
      ),
    ];
  }
  if (!picked.tree && picked.needsTree && picked.unsure.length === 0) {
    return [
      new HypberryError(
        NEEDS_TREE,
        `${file} is ${linuxRelease(kernel.version ?? 'Linux')}, which starts with a device tree alone, and gets none.`,
        "Put the Pi 2's device tree (bcm2709-rpi-2-b.dtb or bcm2836-rpi-2-b.dtb) on the boot partition and take an empty device_tree= out of config.txt; firmware of 2015 gives one only to kernels that say so at their end: use a newer start.elf and fixup.dat.",
      ),
    ];
  }
  if ('architecture' in kernel && kernel.architecture === 'ARMv6') {
    return [
      new HypberryError(
        ARMV6_KERNEL,
        `${file} is a kernel for the first Raspberry Pi (ARMv6), which does not start on a Pi 2: ${describeKernel(kernel)}.`,
        'Put a kernel for the Pi 2 on the card, kernel7.img.',
      ),
    ];
  }
  if (kernel.kind === 'zImage' && kernel.truncated) {
    return [
      new HypberryError(
        TRUNCATED_KERNEL,
        `${file} is cut short: it has ${kernel.size} bytes, and its header says ${kernel.imageSize}.`,
        'Copy the kernel to the card again.',
      ),
    ];
  }
  return [];
}

/** How the kernel is entered, by what is at address 0. */
function tellStart({ picked, kernel: { facts: kernel }, firmware, loaded }: CardSystem): Start {
  const { stub } = picked;
  switch (stub.from) {
    case 'kernel':
      if (kernel.kind === 'boot-block') {
        return {
          mode: 'HYP',
          because: `kernel_old=1 starts ${picked.kernel.file}, with hypberry's boot block in front.`,
        };
      }
      if (kernel.kind === 'foreign-block') {
        return {
          mode: 'unknown',
          because: `kernel_old=1 starts ${picked.kernel.file}, with another boot block in front.`,
        };
      }
      // In Secure state, from which a program can go where it likes (ARM ARM, B1.5.4).
      return {
        mode: 'unknown',
        because: `kernel_old=1 starts ${picked.kernel.file} at address 0 in SVC mode of the secure state, in which a program can give itself HYP mode.`,
      };
    case 'file': {
      const bytes = loaded.stub?.data ?? new Uint8Array(0);
      if (isBootBlock(bytes))
        return { mode: 'HYP', because: `The stub ${stub.file} is hypberry's boot block.` };
      const mode = readStub(bytes)?.mode ?? 'unknown';
      return {
        mode,
        because:
          mode === 'unknown'
            ? `What the stub ${stub.file} does could not be told.`
            : `The stub ${stub.file} starts the kernel in ${mode} mode.`,
      };
    }
    case 'start.elf': {
      const mode = firmware?.facts.stub?.mode ?? 'unknown';
      return {
        mode,
        because:
          mode === 'unknown'
            ? `What the stub in ${stub.file} does could not be told.`
            : `The stub in ${stub.file} starts the kernel in ${mode} mode.`,
      };
    }
    case 'none':
      return {
        mode: 'unknown',
        because: 'There is no start.elf on the card, whose stub would start the kernel.',
      };
  }
}
