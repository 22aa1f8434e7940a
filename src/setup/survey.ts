/** What is on a card, and how it starts its kernel as it stands. */
import { HypberryError } from '../base/errors.js';
import { isBootBlock, KERNEL_OFFSET } from '../boot/block.js';
import type { CardReader } from '../card/card.js';
import { PI2, type Config } from '../firmware/config.js';
import type { Picked } from '../firmware/handover.js';
import { bareKernel, readKernel, type KernelFile } from '../firmware/kernel.js';
import { prepareHandover } from '../firmware/prepare.js';
import { readFirmware } from '../firmware/readers.js';
import type { StartElf } from '../firmware/start-elf.js';
import { readStub } from '../firmware/stub.js';

/** How a card starts its kernel. */
export interface Start {
  /** The mode the kernel is entered in; `unknown` where that cannot be told without running it. */
  readonly mode: 'HYP' | 'SVC' | 'unknown';
  /** What does it, one sentence. */
  readonly because: string;
}

/** What a card holds. */
export interface Survey {
  /** config.txt as the card's firmware reads it on a Pi 2; undefined where it could not be read. */
  readonly config: Config | undefined;
  readonly firmware: { readonly file: string; readonly facts: StartElf } | undefined;
  readonly kernel: { readonly file: string; readonly facts: KernelFile } | undefined;
  /** What the firmware would load; undefined where it would not get so far. */
  readonly picked: Picked | undefined;
  /** Bytes of memory that the ARM has; undefined as `picked`. */
  readonly armMemory: number | undefined;
  readonly start: Start;
  /** Why it would not start. */
  readonly problem: HypberryError | undefined;
}

/** Runs `read`; a refusal comes back as a value, anything else is thrown. */
async function attempt<T>(read: () => Promise<T>): Promise<T | HypberryError> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof HypberryError) return error;
    throw error;
  }
}

/**
 * Looks at a card without changing it.
 * @throws HypberryError only where the card itself cannot be read (`card.…`)
 */
export async function surveyCard(card: CardReader): Promise<Survey> {
  const read = await attempt(() => readFirmware(card, PI2, []));
  if (read instanceof HypberryError) {
    return {
      config: undefined,
      firmware: undefined,
      kernel: undefined,
      picked: undefined,
      armMemory: undefined,
      start: { mode: 'unknown', because: 'The firmware on the card cannot be read.' },
      problem: read,
    };
  }
  const { config, firmwareFile } = read;
  const firmware = read.firmware && { file: firmwareFile, facts: read.firmware };
  const handover = await attempt(() => prepareHandover(card));
  if (handover instanceof HypberryError) {
    return {
      config,
      firmware,
      kernel: undefined,
      picked: undefined,
      armMemory: undefined,
      start: { mode: 'unknown', because: 'It does not get as far as a kernel.' },
      problem: handover,
    };
  }
  const { picked, armMemory } = handover;
  const kernel = {
    file: picked.kernel.file,
    facts: readKernel(await card.read(picked.kernel.file)),
  };
  const start = await tellStart(card, picked, kernel.facts, firmware?.facts);
  return { config, firmware, kernel, picked, armMemory, start, problem: undefined };
}

async function tellStart(
  card: CardReader,
  picked: Picked,
  kernel: KernelFile,
  firmware: StartElf | undefined,
): Promise<Start> {
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
      return {
        mode: 'SVC',
        because: `kernel_old=1 starts ${picked.kernel.file} with no boot block in front.`,
      };
    case 'file': {
      const bytes = await card.read(stub.file);
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
      const mode = firmware?.stub?.mode ?? 'unknown';
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

/** The kernel of the card as its user made it, without a block in front. */
export async function readBareKernel(base: CardReader, survey: Survey): Promise<Uint8Array> {
  const { file, facts } = survey.kernel!;
  const bytes = await base.read(file);
  return facts === bareKernel(facts) ? bytes : bytes.subarray(KERNEL_OFFSET);
}
