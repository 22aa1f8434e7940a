import { SECTOR_SIZE } from '../ports/disk.js';

/** A change of a file's bytes that one written sector makes, so that a cut of the power leaves the old bytes or the new. */
export type InPlaceChange =
  /** The file is cut short, or stays as it is: only its length is written. */
  | { readonly kind: 'shorten' }
  /** Bytes of one sector of the file change, from `offset` on. */
  | { readonly kind: 'sector'; readonly offset: number; readonly bytes: Uint8Array };

/** How a file's bytes can be changed with no room beside them; undefined where they cannot. */
export function changeInPlace(before: Uint8Array, after: Uint8Array): InPlaceChange | undefined {
  const differs = (i: number): boolean => before[i] !== after[i];
  let first = 0;
  while (first < after.length && !differs(first)) first++;
  if (first === after.length && first <= before.length) return { kind: 'shorten' };
  if (after.length !== before.length) return undefined;
  let last = after.length - 1;
  while (!differs(last)) last--;
  if (Math.floor(first / SECTOR_SIZE) !== Math.floor(last / SECTOR_SIZE)) return undefined;
  return { kind: 'sector', offset: first, bytes: after.slice(first, last + 1) };
}
