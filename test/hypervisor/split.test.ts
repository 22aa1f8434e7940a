/** A split of the memory that is not as the file was made for: the host starts alone, and the serial port says why. */
import { describe, expect, test } from 'vitest';
import { assembler } from '../../src/isa/assembler.js';
import { r0, r1, r2, r3 } from '../../src/isa/registers.js';
import { KERNEL_OFFSET } from '../../src/boot/block.js';
import { UART0_BASE } from '../../src/board/bcm2836.js';
import { PL011_REGISTERS } from '../../src/board/pl011.js';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import {
  emptyFdt,
  ensureNode,
  findNode,
  fdtFromCells,
  fdtFromText,
  readFdt,
  writeFdt,
} from '../../src/firmware/fdt.js';
import { aloneText } from '../../src/hypervisor/shared/messages.js';
import { BRANCH_TO_ITSELF } from '../support/bare-guest.js';
import { words } from '../support/handover.js';
import { ramView } from '../support/ram.js';
import { ARM_MEMORY, consoleText, guest, handoverOf, load, smallImage } from './payloads.js';

const MIB = 1 << 20;
/** The firmware's number of the UART's clock (Raspberry Pi documentation, "Mailbox property interface"). */
const UART_CLOCK = 2;
const SEEN = 0x2000;
const TREE_AT = 0x0100_0000;

/** Nodes of the host's tree that are nothing without a hypervisor. */
const OURS = ['/serial@40010000', '/serial@40011000', '/hypberry-channel'];

/** Leaves what it is entered with at SEEN. */
const host = ((): Uint8Array => {
  const a = assembler(0);
  const end = a.label('end');
  load(a, r3, SEEN);
  a.stm(r3, [r0, r1, r2]);
  a.mrs(r0, 'CPSR');
  a.str(r0, [r3, 12]);
  a.at(end);
  a.wfi();
  a.b(end);
  return a.assemble();
})();

/** A host's tree with so much memory, in one range or two that follow each other, two consoles, and the channel. */
function treeOf(...sizes: readonly number[]): Uint8Array<ArrayBuffer> {
  const fdt = emptyFdt();
  let from = 0;
  const cells = sizes.flatMap((size) => {
    const pair = [from, size];
    from += size;
    return pair;
  });
  ensureNode(fdt, '/memory@0').properties.set('reg', fdtFromCells(...cells));
  for (const node of [...OURS, '/hypberry-channels', '/soc'])
    ensureNode(fdt, node).properties.set('compatible', fdtFromText('arm,pl011'));
  return writeFdt(fdt);
}

async function start(
  tree: Uint8Array<ArrayBuffer> | undefined,
  armMemory = ARM_MEMORY,
  prepare: (pi: BuiltInPi) => void = () => undefined,
) {
  const image = smallImage(host, [guest(words(BRANCH_TO_ITSELF))]);
  const more = tree ? [{ name: 'tree', address: TREE_AT, data: tree }] : [];
  const machine = { ...handoverOf(image, more, TREE_AT), armMemory };
  let said = '';
  const pi = await createBuiltInPi(machine, (bytes) => {
    said += String.fromCharCode(...bytes);
  });
  prepare(pi);
  const before = pi.cpu.memory.observe(image.hostEnd, 64 * 1024).slice();
  pi.run(20_000_000);
  const view = ramView(pi.cpu);
  const hasStarted = consoleText(image, pi.cpu.memory.observe(), -1).includes('started');
  const touched = Buffer.compare(before, pi.cpu.memory.observe(image.hostEnd, 64 * 1024)) !== 0;
  const entered = [0, 4, 8, 12].map((at) => view.getUint32(SEEN + at, true));
  return { pi, image, said, hasStarted, touched, entered };
}

const [before, behind] = aloneText(ARM_MEMORY / MIB);
/** Entered as by the block: HYP mode, all masked. */
const ALONE = [0, 3138, TREE_AT] as const;

describe('a split of memory', () => {
  test.each([
    ['in the tree', treeOf(ARM_MEMORY)],
    ['in the tree, in two ranges', treeOf(ARM_MEMORY / 2, ARM_MEMORY / 2)],
    ['in the tree, and more', treeOf(ARM_MEMORY + MIB)],
    ['as the VideoCore says it', undefined],
    ['as the VideoCore says it where the tree does not', treeOf(0)],
  ])('as it was, %s: the guests start', async (_, tree) => {
    const { said, hasStarted } = await start(tree);
    expect(said).toBe('');
    expect(hasStarted).toBe(true);
  });

  test.each([
    ['in the tree', treeOf(ARM_MEMORY - MIB), ARM_MEMORY, 63],
    ['in the tree, of which a part is missing', treeOf(7 * MIB, 0), ARM_MEMORY, 7],
    ['as the VideoCore says it', undefined, ARM_MEMORY - 16 * MIB, 48],
  ] as const)('that is less, %s: the host starts alone', async (_, tree, armMemory, has) => {
    const { pi, said, hasStarted, touched, entered } = await start(tree, armMemory);
    expect(said).toBe(`${before}${has}${behind}`);
    expect([hasStarted, touched]).toEqual([false, false]);
    expect(entered.slice(0, 3)).toEqual(ALONE);
    expect(entered[3]! & 0x1df).toBe(0x1da);
    expect(pi.cpu.memory.observe(KERNEL_OFFSET, host.length).slice()).toEqual(host);
    if (!tree) return;
    const fdt = readFdt(pi.cpu.memory.observe(TREE_AT, tree.length).slice());
    expect(OURS.filter((it) => findNode(fdt, it))).toEqual([]);
    expect(['/hypberry-channels', '/soc'].filter((it) => !findNode(fdt, it))).toEqual([]);
  });

  const { CR, IBRD, FBRD } = PL011_REGISTERS;
  // IBRD and FBRD: UARTCLK / (16 × 115200), in whole ones and 64ths (DDI 0183, 3.3.6).
  test.each([
    ['48 MHz', 48_000_000, 26, 3],
    ['3 MHz, as firmware of 2015', 3_000_000, 1, 40],
  ])('that is less is said at 115200 baud where UARTCLK is %s', async (_, hz, whole, parts) => {
    const { pi, said } = await start(treeOf(ARM_MEMORY - MIB), ARM_MEMORY, ({ board }) => {
      const state = board.save();
      const { clocks } = state.parts['property channel'] as { clocks: Map<number, { rate: number }> };
      clocks.get(UART_CLOCK)!.rate = hz;
      board.restore(state);
      // As firmware leaves it that was not asked to use it.
      for (const { offset } of [CR, IBRD, FBRD]) board.bus.write(0, UART0_BASE + offset, 4, 0);
    });
    expect(said).toBe(`${before}63${behind}`);
    const read = (offset: number): number => pi.board.bus.read(0, UART0_BASE + offset, 4);
    expect([read(IBRD.offset), read(FBRD.offset)]).toEqual([whole, parts]);
  });
});
