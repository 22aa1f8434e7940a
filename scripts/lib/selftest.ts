/** The built-in Pi 2 with the test image on its card. */
import { createBuiltInPi } from '../../src/engine/built-in.js';
import type { Handover } from '../../src/firmware/handover.js';
import { LAST_LINE } from '../../src/selftest/under-hypervisor.js';

/** Virtual nanoseconds between two looks, and how many looks there are at the most. */
const [STEP, MOST] = [10_000_000, 500];

/** A Pi 2 whose firmware has put an image at address 0, as under `kernel_old=1`. */
export function selftestHandover(image: Uint8Array): Handover {
  return {
    memory: [{ name: 'kernel', address: 0, data: image }],
    armMemory: 0x3c00_0000,
    picked: {
      kernel: { file: 'hypberry-selftest.img', address: 0, size: image.length },
      stub: { from: 'kernel' },
      ...{ tree: undefined, initramfs: undefined, osPrefix: '', commandLine: '', notes: [], unsure: [] },
    },
  };
}

/** Runs the image to its end, or until it has printed a text; gives all that it has printed on the UART. */
export async function runSelftest(image: Uint8Array, until: string = LAST_LINE): Promise<string> {
  let text = '';
  const pi = await createBuiltInPi(selftestHandover(image), (bytes, name) => {
    if (name === undefined) text += Buffer.from(bytes).toString('latin1');
  });
  for (let n = 1; n <= MOST && !text.includes(until) && pi.ending === undefined; n++) pi.run(n * STEP);
  return text;
}
