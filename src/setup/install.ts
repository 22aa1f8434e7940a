/** Makes a card start Linux in HYP mode, and takes that back. */
import { attempt, HypberryError } from '../base/errors.js';
import { REVISION } from '../board/bcm2836.js';
import { KERNEL_OFFSET } from '../boot/block.js';
import type { CardReader, Change } from '../card/card.js';
import { notAFile } from '../card/errors.js';
import { pathKey } from '../card/path.js';
import { SETTINGS_LIMIT } from '../firmware/applying-lines.js';
import { reportOnBuild } from '../firmware/builds.js';
import { CONFIG, PI2, readConfig, textSetting } from '../firmware/config.js';
import type { Picked } from '../firmware/handover.js';
import { placeOfLinux } from '../firmware/extents.js';
import { bareKernel, firstPageTables } from '../firmware/kernel.js';
import {
  ARM64_KERNEL,
  loadCard,
  NO_FILE,
  NO_KERNEL,
  NOT_A_KERNEL,
  UPSTREAM_PREFIX,
  wantsUpstream,
  type Loaded,
} from '../firmware/load.js';
import { placeFiles } from '../firmware/prepare.js';
import { firstThere, NETWORK_LIMIT, plainPath, readFirmware, withPrefix } from '../firmware/readers.js';
import { readGuests } from '../guest/guests.js';
import { hex } from '../base/words.js';
import { refuseProblem } from './boot-partition.js';
import { addBlock, hasDiagnostics, muteBlock, withDiagnostics } from './config-block.js';
import { armstubFiles, kernelOldFiles, knowsPi2Filter, type Made } from './files.js';
import { unusedGuestFiles } from './guests.js';
import { HYPBERRYD_GOES, hypberrydFor } from './hypberryd.js';
import { hypervisorFor } from './hypervisor.js';
import { cardEntries, isHypberrydPath, isMadeByUs, OUR_NAME, ourFiles, prefixesOf } from './ours.js';
import { decide } from './conclusion.js';
import { cardAfter, NOTHING_TO_DO, ROOM_FOR_GUESTS, type Method, type Plan } from './plan.js';
import { ARMV6_KERNEL, surveyCard, TRUNCATED_KERNEL, type CardSystem } from './survey.js';
import { readUsersCard, withoutOurs, type UsersCard } from './users-card.js';

export interface InstallOptions {
  /** `auto` reads the card and chooses. */
  readonly method: 'auto' | Method;
  /** Put the block in even where the card starts HYP mode without it, or holds an unknown kernel. */
  readonly force?: boolean | undefined;
  /** Block and hypervisor say on the serial port how far they come; undefined for as it was. */
  readonly diagnostics?: boolean | undefined;
  /** The revision code of the Pi that the card is in, where that is known: a Pi 2 v1.2 is refused. */
  readonly revision?: number | undefined;
}

/** A plan, and what the firmware then reads of the card. */
export interface InstallPlan extends Plan {
  readonly diagnostics: boolean;
  readonly starts: Loaded;
}

/**
 * Plans what makes a card start Linux in HYP mode. Reads the card, changes nothing.
 *
 * @throws HypberryError `setup.no-firmware`, `setup.bootcode-alone`, `setup.armstub-unknown`, `setup.kernel-old-unknown`, `setup.no-method`,
 *   `setup.armv6-kernel`, `setup.not-a-kernel`, `setup.truncated-kernel`, `setup.kernel-old-in-use`,
 *   `setup.kernel-address`, `setup.tree-overlap`, `setup.tree-unpinned`, `setup.prefix-moves`, `setup.diagnostics-tree`, `setup.bcm2837`,
 *   `setup.config-damaged`, `setup.hypberryd-file`, `setup.waiting-cores`,
 *   the problem of the card's place (`setup.noobs`, `setup.boots-elsewhere`, `setup.boot-partition-…`);
 *   with guests `setup.no-tree`, `guest.…`, `tree.…`, `hypervisor.…`; what {@link loadCard} and {@link placeFiles} throw of
 *   a card that would not start (`firmware.no-kernel`, `firmware.arm64-kernel`, …), and what the card throws
 */
export async function planInstall(medium: CardReader, options: InstallOptions): Promise<InstallPlan> {
  refuseBcm2837(options.revision);
  refuseProblem(medium);
  return planInstallOn(await readUsersCard(medium), options);
}

/** The same as {@link planInstall} for a card that was read, and that a Pi starts from. */
export async function planInstallOn(
  users: UsersCard,
  options: Omit<InstallOptions, 'revision'>,
): Promise<InstallPlan> {
  const plan = await attempt(() => planWith(users, options, false));
  if (!(plan instanceof HypberryError)) return plan;
  // Of less memory the firmware's place for the tree is the end, where the guests' is.
  const { config } = users.survey;
  const isPinned = config !== undefined && textSetting(config, 'device_tree_address') !== undefined;
  const other =
    plan.code === 'hypervisor.placement' && !isPinned
      ? await attempt(() => planWith(users, options, true))
      : plan;
  if (other instanceof HypberryError) throw plan;
  return other;
}

/** @param pinsTree a line of ours says where the device tree goes, under `armstub`, too */
async function planWith(
  users: UsersCard,
  { method: wanted, force, diagnostics: speaks }: Omit<InstallOptions, 'revision'>,
  pinsTree: boolean,
): Promise<InstallPlan> {
  const { card, base, config, written, lines, survey } = users;
  const guests = await readGuests(card);
  const decision = decide(survey, {
    method: wanted,
    force,
    installed: lines && installedMethod(lines),
    diagnostics: speaks,
    guests: guests.length > 0,
  });
  if (decision.install === 'refuses') throw decision.refusal;
  if (decision.install === 'nothing') {
    return {
      method: undefined,
      summary: `${NOTHING_TO_DO}: this card starts its kernel in HYP mode as it is. ${decision.because}`,
      notes: [],
      changes: [],
      diagnostics: false,
      starts: decision.system.loaded,
    };
  }
  const { method, system } = decision;
  const diagnostics = speaks ?? hasDiagnostics(lines);
  const hypervisor =
    decision.install === 'hypervisor'
      ? await hypervisorFor(card, decision.system, guests, diagnostics)
      : undefined;
  const made =
    method === 'armstub'
      ? await armstubFiles(system, hypervisor, diagnostics, pinsTree)
      : await kernelOldFiles(system, hypervisor, diagnostics);
  const added = addBlock(config, diagnostics ? withDiagnostics(made.lines) : made.lines);
  if (added.length > SETTINGS_LIMIT) {
    throw new HypberryError(
      'firmware.config-size',
      `With the lines of hypberry ${CONFIG} would have ${added.length} bytes, and hypberry reads no file of settings of more than ${SETTINGS_LIMIT}.`,
      'Take out of it what does nothing, such as comments.',
    );
  }
  const hypberryd = await hypberrydFor(card, system, guests);
  const ours = [...hypberryd.files, ...made.files];
  await refuseMovingPrefix(base, system, made.files);

  const changes: Change[] = [];
  for (const { path, data } of ours) {
    if (await holds(card, path, data)) continue;
    const there = await card.stat(path);
    if (there?.isFolder) throw notAFile(path);
    changes.push({ kind: there ? 'replace' : 'create', path, data });
  }
  if (!written || !equal(written, added)) changes.push({ kind: 'replace', path: CONFIG, data: added });
  const { unused, notes } = await leftovers(
    card,
    base,
    ours.map(({ path }) => path),
  );
  notes.unshift(...(hypervisor?.notes ?? []), ...hypberryd.notes, ...(hypervisor ? hostNotes(system) : []));
  if (system.fixup?.fault) notes.push(`${system.fixup.fault} The ARM may have no more than 128 MiB.`);
  const report = reportOnBuild(system.firmware?.facts.buildDate);
  if (report !== undefined) notes.push(report);
  for (const path of unused) changes.push({ kind: 'remove', path });
  if (!survey.bootcode && added.length > NETWORK_LIMIT) {
    notes.push(
      `With the lines of hypberry, which are its last, ${CONFIG} has ${added.length} bytes, and a Pi that loads it over the network reads the first ${NETWORK_LIMIT} alone: there they do nothing. Take out of it what does nothing, such as comments.`,
    );
  }
  if (diagnostics) notes.push(diagnosticsNote(hypervisor !== undefined));
  if (!knowsPi2Filter(system)) {
    notes.push(
      'This firmware does not know the filter [pi2], so the lines are for every board: the card does not start a Pi 1 any more.',
    );
  }

  const plan: Plan = {
    method,
    summary:
      changes.length === 0
        ? `${NOTHING_TO_DO}: ${hypervisor ? "hypberry's hypervisor" : "hypberry's block"} is installed and up to date (method ${method}).`
        : `The firmware will run hypberry's block (method ${method}), which starts ${hypervisor?.what ?? system.picked.kernel.file} in HYP mode.`,
    notes,
    changes,
    ...(hypervisor
      ? { room: ROOM_FOR_GUESTS }
      : method === 'kernel_old' && system.firmware?.facts.knowsArmstub
        ? // It takes no copy of the kernel.
          { room: 'or use --method armstub' }
        : {}),
  };
  const starts = await loadCard(cardAfter(card, plan));
  const { picked } = await placeFiles(starts);
  hypervisor?.checkPlacement(picked);
  if (!hypervisor) refuseWaitingCores(picked, starts, system);
  refuseOverlap(picked, system, method);
  if (diagnostics) refuseTreeInBlock(picked, method);
  return { ...plan, diagnostics, starts };
}

/**
 * Plans what takes install's work back: config.txt gets the bytes it had, our files go.
 * @throws HypberryError `setup.config-damaged`, and what the card throws
 */
export async function planUninstall(card: CardReader): Promise<Plan> {
  const { base, config, written, lines } = await withoutOurs(card);
  const changes: Change[] = [];
  if (lines) {
    changes.push(config ? { kind: 'replace', path: CONFIG, data: config } : { kind: 'remove', path: CONFIG });
  }
  const { unused, notes } = await leftovers(card, base, []);
  const copies = unused.filter((path) => path.endsWith('.img'));
  const guests = await attempt(() => readGuests(card));
  // Where their file is damaged, the guests' files are what is left of them.
  if (!(guests instanceof HypberryError)) unused.push(...(await unusedGuestFiles(card, guests)));
  const isLost = await hasLostKernel(base);
  const kept = isLost ? copies : [];
  for (const path of kept)
    notes.push(
      `${path} stays: it holds a copy of the card's kernel, and there is no other now. Put the kernel back, and uninstall again.`,
    );
  const removals = unused
    .filter((path) => !kept.includes(path))
    .map((path): Change => ({ kind: 'remove', path }));
  const muted = lines && config && written && muteBlock(written);
  // Where config.txt only becomes shorter, it takes no room anyway. Else our files make it, once no line needs them.
  const withoutRoom: Change[] | undefined = muted && [
    { kind: 'replace', path: CONFIG, data: muted },
    ...removals,
    ...changes,
  ];
  changes.push(...removals);
  return {
    method: undefined,
    summary:
      changes.length === 0
        ? `${NOTHING_TO_DO}: hypberry's block is not installed on this card.`
        : lines
          ? isLost
            ? "hypberry's lines go from config.txt, and without them the card starts no kernel: its own is gone."
            : 'The card starts as it did before install.'
          : 'What is left of hypberry on the card, and needed by nothing, goes.',
    notes,
    changes,
    ...(withoutRoom && { changesWithoutRoom: withoutRoom }),
  };
}

/** Where a card's kernel was deleted, or an upgrade failed: what the firmware then takes does not start a Pi 2. */
const WITHOUT_KERNEL: readonly string[] = [
  NO_KERNEL,
  NOT_A_KERNEL,
  ARM64_KERNEL,
  ARMV6_KERNEL,
  TRUNCATED_KERNEL,
];

/** Whether a card without our lines has no kernel to start. Where it cannot be read, that is not said. */
async function hasLostKernel(base: CardReader): Promise<boolean> {
  const survey = await attempt(() => surveyCard(base));
  if (survey instanceof HypberryError) return false;
  if (survey.problems.some(({ code }) => WITHOUT_KERNEL.includes(code))) return true;
  // A stub is named in the same way.
  const kernel = survey.config && textSetting(survey.config, 'kernel');
  if (!kernel || !survey.problems.some(({ code }) => code === NO_FILE)) return false;
  return (await firstThere(base, [withPrefix('', kernel)])) === undefined;
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

/** What else wants HYP mode on the host: a sentence where it has it, or where that could not be seen. */
function hostNotes({ kernel: { file, facts } }: CardSystem): string[] {
  const kernel = bareKernel(facts);
  if (kernel.hypervisor === 'KVM')
    return [`${file} has KVM, which does not start beside hypberry's guests: HYP mode is the hypervisor's.`];
  if ('lpae' in kernel && kernel.lpae !== undefined) return [];
  return [
    `Whether ${file} has a hypervisor of its own, or starts one, could not be seen: KVM and Xvisor do not start beside hypberry's guests.`,
  ];
}

/** Under `kernel_old`, a tree below the kernel must end before the kernel's page tables begin. */
function refuseOverlap(picked: Picked, { kernel }: CardSystem, method: Method): void {
  if (method !== 'kernel_old' || !picked.tree || picked.tree.address >= KERNEL_OFFSET) return;
  const limit = placeOfLinux(kernel).start - firstPageTables(kernel.facts);
  const end = picked.tree.address + picked.tree.size;
  if (end <= limit) return;
  throw new HypberryError(
    'setup.tree-overlap',
    `The device tree ${picked.tree.file} would reach from ${hex(picked.tree.address)} to ${hex(end)}, ` +
      `and the kernel clears its page tables from ${hex(limit)} on before it reads the tree.`,
    'Use a newer start.elf and fixup.dat, with --method armstub; or start without an initramfs, so that the tree can be put elsewhere.',
  );
}

/** Cores that Linux is told to leave where they wait (Linux, Documentation/admin-guide/kernel-parameters.txt). */
const FEWER_CORES = /(?:^|\s)(nosmp|(?:maxcpus|nr_cpus)=[0-3])(?=\s|$)/;
/** What Linux takes at once of the memory that nothing keeps from it. */
const PAGE = 0x1000;

/**
 * Refuses to put the device tree elsewhere where it is what keeps Linux from the first page of memory, and cores stay there
 * in the block: Linux would write over what they execute (raspberrypi/linux, issue 1989).
 * @param after as it is with our lines
 */
function refuseWaitingCores(after: Picked, { tree }: Loaded, { picked: before, firmware }: CardSystem): void {
  const [, fewer] = FEWER_CORES.exec(after.commandLine) ?? [];
  const keepsPage = ({ tree: place }: Picked): boolean => place !== undefined && place.address < PAGE;
  if (fewer === undefined || !tree || !keepsPage(before) || keepsPage(after)) return;
  if (tree.fdt.reservations.some(({ address }) => address < BigInt(PAGE))) return;
  throw new HypberryError(
    'setup.waiting-cores',
    `The command line has ${fewer}: the other cores wait on in hypberry's block in the first ${PAGE} bytes of memory, and Linux takes these with the device tree put elsewhere, as method kernel_old has to.`,
    `Take ${fewer} out of cmdline.txt${firmware?.facts.knowsArmstub ? ', or use --method armstub' : ''}.`,
  );
}

/** Where snapd has Ubuntu Core's kernels, and sets `os_prefix` for each anew (snapd, bootloader/piboot.go). */
const SNAPD_PREFIX = /^(?:piboot\/ubuntu|systems\/[^/]+\/kernel)\//;

/**
 * Refuses files of ours behind an `os_prefix` that the system changes by itself: they are not behind the next one, and the card
 * would not start.
 * @param base the card without our lines in config.txt
 */
async function refuseMovingPrefix(
  base: CardReader,
  { picked }: CardSystem,
  files: Made['files'],
): Promise<void> {
  const prefix = picked.osPrefix;
  if (prefix === '' || !files.some(({ path }) => path.startsWith(prefix))) return;
  const moves = await whatMovesPrefix(base, prefix);
  if (!moves) return;
  throw new HypberryError(
    'setup.prefix-moves',
    `Hypberry's files would be behind os_prefix=${prefix}, ${moves.how}, and the card does not start.`,
    `Without guests use --method armstub, which needs no file there${moves.or === undefined ? '' : `; or ${moves.or}`}.`,
  );
}

/** How a system changes the `os_prefix` in force, and what may be done about it; undefined where nothing says that it does. */
async function whatMovesPrefix(
  base: CardReader,
  prefix: string,
): Promise<{ readonly how: string; readonly or?: string } | undefined> {
  if (SNAPD_PREFIX.test(prefix))
    return {
      how: 'where Ubuntu Core has its kernel: for the next one snapd sets another, here or in tryboot.txt',
    };
  // A system that has two of itself writes a file of its own to change between them (as wipfli/buildroot does in select.txt).
  const file = (await readFirmware(base, PI2, [])).config.settings.get('os_prefix')?.file ?? CONFIG;
  if (file !== CONFIG) {
    return {
      how: `which ${file} sets: a system that keeps it outside of ${CONFIG} writes another one there to start its other files`,
      or: `set os_prefix in ${CONFIG} itself, if nothing but you changes it`,
    };
  }
  // Ubuntu's piboot-try tries new files there, and then makes their folder the one that counts ("A/B boot on Ubuntu for
  // Raspberry Pi").
  const { config } = await readFirmware(base, { ...PI2, tryboot: true }, []);
  const tried = textSetting(config, 'os_prefix') ?? (wantsUpstream(config) ? UPSTREAM_PREFIX : '');
  if (plainPath(tried) === prefix) return undefined;
  return {
    how: `and a start that reboot "0 tryboot" asks for has os_prefix=${tried}: a system that tries its new files so makes them the ones that count`,
    or: `take the lines under [tryboot] out of ${CONFIG}, and have the system put its files in one place`,
  };
}

/** What becomes of a card with diagnostics, a sentence. */
function diagnosticsNote(isHypervisor: boolean): string {
  return `${isHypervisor ? 'The block and the hypervisor say' : 'The block says'} on the serial port (pins 8 and 10 of the header, 115200 baud) how far each core came: the README has what the letters mean.`;
}

/** As a stub the block with diagnostics is longer than others are, and a tree may be put into it, or it over the tree. */
function refuseTreeInBlock({ tree }: Picked, method: Method): void {
  if (method !== 'armstub' || (tree && tree.address >= KERNEL_OFFSET)) return;
  throw new HypberryError(
    'setup.diagnostics-tree',
    `The firmware puts ${tree ? `the device tree ${tree.file} at ${hex(tree.address)}` : 'the ATAGS at 0x100'}, where the block with diagnostics would be: which of them stays is not known.`,
    'Use --method kernel_old, where it is known; or install with --no-diagnostics.',
  );
}

/**
 * Files of ours that nothing needs once those to `keep` are in use. One that the user's own lines name, taken over from our
 * block perhaps, or a link leads to, stays, and so does a copy of one behind a prefix that is no `os_prefix` of theirs; a note says so.
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
  const links = await linksOn(card);
  const unused: string[] = [];
  const notes: string[] = [];
  for (const path of await ourFiles(card)) {
    const prefix = path.slice(0, path.search(OUR_NAME)).toLowerCase();
    const name = path.slice(prefix.length).toLowerCase();
    if (keep.some((it) => it.toLowerCase() === path.toLowerCase())) continue;
    const link = links.get(pathKey(path));
    if (link !== undefined) {
      notes.push(`${path} stays, because ${link}, a link, leads to it.`);
      continue;
    }
    // Nothing in config.txt has to do with it.
    if (isHypberrydPath(path)) {
      unused.push(path);
      notes.push(HYPBERRYD_GOES);
      continue;
    }
    if (texts.some((text) => text.includes(name)))
      notes.push(`${path} stays, because config.txt names it outside of hypberry's block.`);
    else if (prefix !== '' && !(await prefixesOf(base)).includes(prefix))
      notes.push(`${path} stays, because config.txt has no os_prefix=${prefix}: it may be a copy of yours.`);
    else unused.push(path);
  }
  return { unused, notes };
}

/** Links of the user's own at a card's root, by what they lead to. */
async function linksOn(card: CardReader): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { name, isFolder } of await cardEntries(card)) {
    if (isFolder || isMadeByUs(name)) continue;
    for (const path of (await card.stat(name))?.way ?? []) if (path !== name) found.set(pathKey(path), name);
  }
  return found;
}

async function holds(card: CardReader, path: string, data: Uint8Array): Promise<boolean> {
  const entry = await card.stat(path);
  return entry?.size === data.length && equal(await card.read(path), data);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
