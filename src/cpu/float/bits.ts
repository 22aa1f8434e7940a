/** The bits of numbers of the host's. */
const view = new DataView(new ArrayBuffer(8));

/** A number as a single. */
export function float32Bits(value: number): number {
  view.setFloat32(0, value);
  return view.getUint32(0);
}

/** The higher word of a number as a double. */
export function float64HighWord(value: number): number {
  view.setFloat64(0, value);
  return view.getUint32(0);
}
