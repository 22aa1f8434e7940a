/**
 * The machine that a guest has: what stock kernels know as QEMU's "virt" with a GICv2, as far as it is there (QEMU,
 * hw/arm/virt.c). A device is a row here and a file in body/devices; the dispatch of what guests access, the nodes of
 * their trees, what a reset resets and the constants of both are made from the rows.
 */

import { GPIO_SIZE, RTC_SIZE } from './layout.js';

/** A property of a node in the guest's tree: a text, several, or cells. */
export type TreeProperty = string | readonly string[] | readonly number[];

export interface GuestDevice {
  /** By which its constants go in the body, `NAME_PAGE`, `NAME_STATE`: lower case letters. */
  readonly name: string;
  /** Guest-physical address of its registers and their bytes, whole pages; 0 bytes where it has system registers only. */
  readonly base: number;
  readonly size: number;
  /**
   * Its interrupts as a GIC numbers them, in the order of its node's binding, each by the name of its constant
   * `NAME_INTERRUPT`: from 16 a CPU's own, from 32 shared.
   */
  readonly interrupts?: Readonly<Record<string, number>>;
  /** Its node's name; rows that have the same one are one node. undefined for what a guest is not told of. */
  readonly node?: string;
  readonly compatible?: readonly string[];
  /** What else its node has. */
  readonly properties?: Readonly<Record<string, TreeProperty>>;
  /**
   * Its file in body/devices. One with registers exports `read(vcpu, offset)`, which gives the word at a multiple of 4,
   * and `write(vcpu, offset, size, value)`. Without a file, reads give 0 and writes do nothing.
   */
  readonly file?: string;
  /** `write` gives whether it is done; where it is not, the guest's store is executed again, and what interrupts goes first. */
  readonly inPieces?: boolean;
  /** What it exports, to be reset by: `resetMachine(vm)` at each start of a guest, `resetVcpu(vcpu)` at one of a CPU. */
  readonly resets?: readonly ('machine' | 'vcpu')[];
  /** Bytes that each machine keeps for it, at `NAME_STATE` in its Vm: a multiple of 8. */
  readonly state?: number;
}

/** Values of phandles in a guest's tree: its interrupt controller's, a clock's for what wants one, its GPIO's. */
export const PHANDLE = { INTERRUPTS: 1, CLOCK: 2, GPIO: 3 } as const;

/** The power key's line of the GPIO, as QEMU has it. */
export const POWER_KEY_LINE = 3;

/** Bytes of a page, by which accesses are told apart. */
export const PAGE_SIZE = 0x1000;

export const GUEST_DEVICES: readonly GuestDevice[] = [
  {
    ...{ name: 'timer', base: 0, size: 0, file: 'timer', resets: ['vcpu'] },
    ...{ node: 'timer', compatible: ['arm,armv7-timer'], properties: { 'always-on': [] } },
    interrupts: { SECURE_TIMER: 29, PHYSICAL_TIMER: 30, VIRTUAL_TIMER: 27, HYP_TIMER: 26 },
  },
  {
    ...{
      name: 'gicd',
      base: 0x0800_0000,
      size: 0x1000,
      file: 'gic-distributor',
      resets: ['machine', 'vcpu'],
    },
    ...{ node: 'intc', compatible: ['arm,cortex-a15-gic'] },
    properties: {
      '#interrupt-cells': [3],
      '#address-cells': [0],
      'interrupt-controller': [],
      phandle: [PHANDLE.INTERRUPTS],
    },
  },
  {
    ...{ name: 'gicc', base: 0x0801_0000, size: 0x2000, file: 'gic-cpu-interface', resets: ['vcpu'] },
    node: 'intc',
  },
  {
    ...{ name: 'uart', base: 0x0900_0000, size: 0x1000, file: 'pl011', resets: ['machine'] },
    ...{ node: 'pl011', compatible: ['arm,pl011', 'arm,primecell'], interrupts: { UART: 33 } },
    properties: { clocks: [PHANDLE.CLOCK, PHANDLE.CLOCK], 'clock-names': ['uartclk', 'apb_pclk'] },
  },
  {
    ...{ name: 'rtc', base: 0x0901_0000, size: 0x1000, file: 'pl031', resets: ['machine'], state: RTC_SIZE },
    ...{ node: 'pl031', compatible: ['arm,pl031', 'arm,primecell'], interrupts: { RTC: 34 } },
    properties: { clocks: [PHANDLE.CLOCK], 'clock-names': 'apb_pclk' },
  },
  {
    ...{
      name: 'gpio',
      base: 0x0903_0000,
      size: 0x1000,
      file: 'pl061',
      resets: ['machine'],
      state: GPIO_SIZE,
    },
    ...{ node: 'pl061', compatible: ['arm,pl061', 'arm,primecell'], interrupts: { GPIO: 39 } },
    properties: {
      ...{ clocks: [PHANDLE.CLOCK], 'clock-names': 'apb_pclk' },
      ...{ '#gpio-cells': [2], 'gpio-controller': [], phandle: [PHANDLE.GPIO] },
    },
  },
  // The slots of virtio,mmio. A guest's tree has those that are in use; of the others the magic number is 0.
  {
    ...{
      name: 'virtio',
      base: 0x0a00_0000,
      size: 0x4000,
      file: 'virtio/mmio',
      inPieces: true,
      resets: ['machine'],
    },
    ...{ interrupts: { FIRST_VIRTIO: 48 }, state: 24 },
  },
];

/** Guest-physical address of a device's registers. */
export function guestBase(name: string): number {
  return GUEST_DEVICES.find((it) => it.name === name)!.base;
}

/** An interrupt of a device's, by the name that its row has for it. */
export function guestInterrupt(name: string): number {
  return GUEST_DEVICES.map(({ interrupts }) => interrupts?.[name]).find((it) => it !== undefined)!;
}
