import { HypberryError } from '../../src/base/errors.js';
import type { CardReader, Entry } from '../../src/card/card.js';

const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content;

/** A boot partition in memory: contents by path. Counts nothing, checks nothing, and matches without regard to case. */
export function memoryCard(files: Readonly<Record<string, string | Uint8Array>>): CardReader {
  const find = (path: string): [string, Uint8Array] | undefined => {
    const found = Object.entries(files).find(([name]) => name.toLowerCase() === path.toLowerCase());
    return found && [found[0], bytesOf(found[1])];
  };
  const missing = (path: string): HypberryError =>
    new HypberryError('card.no-file', `There is no ${path}.`, 'Name another.');
  const inFolder = (folder: string): Entry[] => {
    const prefix = folder === '' ? '' : `${folder.toLowerCase()}/`;
    const entries = new Map<string, Entry>();
    for (const [path, content] of Object.entries(files)) {
      if (!path.toLowerCase().startsWith(prefix)) continue;
      const [name = '', ...rest] = path.slice(prefix.length).split('/');
      const isFolder = rest.length > 0;
      entries.set(name, { name, isFolder, size: isFolder ? 0 : bytesOf(content).length });
    }
    return [...entries.values()];
  };
  return {
    list: async (folder) => {
      const entries = inFolder(folder);
      if (entries.length === 0 && folder !== '') throw missing(folder);
      return entries;
    },
    stat: async (path) => {
      const parts = path.split('/');
      const name = parts.pop()!.toLowerCase();
      return inFolder(parts.join('/')).find((entry) => entry.name.toLowerCase() === name);
    },
    read: async (path, offset = 0, length) => {
      const file = find(path);
      if (!file) throw missing(path);
      return file[1].slice(offset, length === undefined ? undefined : offset + length);
    },
  };
}
