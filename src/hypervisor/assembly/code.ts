/** The hypervisor's code: its body, translated, behind vectors and world switch, and the areas behind it. */
import { CORES, PERIPHERAL_BASE } from '../../board/bcm2836.js';
import { speech } from '../../boot/speech.js';
import { MOST_PORTS, SLOTS } from '../../channel/layout.js';
import type { Assembler } from '../../isa/assembler.js';
import type { Label } from '../../isa/registers.js';
import { translate, type Translation } from '../../translate/translate.js';
import * as L from '../shared/layout.js';
import { writeTexts } from './texts.js';
import { writeEntry, writeInvalidation, writeMemory, writeVectors } from './vectors.js';
import { writeWorldSwitch } from './world-switch.js';

/** Where what is no memory ends: the BCM2835's peripherals, and the local ones. */
const DEVICES_END = 0x4100_0000;

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

/** Areas behind the code: symbol and bytes. */
const AREAS = [
  ['stacks', CORES * L.STACK_SIZE],
  ['vcpus', L.VCPUS * L.VCPU_SIZE],
  ['vms', L.VMS * L.VM_SIZE],
  ['arrivals', L.ARRIVALS_SIZE],
  ['random', L.RANDOM_SIZE],
  ['hostTime', L.HOST_TIME_SIZE],
  ['host', L.HOST_SIZE],
  ['uarts', L.UARTS * L.UART_SIZE],
  ['devices', (MOST_PORTS + L.VMS) * L.DEVICE_SIZE],
  ['requests', MOST_PORTS * SLOTS * L.REQUEST_STATE_SIZE],
  ['chains', L.VMS * L.CHAIN_SIZE],
  ['uplink', L.UPLINK_SIZE],
  ['frames', CORES * L.FRAME_SIZE],
  ['rings', L.CONSOLES * L.RING_SIZE],
  ['hypTables', L.HYP_TABLES * L.TABLE_SIZE],
  ['hostTables', L.HOST_TABLES * L.TABLE_SIZE],
  ['guestTables', (L.VMS - 1) * L.GUEST_TABLES * L.TABLE_SIZE],
] as const;

/**
 * Makes the code, its configuration all zeros.
 * @param body the body as WebAssembly
 * @param origin address of its first byte
 * @param diagnostics whether it says each step and failure at the serial port
 * @throws HypberryError as `translate` does
 */
export function translateHypervisor(body: Uint8Array, origin: number, diagnostics: boolean): Translation {
  return translate(body, {
    origin,
    devices: [{ from: PERIPHERAL_BASE, to: DEVICES_END }],
    before: (a, labelOf) => {
      const say = diagnostics ? speech(a) : undefined;
      a.at(labelOf('vectors'));
      writeVectors(a, labelOf, say);
      writeEntry(a, labelOf, say);
      say?.routines();
      writeInvalidation(a, labelOf);
      writeWorldSwitch(a, labelOf);
      writeMemory(a, labelOf);
      writeTexts(a, labelOf);
    },
    after: (a, labelOf) => {
      a.at(labelOf('configuration'));
      a.org(a.here + 4 * (L.CONFIG_HEADER + (L.VMS - 1) * L.GUEST_WORDS + MOST_PORTS * L.PORT_WORDS));
      writeAreas(a, labelOf);
    },
  });
}

/** Areas that are zero at the beginning; the image ends before them. */
function writeAreas(a: Assembler, labelOf: (symbol: string) => Label): void {
  a.org(roundUp(a.here, L.TABLE_SIZE));
  a.at(labelOf('zeroFrom'));
  for (const [symbol, bytes] of AREAS) {
    a.org(roundUp(a.here, bytes < L.TABLE_SIZE ? L.CACHE_LINE : L.TABLE_SIZE));
    a.at(labelOf(symbol));
    a.org(a.here + bytes);
  }
  a.at(labelOf('zeroTo'));
}
