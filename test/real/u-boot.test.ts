import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { bootFiles } from '../../scripts/lib/card-image.js';
import { inputs } from '../../scripts/lib/inputs.js';
import { ascii } from '../../src/base/bytes.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { ensureNode, fdtFromText, readFdt, writeFdt } from '../../src/firmware/fdt.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { kernelImage } from '../../src/guest/kernel-image.js';
import { memoryCard } from '../support/memory-card.js';
import { everything } from './real-card.js';

/** Virtual time in which U-Boot has looked for all that it boots from, nanoseconds. */
const LONGEST = 60e9;
const BREATH = 5e6;
const TREE = 'bcm2709-rpi-2-b.dtb';

/**
 * Switches USB off in a tree: U-Boot starts it before it counts down, and spends 2.4 s of virtual time, a minute of
 * ours, in loops that wait for the system timer.
 */
function withoutUsb(tree: Uint8Array): Uint8Array {
  const fdt = readFdt(tree);
  ensureNode(fdt, '/soc/usb@7e980000').properties.set('status', fdtFromText('disabled'));
  return writeFdt(fdt);
}

it('U-Boot of Debian is no guest’s kernel, and told why', async () => {
  const { uboot } = await inputs();
  const data = await readFile(uboot);
  expect(() => kernelImage('u-boot.bin', data)).toThrow(/it is U-Boot 20\d\d\S+, linked to run at 0x8000,/);
});

it('U-Boot comes to its prompt in the built-in Pi 2, and answers there', async () => {
  const { trixie, firmware, uboot } = await inputs();
  const files = await bootFiles(trixie, firmware, {
    more: new Map([['kernel7.img', await readFile(uboot)]]),
  });
  if (!everything) files.set(TREE, withoutUsb(files.get(TREE)!));
  const machine = await prepareHandover(memoryCard(Object.fromEntries(files)));
  const decoder = new TextDecoder();
  let console = '';
  const pi = await createBuiltInPi(machine, (bytes) => {
    console += decoder.decode(bytes, { stream: true });
  });
  const runTo = (place: RegExp): void => {
    while (!place.test(console) && pi.ending === undefined && pi.cpu.time < LONGEST)
      pi.run(pi.cpu.time + BREATH);
    expect(console).toMatch(place);
  };

  // It counts the seconds down by itself; a key saves it from looking for a network and disks.
  runTo(/Hit any key to stop autoboot:/);
  pi.board.uart.receive(ascii(' '));
  runTo(/U-Boot> $/);
  expect(console).toContain('RPI 2 Model B (0xa01041)');
  expect(console).toContain('DRAM:  948 MiB');
  expect(console).not.toContain('### ERROR ###');
  if (everything) expect(console).toContain('Bus usb@7e980000: USB DWC2');

  console = '';
  pi.board.uart.receive(ascii('bdinfo\r'));
  runTo(/U-Boot> $/);
  // The bank of memory is what the tree says: 948 MiB from 0.
  expect(console).toMatch(/DRAM bank\s+= 0x0+\s/);
  expect(console).toMatch(/-> size\s+= 0x0*3b400000\s/);
}, 900_000);
