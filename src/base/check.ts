/** A sum over bytes that tells damage, not intent: 32 bits, little-endian words, and the bytes that are left. */
export function checkOf(bytes: Uint8Array): number {
  let sum = bytes.length | 0;
  const mix = (word: number): void => {
    sum = Math.imul(sum ^ word, 0x0100_0193) ^ (sum >>> 15);
  };
  const whole = bytes.byteOffset % 4 === 0 ? bytes.length >>> 2 : 0;
  const words = new Int32Array(bytes.buffer, whole === 0 ? 0 : bytes.byteOffset, whole);
  for (let i = 0; i < whole; i++) mix(words[i]!);
  let i = whole * 4;
  // Where words are not aligned.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (; i + 4 <= bytes.length; i += 4) mix(view.getInt32(i, true));
  for (; i < bytes.length; i++) mix(bytes[i]!);
  return sum >>> 0;
}
