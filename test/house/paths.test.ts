import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Paths of the project's files that a page of documentation names, from its root. */
function pathsIn(text: string): string[] {
  const named = [...text.matchAll(/`((?:src|test|scripts|bench|schema)\/[^`*…\s]*)`/g)].map(
    (match) => match[1]!,
  );
  // A walk within one room leaves its folder out.
  const rooms = [...text.matchAll(/^Paths are under `([^`]+)`\.\n([^]*?)(?=^## )/gm)];
  const inRooms = rooms.flatMap(([, room, walk]) =>
    [...walk!.matchAll(/`([a-z-]+\/[^`\s]*\.ts)`/g)]
      .map((match) => match[1]!)
      .filter((path) => !/^(?:src|test|scripts)\//.test(path))
      .map((path) => `${room!}/${path}`),
  );
  return [...named, ...inRooms];
}

test.each(['README.md', 'INSIDE.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'])(
  'every path that %s names is there',
  (page) => {
    const paths = pathsIn(readFileSync(join(root, page), 'utf8'));
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  },
);

test('every room of src stands in the map, and every variable that tests read in CONTRIBUTING.md', () => {
  const map = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const directions = readFileSync(join(import.meta.dirname, 'imports.test.ts'), 'utf8');
  const table = /MAY_IMPORT: Record<string, readonly string\[\]> = \{([^]*?)\n\};/.exec(directions)![1]!;
  const rooms = [...table.matchAll(/^ {2}(\w+):/gm)].map((match) => match[1]!);
  expect(rooms.length).toBeGreaterThan(10);
  expect(rooms.filter((room) => !map.includes(`| \`src/${room}\``))).toEqual([]);
  const long = readFileSync(join(root, 'scripts/test-long.ts'), 'utf8');
  const variables = [...long.matchAll(/^ {4}([A-Z_]+):/gm)].map((match) => match[1]!);
  expect(variables.length).toBeGreaterThan(5);
  const contributing = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
  expect(variables.filter((name) => !contributing.includes(`\`${name}\``))).toEqual([]);
});
