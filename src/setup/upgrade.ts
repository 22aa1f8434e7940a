/** Whether the kernel that a card starts through hypberry is still the one that its system keeps there. */
import { findBytes } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { isBootBlock, KERNEL_OFFSET } from '../boot/block.js';
import { bareKernel, bareKernelData, readKernel, unpackVersion } from '../firmware/kernel.js';
import { hypervisorIn } from './hypervisor.js';
import type { UsersCard } from './users-card.js';

/** What a card starts, and what it would start without hypberry. */
export interface StartedKernel {
  /** The system's own kernel file, and its release (as `uname -r`), where that is known. */
  readonly file: string;
  readonly release: string | undefined;
  /** What install made of an earlier one of these; undefined where the firmware loads the file itself, or the copy is up to date. */
  readonly old: { readonly file: string; readonly release: string | undefined } | undefined;
  /** The firmware loads a copy of it, which an upgrade leaves as it is. */
  readonly isCopied: boolean;
}

/**
 * Looks which kernel a card starts.
 * @returns undefined where it starts none
 * @throws HypberryError what the card throws
 */
export async function startedKernel({
  card,
  lines,
  survey: { system },
}: UsersCard): Promise<StartedKernel | undefined> {
  if (!system) return undefined;
  try {
    const { file } = system.kernel;
    const own = bareKernelData(system.kernel);
    const release = await releaseOf(own);
    const ours = lines?.flatMap((line) => /^kernel=(.*)$/.exec(line)?.[1] ?? [])[0];
    const copyFile = ours === undefined ? undefined : `${system.picked.osPrefix}${ours}`;
    if (copyFile === undefined || !(await card.stat(copyFile)))
      return { file, release, old: undefined, isCopied: false };
    const copy = await card.read(copyFile);
    // The host's kernel is the last of what the hypervisor's file holds.
    const copied = hypervisorIn(copy)
      ? copy.subarray(-own.length)
      : copy.subarray(isBootBlock(copy) ? KERNEL_OFFSET : 0);
    const isOld = copied.length !== own.length || findBytes(copied, own) !== 0;
    const oldRelease = isOld && !hypervisorIn(copy) ? await releaseOf(copied) : undefined;
    return {
      file,
      release,
      old: isOld ? { file: copyFile, release: oldRelease } : undefined,
      isCopied: true,
    };
  } catch (error) {
    // What is damaged, install and inspect tell.
    if (error instanceof HypberryError && !error.code.startsWith('card.')) return undefined;
    throw error;
  }
}

async function releaseOf(kernel: Uint8Array): Promise<string | undefined> {
  const facts = bareKernel(await unpackVersion(kernel, readKernel(kernel)));
  return /^Linux version (\S+)/.exec(facts.version ?? '')?.[1];
}

/** What is to be said of a copy that is of an earlier kernel, one sentence; undefined where there is none. */
export function oldCopyText({ file, release, old }: StartedKernel): string | undefined {
  if (!old) return undefined;
  const of = (known: string | undefined): string => (known === undefined ? '' : ` (${known})`);
  return `a kernel upgrade is due: ${old.file} holds a kernel of before${of(old.release)}, not ${file} as it is now${of(release)}`;
}

/**
 * What doctor says of kernels and upgrades.
 * @param running the release of the kernel that runs, as `uname -r`
 * @param hooks files that have the system run install after an upgrade
 * @returns rows for people, and, where something is to be done before all else, what that is
 */
export function upgradeAdvice(
  running: string | undefined,
  folder: string,
  kernel: StartedKernel,
  hooks: readonly string[],
): { readonly rows: readonly (readonly [string, string])[]; readonly advice?: string } {
  const { release, old, isCopied } = kernel;
  const hook: readonly [string, string][] = isCopied
    ? [
        [
          'after an upgrade',
          hooks.length > 0
            ? `the system runs "hypberry install" by itself (${hooks.join(', ')})`
            : `run "hypberry install" by hand; "sudo hypberry install --hook ${folder}" has the system do it, where it can`,
        ],
      ]
    : [];
  const text = oldCopyText(kernel);
  if (old && text !== undefined) {
    return {
      rows: [['kernel upgrade', text], ...hook],
      advice: `Run "sudo hypberry install ${folder}", and restart: the Pi starts the copy of an earlier kernel, for which the new one's modules are not made.`,
    };
  }
  const differs = running !== undefined && release !== undefined && running !== release;
  return {
    rows: [
      ...(differs
        ? ([['next kernel', `${release}, from ${kernel.file}: other than the one that runs`]] as const)
        : []),
      ...hook,
    ],
  };
}
