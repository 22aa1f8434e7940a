import { exists, noFile, noRoom } from '../../src/card/errors.js';
import type { Card } from '../../src/card/card.js';
import { memoryCard } from './memory-card.js';

/** A boot partition in memory that can be changed: what is done shows in `files`. */
export function changeableCard(files: Record<string, Uint8Array>, size = 1 << 30): Card {
  const find = (path: string): string | undefined =>
    Object.keys(files).find((name) => name.toLowerCase() === path.toLowerCase());
  const free = (): number => size - Object.values(files).reduce((sum, data) => sum + data.length, 0);
  const put = (path: string, data: Uint8Array): void => {
    if (data.length > free()) throw noRoom('Full.');
    files[find(path) ?? path] = data;
  };
  return {
    ...memoryCard(files),
    kind: 'folder',
    target: 'memory',
    freeBytes: async () => free(),
    check: async (changes) => {
      let left = free();
      for (const change of changes) {
        const before = files[find(change.path) ?? '']?.length ?? 0;
        if (change.kind !== 'remove' && change.data.length > left) throw noRoom('Full.');
        left += before - (change.kind === 'remove' ? 0 : change.data.length);
      }
    },
    create: async (path, data) => {
      if (find(path) !== undefined) throw exists(path);
      put(path, data);
    },
    replace: async (path, data) => {
      put(path, data);
    },
    remove: async (path) => {
      const name = find(path);
      if (name === undefined) throw noFile(path);
      Reflect.deleteProperty(files, name);
    },
    close: async () => undefined,
  };
}
