/**
 * Reads each array of bytes once: the same array gives what it gave before, as long as anybody holds it. For readers
 * that are asked for one file from several sides; the bytes must not change.
 */
export function onceForBytes<T>(read: (bytes: Uint8Array) => T): (bytes: Uint8Array) => T {
  const known = new WeakMap<Uint8Array, { readonly value: T }>();
  return (bytes) => {
    const before = known.get(bytes);
    if (before) return before.value;
    const value = read(bytes);
    known.set(bytes, { value });
    return value;
  };
}
