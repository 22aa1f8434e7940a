/** Initramfs archives: cpio in the "newc" format (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). */

/** A file of an archive. */
export interface ArchiveFile {
  readonly path: string;
  /** Type and permissions, as in st_mode. */
  readonly mode: number;
  readonly data?: Uint8Array;
  /** Device number of a special file. */
  readonly device?: readonly [major: number, minor: number];
}

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
function archive(files: readonly ArchiveFile[]): Uint8Array {
  const all = [...files, { path: 'TRAILER!!!', mode: 0 }];
  return new Uint8Array(Buffer.concat(all.map((it, i) => entry(it, i + 1))));
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
