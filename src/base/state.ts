/**
 * State as plain data: numbers, strings, booleans, bigints, typed arrays, lists, maps, and objects of them. A part that
 * is saved and restored keeps all that changes in one such object, which stays the same object for ever.
 */
export type State = object;

/** A copy that later changes do not reach. Methods and getters are left behind: what they tell follows from the data. */
export function saveState(state: State): State {
  return copyOf({ ...state }) as State;
}

/** As structuredClone; yet of a typed array that shows a part of a buffer, it copies that part alone. */
function copyOf(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return (value as Uint8Array).slice();
  if (Array.isArray(value)) return value.map(copyOf);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, copyOf(item)]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf(item)]));
}

/**
 * Puts a copy of what was saved into a state, which stays the same object, as do the objects, lists, maps and typed
 * arrays in it.
 * @param into of the kind that was saved
 */
export function restoreState(into: State, saved: State): void {
  const target = into as Record<string, unknown>;
  for (const [name, value] of Object.entries(saved)) target[name] = restored(target[name], value);
}

/** @returns what now stands where `old` stood: `old` itself where it can take the value in */
function restored(old: unknown, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (typeof old !== 'object' || old === null || kindOf(old) !== kindOf(value)) return structuredClone(value);
  if (old instanceof Map && value instanceof Map) {
    old.clear();
    for (const [key, item] of structuredClone(value)) old.set(key, item);
  } else if (ArrayBuffer.isView(old)) {
    (old as Uint8Array).set(value as Uint8Array);
  } else if (Array.isArray(old) && Array.isArray(value)) {
    const items = value.map((item, index) => restored(old[index], item));
    old.splice(0, old.length, ...items);
  } else {
    restoreState(old, value);
  }
  return old;
}

/** The kind of an object, and its length where that is fixed. */
function kindOf(value: object): string {
  const kind = Object.prototype.toString.call(value);
  return ArrayBuffer.isView(value) ? `${kind} ${value.byteLength}` : kind;
}
