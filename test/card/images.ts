import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

// Images made, and read back, by programs that share no code with ours: dosfstools, mtools, sfdisk.

let folder: string | undefined;
let count = 0;

/** A path that is free, in a folder that goes when the file's tests end. */
export function temporary(name = 'image'): string {
  folder ??= fs.mkdtempSync(path.join(os.tmpdir(), 'card-images-'));
  count++;
  return path.join(folder, `${count}-${name}`);
}

/** Has that folder go. */
export function removeTemporaries(): void {
  if (folder !== undefined) fs.rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}

/** Runs a program; returns what it printed. Throws where it cannot be started or fails. */
export function run(program: string, ...args: string[]): string {
  return output(program, args).text;
}

function output(program: string, args: string[], mayFail = false): { text: string; status: number | null } {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C.UTF-8' },
  });
  if (result.error !== undefined) throw result.error;
  const text = result.stdout + result.stderr;
  if (result.status !== 0 && !mayFail) throw new Error(`${program} ${args.join(' ')}: ${text}`);
  return { text, status: result.status };
}

export interface VolumeShape {
  readonly bits: 12 | 16 | 32;
  readonly sectorsPerCluster: number;
  readonly megabytes: number;
  /** Entries in the root directory of FAT12 and FAT16. */
  readonly rootEntries?: number;
}

/** A FAT volume without a partition table, made by mkfs.fat, with these files put on it by mtools. */
export function makeVolume(shape: VolumeShape, files: Record<string, Uint8Array> = {}): string {
  const image = temporary();
  fs.closeSync(fs.openSync(image, 'w'));
  fs.truncateSync(image, shape.megabytes * 2 ** 20);
  const root = shape.rootEntries === undefined ? [] : ['-r', String(shape.rootEntries)];
  run('mkfs.fat', '-F', String(shape.bits), '-s', String(shape.sectorsPerCluster), ...root, image);
  const folders = new Set(Object.keys(files).flatMap(foldersAbove));
  for (const name of folders) run('mmd', '-i', image, `::${name}`);
  for (const [name, data] of Object.entries(files)) putFile(image, name, data);
  return image;
}

/** Puts a file on a volume with mcopy. */
export function putFile(image: string, name: string, data: Uint8Array): void {
  const source = temporary('source');
  fs.writeFileSync(source, data);
  run('mcopy', '-o', '-i', image, source, `::${name}`);
  fs.rmSync(source);
}

/** A file's bytes as mtype gives them. */
export function getFile(image: string, name: string): Uint8Array {
  const target = temporary('target');
  run('mcopy', '-n', '-i', image, `::${name}`, target);
  const data = fs.readFileSync(target);
  fs.rmSync(target);
  return new Uint8Array(data);
}

/** What fsck.fat says of a volume; "clean" where it has nothing to say. */
export function fsck(image: string): string {
  const { text, status } = output('fsck.fat', ['-n', image], true);
  return status === 0 ? 'clean' : text;
}

/** A disk image of `megabytes` with this sfdisk script's partition table, and `volume` put in at `start`. */
export function makeDisk(megabytes: number, script: string, volume?: string, start = 2048): string {
  const image = temporary('disk');
  fs.closeSync(fs.openSync(image, 'w'));
  fs.truncateSync(image, megabytes * 2 ** 20);
  const table = temporary('table');
  fs.writeFileSync(table, script);
  run('sh', '-c', `sfdisk -q "${image}" < "${table}"`);
  if (volume !== undefined) putVolume(image, volume, start);
  return image;
}

/** Puts a volume on a disk image, from sector `start` on. */
export function putVolume(image: string, volume: string, start: number): void {
  run('dd', `if=${volume}`, `of=${image}`, 'bs=512', `seek=${start}`, 'conv=notrunc,sparse', 'status=none');
}

/** Bytes that tell one file from another, and one place in it from another. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let x = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    bytes[i] = x >>> 24;
  }
  return bytes;
}

function foldersAbove(name: string): string[] {
  const parts = name.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}
