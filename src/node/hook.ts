/**
 * Has a running Pi run `hypberry install` after each upgrade of its kernel, where its system has a place for that: a copy
 * of the kernel that install made would start beside the new kernel's modules, and a system that writes config.txt anew
 * takes our lines out of it.
 *
 * Debian's places (Debian Linux Kernel Handbook, chapter 8): `/etc/kernel/postinst.d` when a kernel is there,
 * `/etc/kernel/postrm.d` when one is gone, after which Debian's raspi-firmware writes config.txt anew, too, and
 * `/etc/initramfs/post-update.d` when an initramfs is there. Scripts in them run in the order of their names, those of boot
 * loaders last, by a name that begins with `zz-`.
 */
import fs from 'node:fs';
import path from 'node:path';
import { HypberryError } from '../base/errors.js';
import { syncFolder, writeDurably } from './durable-file.js';
import { isLocked, takesNewNamesOnly } from './locked-file.js';
import { piOfBootFolder } from './pi.js';
import { onSystem, systemCode } from './system-error.js';

/** Where scripts are looked for; without the first there is no hook. */
const HOOK_FOLDERS = ['etc/kernel/postinst.d', 'etc/kernel/postrm.d', 'etc/initramfs/post-update.d'];
const HOOK_NAME = 'zz-hypberry';
/** Not a name that run-parts takes: what is not whole is not run. */
const UNFINISHED = `.${HOOK_NAME}.unfinished`;

/** The script's second line. */
const MARK = '# hypberry: hook ("hypberry uninstall" takes this file away)';

const BY_HAND =
  'Run "hypberry install" by hand after each kernel upgrade; "hypberry doctor" says when it is due.';

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * The script. It never fails, which would stop the upgrade, and says what it did.
 * @param program what is run: the interpreter, and the program's file
 * @param args the program's arguments
 */
export function hookScript(program: readonly string[], args: readonly string[]): string {
  const command = [...program, ...args].map(quoted).join(' ');
  const there = program.map((file) => `[ -e ${quoted(file)} ]`).join(' && ');
  const due = quoted('hypberry: the card may start the kernel of before: run "hypberry install" by hand');
  return `#!/bin/sh
${MARK}
# Under debconf a hook has no standard input, and its output goes to standard error (Debian Linux Kernel Handbook, 8.1).
exec </dev/null
# Without a standard error it goes nowhere: a redirection that cannot be made would end this script.
if (: >&2); then exec >&2; else exec >/dev/null 2>/dev/null; fi
if ! { ${there}; }; then
  echo 'hypberry: it is not where it was when this hook was made'
  echo ${due}
  exit 0
fi
echo 'hypberry: bringing the card up to date'
${command} || echo ${due}
exit 0
`;
}

/** The hooks in their places: which are there and ours, and which are there and somebody else's. */
function hooksIn(root: string): { readonly file: string; readonly ours: boolean | undefined }[] {
  return HOOK_FOLDERS.map((folder) => path.join(root, folder))
    .filter(isFolder)
    .map((folder) => {
      const file = path.join(folder, HOOK_NAME);
      return { file, ours: isOurs(file) };
    });
}

function isFolder(at: string): boolean {
  try {
    return fs.statSync(at, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    // A link to itself, or below a folder that this user may not look into.
    return false;
  }
}

/** Whether a hook is ours; undefined where none is seen. One that this user may not read is taken for somebody else's. */
function isOurs(file: string): boolean | undefined {
  let isThere = false;
  try {
    const stat = fs.lstatSync(file, { throwIfNoEntry: false });
    isThere = stat !== undefined;
    return stat && stat.isFile() && fs.readFileSync(file, 'latin1').split('\n')[1] === MARK;
  } catch {
    return isThere ? false : undefined;
  }
}

/** Our hooks that are there. */
export function ourHooks(root = '/'): string[] {
  return hooksIn(root).flatMap(({ file, ours }) => (ours === true ? [file] : []));
}

/**
 * Where hooks for a target would be written. Changes nothing.
 * @param target the running system's own boot folder
 * @param root the folder that stands for `/`, for tests
 * @throws HypberryError `setup.hook-elsewhere`, `setup.no-hook-folder`, `setup.hook-in-use`,
 *   `setup.hook-read-only`, `setup.hook-locked`, and what {@link onSystem} makes
 *   of a folder that cannot be written
 */
export function planHooks(target: string, root = '/'): string[] {
  if (piOfBootFolder(target, root) === undefined) {
    throw new HypberryError(
      'setup.hook-elsewhere',
      `A hook is for the system that starts from the card, and "${target}" is not the boot folder of the one that runs here.`,
      'Run this on the Pi itself, with its own boot folder: "sudo hypberry install --hook /boot/firmware".',
    );
  }
  const hooks = hooksIn(root);
  const first = path.join(root, HOOK_FOLDERS[0]!);
  if (!isFolder(first)) {
    throw new HypberryError(
      'setup.no-hook-folder',
      `This system has no ${first}, where those of Debian's kind look for what to run after a kernel upgrade.`,
      BY_HAND,
    );
  }
  for (const { file, ours } of hooks) {
    requireWritable(path.dirname(file), BY_HAND);
    if (ours === false) {
      throw new HypberryError(
        'setup.hook-in-use',
        `"${file}" is there, and not from hypberry.`,
        'Give it another name, or have it run "hypberry install" itself.',
      );
    }
    requireChangeable(file);
  }
  return hooks.map(({ file }) => file);
}

function requireWritable(folder: string, hint: string): void {
  onSystem(folder, () => {
    try {
      fs.accessSync(folder, fs.constants.W_OK);
    } catch (error) {
      if (systemCode(error) !== 'EROFS') throw error;
      throw new HypberryError(
        'setup.hook-read-only',
        `"${folder}" is on a file system that is read-only, as all of some systems is.`,
        hint,
        { cause: error },
      );
    }
  });
}

function requireChangeable(file: string): void {
  const folder = path.dirname(file);
  if (takesNewNamesOnly(folder)) {
    throw new HypberryError(
      'setup.hook-locked',
      `Nothing in "${folder}" may be replaced or taken away by anybody.`,
      `Take that attribute off the folder ("chattr -a ${folder}"), and try again.`,
    );
  }
  if (!isLocked(file)) return;
  throw new HypberryError(
    'setup.hook-locked',
    `"${file}" may not be changed or taken away by anybody.`,
    `Take that attribute off it ("chattr -i -a ${file}"), and try again.`,
  );
}

/**
 * Looks whether hooks can be taken away.
 * @throws HypberryError `setup.hook-read-only`, `setup.hook-locked`, and what {@link onSystem} makes of a folder that cannot
 *   be written
 */
export function checkRemovable(files: readonly string[]): void {
  for (const file of files) {
    requireWritable(path.dirname(file), 'Mount it for writing, and try again.');
    requireChangeable(file);
  }
}

/** Writes hooks, each in one step. @throws HypberryError what {@link onSystem} makes of the system's errors */
export function writeHooks(files: readonly string[], script: string): void {
  for (const file of files) {
    const folder = path.dirname(file);
    const unfinished = path.join(folder, UNFINISHED);
    onSystem(file, () => {
      fs.rmSync(unfinished, { force: true });
      writeDurably(unfinished, Buffer.from(script), (fd) => {
        fs.fchmodSync(fd, 0o755);
      });
      fs.renameSync(unfinished, file);
      syncFolder(folder);
    });
  }
}

const COMMAND = quoted('install');
const WITH_DIAGNOSTICS = `${COMMAND} ${quoted('--diagnostics')}`;

/**
 * Has hooks that are there install with diagnostics, or without: a system that writes config.txt anew takes out of it that they
 * are on. What else was chosen stays.
 * @throws HypberryError what {@link onSystem} makes of the system's errors
 */
export function setDiagnostics(files: readonly string[], on: boolean): void {
  for (const file of files) {
    const script = onSystem(file, () => fs.readFileSync(file, 'utf8'));
    const plain = script.replaceAll(WITH_DIAGNOSTICS, COMMAND);
    writeHooks([file], on ? plain.replaceAll(COMMAND, WITH_DIAGNOSTICS) : plain);
  }
}

/** Takes hooks away. @throws HypberryError what {@link onSystem} makes of the system's errors */
export function removeHooks(files: readonly string[]): void {
  for (const file of files)
    onSystem(file, () => {
      fs.unlinkSync(file);
    });
}
