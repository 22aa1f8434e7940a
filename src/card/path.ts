const MAX_NAME = 255;
// What FAT's long names cannot hold (Microsoft FAT specification 1.03, "Long Directory Entries").
const FORBIDDEN = /["*:<>?|\\\x00-\x1f\x7f]/;
// FAT drops dots and spaces at the end, so such a name would be another one; this also covers "." and "..".
const DROPPED_END = /[. ]$/;

/**
 * The names in a card's path, from the root on; empty slashes are ignored, `''` gives none.
 * Undefined where a name could not stand on FAT.
 */
export function pathNames(path: string): string[] | undefined {
  const names = path.split('/').filter((name) => name !== '');
  const bad = names.some((name) => name.length > MAX_NAME || FORBIDDEN.test(name) || DROPPED_END.test(name));
  return bad ? undefined : names;
}

/** The form of a name in which two names that FAT takes for one are equal. */
export function foldCase(name: string): string {
  // One for one, as FAT does: "ß" does not become "SS".
  return Array.from(name, (letter) => {
    const upper = letter.toUpperCase();
    return upper.length === letter.length ? upper : letter;
  }).join('');
}

/** The form of a path in which two paths of the same file are equal. */
export function pathKey(path: string): string {
  return foldCase(
    path
      .split('/')
      .filter((name) => name !== '')
      .join('/'),
  );
}
