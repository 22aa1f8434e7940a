import { type CardReader, type Entry } from './card.js';
import { noFile } from './errors.js';
import { foldCase, pathKey as keyOf, pathNames } from './path.js';

/** Changes to a card, by path; where a path is in both, it is written. */
export interface CardChanges {
  readonly write: ReadonlyMap<string, Uint8Array>;
  readonly remove: ReadonlySet<string>;
}

/** The card as it would be after `changes`, without writing anything. Paths match without regard to case. */
export function overlayCard(base: CardReader, changes: CardChanges): CardReader {
  const written = new Map([...changes.write].map(([path, data]) => [keyOf(path), { path, data }]));
  const removed = new Set([...changes.remove].map(keyOf));

  const entryOf = (path: string, data: Uint8Array): Entry => ({
    name: pathNames(path)?.at(-1) ?? '',
    size: data.length,
    isFolder: false,
  });

  return {
    place: base.place,
    label: base.label,
    async list(folder) {
      const parent = keyOf(folder);
      const inside = [...written].filter(([key]) => key !== '' && parentOf(key) === parent);
      const before = await base.list(folder);
      const keyIn = (name: string): string =>
        parent === '' ? foldCase(name) : `${parent}/${foldCase(name)}`;
      const kept = before
        .filter(({ name }) => written.has(keyIn(name)) || !removed.has(keyIn(name)))
        .map((entry) => {
          const change = written.get(keyIn(entry.name));
          return change === undefined ? entry : { ...entry, size: change.data.length };
        });
      const known = new Set(before.map(({ name }) => keyIn(name)));
      const added = inside.filter(([key]) => !known.has(key));
      return [...kept, ...added.map(([, { path, data }]) => entryOf(path, data))];
    },
    async stat(path) {
      const key = keyOf(path);
      const change = written.get(key);
      if (change === undefined) return removed.has(key) ? undefined : base.stat(path);
      const before = await base.stat(path);
      return before === undefined
        ? entryOf(change.path, change.data)
        : { ...before, size: change.data.length };
    },
    async read(path, offset = 0, length = Infinity) {
      const key = keyOf(path);
      const change = written.get(key);
      if (change !== undefined) return new Uint8Array(change.data.subarray(offset, offset + length));
      if (removed.has(key)) throw noFile(path);
      return base.read(path, offset, length);
    },
  };
}

function parentOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')));
}
