/** INSIDE.md's table of what the handover check finds, made by running each boot code in the built-in Pi 2. */
import { buildStub, KERNEL_OFFSET } from '../../src/boot/block.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { watchHandover } from '../../src/engine/handover-watch.js';
import { emptyFdt, ensureNode, writeFdt } from '../../src/firmware/fdt.js';
import type { Handover, Segment } from '../../src/firmware/handover.js';
import { buildPlainStub } from '../../src/firmware/plain-stub.js';
import { handoverOf } from '../../test/support/handover.js';
import { releasingKernel } from '../../test/support/payloads.js';
import { armstub7, bootCodeWith, RPI2_HYP_BOOT } from '../../test/support/yardsticks.js';

/** Where the trees lie. */
const TREE_AT = 0x0800_0000;
/** Today's trees are as large (Debian's: 13 to 21 KB). */
const TREE_BYTES = 20_000;
/** Virtual nanoseconds in which the small kernel has its cores. */
const RUN = 1_000_000;

/** How the table says what does not hold, by the point's name. */
const WORDS: Readonly<Record<string, string>> = {
  mode: 'SVC mode',
  'data cache': 'Secure data cache bit set',
  'tree place': 'tree of 20 KB at the fixed 0x100 reaches into the page tables',
  counter: 'core timers left standing still',
  CNTVOFF: 'CNTVOFF not set (unknown at reset)',
  HVC: 'HVC off',
  SMC: 'SMC open',
  timers: 'virtual timer on',
  mailbox: 'mailbox not cleared',
};

/** What was tried by hand, on files that this project cannot fetch. */
const BY_HAND: readonly (readonly [string, string])[] = [
  [
    'the stub inside start.elf of 8 July 2015, itself (notro/rpi-firmware; by hand, 29 November 2026)',
    'SVC mode, Secure data cache bit set, core timers left standing still, SMC open, virtual timer on; its kernel says SVC mode',
  ],
];

/** The points that do not hold of a machine, for a cell. */
export async function faultsOf(machine: Handover): Promise<string> {
  const pi = await createBuiltInPi(machine, () => undefined, [watchHandover]);
  pi.run(RUN);
  const faults = pi.report().handover!.filter(({ ok }) => ok !== true);
  return faults.length === 0 ? 'none' : faults.map(({ point }) => WORDS[point] ?? point).join(', ');
}

function behind(stub: Uint8Array, treeAt: number): Handover {
  const base = handoverOf();
  const fdt = emptyFdt();
  ensureNode(fdt, '/filler').properties.set('filler', new Uint8Array(TREE_BYTES));
  const kernel = releasingKernel(KERNEL_OFFSET).image;
  const memory: Segment[] = [
    { name: 'stub', address: 0, data: stub },
    { name: 'kernel', address: KERNEL_OFFSET, data: kernel },
    { name: 'tree', address: treeAt, data: writeFdt(fdt) },
  ];
  memory.sort((a, b) => a.address - b.address);
  const picked = { ...base.picked, kernel: { file: '', address: KERNEL_OFFSET, size: kernel.length } };
  return { ...base, memory, picked };
}

/** The rows of the boot codes that can be built here, in the table's order. */
export async function rebuiltRows(): Promise<[string, string][]> {
  const codes: [string, Handover][] = [
    ["hypberry's block", behind(buildStub({ tree: TREE_AT, kernel: KERNEL_OFFSET }), TREE_AT)],
    [
      'rpi2-hyp-boot of 2015 (its behaviour, rebuilt)',
      behind(bootCodeWith(RPI2_HYP_BOOT, KERNEL_OFFSET), RPI2_HYP_BOOT.tree),
    ],
    [
      'armstub7 as in raspberrypi/tools (its behaviour, rebuilt)',
      behind(bootCodeWith(armstub7(TREE_AT), KERNEL_OFFSET), TREE_AT),
    ],
    [
      'the stub of July 2015 (its behaviour, rebuilt)',
      behind(buildPlainStub(TREE_AT, KERNEL_OFFSET), TREE_AT),
    ],
  ];
  const rows: [string, string][] = [];
  for (const [name, machine] of codes) rows.push([name, await faultsOf(machine)]);
  return rows;
}

/**
 * The whole table in Markdown.
 * @param today what is found of the stub inside today's start.elf, and the firmware's date
 */
export async function handoverTable(today: {
  readonly found: string;
  readonly date: string;
}): Promise<string> {
  const [block, original, armstub, plain] = await rebuiltRows();
  return markdownTable([
    ['boot code', 'points that do not hold'],
    block!,
    original!,
    armstub!,
    [`the stub inside today's start.elf (${today.date}, itself)`, today.found],
    plain!,
    ...BY_HAND,
  ]);
}

/** A table as Prettier leaves it; the first row is its head. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head, ...rest] = rows;
  const widths = head!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(head!), rule, ...rest.map(line)].join('\n');
}
