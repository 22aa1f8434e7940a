/** The Pi 2's device tree with one of its two controllers on the card's pins. */
import {
  ensureNode,
  fdtFromCells,
  fdtFromText,
  fdtText,
  findNode,
  readFdt,
  writeFdt,
} from '../../src/firmware/fdt.js';

/** A controller of the card, and how its driver moves data. */
export type CardPath = 'sdhost' | 'sdhost-pio' | 'emmc';

const SDHOST = '/soc/mmc@7e202000';
const EMMC = '/soc/mmc@7e300000';
/** The label of the card's pins as the EMMC controller has them; 6.12's tree names the node otherwise. */
const EMMC_PINS = 'emmc_gpio48';

/** A tree of Debian's for the board, with one controller or the other on the card's pins. */
export function treeFor(dtb: Uint8Array, path: CardPath): Uint8Array {
  const fdt = readFdt(dtb);
  const set = (node: string, name: string, value: Uint8Array): void => {
    ensureNode(fdt, node).properties.set(name, value);
  };
  if (path === 'emmc') {
    set(SDHOST, 'status', fdtFromText('disabled'));
    set(EMMC, 'status', fdtFromText('okay'));
    set(EMMC, 'bus-width', fdtFromCells(4));
    set(EMMC, 'pinctrl-names', fdtFromText('default'));
    const pins = fdtText(findNode(fdt, '/__symbols__')!.properties.get(EMMC_PINS)!);
    set(EMMC, 'pinctrl-0', findNode(fdt, pins)!.properties.get('phandle')!);
  } else if (path === 'sdhost-pio') {
    ensureNode(fdt, SDHOST).properties.delete('dmas');
    ensureNode(fdt, SDHOST).properties.delete('dma-names');
  }
  return writeFdt(fdt);
}
