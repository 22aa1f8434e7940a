/** The elements of two arrays side by side, as far as both of them go. */
export function zip<A, B>(a: readonly A[], b: readonly B[]): [A, B][] {
  return a.slice(0, b.length).map((one, i) => [one, b[i]!]);
}
