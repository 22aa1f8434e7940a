/**
 * What install has to do with a card, from one look at it: the one place where that is decided, for `inspect`,
 * `install`, `try` and `doctor`.
 */
import { HypberryError } from '../base/errors.js';
import { KERNEL_OFFSET } from '../boot/block.js';
import { doubtKernelOld } from '../firmware/builds.js';
import { bareKernel, describeKernel } from '../firmware/kernel.js';
import type { LoadedTree } from '../firmware/load.js';
import type { Method } from './plan.js';
import { KERNEL_OLD_IN_USE, NO_BOOTCODE, NO_FIRMWARE, type CardSystem, type Survey } from './survey.js';

/** What is asked of install. */
export interface Wish {
  /** `auto` reads the card and chooses. */
  readonly method: 'auto' | Method;
  /** Put the block in even where that is not needed, or where what follows is not known. */
  readonly force?: boolean | undefined;
  /** The method in use, which `auto` keeps as long as the firmware knows it. */
  readonly installed?: Method | undefined;
  /** The block is asked to say on the serial port how far it came: so it is needed, whatever the firmware starts. */
  readonly diagnostics?: boolean | undefined;
  /** The card keeps guests. */
  readonly guests: boolean;
}

/** What becomes the host of guests: a kernel that gets a device tree. */
export interface HostSystem extends CardSystem {
  readonly loaded: CardSystem['loaded'] & { readonly tree: LoadedTree };
}

/** What install does, to which system: put the block in front of it, or the hypervisor with guests as well. */
export type Decision =
  | { readonly install: 'nothing'; readonly because: string; readonly system: CardSystem }
  | { readonly install: 'block'; readonly method: Method; readonly system: CardSystem }
  | { readonly install: 'hypervisor'; readonly method: Method; readonly system: HostSystem }
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
  if (!survey.system) return { install: 'refuses', refusal: survey.stop };
  const { system } = survey;
  const asked = force || wish.diagnostics === true || wish.method !== 'auto';
  const needed = wish.guests || asked || wish.installed !== undefined;
  if (!needed && survey.start.mode === 'HYP')
    return { install: 'nothing', because: survey.start.because, system };
  const refusal = refuseKernel(system, force, wish.guests);
  if (refusal) return { install: 'refuses', refusal };
  const method = chooseMethod(system, wish);
  if (method instanceof HypberryError) return { install: 'refuses', refusal: method };
  const memory = refuseMemory(system, method, wish);
  if (memory) return { install: 'refuses', refusal: memory };
  if (!wish.guests) return { install: 'block', method, system };
  const { tree } = system.loaded;
  if (!tree) return { install: 'refuses', refusal: noTree() };
  return { install: 'hypervisor', method, system: { ...system, loaded: { ...system.loaded, tree } } };
}

function noTree(): HypberryError {
  return new HypberryError(
    'setup.no-tree',
    "The kernel of this card gets no device tree, without which it would not know which memory and cores are the guests'.",
    "Put the Pi 2's device tree (bcm2709-rpi-2-b.dtb or bcm2836-rpi-2-b.dtb) on the boot partition.",
  );
}

/** What the user can know better: how the firmware gets there. */
function isOverridden(code: string, { force, method }: Wish): boolean {
  return (code === NO_BOOTCODE && force === true) || (code === NO_FIRMWARE && method !== 'auto');
}

function unsureOf({ unsure: [first] }: Survey, force: boolean): HypberryError | undefined {
  if (first === undefined || force) return undefined;
  return new HypberryError(
    'setup.unsure',
    `What the firmware makes of this card is not known. ${first}`,
    'Write it in a way that leaves no doubt; or run "hypberry try", and install with --force.',
  );
}

function refuseKernel(
  { kernel: { file, facts }, picked }: CardSystem,
  force: boolean,
  isHost: boolean,
): HypberryError | undefined {
  const kernel = bareKernel(facts);
  if (picked.stub.from === 'kernel' && kernel === facts) {
    return new HypberryError(
      KERNEL_OLD_IN_USE,
      `config.txt sets kernel_old=1 for ${file}, which has no boot block in front and is made to run from 0.`,
      'Take kernel_old out of config.txt if it is made to run from 0x8000.',
    );
  }
  if (isHost && kernel.hypervisor === 'Xvisor') {
    return new HypberryError(
      'setup.host-hypervisor',
      `${file} is Xvisor, which wants HYP mode for itself: it does not start beside guests of hypberry's.`,
      'Give the card a Linux kernel, or take the guests off it ("hypberry guest remove").',
    );
  }
  // Its dram_init asks the VideoCore how much memory there is, and it moves itself to the end of that
  // (U-Boot, board/raspberrypi/rpi/rpi.c).
  if (isHost && kernel.kind === 'u-boot') {
    return new HypberryError(
      'setup.host-u-boot',
      `${file} is U-Boot, which moves itself to the end of the memory that the VideoCore tells, whatever the device tree says: there are hypberry's guests.`,
      'Have the firmware start the Linux kernel itself (kernel= in config.txt), or take the guests off the card ("hypberry guest remove").',
    );
  }
  if (kernel.kind !== 'unknown' || force) return undefined;
  return new HypberryError(
    'setup.not-a-kernel',
    `${file} is not a kernel that hypberry knows: ${describeKernel(kernel)}.`,
    `If it is a program that starts at 0x8000 in ${isHost ? 'SVC' : 'HYP'} mode, install with --force.`,
  );
}

function chooseMethod(system: CardSystem, wish: Wish): Method | HypberryError {
  const { method: wanted, installed } = wish;
  const firmware = system.firmware?.facts;
  // Under kernel_old=1 of the user's own, a stub would not be used.
  const kernelOldInUse = system.picked.stub.from === 'kernel';
  if (wanted === 'armstub' && kernelOldInUse) {
    return new HypberryError(
      KERNEL_OLD_IN_USE,
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
  const size = wish.guests ? Infinity : KERNEL_OFFSET + system.kernel.data.length;
  const doubt = wish.force === true ? undefined : doubtKernelOld(firmware?.buildDate, size);
  const byStub = firmware?.knowsArmstub === true && !kernelOldInUse;
  if (doubt !== undefined && (wanted === 'kernel_old' || !byStub)) {
    return new HypberryError(
      'setup.kernel-old-unsure',
      doubt,
      byStub
        ? 'Use --method armstub, or install with --force.'
        : 'Use a start.elf and fixup.dat of 2024 or before, or install with --force.',
    );
  }
  if (wanted !== 'auto') return wanted;
  const possible: Method[] = [
    ...(byStub ? (['armstub'] as const) : []),
    ...(firmware?.knowsKernelOld && doubt === undefined ? (['kernel_old'] as const) : []),
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
function refuseMemory(
  { firmware, fixup }: CardSystem,
  method: Method,
  wish: Wish,
): HypberryError | undefined {
  if (!fixup?.fault || (!wish.guests && (method === 'armstub' || wish.force === true))) return undefined;
  const { file } = fixup;
  const from = firmware?.file ?? 'start.elf';
  return new HypberryError(
    'setup.no-fixup',
    `${fixup.fault} Without it the ARM may have no more than 128 MiB, and ${wish.guests ? 'guests need to know how much it has' : 'the device tree would lie behind them'}.`,
    `Copy ${from} and ${file} from one firmware release to the boot partition again${wish.guests ? '' : ', or install with --force'}.`,
  );
}
