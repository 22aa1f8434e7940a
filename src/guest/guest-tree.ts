/**
 * A guest's device tree: the machine that stock kernels know as QEMU's "virt" with a GICv2, as far as it is there
 * (QEMU, hw/arm/virt.c; Linux, Documentation/devicetree/bindings).
 */
import { emptyFdt, ensureNode, fdtFromCells, fdtFromText, writeFdt } from '../firmware/fdt.js';
import type { FdtNode } from '../firmware/fdt.js';
import { concatBytes } from '../base/bytes.js';
import { GUEST_RAM } from '../hypervisor/shared/layout.js';

export interface GuestTreeOptions {
  /** Bytes. */
  readonly memory: number;
  readonly cores: number;
  readonly commandLine: string;
  /** Where in its memory the initramfs is, bytes from the beginning, and its length. */
  readonly initramfs?: { readonly offset: number; readonly length: number };
}

const DISTRIBUTOR = 0x0800_0000;
const CPU_INTERFACE = 0x0801_0000;
const UART = 0x0900_0000;
const PHANDLE = { INTERRUPTS: 1, CLOCK: 2 } as const;
/** Cells of an interrupt (arm,gic binding): kind, number, trigger. */
const [SPI, PPI] = [0, 1];
const LEVEL_HIGH = 4;
/** Trigger of a private interrupt: for which CPUs, level low as the timers' outputs are. */
const PRIVATE_LOW = 0xf08;
/** Secure, non-secure, virtual and HYP timer, in the order of the arm,armv7-timer binding. */
const TIMER_PPIS = [13, 14, 11, 10];
/** A clock for what wants one; nothing depends on its rate. */
const CLOCK_HZ = 24_000_000;

function set(node: FdtNode, properties: Readonly<Record<string, string | readonly number[]>>): void {
  for (const [name, value] of Object.entries(properties))
    node.properties.set(name, typeof value === 'string' ? fdtFromText(value) : fdtFromCells(...value));
}

/** Builds the tree. Gives a flattened one. */
export function guestTree({ memory, cores, commandLine, initramfs }: GuestTreeOptions): Uint8Array {
  const fdt = emptyFdt();
  set(fdt.root, {
    '#address-cells': [1],
    '#size-cells': [1],
    compatible: 'linux,dummy-virt',
    model: 'Hypberry guest',
    'interrupt-parent': [PHANDLE.INTERRUPTS],
  });
  const chosen = ensureNode(fdt, '/chosen');
  set(chosen, { bootargs: commandLine, 'stdout-path': `/pl011@${UART.toString(16)}` });
  if (initramfs) {
    const start = GUEST_RAM + initramfs.offset;
    set(chosen, { 'linux,initrd-start': [start], 'linux,initrd-end': [start + initramfs.length] });
  }
  set(ensureNode(fdt, `/memory@${GUEST_RAM.toString(16)}`), {
    device_type: 'memory',
    reg: [GUEST_RAM, memory],
  });
  set(ensureNode(fdt, '/cpus'), { '#address-cells': [1], '#size-cells': [0] });
  for (let n = 0; n < cores; n++) {
    set(ensureNode(fdt, `/cpus/cpu@${n}`), {
      device_type: 'cpu',
      compatible: 'arm,cortex-a7',
      reg: [n],
      'enable-method': 'psci',
    });
  }
  set(ensureNode(fdt, '/psci'), { compatible: 'arm,psci-0.2', method: 'hvc' });
  set(ensureNode(fdt, '/timer'), {
    compatible: 'arm,armv7-timer',
    interrupts: TIMER_PPIS.flatMap((it) => [PPI, it, PRIVATE_LOW]),
    'always-on': [],
  });
  set(ensureNode(fdt, `/intc@${DISTRIBUTOR.toString(16)}`), {
    compatible: 'arm,cortex-a15-gic',
    '#interrupt-cells': [3],
    '#address-cells': [0],
    'interrupt-controller': [],
    reg: [DISTRIBUTOR, 0x1000, CPU_INTERFACE, 0x2000],
    phandle: [PHANDLE.INTERRUPTS],
  });
  set(ensureNode(fdt, '/apb-pclk'), {
    compatible: 'fixed-clock',
    '#clock-cells': [0],
    'clock-frequency': [CLOCK_HZ],
    'clock-output-names': 'clk24mhz',
    phandle: [PHANDLE.CLOCK],
  });
  const uart = ensureNode(fdt, `/pl011@${UART.toString(16)}`);
  set(uart, {
    reg: [UART, 0x1000],
    interrupts: [SPI, 1, LEVEL_HIGH],
    clocks: [PHANDLE.CLOCK, PHANDLE.CLOCK],
  });
  uart.properties.set('compatible', texts('arm,pl011', 'arm,primecell'));
  uart.properties.set('clock-names', texts('uartclk', 'apb_pclk'));
  return writeFdt(fdt);
}

/** Several texts as one property's value. */
export function texts(...all: readonly string[]): Uint8Array {
  return concatBytes(...all.map(fdtFromText));
}
