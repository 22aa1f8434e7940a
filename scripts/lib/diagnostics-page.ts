/** The README's part about diagnostics: what a machine with a guest says in the built-in Pi 2, and tables of what it means. */
import { BLOCK_STEPS, HYPERVISOR_STEPS, SAYINGS, type Step } from '../../src/boot/steps.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { buildHypervisor } from '../../src/hypervisor/image/image.js';
import { emptyFdt, ensureNode, fdtFromCells, writeFdt } from '../../src/firmware/fdt.js';
import { buildDiagnosticBlock } from '../../src/boot/diagnostics.js';
import { ARM_MEMORY, guest, handoverOf, quietHost } from '../../test/hypervisor/payloads.js';
import { silentPayload } from '../../test/support/payloads.js';
import { markdownTable } from './handover-table.js';

const TREE_AT = 0x0800_0000;
/** Virtual nanoseconds in which all is said. */
const RUN = 100_000_000;

/** What is said on the serial port. */
async function transcript(): Promise<string> {
  const armMemory = 4 * ARM_MEMORY;
  const image = buildHypervisor({
    armMemory,
    hostCores: 3,
    hostKernel: quietHost,
    guests: [guest(silentPayload)],
    diagnostics: true,
  });
  const fdt = emptyFdt();
  ensureNode(fdt, '/memory@0').properties.set('reg', fdtFromCells(0, armMemory));
  const machine = handoverOf(image, [{ name: 'tree', address: TREE_AT, data: writeFdt(fdt) }]);
  const block = buildDiagnosticBlock(TREE_AT);
  const memory = machine.memory.map((it) => (it.name === 'stub' ? { ...it, data: block } : it));
  let said = '';
  const pi = await createBuiltInPi({ ...machine, armMemory, memory }, (bytes) => {
    said += String.fromCharCode(...bytes);
  });
  pi.run(RUN);
  return said.replaceAll('\r\n', '\n').trim();
}

const stepRows = (steps: Readonly<Record<string, Step>>): string[][] =>
  Object.values(steps).map(({ letter, core, done }) => [
    `\`${letter}\``,
    core === 'each' ? 'each' : core,
    done,
  ]);

/** Transcript and tables in Markdown. */
export async function diagnosticsPage(): Promise<string> {
  return [
    `\`\`\`\n${await transcript()}\n\`\`\``,
    markdownTable([['the block', 'core', 'done when the letter is there'], ...stepRows(BLOCK_STEPS)]),
    markdownTable([
      ['the hypervisor', 'core', 'done when the letter is there'],
      ...stepRows(HYPERVISOR_STEPS),
    ]),
    markdownTable([
      ['words', 'what they say'],
      ...Object.values(SAYINGS).map(({ text, means }) => [`\`${text.trim()}\``, means]),
    ]),
  ].join('\n\n');
}
