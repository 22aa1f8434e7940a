/**
 * What install has to do with a card, from one look at it: the one place where that is decided, for `inspect`,
 * `install`, `try` and `doctor`.
 */
import { HypberryError } from '../base/errors.js';
import { bareKernel, describeKernel } from '../firmware/kernel.js';
import type { Method } from './plan.js';
import { NO_BOOTCODE, NO_FIRMWARE, type Survey } from './survey.js';

/** What is asked of install. */
export interface Wish {
  /** `auto` reads the card and chooses. */
  readonly method: 'auto' | Method;
  /** Put the block in even where that is not needed, or where what follows is not known. */
  readonly force?: boolean | undefined;
  /** The method in use, which `auto` keeps as long as the firmware knows it. */
  readonly installed?: Method | undefined;
  /** The card keeps guests. */
  readonly guests: boolean;
}

/** What install does. */
export type Decision =
  | { readonly install: 'nothing'; readonly because: string }
  | { readonly install: 'block'; readonly method: Method }
  | { readonly install: 'refuses'; readonly refusal: HypberryError };

/**
 * Decides what install does. What only the files that it makes can show (no room for guests, a tree in the kernel's
 * way) is left to the plan.
 * @param survey the card as its user made it: without our lines in config.txt
 */
export function decide(survey: Survey, wish: Wish): Decision {
  const force = wish.force === true;
  const obstacle = survey.problems.find(({ code }) => !isOverridden(code, wish)) ?? unsureOf(survey, force);
  if (obstacle) return { install: 'refuses', refusal: obstacle };
  const needed = wish.guests || force || wish.method !== 'auto' || wish.installed !== undefined;
  if (!needed && survey.start.mode === 'HYP') return { install: 'nothing', because: survey.start.because };
  const refusal = refuseKernel(survey, force, wish.guests);
  if (refusal) return { install: 'refuses', refusal };
  const method = chooseMethod(survey, wish.method, wish.installed);
  if (method instanceof HypberryError) return { install: 'refuses', refusal: method };
  const memory = refuseMemory(survey, method, wish);
  return memory ? { install: 'refuses', refusal: memory } : { install: 'block', method };
}

/** What the user can know better: how the firmware gets there. */
function isOverridden(code: string, { force, method }: Wish): boolean {
  return (code === NO_BOOTCODE && force === true) || (code === NO_FIRMWARE && method !== 'auto');
}

function unsureOf({ unsure }: Survey, force: boolean): HypberryError | undefined {
  if (unsure.length === 0 || force) return undefined;
  return new HypberryError(
    'setup.unsure',
    `What the firmware makes of this card is not known. ${unsure[0]!}`,
    'Write it in a way that leaves no doubt; or run "hypberry try", and install with --force.',
  );
}

function refuseKernel(survey: Survey, force: boolean, isHost: boolean): HypberryError | undefined {
  const { file, facts } = survey.kernel!;
  const kernel = bareKernel(facts);
  if (isHost && kernel.hypervisor === 'Xvisor') {
    return new HypberryError(
      'setup.host-hypervisor',
      `${file} is Xvisor, which wants HYP mode for itself: it does not start beside guests of hypberry's.`,
      'Give the card a Linux kernel, or take the guests off it ("hypberry guest remove").',
    );
  }
  if (kernel.kind !== 'unknown' || force) return undefined;
  return new HypberryError(
    'setup.not-a-kernel',
    `${file} is not a kernel that hypberry knows: ${describeKernel(kernel)}.`,
    `If it is a program that starts at 0x8000 in ${isHost ? 'SVC' : 'HYP'} mode, install with --force.`,
  );
}

function chooseMethod(
  survey: Survey,
  wanted: 'auto' | Method,
  installed: Method | undefined,
): Method | HypberryError {
  const firmware = survey.firmware?.facts;
  // Under kernel_old=1 of the user's own, a stub would not be used.
  const kernelOldInUse = survey.picked!.stub.from === 'kernel';
  if (wanted === 'armstub' && kernelOldInUse) {
    return new HypberryError(
      'setup.kernel-old-in-use',
      'config.txt sets kernel_old=1, under which the firmware does not use a stub.',
      'Use --method kernel_old, or take kernel_old out of config.txt.',
    );
  }
  if (wanted !== 'auto' && !firmware) return wanted;
  if (wanted === 'armstub' && !firmware?.knowsArmstub) {
    return new HypberryError(
      'setup.armstub-unknown',
      `The card's firmware${builtOn(firmware?.buildDate)} does not know armstub.`,
      'Use --method kernel_old, or a newer start.elf and fixup.dat.',
    );
  }
  if (wanted === 'kernel_old' && !firmware?.knowsKernelOld) {
    return new HypberryError(
      'setup.kernel-old-unknown',
      `The card's firmware${builtOn(firmware?.buildDate)} does not know kernel_old.`,
      'Use --method armstub.',
    );
  }
  if (wanted !== 'auto') return wanted;
  const possible: Method[] = [
    ...(firmware?.knowsArmstub && !kernelOldInUse ? (['armstub'] as const) : []),
    ...(firmware?.knowsKernelOld ? (['kernel_old'] as const) : []),
  ];
  return (
    possible.find((one) => one === installed) ??
    possible[0] ??
    new HypberryError(
      'setup.no-method',
      `The card's firmware${builtOn(firmware?.buildDate)} knows neither armstub nor kernel_old.`,
      'Use a start.elf and fixup.dat of 2015 or later.',
    )
  );
}

function builtOn(date: string | undefined): string {
  return date === undefined ? '' : ` of ${date}`;
}

/** What needs more memory than the ARM gets without the fixup file that belongs to start.elf. */
function refuseMemory(survey: Survey, method: Method, wish: Wish): HypberryError | undefined {
  const { fixup } = survey;
  if (!fixup?.fault || (!wish.guests && (method === 'armstub' || wish.force === true))) return undefined;
  const { file } = fixup;
  const from = survey.firmware?.file ?? 'start.elf';
  return new HypberryError(
    'setup.no-fixup',
    `${fixup.fault} Without it the ARM may have no more than 128 MiB, and ${wish.guests ? 'guests need to know how much it has' : 'the device tree would lie behind them'}.`,
    `Copy ${from} and ${file} from one firmware release to the boot partition again${wish.guests ? '' : ', or install with --force'}.`,
  );
}
