import type { Handover, Segment } from '../../src/firmware/handover.js';

/** A machine with these bytes in memory and nothing that was picked from a card. */
export function handoverOf(...segments: readonly (readonly [address: number, data: Uint8Array])[]): Handover {
  const memory: Segment[] = segments.map(([address, data]) => ({ name: 'test', address, data }));
  return {
    memory,
    armMemory: 0x3c00_0000,
    picked: {
      kernel: { file: '', address: 0, size: 0 },
      stub: { from: 'kernel' },
      tree: undefined,
      initramfs: undefined,
      commandLine: '',
      osPrefix: '',
      notes: [],
      unsure: [],
    },
  };
}

/** Machine words as they lie in memory: 32 bits each, little-endian. */
export function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setUint32(index * 4, value, true);
  });
  return bytes;
}
