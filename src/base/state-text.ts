/** State as JSON and back: what {@link State} may hold and JSON has no form for stands in objects with one key, `$kind`. */
import { latin1 } from './bytes.js';
import type { State } from './state.js';

const ARRAYS = {
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
} as const;
type ArrayName = keyof typeof ARRAYS;

/** State as a JSON text. */
export function stateToJson(state: State): string {
  return JSON.stringify(plain(state));
}

function plain(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? '-0' : String(value) };
    case 'bigint':
      return { $bigint: String(value) };
    case 'undefined':
      return { $undefined: true };
    case 'object':
      break;
    default:
      return value;
  }
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return { $Map: [...value].map(([key, item]) => [plain(key), plain(item)]) };
  const name = Object.prototype.toString.call(value).slice(8, -1);
  if (name in ARRAYS) {
    const { buffer, byteOffset, byteLength } = value as Uint8Array;
    return { [`$${name}`]: btoa(latin1(new Uint8Array(buffer, byteOffset, byteLength))) };
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/**
 * What {@link stateToJson} was given.
 * @throws SyntaxError for text that is none of its
 */
export function stateFromJson(text: string): State {
  const value = revived(JSON.parse(text));
  if (typeof value !== 'object' || value === null) throw new SyntaxError('no state');
  return value;
}

function revived(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(revived);
  const entries = Object.entries(value);
  const [key, item] = entries[0] ?? [''];
  if (!key.startsWith('$')) return Object.fromEntries(entries.map(([name, it]) => [name, revived(it)]));
  const kind = key.slice(1);
  if (kind === 'number') return Number(item);
  if (kind === 'bigint') return BigInt(item as string);
  if (kind === 'undefined') return undefined;
  if (kind === 'Map')
    return new Map((item as [unknown, unknown][]).map(([k, v]) => [revived(k), revived(v)]));
  if (!(kind in ARRAYS)) throw new SyntaxError(`no kind of state: ${kind}`);
  const bytes = Uint8Array.from(atob(item as string), (it) => it.charCodeAt(0));
  return new ARRAYS[kind as ArrayName](bytes.buffer);
}

/**
 * Whether a state may be put in the place of another: the same names at every level, arrays of the same length and kind.
 * Lists and maps may have any length, and what is undefined or of one word may be anything of one word.
 */
export function hasShapeOf(state: unknown, other: unknown): boolean {
  const isWord = (it: unknown): boolean => typeof it !== 'object' || it === null;
  if (state === undefined || other === undefined) return true;
  if (isWord(state) || isWord(other)) return isWord(state) && isWord(other);
  const kind = (it: unknown): string => Object.prototype.toString.call(it);
  if (kind(state) !== kind(other)) return false;
  if (Array.isArray(state) || state instanceof Map) return true;
  if (ArrayBuffer.isView(state)) return state.byteLength === (other as ArrayBufferView).byteLength;
  const [a, b] = [state as Record<string, unknown>, other as Record<string, unknown>];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every(
    (name) => name in a === name in b && hasShapeOf(a[name], b[name]),
  );
}
