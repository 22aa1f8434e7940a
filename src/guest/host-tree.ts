/**
 * The host's device tree: the card's, with the guests' cores taken out, and put in the near ends of the consoles and what
 * hypberryd finds the channel by.
 */
import { HypberryError } from '../base/errors.js';
import { DOORBELL } from '../channel/layout.js';
import type { Fdt, FdtNode } from '../firmware/fdt.js';
import { ensureNode, fdtCells, fdtFromCells, fdtFromText, findNode } from '../firmware/fdt.js';
import {
  BELL,
  BELL_INTERRUPT,
  CONSOLES_INTERRUPT,
  NEAR_UARTS,
  UART_PERIPHERAL_ID,
} from '../hypervisor/shared/layout.js';
import { texts } from './guest-tree.js';

/** Bytes of a console's page. */
const PAGE = 0x1000;
/** The GPU's interrupt controller of mainline kernels, and of Raspberry Pi's before 4.4, which number alike. */
const CONTROLLERS = ['brcm,bcm2836-armctrl-ic', 'brcm,bcm2708-armctrl-ic'];
/** An interrupt as they number it: GPU interrupts from 32 on are bank 2. */
const numbered = (interrupt: number): Uint8Array => fdtFromCells(2, interrupt - 32);
/** For the driver's sums: no bit of a console takes time. */
const CLOCK_HZ = 48_000_000;
/** Affinity 0 of a cpu node's reg. */
const AFFINITY = 3;

/** The node of a console's near end, and of the bell: no other tree has one there, below the root. */
export const consoleNode = (n: number): string => `serial@${(NEAR_UARTS + PAGE * n).toString(16)}`;

/** The node of their clock: it stays where the hypervisor starts the host alone, and takes the consoles out. */
export const CONSOLE_CLOCK = 'console-clock';

/** The node by which hypberryd finds the channel, below the root (CHANNEL.md). */
export const CHANNEL_NODE = 'hypberry-channel';

/** The channel, as the host is to find it. */
export interface HostChannel {
  /** Physical address, and bytes. */
  readonly address: number;
  readonly size: number;
}

/** What a node's compatible property lists. */
function compatibleOf(node: FdtNode): string[] {
  const value = node.properties.get('compatible');
  return value ? new TextDecoder().decode(value).split('\0') : [];
}

function* allNodes(node: FdtNode): Generator<FdtNode> {
  yield node;
  for (const child of node.children) yield* allNodes(child);
}

/**
 * Changes the card's tree, in place.
 * @param cores cores that stay with the host, from 0 on
 * @param consoles how many near ends; they become the serial ports after those that the tree has
 * @param channel has one more near end behind them, the channel's bell; undefined where there is none
 * @returns the alias of each, `serial2` and on, whose number is that of its /dev/ttyAMA
 * @throws HypberryError `guest.tree` where the tree has no interrupt controller to go by
 */
export function changeHostTree(fdt: Fdt, cores: number, consoles: number, channel?: HostChannel): string[] {
  const cpus = findNode(fdt, '/cpus');
  if (cpus) {
    const stay = cpus.children.filter(
      ({ name, properties }) =>
        !name.startsWith('cpu@') || ((fdtCells(properties.get('reg')!)[0] ?? 0) & AFFINITY) < cores,
    );
    cpus.children.splice(0, cpus.children.length, ...stay);
  }
  const nodes = [...allNodes(fdt.root)];
  const controller = nodes.find((it) => compatibleOf(it).some((name) => CONTROLLERS.includes(name)));
  const handle = controller?.properties.get('phandle');
  if (!handle) {
    throw new HypberryError(
      'guest.tree',
      "The host's device tree has no BCM2836 interrupt controller.",
      'Use the tree of a Raspberry Pi 2 with a mainline kernel, or one of Raspberry Pi OS.',
    );
  }
  const phandles = nodes.flatMap(({ properties }) => fdtCells(properties.get('phandle') ?? new Uint8Array()));
  const clock = Math.max(0, ...phandles) + 1;
  const clockNode = ensureNode(fdt, `/${CONSOLE_CLOCK}`).properties;
  clockNode.set('compatible', fdtFromText('fixed-clock'));
  clockNode.set('#clock-cells', fdtFromCells(0));
  clockNode.set('clock-frequency', fdtFromCells(CLOCK_HZ));
  clockNode.set('phandle', fdtFromCells(clock));
  const aliases = ensureNode(fdt, '/aliases');
  const numbers = [...aliases.properties.keys()].flatMap((it) => /^serial(\d+)$/.exec(it)?.[1] ?? []);
  const first = Math.max(-1, ...numbers.map(Number)) + 1;
  const near = Array.from({ length: consoles + (channel ? 1 : 0) }, (_, n) => {
    const isBell = n === consoles;
    const place = isBell ? BELL : n;
    const name = consoleNode(place);
    const { properties } = ensureNode(fdt, `/${name}`);
    properties.set('compatible', texts('arm,pl011', 'arm,primecell'));
    properties.set('reg', fdtFromCells(NEAR_UARTS + PAGE * place, PAGE));
    properties.set('interrupt-parent', handle);
    properties.set('interrupts', numbered(isBell ? BELL_INTERRUPT : CONSOLES_INTERRUPT));
    properties.set('clocks', fdtFromCells(clock, clock));
    properties.set('clock-names', texts('uartclk', 'apb_pclk'));
    properties.set('arm,primecell-periphid', fdtFromCells(UART_PERIPHERAL_ID));
    const alias = `serial${first + n}`;
    aliases.properties.set(alias, fdtFromText(`/${name}`));
    return alias;
  });
  if (channel) {
    const { properties } = ensureNode(fdt, `/${CHANNEL_NODE}`);
    properties.set('compatible', fdtFromText('hypberry,channel'));
    const bell = NEAR_UARTS + PAGE * BELL;
    properties.set('reg', fdtFromCells(channel.address, channel.size, DOORBELL, PAGE, bell, PAGE));
  }
  return near.slice(0, consoles);
}
