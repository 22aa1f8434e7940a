/** Initramfs archives: cpio in the "newc" format (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). */

import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** A file of an archive. */
export interface ArchiveFile {
  readonly path: string;
  /** Type and permissions, as in st_mode. */
  readonly mode: number;
  readonly data?: Uint8Array;
  /** Device number of a special file. */
  readonly device?: readonly [major: number, minor: number];
}

/** A folder that everyone may read. */
const FOLDER = 0o040755;
/** A file that everyone may read and execute. */
export const PROGRAM = 0o100755;
const CHARACTER_DEVICE = 0o020600;
const LINK = 0o120777;

function entry({ path, mode, data = new Uint8Array(), device = [0, 0] }: ArchiveFile, inode: number): Buffer {
  const name = `${path}\0`;
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, device[0], device[1], name.length, 0];
  const header = `070701${fields.map((it) => it.toString(16).padStart(8, '0')).join('')}${name}`;
  const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
  return Buffer.concat([padded(Buffer.from(header, 'latin1')), padded(Buffer.from(data))]);
}

/** Packs files into an archive; folders come before what is in them. */
export function archive(files: readonly ArchiveFile[]): Uint8Array {
  const all = [...files, { path: 'TRAILER!!!', mode: 0 }];
  return new Uint8Array(Buffer.concat(all.map((it, i) => entry(it, i + 1))));
}

/**
 * What stands under a folder, for an archive: folders, files that may be executed, and links.
 * @param root the folder that stands for /
 * @param wanted whether a path, without a slash in front, is wanted; a folder with all in it
 */
export async function treeOf(root: string, wanted: (path: string) => boolean): Promise<ArchiveFile[]> {
  const files: ArchiveFile[] = [];
  const look = async (path: string): Promise<void> => {
    for (const it of await readdir(join(root, path), { withFileTypes: true })) {
      const inner = path === '' ? it.name : `${path}/${it.name}`;
      if (!wanted(inner)) continue;
      const place = join(root, inner);
      if (it.isSymbolicLink())
        files.push({ path: inner, mode: LINK, data: Buffer.from(await readlink(place)) });
      else if (it.isDirectory()) {
        files.push({ path: inner, mode: FOLDER });
        await look(inner);
      } else if (it.isFile()) files.push({ path: inner, mode: PROGRAM, data: await readFile(place) });
    }
  };
  await look('');
  return files;
}

const init = (script: string): string => `#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev
${script}
exec sh
`;

/**
 * An initramfs of busybox that comes to a shell.
 * @param script what is done before, /proc and /dev being there: lines for the shell
 * @param applets commands that are found by their name, besides sh and mount
 * @param more further files
 */
export function busyboxArchive(
  busybox: Uint8Array,
  script: string,
  applets: readonly string[] = [],
  more: readonly ArchiveFile[] = [],
): Uint8Array {
  return archive([
    ...['bin', 'dev', 'proc', 'sys'].map((path) => ({ path, mode: FOLDER })),
    { path: 'dev/console', mode: CHARACTER_DEVICE, device: [5, 1] },
    { path: 'bin/busybox', mode: PROGRAM, data: busybox },
    ...['sh', 'mount', ...applets].map((name) => ({
      path: `bin/${name}`,
      mode: LINK,
      data: Buffer.from('busybox'),
    })),
    { path: 'init', mode: PROGRAM, data: Buffer.from(init(script)) },
    ...more,
  ]);
}

/** An initramfs of one static program, which is /init and has /dev/console, with more files. */
export function programArchive(program: Uint8Array, more: readonly ArchiveFile[] = []): Uint8Array {
  return archive([
    { path: 'dev', mode: FOLDER },
    { path: 'dev/console', mode: CHARACTER_DEVICE, device: [5, 1] },
    { path: 'init', mode: PROGRAM, data: program },
    ...more,
  ]);
}
