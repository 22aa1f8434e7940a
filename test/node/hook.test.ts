import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  checkRemovable,
  hookScript,
  ourHooks,
  planHooks,
  removeHooks,
  setDiagnostics,
  writeHooks,
} from '../../src/node/hook.js';
import { run, temporary } from '../card/images.js';

let mountedAt: string | undefined;
afterEach(() => {
  if (mountedAt !== undefined) run('umount', mountedAt);
  mountedAt = undefined;
});

/** A root folder of a Pi with these folders in it; its boot folder is /boot/firmware. */
function root(...folders: readonly string[]): { at: string; boot: string } {
  const at = temporary('root');
  const boot = path.join(at, 'boot/firmware');
  for (const folder of [boot, ...folders.map((it) => path.join(at, it))])
    fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(boot, 'config.txt'), '');
  return { at, boot };
}

const KERNEL = 'etc/kernel/postinst.d';
const REMOVAL = 'etc/kernel/postrm.d';
const INITRAMFS = 'etc/initramfs/post-update.d';
const script = hookScript(['/usr/bin/node', '/opt/hypberry/main.js'], ['install', '/boot/firmware']);

describe('hooks', () => {
  test('are put where Debian looks, executable, and taken away again', () => {
    const { at, boot } = root(KERNEL, REMOVAL, INITRAMFS);
    const files = planHooks(boot, at);
    expect(files).toEqual([KERNEL, REMOVAL, INITRAMFS].map((folder) => path.join(at, folder, 'zz-hypberry')));
    expect(ourHooks(at), 'a plan writes nothing').toEqual([]);
    writeHooks(files, 'an earlier one');
    expect(ourHooks(at), 'not ours by its name alone').toEqual([]);
    for (const file of files) fs.rmSync(file);
    writeHooks(files, script);
    writeHooks(planHooks(boot, at), script);
    expect(ourHooks(at)).toEqual(files);
    for (const file of files) {
      expect(fs.statSync(file).mode & 0o777).toBe(0o755);
      expect(fs.readdirSync(path.dirname(file))).toEqual(['zz-hypberry']);
    }
    // Debian's run-parts takes them, by their name and mode.
    expect(run('run-parts', '--list', path.join(at, KERNEL)).trim()).toBe(files[0]);
    removeHooks(ourHooks(at));
    expect(fs.readdirSync(path.join(at, KERNEL))).toEqual([]);
  });

  test('hear of diagnostics that are asked for, or ended, later', () => {
    const { at, boot } = root(KERNEL, INITRAMFS);
    const files = planHooks(boot, at);
    const says = (): string[] => files.map((file) => fs.readFileSync(file, 'utf8'));
    const args = (...more: string[]) => ['install', ...more, '--method', 'armstub', "/boot/it's"];
    const [without, withThem] = [[], ['--diagnostics']].map((more) => hookScript(['/bin/x'], args(...more)));
    writeHooks(files, without!);
    for (const on of [true, true, false, false]) {
      setDiagnostics(files, on);
      expect(says()).toEqual(files.map(() => (on ? withThem : without)));
    }
    expect(ourHooks(at)).toEqual(files);
  });

  test('need only the kernels’ folder', () => {
    const { at, boot } = root(KERNEL);
    expect(planHooks(boot, at)).toEqual([path.join(at, KERNEL, 'zz-hypberry')]);
  });

  test('setup.hook-elsewhere: another card than the system’s own', () => {
    const { at } = root(KERNEL, 'media/card');
    fs.writeFileSync(path.join(at, 'media/card/config.txt'), '');
    for (const target of [path.join(at, 'media/card'), path.join(at, 'card.img')])
      expect(() => planHooks(target, at)).toThrow(expect.objectContaining({ code: 'setup.hook-elsewhere' }));
  });

  test('setup.no-hook-folder: a system of another kind, told what to do by hand', () => {
    const { at, boot } = root(INITRAMFS);
    expect(() => planHooks(boot, at)).toThrow(
      expect.objectContaining({
        code: 'setup.no-hook-folder',
        hint: expect.stringContaining('by hand after each kernel upgrade') as string,
      }),
    );
  });

  test('setup.no-hook-folder: LibreELEC, whose boot folder is /flash', () => {
    const at = temporary('root');
    const flash = path.join(at, 'flash');
    fs.mkdirSync(flash, { recursive: true });
    fs.writeFileSync(path.join(flash, 'config.txt'), '');
    expect(() => planHooks(flash, at)).toThrow(expect.objectContaining({ code: 'setup.no-hook-folder' }));
  });

  test('setup.hook-in-use: a file or link of somebody else’s stays, also at uninstall', () => {
    const { at, boot } = root(KERNEL, INITRAMFS);
    const file = path.join(at, INITRAMFS, 'zz-hypberry');
    const theirs = path.join(at, 'theirs');
    fs.writeFileSync(theirs, script);
    for (const make of [
      () => {
        fs.writeFileSync(file, '#!/bin/sh\necho mine\n');
      },
      () => {
        fs.symlinkSync(theirs, file);
      },
    ]) {
      make();
      expect(() => planHooks(boot, at)).toThrow(expect.objectContaining({ code: 'setup.hook-in-use' }));
      expect(ourHooks(at)).toEqual([]);
      fs.rmSync(file);
    }
  });

  test.each<[string, (folder: string) => void]>([
    [
      'a file',
      (folder) => {
        fs.writeFileSync(folder, '');
      },
    ],
    [
      'a link to itself',
      (folder) => {
        fs.symlinkSync(path.basename(folder), folder);
      },
    ],
  ])('are not looked for where %s is in the folder’s place', (_, make) => {
    const { at, boot } = root(KERNEL, INITRAMFS);
    fs.rmdirSync(path.join(at, INITRAMFS));
    make(path.join(at, INITRAMFS));
    expect(planHooks(boot, at)).toEqual([path.join(at, KERNEL, 'zz-hypberry')]);
    fs.rmdirSync(path.join(at, KERNEL));
    make(path.join(at, KERNEL));
    expect(ourHooks(at)).toEqual([]);
    expect(() => planHooks(boot, at)).toThrow(expect.objectContaining({ code: 'setup.no-hook-folder' }));
  });

  test('are not seen by a user who may not read them', ({ skip }) => {
    skip(process.getuid?.() !== 0, 'needs root: not tried here');
    const { at, boot } = root(KERNEL);
    writeHooks(planHooks(boot, at), script);
    const folder = path.join(at, KERNEL);
    try {
      for (const [mode, of] of [
        [0o700, ourHooks(at)[0]!],
        [0o700, folder],
      ] as const) {
        fs.chmodSync(of, mode);
        process.seteuid!(65534);
        expect(ourHooks(at)).toEqual([]);
        process.seteuid!(0);
      }
    } finally {
      process.seteuid!(0);
    }
  });

  test('setup.hook-locked: one that nobody may take away is told before anything is changed', ({ skip }) => {
    const { at, boot } = root(KERNEL);
    writeHooks(planHooks(boot, at), script);
    const files = ourHooks(at);
    checkRemovable(files);
    const folder = path.dirname(files[0]!);
    for (const [attribute, where] of [
      ['i', files[0]!],
      ['a', files[0]!],
      ['a', folder],
    ] as const) {
      const { status } = spawnSync('chattr', [`+${attribute}`, where]);
      if (status !== 0) skip('chattr does not work here: a hook that may not be changed was not tried');
      try {
        const locked = expect.objectContaining({ code: 'setup.hook-locked' }) as unknown;
        expect(() => {
          checkRemovable(files);
        }).toThrow(locked);
        expect(() => planHooks(boot, at)).toThrow(locked);
      } finally {
        run('chattr', `-${attribute}`, where);
      }
    }
  });

  test('setup.hook-read-only: a system that cannot be written', ({ skip }) => {
    skip(process.getuid?.() !== 0, 'needs root: not tried here');
    const { at, boot } = root(KERNEL);
    const folder = path.join(at, KERNEL);
    run('mount', '-t', 'tmpfs', '-o', 'size=64k,ro', 'tmpfs', folder);
    mountedAt = folder;
    expect(() => planHooks(boot, at)).toThrow(
      expect.objectContaining({
        code: 'setup.hook-read-only',
        hint: expect.stringContaining('by hand after each kernel upgrade') as string,
      }),
    );
    expect(() => {
      checkRemovable([path.join(folder, 'zz-hypberry')]);
    }).toThrow(
      expect.objectContaining({
        code: 'setup.hook-read-only',
        hint: expect.stringContaining('for writing') as string,
      }),
    );
  });
});

describe('the script', () => {
  const folder = temporary("it's here");
  const main = path.join(folder, 'main.js');
  /** Runs it as a kernel's package does, with a program that notes its arguments and ends so. */
  function upgrade(status: number, remove = false) {
    fs.mkdirSync(folder, { recursive: true });
    const noted = path.join(folder, 'noted');
    fs.rmSync(noted, { force: true });
    fs.writeFileSync(
      main,
      `printf '%s|' "$@" > '${noted.replaceAll("'", `'\\''`)}'; echo installed; exit ${status}\n`,
    );
    const hook = path.join(folder, 'hook');
    fs.writeFileSync(
      hook,
      hookScript(['/bin/sh', main], ['install', '--method', 'kernel_old', "/boot/it's $HOME"]),
      {
        mode: 0o755,
      },
    );
    if (remove) fs.rmSync(main);
    const result = spawnSync(hook, ['6.1.21-v7+', '/boot/vmlinuz-6.1.21-v7+'], { encoding: 'utf8', env: {} });
    return { ...result, noted: fs.existsSync(noted) ? fs.readFileSync(noted, 'utf8') : undefined };
  }

  test('runs install with what was chosen, and says so on standard error', () => {
    const { status, stdout, stderr, noted } = upgrade(0);
    expect([status, stdout]).toEqual([0, '']);
    expect(stderr).toBe('hypberry: bringing the card up to date\ninstalled\n');
    expect(noted).toBe("install|--method|kernel_old|/boot/it's $HOME|");
  });

  test('never stops the upgrade, also where there is no standard error', () => {
    upgrade(0);
    const { status } = spawnSync('/bin/sh', ['-c', '"$1" <&- >&- 2>&-', 'sh', path.join(folder, 'hook')]);
    expect(status).toBe(0);
    expect(fs.readFileSync(path.join(folder, 'noted'), 'utf8')).toContain('install|');
  });

  test.each([
    ['install fails', 2, false],
    ['hypberry is gone', 0, true],
  ])('never stops the upgrade, and says what is to be done: %s', (_, failure, gone) => {
    const { status, stdout, stderr } = upgrade(failure, gone);
    expect([status, stdout]).toEqual([0, '']);
    expect(stderr).toContain('run "hypberry install" by hand');
  });
});
