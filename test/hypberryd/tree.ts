/** Files and folders in memory, as Linux has them; what cannot be is told by its error's name. */
import type { ERRORS } from '../../src/translate/linux/constants.js';

/** What a file holds, by pages: what was never written is zeros and takes no room. */
export interface Content {
  readonly size: number;
  resize(size: number): void;
  /** Gives how many bytes there were. */
  read(position: number, into: Uint8Array): number;
  write(position: number, bytes: Uint8Array): void;
  /** Makes zeros of a range, as far as there is a file. */
  clear(position: number, count: number): void;
}
export interface FileNode {
  readonly kind: 'file';
  mode: number;
  readonly content: Content;
}
export interface FolderNode {
  readonly kind: 'folder';
  readonly mode: number;
  readonly entries: Map<string, Node>;
}
export type Node = FileNode | FolderNode;

/** A name in its folder, and what it is there, if it is. */
export interface Place {
  readonly folder: FolderNode;
  readonly name: string;
  readonly node: Node | undefined;
}

export interface Tree {
  placeOf(path: string): Place;
  makeFile(place: Place, mode: number): FileNode;
  makeFolder(path: string, mode: number): void;
  unlink(path: string): void;
  rename(from: string, to: string): void;
}

const PAGE = 4096;
const MOST_NAME = 255;
/** What new files and folders cannot be by others than their owner. */
const UMASK = 0o022;

function createContent(): Content {
  const pages = new Map<number, Uint8Array>();
  let size = 0;
  /** Goes through a range, page by page. */
  const each = (
    from: number,
    count: number,
    visit: (page: number, at: number, done: number, part: number) => void,
  ) => {
    for (let done = 0; done < count;) {
      const at = (from + done) % PAGE;
      const part = Math.min(PAGE - at, count - done);
      visit(Math.floor((from + done) / PAGE), at, done, part);
      done += part;
    }
  };
  return {
    get size() {
      return size;
    },
    resize(wanted) {
      for (const [page, bytes] of pages) {
        if (page * PAGE >= wanted) pages.delete(page);
        else if ((page + 1) * PAGE > wanted) bytes.fill(0, wanted - page * PAGE);
      }
      size = wanted;
    },
    read(position, into) {
      const count = Math.max(0, Math.min(into.length, size - position));
      each(position, count, (page, at, done, part) => {
        const bytes = pages.get(page);
        if (bytes) into.set(bytes.subarray(at, at + part), done);
        else into.fill(0, done, done + part);
      });
      return count;
    },
    write(position, from) {
      each(position, from.length, (page, at, done, part) => {
        let bytes = pages.get(page);
        if (!bytes) pages.set(page, (bytes = new Uint8Array(PAGE)));
        bytes.set(from.subarray(done, done + part), at);
      });
      if (from.length > 0) size = Math.max(size, position + from.length);
    },
    clear(position, count) {
      each(position, Math.max(0, Math.min(count, size - position)), (page, at, _, part) => {
        pages.get(page)?.fill(0, at, at + part);
      });
    },
  };
}

/**
 * Makes a tree. Paths begin at its root, whether or not they say so.
 * @param files by their paths; one that ends in `/` is a folder
 */
export function createTree(
  files: Readonly<Record<string, string | Uint8Array>>,
  fail: (error: keyof typeof ERRORS) => never,
): Tree {
  const newFolder = (mode: number): FolderNode => ({
    kind: 'folder',
    mode,
    entries: new Map<string, Node>(),
  });
  const root = newFolder(0o755);
  const placeOf = (path: string): Place => {
    if (path === '') fail('ENOENT');
    const names = path.split('/').filter((it) => it !== '' && it !== '.');
    if (names.some((it) => it.length > MOST_NAME)) fail('ENAMETOOLONG');
    let place: Place = { folder: root, name: '.', node: root };
    for (const name of names) {
      const folder = place.node ?? fail('ENOENT');
      if (folder.kind !== 'folder') return fail('ENOTDIR');
      place = { folder, name, node: folder.entries.get(name) };
    }
    return place;
  };
  const holds = (folder: Node, other: FolderNode): boolean =>
    folder === other ||
    (folder.kind === 'folder' && [...folder.entries.values()].some((it) => holds(it, other)));
  const tree: Tree = {
    placeOf,
    makeFile({ folder, name }, mode) {
      const file: FileNode = { kind: 'file', mode: mode & ~UMASK, content: createContent() };
      folder.entries.set(name, file);
      return file;
    },
    makeFolder(path, mode) {
      const { folder, name, node } = placeOf(path);
      if (node) fail('EEXIST');
      folder.entries.set(name, newFolder(mode & ~UMASK));
    },
    unlink(path) {
      const { folder, name, node } = placeOf(path);
      if (!node) fail('ENOENT');
      if (node.kind === 'folder') fail('EISDIR');
      folder.entries.delete(name);
    },
    rename(fromPath, toPath) {
      const [from, to] = [placeOf(fromPath), placeOf(toPath)];
      const source = from.node ?? fail('ENOENT');
      if (holds(source, to.folder)) fail('EINVAL');
      if (to.node && holds(to.node, from.folder)) fail('ENOTEMPTY');
      if (source === to.node) return;
      if (source.kind === 'folder' && to.node?.kind === 'file') fail('ENOTDIR');
      if (source.kind === 'file' && to.node?.kind === 'folder') fail('EISDIR');
      if (to.node?.kind === 'folder' && to.node.entries.size > 0) fail('ENOTEMPTY');
      from.folder.entries.delete(from.name);
      to.folder.entries.set(to.name, source);
    },
  };
  for (const [path, text] of Object.entries(files)) {
    const names = path.split('/').filter((it) => it !== '');
    const folders = path.endsWith('/') ? names.length : names.length - 1;
    for (let n = 1; n <= folders; n++) {
      const folder = names.slice(0, n).join('/');
      if (!placeOf(folder).node) tree.makeFolder(folder, 0o755);
    }
    if (folders < names.length)
      tree
        .makeFile(placeOf(path), 0o644)
        .content.write(0, typeof text === 'string' ? new TextEncoder().encode(text) : text);
  }
  return tree;
}
